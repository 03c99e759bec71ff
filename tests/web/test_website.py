"""The website screen: what to paste for each builder, which sites are listed, and what a check says."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime

import pytest
from conftest import Installation
from flask import Flask
from web.client import Browser, Page
from web.walking import at_clinic, token_of

from screener.web.website import BUILDERS

WEBSITE = "/desk/acme/website"
HOME = "http://localhost:8000"


def origins(app: Flask, clinic: str = "acme") -> list[str]:
    with at_clinic(app, clinic) as (_, row):
        return list(row.origins)


def text_of(page: Page, name: str) -> str:
    """What stands in a text area."""
    (found,) = [area.text for area in page.all("textarea") if area.get("id") == name]
    return (found or "").strip("\n")


def save_sites(admin: Browser, sites: str, query: str = "", **more: str) -> Page:
    sent = token_of(admin.get(WEBSITE)) | {"sites": sites} | more
    return admin.post(f"{WEBSITE}/sites{query}", sent)


def check(admin: Browser, **typed: str) -> Page:
    return admin.post(f"{WEBSITE}/check", token_of(admin.get(WEBSITE)) | typed)


def findings(page: Page) -> list[str]:
    boxes = [e for e in page.all("ul") if e.get("class") == "findings"]
    return [" ".join("".join(item.itertext()).split()) for box in boxes for item in box.iter("li")]


# ---------------------------------------------------------------- what to paste


@pytest.mark.parametrize("builder", BUILDERS)
def test_each_builder_has_its_steps_with_pictures_and_something_to_copy(admin: Browser, builder: str) -> None:
    page = admin.get(f"{WEBSITE}?builder={builder}")
    steps = [e for e in page.all("ol") if "steps" in e.get("class", "")]
    assert 3 <= len(list(steps[0])) <= 5
    assert len([e for e in page.main.iter() if e.get("class") == "drawn"]) >= 2
    assert text_of(page, "snippet").startswith('<div data-ms-clinic="acme"')
    assert text_of(page, "link") == f"{HOME}/c/acme"


def test_the_choices_stand_in_the_snippet_the_shortcode_and_the_link(admin: Browser) -> None:
    page = admin.get(f"{WEBSITE}?lang=es&theme=dim&mode=inline")
    assert text_of(page, "snippet") == (
        '<div data-ms-clinic="acme" data-ms-lang="es" data-ms-theme="dim" data-ms-mode="inline"'
        ' style="display:block;min-height:840px">\n'
        f'  <a href="{HOME}/c/acme">Start the headache questionnaire</a></div>\n'
        f'<script async src="{HOME}/e/v1.js"></script>'
    )
    assert text_of(page, "shortcode") == (
        '[headache_screener clinic="acme" lang="es" theme="dim" mode="inline"]'
    )
    assert text_of(page, "link") == f"{HOME}/c/acme?lang=es&theme=dim"
    assert "style" not in text_of(admin.get(f"{WEBSITE}?mode=link"), "snippet").split("\n")[0]


def test_an_unknown_choice_is_ignored(admin: Browser) -> None:
    evil = '"><script>alert(1)</script>'
    page = admin.client.get(WEBSITE, query_string=dict.fromkeys(("builder", "lang", "theme", "mode"), evil))
    assert page.status_code == 200
    assert "alert(1)" not in page.text


def test_the_plugin_to_download_knows_this_installation(admin: Browser) -> None:
    given = admin.get(f"{WEBSITE}/headache-screener.zip")
    with zipfile.ZipFile(io.BytesIO(given.response.get_data())) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(files) == {"headache-screener/headache-screener.php", "headache-screener/readme.txt"}
    assert f"'{HOME}'" in files["headache-screener/headache-screener.php"]
    assert "screen.example" not in "".join(files.values())


# ---------------------------------------------------------------- the list of sites


def test_a_saved_list_holds_at_once_for_the_clinics_pages_and_for_no_others(
    app: Flask, admin: Browser
) -> None:
    saved = save_sites(admin, "https://www.acme.example\nhttps://New.Acme.example/", "?builder=wix&lang=es")
    assert saved.location == f"{WEBSITE}?builder=wix&lang=es"
    assert "is saved" in admin.follow(saved).text
    policy = Browser(app).get("/c/acme").headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://www.acme.example https://new.acme.example")
    assert origins(app, "other") == []
    trail = admin.get("/desk/acme/audit?what=sites_changed")
    assert "Changed the list of websites" in trail.text
    assert "added: new.acme.example" in trail.text


def test_a_wrong_line_changes_nothing_and_keeps_what_was_typed(app: Flask, admin: Browser) -> None:
    typed = "https://www.acme.example\nhttps://acme.example/headache\nhttp://acme.example"
    page = save_sites(admin, typed)
    assert page.status == 422
    assert page.problems == [
        "Line 2: Leave out what follows the site's name: https://acme.example",
        "Line 3: Use https, so that nobody reads along: https://acme.example",
    ]
    assert text_of(page, "sites") == typed
    assert origins(app) == ["https://www.acme.example"]


def test_an_empty_list_is_a_list(app: Flask, admin: Browser) -> None:
    assert save_sites(admin, "").status == 303
    assert origins(app) == []
    assert Browser(app).get("/c/acme").headers["Content-Security-Policy"].endswith("'self'")


def test_wix_gets_its_own_hosts_too(app: Flask, admin: Browser) -> None:
    save_sites(admin, "https://www.acme.example", preset="wix")
    assert origins(app) == ["https://www.acme.example", "https://www-acme-example.filesusr.com"]


# ---------------------------------------------------------------- the check


def test_pasted_html_is_read_and_told_in_words(admin: Browser) -> None:
    snippet = text_of(admin.get(WEBSITE), "snippet")
    page = check(admin, html=f"<!doctype html><body>{snippet}")
    assert "All is well" in page.text
    page = check(admin, html=snippet.split("\n<script")[0])
    assert "One thing to fix" in page.text
    assert any("took the script out" in line for line in findings(page))


def test_a_page_of_a_site_that_is_not_listed_is_not_fetched_but_can_be_listed(
    app: Flask, admin: Browser
) -> None:
    page = check(admin, page="https://new.acme.example/headache")
    assert findings(page)[0].startswith("To fix: https://new.acme.example is not on your list of websites")
    added = admin.post(f"{WEBSITE}/sites", token_of(page) | {"sites": "https://new.acme.example", "add": "y"})
    assert added.status == 303
    assert origins(app) == ["https://www.acme.example", "https://new.acme.example"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("http://www.acme.example/", "begins with http"),
        ("ftp://www.acme.example/", "not the address of a web page"),
        ("https://user:secret@www.acme.example/", "not the address of a web page"),
        ("https://www.acme.example@evil.example/", "not the address of a web page"),
        ("https://www.acme.example:22/", "https://www.acme.example:22 is not on your list"),
        ("https://169.254.169.254/latest", "is not on your list"),
        ("file:///etc/passwd", "not the address of a web page"),
        ("javascript:alert(1)", "not the address of a web page"),
        ("https://[::1/", "not the address of a web page"),
        ("https://<script>alert(1)</script>/", "not the address of a web page"),
    ],
)
def test_an_address_that_is_not_the_clinics_is_refused_in_words(
    admin: Browser, typed: str, said: str
) -> None:
    page = check(admin, page=typed)
    assert page.status == 200
    assert said in findings(page)[0]
    assert "<script>alert" not in page.source


def test_a_listed_name_that_leads_inside_is_refused(app: Flask, admin: Browser) -> None:
    for inside in ("http://127.0.0.1:8001", "http://localhost:8001", "https://127.0.0.1", "https://10.0.0.1"):
        save_sites(admin, inside)
        assert origins(app) == [inside]
        (told,) = findings(check(admin, page=f"{inside}/"))
        assert "inside a private network, where we do not look" in told


def test_typing_nothing_is_pointed_out(admin: Browser) -> None:
    page = check(admin, page=" ", html="\n")
    assert page.status == 422
    assert page.problems == ["Enter the address of your page, or paste its HTML."]
    assert check(admin, page="x" * 3000).status == 422


def test_hostile_html_is_looked_at_and_not_shown(admin: Browser) -> None:
    evil = "<div data-ms-clinic='<img src=x onerror=alert(1)>'><iframe sandbox srcdoc='<p data-ms-clinic>'>"
    page = check(admin, html=evil)
    assert page.status == 200
    assert not re.search(r"<img src=x", page.source)


# ---------------------------------------------------------------- oEmbed


def discovered(browser: Browser, slug: str = "acme") -> str:
    page = browser.get(f"/c/{slug}")
    (address,) = [e.get("href", "") for e in page.all("link") if e.get("type") == "application/json+oembed"]
    return address


def test_a_start_page_leads_to_what_its_link_is_called(browser: Browser) -> None:
    address = discovered(browser)
    assert address.startswith(f"{HOME}/oembed?url=")
    told = browser.get(address.removeprefix(HOME))
    assert (told.status, told.response.mimetype) == (200, "application/json")
    assert told.response.get_json() == {
        "version": "1.0",
        "type": "link",
        "title": "Headache questionnaire: Acme Clinic",
        "provider_name": "Acme Clinic",
        "provider_url": f"{HOME}/",
        "cache_age": 86400,
    }


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"url={HOME}/c/acme%3Flang=es&format=json&maxwidth=400", 200),
        (f"url={HOME}/c/nowhere", 404),
        (f"url={HOME}/c/acme/evidence", 404),
        (f"url={HOME}/desk/", 404),
        ("url=https://evil.example/c/acme", 404),
        ("url=http://localhost:8000.evil.example/c/acme", 404),
        ("url=https://[::1/c/acme", 404),
        ("", 404),
    ],
)
def test_only_start_pages_of_this_installation_are_known(browser: Browser, query: str, status: int) -> None:
    assert browser.get(f"/oembed?{query}").status == status


def test_xml_is_not_offered(app: Flask) -> None:
    assert (
        app.test_client().get("/oembed", query_string={"url": f"{HOME}/c/acme", "format": "xml"}).status_code
        == 501
    )


def test_a_disabled_clinic_is_unknown(installation: Installation, browser: Browser) -> None:
    with at_clinic(installation.app, "acme") as (session, row):
        row.disabled_at = datetime.now(UTC)
        session.commit()
    assert browser.get(f"/oembed?url={HOME}/c/acme").status == 404
