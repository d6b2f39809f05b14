"""School Chinese in one wording: synonyms of whole answers, quadrants, formulas in words, numerals of cheques."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern

_SYNONYMS = (
    ("能", "可以|能够|可以的|能的|可能够"),
    ("不能", "不可以|不能够|不行"),
    ("真", "为真|是真|真的|是真命题|真命题"),
    ("假", "为假|是假|假的|是假命题|假命题"),
    ("够", "够用|足够|够了|够的|足够了"),
    ("不够", "不够用|不足够|不够的"),
    ("不变", "没有变化|保持不变|没变|没有变|无变化|不改变|没有改变|不发生变化|不会变"),
    ("变大", "增大|变大了|增大了|增加"), ("变小", "减小|变小了|减小了|减少"),
    ("反比例", "成?反比例?(?:关系)?"),
    ("正比例", "成?正比例?(?:关系)?"),
    ("必然事件", "必然"),
    ("随机事件", "随机"),
    ("不可能事件", "不可能|不可能的事件"),
    ("奇函数", "奇"),
    ("偶函数", "偶"),
    ("直角三角形", r"[Rr]t(?:\\triangle|△)?\s*(?:三角形)?"),
    ("等腰直角三角形", r"等腰[Rr]t(?:\\triangle|△)?\s*(?:三角形)?"),
    ("既不充分也不必要", "既不充分又不必要(?:的)?(?:条件)?|既非充分[又也]非必要(?:的)?(?:条件)?|非充分非必要(?:的)?(?:条件)?|不充分不必要(?:的)?(?:条件)?|既不是充分条件[,，]?也不是必要条件"),
)  # fmt: skip
_SAME = tuple((lazy_pattern(said), word) for word, said in _SYNONYMS)
MAX_SYNONYM = 16
_CHEQUE = dict(zip("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千", strict=True))
_CHEQUE |= {"貳": "二", "參": "三", "陸": "六"}
_CHEQUE_NUMBER = lazy_pattern(
    r"[壹贰貳叁參肆伍陆陸柒捌玖拾佰仟零百千万亿]{2,30}|(?<![\u4e00-\u9fff])[壹贰貳叁參肆伍陆陸柒捌玖拾](?=[\u4e00-\u9fff]{0,2}$)"
)
_ONLY_CHEQUE = lazy_pattern(r"[壹贰貳叁參肆伍陆陸柒捌玖拾佰仟]")
_QUADRANTS = lazy_pattern(
    r"(?:第?(?:[一二三四1-4]|I{1,3}|IV)(?:象限)?(?:\s*[、,，和与及]\s*|(?=第|[一二三四]))){0,3}第?(?:[一二三四1-4]|I{1,3}|IV)象限"
)
_PLACE = lazy_pattern(r"IV|I{1,3}|[一二三四1-4]")
_PLACES = {"一": "1", "二": "2", "三": "3", "四": "4", "I": "1", "II": "2", "III": "3", "IV": "4"}
_ALTERNATIVES = lazy_pattern(r"[\u4e00-\u9fff]{2,30}")
"""等腰三角形或直角三角形: words, and no numbers."""
_NUMBER = "[零一二两三四五六七八九十百千\\d.]"
_FORMULA_WORDS = lazy_pattern(
    rf"(?:{_NUMBER}|[a-z()π ]|正负|负|根号下?|加|减|乘以?|除以|倍|分之|的?平方|的?立方){{2,40}}"
)
_SAID = lazy_pattern(r"正负|加上?|减去?|乘以?|除以|倍(?=根号)|倍(?=[π])|的?平方$|的?立方$")
_SIGN = {"正负": "\\pm ", "加": "+", "加上": "+", "减": "-", "减去": "-", "乘": "\\times ", "乘以": "\\times ", "除以": "/", "倍": "", "平方": "^2", "的平方": "^2", "立方": "^3", "的立方": "^3"}  # fmt: skip
_ORIGINAL = lazy_pattern(
    r"^(?:解[:：,，]?)?(?:原式|原方程的?解|(?:约分|化简|计算|整理|合并|通分|移项)(?:之?后|的?结果)?(?:得到?|可得|为|是)?)\s*(?P<opened>\$?)\s*(?:[=:：]|(?<=[后果得是为])|为|是)+\s*(?=[-\d\\$(a-z√])"
)
_SHIFT = lazy_pattern(r"(?:向)?([左右上下])(?:平行)?(?:平移|移动?)了?")
_UNIT_LENGTH = lazy_pattern(r"个?单位(?:长度)?$")
_TIMES_AS = lazy_pattern(
    r"(?:会|就|将)?(?:扩大|缩小|增大|减小|增加|减少|变大|变小|变)?(?:到|为|成|是)了?(?:它|其)?(?:原来|原)的(?=[\d一二两三四五六七八九十百千]|\\frac)"
)
_FRACTION = lazy_pattern(r"\$?\\[dt]?frac\{(\d{1,6})\}\{(\d{1,6})\}\$?")
_YUAN = lazy_pattern(rf"({_NUMBER}{{1,12}})块(?:钱)?({_NUMBER})(?:毛|角)?(?:钱)?$")
_MAO = lazy_pattern(rf"(?<={_NUMBER})毛(?:钱)?(?=$|[\d一二三四五六七八九两])")
_WHOLE_YUAN = lazy_pattern(r"(?<=[元块圆])(?:整|正)$")
_BEFORE_SCALE = lazy_pattern(r"(?<=\d)\s+(?=[万亿])")


def in_common_words(text: str) -> str:
    """The answer in the wording that the others have; a text that says anything else stays as it is."""
    bare = text.strip(" .。")
    if len(bare) <= MAX_SYNONYM:
        for said, word in _SAME:
            if said.fullmatch(bare):
                return word
    if "象限" in bare and _QUADRANTS.fullmatch(bare):
        return quadrants(bare)
    if "或" in bare and _ALTERNATIVES.fullmatch(bare):
        return "或".join(sorted(re.split("或者?", bare)))
    if _ONLY_CHEQUE.search(text):
        text = _CHEQUE_NUMBER.sub(lambda m: "".join(_CHEQUE.get(c, c) for c in m[0]), text)
    text = _BEFORE_SCALE.sub("", _ORIGINAL.sub(r"\g<opened>", text))
    if "移" in text:
        text = _UNIT_LENGTH.sub("个单位", _SHIFT.sub(r"向\1平移", text))
    if "原" in text:
        text = _TIMES_AS.sub("变为原来的", text)
    if text.startswith("变为原来的"):
        text = _FRACTION.sub(r"\1/\2", text.replace("百分之一", "1/100"))
    if "块" in text or "毛" in text or "整" in text or "正" in text:
        text = _WHOLE_YUAN.sub("", _MAO.sub("角", _YUAN.sub(r"\1元\2角", text)))
    return _in_signs(text)


def quadrants(text: str) -> str:
    """第24象限 of 第四、二象限: which they are, in no order."""
    return f"第{''.join(sorted({_PLACES.get(place, place) for place in _PLACE.findall(text)}))}象限"


def _in_signs(text: str) -> str:
    """2\\sqrt{3} of 二倍根号三, and \\pm 2 of 正负二, where the text is nothing but a formula in words."""
    if not _SAID.search(text) or not _FORMULA_WORDS.fullmatch(text):
        return text
    return _SAID.sub(lambda m: _SIGN[m[0]], text)
