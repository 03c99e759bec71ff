"""The screen with which a clinic's office puts the questionnaire on its website: snippet, sites, check."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit
from zipfile import ZIP_DEFLATED, ZipFile

import qrcode
from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from markupsafe import Markup
from qrcode.image.svg import SvgPathImage

from screener.settings import ROOT
from screener.store.origins import is_local, read_origin, read_origins, set_origins, with_wix_frames
from screener.web.accent import THEMES
from screener.web.access import admin_only, db, settings
from screener.web.host_fetch import FetchError, fetch_page
from screener.web.host_page import LOADER, Finding, HostPage, Ours, judge, problem
from screener.web.host_policy import split_policies
from screener.web.languages import LANGUAGES
from screener.web.refusals import INVALID
from screener.web.transaction import finish_before_waiting

website = Blueprint("website", __name__, url_prefix="/desk/<clinic_slug>/website")

_LONGEST_ADDRESS: Final = 2000
_PLUGIN: Final = ROOT / "integrations" / "wordpress"
_PLUGIN_NAME: Final = "headache-screener"
# Stands in the plugin for the address of the installation that gives it out.
_PLUGIN_HOME: Final = b"https://screen.example"

# By code: what it is called, and whether its pages take our script or only a link.
BUILDERS: Final[Mapping[str, str]] = {
    "wordpress": "WordPress",
    "squarespace": "Squarespace",
    "wix": "Wix",
    "webflow": "Webflow",
    "html": "Another, or plain HTML",
}
# Option -> value -> words; the first is what holds if nothing is chosen.
OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "lang": {"": "As the visitor's device"} | LANGUAGES,
    "theme": {"": "As the visitor's device"} | {name: name.capitalize() for name in sorted(THEMES)},
    "mode": {
        "": "Inside the page; on phones a link",
        "inline": "Always inside the page",
        "link": "Always a link",
    },
}
# The place a page keeps free, so that nothing below jumps: a frame's height, or a card's in a small window.
RESERVED: Final[Mapping[str, str]] = {
    "": "display:block;min-height:clamp(64px,(100vw - 760px)*999,840px)",
    "inline": "display:block;min-height:840px",
}


class Choice(NamedTuple):
    """What the office chose; kept in the address, so that the page can be sent to whoever does it."""

    builder: str = "wordpress"
    lang: str = ""
    theme: str = ""
    mode: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Choice:
        builder = given.get("builder", "")
        chosen = {name: value for name, values in OPTIONS.items() if (value := given.get(name, "")) in values}
        return cls(builder if builder in BUILDERS else "wordpress", **chosen)

    @property
    def told(self) -> dict[str, str]:
        return {name: value for name, value in self._asdict().items() if value}

    @property
    def look(self) -> dict[str, str]:
        """What the start page's own address can say."""
        return {name: value for name, value in (("lang", self.lang), ("theme", self.theme)) if value}


@website.get("")
@admin_only
def index() -> str:
    return _show()


@website.route("/sites", methods=["GET", "POST"])
@admin_only
def sites() -> Any:
    """The list that says whose pages may show ours inside."""
    choice = Choice.read(request.args)
    if request.method != "POST":
        return _to_index(choice)
    typed = request.form.get("sites", "")
    found, problems = read_origins(typed)
    if "add" in request.form:
        found = list(dict.fromkeys([*g.staff_clinic.origins, *found]))
    if problems:
        return _show(typed_sites=typed, problems=[("sites", words) for words in problems]), INVALID
    if request.form.get("preset") == "wix":
        found = with_wix_frames(found)
    if set_origins(db(), found, staff_id=current_user.id):
        flash("The list of websites is saved. It holds from now on.")
    return _to_index(choice)


@website.route("/check", methods=["GET", "POST"])
@admin_only
def check() -> Any:
    """Looks at the clinic's page, or at HTML pasted from it."""
    if request.method != "POST":
        return _to_index(Choice.read(request.args))
    typed = request.form.get("page", "").strip()
    html = request.form.get("html", "")
    if html.strip():
        findings = judge(HostPage(html), _ours())
    elif typed and len(typed) <= _LONGEST_ADDRESS:
        findings = _look_at(typed)
    else:
        return _show(problems=[("page", "Enter the address of your page, or paste its HTML.")]), INVALID
    return _show(findings=findings, typed_page=typed)


