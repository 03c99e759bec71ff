"""docs/fhir.md says what is true: its examples are run as they stand there."""

import doctest

from exports.fhir_samples import samples

from screener.settings import ROOT

PAGE = (ROOT / "docs" / "fhir.md").read_text()


def test_every_example_on_the_page_comes_out_as_written() -> None:
    told: list[str] = []
    examples = doctest.DocTestParser().get_doctest(PAGE, {}, "fhir.md", "docs/fhir.md", 0)
    assert len(examples.examples) > 20
    doctest.DocTestRunner(verbose=False).run(examples, out=told.append)
    assert "".join(told) == ""


def test_the_page_counts_the_resources_that_are_checked() -> None:
    assert f"| {len(samples())} resources valid" in PAGE
