"""A clinic's color, made into pairs that can be read in every brightness, or refused with its measure."""

from __future__ import annotations

import colorsys
import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from math import floor
from typing import Final, NamedTuple

from screener.settings import ROOT

LEAST_TEXT, LEAST_ACCENT = 7.0, 4.5
THEMES: Final = ("light", "dim", "dark")
STYLESHEET: Final = "screener.css"
# What stands on a button, whichever can be read better on it.
_INKS: Final = ("#f7f5ef", "#16140f")
# What links and buttons lie on.
_GROUNDS: Final = ("paper", "card", "warn", "good")
_COLOR: Final = re.compile(r"#?([0-9a-f]{6})", re.IGNORECASE)
_LIGHTNESSES: Final = 400
_HASH_LENGTH: Final = 12
# Anybody may ask for the stylesheet in any color.
_KEPT: Final = 64


class AccentError(ValueError):
    """No such color, or one that cannot be read; in words for people."""


class Pair(NamedTuple):
    """The color of links and buttons, what is written on the buttons, and how well both are read."""

    accent: str
    on_accent: str
    accent_ratio: float
    text_ratio: float

    @property
    def passes(self) -> bool:
        return self.accent_ratio >= LEAST_ACCENT and self.text_ratio >= LEAST_TEXT


class Stylesheet(NamedTuple):
    """As it is and packed."""

    plain: bytes
    packed: bytes
    hash: str


def read_color(text: str) -> str:
    """As #rrggbb. Raises AccentError."""
    found = _COLOR.fullmatch(text.strip())
    if not found:
        raise AccentError("Enter a color as # and six digits or letters a to f, like #22577a.")
    return f"#{found[1].lower()}"


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's ratio, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=1024)
def _luminance(color: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - WCAG's own
        for part in _parts(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(color: str) -> tuple[float, ...]:
    return tuple(part / 255 for part in bytes.fromhex(color[1:]))


def measure(color: str, grounds: Iterable[str]) -> Pair:
    """On the ground where it is read worst."""
    on_accent = max(_INKS, key=lambda ink: contrast(ink, color))
    worst = min(contrast(color, ground) for ground in grounds)
    return Pair(color, on_accent, worst, contrast(on_accent, color))


def nearest(color: str, grounds: Iterable[str]) -> Pair:
    """The shade of the same hue that passes and differs least in lightness; some shade of any hue does."""
    hue, own, saturation = colorsys.rgb_to_hls(*_parts(color))
    listed = tuple(grounds)
    lightnesses = sorted(
        (step / _LIGHTNESSES for step in range(_LIGHTNESSES + 1)), key=lambda n: abs(n - own)
    )
    shades = (_as_hex(colorsys.hls_to_rgb(hue, each, saturation)) for each in lightnesses)
    return next(pair for shade in (color, *shades) if (pair := measure(shade, listed)).passes)


def _as_hex(parts: tuple[float, float, float]) -> str:
    return "#" + bytes(round(part * 255) for part in parts).hex()


@lru_cache(maxsize=_KEPT)
def derive(color: str) -> Mapping[str, Pair]:
    """Theme -> pair. Raises AccentError where the color itself, in the light theme, cannot be read."""
    grounds = _grounds()
    own = measure(color, grounds["light"])
    if not own.passes:
        raise AccentError(_refusal(own, nearest(color, grounds["light"])))
    return {theme: nearest(color, grounds[theme]) for theme in THEMES}


def _refusal(own: Pair, better: Pair) -> str:
    found = []
    if own.text_ratio < LEAST_TEXT:
        found.append(f"words on buttons would have {_told(own.text_ratio)} and need {_told(LEAST_TEXT)}")
    if own.accent_ratio < LEAST_ACCENT:
        found.append(f"links would have {_told(own.accent_ratio)} and need {_told(LEAST_ACCENT)}")
    why = "; ".join(found)
    return f"{own.accent} is too hard to read: {why}. The nearest shade that passes is {better.accent}."


def _told(ratio: float) -> str:
    """Rounded down: what fails by a hair must not be told as if it passed."""
    return f"{floor(ratio * 100) / 100:.2f}:1"


@cache
def _stylesheet() -> str:
    return (ROOT / "static" / STYLESHEET).read_text()


@cache
def _grounds() -> Mapping[str, tuple[str, ...]]:
    """Theme -> what the stylesheet paints behind links and buttons."""
    found = {}
    for theme in THEMES:
        block = re.search(rf'\[data-theme="{theme}"\] {{(.*?)}}', _stylesheet(), re.DOTALL)
        painted = dict(re.findall(r"--(\w+): (#\w{6});", block[1] if block else ""))
        found[theme] = tuple(painted[ground] for ground in _GROUNDS)
    return found


@lru_cache(maxsize=_KEPT)
def stylesheet_of(color: str) -> Stylesheet:
    """The whole stylesheet in this color: one request, as without it. Raises AccentError."""
    pairs = {
        theme: f"--accent: {p.accent}; --on-accent: {p.on_accent};" for theme, p in derive(color).items()
    }
    css = f"""{_stylesheet()}
/* The clinic's own color. */
:root, [data-theme="light"] {{ {pairs["light"]} }}
[data-theme="dark"] {{ {pairs["dark"]} }}
@media (prefers-color-scheme: dark) {{ :root:not([data-theme]) {{ {pairs["dark"]} }} }}
[data-theme="dim"] {{ {pairs["dim"]} }}
"""
    sheet = css.encode()
    return Stylesheet(sheet, gzip.compress(sheet, mtime=0), hashlib.sha256(sheet).hexdigest()[:_HASH_LENGTH])
