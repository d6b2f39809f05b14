"""One row of an unknown layout, read by the names of its columns; and what is done to every row, of whatever layout."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evaluators.answers import extract
from evaluators.benchmarks import Benchmark, Row
from evaluators.benchmarks.math import boxed_answers
from evaluators.outputs._conversations import (
    asked_of,
    content_of,
    is_conversation,
    is_response_output,
    response_output,
    said_in,
    strings_in,
)
from evaluators.outputs._format import Missing, ReadRow, given, verdicts_of
from evaluators.outputs._spellings import (
    EXTRACTED,
    IDS,
    LIKE_QUESTION,
    OUTPUTS,
    PLACES,
    QUESTIONS,
    VERDICTS,
    Spelling,
    key_of,
)

NESTED = ("doc", "example", "item", "data", "metadata", "extra_info", "reward_model", "extra", "specific")
"""Objects within a row that hold the benchmark's own columns: lm-eval, lighteval, inspect, verl."""
TEXTS = (
    "text",
    "content",
    "generated_text",
    "completion",
    "completions",
    "response",
    "responses",
    "output",
    "outputs",
    "output_text",
    "model_output",
    "generation",
    "message",
    "choices",
    "turns",
    "body",
    "generations",
    "raw",
    "value",
    "assistant",
    "answer",
    "prediction",
    "result",
)
CUE = re.compile(r"\banswer\s*(?:is|:|=)|答案", re.IGNORECASE)
"""A reference that is a sentence."""
HEADING = re.compile(r"#{1,3}\s+(?=[-+$\\\d.(])")
SHORT = frozenset(map(key_of, EXTRACTED)) | {"finalanswer"}


def guess_row(row: Row, benchmark: Benchmark, *, gold_elsewhere: bool) -> ReadRow:
    """Read a row by the names of its columns, whatever its layout. Raises Missing."""
    flat = _flat(row)
    spelling = Spelling(flat)
    response, reference = spelling.chosen(gold_elsewhere=gold_elsewhere)
    asked, gold = _published_row(row, flat, benchmark)
    if response is None:
        raise Missing(f"expected a response under a name like {', '.join(OUTPUTS[:14])}, ...")
    if reference is not None and gold is None:
        gold = reference_text(reference.value)
    identity = spelling.first(IDS)
    texts = tuple(_texts(response.value)) or (None,)
    return ReadRow(
        id=None if identity is None else str(identity.value),
        id_is_place=identity is not None and identity.key in PLACES,
        sample=None if spelling.sample is None else str(spelling.sample),
        questions=(*asked, *_questions(spelling)),
        reference=gold,
        reference_is_answer=True,
        responses=texts,
        answers_only=response.key in SHORT,
        verdicts=_verdicts(flat, len(texts)),
    )


def _verdicts(flat: Mapping[str, Any], count: int) -> dict[str, tuple[float | None, ...]]:
    """Booleans, 0 and 1 under names that say right or wrong, as the file spells them: one for every response."""
    named = {key_of(name): name for name in flat}
    found = {named[one.key]: verdicts_of(one.value) for one in Spelling(flat).all(VERDICTS)}
    return given({name: own for name, own in found.items() if len(own) == count and set(own) <= {0.0, 1.0, None}})


def finished(row: ReadRow, benchmark: Benchmark, place: str) -> ReadRow:
    """A row as grading takes it: its texts whole, its reference the answer alone, the published row parsed."""
    asked, gold = parsed(row.published, benchmark) if row.published is not None else ([], None)
    questions = tuple(dict.fromkeys(encodable(text).strip() for text in (*asked, *row.questions) if text.strip()))
    if gold is None and row.reference is not None:
        gold = str(row.reference) if row.reference_is_answer else reference_text(row.reference)
    return replace(
        row,
        questions=questions,
        reference=encodable(gold) if gold else None,
        responses=tuple(
            None if text is None else _unechoed(encodable(text), questions) for text in row.responses or (None,)
        ),
        id=None if row.id is None else encodable(row.id),
        extracted=_encodable(row.extracted),
        extracted_by={name: _encodable(own) for name, own in row.extracted_by.items()},
        place=place,
    )


def _encodable(texts: Sequence[str | None]) -> tuple[str | None, ...]:
    return tuple(None if text is None else encodable(text) for text in texts)


