"""Languages: chosen on any page without losing the place or what was typed; nothing left in English.

Most of these speak a made-up Spanish, each text of the catalogue between marks, so that they hold whatever
the translators write, and so that a text which is not in the catalogue stands out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import pytest
from babel.support import NullTranslations
from builders import CONTACT, EVERY_PAGE
from flask import Flask
from messages import extracted
from web.client import Browser, Page, words
from web.walking import (
    SignedIn,
    Walk,
    answers_but,
    begin,
    contact_but,
    document_of,
    plant,
    reference_on,
    send_all,
    stored,
    token_of,
)
from werkzeug.datastructures import MultiDict

from screener.domain.question import BEFORE_RESULT, Part
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import restore_answers
from screener.web import languages

SPANISH = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}
MESSAGES = frozenset(message.id for message in extracted() if message.id)


class Marked(NullTranslations):
    """Each text of the catalogue between marks, any other as it is."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧" if message in MESSAGES else message

    ugettext = gettext


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = {"en": NullTranslations(), "es": Marked()}
    monkeypatch.setattr(languages, "read_catalogue", spoken.__getitem__)


def language_of(page: Page) -> str:
    assert page.headers["Content-Language"] == page.tree.get("lang"), page.path
    return page.tree.get("lang") or ""


def choose(walk: Walk, slug: str, language: str, **typed: object) -> Page:
    """Presses the button for a language on a page with something to type."""
    return walk.browser.post(walk.url(slug), walk.get(slug).form | typed | {"language": language})


def switch_on(page: Page) -> Element:
    """The way to the other language."""
    (found,) = [e for e in page.all("button", "a") if "language" in e.get("class", "").split()]
    return found


# ---------------------------------------------------------------- which language


def test_a_start_page_speaks_the_language_of_the_device(browser: Browser) -> None:
    assert language_of(browser.get("/c/acme")) == "en"
    assert language_of(browser.get("/c/acme", headers=SPANISH)) == "es"
    assert language_of(browser.get("/c/acme", headers={"Accept-Language": "fr"})) == "en"


def test_an_address_can_ask_for_a_language_and_wins_over_the_device(browser: Browser) -> None:
    assert language_of(browser.get("/c/acme?lang=es")) == "es"
    assert language_of(browser.get("/c/acme?lang=en", headers=SPANISH)) == "en"
    assert language_of(browser.get("/c/acme?lang=%3Cb%3E", headers=SPANISH)) == "es"


def test_language_and_brightness_survive_each_other_without_a_draft(browser: Browser) -> None:
    dim = browser.get("/c/acme?theme=dim")
    spanish = browser.get("/c/acme" + switch_on(dim).get("href", ""))
    assert (language_of(spanish), spanish.tree.get("data-theme")) == ("es", "dim")
    dark = next(a.get("href", "") for a in spanish.all("a") if "theme=dark" in a.get("href", ""))
    both = browser.get("/c/acme" + dark)
    assert (language_of(both), both.tree.get("data-theme")) == ("es", "dark")


def test_the_language_of_the_start_page_goes_along_into_the_draft(app: Flask, browser: Browser) -> None:
    start = browser.get("/c/acme?lang=es")
    first = browser.post("/c/acme/start", start.form).location
    walk = Walk(browser, first.split("/")[2])
    assert document_of(app, walk)["language"] == "es"
    # And the draft's language holds, whatever the device would rather have.
    assert language_of(browser.get(first, headers={"Accept-Language": "en"})) == "es"


def test_a_device_that_speaks_spanish_does_not_turn_an_english_draft(app: Flask, browser: Browser) -> None:
    walk = plant(browser, app, answers_but())
    assert language_of(walk.get("check", headers=SPANISH)) == "en"


# ---------------------------------------------------------------- switching


