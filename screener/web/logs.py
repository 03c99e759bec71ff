"""Logs: a line an event with the keys that may be told, and nothing that a person wrote or a link holds.

A key that is not on the list is dropped. Of a failure its kind and its places in the code are told, never its
words; of what libraries tell, who tells it. The server's own lines are kept whole: they hold no request.
"""

from __future__ import annotations

import logging
import logging.config
import re
import secrets
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, Final

import structlog
from flask import Flask, Response, g, request
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from screener.settings import Settings

KEYS: Final = (
    "time",
    "level",
    "event",
    "request",
    "route",
    "method",
    "status",
    "ms",
    "message",
    "kind",
    "outcome",
    "number",
    "error",
    "at",
    "logger",
)
# As proxies make them: nothing that a person wrote looks so.
_REQUEST_ID: Final = re.compile(r"[0-9a-f]{16,32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Ours and the server's; the words of others may quote what they were given.
_WORDS_OF: Final = ("screener", "_granian")
_DEEPEST: Final = 40
Heard = Callable[[str, str, int, float], None]


def get_log(name: str) -> BoundLogger:
    log: BoundLogger = structlog.stdlib.get_logger(name)
    return log


# ---------------------------------------------------------------- what a line may hold


def _keep_listed(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {key: event[key] for key in KEYS if key in event}


def _tell_failure(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Its kind and where it passed; its words and the values around it may be a patient's."""
    failure = event.pop("exc_info", None)
    if failure is True:
        failure = sys.exc_info()
    error = failure[1] if isinstance(failure, tuple) else failure
    if isinstance(error, BaseException):
        places = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
        event["error"] = type(error).__name__
        event["at"] = [f"{place.filename}:{place.lineno} {place.name}" for place in places]
    return event


def _hush_libraries(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    if not record.name.startswith(_WORDS_OF):
        event["event"] = "told by a library"
    event["exc_info"] = record.exc_info
    return event


_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
]
structlog.configure(
    processors=[*_SHARED, _tell_failure, _keep_listed, ProcessorFormatter.wrap_for_formatter],
    wrapper_class=BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
)


def make_formatter() -> ProcessorFormatter:
    """JSON; readable where somebody watches."""
    render: Processor = (
        structlog.dev.ConsoleRenderer(timestamp_key="time")
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=True)
    )
    return ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, _hush_libraries, _tell_failure],
        processors=[_keep_listed, render],
        # The formatter would print a traceback with its words.
        keep_exc_info=False,
        keep_stack_info=False,
    )


def configuration() -> dict[str, Any]:
    """For `logging.config`, and for the server, which sets it up in each of its processes."""
    ours = {"handlers": ["stderr"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": make_formatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "screener": {**ours, "level": "INFO"},
            "_granian": {**ours, "level": "WARNING"},
            # It would tell addresses, which hold tokens.
            "granian.access": {"handlers": [], "propagate": False},
        },
    }


def start_logging() -> None:
    """For a process of its own: a server's or a worker's."""
    logging.config.dictConfig(configuration())


# ---------------------------------------------------------------- a line a request

_log = get_log(__name__)


def install(app: Flask, settings: Settings, heard: Heard) -> None:
    """`heard` is told of each answer too: route, method, status and seconds."""

    def begin() -> None:
        g.began = time.perf_counter()
        g.request_id = _request_id(behind_proxy=settings.proxies > 0)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=g.request_id)

    def end(response: Response) -> Response:
        if "began" not in g:
            # It was refused before anything began, as a host's name that is not ours.
            begin()
        seconds = time.perf_counter() - g.began
        route, method = request.endpoint or "none", request.method if request.method in _METHODS else "other"
        _log.info(
            "request", route=route, method=method, status=response.status_code, ms=round(seconds * 1000, 1)
        )
        heard(route, method, response.status_code, seconds)
        response.headers["X-Request-ID"] = g.request_id
        structlog.contextvars.clear_contextvars()
        return response

    app.before_request(begin)
    # After-request hooks run last to first: installed first, this one sees what was answered in the end.
    app.after_request(end)


def _request_id(*, behind_proxy: bool) -> str:
    given = request.headers.get("X-Request-ID", "")
    return given if behind_proxy and _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
