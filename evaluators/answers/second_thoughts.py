"""Why a value that agrees is no answer all the same: a contrary word, another order, another form or unit than asked."""

from __future__ import annotations

from evaluators.answers.comparing.equality import equal
from evaluators.answers.comparing.orders import spelled_in_another_order
from evaluators.answers.comparing.scalars import Context, Decision
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.problem import Hints
from evaluators.answers.reading.readings import readings
from evaluators.answers.reading.units import nouns
from evaluators.answers.values import Node

_LETTERS = lazy_pattern(r"[A-Za-z\u4e00-\u9fff]{2}|[左右东西南北]")
_CROSS = lazy_pattern(r"\\times(?![a-z])|×")


def second_thought(left: str, right: str, pair: tuple[Node, Node], context: Context) -> Decision | None:
    """The reason against a pair of readings that agree; None where there is none."""
    return (
        _of_words(left, right, context.hints)
        or _of_options(pair[1], context)
        or _of_quantities(right, pair, context)
        or _of_forms(right, pair, context.hints)
    )


def _of_words(left: str, right: str, hints: Hints) -> Decision | None:
    if _LETTERS.search(right) and _turned_round(left, right, hints):
        return Decision(False, "text", "one of its words says the contrary")
    if "\\vec" in left and "\\vec" in right and _CROSS.search(left) is None and _CROSS.search(right):
        return Decision(False, "structure", "a cross product, where the reference has a scalar product")
    if hints.given and _of_another(right, hints):
        return Decision(False, "text", "it is said of another thing than the problem asks for")
    if (hints.ordered or not hints.options) and spelled_in_another_order(left, right, ordered=hints.ordered):
        return Decision(False, "text", "the letters stand in another order")
    return None


def _of_options(prediction: Node, context: Context) -> Decision | None:
    chosen = context.hints.options and prediction.op == "choice" and prediction.args
    if chosen and _of_another_option(prediction, context):
        return Decision(False, "choice", "the letter stands beside the text of another option")
    return None


def _of_quantities(right: str, pair: tuple[Node, Node], context: Context) -> Decision | None:
    hints, (mine, yours) = context.hints, pair
    if yours.op == "relation" and "=" not in yours.value and hints.point:
        return Decision(False, "structure", "the problem asks for a point")
    if yours.op != "qty" or not hints.given:
        return None
    if _counts_another(mine, yours, hints):
        return Decision(False, "unit", f"{yours.value.text} is not what the problem counts")
    if "人民币" in right and "美元" in hints.question:
        return Decision(False, "unit", "the problem asks for another currency")
    if not context.profile.unevaluated and (asked := hints.in_another_unit(yours.value)):
        return Decision(False, "unit", f"the problem asks for {asked}")
    return None


def _of_forms(right: str, pair: tuple[Node, Node], hints: Hints) -> Decision | None:
    if not hints.forms:
        return None
    from evaluators.answers.forms import lacking_form

    lack = lacking_form(hints.forms, *pair, right, hints.text)
    return Decision(False, "form", lack) if lack else None


def _of_another_option(chosen: Node, context: Context) -> bool:
    """B. 9, where 9 is what the problem writes behind C."""
    said = chosen.args[0]
    alike = {
        letter
        for letter, text in context.hints.options.items()
        if any(equal(option, said, context).same for option in readings(text, True, False))
    }
    return bool(alike) and chosen.value not in alike


def _counts_another(mine: Node, yours: Node, hints: Hints) -> bool:
    """Whether a bare reference is given as a number of other things than those that the question counts."""
    counted = nouns(yours.value)
    if mine.op not in ("num", "dec", "div", "mixed") or len(counted) != 1 or len(yours.value.dims) != 1:
        return False
    from evaluators.answers.asked_counts import counts_another

    return counts_another(hints.text, next(iter(counted)).lstrip("#"))


def _of_another(right: str, hints: Hints) -> bool:
    if right.isascii():
        return False
    from evaluators.answers.asked_chinese import names_another

    return names_another(right, hints)


def _turned_round(left: str, right: str, hints: Hints) -> bool:
    """Whether a word of the prediction is the contrary of one of the reference, or else of the question."""
    from evaluators.answers.comparing.contraries import contrary, contrary_to_question

    return contrary(left, right) or (not _LETTERS.search(left) and contrary_to_question(hints.question, right))
