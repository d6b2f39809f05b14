"""Predictions that fill the gap of a Chinese question: 还剩150页没看 for 还剩多少页没看, 乙 for 谁的成绩更稳定."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.problem import Hints
from evaluators.answers.reading.chinese import simplified
from evaluators.answers.reading.chinese_words import quadrants
from evaluators.answers.reading.remarks import HEDGE

_COUNTERS = "个只条张本支枝颗块件把朵棵头匹辆架艘座间套双对份道题页位名盒袋瓶杯箱篮盆碗片根串束排行列层幅笔首句段篇场局盘台部顿家扇面口粒滴匙堆群组种类样"
_NUMERAL = r"[\d零一二两三四五六七八九十百千万亿.,/]"
_FILLED = lazy_pattern(
    rf"(?P<before>[\u4e00-\u9fff]{{0,14}}?)(?P<number>[-+]?(?:{_NUMERAL}{{1,16}}))\s?(?P<after>[\u4e00-\u9fff]{{1,10}})[。.]?"
)
_STATED = lazy_pattern(
    r"(?P<before>[\u4e00-\u9fff]{1,14}?)\s*(?:为|是|等于|[:：=])?\s*(?P<value>\$?[-\d\\][^\u4e00-\u9fff]{0,60}?)[。.]?"
)
"""两根之和为5, where the question is 求两根之和; 多150%, where it is 多百分之几."""
_PEOPLE = ("同学", "学生", "人", "老师", "小朋友", "工人", "队员")
_GAP = lazy_pattern(r"多少|几")
_TAIL = lazy_pattern(r"[万亿]?(?:(?![零一二两三四五六七八九十百千万亿])[\u4e00-\u9fff]){1,4}$")
_WHO = lazy_pattern(r"谁|哪(?:一)?(?:[个位名种组队班支]|家)?(?:人|同学|选手)?")
_PERSON = lazy_pattern(r"([甲乙丙丁戊]|[\u4e00-\u9fff]{1,3})(?:同学|选手|运动员|队员)")
_EXPLAINED = lazy_pattern(r"(?P<word>[\u4e00-\u9fff]{1,8})\s?[(（](?P<why>[^()（）]{6,60})[)）][。.]?")
_TURNED = lazy_pattern(r"其实|应|实际|但|而是|改|也|又|或|错|有人|误|假|可能|不是|不对|不一定|并非|[?？]")
_QUADRANT = lazy_pattern(
    r"第?(?:[一二三四1-4ⅠⅡⅢⅣ]|I{1,3}|IV)(?:[、,，和与及\s]+第?(?:[一二三四1-4ⅠⅡⅢⅣ]|I{1,3}|IV)){0,3}"
)
_POSITION = lazy_pattern(
    r"\$?\s*(?P<a>[A-Za-z]\w?(?:_\{?\d\}?)?)\s*(?P<sign>\\parallel|\\perp|∥|⊥|//)\s*(?P<b>[A-Za-z]\w?(?:_\{?\d\}?)?)\s*\$?"
)
_POSITIONS = {"\\parallel": "平行", "∥": "平行", "//": "平行", "\\perp": "垂直", "⊥": "垂直"}
_COMPARISONS = ("<", ">", "=", "＜", "＞", "＝")
_COMPARED = lazy_pattern(
    r"\$?\s*(?P<a>[-\d./%\\{}a-z√×+ ]{1,40})\s*(?P<sign>[<>=＜＞＝])\s*(?P<b>[-\d./%\\{}a-z√×+ ]{1,40})\s*\$?"
)
_RIGHT_ANGLED = lazy_pattern(r"(等腰)?[Rr][Tt]\s?(?:△|\\triangle)\s?(?:[A-Z]{3})?")
_CIRCLED = lazy_pattern(r"[①-⑳](?:\s*(?:→|⇒|->|-|\\to|\\rightarrow|,|，|、)?\s*[①-⑳]){1,9}")
_ARROW = lazy_pattern(r"→|⇒|->|\\to|\\rightarrow")
_LABELLED = lazy_pattern(
    rf"(?P<name>(?!一共|总共|还剩|剩下|大约|需要|应该|至少|最多|现在|原来|其中|平均|答案)[\u4e00-\u9fff]{{1,4}}?)(?:有|是|为|得|[:：])?\s*{_NUMERAL}{{1,12}}\s?[\u4e00-\u9fff]{{0,4}}[。.]?"
)
_SUBJECT = lazy_pattern(
    r"(?:那么|则|问|求|请问)*(?P<name>[\u4e00-\u9fff]{1,4}?)(?:一共|共|原来|现在|各|至少|最多)*(?:有|是|为|得|种|买|养|做|花|跑|看|读)了?(?:多少|几)"
)


def as_filled(left: str, right: str, hints: Hints) -> str:
    """The prediction without what only repeats the Chinese question."""
    left, right, question = simplified(left), simplified(right), simplified(hints.question)
    if "象限" in question and "象限" in left and _QUADRANT.fullmatch(right):
        return quadrants(right.translate(_ROMAN))
    if (stated := _STATED.fullmatch(right)) is not None and _ends_question(stated["before"], question):
        return stated["value"]
    if (filled := _FILLED.fullmatch(right)) is not None and _GAP.search(question):
        return _number_of(left, filled, question, simplified(hints.text)) or right
    if re.search("[，,；;]", right) and (clause := _fitting_clause(left, right, question, simplified(hints.text))):
        return clause
    if _BARE.fullmatch(right) and (tail := _TAIL.search(left)) and re.search(rf"(?:多少|几){tail[0]}", question):
        return right + tail[0]  # 36000, where the question is 多少万元
    if (who := _WHO.search(question)) is not None and (named := _named(left, right, question, who)):
        return named
    if (position := _POSITION.fullmatch(right)) is not None and _POSITIONS[position["sign"]] == left.strip("$ 。"):
        return left if all(name in hints.text for name in (position["a"], position["b"])) else right
    if left in _COMPARISONS and (compared := _COMPARED.fullmatch(right)) is not None:
        return _sign_between(compared, question) or right
    if "三角形" in left and (right_angled := _RIGHT_ANGLED.fullmatch(right.strip("$ 。"))) is not None:
        return f"{right_angled[1] or ''}直角三角形"
    if "→" in left or "\\to" in left:
        return _same_order(left, right)
    explained = _EXPLAINED.fullmatch(right)
    if explained is not None and not HEDGE.search(explained["word"]) and not _TURNED.search(explained["why"]):
        return explained["word"]
    return right


_ROMAN = str.maketrans({"Ⅰ": "1", "Ⅱ": "2", "Ⅲ": "3", "Ⅳ": "4"})
_MODAL = lazy_pattern(r"就?(?:可以|能够|能)|才能")
_BARE = lazy_pattern(r"\d[\d,]*(?:\.\d+)?")


def _ends_question(before: str, question: str) -> bool:
    """Whether the question asks for just what the words name."""
    asked = re.escape(before) + r"(?:为|是|等于)?(?:百分之(?:多少|几)|多少|几|$)"
    return re.search(asked, question.rstrip("。？?. =＝_")) is not None


def _number_of(left: str, filled: re.Match[str], question: str, problem: str) -> str:
    """150页 of 还剩150页没看; empty where the words are not the question's."""
    gap = list(_GAP.finditer(question))[-1]
    before = question[: gap.start()]
    said = filled["before"].lstrip("答一共有")
    if said and not before.endswith((said, filled["before"])) and not _opens_clause(said, before, problem):
        return ""
    behind = re.split(r"[，。？?！,（(]", question[gap.end() :])[0]
    after, tail = filled["after"], _TAIL.search(left.strip("。. "))
    unit = tail[0] if tail else ""
    if not (_goes_on(after, behind, unit, problem) or (unit and _same_counter(after, unit, problem))):
        return ""
    scaled = unit[:1] in ("万", "亿") and unit[:1] != filled["after"][:1] and len(unit) > 1
    return filled["number"] + (unit[1:] if scaled else unit)  # 36000元 for 3.6万元


