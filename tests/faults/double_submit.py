"""`make double-submit`: one form sent by two to eight at once: one request, one receipt, one set of mails.

The same form again finds its receipt; another body under the same address is told that it was sent before.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import CONFLICT, SEE_OTHER
from threading import Barrier
from typing import Final

from builders import as_form
from faults.rig import Outcome, databases_for, run
from faults.traffic import Answer, ask, hidden_in, serving
from flask import Flask
from web.walking import answers_but, at_clinic, contact_but, count_rows

from screener.store.drafts import add_draft
from screener.store.tables import Consultation, ConsultationEvent, Draft, OutboxMessage, Screening

MOST: Final = 8
# What one request leaves behind; its mails are one to the clinic and one to the patient.
LEFT: Final = {Consultation: 1, Screening: 1, ConsultationEvent: 1, OutboxMessage: 2, Draft: 0}


def cycle(app: Flask, port: int, pool: ThreadPoolExecutor) -> list[str]:
    """What is wrong."""
    with at_clinic(app, "acme") as (session, clinic):
        document = {"answers": answers_but(), "events": [], "language": "en"}
        _, token = add_draft(session, clinic.id, document, datetime.now(UTC))
        session.commit()
    path = f"/d/{token}/contact"
    form = hidden_in(ask(port, "GET", path).text) | {
        name: as_form(value) for name, value in contact_but().items()
    }
    together = Barrier(random.randint(2, MOST))

    def send(_number: int) -> Answer:
        together.wait(10)
        return ask(port, "POST", path, form)

    answers = [*pool.map(send, range(together.parties)), ask(port, "POST", path, form)]
    other = ask(port, "POST", path, form | {"contact_name": "Somebody Else"})
    wrong = [f"answered {one.status}" for one in answers if one.status != SEE_OTHER]
    if len({one.location for one in answers}) != 1:
        wrong.append("more receipts than one")
    if other.status != CONFLICT:
        wrong.append(f"another body answered {other.status}")
    return wrong


def play(kind: str, cycles: int) -> Outcome:
    with databases_for(kind) as databases, serving(databases, kind) as (installation, traffic):
        with ThreadPoolExecutor(MOST) as pool:
            wrong = [
                told for _ in range(cycles) for told in cycle(installation.app, traffic.server.port, pool)
            ]
        left = {table: count_rows(installation.app, table) for table in LEFT}
    wrong += [f"{left[table]} {table.__tablename__}" for table in LEFT if left[table] != LEFT[table] * cycles]
    told = ", ".join(f"{left[table]} {table.__tablename__}" for table in LEFT)
    return Outcome(told, ", ".join(f"{number} times {what}" for what, number in Counter(wrong).items()))


if __name__ == "__main__":
    sys.exit(run("double-submit", play, 500))
