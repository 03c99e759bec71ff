"""The desk: signing in, the queue in its order, one request with its reasons, and its moves."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from builders import CONTACT, PASSWORD, STAFF
from flask import Flask
from web.client import Browser, Page
from web.walking import (
    SignedIn,
    add_requests,
    answers_but,
    at_clinic,
    begin,
    contact_but,
    enter_password,
    move,
    plant,
    reference_on,
    send_all,
    sign_in,
    take_second_step,
    token_of,
)

from screener.domain.consultation import STAFF_MOVES, State
from screener.store.consultations import list_events
from screener.store.tables import Consultation

pytestmark = pytest.mark.both_databases

NOW = datetime.now(UTC).replace(microsecond=0)
QUEUE = "/desk/acme/queue"
INTAKE = "intake@acme.example"

ROUTINE = answers_but()
URGENT = answers_but(changes=["strain"])
KEEPS_NOTHING_DOWN = answers_but(now_pain=True, now_length="over_72h", now_relief="none", keep_down=False)
PREGNANT = answers_but(pregnancy="pregnant")
BEFORE = answers_but(danger_before=["sudden"])


def names(page: Page) -> list[str]:
    """Whom the queue shows, from top to bottom."""
    rows = [e for e in page.all("th") if e.get("scope") == "row"]
    return ["".join(row.itertext()).strip() for row in rows]


def events(app: Flask, reference: str, clinic: str = "acme") -> list[tuple[str, str | None, str | None]]:
    with at_clinic(app, clinic) as (session, _):
        row = session.query(Consultation).filter_by(reference=reference).one()
        return [(event.what, event.staff_name, event.to_state) for event in list_events(session, row)]


def state_of(app: Flask, reference: str) -> str:
    with at_clinic(app, "acme") as (session, _):
        return str(session.query(Consultation).filter_by(reference=reference).one().state)


# ---------------------------------------------------------------- signing in


def try_sign_in(app: Flask, **typed: str) -> Page:
    browser = Browser(app)
    return browser.post("/staff/login", token_of(browser.get("/staff/login")) | typed)


def without_token(page: Page) -> str:
    return re.sub(r'value="[^"]*@[^"]*"|name="csrf_token" value="[^"]*"', "", page.source)


def test_a_wrong_password_and_an_unknown_person_get_the_same_page(app: Flask) -> None:
    wrong = try_sign_in(app, email="intake@acme.example", password="not the right one 123")
    unknown = try_sign_in(app, email="stranger@acme.example", password="not the right one 123")
    assert wrong.status == unknown.status
    assert wrong.problems
    assert without_token(wrong) == without_token(unknown)
    assert {name for name, _ in wrong.headers} == {name for name, _ in unknown.headers}
    assert "not the right one" not in wrong.source


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"email": "intake@acme.example"},
        {"email": "intake@acme.example", "password": ""},
        {"email": "\N{SNOWMAN}", "password": "x"},
        {"email": "intake@acme.example'--", "password": "x"},
        {"email": "a" * 5000 + "@acme.example", "password": PASSWORD},
        {"email": "intake@acme.example", "password": "p" * 100_000},
        {"email": "intake@acme.example", "password": PASSWORD + " "},
        {"email": "intake@acme.example", "password": PASSWORD.upper()},
        {"email": "<script>@acme.example", "password": "\N{SNOWMAN}"},
    ],
)
def test_a_sign_in_that_fails_opens_nothing(app: Flask, typed: dict[str, str]) -> None:
    browser = Browser(app)
    page = browser.post("/staff/login", token_of(browser.get("/staff/login")) | typed)
    assert page.status in {200, 400, 422}
    assert page.problems
    assert browser.get(QUEUE).location.startswith("/staff/login")


def test_an_e_mail_is_known_in_any_case_and_keeps_a_person_signed_in(app: Flask) -> None:
    browser = sign_in(Browser(app), "INTAKE@acme.example")
    assert browser.get(QUEUE).status == 200


@pytest.mark.parametrize(("came_from", "shown"), [("203.0.113.77", "203.0.113.77"), ("", "0.0.0.0")])
def test_a_person_sees_from_where_they_signed_in(app: Flask, came_from: str, shown: str) -> None:
    """Behind a socket that tells no address, too."""
    browser = Browser(app)
    browser.client.environ_base["REMOTE_ADDR"] = came_from
    assert f" {shown} password" in sign_in(browser, INTAKE).get("/desk/account").text


def test_after_signing_in_a_person_comes_to_the_page_they_asked_for(app: Flask) -> None:
    browser = Browser(app)
    asked = browser.get(QUEUE + "?show=done")
    login = browser.get(asked.location)
    signed = take_second_step(browser, enter_password(browser, login, INTAKE), INTAKE)
    assert signed.location == QUEUE + "?show=done"


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "///evil.example",
        "javascript:alert(1)",
        "\thttps://evil.example",
        "https:evil.example",
        "%2F%2Fevil.example",
        "\\\\evil.example",
        "http:///evil.example",
    ],
)
@pytest.mark.parametrize("as_field", [False, True])
def test_signing_in_leads_to_no_other_site(app: Flask, following: str, *, as_field: bool) -> None:
    browser = Browser(app)
    typed = {"email": INTAKE, "password": PASSWORD}
    token = token_of(browser.get("/staff/login"))
    if as_field:
        page = browser.post("/staff/login", token | typed | {"next": following})
    else:
        page = browser.open("POST", "/staff/login?" + urlencode({"next": following}), data=token | typed)
    # The client refuses a redirect to another host.
    signed = take_second_step(browser, page, INTAKE)
    assert signed.status == 302
    for location in (signed.location, parse_qs(urlsplit(page.location).query)["next"][0]):
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\"))


def test_the_session_cookie_is_for_this_host_over_https_and_not_for_scripts(app: Flask) -> None:
    browser = Browser(app)
    page = browser.get("/staff/login")
    typed = {"email": INTAKE, "password": PASSWORD, "remember": "y"}
    signed = take_second_step(browser, browser.post(page.path, token_of(page) | typed), INTAKE)
    cookies = signed.headers.get_all("Set-Cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == ["__Host-staff"], (
        "and no other cookie to stay signed in"
    )
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert part in cookies[0]
    assert "Domain" not in cookies[0]
    assert "Expires" not in cookies[0]


def test_signing_in_gives_a_new_session(app: Flask) -> None:
    """A cookie planted before the sign-in does not become a signed-in one."""
    browser = Browser(app)
    browser.get("/staff/login")
    planted = browser.client.get_cookie("__Host-staff")
    assert planted is not None
    sign_in(browser, "intake@acme.example")
    thief = Browser(app)
    thief.client.set_cookie("__Host-staff", planted.value)
    assert thief.get(QUEUE).location.startswith("/staff/login")


def test_signing_out_ends_the_session_and_needs_the_token(intake: Browser) -> None:
    home = intake.get(QUEUE)
    assert intake.post("/staff/logout").status == 400
    assert intake.get(QUEUE).status == 200
    assert intake.get("/staff/logout").status == 405
    intake.post("/staff/logout", token_of(home))
    assert intake.get(QUEUE).location.startswith("/staff/login")


@pytest.mark.parametrize("token", [None, "", "forged", "\N{SNOWMAN}"])
def test_a_staff_form_without_a_good_token_changes_nothing(
    app: Flask, intake: Browser, token: str | None
) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    sent = {"to_state": "in_review", "version": "1"} | ({} if token is None else {"csrf_token": token})
    page = intake.post(f"/desk/acme/requests/{reference}/move", sent)
    assert page.status == 400
    assert page.heading == "This form was out of date"
    assert state_of(app, reference) == "new"


def test_the_token_of_one_person_does_not_fit_another(app: Flask, signed_in: SignedIn) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    mine, theirs = signed_in("intake@acme.example"), signed_in("clinician@acme.example")
    sent = token_of(mine.get(QUEUE)) | {"to_state": "in_review", "version": "1"}
    assert theirs.post(f"/desk/acme/requests/{reference}/move", sent).status == 400


def test_whoever_is_signed_in_can_sign_out_from_where_signing_in_leads(signed_in: SignedIn) -> None:
    for email in STAFF:
        browser = signed_in(email)
        page = browser.follow(browser.get("/desk/"))
        assert "/staff/logout" in [form.get("action") for form in page.forms], email


def test_a_decision_sent_after_the_session_ended_leads_back_to_the_request(app: Flask) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    browser = Browser(app)
    path = f"/desk/acme/requests/{reference}"
    token = token_of(browser.get("/staff/login"))
    turned_away = browser.post(f"{path}/move", token | {"to_state": "in_review", "version": "1"})
    login = browser.get(turned_away.location)
    signed = take_second_step(browser, enter_password(browser, login, INTAKE), INTAKE)
    assert browser.follow(signed).status == 200
    assert state_of(app, reference) == "new"


# ---------------------------------------------------------------- the queue


def test_danger_comes_first_then_who_has_waited_longest(app: Flask, intake: Browser) -> None:
    hour = timedelta(hours=1)
    add_requests(
        app,
        [
            ("Routine new", ROUTINE, NOW),
            ("Routine old", ROUTINE, NOW - 9 * hour),
            ("Urgent new", URGENT, NOW - 2 * hour),
            ("Urgent old", URGENT, NOW - 3 * hour),
            ("Keeps nothing down", KEEPS_NOTHING_DOWN, NOW),
            ("Pregnant", PREGNANT, NOW),
            ("Danger before", BEFORE, NOW),
        ],
    )
    page = intake.get(QUEUE)
    assert names(page) == [
        "Danger before",
        "Pregnant",
        "Keeps nothing down",
        "Urgent old",
        "Urgent new",
        "Routine old",
        "Routine new",
    ]
    assert "Urgent: danger sign earlier" in page.text
    assert "Open (7)" in page.links


def test_an_empty_queue_says_so(intake: Browser) -> None:
    for show in ("open", "accepted", "done", "nonsense"):
        page = intake.get(f"{QUEUE}?show={show}")
        assert "Nothing is" in page.text
        assert names(page) == []


@pytest.mark.parametrize("count", [49, 50, 51, 60, 100, 101])
def test_pages_of_the_queue_have_no_gap_and_no_repeat(app: Flask, intake: Browser, count: int) -> None:
    # Many of the same moment and urgency: the hardest to part.
    moments = [NOW - timedelta(minutes=number // 7) for number in range(count)]
    answers = [(ROUTINE, URGENT, PREGNANT)[number % 3] for number in range(count)]
    people = [(f"P{n}", a, m) for n, (a, m) in enumerate(zip(answers, moments, strict=True))]
    add_requests(app, people)
    page, seen, pages = intake.get(QUEUE), [], 1
    seen += names(page)
    while "Next page" in page.links:
        page = intake.get(page.links["Next page"])
        seen += names(page)
        pages += 1
    assert pages == (count + 49) // 50
    assert sorted(seen) == sorted(f"P{number}" for number in range(count))
    assert len(seen) == len(set(seen))


def test_a_page_whose_first_row_was_moved_begins_anew_or_goes_on(app: Flask, intake: Browser) -> None:
    people = [(f"P{n:02}", ROUTINE, NOW - timedelta(minutes=60 - n)) for n in range(60)]
    references = add_requests(app, people)
    following = intake.get(QUEUE).links["Next page"]
    assert references[49] in following
    move(intake, references[49], to_state="accepted")
    assert names(intake.get(following)) == [f"P{n:02}" for n in range(50, 60)]


def test_the_tabs_part_open_accepted_and_done(app: Flask, intake: Browser) -> None:
    references = add_requests(app, [(name, ROUTINE, NOW) for name in ("One", "Two", "Three")])
    move(intake, references[1], to_state="accepted")
    move(intake, references[2], to_state="not_a_fit", reason="Too far away")
    shown = {show: names(intake.get(f"{QUEUE}?show={show}")) for show in ("open", "accepted", "done")}
    assert shown == {"open": ["One"], "accepted": ["Two"], "done": ["Three"]}
    assert {"Open (1)", "Accepted (1)", "Done (1)"} <= set(intake.get(QUEUE).links)


# ---------------------------------------------------------------- one request


def test_a_request_shows_contact_reasons_and_every_answer(browser: Browser, signed_in: SignedIn) -> None:
    walk = begin(browser)
    walk.to_check(answers_but())
    said = walk.get("result").said
    reference = reference_on(browser.follow(walk.send(CONTACT)))
    for email in ("intake@acme.example", "clinician@acme.example"):
        staff = signed_in(email)
        for place in (reference, f"{reference}/history"):
            page = staff.get(f"/desk/acme/requests/{place}")
            assert page.heading == "Pat Example"
            for words in ("1984-04-27", "(704) 519-6918", "pat@example.com", "California", "morning"):
                assert words in page.text, words
            for name in ("Chronic migraine", "Intractable migraine"):
                assert re.search(f"{name}:? matches", page.text)
            assert "Head pain on 15 or more days a month" in page.text
            for question, answer in said.items():
                assert page.said[question] == answer
            assert "tel:7045196918" in page.links.values()


def test_a_reference_opens_in_any_case(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    assert intake.get(f"/desk/acme/requests/{reference.lower()}").heading == "Pat"


@pytest.mark.parametrize(
    "reference", ["x", "0000000000", "%00", "\N{SNOWMAN}", "%ED%A0%80", "' OR 1=1--", "9" * 5000]
)
def test_a_request_that_is_not_there_is_not_found(intake: Browser, reference: str) -> None:
    for place in ("", "/history"):
        assert intake.get(f"/desk/acme/requests/{reference}{place}").status == 404
    token = token_of(intake.get(QUEUE))
    assert (
        intake.post(f"/desk/acme/requests/{reference}/move", token | {"to_state": "in_review"}).status == 404
    )


def test_each_opening_is_written_down_with_who_opened(app: Flask, signed_in: SignedIn) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    intake, clinician = signed_in("intake@acme.example"), signed_in("clinician@acme.example")
    intake.get(QUEUE)
    intake.get(f"/desk/acme/requests/{reference}")
    clinician.get(f"/desk/acme/requests/{reference}/history")
    page = clinician.get(f"/desk/acme/requests/{reference}")
    assert [(what, who) for what, who, _ in events(app, reference)] == [
        ("received", None),
        ("read", "intake@acme.example"),
        ("read", "clinician@acme.example"),
        ("read", "clinician@acme.example"),
    ]
    assert "read by intake@acme.example" in page.text


def test_who_is_no_clinician_is_told_who_confirms(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    page = intake.get(f"/desk/acme/requests/{reference}/history/confirm")
    assert page.status == 403
    assert "Only a clinician of this clinic confirms and signs." in page.text


def test_who_may_not_open_a_request_leaves_no_reading(app: Flask, signed_in: SignedIn) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    for email in ("admin@acme.example", "intake@other.example", "nobody@acme.example"):
        assert signed_in(email).get(f"/desk/acme/requests/{reference}").status in {403, 404}
    assert [what for what, _, _ in events(app, reference)] == ["received"]


def test_who_reads_no_answers_is_led_to_no_page_with_answers(signed_in: SignedIn) -> None:
    home = signed_in("admin@acme.example").get("/desk/")
    assert "/desk/acme/settings" in home.links.values()
    assert "/desk/acme/queue" not in home.links.values()
    menu = signed_in("admin@acme.example").get("/desk/acme/settings").links
    assert "Settings" in menu
    assert not {"Queue", "My tasks", "New call"} & set(menu)
    menu = signed_in("intake@acme.example").get("/desk/acme/queue").links
    assert {"Queue", "My tasks", "New call"} <= set(menu)


@pytest.mark.parametrize(
    ("email", "place", "why"),
    [
        ("admin", "requests/{}", "Your role at this clinic does not open patient records."),
        ("intake", "requests/{}/history/confirm", "Only a clinician of this clinic confirms and signs."),
        ("intake", "people", "Only an administrator of this clinic may open this page."),
    ],
)
def test_whoever_may_not_open_a_page_is_told_who_may(
    app: Flask, signed_in: SignedIn, email: str, place: str, why: str
) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    page = signed_in(f"{email}@acme.example").get(f"/desk/acme/{place.format(reference)}")
    assert page.status == 403
    assert why in page.text


def test_what_happened_at_the_emergency_page_is_told_with_its_time(browser: Browser, intake: Browser) -> None:
    walk = begin(browser)
    walk.answer("danger-now", {"danger_now": ["chest_pain"]})
    walk.leave_stop("not_now")
    walk.to_check(answers_but(danger_now=["none"]))
    reference = reference_on(browser.follow(walk.send(CONTACT)))
    text = intake.get(f"/desk/acme/requests/{reference}").text
    assert re.search(r"[AP]M: Saw the emergency page \(Chest pain\)", text)
    assert re.search(r"[AP]M: Said: it happened, but not now \(Chest pain\)", text)


def test_trying_other_answers_changes_nothing_that_is_kept(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    path = f"/desk/acme/requests/{reference}"
    before = intake.get(path)
    page = intake.get(f"{path}/what-if")
    tried = intake.submit(page, head_days="3", mig_days="2")
    assert tried.status == 200
    assert tried.form["head_days"] == ["3"]
    after = intake.get(path)
    assert after.said == before.said
    assert state_of(app, reference) == "new"
    for wrong in ({"head_days": "99"}, {"head_days": "\N{SNOWMAN}"}, {"head_days": "3", "mig_days": "9"}):
        refused = intake.submit(page, **wrong)
        assert refused.status == 422
        assert refused.form["head_days"] == [wrong["head_days"]]


# ---------------------------------------------------------------- moves


def test_looking_at_a_request_and_accepting_it_need_no_reason(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    moved = move(intake, reference, to_state="in_review")
    assert moved.location == QUEUE
    queue = intake.follow(moved)
    assert f"{reference} is now “In review”." in queue.text
    assert "is now" not in intake.get(QUEUE).text, "said once"
    assert move(intake, reference, to_state="accepted").status == 303
    assert state_of(app, reference) == "accepted"
    told = [event for event in events(app, reference) if event[0] == "moved"]
    assert told == [
        ("moved", "intake@acme.example", "in_review"),
        ("moved", "intake@acme.example", "accepted"),
    ]


@pytest.mark.parametrize("to_state", ["needs_info", "later", "not_a_fit", "duplicate"])
def test_other_moves_need_a_reason_and_show_it(app: Flask, intake: Browser, to_state: str) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    for reason in ("", "  \n ", "\u0000"):
        refused = move(intake, reference, to_state=to_state, reason=reason)
        assert refused.status == 409
        asked = f"Say in a few words why this becomes “{State(to_state).label}”."
        assert refused.problems == [asked]
        # The summary leads to the reason, where the same is said.
        assert refused.links[asked] == "#reason"
        assert f"Error: {asked}" in refused.text
        assert refused.form["to_state"] == [to_state]
    assert state_of(app, reference) == "new"
    assert move(intake, reference, to_state=to_state, reason="Asked <b>twice</b>").status == 303
    assert "Asked <b>twice</b>" in intake.get(f"/desk/acme/requests/{reference}").text


def test_every_move_that_is_offered_is_taken_and_no_other(app: Flask, intake: Browser) -> None:
    for number, (state, allowed) in enumerate(STAFF_MOVES.items()):
        (reference,) = add_requests(app, [(f"Pat {number}", ROUTINE, NOW)])
        _put(app, reference, state)
        page = intake.get(f"/desk/acme/requests/{reference}")
        assert {s for s in State if page.offers("to_state", s.value)} == set(allowed)
        for to_state in State:
            _put(app, reference, state)
            if not allowed:
                continue
            status = move(intake, reference, to_state=to_state.value, reason="Because").status
            assert status == (303 if to_state in allowed else 409), (state, to_state)


def _put(app: Flask, reference: str, state: State) -> None:
    with at_clinic(app, "acme") as (session, _):
        session.query(Consultation).filter_by(reference=reference).one().state = state.value
        session.commit()


@pytest.mark.parametrize("to_state", [None, "", "nonsense", "NEW", "\N{SNOWMAN}"])
def test_a_move_to_nowhere_is_refused_and_the_reason_kept(
    app: Flask, intake: Browser, to_state: str | None
) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    form = {"reason": "A long thought"} | ({} if to_state is None else {"to_state": to_state})
    page = move(intake, reference, **form)
    assert page.status == 409
    assert page.problems == ["Choose what this request becomes."]
    assert page.form["reason"] == ["A long thought"]


def test_a_reason_too_long_is_refused_and_kept(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    page = move(intake, reference, to_state="later", reason="a" * 501)
    assert page.status == 409
    assert page.form["reason"] == ["a" * 501]
    assert move(intake, reference, to_state="later", reason="a" * 500).status == 303


def test_of_two_who_decide_at_once_the_second_is_told_and_keeps_the_words(
    app: Flask, signed_in: SignedIn
) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    intake, clinician = signed_in("intake@acme.example"), signed_in("clinician@acme.example")
    path = f"/desk/acme/requests/{reference}"
    mine, theirs = intake.get(path), clinician.get(path)
    sent = clinician.submit(_decision(theirs), to_state="in_review")
    assert sent.status == 303
    late = intake.submit(_decision(mine), to_state="later", reason="Traveling until May")
    assert late.status == 409
    assert late.problems == ["Somebody else changed this request meanwhile. See below, then decide again."]
    assert late.form["reason"] == ["Traveling until May"]
    assert late.form["to_state"] == ["later"]
    assert "by clinician@acme.example" in late.text
    assert state_of(app, reference) == "in_review"
    # The page that came back can be sent.
    assert intake.submit(_decision(late), to_state="later").status == 303
    assert state_of(app, reference) == "later"


def _decision(page: Page) -> Page:
    """The page, at the address its decision form sends to."""
    action = next(a for f in page.main.iter("form") if (a := f.get("action", "")).endswith("/move"))
    return Page(action, page.response)


@pytest.mark.parametrize("version", [None, "", "0", "2", "1.0", "x", "9" * 5000])
def test_a_move_on_another_version_is_refused(app: Flask, intake: Browser, version: str | None) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    token = token_of(intake.get(QUEUE))
    form = token | {"to_state": "in_review"} | ({} if version is None else {"version": version})
    assert intake.post(f"/desk/acme/requests/{reference}/move", form).status == 409
    assert state_of(app, reference) == "new"


# ---------------------------------------------------------------- what staff and patients share

XSS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></textarea><svg onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)//",
    "&lt;b&gt; &amp; <!-- ]]>",
    "' onmouseover='alert(1)",
]


@pytest.mark.parametrize("words", XSS)
def test_stored_markup_is_shown_as_text_to_staff(
    browser: Browser, app: Flask, intake: Browser, words: str
) -> None:
    answers = answers_but(own_words=words, acute_tried=["other"], acute_other_name=words)
    reference = send_all(browser, app, answers=answers, contact=contact_but(contact_name=words))
    queue = intake.get(QUEUE)
    shown = " ".join(words.split())
    assert names(queue) == [shown]
    for place in (reference, f"{reference}/history"):
        page = intake.get(f"/desk/acme/requests/{place}")
        assert page.heading == shown
        assert page.said["Is there anything you want to add in your own words?"] == shown
        assert page.said["What is your other medicine called?"] == shown
        assert page.all("img") == []
        assert {drawing.get("role") for drawing in page.all("svg")} <= {"img"}
        assert all(script.get("src", "").startswith("/static/") for script in page.all("script"))


def test_a_signed_in_person_gets_no_cookie_on_the_patients_pages(app: Flask, intake: Browser) -> None:
    """The client checks Set-Cookie and Vary on each of these."""
    walk = plant(intake, app, answers_but())
    for path in ("/", "/healthz", "/c/acme", "/c/nowhere", "/nowhere", "/static/nothing.css"):
        assert "Set-Cookie" not in intake.get(path).headers
    for place in ("about-you", "check", "result", "contact", "stop", "nonsense"):
        walk.get(place)
    walk.get("check", site="none")
    intake.post("/c/acme/start")
    intake.post("/c/acme/start", site="cross-site")
    intake.post(walk.url("about-you"), {"age": "x"})
    intake.open("PUT", "/c/acme")
    walk.browser.follow(walk.send(CONTACT))
    assert intake.get(QUEUE).status == 200


def test_a_desk_page_is_not_opened_by_the_patients_doors(browser: Browser, app: Flask) -> None:
    """A patient who sent a request cannot open the desk with anything on the receipt."""
    reference = send_all(browser, app, answers=answers_but())
    for place in (reference, f"{reference}/history"):
        assert browser.get(f"/desk/acme/requests/{place}").location.startswith("/staff/login")


# ---------------------------------------------------------------- headers


def test_only_the_clinics_own_sites_may_frame_its_patient_pages(browser: Browser, app: Flask) -> None:
    framed = {"acme": "frame-ancestors 'self' https://www.acme.example", "other": "frame-ancestors 'self'"}
    for clinic, policy in framed.items():
        walk = plant(browser, app, answers_but(), clinic)
        door = walk.get("check", site="none")
        pages = [
            browser.get(f"/c/{clinic}"),
            walk.get("about-you"),
            walk.get("result"),
            walk.get("contact"),
            door,
        ]
        pages += [walk.get("nonsense"), browser.post(walk.url("contact"))]
        receipt = walk.send(CONTACT)
        pages += [receipt, browser.get(receipt.location)]
        for page in pages:
            assert page.headers["Content-Security-Policy"].endswith(policy), page.path
            assert "X-Frame-Options" not in page.headers


def test_pages_of_no_clinic_may_be_framed_by_nobody(browser: Browser, intake: Browser) -> None:
    pages = [
        browser.get(path) for path in ("/", "/nowhere", "/c/nowhere", "/d/x/check", "/r/x", "/staff/login")
    ]
    pages += [intake.get("/desk/"), intake.get(QUEUE), intake.get("/desk/other/queue")]
    for page in pages:
        assert page.headers["Content-Security-Policy"].endswith("frame-ancestors 'none'"), page.path
        assert page.headers["X-Frame-Options"] == "DENY"


def test_over_https_browsers_are_told_to_stay_there(app: Flask) -> None:
    response = app.test_client().get("/c/acme", base_url="https://localhost")
    assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "Strict-Transport-Security" not in app.test_client().get("/c/acme").headers


def test_static_files_are_cached_and_named_by_their_content(browser: Browser) -> None:
    page = browser.get("/c/acme")
    (sheet,) = [link.get("href", "") for link in page.all("link") if link.get("rel") == "stylesheet"]
    assert re.fullmatch(r"/static/screener\.css\?v=[0-9a-f]{12}", sheet)
    got = browser.get(sheet)
    assert "max-age=31536000" in got.headers["Cache-Control"]
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    # The address of another version, whose pages and files another server has during an update.
    for other in (f"{sheet[:-12]}0123456789ab", sheet.partition("?")[0]):
        assert browser.get(other).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/static/../wsgi.py", "/static/%2e%2e/wsgi.py", "/static/", "/staff/fs-static/../x"]
)
def test_static_addresses_lead_to_no_other_file(browser: Browser, path: str) -> None:
    assert browser.get(path).status == 404
