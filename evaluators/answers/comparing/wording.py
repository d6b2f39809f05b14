"""Answers in words and letters, each of which equals only its own kind: texts, choices, yes and no."""

from __future__ import annotations

import re

from evaluators.answers.comparing.elements import Compare, different
from evaluators.answers.comparing.scalars import Context, Decision
from evaluators.answers.comparing.yes_no import answers_alike
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import INFINITY, Node, show

TERMINAL = frozenset({"text", "special", "choice", "choices", "raw"})
_MANY = Node("special", (), "many")


def terminals(r: Node, p: Node, context: Context, same: Compare) -> Decision:
    """Texts, choices and the like equal only their own kind."""
    if p.op == "sym" and len(p.value) == 1 and _letter_says(r, p.value, context):
        return Decision(True, "text", f"{p.value} is short for {show(r)}")
    if r == _MANY and p == INFINITY:
        return Decision(True, "text", "infinitely many")
    if p.op == "choice" and p.args and r.op not in TERMINAL:
        return same(r, p.args[0])  # (E) 26, where the reference is what option E says
    if r.op == "choice" and len(r.args) == 1 and p.op not in TERMINAL and not _is_letter(p):
        return same(r.args[0], p)  # 26, where the reference is (E) 26
    if r.op == p.op == "text" and r.value != p.value and _repeats_question(r.value, p.value, context):
        return Decision(True, "text", "the words that the question gives")
    if r.op == p.op == "text" and r.value in _ANSWERS and answers_alike(r.value[0], p.value, context.hints.question):
        return Decision(True, "text", f"it says {r.value[0]} to the question")
    if r.op != p.op or r.value != p.value:
        return different(r, p, "text")
    if r.op == "choice" and p.args and _gives_another_option(p, context, same):
        return Decision(False, "choice", "its words are those of another option")
    if r.op == "choice" and r.args:
        from evaluators.answers.comparing.structures import choices

        known = r.value in context.hints.options or (len(r.args) == 1 and context.profile.second_readings)
        return choices(r, p, same, is_option=known)
    return Decision(True, "text", "the same words" if r.op == "text" else f"both are {show(r)}")


_ANSWERS = (("yes",), ("no",))


def _gives_another_option(p: Node, context: Context, same: Compare) -> bool:
    """Whether (C) 64 stands for what the problem calls option B."""
    if p.value not in context.hints.options:
        return False
    from evaluators.answers.reading.readings import readings

    texts = {
        letter: readings(text, True, False) for letter, text in context.hints.options.items() if len(text) <= MAX_OPTION
    }
    says = {letter for letter, nodes in texts.items() if any(same(node, p.args[0]).same for node in nodes)}
    return bool(says) and p.value in texts and p.value not in says


MAX_OPTION = 120
"""Characters of an option that is compared."""
_VERBS = frozenset({"is", "was", "are", "were", "has", "have", "had", "does", "did", "wins", "won", "gets", "got"})
_SAYS = _VERBS | {"the", "a", "an", "it"}
_NEGATIONS = frozenset({"not", "no", "never", "neither", "nor", "or", "and", "but", "except", "unless"})
_KIND_OF = lazy_pattern(r"\b(?:type|kind|sort)\s+of\s+([a-z]+)")
_ASKS_WHO = r"(?:谁|哪[\u4e00-\u9fff]{0,3}?|什么[\u4e00-\u9fff]{0,4}?)"


def _repeats_question(mine: tuple[str, ...], yours: tuple[str, ...], context: Context) -> bool:
    """Lena of `Lena has the most stickers`, where the question is who has the most stickers; 小红跑得快.

    What follows is a verb and words of the question, none of them another name, or the noun whose kind is asked for.
    """
    question = context.hints.question
    if not question or yours[: len(mine)] != mine:
        return len(mine) == len(yours) == 1 and _repeats_chinese(mine[0], yours[0], question)
    rest = yours[len(mine) :]
    kind = _KIND_OF.search(question.lower())
    if len(rest) == 1 and kind is not None and rest[0] == kind[1]:
        return True
    spelled = "".join(c if c.isalpha() or c == "'" else " " for c in question).split()
    names = {word.lower() for word in spelled[1:] if word[0].isupper()}
    said = {word.lower() for word in spelled} - names
    return bool(rest) and rest[0] in _VERBS and not set(rest) & _NEGATIONS and set(rest) <= said | _SAYS


def _repeats_chinese(mine: str, yours: str, question: str) -> bool:
    rest = yours.removeprefix(mine)
    if not question or rest == yours or not rest or rest.isascii():
        return False
    return re.search(_ASKS_WHO + re.escape(rest), question) is not None


def is_figure(node: Node, letters: str) -> bool:
    """AB as a product of capitals, or as it looks like two choices; \\overline{ab} is a number of two digits."""
    if not letters.isupper():
        return False
    if node.op == "choices":
        return sorted(node.value) == sorted(letters)
    return all(a.op == "sym" for a in node.args) and sorted(a.value for a in node.args) == sorted(letters)


def _is_letter(node: Node) -> bool:
    return node.op == "sym" and len(node.value) == 1


def _letter_says(r: Node, letter: str, context: Context) -> bool:
    """a for choice A, where the problem has choices; T for true."""
    if r.op == "choice":
        return letter.islower() and letter.upper() == r.value in context.hints.options
    return r.op == "text" and letter in "TF" and r.value == ({"T": "true", "F": "false"}[letter],)
