"""Finds the final answer of a free text, in time linear in its length.

    boxed > <answer> > #### > announced ("the answer is", 答案是) > program output > last expression or number

`<think>` is dropped first. Of several boxes the last counts; all of them do only where the reference is a list.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from evaluators.answers.verdicts import Extraction

MAX_TEXT = 2_000_000
"""Characters read, from the end: the final answer of a longer text is sought in its tail."""

_BOX_TOKEN = re.compile(r"(\\{1,2}(?:boxed|fbox|framebox)\s{0,9}\{)|\\.|[{}]", re.DOTALL)
_BARE_BOX = re.compile(r"\\boxed\s*([A-Za-z0-9.,/+-]+|\\[A-Za-z]+\{[^{}]*\}(?:\{[^{}]*\})?)")
_OPEN_BOX = re.compile(r"\\boxed\s*\{([^\n$]+)")
_ANSWER_TAG = re.compile(r"<answer>((?:(?!</?answer>).)*)</answer>", re.DOTALL | re.IGNORECASE)
_HASHES = re.compile(r"####[ \t]*([^\n]+)")
_OUTPUT_BLOCK = re.compile(r"```output[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_ENGLISH_CUE = re.compile(
    r"\b(?:(?:final|correct|right|required|desired)\s+(?:answer|result|choice|option)|answer|ans)\b"
    r"(?:\s+to\s+(?:the|this)\s+(?:problem|question))?(?:\s+choice)?\**\s*"
    r"(?:\**\s*(?:is|was|are|would\s+be|should\s+be|will\s+be|equals|=|:|：)\**\s*)+(?:therefore\s+|thus\s+)?(?:\**[:：]\**)?",
    re.IGNORECASE,
)
_CHINESE_CUE = re.compile(
    r"(?:(?:最终|最后|正确|参考)?(?:的)?(?:答案|结果|选项)(?:应该|应|就)?(?:选择|选|是|为|等于|：|:|=)+|(?:故|应|因此|所以|本题|应该)选(?:择)?|【答案】|答[:：])\s*[:：]?"
)
_CHINESE_CONCLUSION = re.compile(r"(?:所以|因此|综上|于是)[，,：:]?")
_MATH = re.compile(
    r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|(?<![\\$])\$((?:\\\$|[^$\n])+?)(?<!\\)\$(?!\d)", re.DOTALL
)
_NUMBER = re.compile(
    r"(?<![\w.])(?:[-−+](?=[\d.$€£¥]))?[$€£¥￥]?\s?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s?/\s?\d+(?![\d/]))?(?:\s?[%％])?(?:[eE][-+]?\d+)?"
)
_CHINESE_NUMBER = re.compile(
    r"(?:百分之|负)?(?:[-−]?\d[\d,]*(?:\.\d+)?(?:/\d+)?[%％]?|(?!千[克米瓦卡帕]|[一三四五六七八九十]+(?:角|边|棱|次函数|元[一二三]次|样|定|些|般|起|共))[零〇一二两三四五六七八九十百千万亿]+(?:分之[零〇一二两三四五六七八九十百千万亿]+|点[零〇一二三四五六七八九]+)?)"
)
_DIGITS = re.compile(r"(?<![A-Za-z0-9.])[-−]?\d[\d,]*(?:\.\d+)?(?:/\d+)?[%％]?")
_SENTENCE_END = re.compile(r"[。！？!?\n]|(?<!\d)\.(?=\s|$)|(?<=\d)\.(?=\s*$|\s+[A-Z(])|\.(?=\s*\n)")
_DENIED = re.compile(
    r"\banswer\s+(?:can|could|is|must|should|does)?\s?(?:not|n['’]t)\b|答案(?:不|并非|未知|无法|没有)", re.IGNORECASE
)
_COMPOUND = re.compile(r"(?:\d+(?:\.\d+)?\s?[\u4e00-\u9fff]{1,2}\s?){2,4}$")
_HEDGE = re.compile(r"\b(?:not|or|either|maybe|perhaps|possibly|between)\b|n't\b|或|不是|可能", re.IGNORECASE)


def extract(
    text: str, *, profile: str = "strict", expect_list: bool = False, program_output: str | None = None
) -> Extraction | None:
    """The final answer of `text`, or None where it gives none.

    `program_output` is what a program printed last, where it was kept apart from the text. Under `reward` only an
    announced answer counts: a box, a tag, `####` or a cue. Under `deepseek` the published order is followed.
    """
    if profile == "deepseek":
        from evaluators.answers.deepseek import extract_published

        return extract_published(text, program_output=program_output)
    base = _after_thinking(text)
    if base is None:
        return None
    if len(text) - base > MAX_TEXT:
        base = len(text) - MAX_TEXT
    tail = text[base:]
    found = _announced(tail, expect_list)
    if found is None and profile != "reward":
        found = _from_program(tail, program_output) or _unclosed_box(tail) or _last_expression(tail)
    return found and _shifted(found, base)


def _announced(tail: str, expect_list: bool) -> Extraction | None:
    return _boxed(tail, expect_list) or _tagged(tail) or _hashes(tail) or _cued(tail)


def _shifted(found: Extraction, base: int) -> Extraction:
    return Extraction(
        answer=found.answer,
        start=found.start + base,
        end=found.end + base,
        method=found.method,
        confidence=found.confidence,
        distinct=found.distinct,
    )


def _after_thinking(text: str) -> int | None:
    """Where the answer part begins; None where a thought was begun and never ended."""
    closed = max(text.rfind("</think>"), text.rfind("</thinking>"))
    opened = max(text.rfind("<think>"), text.rfind("<thinking>"))
    if opened > closed:
        before = text[:opened]
        return None if not before.strip() or closed >= 0 else 0
    return text.index(">", closed) + 1 if closed >= 0 else 0


# ---- announced answers


def boxes(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the contents of the outermost balanced boxes, in order; one pass with one stack."""
    if "boxed" not in text and "fbox" not in text and "framebox" not in text:
        return
    stack: list[tuple[bool, int]] = []
    finished: list[tuple[int, int]] = []
    for token in _BOX_TOKEN.finditer(text):
        word = token.group()
        if token.group(1):
            stack.append((True, token.end()))
        elif word == "{":
            stack.append((False, token.end()))
        elif word == "}" and stack:
            is_box, start = stack.pop()
            if is_box:
                while finished and finished[-1][0] >= start:
                    finished.pop()
                finished.append((start, token.start()))
    yield from finished


