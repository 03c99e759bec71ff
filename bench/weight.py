"""S4 and S5: bytes and requests as they come over the line, headers and all.

As the app sends them, and as a web server in front would that packs them (tests/web/test_weight.py holds
those).
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

from web.test_weight import FIRST_PAGE, FIRST_REQUESTS, NEXT_PAGE

from bench.crowd import Answer, Line
from bench.place import Place
from bench.row import Row
from bench.way import START

_FILES = re.compile(rb'(?:href|src)="(/[^"]+\?v=[^"]+)"')


def measure(place: Place) -> Iterator[Row]:
    with place.app() as served:
        line = Line(served.port, "203.0.113.9")
        page = line.ask("GET", START)
        loaded = [page, *(line.ask("GET", path.decode()) for path in _FILES.findall(page.body))]
        line.close()
        answers = place.visit(served).answers
    next_page = max((answers[slug] for slug in place.way.questions), key=lambda answer: answer.size)
    for how, weigh in (("as the app sends it", _plain), ("packed by a server in front", _packed)):
        size, asked = sum(map(weigh, loaded)), len(loaded)
        goal = f"<= {FIRST_PAGE:,} bytes, {FIRST_REQUESTS} requests"
        is_met = size <= FIRST_PAGE and asked <= FIRST_REQUESTS
        told = f"{size:,} bytes, {asked} requests"
        yield Row("S4", f"first page, cold, with its files, {how}", told, "-", "-", goal, is_met)
        size = weigh(next_page)
        goal = f"<= {NEXT_PAGE:,} bytes, 1 request"
        what = f"largest next page, warm, {how}"
        yield Row("S5", what, f"{size:,} bytes, 1 request", "-", "-", goal, size <= NEXT_PAGE)


def _plain(answer: Answer) -> int:
    return answer.size


def _packed(answer: Answer) -> int:
    return answer.size - len(answer.body) + len(gzip.compress(answer.body))
