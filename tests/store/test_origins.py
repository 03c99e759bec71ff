"""The sites a clinic lists: read as a browser names them, refused in words, changed on the record."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from store.builders import make_clinic

from screener.store.audit import verify_chain
from screener.store.origins import MOST_ORIGINS, read_origin, read_origins, set_origins, with_wix_frames
from screener.store.tables import AuditEntry, Clinic
from screener.store.tenancy import enter_clinic


@pytest.mark.sqlite_only(reason="touches no database")
@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://www.acme.example", "https://www.acme.example"),
        ("  HTTPS://WWW.Acme.Example/ ", "https://www.acme.example"),
        ("https://acme.example:443", "https://acme.example"),
        ("https://acme.example:8443", "https://acme.example:8443"),
        ("https://acme.example.", "https://acme.example"),
        ("https://kopfschmerz-köln.example", "https://xn--kopfschmerz-kln-ltb.example"),
        ("http://localhost:8001", "http://localhost:8001"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("http://clinic.localhost:80", "http://clinic.localhost"),
    ],
)
def test_an_origin_is_read_as_browsers_name_it(typed: str, origin: str) -> None:
    assert read_origin(typed) == origin


@pytest.mark.sqlite_only(reason="touches no database")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("www.acme.example/headache", "Begin with https://, like https://www.acme.example"),
        ("https://acme.example/headache", "follows the site's name: https://acme.example"),
        ("https://acme.example?x", "follows the site's name: https://acme.example"),
        ("http://acme.example", "Use https, so that nobody reads along: https://acme.example"),
        ("http://localhost.acme.example", "Use https"),
        ("https://*.acme.example", "a * is not possible"),
        ("https://ann:secret@acme.example", "before the @: https://acme.example"),
        ("https://acme", "Enter a site like"),
        ("https://", "Enter a site like"),
        ("https://acme.example:port", "Enter a site like"),
        ("https://acme.example; script-src x", "Enter a site like"),
        ("https://acme.example\nx", "Enter a site like"),
        ("https://ac_me.example", "Enter a site like"),
        ("javascript://acme.example", "Enter a site like"),
        ("https://[::1", "Enter a site like"),
        (f"https://{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.example", "at most"),
    ],
)
def test_what_is_no_origin_is_refused_in_words_that_help(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        read_origin(typed)
    assert said in str(refused.value)


@pytest.mark.sqlite_only(reason="touches no database")
def test_a_list_is_read_a_line_at_a_time_and_names_the_wrong_line() -> None:
    origins, problems = read_origins("https://a.example\n\n acme\r\nhttps://b.example\nhttps://A.example/")
    assert origins == ["https://a.example", "https://b.example"]
    assert problems == ["Line 3: Begin with https://, like https://acme"]
    _, problems = read_origins("\n".join(f"https://a{n}.example" for n in range(MOST_ORIGINS + 1)))
    assert problems == [f"At most {MOST_ORIGINS} sites can be listed."]


@pytest.mark.sqlite_only(reason="touches no database")
def test_wix_adds_the_host_of_its_own_frames_once() -> None:
    both = ["https://www.acme.example", "https://www-acme-example.filesusr.com"]
    assert with_wix_frames(both[:1]) == both
    assert with_wix_frames(both) == both
    assert with_wix_frames(["http://localhost:8001"]) == ["http://localhost:8001"]


def test_a_change_of_the_list_stands_in_the_trail_and_saving_it_unchanged_does_not(
    session: Session, clinic: Clinic
) -> None:
    other = make_clinic(session, "beside", origins=["https://beside.example"])
    enter_clinic(session, clinic.id)
    assert set_origins(session, ["https://a.example", "http://localhost:8001"], staff_id=7)
    assert set_origins(session, ["http://localhost:8001"], staff_id=7)
    assert not set_origins(session, ["http://localhost:8001"], staff_id=7)
    session.commit()
    assert (clinic.origins, other.origins) == (["http://localhost:8001"], ["https://beside.example"])
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
    told = [(entry.what, entry.staff_id, entry.subject, entry.details) for entry in entries]
    assert told == [
        ("sites_changed", 7, clinic.slug, {"added": ["a.example", "http localhost 8001"]}),
        ("sites_changed", 7, clinic.slug, {"removed": ["a.example"]}),
    ]
    assert verify_chain(session).broken is None
