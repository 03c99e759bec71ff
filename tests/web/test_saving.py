"""Save and finish later: two ways back, each used once, and windows that do not lose each other's answers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import CONTACT
from flask import Flask
from sqlalchemy import update
from web.client import Browser, Page
from web.walking import (
    BORN,
    Walk,
    answers_but,
    at_clinic,
    begin,
    count_rows,
    document_of,
    fill,
    leave,
    plant,
    slug_of,
    stored,
    token_of,
    walk_of,
)

from screener.domain.next_screening import DANGER_HOLDS
from screener.store import drafts
from screener.store.clinics import clinic_key
from screener.store.tables import MOST_TRIES, Clinic, Consultation, Draft, OutboxMessage, place_of
from screener.store.vault import open_document
from screener.web.saving import MOST_LINKS_A_DAY

NO_FIT = ["The code or the year does not fit. Check both."]
NO_YEAR = "Give the year of birth in four digits, for example 1985."
NO_MORE_LINKS = "How do you want to come back? We sent enough links today. Choose the code, or wait a day."
USED = "The link or code you had is used up. To stop once more, save again and get a new one."
LOST = "Something you typed on the last page could not be saved as it was."
LATER = "You had answered the last page in another window too. We kept what you sent last."
TO = "pat.canary@example.com"


@pytest.fixture
def app(app: Flask) -> Flask:
    """An installation that can mail."""
    settings = app.extensions["screener.settings"]
    app.extensions["screener.settings"] = replace(
        settings, smtp_url="smtp+plain://127.0.0.1:1", mail_from="Forms <forms@example.org>"
    )
    return app


@pytest.fixture
def without_mail(app: Flask) -> None:
    settings = app.extensions["screener.settings"]
    app.extensions["screener.settings"] = replace(settings, smtp_url="", mail_from="")


@pytest.fixture
def device(app: Flask) -> Browser:
    """Another one of the same patient."""
    return Browser(app)


def outbox(app: Flask) -> dict[str, tuple[datetime, dict[str, Any]]]:
    """Kind of mail to the patient -> when it is due, and what is sealed in it."""
    with at_clinic(app, "acme") as (session, clinic):
        ring = clinic_key(session, clinic.id)
        owed = session.query(OutboxMessage).filter(OutboxMessage.draft_id.is_not(None))
        return {
            row.kind: (row.due_at, open_document(ring, place_of(row, "sealed_mail"), row.sealed_mail or b""))
            for row in owed
        }


def save(walk: Walk, **form: object) -> Page:
    """Sends the save page's form, and follows."""
    sent = walk.browser.submit(walk.get("save"), **({"birth_year": BORN} | form))
    return walk.browser.follow(sent)


def save_by_mail(app: Flask, walk: Walk) -> str:
    """The path of the mailed link."""
    save(walk, way="email", contact_email=TO)
    link: str = outbox(app)["draft_link"][1]["values"]["link"]
    return link.removeprefix("http://localhost:8000")


def code_on(page: Page) -> str:
    found = re.search(r"\b([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}\b", page.text)
    assert found, page.text
    return found[0]


def come_back(browser: Browser, path: str, **form: object) -> Page:
    """Opens a link, or the page for codes, from outside as one does."""
    shown = browser.get(path, site="none")
    assert shown.status == 200, shown.heading
    return browser.post(path, token_of(shown) | {"birth_year": str(BORN)} | form)


# ---------------------------------------------------------------- leaving


@pytest.mark.parametrize("place", ["about-you", "check", "result"])
def test_each_page_offers_to_save_and_finish_later(browser: Browser, app: Flask, place: str) -> None:
    page = plant(browser, app, answers_but()).get(place)
    assert "Save and finish later" in page.text


def test_what_was_typed_on_the_page_is_kept_when_it_is_left(browser: Browser, app: Flask) -> None:
    walk = begin(browser)
    walk.answer("danger-now", answers_but())
    form = walk.get("about-you").form
    left = browser.post(walk.url("pause"), form | {"age": "42"})
    assert left.location == walk.url("save?place=about-you")
    page = browser.get(left.location)
    assert page.heading == "Save and finish later"
    assert page.links["Back"] == walk.url("about-you")
    assert stored(app, walk)["age"] == 42


