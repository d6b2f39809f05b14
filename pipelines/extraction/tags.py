"""What a start tag says by itself: how its element is read, and what its class, id and role make of it.

A page repeats its start tags, so each distinct one is judged once (`Traits`) and every element that begins with it
shares the verdict.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

ELEMENT, CANDIDATE, TRANSPARENT, VOID, WHOLE_FORMULA, PREFORMATTED, SKIPPED, RAW, TITLE, IGNORED = range(10)
"""How an element is read: kept; kept, and its text may be a formula; only what it holds is kept; without content; kept
with all it holds, as a formula's rendering; as program text; left out; content that is no markup; the page's title;
left out, without content."""

Kind = Literal["content", "never", "chrome", "comments", ""]

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
    ["span", "b", "strong", "font", "big", "small", "u", "s", "strike", "del", "ins", "label", "nobr", "abbr", "acronym", "bdi", "bdo", "cite", "time", "mark", "dfn", "data", "head"]
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
CHROME = (
    r"nav|navs|navbar\w*|navi|navigation\w*|nav(?:bar|menu|list|box|links?)|\w*menu|sub-?menu|side-?bar\w*|sphinxsidebar\w*|bread-?crumbs?\w*|crumbs?|foot|footer\w*|site-?footer|page-?footer"
    r"|cookies?\w*|consent\w*|gdpr|ccpa|onetrust\S*|share\w*|sharing|sharedaddy|social\w*|addthis\S*|addtoany\S*|related\w*|recommend\w*|recirc\w*|newsletter\w*|subscri(?!pt(?:s|ed)?(?:\b|$))\w+|sign-?up|log-?in|signin|register"
    r"|ad|ads|adv|advert\w*|adsense|adsbygoogle|banner\w*|sponsor\w*|promo\w*|pop-?up\w*|modal\w*|overlay|lightbox|masthead|toolbar|tool-?bar|paginat\w+|pager|widget(?:-?area|s)?|skip-?(?:link|nav|to)\S*|screen-?reader\S*"
    r"|sr-only|visually-?hidden|print-?only|no-?print|outbrain\S*|taboola\S*|trending|most-?(?:read|popular)|popular-?posts?|tag-?cloud|tags?-?(?:list|links)|post-?tags|headerlink|editsection|mw-editsection\S*|mw-jump-link|catlinks|navbox\w*|vertical-navbox"
    r"|author-?(?:bio|box)|about-?author|byline-?social|site-?header|page-?header|top-?bar|header-?(?:top|nav|bar)|copyright|disclaimer|legal|rating|votecell|js-vote\S*|post-menu|user-?info|user-?card|user-details|reputation|flair|mw-indicators|mw-cite-backlink|noprint|toc-?(?:container|list|wrapper)?|table-?of-?contents|comment-?form|respond|reply-?(?:link|form)|post-?navigation|prev-?next|nextprev|related-?posts?"
    r"|search-?(?:form|box|bar)?|language-?(?:selector|switcher|picker|list)|lang-?switch\w*|interlanguage\S*|p-lang\S*|feedback|skip|back-?to-?top|rst-footer-buttons|edit-?(?:link|this-?page|on-?github)|localtoc|globaltoc|sourcelink|memsearch\w*|msearch\S*|navpath|titlearea|nav-panel|navrow\d|qindex|hotkeys|hnf-\S+|left-?rail|right-?rail|rail|marketing|call-?to-?action|cta|piano\S*|jobs?-?ads?|shop-?ad"
)  # fmt: skip
NEVER = r"mathjax-?link|footnote-?back(?:ref|link)?|reversefootnote|anchor-?link|hash-?link|heading-?anchor|anchorjs-?link|linenos|linenodiv|rouge-gutter|blob-num|cookies?\w*|consent\w*|gdpr|onetrust\S*|headerlink|mw-editsection\S*|editsection\S*|mw-jump-link|navbox\w*|skip-?link\S*|sr-only|visually-?hidden|screen-?reader\S*|breadcrumbs?"
"""What is not content however much text it holds."""
COMMENTS = (
    r"comments?(?:-?(?:list|area|section|wrapper|container|thread|block|s))?|commentlist|disqus\S*|livefyre|responses"
)
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
CONTENT = r"articlebody|article-?(?:body|content|text)|post-?(?:body|content)|entry-?content|main-?content|story-?body|mw-parser-output|mw-content-text|markdown-body|documentwrapper|bodywrapper|page-?content|content-?(?:body|main)"
KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("content", re.compile(CONTENT)),
    ("never", re.compile(NEVER)),
    ("chrome", re.compile(CHROME)),
    ("comments", re.compile(COMMENTS)),
)
"""The strongest word first."""
GROUP = re.compile(r"\((?:[^()]|\([^()]*\))*\)")
COMPOUND = frozenset(
    first
    for names in (CONTENT, NEVER, CHROME, COMMENTS)
    for word in re.findall(r"(?:^|\|)([a-z]+)\??-", GROUP.sub("", names))
    for first in (word, word.removesuffix("s"))
)
"""Words that say something together with the word after them: `skip-link`, `table-of-contents`."""
OPTIONAL = re.compile(rf"{GROUP.pattern}\??|-\?")
BEGINNINGS = frozenset(
    re.match(r"(?:[a-z](?!\?))*", name)[0][:3]  # type: ignore[index]  # matches all, if only nothing
    for names in (CONTENT, NEVER, CHROME, COMMENTS)
    for name in OPTIONAL.sub("", names).split("|")
)
"""How the words begin that the patterns know, but for those that end in `menu`: most words of the web are none of
them, and one look-up tells."""
SLUG = 3  # words; ours: theme ids that name a part of the page have up to three
PROGRAM = re.compile(r"(?:^|\s)(?:fragment|CodeMirror-code|blob-code-inner|codehilite-inner)(?:\s|$)")
"""Classes of blocks that show program text without saying so by their tag."""
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
HEADLINE = re.compile(
    r"(?:^|[\s_-])(?:(?:entry|post|article|page|story|question|topic|thread|content)-?(?:title|headline|heading)|headline)(?:$|\s)",
    re.IGNORECASE,
)
MATH_TAGS = frozenset(
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
MATH_STEMS = ("math", "katex", "mjx", "tex", "jax", "mq-", "eeimg", "formula", "pcenter")
"""One of these, in lower case, stands in every class that says the element is a formula."""
RENDERING = re.compile(
    r"(?:^|\s)(?:katex(?:-display|-block|-error|-html|-mathml)?|MathJax(?:_\w+)?|mjx-\S+|MJX\S+|mwe-math\S*|mq-\S+|texhtml|math (?:inline|display)|SimpleMath|pcenter|(?:ql-)?formula)(?:\s|$)|mathquill|js-render-math",
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
NOTED = re.compile(
    r' (class|id|style|face|hidden|role|aria-hidden|itemprop|alttext|data-(?:latex|tex|katex|mathml|math|equation|formula|asciimath|expr|custom-copy-text))="([^"]*)"'
)
"""Attributes that `Traits` depends on."""
ATTRIBUTE = re.compile(r' ([^\s>=]+)="([^"]*)"')


class Traits:
    """The verdict on one start tag."""

    __slots__ = (
        "action",
        "block",
        "content",
        "headline",
        "inline",
        "kind",
        "noted",
        "numbering",
        "program",
        "suspect",
        "tag",
        "text_block",
    )

    def __init__(self, tag: str, attributes: dict[str, str], said_by_id: Kind = "") -> None:
        self.tag = tag
        self.block = tag in BLOCK
        self.inline = tag in INLINE
        self.text_block = tag in TEXT_BLOCKS
        said = _stronger(kind_of(attributes.get("class", "")), said_by_id or _kind_of_id(attributes.get("id", "")))
        self.kind: Kind = "" if tag in WHOLE and (tag, said) != ("p", "never") else said
        self.content = (
            tag in ("main", "article")
            or attributes.get("role") == "main"
            or said == "content"
            or attributes.get("itemprop") == "articleBody"
        )
        self.suspect = (
            tag in SECTIONS
            or self.kind in ("chrome", "never", "comments")
            or bool(attributes and _is_suspect(tag, attributes))
        )
        self.headline = tag == "h1" or (
            tag in ("h2", "h3")
            and bool(attributes)
            and HEADLINE.search(f"{attributes.get('class', '')} {attributes.get('itemprop', '')}") is not None
        )
        if "symbol" in attributes.get("face", "").lower() or "ymbol" in attributes.get("style", ""):
            self.tag = tag = SYMBOLS if SYMBOL_FACE.search(" ".join(attributes.values())) else tag
        if tag == "span" and attributes.get("class") == "classifier":
            self.tag = tag = CLASSIFIER
        if tag in ("span", "font") and (script := SCRIPT_STYLE.search(attributes.get("style", ""))):
            self.tag = tag = "sup" if script[1].lower() == "super" else "sub"
        elif tag == "span" and "script" in (classes := attributes.get("class", "")):
            self.tag = tag = next((SCRIPT_CLASS[name] for name in classes.split() if name in SCRIPT_CLASS), tag)
        elif tag == "span" and (style := attributes.get("style", "")):
            if "italic" in style:
                self.tag = tag = "i"
            elif OVERLINE.search(style):
                self.tag = tag = OVERLINED
        self.numbering = tag not in ("code", "pre") and NUMBERING.search(attributes.get("class", "")) is not None
        self.action = _action(tag, attributes, suspect=self.suspect)
        self.program = self.action == PREFORMATTED
        self.noted = self.suspect or self.headline or self.action == CANDIDATE  # to be looked at when it begins


def _is_suspect(tag: str, attributes: dict[str, str]) -> bool:
    """Whether the element may have to be cut; what it holds decides (content.prune)."""
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or ("style" in attributes and HIDDEN.search(attributes["style"]) is not None)
        or (
            tag not in WHOLE
            and (
                attributes.get("role") in ROLES
                or "header" in attributes.get("class", "")
                or "header" in attributes.get("id", "")
            )
        )
    )


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
    return TRANSPARENT if tag in ONLY_STYLE and not suspect else ELEMENT


def _shows_program(tag: str, classes: str) -> bool:
    return (
        ("fragment" in classes or "ode" in classes)  # one of these stands in all names of the pattern
        and tag in BLOCK
        and PROGRAM.search(classes) is not None
    )


def is_math_class(classes: str) -> bool:
    """Whether the classes can be those of a formula. `text` and `context` are no `tex`."""
    classes = classes.lower()
    for stem in MATH_STEMS:  # a generator would take longer than the whole search
        if stem in classes:
            return MATH_CLASS.search(classes) is not None
    return False


MATH_CLASS = re.compile(
    r"katex|mjx|math|(?:^|[\s_-])(?:la)?tex|jax|mq-|eeimg|(?:^|\s)(?:(?:ql-)?formula|pcenter)(?:\s|$)|wirisformula"
)


PLAIN_ACTIONS = {
    **dict.fromkeys(RAW_TEXT, RAW),
    **dict.fromkeys(VOIDS, IGNORED),
    **dict.fromkeys(("br", "hr", "img"), VOID),
    "title": TITLE,
}
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


def traits_of(start: str) -> Traits:
    """The verdict on a start tag, written as lexbor writes it."""
    tag, _, rest = start.partition(" ")
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
    return _named(tag, classes, _kind_of_id(name), "header" in name) if classes or name else _bare(tag)


def _matters(attribute: str, value: str) -> bool:
    """Whether the attribute's value can change the verdict."""
    if attribute == "style":
        value = value.lower()
        return (
            "none" in value
            or "hidden" in value
            or "symbol" in value
            or "italic" in value
            or OVERLINE.search(value) is not None
            or SCRIPT_STYLE.search(value) is not None
        )
    if attribute == "role":
        return value in ROLES or value == "main"
    return attribute != "aria-hidden" or value == "true"


