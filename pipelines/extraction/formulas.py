"""Formulas that are elements of the page: which elements stand for one, and the TeX of each, once.

A renderer leaves several copies of a formula side by side (source, MathML, visible spans, an image). The outermost
element that holds them all answers for them; copies beside it are silenced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from pipelines.extraction.asciimath import asciimath_tex
from pipelines.extraction.delimiters import mark_formulas
from pipelines.extraction.document import Document, Element, parse
from pipelines.extraction.formula_tables import hevea_tex, is_hevea
from pipelines.extraction.fractions import named_fraction, ruled_fraction
from pipelines.extraction.images import image_formula
from pipelines.extraction.katex import from_katex
from pipelines.extraction.macros import expand, page_macros
from pipelines.extraction.mathjax2 import from_mathjax2
from pipelines.extraction.mathml import convert
from pipelines.extraction.notation import Notation, configured_delimiters
from pipelines.extraction.plain_math import PRIVATE
from pipelines.extraction.rendered import from_chtml, from_svg, node
from pipelines.extraction.symbols import with_backslashes
from pipelines.extraction.tags import (
    BARE_TAGS,
    FRACTION_CLASS,
    MATH_ATTRIBUTES,
    MATH_TAGS,
    RULED,
    attributes_of,
    is_math_class,
)
from pipelines.extraction.tex import clean, mend
from pipelines.extraction.typeset import CONNECTIVES, is_typeset, named_lines, typeset_tex

TAGS = MATH_TAGS | {"script", "img", "image"}

MATHJAX_OUTPUT = re.compile(
    r"(?:^|\s)(?:MathJax(?:_Display|_SVG_Display|_SVG|_CHTML|_MathML|_PlainSource|_Error)?|mjx-chtml|MJXc-display|MJXp-display|MJXp-math)(?:\s|$)"
)
ELEMENT_ID = re.compile(r"(MathJax-Element-\d+)")
TEX_TYPE = re.compile(r"^\s*(?:math|text)/(?:x-)?(?:la)?tex", re.IGNORECASE)
BARE_TEX = re.compile(r"^\s*(?:[A-Za-z]|[^A-Za-z]*)\s*$|\\[A-Za-z]|[\^_=<>+]")
"""What stands in an element that is only named after formulas, where it is one."""
SHOWN_TAG = re.compile(r"\s*\\text\{\s*\((.{1,12}?)\)\s*\}$")
"""The number of a displayed formula, as KaTeX shows it."""
DELIMITER = re.compile(r"\$|\\[(\[]")
TEX_LIKE = re.compile(r"\\[A-Za-z]+|[\^_]")
DISPLAY = re.compile(r"display|(?:^|[\s_-])block|equation(?!-inline)|MathJax_Display", re.IGNORECASE)
ENGINES = ("rendermath", "mathjax", "katex", "tex2jax", "jsmath", "mathtex", "jqmath")
ASCIIMATH = ("asciimath", "asciisvg", "am_htmlormml", "am_chtml", "am_svg", "amscript", "mathcs.chapman", "mathscribe")
DOLLARS = re.compile(
    r"""["']\s*\\?\$\s*["']\s*,\s*["']\s*\\?\$\s*["']|left\s*:\s*["']\$["']|singleDollar|renderMathInElement|TeX-AMS|TeX-MML|["']\$["']\s*:\s*["']\$["']|jqmath|tex-mml|&quot;\$&quot;"""
)
SET_IN_HTML = re.compile(r"(?:^|\s)(?:math (?:inline|display)|formula|SimpleMath|pcenter)(?:\s|$)")
NAMED = re.compile(r"[^\W\d_]{4,}")
OPERATOR = re.compile(r"[=<>≤≥≠≈≡∈⊂⊆+−±×·∑∏∫√→⇒/^]")
ESCAPED = re.compile(r"""\[\s*["']\\\\\$["']""")
"""Asciidoctor's delimiters of AsciiMath, `[["\\\\$", "\\\\$"]]`."""
DISPLAY_DIV = frozenset({"div", "p", "pre", "center", "dd"})


