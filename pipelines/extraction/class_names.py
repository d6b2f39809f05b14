"""What class names and ids say about an element: that it is the content, or a menu, a banner, a list of comments.
How their words begin is compiled into `start_tags`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Kind = Literal["content", "never", "chrome", "comments", ""]
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
CONTENT = r"articlebody|article-?(?:body|content|text)|post-?(?:body|content)|entry-?content|main-?content|story-?body|mw-parser-output|mw-content-text|markdown-body|documentwrapper|bodywrapper|page-?content|content-?(?:body|main)"
SAID = (CONTENT, NEVER, CHROME, COMMENTS)
"""The strongest first, in the order of `RANKS`."""
GROUP = re.compile(r"\((?:[^()]|\([^()]*\))*\)")
COMPOUND = frozenset(
    first
    for names in (CONTENT, NEVER, CHROME, COMMENTS)
    for word in re.findall(r"(?:^|\|)([a-z]+)\??-", GROUP.sub("", names))
    for first in (word, word.removesuffix("s"))
)
"""Words that say something together with the word after them: `skip-link`, `table-of-contents`."""
OPTIONAL = re.compile(rf"{GROUP.pattern}\??|-\?")


def _by_beginning() -> dict[str, tuple[tuple[int, re.Pattern[str]], ...]]:
    """By the first three letters, or fewer where fewer are fixed, what the patterns know, with its place in `SAID`. Most words
    of the web begin like none of them, and one look-up tells."""
    known: dict[str, dict[int, list[str]]] = {}
    for rank, names in enumerate(SAID):
        for name in _alternatives(names):
            fixed = re.match(r"(?:[a-z](?!\?))*", OPTIONAL.sub("", name))
            known.setdefault(fixed[0][:3] if fixed else "", {}).setdefault(rank, []).append(name)
    return {
        beginning: tuple((rank, re.compile("|".join(names))) for rank, names in kinds.items())
        for beginning, kinds in known.items()
    }


def _alternatives(pattern: str) -> list[str]:
    """The alternatives of a pattern, those inside brackets left together."""
    return re.findall(r"(?:[^|()]|\((?:[^()]|\([^()]*\))*\))+", pattern)


KINDS = _by_beginning()
BEGINNINGS = frozenset(KINDS)
SLUG = 3  # words; ours: theme ids that name a part of the page have up to three


def kind_of(names: str) -> Kind:
    """What class names or an id say about an element."""
    words = _words(names.lower())
    rank = NOTHING
    for place, word in enumerate(words):
        if word[:3] in BEGINNINGS or "menu" in word:
            rank = min(rank, _rank_of(word))
        if word in COMPOUND and place + 1 < len(words):
            pair = f"{word}-{words[place + 1]}"
            rank = min(rank, _rank_of(pair))
            if place + 2 < len(words):
                rank = min(rank, _rank_of(f"{pair}-{words[place + 2]}"))
    return RANKS[rank]


def _words(names: str) -> list[str]:
    return names.replace("-", " ").replace("_", " ").split()


@lru_cache(maxsize=1 << 14)
def _rank_of(word: str) -> int:
    """How strong what one word says is, by its place in `RANKS`. Remembered: all names of the web are made of few words."""
    letters = word.replace("-", "")
    rank = NOTHING
    for beginning in ("", letters[:1], letters[:2], letters[:3]):
        for kind, pattern in KINDS.get(beginning, ()):
            if kind < rank and pattern.fullmatch(word):
                rank = kind
    return rank


RANKS: tuple[Kind, ...] = ("content", "never", "chrome", "comments", "")
NOTHING = len(RANKS) - 1


def kind_of_id(name: str, *, section: bool = False) -> Kind:
    """What an id says; one of many words is the slug of a heading (`search-based-solver-and-its-steps`), and says nothing. That of
    a section is one from two words on: `line-search`."""
    return kind_of(name) if name and len(_words(name)) <= (1 if section else SLUG) else ""


def stronger(one: Kind, other: Kind) -> Kind:
    return one if RANKS.index(one) < RANKS.index(other) else other
