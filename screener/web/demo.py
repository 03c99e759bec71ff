"""A clinic with made-up patients, to look around in. Everything in it says that it is a demo."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from flask import current_app
from flask_security import hash_password
from sqlalchemy.orm import Session

from screener.domain.answers import Answers, Raw
from screener.domain.consultation import call_due
from screener.domain.next_step import next_step
from screener.domain.question import NONE_CODE, Choice, Choices, Number, Part, Question, Text, Value, YesNo
from screener.domain.questionnaire import AGE, QUESTIONNAIRE
from screener.domain.screening import screen
from screener.store.clinics import add_clinic, find_any_clinic
from screener.store.consultations import move_consultation
from screener.store.duplicates import decide_pair
from screener.store.made_up import (
    DECIDED_AFTER,
    Copy,
    Decision,
    Person,
    add_copies,
    count_requests,
    read_people,
)
from screener.store.outbox import remove_messages
from screener.store.staff import add_membership, find_person
from screener.store.tables import Clinic, Consultation
from screener.store.tenancy import enter_clinic
from screener.web.access import db
from screener.web.clinic_card import ClinicCard, card_of
from screener.web.requests import Sending, send_request

DEMO_SLUG: Final = "demo"
DEMO_PASSWORD: Final = "demo pass phrase for looking"  # noqa: S105 - printed at every start
# Looks after the clinics, and belongs to none.
DEMO_OWNER: Final = "owner@demo.example"
DEMO_STAFF: Final = {
    "intake@demo.example": "intake",
    "clinician@demo.example": "clinician",
    "admin@demo.example": "clinic_admin",
}
_SEED = 2026
LONGEST_WAIT_MINUTES: Final = 3 * 24 * 60
_FEW: Final = 40
# So many are made one by one; those beyond are copies of them under other names.
MOST_DISTINCT: Final = 1000
_A_BATCH: Final = 500
# A request every few minutes, but none so old that retention takes it at once.
_SPACING: Final = timedelta(minutes=4)
_LONGEST_SPAN: Final = timedelta(days=80)
_FIRST = ("Alex", "Bao", "Carmen", "Dara", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jonas", "Kim", "Luz")
_LAST = ("Rivera", "Okafor", "Nguyen", "Smith", "Haddad", "Kowalski", "Johnson", "Silva", "Cohen", "Park")
_STATES = ("California", "Texas", "North Carolina", "Nevada")
# Moves that give the queue some life: how many of ten requests, where to, and why.
_MOVES = {
    6: ("accepted", None),
    7: ("needs_info", "Asked for the names of the preventives"),
    8: ("later", "Traveling until next month"),
    9: ("not_a_fit", "Sees a headache specialist next week"),
}

# What makes a person of each sort; all else is drawn at random.
_PERSONAS: tuple[dict[str, Value], ...] = (
    {"head_days": 22, "treated_length": "over_72h", "comes_back": True, "usual_relief": "a_little"},
    {"head_days": 18, "treated_length": "4_to_24h", "comes_back": False, "usual_relief": "much_better"},
    {"head_days": 9, "treated_length": "over_72h", "usual_relief": "none", "lifestyle_relief": "none"},
    {"head_days": 6, "untreated_length": "24_to_72h", "treated_length": "4_to_24h", "comes_back": False},
    {"head_days": 14, "usual_relief": "goes", "comes_back": False, "treated_length": "under_4h"},
    {"now_pain": True, "now_length": "over_72h", "now_relief": "none", "keep_down": False},
    {"changes": ("changed_pattern",), "head_days": 20},
    {"danger_before": ("faint_confused_seizure",), "head_days": 12},
    {"pregnancy": "pregnant", "head_days": 10},
)
_CALM: dict[str, Value] = {
    "danger_now": (NONE_CODE,),
    "changes": (NONE_CODE,),
    "pregnancy": "no",
    "now_pain": False,
}
# The person who answers twice, nine weeks apart.
_BEFORE: dict[str, Value] = {
    "mig_days": 14,
    "severity": 8,
    "days_lost": 26,
    "aura_ever": False,
    "acute_tried": ("triptan", "nsaid"),
    "triptan_relief": "a_little",
    "triptan_days": 12,
    "nsaid_days": 9,
    "acute_days": 15,
}
_AFTER: dict[str, Value] = {
    "head_days": 11,
    "mig_days": 6,
    "severity": 6,
    "days_lost": 4,
    "treated_length": "4_to_24h",
    "comes_back": False,
    "usual_relief": "much_better",
    "triptan_relief": "much_better",
    "triptan_days": 5,
    "nsaid_days": 2,
    "acute_days": 6,
}
_WORDS = (
    "It is worst at the end of the week.",
    "I had to give up my night shifts.",
    "Light at work is the hardest part.",
)


def add_demo(submissions: int | None, tell: Callable[[int], object] = lambda _count: None) -> str:
    """Adds the demo clinic with its staff and submissions, a few if none are named.

    Where the clinic is there, adds what is missing of a number that is named. `tell` hears of each few added.
    """
    session = db()
    clinic = find_any_clinic(session, DEMO_SLUG)
    was_there = clinic is not None
    if clinic is None:
        clinic = _add_clinic(session)
    enter_clinic(session, clinic.id)
    if not was_there:
        few = _FEW if submissions is None else submissions
        _add_people(session, card_of(clinic), min(few, MOST_DISTINCT), tell)
    _add_owner()
    _give_codes(session)
    session.commit()
    there = count_requests(session)
    # Some of the few lead into no queue.
    missing = submissions - there if submissions and (was_there or submissions > MOST_DISTINCT) else 0
    if missing > 0:
        _add_copies(session, clinic.time_zone, there, submissions or 0, tell)
    if was_there:
        added = f"; added {missing:,}" if missing > 0 else ""
        return f"The demo clinic is there already, with {there:,} submissions{added}."
    return f"Added the demo clinic with {_FEW if submissions is None else submissions:,} made-up submissions."


def _add_clinic(session: Session) -> Clinic:
    clinic = add_clinic(
        session,
        slug=DEMO_SLUG,
        name="Demo Headache Clinic",
        phone="(626) 555-0142",
        hours="Monday to Friday, 9 to 5",
        time_zone="America/Los_Angeles",
        is_demo=True,
    )
    _add_staff(clinic.id)
    return clinic


def _add_people(
    session: Session, clinic: ClinicCard, submissions: int, tell: Callable[[int], object]
) -> None:
    """Each with answers of their own, sent as the pages send them."""
    randomly = random.Random(_SEED)  # noqa: S311 - the same people in every demo
    now = datetime.now(UTC)
    for number in range(submissions):
        _add_submission(session, clinic, randomly, number, now)
        tell(1)
    if submissions:
        _add_follow_up(session, clinic, randomly, now)


def _add_copies(
    session: Session, time_zone: str, there: int, wanted: int, tell: Callable[[int], object]
) -> None:
    """More of the people that are there, under other names: each request sealed in its own place.

    One transaction a batch: an interrupted demo goes on where it stopped.
    """
    people = read_people(session, most=MOST_DISTINCT)
    randomly = random.Random(there)  # noqa: S311 - the same people in every demo
    span = min(_LONGEST_SPAN, max(timedelta(minutes=LONGEST_WAIT_MINUTES), _SPACING * wanted))
    begun = datetime.now(UTC) - span
    for first in range(there, wanted, _A_BATCH):
        numbers = range(first, min(first + _A_BATCH, wanted))
        copies = [
            _copy(randomly, people[n % len(people)], n, begun + span * (n / wanted), time_zone)
            for n in numbers
        ]
        add_copies(session, copies)
        session.commit()
        session.expunge_all()
        tell(len(numbers))


def _copy(
    randomly: random.Random, person: Person, number: int, received_at: datetime, time_zone: str
) -> Copy:
    area, line = divmod(number, 100)
    name = f"{randomly.choice(_FIRST)} {randomly.choice(_LAST)} (demo)"
    born = date.fromisoformat(person.contact["contact_birth_date"])
    contact = person.contact | {
        "contact_name": name,
        "contact_birth_date": (born - timedelta(days=randomly.randrange(365))).isoformat(),
        "contact_phone": f"({200 + area % 790}) 555-01{line:02}",
        "contact_email": f"patient{number}@demo.example",
    }
    move = _MOVES.get(number % 10)
    return Copy(
        of=person,
        contact=contact,
        received_at=received_at,
        due_at=call_due(received_at, time_zone) if person.asked["kind"] == "call_back" else None,
        digest=_digest(contact, received_at),
        decision=Decision(*move) if move else None,
    )


def _digest(contact: Mapping[str, Any], received_at: datetime) -> bytes:
    return hashlib.sha256(f"demo {contact['contact_email']} {received_at}".encode()).digest()


def _add_staff(clinic_id: Any) -> None:
    datastore = current_app.extensions["security"].datastore
    for email, role in DEMO_STAFF.items():
        person = datastore.create_user(
            email=email, name=f"Demo {role.replace('_', ' ')}", password=hash_password(DEMO_PASSWORD)
        )
        datastore.commit()
        roles = (role, "intake") if role == "clinic_admin" else (role,)
        for held in roles:
            add_membership(db(), staff_id=person.id, clinic_id=clinic_id, role=held)


def _add_owner() -> None:
    if find_person(db(), DEMO_OWNER) is None:
        datastore = current_app.extensions["security"].datastore
        datastore.create_user(
            email=DEMO_OWNER,
            name="Demo owner",
            password=hash_password(DEMO_PASSWORD),
            is_installation_admin=True,
        )
        datastore.commit()


def _give_codes(session: Session) -> None:
    """An authenticator app for whoever has no second step yet."""
    security = current_app.extensions["security"]
    for email in (*DEMO_STAFF, DEMO_OWNER):
        person = find_person(session, email)
        if person is not None and not person.tf_totp_secret:
            secret = security.totp_factory.generate_totp_secret()
            security.datastore.tf_set(person, "authenticator", totp_secret=secret)


def _add_submission(
    session: Session, clinic: ClinicCard, randomly: random.Random, number: int, now: datetime
) -> None:
    persona = _PERSONAS[number % len(_PERSONAS)]
    answers = _answer_all(randomly, {**_CALM, "age": randomly.randint(19, 74), **persona})
    received_at = now - timedelta(minutes=randomly.randint(5, LONGEST_WAIT_MINUTES))
    contact = _contact(randomly, number, answers[AGE] or 0, received_at)
    sent = _send(session, clinic, answers, contact, received_at, events=_events(persona, received_at))
    if sent and number % 10 in _MOVES:
        to_state, reason = _MOVES[number % 10]
        move_consultation(
            session,
            sent,
            to_state=to_state,
            reason=reason,
            staff_id=None,
            now=received_at + DECIDED_AFTER,
        )


def _send(
    session: Session,
    clinic: ClinicCard,
    answers: Answers,
    contact: dict[str, Any],
    received_at: datetime,
    *,
    events: list[dict[str, Any]],
) -> Consultation | None:
    """None where the result leads into no queue."""
    found = screen(answers)
    kind = next_step(found.urgency.level, found.classification.article_class, answers[AGE]).kind
    if kind is None:
        return None
    digest = _digest(contact, received_at)
    sent = send_request(
        session,
        clinic,
        answers=answers,
        events=events,
        contact=contact,
        kind=kind,
        sending=Sending(digest, digest, digest.hex()),
        now=received_at,
    )
    # Nobody is owed a message about people who are made up.
    remove_messages(session, sent.id)
    return sent


def _add_follow_up(session: Session, clinic: ClinicCard, randomly: random.Random, now: datetime) -> None:
    """One person who answered twice, so that there is something to see over time."""
    contact = _contact(randomly, 99, 42, now)
    first = _answer_all(randomly, {**_CALM, "age": 42, **_PERSONAS[0], **_BEFORE})
    again = _answer_all(randomly, {**first.as_raw(), **_AFTER})
    visits = ((first, now - timedelta(weeks=9)), (again, now - timedelta(hours=3)))
    pair = [_send(session, clinic, answers, contact, at, events=[]) for answers, at in visits]
    one, other = (sent for sent in pair if sent)
    clinician = find_person(session, "clinician@demo.example")
    if clinician:
        for to_state in ("accepted", "closed"):
            move_consultation(
                session, one, to_state=to_state, reason=None, staff_id=clinician.id, now=one.received_at
            )
        decide_pair(session, one, other, verdict="same", seen=None, staff_id=clinician.id, now=now)


def _answer_all(randomly: random.Random, given: Raw) -> Answers:
    """Walks the questionnaire as a person would, with the given answers where there is one."""
    raw = dict(given)
    for page in QUESTIONNAIRE.pages:
        for question in Answers(QUESTIONNAIRE, raw).asked_on(page):
            if question.id not in raw and page.shown and not _skips(randomly, page.part):
                raw[question.id] = _draw(randomly, question)
        _mend_days(raw)
    return Answers(QUESTIONNAIRE, raw)


def _skips(randomly: random.Random, part: Part) -> bool:
    return part in {Part.HISTORY, Part.REQUEST} and randomly.random() < 0.2  # noqa: PLR2004 - one in five


def _mend_days(raw: dict[str, Value | None]) -> None:
    head, migraine = raw.get("head_days"), raw.get("mig_days")
    if isinstance(head, int) and isinstance(migraine, int):
        raw["mig_days"] = min(head, migraine)


def _draw(randomly: random.Random, question: Question) -> Value | None:
    if question.unsure_allowed and randomly.random() < 0.05:  # noqa: PLR2004 - one in twenty is not sure
        return None
    match question:
        case YesNo():
            return randomly.random() < 0.6  # noqa: PLR2004 - more yes than no
        case Number():
            return randomly.randint(question.minimum, min(question.maximum, 30))
        case Choice():
            return randomly.choice(question.codes)
        case Choices():
            some = [code for code in question.codes if code != NONE_CODE and code not in _TOO_URGENT]
            return tuple(randomly.sample(some, randomly.randint(1, min(3, len(some)))))
        case Text():
            return randomly.choice(_WORDS) if question.id == "own_words" else "Riboflavin"


# An aura with weakness would make most of the demo urgent.
_TOO_URGENT = frozenset({"weakness"})


def _events(persona: dict[str, Value], at: datetime) -> list[dict[str, Any]]:
    before = persona.get("danger_before")
    if not isinstance(before, tuple):
        return []
    flags = [f"danger_now.{code}" for code in before]
    return [{"what": what, "at": at.isoformat(), "flags": flags} for what in ("stop", "not_now")]


def _contact(randomly: random.Random, number: int, age: int, received_at: datetime) -> dict[str, Any]:
    name = f"{randomly.choice(_FIRST)} {randomly.choice(_LAST)} (demo)"
    born = received_at.date().replace(year=received_at.year - age, day=1)
    return {
        "contact_name": name,
        "contact_birth_date": born.isoformat(),
        "contact_phone": f"({randomly.choice((213, 512, 704))}) 555-01{number % 100:02}",
        "contact_email": f"patient{number}@demo.example",
        "contact_channel": randomly.choice(("phone", "text", "email")),
        "contact_message_ok": randomly.random() < 0.5,  # noqa: PLR2004 - a coin
        "contact_times": list(_times(randomly)),
        "contact_state": randomly.choice(_STATES),
    }


def _times(randomly: random.Random) -> Iterator[str]:
    yield randomly.choice(("morning", "midday"))
    yield randomly.choice(("afternoon", "evening"))
