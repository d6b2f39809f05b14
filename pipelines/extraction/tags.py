"""What a start tag says by itself: how its element is read, and what its class, id and role make of it.

A page repeats its start tags, so each distinct one is judged once (`Traits`) and every element that begins with it
shares the verdict. The names and numbers here are compiled into the loops of `scanning` and `nodes`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pipelines.extraction.class_names import Kind, kind_of, kind_of_id, stronger

ELEMENT, CANDIDATE, TRANSPARENT, VOID, WHOLE_FORMULA, PREFORMATTED, SKIPPED, RAW, TITLE, IGNORED = range(10)
"""How an element is read: kept; kept, and its text may be a formula; only what it holds is kept; without content; kept
with all it holds, as a formula's rendering; as program text; left out; content that is no markup; the page's title;
left out, without content."""

FLOW, BOX, HEADING, PROGRAM, LIST, TERM, SCRIPT, EMPHASIS, SIGNED, LINE_BREAK, QUOTATION, TABLE, RULE, GONE, GONE_BOX = range(15)  # fmt: skip
"""How an element is written (blocks.BlockWriter): as what it holds, as a block ...; the last two stand where one was."""
SUSPECT, HEADLINE, IN_LINE, LINK, TEXT_BLOCK, CONTENT_SIGN, IN_PROGRAM, NUMBERS, NEVER_SHOWN, IMAGE, LEAF, LINK_HOLDER, IS_MAIN, IS_PRE, SILENT, LAYOUT, VISIBLE_KATEX, TEX_SOURCE, MATH_SOURCE, IS_FORMULA, ITEM, RULED = (1 << place for place in range(8, 30))  # fmt: skip
"""What else a tag says, as bits of `Traits.code`."""


NEVER_TEXT = frozenset(
    ["script", "style", "noscript", "template", "iframe", "frame", "svg", "canvas", "button", "select", "option", "input", "textarea", "audio", "video", "object", "embed", "map", "dialog", "meta", "link", "area", "progress", "meter", "datalist", "optgroup", "source", "track", "applet", "param", "noframes", "rp", "rt"]
)  # fmt: skip
INLINE = frozenset(
    ["a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark", "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"]
)  # fmt: skip
BLOCK = frozenset(
    ["address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "listing", "main", "menu", "nav", "ol", "optgroup", "p", "pre", "search", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "xmp", "plaintext"]
)  # fmt: skip
ONLY_STYLE = frozenset(
    ["span", "b", "font", "big", "small", "u", "s", "strike", "del", "ins", "label", "nobr", "abbr", "acronym", "bdi", "bdo", "cite", "time", "mark", "dfn", "data", "head"]
)  # fmt: skip
"""Elements that vanish where no attribute gives them a meaning: their text is their parent's."""
VOIDS = frozenset(
    [
        "area",
        "base",
        "basefont",
        "bgsound",
        "br",
        "col",
        "embed",
        "frame",
        "hr",
        "img",
        "input",
        "keygen",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
RAW_TEXT = frozenset(["script", "style", "xmp", "iframe", "noembed", "noframes", "plaintext"])
"""Elements whose content is no markup (HTML Standard §13.3, serialising)."""
SECTIONS = frozenset({"nav", "footer", "header", "aside"})
WHOLE = frozenset({"html", "body", "main", "article", "h1", "h2", "h3", "math", "tbody", "tr", "p"})
"""Elements that no class name can condemn."""
TEXT_BLOCKS = frozenset({"pre", "p", "li", "dd", "td"})
"""Blocks whose text counts as running text however short it is."""
ROLES = frozenset(
    {
        "navigation",
        "banner",
        "contentinfo",
        "search",
        "complementary",
        "menu",
        "menubar",
        "dialog",
        "alertdialog",
        "toolbar",
    }
)
RULEABLE = frozenset({"span", "div", "i", "em", "b", "u", "font", "small", "sup", "sub", "p"})
"""Elements that may be one part of a fraction."""
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


PROGRAM_CLASS = re.compile(r"(?:^|\s)(?:fragment|CodeMirror-code|blob-code-inner|codehilite-inner)(?:\s|$)")
"""Classes of blocks that show program text without saying so by their tag."""
SECTION_CLASS = re.compile(r"(?:^|\s)(?:(?:sub)*section|sect\d|level\d)(?:\s|$)")
"""Classes of the sections of a text."""
LANGUAGE_SIGN = re.compile("lang|brush|highlight|sourceCode")
"""One of these stands in every class that names the language of a program."""
NUMBERING = re.compile(
    r"(?:^|\s)(?:linenos?|lineno\w*|line-?number|pre-numbering|hljs-ln-numbers|gutter|rouge-gutter|blob-num)(?:\s|$)"
)
"""Classes of the numbers of lines, where program text shows them."""
OVERLINE = re.compile(r"text-decoration[a-z-]*\s*:\s*overline|border-top\s*:\s*\S*1px", re.IGNORECASE)
OVERLINED = "-overlined"
"""What stands under a line: behind a root sign the radicand."""
SCRIPT_CLASS = {"superscript": "sup", "subscript": "sub"}
SCRIPT_STYLE = re.compile(r"vertical-align\s*:\s*(super|sub)\b", re.IGNORECASE)
"""How word processors write `sup` and `sub`."""
CLASSIFIER = "-classifier"
"""The tag of docutils' type of a term, before which its style sheet draws a colon."""
SYMBOLS = "-symbols"
"""The tag of an element whose letters are drawn in the Symbol font."""
SYMBOL_FACE = re.compile(r"(?:^|font-family:[^;]*\b)symbol\b", re.IGNORECASE)
HEADLINE_CLASS = re.compile(
    r"(?:^|[\s_-])(?:(?:entry|post|article|page|story|question|topic|thread|content)-?(?:title|headline|heading)|headline)(?:$|\s)",
    re.IGNORECASE,
)
BARE_TAGS = frozenset({"formula", "eq", "tex", "latex", "equation", "math-inline", "math-block", "math-display", "inline-math", "display-math", "block-math", "tex-inline", "tex-block", "katex-inline", "katex-block", "inline-equation", "display-equation"})  # fmt: skip
"""Elements named after formulas that hold their TeX, or something else."""
MATH_TAGS = BARE_TAGS | frozenset(
    [
        "math",
        "mjx-container",
        "mjx-math",
        "d-math",
        "tex-math",
        "la-tex",
        "fmath",
        "math-field",
        "math-renderer",
        "x-equation",
        "amp-mathml",
        "jax",
        "x-tex",
        "nwc-formula",
        "inline-formula",
        "disp-formula",
    ]
)
MATH_STEMS = (
    "math",
    "katex",
    "mjx",
    "tex",
    "jax",
    "mq-",
    "eeimg",
    "formula",
    "pcenter",
    "frac",
    "intbl",
    "equation",
    "expression",
)
"""One of these, in lower case, stands in every class that says the element is a formula."""
FRACTION_CLASS = re.compile(r"(?:^|[\s_-])(?:s?frac|fraction|intbl|mfrac)(?=$|[\s_-])", re.IGNORECASE)
"""Classes of what is drawn as a fraction."""
RULE_STYLE = re.compile(r"border-(?:bottom|top)(?:-width|-style)?\s*:\s*(?!0|none)", re.IGNORECASE)
"""A line below or above, as between the two parts of a fraction."""
BOX_STYLE = re.compile(r"display\s*:\s*(?:inline-)?(?:block|table|flex)", re.IGNORECASE)
RENDERING = re.compile(
    r"(?:^|\s)(?:katex(?:-display|-block|-error|-html|-mathml)?|MathJax(?:_\w+)?|mjx-\S+|MJX\S+|mwe-math\S*|mq-\S+|texhtml|math (?:inline|display)|SimpleMath|pcenter|(?:ql-)?formula)(?:\s|$)|mathquill|js-render-math|(?:^|[\s_-])(?:s?frac|fraction|intbl|mfrac)(?=$|[\s_-])",
    re.IGNORECASE,
)
"""Classes of what a renderer of formulas leaves: several copies of one formula, to be read together."""
MATH_ATTRIBUTES = frozenset(
    [
        "data-latex",
        "data-tex",
        "data-katex",
        "data-mathml",
        "data-math",
        "data-equation",
        "data-formula",
        "data-asciimath",
        "data-expr",
        "data-custom-copy-text",
        "alttext",
    ]
)
NOTED_NAMES = ("class", "id", "style", "face", "hidden", "role", "aria-hidden", "itemprop", *sorted(MATH_ATTRIBUTES))
"""Attributes that `Traits` depends on."""
NOTED = re.compile(f' ({"|".join(NOTED_NAMES)})="([^"]*)"')
SOURCE = re.compile(
    r'script(?=.* type="\s*(?:math/|text/(?:x-)?(?:la)?tex|[^"]*asciimath))|annotation(?=.* encoding="application/x-tex")',
    re.IGNORECASE | re.DOTALL,
)
"""Start tags of scripts and annotations that hold a formula."""
ATTRIBUTE = re.compile(r' ([^\s>=]+)="([^"]*)"')


class Traits:
    """The verdict on one start tag."""

    __slots__ = ("block", "code", "dimmed", "header", "headline", "hidden", "kind", "language", "role", "tag")
    code: int
    """How the element is read (the lowest four bits), how it is written (the next four), and `SUSPECT` and the others."""

    def __init__(self, tag: str, attributes: dict[str, str], said_by_id: Kind = "") -> None:
        self.block = tag in BLOCK
        code = TAG_CODES.get(tag, 0)
        said = stronger(
            kind_of(attributes.get("class", "")),
            said_by_id or _kind_of_id(tag, attributes.get("class", ""), attributes.get("id", "")),
        )
        self.kind: Kind = "" if tag in WHOLE and (tag, said) != ("p", "never") else said
        if (
            tag in ("main", "article")
            or attributes.get("role") == "main"
            or said == "content"
            or attributes.get("itemprop") == "articleBody"
        ):
            code |= CONTENT_SIGN
        self.language = LANGUAGE_SIGN.search(attributes.get("class", "")) is not None
        self.hidden = "hidden" in attributes or HIDDEN.search(attributes.get("style", "")) is not None
        self.dimmed = attributes.get("aria-hidden") == "true"  # not read aloud
        self.role = attributes.get("role") in ROLES  # of something that is no content
        self.header = "header" in f"{attributes.get('class', '')} {attributes.get('id', '')}"
        suspect = tag in SECTIONS or self.kind in ("chrome", "never", "comments") or self.hidden or self.dimmed
        suspect = suspect or (tag not in WHOLE and (self.role or self.header))
        if suspect:
            code |= SUSPECT
        if tag in ("h1", "h2", "h3"):
            code |= HEADLINE
        names = f"{attributes.get('class', '')} {attributes.get('itemprop', '')}" if attributes else ""
        self.headline = tag == "h1" or (tag in ("h2", "h3") and HEADLINE_CLASS.search(names) is not None)
        self.tag = tag = _meant(tag, attributes)
        if tag not in ("code", "pre") and NUMBERING.search(attributes.get("class", "")) is not None:
            code |= NUMBERS
        if "katex-html" in attributes.get("class", ""):
            code |= VISIBLE_KATEX
        if "border" in attributes.get("style", "") and tag in RULEABLE and RULE_STYLE.search(attributes["style"]):
            code |= RULED
        action = _action(tag, attributes, suspect=suspect)
        form = FORMS.get(tag, FLOW)
        self.code = code | action | (PROGRAM if form == BOX and action == PREFORMATTED else form) << 4


def _meant(tag: str, attributes: dict[str, str]) -> str:
    """The tag, or what stands for it where a style or a class makes another element of it."""
    if (
        "symbol" in attributes.get("face", "").lower() or "ymbol" in attributes.get("style", "")
    ) and SYMBOL_FACE.search(" ".join(attributes.values())):
        return SYMBOLS
    if tag == "span" and attributes.get("class") == "classifier":
        return CLASSIFIER
    style = attributes.get("style", "")
    if style and tag in ("span", "font") and (script := SCRIPT_STYLE.search(style)):
        return "sup" if script[1].lower() == "super" else "sub"
    if tag != "span":
        return tag
    classes = attributes.get("class", "")
    if "script" in classes:
        return next((SCRIPT_CLASS[name] for name in classes.split() if name in SCRIPT_CLASS), tag)
    if "italic" in style:
        return "i"
    return OVERLINED if OVERLINE.search(style) else tag


def _action(tag: str, attributes: dict[str, str], *, suspect: bool) -> int:
    if tag in PLAIN_ACTIONS:
        return PLAIN_ACTIONS[tag]
    if tag[:1] == "!":  # a comment
        return IGNORED
    if tag in NEVER_TEXT:
        return SKIPPED
    if tag in MATH_TAGS:
        return WHOLE_FORMULA
    program = tag in ("pre", "listing") or _shows_program(tag, attributes.get("class", ""))
    if attributes and tag not in ("html", "body", "main", "article"):
        classes = attributes.get("class", "")
        math = bool(classes) and is_math_class(classes)
        if (
            (math and RENDERING.search(classes) is not None)
            or not MATH_ATTRIBUTES.isdisjoint(attributes)
            or (tag == "table" and classes.split()[:1] == ["display"])
        ):
            return WHOLE_FORMULA
        if math and not program and not (tag == "code" and "language-math" in classes and "inline" not in classes):
            return CANDIDATE
    if program:
        return PREFORMATTED
    if tag in ONLY_STYLE and not suspect and not _is_boxed(attributes.get("style", "")):
        return TRANSPARENT
    return ELEMENT


def _is_boxed(style: str) -> bool:
    """Whether a style makes a box of an element of a line, or draws a line at one: parts of a fraction, it may be."""
    return bool(style) and (BOX_STYLE.search(style) is not None or RULE_STYLE.search(style) is not None)


def _shows_program(tag: str, classes: str) -> bool:
    return (
        ("fragment" in classes or "ode" in classes)  # one of these stands in all names of the pattern
        and tag in BLOCK
        and PROGRAM_CLASS.search(classes) is not None
    )


def is_math_class(classes: str) -> bool:
    """Whether the classes can be those of a formula. `text` and `context` are no `tex`."""
    classes = classes.lower()
    for stem in MATH_STEMS:  # a generator would take longer than the whole search
        if stem in classes:
            return MATH_CLASS.search(classes) is not None
    return False


MATH_CLASS = re.compile(
    r"katex|mjx|math|(?:^|[\s_-])(?:equation|expression)(?:$|[\s_-])|(?:^|[\s_-])(?:la)?tex|jax|mq-|eeimg|(?:^|\s)(?:pcenter)(?:\s|$)|(?:^|[\s_-])formula(?:$|[\s_-])|wirisformula|(?:^|[\s_-])(?:s?frac|fraction|intbl|mfrac)(?=$|[\s_-])"
)


PLAIN_ACTIONS = {
    **dict.fromkeys(RAW_TEXT, RAW),
    **dict.fromkeys(VOIDS, IGNORED),
    **dict.fromkeys(("br", "hr", "img"), VOID),
    "title": TITLE,
}
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
IN_PROGRAMS = frozenset({"div", "li", "tr", "p", "code", "pre"})
"""Elements that count in program text: they break lines, or name a language."""
LEAVES = frozenset(
    ["p", "ul", "ol", "dl", "table", "pre", "blockquote", "tbody", "tr", "td", "li", "dd", *HEADINGS, "figure", "a", "span", "b", "i", "em", "strong", "font", "tt", "code", "-cut", "-formula"]
)  # fmt: skip
"""Elements that are never the content, though all text may lie in one."""
LINK_HOLDERS = frozenset({"ul", "ol", "div", "table", "section", "dl", "aside", "center"})
"""Blocks that may be a list of links inside the content."""
LAYOUTS = frozenset({"table", "pre", "h1", "h2", "h3", "ul", "ol", "blockquote", "form"})
"""What cells of tables hold where the table is not tabular."""
FORMS = {
    **dict.fromkeys(BLOCK, BOX),
    **dict.fromkeys(HEADINGS, HEADING),
    **dict.fromkeys(("pre", "listing", "xmp", "plaintext"), PROGRAM),
    **dict.fromkeys(("ul", "ol", "menu", "dir"), LIST),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), TERM),
    **dict.fromkeys(("sub", "sup", "q"), SCRIPT),
    **dict.fromkeys(("i", "em", "var", "strong"), EMPHASIS),
    **dict.fromkeys((SYMBOLS, CLASSIFIER, OVERLINED), SIGNED),
    "br": LINE_BREAK,
    "blockquote": QUOTATION,
    "table": TABLE,
    "hr": RULE,
    "-cut": GONE,
    "-formula": GONE,
}
"""Elements that are written as more than what they hold."""
TAG_CODES: dict[str, int] = {}
for names, bit in (
    (INLINE, IN_LINE),
    (("a",), LINK),
    (TEXT_BLOCKS, TEXT_BLOCK),
    (IN_PROGRAMS, IN_PROGRAM),
    (NEVER_TEXT, NEVER_SHOWN),
    (("img",), IMAGE),
    (LEAVES, LEAF),
    (LINK_HOLDERS, LINK_HOLDER),
    (("main", "article"), IS_MAIN),
    (("pre",), IS_PRE),
    (("rp", "rt"), SILENT),
    (LAYOUTS, LAYOUT),
    (("-formula",), IS_FORMULA),
    (("li",), ITEM),
):
    for name in names:
        TAG_CODES[name] = TAG_CODES.get(name, 0) | bit
