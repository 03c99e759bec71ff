"""P6, step by step: what staff of one clinic do, in any order, neither sees nor touches the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from conftest import past_the_walls
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule
from sqlalchemy import select
from web.client import Browser, Page
from web.conftest import Made
from web.stateful import run_steps
from web.walking import add_requests, answers_but, at_clinic, sign_in, token_of

from screener.store.database import Base

CLINICS = ("acme", "other")
# A release run takes more: STEPS=20000 pytest tests/web/test_two_clinics.py
STEPS = 120
NOW = datetime.now(UTC)
# A name nobody else has, by clinic.
SECRET = {"acme": "Zephyrine", "other": "Quillon"}
# What may be asked for of a request, whichever clinic's it is: method, the end of its address, what is sent.
_IN_TWO_DAYS = (NOW + timedelta(days=2)).date().isoformat()
ACTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("GET", "", {}),
    ("GET", "/history", {}),
    ("GET", "/history/text", {}),
    ("GET", "/history/confirm", {}),
    ("GET", "/what-if", {}),
    ("GET", "/invite", {}),
    ("POST", "/move", {"to_state": "accepted", "version": "1"}),
    ("POST", "/move", {"to_state": "not_a_fit", "reason": "too far", "version": "1"}),
    ("POST", "/undo", {"version": "2"}),
    ("POST", "/add/note", {"note": "a note"}),
    ("POST", "/add/contact", {"contact_kind": "call", "contact_outcome": "reached"}),
    ("POST", "/add/task", {"task": "ring", "task_due": _IN_TWO_DAYS, "task_for": "1"}),
    ("POST", "/add/appointment", {"appointment": f"{_IN_TWO_DAYS}T10:00", "appointment_minutes": "30"}),
)
LISTS = ("queue", "queue?show=accepted", "tasks", "tasks?whose=others")


class TwoClinics(RuleBasedStateMachine):
    """Requests come in at both clinics; one person of each works through all references there are."""

    made: Made
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.copy = self.made.copy()
        self.app = self.copy.__enter__().app
        self.staff = {clinic: sign_in(Browser(self.app), f"intake@{clinic}.example") for clinic in CLINICS}
        self.tokens = {
            clinic: token_of(browser.get(f"/desk/{clinic}/queue")) for clinic, browser in self.staff.items()
        }
        self.clinic_of: dict[str, str] = {}

    def teardown(self) -> None:
        self.copy.__exit__(None, None, None)

    @rule(target=requests, clinic=st.sampled_from(CLINICS))
    def a_request_comes_in(self, clinic: str) -> str:
        # Both clinics' patients share an e-mail and a phone: a match across clinics would show.
        number = len(self.clinic_of)
        person = (f"{SECRET[clinic]} {number}", answers_but(), NOW - timedelta(minutes=number + 1))
        (reference,) = add_requests(self.app, [person], clinic)
        self.clinic_of[reference] = clinic
        return reference

    @rule(at=st.sampled_from(CLINICS), reference=requests, act=st.sampled_from(ACTS))
    def somebody_works(self, at: str, reference: str, act: tuple[str, str, dict[str, str]]) -> None:
        method, place, sent = act
        path = f"/desk/{at}/requests/{reference}{place}"
        page = self._alone(at, lambda browser: browser.open(method, path, data=self._form(at, method, sent)))
        # 403: what intake may not open at all is refused before anybody looks for the request.
        refused = {403, 404} if self.clinic_of[reference] != at else set()
        assert page.status in (refused or {200, 303, 403, 409, 422}), (path, page.status)

    @rule(
        at=st.sampled_from(CLINICS),
        one=requests,
        other=requests,
        verdict=st.sampled_from(["same", "different"]),
    )
    def somebody_links(self, at: str, one: str, other: str, verdict: str) -> None:
        path = f"/desk/{at}/requests/{one}/same-person"
        sent = {"other": other, "seen": "", "verdict": verdict}
        page = self._alone(at, lambda browser: browser.post(path, self._form(at, "POST", sent)))
        is_foreign = {self.clinic_of[one], self.clinic_of[other]} != {at}
        assert (page.status == 404) == is_foreign, (path, page.status)

    @rule(at=st.sampled_from(CLINICS), references=st.lists(requests, min_size=1, max_size=4, unique=True))
    def somebody_takes_a_batch(self, at: str, references: list[str]) -> None:
        sent = {"reference": references, "owner": "me"}
        self._alone(at, lambda browser: browser.post(f"/desk/{at}/assign", self._form(at, "POST", sent)))

    @rule(at=st.sampled_from(CLINICS), named=st.sampled_from([*SECRET.values(), "pat@example.com"]))
    def somebody_searches(self, at: str, named: str) -> None:
        form = self._form(at, "POST", {"q": named})
        page = self._alone(at, lambda browser: browser.post(f"/desk/{at}/search", form), told=named)
        assert not any(
            reference in page.source for reference, clinic in self.clinic_of.items() if clinic != at
        )

    @rule(at=st.sampled_from(CLINICS), where=st.sampled_from(CLINICS), place=st.sampled_from(LISTS))
    def somebody_looks_through_a_list(self, at: str, where: str, place: str) -> None:
        page = self._alone(at, lambda browser: browser.get(f"/desk/{where}/{place}"))
        assert page.status == (200 if at == where else 404)

    def _form(self, at: str, method: str, sent: dict[str, Any]) -> dict[str, object]:
        return {**self.tokens[at], **sent} if method == "POST" else {}

    def _alone(self, at: str, act: Callable[[Browser], Page], told: str = "") -> Page:
        """Does it as the clinic's person: the page names nobody of the other clinic, whose rows stay."""
        (elsewhere,) = set(CLINICS) - {at}
        before = self._rows(elsewhere)
        page = act(self.staff[at])
        assert self._rows(elsewhere) == before
        # What was searched for stands in its own field.
        assert page.source.count(SECRET[elsewhere]) <= (1 if told == SECRET[elsewhere] else 0)
        return page

    def _rows(self, clinic: str) -> dict[str, list[Any]]:
        with at_clinic(self.app, clinic) as (_, row):
            clinic_id = row.id
        with past_the_walls(self.app.extensions["screener.database"]) as connection:
            return {
                table.name: sorted(
                    map(repr, connection.execute(select(table).where(table.c.clinic_id == clinic_id)))
                )
                for table in Base.metadata.sorted_tables
                if "clinic_id" in table.c
            }


def test_no_step_of_one_clinics_staff_sees_or_touches_the_other(made: Made) -> None:
    run_steps(TwoClinics, STEPS, made=made)


def test_the_steps_are_real(made: Made) -> None:
    """At home each act does its work, else the machine above would prove nothing."""
    # Intake signs no history, and nothing was decided yet.
    refused = {"/history/confirm": 403, "/undo": 409}
    with made.copy() as installation:
        intake = sign_in(Browser(installation.app), "intake@acme.example")
        token = token_of(intake.get("/desk/acme/queue"))
        for method, place, sent in ACTS:
            (reference,) = add_requests(
                installation.app, [(f"P {method} {place} {sent}", answers_but(), NOW)]
            )
            path = f"/desk/acme/requests/{reference}{place}"
            page = intake.open(method, path, data={**token, **sent} if method == "POST" else b"")
            assert page.status == refused.get(place, 303 if method == "POST" else 200), path
