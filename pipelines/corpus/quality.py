"""Quality rules for exact text: what a line or a page is dropped for. A rule returns its reason, or nothing.

Lines with formulas are never dropped, and no rule counts English words: proofs, tables and Chinese have few of them.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass

from pydantic import Field

from evaluators.chinese import HAN
from evaluators.records import Settings

FORMULA = re.compile(r"\$|\\[a-zA-Z(\[]|[=^∑∫≤≥√]")
CHROME = re.compile(
    r"accept (?:all )?cookies|we use cookies|cookie (?:policy|settings)|enable javascript|javascript is (?:disabled|required)"
    r"|^share (?:this|on)\b|follow us|skip to (?:main )?content|back to top|all rights reserved"
    r"|terms of (?:use|service)|privacy policy|分享到|版权所有|返回顶部|^(?:上一篇|下一篇)",
    re.IGNORECASE,
)
BUTTON = re.compile(
    r"\W*(?:(?:please|(?:sign|log(?:ged)?)[ -]?(?:in|up|out)|register(?:ed|ing)?|subscribe|or|and|to|now|here|for|with|via"
    r"|by|free|today|your|an?|the|our|my|account|newsletter|reply|comment|post|continue|vote|rss|feeds?|updates|e-?mail"
    r"|google|facebook|twitter|github|apple|you must be|already|new|user|member|have|password|forgot(?:ten)?)\b\W*)+"
    r"|\W*(?:(?:登录|登陆|注册|请|先|立即|免费|马上|后|用户|账号|帐号|发表|评论|回复|查看|下载|或|即可|快速)\W*)+",
    re.IGNORECASE,
)
"""Lines of nothing but the words of such buttons: `log in base 10` and 注册会计师 say other things."""
ACCOUNT = re.compile(r"(?:sign|log(?:ged)?)[ -]?(?:in|up|out)|register|subscribe|登录|登陆|注册", re.IGNORECASE)
RULE_LINE = re.compile(r"([^\w\s])\1{9,}")
UNREADABLE = re.compile(r"[\ufffd\u0000-\u0008\u000b\u000c\u000e-\u001f\ue000-\uf8ff]")
LONG_LINE = 10_000  # characters; the longest line of 718 real pages of mathematics has 4,302
NOTHING_NEW = 0.03  # of a line's bytes that zlib leaves; of the two longest real lines it leaves 0.20 and 0.33
WORDLESS = re.compile(rf"[^\s{HAN}]{{1000,}}")


class QualitySettings(Settings):
    """Thresholds of the page rules."""

    least_characters: int = Field(default=100, ge=0)  # what a title and a menu come to; C4 asks for 3 sentences
    repeated_lines: float = Field(default=0.5, gt=0, le=1)  # Gopher: 0.3 of lines; tables of mathematics repeat more
    repeated_characters: float = Field(default=0.5, gt=0, le=1)  # Gopher: 0.2 of characters; likewise
    unreadable: float = Field(default=0.01, ge=0, le=1)  # U+FFFD, controls, private use: a wrong charset
    encoded: float = Field(default=0.3, ge=0, le=1)  # of the text in runs of 1,000 without a space: data, not prose
    chrome_line: int = Field(default=60, ge=0)  # characters; a longer line that says "sign in" says more than that


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A page's text without its dropped lines; why the page is dropped, where it is."""

    text: str
    dropped_lines: Counter[str]
    reason: str | None = None
    detail: str = ""


def judge(text: str, settings: QualitySettings) -> Judged:
    """Line rules first, then page rules on what is left."""
    kept, dropped = [], Counter[str]()
    fenced = False
    for line in text.split("\n"):
        fenced ^= line.lstrip().startswith("```")
        reason = None if fenced else line_reason(line, settings)
        if reason is None:
            kept.append(line)
        else:
            dropped[reason] += 1
    left = "\n".join(kept).strip()
    reason, detail = page_reason(left, settings)
    return Judged(text=left, dropped_lines=dropped, reason=reason, detail=detail)


def line_reason(line: str, settings: QualitySettings) -> str | None:
    """Why a line is dropped."""
    bare = line.strip()
    if not bare or FORMULA.search(bare):
        return None
    if len(bare) <= settings.chrome_line and (CHROME.search(bare) or (ACCOUNT.search(bare) and BUTTON.fullmatch(bare))):
        return "chrome"
    if len(bare) >= LONG_LINE and not WORDLESS.search(bare) and _says_nothing_new(bare):
        return "repetition"
    if RULE_LINE.fullmatch(bare) and "|" not in bare and bare[0] not in "-":  # Markdown's tables and rules stay
        return "ornament"
    return None


def _says_nothing_new(line: str) -> bool:
    content = line.encode("utf-8", "replace")
    return len(zlib.compress(content, 1)) < NOTHING_NEW * len(content)


def page_reason(text: str, settings: QualitySettings) -> tuple[str | None, str]:
    """Why a page is dropped, and the figure that decided."""
    if _width(text) < settings.least_characters:
        return "short", f"{len(text)} characters"
    unreadable = len(UNREADABLE.findall(text)) / len(text)
    if unreadable > settings.unreadable:
        return "unreadable", f"{unreadable:.1%} of the characters"
    encoded = sum(len(run) for run in WORDLESS.findall(text)) / len(text)
    if encoded > settings.encoded and not FORMULA.search(text):
        return "encoded data", f"{encoded:.0%} of the text has no space for 1,000 characters"
    lines = [line.strip() for line in text.split("\n") if len(line.strip()) > 1]
    if len(lines) >= 10:
        counts = Counter(lines)
        repeated = sum(count - 1 for count in counts.values()) / len(lines)
        characters = sum(len(line) * (count - 1) for line, count in counts.items()) / sum(map(len, lines))
        if repeated > settings.repeated_lines and characters > settings.repeated_characters:
            return "repetition", f"{repeated:.0%} of the lines, {characters:.0%} of the characters"
    return None, ""


def _width(text: str) -> int:
    """Characters; a Chinese one says as much as three."""
    return len(text.encode("utf-8", "replace"))
