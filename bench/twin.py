"""The twin: the same way as most would write it in Flask.

WTForms renders and validates, Flask-WTF guards, answers wait in Flask's session, and in the end the ORM
stores a parent with a row for each answer.
"""

from __future__ import annotations

import json
import os
import warnings
from typing import Any, Final

from flask import Flask, redirect, render_template, session
from flask_wtf import CSRFProtect, FlaskForm
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from werkzeug.wrappers import Response
from wtforms import IntegerField, RadioField, SelectMultipleField, StringField
from wtforms.validators import Optional
from wtforms.widgets import CheckboxInput, ListWidget

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ slug }}</title>
<link rel="stylesheet" href="/static/screener.css"></head><body><main>
{% if form %}<form method="post">{{ form.hidden_tag() }}
{% for field in form if field.name != "csrf_token" %}<div class="question">{{ field.label }}{{ field }}
{% for error in field.errors %}<p class="error">{{ error }}</p>{% endfor %}</div>
{% endfor %}<button>Continue</button></form>
{% else %}<dl>{% for name, value in said.items() %}<div><dt>{{ name }}</dt><dd>{{ value }}</dd></div>
{% endfor %}</dl>{% endif %}</main></body></html>"""
_BEGIN: Final = """<!doctype html>
<html lang="en"><head><title>Start</title></head><body><form method="post" action="/c/acme/start">
<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
<button>Start</button></form></body></html>"""


class Base(DeclarativeBase):
    pass


class Response_(Base):  # noqa: N801 - Flask's own has the name
    __tablename__ = "responses"
    id: Mapped[int] = mapped_column(primary_key=True)
    answers: Mapped[list[Answer]] = relationship(back_populates="response")


class Answer(Base):
    __tablename__ = "answers"
    id: Mapped[int] = mapped_column(primary_key=True)
    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), index=True)
    response: Mapped[Response_] = relationship(back_populates="answers")
    name: Mapped[str]
    value: Mapped[str]


def _form_class(page: dict[str, Any]) -> type[FlaskForm]:
    return type("PageForm", (FlaskForm,), {q["name"]: _field(q) for q in page["questions"]})


def _field(question: dict[str, Any]) -> Any:
    about: dict[str, Any] = {"label": question["stem"], "validators": [Optional()]}
    if question["options"]:
        about["choices"] = [tuple(option) for option in question["options"]]
    match question["type"]:
        case "radio":
            return RadioField(**about)
        case "checkbox":
            look = {"widget": ListWidget(prefix_label=False), "option_widget": CheckboxInput()}
            return SelectMultipleField(**about, **look)
        case "number":
            return IntegerField(**about)
        case _:
            return StringField(**about)


def make_app(url: str, pages: list[dict[str, Any]]) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.config["SECRET_KEY"] = "for-a-benchmark-and-nothing-else"
    CSRFProtect(app)
    # As WTForms was used for years, and mostly is.
    warnings.simplefilter("ignore", DeprecationWarning)
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    Base.metadata.create_all(engine)
    by_slug = {page["slug"]: page for page in pages}
    slugs = [page["slug"] for page in pages]
    # Compiled once, as templates in files are.
    begin_page, question_page = (app.jinja_env.from_string(source) for source in (_BEGIN, _PAGE))

    @app.get("/c/<slug>")
    def start(slug: str) -> str:
        _ = slug
        return render_template(begin_page)

    @app.post("/c/<slug>/start")
    def begin(slug: str) -> Response:
        _ = slug
        session["answers"] = {}
        return redirect(f"/d/me/{slugs[0]}", 303)

    @app.route("/d/me/<slug>", methods=["GET", "POST"])
    def page(slug: str) -> Response | str:
        asked = by_slug[slug]
        form = _form_class(asked)(data=session["answers"]) if asked["questions"] else None
        if form and form.validate_on_submit():
            said = {name: value for name, value in form.data.items() if name != "csrf_token"}
            session["answers"] = session["answers"] | said
            if slug == slugs[-1]:
                return redirect(f"/r/{_store(session.pop('answers'))}", 303)
            return redirect(f"/d/me/{slugs[slugs.index(slug) + 1]}", 303)
        return render_template(question_page, slug=slug, form=form, said=session["answers"])

    def _store(said: dict[str, Any]) -> int:
        with Session(engine) as unit:
            response = Response_(answers=[Answer(name=k, value=json.dumps(v)) for k, v in said.items()])
            unit.add(response)
            unit.commit()
            return response.id

    @app.get("/r/<int:number>")
    def receipt(number: int) -> str:
        with Session(engine) as unit:
            found = unit.get(Response_, number)
            return render_template(question_page, slug="receipt", form=None, said={"id": found})

    return app


def from_environment() -> Flask:
    """For a server, which calls no function with arguments."""
    return make_app(os.environ["BENCH_DATABASE"], json.loads(os.environ["BENCH_PAGES"])[0])