def _boxed(text: str, expect_list: bool) -> Extraction | None:
    spans = [(s, e) for s, e in boxes(text) if text[s:e].strip()]
    if not spans:
        bare = _last_match(_BARE_BOX, text, 0, len(text))
        if bare is None:
            return None
        return _found(text, bare.start(1), bare.end(1), "boxed", 0.9)
    contents = list(dict.fromkeys("".join(text[s:e].split()) for s, e in spans))
    start, end = spans[-1]
    if expect_list and len(contents) > 1:
        parts = list(dict.fromkeys(text[s:e].strip() for s, e in spans))
        return Extraction(answer=", ".join(parts), start=spans[0][0], end=end, method="boxes", confidence=0.9)
    return _found(text, start, end, "boxed", 1.0, len(contents))


def _unclosed_box(text: str) -> Extraction | None:
    last = _last_match(_OPEN_BOX, text, 0, len(text))
    if last is None or not last.group(1).strip():
        return None
    return _found(text, last.start(1), last.end(1), "unclosed_box", 0.5)


def _tagged(text: str) -> Extraction | None:
    if "answer>" not in text.lower():
        return None
    matches = [m for m in _ANSWER_TAG.finditer(text) if m.group(1).strip()]
    if not matches:
        return None
    distinct = len({"".join(m.group(1).split()) for m in matches})
    start, end = matches[-1].span(1)
    inner = _boxed(text[start:end], expect_list=False) or _cued(text[start:end])
    if inner is not None:
        start, end = start + inner.start, start + inner.end
    return _found(text, start, end, "answer_tag", 0.95, distinct)


def _hashes(text: str) -> Extraction | None:
    if "####" not in text:
        return None
    matches = list(_HASHES.finditer(text))
    if not matches:
        return None
    return _found(text, *matches[-1].span(1), "hashes", 0.95, len({m.group(1).strip() for m in matches}))


def _cued(text: str) -> Extraction | None:
    """What follows the last "the answer is", 答案是, 答：, up to the end of its sentence."""
    best: re.Match[str] | None = None
    count: set[str] = set()
    for pattern in (_ENGLISH_CUE, _CHINESE_CUE):
        for match in pattern.finditer(text):
            start, end = _sentence(text, match.end())
            if not text[start:end].strip(" *:$"):
                continue
            count.add("".join(text[start:end].split()).strip("*."))
            if best is None or match.end() > best.end():
                best = match
    if best is None:
        return _chinese_conclusion(text)
    start, end = _sentence(text, best.end())
    start, end = _narrowed(text, start, end, chinese=best.re is _CHINESE_CUE)
    opened = _OPEN_BOX.match(text, start, end)
    if opened is not None and "}" not in text[end : end + 1]:
        start = opened.start(1)  # a box that the text's end, or its limit of tokens, left open
    return _found(text, start, end, "cue", 0.8, len(count))


