"""The WordPress plugin, run by PHP itself over the few functions of WordPress it calls."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest

from screener.web.website import RESERVED

HERE = Path(__file__).resolve().parent
PLUGIN = HERE.parent.parent / "integrations" / "wordpress" / "headache-screener.php"
PHP = shutil.which("php")


@pytest.fixture(autouse=True)
def php() -> str:
    if PHP is None:
        pytest.fail("The plugin's tests need PHP. On Debian: sudo apt install php-cli")
    return PHP


def run(*, may_edit: bool = False, **attributes: object) -> dict[str, Any]:
    asked = json.dumps({"attributes": attributes, "may_edit": may_edit})
    done = subprocess.run(
        [str(PHP), "-d", "error_reporting=-1", "-d", "display_errors=stderr", HERE / "wordpress.php", PLUGIN],
        input=asked,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def block(html: str) -> Element:
    """The one element it renders to, read strictly."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    elements = list(parser.parseFragment(html))
    assert len(elements) == 1
    return elements[0]


def test_php_finds_no_fault_in_it(php: str) -> None:
    done = subprocess.run([php, "-l", PLUGIN], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, done.stdout


def test_the_shortcode_is_a_link_and_the_loader_is_asked_for() -> None:
    told = run(clinic="acme")
    place = block(told["html"])
    assert place.attrib == {"data-ms-clinic": "acme", "style": RESERVED[""]}
    assert place[0].attrib == {"href": "https://screen.example/c/acme"}
    assert place[0].text == "Start the headache questionnaire"
    ((handle, src, _, version, how),) = told["scripts"]
    assert (handle, src, version) == ("headache-screener", "https://screen.example/e/v1.js", None)
    assert how == {"strategy": "async", "in_footer": True}


def test_its_options_are_those_of_the_loader() -> None:
    told = run(clinic="acme", lang="es", theme="dim", mode="inline", min_height="900", text="Empezar")
    place = block(told["html"])
    assert place.attrib == {
        "data-ms-clinic": "acme",
        "data-ms-lang": "es",
        "data-ms-theme": "dim",
        "data-ms-mode": "inline",
        "data-ms-min-height": "900",
        "style": "display:block;min-height:900px",
    }
    assert place[0].text == "Empezar"


def test_the_place_kept_free_is_that_of_the_desks_snippet() -> None:
    for mode, reserved in RESERVED.items():
        assert block(run(clinic="acme", mode=mode)["html"]).attrib["style"] == reserved
    taller = block(run(clinic="acme", min_height="900")["html"]).attrib["style"]
    assert taller == RESERVED[""].replace("840", "900")


def test_a_link_keeps_no_place_free() -> None:
    assert "style" not in block(run(clinic="acme", mode="link")["html"]).attrib


@pytest.mark.parametrize("evil", ['"><script>alert(1)</script>', "' onclick='x", "</a><img src=x>", "&quot;"])
def test_no_attribute_breaks_out(evil: str) -> None:
    told = run(clinic="acme", lang=evil, theme=evil, mode=evil, min_height=evil, text=evil, home=evil)
    place = block(told["html"])
    assert place.attrib == {"data-ms-clinic": "acme", "style": RESERVED[""]}
    assert [child.tag for child in place.iter()] == ["div", "a"]
    assert place[0].attrib == {"href": "https://screen.example/c/acme"}
    assert told["scripts"][0][1] == "https://screen.example/e/v1.js", "no attribute names another server"


@pytest.mark.parametrize("clinic", ["", "ACME", "a", "../x", 'a"b', "acme\n", ["acme"], None])
def test_without_a_clinic_visitors_see_nothing_and_writers_are_told(clinic: object) -> None:
    assert run(clinic=clinic)["html"] == ""
    told = run(clinic=clinic, may_edit=True)
    assert "enter the name of your clinic" in told["html"]
    assert told["scripts"] == []


def test_the_block_is_rendered_by_the_same_function_and_needs_no_build() -> None:
    told = run(clinic="acme")
    about = told["blocks"]["headache-screener/questionnaire"]
    assert about["render_callback"] == told["shortcodes"]["headache_screener"]
    (editor,) = about["editor_script_handles"]
    assert "registerBlockType( 'headache-screener/questionnaire'" in told["inline"][editor]
    assert set(about["attributes"]) == {"clinic", "lang", "theme", "mode", "min_height", "text"}
