"""How a clinic looks to its patients: served to them, changed and tried out by its administrators."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from flask import Blueprint, Flask, Response, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user

from screener.domain.questionnaire import QUESTIONNAIRE
from screener.store.clinic_changes import LONGEST_TEXT, TEXTS, Logo, change_clinic, find_logo
from screener.store.clinics import find_clinic
from screener.store.drafts import OpenDraft
from screener.store.tables import Clinic, Draft
from screener.store.tenancy import entered_clinic
from screener.web.accent import THEMES, AccentError, derive, read_color, stylesheet_of
from screener.web.access import admin_only, db
from screener.web.arrival import LARGEST
from screener.web.clinic_card import ClinicCard
from screener.web.forms import clean_text, form_for
from screener.web.languages import LANGUAGES, SOURCE_LANGUAGE, speak
from screener.web.logo import LogoError, draw_logo
from screener.web.records import LANGUAGE_NAMES
from screener.web.refusals import INVALID
from screener.web.visit import Visit

clinic_look = Blueprint("clinic_look", __name__)

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_TRIED: Final = ("start", "question")
# Options, a number and a hint on one page.
_SAMPLE_PAGE: Final = "about-you"


def install(app: Flask) -> None:
    """Goes before Flask-WTF's check of form tokens, which reads the whole body."""
    app.before_request(_allow_upload)
    app.register_blueprint(clinic_look)
    app.jinja_env.globals["stylesheet_url"] = stylesheet_url


def _allow_upload() -> None:
    if request.endpoint in {"clinic_look.edit", "clinic_look.preview"}:
        # More than a logo may have: one that is too large is refused in words, beside what was typed.
        request.max_content_length = LARGEST


# ---------------------------------------------------------------- as patients see it


def stylesheet_url(without: str) -> str:
    """Of the page's clinic, in its color; the address changes whenever the content does."""
    clinic: ClinicCard | None = g.get("clinic")
    if clinic is None or not clinic.accent:
        return without
    sheet = stylesheet_of(clinic.accent)
    return url_for("clinic_look.stylesheet", slug=clinic.slug, accent=clinic.accent[1:], v=sheet.hash)


@clinic_look.get("/c/<slug>/look.css")
def stylesheet(slug: str) -> Response:
    """In the color of the address: so a page that is only tried out has one too."""
    if find_clinic(db(), slug) is None:
        abort(404)
    try:
        sheet = stylesheet_of(read_color(request.args.get("accent", "")))
    except AccentError:
        abort(404)
    is_packed = bool(request.accept_encodings.quality("gzip"))
    response = Response(sheet.packed if is_packed else sheet.plain, mimetype="text/css")
    response.headers["Vary"] = "Accept-Encoding"
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    return _kept(response, sheet.hash)


@clinic_look.get("/c/<slug>/logo.png")
def logo(slug: str) -> Response:
    clinic = find_clinic(db(), slug)
    png = find_logo(db(), clinic.id) if clinic else None
    if clinic is None or png is None:
        abort(404)
    return _kept(Response(png, mimetype="image/png"), clinic.logo_hash or "")


def _kept(response: Response, content_hash: str) -> Response:
    is_current = request.args.get("v") == content_hash
    response.headers["Cache-Control"] = _FOR_EVER if is_current else "no-store"
    return response


# ---------------------------------------------------------------- changed


