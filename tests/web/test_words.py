"""How much there is to read before the result: at most 18 screens and 750 words.

Counted as a reader meets them: all that stands in `main` of each page, but not what is folded away. What is
the same on every page counts once: the header, the footer with the disclaimer, Back, progress and the button.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from builders import CHRONIC_AND_INTRACTABLE
from web.client import Browser, Page
from web.walking import AnswersById, begin

MOST_SCREENS, MOST_WORDS = 18, 750
_BUTTONS = "Back Part 2 of 4: Your headaches Continue Start Save and finish later See my result"
_SAME_EVERYWHERE = {"visually-hidden", "back", "progress", "button", "later"}


def read_texts(element: Element) -> Iterator[str]:
    """Texts in reading order; of a fold only its summary, and no words for screen readers alone."""
    if element.tag == "details":
        element = next(child for child in element if child.tag == "summary")
    if set(element.get("class", "").split()) & _SAME_EVERYWHERE:
        return
    yield element.text or ""
    for child in element:
        yield from read_texts(child)
        yield child.tail or ""


def count_words(page: Page, *tags: str) -> int:
    return sum(len(text.split()) for found in page.all(*tags) for text in read_texts(found))


def screens_before_the_result(browser: Browser, answers: AnswersById) -> Iterator[Page]:
    yield browser.get("/c/acme")
    walk = begin(browser)
    for slug in walk.to_check(answers):
        yield walk.get(slug)
    yield walk.get("check")


def count_all(browser: Browser, answers: AnswersById) -> dict[str, int]:
    screens = list(screens_before_the_result(browser, answers))
    counted = {page.path.rsplit("/", 1)[1]: count_words(page, "main") for page in screens}
    return counted | {"frame": count_words(screens[1], "header", "footer") + len(_BUTTONS.split())}


def test_the_usual_way_to_the_result_is_short(browser: Browser) -> None:
    counted = count_all(browser, CHRONIC_AND_INTRACTABLE)
    assert len(counted) <= MOST_SCREENS
    assert sum(counted.values()) <= MOST_WORDS, f"{sum(counted.values())}: {counted}"
