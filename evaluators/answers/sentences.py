r"""An answer inside its sentence: `B is the fastest`, `f is an odd function since ...`, `3^{-1} \equiv 4`, `..., so 13`.

The last look of a lenient profile at a prediction that is not the reference as it stands. What is left out only repeats the
question, gives a reason, or works the value out; a sentence that hedges or denies is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.problem import Hints
from evaluators.answers.reading.chinese import simplified
from evaluators.answers.reading.remarks import HEDGE

MAX_SENTENCE = 400
MAX_MEMBERS = 8
MAX_WORDS = 4
MAX_ECHO = 16
"""Chinese characters before an answer within one run of them."""
Judge = Callable[[str, str], bool]
"""Whether a prediction is a reference, by every other rule."""

_MARKS = lazy_pattern(r"\*\*|\\(?:quad|qquad|[,;:! ])|~|\$")
_TEXT = lazy_pattern(r"\\(?:text|mathrm|textbf|mbox|operatorname)\s*\{([^{}\\]{1,60})\}")
_WORD = lazy_pattern(r"(?<![\\A-Za-z])[A-Za-z]+(?:['’-][A-Za-z]+)*|[\u4e00-\u9fff]+")
_BETWEEN = lazy_pattern(r"[\s,:：，、;；。.!]*")
_SAYS = frozenset({
    "the", "a", "an", "is", "are", "was", "were", "be", "it", "its", "it's", "this", "that", "these", "there", "so",
    "thus", "hence", "therefore", "of", "in", "to", "at", "as", "we", "get", "have", "has", "had", "will", "would",
    "equal", "equals", "exactly", "only", "all", "value", "values", "answer", "result", "number", "function", "here",
    "position", "location", "located", "lies", "called", "each", "every", "given", "which", "with", "such", "also",
    "just", "obviously", "clearly", "simply", "then", "found",
})  # fmt: skip
"""Words that add nothing to an answer."""
_HAN_SAYS = frozenset("点的是为有在于位得等即则共就了也答约占和与其该这那它成属所以因此故当且仅使")
_DENIES = lazy_pattern(
    r"\b(?:not|no|never|neither|nor|cannot|except|unless|but|if|minus|negative|twice|half|than|fails?|wrong|or)\b|n['’]t\b|[?？]"
)
_REASON = lazy_pattern(
    r"[,，;；]?\s*(?:\b(?:since|because|as\s+(?=\$|\\|[a-z]\())|因为|由于|理由是)(?=[^A-Za-z]|\b)", re.IGNORECASE
)
_CONCLUDES = lazy_pattern(
    r"(?:[,，;；。.]|\\implies|\\Rightarrow|⇒|→)\s*(?:and\s+)?(?:so|thus|hence|therefore|所以|因此|故|∴|\\therefore)?[\s,，]*",
    re.IGNORECASE,
)
_SO = lazy_pattern(
    r"[,，;；。.\s](?:and\s+)?(?:so|thus|hence|therefore|所以|因此|故|∴|\\therefore)\b|\\implies|\\Rightarrow|⇒",
    re.IGNORECASE,
)
_THAT_IS = lazy_pattern(
    r"[,，;；]?\s*(?:\bi\.e\.,?|\bthat\s+is,|\bor\s+equivalently,?|\bwhich\s+is\s+the\s+same\s+as|[,，]\s*即(?:为|是)?|亦即|也就是)\s*",
    re.IGNORECASE,
)
_EQUALS = lazy_pattern(r"(?<![<>:!\\])=(?!=)|\\equiv(?![a-z])|≡")
_GOES_ON = lazy_pattern(r"(?:is|are|was|were|has|have|does|没|是|为)(?![A-Za-z])")
_ARTICLE = lazy_pattern(r"[aA]\s+(?=[a-z]{2})")
_REMARK = lazy_pattern(
    r"\s*[(（]\s*(?:when|at|attained|achieved|where|当|此时)\b[^()（）]{1,60}[)）]\s*$", re.IGNORECASE
)
_BUILDER = lazy_pattern(r"\$?\\?\{\s*(?P<name>[a-z])\s*(?:\\in[^|:]{1,20})?(?:\\mid|\\vert|\||:)")
_ASCII_WORD = lazy_pattern(r"[A-Za-z]+")
_NO_PLAIN_WORDS = lazy_pattern(
    r"[^A-Za-z\s.]|\b(?!(?:is|an?)\b)[A-Za-z]{1,2}\b|\b(?:than|of|from|to|before|after|if|implies|but|by|over|per|into|not|without|then)\b"
)
_SUBJECT = lazy_pattern(r"[a-z](?:\([A-Za-z]\))?\s+(?=(?:is|are|has)\b)")
_FACTORIAL = lazy_pattern(r"(?<=[)\dA-Za-z])!=")
_SEVERAL = lazy_pattern(r"[;；\n]|\b(?:or|and|with)\b|\\text|,(?!\d{3}(?!\d))|[，、或和]")
_SEVERAL_SAID = lazy_pattern(r"[,，;；、]\s*[A-Za-z]{2}|[,，;；、][\u4e00-\u9fff]")
_NAME = lazy_pattern(r"\\?[A-Za-z]+(?:_\{?\w{1,6}\}?)?|[\u4e00-\u9fff]{1,10}\s*[A-Za-z]?(?:_\{?\w{1,6}\}?)?")
_LETTER = lazy_pattern(r"(?<![\\A-Za-z])[A-Za-z](?![A-Za-z])")
_ORDER = lazy_pattern(r"(?<!\\)[<>＜＞]|\\[lg]t(?![a-z])|\\[lg]eq?(?:slant)?(?![a-z])|[≤≥]")


def states(left: str, right: str, hints: Hints, judge: Judge) -> bool:
    """Whether the prediction says the reference within a sentence, a chain of equations or beside another form of it."""
    if len(right) > MAX_SENTENCE or len(left) > MAX_SENTENCE:
        return False
    text = _plain(right)
    if (remark := _REMARK.search(left)) is not None and remark.start() and judge(left[: remark.start()], right):
        return True
    if _renamed(left, text, judge) or _same_few_words(left, text) or _works_out(left, text, judge):
        return True
    if hints.ordered and _ORDER.search(text) and not _ORDER.search(left):
        return judge(left, _ORDER.sub(", ", text))
    if _said_twice(left, text, judge):
        return True
    return any(judge(left, answer) for answer in _candidates(left, text, hints, judge))


def _plain(text: str) -> str:
    text = _MARKS.sub(lambda mark: "" if mark[0] in ("$", "**") else " ", text.strip())
    return _TEXT.sub(r" \1 ", text).strip().rstrip("。.")


def _candidates(left: str, text: str, hints: Hints, judge: Judge) -> Iterator[str]:
    yield from _without_echo(left, text, hints)
    if (reason := _REASON.search(text)) is not None and reason.start() > 0:
        head = text[: reason.start()]
        yield head
        yield from _without_echo(left, head, hints)
    if (worked := _end_of_chain(left, text, judge)) is not None:
        yield worked
    if _SO.search(text) and not HEDGE.search(text):
        last = _CONCLUDES.split(text)[-1]
        if last and last != text:
            yield last
            yield from _without_echo(left, last, hints)
            if (worked := _end_of_chain(left, last, judge)) is not None:
                yield worked


# ---- the words of the question


def _without_echo(left: str, text: str, hints: Hints) -> Iterator[str]:
    """The sentence without the words around its answer that the question has too, or that say nothing."""
    if not hints.given or not _WORD.search(text):
        return
    question = (
        re.split(r"[，。；;]|,(?=[\u4e00-\u9fff])", simplified(hints.question).rstrip("。？?. "))[-1]
        if not text.isascii()
        else hints.question
    )
    known = {_stem(word) for word in re.findall(r"[A-Za-z]+", question)} - {_stem(word) for word in _WORD.findall(left)}
    begin = _echo_before(text, known, question)
    end = _echo_behind(text, begin, known, question)
    for start in (begin, *_within_han(text, begin, question)):
        core = text[start:end].strip(" ,:：，、;；。.")
        around = f"{text[:start]} {text[end:]}".lower()
        if core and core != text and not _SEVERAL_SAID.search(core) and not _DENIES.search(around):
            yield core


def _within_han(text: str, begin: int, question: str) -> Iterator[int]:
    """Where an answer may begin inside Chinese words: 第一象限 of 位于第一象限."""
    begin = _BETWEEN.match(text, begin).end()  # type: ignore[union-attr]  # it matches nothing too
    word = _WORD.match(text, begin)
    if word is None or word[0].isascii():
        return
    for length in range(min(len(word[0]) - 1, MAX_ECHO), 0, -1):
        if _in_pieces(simplified(word[0][:length]), question):
            yield begin + length


def _stem(word: str) -> str:
    word = word.lower().replace("’", "'")
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _says_nothing(word: str, known: set[str], question: str) -> bool:
    if word.isascii():
        if len(word) == 1:
            return not question.isascii() and word in question
        return word.lower() in _SAYS or _stem(word) in known
    return _in_pieces(simplified(word), question)


def _in_pieces(said: str, question: str) -> bool:
    """Whether Chinese words are pieces of the question, of two characters at least, and particles."""
    position = 0
    while position < len(said):
        length = next((n for n in range(len(said) - position, 1, -1) if said[position : position + n] in question), 0)
        if not length and said[position] not in _HAN_SAYS:
            return False
        position += max(length, 1)
    return True


def _echo_before(text: str, known: set[str], question: str) -> int:
    position, link = 0, 0
    while True:
        start = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]  # it matches nothing too
        article = _ARTICLE.match(text, start) or (_SUBJECT.match(text, start) if not start else None)
        word = _WORD.match(text, article.end() if article else start)
        if word is None or not _says_nothing(word[0], known, question):
            return link if word is not None or link < position else start
        position = word.end()
        if not word[0].isascii() or len(word[0]) == 1 or word[0].lower() in _SAYS:
            link = position  # of its own, a word of the question may be half of the answer: red of red and blue


def _echo_behind(text: str, begin: int, known: set[str], question: str) -> int:
    words = list(_WORD.finditer(text, begin))
    end = len(text)
    for word in reversed(words):
        if _BETWEEN.fullmatch(text, word.end(), end) is None or not _says_nothing(word[0], known, question):
            break
        end = word.start()
    # Right behind an answer stands its unit or the rest of it, whatever the question says, but for a verb.
    goes_on = _GOES_ON.match(text, end) or all(word[0].lower() in _SAYS for word in words if word.start() >= end)
    return end if goes_on and end < len(text) else len(text)


# ---- chains and other forms


def _renamed(left: str, text: str, judge: Judge) -> bool:
    """{t : t > 1} for {x : x > 1}, and c for (C)."""
    mine, yours = _BUILDER.match(left), _BUILDER.match(text)
    if mine is not None and yours is not None and mine["name"] != yours["name"]:
        letter = re.compile(rf"(?<![\\A-Za-z]){yours['name']}(?![A-Za-z])")
        taken = re.search(rf"(?<![\\A-Za-z]){mine['name']}(?![A-Za-z])", text)
        return taken is None and judge(left, letter.sub(mine["name"], text))
    return len(text) == 1 and text.islower() and left.strip("$. ") == f"({text.upper()})"


def _same_few_words(left: str, text: str) -> bool:
    """`The triangle is obtuse` for `obtuse triangle`, `neither odd nor even` for `neither even nor odd`."""
    mine, yours = (sorted(w.lower() for w in _ASCII_WORD.findall(t) if w.lower() not in _SAYS) for t in (left, text))
    plain = not _NO_PLAIN_WORDS.search(left + text)
    return plain and 2 <= len(mine) <= MAX_WORDS and mine == yours and "not" not in mine


def _works_out(left: str, text: str, judge: Judge) -> bool:
    """The product, where the reference is the equation of a sum and its product."""
    sides = _EQUALS.split(left.strip("$ "))
    if len(sides) != 2 or _EQUALS.search(text) or not all(len(side.strip()) > 2 for side in sides):
        return False
    return judge(sides[1], text) and judge(sides[0], sides[1])


def _end_of_chain(left: str, text: str, judge: Judge) -> str | None:
    """5 of `10/2 = 5` and of `S = ab/2 = 5`: every member before it has its value, or is a name with the formula it is for."""
    if _EQUALS.search(left):
        return None
    members = [member.strip() for member in _EQUALS.split(_FACTORIAL.sub("! =", text))]
    if not 2 <= len(members) <= MAX_MEMBERS or not all(members):
        return None
    *before, last = members
    if any(_SEVERAL.search(member) for member in members):
        return None
    named = _NAME.fullmatch(before[0]) is not None
    if named and len(before) == 1:
        return None  # a name and its value, of which the other rules have spoken
    for member in before[1:] if named else before:
        formula = named and _LETTER.search(member) is not None and _LETTER.search(last) is None
        if not formula and not judge(last, member):
            return None
    return f"{_WORD.sub('', before[0]) if not before[0].isascii() else before[0]} = {last}" if named else last


def _said_twice(left: str, text: str, judge: Judge) -> bool:
    """`a >= 0, i.e. a is non-negative`, where the other form is in words or the same value."""
    halves = _THAT_IS.split(text)
    if len(halves) != 2 or not all(half.strip() for half in halves):
        return False
    first, second = (half.strip() for half in halves)
    for one, other in ((first, second), (second, first)):
        if judge(left, one) and (judge(left, other) or (_WORD.search(other) and not HEDGE.search(other))):
            return True
    return False
