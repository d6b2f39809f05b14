"""Which part of a page is its content: navigation, banners, footers and hidden things out, everything else in.

Two steps. Elements that say what they are (`nav`, `class="cookie-banner"`) are cut, unless most of the page's text
would go with them. Then the smallest element that holds nearly all running text is the content, so that a forum's
answers, a manual's sections and a blog's post are kept whole, whatever their markup.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from pipelines.extraction.document import Element

Strictness = Literal["strict", "lenient", "all"]

NEVER_TEXT = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "iframe",
        "frame",
        "svg",
        "canvas",
        "button",
        "select",
        "option",
        "input",
        "textarea",
        "audio",
        "video",
        "object",
        "embed",
        "map",
        "dialog",
        "head",
        "meta",
        "link",
        "area",
        "progress",
        "meter",
        "datalist",
        "optgroup",
        "source",
        "track",
        "applet",
        "param",
        "noframes",
        "rp",
        "rt",
    ]
)
SECTIONS = frozenset({"nav", "footer", "header", "aside"})
WHOLE = frozenset({"html", "body", "main", "article", "h1", "h2", "h3", "math", "tbody", "tr", "p"})
"""Elements that no class name can condemn."""
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
CHROME = re.compile(
    r"(?:^|[\s_-])(?:nav|navs|navbar\w*|navi|navigation\w*|nav(?:bar|menu|list|box|links?)|\w*menu|sub-?menu|side-?bar\w*|sphinxsidebar\w*|bread-?crumbs?\w*|crumbs?|foot|footer\w*|site-?footer|page-?footer"
    r"|cookies?\w*|consent\w*|gdpr|ccpa|onetrust\S*|share\w*|sharing|sharedaddy|social\w*|addthis\S*|addtoany\S*|related\w*|recommend\w*|recirc\w*|newsletter\w*|subscri\w+|sign-?up|log-?in|signin|register"
    r"|ad|ads|adv|advert\w*|adsense|adsbygoogle|banner\w*|sponsor\w*|promo\w*|pop-?up\w*|modal\w*|overlay|lightbox|masthead|toolbar|tool-?bar|paginat\w+|pager|widget(?:-?area|s)?|skip-?(?:link|nav|to)\S*|screen-?reader\S*"
    r"|sr-only|visually-?hidden|print-?only|no-?print|outbrain\S*|taboola\S*|trending|most-?(?:read|popular)|popular-?posts?|tag-?cloud|tags?-?(?:list|links)|post-?tags|headerlink|editsection|mw-editsection\S*|mw-jump-link|catlinks|navbox\w*|vertical-navbox"
    r"|author-?(?:bio|box)|about-?author|byline-?social|site-?header|page-?header|top-?bar|header-?(?:top|nav|bar)|copyright|disclaimer|legal|rating|votecell|js-vote\S*|post-menu|user-?info|user-?card|user-details|reputation|flair|mw-indicators|mw-cite-backlink|noprint|toc-?(?:container|list|wrapper)?|table-?of-?contents|comment-?form|respond|reply-?(?:link|form)|post-?navigation|prev-?next|nextprev|related-?posts?"
    r"|search-?(?:form|box|bar)?|language-?(?:selector|switcher|picker|list)|lang-?switch\w*|interlanguage\S*|p-lang\S*|feedback|skip|back-?to-?top|rst-footer-buttons|edit-?(?:link|this-?page|on-?github)|localtoc|globaltoc|sourcelink|memSearch\w*|MSearch\S*|navpath|titlearea|nav-panel|navrow\d|qindex|hotkeys|hnf-\S+|left-?rail|right-?rail|rail|marketing|call-?to-?action|cta|piano\S*|jobs?-?ads?|shop-?ad)(?:$|[\s_-])",
    re.IGNORECASE,
)  # fmt: skip
NEVER = re.compile(
    r"(?:^|[\s_-])(?:cookies?\w*|consent\w*|gdpr|onetrust\S*|headerlink|(?:mw-)?editsection\S*|mw-jump-link|navbox\w*|skip-?link\S*|sr-only|visually-?hidden|screen-?reader\S*|breadcrumbs?)(?:$|[\s_-])",
    re.IGNORECASE,
)
"""What is not content however much text it holds."""
COMMENTS = re.compile(
    r"(?:^|[\s_-])(?:comments?(?:-?(?:list|area|section|wrapper|container|thread|block|s))?|commentlist|disqus\S*|livefyre|responses)(?:$|[\s_-])",
    re.IGNORECASE,
)
FORUM = (
    "QAPage",
    "DiscussionForumPosting",
    "answercell",
    "js-post",
    'class="question"',
    "topic-body",
    "post-stream",
    "postbody",
    "post_body",
    "viewtopic",
    "threadtitle",
    "message-body",
    "showthread",
)
"""Signs that comments are the content: names that question-and-answer sites and forum software write."""
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
CONTENT = re.compile(
    r"articleBody|(?:^|[\s_-])(?:article-?(?:body|content|text)|post-?(?:body|content)|entry-?content|main-?content|story-?body|mw-parser-output|mw-content-text|markdown-body|documentwrapper|bodywrapper|page-?content|content-?(?:body|main))(?:$|[\s_-])",
    re.IGNORECASE,
)
LEAVES = frozenset(
    {
        "p",
        "ul",
        "ol",
        "dl",
        "table",
        "pre",
        "blockquote",
        "tbody",
        "tr",
        "td",
        "li",
        "dd",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "figure",
        "a",
        "span",
        "b",
        "i",
        "em",
        "strong",
        "font",
        "tt",
        "code",
    }
)
MOST = 0.35
"""Share of the page's text above which a class name is not believed: themes name whole columns `sidebar-right`."""
FEW = 0.12
"""Share of the page's text up to which a name is believed even of running text without links."""
NEARLY_ALL = 0.85
"""Share of the running text that the content element must hold."""
MARKED = 0.55
"""The same for an element that says it is the content (`main`, `article`, `itemprop="articleBody"`)."""
SENTENCE = 40
"""What one formula weighs, in characters, and the length from which text counts as running text."""
LINK_LIST = 0.75
"""Share of its text in links from which a block inside the content is taken for navigation."""


