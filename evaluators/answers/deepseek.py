"""DeepSeekMath's published grading, for parity with its tables: lenient where a right checker is not.

Extraction takes, in this order: "final answer is $...$. I hope", boxes, "he answer is", the last program output, the
last number. Comparison accepts x100 and /100, an absolute tolerance of 1e-3, any order, any brackets. Not to be used
for anything but reproducing published scores: the `strict` score stands beside it.
"""

from __future__ import annotations

import re
from fractions import Fraction

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.profiles import STRICT, Profile
from evaluators.answers.verdicts import Extraction, Verdict

TOLERANCE = 1e-3
"""Absolute, as the published grader has it."""
MAX_ANSWER = 1_000
"""Characters of an answer that is normalised; a longer one is compared as it stands, cut at twice that."""
_NUMBER = lazy_pattern(r"-?\d*\.?\d+")
_OUTPUT = "```output"
_UNITS_AFTER = lazy_pattern(r"\\text\{[^{}]*\}|\\mbox\{[^{}]*\}")
_TRAILING_WORDS = lazy_pattern(r"(?<=[\d}])(?:\s+(?!pi\b)[a-zA-Z]+\.?)+$|(?<=\d)[a-zA-Z]{3,}$")


def find_answer(
    text: str, rules: Profile, expect_list: bool = False, program_output: str | None = None
) -> Extraction | None:
    """The answer in the published order; the last one where several boxes stand."""
    found = _all_published(text, program_output)
    if not found:
        return None
    answer, method = found[-1]
    start = text.rfind(answer) if answer else -1
    start = start if start >= 0 else len(text)
    return Extraction(
        answer=answer, start=start, end=min(len(text), start + len(answer)), method=method, confidence=1.0,
        distinct=len({a for a, _ in found}),
    )  # fmt: skip


def _all_published(text: str, program_output: str | None) -> list[tuple[str, str]]:
    if "final answer is $" in text and "$. I hope" in text:
        after = text.split("final answer is $", 1)[1]
        return [(_trimmed(after.split("$. I hope", 1)[0]), "final_answer")]
    if "boxed" in text:
        return [(_trimmed(content), "boxed") for content in _published_boxes(text)]
    if "he answer is" in text:
        return [(_trimmed(text.rsplit("he answer is", 1)[1]), "cue")]
    output = program_output if program_output is not None else _last_output(text)
    if output.strip():
        return [(_trimmed(output.strip()), "program_output")]
    numbers = _NUMBER.findall(text.replace(",", ""))
    return [(_trimmed(numbers[-1]), "last_number")] if numbers else []


def _published_boxes(text: str) -> list[str]:
    """What follows each `boxed{` up to its closing brace; one that never closes is passed over."""
    contents = []
    for part in text.split("boxed{")[1:]:
        depth = 0
        for index, character in enumerate(part):
            depth += (character == "{") - (character == "}")
            if depth < 0:
                contents.append(part[:index])
                break
    return contents


def _last_output(text: str) -> str:
    if _OUTPUT not in text:
        return ""
    return text.rsplit(_OUTPUT, 1)[1].split("```", 1)[0].strip()


def _trimmed(answer: str) -> str:
    lines = answer.strip().split("\n")
    return _plain(lines[0].lstrip(":").rstrip(".").rstrip("/"))


def _plain(answer: str) -> str:
    """The published normalisation: units, currency, spaces and the left side of short equations go."""
    if len(answer) > MAX_ANSWER:
        return answer[: 2 * MAX_ANSWER]
    answer = answer.strip().rstrip(".").replace("\\!", "").replace("\n", "")
    answer = re.sub(r"\\(?:left|right)(?![a-z])|\\[,;: ]", "", answer)
    answer = re.sub(r"\\[td]frac", r"\\frac", answer)
    answer = (
        _UNITS_AFTER.sub("", answer)
        if re.search(r"\d", _UNITS_AFTER.sub("", answer))
        else re.sub(r"\\(?:text|mbox)\{([^{}]*)\}", r"\1", answer)
    )
    answer = answer.replace("^{\\circ}", "").replace("^\\circ", "")
    answer = re.sub(r"\\?[$%]", "", answer).replace("percent", "")
    answer = _TRAILING_WORDS.sub("", answer)
    head, equals, tail = answer.partition("=")
    if equals and len(head.strip()) <= 2:
        answer = tail
    answer = answer.replace(" ", "")
    answer = re.sub(r"^\.(?=\d)|(?<=[^\d])\.(?=\d)", "0.", answer)
    return re.sub(r"(\d+)\.0+(?!\d)", r"\1", answer)


