"""Pages of the embedded crawl: what they say (from the grammars) and how their sites dress it up as HTML."""

from __future__ import annotations

import html
import random
import re
from dataclasses import dataclass

from pipelines.crawl.planted_formulas import Markup, render
from pipelines.crawl.planted_grammar import Grammar, grammar

FORMULA = re.compile(r"(?<!\\)\$\$(.+?)\$\$|(?<!\\)\$(.+?)\$")
MATH_KINDS = frozenset({"notes", "exercises", "forum_tex", "forum", "word_problems"})
TAGGED_KINDS = frozenset({"notes", "exercises", "forum_tex"})
"""Kinds whose text carries formulas; the other mathematical ones say everything in words."""
OTHER_LANGUAGES = frozenset({"de", "fr", "es", "ru", "ja", "pt"})
HEADINGS = {
    "en": {"definition": "Definition", "theorem": "Theorem", "proof": "Proof", "example": "Example",
           "exercise": "Exercises", "answer": "Hints", "problem": "Problem", "solution": "Answers"},
    "zh": {"definition": "定义", "theorem": "定理", "proof": "证明", "example": "例题", "exercise": "练习",
           "answer": "提示", "problem": "题目", "solution": "参考答案"},
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a page says, before any template: (tag, text) blocks; `$...$` in them is TeX where `formulas` is true.

    The text of a block `html` is HTML already.
    """

    title: str
    blocks: tuple[tuple[str, str], ...]
    language: str
    formulas: bool

    def tex(self) -> list[str]:
        """Its formulas in reading order."""
        if not self.formulas:
            return []
        texts = [text for tag, text in self.blocks if tag != "html"]
        return [inline or display for text in texts for display, inline in FORMULA.findall(text)]


def compose(kind: str, language: str, draw: random.Random) -> Content:
    """A new page of a kind: notes, exercises, forum, word_problems, news, shop, prices, code ..."""
    if kind == "notes":
        return _notes(language, draw)
    if kind == "exercises":
        return _exercises(language, draw)
    if kind in ("forum", "forum_tex"):
        return _forum(draw, formulas=kind == "forum_tex")
    if kind == "word_problems":
        return _word_problems(language, draw)
    return _ordinary(kind, language, draw)


def _topic(rules: Grammar, draw: random.Random) -> str:
    return draw.choice([name.removesuffix("_title") for name in rules.under("") if name.endswith("_title")])


def _notes(language: str, draw: random.Random) -> Content:
    rules, names = grammar(f"math_{language}"), HEADINGS[language]
    topic = _topic(rules, draw)
    blocks = [("p", _joined(rules.several("lead", draw, draw.randint(1, 2)), language))]
    for part, count in (
        ("definition", 2),
        ("theorem", 2),
        ("proof", 2),
        ("example", 2),
        ("exercise", 2),
        ("answer", 1),
    ):
        if part != "theorem" and draw.random() < 0.15:
            continue
        blocks.append(("h2", names[part]))
        for sentence in rules.several(f"{topic}_{part}", draw, draw.randint(1, count)):
            linking = [rules.expand("linking", draw)] if draw.random() < 0.6 else []
            blocks.append(("p", _joined([sentence, *linking], language)))
    return Content(title=rules.expand(f"{topic}_title", draw), blocks=tuple(blocks), language=language, formulas=True)


def _exercises(language: str, draw: random.Random) -> Content:
    rules, names = grammar(f"math_{language}"), HEADINGS[language]
    topics = {_topic(rules, draw) for _ in range(3)}
    blocks = []
    for topic in sorted(topics):
        blocks.append(("h2", rules.expand(f"{topic}_title", draw)))
        blocks += [("li", text) for text in rules.several(f"{topic}_exercise", draw, draw.randint(1, 3))]
        blocks.append(("p", _joined([names["answer"] + ": ", rules.expand(f"{topic}_answer", draw)], language)))
        blocks.append(("p", rules.expand(f"{topic}_example", draw)))
    number = draw.randint(2, 90)
    title = f"Exercise sheet {number}" if language == "en" else f"练习卷（{number}）"
    return Content(title=title, blocks=tuple(blocks), language=language, formulas=True)


def _forum(draw: random.Random, *, formulas: bool) -> Content:
    rules = grammar("forum_en")
    asked = rules.several("question", draw, 1) + rules.several("attempt", draw, draw.randint(0, 1))
    blocks = [("question", " ".join(asked))]
    if formulas:
        topic = _topic(grammar("math_en"), draw)
        blocks.append(("question", " ".join(grammar("math_en").several(f"{topic}_exercise", draw, 2))))
    for reply in rules.several("answer", draw, draw.randint(1, 3)):
        extra = [grammar("math_en").expand(f"{topic}_proof", draw)] if formulas else []
        blocks += [("answer", " ".join([reply, *extra])), ("comment", rules.expand("comment", draw))]
    return Content(title=rules.expand("title", draw), blocks=tuple(blocks), language="en", formulas=formulas)


def _word_problems(language: str, draw: random.Random) -> Content:
    rules, names = grammar(f"word_problems_{language}"), HEADINGS[language]
    blocks = [("p", _joined(rules.several("intro", draw, draw.randint(1, 2)), language))]
    blocks += [("li", text) for text in rules.several("problem", draw, draw.randint(3, 6))]
    blocks.append(("h2", names["solution"]))
    blocks += [("li", text) for text in rules.several("solution", draw, draw.randint(2, 4))]
    return Content(title=rules.expand("title", draw), blocks=tuple(blocks), language=language, formulas=False)


def _ordinary(kind: str, language: str, draw: random.Random) -> Content:
    rules = grammar("ordinary_other" if language in OTHER_LANGUAGES else f"ordinary_{language}")
    sentences = rules.several(kind, draw, draw.randint(4, 9))
    blocks = []
    while sentences:
        size = draw.randint(2, 4)
        blocks.append(("p", _joined(sentences[:size], language)))
        sentences = sentences[size:]
    if f"{kind}_row" in rules.symbols:
        tag = "pre" if kind == "code" else "row"
        blocks[1:1] = [(tag, text) for text in rules.several(f"{kind}_row", draw, draw.randint(4, 9))]
    if "comment" in rules.symbols and draw.random() < 0.3:
        blocks.append(("comment", rules.expand("comment", draw)))
    return Content(title=rules.expand(f"{kind}_title", draw), blocks=tuple(blocks), language=language, formulas=False)


def _joined(sentences: list[str], language: str) -> str:
    return ("" if language in ("zh", "ja") else " ").join(sentences)


def edited(content: Content, draw: random.Random) -> Content:
    """The same page after a small edit: a note at its end, as mirrors and new versions have."""
    notes = {
        "en": f"Last checked on day {draw.randint(1, 28)} of the month.",
        "zh": f"最后核对于本月{draw.randint(1, 28)}日。",
    }
    note = ("p", notes.get(content.language, f"[{draw.randint(100, 999)}]"))
    return Content(
        title=content.title, blocks=(*content.blocks, note), language=content.language, formulas=content.formulas
    )


def to_html(content: Content, *, site: str, skin: str, markup: Markup | None, charset: str) -> str:
    """The page in its site's template."""
    body = []
    for tag, text in content.blocks:
        if tag == "html":
            body.append(text)
            continue
        inner = _inline(text, markup) if content.formulas and markup else html.escape(text, quote=False)
        body.append(_block(tag, inner, skin))
    heading = f"<h1>{html.escape(content.title)}</h1>"
    top, bottom = _frame(site, skin, markup, content.language)
    return (
        f'<!DOCTYPE html>\n<html lang="{content.language}">\n<head>\n<meta charset="{charset}">\n'
        f"<title>{html.escape(content.title)} - {html.escape(site)}</title>\n{_head(skin, markup)}</head>\n<body>\n"
        f"{top}\n{heading}\n" + "\n".join(body) + f"\n{bottom}\n</body>\n</html>\n"
    )


def _inline(text: str, markup: Markup) -> str:
    pieces, end = [], 0
    for found in FORMULA.finditer(text):
        display, inline = found.groups()
        pieces.append(html.escape(text[end : found.start()], quote=False))
        pieces.append(render(display or inline, markup, display=display is not None))
        end = found.end()
    pieces.append(html.escape(text[end:], quote=False))
    return "".join(pieces)


def _block(tag: str, inner: str, skin: str) -> str:
    if tag == "row":
        cells = "".join(f"<td>{cell}</td>" for cell in inner.split("|"))
        return f"<table><tr>{cells}</tr></table>"
    if tag in ("question", "answer", "comment"):
        return f'<div class="{tag} post"><div class="body"><p>{inner}</p></div></div>'
    if tag == "li":
        return f"<ol><li>{inner}</li></ol>" if skin != "plain" else f"<p><b>*</b> {inner}</p>"
    return f"<{tag}>{inner}</{tag}>"


def _head(skin: str, markup: Markup | None) -> str:
    lines = ['<meta name="viewport" content="width=device-width">', f'<link rel="stylesheet" href="/{skin}.css">']
    if markup in ("mathjax", "dollars", "script"):
        lines.append('<script src="/static/mathjax/MathJax.js?config=TeX-AMS_CHTML"></script>')
    if markup == "katex":
        lines.append('<link rel="stylesheet" href="/static/katex/katex.min.css">')
    if skin in ("blog", "shop", "forum"):
        lines.append("<script>$(function(){ $('.menu').hide(); var total = $('#cart').data('n'); });</script>")
    return "\n".join(lines) + "\n"


def _frame(site: str, skin: str, markup: Markup | None, language: str) -> tuple[str, str]:
    """What comes before and after the content: navigation, sidebars, banners, footers."""
    words = {
        "zh": ("首页", "关于我们", "联系方式", "搜索", "版权所有", "上一篇", "下一篇", "我们使用 Cookie 以改善体验。"),
        "en": (
            "Home",
            "About",
            "Contact",
            "Search",
            "All rights reserved",
            "Previous",
            "Next",
            "This site uses cookies.",
        ),
    }.get(language, ("Home", "Info", "Kontakt", "…", "©", "<<", ">>", "Cookies"))
    name = html.escape(site)
    home, about, contact, search, rights, before, after, cookies = (html.escape(word) for word in words)
    nav = f'<nav><a href="/">{home}</a> | <a href="/about">{about}</a> | <a href="/contact">{contact}</a></nav>'
    if skin == "plain":
        return f'<a href="/">{name}</a><hr>', f'<hr><a href="prev.html">{before}</a> <a href="next.html">{after}</a>'
    if skin in ("docs", "notes", "wiki"):
        side = f'<div class="sidebar"><ul><li>{home}</li><li>{about}</li></ul></div>'
        top = f'<div class="header">{name} {nav}</div>{side}<div id="content" role="main">'
        return top, f'</div><div class="footer">{rights} {name}</div>'
    banner = f'<div class="cookie-banner">{cookies}</div>'
    top = f'{banner}<header><h2 class="logo">{name}</h2>{nav}<form><input placeholder="{search}"></form></header><main>'
    return top, f"</main><aside>{before} · {after}</aside><footer>© {name}. {rights}.</footer>"