def measure(element: Element, in_link: bool = False) -> None:
    """Fills `length`, `links` and `weight` of the element and all below it."""
    in_link = in_link or element.tag == "a"
    length = links = weight = run = 0
    for child in element.children:
        if isinstance(child, str):
            size = len(child.strip())
            length += size
            run += size + SENTENCE * child.count("\ue000")
            continue
        measure(child, in_link)
        length += child.length
        links += child.links
        if child.tag in INLINE:
            run += child.weight
        else:
            weight += child.weight
    if in_link:
        links, run = length, 0
    element.length, element.links = length, links
    inline = element.tag in INLINE
    element.weight = weight + (
        run if inline or run >= SENTENCE or element.tag in ("pre", "p", "li", "dd", "td") else run // 4
    )


INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "mark",
        "nobr",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
    ]
)


def prune(body: Element, strictness: Strictness, html: str) -> None:
    """Cuts from the tree whatever is not content by its own account. `measure` must have run."""
    total = max(body.length, 1)
    marks = body.weight
    stack = [(body, False)]
    while stack:
        element, inside = stack.pop()
        if element.tag == "pre" or (len(element.children) == 1 and isinstance(element.children[0], str)):
            continue
        inside = inside or element.tag in ("main", "article")
        kept: list[Element | str] = []
        for child in element.children:
            if isinstance(child, str):
                kept.append(child)
            elif child.tag in NEVER_TEXT:
                kept.append(" ")
            elif (
                (not child.attributes and child.tag not in SECTIONS)
                or strictness == "all"
                or not _is_chrome(child, total, marks, inside, strictness, html)
            ):
                kept.append(child)
                stack.append((child, inside))
            elif child.tag == "header" or child.find("h1"):
                kept += [heading for heading in child.iterate() if heading.tag == "h1" and heading.length < 300]
        element.children = kept


def _is_chrome(element: Element, total: int, weight: int, inside: bool, strictness: Strictness, html: str) -> bool:
    share = max(element.length / total, element.weight / max(weight, 1))
    attributes, tag = element.attributes, element.tag
    if element.links > 0.5 * element.length and total - element.length > 2 * SENTENCE:
        share = min(share, 0.1)  # a menu is no content, however long it is
    menu = share < FEW or element.links > 0.4 * element.length
    if tag == "nav":
        return share < 0.5
    if tag == "footer" or (tag == "header" and not inside):
        return share < 0.5 and menu
    if tag == "aside":
        return share < MOST and (not inside or element.links > 0.3 * element.length)
    if attributes and (
        "hidden" in attributes
        or HIDDEN.search(attributes.get("style", ""))
        or (attributes.get("aria-hidden") == "true" and share < 0.1)
    ):
        return share < 0.5
    if not attributes or tag in WHOLE:
        return False
    return _is_named_chrome(element, share, menu, strictness, html)


