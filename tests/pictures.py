"""The pictures of the README: a demo of its own is served, walked through and photographed.

`make pictures` writes docs/pictures/*.png. Look at each before it is committed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from time import sleep
from typing import Final

import click
from browser.conftest import CHROMIUM
from browser.walking import fill, follow, go_on, slug_of
from builders import CHRONIC_AND_INTRACTABLE
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from screener.settings import ROOT
from screener.web.ports import free_port

PICTURES: Final = ROOT / "docs" / "pictures"
LARGEST: Final = 150_000
_COMMAND: Final = (sys.executable, "-c", "from screener.web.cli import main; main()")
_PHONE: Final = (390, 844)
_DESKTOP: Final = (1280, 900)
_LONG: Final = 1500
_COLORS: Final = 128
_SECONDS: Final = 60


@contextmanager
def _demo() -> Iterator[tuple[str, str]]:
    """A demo in a folder that goes: its address, and what `screener serve --demo` prints."""
    with tempfile.TemporaryDirectory() as folder:
        others = {name: value for name, value in os.environ.items() if not name.startswith("SCREENER_")}
        environment = {**others, "SCREENER_INSTANCE": folder}
        address, said = f"http://localhost:{(port := free_port())}", Path(folder) / "said"
        for command in ("setup", "demo"):
            subprocess.run([*_COMMAND, command], cwd=ROOT, env=environment, check=True)
        with said.open("w") as out:
            server = subprocess.Popen(
                [*_COMMAND, "serve", "--demo", "--port", str(port)],
                cwd=ROOT,
                env=environment,
                stdout=out,
                stderr=subprocess.DEVNULL,
            )
        try:
            _wait_for(f"{address}/readyz")
            yield address, said.read_text()
        finally:
            server.terminate()
            server.wait(_SECONDS)


def _wait_for(address: str) -> None:
    for _ in range(_SECONDS):
        try:
            urllib.request.urlopen(address, timeout=_SECONDS)
        except OSError:
            sleep(1)
        else:
            return
    raise TimeoutError(address)


def _open(browser: Browser, size: tuple[int, int]) -> Page:
    return browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme="light")


def _keep(page: Page, name: str) -> None:
    """What is in view, in few colors."""
    file, seen = PICTURES / f"{name}.png", Image.open(BytesIO(page.screenshot())).convert("RGB")
    seen.quantize(_COLORS, dither=Image.Dither.NONE).save(file, optimize=True)
    click.echo(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")
    assert file.stat().st_size < LARGEST, "too large for a README"


def _patient(browser: Browser, address: str) -> None:
    page = _open(browser, _PHONE)
    page.goto(f"{address}/c/demo")
    go_on(page, "Start")
    while slug_of(page) not in {"check", "result"}:
        fill(page, CHRONIC_AND_INTRACTABLE)
        if slug_of(page) == "attack-length":
            page.evaluate("scrollTo(0, 0)")
            _keep(page, "question")
        go_on(page)
    follow(page, "See my result")
    _keep(page, "result")


def _desk(browser: Browser, address: str, said: str) -> None:
    page = _open(browser, _DESKTOP)
    page.goto(f"{address}/desk/")
    who = "clinician@demo.example"
    page.get_by_label("E-mail").fill(who)
    page.get_by_label("Password").fill(re.findall(rf"{who}.*password: (.+)", said)[0])
    go_on(page, "Sign in")
    codes = _open(browser, _DESKTOP)
    codes.goto(f"{address}/demo/code")
    code = re.findall(rf"{who}\D*(\d{{3}} ?\d{{3}})", codes.inner_text("main"))[0]
    page.get_by_label("Six digits").fill(code.replace(" ", ""))
    go_on(page, "Continue")
    page.goto(f"{address}/desk/demo/queue")
    _keep(page, "queue")
    page.locator("tr", has_text="Chronic and intractable").first.get_by_role("link").first.click()
    follow(page, "Clinician's history page")
    page.set_viewport_size({"width": _DESKTOP[0], "height": _LONG})
    _keep(page, "history")


def _widget(browser: Browser, said: str) -> None:
    page = _open(browser, _DESKTOP)
    page.goto(re.findall(r"http://127\.0\.0\.1:\d+/", said)[0] + "headache")
    page.frame_locator("iframe").get_by_role("button", name="Start", exact=True).wait_for()
    # The link stands there until the frame is shown.
    page.get_by_role("link", name="Start the headache questionnaire").wait_for(state="hidden")
    _keep(page, "widget")


def take() -> None:
    PICTURES.mkdir(exist_ok=True)
    with _demo() as (address, said), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        _patient(browser, address)
        _desk(browser, address, said)
        _widget(browser, said)
        browser.close()


if __name__ == "__main__":
    take()
