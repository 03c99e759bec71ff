"""The files as a spreadsheet program opens them: it finds no formula in anything that was typed."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from exports.test_spreadsheet import CORPUS, PLAIN

from screener.exports.spreadsheet import Cell, csv_chunks
from screener.exports.workbook import Sheet, xlsx_chunks

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
ROWS: list[list[Cell]] = [["What was typed", "Number"], *([text, 7] for text in (*CORPUS, *PLAIN))]
# Comma, double quote, UTF-8, from the first row; the last one lets what looks like a formula be one.
AS_OPENED = "--infilter=Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,0,true"


@pytest.fixture(params=["csv", "xlsx"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Element:
    """The table of the file, as LibreOffice keeps it in a document of its own."""
    kind = str(request.param)
    chunks = csv_chunks(ROWS) if kind == "csv" else xlsx_chunks([Sheet("Requests", ROWS, (30,))])
    file = tmp_path / f"requests.{kind}"
    file.write_bytes(b"".join(chunks))
    return convert(file)


def convert(file: Path) -> Element:
    office = shutil.which("soffice")
    assert office, "LibreOffice is not here: make libreoffice"
    profile = f"-env:UserInstallation=file://{file.parent}/profile"
    asked = [office, profile, "--headless", "--convert-to", "ods", "--outdir", str(file.parent), str(file)]
    if file.suffix == ".csv":
        asked[3:3] = [AS_OPENED]
    subprocess.run(asked, check=True, timeout=120, capture_output=True)
    with zipfile.ZipFile(file.with_suffix(".ods")) as made:
        return fromstring(made.read("content.xml"))


def formulas(table: Element) -> list[str]:
    found = (cell.get(f"{TABLE}formula") for cell in table.iter(f"{TABLE}table-cell"))
    return [formula for formula in found if formula]


def test_libreoffice_finds_no_formula(opened: Element) -> None:
    assert formulas(opened) == []
    types = [cell.get(f"{OFFICE}value-type") for cell in opened.iter(f"{TABLE}table-cell")]
    assert types.count("string") >= len(ROWS) - 1, "all of it is text"
    assert types.count("float") >= len(ROWS) - 1, "and numbers are numbers"


def test_libreoffice_would_find_one(tmp_path: Path) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(["=1+1"])
    file = tmp_path / "bad.csv"
    file.write_text(buffer.getvalue())
    assert formulas(convert(file)) == ["of:=1+1"]
