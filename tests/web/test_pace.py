"""A person's pace: bots are asked once more and get nothing; people hardly ever meet it, and lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from builders import CONTACT
from conftest import Installation
from flask import Flask
from sqlalchemy import event, select
from web.client import Browser, Page
from web.test_call import by_telephone
from web.test_saving import TO, code_on, come_back, save
from web.walking import (
    BORN,
    SignedIn,
    Walk,
    answers_but,
    at_clinic,
    begin,
    contact_but,
    count_rows,
    leave,
    plant,
    token_of,
    walk_of,
)

from screener import create_app
from screener.store.tables import Consultation, Draft, OutboxMessage, Pace
from screener.web import pace
from screener.web.doctor import examine
from screener.web.pace import LEAST, TRAP, note_turn, turns

pytestmark = pytest.mark.both_databases

HOME, NEXT_DOOR, ELSEWHERE = "2001:db8:7:7::1", "2001:db8:7:7:ffff::9", "203.0.113.9"
LOOK_AGAIN = "This was not sent yet. Look at it once more, then press the button again."


@pytest.fixture
def app(installation: Installation) -> Iterator[Flask]:
    """One that keeps a person's pace, and can mail."""
    settings = replace(
        installation.settings,
        pace="on",
        smtp_url="smtp+plain://127.0.0.1:1",
        mail_from="Forms <forms@example.org>",
    )
    app = create_app(settings)
    yield app
    app.extensions["screener.database"].dispose()


def visitor(app: Flask, address: str = HOME) -> Browser:
    browser = Browser(app)
    browser.client.environ_base["REMOTE_ADDR"] = address
    return browser


def begun(app: Flask, clinic: str = "acme", address: str = HOME, **kept: object) -> Walk:
    """At the end of a form that took as long as a person needs."""
    walk = plant(visitor(app, address), app, answers_but(), clinic, **kept)
    return aged(app, walk, clinic)


def aged(app: Flask, walk: Walk, clinic: str = "acme") -> Walk:
    with at_clinic(app, clinic) as (session, _):
        for draft in session.scalars(select(Draft)):
            draft.created_at -= LEAST
        session.commit()
    return walk


def use_up(app: Flask, doing: str, times: int, address: str = HOME) -> None:
    """As if it had been done so often from there just now."""
    there = app.test_request_context(environ_base={"REMOTE_ADDR": address})
    with there, at_clinic(app, "acme") as (session, _):
        for _ in range(times):
            note_turn(turns(doing), datetime.now(UTC))
        session.commit()


def waits(page: Page) -> int:
    """Seconds that the page asks to wait, in words and for machines."""
    assert page.status == 429
    (problem,) = page.problems
    seconds = int(page.headers["Retry-After"])
    assert f"Nothing is lost. Wait {seconds} seconds, then press the button again." in problem
    return seconds


def holds(page: Page, typed: dict[str, object]) -> bool:
    """Whether the form shows all that was typed."""
    return all(page.form.get(name) == as_list(value) for name, value in typed.items())