@dataclass(frozen=True, slots=True)
class Formula:
    """`tex` without delimiters; empty where the element only repeats a formula that stands beside it."""

    tex: str
    display: bool = False
    plain: str = ""
    """Plain mathematics with its marks, which becomes a formula together with what stands beside it."""
    other: Element | None = None
    """Another element that this formula is written in, too."""


NOTHING = Formula("")


@dataclass(frozen=True, slots=True)
class FormulaReader:
    """What has to be known of the whole page to read its formulas."""

    notation: Notation
    sources: frozenset[str] = field(default_factory=frozenset)
    """Ids of the `<script type="math/...">` elements, MathJax 2's own record of what it rendered."""
    places: dict[int, dict[int, int]] = field(default_factory=dict)
    """Where each child stands among its siblings, for the siblings asked about so far."""

    def read(self, element: Element) -> Formula | None:
        """The formula that this element is, or None where it is none and its children may hold some."""
        found = self._read(element)
        if found is None or found.plain or not found.tex:
            return found
        tex = expand(found.tex, self.notation.macros) if self.notation.macros else found.tex
        tex = _tidy(tex)
        return Formula(tex, found.display) if tex else NOTHING

    def _read(self, element: Element) -> Formula | None:
        tag = element.tag
        if tag in TAGS:
            return self._by_tag(element)
        attributes = element.attributes
        if not attributes:
            return None
        if element.traits.code & RULED and (ruled := ruled_fraction(element)) is not None:
            return Formula("", plain=ruled[0], other=ruled[1])
        classes = attributes.get("class")
        if tag == "table" and classes and is_hevea(element):
            return Formula(hevea_tex(element), "dcenter" in classes)
        if classes and is_math_class(classes):
            found = self._by_class(element, classes)
            if found is not None:
                return found
        if not MATH_ATTRIBUTES.isdisjoint(attributes) and tag not in ("body", "main", "article"):
            return _by_attribute(element)
        return None

    def _by_tag(self, element: Element) -> Formula | None:
        tag = element.tag
        if tag in ("img", "image"):
            if element.get("data-mathml"):  # WIRIS; its alt text is the formula read aloud
                return _from_mathml_text(element.get("data-mathml"), display=False)
            if _followed_by_source(element, self.places) or self._only_before_source(element):
                return NOTHING
            found = image_formula(element)
            return Formula(found[0], found[1] or _in_display(element)) if found else None
        if tag == "math":
            return math_formula(element)
        if tag == "script":
            return _from_script(element)
        if tag in ("mjx-container", "mjx-math"):
            return _mathjax3(element)
        if tag == "fmath":
            return Formula(convert(element), element.get("display") == "block")
        if tag in ("inline-formula", "disp-formula"):  # JATS: alternatives of one formula
            math = element.find("tex-math", "math")
            return self._by_tag(math) if math is not None else None
        if tag in MATH_TAGS:  # those that hold TeX
            source = element.get("data-formula") or element.text()
            if tag in BARE_TAGS and (element.elements() or not BARE_TEX.search(source)):
                return None
            return (
                Formula(
                    source,
                    "block" in element.attributes
                    or element.get("is-block") == "true"
                    or DISPLAY.search(f"{tag} {element.get('class')}") is not None,
                )
                if source.strip()
                else None
            )
        return None

    def _only_before_source(self, image: Element) -> bool:
        """Whether a span that holds just this image stands before the formula's source."""
        parent = image.parent
        return (
            parent is not None
            and parent.tag == "span"
            and len(parent.elements()) == 1
            and _followed_by_source(parent, self.places)
        )

    def _by_class(self, element: Element, classes: str) -> Formula | None:
        if FRACTION_CLASS.search(classes) and not element.is_in_program():
            fraction = named_fraction(element)
            return Formula("", plain=fraction) if fraction is not None else None
        if "ql-formula" in classes and element.get("data-value"):  # Quill
            return Formula(element.get("data-value"))
        if "katex" in classes:
            return _katex(element, classes) or self._marked(element, classes)
        if "MathJax_Preview" in classes:
            return NOTHING if _followed_by_source(element, self.places) else None
        if MATHJAX_OUTPUT.search(classes):
            return self._mathjax2(element)
        if "mwe-math-element" in classes or "mwe-math-fallback" in classes:
            return _wikipedia(element)
        if "mathquill" in classes.lower() or "mq-" in classes:
            selectable = next(
                (
                    part
                    for part in element.having("selectable")
                    if part.has_class("selectable") or part.has_class("mq-selectable")
                ),
                None,
            )
            if selectable is not None:
                return Formula(selectable.text())
            return None if element.elements() or "root-block" in classes else Formula(element.text())
        if "texhtml" in classes:  # Wikipedia's own setting in HTML
            return Formula(typeset_tex(element))
        if "MJX_Assistive" in classes:
            return NOTHING
        return self._marked(element, classes)

    def _mathjax2(self, element: Element) -> Formula | None:
        found = ELEMENT_ID.search(element.get("id"))
        if found is None:
            frame = next(
                (part for part in element.having("MathJax-Element-") if ELEMENT_ID.search(part.get("id"))), None
            )
            found = ELEMENT_ID.search(frame.get("id")) if frame is not None else None
        if (found and found[1] in self.sources) or _followed_by_source(element, self.places):
            return NOTHING
        display = "isplay" in element.get("class")
        for part in element.iterate():
            if part.get("data-mathml"):
                inner = _from_mathml_text(part.get("data-mathml"), display=display)
                if inner is not None:
                    return inner
            if part.tag == "math":
                inner = math_formula(part)
                return Formula(inner.tex, inner.display or display) if inner else None
        drawn = next((part for part in element.iterate() if part.has_class("mjx-math") or part.has_class("math")), None)
        if drawn is not None and (tex := convert(node("math", [*from_mathjax2(drawn)]))):
            return Formula(tex, display)
        if element.has_class("MathJax_Display") or element.has_class("MathJax_SVG_Display"):
            return None
        text = element.text().strip()
        return Formula(text, display) if "PlainSource" in element.get("class") and text else None

    def _marked(self, element: Element, classes: str) -> Formula | None:
        """`<span class="math">` and its kin: their text is TeX, with delimiters or bare."""
        if "js-render-math" in classes:  # GitLab
            return Formula(element.text(), element.tag == "pre" or element.get("data-math-style") == "display")
        if SET_IN_HTML.search(classes) and element.tag in ("span", "div", "p"):
            found_set = _set_in_html(element, classes)
            if found_set is not None:
                return found_set
        if element.elements() or element.tag in (
            "body",
            "main",
            "article",
            "section",
            "html",
            "ul",
            "ol",
            "li",
            "table",
            "a",
            "h1",
            "h2",
            "h3",
            "h4",
        ):
            return None
        if not re.search(
            r"(?:^|\s)(?:(?:math|tex|latex|inline|display|block|mathjax|katex)[-_]?(?:formula|equation|expression|expr|math|tex|latex|eq)|math(?:-inline|-display|-tex|jax)?|tex|latex|arithmatex|MathJax|tex2jax_process|math-block|katex-\S+|js-render-math|equation|math_\w+)(?=\s|$)",
            classes,
        ):
            return None
        text = element.text().strip()
        if not text or "tex2jax_ignore" in classes:
            return None
        display = (
            element.tag in DISPLAY_DIV
            or DISPLAY.search(classes) is not None
            or element.get("data-math-style") == "display"
        )
        if self.notation.asciimath and text[0] == text[-1] == "`" and len(text) > 2:
            return Formula(asciimath_tex(text[1:-1]), display)
        found: list[tuple[str, bool]] = []
        rest = mark_formulas(text, Notation(dollars=True), lambda tex, shown: found.append((tex, shown)) or "")  # type: ignore[func-returns-value]
        if len(found) == 1 and not rest.strip(" .,;"):
            return Formula(found[0][0], found[0][1])
        words = re.findall(r"(?<![\\A-Za-z{])[A-Za-z]{4,}", text)
        bare = not DELIMITER.search(text) and len(words) < 3  # environments in one formula, not formulas in a text
        if (found and not bare) or (element.tag == "pre" and "math" not in classes):
            return None
        if TEX_LIKE.search(text) or (re.search(r"(?:^|\s)math(?:\s|$)", classes) and not words and len(text) < 80):
            return Formula(text, display)
        return None


