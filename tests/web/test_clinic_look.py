"""How a clinic looks: changed by its administrators, seen by its patients, tried out without being stored."""

from __future__ import annotations

import random
from io import BytesIO
from xml.etree.ElementTree import Element

import pytest
from builders import CONTACT
from flask import Flask
from PIL import Image
from web.client import Browser, Page, words
from web.test_logo import bomb, drawing, saved
from web.walking import answers_but, at_clinic, begin, plant, token_of

from screener.store.audit import Wanted, list_entries
from screener.store.clinic_changes import disable_clinic
from screener.store.tables import Clinic, Draft
from screener.web import clinic_look
from screener.web.arrival import MAX_BODY
from screener.web.languages import LANGUAGES
from screener.web.records import LANGUAGE_NAMES

LOOK = "/desk/acme/look"
WINE = "#7b2d42"
REFUSED = (
    "#6a4c93 is too hard to read: words on buttons would have 6.27:1 and need 7.00:1."
    " The nearest shade that passes is #624688."
)
TEXTS = {
    "intro_en": "We are <b>Acme</b>.\r\nWelcome.",
    "intro_es": "Somos Acme.",
    "what_next_en": "Dr. Ann reads it herself.",
}


def save(admin: Browser, place: str = "", **typed: object) -> Page:
    page = admin.get(LOOK)
    return admin.post(LOOK + place, page.form | token_of(page) | typed)


def logo_file(data: bytes | None = None, name: str = "logo.png") -> tuple[BytesIO, str]:
    return BytesIO(saved(drawing()) if data is None else data), name


def stylesheet_of(page: Page) -> str:
    (link,) = [link for link in page.all("link") if link.get("rel") == "stylesheet"]
    return link.get("href", "")


def logos_of(page: Page) -> list[Element]:
    return [image for image in page.all("img") if image.get("class") == "logo"]


def said_by_clinic(page: Page) -> list[str]:
    return [words(p) for p in page.all("p") if p.get("class") == "clinic-says"]


# ---------------------------------------------------------------- as patients see it


def test_a_clinic_without_a_look_of_its_own_has_ours(browser: Browser) -> None:
    page = browser.get("/c/acme")
    assert stylesheet_of(page).startswith("/static/screener.css?v=")
    assert logos_of(page) == []
    assert said_by_clinic(page) == []


def test_what_was_saved_is_what_patients_of_this_clinic_see(admin: Browser, app: Flask) -> None:
    done = save(admin, accent=WINE, logo=logo_file(), **TEXTS)
    assert "Saved." in admin.follow(done).text
    patient = Browser(app)
    page = patient.get("/c/acme")
    assert said_by_clinic(page) == ["We are <b>Acme</b>. Welcome."]
    assert said_by_clinic(patient.get("/c/acme?lang=es")) == ["Somos Acme."]
    css = patient.get(stylesheet_of(page))
    assert css.response.mimetype == "text/css"
    assert f"--accent: {WINE};" in css.source
    (image,) = logos_of(page)
    assert (image.get("alt"), image.get("width"), image.get("height")) == ("Acme Clinic", "320", "68")
    png = patient.get(image.get("src", ""))
    assert png.response.mimetype == "image/png"
    assert png.response.get_data().startswith(b"\x89PNG")
    for kept in (css, png):
        assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert stylesheet_of(begin(patient).get("danger-now")) == stylesheet_of(page)
    assert logos_of(patient.get("/c/other")) == []


def test_the_receipt_says_what_happens_next_in_the_clinics_words(admin: Browser, app: Flask) -> None:
    save(admin, **TEXTS)
    walk = plant(Browser(app), app, answers_but())
    receipt = walk.browser.follow(walk.send(CONTACT))
    assert said_by_clinic(receipt) == ["Dr. Ann reads it herself."]
    assert said_by_clinic(walk.browser.get(f"{receipt.path}?lang=es")) == [], "none was given in Spanish"


