"""Our Questionnaire is a form in a renderer of another maker, and what is answered there is read here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from builders import CHRONIC_AND_INTRACTABLE, EVERY_PAGE
from exports.fhir_samples import BASE, SPANISH, response, walked
from playwright.sync_api import Browser, Locator, Page, expect

from screener.domain.question import Number, Text, Value
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import classify
from screener.domain.transcript import said
from screener.exports.fhir.answers import ResponseError, read_response
from screener.exports.fhir.questionnaire import questionnaire_resource
from screener.exports.fhir.terms import Resource

_SCRIPTS = ("webcomponent/assets/lib/zone.min.js", "webcomponent/lhc-forms.js", "fhir/R4/lformsFHIR.min.js")
_SHOW = "form => LForms.Util.addFormToPage(form, 'form', {fhirVersion: 'R4'})"
_SHOW_WITH = """([form, said]) => {
  const empty = LForms.Util.convertFHIRQuestionnaireToLForms(form, 'R4');
  const filled = LForms.Util.mergeFHIRDataIntoLForms(said, empty, 'R4');
  return LForms.Util.addFormToPage(filled, 'form', {fhirVersion: 'R4'});
}"""
_TAKE = "() => LForms.Util.getFormFHIRData('QuestionnaireResponse', 'R4')"


@pytest.fixture
def form(browser: Browser, package: Callable[[str], Path]) -> Iterator[Page]:
    """The form, on a page that reaches no network."""
    lforms = package("lforms") / "dist" / "lforms"
    with browser.new_context(offline=True, viewport={"width": 1000, "height": 900}) as context:
        page = context.new_page()
        page.set_content("<!doctype html><html lang=en><title>Form</title><div id=form></div>")
        page.add_style_tag(path=lforms / "webcomponent" / "styles.css")
        for script in _SCRIPTS:
            page.add_script_tag(path=lforms / script)
        page.evaluate(_SHOW, questionnaire_resource(BASE, SPANISH))
        expect(page.get_by_text("This is not a diagnosis")).to_be_visible()
        yield page


def question_on(form: Page, question_id: str) -> Locator:
    return form.locator(f"[id='item-{question_id}/1/1']")


def fill_in(form: Page, answers: Mapping[str, Value | None]) -> None:
    for question in QUESTIONNAIRE:
        value = answers.get(question.id)
        if value is None:
            continue
        if isinstance(question, Number | Text):
            box = form.locator(f"[id='{question.id}/1/1']")
            box.fill(str(value))
            box.blur()
        else:
            for code in value if isinstance(value, tuple) else (value,):
                question_on(form, question.id).get_by_text(said(question, code), exact=True).click()


def taken(form: Page) -> Resource:
    resource: Resource = form.evaluate(_TAKE)
    return resource


@pytest.mark.parametrize("answers", [CHRONIC_AND_INTRACTABLE, EVERY_PAGE], ids=["usual", "every page"])
def test_what_is_answered_there_is_classified_here(form: Page, answers: dict[str, object]) -> None:
    kept = walked(answers).as_raw()
    fill_in(form, kept)
    back = read_response(taken(form), base_url=BASE)
    assert back == kept
    assert classify(back) == classify(answers)


def test_the_form_asks_only_what_an_answer_calls_for(form: Page) -> None:
    expect(question_on(form, "now_length")).to_have_count(0)
    expect(form.get_by_text("The attack you have now", exact=True)).to_have_count(0)
    fill_in(form, {"now_pain": True})
    expect(form.get_by_text("The attack you have now", exact=True)).to_be_visible()
    expect(question_on(form, "keep_down")).to_have_count(0)
    fill_in(form, {"now_length": "over_72h", "head_days": 15})
    expect(question_on(form, "keep_down")).to_be_visible()
    expect(question_on(form, "months_at_rate")).to_be_visible()
    expect(question_on(form, "continuous_since_start")).to_have_count(0)
    expect(form.get_by_text("It happened, but not now")).to_have_count(0)


def test_none_beside_another_choice_is_refused_where_the_form_allowed_it(form: Page) -> None:
    """LHC-Forms does not know exclusive options."""
    fill_in(form, walked(CHRONIC_AND_INTRACTABLE).as_raw())
    question_on(form, "symptoms").get_by_text("None of these", exact=True).click()
    with pytest.raises(ResponseError, match="symptoms `none` cannot stand beside another choice"):
        read_response(taken(form), base_url=BASE)


def test_not_sure_can_be_said_there(form: Page) -> None:
    fill_in(form, walked(CHRONIC_AND_INTRACTABLE | {"side": None}).as_raw())
    question_on(form, "side").get_by_text("Not sure", exact=True).click()
    assert read_response(taken(form), base_url=BASE)["side"] is None


def test_an_unfinished_form_is_refused_with_what_is_missing(form: Page) -> None:
    fill_in(form, {"danger_now": ("none",)})
    with pytest.raises(ResponseError) as caught:
        read_response(taken(form), base_url=BASE)
    assert [(issue.code, issue.words.split()[0]) for issue in caught.value.issues] == [
        ("required", "age"),
        ("required", "changes"),
    ]


def test_a_stored_response_is_shown_there(form: Page) -> None:
    stored = response(walked(EVERY_PAGE))
    form.evaluate(_SHOW_WITH, [questionnaire_resource(BASE), stored])
    expect(form.locator("[id='age/1/1']")).to_have_value("42")
    assert read_response(taken(form), base_url=BASE) == walked(EVERY_PAGE).as_raw()
