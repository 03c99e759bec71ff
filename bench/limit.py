"""The limit: the same pages, bytes and durable rows by bare Flask, compiled Jinja and a raw driver.

No clinic, language, check, token of a form, seal, policy, log or trail. One row and one commit a saved page
and a request; a page of the desk's list is one query by the app's own index.
"""

from __future__ import annotations

import importlib
import json
import os
import secrets
import sqlite3
import threading
from typing import Any, Final, Protocol

import psycopg
from flask import Flask, redirect, request
from werkzeug.wrappers import Response

# What SQLite needs to keep what it was told, and no more; as store/database.py sets it.
PRAGMAS: Final = ("busy_timeout=5000", "journal_mode=WAL", "synchronous=FULL")
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS drafts (token TEXT PRIMARY KEY, document TEXT)",
    "CREATE TABLE IF NOT EXISTS requests (token TEXT PRIMARY KEY, document TEXT)",
)
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ slug }}</title>
<link rel="stylesheet" href="/static/screener.css"></head><body><main>
{% if questions %}<form method="post" id="answers">
{% for q in questions %}<fieldset><legend>{{ q.stem }}</legend>
{% for code, label in q.options %}<div class="option">
<input type="{{ q.type }}" id="{{ q.name }}-{{ loop.index }}" name="{{ q.name }}" value="{{ code }}"
{% if code in said.get(q.name, ()) %} checked{% endif %}>
<label for="{{ q.name }}-{{ loop.index }}">{{ label }}</label></div>
{% else %}<input id="{{ q.name }}" name="{{ q.name }}" value="{{ said.get(q.name, [""])[0] }}">
{% endfor %}</fieldset>
{% endfor %}<button>Continue</button></form>
{% else %}<dl>{% for name, values in said.items() %}<div><dt>{{ name }}</dt>
<dd>{{ values | join(", ") }}</dd></div>{% endfor %}</dl>{% endif %}</main>{{ rest }}</body></html>"""
_LIST: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Requests</title></head><body><table>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>{{ rest }}</body></html>"""
FIRST_PAGE: Final = (
    "SELECT reference, urgency_rank, received_at, kind, state, language FROM consultations"
    " WHERE clinic_id = ? AND state = 'new' ORDER BY urgency_rank, received_at, id LIMIT 50"
)


class Driver(Protocol):
    def run(self, statement: str, *values: object) -> list[Any]: ...

    def make(self, table: str) -> None: ...

    def write(self, *statements: tuple[str, tuple[object, ...]]) -> None: ...


class SqliteDriver:
    """A connection a thread, as the driver wants it."""

    def __init__(self, path: str) -> None:
        self._path, self._own = path, threading.local()
        try:
            self._module: Any = importlib.import_module("pysqlite3.dbapi2")
        except ImportError:
            self._module = sqlite3

    def connection(self) -> Any:
        if not hasattr(self._own, "connection"):
            self._own.connection = self._module.connect(self._path, isolation_level=None)
            for pragma in PRAGMAS:
                self._own.connection.execute(f"PRAGMA {pragma}")
        return self._own.connection

    def run(self, statement: str, *values: object) -> list[Any]:
        found: list[Any] = self.connection().execute(statement, values).fetchall()
        return found

    def make(self, table: str) -> None:
        self.run(table)

    def write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        for statement, values in statements:
            connection.execute(statement, values)
        connection.execute("COMMIT")


class PostgresDriver:
    def __init__(self, url: str) -> None:
        self._url, self._own = url, threading.local()

    def _connection(self) -> psycopg.Connection[Any]:
        if not hasattr(self._own, "connection"):
            self._own.connection = psycopg.connect(self._url, autocommit=True)
        found: psycopg.Connection[Any] = self._own.connection
        return found

    def run(self, statement: str, *values: object) -> list[Any]:
        cursor = self._connection().execute(_psycopg(statement), values)
        return cursor.fetchall() if cursor.description else []

    def make(self, table: str) -> None:
        # Two workers at once make it twice, IF NOT EXISTS or not.
        self.write(("SELECT pg_advisory_xact_lock(1)", ()), (table, ()))

    def write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        connection = self._connection()
        with connection.transaction():
            for statement, values in statements:
                connection.execute(_psycopg(statement), values)


