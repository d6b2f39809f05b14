"""Images of formulas: the TeX that their address, alt text or title still carries."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote, unquote_plus

from pipelines.extraction.asciimath import asciimath_tex
from pipelines.extraction.document import Element
from pipelines.extraction.symbols import with_backslashes
from pipelines.extraction.tex import clean, mistakes

SERVICE = re.compile(
    r"(?:latex\.php\?(?:.*?&)?latex=|codecogs\.com/(?:gif|png|svg|pdf|eq)\.(?:latex|image|download)\?|codecogs\.com/eqnedit\.php\?latex=|cht=tx.*?&chl=|chl=(?=.*cht=tx)"
    r"|(?:mathtex|mimetex|mathrender)(?:\.cgi|\.php|\.exe)?\?(?:formdata=)?|/equation\?(?:.*?&)?tex=|render/math\?(?:.*?&)?math=|(?:upmath\.me|s2cms\.ru)/(?:svg|png)/"
    r"|latex\?(?:.*?&)?(?:eq|tex|latex|formula)=|[?&](?:tex|latex|formula|equation|eq)=|/(?:svg|png|gif)\.latex\?|/gr/latex\?|/tex\.php\?(?:f=)?|/math/tex/(?:svg|png)/)",
    re.IGNORECASE,
)  # fmt: skip
QUERY = re.compile(r"\?|/(?:svg|png)/", re.IGNORECASE)
"""One of these stands in every address of a service."""
PLUS_IS_SPACE = re.compile(r"latex\.php|[?&](?:tex|latex|math|chl|formula|eq)=", re.IGNORECASE)
CLASS = re.compile(r"(?:^|[\s_-])(?:i?tex|latex\w*|math\w*|mwe-math\S*|formula\w*|equation\w*|eq|ql-img\S*|formulaInl|formulaDsp|inlineformula|displayformula|wirisformula|mathtype\w*|numberedequation|texhtml|eeimg|jax)(?:$|[\s_-])", re.IGNORECASE)  # fmt: skip
MATH_PATH = re.compile(
    r"/(?:img)?math/|/math_|/math/render/|/latex|mathurl\.com|/tex/|/equations?/|/form_\d+|/eq[-_]?\d+|/img\d+\.(?:png|gif|svg)$",
    re.IGNORECASE,
)
MATHWORLD = frozenset({"inlineformula", "displayformula", "numberedequation"})
"""Classes of images whose alternative text is mathematics in a notation like AsciiMath."""
DRAWN = re.compile(r"\n[^\n]*(?:-{2,}|[^\s$] {2,}|\n)|(?:-{2,}|^ |[^\s$] {2,})[^\n]*\n")
"""A formula drawn with characters over several lines, tex4ht's alternative text: on one line it would say something else."""
SIGNS = (
    "tex",
    "math",
    "formul",
    "form_",
    "equation",
    "eqn",
    "eq=",
    "/eq",
    "chl=",
    "eeimg",
    "/img",
    "\\",
    "^",
    "_{",
    "$",
)
"""One of these, in lower case, stands in the start tag of every image of a formula."""
EVIDENCE = re.compile(r"\\[A-Za-z]{2,}|[\^_]\{|\\[{}|,;!]|\$[^$]+\$|\\\(|\\\[")
COMMAND = re.compile(r"\\(?:frac|sqrt|sum|int|prod|lim|alpha|beta|gamma|delta|theta|lambda|mu|pi|sigma|phi|omega|mathbb|mathbf|mathrm|mathcal|begin|left|text|times|cdot|le|ge|leq|geq|in|to|infty|partial|displaystyle|vec|hat|bar|over|ldots|cdots|pm|neq?|equiv|approx|nabla|Delta|Omega|Gamma)(?![A-Za-z])|[A-Za-z0-9)}]\^\{?[A-Za-z0-9]|[A-Za-z]_\{|\$[^$]{1,400}\$$|^\\[(\[]")  # fmt: skip
PREFIX = re.compile(r"^\\?(?:dpi|bg_\w+|fn_\w+|inline|large|small|tiny|huge|LARGE|Large)\s*\{?\w*\}?\s*")
SIZE = re.compile(
    r"^\\(?:displaystyle|textstyle|scriptstyle|inline|bg_\w+|fn_\w+|dpi\{\d+\}|large|small|tiny|normalsize|LARGE|Large|huge|Huge)(?![A-Za-z])\s*"
)
ALT_PREFIX = re.compile(r"^\s*(?:(?:inline|display(?:ed)?)\s+)?(?:LaTeX|TeX|math(?:ematics)?|formula|equation)(?:\s+(?:math|formula|code|equation|image))?\s*:\s*(?=\S)", re.IGNORECASE)  # fmt: skip
"""What Canvas and others write before the source."""
DISPLAY_CLASS = re.compile(
    r"display|formulaDsp|latexcenter|numberedequation|ql-img-displayed|(?:^|\s)block", re.IGNORECASE
)
PARAMETERS = re.compile(
    r"&(?:amp;)?(?:bg|fg|s|c|chs|chf|chco|cht|preview|mode|from|color|width|height|align|zoom)=[^&]*", re.IGNORECASE
)


