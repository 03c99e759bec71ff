"""What a check reads off a clinic's page: each thing that can go wrong with a snippet is named."""

from __future__ import annotations

import time

import pytest

from screener.web.host_page import Finding, HostPage, Ours, judge
from screener.web.host_policy import NEEDED_IN_SANDBOX, lets_frame, lets_script, read_policy, split_policies

HOME = "https://screen.example"
OURS = Ours(HOME, "acme", ["https://www.acme.example"])
BLOCK = (
    '<div data-ms-clinic="acme" style="display:block"><a href="https://screen.example/c/acme">Start</a></div>'
)
SCRIPT = '<script async src="https://screen.example/e/v1.js"></script>'

META = "<meta http-equiv=Content-Security-Policy content=\"script-src 'self'\">"


def look(html: str, *, address: str = "https://www.acme.example/headache", policy: str = "") -> list[Finding]:
    return judge(HostPage(html, address, split_policies(policy)), OURS)


def problems(html: str, **about: str) -> list[str]:
    return [one.words for one in look(html, **about) if one.kind == "problem"]


@pytest.mark.parametrize(
    "html",
    [
        BLOCK + SCRIPT,
        f"<!doctype html><html><head>{SCRIPT}</head><body><main><p>{BLOCK}</main>",
        (BLOCK + SCRIPT)
        .upper()
        .replace("ACME", "acme")
        .replace("HTTPS://SCREEN.EXAMPLE", HOME)
        .replace("/E/V1.JS", "/e/v1.js")
        .replace("/C/", "/c/"),
        BLOCK + "<script src=https://screen.example/e/v1.js?ver=6.8 type=text/javascript>",
        BLOCK.replace("style", "data-ms-lang=es style") + SCRIPT,
        BLOCK * 2 + SCRIPT,
        f"<textarea>{BLOCK}</textarea><!-- {BLOCK} -->{BLOCK}{SCRIPT}",
        f"<![CDATA[x]]><!if IE>&#0;<{BLOCK}{SCRIPT}",
        "<a href='https://screen.example/c/acme?lang=es#x'>Headache questionnaire</a>",
    ],
)
def test_a_page_without_a_fault_is_said_to_be_fine(html: str) -> None:
    assert {one.kind for one in look(html)} == {"good"}


@pytest.mark.parametrize("broken", ["http://[x", "//[", "https://a\u2100b.example/"])
@pytest.mark.parametrize("address", ["https://www.acme.example/headache", ""])
def test_addresses_that_nobody_can_read_are_passed_over(broken: str, address: str) -> None:
    tags = ("script src", "script data-src", "iframe src")
    strange = "".join(f"<{tag}='{broken}'></{tag.split()[0]}>" for tag in tags)
    around = look(BLOCK + SCRIPT, address=address)
    assert look(strange + BLOCK + SCRIPT + strange, address=address) == around
    assert "There is no snippet on this page." in problems(strange, address=address)


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<p>Our clinic", "There is no snippet on this page."),
        ("", "There is no snippet on this page."),
        (SCRIPT, "the block with the link is missing"),
        (BLOCK, "took the script out"),
        (BLOCK.replace("acme", "other", 1) + SCRIPT, "for another clinic: “other”"),
        (BLOCK + SCRIPT.replace(HOME, "http://localhost:8000"), "The script comes from another address"),
        (BLOCK + SCRIPT.replace("https:", "http:"), "The script comes from another address"),
        (BLOCK + SCRIPT.replace("async", "type=text/plain"), "holds the script back"),
        (BLOCK + SCRIPT.replace("async src", "data-src"), "holds the script back"),
        (BLOCK + SCRIPT.replace("async", "type=module"), "holds the script back"),
        ("<div data-ms-clinic=acme></div>" + SCRIPT, "link inside the snippet is gone"),
        ("<p data-ms-clinic=acme><b>x</b></p><a href=/x>y</a>" + SCRIPT, "link inside the snippet is gone"),
        (BLOCK.replace("/c/acme", "/c/other") + SCRIPT, "leads elsewhere: https://screen.example/c/other"),
        (f"<!-- {BLOCK}{SCRIPT} -->", "inside a comment"),
        ("<pre>" + (BLOCK + SCRIPT).replace("<", "&lt;"), "as text for people to read"),
        (f"<iframe sandbox='allow-scripts' srcdoc='{BLOCK}{SCRIPT}'></iframe>", "without allow-forms"),
        (
            f"<iframe sandbox='{' '.join(NEEDED_IN_SANDBOX)}' srcdoc='{BLOCK}{SCRIPT}'></iframe>",
            "the button that calls 911 does nothing",
        ),
        ("<iframe sandbox src='https://screen.example/c/acme'></iframe>", "without allow-scripts"),
        ("<iframe src=https://www-acme-example.filesusr.com/html/1.html>", "a Wix frame"),
        (META + BLOCK + SCRIPT, "blocks the script"),
    ],
)
def test_what_is_wrong_is_named(html: str, said: str) -> None:
    assert any(said in words for words in problems(html)), look(html)


