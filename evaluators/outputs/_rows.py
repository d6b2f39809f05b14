"""One row of a file of outputs, read: which problem it is about, what the model said, what the gold answer is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.answers import extract
from evaluators.benchmarks import Benchmark, Row
from evaluators.benchmarks.math import boxed_answers
from evaluators.outputs._spellings import EXTRACTED, IDS, LIKE_QUESTION, OUTPUTS, PLACES, QUESTIONS, Spelling, key_of

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
SHORT = frozenset(map(key_of, EXTRACTED)) | {"finalanswer"}


class Missing(Exception):
    """A row lacks something that every row needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """What one row says."""

    line: int
    id: str | None
    id_is_place: bool
    """Whether the id counts the rows of the published file, as `idx` and lm-eval's `doc_id` do."""
    sample: str | None
    questions: tuple[str, ...]
    """Texts that hold the question, the likeliest first; a prompt may hold exemplars too."""
    reference: str | None
    responses: tuple[str | None, ...]
    answers_only: bool
    """Whether the responses are answers that somebody extracted, not whole outputs."""


def read_row(row: Row, line: int, benchmark: Benchmark, *, gold_elsewhere: bool) -> ReadRow:
    """Read a row whatever its layout. Raises Missing."""
    flat = _flat(row)
    spelling = Spelling(flat)
    response, reference = spelling.chosen(gold_elsewhere=gold_elsewhere)
    own = _published_row(row, flat, line, benchmark)
    if response is None:
        raise Missing(f"expected a response under a name like {', '.join(OUTPUTS[:14])}, ...")
    if _log_likelihoods(response.value):
        raise Missing("expected generated text; found log-likelihoods of choices, which hold none")
    questions = tuple(dict.fromkeys(text.strip() for text in (*own[0], *_questions(spelling)) if text.strip()))
    texts = tuple(_unechoed(text, questions) for text in _texts(response.value))
    if reference is not None and own[1] is None:
        own = own[0], reference_text(reference.value)
    identity = spelling.first(IDS)
    return ReadRow(
        line=line,
        id=None if identity is None else str(identity.value),
        id_is_place=identity is not None and identity.key in PLACES,
        sample=None if spelling.sample is None else str(spelling.sample),
        questions=questions,
        reference=own[1] or None,
        responses=texts or (None,),
        answers_only=response.key in SHORT,
    )


def one_filter(rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    """lm-eval writes each document once per answer filter; the responses are the same."""
    first = None
    for line, row in rows:
        if "filter" in row and ("resps" in row or "filtered_resps" in row):
            first = first or row["filter"]
            if row["filter"] != first:
                continue
        yield line, row


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


def _published_row(row: Row, flat: Row, line: int, benchmark: Benchmark) -> tuple[list[str], str | None]:
    """Question and reference where the row holds the benchmark's own columns as published."""
    for candidate in (row.get("doc"), row.get("example"), flat):
        if not isinstance(candidate, Mapping):
            continue
        try:
            problem = benchmark.parse(candidate, line, "test")
        except (KeyError, ValueError, TypeError, AttributeError):
            continue
        return [problem.question], problem.reference if candidate is not flat or _not_response(
            benchmark, flat
        ) else None
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
        yield from _strings(arguments)


def _asked(value: Any) -> Iterator[str]:
    """The question of a text or of a conversation: what the user said last before the answer."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        said = [_content(one) for one in value if _role(one) in ("user", "human", "")]
        yield from reversed([text for text in said if text])
    elif isinstance(value, list):
        yield from (one for one in value if isinstance(one, str))
    elif isinstance(value, Mapping):
        yield from (
            text for inner in ("text", "content", "question", "query", "messages") for text in _asked(value.get(inner))
        )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _role(message: Mapping[str, Any]) -> str:
    return str(message.get("role", message.get("from", ""))).lower()


def _content(message: Mapping[str, Any]) -> str:
    """The text of a message, whose content may be parts."""
    content = message.get("content", message.get("value", message.get("prompt", message.get("text"))))
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) if isinstance(part, Mapping) else str(part) for part in content)
    return "" if content is None else str(content)


def _texts(value: Any) -> list[str | None]:
    """Responses of one row: a text, a list of texts, or lists within a list; an object gives its text."""
    if isinstance(value, list):
        if value and all(isinstance(item, Mapping) and ("role" in item or "from" in item) for item in value):
            return [_said(value)]
        return [text for item in value for text in _texts(item)]
    if isinstance(value, Mapping):
        if value and all(str(name).isdigit() for name in value):  # samples by number
            return [text for item in value.values() for text in _texts(item)]
        names = {key_of(name): inner for name, inner in value.items()}
        inner = next((names[key_of(name)] for name in TEXTS if names.get(key_of(name)) is not None), None)
        if isinstance(inner, list) and inner and all(isinstance(p, Mapping) and "type" in p for p in inner):
            return [_content({"content": inner})]
        return _texts(inner)
    if value is None or isinstance(value, bool):
        return [None]
    return [reference_text(value) if isinstance(value, float) else str(value)]


def _said(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """All that the assistant wrote after the last question, with what its tools answered between."""
    asked = max((n for n, one in enumerate(messages) if _role(one) in ("user", "human")), default=-1)
    said = []
    for message in messages[asked + 1 :]:
        if _role(message) in ("tool", "output", "function", "ipython"):
            said.append(f"```output\n{_content(message).strip()}\n```")
        elif _role(message) != "system":
            said.append(_content(message))
    return "\n".join(said) if said else None


def _unechoed(text: str | None, questions: Sequence[str]) -> str | None:
    """Without the prompt before it, which some generators give back with the answer."""
    for question in questions if text is not None else ():
        if len(question) > 20 and text is not None and text.lstrip().startswith(question):
            return text.lstrip()[len(question) :]
    return text


def _log_likelihoods(value: Any) -> bool:
    """lm-eval's `resps` of a multiple-choice task: pairs of a number and whether it was the greedy choice."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    pairs = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
    while pairs and isinstance(pairs[0], list) and len(pairs[0]) == 1:
        pairs = [pair[0] for pair in pairs]
    return all(
        isinstance(pair, list)
        and len(pair) == 2
        and str(pair[1]) in ("True", "False")
        and isinstance(pair[0], (int, float, str))
        and str(pair[0]).lstrip("-").replace(".", "", 1).split("e")[0].isdigit()
        for pair in pairs
    )


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
    if "\\boxed" in text and (boxed := boxed_answers(text)):
        return ", ".join(dict.fromkeys(boxed)) if len(text) > 2 * len(boxed[-1]) else boxed[-1]
    if CUE.search(text) and (found := extract(text)) is not None:
        text = found.answer.strip()
        return text.strip("$") if text.startswith("$") and text.endswith("$") else text
    return text.strip()