def test_what_cannot_be_kept_of_the_page_that_is_left_is_told(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but(own_words="It is worst on Mondays."))
    form = walk.get("background").form
    too_long = browser.follow(browser.post(walk.url("pause"), form | {"own_words": "w" * 1001}))
    assert (too_long.heading, LOST in too_long.text) == ("Save and finish later", True)
    assert stored(app, walk)["own_words"] == "It is worst on Mondays."
    assert LOST not in browser.follow(browser.post(walk.url("pause"), form)).text


def test_a_danger_ticked_on_the_page_that_is_left_stops_first(browser: Browser) -> None:
    walk = begin(browser)
    form = walk.get("danger-now").form
    left = browser.post(walk.url("pause"), form | {"danger_now": ["sudden"]})
    assert left.location == walk.url("stop")
    assert walk.get("save").location == walk.url("stop")


@pytest.mark.parametrize("form", [{"place": "about-you"}, {"place": "nowhere"}, {}])
def test_a_forged_pause_is_refused(browser: Browser, app: Flask, form: dict[str, object]) -> None:
    walk = plant(browser, app, answers_but())
    assert browser.post(walk.url("pause"), form | {"age": "33"}).status == 400
    assert stored(app, walk)["age"] == 42


def test_the_page_says_until_when_it_is_kept_and_the_visit_goes_on(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    page = save(walk, way="code")
    assert page.heading == "Your answers are saved"
    with app.app_context():
        local = app.jinja_env.filters["local"]
        day = local(datetime.now(UTC) + timedelta(weeks=1), "America/Los_Angeles").rsplit(",", 1)[0]
    assert " ".join(f"Kept until {day}".split()) in page.text
    assert browser.get(page.links["Go on now"]).heading == "Check your answers"


def test_the_code_is_shown_with_the_address_to_go_to(browser: Browser, app: Flask) -> None:
    page = save(plant(browser, app, answers_but()), way="code")
    assert code_on(page)
    assert "http://localhost:8000/c/acme/resume" in page.text


def test_another_brightness_does_not_lose_the_code(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    page = save(walk, way="code")
    chosen = browser.post(walk.url("look"), token_of(page) | {"place": "saved", "theme": "dark"})
    again = browser.follow(chosen)
    assert again.tree.get("data-theme") == "dark"
    assert code_on(again) == code_on(page)


def test_another_language_keeps_what_was_typed_on_the_way_out(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    page = browser.post(walk.url("save"), walk.get("save").form | {"birth_year": "19", "language": "es"})
    assert (page.status, page.form["birth_year"], page.problems) == (200, ["19"], [])
    assert page.tree.get("lang") == "es"


def test_the_page_of_a_draft_that_was_not_saved_leads_to_saving(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    assert walk.get("saved").location == walk.url("save")


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"birth_year": ""}, NO_YEAR),
        ({"birth_year": "84"}, NO_YEAR),
        ({"birth_year": "1899"}, NO_YEAR),
        ({"birth_year": BORN + 50}, NO_YEAR),
        ({"birth_year": "\N{FULLWIDTH DIGIT ONE}984"}, NO_YEAR),
        ({"birth_year": BORN - 2}, "The year and the age you gave do not fit. Check the year."),
        ({"birth_year": BORN + 2}, "The year and the age you gave do not fit. Check the year."),
        ({"way": "email", "contact_email": ""}, "Give the e-mail address to send the link to."),
        (
            {"way": "email", "contact_email": "pat@"},
            "This is not a full e-mail address. It looks like name@example.com.",
        ),
        ({"way": None}, "How do you want to come back? Choose one answer."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(
    browser: Browser, app: Flask, form: dict[str, object], problem: str
) -> None:
    walk = plant(browser, app, answers_but())
    page = save(walk, **({"way": "code"} | form))
    assert (page.status, page.problems) == (422, [problem])
    assert "saved" not in document_of(app, walk)
    assert outbox(app) == {}


@pytest.mark.parametrize("year", [BORN - 1, BORN, BORN + 1])
def test_a_year_either_way_fits_the_age(browser: Browser, app: Flask, year: int) -> None:
    assert save(plant(browser, app, answers_but()), birth_year=year, way="code").status == 200


def test_half_an_address_does_not_hinder_who_takes_a_code(browser: Browser, app: Flask) -> None:
    assert code_on(save(plant(browser, app, answers_but()), way="code", contact_email="pat@"))


def test_the_year_stands_only_in_the_sealed_draft(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    save(walk, way="email", contact_email=TO)
    assert document_of(app, walk)["birth_year"] == BORN
    assert str(BORN) not in str([mail for _, mail in outbox(app).values()])


# ---------------------------------------------------------------- no mail about a child


def test_a_child_gets_a_code_and_is_never_asked_for_an_address(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but(age=17))
    assert walk.get("save").asked == ["birth_year"]
    assert code_on(save(walk, birth_year=BORN + 25, way="email", contact_email=TO))
    assert outbox(app) == {}


@pytest.mark.parametrize(("years", "mails"), [(17, 0), (18, 0), (19, 2)])
def test_the_year_of_someone_who_may_be_a_child_brings_no_mail(
    browser: Browser, app: Flask, years: int, mails: int
) -> None:
    page = save(begin(browser), birth_year=BORN + 42 - years, way="email", contact_email=TO)
    assert len(outbox(app)) == mails
    why = "We send no e-mail for someone who may be under 18. Choose the code."
    assert page.problems == ([] if mails else [f"How do you want to come back? {why}"])


@pytest.mark.usefixtures("without_mail")
def test_an_installation_that_cannot_mail_offers_the_code_alone(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    assert walk.get("save").asked == ["birth_year"]
    assert code_on(save(walk))


# ---------------------------------------------------------------- the mailed link


def test_two_mails_are_owed_and_only_the_first_holds_the_link(browser: Browser, app: Flask) -> None:
    page = save(plant(browser, app, answers_but()), way="email", contact_email=TO)
    assert TO in page.text
    mails = outbox(app)
    assert set(mails) == {"draft_link", "draft_warning"}
    (first_due, link), (warned, warning) = mails["draft_link"], mails["draft_warning"]
    assert link["to"] == warning["to"] == TO
    assert abs(warned - first_due - timedelta(days=6)) < timedelta(minutes=1)
    assert set(link["values"]) == {"link", "until"}
    assert set(warning["values"]) == {"until"}
    assert link["values"]["until"] in page.text


@pytest.mark.parametrize("kind", ["draft_link", "draft_warning"])
def test_the_mails_are_neutral(app: Flask, kind: str) -> None:
    with app.app_context():
        template = app.jinja_env.get_template(f"emails/{kind}.txt")
        words = template.render(link="http://localhost/resume/x", until="Sat")
    subject, _, body = words.partition("\n")
    assert subject == "Subject: Your saved form"
    assert "This is not a diagnosis" in body
    assert not any(word in words.lower() for word in ("headache", "migraine", "ketamine", "pain"))


def test_a_draft_is_mailed_five_links_a_day_and_then_offers_the_code(browser: Browser, app: Flask) -> None:
    by_mail = {"way": "email", "contact_email": TO}
    walk = plant(browser, app, answers_but())
    for _ in range(MOST_LINKS_A_DAY):
        assert save(walk, **by_mail).heading == "Your answers are saved"
    newest = outbox(app)
    refused = save(walk, **by_mail)
    assert (refused.status, refused.problems) == (422, [NO_MORE_LINKS])
    assert outbox(app) == newest
    assert code_on(save(walk, way="code"))


def test_links_of_yesterday_count_no_more(browser: Browser, app: Flask) -> None:
    mailed = [(datetime.now(UTC) - timedelta(hours=25)).isoformat()] * MOST_LINKS_A_DAY
    walk = plant(browser, app, answers_but(), mailed=mailed)
    save_by_mail(app, walk)
    assert len(document_of(app, walk)["mailed"]) == 1


def test_going_on_brings_no_more_links(browser: Browser, app: Flask, device: Browser) -> None:
    mailed = [datetime.now(UTC).isoformat()] * (MOST_LINKS_A_DAY - 1)
    link = save_by_mail(app, plant(browser, app, answers_but(), mailed=mailed))
    again = walk_of(come_back(device, link), device)
    assert save(again, way="email", contact_email=TO).problems == [NO_MORE_LINKS]


def test_looking_at_the_link_uses_nothing_up(browser: Browser, app: Flask, device: Browser) -> None:
    path = save_by_mail(app, plant(browser, app, answers_but()))
    for site in ("none", "cross-site", None, "none"):
        page = device.get(path, site=site)
        assert (page.status, page.heading) == (200, "Welcome back")
        assert page.asked == ["birth_year"]
        assert "42 years" not in page.text
    assert come_back(device, path).status == 303


def test_the_right_year_leads_to_where_they_stopped(browser: Browser, app: Flask, device: Browser) -> None:
    walk = begin(browser)
    walk.answer("danger-now", answers_but())
    walk.answer("about-you", answers_but())
    back = come_back(device, save_by_mail(app, walk))
    assert slug_of(back.location) == "changes"
    assert USED in device.get(back.location).text
    assert stored(app, walk_of(back, device))["age"] == 42


def test_a_finished_form_leads_to_the_check_page(browser: Browser, app: Flask, device: Browser) -> None:
    back = come_back(device, save_by_mail(app, plant(browser, app, answers_but())))
    assert device.get(back.location).heading == "Check your answers"


def test_an_emergency_leads_to_the_stop_page(browser: Browser, app: Flask, device: Browser) -> None:
    walk = plant(browser, app, answers_but(danger_now=["sudden"]))
    back = come_back(device, f"/resume/{leave(app, walk, 'resume')}")
    assert slug_of(back.location) == "stop"


def test_a_link_works_once(browser: Browser, app: Flask, device: Browser) -> None:
    path = save_by_mail(app, plant(browser, app, answers_but()))
    form = token_of(device.get(path)) | {"birth_year": str(BORN)}
    come_back(device, path)
    for again in (device.get(path), device.post(path, form)):
        assert (again.status, again.heading) == (410, "This link is used up")
        assert "(626) 555-0100" in again.text
        assert again.links["Start afresh"] == "/c/acme"


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "\N{SNOWMAN}"])
def test_an_unknown_link_explains_itself_to_anybody(browser: Browser, token: str) -> None:
    for site in ("same-origin", "none"):
        page = browser.get(f"/resume/{token}", site=site)
        assert (page.status, page.heading) == (410, "This link is used up")


def test_a_page_address_is_no_link_to_come_back_by(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    link = save_by_mail(app, walk).rsplit("/", 1)[1]
    assert browser.get(f"/resume/{walk.token}").status == 410
    assert Walk(browser, link).get("check").status == 410


def test_a_wrong_year_says_how_many_tries_are_left_and_the_fifth_removes_the_draft(
    browser: Browser, app: Flask, device: Browser
) -> None:
    path = save_by_mail(app, plant(browser, app, answers_but()))
    for left in range(MOST_TRIES - 1, 0, -1):
        page = come_back(device, path, birth_year=str(BORN - 1))
        assert page.problems == [f"That is not the year given before. Tries left: {left}."]
    assert come_back(device, path, birth_year="1950").status == 410
    assert count_rows(app, Draft) == 0
    assert outbox(app) == {}


def test_something_that_is_no_year_costs_no_try(browser: Browser, app: Flask, device: Browser) -> None:
    path = save_by_mail(app, plant(browser, app, answers_but()))
    for _ in range(MOST_TRIES):
        assert come_back(device, path, birth_year="84").problems == [NO_YEAR]
    assert come_back(device, path).status == 303


def test_the_link_of_a_disabled_clinic_is_not_there(browser: Browser, app: Flask, device: Browser) -> None:
    path = save_by_mail(app, plant(browser, app, answers_but()))
    with at_clinic(app, "acme") as (session, clinic):
        session.get_one(Clinic, clinic.id).disabled_at = datetime.now(UTC)
        session.commit()
    assert device.get(path).status == 404


def test_coming_back_cancels_the_warning_and_another_save_owes_a_new_one(
    browser: Browser, app: Flask, device: Browser
) -> None:
    back = come_back(device, save_by_mail(app, plant(browser, app, answers_but())))
    assert outbox(app) == {}
    assert {"saved", "birth_year"} & set(document_of(app, walk_of(back, device))) == set()
    save_by_mail(app, walk_of(back, device))
    assert set(outbox(app)) == {"draft_link", "draft_warning"}


def test_a_second_pause_works(browser: Browser, app: Flask, device: Browser) -> None:
    first = save_by_mail(app, begin(browser))
    second = save_by_mail(app, walk_of(come_back(device, first), device))
    third = come_back(browser, second)
    assert walk_of(third, browser).get("danger-now").status == 200
    assert device.get(second).status == 410


# ---------------------------------------------------------------- the code


def test_a_code_leads_back_from_any_device_once(browser: Browser, app: Flask, device: Browser) -> None:
    code = code_on(save(plant(browser, app, answers_but()), way="code"))
    back = come_back(device, "/c/acme/resume", code=code.lower().replace("-", " "))
    assert device.get(back.location).heading == "Check your answers"
    assert come_back(device, "/c/acme/resume", code=code).problems == NO_FIT


def test_a_wrong_code_and_a_wrong_year_give_the_same_page(
    browser: Browser, app: Flask, device: Browser
) -> None:
    code = code_on(save(plant(browser, app, answers_but()), way="code"))
    wrong_year = come_back(device, "/c/acme/resume", code=code, birth_year="1950")
    wrong_code = come_back(device, "/c/acme/resume", code="0000-0000-0000", birth_year="1950")
    assert wrong_year.problems == wrong_code.problems == NO_FIT
    assert wrong_year.status == wrong_code.status == 422
    assert wrong_year.source.replace(code, "0000-0000-0000") == wrong_code.source


def test_five_wrong_years_remove_the_draft_behind_a_code(
    browser: Browser, app: Flask, device: Browser
) -> None:
    code = code_on(save(plant(browser, app, answers_but()), way="code"))
    for _ in range(MOST_TRIES):
        assert count_rows(app, Draft) == 1
        assert come_back(device, "/c/acme/resume", code=code, birth_year="1950").problems == NO_FIT
    assert count_rows(app, Draft) == 0
    assert come_back(device, "/c/acme/resume", code=code).problems == NO_FIT


def test_a_code_of_one_clinic_fits_at_no_other(browser: Browser, app: Flask, device: Browser) -> None:
    code = code_on(save(plant(browser, app, answers_but()), way="code"))
    assert come_back(device, "/c/other/resume", code=code).problems == NO_FIT
    assert come_back(device, "/c/acme/resume", code=code).status == 303


def test_something_that_is_no_code_is_pointed_out(device: Browser) -> None:
    page = come_back(device, "/c/acme/resume", code="K7QM")
    assert page.problems == ["A code has 12 letters and digits, for example K7QM-3XVD-9TPA."]


@pytest.mark.parametrize("way", ["resume", "code"])
def test_coming_back_takes_no_forged_form(browser: Browser, app: Flask, device: Browser, way: Any) -> None:
    walk = plant(browser, app, answers_but())
    secret = leave(app, walk, way)
    path = f"/resume/{secret}" if way == "resume" else "/c/acme/resume"
    assert device.post(path, {"birth_year": str(BORN), "code": secret}).status == 422
    assert walk.get("check").status == 200


# ---------------------------------------------------------------- the other device's page


def test_the_page_left_open_says_that_it_went_on_elsewhere(
    browser: Browser, app: Flask, device: Browser
) -> None:
    walk = plant(browser, app, answers_but())
    form = walk.get("about-you").form
    come_back(device, save_by_mail(app, walk))
    looked = walk.get("check")
    assert (looked.status, looked.heading) == (410, "You went on with this on another device")
    assert "was not kept" not in looked.text
    sent = browser.post(walk.url("about-you"), form | {"age": "30"})
    assert sent.status == 410
    assert "What you just sent from this page was not kept." in sent.text
    assert "(626) 555-0100" in sent.text


def test_the_page_behind_a_renewed_link_says_so_too(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    door = walk.get("check", site="none")
    browser.post(walk.url("go-on"), token_of(door) | {"age": "42"})
    assert walk.get("check").heading == "You went on with this on another device"


def test_passing_the_door_shuts_the_mailed_link_and_says_so(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    path = save_by_mail(app, walk)
    door = walk.get("check", site="none")
    went = browser.post(walk.url("go-on"), token_of(door) | {"age": "42"})
    assert USED in browser.get(went.location).text
    assert browser.get(path).status == 410
    assert outbox(app) == {}


def test_a_request_that_was_sent_ends_every_way_back(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    path = save_by_mail(app, walk)
    assert walk.send(CONTACT).status == 303
    assert browser.get(path).status == 410
    assert outbox(app) == {}


# ---------------------------------------------------------------- expiry


def test_a_saved_draft_outlives_the_day_and_ends_a_week_after_the_last_activity(
    browser: Browser, app: Flask, device: Browser
) -> None:
    walk = plant(browser, app, answers_but())
    path = save_by_mail(app, walk)
    week_ago = datetime.now(UTC) - timedelta(weeks=1)
    for last_active, status in ((week_ago + timedelta(minutes=1), 200), (week_ago, 410)):
        with at_clinic(app, "acme") as (session, _):
            session.execute(
                update(Draft).values(last_active_at=last_active, created_at=week_ago - timedelta(days=30))
            )
            session.commit()
        assert device.get(path).status == status
        assert walk.get("danger-now").status == status


# ---------------------------------------------------------------- what was said a while ago


def come_back_after(app: Flask, browser: Browser, walk: Walk, paused: timedelta) -> Page:
    path = f"/resume/{leave(app, walk, 'resume')}"
    pause(app, paused)
    page = browser.get(path)
    return browser.get(browser.post(path, page.form | {"birth_year": str(BORN)}).location)


def test_no_danger_is_asked_again_after_a_pause_and_nothing_else_is(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but(danger_before=["faint_confused_seizure"]))
    page = come_back_after(app, browser, walk, DANGER_HOLDS)
    assert page.path.split("?")[0].endswith("/danger-now")
    assert "Some time has passed" in page.text
    assert "danger_now" not in page.form, "what was said then is no answer for now"
    renewed = Walk(browser, page.path.split("/")[2])
    assert renewed.get("contact").status == 303, "nothing is sent before it is answered"
    went = browser.post(page.path, page.form | {"danger_now": ["none"]})
    assert went.location.endswith("/check")
    # What had happened before still counts.
    assert "Go to an emergency department today" in renewed.get("result").text


def test_after_a_change_of_the_questions_dangers_are_asked_again_and_what_cannot_be_read(
    browser: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(drafts, "QUESTIONNAIRE_VERSION", "2026-01-01+00000000")
        said = answers_but(asked_no_more="yes", attacks_ever="an option that went", head_days=21)
        walk = plant(browser, app, said)
    sent = browser.post(walk.url("contact"), {"contact_name": "Pat"})
    for page in (browser.follow(walk.get("check")), browser.follow(sent)):
        assert asks_danger(page)
        assert "our questions have changed" in page.text
        assert "danger_before" not in page.form
    asked = []
    while (turned := walk.get("check")).status == 303:
        asked.append(slug_of(turned.location))
        fill(browser, browser.get(turned.location), answers_but(attacks_ever="five_or_more"))
    assert asked == ["danger-now", "changes", "attack-length"], "nobody answers everything once more"
    assert (stored(app, walk)["attacks_ever"], stored(app, walk)["head_days"]) == ("five_or_more", 21)
    assert "/r/" in walk.send(CONTACT).location


def test_a_danger_that_came_in_the_pause_stops_the_questions(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    page = come_back_after(app, browser, walk, timedelta(days=6))
    went = browser.post(page.path, page.form | {"danger_now": ["stroke_signs"]})
    assert went.location.endswith("/stop")


def pause(app: Flask, paused: timedelta) -> None:
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(Draft).values(last_active_at=datetime.now(UTC) - paused))
        session.commit()


def asks_danger(page: Page) -> bool:
    return (
        page.path.split("?")[0].endswith("/danger-now")
        and "Some time has passed" in page.text
        and "danger_now" not in page.form
    )


def test_a_page_left_open_for_hours_sends_nothing_before_danger_is_asked(
    browser: Browser, app: Flask
) -> None:
    walk = plant(browser, app, answers_but())
    form = walk.contact_form(CONTACT)
    pause(app, DANGER_HOLDS)
    for place in ("check", "result", "copy.pdf", "contact", "changes"):
        assert asks_danger(browser.follow(walk.get(place))), place
    asked = browser.follow(browser.post(walk.url("contact"), form))
    assert asks_danger(asked)
    assert count_rows(app, Consultation) == 0
    assert browser.post(asked.path, asked.form | {"danger_now": ["none"]}).location.endswith("/check")
    assert "/r/" in browser.post(walk.url("contact"), form).location


@pytest.mark.parametrize("address", ["headache-days", "pause"])
def test_what_was_typed_on_a_page_left_open_is_kept(browser: Browser, app: Flask, address: str) -> None:
    walk = plant(browser, app, answers_but())
    typed = walk.get("headache-days").form | {"head_days": "11", "place": "headache-days"}
    pause(app, timedelta(hours=20))
    assert browser.post(walk.url(address), typed).status == 303
    assert stored(app, walk)["head_days"] == 11
    assert asks_danger(browser.follow(walk.get("check")))
    # Also where the page left open was the one about danger.
    danger = walk.get("danger-now").form | {"danger_now": ["none"]}
    pause(app, timedelta(hours=20))
    assert browser.post(walk.url("danger-now?back=check"), danger).location.endswith("/check")


def test_a_short_pause_asks_nothing_again_and_a_ticked_danger_stays(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    page = come_back_after(app, browser, walk, DANGER_HOLDS - timedelta(minutes=1))
    assert page.path.split("?")[0].endswith("/check")
    danger = plant(browser, app, answers_but(danger_now=["sudden"]))
    assert come_back_after(app, browser, danger, timedelta(days=1)).path.split("?")[0].endswith("/stop")


# ---------------------------------------------------------------- two windows


def test_the_later_window_wins_and_the_next_page_says_so_once(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    first, second = (walk.get("about-you").form for _ in range(2))
    assert "told" not in browser.post(walk.url("about-you"), first | {"age": "43"}).location
    sent = browser.post(walk.url("about-you"), second | {"age": "44"})
    page = browser.get(sent.location)
    assert LATER in page.text
    assert stored(app, walk)["age"] == 44
    assert LATER not in browser.get(fill_on(browser, page).location).text


def fill_on(browser: Browser, page: Page) -> Page:
    """Sends a page as it stands, from the address that had something to tell."""
    return browser.post(page.path, page.form)


def test_an_error_after_it_does_not_say_it_again(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    page = browser.post(walk.url("about-you?told=later"), walk.get("about-you").form | {"age": "old"})
    assert page.status == 422
    assert LATER not in page.text


def test_the_same_answers_sent_twice_are_nothing_to_tell(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    form = walk.get("about-you").form | {"age": "43"}
    for _ in range(2):
        assert "told" not in browser.post(walk.url("about-you"), form).location


def test_going_back_to_change_an_answer_is_nothing_to_tell(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    for age in ("43", "44"):
        sent = browser.post(walk.url("about-you"), walk.get("about-you").form | {"age": age})
        assert "told" not in sent.location


@pytest.mark.parametrize("button", ["about-you", "pause"])
def test_what_another_button_kept_of_the_later_window_is_told_too(
    browser: Browser, app: Flask, button: str
) -> None:
    walk = plant(browser, app, answers_but())
    first, second = (walk.get("about-you").form for _ in range(2))
    browser.post(walk.url("about-you"), first | {"age": "43"})
    sent = browser.post(walk.url(button), second | {"age": "44", "theme": "dark"})
    assert LATER in browser.get(sent.location).text
    assert stored(app, walk)["age"] == 44


def test_a_blank_page_of_another_window_takes_nothing_back(browser: Browser, app: Flask) -> None:
    walk = begin(browser)
    walk.answer("danger-now", answers_but())
    first, second = (walk.get("about-you").form for _ in range(2))
    browser.post(walk.url("about-you"), first | {"age": "43", "pregnancy": "no"})
    sent = browser.post(walk.url("about-you"), second | {"theme": "dark"})
    assert "told" not in sent.location
    assert stored(app, walk)["age"] == 43


@pytest.mark.parametrize("told", ["nonsense", "<b>", ""])
def test_only_what_there_is_to_tell_is_told(browser: Browser, app: Flask, told: str) -> None:
    page = plant(browser, app, answers_but()).get("check?told=" + told)
    assert "told" not in [element.get("class") for element in page.all("p")]