"""What the tag alone says."""
FIXED = NEVER_TEXT | RAW_TEXT | VOIDS | {"title"}
"""Elements that no attribute changes."""


def attributes_of(start: str) -> dict[str, str]:
    """The attributes of a start tag as lexbor writes it, names and values in double quotes."""
    found = dict(ATTRIBUTE.findall(start))
    if "&" in start:
        return {name: unescape(value) for name, value in found.items()}
    return found


def unescape(text: str) -> str:
    """Text as it was before it was serialised (HTML Standard §13.3, escaping a string)."""
    return (
        text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", "\u00a0")
        .replace("&quot;", '"')
        .replace("&amp;", "&")
    )


@lru_cache(maxsize=1 << 15)
def traits_of(start: str) -> Traits:
    """The verdict on a start tag, written as lexbor writes it. Remembered, since all pages write the same tags; a pure function of it."""
    tag, _, rest = start.partition(" ")
    if tag in ("script", "annotation"):
        return _source(tag, math=SOURCE.search(start) is not None)
    if not rest or tag in FIXED or tag[:1] == "!":
        return _bare(tag)
    if rest.startswith('class="') and rest.find('"', 7) == len(rest) - 1:  # most tags: told without a pattern
        return _named(tag, rest[7:-1], "", False)
    classes = name = ""
    others = False
    noted: list[tuple[str, str]] = NOTED.findall(start)
    for attribute, value in noted:
        if attribute == "class":
            classes = value
        elif attribute == "id":
            name = value
        elif not others:
            others = _matters(attribute, value)
    if others:
        return Traits(tag, {attribute: unescape(value) if "&" in value else value for attribute, value in noted})
    if not classes and not name:
        return _bare(tag)
    return _named(tag, classes, _kind_of_id(tag, classes, name), "header" in name)


