"""What a reader sees of a page, by the rules of the HTML Standard's tokenizer."""

import html
import random
from html.entities import html5

import pytest

from pipelines.crawl.markup import visible_text

PAGES = [
    ("<p>one</p><p>two", "one\ntwo"),
    ("a<b>b</b>c", "abc"),
    ("<tr><td>1<td>2<tr><td>3", "1 2\n3"),
    ("  a \n\t b  ", "a b"),
    ("a&nbsp;\u00a0b", "a b"),
    ("<pre>a\n  b</pre>c\nd", "a\nb\nc d"),
    ("a < b and c > d <3", "a < b and c > d <3"),
    ('<a title="x > y <b>">z</a>', "z"),
    ("<a title='it&quot;s >'>z</a>", "z"),
    ("<a title=x/y>z</a>", "z"),
    ("<p class=\"a'b\">it's</p>", "it's"),
    ("<!-- a > b <p> -->c", "c"),
    ("<!-->c", "c"),
    ("<!--a--!>c", "c"),
    ("<!DOCTYPE html><?xml version='1.0'?>c", "c"),
    ("<script>if (a<b) { '</p>' }</script>c", "c"),
    ("<SCRIPT>x</Script >c", "c"),
    ("a<script>no end", "a"),
    ("a<style>p{}</style>b", "ab"),
    ("<scripted>a</scripted>", "a"),
    ("<buttonless>a", "a"),
    ("a<button>x</button>b", "a b"),
    ("a<button>no end <p>b", "ano end\nb"),
    ("<svg><title>x</title></svg>y", "y"),
    ("a<svg/>b", "ab"),
    ("<textarea><p>x</textarea>y", "y"),
    ("a<br>b<BR/>c", "a\nb\nc"),
    ("<h1>a</h1><h6>b</h6><hgroup>c", "a\nb\nc"),
    ('x<img alt="\\frac{a}{b}" src=y>z', "x \\frac{a}{b} z"),
    ("<img alt='a<b & c>d'>", "a<b & c>d"),
    ("<img alt=x><img src='alt=y'><img data-alt='n'>", "x"),
    ("<script type='math/tex; mode=display'>a<b & c</script>", "$a<b & c$"),
    ("p<script type=math/asciimath>x^2</script>q", "p $x^2$ q"),
    ("<script type='math/mml'><math/></script>q", "q"),
    ("<math><mi>x</mi><mo>=</mo></math>", "x="),
    ("</>a</ b>c", "ac"),
    ("a</p", "a"),
    ("a<p", "a"),
    ("a<p ", "a"),
    ("a</", "a</"),
    ('a<p x="b>c', "a\nc"),
    ("a<", "a<"),
    ("a\0b", "ab"),
    ("中文<p>数学", "中文\n数学"),
    ("&amp;lt;", "&lt;"),
    ("&#60;p&#62;", "<p>"),
]


@pytest.mark.parametrize(("page", "text"), PAGES)
def test_visible_text(page, text):
    assert visible_text(page.encode()).text == text


ENTITIES = [
    "&lt",
    "&ltx",
    "&notit;",
    "&notin;",
    "&#x2212;",
    "&#X41",
    "&#150;",
    "&#0;",
    "&#xD800;",
    "&#1114112;",
    "&#",
    "&#x",
]
ENTITIES += [
    "&",
    "&;",
    "&&amp;",
    "&#x1D465;",
    "&unknown;",
    "&ampamp;",
    "&nGt;",
    "&#99999999999999999999;",
    "&NotEqualTilde;",
]


@pytest.mark.parametrize("entity", ENTITIES)
def test_entities_are_those_of_the_standard(entity):
    assert visible_text(f"a{entity} b".encode()).text == f"a{html.unescape(entity)} b"


def test_every_named_character_is_known():
    for name, characters in html5.items():
        if not characters.isspace():
            assert visible_text(f"x&{name}y".encode()).text == f"x{characters}y", name


def test_the_title_is_the_first_one_with_its_entities():
    page = visible_text(b"<head><title>\n A &amp; B</title><body><svg><title>C</title></svg><title>D</title>")
    assert (page.title, page.text) == ("A & B", "")


def test_any_bytes_have_a_text_and_none_takes_long():
    chooser = random.Random(1)
    pieces = [
        b"<",
        b">",
        b"</",
        b"<!--",
        b"-->",
        b'"',
        b"'",
        b"=",
        b"&",
        b"#",
        b"x",
        b"\xff",
        b"\xc2",
        b"\0",
        b" ",
        b"<p",
    ]
    pieces += [
        b"<script",
        b"</script",
        b"<img alt=",
        b"<title>",
        b"<button>",
        b"<pre>",
        b"math/tex",
        b"&#x1F600;",
        b"&nGt;",
    ]
    for _ in range(3_000):
        page = visible_text(b"".join(chooser.choices(pieces, k=chooser.randrange(40))))
        (page.text + page.title).encode()


@pytest.mark.parametrize(
    "piece", [b"<", b"<button>", b"<a b='", b"<!--", b"&", b"&a", b"</", b"<script>", b'<img alt="', b"<svg><p>"]
)
def test_a_page_made_to_be_slow_is_not(piece):
    visible_text(piece * 300_000)  # quadratic time would be hours


def test_a_script_that_xml_closes_itself_hides_nothing_and_in_html_it_does():
    page = b'<html><head><script src="a.js" /></head><body><p>Let x be even.</p></body></html>'
    assert visible_text(b'<?xml version="1.0"?>\n' + page).text == "Let x be even."
    assert visible_text(page).text == ""