@website.get("/headache-screener.zip")
@admin_only
def plugin() -> Response:
    """The WordPress plugin, knowing this installation's address."""
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for path in sorted(_PLUGIN.iterdir()):
            told = path.read_bytes().replace(_PLUGIN_HOME, _home().encode())
            archive.writestr(f"{_PLUGIN_NAME}/{path.name}", told)
    named = {"Content-Disposition": f'attachment; filename="{_PLUGIN_NAME}.zip"'}
    return Response(packed.getvalue(), mimetype="application/zip", headers=named)


def _to_index(choice: Choice) -> Any:
    index = url_for("website.index", clinic_slug=g.staff_clinic.slug)
    return redirect(f"{index}?{urlencode(choice.told)}", 303)


# ---------------------------------------------------------------- what is shown


def _show(
    *,
    findings: list[Finding] | None = None,
    typed_page: str = "",
    typed_sites: str | None = None,
    problems: list[tuple[str, str]] | None = None,
) -> str:
    choice = Choice.read(request.args)
    ours = _ours()
    start = f"{ours.start}?{urlencode(choice.look)}" if choice.look else ours.start
    return render_template(
        "website/index.html",
        builders=BUILDERS,
        options=OPTIONS,
        choice=choice,
        start=start,
        snippet=snippet(ours, choice),
        shortcode=shortcode(ours, choice),
        link_html=str(_link(start)),
        code=_picture_of(start),
        sites="\n".join(ours.origins) if typed_sites is None else typed_sites,
        home=ours.home,
        findings=findings,
        page=typed_page,
        problems=problems or [],
    )


def _home() -> str:
    return settings().link("")


def _ours() -> Ours:
    clinic = g.staff_clinic
    return Ours(_home(), clinic.slug, clinic.origins)


def snippet(ours: Ours, choice: Choice) -> str:
    """What is pasted: without our script it is a link that works."""
    options = Markup("").join(Markup(' data-ms-{}="{}"').format(*option) for option in _options(choice))
    reserved = Markup(' style="{}"').format(RESERVED[choice.mode]) if choice.mode in RESERVED else ""
    whole = Markup('<div data-ms-clinic="{}"{}{}>\n  {}</div>\n<script async src="{}"></script>')
    # Text from here on: a page that shows it escapes it once more.
    return str(whole.format(ours.slug, options, reserved, _link(ours.start), ours.home + LOADER))


def shortcode(ours: Ours, choice: Choice) -> str:
    """The same for the WordPress plugin; every value is one of ours."""
    options = "".join(f' {name}="{value}"' for name, value in _options(choice))
    return f'[headache_screener clinic="{ours.slug}"{options}]'


def _options(choice: Choice) -> Iterator[tuple[str, str]]:
    return ((name, getattr(choice, name)) for name in OPTIONS if getattr(choice, name))


def _link(address: str) -> Markup:
    return Markup('<a href="{}">Start the headache questionnaire</a>').format(address)


def _picture_of(address: str) -> str:
    """A code that a telephone's camera reads, for paper; as an address of an image."""
    drawn = qrcode.make(address, image_factory=SvgPathImage, border=2).to_string()
    return f"data:image/svg+xml;base64,{b64encode(drawn).decode()}"


# ---------------------------------------------------------------- what is checked


def _look_at(typed: str) -> list[Finding]:
    address, site, wrong = _read_address(typed)
    ours = _ours()
    if wrong:
        return [wrong]
    if site not in ours.origins:
        words = f"{site} is not on your list of websites, so visitors there see the link alone."
        return [problem(words, "Add it to the list, then check again.", site)]
    # The database waits for nobody's website.
    finish_before_waiting()
    try:
        found = fetch_page(address, may_be_local=bool(settings().demo))
    except FetchError as error:
        return [problem(error.words, error.step)]
    policies = [policy for header in found.policies for policy in split_policies(header)]
    return judge(HostPage(found.html, found.address, policies, found.embedder), ours)


def _read_address(typed: str) -> tuple[str, str, Finding | None]:
    """The page's full address and its site; or what is wrong with it."""
    full = typed if "://" in typed else f"https://{typed}"
    try:
        parts = urlsplit(full)
        if parts.scheme == "http" and not is_local(parts.hostname or ""):
            words = "The address begins with http, so whatever visitors do there can be read along the way."
            step = (
                "Check the address with https://. If it does not open, ask your web host for a certificate."
            )
            return "", "", problem(words, step)
        site = read_origin(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        step = "Copy it from your browser's address bar, like https://www.acme.example/headache"
        return "", "", problem("This is not the address of a web page.", step)
    return site + (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), site, None
