"""Said and confirmed: a clinician marks, corrects, signs and amends; the patient's own answers stay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import CONTACT, EVERY_PAGE
from flask import Flask
from flask_login import login_user
from web.client import Browser, Page, read_pdf, words
from web.test_audit import lines as audit_lines
from web.test_follow_up import XSS, happened, withdraw
from web.test_matrix import without_tokens
from web.walking import (
    SignedIn,
    add_requests,
    answers_but,
    at_clinic,
    at_once,
    count_rows,
    give_roles,
    plant,
    reference_on,
    sign_in,
    token_of,
)

from screener.store.consultations import get_consultation
from screener.store.signed_histories import read_histories
from screener.store.staff import find_person
from screener.store.tables import SignedHistory, WorkingHistory
from screener.web.confirm import ReviewShown, review_of
from screener.web.records import open_record

both = pytest.mark.both_databases

INTAKE, CLINICIAN, ADMIN = "intake@acme.example", "clinician@acme.example", "admin@acme.example"
NOW = datetime.now(UTC)
REASON = "The pharmacy sent a list."


@pytest.fixture
def reference(app: Flask) -> str:
    return add_requests(app, [("Pat", EVERY_PAGE, NOW - timedelta(hours=1))])[0]


@pytest.fixture
def clinician(signed_in: SignedIn) -> Browser:
    return signed_in(CLINICIAN)


@pytest.fixture
def colleague(app: Flask) -> Browser:
    """A second clinician."""
    give_roles(app, INTAKE, "clinician")
    return sign_in(Browser(app), INTAKE)


def history(reference: str, place: str) -> str:
    return f"/desk/acme/requests/{reference}/history/{place}"


def open_form(browser: Browser, reference: str) -> Page:
    page = browser.get(history(reference, "confirm"))
    assert page.status == 200, page.location
    return page


def marks(**checks: str) -> dict[str, object]:
    return {f"check-{i}": check for i, check in checks.items()}


def save(browser: Browser, page: Page, do: str = "save", **sent: object) -> Page:
    return browser.submit(page, do=do, **sent)


def saved(browser: Browser, reference: str, **sent: object) -> Page:
    """The page again, after what was sent on it was saved."""
    done = save(browser, open_form(browser, reference), **sent)
    assert done.status == 303, done.problems
    return browser.follow(done)


def sign(browser: Browser, reference: str, **typed: object) -> Page:
    page = browser.get(history(reference, "sign"))
    assert page.status == 200, page.location
    return browser.submit(page, **({"agree": "yes"} | typed))


def signed_once(browser: Browser, reference: str, **sent: object) -> Page:
    """The page of the first version."""
    saved(browser, reference, **(sent or marks(age="as_said")))
    return browser.follow(sign(browser, reference))


def amend(browser: Browser, reference: str, reason: str = REASON) -> Page:
    page = browser.get(history(reference, "signed/1"))
    return browser.post(history(reference, "amend"), page.form | {"reason": reason})


def line(page: Page, question_id: str) -> str:
    return next(words(e) for e in page.all("div") if e.get("id") == f"line-{question_id}")


def rows(page: Page) -> dict[str, list[str]]:
    """The lines of the tables: what stands first, and what beside it."""
    return {words(cells[0]): [words(c) for c in cells[1:]] for row in page.all("tr") if (cells := list(row))}


def stamp(app: Flask, reference: str) -> str:
    with at_clinic(app, "acme") as (session, _):
        return read_histories(session, get_consultation(session, reference)).stamp


def shown(app: Flask, reference: str) -> ReviewShown:
    """What the history page is handed."""
    with at_clinic(app, "acme") as (session, _), app.test_request_context("/"):
        person = find_person(session, CLINICIAN)
        login_user(person)
        return review_of(open_record(reference))


# ---------------------------------------------------------------- from the first mark to the signature


@both
def test_a_clinician_confirms_corrects_and_signs_and_all_read_it(
    app: Flask, clinician: Browser, intake: Browser, reference: str
) -> None:
    before = clinician.get(f"/desk/acme/requests/{reference}").said
    page = open_form(clinician, reference)
    assert page.form["head_days"] == ["29"], "filled in with what was said"
    corrections = {
        "head_days": "14",
        "nsaid_days": "3",
        "acute_tried": ["triptan", "nsaid"],
        "mig_days": "unsure",
    }
    page = saved(clinician, reference, notes="Came with\nher sister.", **marks(side="as_said"), **corrections)
    assert "Saved. It is not signed yet." in page.text
    assert line(page, "head_days").startswith(
        "On how many of the last 30 days did your head hurt at all? 29 days"
    )
    assert "corrected to 14 days" in line(page, "head_days")
    assert page.form["check-head_days"] == ["corrected"]
    assert page.form["check-side"] == ["as_said"]
    asked = clinician.follow(save(clinician, page, do="sign"))
    assert asked.heading == "Sign the history: Pat"
    assert rows(asked)["On how many of the last 30 days did your head hurt at all?"] == ["29 days", "14 days"]
    assert rows(asked)["Articles"] == ["Chronic and intractable", "Intractable"]
    assert "What is your other medicine called? The patient said: Feverfew" in asked.text
    assert "answers stay as the patient said, not checked by anybody." in asked.text
    assert "Came with her sister." in asked.text
    version = clinician.follow(clinician.submit(asked, agree="yes", name="Dr. C. Linician"))
    assert version.path == history(reference, "signed/1")
    for reader in (clinician, intake):
        page = reader.get(version.path)
        told = rows(page)
        assert told["On how many of the last 30 days did your head hurt at all?"] == [
            "29 days",
            "14 days Corrected",
        ]
        assert told["How many of your headache days were migraine days?"] == ["12 days", "Not sure Corrected"]
        assert told["Where is the pain?"] == ["On one side", "As said"]
        assert told["Does it throb or pound?"] == ["Yes", "Not checked"]
        assert told["On how many of the last 30 days did you take aspirin, ibuprofen or naproxen?"] == [
            "Not asked",
            "3 days Corrected",
        ]
        assert told["What is your other medicine called?"] == ["Feverfew", "Ruled out by a correction"]
        assert told["Articles"] == ["Chronic and intractable", "Intractable"]
        assert f"Signed by Dr. C. Linician (account: {CLINICIAN})" in page.text
        assert "Came with her sister." in page.text
    assert "Amend" not in intake.get(version.path).text
    after = clinician.get(f"/desk/acme/requests/{reference}")
    assert after.said == before
    assert any(f"history signed by {CLINICIAN}" in line for line in happened(after))
    assert count_rows(app, WorkingHistory) == 0


def test_all_as_said_checks_a_topic_and_opens_the_next(clinician: Browser, reference: str) -> None:
    page = open_form(clinician, reference)
    assert "Safety 0 of 5 checked" in page.text
    done = save(clinician, page, do="all.safety", age="43", notes="Kept too")
    assert done.location.endswith("/confirm?topic=safety#topic-safety")
    page = clinician.follow(done)
    assert "Safety 5 of 5 checked" in page.text
    assert page.form["check-age"] == ["corrected"], "a correction is not undone"
    assert page.form["check-changes"] == ["as_said"]
    assert page.form["check-head_days"] == ["unchecked"]
    assert page.form["notes"] == ["Kept too"]
    topics = {
        e.get("id", ""): e.get("open") is not None for e in page.all("details") if e.get("class") == "topic"
    }
    assert [i for i, is_open in topics.items() if is_open] == ["topic-attacks"]


def test_a_correction_to_a_danger_moves_nothing_in_the_queue_and_says_so(
    app: Flask, clinician: Browser, reference: str
) -> None:
    def place() -> tuple[int, object]:
        with at_clinic(app, "acme") as (session, _):
            row = get_consultation(session, reference)
            return row.urgency_rank, row.due_at

    before = place()
    said = "The request keeps its place in the queue, and nobody is told by this."
    page = saved(clinician, reference, **marks(age="as_said"))
    assert said not in page.text
    page = saved(clinician, reference, **marks(danger_now="corrected"), danger_now=["sudden"])
    assert "→ emergency" in page.text
    assert said in page.text
    assert said in clinician.get(f"/desk/acme/requests/{reference}/history").text
    assert place() == before


def test_a_correction_names_what_it_rules_out_and_brings_up_what_it_calls_for(
    clinician: Browser, reference: str
) -> None:
    page = open_form(clinician, reference)
    rest = [e for e in page.all("details") if e.get("class") == "rest"]
    assert any('name="gepant_days"' in _markup(e) for e in rest)
    page = saved(clinician, reference, acute_tried=["gepant"])
    told = next(words(e) for e in page.all("div") if e.get("class") == "panel ruled-out")
    assert told.startswith("Ruled out by another answer, so it counts no more:")
    assert "What is your other medicine called? The patient said: Feverfew" in told
    rest = [e for e in page.all("details") if e.get("class") == "rest"]
    assert not any('name="gepant_days"' in _markup(e) for e in rest)


def _markup(element: Any) -> str:
    return "".join(f'name="{e.get("name")}"' for e in element.iter())


def test_the_words_the_patient_saw_stand_beside(app: Flask, clinician: Browser, browser: Browser) -> None:
    walk = plant(browser, app, answers_but(), language="es")
    reference = reference_on(browser.follow(walk.send(CONTACT)))
    age = line(open_form(clinician, reference), "age")
    for told in ("How old are you?", "¿Cuántos años tiene?", "42 years", "42 años"):
        assert told in age


# ---------------------------------------------------------------- what will not do is told and kept


def test_what_is_not_valid_is_refused_and_all_that_was_typed_is_still_there(
    app: Flask, clinician: Browser, reference: str
) -> None:
    wrong = {
        "age": "999",
        "check-age": "corrected",
        "mig_days": "",
        "check-pulsating": "corrected",
        "check-constant": "as_said",
        "constant": "no",
        "danger_now": "unsure",
        "symptoms": ["none", "nausea"],
        "notes": "n" * 4001,
        "check-severity": "as_said",
        "side": "both",
    }
    forged = {
        "check-nsaid_days": "as_said",
        "check-days_lost": "\N{SNOWMAN}",
        "check-debil_days": ["as_said", "corrected"],
        "stops_me": "up",
        "stamp": "\x00\N{SNOWMAN}",
    }
    refused = save(clinician, open_form(clinician, reference), **wrong, **forged)
    assert refused.status == 422
    told = {
        "How old are you? Give a whole number from 0 to 120.",
        "How many of your headache days were migraine days? The answer is empty.",
        "Does it throb or pound? Give the right answer, or choose another mark.",
        "Is the pain constant during an attack? You chose “As said” and gave another answer.",
        "Is any of this happening now? Tick answers from the list.",
        "What comes with the pain? Tick “None of these” alone, or leave it out.",
        "The notes are 1 character too long. Keep to 4,000.",
        "On how many of the last 30 days did you take aspirin, ibuprofen or naproxen? Nothing was said here",
        "In the last 3 months, on how many days could you not do your usual things? Choose one mark.",
        "On how many days a month does a headache stop you, though you took the right medicine soon? Choose",
        "In a usual attack, can you do what you do each day? Choose one answer.",
    }
    assert len(refused.problems) == len(told)
    for problem in refused.problems:
        assert any(problem.startswith(each) for each in told), problem
    for name, value in wrong.items():
        if name not in {"mig_days", "danger_now"}:
            found = [each.strip() for each in refused.form[name]]
            assert sorted(found) == sorted(value if isinstance(value, list) else [value]), name
    assert count_rows(app, WorkingHistory) == 0
    impossible = save(clinician, open_form(clinician, reference), head_days="11")
    assert [p.endswith("Migraine days cannot be more than headache days.") for p in impossible.problems] == [
        True
    ]


def test_four_thousand_characters_are_kept_to_the_last(clinician: Browser, reference: str) -> None:
    page = saved(clinician, reference, notes="\N{FIRE}" * 3999 + "z")
    assert page.form["notes"][0].strip() == "\N{FIRE}" * 3999 + "z"


def test_what_was_forged_does_no_harm(app: Flask, clinician: Browser, reference: str) -> None:
    impossible = {"review": {"as_said": [], "corrected": {"head_days": 1}}, "notes": "", "reason": ""}
    page = open_form(clinician, reference)
    for forged in (
        {"check-contact_name": "corrected", "contact_name": "Mallory"},
        {"check-own_words": "corrected", "own_words": "Mallory"},
        {"seen": "[" * 30_000},
        {"seen": "9" * 5000},
        {"seen": "null"},
        {"seen": '{"review": {"as_said": [["age"]], "corrected": {}}, "notes": 3, "reason": ""}'},
        {"seen": json.dumps(impossible)},
        {"do": "all.nonsense"},
        {"do": ["save", "sign", "x"]},
        {"stamp": "nonsense"},
        {"stamp": None},
    ):
        sent = {"do": "save", "check-age": "as_said", "stamp": stamp(app, reference)} | forged
        assert clinician.submit(page, **sent).status == (409 if "stamp" in forged else 303), forged
        found = shown(app, reference)
        assert [i for i, each in found.lines.items() if each.status != "unchecked"] == ["age"], forged
    assert "Mallory" not in clinician.get(f"/desk/acme/requests/{reference}").text


def test_a_form_that_lost_its_fields_saves_nothing(app: Flask, clinician: Browser, reference: str) -> None:
    token = token_of(open_form(clinician, reference))
    assert clinician.post(history(reference, "confirm"), token).status == 422
    assert clinician.post(history(reference, "confirm"), {}).status == 400
    assert count_rows(app, WorkingHistory) == 0


def test_what_a_clinician_writes_is_shown_as_text(clinician: Browser, reference: str) -> None:
    said = " ".join(XSS)[:120]
    page = saved(clinician, reference, notes=said, acute_other_name=said[:80])
    pages = [page, clinician.get(history(reference, "sign"))]
    pages.append(clinician.follow(sign(clinician, reference, name=said)))
    pages.append(clinician.follow(amend(clinician, reference, said)))
    assert len(XSS[0] + XSS[1] + XSS[2]) < len(said)
    for each in pages:
        assert " ".join(said.split()) in each.text
        assert each.all("svg", "img") == []
        assert all(script.get("src", "").startswith("/static/") for script in each.all("script"))


def test_nothing_checked_and_nothing_written_is_neither_saved_nor_signed(
    app: Flask, clinician: Browser, reference: str
) -> None:
    opened = open_form(clinician, reference)
    for do in ("save", "sign", "nonsense"):
        page = clinician.follow(save(clinician, opened, do=do))
        assert "Nothing is checked yet, so nothing was saved." in page.text
    assert count_rows(app, WorkingHistory) == 0
    page = clinician.follow(clinician.get(history(reference, "sign")))
    assert "There is nothing to sign." in page.text
    # A mark that was taken back leaves nothing either.
    page = clinician.follow(save(clinician, opened, **marks(age="as_said")))
    assert save(clinician, page, **marks(age="unchecked")).status == 303
    assert clinician.get(history(reference, "sign")).location == history(reference, "confirm")


def test_saving_the_same_again_changes_nothing(clinician: Browser, reference: str) -> None:
    page = saved(clinician, reference, **marks(age="as_said"))
    again = clinician.follow(save(clinician, page))
    assert again.form["stamp"] == page.form["stamp"]


# ---------------------------------------------------------------- two at once


@both
def test_of_two_who_save_the_second_is_told_and_loses_nothing_nor_does_the_first(
    app: Flask, clinician: Browser, colleague: Browser, reference: str
) -> None:
    mine, theirs = open_form(clinician, reference), open_form(colleague, reference)
    assert save(colleague, theirs, notes="From the phone", age="43", **marks(side="as_said")).status == 303
    wrong = save(clinician, mine, notes="From the visit", age="444", **marks(constant="as_said"))
    assert wrong.status == 422
    late = save(clinician, wrong, age="44")
    assert late.status == 409, "a page that was refused is no newer than before"
    assert late.problems[0].startswith(f"{INTAKE} saved this history meanwhile,")
    assert "Nothing of yours is saved yet" in late.problems[0]
    assert late.problems[1:] == ["How old are you? They left it “corrected”; your mark stands below."]
    assert shown(app, reference).lines["age"].confirmed_words == "43 years"
    # The page that came back holds both, and can be sent.
    page = clinician.follow(save(clinician, late))
    found = shown(app, reference)
    told = {i: each.confirmed_words for i, each in found.lines.items() if each.confirmed_words}
    assert told == {"age": "44 years", "side": "On one side", "constant": "Yes"}
    assert found.notes == "From the phone\n\nFrom the visit"
    assert f"last saved by {CLINICIAN}" in page.text


@both
def test_a_form_from_before_the_signature_becomes_an_amendment_with_a_reason(
    app: Flask, clinician: Browser, colleague: Browser, reference: str
) -> None:
    mine = saved(clinician, reference, **marks(age="as_said"))
    assert sign(colleague, reference).status == 303
    late = save(clinician, mine, notes="One thing more", age="43")
    assert late.status == 409
    assert late.problems[0].startswith(f"{INTAKE} signed this history meanwhile,")
    refused = save(clinician, late)
    assert (refused.status, refused.problems) == (422, ["Say why the signed history is amended."])
    assert save(clinician, refused, reason=REASON).status == 303
    version = clinician.follow(sign(clinician, reference))
    assert version.heading == "Signed history, version 2: Pat"
    assert rows(version)["How old are you?"] == ["42 years", "43 years Corrected"]
    assert rows(clinician.get(history(reference, "signed/1")))["How old are you?"] == ["42 years", "As said"]
    assert count_rows(app, SignedHistory) == 2


@both
def test_a_history_is_signed_once_however_often_its_form_is_sent(
    app: Flask, clinician: Browser, colleague: Browser, reference: str
) -> None:
    saved(clinician, reference, **marks(age="as_said"))
    mine, theirs = (browser.get(history(reference, "sign")) for browser in (clinician, colleague))
    sent = statuses(
        lambda: clinician.submit(mine, agree="yes"), lambda: colleague.submit(theirs, agree="yes")
    )
    assert sent == [303, 303]
    assert count_rows(app, SignedHistory) == 1
    late = clinician.follow(clinician.submit(mine, agree="yes"))
    assert late.heading == "Signed history, version 1: Pat"
    assert "signed this history meanwhile" in late.text
    assert count_rows(app, SignedHistory) == 1


def statuses(*sendings: Callable[[], Page]) -> list[int]:
    """What those get who press in the same moment."""
    return [page.status for page in at_once(*sendings)]


@both
def test_of_two_first_saves_at_once_one_is_told(
    app: Flask, clinician: Browser, colleague: Browser, reference: str
) -> None:
    mine, theirs = open_form(clinician, reference), open_form(colleague, reference)
    sent = statuses(
        lambda: save(clinician, mine, **marks(age="as_said")),
        lambda: save(colleague, theirs, **marks(side="as_said")),
    )
    assert sorted(sent) == [303, 409]
    assert count_rows(app, WorkingHistory) == 1


@both
def test_of_a_signature_and_a_withdrawal_at_once_nothing_is_left(
    app: Flask, clinician: Browser, browser: Browser
) -> None:
    walk = plant(browser, app, EVERY_PAGE)
    receipt = browser.follow(walk.send(CONTACT))
    reference = reference_on(receipt)
    saved(clinician, reference, **marks(age="as_said"))
    page = clinician.get(history(reference, "sign"))
    asked = browser.get(receipt.links["Withdraw my request"])
    signing, withdrawing = statuses(
        lambda: clinician.submit(page, agree="yes"), lambda: browser.submit(asked)
    )
    assert (signing, withdrawing) in {(303, 303), (410, 303)}
    assert (count_rows(app, WorkingHistory), count_rows(app, SignedHistory)) == (0, 0)


def test_what_changed_since_the_signing_page_was_opened_is_looked_at_first(
    app: Flask, clinician: Browser, colleague: Browser, reference: str
) -> None:
    saved(clinician, reference, **marks(age="as_said"))
    opened = clinician.get(history(reference, "sign"))
    saved(colleague, reference, age="43")
    late = clinician.submit(opened, agree="yes", name="Dr. C")
    assert late.status == 409
    assert late.problems[0].startswith(f"{INTAKE} saved this history meanwhile,")
    assert late.form["name"] == ["Dr. C"]
    assert rows(late)["How old are you?"] == ["42 years", "43 years"]
    assert count_rows(app, SignedHistory) == 0


# ---------------------------------------------------------------- signing


def test_a_signature_needs_a_name_and_the_statement(app: Flask, clinician: Browser, reference: str) -> None:
    saved(clinician, reference, **marks(age="as_said"))
    tick, name = "Tick that you sign this history.", "Give your name, in at most 120 characters."
    for typed, told in (
        ({"agree": None}, tick),
        ({"agree": "on"}, tick),
        ({"name": " "}, name),
        ({"name": "n" * 121}, name),
    ):
        refused = sign(clinician, reference, **typed)
        assert (refused.status, refused.problems) == (422, [told])
    assert count_rows(app, SignedHistory) == 0


def test_an_amendment_is_a_new_version_with_a_reason_and_the_first_stays(
    clinician: Browser, intake: Browser, reference: str
) -> None:
    first = signed_once(clinician, reference, notes="First", **marks(age="as_said"))
    kept = rows(first)
    for reason in ("", " \n", "x" * 501):
        refused = amend(clinician, reference, reason)
        assert (refused.status, refused.problems) == (
            422,
            ["Say why it is amended, in at most 500 characters."],
        )
        assert refused.form["reason"][0].strip() == reason.strip()
    assert clinician.get(history(reference, "confirm")).location == first.path
    page = clinician.follow(amend(clinician, reference))
    assert page.form["check-age"] == ["as_said"], "it goes on from what was signed"
    assert page.form["notes"][0].strip() == "First"
    again = clinician.post(history(reference, "amend"), token_of(page) | {"reason": "Another"})
    assert again.status == 409
    assert again.problems == [f"{CLINICIAN} amends it already. Go on in that one: see the link above."]
    assert again.form["reason"][0].strip() == "Another"
    assert "An amendment is begun and not signed" in intake.get(first.path).text
    assert save(clinician, page, age="43", notes="Second").status == 303
    second = clinician.follow(sign(clinician, reference))
    assert f"Why it is amended: {REASON}" in second.text
    assert rows(second)["How old are you?"] == ["42 years", "43 years Corrected"]
    assert "Changed since version 1" in second.text
    assert "How old are you?42 years (as said)43 years (corrected)" in second.text
    old = clinician.get(first.path)
    assert rows(old) == kept
    assert "This version was amended: version 2 is the newest." in old.text
    assert "First" in old.text
    assert old.links["version 2"] == second.path
    assert REASON in " ".join(happened(intake.get(f"/desk/acme/requests/{reference}")))


def throw_away(browser: Browser, page: Page) -> Page:
    form = next(form for form in page.forms if form.get("action", "").endswith("/discard"))
    hidden = {e.get("name", ""): e.get("value", "") for e in form.iter("input")}
    return browser.follow(browser.post(form.get("action", ""), hidden))


@both
def test_what_is_not_signed_can_be_thrown_away_and_what_is_signed_stays(
    app: Flask, clinician: Browser, colleague: Browser, reference: str
) -> None:
    assert "Throw it away" not in open_form(clinician, reference).text, "there is nothing yet"
    begun = saved(clinician, reference, notes="Canary", **marks(age="as_said"))
    fresh = throw_away(clinician, begun)
    assert "What was not signed is thrown away." in fresh.text
    assert (fresh.form["notes"], fresh.form.get("check-age")) == ([""], ["unchecked"])
    assert "There is nothing here that is not signed." in throw_away(clinician, begun).text

    first = signed_once(clinician, reference)
    opened = clinician.follow(amend(clinician, reference))
    saved(colleague, reference, notes="Meanwhile")
    kept = throw_away(clinician, opened)
    assert f"{INTAKE} saved this history meanwhile" in kept.text
    assert kept.form["notes"][0].strip() == "Meanwhile", "what nobody looked at is not thrown away"
    signed = throw_away(clinician, kept)
    assert (signed.path, rows(signed)) == (first.path, rows(first))
    assert "An amendment is begun" not in signed.text
    assert count_rows(app, WorkingHistory) == 0
    assert amend(clinician, reference).status == 303, "another one can be begun"


def test_a_version_that_does_not_exist_is_not_found(clinician: Browser, reference: str) -> None:
    signed_once(clinician, reference)
    for number in ("0", "2", "01", "-1", "x", "9" * 50, "1%20"):
        assert clinician.get(history(reference, f"signed/{number}")).status == 404


def test_a_form_whose_session_ended_leads_back(clinician: Browser, reference: str) -> None:
    assert clinician.get(history(reference, "amend")).location == history(reference, "confirm")
    version = signed_once(clinician, reference)
    assert clinician.get(history(reference, "amend")).location == version.path


# ---------------------------------------------------------------- who may not, and what ends meanwhile


def test_others_are_told_who_signs(clinician: Browser, intake: Browser, reference: str) -> None:
    for place in ("confirm", "sign", "amend"):
        for method in ("GET", "POST"):
            token = token_of(intake.get("/desk/acme/queue"))
            refused = intake.open(method, history(reference, place), data=token)
            assert refused.status == 403
            assert "Only a clinician of this clinic confirms and signs." in refused.text
    assert intake.get(history(reference, "signed/1")).status == 404
    version = signed_once(clinician, reference)
    assert intake.get(version.path).status == 200


def test_another_clinics_history_looks_like_none(app: Flask, clinician: Browser) -> None:
    (theirs,) = add_requests(app, [("Olga", EVERY_PAGE, NOW)], "other")
    token = token_of(clinician.get("/desk/acme/queue"))
    for place in ("confirm", "sign", "amend", "signed/1"):
        for method in ("GET", "POST") if "/" not in place else ("GET",):
            foreign, unknown = (
                clinician.open(method, history(reference, place), data=token)
                for reference in (theirs, "0000000000")
            )
            assert foreign.status == unknown.status == 404
            assert without_tokens(foreign) == without_tokens(unknown)


@both
def test_a_withdrawal_meanwhile_takes_all_of_it(app: Flask, clinician: Browser, reference: str) -> None:
    signed_once(clinician, reference)
    page = clinician.follow(amend(clinician, reference))
    asked = clinician.get(history(reference, "sign"))
    withdraw(app, reference)
    for gone in (
        save(clinician, page, age="43"),
        clinician.submit(asked, agree="yes"),
        clinician.post(history(reference, "amend"), token_of(page) | {"reason": REASON}),
        *(clinician.get(history(reference, place)) for place in ("confirm", "sign", "signed/1", "amend")),
    ):
        assert gone.status == 410
        assert gone.heading == "The patient withdrew this request"
    assert (count_rows(app, WorkingHistory), count_rows(app, SignedHistory)) == (0, 0)


@both
def test_a_clinician_who_left_meanwhile_saves_nothing_and_what_was_saved_goes_on(
    app: Flask, clinician: Browser, colleague: Browser, reference: str
) -> None:
    page = saved(clinician, reference, notes="Half way", **marks(age="as_said"))
    give_roles(app, CLINICIAN)
    assert save(clinician, page, notes="Too late").location.startswith("/staff/login")
    again = sign_in(Browser(app), CLINICIAN)
    assert again.get(history(reference, "confirm")).status == 404
    page = open_form(colleague, reference)
    assert page.form["notes"][0].strip() == "Half way"
    assert f"last saved by {CLINICIAN}" in page.text
    assert f"Signed by {INTAKE}" in colleague.follow(sign(colleague, reference)).text


# ---------------------------------------------------------------- told elsewhere


@both
def test_the_history_page_is_handed_the_newest_signed_version_else_what_is_saved(
    app: Flask, clinician: Browser, reference: str
) -> None:
    found = shown(app, reference)
    assert (found.working, found.signed, found.verdict_rows, found.notes) == (False, [], [], "")
    assert found.lines["age"].said == "42 years"
    saved(clinician, reference, head_days="14", mig_days="2", notes="Mine")
    found = shown(app, reference)
    assert (found.working, found.signed, found.notes) == (True, [], "Mine")
    assert found.lines["head_days"].confirmed_words == "14 days"
    assert ("Articles", "Chronic and intractable", "Intractable") in found.verdict_rows
    sign(clinician, reference, name="Dr. C")
    found = shown(app, reference)
    assert [(n, name, why) for n, _, name, why in found.signed] == [(1, "Dr. C", "")]
    assert not found.working
    amend(clinician, reference)
    saved(clinician, reference, head_days="20", reason=REASON, notes="Not signed yet")
    found = shown(app, reference)
    assert found.working
    assert found.lines["head_days"].confirmed_words == "14 days", "what is signed goes before what is not"
    assert found.notes == "Mine"


def test_page_paper_and_text_show_where_it_stands_and_what_was_made_of_each_answer(
    clinician: Browser, reference: str
) -> None:
    def shown(place: str = "") -> str:
        page = clinician.get(f"/desk/acme/requests/{reference}/history{place}")
        if page.response.mimetype == "application/pdf":
            return read_pdf(page)[1]
        return words(page.main)

    assert "Nobody has confirmed this history yet" in shown()
    assert "Signature: Not signed by a clinician." in shown("/text")
    marked = marks(age="as_said", head_days="corrected")
    page = saved(clinician, reference, **marked, head_days="14", mig_days="2", notes="Bring a diary.")
    assert "It is not signed yet." in shown()
    assert save(clinician, page, side="both").status == 303
    sign(clinician, reference, name="Dr. C")
    for place in ("", "/text", ".pdf"):
        told = shown(place)
        for said in ("Signed by Dr. C", "Bring a diary."):
            assert said in told, (place, said)
        assert re.search(r"29 days\W+(clinician: )?14 days", told), place
    assert "42 years ✓confirmed; head pain on" in shown()
    assert "Headache days in the last 30: 29 days [clinician: 14 days]" in shown("/text")
    assert "ArticlesChronic and intractableIntractable" in shown()
    assert re.search(r"As confirmed, Articles: Chronic and intractable\W+Intractable", shown(".pdf"))
    assert "/history/confirm" not in clinician.get(f"/desk/acme/requests/{reference}/history").source


def test_the_trail_tells_what_was_saved_signed_amended_and_read(
    clinician: Browser, signed_in: SignedIn, reference: str
) -> None:
    signed_once(clinician, reference, notes="Canary")
    amend(clinician, reference, "Canary")
    sign(clinician, reference)
    admin = signed_in(ADMIN)
    told = [(who, did, details) for who, did, _, details in reversed(audit_lines(admin, reference=reference))]
    opened, nothing = "Opened a request", "\N{EN DASH}"
    assert told[1:] == [
        (CLINICIAN, opened, "page to confirm the history"),
        (CLINICIAN, "Saved a history that is not signed", nothing),
        (CLINICIAN, opened, "page to confirm the history"),
        (CLINICIAN, opened, "page to sign the history"),
        (CLINICIAN, "Signed a history", nothing),
        (CLINICIAN, opened, "signed history"),
        (CLINICIAN, opened, "signed history"),
        (CLINICIAN, "Saved a history that is not signed", nothing),
        (CLINICIAN, opened, "page to sign the history"),
        (CLINICIAN, "Amended and signed a history", nothing),
    ]
    assert "Canary" not in admin.get("/desk/acme/audit").text
