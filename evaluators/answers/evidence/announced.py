"""Announced answers: boxes, <answer>, ####, the field of a JSON object, "the answer is", 答案是."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from evaluators.answers.evidence.candidates import MATH, SENTENCE_END, Candidate, candidate, last_match
from evaluators.answers.evidence.denials import asked, denied_box, supposed
from evaluators.answers.evidence.named import end_of_list, names_its_values, names_of_boxes
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.remarks import HEDGE, stated_number

_BOX_TOKEN = lazy_pattern(r"(\\{1,2}(?:boxed|fbox|framebox)\s{0,9}\{)|\\.|[{}]", re.DOTALL)
_BARE_BOX = lazy_pattern(r"\\boxed\s*([A-Za-z0-9.,/+-]+|\\[A-Za-z]+\{[^{}]*\}(?:\{[^{}]*\})?)")
_OPEN_BOX = lazy_pattern(r"\\boxed\s*\{([^\n$]+)")
_ANSWER_TAG = lazy_pattern(r"<answer>((?:(?!</?answer>).)*)</answer>", re.DOTALL | re.IGNORECASE)
_HASHES = lazy_pattern(r"####[ \t]*([^\n]+)")
_FIELD = lazy_pattern(
    r'"(?:final[_ ]?answer|answer|final[_ ]?result|result|solution|(?:correct|final)[_ ]?(?:answer|choice|option)|answers|choice|option|答案)"\s*:\s*("(?:[^"\\\n]|\\.){0,2000}"|-?\d[\d.eE+-]*|true|false|null|\[[^\[\]{}\n]{0,500}\])',
    re.IGNORECASE,
)
_OBJECT = lazy_pattern(r'\{\s*"')
_LATEX_ESCAPE = lazy_pattern(r"\\\\(?=[A-Za-z{}\[\]()!,;%$])")
_ENGLISH_CUE = lazy_pattern(
    r"\b(?:(?:final|correct|right|required|desired)\s+(?:answer|result|choice|option)|answer|ans)\b"
    r"(?:\s+to\s+(?:the|this)\s+(?:problem|question))?(?:\s+choice)?\**\s*"
    r"(?:\**\s*(?:is|was|are|would\s+be|should\s+be|will\s+be|equals|=|:|：)\**\s*)+(?:therefore\s+|thus\s+)?(?:\**[:：]\**)?"
    r"|^#{1,6}\s*\**(?:final\s+)?answer\**\s*$|\b(?:choose|pick|select|go\s+with)\s+(?:option\s+|choice\s+)?(?=\(?[A-J]\b)",
    re.IGNORECASE | re.MULTILINE,
)
_CHINESE_CUE = lazy_pattern(
    r"(?:(?:最终|最后|正确|参考|最終|最後|正確)?(?:的)?(?:答案|结果|选项|結果|選項)(?:应该|应|就|應該)?(?:选择|选|選|是|为|為|等于|等於|：|:|=)+"
    r"|(?:故|应|因此|所以|本题|应该|應)(?:选|選)(?:择|擇)?|【答案】|答[:：])\s*[:：]?"
)
_COMPOUND = lazy_pattern(r"(?:\d+(?:\.\d+)?\s?[\u4e00-\u9fff]{1,2}\s?){2,4}$")
_MADE_FROM = lazy_pattern(
    r"[\d零一二两三四五六七八九十百千万亿][\u4e00-\u9fff]?的[\d零一二两三四五六七八九十百千万亿]|\d的?[倍约因]数|除[^，。]{1,20}(?:以外|之外|外)|比\s?\d[^，。]{0,4}[多少大小]"
)
"""Numbers that another is made from: 5的2倍, 4的倍数, 除4以外."""
_EXPLAINED = lazy_pattern(
    r"[【\[（(]\s?(?:解析|分析|详解|點評|点评|解答|考点|思路|解题|知识点)[】\]：:）)]|[\s，,；;。.](?:解析|分析|详解|点评|解题思路|考点|解)[:：]"
    r"|[;.,]\s+(?:explanation|reasoning|justification|rationale|proof|work|working|solution)\s*[:：]",
    re.IGNORECASE,
)
"""Where an announced answer is followed by how it was found: 【答案】7；【解析】..."""
_FENCE = lazy_pattern(r"\s*```[a-z]{0,10}\s*\n\s*(?=[^`\s])")
_HYPOTHESIS = lazy_pattern(
    r"\b(?:if|had|were|suppose|supposing|assuming)\b(?!\s+(?:and\s+only|we\b|you\b))[^.\n]{3,100}$|(?:如果|若|假如|假设|要是|倘若|当)[^。\n]{2,60}[，,]?\s*(?:则|那么|那)?(?:所以|此时)?$",
    re.IGNORECASE,
)
"""A case that is not the problem's, where an announcement of the problem's answer stands before it."""
_CHINESE_ASIDE = lazy_pattern(
    r"\s*[（(][^（()）\n]{0,40}\d[^（()）\n]{0,40}[\u4e00-\u9fff][^（()）\n]{0,40}[)）]\s*$|[，,；;](?:比|其中|因为|由于|即每|平均每|占|相当于|约合|折合|此时|符合|满足|小于|大于|超过|不到|少于|多于|若|如果|假如|(?:而)?不是|而非)"
)
"""120 种（若考虑顺序则为 720 种）; 26只，比原计划多6只."""
_TWO_CLAUSES = lazy_pattern(
    r"[\u4e00-\u9fff]{2}[^，,；;。\n]{0,20}\d[^，,；;。\n\d]{0,12}[，,；;]\s*[\u4e00-\u9fff]{2}[^，,；;。\n]{0,20}\d"
)
_CHOICE_REASON = lazy_pattern(
    r"\(?([A-J])\)?\s*(?:[，,。]\s*(?:因为|由于|理由)|,?\s+(?:because|since)\b|\s*[，,；;]\s*[A-J](?:[、，,和]?[A-J])*(?:选?项)?[^A-J，,。]{0,12}(?:错|误|不正确|不对|不符))"
)
_SO_THE = lazy_pattern(
    r"\s*,\s*(?:and\s+)?(?:so|hence|thus|therefore)\s+(?:the|its|their)\s+[a-z ]{3,30}\s(?:is|are)\s+(?P<value>\$?[-\d\\][^,;$]{0,40}\$?)",
    re.IGNORECASE,
)
"""The answer is $n \\equiv 110 \\pmod{1000}$, so the remainder is 110."""
_SEMICOLON = lazy_pattern(r";\s+(?:the\s+other|since|because|as|note|while|here|where)\b.{0,200}$", re.IGNORECASE)
_NOT_THE_OTHER = lazy_pattern(r",\s+(?:and\s+)?not\s+[^,;.]{1,40}$")
"""What an announced answer is not: `250, not 240`."""
_CHINESE_HEDGE = lazy_pattern(r"\b(?:not|or|either|maybe|perhaps|possibly|between)\b|n't\b|或|不是|可能", re.IGNORECASE)
CHINESE_NUMBER = lazy_pattern(
    r"(?:百分之|负)?(?:[-−]?\d[\d,]*(?:\.\d+)?(?:/\d+)?[%％]?|(?!千[克米瓦卡帕纸里]|百[合货科]|万[花能物]|[一三四五六七八九十]+(?:角|边|棱|次函数|元[一二三]次|样|定|些|般|起|共))[零〇一二两三四五六七八九十百千万亿]+(?:分之[零〇一二两三四五六七八九十百千万亿]+|点[零〇一二三四五六七八九]+)?)"
)
_NUMBER = lazy_pattern(
    r"(?<![A-Za-z0-9_.])(?:[-−+](?=[\d.$€£¥]))?[$€£¥￥]?\s?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s?/\s?\d+(?![\d/]))?(?:\s?[%％])?(?:[eE][-+]?\d+)?"
)
_ABOUT_ITSELF = lazy_pattern(
    r"\s*(?:correct|right|wrong|incorrect|reasonable|verified|above|below|as\s+follows|consistent|confirmed|clear|found|given)\b",
    re.IGNORECASE,
)
_VALUE = lazy_pattern(r"\d|[$\\]|^\W*\(?[A-J]\)?\W*$|[零〇一二两三四五六七八九十百千万亿]")
MAX_CLAUSE = 2_000
MAX_BOXES = 200
"""Boxes that are looked at, the last ones."""
MAX_CUES = 40
"""Announcements in words that are looked at, the last ones."""


def announced(text: str, expect_list: bool, *, careful: bool = False) -> list[Candidate]:
    """The last of each kind of announcement, in no order; `careful` takes no clause's last number of several."""
    field = json_field(text)
    box, cue = boxed(text, expect_list), cued(text, expect_list, careful=careful)
    if box is not None and cue is not None and box.start < cue.start <= box.end:
        cue = None  # \boxed{\text{The answer is } 12}
    kept = [c for c in (box, tagged(text), hashes(text), cue) if c is not None]
    if field is not None:
        begin = _object_around(text, field)
        kept = [c for c in kept if not begin <= c.start <= field.end + 200] + [field]
    return kept


