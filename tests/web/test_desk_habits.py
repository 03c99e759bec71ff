"""Views under a name, one's own or everybody's; and keys that are off until somebody asks for them."""

from __future__ import annotations

import pytest
from flask import Flask
from web.client import Browser, Page
from web.test_staff import INTAKE, NOW, QUEUE, ROUTINE, URGENT, XSS, names
from web.test_work import CLINICIAN
from web.walking import SignedIn, add_requests, at_clinic, give_roles, token_of

from screener.store.tables import SavedView

pytestmark = pytest.mark.both_databases

VIEWS = "/desk/acme/views"


def save(browser: Browser, name: str, query: str = "", **form: str) -> Page:
    return browser.post(f"{VIEWS}?{query}", token_of(browser.get(QUEUE)) | {"name": name} | form)


def deletions(page: Page) -> list[str]:
    return [f.get("action", "") for f in page.forms if f.get("action", "").endswith("/delete")]


def test_a_view_is_saved_under_a_name_and_shows_the_same_again(app: Flask, intake: Browser) -> None:
    add_requests(app, [("Urgent", URGENT, NOW), ("Calm", ROUTINE, NOW)])
    saved = save(intake, "Calm ones", "urgency=routine&sort=newest&after=0000000000&evil=1")
    assert saved.location == f"{QUEUE}?sort=newest&urgency=routine"
    assert "Saved as “Calm ones”." in intake.follow(saved).text
    link = intake.get(QUEUE).links["Calm ones"]
    page = intake.get(link)
    assert names(page) == ["Calm"]
    assert [a.get("aria-current") for a in page.all("a") if "".join(a.itertext()) == "Calm ones"] == ["page"]


def test_a_view_is_ones_own_unless_it_is_shared(intake: Browser, signed_in: SignedIn) -> None:
    save(intake, "Mine")
    save(intake, "Ours", "urgency=flagged", **{"for": "everybody"})
    clinician = signed_in(CLINICIAN)
    page = clinician.get(QUEUE)
    assert "Ours" in page.links
    assert "Mine" not in page.links
    assert f"Ours (shared by {INTAKE})" in page.text
    assert deletions(page) == []
    assert "Ours" not in signed_in("intake@other.example").get("/desk/other/queue").links


def test_only_ones_own_view_is_deleted_and_what_was_left_behind(
    app: Flask, intake: Browser, signed_in: SignedIn
) -> None:
    save(intake, "Mine")
    save(intake, "Ours", **{"for": "everybody"})
    mine, ours = deletions(intake.get(QUEUE))
    clinician = signed_in(CLINICIAN)
    token = token_of(clinician.get(QUEUE))
    for view in (mine, ours, f"{VIEWS}/nonsense/delete", f"{VIEWS}/{'0' * 32}/delete"):
        assert clinician.post(view, token).status == 404
    intake.post(mine, token_of(intake.get(QUEUE)))
    assert "Mine" not in intake.get(QUEUE).links
    give_roles(app, INTAKE)
    page = clinician.get(QUEUE)
    assert "Ours (shared by somebody who left)" in page.text
    assert clinician.post(deletions(page)[0], token).status == 303
    assert "Ours" not in clinician.get(QUEUE).links


@pytest.mark.parametrize("name", ["", "  ", "\u0000", "a" * 61])
def test_a_view_without_a_name_or_with_far_too_long_a_one_is_refused(intake: Browser, name: str) -> None:
    page = intake.follow(save(intake, name))
    assert "Give the view a name of 1 to 60 characters." in page.text
    assert deletions(page) == []


def test_a_person_has_thirty_views_at_most(intake: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screener.store.saved_views.MOST_VIEWS", 2)
    for name in ("One", "Two"):
        save(intake, name)
    assert "Delete one first." in intake.follow(save(intake, "Three")).text


@pytest.mark.parametrize("name", XSS)
def test_a_views_name_is_shown_as_text_and_kept_sealed(app: Flask, intake: Browser, name: str) -> None:
    page = intake.follow(save(intake, name))
    assert " ".join(name.split()) in page.links
    assert page.all("svg", "img") == []
    with at_clinic(app, "acme") as (session, _):
        assert name.encode() not in session.query(SavedView).one().sealed_name


def test_shortcuts_are_off_until_a_person_turns_them_on(intake: Browser, signed_in: SignedIn) -> None:
    def loads_script(browser: Browser) -> bool:
        return any("shortcuts.js" in script.get("src", "") for script in browser.get(QUEUE).all("script"))

    assert not loads_script(intake)
    sent = token_of(intake.get(QUEUE))
    assert (
        "Keyboard shortcuts are on."
        in intake.follow(intake.post("/desk/acme/shortcuts", sent | {"on": "yes"})).text
    )
    assert loads_script(intake)
    assert loads_script(signed_in(INTAKE)), "on every device"
    assert not loads_script(signed_in(CLINICIAN))
    intake.post("/desk/acme/shortcuts", sent | {"on": "no"})
    assert not loads_script(intake)
