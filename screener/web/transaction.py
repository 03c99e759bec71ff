"""One place commits: a view that returns commits, one that raises rolls back."""

from __future__ import annotations

from flask import Flask, Response, current_app, g, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from screener.store.database import kind_of
from screener.store.errors import NotFoundError, UnreadableError
from screener.web.access import database, db
from screener.web.logs import get_log

RETRY_AFTER_SECONDS = 10
BAD_REQUEST = 400

_log = get_log(__name__)


def install(app: Flask) -> None:
    # Registered before Flask-Security's hooks, so it runs after them.
    app.after_request(_commit)
    app.teardown_appcontext(lambda _error: app.extensions["screener.database"].sessions.remove())
    app.register_error_handler(HTTPException, refuse)
    app.register_error_handler(NotFoundError, lambda _error: refuse(NotFound()))
    app.register_error_handler(SQLAlchemyError, unavailable)
    app.register_error_handler(UnreadableError, _shut)


def finish_before_waiting() -> None:
    """Commits what a view did so far, where it goes on to wait for another machine: nothing stays locked."""
    db().commit()


def _commit(response: Response) -> Response:
    if not database().sessions.registry.has():
        return response
    try:
        db().commit()
    except SQLAlchemyError as error:
        # By the handler of whose door it is: machines have one of their own.
        return current_app.make_response(current_app.handle_user_exception(error))
    return response


def refuse(error: HTTPException) -> Response | HTTPException:
    """Every refusal is a page that says what to do."""
    db().rollback()
    if error.response is not None or (error.code or 500) < BAD_REQUEST:
        # A redirect that was raised, not a refusal.
        return error
    code = error.code or 500
    try:
        page = render_template("errors/error.html", code=code, why=error.description)
    except SQLAlchemyError as failure:
        # The desk's own page names who is signed in.
        return unavailable(failure)
    response = Response(page, code)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    return response


def unavailable(error: SQLAlchemyError) -> Response:
    """The database is busy, full or away: nothing was half-saved, and going back keeps what was typed.

    For what runs after a view too: there no error handler hears of a failure.
    """
    db().rollback()
    log_unavailable(error)
    return Response(_tell_unavailable(), 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def log_unavailable(error: SQLAlchemyError) -> None:
    _log.error("database unavailable", route=request.endpoint, error=kind_of(error))


def _tell_unavailable() -> str:
    try:
        return render_template("errors/error.html", code=503, why="")
    except SQLAlchemyError:
        # Who is signed in cannot be looked up now, so the page is nobody's.
        db().rollback()
        g.pop("staff_clinic", None)
        g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]  # noqa: SLF001
        return render_template("errors/error.html", code=503, why="")


def _shut(_error: UnreadableError) -> Response:
    """A key is missing, or a value was altered: no visitor can mend that, and nothing was changed."""
    db().rollback()
    log_shut()
    return Response(render_template("errors/error.html", code=503, why="shut"), 503)


def log_shut() -> None:
    _log.error("a sealed value does not open; see `screener keys list`", route=request.endpoint)