def _is_named_chrome(element: Element, share: float, menu: bool, strictness: Strictness, html: str) -> bool:
    """What role, class and id make of the element."""
    attributes = element.attributes
    if strictness == "lenient" or attributes.get("role") in ROLES:
        return attributes.get("role") in ROLES and share < MOST and menu
    names = f"{attributes.get('class', '')} {attributes.get('id', '')}"
    kind = _kind(names) if len(names) > 2 else ""
    if not kind and "header" in names and element.links > 0.5 * element.length:
        return True  # texinfo's and others' row of links to the neighbouring pages
    if kind in ("chrome", "never"):
        return share < MOST and (menu or kind == "never")
    return (
        kind == "comments"
        and element.tag not in INLINE  # a comment of a program
        and share < 0.5
        and "\ue000" not in element.text()
        and not any(sign in html for sign in FORUM)
    )


@lru_cache(maxsize=8192)
def _kind(names: str) -> Literal["content", "never", "chrome", "comments", ""]:
    """What class and id say about an element. Remembered, since a page repeats its names; a pure function of them."""
    if CONTENT.search(names):
        return "content"
    if NEVER.search(names):
        return "never"
    if CHROME.search(names):
        return "chrome"
    return "comments" if COMMENTS.search(names) else ""


def main_element(body: Element) -> Element:
    """The element whose text is the page's content. `measure` must have run after the last cut."""
    current, floor = body, NEARLY_ALL * body.weight
    while True:
        inner = [child for child in current.elements() if child.tag not in LEAVES]
        best = max(inner, key=lambda child: child.weight, default=None)
        if best is None:
            return current
        if best.weight >= floor:
            current = best
            continue
        if current.tag in ("main", "article") or _kind(_names(current)) == "content":
            return current
        marked = _marked_content(current)
        if marked is None:
            return current
        current, floor = marked, NEARLY_ALL * marked.weight


def _marked_content(element: Element) -> Element | None:
    """The only element below that says it is the content, where it holds more than half of the running text.

    A forum marks every post so: where several say it, none is the content alone."""
    found: list[Element] = []
    stack = list(reversed(element.elements()))
    while stack:
        candidate = stack.pop()
        if candidate.weight < SENTENCE or candidate.tag in LEAVES:
            continue
        if (
            candidate.tag in ("main", "article")
            or candidate.get("role") == "main"
            or _kind(_names(candidate)) == "content"
        ):
            found.append(candidate)
        else:
            stack.extend(reversed(candidate.elements()))
    largest = max(found, key=lambda candidate: candidate.weight, default=None)
    if largest is None or largest.weight < MARKED * element.weight:
        return None
    rivals = [candidate for candidate in found if candidate is not largest and candidate.weight > 0.1 * largest.weight]
    return None if any(_like(rival, largest) for rival in rivals) else largest


def _like(rival: Element, element: Element) -> bool:
    return rival.tag == element.tag and rival.get("class").split()[:1] == element.get("class").split()[:1]


def _names(element: Element) -> str:
    return f"{element.get('class')} {element.get('id')} {element.get('itemprop')}"


def cut_link_lists(content: Element) -> None:
    """Cuts blocks that are mostly links, where the content is not itself a list of links."""
    prose = content.length - content.links
    if prose < 400 or content.links > 0.5 * content.length:
        return
    stack = [content]
    while stack:
        element = stack.pop()
        kept: list[Element | str] = []
        for child in element.children:
            if not isinstance(child, str) and _is_link_list(child, prose):
                continue
            kept.append(child)
            if not isinstance(child, str):
                stack.append(child)
        element.children = kept


def _is_link_list(element: Element, prose: int) -> bool:
    if (
        element.tag not in ("ul", "ol", "div", "table", "section", "dl", "aside", "center")
        or element.length > prose
        or element.weight > 3 * SENTENCE
    ):
        return False
    if element.links < LINK_LIST * element.length or not element.length:
        return False
    anchors = sum(1 for part in element.iterate() if part.tag == "a")
    return anchors >= 3 and element.links / anchors < 2 * SENTENCE