@lru_cache(maxsize=8192)
def _tidy(tex: str) -> str:
    """Remembered, since pages repeat their formulas; a pure function of the source."""
    return mend(clean(tex if tex.isascii() else PRIVATE.sub("", tex)))


def reader_of(document: Document) -> FormulaReader:
    """The reader for one page: what its scripts say about its notation."""
    scripts = list(document.scripts(typesetting=True))
    code = "\n".join(f"{start} {code}" for start, code in scripts)
    lower = code.lower()
    engine = any(name in lower for name in ENGINES)
    dollars = engine and DOLLARS.search(code) is not None
    asciimath = any(name in lower for name in ASCIIMATH)
    escaped = asciimath and ESCAPED.search(code) is not None
    sources = {attributes_of(start).get("id", "") for start, _ in scripts if "math/" in start}
    notation = Notation(
        dollars=dollars,
        asciimath=asciimath,
        escaped=escaped,
        delimiters=configured_delimiters(code) if engine else (),
        macros=page_macros(document.written, code),
    )
    return FormulaReader(notation, frozenset(sources))


def math_formula(math: Element) -> Formula | None:
    """A `math` element: its TeX annotation where it has one, else the conversion."""
    display = math.get("display") == "block" or math.get("mode") == "display" or _in_display(math)
    for part in math.having("encoding"):
        if part.tag == "annotation" and "tex" in part.get("encoding").lower():
            tex = part.text().strip()
            if tex:
                return Formula(tex, display)
    if not math.elements() and TEX_LIKE.search(
        text := with_backslashes(math.text())
    ):  # a page that writes TeX into the tag
        return Formula(text, display)
    source = math.get("data-latex") or math.get("alttext")
    if source.strip() and ("ltx_" in math.get("class") or _plain_tex(source)):
        return Formula(source, display or (source.lstrip().startswith("\\displaystyle") and display))
    return Formula(convert(math), display) if math.children else None


