"""The fence: a link alone opens no answers, and no other site's form changes anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from builders import CONTACT, as_form
from flask import Flask
from sqlalchemy import update
from web.client import Browser, Page
from web.walking import Walk, answers_but, at_clinic, begin, count_rows, fill, plant, stored, token_of

from screener.store.tables import DRAFT_IDLE, MOST_TRIES, Consultation, Draft

PLACES = ("danger-now", "about-you", "check", "result", "contact", "stop", "impact", "no-such-page", "go-on")
OURS = "http://localhost/c/acme"
FOREIGN = "https://evil.example/"


def is_door(page: Page) -> bool:
    return page.status == 200 and page.heading == "Welcome back"


def shows_no_answer(page: Page) -> bool:
    told = ("42", "20 days", "The result", "triptan", "chronic", "Check your answers", "Call 911 now")
    return not any(words in page.text for words in told)


# ---------------------------------------------------------------- links from elsewhere


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "made-up", ""])
def test_a_link_from_elsewhere_shows_the_door_and_no_answer(browser: Browser, app: Flask, site: str) -> None:
    walk = plant(browser, app, answers_but())
    for place in PLACES:
        page = walk.get(place, site=site)
        assert is_door(page), place
        assert shows_no_answer(page), place


@pytest.mark.parametrize(
    "referer",
    [
        None,
        "",
        FOREIGN,
        "https://www.acme.example/headache",
        "https://localhost/",
        "http://localhost:81/",
        "http://localhost.evil.example/",
        "http://localhost@evil.example/",
        "//localhost/",
        "localhost",
        "null",
    ],
)
def test_without_fetch_metadata_a_missing_or_foreign_referer_shows_the_door(
    browser: Browser, app: Flask, referer: str | None
) -> None:
    headers = {} if referer is None else {"Referer": referer}
    walk = plant(browser, app, answers_but())
    for place in PLACES:
        page = walk.get(place, site=None, headers=headers)
        assert is_door(page), place
        assert shows_no_answer(page), place


def test_a_referer_that_is_no_address_shows_the_door(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    assert is_door(walk.get("check", site=None, headers={"Referer": "http://["}))


def test_without_fetch_metadata_our_own_referer_opens_the_page(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    assert walk.get("check", site=None, headers={"Referer": OURS}).heading == "Check your answers"


def test_fetch_metadata_outweighs_a_referer(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    assert is_door(walk.get("check", site="cross-site", headers={"Referer": OURS}))


def test_an_emergency_behind_the_door_stays_behind_it(browser: Browser, app: Flask) -> None:
    door = plant(browser, app, answers_but(danger_now=["self_harm"])).get("stop", site="none")
    calm = plant(browser, app, answers_but()).get("check", site="none")
    for shown in (door, calm):
        assert is_door(shown)
        # Help stands on every door, so it gives nothing away.
        assert {"tel:911", "tel:988"} <= set(shown.links.values())


def test_the_door_of_a_draft_without_an_age_only_starts_afresh(browser: Browser) -> None:
    door = begin(browser).get("danger-now", site="none")
    assert is_door(door)
    assert list(door.main.iter("form")) == []
    assert door.links["Start afresh"] == "/c/acme"


def test_an_unknown_link_is_gone_whoever_follows_it(browser: Browser) -> None:
    for site in ("same-origin", "none"):
        for token in ("x", "A" * 43, "%00", "\N{SNOWMAN}", "A" * 5000):
            page = browser.get(f"/d/{token}/check", site=site)
            assert page.status == 410
            assert page.heading == "This page is no longer here"


# ---------------------------------------------------------------- through the door


def go_on(walk: Walk, age: object) -> Page:
    door = walk.get("check", site="none")
    return walk.browser.post(walk.url("go-on"), token_of(door) | {"age": age})


def test_the_right_age_opens_a_new_link_and_kills_the_old_one(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    went = go_on(walk, " 42 ")
    assert went.status == 303
    renewed = Walk(browser, went.location.split("/")[2])
    assert renewed.token != walk.token
    assert renewed.get("check").heading == "Check your answers"
    assert walk.get("check").status == 410
    assert walk.get("check", site="none").status == 410
    assert browser.post(walk.url("about-you"), {"age": "30"}).status == 410
    assert stored(app, renewed) == answers_but()


def test_going_on_returns_to_the_first_unanswered_page(browser: Browser) -> None:
    walk = begin(browser)
    walk.answer("danger-now", answers_but())
    walk.answer("about-you", answers_but())
    assert go_on(walk, 42).location.endswith("/changes")


def test_going_on_in_an_emergency_returns_to_the_stop_page(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but(danger_now=["sudden"]))
    assert go_on(walk, 42).location.endswith("/stop")


def test_a_wrong_age_says_how_many_tries_are_left(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    for left in range(MOST_TRIES - 1, 0, -1):
        page = go_on(walk, 41)
        assert page.status == 422
        assert page.problems == [f"That is not the age given before. Tries left: {left}."]
        assert shows_no_answer(page)


def test_five_wrong_ages_remove_the_draft(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    for age in range(37, 37 + MOST_TRIES - 1):
        assert go_on(walk, age).status == 422
    last = go_on(walk, 41)
    assert last.status == 410
    assert last.heading == "This page is no longer here"
    assert walk.get("check", site="none").status == 410
    assert count_rows(app, Draft) == 0


@pytest.mark.parametrize("typed", ["", "forty-two", "-42", "4 2", "999"])
def test_something_that_is_no_age_costs_no_try(browser: Browser, app: Flask, typed: str) -> None:
    walk = plant(browser, app, answers_but())
    for _ in range(MOST_TRIES):
        page = go_on(walk, typed)
        assert (page.status, page.problems) == (422, ["Give a whole number from 0 to 120."])
    assert go_on(walk, 42).status == 303


def test_the_right_age_forgives_the_wrong_tries(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    for _ in range(2):
        for _ in range(MOST_TRIES - 1):
            go_on(walk, 41)
        walk = Walk(browser, go_on(walk, 42).location.split("/")[2])
    assert walk.get("check").status == 200


@pytest.mark.parametrize("token", ["", "forged", "\N{SNOWMAN}"])
def test_the_door_takes_no_forged_form(browser: Browser, app: Flask, token: str) -> None:
    walk = plant(browser, app, answers_but())
    refused = browser.post(walk.url("go-on"), {"form_token": token, "age": "42"})
    assert refused.status in {400, 422}
    assert walk.get("check").status == 200


# ---------------------------------------------------------------- form tokens


@pytest.mark.parametrize(
    "token", [None, "", "forged", "A" * 43, "\N{SNOWMAN}", "\N{LATIN SMALL LETTER E WITH ACUTE}"]
)
def test_a_page_with_a_forged_token_comes_back_as_typed_and_saves_nothing(
    browser: Browser, app: Flask, token: str | None
) -> None:
    walk = plant(browser, app, answers_but())
    sent = {"age": "33", "pregnancy": "pregnant"} | ({} if token is None else {"form_token": token})
    page = browser.post(walk.url("about-you"), sent)
    assert page.status == 422
    assert page.problems == ["This page was open too long. Nothing is lost: press the button once more."]
    assert page.form["age"] == ["33"]
    assert page.form["pregnancy"] == ["pregnant"]
    assert stored(app, walk) == answers_but()
    # Pressing the button once more works, as the page says.
    assert browser.submit(page).status == 303
    assert stored(app, walk)["age"] == 33


@pytest.mark.parametrize("token", [None, "", "forged", "\N{SNOWMAN}"])
def test_a_request_with_a_forged_token_comes_back_as_typed_and_sends_nothing(
    browser: Browser, app: Flask, token: str | None
) -> None:
    walk = plant(browser, app, answers_but())
    sent: dict[str, object] = {name: as_form(value) for name, value in CONTACT.items()}
    page = browser.post(walk.url("contact"), sent | ({} if token is None else {"form_token": token}))
    assert page.status == 422
    assert count_rows(app, Consultation) == 0
    typed = page.form
    for name, value in CONTACT.items():
        assert typed[name] == as_form(value), name
    assert browser.follow(browser.submit(page)).heading == "Your request was sent"


@pytest.mark.parametrize("token", ["", "forged", "\N{SNOWMAN}"])
def test_the_stop_page_takes_no_forged_form(browser: Browser, app: Flask, token: str) -> None:
    walk = plant(browser, app, answers_but(danger_now=["sudden"]))
    refused = browser.post(walk.url("stop"), {"form_token": token, "answer": "not_now"})
    assert refused.status in {400, 422}
    assert stored(app, walk)["danger_now"] == ["sudden"]
    assert "call 911" in refused.text.lower()


def test_the_token_of_one_draft_does_not_fit_another(browser: Browser, app: Flask) -> None:
    mine, theirs = (plant(browser, app, answers_but()) for _ in range(2))
    for place in ("about-you", "contact"):
        sent = browser.post(theirs.url(place), token_of(mine.get(place)) | {"age": "33"})
        assert sent.status == 422
    assert stored(app, theirs) == answers_but()


def test_the_token_of_one_page_does_not_fit_another(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    sent = browser.post(
        walk.url("about-you"), token_of(walk.get("changes")) | {"age": "33", "pregnancy": "no"}
    )
    assert sent.status == 422


def test_a_token_stays_good_while_the_draft_lives(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    first = token_of(walk.get("about-you"))
    for age in ("33", "34", "35"):
        assert browser.post(walk.url("about-you"), first | {"age": age, "pregnancy": "no"}).status == 303


# ---------------------------------------------------------------- forms of other sites

POSTS = (
    "/c/acme/start",
    "/d/{token}/about-you",
    "/d/{token}/stop",
    "/d/{token}/contact",
    "/d/{token}/go-on",
    "/staff/login",
    "/staff/logout",
    "/staff/verify",
    "/desk/acme/requests/0000000000/move",
    "/no/such/page",
)
STRANGERS: list[tuple[str | None, dict[str, str]]] = [
    ("cross-site", {}),
    ("same-site", {}),
    ("none", {}),
    ("cross-site", {"Origin": "http://localhost"}),
    (None, {"Origin": "https://evil.example"}),
    (None, {"Origin": "https://www.acme.example"}),
    (None, {"Origin": "https://localhost"}),
    (None, {"Origin": "null"}),
    (None, {"Origin": "http://["}),
    (None, {"Referer": OURS}),
    (None, {}),
]


@pytest.mark.parametrize(("site", "headers"), STRANGERS)
def test_a_form_from_another_site_is_refused_everywhere(
    app: Flask, browser: Browser, intake: Browser, site: str | None, headers: dict[str, str]
) -> None:
    walk = plant(browser, app, answers_but())
    for visitor in (browser, intake):
        for path in POSTS:
            page = visitor.post(path.format(token=walk.token), {"age": "33"}, site=site, headers=headers)
            assert page.status == 403, path
            assert "Set-Cookie" not in page.headers
    assert stored(app, walk) == answers_but()
    assert intake.get("/desk/acme/queue").status == 200, "still signed in"


def test_without_fetch_metadata_our_own_origin_is_taken(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    form = token_of(walk.get("about-you")) | {"age": "33", "pregnancy": "no"}
    sent = browser.post(walk.url("about-you"), form, site=None, headers={"Origin": "http://localhost"})
    assert sent.status == 303


def test_a_foreign_start_makes_no_draft(browser: Browser, app: Flask) -> None:
    browser.post("/c/acme/start", site="cross-site")
    assert count_rows(app, Draft) == 0


def test_a_request_for_another_host_gets_a_plain_refusal(browser: Browser) -> None:
    for host in ("evil.example", "localhost.evil.example", "["):
        assert browser.get("/c/acme", headers={"Host": host}).status == 400


# ---------------------------------------------------------------- time


def age_draft(app: Flask, **columns: timedelta) -> None:
    """Makes all drafts older."""
    with at_clinic(app, "acme") as (session, _):
        earlier = {column: datetime.now(UTC) - by for column, by in columns.items()}
        session.execute(update(Draft).values(**earlier))
        session.commit()


@pytest.mark.parametrize(
    "ages",
    [
        {"last_active_at": DRAFT_IDLE},
        {"created_at": timedelta(weeks=1), "last_active_at": timedelta(minutes=1)},
    ],
)
def test_a_draft_past_its_time_is_gone_for_every_request(
    browser: Browser, app: Flask, ages: dict[str, timedelta]
) -> None:
    walk = plant(browser, app, answers_but())
    contact = walk.contact_form(CONTACT)
    door = walk.get("check", site="none")
    age_draft(app, **ages)
    for place in ("about-you", "check", "result", "contact", "stop"):
        assert walk.get(place).status == 410
        assert walk.get(place, site="none").status == 410
    assert browser.post(walk.url("contact"), contact).status == 410
    assert browser.post(walk.url("go-on"), token_of(door) | {"age": "42"}).status == 410
    assert count_rows(app, Consultation) == 0


def test_a_draft_is_open_until_its_time_is_up(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    age_draft(app, last_active_at=DRAFT_IDLE - timedelta(minutes=1))
    fill(browser, walk.get("danger-now"), answers_but())
    age_draft(app, created_at=timedelta(weeks=1) - timedelta(minutes=1))
    assert walk.get("check").status == 200


def test_expired_drafts_leave_the_database(browser: Browser, app: Flask) -> None:
    plant(browser, app, answers_but())
    age_draft(app, last_active_at=DRAFT_IDLE)
    begin(browser)
    assert count_rows(app, Draft) == 1
