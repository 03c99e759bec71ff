"""Settings: where they come from, and what the app refuses to start with."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from screener.settings import SettingsError, load_settings, make_keys
from screener.web.app import open_database

KEYS = {
    "SCREENER_SECRET": "a-secret-for-tests-0123456789abcdef",
    "SCREENER_PASSWORD_SALT": "a-salt-for-tests-0123456789abcdefgh",
    "SCREENER_MASTER_KEYS": "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
}


def test_fresh_keys_are_made_once_for_the_owner_alone_and_are_read_back(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    assert make_keys(instance)
    written = (instance / "keys.env").read_text()
    assert stat.S_IMODE((instance / "keys.env").stat().st_mode) == 0o600
    assert not make_keys(instance)
    assert (instance / "keys.env").read_text() == written
    settings = load_settings({}, instance)
    assert f"SCREENER_SECRET={settings.secret}" in written
    assert settings.database_url == f"sqlite:///{instance / 'screener.db'}"


def test_two_installations_get_different_keys(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_keys(tmp_path / name)
    assert (tmp_path / "one" / "keys.env").read_text() != (tmp_path / "two" / "keys.env").read_text()


def test_the_environment_goes_before_the_keys_file(tmp_path: Path) -> None:
    make_keys(tmp_path)
    assert load_settings(KEYS, tmp_path).secret == KEYS["SCREENER_SECRET"]


def test_no_secret_is_printed(tmp_path: Path) -> None:
    shown = repr(load_settings(KEYS, tmp_path))
    assert not [value for value in KEYS.values() if value in shown]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SCREENER_SECRET": ""}, "no keys yet"),
        ({"SCREENER_MASTER_KEYS": ""}, "no keys yet"),
        ({"SCREENER_SECRET": "short"}, "SCREENER_SECRET is weak"),
        ({"SCREENER_SECRET": "a" * 64}, "SCREENER_SECRET is weak"),
        ({"SCREENER_PASSWORD_SALT": "b" * 64}, "SCREENER_PASSWORD_SALT is weak"),
        ({"SCREENER_BASE_URL": "screen.example.org"}, "SCREENER_BASE_URL must be a full address"),
        ({"SCREENER_BASE_URL": "https://"}, "SCREENER_BASE_URL must be a full address"),
        ({"SCREENER_BASE_URL": "https://example.org/screener"}, "SCREENER_BASE_URL must be a full address"),
        ({"SCREENER_TRUSTED_HOSTS": "https://www.example.org"}, "SCREENER_TRUSTED_HOSTS: https://www"),
        ({"SCREENER_PROXIES": "one"}, "SCREENER_PROXIES must be a whole number"),
        ({"SCREENER_PROXIES": "10"}, "SCREENER_PROXIES must be from 0 to 9"),
        ({"SCREENER_STATEMENT_SECONDS": "0"}, "SCREENER_STATEMENT_SECONDS must be from 1 to 3600"),
        ({"SCREENER_PACE": "slow"}, "SCREENER_PACE must be on or off"),
        ({"SCREENER_LOCK_SECONDS": "3601"}, "SCREENER_LOCK_SECONDS must be from 1 to 3600"),
        ({"SCREENER_PASSWORD_MEMORY_KIB": "-1"}, "SCREENER_PASSWORD_MEMORY_KIB must be a whole number"),
        ({"SCREENER_PASSWORD_MEMORY_KIB": "1"}, "SCREENER_PASSWORD_MEMORY_KIB must be from 64 to"),
        (
            {"SCREENER_BASEURL": "https://example.org"},
            "SCREENER_BASEURL is not a setting. .* SCREENER_BASE_URL",
        ),
        ({"SCREENER_PROXY": "1"}, "SCREENER_PROXY is not a setting. .* SCREENER_PROXIES"),
    ],
    ids=str,
)
def test_what_is_missing_or_unsafe_is_refused_by_name(
    tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(KEYS | changed, tmp_path)


def test_what_others_set_for_a_service_of_this_name_stops_nothing(tmp_path: Path) -> None:
    theirs = {"SCREENER_PORT": "tcp://10.0.0.11:8000", "SCREENER_SERVICE_HOST": "10.0.0.11"}
    assert load_settings(KEYS | theirs, tmp_path).base_url == "http://localhost:8000"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SCREENER_MASTER_KEYS": "not-a-key"}, "^SCREENER_MASTER_KEYS: "),
        ({"SCREENER_DATABASE_URL": "mysql://localhost/screener"}, "^SCREENER_DATABASE_URL .* postgresql://"),
        ({"SCREENER_DATABASE_URL": "a-secret-word"}, "^SCREENER_DATABASE_URL .* postgresql://"),
    ],
    ids=str,
)
def test_keys_and_addresses_that_will_not_do_are_refused_by_name(
    tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        open_database(load_settings(KEYS | changed, tmp_path))
    assert not [value for value in changed.values() if value in str(refused.value)]