@pytest.mark.parametrize("place", ["check", "result", "stop"])
def test_a_switch_returns_to_its_page(app: Flask, browser: Browser, place: str) -> None:
    danger = {"danger_now": ["sudden"]} if place == "stop" else {}
    walk = plant(browser, app, answers_but(**danger))
    page = walk.get(place)
    button = switch_on(page)
    assert (button.get("name"), button.get("value"), button.get("lang")) == ("language", "es", "es")
    (form,) = [form for form in page.forms if form.get("id") == button.get("form")]
    sent = {e.get("name", ""): e.get("value") for e in form.iter("input")} | {"language": "es"}
    chosen = browser.post(form.get("action", ""), sent)
    assert chosen.location == walk.url(place)
    assert language_of(walk.get(place)) == "es"
    assert switch_on(walk.get(place)).get("value") == "en"


def test_a_switch_on_a_question_page_keeps_what_was_typed(app: Flask, browser: Browser) -> None:
    walk = begin(browser)
    walk.answer("danger-now", {"danger_now": ["none"]})
    chosen = choose(walk, "about-you", "es", age="42")
    assert chosen.location == walk.url("about-you")
    page = walk.get("about-you")
    assert (language_of(page), page.form["age"]) == ("es", ["42"])
    assert document_of(app, walk)["language"] == "es"


def test_a_switch_keeps_also_what_cannot_be_read(browser: Browser) -> None:
    walk = begin(browser)
    walk.answer("danger-now", {"danger_now": ["none"]})
    page = choose(walk, "about-you", "es", age="forty-two", pregnancy="no")
    assert (page.status, language_of(page), page.problems) == (200, "es", [])
    assert (page.form["age"], page.form["pregnancy"]) == (["forty-two"], ["no"])


def test_a_switch_keeps_the_way_back_to_the_check_page(app: Flask, browser: Browser) -> None:
    walk = plant(browser, app, answers_but())
    path = walk.url("about-you") + "?back=check"
    chosen = browser.post(path, browser.get(path).form | {"language": "es"})
    assert chosen.location == path


def test_a_switch_on_the_contact_page_keeps_what_was_typed_and_stores_none_of_it(
    app: Flask, browser: Browser
) -> None:
    walk = plant(browser, app, answers_but())
    typed = walk.contact_form(contact_but(contact_email="pat@", consent=None))
    page = browser.post(walk.url("contact"), typed | {"language": "es"})
    assert (page.status, language_of(page), page.problems) == (200, "es", [])
    assert page.form["contact_name"] == [CONTACT["contact_name"]]
    assert page.form["contact_email"] == ["pat@"]
    assert page.form["contact_state"] == [CONTACT["contact_state"]]
    assert page.form["contact_channel"] == ["phone"]
    assert "consent" not in page.form
    kept = document_of(app, walk)
    assert kept["language"] == "es"
    assert "Pat Example" not in str(kept)
    # The page goes on as if nothing had happened.
    assert browser.post(walk.url("contact"), walk.contact_form(CONTACT)).status == 303


def test_enter_in_a_field_presses_continue_not_the_language(app: Flask, browser: Browser) -> None:
    walk = plant(browser, app, answers_but())
    for place in ("about-you", "contact"):
        page = walk.get(place)
        (form,) = page.main.iter("form")
        first = next(b for b in page.all("button") if b.get("form") == form.get("id") or b in form.iter())
        everywhere = [b for b in page.tree.iter("button") if b.get("form") == form.get("id")]
        assert everywhere[0].get("name") is None, place
        assert first.get("name") is None, place


def test_the_door_speaks_as_chosen_and_stays_shut(app: Flask, browser: Browser) -> None:
    walk = plant(browser, app, answers_but())
    door = walk.get("check", site="none")
    # A link of the door back to its own address would come from our page, and so walk through it.
    assert not [link for link in door.links.values() if link.startswith("?")]
    sent = token_of(door)
    for chosen, heading in (({"language": "es"}, "Hola de nuevo"), ({"theme": "dark"}, door.heading)):
        again = browser.post(walk.url("go-on"), sent | chosen)
        assert (again.status, again.heading) == (200, heading)
    spanish = browser.post(walk.url("go-on"), sent | {"language": "es"})
    assert language_of(spanish) == "es"
    wrong = browser.submit(spanish, age="41")
    assert (wrong.status, language_of(wrong)) == (422, "es")
    inside = browser.follow(browser.submit(wrong, age="42"))
    assert (inside.path.rsplit("/", 1)[1], language_of(inside)) == ("check", "es")


