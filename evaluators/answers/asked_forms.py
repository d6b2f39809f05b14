"""Which forms a problem asks for: factored, simplified, in scientific notation."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.chinese import simplified

_BEGINS = r"(?:^|[.:;,!?)$。，；：]\s*|\n\s*|\b(?:please|and|then|to|completely|fully|now)\s+)"
# What one of its words a problem must hold for the pattern to be tried, and the pattern.
_ASKED: dict[str, tuple[tuple[str, ...], re.Pattern[str]]] = {
    "factored": (
        ("factor", "分解"),
        lazy_pattern(
            rf"{_BEGINS}(?:completely\s+)?factor(?:i[sz]e)?\b(?!\s+(?:of|is|by|in|that|for)\b)|\bfactored\s+form\b|因式分解|分解因式",
            re.IGNORECASE,
        ),
    ),
    "expanded": (
        ("expand", "multiply", "展开"),
        lazy_pattern(rf"{_BEGINS}(?:expand|multiply\s+out)\b|\bexpanded\s+form\b|展开(?!图)", re.IGNORECASE),
    ),
    "primes": (
        ("prime", "质因数"),
        lazy_pattern(
            r"\bprime\s+factori[sz]ation|\bproduct\s+of\s+(?:its\s+)?prime(?:s\b|\s+(?:factor|number|power)s)|(?:分解|写成).{0,4}质因数|质因数分解",
            re.IGNORECASE,
        ),
    ),
    "partial": (("partial",), lazy_pattern(r"\bpartial\s+fractions?", re.IGNORECASE)),
    "simplified": (
        ("simpl", "lowest", "reduced", "化简", "最简", "约分"),
        lazy_pattern(
            rf"{_BEGINS}simplify\b|\bsimplest\b|\blowest\s+terms\b|\breduced\s+form\b|\bin\s+simplified\b|化简|最简|约分",
            re.IGNORECASE,
        ),
    ),
    "rationalized": (("ationali", "有理化"), lazy_pattern(r"\brationali[sz]e\b|分母有理化", re.IGNORECASE)),
    "scientific": (("scientific", "科学"), lazy_pattern(r"\bscientific\s+notation\b|科学[记计]数法", re.IGNORECASE)),
    "solved": (("solve", "解"), lazy_pattern(rf"{_BEGINS}solve\b|解(?:不等式|方程|关于)|(?<!无)解集", re.IGNORECASE)),
    "exact": (
        ("exact", "精确值", "准确值"),
        lazy_pattern(
            r"\bexact\s+(?:value|answer|form|solution|area|length|volume|distance)s?\b|精确值|准确值", re.IGNORECASE
        ),
    ),
    "evaluated": (
        ("evaluate", "compute", "calculate", "求值"),
        lazy_pattern(rf"{_BEGINS}(?:evaluate|compute|calculate)\b|求值", re.IGNORECASE),
    ),
    "calculated": (("计算",), lazy_pattern(r"计算(?!器|机)")),
    "equation": (
        ("equation", "方程"),
        lazy_pattern(
            r"\bequations?\s+(?:of|for)\s+(?:the|a|an|this|that|its|each|all|both|any)\b|(?:直线|切线|圆|曲线|轨迹|椭圆|双曲线|抛物线|渐近线|平面)[^，。；]{0,6}方程|\bequation\s+in\b",
            re.IGNORECASE,
        ),
    ),
    "rounded": (
        ("round", "nearest", "decimal", "significant", "保留", "四舍五入", "精确到"),
        lazy_pattern(
            r"\brounded\b|\bround\s+(?:off|up|down|your|it|each|all|to|the\s+(?:answer|result|number|value|quotient|sum|product)|\$?[-\\\d])|\bto\s+the\s+nearest\b|\bdecimal\s+places?\b|\bsignificant\s+(?:figures|digits)\b|保留|四舍五入|精确到",
            re.IGNORECASE,
        ),
    ),
}
MAX_PROBLEM = 4_000
"""Characters of a problem, from its end, in which a form is sought."""


def asked_forms(text: str) -> frozenset[str]:
    """Names of the forms that the problem asks for, as `forms.py` knows them."""
    end = text[-MAX_PROBLEM:] if text.isascii() else simplified(text[-MAX_PROBLEM:])
    lower = end.lower()
    return frozenset(
        name
        for name, (words, pattern) in _ASKED.items()
        if any(word in lower for word in words) and pattern.search(end)
    )