def _opens_clause(said: str, before: str, problem: str) -> bool:
    """六年级有 of 六年级有学生多少人; 小红一共看了, where 小红 stands in the problem and the question is 一共看了多少页."""
    clause = re.split("[，,。；;]", before)[-1]
    if len(said) > 2 and clause.startswith(said):
        return True
    return len(clause) > 2 and said.endswith(clause) and said.removesuffix(clause) in problem


def _fitting_clause(left: str, right: str, question: str, problem: str) -> str:
    """15元 of 他一共用了15元，还剩5元, where the question is 他一共用了多少元; empty where not just one clause fits."""
    if not _GAP.search(question):
        return ""
    clauses = [_FILLED.fullmatch(clause.strip()) for clause in re.split("[，,；;]", right)]
    if None in clauses:
        return ""
    fitting = [
        _number_of(left, clause, question, problem) for clause in clauses if clause and len(clause["before"]) > 1
    ]
    known = [number for number in fitting if number]
    return known[0] if len(known) == 1 else ""


def _goes_on(after: str, behind: str, unit: str, problem: str) -> bool:
    """Whether 页没看 stands behind the gap too, or 颗糖 anywhere in the problem that asks for 颗."""
    after, behind = _MODAL.sub("", after), _MODAL.sub("", behind)
    plain = after.removeprefix("个") or after
    if after == behind or plain == behind or (behind and plain == behind[: len(plain)] and after != unit):
        return True
    noun = after.removeprefix(unit) if unit and after.startswith(unit) else ""
    return bool(noun) and noun in problem