def test_another_address_than_the_contents_own_is_not_kept(admin: Browser, browser: Browser) -> None:
    save(admin, accent=WINE, logo=logo_file())
    for place in ("look.css?accent=7b2d42&v=old", "logo.png?v=old"):
        page = browser.get(f"/c/acme/{place}")
        assert (page.status, page.headers["Cache-Control"]) == (200, "no-store")
    for color in ("ffd400", "red", "", "7b2d42;}"):
        assert browser.get(f"/c/acme/look.css?accent={color}").status == 404


def test_the_stylesheet_is_packed_for_who_takes_it(admin: Browser, browser: Browser) -> None:
    save(admin, accent=WINE)
    address = stylesheet_of(browser.get("/c/acme"))
    packed = browser.get(address, headers={"Accept-Encoding": "gzip"})
    plain = browser.get(address, headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert len(packed.response.get_data()) < 6_000 < len(plain.response.get_data())
    assert packed.headers["Vary"] == "Accept-Encoding"


def test_a_clinic_that_was_shut_serves_no_look_but_its_receipts_are_still_read(
    admin: Browser, app: Flask
) -> None:
    save(admin, accent=WINE, logo=logo_file())
    walk = plant(Browser(app), app, answers_but())
    receipt = walk.browser.follow(walk.send(CONTACT))
    (image,) = logos_of(receipt)
    with at_clinic(app, "acme") as (session, clinic):
        disable_clinic(session, clinic, by=None, now=clinic.created_at)
        session.commit()
    unknown = walk.browser.get("/c/nowhere")
    for place in (stylesheet_of(receipt), image.get("src", ""), "/c/acme"):
        page = walk.browser.get(place)
        assert (page.status, page.source) == (404, unknown.source)
    again = walk.browser.get(receipt.path)
    assert again.status == 200
    assert stylesheet_of(again).startswith("/static/")
    assert logos_of(again) == []


# ---------------------------------------------------------------- changed


def test_a_change_is_told_in_the_trail_and_nothing_else_of_it(admin: Browser, app: Flask) -> None:
    save(admin, accent=WINE, intro_en="Welcome")
    assert "Nothing was changed." in admin.follow(save(admin)).text
    with at_clinic(app, "acme") as (session, _):
        told = [e.details for e in list_entries(session, Wanted(what="clinic_changed"), limit=9)]
    assert told == [{"fields": ["accent", "texts"], "changes": [f"accent: nothing → {WINE}"]}]
    assert "Changed this clinic" in admin.get("/desk/acme/audit").text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"accent": "wine"}, "Enter a color as # and six digits or letters a to f, like #22577a."),
        ({"intro_es": "x" * 301}, "Use 300 characters at most; these are 301."),
        ({"accent": "#6a4c93"}, REFUSED),
    ],
)
def test_what_is_not_valid_is_refused_with_all_that_was_typed(
    admin: Browser, app: Flask, typed: dict[str, str], said: str
) -> None:
    page = save(admin, **({"what_next_en": "Keep this"} | typed))
    assert page.status == 422
    assert page.problems == [said]
    assert page.form["what_next_en"] == ["Keep this"]
    with at_clinic(app, "acme") as (_, clinic):
        assert (clinic.accent, clinic.texts) == (None, {})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<svg onload='alert(1)'/>", "An SVG can hold scripts, so none is taken. Save the logo as PNG."),
        (
            bomb(60_000, 60_000),
            "The logo may have 8 million points at most, like 4000 by 2000. Save it smaller.",
        ),
        (b"GIF89a", "This is no PNG, JPEG or WebP picture. Save the logo as PNG."),
        (saved(drawing())[:900], "This picture is damaged. Save the logo as PNG again."),
    ],
)
def test_a_hostile_file_is_refused_whatever_it_is_called(admin: Browser, data: bytes, said: str) -> None:
    page = save(admin, logo=logo_file(data, "logo.png"))
    assert (page.status, page.problems) == (422, [said])
    assert logos_of(admin.get(LOOK)) == []