def _kind_of_id(tag: str, classes: str, name: str) -> Kind:
    return kind_of_id(name, section=tag == "section" or SECTION_CLASS.search(classes) is not None) if name else ""


@lru_cache(maxsize=4)
def _source(tag: str, *, math: bool) -> Traits:
    """A script, or what stands beside MathML: the source of a formula, or not."""
    traits = Traits(tag, {})
    if math:
        traits.code |= MATH_SOURCE if tag == "script" else TEX_SOURCE
    return traits


def _matters(attribute: str, value: str) -> bool:
    """Whether the attribute's value can change the verdict."""
    if attribute == "style":
        value = value.lower()
        return (
            "none" in value
            or "hidden" in value
            or "symbol" in value
            or "italic" in value
            or "border-" in value
            or BOX_STYLE.search(value) is not None
            or OVERLINE.search(value) is not None
            or SCRIPT_STYLE.search(value) is not None
        )
    if attribute == "role":
        return value in ROLES or value == "main"
    return attribute != "aria-hidden" or value == "true"


def _named(tag: str, classes: str, said_by_id: Kind, header: bool) -> Traits:
    """The verdict on a tag with no other attributes."""
    if not header and tag not in ("h2", "h3") and not _special(classes):
        return _said(tag, stronger(kind_of(classes), said_by_id))
    traits = Traits(tag, {"class": classes} if classes else {}, said_by_id)
    traits.header = traits.header or header
    if header and tag not in WHOLE:
        traits.code |= SUSPECT
    return traits


def _special(classes: str) -> bool:
    """Whether the class can change more of the verdict than its kind."""
    return (
        "header" in classes
        or "display" in classes
        or "classifier" in classes
        or "script" in classes
        or "ode" in classes
        or "lang" in classes
        or "brush" in classes
        or "highlight" in classes
        or "fragment" in classes
        or "num" in classes
        or "lineno" in classes
        or "gutter" in classes
        or is_math_class(classes)
    )


@lru_cache(maxsize=4096)
def _said(tag: str, said: Kind) -> Traits:
    return Traits(tag, {}, said)


@lru_cache(maxsize=1024)
def _bare(tag: str) -> Traits:
    return Traits(tag, {})
