"""Announcements that give no answer: denied, supposed, asked, reported of others, or taken back in the next words."""

from __future__ import annotations

import re

from evaluators.answers.evidence.candidates import last_match
from evaluators.answers.patterns import lazy_pattern

_BOX_OPENS = r"[\s$*:([]*(?:\\[(\[]\s*)?\\{1,2}(?:boxed|fbox|framebox)\s{0,9}\{$"
_NOT_BEFORE_BOX = lazy_pattern(
    rf"(?:\bnot|\bnever|\bcannot\s+be|n['’]t(?:\s+be)?|不是|并非|不等于|不会是|不可能是)(?:\s+equal\s+to)?{_BOX_OPENS}",
    re.IGNORECASE,
)
_WRONG_AFTER_BOX = lazy_pattern(
    r"\}[\s$*)\]\\]*(?:(?:is|was|would\s+be)\s+(?:definitely\s+|clearly\s+|also\s+)?(?:wrong|incorrect|false|impossible|invalid|not\s+(?:the|correct|right|valid)\b)"
    r"|,?\s*(?:which|but\s+(?:that|this|it))\s+(?:is|was)\s+(?:wrong|incorrect|false|impossible|not\s+(?:correct|right\b|valid|the\s+(?:right|correct|true)\s+(?:answer|value|result)))"
    r"|(?:这)?(?:是)?(?:错的|错误|不对|不正确))",
    re.IGNORECASE,
)
_WHO = r"(?:someone|somebody|people|students?|they|he|she|one|many|some|others?)"
_WRONG_BEFORE_BOX = lazy_pattern(
    r"(?:\b(?:wrong|incorrect|false|mistaken|erroneous|tempting|naive)\s+(?:final\s+)?(?:answers?|values?|results?|choices?|guess(?:es)?|conclusions?)(?:\s+(?:here|to\s+give))?(?:\s+(?:is|was|are|would\s+be|of))?"
    r"|\b(?:common|typical|frequent|usual)\s+(?:mistake|error|slip)s?\s+(?:is|gives?|leads?\s+to|would\s+be|results?\s+in)(?:\s+to)?(?:\s+(?:say|write|answer|get|give|the\s+answer|an\s+answer\s+of))?"
    r"|\b(?:someone|somebody|people|students|many|some)\s+(?:(?:might|may|could|would|will|often|sometimes)\s+)+(?:say|think|answer|write|claim|conclude)"
    r"|\b(?:wrongly|mistakenly|incorrectly|falsely)\s+(?:says?|said|thinks?|thought|answers?|answered|writes?|wrote|claims?|claimed|concludes?|concluded|gets?|got|gives?|gave|finds?|found|obtains?|obtained)"
    r"|(?:错误|不正确|错误的?)的?(?:答案|结果|做法|结论)(?:会)?(?:是|为|得到?)?|(?:有人|不少人|很多人|有些?同学|许多(?:学生|同学))(?:会|可能|常|容易|误)*(?:认为|以为|算成|写成|得出|得到|答))"
    rf"(?:\s+that)?(?:\s+the\s+answer\s+is)?(?:答案)?[是为]?[:：]?{_BOX_OPENS}",
    re.IGNORECASE,
)
_SUPPOSED = lazy_pattern(
    r"(?:\b(?:common|typical|frequent|usual)\s+(?:mistake|error|misconception|slip)s?\s+(?:is|would\s+be)(?:\s+to\s+(?:say|think|claim|conclude|write))?|\b(?:wrong|incorrect|false|mistaken|suppose|supposing|assume|assuming|imagine|pretend|if|whether|unless)"
    r"|\b(?:tempting|easy|wrong|incorrect|mistake)\s+to\s+(?:say|think|answer|conclude|believe)"
    rf"|\b{_WHO}\s+(?:might\s+|may\s+|could\s+|would\s+)?(?:said|says?|thinks?|thought|claims?|claimed|argues?|answers?))"
    r"(?:\s+that)?(?:\s+(?:the|my|our|his|her|their|its|an?))?\s*$"
    r"|(?:错误|不正确|假设|如果|假如|若|倘若|假定|是否|(?:有人|别人|某人|[他她]们?|同学|小[\u4e00-\u9fff])(?:认为|说|以为|觉得))(?:的|其|它)?$",
    re.IGNORECASE,
)
_ASKED = lazy_pattern(r"[吗么呢]\s*$")
_WRONGLY = r"\bif\s+(?:that|this|it|I)(?:['’]s|\s+is|\s+am|\s+was|\s+were)?\s+(?:not\b|wrong|incorrect|mistaken)|(?:如果|若)(?:不对|错了|不是)"
_IF_WRONG = lazy_pattern(_WRONGLY, re.IGNORECASE)
_TAKEN_BACK = lazy_pattern(
    r"\b(?:actually|hmm+|oh)\s?[,.—–-]+\s*no\b|\b(?:actually|no|oops|sorry)\b[^.\n]{0,12}\bI\s+(?:mis-?[a-z]+|forgot|made|got)\b"
    rf"|{_WRONGLY}|\bwait\b[,:]?\s*(?:no\b|that|this|it|actually|I)|\bno,\s+(?:it|that|the)\b|\b(?:that|this|it)(?:\s+(?:answer|value|result))?(?:['’]s|\s+is|\s+was)\s+(?:wrong|incorrect|not\s+(?:right|correct))|\bcorrection\s*[:,]"
    r"|\b(?:sorry|oops|(?:scratch|strike)\s+that|my\s+mistake|just\s+kidding|on\s+second\s+thoughts?|I\s+take\s+(?:that|it)\s+back|(?:ignore|disregard)\s+(?:that|this))\b|\bI\s+(?:made|was)\b[^.\n]{0,20}\b(?:mistake|error|wrong)\b"
    r"|[这那](?:个答案)?(?:是)?(?:错|不对)|(?:^|[，,。；\s])不对[，,。]|更正|抱歉",
    re.IGNORECASE,
)
_ANOTHER = lazy_pattern(
    r"[\s$*)\]}\\.,;:，。；]*(?P<how>(?:or|alternatively|actually|no)\b|或者?|也可能|也许)"
    r"(?:\W{0,3}(?:maybe|perhaps|possibly|even|it|that|the|answer|is|was|be|should|could|might|may|also|just|[xy]\s?=|是)){0,6}[\s$:,({\\]*"
    r"(?:\\?boxed\s?\{)?(?P<number>\d+)(?![\d/]|[.,]\d)",
    re.IGNORECASE,
)
_SHOULD_BE = lazy_pattern(
    r"\b(?:it|this|that|answer|result|value|total)\s+(?:should|must|has\s+to|ought\s+to)\s+(?:actually\s+|really\s+|instead\s+|rather\s+|in\s+fact\s+)?be[\s$:({\\]*(?:\\?boxed\s?\{)?(?P<number>\d+)(?![\d/]|[.,]\d)"
    r"|(?:应该?|应当)(?:是|为|等于)[\s$]*(?P<chinese>\d+)(?![\d/]|[.,]\d)",
    re.IGNORECASE,
)
"""What a second look says the answer should be."""
_ADMITS = lazy_pattern(
    r"\b(?:I|we)\s+(?:have\s+)?(?:forgot(?:ten)?|missed|overlooked|miscounted|mis-?added|miscalculated|misread|mis-?multiplied|left\s+out|made\s+(?:a|an)\s+(?:[a-z]+\s+)?(?:mistake|error|slip)|double[- ]counted|should\s+have)\b"
    r"|(?:忘了|忘记|漏了|漏掉|遗漏|算错|看错|抄错|弄错|搞错)(?!.{0,6}(?:容易|不要|注意))",
    re.IGNORECASE,
)
"""What a second look finds amiss; a number other than the announced one must follow it."""
_LAST_NUMBER = lazy_pattern(r"(?<![A-Za-z\d.,])\d{1,15}(?:,\d{3}){0,6}(?![A-Za-z\d]|[.,]\d)")
_HEDGED_BEFORE = lazy_pattern(
    r"(?:\b(?:less|more|fewer|greater|smaller|larger|higher|lower)\s+than|\bup\s+to|\b(?:may|might|could)\s+(?:be|have|get)|\bbetween|\bsuppose\b[^.]{0,20}|\bperhaps|\bmaybe"
    r"|\bpossibl[ey](?:\s+(?:answers?|values?|solutions?))?(?:\s+(?:is|are))?:?|\b(?:is|are|was)\s+(?:definitely\s+|certainly\s+)?(?:not|never)"
    r"|不超过|超过|不足|大于|小于|多于|少于|高于|低于|(?<!只)可能|也许|介于|不到|将近|接近|\b(?:[Ee]quation|[Ss]tep|[Pp]age|[Ss]ection|[Ff]igure|[Tt]able|[Cc]hapter|[Ee]xample|[Tt]heorem|[Ll]emma)s?|(?:答案|解答|解析)?(?:详?见|参见|参考)第?|如果(?:是|为)?|假设(?:是|为)?)"
    r"(?:\s*(?:about|around|only|equal\s+to|or|是|为|[\w$€£,.]{1,8}\s+(?:and|or)))?[\s$*(\\]*$",
    re.IGNORECASE,
)
_BOUND_BEFORE = lazy_pattern(
    r"(?:\bat\s+(?P<en>least|most)|\bno\s+(?:more|less|fewer)\s+than|\b(?:a\s+)?(?:minimum|maximum)\s+of|至少|至多|最多|最少|不少于|不多于)(?:\s*(?:about|是|为|有|需要?|要))?[\s$*(\\]*$",
    re.IGNORECASE,
)
_ASKS_BOUND = lazy_pattern(
    r"\b(?:least|most|minimum|maximum|minimal|maximal|smallest|largest|fewest|greatest)\b|至少|至多|最多|最少|最大|最小",
    re.IGNORECASE,
)
_HEDGED_AFTER = lazy_pattern(
    r"[^.\n。？?!]{0,24}(?:[?？]|\b(?:is|was)(?:\s+not|n['’]t)\s+(?:the|my|our|a|correct|right)\b)|\s*(?:is|was)\s+(?:wrong|incorrect|false)\b|[^。，\n]{0,6}[吗么]\s*[？?。]?|(?:是)?(?:错的|错误|不对|不正确)|\s+(?:to|or)\s+\d",
    re.IGNORECASE,
)
_UNSURE_AFTER = lazy_pattern(
    r"[^。\n]{0,30}(?:也(?:有)?可能|也许|我?(?:不太?确定|不敢(?:肯定|确定)|没有?把握|说不准|拿不准)|只是?(?:我)?(?:的)?猜测?)"
    r"|[^.\n]{0,40}\b(?:I\s*(?:am|['’]m)\s+(?:not\s+(?:really\s+|quite\s+|entirely\s+|at\s+all\s+)?(?:sure|certain)|unsure|only\s+guessing|just\s+guessing)|(?:is|was)\s+(?:just|only)\s+(?:a|my)\s+guess)\b",
    re.IGNORECASE,
)
"""What is concluded and then called a guess."""
BEFORE = 60
"""Characters before an announcement in which it may be denied or supposed."""
SECOND_LOOK = 400
"""Characters behind an announcement in which a second look may say what the answer should have been."""
AFTER = 60
"""Characters behind an announcement in which it may be taken back; farther on, a text speaks of something else."""