def as_list(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def kept(app: Flask) -> tuple[int, int, int]:
    """Requests, mails, forms."""
    return count_rows(app, Consultation), count_rows(app, OutboxMessage), count_rows(app, Draft)


# ---------------------------------------------------------------- the trap


def test_a_bot_that_fills_in_everything_gets_nothing_and_a_person_only_presses_again(app: Flask) -> None:
    walk = begun(app)
    before = kept(app)
    form = walk.contact_form(CONTACT)
    looks = walk.browser.post(walk.url("contact"), form | {TRAP: "https://buy.example"})
    assert (looks.status, looks.problems) == (200, [LOOK_AGAIN])
    assert kept(app) == before
    assert holds(looks, CONTACT)
    assert TRAP not in looks.form, "whatever filled it in cannot do so again"
    assert walk.browser.follow(walk.browser.submit(looks)).status == 200
    assert kept(app) == (1, 2, 0)


@pytest.mark.parametrize("way", ["email", "code"])
def test_a_bot_makes_us_mail_nobody_and_saves_nothing(app: Flask, way: str) -> None:
    walk = plant(visitor(app), app, answers_but())
    looks = save(walk, way=way, contact_email=TO, **{TRAP: "x"})
    assert (looks.status, looks.problems) == (200, [LOOK_AGAIN])
    assert kept(app) == (0, 0, 1)
    assert walk.get("saved").location == walk.url("save")
    assert walk.browser.follow(walk.browser.submit(looks)).heading == "Your answers are saved"


def test_no_eye_no_key_and_nothing_that_fills_in_forms_meets_the_trap(app: Flask) -> None:
    walk = plant(visitor(app), app, answers_but())
    for page in (walk.get("contact"), walk.get("save"), walk.browser.get("/c/acme/resume")):
        (box,) = [e for e in page.all("div") if any(c.get("name") == TRAP for c in e)]
        trap = next(e for e in box if e.get("name") == TRAP)
        assert box.get("hidden") is not None
        assert (trap.get("tabindex"), trap.get("autocomplete"), trap.get("type")) == ("-1", "off", None)
        # Words by which browsers and password managers know what a field wants.
        for known in (
            "name",
            "mail",
            "phone",
            "tel",
            "url",
            "web",
            "address",
            "company",
            "user",
            "pass",
            "code",
        ):
            assert known not in TRAP


# ---------------------------------------------------------------- the least time


def test_a_form_filled_in_faster_than_anybody_can_waits_and_keeps_all_of_it(app: Flask) -> None:
    walk = plant(visitor(app), app, answers_but())
    before = kept(app)
    held = walk.send(CONTACT)
    assert 0 < waits(held) <= LEAST.seconds
    assert holds(held, CONTACT)
    assert kept(app) == before
    aged(app, walk)
    assert walk.browser.submit(held).status == 303
    assert kept(app) == (1, 2, 0)


def test_it_is_told_in_the_language_of_the_page(app: Flask) -> None:
    walk = plant(visitor(app), app, answers_but(), language="es")
    (problem,) = walk.send(CONTACT).problems
    assert problem.startswith("Esto todavía no se envió. No se perdió nada. Espere ")


def test_whoever_comes_back_and_staff_at_the_telephone_are_never_asked_to_wait(
    app: Flask, signed_in: SignedIn
) -> None:
    walk = begun(app)
    code = leave(app, walk, "code")
    back = come_back(visitor(app), "/c/acme/resume", code=code)
    assert walk_of(back, walk.browser).send(CONTACT).status == 303
    staff = signed_in("intake@acme.example")
    use_up(app, "send", 500, "127.0.0.1")
    assert by_telephone(app, staff, answers_but()).send(contact_but()).status == 303
    assert kept(app)[0] == 2


# ---------------------------------------------------------------- turns


def test_a_waiting_room_never_meets_the_limit_of_its_address_and_a_bot_only_waits(app: Flask) -> None:
    patients = [begun(app) for _ in range(3)]
    use_up(app, "send", 59)
    assert patients[0].send(CONTACT).status == 303
    held = patients[1].send(CONTACT)
    assert 0 < waits(held) <= 20
    assert holds(held, CONTACT)
    # Of IPv6 the network counts, so the next address of it waits as well; another place does not.
    patients[2].browser.client.environ_base["REMOTE_ADDR"] = NEXT_DOOR
    assert waits(patients[2].send(CONTACT))
    patients[2].browser.client.environ_base["REMOTE_ADDR"] = ELSEWHERE
    assert patients[2].send(CONTACT).status == 303
    # A quarter of an hour later forty more may come at once.
    with at_clinic(app, "acme") as (session, _):
        for row in session.scalars(select(Pace)):
            row.full_at -= 15 * 60 * 1000
        session.commit()
    use_up(app, "send", 40)
    assert begun(app).send(CONTACT).status == 303


def test_at_a_clinic_that_is_flooded_whoever_comes_seldom_still_gets_through(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = timedelta(minutes=1)
    monkeypatch.setitem(pace._PACES, "send", ((16, minute), (20, minute)))  # noqa: SLF001 - slower than the test
    for number in range(7):
        use_up(app, "send", 3, f"198.51.100.{number}")
    # A quarter of its own turns, and a moment has passed since the first.
    for _ in range(5):
        assert begun(app).send(CONTACT).status == 303
    assert waits(begun(app).send(CONTACT)) in {55, 60}
    assert begun(app, "other").send(CONTACT).status == 303, "another clinic is not flooded"


def test_the_doctor_does_not_let_an_open_installation_run_without_it(installation: Installation) -> None:
    off, database = installation.settings, installation.app.extensions["screener.database"]
    public = replace(off, base_url="https://screen.example.org")
    told = [[one.words for one in examine(each, database) if one.must] for each in (off, public)]
    assert [any("SCREENER_PACE is off" in words for words in each) for each in told] == [False, True]


def test_the_same_form_sent_again_finds_its_receipt_whatever_the_pace(app: Flask) -> None:
    walk = begun(app)
    form = walk.contact_form(CONTACT)
    first = walk.browser.post(walk.url("contact"), form)
    use_up(app, "send", 200)
    assert walk.browser.post(walk.url("contact"), form).location == first.location


def test_too_many_forms_begun_wait_on_a_page_that_keeps_the_choice_and_calls_for_help(app: Flask) -> None:
    use_up(app, "begin", 120)
    frame = {"po": "https://www.acme.example", "eid": "7"}
    choice = {"language": "es", "theme": "dark", "for": "someone_else"} | frame
    held = visitor(app).post("/c/acme/start", choice)
    assert (held.status, held.headers["Retry-After"]) == (429, "5")
    assert held.heading == "Espere un momento, por favor"
    assert "tel:911" in held.links.values()
    assert {name: [value] for name, value in choice.items()} == held.form
    assert kept(app)[2] == 0
    assert visitor(app, ELSEWHERE).submit(replace(held, path="/c/acme/start")).status == 303


def test_danger_is_never_kept_waiting(app: Flask) -> None:
    walk = begin(visitor(app))
    for doing in ("begin", "send", "mail", "code"):
        use_up(app, doing, 130)
    assert visitor(app).get("/c/acme").status == 200
    stop = walk.browser.follow(walk.answer("danger-now", {"danger_now": ["sudden"]}))
    assert (stop.status, "tel:911" in stop.links.values()) == (200, True)
    assert walk.browser.follow(walk.leave_stop("by_mistake")).status == 200
    walk.answer("danger-now", {"danger_now": ["sudden"]})
    for place in ("contact", "save"):
        assert walk.browser.post(walk.url(place), token_of(walk.get("stop"))).location == walk.url("stop")


def test_a_strangers_mailbox_gets_five_links_from_however_many_forms(app: Flask) -> None:
    for number in range(5):
        walk = plant(visitor(app, f"198.51.100.{number}"), app, answers_but())
        assert save(walk, way="email", contact_email=TO).status == 200
    walk = plant(visitor(app), app, answers_but())
    refused = save(walk, way="email", contact_email=TO.upper())
    assert "We sent enough links today. Choose the code, or wait a day." in refused.problems[0]
    assert count_rows(app, OutboxMessage) == 10
    assert code_on(walk.browser.follow(walk.browser.submit(refused, way="code")))


def test_wrong_codes_are_tried_one_by_one_in_the_end(app: Flask) -> None:
    code = leave(app, plant(visitor(app), app, answers_but()), "code")
    wrong = {"code": "0000-0000-0000", "birth_year": str(BORN)}
    for _ in range(20):
        assert come_back(visitor(app), "/c/acme/resume", **wrong).status == 422
    held = come_back(visitor(app), "/c/acme/resume", **wrong)
    assert 0 < waits(held) <= 30
    assert holds(held, {"code": "0000-0000-0000"})
    assert come_back(visitor(app, ELSEWHERE), "/c/acme/resume", code=code).status == 303


def test_turns_are_counted_with_what_lasts_and_by_nothing_that_is_read_or_answered(app: Flask) -> None:
    walk = begin(visitor(app))
    statements: list[str] = []
    engine = app.extensions["screener.database"].engine
    event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    event.listen(engine, "commit", lambda _: statements.append("COMMIT"))
    for place in ("danger-now", "contact", "save"):
        walk.get(place)
    walk.browser.get("/c/acme")
    walk.browser.get("/c/acme/resume")
    walk.answer("danger-now", answers_but())
    assert not [one for one in statements if "paces" in one]
    statements.clear()
    walk.browser.post("/c/acme/start")
    assert [one for one in statements if one.startswith("INSERT INTO paces")]
    assert statements.count("COMMIT") == 1, "in the transaction that begins the form"