@lru_cache(maxsize=8192)
def _named(tag: str, classes: str, said_by_id: Kind, header: bool) -> Traits:
    """Remembered from page to page, as elements without attributes: a pure function of these."""
    if not header and tag not in ("h2", "h3") and not _special(classes):
        return _said(tag, _stronger(kind_of(classes), said_by_id))
    traits = Traits(tag, {"class": classes} if classes else {}, said_by_id)
    if header and tag not in WHOLE:
        traits.suspect = traits.noted = True
    return traits


def _special(classes: str) -> bool:
    """Whether the class can change more of the verdict than its kind."""
    return (
        "header" in classes
        or "display" in classes
        or "classifier" in classes
        or "script" in classes
        or "ode" in classes
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


@lru_cache(maxsize=8192)
def kind_of(names: str) -> Kind:
    """What class names or an id say about an element. Remembered, since pages repeat names; a pure function of them."""
    words = _words(names.lower())
    said = {_word_kind(word) for word in words if word[:3] in BEGINNINGS or "menu" in word}
    if not COMPOUND.isdisjoint(words):
        for position, word in enumerate(words[:-1]):
            if word in COMPOUND:
                said.add(_word_kind("-".join(words[position : position + 2])))
                said.add(_word_kind("-".join(words[position : position + 3])))
    return next((kind for kind in RANKS if kind in said), "") if said else ""


def _words(names: str) -> list[str]:
    return names.replace("-", " ").replace("_", " ").split()


@lru_cache(maxsize=16384)
def _word_kind(word: str) -> Kind:
    """The same of one word: all names of the web are made of far fewer words."""
    return next((kind for kind, pattern in KINDS if pattern.fullmatch(word)), "")


RANKS: tuple[Kind, ...] = ("content", "never", "chrome", "comments", "")


def _kind_of_id(name: str) -> Kind:
    """What an id says; one of many words is the slug of a heading (`search-based-solver-and-its-steps`), and says nothing."""
    return kind_of(name) if name and len(_words(name)) <= SLUG else ""


def _stronger(one: Kind, other: Kind) -> Kind:
    return one if RANKS.index(one) < RANKS.index(other) else other
