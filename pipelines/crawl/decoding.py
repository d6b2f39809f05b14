"""Bytes of a page to text: which character encoding, in the order browsers trust them (HTML Standard §13.2.3)."""

from __future__ import annotations

import codecs
import re

BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
META_WINDOW = 4096  # bytes; the Standard asks for 1,024, real pages put scripts before it
META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
XML = re.compile(rb"^\s*<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.:-]{2,40})", re.I)
HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
TOO_MANY_ERRORS = 0.002  # share of undecodable characters above which a declared charset is taken for a lie
SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
    "tis-620": "cp874",
    "iso-8859-9": "cp1254",
}
"""What a label means on the web (Encoding Standard): the superset that pages really use."""


def decode_html(body: bytes, content_type: str | None = None) -> tuple[str, str]:
    """The page as text, and the name of the encoding (Python's). Never raises: what cannot be decoded becomes U+FFFD."""
    for mark, name in BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace"), name
    for label in _declared(body, content_type):
        text = body.decode(label, "replace")
        if text.count("\ufffd") <= TOO_MANY_ERRORS * len(text) and not (label == "cp1252" and _is_utf8(body)):
            return text, label
    name = _detected(body)
    return body.decode(name, "replace"), name


def _declared(body: bytes, content_type: str | None) -> list[str]:
    labels = [found.group(1) for found in [HEADER.search(content_type or "")] if found]
    head = body[:META_WINDOW]
    labels += [found.group(1).decode("ascii", "replace") for found in (META.search(head), XML.search(head)) if found]
    names = [name for name in map(_python_name, labels) if name is not None]
    return ["utf-8" if name.startswith("utf-16") else name for name in names]  # declared in ASCII: it cannot be UTF-16


def _python_name(label: str) -> str | None:
    label = (
        label.strip().lower().replace("_", "-").replace("x-", "", 1)
        if label.lower().startswith("x-")
        else label.strip().lower()
    )
    try:
        name = codecs.lookup(SUPERSETS.get(label, label)).name
    except LookupError:
        return None
    return SUPERSETS.get(name, name)


def _is_utf8(body: bytes) -> bool:
    if body.isascii():
        return False
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _detected(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        from resiliparse.parse.encoding import detect_encoding

        return _python_name(str(detect_encoding(body, from_html_meta=False) or "cp1252")) or "cp1252"
    return "utf-8"
