"""Somebody at a browser, whichever engine it has: what they see, press, type and are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from builders import as_form
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Remote
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

_Seen = TypeVar("_Seen")
_FIELDS = """return [...new Set([...document.querySelectorAll('main form [name]')]
  .filter(el => el.type !== 'hidden' && el.tagName !== 'BUTTON').map(el => el.name))]"""
_SCROLL = "scrollBy(0, arguments[0].getBoundingClientRect().y + arguments[1] - innerHeight / 2)"
_KEPT = """const count = name => { try { return window[name].length } catch { return 0 } };
return [count('localStorage'), count('sessionStorage')]"""


class Person:
    """At a page of ours, or (after `enter`) at one in a frame of a clinic's page."""

    def __init__(self, driver: Remote) -> None:
        self.driver = driver
        self._frame: WebElement | None = None

    # ------------------------------------------------------------ seeing

    def run(self, script: str, *given: Any) -> Any:
        return self.driver.execute_script(script, *given)

    def wait(self, until: Callable[[], _Seen], seconds: float = 10) -> _Seen:
        """Until it gives something; what fails while pages change is tried again."""
        waiting = WebDriverWait(self.driver, seconds, 0.05, [WebDriverException])
        return waiting.until(lambda _: until())

    def see(self, css: str) -> WebElement:
        """The first of these on the page, once it is shown."""
        return self._shown(By.CSS_SELECTOR, css)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def named(self, words: str) -> WebElement:
        """The button or link with these words."""
        pressed = "self::a or self::button[not(@class='visually-hidden')]"
        path = f"//*[{pressed}][normalize-space()='{words}']"
        return self._shown(By.XPATH, path)

    def _shown(self, by: str, what: str) -> WebElement:
        return self.wait(
            lambda: next(filter(WebElement.is_displayed, self.driver.find_elements(by, what)), None)
        )

    @property
    def heading(self) -> str:
        return self.see("h1").text

    @property
    def path(self) -> str:
        """Of the page, also in a frame."""
        return urlsplit(self.run("return location.href")).path

    def has_focus(self, css: str) -> bool:
        return bool(self.run("return document.activeElement.matches(arguments[0])", css))

    def kept(self) -> list[object]:
        """The cookies and stored things that this page has, which must be none."""
        return [*self.driver.get_cookies(), *(count for count in self.run(_KEPT) if count)]

    # ------------------------------------------------------------ going

    def open(self, url: str) -> None:
        self.leave()
        self.driver.get(url)

    def enter(self, number: int = 0, within: str = "[data-ms-clinic]") -> None:
        """Goes on inside that frame once it shows itself; the page's own are counted from nought."""
        self.wait(lambda: self.run(f"return {_is_open(within, number)}"))
        self._frame = self.all(f"{within} iframe")[number]
        self.driver.switch_to.frame(self._frame)
        self.see("h1")

    def leave(self) -> None:
        self._frame = None
        self.driver.switch_to.default_content()

    def go(self, how: Callable[[], object]) -> None:
        """Does what leads to another page, and waits for it: nothing else waits alike in all engines."""
        # A page that Back brings from memory is as it was left.
        self.run("window.stillHere = true; addEventListener('pagehide', () => { window.stillHere = false })")
        how()
        self.wait(lambda: self.run("return !window.stillHere && document.readyState === 'complete'"))

    def press(self, words: str) -> None:
        self.go(lambda: self.click(self.named(words)))

    def click(self, control: WebElement) -> None:
        """In a frame scrolls the page around it first, as people do: WebKit's driver does not."""
        if self._frame:
            top = control.rect["y"]
            self.around(_SCROLL, top)
        control.click()

    def around(self, script: str, *given: Any) -> Any:
        """Runs it in the page around, on the frame they are in."""
        assert self._frame
        self.driver.switch_to.parent_frame()
        found = self.run(script, self._frame, *given)
        self.driver.switch_to.frame(self._frame)
        return found

    def turn(self, where: Callable[[], object]) -> None:
        """Back or forward, to a page opened anew: what the browser remembers of it shows for a moment."""
        self.go(where)
        self.wait(lambda: self.run("return performance.navigation.type !== 0"))
        self.wait(lambda: self.run("return document.readyState === 'complete'"))

    def type(self, *keys: str) -> None:
        """To whatever has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def fill(self, answers: Mapping[str, object]) -> None:
        """Answers each question shown on this page."""
        for name in self.run(_FIELDS):
            for value in as_form(answers[name]) if name in answers else ():
                self._answer(name, value)

    def _answer(self, name: str, value: str) -> None:
        control = self.all(f'[name="{name}"]')[0]
        if control.get_property("type") in {"radio", "checkbox"}:
            self.click(self.all(f'[name="{name}"][value="{value}"] + label')[0])
        elif control.tag_name.lower() == "select":
            control.send_keys(value)
        else:
            control.clear()
            control.send_keys(value)


def _is_open(within: str, number: int) -> str:
    frame = f"document.querySelectorAll('{within} iframe')[{number}]"
    return f"{frame} && getComputedStyle({frame}).opacity === '1'"