# ---- boxes


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


def boxed(text: str, expect_list: bool) -> Candidate | None:
    spans = [(s, e) for s, e in boxes(text) if text[s:e].strip()][-MAX_BOXES:]
    if not spans:
        bare = last_match(_BARE_BOX, text, 0, len(text))
        return bare and candidate(text, bare.start(1), bare.end(1), "boxed", 0.9)
    stated = [(s, e) for s, e in spans if not denied_box(text, s, e)]
    if not stated:
        return replace(candidate(text, *spans[-1], "boxed", 1.0), denied=True)
    spans = stated
    contents = list(dict.fromkeys("".join(text[s:e].split()) for s, e in spans))
    start, end = spans[-1]
    if expect_list and len(contents) > 1:
        parts = list(dict.fromkeys(text[s:e].strip() for s, e in spans))
        named = names_of_boxes(text, spans)
        return Candidate(answer=named or ", ".join(parts), start=spans[0][0], end=end, method="boxes", confidence=0.9)
    if len(contents) >= MANY_BOXES and (first := _start_of_run(text, spans)) is not None:
        listed = ", ".join(text[s:e].strip() for s, e in spans[first:])
        return Candidate(
            answer=listed, start=spans[first][0], end=end, method="boxed", confidence=0.5, distinct=len(contents)
        )
    return candidate(text, start, end, "boxed", 1.0, len(contents))