def press_look(page: Page, browser: Browser, name: str, value: str) -> Page:
    """Presses a button of the form for brightness and language, which sends its fields in their order."""
    (form,) = [form for form in page.forms if form.get("id") == "look"]
    pressed = next(e for e in page.all("button") if (e.get("name"), e.get("value")) == (name, value))
    assert pressed.get("form") == "look"
    fields = [e for e in page.tree.iter() if e is pressed or (e.tag == "input" and e in form.iter())]
    sent = MultiDict((e.get("name", ""), e.get("value", "")) for e in fields)
    return browser.post(form.get("action", ""), sent)


def test_language_and_brightness_survive_each_other_at_the_door(app: Flask, browser: Browser) -> None:
    page = plant(browser, app, answers_but()).get("check", site="none")
    looks = []
    for name, value in (("language", "es"), ("theme", "dark"), ("language", "en"), ("theme", "")):
        page = press_look(page, browser, name, value)
        looks.append((language_of(page), page.tree.get("data-theme", "")))
    assert looks == [("es", ""), ("es", "dark"), ("en", "dark"), ("en", "")]


def test_receipt_and_what_follows_it_speak_the_language_of_the_request(app: Flask, browser: Browser) -> None:
    walk = plant(browser, app, answers_but(), language="es")
    form = walk.contact_form(CONTACT)
    sent = browser.post(walk.url("contact"), form)
    receipt = browser.follow(sent)
    assert language_of(receipt) == "es"
    again = browser.post(walk.url("contact") + "?lang=es", form | {"contact_name": "Another"})
    assert (again.status, language_of(again)) == (409, "es")
    assert language_of(browser.get(again.all("main")[0].findall(".//a")[-1].get("href", ""))) == "es"


def test_times_and_days_are_told_in_the_language_of_the_page(app: Flask, browser: Browser) -> None:
    told = {}
    for language in ("en", "es"):
        walk = plant(browser, app, answers_but(changes=["fever"]), language=language)
        made_on = next(words(p) for p in walk.get("result").all("p") if re.search(r"\b20\d\d\b", words(p)))
        due = next(words(p) for p in browser.follow(walk.send(CONTACT)).all("p") if "5:00" in words(p))
        told[language] = (made_on, due)
    assert re.search(r"[A-Z][a-z]+ \d+, 20\d\d", told["en"][0])
    assert re.search(r"\d+ de [a-z]+ de 20\d\d", told["es"][0])
    assert re.search(r"(Mon|Tue|Wed|Thu|Fri), .* 5:00\sPM", told["en"][1])
    assert re.search(r"(lun|mar|mié|jue|vie), .* 5:00\sp\.\s?m\.", told["es"][1])


def test_gone_errors_evidence_and_home_speak_it_too(browser: Browser) -> None:
    for path in (
        "/d/gone/check",
        "/r/gone",
        "/c/nowhere",
        "/nowhere",
        "/c/acme/evidence",
        "/c/acme/privacy",
        "/",
    ):
        assert language_of(browser.get(f"{path}?lang=es")) == "es", path


def test_an_error_page_offers_language_and_brightness(app: Flask, browser: Browser) -> None:
    walk = plant(browser, app, answers_but())
    for path in ("/c/nowhere", "/nowhere", walk.url("nothing-there"), "/c/acme/start"):
        page = browser.get(path)
        spanish = browser.get(path + switch_on(page).get("href", ""))
        assert (spanish.status, language_of(spanish)) == (page.status, "es"), path
        assert "Oscuro" in spanish.links, path
    assert "(626) 555-0100" in browser.get(walk.url("nothing-there")).links


def test_staff_pages_stay_english(app: Flask, browser: Browser, signed_in: SignedIn) -> None:
    reference = send_all(browser, app, answers=answers_but())
    assert language_of(browser.get("/staff/login?lang=es", headers=SPANISH)) == "en"
    staff = signed_in("intake@acme.example")
    for path in (
        "/desk/acme/queue",
        f"/desk/acme/requests/{reference}",
        "/desk/acme/evidence",
        "/desk/nowhere",
    ):
        assert language_of(staff.get(f"{path}?lang=es", headers=SPANISH)) == "en", path


