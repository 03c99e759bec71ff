"""Whose turn it is to write to SQLite: first come, first served among the threads of a process.

SQLite itself lets those who wait look again and again; whoever looks at the right moment goes first, and some
wait twenty times as long as others.
"""

from collections import deque
from threading import Lock
from typing import Final


class WriteTurns:
    """One holder at a time; the others are called in the order they came."""

    def __init__(self) -> None:
        self._guard: Final = Lock()
        self._holder: object = None
        # Who waits, and the lock that is opened for them when it is their turn.
        self._waiting: Final[deque[tuple[object, Lock]]] = deque()

    def take(self, holder: object, seconds: float) -> bool:
        """Whether it became this one's turn in time; it is until it is given back."""
        with self._guard:
            if self._holder is None:
                self._holder = holder
                return True
            gate = Lock()
            gate.acquire()
            self._waiting.append((holder, gate))
        if gate.acquire(timeout=seconds):
            return True
        with self._guard:
            if self._holder is holder:
                # It was called at the very last moment.
                return True
            self._waiting.remove((holder, gate))
            return False

    def give_back(self, holder: object) -> None:
        """Also by one who has no turn: then nothing happens."""
        with self._guard:
            if self._holder is not holder:
                return
            self._holder = None
            if self._waiting:
                self._holder, gate = self._waiting.popleft()
                gate.release()