def _plain_tex(text: str) -> bool:
    return bool(TEX_LIKE.search(text)) or not re.search(r"[A-Za-z]{2,}", text)


def _in_display(math: Element) -> bool:
    parent, steps = math.parent, 0
    while parent is not None and steps < 3:
        if re.search(
            r"katex-display|MathJax_Display|ltx_equation|ltx_eqn|display-formula|disp-formula|mwe-math-mathml-display",
            parent.get("class"),
        ) or (parent.tag == "div" and parent.has_class("math")):
            return True
        parent, steps = parent.parent, steps + 1
    return False


def _from_mathml_text(text: str, *, display: bool) -> Formula | None:
    source = text.replace("«", "<").replace("»", ">").replace("¨", '"').replace("§", "&") if "«" in text else text
    math = parse(source).find("math")
    found = math_formula(math) if math is not None else None
    return Formula(found.tex, found.display or display) if found else None


def _from_script(script: Element) -> Formula | None:
    kind = script.get("type")
    display = "display" in kind
    if TEX_TYPE.match(kind):
        return Formula(script.text(), display)
    if "asciimath" in kind:
        return Formula(asciimath_tex(script.text().strip().strip("`")), display)
    if kind.startswith(("math/mml", "math/mathml")):
        return _from_mathml_text(script.text(), display=display) or NOTHING
    return None


def _mathjax3(element: Element) -> Formula | None:
    display = element.get("display") in ("true", "block") or _in_display(element)
    for part in element.iterate():
        if part.get("data-latex"):
            return Formula(part.get("data-latex"), display)
        if part.tag == "math" and part.children:
            found = math_formula(part)
            return Formula(found.tex, found.display or display) if found else None
    drawn = from_svg(element) if element.find("svg") is not None else from_chtml(element)
    return Formula(convert(node("math", [*drawn])), display)