# ---------------------------------------------------------------- what is stored, and how staff read it


@pytest.mark.usefixtures("marked")
def test_staff_read_a_spanish_request_in_english_with_the_shown_words_beside(
    app: Flask, browser: Browser, signed_in: SignedIn
) -> None:
    walk = plant(browser, app, answers_but(), language="es")
    reference = reference_on(browser.follow(walk.send(CONTACT)))
    page = signed_in("clinician@acme.example").get(f"/desk/acme/requests/{reference}")
    assert language_of(page) == "en"
    shown = page.said["How old are you?⟦How old are you?⟧"]
    assert shown == "42 years42 ⟦years⟧"
    beside = [words(e) for e in page.all("span") if e.get("lang") == "es"]
    assert "42 ⟦years⟧" in beside
    assert "⟦Yes⟧" in beside
    assert page.said["Language"] == "Español"
    reasons = [e for e in page.all("details") if "class" in e.get("class", "").split()]
    assert not any("⟦" in words(reason) for reason in reasons)


@pytest.mark.usefixtures("marked")
def test_what_a_patient_wrote_stands_once_for_staff(
    app: Flask, browser: Browser, signed_in: SignedIn
) -> None:
    walk = plant(browser, app, EVERY_PAGE, language="es")
    reference = reference_on(browser.follow(walk.send(CONTACT)))
    page = signed_in("clinician@acme.example").get(f"/desk/acme/requests/{reference}")
    assert page.text.count("It is worst on Mondays.") == 1


def test_an_english_request_shows_its_words_once(app: Flask, browser: Browser, signed_in: SignedIn) -> None:
    reference = send_all(browser, app, answers=answers_but())
    page = signed_in("clinician@acme.example").get(f"/desk/acme/requests/{reference}")
    assert page.said["How old are you?"] == "42 years"
    assert "Language" not in page.said


@pytest.mark.usefixtures("marked")
def test_both_languages_give_the_same_result(app: Flask, browser: Browser) -> None:
    verdicts = []
    for language in ("en", "es"):
        page = plant(browser, app, EVERY_PAGE, language=language).get("result")
        seen = [e.get("class") for e in page.all("span") if "verdict" in e.get("class", "")]
        verdicts.append((seen, len(page.all("li")), len(page.all("dt"))))
    assert verdicts[0] == verdicts[1]


# ---------------------------------------------------------------- nothing is left in English


def every_page(app: Flask, browser: Browser, language: str) -> Iterator[Page]:
    """Each page of a patient, also with errors, in a language."""
    look = f"?lang={language}"
    for path in ("/c/acme", "/c/acme/evidence", "/", "/nowhere", "/d/gone/check"):
        yield browser.get(path + look)
    walk = plant(browser, app, EVERY_PAGE, language=language)
    answers = restore_answers(stored(app, walk))
    for page in (*answers.path(BEFORE_RESULT), *answers.path([Part.HISTORY, Part.REQUEST])):
        yield walk.get(page.slug)
    for page in answers.path(BEFORE_RESULT):
        refused = plant(browser, app, EVERY_PAGE, language=language)
        yield browser.post(refused.url(page.slug), token_of(refused.get(page.slug)) | {"age": "x"})
    for question_id, typed in UNREADABLE.items():
        slug = QUESTIONNAIRE.page_of(QUESTIONNAIRE.get(question_id)).slug
        yield browser.post(walk.url(slug), token_of(walk.get(slug)) | typed)
    for answered in results():
        planted = plant(browser, app, answered, language=language)
        for place in ("check", "result", "stop"):
            yield planted.get(place)
        yield planted.get("check", site="none")
    walk = plant(browser, app, answers_but(), language=language)
    yield walk.get("contact")
    yield browser.post(walk.url("contact"), token_of(walk.get("contact")))
    yield browser.post(walk.url("contact"), walk.contact_form(contact_but(**WRONG)))
    form = walk.contact_form(CONTACT)
    yield browser.follow(browser.post(walk.url("contact"), form))
    yield browser.post(walk.url("contact") + look, form | {"contact_name": "Another"})
    yield browser.follow(plant(browser, app, answers_but(changes=["fever"]), language=language).send(CONTACT))


