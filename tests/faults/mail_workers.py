"""Workers as `screener deliver` runs them: processes, forked from one that has imported all already."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Final

from screener import create_app
from screener.settings import Settings
from screener.web.courier import Courier
from screener.web.deliver import Patience, Worker, run_beside
from screener.web.logs import start_logging

_PROCESSES: Final = get_context("forkserver")
_PROCESSES.set_forkserver_preload(["faults.mail_workers", "screener.web.app"])


def start_worker(settings: Settings, patience: Patience | None = None, *, once: bool = False) -> BaseProcess:
    worker = _PROCESSES.Process(target=_work, args=(settings, patience or Patience(), once))
    worker.start()
    return worker


def _work(settings: Settings, patience: Patience, once: bool) -> None:
    start_logging()
    app = create_app(settings)
    couriers = [Courier(app)] if settings.webhook_targets else []
    run_beside([Worker(app, patience), *couriers], once=once)
