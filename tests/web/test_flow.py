"""A patient's way: danger first, each question once, the result before the name."""

from __future__ import annotations

import re

import pytest
from builders import CONTACT, as_form
from flask import Flask
from web.client import Browser, Page
from web.walking import (
    Walk,
    answers_but,
    begin,
    fill,
    plant,
    reference_on,
    send_all,
    slug_of,
    stored,
)

from screener.domain.explanation import CLASS_NAMES, CLASS_WORDS
from screener.domain.notices import DISCLAIMER
from screener.domain.question import BEFORE_RESULT
from screener.domain.questionnaire import NOW_LENGTH, NOW_PAIN, QUESTIONNAIRE, TREATED_LENGTH

pytestmark = pytest.mark.both_databases

WORST = "Worst headache ever, at its peak within 5 minutes"


def test_a_patient_walks_from_the_start_to_a_receipt_and_meets_each_page_once(browser: Browser) -> None:
    walk = begin(browser)
    walked = walk.to_check(answers_but())
    assert len(walked) == len(set(walked))
    assert walked[0] == "danger-now"
    result = browser.get(walk.get("check").links["See my result"])
    assert "match what these clinics call chronic and intractable migraine" in result.text
    health = browser.get(result.links["Ask for a consultation"])
    contact = browser.follow(fill(browser, health, {"ket_heart": "no"}))
    assert contact.heading == "Ask for a consultation"
    receipt = browser.follow(fill(browser, contact, CONTACT))
    assert receipt.heading == "Your request was sent"


def test_a_page_ahead_leads_to_the_first_unanswered_one(browser: Browser) -> None:
    walk = begin(browser)
    for place in ("changes", "medicines", "check", "result", "impact", "health", "contact"):
        assert walk.get(place).location == walk.url("danger-now"), place
    walk.answer("danger-now", answers_but())
    for place in ("medicines", "check", "result", "contact", "stop"):
        assert walk.get(place).location == walk.url("about-you"), place


