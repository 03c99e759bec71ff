"""Bad input: said in plain words, nothing lost, and never our fault."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote_from_bytes, urlencode

import pytest
from builders import CONTACT, as_form
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web.client import Browser, Page
from web.conftest import Made
from web.walking import Walk, answers_but, at_clinic, begin, contact_but, count_rows, plant, stored, token_of

from screener.domain.answers import Answers, read_answers
from screener.domain.question import Choices, Number, Question, Text, YesNo
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.transcript import transcript
from screener.store.tables import Consultation
from screener.web.arrival import MAX_BODY


def post_raw(walk: Walk, place: str, body: bytes) -> Page:
    """A form as bytes, behind a good token."""
    token = urlencode(token_of(walk.get(place))).encode()
    return walk.browser.post(walk.url(place), token + b"&" + body)


def post(walk: Walk, place: str, **fields: object) -> Page:
    return walk.browser.post(walk.url(place), token_of(walk.get(place)) | fields)


# ---------------------------------------------------------------- addresses


def test_an_unknown_and_a_disabled_clinic_give_the_same_page_and_no_site_may_frame_it(
    browser: Browser, app: Flask
) -> None:
    unknown = browser.get("/c/no-such-clinic")
    with at_clinic(app, "acme") as (session, clinic):
        clinic.disabled_at = datetime.now(UTC)
        session.commit()
    disabled = browser.get("/c/acme")
    assert disabled.status == unknown.status == 404
    assert disabled.source == unknown.source
    assert "Acme" not in disabled.source
    for page in (disabled, unknown, browser.post("/c/acme/start"), browser.post("/c/no-such-clinic/start")):
        assert page.status == 404
        assert page.headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
        assert page.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "slug", ["%00", "%ED%A0%80", "%FF", "ACME", "acme%20", "..", "'--", "a" * 5000, "\N{SNOWMAN}", "{{7*7}}"]
)
def test_an_impossible_name_of_a_clinic_is_not_found(browser: Browser, slug: str) -> None:
    assert browser.get(f"/c/{slug}").status in {404, 308}


@pytest.mark.parametrize("slug", ["no-such-page", "danger-before", "Danger-Now", "%00", "x" * 5000, "go-on"])
def test_an_unknown_page_of_a_draft_is_not_found(browser: Browser, app: Flask, slug: str) -> None:
    walk = plant(browser, app, answers_but())
    assert walk.get(slug).status == 404
    assert browser.post(walk.url(slug), {"form_token": "x"}).status in {400, 404}
    assert stored(app, walk) == answers_but()


@pytest.mark.parametrize(
    "path", ["/nowhere", "/d", "/d/", "/c/", "/r/", "/d/x", "/favicon.ico", "/robots.txt"]
)
def test_an_unknown_address_is_not_found(browser: Browser, path: str) -> None:
    assert browser.get(path).status == 404


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "%ED%A0%80", "\N{SNOWMAN}", "x" * 5000])
def test_an_unknown_receipt_is_gone(browser: Browser, token: str) -> None:
    assert browser.get(f"/r/{token}").status == 410


def test_page_addresses_take_odd_queries(browser: Browser, app: Flask, intake: Browser) -> None:
    walk = plant(browser, app, answers_but())
    for query in ("back=check&back=x", "back=%00", "back=https://evil.example", "%ED%A0%80=%FF", "a" * 5000):
        assert walk.get(f"about-you?{query}").status == 200
    for query in ("show=%00", "show=x&show=y", "after=%00", "after=%ED%A0%80", "after=" + "9" * 5000):
        assert intake.get(f"/desk/acme/queue?{query}").status == 200


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize("place", ["about-you", "contact", "stop", "go-on", "background"])
def test_a_body_of_a_megabyte_is_refused_with_a_page_and_loses_nothing(
    browser: Browser, app: Flask, place: str
) -> None:
    answers = answers_but(danger_now=["sudden"]) if place == "stop" else answers_but()
    walk = plant(browser, app, answers)
    refused = browser.post(walk.url(place), b"own_words=" + b"a" * 1024 * 1024)
    assert refused.status == 413
    assert refused.heading == "That was too much text"
    assert stored(app, walk) == answers


def test_a_body_just_over_the_limit_is_refused_on_the_staffs_pages_too(intake: Browser, app: Flask) -> None:
    for path in ("/staff/login", "/desk/acme/requests/0000000000/move"):
        assert Browser(app).post(path, b"a=" + b"a" * MAX_BODY).status == 413
        assert intake.post(path, b"a=" + b"a" * MAX_BODY).status == 413


def test_a_form_of_thousands_of_fields_is_taken_or_refused_but_breaks_nothing(
    browser: Browser, app: Flask
) -> None:
    walk = plant(browser, app, answers_but())
    body = "&".join(f"f{number}=x" for number in range(20_000)).encode()
    assert post_raw(walk, "about-you", body).status in {400, 413, 422}
    body = b"&".join([b"symptoms=light"] * 10_000)
    assert post_raw(walk, "symptoms", body).status in {303, 413, 422}


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=x", "text/x"]
)
def test_a_body_of_another_kind_is_read_as_an_empty_form(browser: Browser, app: Flask, kind: str) -> None:
    walk = plant(browser, app, answers_but())
    response = browser.client.post(
        walk.url("about-you"),
        data=b'{"age": 33}\r\n--x\r\n',
        content_type=kind,
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert response.status_code in {400, 422}
    assert stored(app, walk) == answers_but()


# ---------------------------------------------------------------- words

ODD_WORDS = {
    "emoji": "\N{PILE OF POO}\N{FAMILY} caf\u00e9",
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u202eabc\u202c",
    "combining": "e\u0301" * 50,
    "lines": "one\ntwo\n\nthree",
    "markup": "</textarea><script>alert(1)</script>&amp;<!--",
    "template": "{{ 7*7 }} {% raw %} ${7*7} %s %(x)s",
    "quotes": "\"'`;-- DROP TABLE drafts; \\",
    "formula": '=HYPERLINK("x")',
    "a thousand": "a" * 1000,
}


@pytest.mark.parametrize("words", ODD_WORDS.values(), ids=ODD_WORDS)
def test_own_words_are_kept_and_shown_as_typed(browser: Browser, app: Flask, words: str) -> None:
    walk = plant(browser, app, answers_but())
    assert post(walk, "background", own_words=words).status == 303
    again = walk.get("background").form["own_words"][0]
    assert again.replace("\r", "") == _composed(words)
    shown = walk.get("result").said["Is there anything you want to add in your own words?"]
    assert shown == " ".join(_composed(words).split())


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\u202eabc", "\u202eabc\u202c"),
        ("a\u2067b\u202ac", "a\u2067b\u202ac\u202c\u2069"),
        ("\u202eabc\u202c\u2066d\u2069", "\u202eabc\u202c\u2066d\u2069"),
        ("\u202c\u2069abc", "\u202c\u2069abc"),
    ],
)
def test_words_that_reverse_the_direction_of_writing_reverse_nothing_after_them(
    browser: Browser, app: Flask, typed: str, kept: str
) -> None:
    walk = plant(browser, app, answers_but())
    assert post(walk, "background", own_words=typed).status == 303
    assert stored(app, walk)["own_words"] == kept
    assert post(walk, "background", own_words=kept).status == 303
    assert stored(app, walk)["own_words"] == kept


def _composed(words: str) -> str:
    return words.replace("e\u0301", "\u00e9")


@pytest.mark.parametrize(
    "body",
    [
        b"%00",
        b"a%00b",
        b"%ED%A0%80",
        b"%ED%B0%80a",
        b"%FF%FE",
        b"%EF%BF%BE",
        b"%C2%80",
        b"%0B%1F%7F%08",
        b"%EF%BB%BF",
    ],
)
def test_bytes_that_are_no_text_break_nothing(browser: Browser, app: Flask, body: bytes) -> None:
    walk = plant(browser, app, answers_but())
    assert post_raw(walk, "background", b"own_words=x" + body).status == 303
    kept = stored(app, walk)["own_words"]
    assert kept.startswith("x")
    assert not set(kept) & set(map(chr, range(32)))
    walk.get("background")
    walk.get("result")
    # The same beside an error: the page comes back.
    page = post_raw(walk, "background", b"own_words=x" + body + b"&years_with=nonsense")
    assert page.status == 422
    page = post_raw(walk, "about-you", b"age=" + body)
    assert page.status == 422
    page = post_raw(walk, "contact", b"contact_name=x" + body)
    assert page.status == 422


def test_ten_thousand_characters_are_refused_and_kept_on_the_page(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but(own_words="Before."))
    long = ("word " * 2000).strip()
    page = post(walk, "background", own_words=long, years_with="1_to_5")
    assert page.status == 422
    (problem,) = page.problems
    assert problem.endswith("This is 8,999 characters too long. Keep it to 1,000.")
    assert page.form["own_words"] == [long]
    assert page.form["years_with"] == ["1_to_5"]
    assert stored(app, walk)["own_words"] == "Before."


def test_a_thousand_characters_on_many_lines_are_not_too_many(browser: Browser, app: Flask) -> None:
    """Browsers send line ends as two characters; a reader counts one."""
    walk = plant(browser, app, answers_but())
    assert post(walk, "background", own_words="a\r\n" * 499 + "ab").status == 303


# ---------------------------------------------------------------- kinds


QUESTIONS = [(p.slug, question) for p in QUESTIONNAIRE.pages if p.shown for question in p.questions]


def _wrong_for(question: Question) -> list[list[str]]:
    """What a question must refuse, as lists of values of its field."""
    wrong = [["nonsense"], ["0x10"], ["true"], ["\N{SNOWMAN}"], ["unsure", "nonsense"]]
    match question:
        case Text():
            return [["a" * (question.max_length + 1)]]
        case Number():
            high, low = question.maximum + 1, question.minimum - 1
            numbers = [
                str(high),
                str(low),
                "1.5",
                "1e1",
                "+1",
                "9" * 4000,
                "\N{ARABIC-INDIC DIGIT ONE}",
                "1 1",
            ]
            return [*wrong, *([number] for number in numbers), ["1", "2"], ["1", "unsure"]]
        case YesNo():
            return [*wrong, ["yes", "no"], ["True"], ["YES"]]
        case Choices():
            several = [[*question.codes[:1], "nonsense"], [question.codes[0], "unsure"]]
            # A danger of this moment beside "none of these" is taken as the danger, not refused.
            alone = "none" in question.codes and question.id != "danger_now"
            none = [["none", question.codes[0]]] if alone else []
            return [*wrong, *several, *none]
        case _:
            return [*wrong, [question.codes[0], question.codes[1]]]


ALL_ASKED = answers_but(
    changes=["injury_3mo"],
    injury_signs=["none"],
    head_days=30,
    mig_days=30,
    continuous_since_start=False,
    now_pain=True,
    now_length="over_72h",
    now_relief="none",
    keep_down=True,
    longest_break="none",
    break_cause="neither",
    now_stops_me=True,
    now_as_usual=True,
    aura_ever=True,
    aura_types=["visual"],
    aura_each="5_to_60_min",
    aura_clears=True,
    acute_tried=[
        "triptan",
        "simple_analgesic",
        "nsaid",
        "combination",
        "opioid",
        "ergot",
        "gepant",
        "ditan",
        "antiemetic",
        "other",
    ],
    debil_days=10,
    preventives_tried=[
        "beta_blocker",
        "antiepileptic",
        "antidepressant",
        "cgrp",
        "ace_arb",
        "botulinum",
        "calcium_channel",
        "other",
    ],
)


@pytest.fixture(scope="module")
def everything(made: Made) -> Iterator[tuple[Flask, Walk]]:
    """A draft on whose path every question lies."""
    with made.copy() as installation:
        yield installation.app, plant(Browser(installation.app), installation.app, ALL_ASKED)


@pytest.mark.parametrize(("slug", "question"), QUESTIONS, ids=lambda value: getattr(value, "id", value))
def test_a_question_refuses_what_is_not_its_kind_and_shows_what_was_typed(
    everything: tuple[Flask, Walk], slug: str, question: Question
) -> None:
    app, walk = everything
    before = stored(app, walk)
    token = token_of(walk.get(slug))
    for sent in _wrong_for(question):
        page = walk.browser.post(walk.url(slug), token | {question.id: sent})
        assert page.status == 422, (question.id, sent)
        assert any(question.stem in line or len(page.asked) == 1 for line in page.problems), page.problems
        if isinstance(question, Number) and not question.scale:
            assert page.form[question.id][0] == next(value for value in sent if value != "unsure")
    assert stored(app, walk) == before


@pytest.mark.parametrize(("slug", "question"), QUESTIONS, ids=lambda value: getattr(value, "id", value))
def test_a_question_that_leads_to_the_result_must_be_answered_or_not_sure(
    everything: tuple[Flask, Walk], slug: str, question: Question
) -> None:
    app, walk = everything
    walk = plant(walk.browser, app, ALL_ASKED)
    page = walk.get(slug)
    assert question.id in page.asked
    assert page.offers(question.id, "unsure") is (question.unsure_allowed and not isinstance(question, Text))
    blank = walk.browser.post(walk.url(slug), token_of(page))
    is_needed = QUESTIONNAIRE.page_of(question).part.name in {"SAFETY", "HEADACHES", "TREATMENTS"}
    assert blank.status == (422 if is_needed else 303)


@pytest.mark.parametrize("question_id", ["danger_now", "changes", "age"])
def test_a_danger_question_cannot_be_passed_as_not_sure(
    browser: Browser, app: Flask, question_id: str
) -> None:
    walk = plant(browser, app, answers_but())
    slug = {"danger_now": "danger-now", "changes": "changes", "age": "about-you"}[question_id]
    assert post(walk, slug, pregnancy="no", **{question_id: "unsure"}).status == 422


def test_a_choice_sent_twice_counts_once(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    assert post(walk, "symptoms", symptoms=["light", "light", "nausea"], aura_ever="no").status == 303
    assert stored(app, walk)["symptoms"] == ["nausea", "light"]


def test_a_number_is_read_without_blanks_and_leading_zeros(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    assert post(walk, "about-you", age=" 042 ", pregnancy="no").status == 303
    assert stored(app, walk)["age"] == 42


def test_fields_nobody_asked_for_are_left_alone(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    strange = {
        "own_words": "x",
        "danger_before": "sudden",
        "contact_name": "x",
        "__class__": "x",
        "errors": "x",
    }
    assert post(walk, "about-you", age="42", pregnancy="no", data="x", **strange).status == 303
    assert stored(app, walk) == answers_but()


def test_more_migraine_days_than_headache_days_are_refused_where_they_stand(
    browser: Browser, app: Flask
) -> None:
    walk = plant(browser, app, answers_but())
    page = post(walk, "how-long-so-often", mig_days="21")
    assert page.status == 422
    (problem,) = page.problems
    assert problem.endswith("This cannot be more than the days your head hurt at all (20).")
    assert page.form["mig_days"] == ["21"]
    assert stored(app, walk)["mig_days"] == 12
    assert post(walk, "how-long-so-often", mig_days="20").status == 303
    assert post(walk, "headache-days", head_days="unsure").status == 303
    assert post(walk, "how-long-so-often", mig_days="21").status == 303


def test_fewer_headache_days_than_migraine_days_before_ask_those_again(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    assert post(walk, "headache-days", head_days="12").status == 303
    assert stored(app, walk)["mig_days"] == 12
    assert post(walk, "headache-days", head_days="11").status == 303
    assert "mig_days" not in stored(app, walk)
    assert walk.get("result").status == 200


def test_a_stale_page_changes_nothing(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but(now_pain=True, now_length="over_72h", now_relief="none"))
    stale = token_of(walk.get("this-attack"))
    post(walk, "now", now_pain="no")
    late = browser.post(walk.url("this-attack"), stale | {"now_length": "over_72h", "now_relief": "none"})
    assert late.location == walk.url("check")
    assert "now_length" not in stored(app, walk)


def test_a_page_ahead_of_the_walk_saves_nothing(browser: Browser, app: Flask) -> None:
    walk = begin(browser)
    ahead = browser.post(walk.url("symptoms"), {"symptoms": "light", "aura_ever": "no"})
    assert ahead.location == walk.url("danger-now")
    assert stored(app, walk) == {}


# ---------------------------------------------------------------- the request's form


def years_ago(years: int, days: int = 0) -> str:
    today = date.today()  # noqa: DTZ011 - a birthday has no time zone
    day = 28 if (today.month, today.day) == (2, 29) else today.day
    born = today.replace(year=today.year - years, day=day) + timedelta(days)
    return f"{born.month}/{born.day}/{born.year}"


BIRTH_DATES = {
    "2/30/1984": "Give month, day and year",
    "13/1/1984": "Give month, day and year",
    "1984-27-04": "Give month, day and year",
    "April": "Give month, day and year",
    "4/27": "Give month, day and year",
    "4/27/84": "Check the year",
    "4/27/1899": "Check the year",
    "4/27/2999": "Check the year",
    "0/0/0": "Give month, day and year",
    "": "Give your date of birth",
    "9" * 500: "“Your date of birth”: keep this to 30 characters.",
}


@pytest.mark.parametrize(("typed", "told"), BIRTH_DATES.items())
def test_a_birth_date_that_cannot_be_is_refused_and_kept(
    browser: Browser, app: Flask, typed: str, told: str
) -> None:
    is_refused(browser, app, typed, told)


def is_refused(browser: Browser, app: Flask, typed: str, told: str) -> None:
    page = plant(browser, app, answers_but()).send(contact_but(contact_birth_date=typed))
    assert page.status == 422
    assert len(page.problems) == 1
    assert page.problems[0].startswith(told)
    assert page.form["contact_birth_date"] == [typed]
    assert page.form["contact_name"] == ["Pat Example"]
    assert count_rows(app, Consultation) == 0


@pytest.mark.parametrize(
    "typed",
    [
        "4/27/1984",
        "04/27/1984",
        "4-27-1984",
        "4.27.1984",
        "4 27 1984",
        " 4/27/1984 ",
        "04 / 27 / 1984",
        "1984-04-27",
    ],
)
def test_a_birth_date_is_read_with_any_separator(
    browser: Browser, app: Flask, intake: Browser, typed: str
) -> None:
    walk = plant(browser, app, answers_but())
    receipt = browser.follow(walk.send(contact_but(contact_birth_date=typed)))
    assert receipt.heading == "Your request was sent", receipt.problems
    queue = intake.get("/desk/acme/queue")
    assert "1984-04-27" in intake.get(queue.links["Pat Example"]).text


def test_somebody_of_eighteen_today_may_send_and_of_eighteen_tomorrow_may_not(
    browser: Browser, app: Flask
) -> None:
    for typed in (years_ago(17), years_ago(18, days=1)):
        is_refused(browser, app, typed, "This form is for adults")
    walk = plant(browser, app, answers_but(age=18))
    assert walk.send(contact_but(contact_birth_date=years_ago(18))).status == 303


@pytest.mark.parametrize(
    "typed",
    [
        "555 0123",
        "123",
        "call me",
        "(626) 555-0100 and (626) 555-0101",
        "+1",
        "\N{SNOWMAN}",
        "0" * 40,
        "9" * 50,
    ],
)
def test_a_phone_number_that_cannot_be_is_refused_and_kept(browser: Browser, app: Flask, typed: str) -> None:
    page = plant(browser, app, answers_but()).send(contact_but(contact_phone=typed))
    assert page.status == 422
    assert len(page.problems) == 1
    assert page.form["contact_phone"] == [typed]


@pytest.mark.parametrize(
    "typed",
    [
        "pat",
        "pat@",
        "@example.com",
        "pat@example",
        "a b@example.com",
        "pat@example.com\nbcc:x@y.zz",
        "x" * 250 + "@a.co",
        "pat@localhost",
        "pat@[127.0.0.1]",
        '"<script>"@example.com',
        "<pat@example.com>",
        "pat@example.com,x@y.zz",
    ],
)
def test_an_e_mail_address_that_cannot_be_is_refused_and_kept(
    browser: Browser, app: Flask, typed: str
) -> None:
    page = plant(browser, app, answers_but()).send(contact_but(contact_email=typed))
    assert page.status == 422
    assert len(page.problems) == 1
    assert count_rows(app, Consultation) == 0


@pytest.mark.parametrize(
    ("channel", "missing", "what"),
    [
        ("phone", "contact_phone", "phone number"),
        ("text", "contact_phone", "phone number"),
        ("email", "contact_email", "e-mail address"),
    ],
)
def test_a_way_to_be_reached_needs_its_address(
    browser: Browser, app: Flask, channel: str, missing: str, what: str
) -> None:
    walk = plant(browser, app, answers_but())
    for left in ("", None):
        page = walk.send(contact_but(**{"contact_channel": channel, missing: left}))
        assert page.status == 422
        assert f"Give your {what}, since you chose to be reached that way." in page.problems


@pytest.mark.parametrize(("channel", "other"), [("phone", "contact_email"), ("email", "contact_phone")])
def test_the_address_of_the_other_way_may_be_left_out(
    browser: Browser, app: Flask, intake: Browser, channel: str, other: str
) -> None:
    walk = plant(browser, app, answers_but())
    assert walk.send(contact_but(**{"contact_channel": channel, other: ""})).status == 303
    page = intake.get(intake.get("/desk/acme/queue").links["Pat Example"])
    assert "not given" in page.text


@pytest.mark.parametrize("field", ["contact_name", "contact_channel", "contact_message_ok", "contact_times"])
@pytest.mark.parametrize("other", ["contact_state", "consent"])
def test_the_rest_of_the_form_is_needed(browser: Browser, app: Flask, field: str, other: str) -> None:
    page = plant(browser, app, answers_but()).send(contact_but(**{field: None, other: None}))
    assert page.status == 422
    assert len(page.problems) == 2
    assert page.form["contact_email"] == ["pat@example.com"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"contact_name": "x" * 121},
        {"contact_name": " \t "},
        {"contact_state": "Atlantis"},
        {"contact_channel": "pigeon"},
        {"contact_channel": ["phone", "email"]},
        {"contact_message_ok": "unsure"},
        {"contact_times": ["midnight"]},
        {"consent": "no"},
        {"consent": "on"},
    ],
)
def test_a_form_that_our_page_could_not_send_is_refused(
    browser: Browser, app: Flask, wrong: dict[str, object]
) -> None:
    page = plant(browser, app, answers_but()).send(contact_but(**wrong))
    assert page.status == 422
    assert len(page.problems) == 1
    assert count_rows(app, Consultation) == 0


def test_an_empty_request_names_all_that_is_missing_and_loses_no_answer(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    page = walk.send({})
    assert page.status == 422
    assert len(page.problems) == 7
    assert stored(app, walk) == answers_but()


# ---------------------------------------------------------------- random forms

SLUGS = [page.slug for page in QUESTIONNAIRE.pages if page.shown]
IDS = [question.id for question in QUESTIONNAIRE]
CODES = sorted({code for question in QUESTIONNAIRE for code in getattr(question, "codes", ())})
VALUES = st.one_of(
    st.sampled_from([*CODES, "yes", "no", "unsure", ""]),
    st.integers(-1, 130).map(str),
    st.text(max_size=30),
)


@st.composite
def forms(draw: st.DrawFn) -> tuple[str, bytes, bool]:
    """A page, a form for it of likely and of wild fields, and whether to send the good token."""
    slug = draw(st.sampled_from([*SLUGS, "contact", "stop", "go-on"]))
    page = QUESTIONNAIRE.find_page(slug)
    likely = [question.id for question in page.questions] if page else [*CONTACT, "answer", "age"]
    pairs = [(name, value) for name in likely for value in draw(st.lists(_values_of(name), max_size=2))]
    pairs += draw(st.lists(st.tuples(st.sampled_from(IDS), VALUES), max_size=2))
    wild = draw(st.binary(max_size=20)) if draw(st.booleans()) else b""
    encoded = urlencode([(name, value.encode(errors="replace")) for name, value in pairs]).encode()
    return slug, encoded + b"&" + quote_from_bytes(wild).encode() + b"=" + wild, draw(st.integers(0, 9)) > 0


def _values_of(name: str) -> st.SearchStrategy[str]:
    question = QUESTIONNAIRE.find(name)
    codes = getattr(question, "codes", ())
    match question:
        case YesNo():
            return st.sampled_from(["yes", "no", "unsure"])
        case Number():
            return st.integers(question.minimum, question.maximum).map(str)
        case Text():
            return st.text(max_size=100)
        case _ if codes:
            return st.sampled_from([*codes, "unsure"])
        case _:
            return st.one_of(
                VALUES, st.sampled_from([v for value in CONTACT.values() for v in as_form(value)])
            )


# A release run takes more: EXAMPLES=10000 pytest tests/web/test_inputs.py -k random_forms
EXAMPLES = int(os.environ.get("EXAMPLES", "200"))


@settings(
    max_examples=EXAMPLES,
    # The same forms at each run, but in a release run.
    derandomize="EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=st.lists(forms(), min_size=1, max_size=2), start=st.sampled_from([answers_but(), ALL_ASKED]))
def test_random_forms_never_break_a_page_and_what_is_stored_is_what_is_shown(
    everything: tuple[Flask, Walk], sent: list[tuple[str, bytes, bool]], start: dict[str, object]
) -> None:
    app, _ = everything
    walk = plant(Browser(app), app, start)
    for slug, body, with_token in sent:
        page = walk.get(slug)
        shown = "" if page.location or not page.forms else urlencode(token_of(page))
        answer = walk.browser.post(walk.url(slug), (f"{shown}&".encode() if with_token else b"") + body)
        if answer.location.startswith("/r/"):
            assert walk.browser.get(answer.location).status == 200
            return
        # The client refuses any 5xx; a link that was renewed goes on under its new name.
        if slug == "go-on" and answer.location:
            walk = Walk(walk.browser, answer.location.split("/")[2])
    _stored_is_shown(app, walk)


def _stored_is_shown(app: Flask, walk: Walk) -> None:
    try:
        kept = stored(app, walk)
    except KeyError:
        assert walk.get("check").status == 410
        return
    # Each stored answer is one that the command's door takes as well.
    read = read_answers(QUESTIONNAIRE, kept)
    check = walk.browser.follow(walk.get("result"))
    if check.path != walk.url("result"):
        return
    for line in transcript(Answers(QUESTIONNAIRE, read)):
        assert check.said[" ".join(line.wording.split())] == " ".join(line.said.split()), line.id
