"""The patient's own copy: a tagged PDF with the result, the answers and the disclaimer, sent to nobody."""

from __future__ import annotations

import logging

import pytest
from builders import EVERY_PAGE
from flask import Flask
from pypdf import PdfReader
from web.client import Browser, read_pdf
from web.walking import Walk, answers_but, count_rows, plant

from screener.domain.notices import DISCLAIMER
from screener.domain.questionnaire import HEAD_DAYS
from screener.domain.versions import CRITERIA_VERSION, QUESTIONNAIRE_VERSION
from screener.store.tables import Consultation
from screener.web.languages import read_catalogue


def read(walk: Walk) -> tuple[PdfReader, str]:
    return read_pdf(walk.browser.get(walk.get("result").links["Save a copy (PDF)"]))


@pytest.fixture(scope="module", autouse=True)
def _needs_pango() -> None:
    from screener.web.copies import NEEDED, can_make_pdf  # noqa: PLC0415 - loads Pango

    assert can_make_pdf(), NEEDED


def test_the_copy_holds_the_result_each_answer_the_disclaimer_and_the_versions(
    browser: Browser, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    walk = plant(browser, app, EVERY_PAGE | {"own_words": "It is worst on Mondays."})
    result = walk.get("result")
    _, text = read(walk)
    assert DISCLAIMER in text
    assert "Your answers match what these clinics call chronic and intractable migraine." in text
    assert "Please talk to a doctor today" in text
    for question, answer in result.said.items():
        assert question in text or answer == "Skipped", question
        assert answer in text or answer == "Skipped", (question, answer)
    assert "Skipped" not in text
    assert QUESTIONNAIRE_VERSION in text
    assert CRITERIA_VERSION in text
    # WeasyPrint only logs what it could not fetch or understand.
    assert [record.getMessage() for record in caplog.records if record.name.startswith("weasyprint")] == []


def test_the_copy_can_be_read_out(browser: Browser, app: Flask) -> None:
    reader, _ = read(plant(browser, app, answers_but()))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert "/StructTreeRoot" in root
    assert reader.metadata is not None
    assert reader.metadata.title == "My headache answers"
    assert b"pdfuaid:part" in root["/Metadata"].get_data()


def test_a_word_without_end_stays_on_the_paper(browser: Browser, app: Flask) -> None:
    reader, _ = read(plant(browser, app, EVERY_PAGE | {"own_words": "w" * 900}))
    lines = [line for page in reader.pages for line in page.extract_text().replace("\x00", "").split("\n")]
    longest = max(lines, key=lambda line: line.count("w"))
    assert 0 < longest.count("w") < 60


def test_the_copy_speaks_the_language_of_the_page(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but(), language="es")
    reader, text = read_pdf(browser.get(walk.url("copy.pdf")))
    assert reader.trailer["/Root"]["/Lang"] == "es"
    assert read_catalogue("es").gettext(DISCLAIMER) in text
    assert read_catalogue("es").gettext(HEAD_DAYS.stem) in text
    assert HEAD_DAYS.stem not in text


def test_making_a_copy_sends_nothing_and_keeps_the_draft(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    read(walk)
    assert count_rows(app, Consultation) == 0
    assert walk.get("result").status == 200


def test_an_emergency_gets_no_copy_with_a_class(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but(danger_now=["chest_pain"]))
    assert walk.get("copy.pdf").location == walk.url("stop")


def test_a_link_from_elsewhere_opens_no_copy(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    outside = browser.get(walk.url("copy.pdf"), site="cross-site")
    assert outside.response.mimetype == "text/html"
    assert "Welcome back" in outside.text
