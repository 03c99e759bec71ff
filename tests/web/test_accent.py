"""A clinic's color: pairs that can be read in every brightness, or a refusal that helps."""

from __future__ import annotations

import pytest

from screener.web.accent import (
    LEAST_ACCENT,
    LEAST_TEXT,
    THEMES,
    AccentError,
    Pair,
    contrast,
    derive,
    measure,
    nearest,
    read_color,
    stylesheet_of,
)


def test_contrast_is_wcags() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert contrast("#22577a", "#22577a") == 1


@pytest.mark.parametrize(
    ("accent", "text", "passes"),
    [(4.5, 7.0, True), (4.49, 7.0, False), (4.5, 6.99, False), (4.4999999, 9, False), (9, 6.9999999, False)],
)
def test_the_gates_are_closed_just_below(accent: float, text: float, passes: bool) -> None:
    assert Pair("#22577a", "#f7f5ef", accent, text).passes is passes


def greys() -> list[str]:
    return [f"#{bytes([shade] * 3).hex()}" for shade in range(256)]


def test_of_neighboring_greys_the_one_below_a_gate_is_refused_and_the_one_above_taken() -> None:
    taken = [grey for grey in greys() if can_be(grey)]
    assert taken
    darkest_refused = next(grey for grey in greys() if grey not in taken)
    assert taken == greys()[: len(taken)], "all that are darker"
    last, first = (measure(grey, ["#f4f1ea"]) for grey in (taken[-1], darkest_refused))
    assert first.text_ratio < LEAST_TEXT <= last.text_ratio
    assert first.text_ratio > 6.9, "the next one only just fails"


def can_be(color: str) -> bool:
    try:
        derive(color)
    except AccentError:
        return False
    return True


@pytest.mark.parametrize("color", ["#22577a", "#000000", "#8b0000", "#005887", "#624688", "#1b4332"])
def test_each_theme_has_a_pair_that_is_read_on_every_ground(color: str) -> None:
    pairs = derive(color)
    assert set(pairs) == set(THEMES)
    assert pairs["light"].accent == color, "as the clinic chose it"
    for pair in pairs.values():
        assert pair.accent_ratio >= LEAST_ACCENT
        assert contrast(pair.accent, pair.on_accent) >= LEAST_TEXT
    assert contrast(pairs["dark"].accent, "#1d1c1a") > contrast(color, "#1d1c1a")


@pytest.mark.parametrize(
    ("color", "said"),
    [
        (
            "#0077b6",
            "words on buttons would have 4.46:1 and need 7.00:1; links would have 3.93:1 and need 4.50:1",
        ),
        ("#ffd400", "links would have 1.15:1 and need 4.50:1"),
        ("#6a4c93", "words on buttons would have 6.27:1 and need 7.00:1."),
    ],
)
def test_a_refusal_tells_the_measure_and_a_shade_that_passes(color: str, said: str) -> None:
    with pytest.raises(AccentError, match="too hard to read") as refused:
        derive(color)
    words = str(refused.value)
    assert said in words
    suggested = words.rsplit(" ", 1)[1].removesuffix(".")
    assert can_be(suggested)


def test_what_fails_by_a_hair_is_not_told_as_if_it_passed() -> None:
    hairs = [grey for grey in greys() if 6.9 < measure(grey, ["#ffffff"]).text_ratio < 7]
    for grey in hairs:
        with pytest.raises(AccentError) as refused:
            derive(grey)
        assert "would have 7.00:1" not in str(refused.value)


def test_the_nearest_shade_keeps_the_hue() -> None:
    red, green, blue = bytes.fromhex(nearest("#e63946", ["#f4f1ea"]).accent[1:])
    assert red > 2 * green
    assert red > 2 * blue


@pytest.mark.parametrize("typed", ["22577A", " #22577a ", "#22577a"])
def test_a_color_may_be_typed_in_any_usual_way(typed: str) -> None:
    assert read_color(typed) == "#22577a"


@pytest.mark.parametrize("typed", ["", "blue", "#123", "#22577a; }", "#22577g", "rgb(1,2,3)", "#22577a7a"])
def test_what_is_no_color_is_refused(typed: str) -> None:
    with pytest.raises(AccentError, match="like #22577a"):
        read_color(typed)


def test_the_stylesheet_holds_the_pair_of_each_theme_and_its_hash_changes_with_them() -> None:
    one, other = stylesheet_of("#8b0000"), stylesheet_of("#1b4332")
    assert one.hash != other.hash
    css = one.plain.decode()
    for pair in derive("#8b0000").values():
        assert f"--accent: {pair.accent}; --on-accent: {pair.on_accent};" in css
    assert len(one.packed) < len(one.plain)
