"""Which short parts beside the longest part of a page are content: our own pages, in the shapes that sites give them."""

from __future__ import annotations

import pytest

from pipelines.extraction import html_to_text

PROOF = (
    "Draw the line through the midpoints of two sides and compare the small triangle with the large one, whose sides are twice as long. "
    "Their angles are equal in pairs, so that the third side of the large one is parallel to the line that was drawn. "
)
LONG = f"<p>{PROOF}</p>" * 4
ANALYSIS = "<p>先把总数看作一个整体，再根据每一份的数量求出份数，注意单位要统一，最后把结果代入题目检验。</p>" * 4


def text_of(body: str, title: str = "Midpoints") -> str:
    return html_to_text(
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body><div id='frame'>{body}</div></body></html>"
    )


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        (r"<div class='a1'>Is \(a+b\) even?</div>", r"Is $a+b$ even?"),
        ("<div class='a1'>Here n<sub>3</sub> is 8, and odd otherwise</div>", "Here $n_3$ is 8"),
        ("<div class='a1'><math><mi>k</mi><mo>=</mo><mn>7</mn></math></div>", "$k=7$"),
        ("<div class='a1'>where 4a + 6 = 22 holds</div>", "where 4a + 6 = 22 holds"),
        ("<div class='a1'>where $w^2$ is odd</div>", "where $w^2$ is odd"),
        ("<div class='a1'><pre>print(7)</pre></div>", "print(7)"),
        ("<div class='problem-text'>A box of nine pears</div>", "A box of nine pears"),
        ("<div id='question'>A box of nine pears</div>", "A box of nine pears"),
        ("<div class='a1'>Theorem 4. All of them meet</div>", "All of them meet"),
        ("<div class='a1'>Problem: nine pears, two boxes</div>", "nine pears, two boxes"),
        ("<div class='a1'>How many pears are left?</div>", "How many pears are left?"),
        ("<div class='a1'>Nine pears lie in two boxes, of which one holds five and the other the rest of them. Which</div>", "Nine pears lie"),
        ("How many pears are left?<br>", "How many pears are left?"),
        ("<b>Task</b> with <i>x</i> + 2 = 9", "Task with"),
    ],
)  # fmt: skip
def test_a_statement_before_its_longer_answer_stays(statement: str, kept: str) -> None:
    assert kept in text_of(f"{statement}<div class='a2'>{LONG}</div>")
    assert kept in text_of(f"<main>{statement}<div class='a2'>{LONG}</div></main>")
    assert kept in text_of(f"<table><tr><td>{statement}<div class='a2'>{LONG}</div></td></tr></table>")


@pytest.mark.parametrize(
    "statement", ["每箱装12个苹果，需要几个箱子？", "【题目】每箱装12个苹果", "已知每箱装12个苹果"]
)
def test_a_chinese_problem_before_its_analysis_stays(statement: str) -> None:
    assert "每箱装12个苹果" in text_of(f"<div class='b1'>{statement}</div><div class='b2'>{ANALYSIS}</div>", "应用题")


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        (r"<div class='a1'>So \(a+b\) is even</div>", r"So $a+b$ is even"),
        ("<div class='a1'>Answer: nine pears</div>", "Answer: nine pears"),
        ("<div class='solution'>There are nine pears</div>", "There are nine pears"),
    ],
)
def test_a_rule_or_an_answer_after_the_longer_text_stays(statement: str, kept: str) -> None:
    assert kept in text_of(f"<div class='a2'>{LONG}</div>{statement}")


@pytest.mark.parametrize(
    "line",
    [
        "<div class='a1'>Written by Ada Stone</div>",
        "<div class='a1'>Posted on 4 March 2019, 17 remarks so far.</div>",
        "<div class='a1'>Ada Stone, 2019-03-04: all about triangles.</div>",
        "<div class='a1'>More of this at https://stone.example/more.</div>",
        "<div class='a1'><a href='/a'>Is a + b = 7 even?</a> <a href='/b'>Is it?</a></div>",
        "<form class='a1'>How many pears are left?</form>",
        "<div class='answer-count'>There are nine answers</div>",
        "<div class='a1'>A box</div>",
    ],
)
def test_a_line_about_the_page_stays_out(line: str) -> None:
    assert text_of(f"{line}<div class='a2'>{LONG}</div>").startswith(PROOF[:40])


def test_a_sentence_after_the_text_that_is_no_part_of_it_stays_out() -> None:
    assert "pears" not in text_of(
        f"<div class='a2'>{LONG}</div><div class='a1'>Buy our pears at a low price today.</div>"
    )


def test_sections_like_the_longest_stay_in_an_article() -> None:
    section = "<div class='part'><h2>{}</h2><p>{}</p></div>"
    short = "Nothing but the order of the vertices is used in what follows here."
    article = f"<article>{section.format('Notes', short)}{section.format('Proof', PROOF * 12)}{section.format('Remark', short)}</article>"
    assert text_of(article).count(short) == 2
    other = article.replace("<div class='part'><h2>Remark", "<div class='bought'><h2>Remark")
    assert text_of(other).count(short) == 1


def test_what_precedes_the_heading_of_the_page_is_no_lead() -> None:
    notice, lead = (
        "We look for new authors all over the country, so write to us.",
        "Three lines meet in one point, whatever the triangle looks like.",
    )
    page = f"<div>{notice}</div><h1>Midpoints</h1><div>{lead}</div><div class='a2'>{LONG}</div>"
    text = text_of(page)
    assert lead in text and notice not in text


def test_of_a_header_only_the_heading_is_kept_where_little_else_stands_in_it() -> None:
    text = text_of(f"<div class='top'><h1>Midpoints</h1>Ada Stone wrote it.</div><div class='a2'>{LONG}</div>")
    assert text.startswith("# Midpoints\n\nDraw")
    lead = "Three lines meet in one point, whatever the triangle looks like."
    assert lead in text_of(f"<div class='top'><h1>Midpoints</h1>{lead}</div><div class='a2'>{LONG}</div>")


def test_strangers_beside_a_statement_stay_out_and_its_neighbours_in() -> None:
    statement, neighbour = r"<div class='a1'>Is \(a+b\) even?</div>", "<div class='c1'>Ada asks</div>"
    text = text_of(
        f"<div class='c0'>Ada Stone</div><h3>Sums</h3>{statement}{neighbour}<div class='a2'>{LONG}</div><div class='c2'>Seen 9 times</div>"
    )
    assert text.startswith("### Sums\n\nIs $a+b$ even?\n\nAda asks\n\nDraw")
    assert "Ada Stone" not in text and "Seen 9" not in text
