"""The examples for operators, read by the programs they are for (`make deploy-check`)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from screener.settings import ROOT

EXAMPLES = ROOT / "docs" / "examples"
UNITS = sorted(EXAMPLES.glob("*.service"))


def run(*command: str | Path) -> str:
    """What the program printed; fails unless it succeeded."""
    done = subprocess.run(
        command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def make_certificate(folder: Path) -> None:
    """A certificate that vouches for itself, and its key, by the names of the examples."""
    pair = ("-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=screen.example.org", *pair)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_no_fault_with_a_unit(unit: Path, tmp_path: Path) -> None:
    own = tmp_path / unit.name
    # The same, with a command that is there.
    own.write_text(unit.read_text().replace("/opt/screener/.venv/bin/screener", sys.executable))
    assert run("systemd-analyze", "verify", own).strip() == ""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """nginx's example in a configuration of its own, with a certificate that is there."""
    make_certificate(tmp_path)
    example = (EXAMPLES / "nginx.conf").read_text()
    for theirs in ("/etc/ssl/screener", "/var/log/nginx"):
        assert theirs in example
        example = example.replace(theirs, str(tmp_path))
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{example}\n}}\n")
    yield whole
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_nginx_takes_its_example(site: Path) -> None:
    assert "[warn]" not in run("nginx", "-t", "-e", "stderr", "-c", site)


def test_haproxy_takes_its_example(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    both = (tmp_path / "privkey.pem").read_text() + (tmp_path / "fullchain.pem").read_text()
    (tmp_path / "screener.pem").write_text(both)
    example = (EXAMPLES / "haproxy.cfg").read_text()
    assert "/etc/ssl/screener" in example
    own = tmp_path / "haproxy.cfg"
    # With the server on another machine.
    whole = example.replace("# server four", "server four").replace("/etc/ssl/screener", str(tmp_path))
    own.write_text(whole)
    assert run("haproxy", "-c", "-f", own).strip() == "Configuration file is valid"


def test_nginx_takes_its_example_behind_a_balancer(site: Path) -> None:
    lines = "    set_real_ip_from 10.0.0.5;\n    real_ip_header X-Forwarded-For;\n"
    assert all(line in (EXAMPLES.parent / "scaling.md").read_text() for line in lines.splitlines())
    site.write_text(site.read_text().replace("    client_max_body_size", f"{lines}    client_max_body_size"))
    assert "[warn]" not in run("nginx", "-t", "-e", "stderr", "-c", site)


def test_caddy_takes_its_example() -> None:
    assert "Valid configuration" in run(
        "caddy", "validate", "--adapter", "caddyfile", "--config", EXAMPLES / "Caddyfile"
    )