def check_pair(reference: str, prediction: str, rules: Profile, problem: str | None = None) -> Verdict:
    """One pair by the published rules."""
    same, stage = _same(_plain(reference), _plain(prediction))
    return Verdict(
        verdict="correct" if same else "incorrect",
        reason="equal by the published rules" if same else f"{prediction[:80]} is not {reference[:80]}, even leniently",
        stage=stage,
    )


def check_text(
    reference: str, output: str, rules: Profile, problem: str | None = None, program_output: str | None = None
) -> Verdict:
    """Extract and compare; where the reference has several values, all boxes are compared with all of them."""
    found = _all_published(output, program_output)
    if not found:
        return Verdict(verdict="no_answer", reason="the output gives no answer", stage="extraction")
    references = _several(reference, problem)
    answers = [part for answer, _ in found for part in _several(answer, problem)]
    last, method = found[-1]
    if len(references) > 1:
        same, stage = _matched(references, answers), "list"
    else:
        same, stage = _same(_plain(reference), last)
    return Verdict(
        verdict="correct" if same else "incorrect",
        reason="equal by the published rules" if same else f"{last[:80]} is not {reference[:80]}, even leniently",
        stage=stage,
        prediction=last,
        method=method,
    )


def _several(answer: str, problem: str | None) -> list[str]:
    if problem and "separated by commas" in problem and not set(answer) & set("()[]"):
        return [part.strip() for part in answer.split(",")]
    return [part.strip() for part in re.split(r"\\text\{\s*and\s*\}", answer)]


def _matched(references: list[str], answers: list[str]) -> bool:
    """Each of the one among the other, both ways: order and repeats do not count."""
    pairs = [(i, j) for i, r in enumerate(references) for j, a in enumerate(answers) if _same(_plain(r), _plain(a))[0]]
    return {i for i, _ in pairs} == set(range(len(references))) and {j for _, j in pairs} == set(range(len(answers)))


def _same(reference: str, prediction: str) -> tuple[bool, str]:
    if reference == prediction and reference:
        return True, "text"
    left, right = _number(reference), _number(prediction)
    if left is not None and right is not None:
        scaled = (left / 100, left, left * 100)
        return any(abs(right - value) <= TOLERANCE for value in scaled), "number"
    if "\\cup" in reference and "\\cup" in prediction:
        return _matched(reference.split("\\cup"), prediction.split("\\cup")), "union"
    bare = [text.strip("()[]{}").lower() for text in (reference, prediction)]
    if bare[0] == bare[1] and bare[0]:
        return True, "text"
    if "," in bare[0] and "," in bare[1] and reference[:1] in "([" and prediction[:1] in "([":
        parts = bare[0].split(","), bare[1].split(",")
        if len(parts[0]) == len(parts[1]):
            return all(_same(a, b)[0] for a, b in zip(*parts, strict=True)), "elements"
    return _algebraically(reference, prediction)


def _number(text: str) -> float | None:
    """A float of at most 300 digits; commas are dropped, as the published grader drops them."""
    text = text.replace(",", "")
    if len(text) > 300 or not re.fullmatch(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?", text):
        return None
    return float(text)


def _algebraically(reference: str, prediction: str) -> tuple[bool, str]:
    from evaluators.answers.comparing.balls import real_value
    from evaluators.answers.judging import check_pair as check_strictly
    from evaluators.answers.reading.readings import readings

    if check_strictly(reference, prediction, STRICT).correct:
        return True, "strict"
    mine, yours = readings(reference, True, True), readings(prediction, False, True)
    if not mine or not yours:
        return False, "parse"
    left, right = real_value(mine[0]), real_value(yours[0])
    if left is None or right is None:
        return False, "strict"
    close = any(abs(right - value) <= Fraction(TOLERANCE) for value in (left / 100, left, left * 100))
    return close, "number"
