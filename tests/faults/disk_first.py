"""`make disk-first`: seen from outside, by strace, what was sent in is on disk before the answer leaves.

A traced process sends requests to the app and marks, by writing to nowhere, where each begins and where its
answer is there; its database, PostgreSQL's server too, is traced with it. Between each pair of marks the log
of the database must have been flushed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from builders import CONTACT
from conftest import make_installation
from faults.rig import Outcome, databases_for, faults_of, run
from web.client import Browser
from web.walking import answers_but, plant

_FLUSHES: Final = "fsync,fdatasync"
_FLUSHED: Final = re.compile(r"f(?:data)?sync\(\d+<([^>]*(?:screener\.db[^>]*|pg_wal/[^>]*))>\)\s+= 0")
_RESUMED: Final = re.compile(r"<\.\.\. f(?:data)?sync resumed>\)\s+= 0")
_MARK: Final = re.compile(r'"MARK (\w+) (\d+)')


def submit(kind: str, number: int) -> None:
    """The part that is traced."""
    with databases_for(kind, is_durable=True) as databases, Path(os.devnull).open("wb", 0) as nowhere:
        installation = make_installation(databases.create())
        for _ in range(number):
            browser = Browser(installation.app)
            walk = plant(browser, installation.app, answers_but())
            form, path = walk.contact_form(CONTACT), walk.url("contact")
            nowhere.write(b"MARK sent 0")
            status = browser.post(path, form).status
            nowhere.write(f"MARK answered {status}".encode())
        installation.app.extensions["screener.database"].dispose()


def judge(trace: str) -> list[tuple[str, int]]:
    """Of each request its status and how often the log was flushed before it was answered."""
    found, flushes, begun = [], 0, ""
    for line in trace.splitlines():
        mark = _MARK.search(line)
        process = line.split(maxsplit=1)[0]
        if mark and mark[1] == "sent":
            flushes = 0
        elif mark:
            found.append((mark[2], flushes))
        elif _FLUSHED.search(line) or (_RESUMED.search(line) and process == begun):
            flushes += 1
        elif "sync(" in line and "unfinished" in line:
            begun = process if re.search(r"screener\.db|pg_wal/", line) else ""
    return found


def play(kind: str, cycles: int) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace")
        watching = ["strace", "-f", "-y", "--seccomp-bpf", "-e", f"trace=write,{_FLUSHES}", "-o", str(trace)]
        traced = [sys.executable, "-m", "faults.disk_first", kind, str(cycles)]
        subprocess.run([*watching, *traced], check=True)
        answers = judge(trace.read_text(errors="replace"))
    counts = [count for _, count in answers] or [0]
    broken = {
        "answered before the flush": counts.count(0),
        "without an answer": cycles - len(answers),
        "not taken": sum(status != "303" for status, _ in answers),
    }
    told = f"{len(answers)} requests taken, {min(counts)} to {max(counts)} flushes before each answer"
    return Outcome(told, faults_of(broken))


def main() -> int:
    if sys.argv[1:]:
        submit(sys.argv[1], int(sys.argv[2]))
        return 0
    return run("disk-first", play, cycles=20)


if __name__ == "__main__":
    sys.exit(main())
