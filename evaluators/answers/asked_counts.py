"""Whether a number is said of other things than those that the question counts: 12 brothers, where it is how many cookies."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.question import THINGS, question_of

_MONEY_SPENT = lazy_pattern(
    r"\bhow\s+much\s+(?:more\s+)?(?:(?:money|profit|change)\b|(?:did|do|does|will|would|is|are|was|were|has|have|had|should|must|can|could)\b.{0,60}?\b(?:make|earn|pay|cost|spend|owe|charge|save|worth|raise|paid|spent|made|earned)s?\b)",
    re.IGNORECASE | re.DOTALL,
)
_MONEY_WORDS = frozenset(
    [
        "dollar",
        "cent",
        "buck",
        "quid",
        "penny",
        "pence",
        "percent",
        "profit",
        "money",
        "euro",
        "yuan",
        "peso",
        "rupee",
        "yen",
        "coin",
        "bill",
        "total",
        "cost",
        "price",
    ]
)
_MEASURES = frozenset(["cup", "tablespoon", "teaspoon", "spoonful", "batch", "bag", "box"])
_PEOPLE = frozenset(
    [
        "people",
        "person",
        "student",
        "child",
        "children",
        "kid",
        "boy",
        "girl",
        "man",
        "men",
        "woman",
        "women",
        "adult",
        "friend",
        "guest",
        "player",
        "member",
    ]
)
_ANYTHING = frozenset(
    [
        "item",
        "thing",
        "object",
        "piece",
        "individual",
        "animal",
        "fruit",
        "vegetable",
        "way",
        "time",
        "coin",
        "toy",
        "number",
        "part",
        "more",
    ]
)


def counts_another(text: str, noun: str) -> bool:
    """Whether the noun counts other things of the problem: brothers where the question is how many cookies, people where it is money."""
    question = question_of(text).lower()
    words = {_one_of(word) for word in re.findall(r"[a-z]+", text.lower())}
    noun = _one_of(noun + "s")
    if noun in _MONEY_WORDS:
        return False
    if _MONEY_SPENT.search(question) is not None and "$" in text:
        return True
    if noun not in words and noun not in _MEASURES:
        return False
    if (asked := THINGS.search(question)) is not None:
        thing = _one_of(asked["thing"].lower())
        if thing == noun or thing in _ANYTHING or (thing in _PEOPLE and noun in _PEOPLE):
            return False
        between = re.split(
            r"\b(?:do|does|did|are|is|were|was|will|can|could|must|should|for|in|at|has|have|had|if)\b",
            question[asked.end() :],
        )[0]
        return noun not in {_one_of(word) for word in re.findall(r"[a-z]+", between + " " + asked.group())}
    return False


def _one_of(word: str) -> str:
    for ending, lone in (("ies", "y"), ("ches", "ch"), ("xes", "x"), ("ss", "ss"), ("s", "")):
        if word.endswith(ending) and len(word) > 3:
            return word[: len(word) - len(ending)] + lone
    return word
