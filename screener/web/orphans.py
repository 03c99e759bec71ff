"""Ends a worker whose server was killed: it would go on holding the port that the next server needs."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing import parent_process
from threading import Thread
from typing import Final

_LOOKS_EACH_SECONDS: Final = 1.0
# Given to what it has in hand. The server would have ended it in the end, and the next one needs its port.
_STOPPING_SECONDS: Final = 4.0


def leave_with_server() -> None:
    """In a worker that a server of Python's processes began; nothing anywhere else."""
    server = parent_process()
    if server is not None:
        Thread(target=_follow, args=[server.pid], daemon=True).start()


def _follow(server: int) -> None:
    # Whose end would be heard through a pipe, had not the other workers inherited it.
    while os.getppid() == server:
        time.sleep(_LOOKS_EACH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_STOPPING_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
