"""Whole pages as real generators write them of our own texts (golden/make_pages.mjs; versions in golden/package.json and at the top
of each page). What must come out is the text that went in: `golden/texts.json`, read by eye once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipelines.extraction import extract
from pipelines.extraction.tex import mistakes

GOLDEN = Path(__file__).parent / "golden"
TEXTS: dict[str, str] = json.loads((GOLDEN / "texts.json").read_text(encoding="utf-8"))
PAGES = sorted(GOLDEN.glob("*.html"))
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$")
SAME = re.compile(r"\\[,;:! ]|[\s{}]")
"""Spaces, and braces that some renderings have lost: what changes no formula here."""


def meaning(text: str) -> str:
    """A text without the freedom that TeX leaves to who writes it."""
    for name, other in (("leq", "le"), ("geq", "ge"), ("neq", "ne")):
        text = text.replace(f"\\{name}", f"\\{other}")
    return SAME.sub("", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_a_real_generator_gives_the_text_it_was_made_of(page: Path) -> None:
    written = TEXTS[page.stem.partition("-")[0]]
    result = extract(page.read_text(encoding="utf-8"))
    assert meaning(result.text) == meaning(written)
    assert result.text.count("\n\n") == written.count("\n\n")
    formulas = [shown or inline for shown, inline in FORMULA.findall(result.text)]
    assert len(formulas) == len(FORMULA.findall(written)) == result.formulas
    assert not any(mistakes(tex) for tex in formulas)


def test_every_text_is_written_by_every_generator() -> None:
    generators = {page.stem.partition("-")[2] for page in PAGES}
    assert len(generators) == 14
    assert {page.stem for page in PAGES} == {f"{text}-{generator}" for text in TEXTS for generator in generators}