@dataclass
class LookForm:
    """What was typed of a clinic's look, what of it can be stored, and what is wrong with the rest."""

    typed: Mapping[str, str]
    about: dict[str, Any] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, clinic: Clinic) -> LookForm:
        said = {
            f"{what}_{code}": clinic.texts.get(what, {}).get(code, "") for what in TEXTS for code in LANGUAGES
        }
        return cls({"accent": clinic.accent or "", **said})

    @classmethod
    def sent(cls) -> LookForm:
        form = cls({name: clean_text(value) for name, value in request.form.items()})
        form._read_accent()
        form._read_texts()
        form._read_logo()
        return form

    def _said(self, name: str) -> str:
        return self.typed.get(name, "")

    def _read_accent(self) -> None:
        said = self._said("accent")
        try:
            accent = read_color(said) if said else None
            if accent:
                derive(accent)  # refuses a color that cannot be read
        except AccentError as error:
            self.problems.append(("accent", in_sentence(error)))
        else:
            self.about["accent"] = accent

    def _read_texts(self) -> None:
        texts: dict[str, dict[str, str]] = {}
        for what in TEXTS:
            for code in LANGUAGES:
                text = self._said(f"{what}_{code}")
                if len(text) > LONGEST_TEXT:
                    self.problems.append(
                        (f"{what}_{code}", f"Use {LONGEST_TEXT} characters at most; these are {len(text)}.")
                    )
                elif text:
                    texts.setdefault(what, {})[code] = text
        self.about["texts"] = texts

    def _read_logo(self) -> None:
        """None takes it away; nothing sent leaves it."""
        sent = request.files.get("logo")
        data = sent.read() if sent else b""
        if data:
            try:
                self.about["logo"] = draw_logo(data)
            except LogoError as error:
                self.problems.append(("logo", str(error)))
        elif "no_logo" in request.form:
            self.about["logo"] = None


def in_sentence(error: ValueError) -> str:
    """What a rule says of a value, as a form tells it: with a capital letter and a full stop."""
    words = str(error)
    return f"{words[0].upper()}{words[1:]}{'' if words.endswith('.') else '.'}"


@clinic_look.route("/desk/<clinic_slug>/look", methods=["GET", "POST"])
@admin_only
def edit() -> Any:
    clinic = db().get_one(Clinic, entered_clinic(db()))
    if request.method != "POST":
        return _edit(LookForm.of(clinic))
    form = LookForm.sent()
    if form.problems:
        return _edit(form), INVALID
    changed = change_clinic(db(), clinic, form.about, by=current_user.id)
    flash("Saved. Patients see it from now on." if changed else "Nothing was changed.")
    return redirect(url_for("clinic_look.edit", clinic_slug=clinic.slug), 303)


def _edit(form: LookForm) -> str:
    return render_template(
        "clinic_look/edit.html",
        form=form,
        longest=LONGEST_TEXT,
        themes=THEMES,
        language_names=LANGUAGE_NAMES,
    )


# ---------------------------------------------------------------- tried out


@clinic_look.route("/desk/<clinic_slug>/look/preview", methods=["GET", "POST"])
@admin_only
def preview() -> Any:
    """A patient's page in a frame, as stored or as typed; nothing is kept of it, and nothing in it works."""
    card = g.staff_clinic
    g.is_tried_out = True
    speak(_chosen("lang", LANGUAGES, SOURCE_LANGUAGE))
    g.theme = _chosen("theme", THEMES, "")
    g.clinic = card
    if request.method == "POST":
        form = LookForm.sent()
        if form.problems:
            return render_template("clinic_look/refused.html", problems=form.problems), INVALID
        g.clinic = _as_typed(card, form.about)
    if _chosen("page", _TRIED, "start") == "start":
        return render_template("patient/start.html", tried_out=True)
    return _sample_question()


def _chosen(name: str, allowed: Any, otherwise: str) -> str:
    asked = request.values.get(f"preview_{name}", "")
    return asked if asked in allowed else otherwise


def _as_typed(card: ClinicCard, about: Mapping[str, Any]) -> ClinicCard:
    changes = {name: about[name] for name in ("accent", "texts")}
    if "logo" in about:
        changes["logo"] = about["logo"] and _inline(about["logo"])
    return replace(card, **changes)


def _inline(logo: Logo) -> tuple[str, int, int]:
    packed = base64.b64encode(logo.png).decode()
    return f"data:image/png;base64,{packed}", logo.width, logo.height


def _sample_question() -> str:
    page = QUESTIONNAIRE.find_page(_SAMPLE_PAGE)
    if page is None:
        raise LookupError(_SAMPLE_PAGE)
    # Of nobody, and never stored.
    visit = Visit("preview", OpenDraft(Draft(), Clinic(), b"", {"answers": {}, "events": []}))
    return render_template(
        "patient/page.html",
        form=form_for(page, visit.answers, None, visit.form_token(page.slug)),
        page=page,
        visit=visit,
        back="",
        progress="",
        tried_out=True,
    )
