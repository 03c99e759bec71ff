"""A logo is drawn anew: small, plain, with nothing left of its file; hostile files are refused in words."""

from __future__ import annotations

import random
import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageFile, PngImagePlugin

from screener.web.logo import DENSITY, HIGHEST, MOST_BYTES, MOST_DRAWN_BYTES, WIDEST, LogoError, draw_logo

SECRET = b"<script>alert('canary')</script>"


def drawing(
    mode: str = "RGBA", size: tuple[int, int] = (1400, 300), *, ink: object = (120, 40, 60)
) -> Image.Image:
    found = Image.new(mode, size)
    ImageDraw.Draw(found).ellipse((10, 10, size[1], size[1] - 10), fill=ink)
    return found


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def opened(png: bytes) -> Image.Image:
    found = Image.open(BytesIO(png))
    found.load()
    return found


@pytest.mark.parametrize(
    ("mode", "kind", "ink"),
    [
        ("RGBA", "PNG", (120, 40, 60, 255)),
        ("P", "PNG", 3),
        ("L", "PNG", 90),
        ("I;16", "PNG", 30000),
        ("RGB", "JPEG", (120, 40, 60)),
        ("CMYK", "JPEG", (10, 90, 60, 30)),
        ("RGBA", "WEBP", (120, 40, 60, 255)),
    ],
)
def test_every_usual_picture_becomes_a_small_png(mode: str, kind: str, ink: object) -> None:
    logo = draw_logo(saved(drawing(mode, ink=ink), kind))
    found = opened(logo.png)
    assert found.format == "PNG"
    assert found.width <= WIDEST * DENSITY
    assert found.height <= HIGHEST * DENSITY
    assert (logo.width, logo.height) == (320, 68)
    assert len(logo.png) <= MOST_DRAWN_BYTES


def test_a_simple_logo_keeps_the_points_for_dense_screens() -> None:
    assert opened(draw_logo(saved(drawing())).png).width == WIDEST * DENSITY


def test_a_small_picture_is_not_blown_up() -> None:
    logo = draw_logo(saved(drawing(size=(100, 40))))
    assert (logo.width, logo.height) == (50, 20)


def test_nothing_of_the_file_is_left() -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", SECRET.decode())
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    picture = drawing("RGB")
    files = {
        "text": saved(picture, pnginfo=told),
        "exif": saved(picture, "JPEG", exif=exif),
        "behind the end": saved(picture) + SECRET,
        "in a comment": saved(picture, "JPEG", comment=SECRET),
        "a zip behind it": saved(picture) + b"PK\x03\x04" + SECRET,
    }
    for where, data in files.items():
        png = draw_logo(data).png
        assert SECRET not in png, where
        assert opened(png).info.keys() <= {"transparency"}, where


def test_a_photograph_is_turned_as_its_camera_was() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert draw_logo(saved(drawing("RGB"), "JPEG", exif=exif)).height == HIGHEST


@pytest.mark.parametrize(("ink", "ground"), [((20, 20, 20, 255), 255), ((250, 250, 250, 255), 29)])
def test_a_clear_logo_gets_a_ground_it_is_seen_on(ink: object, ground: int) -> None:
    found = opened(draw_logo(saved(drawing(ink=ink))).png).convert("RGB")
    corner = found.getpixel((found.width - 1, 0))
    assert isinstance(corner, tuple)
    assert abs(corner[0] - ground) < 4


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it is huge."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 9999)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height"), [(4000, 2001), (10_000, 9_000), (60_000, 60_000), (2**31 - 1, 1)]
)
def test_a_bomb_is_refused_before_it_is_opened(width: int, height: int) -> None:
    with pytest.raises(LogoError, match="8 million points"):
        draw_logo(bomb(width, height))


@pytest.mark.parametrize(
    "svg",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xef\xbb\xbf  <?xml version='1.0'?><svg/>",
        b"<!-- a --><SVG/>",
        b"\n<!DOCTYPE svg>",
    ],
)
def test_an_svg_is_refused_in_words(svg: bytes) -> None:
    with pytest.raises(LogoError, match="SVG can hold scripts"):
        draw_logo(svg)


def test_other_files_are_refused_whatever_they_are_called() -> None:
    for data in (
        saved(drawing("P", (60, 40), ink=2), "GIF"),
        saved(drawing("RGB", (60, 40)), "TIFF"),
        saved(drawing("RGB", (60, 40)), "BMP"),
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF",
        b"MZ",
        b"\0",
        SECRET,
    ):
        with pytest.raises(LogoError, match="no PNG, JPEG or WebP"):
            draw_logo(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_that_was_cut_off_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As WeasyPrint leaves it.
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = saved(drawing("RGB"), kind)
    with pytest.raises(LogoError):
        draw_logo(data[: len(data) // 2])


def test_too_large_a_file_is_refused_unseen() -> None:
    with pytest.raises(LogoError, match="1 MB"):
        draw_logo(saved(drawing()) + bytes(MOST_BYTES))


def test_a_picture_of_nothing_is_refused() -> None:
    with pytest.raises(LogoError, match="Nothing can be seen"):
        draw_logo(saved(Image.new("RGBA", (20, 20))))


def test_the_noisiest_picture_is_drawn_small_enough() -> None:
    noise = Image.frombytes("RGB", (640, 192), random.Random(1).randbytes(640 * 192 * 3))
    logo = draw_logo(saved(noise))
    assert len(logo.png) <= MOST_DRAWN_BYTES
    assert (logo.width, logo.height) == (WIDEST, HIGHEST)


def test_damaged_files_are_drawn_or_refused_but_never_fail() -> None:
    randomly = random.Random(2026)
    for kind in ("PNG", "JPEG", "WEBP"):
        whole = saved(drawing("RGB", (120, 40)), kind)
        for _ in range(60):
            broken = bytearray(whole)
            for _ in range(randomly.randint(1, 6)):
                broken[randomly.randrange(len(broken))] = randomly.randrange(256)
            try:
                draw_logo(bytes(broken))
            except LogoError:
                continue