def test_another_site_than_those_listed_can_be_added() -> None:
    (wrong,) = [
        one for one in look(BLOCK + SCRIPT, address="https://acme.example/x") if one.kind == "problem"
    ]
    assert wrong.site == "https://acme.example"
    assert "not on your list" in wrong.words


def test_a_link_alone_needs_no_list_and_no_policy() -> None:
    linked = BLOCK.replace("style", "data-ms-mode=link style") + SCRIPT
    assert problems(linked, address="https://acme.example/", policy="default-src 'none'") == []


def test_all_that_is_missing_is_told_at_once() -> None:
    told = problems(BLOCK + SCRIPT, address="https://acme.example/", policy="default-src 'self'")
    assert len(told) == 3


@pytest.mark.parametrize(
    ("policy", "script", "frame"),
    [
        ("", True, True),
        ("img-src 'self'", True, True),
        ("default-src 'self'", False, False),
        ("default-src 'none'; script-src https:; frame-src *", True, True),
        ("default-src *; script-src 'none'", False, True),
        ("default-src 'self'; child-src https://screen.example", False, True),
        ("script-src-elem https://screen.example; script-src 'none'", True, True),
        ("script-src https://screen.example/e/; frame-src https://screen.example/c/acme", True, True),
        ("script-src https://screen.example/e/v2.js; frame-src https://screen.example/d/", False, False),
        ("script-src *.example; frame-src https://*.screen.example", True, False),
        ("script-src screen.example:443; frame-src screen.example:8443", True, False),
        (f"script-src screen.example:{'9' * 5000}; frame-src screen.example:0443", False, True),
        ("script-src http://screen.example; frame-src http:", True, True),
        ("script-src HTTPS://SCREEN.EXAMPLE 'unsafe-inline'; frame-src data: blob:", True, False),
        ("script-src 'strict-dynamic' https:; frame-src *", False, True),
        ("script-src 'nonce-abc' 'strict-dynamic'", False, True),
        ("script-src 'self'; SCRIPT-SRC *", False, True),
        (";; script-src", False, True),
    ],
)
def test_a_policy_is_read_as_browsers_read_it(policy: str, *, script: bool, frame: bool) -> None:
    read = read_policy(policy)
    assert lets_script(read, f"{HOME}/e/v1.js") is script
    assert lets_frame(read, f"{HOME}/c/acme") is frame


def test_a_nonce_lets_the_script_in() -> None:
    policy = "script-src 'nonce-abc' 'strict-dynamic'"
    assert problems(BLOCK + SCRIPT.replace("async", "nonce=abc"), policy=policy) == []


def test_of_two_policies_each_must_let_it_in() -> None:
    assert len(problems(BLOCK + SCRIPT, policy=f"script-src {HOME}, frame-src 'self'")) == 1


def test_a_policy_can_sandbox_the_whole_page() -> None:
    assert (
        "without allow-forms" in problems(BLOCK + SCRIPT, policy="sandbox allow-scripts allow-same-origin")[0]
    )


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<a ",
        "<!--",
        "<![",
        "<",
        "&#",
        "<script>",
        "<iframe srcdoc=<iframe/srcdoc=data-ms-clinic ",
        "<iframe srcdoc=data-ms-clinic ",
        "<div data-ms-clinic=acme>",
        "</div>",
        "<a href='",
    ],
)
def test_a_hostile_page_takes_no_more_time_than_a_long_one(piece: str) -> None:
    began = time.process_time()
    assert look((piece * 200_000)[: 256 * 1024])
    assert time.process_time() - began < 3
