"""An XLSX file made while it is sent: no whole table in memory, and no page of it in a file of the server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

from screener.exports.spreadsheet import Cell, looks_like_formula

_MOST_CHARACTERS: Final = 32_767
_ROWS_A_CHUNK: Final = 50
_LETTERS: Final = 26
# What XML cannot hold, and what Excel would read as the code of a character.
_NO_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LIKE_CODE: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")

_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PARTS: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# By number: numbers; headings; text; text that looks like a formula, and stays text when it is edited.
_NUMBER, _HEADING, _TEXT, _QUOTED = range(4)
_STYLES: Final = f"""{_HEAD}<styleSheet xmlns="{_MAIN}">
<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>
<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill>
<fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
<cellXfs count="4">
<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"
 applyAlignment="1"><alignment vertical="top"/></xf>
<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"
 applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"
 applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"
 applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>
</cellXfs>
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>
</styleSheet>"""


@dataclass(frozen=True)
class Sheet:
    """A page of the file; the first row is its heading and stays in view."""

    name: str
    rows: Iterable[Sequence[Cell]]
    # In characters; columns beyond have the last one.
    widths: tuple[int, ...]


class _Pipe:
    """What the archive writes to, emptied as the file is sent."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def xlsx_chunks(sheets: Sequence[Sheet]) -> Iterator[bytes]:
    pipe = _Pipe()
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for path, text in _frame([sheet.name for sheet in sheets]):
            archive.writestr(path, text)
        for number, sheet in enumerate(sheets, 1):
            with archive.open(f"xl/worksheets/sheet{number}.xml", "w") as part:
                for text in _sheet(sheet):
                    part.write(text.encode())
                    if taken := pipe.take():
                        yield taken
    yield pipe.take()


def _frame(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The parts of the archive that every workbook has."""
    numbers = range(1, len(names) + 1)
    types = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    types += [(f"/xl/worksheets/sheet{number}.xml", "worksheet") for number in numbers]
    overrides = "".join(
        f'<Override PartName="{path}" ContentType="{_TYPE}.{kind}+xml"/>' for path, kind in types
    )
    defaults = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
    )
    head = f'{_HEAD}<Types xmlns="{_PARTS}/content-types">'
    yield "[Content_Types].xml", f"{head}{defaults}{overrides}</Types>"
    yield "_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")])
    links = [("worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
    yield "xl/_rels/workbook.xml.rels", _relations([*links, ("styles", "styles.xml")])
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="r{number}"/>'
        for number, name in enumerate(names, 1)
    )
    head = f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}">'
    view = "<bookViews><workbookView/></bookViews>"
    yield "xl/workbook.xml", f"{head}{view}<sheets>{sheets}</sheets></workbook>"
    yield "xl/styles.xml", _STYLES


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="r{number}" Type="{_LINKS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PARTS}/relationships">{listed}</Relationships>'


def _sheet(sheet: Sheet) -> Iterator[str]:
    last = len(sheet.widths)
    columns = "".join(
        f'<col min="{number}" max="{number if number < last else 16_384}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(sheet.widths, 1)
    )
    yield (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        f"</sheetView></sheetViews><cols>{columns}</cols><sheetData>"
    )
    waiting: list[str] = []
    for number, row in enumerate(sheet.rows, 1):
        waiting.append(_row(number, row))
        if number % _ROWS_A_CHUNK == 0:
            yield "".join(waiting)
            waiting.clear()
    yield "".join((*waiting, "</sheetData></worksheet>"))


def _row(number: int, row: Sequence[Cell]) -> str:
    filled = (
        _cell(f"{_letters(at)}{number}", cell, is_heading=number == 1)
        for at, cell in enumerate(row)
        if cell != ""
    )
    return f'<row r="{number}">{"".join(filled)}</row>'


def _cell(place: str, cell: Cell, *, is_heading: bool) -> str:
    if isinstance(cell, int):
        return f'<c r="{place}" s="{_NUMBER}"><v>{cell}</v></c>'
    text = _LIKE_CODE.sub("_x005F_", _NO_XML.sub("", cell)[:_MOST_CHARACTERS])
    style = _HEADING if is_heading else _QUOTED if looks_like_formula(cell) else _TEXT
    shown = escape(text, {"\r": "&#13;"})
    return f'<c r="{place}" t="inlineStr" s="{style}"><is><t xml:space="preserve">{shown}</t></is></c>'


def _letters(at: int) -> str:
    """A, B, and so on; AA after Z."""
    letters = ""
    at += 1
    while at:
        at, letter = divmod(at - 1, _LETTERS)
        letters = chr(ord("A") + letter) + letters
    return letters