MANY_BOXES = 3
"""Different boxes with nothing between them that are guesses, of which none is the answer."""
_BESIDE = lazy_pattern(r"\}[\s$,;.、，]*(?:(?:or|and|或)\b)?[\s$,;.、，]*\\{1,2}(?:boxed|fbox|framebox)\s{0,9}\{")


def _start_of_run(text: str, spans: list[tuple[int, int]]) -> int | None:
    """The place of the first of the boxes that stand beside the last one, if they are many and differ."""
    first = len(spans) - 1
    while first and _BESIDE.fullmatch(text, spans[first - 1][1], spans[first][0]) is not None:
        first -= 1
    different = {"".join(text[s:e].split()) for s, e in spans[first:]}
    return first if len(different) >= MANY_BOXES else None


def unclosed_box(text: str) -> Candidate | None:
    last = last_match(_OPEN_BOX, text, 0, len(text))
    if last is None or not last.group(1).strip():
        return None
    return candidate(text, last.start(1), last.end(1), "unclosed_box", 0.5)


# ---- tags, hashes, fields


def tagged(text: str) -> Candidate | None:
    if "answer>" not in text.lower():
        return None
    matches = [m for m in _ANSWER_TAG.finditer(text) if m.group(1).strip()]
    if not matches:
        return None
    distinct = len({"".join(m.group(1).split()) for m in matches})
    start, end = matches[-1].span(1)
    inner = boxed(text[start:end], expect_list=False) or cued(text[start:end])
    if inner is not None:
        start, end = start + inner.start, start + inner.end
    return candidate(text, start, end, "answer_tag", 0.95, distinct)


def hashes(text: str) -> Candidate | None:
    if "####" not in text:
        return None
    matches = list(_HASHES.finditer(text))
    if not matches:
        return None
    return candidate(text, *matches[-1].span(1), "hashes", 0.95, len({m.group(1).strip() for m in matches}))


def json_field(text: str) -> Candidate | None:
    """The last field that is called answer, of an object that the text holds; the backslashes of its LaTeX are single."""
    if '"' not in text or _OBJECT.search(text) is None:
        return None
    last = last_match(_FIELD, text, 0, len(text))
    if last is None:
        return None
    value = last.group(1)
    if value.startswith('"'):
        value = _string(value)
    elif value.startswith("["):
        value = value[1:-1].replace('"', "")
    return Candidate(method="json", answer=value, start=last.start(1), end=last.end(1), confidence=0.95)


def _string(literal: str) -> str:
    """A JSON string; one that writes \\frac with a single backslash is no JSON, and meant so."""
    inner = literal[1:-1]
    if re.search(r"(?<!\\)\\(?![\\\"/nu])", inner):
        return inner.replace('\\"', '"')
    try:
        return str(json.loads(literal))
    except ValueError:
        return _LATEX_ESCAPE.sub(r"\\", inner)


def _object_around(text: str, field: Candidate) -> int:
    """Where the object begins whose field it is: what it says before the field is its reasoning."""
    begin = field.start
    for opened in _OBJECT.finditer(text, 0, field.start):
        if text.count("}", opened.start(), field.start) < text.count("{", opened.start(), field.start):
            return opened.start()
    return begin


# ---- cues


