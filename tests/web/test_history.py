"""The clinician's page: each value leads to its answer; paper and text say the same; nothing is hidden."""

from __future__ import annotations

import logging
import re
from xml.etree.ElementTree import Element

import pytest
from builders import CHRONIC_AND_INTRACTABLE, EVERY_PAGE
from flask import Flask
from web.client import Browser, Page, read_pdf, words
from web.walking import answers_but, begin, contact_but, plant, reference_on, send_all

from screener.domain.notices import DISCLAIMER
from screener.domain.questionnaire import ACUTE_TRIED, PREVENTIVES_TRIED

OVERFULL = EVERY_PAGE | {
    "acute_tried": [code for code in ACUTE_TRIED.codes if code != "none"],
    "acute_other_name": "W" * 80,
    "preventives_tried": [code for code in PREVENTIVES_TRIED.codes if code != "none"],
    "preventive_other_name": "שלום " * 16,
    "own_words": "w" * 1000,
}
SPARSE: dict[str, object] = dict.fromkeys(CHRONIC_AND_INTRACTABLE) | {
    "danger_now": ["none"],
    "age": 42,
    "changes": ["none"],
}


def send(browser: Browser, app: Flask, answers: dict[str, object], **contact: object) -> str:
    return send_all(browser, app, answers=answers, contact=contact_but(**contact))


def history(staff: Browser, reference: str, place: str = "history") -> Page:
    page = staff.get(f"/desk/acme/requests/{reference}/{place}")
    assert page.status == 200
    return page


@pytest.mark.parametrize("answers", [SPARSE, answers_but(), EVERY_PAGE, OVERFULL])
def test_every_value_of_the_history_leads_to_the_answer_it_comes_from(
    browser: Browser, app: Flask, intake: Browser, answers: dict[str, object]
) -> None:
    page = history(intake, send(browser, app, answers))
    ids = {element.get("id") for element in page.main.iter()}
    values = derived(page)
    assert len(values) > 20
    for value in values:
        links = list(value.iter("a"))
        assert links, words(value)
        assert all(link.get("href", "#").removeprefix("#") in ids for link in links), words(value)


def derived(page: Page) -> list[Element]:
    """What the page concludes or shortens, element by element; the word-for-word list is not among it."""
    (columns,) = (e for e in page.all("div") if e.get("class") == "history")
    told = [strong for e in page.all("div") if e.get("class") == "said" for strong in e.iter("strong")]
    figures = [cell for figure in page.all("figure") for cell in figure.iter("td")]
    cells = [cell for cell in columns.iter("td") if words(cell) and cell not in figures]
    # The last cell of a figure's row is what the days are out of.
    return [*cells, *figures[::2], *columns.iter("blockquote"), *told]


def test_the_sentence_leads_to_its_answers_too(browser: Browser, app: Flask, intake: Browser) -> None:
    page = history(intake, send(browser, app, answers_but()))
    (lead,) = (e for e in page.all("p") if e.get("class") == "lead")
    assert words(lead).startswith("Aged 42 years; head pain on 20 days of the last 30")
    led = {words(link): link.get("href") for link in lead.iter("a")}
    assert led["42 years"] == "#a-age"
    assert led["20 days"] == "#a-head_days"


def test_an_emergency_marked_as_a_mistake_stands_first_with_its_times(
    browser: Browser, intake: Browser
) -> None:
    walk = begin(browser)
    walk.answer("danger-now", {"danger_now": ["chest_pain"]})
    walk.leave_stop("by_mistake")
    walk.to_check(answers_but())
    page = history(intake, reference_on(browser.follow(walk.send(contact_but()))))
    text = words(page.main)
    assert re.search(r"\d\d?:\d\d [AP]M: Saw the emergency page \(Chest pain\)", text)
    assert re.search(r"\d\d?:\d\d [AP]M: Said: ticked by mistake \(Chest pain\)", text)
    assert text.index("ticked by mistake") < text.index("Aged 42 years")