def _chinese_conclusion(text: str) -> Extraction | None:
    """The last 所以 ... sentence, by its last number."""
    last = _last_match(_CHINESE_CONCLUSION, text, 0, len(text))
    if last is None:
        return None
    start, end = _sentence(text, last.end())
    if _HEDGE.search(text, start, end):
        return None
    formula = _last_match(_MATH, text, start, end)
    if formula is not None:
        return _found(text, *formula.span(), "conclusion", 0.6)
    number = _last_match(_DIGITS, text, start, end) or _last_match(_CHINESE_NUMBER, text, start, end)
    return number and _found(text, *number.span(), "conclusion", 0.6)


def _sentence(text: str, start: int) -> tuple[int, int]:
    """From `start`, past white space and emphasis, to the end of the sentence; a formula is never cut."""
    while start < len(text) and (text[start].isspace() or text[start] in "*:：_"):
        start += 1
    formula = _MATH.match(text, start)
    position = formula.end() if formula else start
    match = _SENTENCE_END.search(text, position, min(len(text), position + 2000))
    return start, (match.start() if match else min(len(text), position + 2000))


def _narrowed(text: str, start: int, end: int, *, chinese: bool) -> tuple[int, int]:
    """Only the value, where a whole clause follows the cue; never where the clause hedges."""
    formula = _MATH.match(text, start)
    if formula and not _HEDGE.search(text, formula.end(), end) and not _MATH.search(text, formula.end(), end):
        return formula.start(), formula.end()
    clause = text[start:end]
    if _HEDGE.search(clause) or "$" in clause.strip("$"):
        return start, end
    if chinese:
        if (compound := _COMPOUND.search(clause)) and "第" not in clause:
            return start + compound.start(), end
        if re.search(r"[\u4e00-\u9fff]{2,}", clause):
            number = _last_match(_CHINESE_NUMBER, text, start, end)
            if number:
                unit = re.compile(r"\s?[\u4e00-\u9fffA-Za-z²³]{0,4}").match(text, number.end(), end)
                return number.start(), unit.end() if unit and unit.end() == end else number.end()
    elif len(clause.split()) > 5:
        numbers = list(_NUMBER.finditer(text, start, end))
        if len(numbers) == 1:
            return numbers[0].span()
    return start, end


# ---- the rest: programs, last expressions


def _from_program(text: str, program_output: str | None) -> Extraction | None:
    if program_output is not None:
        lines = program_output.strip().splitlines()
        if lines:
            return Extraction(
                answer=lines[-1].strip(), start=len(text), end=len(text), method="program_output", confidence=0.7
            )
    last = _last_match(_OUTPUT_BLOCK, text, 0, len(text))
    if last is None or not last.group(1).strip():
        return None
    body = last.group(1).rstrip()
    start = last.start(1) + body.rfind("\n") + 1
    return _found(text, start, last.start(1) + len(body), "program_output", 0.7)


def _last_expression(text: str) -> Extraction | None:
    """The last formula or number of the last two thousand characters, whichever ends later."""
    begin = max(0, len(text) - 2000)
    if _DENIED.search(text, begin):
        return None
    formula = _last_match(_MATH, text, begin, len(text))
    number = _last_match(_NUMBER, text, begin, len(text))
    if formula is not None and (number is None or number.start() < formula.end()):
        group = next(i for i in range(1, 5) if formula.group(i) is not None)
        start, end = formula.span(group)
        equals = text.rfind("=", start, end)
        if equals > start and text[equals - 1] not in "<>!\\" and text[equals + 1 : end].strip():
            start = equals + 1
        return _found(text, start, end, "last_formula", 0.4)
    if number is not None:
        return _found(text, *number.span(), "last_number", 0.3)
    if (chinese := _last_match(_CHINESE_NUMBER, text, begin, len(text))) is not None:
        return _found(text, *chinese.span(), "last_number", 0.3)
    short = text.strip()
    return _found(text, 0, len(text), "whole_text", 0.3) if 0 < len(short) <= 40 else None


def _last_match(pattern: re.Pattern[str], text: str, start: int, end: int) -> re.Match[str] | None:
    latest = deque(pattern.finditer(text, start, end), maxlen=1)
    return latest[0] if latest else None


def _found(text: str, start: int, end: int, method: str, confidence: float, distinct: int = 1) -> Extraction:
    while start < end and (text[start].isspace() or text[start] in "*_`"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in "*_`;,，；"):
        end -= 1
    return Extraction(
        answer=text[start:end], start=start, end=end, method=method, confidence=confidence, distinct=distinct
    )