def _katex(element: Element, classes: str) -> Formula | None:
    names = classes.split()
    if "katex-display" in names or "katex-block" in names:
        inner = next((part for part in element.having("katex") if part.has_class("katex")), None)
        found = _katex(inner, inner.get("class")) if inner is not None and inner is not element else None
        return Formula(found.tex, True) if found else None
    if "katex-error" in names:
        return Formula(element.text(), False)
    if "katex-html" in names:
        return Formula(convert(node("math", [*from_katex(element)])))
    if "katex" not in names and "katex-mathml" not in names:
        return None
    math = element.find("math")
    if math is not None:
        return math_formula(math)
    visible = next((part for part in element.having("katex-html") if part.has_class("katex-html")), None)
    if (
        visible is not None
        or next((part for part in element.having("mord") if part.has_class("mord")), None) is not None
    ):
        tex = convert(node("math", [*from_katex(visible or element)]))
        if next(element.having("tag"), None) is not None:
            tex = SHOWN_TAG.sub(r" \\tag{\1}", tex)
        return Formula(tex, element.get("display") == "block")
    text = element.text().strip()
    return Formula(text) if text and not element.elements() else None


def _wikipedia(element: Element) -> Formula | None:
    classes = element.get("class")
    display = "display" in classes
    math, image = element.find("math"), element.find("img")
    found = math_formula(math) if math is not None else None
    if found is None and image is not None and image.get("alt"):
        found = Formula(image.get("alt"), "fallback-image-display" in image.get("class"))
    if found is None:
        return None
    return Formula(
        found.tex, found.display or display or (image is not None and "fallback-image-display" in image.get("class"))
    )


def _set_in_html(element: Element, classes: str) -> Formula | None:
    """A formula of docutils, eLyXer or pandoc; None for words, and for TeX that an engine is to set."""
    text = element.text()
    if classes == "SimpleMath":
        return _of_gapdoc(element, text)
    words = [word for word in NAMED.findall(text) if word not in CONNECTIVES]
    if classes == "pcenter":  # GAPDoc's displays
        found = _of_gapdoc(element, text) if len(words) <= 6 and OPERATOR.search(text) else None
        return Formula(found.tex, True) if found is not None else None
    if len(words) > 3 or len(text) > 600 or not is_typeset(element):
        return None
    if "math" not in classes and not element.elements() and not OPERATOR.search(text):
        return None
    return Formula(typeset_tex(element), element.tag != "span" or "display" in classes)


def _of_gapdoc(element: Element, text: str) -> Formula | None:
    """GAPDoc's formulas, TeX whose commands are characters; None for real TeX, and for dots alone."""
    if "\\" in text or "$" in text or not any(character.isalnum() or character > "\x7f" for character in text):
        return None
    return Formula(named_lines(element))


def _by_attribute(element: Element) -> Formula | None:
    display = element.tag in DISPLAY_DIV or DISPLAY.search(element.get("class")) is not None
    if element.get("data-mathml"):
        return _from_mathml_text(element.get("data-mathml"), display=display)
    if element.get("data-asciimath"):
        return Formula(asciimath_tex(element.get("data-asciimath")), display)
    for name in (
        "data-latex",
        "data-tex",
        "data-katex",
        "data-math",
        "data-equation",
        "data-formula",
        "data-expr",
        "data-custom-copy-text",
    ):
        source = element.get(name).strip()
        if (
            source
            and len(source) < 6000
            and not source.startswith(('{"', "http", "["))
            and source.lower() not in ("true", "false", "1", "0")
        ):
            return Formula(source, display) if _plain_tex(source) else None
    return None


def _followed_by_source(element: Element, places: dict[int, dict[int, int]]) -> bool:
    """Whether MathJax 2's source script comes right after, past its other outputs."""
    if element.parent is None:
        return False
    siblings = element.parent.children
    if id(siblings) not in places:
        places[id(siblings)] = {id(sibling): place for place, sibling in enumerate(siblings)}
    position = places[id(siblings)][id(element)]
    for sibling in siblings[position + 1 : position + 5]:
        if isinstance(sibling, str):
            if sibling.strip():
                return False
            continue
        if sibling.tag == "script":
            return sibling.get("type").startswith("math/")
        if not re.search("mathjax|mjx|MJX", sibling.get("class"), re.IGNORECASE):
            return False
    return False
