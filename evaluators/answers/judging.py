"""The checker's own grading: a reference and a prediction in, a verdict out."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import product

from evaluators.answers.comparing.equality import equal
from evaluators.answers.comparing.scalars import Context, Decision
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.problem import Hints, hints_of
from evaluators.answers.profiles import Profile
from evaluators.answers.reading.numerals import NUMBER_WORDS
from evaluators.answers.reading.readings import readings
from evaluators.answers.reading.surface import normalise
from evaluators.answers.second_thoughts import second_thought
from evaluators.answers.values import Node, ParseError, show
from evaluators.answers.verdicts import Extraction, Outcome, Verdict

MAX_CHARACTERS = 100_000
"""Of a prediction that is looked at at all; the grammar reads far fewer."""
_BARE_NUMBER = lazy_pattern(r"[-+]?[\d,.]+")
_INTEGER = lazy_pattern(r"-?[0-9]{1,18}")
_ANNOUNCED = lazy_pattern(
    r"f?boxed|<answer>|####|answer\s+(?:is|:)|答案|答[:：]|\bans(?:wer)?\"?\s*[:=]", re.IGNORECASE
)
_SPACE_BESIDE_SIGN = lazy_pattern(r" (?=[^\w ])|(?<=[^\w ]) ")
_NOUNS = lazy_pattern(r"\((?:\s*[A-Za-z]{2,})+\s*\)|\s*/\s*[A-Za-z]{2,}|\b[A-Za-z]{2,}\b")
_UNCERTAIN = lazy_pattern(
    r"\b(?:or|not|if|maybe|either|than|percent|hundred|thousand|million|billion|dozen|half|twice|minus|plus|times)\b",
    re.IGNORECASE,
)
_MAY_SAY_MORE = lazy_pattern(r"(?<![\\A-Za-z])[A-Za-z]{2}|[\u4e00-\u9fff]|[=<>≡]|\\equiv|\\text|;|\\[lg][et](?![a-z])")
_LETTER = lazy_pattern(r"\W*(?:\\(?:text|rm|mathrm)\s*)?\W*[A-J]\W*")
_LETTER_CUE = lazy_pattern(r"[^。.!?\n；;，,]{0,40}$")
_SEVERAL = frozenset({"list", "set", "parts"})
_WORDS = lazy_pattern(r"[A-Za-z][A-Za-z' -]{1,40}|[\u4e00-\u9fff]{1,12}")
_LIST_OPS = frozenset({"list", "set"})


def check_pair(reference: str, prediction: str, rules: Profile, problem: str | None = None) -> Verdict:
    """Whether `prediction` is the answer `reference`. Never raises on any pair of strings."""
    left, right = reference.strip(), prediction.strip()
    if _INTEGER.fullmatch(left) and _INTEGER.fullmatch(right):
        return _integers(left, right)
    if not left or not right:
        return _verdict("unparsed", f"the {'reference' if not left else 'prediction'} is empty", "parse")
    if left == right:
        return _verdict("correct", "the same text", "text")
    if len(right) > MAX_CHARACTERS or len(left) > MAX_CHARACTERS:
        return _verdict("unparsed", f"longer than {MAX_CHARACTERS} characters", "parse")
    try:
        hints = hints_of(problem)
        verdict = _parsed(left, right, rules, hints)
        named = left[-1] in ")）" or "=" in left or ("," in right and left[0].isalpha())
        if not verdict.correct and rules.second_readings and (named or _MAY_SAY_MORE.search(right)):
            return _said_at_length(left, right, rules, hints) or verdict
        return verdict
    except (ArithmeticError, ValueError, RecursionError) as error:  # a budget that no stage named: never the caller's
        return _verdict("unparsed", f"over the budget of the checker ({type(error).__name__})", "budget")


def _said_at_length(left: str, right: str, rules: Profile, hints: Hints) -> Verdict | None:
    """A sentence that states the reference, or several things under other labels; None where it is neither."""
    from evaluators.answers.pieces import agree
    from evaluators.answers.sentences import states

    def judge(reference: str, prediction: str) -> bool:
        both = reference.strip() and prediction.strip()
        return bool(both) and _parsed(reference.strip(), prediction.strip(), rules, hints).correct

    if states(left, right, hints, judge):
        return _verdict("correct", "the sentence states it", "sentence")
    if agree(left, right, judge):
        return _verdict("correct", "the same things, piece by piece", "sentence")
    return None


def check_text(
    reference: str, text: str, rules: Profile, problem: str | None = None, program_output: str | None = None
) -> Verdict:
    """The verdict on the answer that a whole output gives."""
    found = _found(reference, text, rules, problem, program_output)
    if found is None:
        return _verdict("no_answer", "the output gives no answer", "extraction")
    if not rules.weak_methods and found.distinct > 1 and not _settled(text, found, problem):
        hedged = _verdict("incorrect", f"{found.distinct} different answers are given", "extraction")
        return _about(hedged, found.answer, found.method)
    verdict = _about(check_pair(reference, found.answer, rules, problem), found.answer, found.method)
    if not verdict.correct and rules.weak_methods and found.answer.endswith("!") and found.method == "cue":
        return _about(check_pair(reference, found.answer[:-1], rules, problem), found.answer[:-1], found.method)
    if not verdict.correct and rules.weak_methods and found.method in ("last_number", "last_formula"):
        return _in_words(reference, text, rules, problem) or verdict
    lettered = found.method == "cue" and _LETTER.fullmatch(found.answer) is not None
    if verdict.correct or not rules.weak_methods or not lettered:
        return verdict
    return _before_the_letter(reference, text[: found.start], problem, rules) or verdict


def _in_words(reference: str, text: str, rules: Profile, problem: str | None) -> Verdict | None:
    """The verdict on the words that end the text, where the reference is words and a number of the reasoning was found."""
    from evaluators.answers.evidence.worded import concluding_words

    if not _WORDS.fullmatch(reference.strip()):
        return None
    for said in concluding_words(text):
        verdict = check_pair(reference, said, rules, problem)
        if verdict.correct:
            return _about(verdict, said, "conclusion")
    return None


def _settled(text: str, found: Extraction, problem: str | None) -> bool:
    """Whether one of several boxes or tags is what the text comes to."""
    if found.method not in ("boxed", "answer_tag"):
        return True
    from evaluators.answers.evidence.several import settled

    return settled(text, found.start, found.end, found.method, hints_of(problem).question)


def _found(
    reference: str, text: str, rules: Profile, problem: str | None, program_output: str | None
) -> Extraction | None:
    """The answer of an output, sought in the shape of the reference; none that its sentence hedges."""
    from evaluators.answers.evidence.denials import hedged
    from evaluators.answers.evidence.shaped import shape_of
    from evaluators.answers.extraction import by_evidence

    several = wants_list(reference)
    shape = shape_of(reference) if rules.weak_methods else ""
    found = by_evidence(text, weak=rules.weak_methods, expect_list=several, program_output=program_output, shape=shape)
    concluded = found is not None and found.method in ("last_number", "last_formula", "conclusion", "whole_text")
    return None if found is not None and concluded and hedged(text, found.start, found.end, problem or "") else found


def find_answer(
    text: str, rules: Profile, expect_list: bool = False, program_output: str | None = None
) -> Extraction | None:
    """The final answer of a whole output, by the evidence that the profile takes."""
    from evaluators.answers.extraction import by_evidence  # its patterns are compiled where an output is read

    return by_evidence(text, weak=rules.weak_methods, expect_list=expect_list, program_output=program_output)


def _before_the_letter(reference: str, before: str, problem: str | None, rules: Profile) -> Verdict | None:
    """The verdict on what leads to `so the answer is B`, where neither the reference nor the problem knows of choices."""
    if hints_of(problem).options or _LETTER.fullmatch(reference.strip()):
        return None
    cue = _LETTER_CUE.search(before)
    found = find_answer(before[: cue.start()] if cue else before, rules)
    if found is None:
        return None
    verdict = _about(check_pair(reference, found.answer, rules, problem), found.answer, found.method)
    return verdict if verdict.correct else None


def wants_list(reference: str) -> bool:
    """Whether the reference holds several answers, so that several boxes may be one answer together."""
    found = readings(reference, True, False)
    return bool(found) and found[0].op in _SEVERAL and (found[0].op != "parts" or len(found[0].args) > 1)


def _integers(left: str, right: str) -> Verdict:
    if int(left) == int(right):
        return Verdict(verdict="correct", reason="the same integer", stage="exact")
    return Verdict(verdict="incorrect", reason=f"{right} is not {left}", stage="exact")


_COUNT = lazy_pattern(r"([-+]?\d[\d,]*(?:\.\d+)?)\s*([\u4e00-\u9fff]{1,3}|[A-Za-z]{3,15})")


def _in_asked_scale(left: str, right: str, hints: Hints) -> str:
    """30 of `30 dozen`, and 30/12 of `30 eggs`, where the question is how many dozen eggs and the reference is bare."""
    if hints.scale is None or not _BARE_NUMBER.fullmatch(left):
        return right
    word, worth = hints.scale
    if (said := re.compile(rf"\s*{word}s?(?![a-z])", re.IGNORECASE).search(right)) is not None:
        return f"{right[: said.start()]} {right[said.end() :]}".strip()
    count = _COUNT.fullmatch(right)
    if count is None or count[2].lower() in NUMBER_WORDS or count[2][0] in "万亿千百十":
        return right
    return f"{count[1].replace(',', '')}/{worth}"


def _without_scale(text: str, word: str) -> str:
    """3 of `3 dozen`, where the question is how many dozen."""
    said = re.fullmatch(rf"\s*([\d.,]+)\s*{word}s?\s*", text, re.IGNORECASE)
    return text if said is None else said[1]


_BARE_LOG = lazy_pattern(r"\\?(?<![A-Za-z])log(?![A-Za-z]|\s*_|\d)")


def _in_the_problems_words(left: str, right: str, hints: Hints) -> tuple[str, str]:
    """Both texts as the problem lets them be understood: its scale, its logarithms, its nouns, its question."""
    if hints.scale is not None:
        left = _without_scale(left, hints.scale[0])
        right = _in_asked_scale(left, right, hints)
    if ("log" in left or "log" in right) and hints.natural_logs:
        left, right = (_BARE_LOG.sub(r"\\ln ", side) for side in (left, right))
    if " of " in left or " of " in right or not (left.isascii() and right.isascii()):
        from evaluators.answers.comparing.contraries import without_same_noun

        left, right = without_same_noun(left, right)
    if hints.given and not (left.isascii() and _BARE_NUMBER.fullmatch(right) and not (hints.scale or hints.time)):
        from evaluators.answers.asked import as_asked

        right = as_asked(left, right, hints)
    return left, right


def _parsed(left: str, right: str, rules: Profile, hints: Hints) -> Verdict:
    left, right = _in_the_problems_words(left, right, hints)
    mine = readings(left, True, rules.second_readings)
    yours = readings(right, False, rules.second_readings)
    announced = None
    if not yours or yours[0].op == "text" or (len(right) > 60 and yours[0].op != "parts"):
        announced = _announced_answer(right, rules)
        if announced is not None and announced != right:
            yours = readings(announced, False, rules.second_readings) or yours
    if not mine:
        return _without_grammar(left, right, "reference")
    plain = mine[0].op in ("num", "dec")  # a unit of the reference's would have to be compared
    if plain and rules.unevaluated and "=" in right and (not yours or yours[0].op == "relation"):
        yours = (*yours, *_worded_arithmetic(right)) or _worded_arithmetic(_last_clause(right))
    if not yours:
        return _without_grammar(left, right, "prediction")
    if len(mine) > 1 and mine[0].op == "num" and (hints.one_number or not rules.second_readings):
        mine = tuple(reading for reading in mine if reading.op != "list")  # 1,234 is one number
    mine, yours = _in_their_order(mine, hints), _in_their_order(yours, hints)
    decision, pair = _best(mine, yours, Context(profile=rules, hints=hints))
    choices = mine[0].op == "choice" or yours[0].op == "choice"
    if not decision.same and choices and hints.options and not _names_another_option(mine[0], right, hints):
        decision = _through_options(mine, yours, Context(profile=rules, hints=hints)) or decision
    if decision.same:
        decision = second_thought(left, right, pair, Context(profile=rules, hints=hints)) or decision
    outcome: Outcome = "timeout" if decision.same is None else "correct" if decision.same else "incorrect"
    return Verdict(
        verdict=outcome,
        reason=str(decision.reason),
        stage=decision.stage,
        reference_form=show(pair[0]),
        prediction_form=show(pair[1]),
    )


def _in_their_order(nodes: tuple[Node, ...], hints: Hints) -> tuple[Node, ...]:
    """Without the reading of `C, A, B` as choices in any order, where the problem asks for an order."""
    if len(nodes) < 2 or not any(node.op == "choices" for node in nodes) or not hints.ordered:
        return nodes
    return tuple(node for node in nodes if node.op != "choices")


def _best(mine: tuple[Node, ...], yours: tuple[Node, ...], context: Context) -> tuple[Decision, tuple[Node, Node]]:
    """The first pair of readings that agrees, or what was said of the likeliest pair."""
    first: Decision | None = None
    undecided: Decision | None = None
    pair = (mine[0], yours[0])
    for r, p in _pairs(mine, yours, context.hints):
        decision = equal(r, p, context)
        if decision.same:
            return decision, (r, p)
        if decision.same is None:
            undecided = decision
        if first is None or (decision.stage == "unit" and first.stage != "unit"):
            first, pair = decision, (r, p)  # what is wrong with a unit says more than what is wrong with a product
    assert first is not None
    return undecided or first, pair


def _pairs(mine: tuple[Node, ...], yours: tuple[Node, ...], hints: Hints) -> list[tuple[Node, Node]]:
    """All pairs of readings; two clock times are only times, unless the problem speaks of ratios."""
    if mine[0].op == "clock" and yours[0].op == "clock":
        wanted = "ratio" if hints.ratio else "clock"
        return [(r, p) for r, p in product(mine, yours) if r.op == p.op == wanted] or [(mine[0], yours[0])]
    if mine[0].op == "clock" and not hints.ratio:  # a ratio only where the prediction writes the same two numbers so
        ratios = [p for p in yours if p.op in ("div", "ratio")] if not hints.time else []
        no_time = yours[0].op == "ratio" and _beyond_the_clock(yours[0])  # 10:74 may be in proportion
        written = [r for r in mine[1:] if any(p.args == r.args or no_time for p in ratios)]
        mine = (*mine[:1], *written)
    # A decimal comma is a reading of the prediction only where the reference is a decimal or a fraction.
    fractional = mine[0].op == "dec" or mine[0].op in ("div", "mixed", "percent", "qty")
    pairs = [
        (r, p)
        for r, p in product(mine, yours)
        if not (p.op == "dec" and yours[0].op in _LIST_OPS and not fractional)
        and not (r.op == "dec" and mine[0].op in _LIST_OPS and p.op in ("num", "dec") and yours[0].op not in _LIST_OPS)
    ]
    return pairs or [(mine[0], yours[0])]


def _beyond_the_clock(ratio: Node) -> bool:
    limits = (24, 59, 59)
    return any(arg.op == "num" and arg.value > limit for arg, limit in zip(ratio.args, limits, strict=False))


def _announced_answer(text: str, rules: Profile) -> str | None:
    """The answer inside `The answer is \\boxed{5}`, where a prediction is given with its announcement."""
    if not _ANNOUNCED.search(text):
        return None
    found = find_answer(text, rules)
    if found is None or found.method not in ("boxed", "answer_tag", "hashes", "cue", "json"):
        return None
    if found.distinct > 1 and not rules.weak_methods:
        return None
    return found.answer


_CLAUSE_END = lazy_pattern(r"[.;]\s+(?=[A-Z\d(])|\n|,\s+so\s+")
_CLAUSE_LEAD = lazy_pattern(r"^[^\d$(]{1,120}(?=[\d$(])")
MAX_SOLUTION = 1_000


def _last_clause(text: str) -> str:
    """$400 + $60 = $460 of a solution that ends in `..., her earnings are $400 + $60 = $460`; empty where it may be unsure."""
    if len(text) > MAX_SOLUTION or "?" in text:
        return ""
    clause = _CLAUSE_END.split(text.strip(' ".\n'))[-1]
    return "" if _UNCERTAIN.search(clause) else _CLAUSE_LEAD.sub("", clause).removesuffix(" in total")


def _worded_arithmetic(text: str) -> tuple[Node, ...]:
    """`30 hamsters + 15 guinea pigs = 45 rodents` without its nouns; equality asks that every side has one value."""
    if _UNCERTAIN.search(text) or "\\" in text or len(text) > 300:
        return ()
    bare = re.sub(r"(?<=\s)x(?=\s)", "*", _NOUNS.sub(" ", text.strip('"')))
    if re.search(r"[A-Za-z<>]", bare):
        return ()
    return tuple(node for node in readings(bare, False, False) if node.op == "relation")


_LONE_CAPITAL = lazy_pattern(r"(?<![A-Za-z\\_{])[A-J](?![A-Za-z])")


def _names_another_option(reference: Node, right: str, hints: Hints) -> bool:
    """Whether `12 km/h by A` names an option beside the content of B, which is the reference."""
    named = set(_LONE_CAPITAL.findall(right)) & set(hints.options)
    return reference.op == "choice" and bool(named - {reference.value})


def _through_options(mine: tuple[Node, ...], yours: tuple[Node, ...], context: Context) -> Decision | None:
    """A letter against the text of its option in the problem, either way round."""
    for r, p in ((mine[0], yours[0]), (yours[0], mine[0])):
        if r.op == "choice" and p.op != "choice" and r.value in context.hints.options:
            option = readings(context.hints.options[r.value], True, False)
            others = yours if r is mine[0] else mine
            if option and any(equal(o, q, context).same for o, q in product(option, others)):
                return Decision(True, "choice", f"option {r.value} of the problem")
    return None


def _without_grammar(left: str, right: str, which: str) -> Verdict:
    """At least one side is outside the language: only the same characters are the same answer."""
    if _spelled(left) == _spelled(right):
        return _verdict("correct", "the same text but for white space", "text")
    return _verdict("unparsed", f"the {which} is outside the language of answers", "parse")


MAX_SPELLED = 400
"""Characters of a text outside the language whose spelling is looked into."""


def _spelled(text: str) -> str:
    """Its surface, without the space beside signs."""
    if len(text) <= MAX_SPELLED:
        with suppress(ParseError):
            text = normalise(text)
    return _SPACE_BESIDE_SIGN.sub("", " ".join(text.split()))


def _verdict(outcome: Outcome, reason: str, stage: str) -> Verdict:
    return Verdict(verdict=outcome, reason=reason, stage=stage)


def _about(verdict: Verdict, prediction: str, method: str) -> Verdict:
    return Verdict(
        verdict=verdict.verdict,
        reason=verdict.reason,
        stage=verdict.stage,
        reference_form=verdict.reference_form,
        prediction_form=verdict.prediction_form,
        prediction=prediction,
        method=method,
    )