def image_formula(image: Element) -> tuple[str, bool] | None:
    """The TeX of an image and whether it is displayed; None for an image that shows something else."""
    start = image.start.lower()
    for sign in SIGNS:  # a generator would take longer than the whole search
        if sign in start:
            break
    else:
        return None
    attributes = image.attributes
    sources = [
        attributes[name] for name in ("data-src", "data-lazy-src", "data-original", "src") if attributes.get(name)
    ]
    display = bool(DISPLAY_CLASS.search(image.get("class")))
    for attribute in (
        "data-equation-content",
        "data-latex",
        "data-tex",
        "data-formula",
        "data-equation",
        "data-math",
        "eeimg-alt",
    ):
        if attributes.get(attribute):
            return _settled(unquote(attributes[attribute]), display=display)
    if image.get("class") in MATHWORLD and "\\" not in image.get("alt"):
        return _settled(asciimath_tex(image.get("alt")), display=image.get("class") != "inlineformula")
    address = next((source for source in sources if QUERY.search(source) and SERVICE.search(source)), "")
    marked = bool(
        address
        or CLASS.search(image.get("class"))
        or any(MATH_PATH.search(source) for source in sources)
        or image.get("eeimg")
    )
    named = _from_address(address) if address else ""
    if "\\" in named and "\\" not in image.get("alt"):  # software that strips backslashes from the alternative text
        return _settled(named, display=display)
    alternative = ALT_PREFIX.sub("", image.get("alt"))
    if marked:
        alternative = with_backslashes(alternative)
    for text in (
        alternative,
        image.get("title"),
        image.get("data-alt"),
        image.get("longdesc"),
    ):
        if _is_tex(text, marked=marked):
            return _settled(
                text, display=display or text.lstrip().startswith(("\\[", "$$", "$\\displaystyle", "\\begin"))
            )
    return _settled(named, display=display) if named else None


def _is_tex(text: str, *, marked: bool) -> bool:
    text = text.strip()
    if (
        not text
        or len(text) > 6000
        or ("\n" in text and DRAWN.search(text) and "\\" not in text)
        or re.fullmatch(
            r"(?i)(?:https?://\S*|.*\.(?:png|gif|svg|jpe?g)|image|img|formula|equation|latex|rendered by .*|math)",
            text,
            re.DOTALL,
        )
    ):
        return False
    if marked:
        words = re.findall(r"(?<![\\A-Za-z{])[A-Za-z]{4,}", text)
        return bool(EVIDENCE.search(text)) or len(words) <= 1
    return (
        bool(COMMAND.search(text))
        and not mistakes(clean(text))
        and len(re.findall(r"(?<![\\A-Za-z{])[A-Za-z]{4,}", text)) <= 3
        and "/" not in text[:1]
        and not re.search(r"\w[_-]\w+[_-]\w|\.\w{3}$", re.sub(r"\\\w+", "", text))
    )


def _from_address(address: str) -> str:
    found = SERVICE.search(address)
    if found is None:
        return ""
    tail = address[found.end() :].replace("&space;", " ").replace("&plus;", "%2B").replace("&hash;", "%23")  # codecogs
    tail = PARAMETERS.sub("", html.unescape(tail)).partition("#")[0]
    return unquote_plus(tail) if PLUS_IS_SPACE.search(address) else unquote(tail)


def _settled(tex: str, *, display: bool) -> tuple[str, bool] | None:
    tex = clean(tex)
    while (found := SIZE.match(tex) or (PREFIX.match(tex) if tex.startswith("\\") else None)) and found.end():
        tex = tex[found.end() :].strip()
    return (clean(tex), display) if tex else None
