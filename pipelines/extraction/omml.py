"""Word's Office Math (ECMA-376 part 1, §22.1) as MathML: Word saves a page with it in comments that only itself reads."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

TOKEN = re.compile(r"<(/?)m:(\w+)((?:\s[^<>]*?)?)(/?)>|<[^<>]*>|([^<>]+)")
VALUE = re.compile(r'm:val="([^"]*)"')
LEAF = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]|\S")
ACCENT_DEFAULT, NARY_DEFAULT = "\u0302", "∫"


@dataclass(slots=True)
class _Node:
    tag: str
    value: str = ""
    children: list[_Node | str] = field(default_factory=list)

    def find(self, tag: str) -> _Node | None:
        return next((child for child in self.children if isinstance(child, _Node) and child.tag == tag), None)

    def all(self, tag: str) -> list[_Node]:
        return [child for child in self.children if isinstance(child, _Node) and child.tag == tag]

    def property(self, name: str, default: str = "") -> str:
        """A value of the element's properties, `m:dPr` for `m:d`."""
        properties = self.find(f"{self.tag}pr")
        said = properties.find(name) if properties is not None else None
        return said.value if said is not None else default


def mathml_of(omml: str) -> str:
    """`<math>` for what one comment holds; empty where that is no formula."""
    root = _tree(omml)
    inner = _row(root.children)
    display = ' display="block"' if "omathpara" in omml.lower() else ""
    return f"<math{display}>{inner}</math>" if inner else ""


def _tree(omml: str) -> _Node:
    root = _Node("")
    stack = [root]
    for closing, name, attributes, empty, text in TOKEN.findall(omml):
        if text:
            if stack[-1].tag in ("r", "t"):
                stack[-1].children.append(html.unescape(text).strip("\r\n"))
            continue
        tag = name.lower()
        if not name:
            continue
        if closing:
            while len(stack) > 1 and stack.pop().tag != tag:
                pass
            continue
        value = VALUE.search(attributes)
        node = _Node(tag, html.unescape(value[1]) if value else "")
        stack[-1].children.append(node)
        if not empty:
            stack.append(node)
    return root


def _row(children: list[_Node | str]) -> str:
    return "".join(_mathml(child) for child in children)


def _mathml(node: _Node | str) -> str:
    if isinstance(node, str):
        return "".join(_leaf(token) for token in LEAF.findall(node))
    writer = WRITERS.get(node.tag)
    if writer is not None:
        return writer(node)
    return "" if node.tag.endswith("pr") else _row(node.children)


def _leaf(token: str) -> str:
    tag = "mn" if token[0].isdigit() else "mi" if token.isalpha() else "mo"
    return f"<{tag}>{html.escape(token, quote=False)}</{tag}>"


def _run(node: _Node) -> str:
    """A run of characters; words where its properties say so."""
    properties = node.find("rpr")
    if properties is not None and properties.find("nor") is not None:
        words = "".join(child if isinstance(child, str) else "".join(filter(lambda each: isinstance(each, str), child.children)) for child in node.children if child is not properties)  # type: ignore[arg-type]  # fmt: skip
        return f"<mtext>{html.escape(words, quote=False)}</mtext>"
    return _row(node.children)


def _part(node: _Node, tag: str) -> str:
    part = node.find(tag)
    return f"<mrow>{_row(part.children) if part is not None else ''}</mrow>"


def _with(tag: str, *parts: str) -> Callable[[_Node], str]:
    return lambda node: f"<{tag}>{''.join(_part(node, part) for part in parts)}</{tag}>"


def _root(node: _Node) -> str:
    index = node.find("deg")
    if index is None or not _row(index.children):
        return f"<msqrt>{_part(node, 'e')}</msqrt>"
    return f"<mroot>{_part(node, 'e')}{_part(node, 'deg')}</mroot>"


def _operator(node: _Node) -> str:
    """A sum, an integral, with its bounds and what it stands before."""
    sign = f"<mo>{html.escape(node.property('chr', NARY_DEFAULT))}</mo>"
    under = "munderover" if node.property("limloc") == "undOvr" else "msubsup"
    parts = {name: node.find(name) for name in ("sub", "sup")}
    filled = [name for name, part in parts.items() if part is not None and _row(part.children)]
    if len(filled) == 2:
        sign = f"<{under}>{sign}{_part(node, 'sub')}{_part(node, 'sup')}</{under}>"
    elif filled:
        single = {"sub": "msub", "sup": "msup"} if under == "msubsup" else {"sub": "munder", "sup": "mover"}
        sign = f"<{single[filled[0]]}>{sign}{_part(node, filled[0])}</{single[filled[0]]}>"
    return f"{sign}{_part(node, 'e')}"


def _brackets(node: _Node) -> str:
    opening, closing = node.property("begchr", "("), node.property("endchr", ")")
    between = f"<mo>{html.escape(node.property('sepchr', '|'))}</mo>"
    inner = between.join(f"<mrow>{_row(part.children)}</mrow>" for part in node.all("e"))
    ends = [f"<mo>{html.escape(sign)}</mo>" if sign else "" for sign in (opening, closing)]
    return f"<mrow>{ends[0]}{inner}{ends[1]}</mrow>"


def _accent(node: _Node) -> str:
    sign = node.property("chr", ACCENT_DEFAULT)
    return f"<mover>{_part(node, 'e')}<mo>{html.escape(sign)}</mo></mover>"


def _bar(node: _Node) -> str:
    tag = "munder" if node.property("pos") == "bot" else "mover"
    return f"<{tag}>{_part(node, 'e')}<mo>¯</mo></{tag}>"


def _matrix(node: _Node) -> str:
    rows = "".join(
        f"<mtr>{''.join(f'<mtd>{_row(cell.children)}</mtd>' for cell in row.all('e'))}</mtr>" for row in node.all("mr")
    )
    return f"<mtable>{rows}</mtable>"


def _lines(node: _Node) -> str:
    rows = "".join(f"<mtr><mtd>{_row(line.children)}</mtd></mtr>" for line in node.all("e"))
    return f"<mtable>{rows}</mtable>"


WRITERS: dict[str, Callable[[_Node], str]] = {
    "r": _run, "f": _with("mfrac", "num", "den"), "ssup": _with("msup", "e", "sup"), "ssub": _with("msub", "e", "sub"),
    "ssubsup": _with("msubsup", "e", "sub", "sup"), "rad": _root, "nary": _operator, "d": _brackets, "acc": _accent, "bar": _bar,
    "limlow": _with("munder", "e", "lim"), "limupp": _with("mover", "e", "lim"), "m": _matrix, "eqarr": _lines,
    "func": lambda node: f"{_part(node, 'fname')}{_part(node, 'e')}",
}  # fmt: skip