def encodable(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can spell and no file or terminal can hold.

    Such a half is what a limit of tokens left of an emoji: it says nothing, so nothing stands in its place.
    """
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _flat(row: Row) -> dict[str, Any]:
    """The row with the columns of the objects within it; its own come first."""
    flat: dict[str, Any] = dict(row)
    for name in NESTED:
        inner = row.get(name)
        if isinstance(inner, Mapping):
            for key, value in inner.items():
                if flat.get(key) is None:
                    flat[key] = value
    index, choices = flat.get("gold_index"), flat.get("choices")
    if isinstance(index, list) and len(index) == 1:
        index = index[0]
    if isinstance(index, int) and isinstance(choices, list) and index < len(choices):  # lighteval
        flat.setdefault("gold", choices[index])
        flat.pop("choices")
    return flat


def parsed(row: Row, benchmark: Benchmark) -> tuple[list[str], str | None]:
    """Question and reference of a row of the benchmark as published; nothing where it is none."""
    try:
        problem = benchmark.parse(row, 0, "test")
    except (KeyError, ValueError, TypeError, AttributeError):
        return [], None
    return [problem.question], problem.reference


def _published_row(row: Row, flat: Row, benchmark: Benchmark) -> tuple[list[str], str | None]:
    """Question and reference where the row holds the benchmark's own columns as published."""
    for candidate in (row.get("doc"), row.get("example"), flat):
        if isinstance(candidate, Mapping) and (found := parsed(candidate, benchmark))[0]:
            asked, gold = found
            return asked, gold if candidate is not flat or _not_response(benchmark, flat) else None
    return [], None


def _not_response(benchmark: Benchmark, flat: Row) -> bool:
    """Whether the column of the published answer is not what holds the response here."""
    response, _ = Spelling(flat).chosen(gold_elsewhere=False)
    return response is not None and response.key not in {key_of(name) for name in benchmark.example}


def _questions(spelling: Spelling) -> Iterator[str]:
    body, question = spelling.values.get("body"), spelling.values.get("question")
    if isinstance(body, str) and isinstance(question, str):  # SVAMP
        yield f"{body} {question}"
    instruction, given = spelling.values.get("instruction"), spelling.values.get("input")
    if isinstance(instruction, str) and isinstance(given, str) and given:
        yield f"{instruction}\n{given}"
    parts = [one.value for one in spelling.all(QUESTIONS) or spelling.like(LIKE_QUESTION)]
    yield from (text for value in parts for text in _asked(value))
    arguments = spelling.values.get("arguments")
    if arguments:
        yield from strings_in(arguments)


def _asked(value: Any) -> Iterator[str]:
    """The question of a text or of a conversation: what the user said last before the answer."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        yield from asked_of(value)
    elif isinstance(value, list):
        yield from (one for one in value if isinstance(one, str))
    elif isinstance(value, Mapping):
        yield from (
            text for inner in ("text", "content", "question", "query", "messages") for text in _asked(value.get(inner))
        )


def _texts(value: Any) -> list[str | None]:
    """Responses of one row: a text, a list of texts, or lists within a list; an object gives its text."""
    if isinstance(value, list):
        if is_response_output(value):
            return [response_output(value)]
        if is_conversation(value):
            return [said_in(value)]
        return [text for item in value for text in _texts(item)]
    if isinstance(value, Mapping):
        if value and all(str(name).isdigit() for name in value):  # samples by number
            return [text for item in value.values() for text in _texts(item)]
        names = {key_of(name): inner for name, inner in value.items()}
        inner = next((names[key_of(name)] for name in TEXTS if names.get(key_of(name)) is not None), None)
        if isinstance(inner, list) and inner and all(isinstance(p, Mapping) and "type" in p for p in inner):
            return [response_output(inner) if is_response_output(inner) else content_of({"content": inner})]
        return _texts(inner)
    if value is None or isinstance(value, bool):
        return [None]
    return [reference_text(value) if isinstance(value, float) else str(value)]


def _unechoed(text: str | None, questions: Sequence[str]) -> str | None:
    """Without the prompt before it, which some generators give back with the answer."""
    for question in questions if text is not None else ():
        if len(question) > 20 and text is not None and text.lstrip().startswith(question):
            return text.lstrip()[len(question) :]
    return text


def reference_text(value: Any) -> str:
    """The answer in whatever the file calls its reference: GSM8K's `####`, a boxed solution, a number."""
    if isinstance(value, list):
        return ", ".join(reference_text(item) for item in value)
    if isinstance(value, Mapping):
        return next((text for text in _texts(value) if text is not None), "")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    if "####" in text:
        return text.rpartition("####")[2].strip().replace(",", "")
    if mark := HEADING.match(text):  # ZeroEval's: `# 18`
        return text[mark.end() :].strip().replace(",", "")
    if "\\boxed" in text and (boxed := boxed_answers(text)):
        return ", ".join(dict.fromkeys(boxed)) if len(text) > 2 * len(boxed[-1]) else boxed[-1]
    if CUE.search(text) and (found := extract(text)) is not None:
        text = found.answer.strip()
        return text.strip("$") if text.startswith("$") and text.endswith("$") else text
    return text.strip()