def _psycopg(statement: str) -> Any:
    return statement.replace("?", "%s")


def driver_for(url: str) -> Driver:
    if url.startswith("sqlite:///"):
        return SqliteDriver(url.removeprefix("sqlite:///"))
    return PostgresDriver(url)


class Ways:
    """The patient's doors. `pages` in their order: slug and questions; `sizes`: bytes of the app's own."""

    def __init__(
        self, app: Flask, driver: Driver, pages: list[dict[str, Any]], sizes: dict[str, int]
    ) -> None:
        self._driver, self._sizes = driver, sizes
        self._template = app.jinja_env.from_string(_PAGE)
        self._questions = {page["slug"]: page["questions"] for page in pages}
        self._slugs = list(self._questions)
        # What fills a page up to the bytes of the app's own.
        self._rest: dict[str, str] = {}
        for table in _TABLES:
            driver.make(table)
        app.get("/c/<slug>")(self.start)
        app.post("/c/<slug>/start")(self.begin)
        app.get("/d/<token>/<slug>")(self.page)
        app.post("/d/<token>/<slug>")(self.save)
        app.get("/r/<token>")(self.receipt)

    def start(self, slug: str) -> str:
        _ = slug
        return self._rendered("c", {})

    def begin(self, slug: str) -> Response:
        _, token = slug, secrets.token_urlsafe(32)
        self._driver.write(("INSERT INTO drafts VALUES (?, ?)", (token, "{}")))
        return redirect(f"/d/{token}/{self._slugs[0]}", 303)

    def page(self, token: str, slug: str) -> str:
        return self._rendered(slug, self._document(token))

    def save(self, token: str, slug: str) -> Response:
        document = json.dumps(self._document(token) | request.form.to_dict(flat=False))
        if slug == self._slugs[-1]:
            inserted = ("INSERT INTO requests VALUES (?, ?)", (token, document))
            self._driver.write(inserted, ("DELETE FROM drafts WHERE token = ?", (token,)))
            return redirect(f"/r/{token}", 303)
        self._driver.write(("UPDATE drafts SET document = ? WHERE token = ?", (document, token)))
        return redirect(f"/d/{token}/{self._slugs[self._slugs.index(slug) + 1]}", 303)

    def receipt(self, token: str) -> str:
        self._driver.run("SELECT document FROM requests WHERE token = ?", token)
        return self._rendered("r", {})

    def _document(self, token: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = json.loads(
            self._driver.run("SELECT document FROM drafts WHERE token = ?", token)[0][0]
        )
        return found

    def _rendered(self, slug: str, said: dict[str, list[str]]) -> str:
        about = {"slug": slug, "questions": self._questions.get(slug, ()), "said": said}
        if slug not in self._rest:
            bare = len(self._template.render(**about, rest="").encode())
            self._rest[slug] = "." * max(0, self._sizes.get(slug, 0) - bare)
        return self._template.render(**about, rest=self._rest[slug])


class Listing:
    """The desk's list: its first page by the app's own rows and index, in the bytes of the app's own."""

    def __init__(self, app: Flask, driver: Driver, clinic: str, size: int) -> None:
        self._driver, self._clinic, self._size = driver, clinic, size
        self._template, self._rest = app.jinja_env.from_string(_LIST), ""
        app.get("/queue")(self.first_page)

    def first_page(self) -> str:
        rows = self._driver.run(FIRST_PAGE, self._clinic)
        if not self._rest:
            self._rest = "." * max(1, self._size - len(self._template.render(rows=rows, rest="").encode()))
        return self._template.render(rows=rows, rest=self._rest)


def from_environment() -> Flask:
    """For a server, which calls no function with arguments."""
    app, driver = Flask(__name__, static_folder=None), driver_for(os.environ["BENCH_DATABASE"])
    if pages := os.environ.get("BENCH_PAGES"):
        Ways(app, driver, *json.loads(pages))
    if clinic := os.environ.get("BENCH_CLINIC"):
        Listing(app, driver, clinic, int(os.environ["BENCH_SIZE"]))
    return app
