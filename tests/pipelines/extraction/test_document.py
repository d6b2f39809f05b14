"""The table of a page's nodes against the tree of the parser that it was read from."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from pipelines.extraction.class_names import BEGINNINGS, kind_of
from pipelines.extraction.document import Document, Element, parse
from pipelines.extraction.nodes import CANDIDATES, MAX_DEPTH, OWN
from pipelines.extraction.tags import RAW_TEXT, traits_of, unescape

TEXTS = [
    "x",
    " ",
    "a < b & c",
    "é",
    "中文",
    "\u00a0",
    "𝔸≤²",
    "-->",
    "]]>",
    '"',
    "\u3000y\u2003",
    "\u2028",
    "\x1f",
    "\x85",
]
TAGS = ["p", "div", "b", "a", "ul", "li", "table", "tr", "td", "pre", "span", "math", "mi", "svg", "br", "img", "h1", "nav", "section", "title", "button"]  # fmt: skip
ATTRIBUTES = ["", ' class="x"', ' class="math"', ' id="menu"', ' href="/?a&amp;b"', ' title="a>b"', " hidden", ' alt="中 &quot;"']  # fmt: skip
HIDDEN = ["<!-- a <b> -->", "<!---->", "<script>if (a<b) '</p>'</script>", "<style>p>a{}</style>", "<script><!-- <script> </script> --></script>"]  # fmt: skip
PIECES = st.one_of(
    st.sampled_from(TEXTS).map(lambda text: text.replace("<", "&lt;")),
    st.builds(lambda tag, attributes: f"<{tag}{attributes}>", st.sampled_from(TAGS), st.sampled_from(ATTRIBUTES)),
    st.sampled_from(TAGS).map(lambda tag: f"</{tag}>"),
    st.sampled_from(
        [
            "<!-- a <b> -->",
            "<!---->",
            "<script>if (a<b) '</p>'</script>",
            "<style>p>a{}</style>",
            "<script><!-- <script> </script> --></script>",
        ]
    ),
)
SOUP = st.lists(PIECES, max_size=40).map("".join)


def nodes_of(node: LexborNode) -> list[tuple[str, str]]:
    """Elements and texts below, in document order, but for what the content of raw elements is."""
    found: list[tuple[str, str]] = []
    for child in node.iter(include_text=True):
        if child.tag == "-text":
            found.append(("", child.text_content or ""))
        elif child.tag and child.tag[0] not in "-!" and child.tag not in RAW_TEXT:
            found.append((child.tag, ""))
            found += nodes_of(child)
    return found


def rows_of(element: Element) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for child in element.children:
        if isinstance(child, str):
            found.append(("", child))
        else:
            found.append((child.start.partition(" ")[0], ""))
            found += rows_of(child)
    return found


def joined(nodes: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neighbouring texts as one: where a comment or script stands between two, the table has two."""
    found: list[tuple[str, str]] = []
    for tag, text in nodes:
        if not tag and found and not found[-1][0]:
            found[-1] = ("", found[-1][1] + text)
        elif tag or text:
            found.append((tag, text))
    return found


@settings(max_examples=300)
@given(SOUP)
def test_the_table_has_every_element_and_text_of_the_tree(html: str) -> None:
    root = LexborHTMLParser(html).css_first("html")
    assert root is not None
    assert joined(rows_of(parse(html))) == joined(nodes_of(root))


@settings(max_examples=300)
@given(SOUP)
def test_texts_and_starts_are_cut_out_at_the_right_characters(html: str) -> None:
    document = Document(html)
    for row in document.rows_below(document.root):
        start = document.start(row)
        assert start[:1].isalpha() and ">" not in start and document.written[document.firsts[row] - 1] == "<"
        element = document.element(row)
        texts = [child for child in element.children if isinstance(child, str)]
        assert document.nodes[OWN, row] == sum(len(text.strip()) for text in texts)


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from([*sorted(BEGINNINGS), "x7", "col", "Related", "menu", "posts", "of", "link", "text"]),
        max_size=6,
    ),
    st.data(),
)
def test_the_record_of_a_start_tag_says_what_the_tag_says(words: list[str], data: st.DataObject) -> None:
    separators = data.draw(st.lists(st.sampled_from([" ", "-", "_", ""]), min_size=6, max_size=6))
    names = "".join(word + separator for word, separator in zip(words, separators, strict=False)).strip()
    document = Document(f'<div class="{names}" data-x="1">x</div>')
    recorded = document.traits(next(document.elements_in(document.body)))
    assert (recorded.kind, recorded.code) == (kind_of(names), traits_of(f'div class="{names}"').code)


@pytest.mark.parametrize(
    ("start", "other"),
    [
        ('div id="sidebar"', 'div id="theorem-4"'),
        ('div style="display: none"', 'div style="color: red"'),
        ('span style="vertical-align: super"', 'span style="vertical-align: -2ex"'),
        ('div role="navigation"', 'div title="navigation"'),
        ('p data-latex="x"', 'p data-line="x"'),
        ("p hidden", "p lang=en"),
    ],
)
def test_what_an_attribute_says_is_told_from_what_says_nothing(start: str, other: str) -> None:
    tag = start.partition(" ")[0]
    *_, told, silent = Document(f"<body><{start}>a</{tag}><{other}>b</{tag}>").sorts
    assert (told.code, told.kind, told.role) != (silent.code, silent.kind, silent.role)
    assert silent is traits_of(tag)


def test_an_element_that_was_replaced_takes_with_it_all_that_it_held() -> None:
    document = Document('<body><p>a<span class="katex"><math><mi>x</mi></math></span>b</p>')
    outer, inner = (int(row) for row in document.lists[CANDIDATES])
    assert document.text_in(document.body) == "axb" and list(document.candidates()) == [outer, inner]
    document.replace(outer, traits_of("b"), ["z"])
    assert list(document.candidates()) == [outer]
    assert document.text_in(document.body) == "azb"


def test_the_depth_of_the_tree_is_bounded_and_its_text_is_kept() -> None:
    deep = parse("<div>" * 400 + "x" + "</div>" * 400)
    assert deep.text() == "x"
    assert sum(1 for _ in deep.iterate()) <= MAX_DEPTH + 3


def test_escapes_are_read_once() -> None:
    assert parse("<p>&amp;lt; &amp;amp;nbsp; &lt;b></p>").text() == "&lt; &amp;nbsp; <b>"
    assert unescape("&amp;lt;") == "&lt;"