UNREADABLE = {
    "head_days": {"head_days": "3", "mig_days": "30"},
    "own_words": {"own_words": "x" * 9999},
    "days_lost": {"days_lost": "x"},
}
WRONG = {
    "contact_birth_date": "1/1/2020",
    "contact_phone": "12",
    "contact_email": "pat@",
    "contact_channel": "email",
    "contact_times": None,
    "contact_state": "Mars",
}


def results() -> Iterator[dict[str, object]]:
    """Answers that lead to each kind of result."""
    yield answers_but()
    yield answers_but(age=12)
    yield answers_but(head_days=None, usual_relief=None, untreated_length=None, treated_length=None)
    yield answers_but(head_days=15, acute_tried=["nsaid"], usual_relief="goes", treated_length="4_to_24h")
    yield answers_but(head_days=4, mig_days=3, untreated_length="under_4h", treated_length="under_4h")
    yield answers_but(danger_before=["sudden"])
    yield answers_but(pregnancy="pregnant")
    yield answers_but(danger_now=["sudden"])
    yield answers_but(danger_now=["self_harm"])
    yield answers_but(danger_now=["self_harm", "carbon_monoxide"])
    yield EVERY_PAGE


# What is the same in every language: names, numbers, and what people typed.
_NO_WORDS = re.compile(
    r"Acme Clinic|English|Español|9 to 5|Pat Example|pat@example\.com|Feverfew|Riboflavin"
    r"|It is worst on Mondays\.|[0-9A-HJKMNP-TV-Z]{10}|ext\."
)
_NAMED_ELSEWHERE = {"source"}
_SPOKEN_ATTRIBUTES = ("aria-label", "title", "alt", "placeholder")


def bare(text: str) -> str:
    """What stands outside of all marks."""
    depth, outside = 0, []
    for letter in text:
        depth += (letter == "⟦") - (letter == "⟧")
        outside.append(letter if depth == 0 and letter != "⟧" else " ")
    return " ".join(_NO_WORDS.sub(" ", "".join(outside)).split())


def spoken(element: Element) -> Iterator[str]:
    """The texts a reader sees or hears, without the names of papers and of states."""
    yield from (element.get(name, "") for name in _SPOKEN_ATTRIBUTES)
    if element.tag in {"script", "style", "textarea"} or element.get("class") in _NAMED_ELSEWHERE:
        return
    if element.tag == "select":
        yield words(element.findall("option")[0])
        return
    yield element.text or ""
    for child in element:
        yield from spoken(child)
        yield child.tail or ""


@pytest.mark.usefixtures("marked")
def test_no_text_of_a_patient_page_is_missing_from_the_catalogue(app: Flask, browser: Browser) -> None:
    seen = 0
    for page in every_page(app, browser, "es"):
        if page.location:
            continue
        assert language_of(page) == "es", page.path
        seen += 1
        for part in (page.all("body")[0], page.all("title")[0]):
            outside = bare(" ".join(spoken(part)))
            assert not re.search(r"[A-Za-z]{2,}", outside), (page.path, outside)
    assert seen > 60


def controls(page: Page) -> list[tuple[str | None, ...]]:
    """What a page sends, in order, whatever its words."""
    names = ("id", "name", "value", "type", "autocomplete", "inputmode", "maxlength")
    inside = [e for form in page.main.iter("form") for e in form.iter()]
    return [
        tuple(e.get(name) for name in names)
        for e in inside
        if e.tag in {"input", "select", "textarea", "button", "option"}
        and e.get("name") not in {"form_token", "language"}
    ]


def test_each_page_sends_the_same_in_both_languages(app: Flask, browser: Browser) -> None:
    english, spanish = (list(every_page(app, browser, language)) for language in ("en", "es"))
    for one, other in zip(english, spanish, strict=True):
        assert one.status == other.status, one.path
        if not one.location:
            assert controls(one) == controls(other), one.path