def test_what_nobody_was_asked_is_listed_apart_from_what_was_skipped(
    browser: Browser, app: Flask, intake: Browser
) -> None:
    page = history(intake, send(browser, app, answers_but(side=None)))
    assert page.said["Where is the pain?"] == "Not sure"
    assert page.said["On how many of the last 30 days did you take triptans?"] == "Skipped"
    (unasked,) = (e for e in page.all("details") if words(e).startswith("Not asked ("))
    assert "How long does each of these signs last?" in words(unasked)
    assert "Where is the pain?" not in words(unasked)


# ---------------------------------------------------------------- paper


@pytest.mark.parametrize(
    "answers", [SPARSE, answers_but(), EVERY_PAGE], ids=["sparse", "usual", "every page"]
)
def test_the_history_fits_on_one_page_of_paper(
    browser: Browser, app: Flask, intake: Browser, answers: dict[str, object]
) -> None:
    reader, text = read_pdf(history(intake, send(browser, app, answers), "history.pdf"))
    assert len(reader.pages) == 1
    assert reader.pages[0].mediabox[2:] == [612, 792]
    for words_ in ("Pat Example", "Safety:", "Aged 42 years", DISCLAIMER, "Ketamine cautions"):
        assert words_ in text, words_


def test_an_overfull_history_hides_nothing_on_paper(
    browser: Browser, app: Flask, intake: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    reference = send(browser, app, OVERFULL)
    reader, text = read_pdf(history(intake, reference, "history.pdf?answers=all"))
    assert sum(page.extract_text().count("w") for page in reader.pages) >= 2000
    assert text.count("W") >= 160
    for name in ("Triptan", "Combination analgesic", "Antiemetic", "Calcium-channel blocker"):
        assert name in text, name
    for question, answer in history(intake, reference).said.items():
        if question.endswith("?") and answer.isascii() and len(answer) < 80:
            assert answer in text, (question, answer)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("weasyprint")] == []


def test_the_paper_can_be_read_out(browser: Browser, app: Flask, intake: Browser) -> None:
    reader, _ = read_pdf(history(intake, send(browser, app, answers_but()), "history.pdf"))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert b"pdfuaid:part" in root["/Metadata"].get_data()
    assert reader.metadata is not None
    assert reader.metadata.title == "Headache history: Pat Example"


# ---------------------------------------------------------------- text


def test_the_text_has_the_same_history_and_its_versions(
    browser: Browser, app: Flask, intake: Browser
) -> None:
    page = history(intake, send(browser, app, answers_but()), "history/text")
    (area,) = page.all("textarea")
    text = "".join(area.itertext())
    assert "Name: Pat Example\nBorn: 1984-04-27\n" in text
    assert "\nHeadache days in the last 30: 20 days\n" in text
    assert "\nIntractable migraine (article 004): matches\n" in text
    assert DISCLAIMER in text
    assert area.get("readonly") is not None


def test_a_spanish_history_reads_in_english_with_the_shown_words_beside_it(
    browser: Browser, app: Flask, intake: Browser
) -> None:
    walk = plant(browser, app, answers_but(own_words="Me duele mucho."), language="es")
    reference = reference_on(browser.follow(walk.send(contact_but())))
    page = history(intake, reference)
    assert "Aged 42 years" in page.text
    shown = [words(e) for e in page.all("span") if e.get("lang") == "es"]
    assert "¿Cuántos años tiene?" in shown
    text = "".join(history(intake, reference, "history/text").all("textarea")[0].itertext())
    assert "Headache days in the last 30: 20 days" in text
    assert "¿Cuántos años tiene?: 42 años" in text
    assert "Me duele mucho." in text
    _, paper = read_pdf(history(intake, reference, "history.pdf?answers=all"))
    assert "¿Cuántos años tiene?" in paper
