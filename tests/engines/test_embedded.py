"""The widget on a clinic's page of another site, with third-party cookies blocked, in each engine."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from browser.clinic_pages import Host
from builders import CHRONIC_AND_INTRACTABLE, CONTACT
from engines.person import Person
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.keys import Keys

LINK = "Start the headache questionnaire"
_PLANT = """for (const more of ['', '; SameSite=None; Secure']) document.cookie = 'planted=1; path=/' + more;
return document.cookie"""
_SHOWN = "return getComputedStyle(document.querySelector('iframe')).opacity !== '0'"
_THEME = "return document.documentElement.dataset.theme || ''"
Snippet = Callable[..., str]


def test_the_whole_flow_completes_where_third_party_cookies_are_blocked(
    person: Person, host: Host, snippet: Snippet, served: str
) -> None:
    person.open(host.show("/flow", "<h1>Our clinic</h1>" + snippet()))
    person.enter()
    assert person.run(_PLANT) == "", "third-party cookies are not blocked"
    assert person.has_focus("body"), "the clinic's page keeps the focus at first"
    person.press("Start")
    while not person.path.endswith("/check"):
        assert person.has_focus("body, h1")
        person.fill(CHRONIC_AND_INTRACTABLE)
        person.press("Continue")
        assert person.has_focus("h1")
    person.press("See my result")
    person.press("Ask for a consultation")
    person.press("Continue")
    person.fill(CONTACT)
    person.press("Send my request")
    assert person.heading == "Your request was sent"
    assert person.kept() == []
    person.leave()
    assert person.kept() == []
    assert person.run("return seen.ms") == [["ms:started", None], ["ms:submitted", None]]
    assert {message["why"] for message in heard(person) if "why" in message} == {"start", "next", "done"}
    assert {key for message in heard(person) for key in message} == {"ms", "t", "id", "h", "why"}
    person.open(f"{served}/c/framed")
    assert person.kept() == []


def test_errors_back_and_the_keyboard_work_in_the_frame(person: Person, host: Host, snippet: Snippet) -> None:
    person.open(host.show("/turns", snippet()))
    person.enter()
    person.press("Start")
    person.press("Continue")
    assert person.has_focus("#problems")
    assert heard_of(person, "why")[-1] == "error"
    person.fill(CHRONIC_AND_INTRACTABLE)
    person.run("document.getElementById('continue').focus()")
    person.go(lambda: person.type(Keys.ENTER))
    assert person.path.endswith("/about-you")
    person.go(lambda: person.run("setTimeout(() => history.back())"))
    assert person.path.endswith("/danger-now")
    assert person.all("[value=none]")[0].is_selected()
    person.press("Continue")
    assert person.path.endswith("/about-you")


def test_what_has_the_focus_is_in_view(person: Person, host: Host, snippet: Snippet) -> None:
    header = "<header style='position:sticky;top:0;height:80px;background:#fff'>Our clinic</header>"
    person.driver.set_window_rect(width=1280, height=700)
    person.open(host.show("/reach", header + snippet() + "<p style='height:900px'>After</p>"))
    person.enter()
    person.press("Start")
    person.fill(CHRONIC_AND_INTRACTABLE)
    assert "focus" not in heard_of(person, "t"), "where somebody clicks, the clinic's page is not told"
    person.leave()
    person.run("scrollTo(0, 0)")
    person.enter()
    person.run("document.querySelector('[name=danger_now]').focus()")
    for _ in range(20):
        person.type(Keys.TAB)
        if person.has_focus("#continue"):
            break
    is_in_view(person)
    person.run("document.querySelector('[value=none]').click()")
    person.press("Continue")
    assert person.has_focus("#problems")
    # The last question of all that the summary names.
    person.click(person.all(".problems a")[0])
    is_in_view(person)


def test_an_emergency_can_be_called_from_the_frame_and_the_host_cannot_tell(
    person: Person, host: Host, snippet: Snippet
) -> None:
    person.open(host.show("/stop", snippet()))
    person.enter()
    assert person.named("Call 911").get_property("href") == "tel:911"
    person.press("Start")
    person.fill({"danger_now": ["chest_pain"]})
    person.press("Continue")
    call = person.named("Call 911")
    assert call.get_property("href") == "tel:911"
    assert call.rect["height"] >= 48
    person.leave()
    assert person.run("return seen.ms") == [["ms:started", None]]
    assert set(heard_of(person, "why")) == {"start", "next"}


def test_a_page_that_is_not_on_the_list_keeps_the_link(
    person: Person, host: Host, snippet: Snippet, served: str
) -> None:
    person.open(host.show("/strange", snippet(), name="stranger"))
    stays_a_link(person)
    person.press(LINK)
    assert person.run("return location.href").startswith(f"{served}/c/framed")
    assert person.heading == "Headache questionnaire"


def test_every_page_around_must_be_on_the_list(person: Person, host: Host, snippet: Snippet) -> None:
    inner = host.show("/inner", snippet())
    around = f"<div id=around><iframe src='{inner}' width=1200 height=800></iframe></div>"
    person.open(host.show("/outer", around, name="stranger"))
    person.driver.switch_to.frame(person.all("iframe")[0])
    stays_a_link(person)
    person.open(host.show("/outer", around))
    person.driver.switch_to.frame(person.all("iframe")[0])
    person.enter()
    person.press("Start")
    assert person.path.endswith("/danger-now")


def test_forged_messages_change_nothing(person: Person, host: Host, snippet: Snippet) -> None:
    person.open(host.show("/forged", snippet()))
    person.enter()
    person.leave()
    before = person.all("iframe")[0].rect
    eid = person.run("return new URL(document.querySelector('iframe').src).searchParams.get('eid')")
    mine = {"ms": 1, "id": eid}
    # The right words from the wrong window.
    for said in (
        {"t": "size", "h": 5000},
        {"t": "page", "why": "next"},
        {"t": "focus", "y": 700},
        {"t": "done"},
    ):
        person.run("postMessage(arguments[0], '*')", mine | said)
    # From the frame itself, but out of range or under another name; the other way, not by the clinic's page.
    person.enter()
    for more in ({"h": 10**9}, {"h": -1}, {"h": "5000"}, {"h": 5000, "id": "1"}, {"h": 1.5}):
        person.run("parent.postMessage(arguments[0], '*')", mine | {"t": "size"} | more)
    person.run("postMessage(arguments[0], '*')", mine | {"t": "theme", "theme": "dark"})
    person.run("addEventListener('message', () => { window.heard = true }); postMessage('last', '*')")
    person.wait(lambda: person.run("return window.heard"))
    assert person.run(_THEME) == ""
    person.leave()
    person.wait(lambda: 1.5 in [said.get("h") for said in heard(person)])
    assert person.all("iframe")[0].rect == before
    assert person.run("return scrollY") == 0
    assert person.run("return seen.ms") == []


def test_two_on_one_page_do_not_mix_and_the_theme_follows_the_host(
    person: Person, host: Host, snippet: Snippet
) -> None:
    person.open(host.show("/two", snippet() + snippet(mode="inline", theme="dim")))
    person.run("document.querySelectorAll('iframe')[1].scrollIntoView()")
    person.enter(1)
    assert person.run(_THEME) == "dim"
    person.leave()
    person.run("document.querySelectorAll('[data-ms-clinic]')[1].dataset.msTheme = 'dark'")
    person.enter(1)
    person.wait(lambda: person.run(_THEME) == "dark")
    person.press("Start")
    person.wait(lambda: person.run(_THEME) == "dark")
    person.leave()
    person.run("scrollTo(0, 0)")
    person.enter(0)
    assert person.run(_THEME) == ""
    assert person.path == "/c/framed"


def test_in_a_narrow_column_it_is_a_card_that_leads_to_the_full_page(
    person: Person, host: Host, snippet: Snippet, served: str
) -> None:
    column = f"<div style='width:390px'>{snippet(lang='es', theme='dark')}</div>"
    person.open(host.show("/narrow", column))
    card = person.wait(lambda: person.named(LINK) if person.all("[data-ms-ready]") else None)
    assert card.get_property("href") == f"{served}/c/framed?lang=es&theme=dark"
    assert card.rect["height"] >= 48
    assert person.all("iframe") == []
    person.press(LINK)
    assert person.run("return document.documentElement.lang") == "es"
    assert person.run(_THEME) == "dark"


@pytest.mark.parametrize("sandbox", ["allow-scripts", "allow-scripts allow-popups"])
def test_in_a_builders_sandbox_the_link_is_the_product(
    person: Person, host: Host, snippet: Snippet, sandbox: str
) -> None:
    plain = host.show("/barred", snippet())
    person.open(
        host.show("/sandbox", f"<iframe sandbox='{sandbox}' src='{plain}' width=900 height=700></iframe>")
    )
    person.driver.switch_to.frame(person.all("iframe")[0])
    person.see("[data-ms-ready] a")
    assert person.all("[data-ms-clinic] iframe") == []


def test_a_planted_draft_shows_no_answer_in_a_frame(person: Person, host: Host, snippet: Snippet) -> None:
    person.open(host.show("/mine", snippet()))
    person.enter()
    person.press("Start")
    for _ in range(2):
        person.fill(CHRONIC_AND_INTRACTABLE)
        person.press("Continue")
    planted = person.run("return location.href")
    person.open(host.show("/planted", f"<iframe src='{planted}' width=800 height=700></iframe>"))
    person.driver.switch_to.frame(person.all("iframe")[0])
    assert person.heading == "Welcome back"
    assert person.named("Start afresh").is_displayed()
    assert person.all("[name=age]")[0].get_property("value") == ""


def stays_a_link(person: Person) -> None:
    """The frame was tried and never shown; nothing was said."""
    person.wait(lambda: person.all("[data-ms-clinic] iframe"))
    # Long enough: where a frame may show itself it takes well under a second.
    with pytest.raises(TimeoutException):
        person.wait(lambda: person.run(_SHOWN), 2)
    assert person.named(LINK).is_displayed()
    assert heard(person) == []


def is_in_view(person: Person) -> None:
    """What has the focus stands below the clinic's header and above the end of its window."""

    def is_shown() -> bool:
        top, bottom = person.run(
            "const at = document.activeElement.getBoundingClientRect(); return [at.top, at.bottom]"
        )
        frame, end = person.around("return [arguments[0].getBoundingClientRect().top, innerHeight]")
        return bool(frame + top >= 80 and frame + bottom <= end)

    person.wait(is_shown, 2)


def heard(person: Person) -> list[dict[str, object]]:
    """What the frame has told the page around it."""
    return [json.loads(said) for said in person.run("return seen.heard")]


def heard_of(person: Person, name: str) -> list[object]:
    person.leave()
    found = [said[name] for said in heard(person) if name in said]
    person.enter()
    return found
