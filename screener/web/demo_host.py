"""A made-up clinic's own website, on an origin of its own: shows the widget where it will live."""

from __future__ import annotations

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from screener.settings import ROOT
from screener.store.clinics import find_clinic
from screener.store.database import Database
from screener.store.origins import set_origins
from screener.store.tenancy import enter_clinic

# Not `localhost`: to a browser this is another site than ours.
HOST: Final = "127.0.0.1"
_FOLDER: Final = ROOT / "templates" / "demo_host"
_KINDS: Final = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8"}
# Path -> template, and what its link is called.
PAGES: Final[Mapping[str, tuple[str, str]]] = {
    "/": ("home.html", "Home"),
    "/headache": ("inside.html", "Headache check"),
    "/card": ("card.html", "As a card"),
    "/two": ("two.html", "Two on a page"),
    "/site.css": ("site.css", ""),
}


def list_site(database: Database, slug: str, origin: str) -> None:
    """Puts the site on the clinic's list, in place of one at a port of an earlier start."""
    with database.new_session() as session:
        clinic = find_clinic(session, slug)
        if clinic is not None:
            enter_clinic(session, clinic.id)
            others = [each for each in clinic.origins if not each.startswith(f"http://{HOST}:")]
            set_origins(session, [*others, origin])
            session.commit()


def make_site(port: int, home: str, slug: str) -> ThreadingHTTPServer:
    """The site's server; its pages hold the snippet for that clinic of the installation at `home`."""
    env = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
    menu = {path: words for path, (_, words) in PAGES.items() if words}
    bodies = {
        path: env.get_template(name).render(home=home, slug=slug, menu=menu, path=path).encode()
        for path, (name, _) in PAGES.items()
    }

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?", 1)[0]
            body = bodies.get(path)
            self.send_response(404 if body is None else 200)
            name, _ = PAGES.get(path, ("none.html", ""))
            self.send_header("Content-Type", _KINDS[name[name.rindex(".") :]])
            self.end_headers()
            self.wfile.write(body or b"<!doctype html><title>No such page</title><p>There is no such page.")

        def log_message(self, *_about: object) -> None:
            """Says nothing."""

    return ThreadingHTTPServer((HOST, port), Site)
