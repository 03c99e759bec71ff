"""A clinic's logo: whatever was uploaded is drawn anew, small, as a plain PNG, or refused in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Final

from PIL import Image, ImageFile, ImageOps, ImageStat

from screener.store.clinic_changes import Logo

MOST_BYTES: Final = 1024 * 1024
# In CSS pixels; drawn at twice that, for dense screens.
WIDEST, HIGHEST, DENSITY = 320, 96, 2
# A picture of that many points takes 32 MB while it is drawn anew.
MOST_POINTS: Final = 8_000_000
# With the page, the script and the packed stylesheet it makes a first page of 20 KB at most.
MOST_DRAWN_BYTES: Final = 9_000
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_SVG: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:\?xml|!--|!doctype|svg)", re.IGNORECASE)
# How much of the full size, in how many colors: the first that is small enough is taken.
_TRIES: Final = ((1.0, 128), (1.0, 32), (0.75, 64), (0.75, 16), (0.5, 64), (0.5, 16), (0.25, 32), (0.25, 8))
_LIGHT: Final = 128
_WHITE, _BLACK = (255, 255, 255), (29, 28, 26)
_OPAQUE: Final = 128


class LogoError(ValueError):
    """Why this file is no logo, in words for people."""


def draw_logo(data: bytes) -> Logo:
    """Raises LogoError."""
    if len(data) > MOST_BYTES:
        raise LogoError("The logo may have 1 MB at most. Save it smaller.")
    if _SVG.match(data[:512]):
        raise LogoError("An SVG can hold scripts, so none is taken. Save the logo as PNG.")
    drawing = _on_ground(_open(data))
    return next(_small_enough(drawing))


def _open(data: bytes) -> Image.Image:
    # WeasyPrint lets half a file pass for a picture, in the whole process, from when it was first used.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        found = Image.open(BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise LogoError(_too_large()) from None
    except Exception:  # noqa: BLE001 - whatever a decoder stumbles over, it is no picture for us
        raise LogoError("This is no PNG, JPEG or WebP picture. Save the logo as PNG.") from None
    # Before anything is decoded.
    if found.width * found.height > MOST_POINTS:
        raise LogoError(_too_large())
    try:
        found.draft("RGB", (WIDEST * DENSITY, HIGHEST * DENSITY))
        upright = ImageOps.exif_transpose(found)
        return upright.convert("RGBA")
    except Exception:  # noqa: BLE001 - as above; a file that was cut off ends here
        raise LogoError("This picture is damaged. Save the logo as PNG again.") from None


def _too_large() -> str:
    most = MOST_POINTS // 1_000_000
    return f"The logo may have {most} million points at most, like 4000 by 2000. Save it smaller."


def _on_ground(picture: Image.Image) -> Image.Image:
    """Not transparent: a light drawing gets a dark ground, any other a white one, which pages blend in."""
    picture.thumbnail((WIDEST * DENSITY, HIGHEST * DENSITY), Image.Resampling.LANCZOS)
    alpha = picture.getchannel("A")
    seen = alpha.point(lambda value: 255 if value >= _OPAQUE else 0)
    if not seen.getbbox():
        raise LogoError("Nothing can be seen in this picture.")
    is_clear = alpha.histogram()[0] > 0
    is_light = ImageStat.Stat(picture.convert("L"), mask=seen).mean[0] > _LIGHT
    ground = Image.new("RGB", picture.size, _BLACK if is_clear and is_light else _WHITE)
    ground.paste(picture, mask=alpha)
    return ground


def _small_enough(drawing: Image.Image) -> Iterator[Logo]:
    for share, colors in _TRIES:
        size = (max(1, round(drawing.width * share)), max(1, round(drawing.height * share)))
        # A new picture: nothing of the file it came from, such as comments or places, is in it.
        plain = drawing.resize(size, Image.Resampling.LANCZOS).quantize(
            colors, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
        written = BytesIO()
        plain.save(written, "PNG", optimize=True)
        if written.tell() <= MOST_DRAWN_BYTES:
            width, height = (max(1, round(side / DENSITY)) for side in drawing.size)
            yield Logo(written.getvalue(), width, height)
    raise LogoError("This picture is too detailed for a logo. Use a simpler one, with few colors.")
