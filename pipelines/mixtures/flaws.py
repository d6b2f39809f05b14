"""What is wrong with a solution besides its answer: found by reading it, before anything runs.

A rule with a threshold was measured on real rows that are sound (docs/verification.md has the rates): it must leave them alone.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from evaluators.records import Language

FlawName = Literal[
    "empty",
    "broken_text",
    "refusal",
    "markup",
    "advert",
    "wrong_language",
    "cut",
    "repetition",
    "constant_program",
]
"""
    empty              question or solution holds no letter and no digit
    broken_text        characters that no text has: U+FFFD, control characters, halves of surrogates
    refusal            the writer declines, whatever it boxes
    markup             HTML tags or entities outside of programs
    advert             links, addresses, calls to follow or buy
    wrong_language     another language than the question's
    cut                ends inside a block, a formula, a box, or a sentence that has just begun
    repetition         goes round in circles: a stretch of it comes four times in a row, or one sentence is a third of it
    constant_program   its programs print what was typed into them: nothing is computed
"""
FLAWS: tuple[FlawName, ...] = get_args(FlawName)
FLAWS_OF_CHAT: tuple[FlawName, ...] = ("empty", "broken_text", "repetition")
"""Conversation and code may hold links, tags and refusals, in any language."""

BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
FORMULA = re.compile(
    r"\$\$.*?\$\$|\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]|\\begin\{(\w+\*?)\}.*?\\end\{\1\}|\\[a-zA-Z]+", re.DOTALL
)
COMMAND = re.compile(r"\\[a-zA-Z]+")
ASY = re.compile(r"\[asy\].*?\[/asy\]", re.DOTALL)  # figures, as MATH has them
SENTENCE_END = re.compile(r"(?<=[.!?。！？；])\s+|(?<=[。！？；])|\n+")
PROGRAM_BLOCK = re.compile(r"```(?:python|py)[^\n]*\n(.*?)\n?```", re.DOTALL | re.IGNORECASE)

BROKEN = re.compile("[\ufffd\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
REFUSAL = re.compile(
    r"\bas an? (?:AI|artificial intelligence)\b|\bas a (?:large )?language model\b"
    r"|\bI(?:'|’)?m (?:sorry|afraid)\b|\bI am (?:sorry|afraid)\b|\bI apologi[sz]e\b"
    r"|\bI (?:cannot|can(?:'|’)t|can not|am unable to|(?:'|’)m unable to|am not able to|won(?:'|’)t|will not)\s+"
    r"(?:\w+\s+)?(?:solve|answer|determine|help|assist|provide|complete|comply|fulfil|do this|give you)"
    r"|抱歉|对不起[，,]我|作为(?:一个|一款|一名)?(?:AI|人工智能|语言模型|大模型)|我(?:无法|不能|没法)(?:回答|解答|解决|提供|帮|完成|给出)",
    re.IGNORECASE,
)
TAGS = "a|abbr|b|blockquote|body|br|button|center|code|div|em|font|form|h[1-6]|head|hr|html|i|iframe|img|input|li|link|meta|ol|p|pre|script|small|span|strong|style|sub|sup|table|tbody|td|th|thead|tr|u|ul"
MARKUP = re.compile(
    rf"</(?:{TAGS})\s*>|<(?:{TAGS})(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>\"']+))+\s*/?>|<(?:br|hr|img)\b[^<>]*/?>"
    r"|&(?:nbsp|lt|gt|amp|quot|apos|ldquo|rdquo|times|#\d{2,5}|#x[0-9a-f]{2,5});",
    re.IGNORECASE,
)
ADVERT = re.compile(
    r"\bhttps?://|\bwww\.\w|!\[[^\]\n]*\]\([^)\n]+\)|\b[\w.+-]+@[\w-]+\.\w{2,}\b"
    r"|\bclick here\b|\bvisit our (?:web)?site\b|\bfollow us on\b|\bsubscribe to (?:my|our)\b"
    r"|关注.{0,8}公众号|加微信|微信号[:：]|QQ群?[:：]?\s?\d{6,}|扫码(?:关注|加)|点击(?:这里|链接)",
    re.IGNORECASE,
)
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
OTHER_LETTER = re.compile(
    r"[^\W\d_A-Za-z\u00b5-\u024f\u0370-\u03ff\u1d00-\u1dbf\u2070-\u218f]"
)  # neither Latin nor Greek
FUNCTION_WORDS: Mapping[str, str] = {
    "en": "the of and to is in that it for are was with as on be this have from has by so we he she they",
    "fr": "le la les des est une dans pour que qui sont avec nous donc du et il elle sur au aux ce",
    "es": "el la los las es una en para que por son con del se entonces y al como lo cada",
    "de": "der die das und ist ein eine den dem von mit für nicht auf sind also wir zu wird",
    "pt": "o os as um uma para que com não por são do da dos das em então e ao cada",
    "it": "il lo gli una per che con non sono del della dei quindi e di al ogni è",
}
"""The commonest of each language, ours: they tell which of these a text of some length is written in."""
WORDS_OF = {language: frozenset(words.split()) for language, words in FUNCTION_WORDS.items()}
FOREIGN_WORDS = 8
"""Function words of another language, and twice as many as English ones, that make a text foreign. Ours."""
LATIN_WORDS = 12
"""In a Chinese solution: beside fewer than a tenth as many Chinese characters, it is not Chinese. Ours."""
OTHER_SHARE = 0.2
"""Of an English solution's letters, in neither Latin nor Greek script. Ours: a quoted name is less."""
LOOP_TIMES, LOOP_WORDS, LOOP_CHARACTERS = 4, 24, 60
"""A stretch comes so often in a row, and the copies hold at least so many words (Chinese: characters). Ours: a model's loops
run to its limit, and a derivation's parallel lines differ in their figures. `evaluators.metrics.repeats`, which looks at
stretches anywhere, takes 6 % of sound Chinese solutions for loops."""
LONGEST_PERIOD = 60
"""Words, or characters, of a stretch."""
SENTENCE_SHARE = 0.3
"""Of the characters, in copies of one sentence that comes four times (Rae et al. 2021, table A1: 0.3 of the lines)."""
GRAM = 5
"""Parts whose copies are counted before a loop is looked for: a text without a loop has few."""
DANGLING = re.compile(
    r"(?:[,;=+*/(\[{<，、；（]|(?<!\w)(?:the|an|of|and|or|to|is|are|was|by|with|for|so|that|because|if|then|than|we|which|从而|因为|所以|于是|则))$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A solution as the rules read it."""

    question: str
    response: str
    form: str
    language: Language
    prose: str = field(init=False)
    """The response without its programs and their outputs."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "prose", BLOCK.sub(" ", self.response))

    @property
    def programs(self) -> list[str]:
        return PROGRAM_BLOCK.findall(self.response)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong, and where it shows."""

    name: FlawName
    detail: str


def find_flaws(text: Text) -> list[Flaw]:
    """Everything that is wrong with a solution, in the order of FLAWS."""
    asked = FLAWS_OF_CHAT if text.form == "chat" else FLAWS
    found = ((name, RULES[name](text)) for name in asked)
    return [Flaw(name=name, detail=detail) for name, detail in found if detail is not None]


def _empty(text: Text) -> str | None:
    for part, content in (("question", text.question), ("solution", text.response)):
        if not any(character.isalnum() for character in content):
            return f"the {part} is {content[:40]!r}"
    return None


def _broken_text(text: Text) -> str | None:
    return _shown(BROKEN, text.question) or _shown(BROKEN, text.response)


def _refusal(text: Text) -> str | None:
    return _shown(REFUSAL, text.prose)


def _markup(text: Text) -> str | None:
    return _shown(MARKUP, text.prose) or _shown(MARKUP, text.question)


def _advert(text: Text) -> str | None:
    return _shown(ADVERT, text.prose) or _shown(ADVERT, text.question)


def _shown(pattern: re.Pattern[str], content: str) -> str | None:
    found = pattern.search(content)
    if found is None:
        return None
    start, end = max(0, found.start() - 20), found.end() + 20
    return content[start:end].encode("utf-8", "backslashreplace").decode().replace("\n", " ")


def _wrong_language(text: Text) -> str | None:
    words = FORMULA.sub(" ", text.prose)
    latin, han = LATIN_WORD.findall(words), len(HAN.findall(words))
    if text.language == "zh":
        if len(latin) >= LATIN_WORDS and 10 * han < len(latin):
            return f"{han} Chinese characters beside {len(latin)} words"
        return None
    letters = sum(character.isalpha() for character in words)
    other = len(OTHER_LETTER.findall(words))
    if other > OTHER_SHARE * letters:
        return f"{other} of {letters} letters are of another script"
    counts = {name: sum(word.lower() in known for word in latin) for name, known in WORDS_OF.items()}
    foreign = max((name for name in counts if name != "en"), key=counts.__getitem__)
    if counts[foreign] >= FOREIGN_WORDS and counts[foreign] > 2 * counts["en"]:
        return f"{counts[foreign]} function words of {foreign}, {counts['en']} of en"
    return None


def _cut(text: Text) -> str | None:
    response = text.response.rstrip()
    if response.count("```") % 2:
        return "a block is not closed"
    if response.count("<think>") > response.count("</think>"):
        return "its thinking is not closed"
    prose = text.prose.rstrip()
    commands = prose.replace("\\\\", "  ")  # two backslashes end a line of a formula, and begin no command
    for opening, closing in (("\\[", "\\]"), ("\\(", "\\)"), ("\\begin{", "\\end{")):
        if commands.count(opening) > commands.count(closing):
            return f"{opening} is not closed"
    box = prose.rfind("\\boxed{")
    if box >= 0 and not _closes(prose[box + len("\\boxed") :]):
        return "its box is not closed"
    if not response.endswith("```") and (found := DANGLING.search(prose)):
        return f"ends in {found[0]!r}"
    return None


def _closes(braces: str) -> bool:
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", braces):
        depth += 1 if brace == "{" else -1
        if depth == 0:
            return True
    return False


def _repetition(text: Text) -> str | None:
    prose = ASY.sub(" ", text.prose)
    sentences = Counter(SENTENCE_END.split(prose))
    for sentence, count in sentences.most_common(3):
        if count >= LOOP_TIMES and count * len(sentence) > SENTENCE_SHARE * len(prose) and _says(sentence):
            return f"{count} times: {sentence.strip()[:80]}"
    if text.language == "zh":
        return _loop("".join(prose.split()), LOOP_CHARACTERS, "")
    return _loop(prose.split(), LOOP_WORDS, " ")


def _says(stretch: str) -> bool:
    """Whether it holds words: sums of equal terms, rows of dots and of digits are no loops."""
    return re.search(r"[^\W\d_]{2}", COMMAND.sub("", stretch)) is not None


def _loop(parts: Sequence[str], least: int, joined_by: str) -> str | None:
    """The first stretch that comes LOOP_TIMES in a row, on `least` parts or more."""
    names: dict[str, int] = {}
    ids = np.array([names.setdefault(part, len(names)) for part in parts], dtype=np.int64)
    if len(ids) < least or not _may_loop(ids, least):
        return None
    for period in range(1, min(LONGEST_PERIOD, len(ids) // LOOP_TIMES) + 1):
        differs = np.flatnonzero(ids[period:] != ids[:-period])
        ends = np.concatenate(([-1], differs, [len(ids) - period]))
        runs = np.diff(ends) - 1  # how long the text equals itself, a period later
        longest = int(np.argmax(runs))
        start, length = int(ends[longest]) + 1, int(runs[longest])
        if length >= max((LOOP_TIMES - 1) * period, least - period):
            stretch = joined_by.join(parts[start : start + period])
            if _says(stretch):
                return f"{length // period + 1} times in a row: {stretch[:80]}"
    return None


def _may_loop(ids: NDArray[np.int64], least: int) -> bool:
    """A loop on `least` parts has three quarters of their grams again, but for those at its end."""
    grams = np.zeros(len(ids) - GRAM + 1, dtype=np.int64)
    for place in range(GRAM):
        grams = grams * 1_000_003 + ids[place : len(ids) - GRAM + 1 + place]
    return len(grams) - len(np.unique(grams)) >= least * (LOOP_TIMES - 1) // LOOP_TIMES - GRAM + 1


def _constant_program(text: Text) -> str | None:
    programs = text.programs if text.form != "cot" else []
    return programs[-1][-120:] if programs and all(is_constant(code) for code in programs) else None


COPYING = {
    "print",
    "str",
    "int",
    "float",
    "repr",
    "format",
    "Fraction",
    "Rational",
    "Integer",
    "Float",
    "Decimal",
    "sympify",
    "S",
}
"""Calls that hand on what they are given."""


def is_constant(code: str) -> bool:
    """Whether a program prints something, and only what was typed into it: it holds no operation and calls nothing that has one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in its strings
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    nodes = list(ast.walk(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    prints = any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)
    return prints and not any(_computes(node, own) for node in nodes)


OPERATIONS: tuple[type[ast.AST], ...] = (
    ast.AugAssign, ast.Compare, ast.BoolOp, ast.Subscript, ast.For, ast.While, ast.If, ast.IfExp, ast.Lambda, ast.ListComp,
    ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.ClassDef, ast.Try, ast.With,
)  # fmt: skip


def _computes(node: ast.AST, own: set[str]) -> bool:
    if isinstance(node, ast.Call):
        return not (isinstance(node.func, ast.Name) and node.func.id in COPYING | own)
    if isinstance(node, ast.BinOp):
        return not any(_is_text(side) for side in (node.left, node.right))
    return isinstance(node, OPERATIONS)


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


RULES: Mapping[FlawName, Callable[[Text], str | None]] = {
    "empty": _empty,
    "broken_text": _broken_text,
    "refusal": _refusal,
    "markup": _markup,
    "advert": _advert,
    "wrong_language": _wrong_language,
    "cut": _cut,
    "repetition": _repetition,
    "constant_program": _constant_program,
}


def first_dropped(flaws: Sequence[Flaw], kept: Mapping[FlawName, str]) -> Flaw | None:
    """The first flaw for which a solution goes."""
    return next((flaw for flaw in flaws if kept.get(flaw.name, "drop") == "drop"), None)