def test_a_page_that_is_not_asked_leads_to_the_first_unanswered_one(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    for place in ("injury", "this-attack", "long-attack", "aura", "preventive-outcomes"):
        assert walk.get(place).location == walk.url("check"), place


def test_back_shows_what_was_answered(browser: Browser) -> None:
    walk = begin(browser)
    walk.to_check(answers_but())
    assert walk.get("danger-now").form["danger_now"] == ["none"]
    about = walk.get("about-you").form
    assert (about["age"], about["pregnancy"]) == (["42"], ["no"])
    symptoms = walk.get("symptoms").form
    assert (symptoms["symptoms"], symptoms["aura_ever"]) == (["nausea", "light", "dizziness"], ["no"])


def test_each_page_leads_back_to_the_one_before_and_the_first_to_the_start(browser: Browser) -> None:
    walk = begin(browser)
    walked = walk.to_check(answers_but())
    before = [walk.get(slug).links["Back"] for slug in walked]
    assert before == ["/c/acme", *map(walk.url, walked[:-1])]
    assert walk.get("check").links["Back"] == walk.url(walked[-1])


def test_a_not_sure_answer_is_shown_as_such_when_going_back(browser: Browser) -> None:
    walk = begin(browser)
    walk.answer("danger-now", answers_but())
    fill(browser, walk.get("about-you"), {"age": 42, "pregnancy": None})
    assert walk.get("about-you").form["pregnancy"] == ["unsure"]


def test_changing_a_leading_answer_forgets_its_follow_ups(
    browser: Browser, app: Flask, intake: Browser
) -> None:
    walk = begin(browser)
    walk.to_check(answers_but(now_pain=True, now_length="4_to_24h", now_relief="none"))
    assert "now_length" in stored(app, walk)
    walk.answer("now", {"now_pain": False})
    assert "now_length" not in stored(app, walk)
    # Back to the old answer: the follow-up is asked afresh.
    walk.answer("now", {"now_pain": True})
    assert walk.get("check").location == walk.url("this-attack")
    walk.answer("now", {"now_pain": False})
    receipt = browser.follow(walk.send(CONTACT))
    shown = intake.get(f"/desk/acme/requests/{reference_on(receipt)}").text
    assert NOW_LENGTH.stem not in shown
    assert NOW_PAIN.stem in shown


def test_follow_ups_of_follow_ups_are_forgotten_too(browser: Browser, app: Flask) -> None:
    long = {"now_pain": True, "now_length": "over_72h", "now_relief": "none", "keep_down": True}
    walk = plant(browser, app, answers_but(**long))
    walk.answer("now", {"now_pain": False})
    assert not {"now_length", "now_relief", "keep_down"} & set(stored(app, walk))


def test_a_change_link_returns_to_the_check_page(browser: Browser) -> None:
    walk = begin(browser)
    walk.to_check(answers_but())
    check = walk.get("check")
    page = browser.get(check.links["Change: Age, Pregnancy"])
    assert page.form["age"] == ["42"]
    assert page.links["Back"] == walk.url("check")
    back = fill(browser, page, {"age": 43, "pregnancy": "no"})
    assert back.location == walk.url("check")
    assert walk.get("check").said["Age"] == "43 years"


def test_a_change_that_opens_a_question_goes_there_first(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    page = browser.get(walk.get("check").links["Change: Other signs, Aura"])
    sent = fill(browser, page, answers_but(aura_ever=True))
    assert sent.location == walk.url("aura")


def test_the_check_page_has_a_change_link_for_each_answer(browser: Browser, app: Flask) -> None:
    check = plant(browser, app, answers_but()).get("check")
    changes = [words.removeprefix("Change: ") for words in check.links if words.startswith("Change: ")]
    assert ", ".join(changes) == ", ".join(check.said)


def test_somebody_else_may_fill_it_in_and_staff_see_that(browser: Browser, intake: Browser) -> None:
    start = browser.get("/c/acme")
    begun = browser.post(start.forms[0].get("action", ""), {"for": "someone_else"})
    walk = Walk(browser, begun.location.split("/")[2])
    assert "Answer for the person with the headaches." in walk.get("danger-now").text
    walk.to_check(answers_but())
    assert "You answered for someone else." in walk.get("check").text
    assert "Give the name and date of birth of the patient." in walk.get("contact").text
    reference = reference_on(browser.follow(walk.send(CONTACT)))
    assert (
        intake.get(f"/desk/acme/requests/{reference}").said["Filled in by"] == "someone else, for the patient"
    )


def test_who_fills_it_in_for_themselves_is_told_nothing_of_others(browser: Browser, intake: Browser) -> None:
    walk = begin(browser)
    assert "Answer for the person" not in walk.get("danger-now").text
    walk.to_check(answers_but())
    reference = reference_on(browser.follow(walk.send(CONTACT)))
    assert "Filled in by" not in intake.get(f"/desk/acme/requests/{reference}").said


def test_the_result_comes_before_any_question_about_who_it_is(browser: Browser) -> None:
    walk = begin(browser)
    walk.to_check(answers_but())
    walk.get("result")
    asked = {
        name for page in browser.visited if page.response.mimetype == "text/html" for name in _asked(page)
    }
    assert asked
    assert not any(name.startswith("contact_") for name in asked)


def _asked(page: Page) -> list[str]:
    return [] if page.location else page.asked


# ---------------------------------------------------------------- where a result leads (section 5)

REGULAR = answers_but(
    head_days=4,
    mig_days=3,
    untreated_length="24_to_72h",
    treated_length="4_to_24h",
    comes_back=False,
    usual_relief="much_better",
)
OUTSIDE = REGULAR | {"untreated_length": "under_4h", "treated_length": "under_4h"}
CHRONIC = REGULAR | {"head_days": 20, "months_at_rate": "over_3"}
INTRACTABLE = answers_but(head_days=6, mig_days=6)
INSUFFICIENT = REGULAR | {"untreated_length": None, "treated_length": None, "head_days": 4}


@pytest.mark.parametrize(
    ("answers", "headline"),
    [
        (answers_but(), "call chronic and intractable migraine."),
        (CHRONIC, "call chronic migraine."),
        (INTRACTABLE, "call intractable migraine."),
    ],
)
def test_chronic_and_intractable_are_offered_their_doctor_and_a_consultation_with_equal_weight(
    browser: Browser, app: Flask, answers: dict[str, object], headline: str
) -> None:
    result = plant(browser, app, answers).get("result")
    assert headline in result.text
    assert "Your own doctor" in result.text
    assert "A visit at Acme Clinic" in result.text
    assert slug_of(result.links["Ask for a consultation"]) == "health"
    assert "Please talk to a doctor today" not in result.text


@pytest.mark.parametrize(
    ("answers", "headline"),
    [(REGULAR, "call a regular migraine."), (OUTSIDE, "do not match any of the descriptions")],
)
def test_regular_and_outside_are_sent_to_their_own_doctor_first(
    browser: Browser, app: Flask, answers: dict[str, object], headline: str
) -> None:
    walk = plant(browser, app, answers)
    result = walk.get("result")
    assert headline in result.text
    assert "Your own doctor is the best first step" in result.text
    assert slug_of(result.links["send a question to Acme Clinic"]) == "contact"
    assert "Ask for a consultation" not in result.text
    assert "off-label" not in result.text, "the clinic's treatment is not advertised here"
    assert walk.get("contact").heading == "Send a question"
    assert walk.get("health").location == walk.url("check"), "cautions are for an infusion only"


def test_too_few_answers_give_the_open_questions_as_links_and_then_a_question(
    browser: Browser, app: Flask
) -> None:
    walk = plant(browser, app, INSUFFICIENT)
    result = walk.get("result")
    assert "We need a few more answers to compare." in result.text
    page = browser.get(result.links[TREATED_LENGTH.stem])
    assert slug_of(page.path) == "attack-length"
    assert fill(browser, page, REGULAR).location == walk.url("check")
    assert "send a question to Acme Clinic" in result.links


@pytest.mark.parametrize("answers", [answers_but(), REGULAR, OUTSIDE, INSUFFICIENT])
def test_urgent_of_any_class_gets_the_advice_for_today_above_the_class_and_a_call_back(
    browser: Browser, app: Flask, answers: dict[str, object]
) -> None:
    walk = plant(browser, app, answers | {"changes": ["strain"]})
    result = walk.get("result")
    words = result.text
    assert words.index("Please talk to a doctor today") < words.index("What you can do next")
    assert words.index("Please talk to a doctor today") < words.index("compare your answers")
    assert "Set off by coughing, sneezing, exercise or sex" in words
    assert slug_of(result.links["Ask the clinic to call me"]) == "health"
    assert "Ask for a consultation" not in words
    receipt = browser.follow(walk.send(CONTACT))
    assert "Do not wait for this call to get care today." in receipt.text


def test_pregnancy_is_sent_to_the_maternity_team_today(browser: Browser, app: Flask) -> None:
    result = plant(browser, app, answers_but(pregnancy="pregnant")).get("result")
    assert "Call your maternity team today." in result.text


@pytest.mark.parametrize("unsure", [None, "usual_relief"], ids=["all answered", "one not sure"])
def test_no_result_shows_a_patient_which_other_answer_would_change_it(
    browser: Browser, app: Flask, unsure: str | None
) -> None:
    answers = answers_but(head_days=12, mig_days=4, **({unsure: None} if unsure else {}))
    result = plant(browser, app, answers).get("result")
    asked_again = {
        link.split("?")[0].rsplit("/", 1)[-1] for link in result.links.values() if "back=check" in link
    }
    assert asked_again <= {"relief"}, "what was answered is not offered to be answered otherwise"
    assert bool(asked_again) is bool(unsure)
    assert "would change" not in result.text


@pytest.mark.parametrize(
    ("days", "close"), [(12, False), (13, True), (14, True), (15, True), (16, True), (17, False)]
)
def test_near_fifteen_days_a_diary_is_advised(
    browser: Browser, app: Flask, days: int, *, close: bool
) -> None:
    result = plant(browser, app, answers_but(head_days=days, mig_days=5)).get("result")
    assert ("A headache diary for a month tells more" in result.text) is close


@pytest.mark.parametrize("age", [0, 17])
@pytest.mark.parametrize("changes", [["none"], ["strain"]])
def test_a_child_gets_a_page_to_print_and_the_clinics_phone_but_no_request(
    browser: Browser, app: Flask, age: int, changes: list[str]
) -> None:
    walk = plant(browser, app, answers_but(age=age, changes=changes))
    result = walk.get("result")
    assert "A children's doctor knows how headaches differ at this age." in result.text
    assert "(626) 555-0100" in result.links
    assert result.links["Save a copy (PDF)"] == walk.url("copy.pdf")
    assert walk.url("contact") not in result.links.values()
    assert walk.url("health") not in result.links.values()
    assert walk.get("contact").location == walk.url("result")
    sent = browser.post(walk.url("contact"), {name: as_form(value) for name, value in CONTACT.items()})
    assert sent.location == walk.url("result")
    assert walk.get("health").location == walk.url("check")


def test_the_result_is_never_worded_as_a_diagnosis(browser: Browser, app: Flask) -> None:
    for answers in (answers_but(), CHRONIC, INTRACTABLE, REGULAR, OUTSIDE, INSUFFICIENT):
        shown = plant(browser, app, answers).get("result").text.replace(DISCLAIMER, "")
        assert not re.search(r"\byou (have|suffer|are) (?!you |different)", shown, re.IGNORECASE)


# ---------------------------------------------------------------- what may be skipped


def test_history_pages_can_be_skipped_one_by_one_and_altogether(browser: Browser, app: Flask) -> None:
    asked_before = {
        q.id for page in QUESTIONNAIRE.pages if page.part in BEFORE_RESULT for q in page.questions
    }
    walk = plant(browser, app, {i: said for i, said in answers_but().items() if i in asked_before})
    known = set(stored(app, walk))
    at = walk.get("result").links["Add your history"]
    skipped = []
    while slug_of(at) != "result":
        page = browser.get(at)
        assert page.links["Skip to my result"] == walk.url("result")
        skipped.append(slug_of(at))
        at = browser.post(page.path, {"form_token": page.form["form_token"]}).location
    assert skipped == [
        "how-long-so-often",
        "pain",
        "how-bad",
        "impact",
        "medicine-relief",
        "medicine-days",
        "preventives",
        "other-ways",
        "background",
    ]
    assert set(stored(app, walk)) == known


def test_not_sure_skipped_and_not_asked_look_different_to_staff(
    browser: Browser, app: Flask, intake: Browser
) -> None:
    walk = plant(browser, app, answers_but(side=None))
    walk.answer("preventives", {"preventives_tried": ["none"]})
    reference = reference_on(browser.follow(walk.send(CONTACT)))
    for place in (reference, f"{reference}/history"):
        said = intake.get(f"/desk/acme/requests/{place}").said
        assert said["Where is the pain?"] == "Not sure"
        assert said["For how many years have you had these headaches?"] == "Skipped"
        assert said["Which medicines have you taken to prevent attacks?"] == "None"
        assert "How did Botox work out?" not in said


def test_a_yes_to_a_caution_never_stops_a_request(browser: Browser, app: Flask, intake: Browser) -> None:
    answers = answers_but(ket_heart="yes", ket_psychosis="rather_in_person", ket_medicines=["opioid"])
    reference = send_all(browser, app, answers=answers)
    assert "Opioids" in intake.get(f"/desk/acme/requests/{reference}").text


# ---------------------------------------------------------------- emergency


def all_places() -> list[str]:
    pages = [page.slug for page in QUESTIONNAIRE.pages if page.shown]
    return [*pages, "check", "result", "contact"]


EMERGENCY = answers_but(danger_now=["sudden"])


@pytest.mark.parametrize("place", all_places())
def test_in_an_emergency_every_page_leads_to_the_stop_page_and_no_class_is_shown(
    browser: Browser, app: Flask, place: str
) -> None:
    walk = plant(browser, app, EMERGENCY)
    for page in (
        walk.get(place),
        browser.post(walk.url(place), {name: as_form(value) for name, value in CONTACT.items()}),
        walk.get(place, site="none"),
        walk.get("stop"),
    ):
        if place != "danger-now":
            assert page.location in {"", walk.url("stop")}
        _shows_no_class_and_no_offer(page)


def _shows_no_class_and_no_offer(page: Page) -> None:
    source = page.source.lower()
    for words in (*CLASS_WORDS.values(), *CLASS_NAMES.values(), "chronic", "intractable", "ketamine"):
        assert words.lower() not in source, page.path
    for offer in ("consultation", "send a question", "ask the clinic", "your result", "/contact", "/result"):
        assert offer not in source, page.path


def test_the_stop_page_dials_911_and_carries_no_clinic(browser: Browser, app: Flask) -> None:
    stop = plant(browser, app, EMERGENCY).get("stop")
    assert stop.heading == "Call 911 now"
    assert stop.links["Call 911"] == "tel:911"
    assert "988" not in stop.text
    assert "(626) 555-0100" not in stop.text


def test_thoughts_of_self_harm_lead_to_988(browser: Browser, app: Flask) -> None:
    stop = plant(browser, app, answers_but(danger_now=["self_harm"])).get("stop")
    assert "988" in stop.heading
    assert stop.links["Call 988"] == "tel:988"
    assert "Do not wait and do not drive yourself" not in stop.text


def test_self_harm_beside_another_danger_leads_to_both_numbers(browser: Browser, app: Flask) -> None:
    stop = plant(browser, app, answers_but(danger_now=["chest_pain", "self_harm"])).get("stop")
    assert (stop.links["Call 911"], stop.links["Call 988"]) == ("tel:911", "tel:988")
    assert stop.heading == "Call 911 now"


@pytest.mark.parametrize("with_it", [[], ["sudden"], ["self_harm"]])
def test_carbon_monoxide_sends_everyone_out_first(browser: Browser, app: Flask, with_it: list[str]) -> None:
    stop = plant(browser, app, answers_but(danger_now=["carbon_monoxide", *with_it])).get("stop")
    assert stop.heading == "Get everyone out now. Then call 911."
    assert stop.links["Call 911"] == "tel:911"
    assert ("Call 988" in stop.links) is ("self_harm" in with_it)


SETS: list[tuple[str, dict[str, object]]] = [
    ("changes", answers_but(changes=["immune", "fever"])),
    ("changes", answers_but(changes=["immune", "worsening_weeks"])),
    ("changes", answers_but(changes=["immune", "double_or_greying_sight"])),
    ("changes", answers_but(changes=["injury_3mo", "morning_vomiting"])),
    ("changes", answers_but(changes=["injury_3mo", "worsening_weeks"])),
    ("changes", answers_but(age=50, changes=["jaw_or_scalp", "double_or_greying_sight"])),
    ("changes", answers_but(changes=["new_after_50", "jaw_or_scalp", "double_or_greying_sight"])),
    ("changes", answers_but(pregnancy="pregnant", changes=["first_or_long_aura"])),
    ("changes", answers_but(pregnancy="postpartum_6w", changes=["clot_or_estrogen_new"])),
    ("changes", answers_but(pregnancy="pregnant", changes=["double_or_greying_sight"])),
    ("injury", answers_but(changes=["injury_3mo"], injury_signs=["blood_thinner"])),
    ("symptoms", answers_but(age=67, changes=["jaw_or_scalp"], symptoms=["vision"])),
]


@pytest.mark.parametrize(("page", "answers"), SETS)
def test_dangers_that_make_a_set_stop_after_the_page_that_completes_them(
    browser: Browser, page: str, answers: dict[str, object]
) -> None:
    walk = begin(browser)
    assert walk.to_check(answers)[-1] == page
    stop = walk.get("stop")
    assert stop.heading == "Call 911 now"
    assert not stop.offers("answer", "not_now")
    for place in ("check", "result", "contact"):
        assert walk.get(place).location == walk.url("stop")


def test_ticked_by_mistake_leads_back_to_the_question_and_staff_see_it(
    browser: Browser, app: Flask, intake: Browser
) -> None:
    walk = begin(browser)
    assert walk.answer("danger-now", {"danger_now": ["sudden"]}).location == walk.url("stop")
    assert walk.leave_stop("by_mistake").location == walk.url("danger-now")
    # Until it is mended the emergency stands.
    assert walk.get("about-you").location == walk.url("stop")
    page = walk.get("danger-now")
    assert page.form["danger_now"] == ["sudden"]
    assert fill(browser, page, answers_but()).location == walk.url("about-you")
    assert stored(app, walk)["danger_now"] == ["none"]
    shown = _sent_and_opened(walk, intake)
    assert "Saw the emergency page" in shown.text
    assert "Said: ticked by mistake" in shown.text
    assert WORST in shown.text


def test_a_set_ticked_by_mistake_leads_back_to_its_page(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but(changes=["immune", "fever"]))
    assert walk.leave_stop("by_mistake").location == walk.url("changes")
    assert walk.answer("changes", answers_but()).location == walk.url("headache-days")


def test_it_happened_but_not_now_goes_on_and_is_urgent(browser: Browser, app: Flask, intake: Browser) -> None:
    walk = begin(browser)
    walk.answer("danger-now", {"danger_now": ["sudden", "chest_pain"]})
    assert walk.leave_stop("not_now").location == walk.url("about-you")
    assert stored(app, walk) == {"danger_now": ["none"], "danger_before": ["sudden", "chest_pain"]}
    shown = _sent_and_opened(walk, intake)
    assert any("Go to an emergency department today" in page.source for page in browser.visited)
    assert "Urgent: danger sign earlier" in shown.text
    assert "Said: it happened, but not now" in shown.text
    assert f"{WORST} (before, not now)" in shown.text


def _sent_and_opened(walk: Walk, intake: Browser) -> Page:
    at = walk.browser.follow(walk.get("check")).path
    while slug_of(at) != "check":
        at = fill(walk.browser, walk.browser.get(at), answers_but()).location
    walk.get("result")
    receipt = walk.browser.follow(walk.send(CONTACT))
    return intake.get(f"/desk/acme/requests/{reference_on(receipt)}")


def test_a_danger_that_was_before_and_a_set_that_stands_keep_the_stop_page(
    browser: Browser, app: Flask
) -> None:
    walk = plant(browser, app, answers_but(danger_now=["sudden"], changes=["immune", "fever"]))
    assert walk.leave_stop("not_now").location == walk.url("stop")
    assert walk.get("result").location == walk.url("stop")


def test_a_set_cannot_be_waved_away_as_earlier(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but(changes=["immune", "fever"]))
    assert walk.leave_stop("not_now").status == 400
    assert walk.get("result").location == walk.url("stop")


def test_danger_ticked_late_by_a_change_stops_at_once(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    page = browser.get(walk.get("check").links["Change: Danger now"])
    assert fill(browser, page, {"danger_now": ["red_eye"]}).location == walk.url("stop")
