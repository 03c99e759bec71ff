"""The rooms nothing may go wrong in, and the tests that look after each: for coverage and mutation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Room:
    """Patterns of its files under `screener/`, and its tests under `tests/`."""

    code: tuple[str, ...]
    tests: tuple[str, ...]
    # SQLite alone, where it tells enough: each mutant would wait for a PostgreSQL server of its own.
    marked: str = "not postgresql"
    # Its functions run while the app is put together: each mutant needs a process that has not begun yet.
    at_start: bool = False


ROOMS: Final = {
    "domain": Room(
        ("domain/*.py",),
        # Without its properties, which take seconds each, and what other rooms' tests tell of it.
        (
            "domain/test_answer_errors.py",
            "domain/test_call_due.py",
            "domain/test_classification.py",
            "domain/test_clinical_flags.py",
            "domain/test_confirmation.py",
            "domain/test_conflicts.py",
            "domain/test_consultation.py",
            "domain/test_evidence.py",
            "domain/test_explanation.py",
            "domain/test_figures.py",
            "domain/test_headache_history.py",
            "domain/test_next_screening.py",
            "domain/test_next_step.py",
            "domain/test_notification.py",
            "domain/test_question.py",
            "domain/test_transcript.py",
            "domain/test_urgency.py",
            "domain/test_versions.py",
            "domain/test_what_if.py",
            "test_translations.py",
        ),
    ),
    "vault": Room(
        ("store/blind_index.py", "store/vault.py"),
        ("store/test_blind_index.py", "store/test_database.py", "store/test_vault.py"),
    ),
    "tenancy": Room(
        ("store/row_security.py", "store/tenancy.py"),
        ("store/test_row_security.py", "store/test_tenancy.py"),
        marked="",
    ),
    "outbox": Room(
        ("store/outbox.py", "web/deliver.py"),
        ("store/test_outbox.py", "web/test_carriers.py", "web/test_mail.py"),
    ),
    "sign_in": Room(
        (
            "store/staff.py",
            "store/staff_sessions.py",
            "store/throttle.py",
            "web/second_step.py",
            "web/sign_in.py",
            "web/staff_session.py",
        ),
        (
            "store/test_sign_in.py",
            "web/test_clinics.py",
            "web/test_people.py",
            "web/test_sign_in.py",
            "web/test_staff.py",
        ),
    ),
    "rights": Room(
        ("web/access.py",),
        (
            "web/test_clinics.py",
            "web/test_fence.py",
            "web/test_people.py",
            "web/test_staff.py",
            "web/test_two_clinics.py",
        ),
        at_start=True,
    ),
}