def _same_counter(after: str, unit: str, problem: str) -> bool:
    """个 for 颗, and 题 for 道 where the problem counts 道口算题; never for what has another dimension."""
    if (
        unit == "人"
        and after[:1] in ("名", "位", "个")
        and (after[1:] == "人" or (after[1:] in _PEOPLE and len(after) > 1))
    ):
        return True  # 5名同学
    if len(unit) > 1 or unit not in _COUNTERS:
        return False
    if after == "个":
        return True
    if after.startswith(unit) and after.removeprefix(unit) in problem:
        return True
    return bool(re.search(rf"{unit}[\u4e00-\u9fff]{{0,6}}{re.escape(after)}", problem))


def _named(left: str, right: str, question: str, who: re.Match[str]) -> str:
    """乙 for 乙的成绩更稳定, where the question is 谁的成绩更稳定; 丙 for 丙同学."""
    if (person := _PERSON.fullmatch(right)) is not None and person[1] == left:
        return left
    behind = question[who.end() :].rstrip("？?。 ")
    said, answer = left.rstrip("。. "), right.rstrip("。. ")
    if behind and said == answer + behind:
        return left
    return left if behind and answer == said + behind else ""


def _sign_between(compared: re.Match[str], question: str) -> str:
    """< of 3/7 < 4/9, where the question compares these two numbers in this order."""
    said = re.sub(r"\D", "", compared["a"] + compared["b"])
    return compared["sign"] if said and re.sub(r"\D", "", question).endswith(said) else ""


def _same_order(left: str, right: str) -> str:
    if not (_CIRCLED.fullmatch(left.strip("$ 。")) and _CIRCLED.fullmatch(right.strip("$ 。"))):
        return right
    return left if re.findall("[①-⑳]", left) == re.findall("[①-⑳]", right) else right


def names_another(right: str, hints: Hints) -> bool:
    """Whether 男生20人 is said, where the last clause asks for 女生: a name of the problem that is not the question's."""
    labelled = _LABELLED.fullmatch(simplified(right).strip("$ "))
    if labelled is None:
        return False
    asked = re.split(r"[，,。]", simplified(hints.question).rstrip("？? "))[-1]
    subject = _SUBJECT.match(asked)
    if subject is None or labelled["name"] in asked or subject["name"] in labelled["name"]:
        return False
    before = simplified(hints.text)[: -len(asked) or None]
    return labelled["name"] in before and (subject["name"] in before or subject["name"][-1:] == labelled["name"][-1:])
