"""`make brute-force`: passwords tried from 50 addresses; few are looked at, and the owners still get in.

Through the whole app, which believes a proxy where each comes from.
"""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import OK, TOO_MANY_REQUESTS
from typing import Final

from conftest import make_installation
from faults.rig import Outcome, databases_for, run
from flask import Flask
from web.client import Browser
from web.walking import enter_password, sign_in

from screener import create_app

OWNERS: Final = ("intake@acme.example", "clinician@acme.example")
ADDRESSES: Final = 50
AT_ONCE: Final = 8
MOST_TRIED: Final = 100
HOME: Final = "203.0.113.7"


def visitor(app: Flask, address: str) -> Browser:
    browser = Browser(app)
    browser.client.environ_base["HTTP_X_FORWARDED_FOR"] = address
    return browser


def attack(app: Flask, tries: int) -> tuple[Counter[str], Counter[int]]:
    """How often a password of each account was looked at; and all answers by status."""
    tried: Counter[str] = Counter()
    statuses: Counter[int] = Counter()

    def from_one(address: int) -> None:
        browser = visitor(app, f"198.51.100.{address}")
        page = browser.get("/staff/login")
        for number in range(address, tries * len(OWNERS), ADDRESSES):
            owner = OWNERS[number // ADDRESSES % len(OWNERS)]
            answer = enter_password(browser, page, owner, f"wrong pass phrase {number}")
            statuses[answer.status] += 1
            tried[owner] += answer.status != TOO_MANY_REQUESTS
            browser.visited.clear()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(from_one, range(ADDRESSES)))
    return tried, statuses


def play(kind: str, cycles: int) -> Outcome:
    wrong = []
    with databases_for(kind) as databases:
        made = make_installation(databases.create())
        made.app.extensions["screener.database"].dispose()
        app = create_app(replace(made.settings, proxies=1))
        for owner in OWNERS:
            sign_in(visitor(app, HOME), owner)
        tried, statuses = attack(app, cycles)
        for owner in OWNERS:
            if tried[owner] > MOST_TRIED:
                wrong.append(f"{owner} was tried too often")
            try:
                sign_in(visitor(app, HOME), owner)
            except AssertionError:
                wrong.append(f"{owner} does not get in")
        if set(statuses) - {OK, TOO_MANY_REQUESTS}:
            wrong.append(f"answers {dict(statuses)}")
        app.extensions["screener.database"].dispose()
    looked_at = " and ".join(str(tried[owner]) for owner in OWNERS)
    return Outcome(
        f"from {ADDRESSES} addresses {looked_at} passwords of two accounts looked at", ", ".join(wrong)
    )


if __name__ == "__main__":
    sys.exit(run("brute-force", play, 1000))