def denied_box(text: str, start: int, end: int) -> bool:
    r"""Whether `not \boxed{4}` or `\boxed{4} is wrong` is said of the box with the contents `text[start:end]`."""
    return bool(
        _NOT_BEFORE_BOX.search(text, max(0, start - BEFORE), start)
        or _WRONG_BEFORE_BOX.search(text, max(0, start - BEFORE), start)
        or _WRONG_AFTER_BOX.match(text, end, end + AFTER)
    )


def supposed(text: str, cue: int) -> bool:
    """Whether what stands before a cue makes it no announcement: `suppose the answer is`, `错误答案是`."""
    before = max(0, cue - BEFORE)
    return bool(text[before:cue].strip()) and _SUPPOSED.search(text, before, cue) is not None


def asked(text: str, start: int, end: int) -> bool:
    """Whether the clause behind a cue asks: `the answer is 18?`, `答案是25吗`."""
    return text[end : end + 1] in ("?", "？") or _ASKED.search(text, start, end) is not None


def taken_back(text: str, answer: str, end: int) -> bool:
    """Whether the words behind an announcement withdraw it, or offer another whole number beside a whole number."""
    if end >= len(text):
        return False
    if _TAKEN_BACK.search(text, end, end + AFTER):
        return True
    whole = answer.strip(" $.")
    if not whole.isdecimal():
        return False
    another = _ANOTHER.match(text, end, end + AFTER)
    if another is not None and int(another["number"]) != int(whole):
        return True
    if (admitted := _ADMITS.search(text, end, end + SECOND_LOOK)) is not None:
        last = last_match(_LAST_NUMBER, text, admitted.end(), admitted.end() + SECOND_LOOK)
        if last is not None and int(last[0].replace(",", "")) != int(whole):
            return True
    instead = last_match(_SHOULD_BE, text, end, end + SECOND_LOOK)
    return instead is not None and int(instead["number"] or instead["chinese"]) != int(whole)


def offered_beside(text: str, answer: str, end: int) -> bool:
    """Whether the words behind an announcement offer another number beside it, and correct nothing: `or 5`, `alternatively 5`."""
    another = _ANOTHER.match(text, end, end + AFTER)
    if another is not None and another["how"].lower() not in ("actually", "no"):
        return True
    return _IF_WRONG.search(text, end, end + AFTER) is not None


def hedged(text: str, start: int, end: int, problem: str) -> bool:
    """Whether the sentence of a conclusion takes it back: `may be 60`, `less than 5`, `at least 7` unless the problem asks so."""
    before = max(0, start - BEFORE)
    if _HEDGED_BEFORE.search(text, before, start) or _HEDGED_AFTER.match(text, end, end + AFTER):
        return True
    if _UNSURE_AFTER.match(text, end, end + AFTER):
        return True
    bound = _BOUND_BEFORE.search(text, before, start)
    return bound is not None and bool(bound["en"] or problem) and _ASKS_BOUND.search(problem) is None