def test_a_logo_may_be_larger_than_any_other_form_but_not_without_end(
    admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy = saved(Image.frombytes("RGB", (330, 330), random.Random(1).randbytes(330 * 330 * 3)))
    assert len(noisy) > MAX_BODY
    assert save(admin, logo=logo_file(noisy)).status == 303
    monkeypatch.setattr(clinic_look, "LARGEST", 10_000)
    assert save(admin, logo=logo_file(noisy)).status == 413


def test_a_logo_stays_until_another_comes_or_it_is_taken_away(admin: Browser) -> None:
    save(admin, logo=logo_file())
    first = logos_of(admin.get(LOOK))[0].get("src")
    save(admin, accent="#22577a")
    assert logos_of(admin.get(LOOK))[0].get("src") == first
    save(admin, logo=logo_file(saved(drawing(ink=(0, 90, 0, 255)))))
    assert logos_of(admin.get(LOOK))[0].get("src") != first
    save(admin, no_logo="yes")
    assert logos_of(admin.get(LOOK)) == []


# ---------------------------------------------------------------- tried out


def test_a_preview_shows_what_was_typed_and_stores_nothing(admin: Browser, app: Flask) -> None:
    page = save(admin, "/preview", accent=WINE, logo=logo_file(), intro_es="Hola", preview_lang="es")
    assert page.heading == "Cuestionario sobre el dolor de cabeza"
    assert said_by_clinic(page) == ["Hola"]
    assert "accent=7b2d42" in stylesheet_of(page)
    assert logos_of(page)[0].get("src", "").startswith("data:image/png;base64,")
    assert page.all("body")[0].get("inert") is not None
    with at_clinic(app, "acme") as (session, clinic):
        assert (clinic.accent, clinic.logo_hash, clinic.texts) == (None, None, {})
        assert session.query(Draft).count() == 0
    assert said_by_clinic(admin.get(f"{LOOK}/preview")) == [], "what is stored"


def test_a_question_can_be_tried_out_in_each_brightness(admin: Browser, app: Flask) -> None:
    for theme in ("light", "dim", "dark"):
        page = save(admin, "/preview", accent=WINE, preview_page="question", preview_theme=theme)
        assert page.heading == "About you"
        assert page.tree.get("data-theme") == theme
    with at_clinic(app, "acme") as (session, _):
        assert session.query(Draft).count() == 0


def test_a_preview_of_what_is_refused_says_why(admin: Browser) -> None:
    page = save(admin, "/preview", accent="#ffd400")
    assert (page.status, page.heading) == (422, "No preview yet")
    assert "#625200" in page.text


def test_the_page_may_frame_its_preview_and_works_without_script(admin: Browser) -> None:
    page = admin.get(LOOK)
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    (frame,) = page.all("iframe")
    assert (frame.get("sandbox"), frame.get("title")) == (
        "allow-same-origin",
        "Preview of the patient's page",
    )
    (button,) = [b for b in page.all("button") if b.get("formtarget") == frame.get("name")]
    assert button.get("formaction") == f"{LOOK}/preview"


def test_other_pages_may_still_frame_nothing(admin: Browser) -> None:
    for place in ("/desk/acme/people", "/desk/"):
        assert "frame-src" not in admin.get(place).headers["Content-Security-Policy"]


def test_no_patients_page_is_colored_by_an_address(browser: Browser) -> None:
    assert "accent" not in stylesheet_of(browser.get(f"/c/acme?accent={WINE[1:]}"))


def test_a_language_that_is_added_has_its_texts_too(admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LANGUAGES, "fr", "Français")
    monkeypatch.setitem(LANGUAGE_NAMES, "fr", "French")
    assert "On the first page, in French" in admin.get(LOOK).text


def test_the_texts_of_one_clinic_are_its_own(admin: Browser, app: Flask) -> None:
    save(admin, **TEXTS)
    with app.app_context():
        other = app.extensions["screener.database"].sessions().query(Clinic).filter_by(slug="other").one()
        assert other.texts == {}
