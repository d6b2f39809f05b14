"""What of a page is kept, in which order and shape."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.extraction import extract, html_to_text
from pipelines.extraction.class_names import kind_of

LINE = "The derivative of a sum is the sum of the derivatives, as the definition shows at once. "
CHINESE = "函数在一点连续当且仅当它的左右极限都存在并且等于函数值，这一结论在证明中经常使用。"


def page(body: str, head: str = "<title>Sums</title>") -> str:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"


def test_navigation_banners_and_footers_are_left_out() -> None:
    text = html_to_text(page(
        '<nav><a href="/">Home</a></nav><div class="cookie-consent">We use cookies</div><div id="sidebar"><a href="/x">Other pages</a></div>'
        f"<article><h1>Sums</h1><p>{LINE * 5}</p></article><footer>All rights reserved</footer>"
    ))  # fmt: skip
    assert text == "# Sums\n\n" + (LINE * 5).strip()


@pytest.mark.parametrize(
    "sentence",
    [LINE, CHINESE, "Производная суммы равна сумме производных. ", "مشتق المجموع هو مجموع المشتقات في كل نقطة. "],
)
def test_every_language_keeps_its_paragraphs(sentence: str) -> None:
    text = html_to_text(page(f"<div><p>{sentence * 4}</p><p>{sentence}</p></div>"))
    assert text == f"{(sentence * 4).strip()}\n\n{sentence.strip()}"


def test_a_question_and_all_its_answers_stay_in_order() -> None:
    posts = "".join(
        f'<div class="post"><div class="post-content"><p>{name}: {LINE * size}</p></div></div>'
        for name, size in (("question", 2), ("first", 9), ("second", 1))
    )
    text = html_to_text(page(f"<h1>Sums</h1><div id='posts'>{posts}</div>"))
    assert [text.index(name) for name in ("question", "first", "second")] == sorted(
        text.index(name) for name in ("question", "first", "second")
    )


def test_a_list_of_links_survives_where_it_is_the_page() -> None:
    links = "".join(f'<li><a href="/{n}">Chapter {n}</a></li>' for n in range(1, 9))
    text = html_to_text(page(f"<h1>Contents</h1><ul>{links}</ul>"))
    assert text.splitlines()[0] == "# Contents"
    assert [line for line in text.splitlines() if line.startswith("- ")] == [f"- Chapter {n}" for n in range(1, 9)]


def test_a_class_name_does_not_condemn_most_of_the_page() -> None:
    assert LINE.strip() in html_to_text(page(f'<div class="sidebar-right"><p>{LINE * 9}</p></div><p>short</p>'))


def test_hidden_text_is_left_out_unless_it_is_the_page() -> None:
    assert "secret" not in html_to_text(page(f'<p>{LINE * 4}</p><p style="display:none">secret words</p>'))
    assert html_to_text(page(f'<div style="visibility:hidden"><p>{LINE}</p></div>')) == LINE.strip()


def test_lists_nest_and_count() -> None:
    assert html_to_text("<ol start=3><li>a<ul><li>b</ul><li>c</ol>") == "3. a\n   - b\n4. c"


def test_a_cell_over_several_columns_or_rows_leaves_the_others_in_their_columns() -> None:
    head = '<tr><th rowspan="2">n<th colspan="2">f(n)</tr><tr><th>odd<th>even</tr>'
    assert html_to_text(f"<table>{head}<tr><td>1<td>2<td>3</tr></table>") == (
        "| n | f(n) |  |\n| --- | --- | --- |\n|  | odd | even |\n| 1 | 2 | 3 |"
    )


def test_items_that_write_their_own_mark_have_no_other() -> None:
    marked = '<li class="ltx_item" style="list-style-type:none;"><span class="ltx_tag ltx_tag_item">{}</span><div><p>{}</p></div></li>'
    items = "".join(marked.format(mark, text) for mark, text in (("1.", "first"), ("(b)", "second"), ("•", "third")))
    assert html_to_text(page(f"<p>{LINE * 4}</p><ol>{items}</ol>")).endswith("\n\n1. first\n\n(b) second\n\n- third")
    unmarked = '<ul><li style="list-style: none">2) two</li><li style="list-style:none">more</li></ul>'
    assert html_to_text(page(f"<p>{LINE * 4}</p>{unmarked}")).endswith("\n\n2) two\n\n- more")


def test_a_footnote_is_told_from_a_power() -> None:
    inside = 'word<sup><a href="#f">1</a></sup>, term<a href="#g"><sup>2</sup></a>, x<sup>3</sup>'
    assert html_to_text(page(f"<p>{LINE} {inside}.</p>")).endswith("word[1], term[2], $x^3$.")


def test_a_section_is_kept_whose_id_repeats_its_heading() -> None:
    sections = "".join(
        f'<{start} id="{slug}"><h2>{slug}</h2><p>{LINE}</p></{start.split()[0]}>'
        for start, slug in (("section", "line-search-methods"), ('div class="section"', "related-work"))
    )
    text = html_to_text(page(f"<main><p>{LINE * 20}</p>{sections}</main>"))
    assert "## line-search-methods" in text and "## related-work" in text


def test_a_var_that_holds_tex_is_a_formula_and_a_name_is_none() -> None:
    text = html_to_text(page(rf"<p>{LINE} where <var>1 \le N \le 10^5</var> in <var>output_file</var>.</p>"))
    assert text.endswith(r"where $1 \le N \le 10^5$ in output_file.")


def test_the_heading_that_the_title_begins_with_is_kept_whatever_its_rank() -> None:
    head = "<title>Limits in higher dimensions - Math Notes</title>"
    site, own = "<div><h1>Math Notes</h1></div>", "<div><h3>Limits in higher dimensions</h3></div>"
    text = html_to_text(page(f"{site}{own}<div><p>{LINE * 9}</p></div>", head))
    assert text == f"### Limits in higher dimensions\n\n{(LINE * 9).strip()}"


def test_a_heading_that_is_cut_out_of_its_banner_keeps_its_links() -> None:
    banner = '<div class="site-header"><h1>On <a class="related" href="/s">sums</a></h1><a href="/">Home</a></div>'
    assert html_to_text(page(f"{banner}<p>{LINE * 9}</p>")).startswith("# On sums\n\n")


def test_characters_without_width_are_no_text() -> None:
    assert html_to_text(page(f"<p>{LINE}\ufeffx<sub>i</sub>\ufeff, a\u200bb</p>")).endswith("$x_i$, ab")


def test_tables_have_rows_and_layout_tables_have_none() -> None:
    assert html_to_text("<table><tr><th>n<th>n!<tr><td>3<td>6</table>") == "| n | n! |\n| --- | --- |\n| 3 | 6 |"
    assert (
        html_to_text(f"<table><tr><td><h2>A</h2><p>{LINE}</p></td><td></td></tr></table>") == f"## A\n\n{LINE.strip()}"
    )


def test_quotations_and_code_keep_their_lines() -> None:
    assert html_to_text("<blockquote><p>a</p><p>b</p></blockquote>") == "> a\n>\n> b"
    assert (
        html_to_text('<pre><code class="language-python">if x:\n    y</code></pre>') == "```python\nif x:\n    y\n```"
    )


def test_program_text_keeps_its_spaces_and_loses_its_line_numbers() -> None:
    fragment = '<div class="fragment"><div class="line"><span class="kt">int</span>    <span>x</span>;</div>\n<div class="line">\ty</div></div>'
    assert html_to_text(page(f"<p>{LINE}</p>{fragment}")).endswith(
        "```\nint    x;\n\ty\n```"
    )  # as doxygen's style sheet shows it
    numbered = '<div class="highlight-c"><table><tr><td class="linenos"><pre>1</pre></td><td><div><pre>int x;</pre></div></td></tr></table></div>'
    assert html_to_text(page(f"<p>{LINE * 4}</p>{numbered}")).endswith("```\nint x;\n```")


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ('<pre class="highlight"><code class="language-python">x</code></pre>', "python"),
        ('<div class="highlight-c notranslate"><div class="highlight"><pre>x</pre></div></div>', "c"),
        ('<div class="highlight-default notranslate"><pre>x</pre></div>', ""),
        ('<pre class="brush: php">x</pre>', "php"),
        ('<pre class="sourceCode haskell"><code class="sourceCode haskell">x</code></pre>', "haskell"),
    ],
)
def test_the_language_of_program_text_is_named(html: str, language: str) -> None:
    assert html_to_text(html) == f"```{language}\nx\n```"


@pytest.mark.parametrize(
    "comment", ["<!--<b>no</b>-->", "<!---->", "<!--[if IE]><p>no</p><![endif]-->", "<!-- a > b -->", "<!doctype html>"]
)
def test_comments_of_the_source_are_never_text(comment: str) -> None:
    assert html_to_text(f"<p>a{comment}b</p>") == "ab"


@pytest.mark.parametrize("mark", ["\ue000", "&#xe000;", "&#57344;"])
def test_the_marks_of_this_package_mean_nothing_in_a_page(mark: str) -> None:
    closing = mark.replace("0;", "1;").replace("57344", "57345").replace("\ue000", "\ue001")
    assert html_to_text(f"<p>a{mark}5{closing}b \\(x^2\\)</p>") == "a5b $x^2$"
    image = "%EE%80%805%EE%80%81+x^2"
    assert html_to_text(f'<p>a <img src="latex.php?latex={image}"></p>') == "a $5 x^2$"


def test_empty_elements_of_xml_end_where_they_begin() -> None:
    html = '<?xml version="1.0"?><html><body><p><a id="x"/>One <SPAN class="y" />two <img src="z"/><br/>three</p></body></html>'
    assert html_to_text(html) == "One two\nthree"


def test_a_highlighters_markup_is_no_text_but_breaks_and_formulas_in_a_program_count() -> None:
    assert (
        html_to_text("<pre><span class='k'>if</span> a &lt; <b>b</b>:\n  &amp;lt;</pre>")
        == "```\nif a < b:\n  &lt;\n```"
    )
    assert html_to_text("<pre>a<br>b<span>c</span> d</pre>") == "```\na\nbc d\n```"
    assert html_to_text("<pre><span>a</span> <span>b</span></pre>then") == "```\na b\n```\n\nthen"


@pytest.mark.parametrize(
    "numbered",
    [
        '<pre><span></span><span class="linenos">1</span>int <b>x</b>;\n<span class="linenos">2</span>y</pre>',
        '<div class="fragment"><div class="line"><a name="l1"></a><span class="lineno"> 1</span>int <b>x</b>;</div>\n<div class="line"><span class="lineno"> 2</span>y</div></div>',
        '<pre><code>int <span>x</span>;\ny</code><ul class="pre-numbering"><li>1</li><li>2</li></ul></pre>',
    ],
)
def test_the_numbers_of_lines_are_no_program_text(numbered: str) -> None:
    assert html_to_text(page(f"<p>{LINE * 4}</p>{numbered}")).endswith("\n\n```\nint x;\ny\n```")
    assert html_to_text('<p>On <span class="line-number">4</span> lines</p>') == "On 4 lines"


@pytest.mark.parametrize("name", ["footnote-back", "anchor-link", "headerlink"])
def test_signs_that_only_lead_to_their_own_place_are_left_out(name: str) -> None:
    assert html_to_text(page(f'<h2>Sums<a class="{name}" href="#s">¶</a></h2><p>{LINE * 4}</p>')).startswith(
        "## Sums\n"
    )


def test_markup_in_scripts_is_never_text() -> None:
    assert html_to_text("<p>a<script>document.write('<p>no</p><!--')</script>b</p>") == "ab"
    assert html_to_text("<p>a<script><!-- <script>x</script> --></script>b</p>") == "ab"


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ("section-toc", "chrome"),
        ("ad", "chrome"),
        ("left_mainmenu", "chrome"),
        ("x tags-list", "chrome"),
        ("top-bar", "chrome"),
        ("mw-editsection-bracket", "never"),
        ("editsection", "never"),
        ("commentlist", "comments"),
        ("body-text", ""),
        ("story-body", "content"),
        ("stocks", ""),
    ],
)
def test_names_say_what_a_part_of_the_page_is(names: str, kind: str) -> None:
    assert kind_of(names) == kind


@pytest.mark.parametrize(
    "largest", ['<div class="article__text">', "<section>", '<section class="level2">'], ids=["marked", "bare", "named"]
)
@pytest.mark.parametrize("headline", ["<h1>Sums</h1>", "<header><h1>Sums</h1></header>"])
def test_what_stands_between_headline_and_body_belongs_to_it(headline: str, largest: str) -> None:
    lead = f"<div class='summary'>Lead. {LINE * 2}</div>"
    text = html_to_text(page(
        f"<div><div><p>Slogan. {LINE}</p></div><div class='columns'>{headline}{lead}{largest}<p>{LINE * 20}</p></div></section></div></div>"
    ))  # fmt: skip
    assert text.startswith("# Sums\n\nLead. ")


def test_the_headline_is_kept_where_its_header_is_cut() -> None:
    header = '<div class="masthead"><a href="/">Home</a><h2 class="page-title">Sums</h2></div>'
    assert html_to_text(page(f"{header}<article><p>{LINE * 5}</p></article>")).startswith("## Sums\n")


def test_the_lead_of_an_article_belongs_to_it() -> None:
    text = html_to_text(
        page(
            f'<main><div class="teaser"><p>{CHINESE * 2}</p><p>{LINE}</p></div><div class="article-body"><p>{LINE * 30}</p></div></main>'
        )
    )
    assert text.startswith(CHINESE)


def test_what_is_cut_between_words_does_not_glue_them() -> None:
    assert html_to_text(page(f"<p>{LINE * 5}</p><div>one<nav><a>menu</a></nav>two</div>")).endswith("one\n\ntwo")


def test_a_term_and_its_type_stay_apart() -> None:
    html = '<dl><dt><strong>beta0</strong><span class="classifier">array</span></dt><dd><p>a guess</p></dd></dl>'
    assert html_to_text(html) == "beta0 : array\n\na guess"


def test_the_slug_of_a_heading_condemns_no_section() -> None:
    part = f'<section id="search-based-solver-and-its-steps"><h2>Search based</h2><p>{LINE}</p></section>'
    assert "## Search based" in html_to_text(page(f"<main><p>{LINE * 20}</p>{part}</main>"))
    assert "Find" not in html_to_text(page(f'<p>{LINE * 20}</p><div id="search-box"><a href="/f">Find</a></div>'))


def test_ruby_keeps_the_characters_together() -> None:
    assert html_to_text("<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字</p>") == "漢字"


def test_comments_in_a_program_are_no_comments_on_the_page() -> None:
    code = '<pre>x = 1 <span class="comment"># one</span></pre>'
    assert html_to_text(page(f"<p>{LINE * 4}</p>{code}")).endswith("```\nx = 1 # one\n```")


def test_a_page_of_frames_gives_what_it_shows_without_them() -> None:
    inner = f"<body><h1>Sums</h1><p>{LINE} If x &lt; 2 then <a href='b'>stop</a>.</p></body>"
    html = f"<html><head><title>All</title></head><frameset cols='*'><frame src='a'><noframes>{inner}</noframes></frameset></html>"
    result = extract(html)
    assert (result.title, result.text) == ("All", f"# Sums\n\n{LINE}If x < 2 then stop.".replace("  ", " "))
    nested = "<frameset><noframes>" * 5000
    assert html_to_text(nested + "<p>a</p>") == ""


@pytest.mark.parametrize("space", [r"\,", r"\;", "~", r"\quad", r"\thinspace"])
def test_a_formula_that_is_only_space_is_a_space(space: str) -> None:
    math = f'<math><semantics><mspace/><annotation encoding="application/x-tex">{space}</annotation></semantics></math>'
    assert html_to_text(page(f"<p>A current of 10{math}mA or 3\\({space}\\)V.</p>")) == "A current of 10 mA or 3 V."


def test_the_title_comes_from_the_head() -> None:
    assert (
        extract(page("<svg><title>icon</title></svg><p>x</p>", "<title> Sums &amp; more </title>")).title
        == "Sums & more"
    )


def test_a_page_gives_the_same_text_whatever_came_before_it() -> None:
    first = page('<script src="ASCIIMathML.js"></script><p>`x/2`</p>')
    second = page("<p>`x/2`</p>")
    alone = html_to_text(second)
    html_to_text(first)
    assert html_to_text(second) == alone == "`x/2`"


def test_hostile_pages_neither_crash_nor_hang() -> None:
    assert html_to_text("") == ""
    assert html_to_text("<div>" * 20_000 + "x") == "x"
    assert html_to_text("<div>" * 100_000 + "x") == "x"  # parsing alone would take the square of the depth
    assert html_to_text("<span class=MathJax_Preview></span>" * 10_000 + "<p>x") == "x"
    assert html_to_text("\ud800<p>a\ue000 1\ue001</p>") == "a 1" or html_to_text("<p>a\ue000 1\ue001</p>") == "a 1"
    assert "$" in html_to_text("<p>" + "$" * 5_000 + "\\(" * 2_000)
    assert html_to_text("<p>x" + "<sup>" * 300 + "2") != ""


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            [
                *list("<>/=\"'$\\(){}[]^_&;abx12 ²≤√`\n"),
                "<sup>",
                "</sup>",
                "<math>",
                "<mi>",
                "<td>",
                "<li>",
                "\\frac",
                "$$",
                "\\begin{align}",
                "<pre>",
                "<script type=math/tex>",
            ]
        ),
        max_size=60,
    ).map("".join)
)
def test_any_string_gives_a_text(html: str) -> None:
    assert "\ue000" not in html_to_text(html)


@pytest.mark.real_data
def test_no_real_page_comes_out_empty() -> None:
    root = os.environ.get("MATHSIEVE_REAL_DATA")
    if root is None:
        pytest.skip("MATHSIEVE_REAL_DATA is not set: real pages are not read")
    from pipelines.crawl.decoding import decode_html
    from pipelines.crawl.warc import read_captures

    outcomes: Counter[str] = Counter()
    path = sorted((Path(root) / "messyweb").glob("*.warc.gz"))[0]
    texts = [
        html_to_text(decode_html(capture.body, capture.content_type)[0])
        for capture in read_captures(str(path), outcomes, largest=1_000_000)
    ]
    assert len(texts) > 300
    assert sum(len(text) < 50 for text in texts) <= 0.02 * len(texts)
