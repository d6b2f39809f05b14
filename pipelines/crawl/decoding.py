"""Bytes of a page to text: which character encoding, in the order browsers trust them (HTML Standard §13.2.3)."""

from __future__ import annotations

import codecs
import re
from functools import cache
from pathlib import Path

BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
META_WINDOW = 4096  # bytes; the Standard asks for 1,024, real pages put scripts before it
META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
XML = re.compile(rb"^\s*<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.:-]{2,40})", re.I)
HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
TOO_MANY_ERRORS = 0.002  # share of undecodable characters above which a declared charset is taken for a lie
FEW_ERRORS = 4  # and as many are forgiven on a page of any length: one broken byte inside a character makes four
SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "johab": "cp949",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
    "iso8859-9": "cp1254",
    "iso2022_jp": "iso2022_jp_ext",
}
"""Python's name of a label to that of the superset which web pages really use (Encoding Standard §4.2)."""
WEB = frozenset(
    ["utf-8", "utf-16-le", "utf-16-be", "utf-16", "gb18030", "big5hkscs", "cp932", "cp949", "euc_jp", "iso2022_jp_ext"]
    + [f"cp{number}" for number in (866, 874, 932, 949, *range(1250, 1259))]
    + [f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)]
    + ["koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "hz", "ptcp154", "kz1048", "mac-greek"]
)
"""Encodings of texts. Python has more codecs, such as hex and undefined, which no page can be in."""
FREQUENT_CHARACTERS = Path(__file__).with_name("frequent_characters.tsv")
KANA = frozenset(map(chr, [*range(0x3041, 0x3097), *range(0x30A1, 0x30FB)]))
FEWEST_CHARACTERS = 6  # fewer from East Asia say nothing
LONGEST_SAMPLE = 40_000  # bytes
LEAST_SHARE = 0.3
"""Of a page's East Asian characters that are frequent ones. Measured on 4,600 pieces of school problems and manuals: decoded
right 99 of 100 have 0.33 or more, decoded as another encoding of the table 0.27 or less."""


def decode_html(body: bytes, content_type: str | None = None) -> tuple[str, str]:
    """The page as text, and the name of the encoding (Python's). Never raises: what cannot be decoded becomes U+FFFD."""
    for mark, name in BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace"), name
    for label in _declared(body, content_type):
        if label == "cp1252" and not body.isascii():  # many a server says so of every page it has, whatever its bytes
            label = _two_byte_encoding(body) or label
        if label == "utf-8" and (valid := _utf8(body)) is not None:
            return valid, label
        text = body.decode(label, "replace")
        if _credible(text) and not (label == "cp1252" and not body.isascii() and _utf8(body) is not None):
            return text, label
    name = _detected(body)
    return body.decode(name, "replace"), name


def _credible(text: str) -> bool:
    return text.count("\ufffd") <= max(FEW_ERRORS, TOO_MANY_ERRORS * len(text))


def _declared(body: bytes, content_type: str | None) -> list[str]:
    labels = [found.group(1) for found in [HEADER.search(content_type or "")] if found]
    head = body[:META_WINDOW]
    labels += [found.group(1).decode("ascii", "replace") for found in (META.search(head), XML.search(head)) if found]
    names = [name for name in map(_python_name, labels) if name is not None]
    if names[:1] == ["cp1252"]:  # a server's default; the author's word goes before it
        names = names[1:] + names[:1]
    # A declaration that can be read as ASCII is not in UTF-16 (HTML Standard §13.2.3.3).
    return list(dict.fromkeys("utf-8" if name.startswith("utf-16") and b"\0" not in head else name for name in names))


def _python_name(label: str) -> str | None:
    """Python's name of a web encoding's label; None where it is none."""
    label = label.strip().lower()
    for spelling in (label, label.removeprefix("x-"), label.removeprefix("x-").removesuffix("-win")):
        try:
            name = codecs.lookup(spelling).name
        except LookupError:
            continue
        name = SUPERSETS.get(name, name)
        if name in WEB:
            return name
    return None


def _utf8(body: bytes) -> str | None:
    """The text, where there is nothing in it that is not UTF-8."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _detected(body: bytes) -> str:
    if b"\x1b$" in body and body.isascii():
        return "iso2022_jp_ext"
    if name := _unmarked_utf16(body[:META_WINDOW]):
        return name
    # The end of a page that the crawler cut may lie inside a character.
    text = body.decode("utf-8", "replace")
    errors = text.count("\ufffd")
    if _credible(text) and (errors <= sum(character > "\x7f" for character in text) / 2):
        return "utf-8"
    if name := _two_byte_encoding(body):
        return name
    from resiliparse.parse.encoding import detect_encoding

    return _python_name(str(detect_encoding(body, from_html_meta=False) or "")) or "cp1252"


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without its mark: mostly ASCII markup, so every other byte is zero."""
    pairs = len(head) // 2
    if pairs and head[1::2].count(0) > 0.6 * pairs:
        return "utf-16-le"
    return "utf-16-be" if pairs and head[::2].count(0) > 0.6 * pairs else None


def _two_byte_encoding(body: bytes) -> str | None:
    """The two-byte encoding in which the page is full of frequent characters; None where it is in none of them.

    The detector knows single bytes well and takes two-byte encodings for them, or one for another: GBK read as Korean
    is all Hangul, but seldom the syllables that Korean is made of.
    """
    best, most = None, LEAST_SHARE
    for name, frequent in _frequent_characters().items():
        text = body[:LONGEST_SAMPLE].decode(name, "replace")
        asian = [character for character in text if character > "\u2fff"]
        if len(asian) >= FEWEST_CHARACTERS and text.count("\ufffd") <= FEW_ERRORS:
            share = sum(character in frequent for character in asian) / len(asian)
            if share > most:
                best, most = name, share
    return best


@cache
def _frequent_characters() -> dict[str, frozenset[str]]:
    rows = FREQUENT_CHARACTERS.read_text(encoding="utf-8").splitlines()
    table = dict(row.split("\t") for row in rows if not row.startswith("#"))
    return {name: frozenset(characters) for name, characters in table.items()} | {"cp932": KANA, "euc_jp": KANA}
