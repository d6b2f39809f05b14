"""Formulas of every encoding. The cases' expectations are what a reader of the page would write down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.extraction import extract, html_to_text
from pipelines.extraction.asciimath import asciimath_tex
from pipelines.extraction.document import parse
from pipelines.extraction.mathml import convert
from pipelines.extraction.tex import clean, mend, mistakes

HERE = Path(__file__).parent
FORMULAS = json.loads((HERE / "formula_cases.json").read_text(encoding="utf-8"))
TYPESET = json.loads((HERE / "typeset_cases.json").read_text(encoding="utf-8"))
RENDERED = json.loads((HERE / "rendered_cases.json").read_text(encoding="utf-8"))
FRACTIONS = json.loads((HERE / "fraction_cases.json").read_text(encoding="utf-8"))
MARKDOWN = json.loads((HERE / "markdown_cases.json").read_text(encoding="utf-8"))
DELIMITERS = json.loads((HERE / "delimiter_cases.json").read_text(encoding="utf-8"))
MACROS = json.loads((HERE / "macro_cases.json").read_text(encoding="utf-8"))
FOREIGN = json.loads((HERE / "foreign_cases.json").read_text(encoding="utf-8"))
MATHML = json.loads((HERE / "mathml_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", FORMULAS, ids=lambda case: case["why"])
def test_a_formula_is_written_once_and_delimited(case: dict[str, str]) -> None:
    assert html_to_text(f"<body>{case['html']}</body>") == case["text"]


@pytest.mark.parametrize("case", TYPESET, ids=lambda case: case["why"])
def test_a_formula_set_in_html_becomes_latex(case: dict[str, str]) -> None:
    assert html_to_text(f"<body>{case['html']}</body>") == case["text"]


@pytest.mark.parametrize("case", RENDERED, ids=lambda case: case["why"])
def test_a_rendering_alone_becomes_latex(case: dict[str, str]) -> None:
    assert html_to_text(f"<body>{case['html']}</body>") == case["text"]


@pytest.mark.parametrize("case", FRACTIONS, ids=lambda case: case["why"])
def test_a_numerator_over_a_denominator_is_a_fraction(case: dict[str, str]) -> None:
    assert html_to_text(case["html"]) == case["text"]


@pytest.mark.parametrize("case", MARKDOWN, ids=lambda case: case["why"])
def test_what_markdown_ate_of_a_formula_is_given_back(case: dict[str, str]) -> None:
    assert html_to_text(f"<body>{case['html']}</body>") == case["text"]


@pytest.mark.parametrize("case", DELIMITERS, ids=lambda case: case["why"])
def test_a_formula_without_common_delimiters_is_found(case: dict[str, str]) -> None:
    assert html_to_text(case["html"]) == case["text"]


@pytest.mark.parametrize("case", MACROS, ids=lambda case: case["why"])
def test_a_macro_of_the_page_is_expanded(case: dict[str, str]) -> None:
    assert html_to_text(case["html"]) == case["text"]


@pytest.mark.parametrize("case", FOREIGN, ids=lambda case: case["why"])
def test_a_formula_in_an_unusual_place_is_found(case: dict[str, str]) -> None:
    assert html_to_text(case["html"]) == case["text"]


@pytest.mark.parametrize("case", MATHML, ids=lambda case: case["why"])
def test_mathml_becomes_latex(case: dict[str, str]) -> None:
    math = parse(f"<math>{case['mathml']}</math>").find("math")
    assert math is not None
    assert convert(math) == case["tex"]
    assert not mistakes(case["tex"])


@pytest.mark.parametrize(
    ("source", "tex"),
    [
        ("sum_(i=1)^n i^3", r"\sum_{i = 1}^{n} i^{3}"),
        ("(-b +- sqrt(b^2-4ac))/(2a)", r"\frac{- b \pm \sqrt{b^{2} - 4 a c}}{2 a}"),
        ("[[a,b],[c,d]]", r"\begin{bmatrix}a & b \\ c & d\end{bmatrix}"),
        ("|(a,b),(c,f(x,y))|", r"\begin{vmatrix}a & b \\ c & f (x , y)\end{vmatrix}"),
        (
            '{(x, if x > 0 text(,)),(0, "else"):}',
            r"\begin{cases}x & \text{ if } x > 0 \text{,} \\ 0 & \text{else}\end{cases}",
        ),
        ("{(a,b)}", r"\left\{ (a , b) \right\}"),
        ("|a+b|", "| a + b |"),
        ("x^2_1", "x^{2}_{1}"),
        ("color(red)(x)", r"{\color{red}x}"),
        ("lim_(x->oo) f(x)", r"\lim_{x \to \infty} f (x)"),
        ("{(x, if x>0),(0, text(else)):}", r"\begin{cases}x & \text{ if } x > 0 \\ 0 & \text{else}\end{cases}"),
        ("x)", "x )"),
    ],
)
def test_asciimath_becomes_latex(source: str, tex: str) -> None:
    assert asciimath_tex(source) == tex


@pytest.mark.parametrize(
    "source", ["((((", "))))", "^^^___", "sqrt", "frac", "[[", "{(", '"', "\\", "/" * 50, "(" * 500, "x^" * 200]
)
def test_any_asciimath_converts_to_something_tex_can_read(source: str) -> None:
    assert not mistakes(mend(asciimath_tex(source)))


@pytest.mark.parametrize(
    ("tex", "count"),
    [("x^2", 0), ("x^{a^b}_c", 0), (r"\left(x\right.", 0), (r"\{x\}", 0), (r"f'^2", 0), (r"\begin{a}\end{a}^2", 0),
     ("x^a^b", 1), ("x_{a}_{b}", 1), ("{x", 1), ("x}", 1), ("x^", 1), (r"\left(x", 1), (r"\begin{a}x", 1), (r"\begin{a}x\end{b}", 2), ("a$b", 1)],
)  # fmt: skip
def test_the_checker_knows_what_tex_refuses(tex: str, count: int) -> None:
    assert len(mistakes(tex)) == count


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("x^a^b", "x^a{}^b"),
        ("{x", "{x}"),
        ("x}", "x"),
        (r"\left(x", "(x"),
        ("x^", "x^{}"),
        (r"\frac{a}{b", r"\frac{a}{b}"),
    ],
)
def test_mending_is_the_smallest_repair(broken: str, mended: str) -> None:
    assert mend(broken) == mended
    assert not mistakes(mended)


def test_comments_cannot_swallow_the_rest_of_a_formula() -> None:
    assert clean("a % first\n+ b") == "a + b"
    assert clean("50% of x") == r"50\% of x"
    assert clean(r"x, \text{ for $q \in \mathbb{R}$.}") == r"x, \text{ for }q \in \mathbb{R}\text{.}"
    assert clean(r"\text{costs 5\$ or more}") == r"\text{costs 5\$ or more}"


def test_a_script_may_be_a_style() -> None:
    raised = '<span style="font-size: 8pt; vertical-align: super">2</span>'
    assert html_to_text(f'<p>x{raised} + y<span style="vertical-align:sub">1</span> = 4</p>') == "$x^2 + y_1 = 4$"
    assert html_to_text(f"<p>x<sup>{raised}</sup> = 4</p>") == "$x^2 = 4$"


def test_the_number_of_a_note_is_no_part_of_a_formula() -> None:
    note = '<sup data-sup="1">[1]</sup>'
    html = f"<p><i>a</i><sup>2</sup>+<i>b</i><sup>2</sup>=<i>c</i><sup>2</sup>{note}。</p><p>words{note}.</p>"
    assert html_to_text(html) == "$a^2+b^2=c^2$[1]。\n\nwords[1]."
    assert html_to_text("<p>words<sup>[3]</sup><sup>: p. 234</sup>.</p>") == "words[3]: p. 234."


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("若b²-4ac≥0，", r"若$b^2-4ac\ge0$，"),
        ("(a+b)² = a² + 2ab + b² holds", "$(a+b)^2 = a^2 + 2ab + b^2$ holds"),
        ("x² = 25cm", "$x^2$ = 25cm"),
        ("a² + the rest", "$a^2$ + the rest"),
        ("E = mc² and F = ma", "$E = mc^2$ and F = ma"),
    ],
)
def test_plain_mathematics_ends_where_words_begin(plain: str, written: str) -> None:
    assert html_to_text(f"<p>{plain}</p>") == written


@pytest.mark.parametrize(
    ("rows", "written"),
    [
        ('<td><img alt="$\\displaystyle a=b$" src="img3.png"></td><td>(2.1)</td>', "$$a=b$$ (2.1)"),
        ('<td><img alt="$x^2$" src="img3.png"></td><td>5</td>', "| $x^2$ | 5 |"),
        (
            '<td><img alt="$x$" src="/img1.png"></td><td>=</td><td><img alt="$y^2$" src="/img2.png"></td><td class="eqno">(3)</td>',
            "$$x = y^2$$ (3)",
        ),
    ],
)
def test_a_table_that_numbers_a_formula_is_a_displayed_formula(rows: str, written: str) -> None:
    assert html_to_text(f'<div align="center"><table width="100%"><tr>{rows}</tr></table></div>') == written


def test_formulas_are_counted() -> None:
    assert extract("<p>$x^2$ and \\(y\\) but $5 and $6</p>").formulas == 2
