"""What sqlmap is given of what visitors sent: each parameter of each door once (sqlmap.py)."""

from __future__ import annotations

from flask import Flask
from probes.site import Heard
from probes.sqlmap import Job, jobs_of, missing_of
from probes.visitors import Pass, Visitor

_FORM = "application/x-www-form-urlencoded"


def _app() -> Flask:
    app = Flask(__name__)
    for rule, endpoint in (
        ("/a/<slug>/find", "a.find"),
        ("/a/<slug>/list", "a.list"),
        ("/people/<int:number>", "a.person"),
    ):
        app.add_url_rule(rule, endpoint, lambda **_: "", methods=["GET", "POST"])
    return app


def _jobs(*heard: Heard) -> list[tuple[str, str, set[str]]]:
    visitor = Visitor("somebody", (), "/", "/", heard, Pass)
    return [(job.heard.method, job.heard.path, set(job.names)) for job in jobs_of(_app(), [visitor])]


def test_each_parameter_of_a_door_is_tried_once() -> None:
    first = Heard("POST", "/a/x/find?show=1", _FORM, b"q=1&csrf_token=2", 303)
    again = Heard("POST", "/a/other/find", _FORM, b"q=2&more=3", 303)
    posts = [job for job in _jobs(first, again) if job[2]]
    assert posts == [("POST", first.path, {"q", "show"}), ("POST", again.path, {"more"})]


def test_a_request_that_was_taken_is_preferred() -> None:
    refused, taken = (
        Heard("POST", f"/a/{name}/find", _FORM, b"q=1", status) for name, status in (("x", 422), ("y", 303))
    )
    assert [path for _, path, names in _jobs(refused, taken) if names] == ["/a/y/find"]


def test_what_an_address_names_is_tried_once_in_its_room() -> None:
    found, listed = Heard("GET", "/a/x/find", "", b"", 200), Heard("GET", "/a/x/list", "", b"", 200)
    assert _jobs(found, listed) == [("GET", "/a/x*/find", set())]
    assert _jobs(Heard("GET", "/people/7", "", b"", 200)) == []


def test_what_ends_something_comes_last() -> None:
    person, found = (
        Heard("POST", "/people/7", _FORM, b"leave=1", 303),
        Heard("GET", "/a/x/list?p=1", "", b"", 422),
    )
    assert [path for _, path, names in _jobs(person, found) if names] == [found.path, person.path]


def test_a_parameter_that_sqlmap_did_not_end_with_is_missing() -> None:
    job = Job(Visitor("", (), "", "", ()), Heard("POST", "/", _FORM, b""), "", frozenset({"q", "more"}))
    told = "POST parameter 'q' does not seem to be injectable\ntesting POST parameter 'more'"
    assert missing_of(job, told) == {"more"}