def cued(text: str, expect_list: bool = False, *, careful: bool = False) -> Candidate | None:
    """What follows the last "the answer is", 答案是, 答：, up to the end of its sentence."""
    best: re.Match[str] | None = None
    chinese = False
    denied: Candidate | None = None
    count: set[str] = set()
    for pattern in (_ENGLISH_CUE,) if text.isascii() else (_ENGLISH_CUE, _CHINESE_CUE):
        for match in deque(pattern.finditer(text), maxlen=MAX_CUES):
            start, end = _sentence(text, match.end())
            if not text[start:end].strip(" *:$") or (best is not None and _ABOUT_ITSELF.match(text, start, end)):
                continue
            if supposed(text, match.start()) or asked(text, start, end):
                denied = replace(candidate(text, start, end, "cue", 0.8), denied=True)
                continue
            if best is not None and _HYPOTHESIS.search(text, max(best.end(), match.start() - 120), match.start()):
                continue
            count.add("".join(text[start:end].split()).strip("*."))
            if best is None or match.end() > best.end():
                best, chinese = match, pattern is _CHINESE_CUE
    if best is None:
        return denied
    start, end = _sentence(text, best.end())
    if not (expect_list and names_its_values(text[start:end])):
        start, end = _narrowed(text, start, end, chinese=chinese, careful=careful)
    opened = _OPEN_BOX.match(text, start, end)
    if opened is not None and "}" not in text[end : end + 1]:
        start = opened.start(1)  # a box that the text's end, or its limit of tokens, left open
    return candidate(text, start, end, "cue", 0.8, len(count))


def overrides(cue: Candidate) -> bool:
    """Whether a cue gives a value that counts beside an earlier box: no hedge, and not what it says of the answer."""
    return bool(_VALUE.search(cue.answer)) and not HEDGE.search(cue.answer) and not _ABOUT_ITSELF.match(cue.answer)


def _sentence(text: str, start: int) -> tuple[int, int]:
    """From `start`, past white space and emphasis, to the end of the sentence; a formula is never cut."""
    while start < len(text) and (text[start].isspace() or text[start] in "*:：_"):
        start += 1
    if text.startswith("```", start) and (fence := _FENCE.match(text, start)) is not None:
        start = fence.end()
    line = text.rfind("\n", 0, start) + 1
    if not text[line:start].strip("*_ \t-+•") and (end := end_of_list(text, line)) > start:
        return line, end
    formula = MATH.match(text, start)
    position = formula.end() if formula else start
    limit = min(len(text), position + MAX_CLAUSE)
    match = SENTENCE_END.search(text, position, limit)
    if match is not None and match.group() in "?？":  # 35? Or maybe 13?
        match = SENTENCE_END.search(text, match.end(), limit) or match
    end = match.start() if match else limit
    explained = _EXPLAINED.search(text, start, end)
    return start, explained.start() if explained is not None and explained.start() > start else end


def _narrowed(text: str, start: int, end: int, *, chinese: bool, careful: bool) -> tuple[int, int]:
    """Only the value, where a whole clause follows the cue; never where the clause hedges."""
    formula = MATH.match(text, start)
    if formula and "\\" in formula[0] and (so := _SO_THE.fullmatch(text, formula.end(), end)) is not None:
        return so.span("value")
    if formula and not HEDGE.search(text, formula.end(), end) and not MATH.search(text, formula.end(), end):
        return formula.start(), formula.end()
    if (choice := _CHOICE_REASON.match(text, start, end)) is not None:
        return choice.span(1)
    if (denial := _NOT_THE_OTHER.search(text, start, end) or _SEMICOLON.search(text, start + 1, end)) is not None:
        end = denial.start()
    clause = text[start:end]
    if chinese:
        return _chinese_value(text, start, end, careful=careful)
    if "$" in clause.strip("$") and MATH.search(clause):
        return start, end
    if len(clause.split()) > 2 and (stated := stated_number(clause.strip())) is not None:
        begin = start + len(clause) - len(clause.lstrip()) + stated[0]
        return begin, begin + stated[1] - stated[0]
    return start, end


def _chinese_value(text: str, start: int, end: int, *, careful: bool) -> tuple[int, int]:
    aside = _CHINESE_ASIDE.search(text, start, end)
    if aside is not None and CHINESE_NUMBER.search(text, start, aside.start()):
        end = aside.start()
    if careful and _TWO_CLAUSES.search(text, start, end):
        return start, end  # 一共用了15元，还剩5元: the question decides
    clause = text[start:end]
    if _CHINESE_HEDGE.search(clause) or "$" in clause.strip("$"):
        return start, end
    if (compound := _COMPOUND.search(clause)) and "第" not in clause:
        return start + compound.start(), end
    if re.search(r"[\u4e00-\u9fff]{2,}", clause) and not _MADE_FROM.search(clause):
        number = last_match(CHINESE_NUMBER, text, start, end)
        if number:
            unit = re.compile(r"\s?[\u4e00-\u9fffA-Za-z²³]{0,4}").match(text, number.end(), end)
            return number.start(), unit.end() if unit and unit.end() == end else number.end()
    return start, end
