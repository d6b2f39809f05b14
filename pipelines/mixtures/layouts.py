"""A row of whatever layout, read by looking: conversations, question and solution, instruction with input, lists of answers.

A value is taken as text only where it is text: what is a list or an object is read as one, or is an error, and never
becomes its printed form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from evaluators.records import Language
from pipelines.example_text import ExampleForm, Message
from pipelines.mixtures.conversations import (
    ends_with_question,
    is_conversation,
    last_question,
    read_conversation,
    read_history,
)
from pipelines.mixtures.response_text import Thinking, form_of, language_of, plain_response

Row = Mapping[str, Any]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


OURS = _words(
    "id question response reference form language subject level field topic system pass_rate tokens licence history"
)
"""What a recipe may map: our name to the file's column."""
CONVERSATIONS = _words("messages conversations conversation dialog dialogue chat")
QUESTIONS = _words(
    "question problem query instruction prompt problem_statement question_content original_text input inputs 题目 问题 题干"
)
GENERATED = _words(
    "response responses generations generated_solution generated_solutions generation completion completions output outputs "
    "output_program chosen model_output accepted"
)
"""Names of what answers the question, whatever else is there."""
WRITTEN = _words("solution solutions rationale analysis explanation 解析 解答 cot target targets answer 答案")
"""Names of what answers it where there is none of the others; `answer` beside one of them is the reference."""
REFERENCES = _words(
    "reference expected_answer final_answer reference_answer gold_answer ground_truth gold gt correct_answer output_answer "
    "correct ans answer answers label target 答案"
)
NUMBERED = re.compile(r"_(?:solution|response|generation|answer|output)_?\d+$")
"""DeepMath's r1_solution_1, _2 and _3."""
IDS = _words("id uuid qid unique_id problem_id question_id")
SUBJECTS = _words("subject category domain problem_type")
LEVELS = _words("level difficulty grade")
PASS_RATES = re.compile(r"pass_rate|solve_rate|accuracy")
TOKENS = _words("generated_token_count num_tokens token_count response_tokens")
OPTIONS = _words("options choices")
WHOLE = "is_reasoning_complete"
"""OpenR1's list of which generations were not cut."""
LETTERS = "ABCDEFGHIJ"
LABELLED = re.compile(r"\(?[A-J]\s*[).:．、]")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    """What a row says, whatever it calls it."""

    question: str
    responses: tuple[str, ...]
    form: ExampleForm | None
    """As the row names it; None: each response is looked at (`form_of`)."""
    language: Language
    reference: str = ""
    id: str | None = None
    earlier: tuple[Message, ...] = ()
    subject: str | None = None
    level: str | None = None
    field: str | None = None
    topic: str | None = None
    licence: str | None = None
    pass_rate: float | None = None
    tokens: int | None = None

    def forms(self) -> Iterable[tuple[ExampleForm, str]]:
        """Each response with its form."""
        return ((self.form or form_of(response), response) for response in self.responses)


def check_columns(columns: Mapping[str, str], row: Row) -> None:
    """Raises ValueError where a mapping names what nobody knows, or a column that a row does not have."""
    import difflib

    for ours, theirs in columns.items():
        if ours not in OURS:
            close = difflib.get_close_matches(ours, OURS, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(OURS)}"
            raise ValueError(f"columns.{ours}: expected one of our names on the left; {hint}")
        if theirs not in row:
            raise ValueError(f"columns.{ours}: expected the column {theirs!r}; the row has {', '.join(map(str, row))}")


def read_row(
    row: Row, columns: Mapping[str, str], *, thinking: Thinking = "drop", language: Language | None = None
) -> FoundRow:
    """Raises ValueError that says what is not as it should be."""
    check_columns(columns, row)
    earlier, question, responses = _talk(row, columns)
    said = tuple(filter(None, (plain_response(text, thinking) for text in responses)))
    if not said:
        raise ValueError("expected a response; found an empty one")
    system = _text(row, columns, "system", ("system", "system_prompt"))
    if system and not any(one.role == "system" for one in earlier):
        earlier = (Message(role="system", content=system), *earlier)
    return FoundRow(
        question=question,
        responses=said,
        form=_form(row, columns),
        language=_language(row, columns) or language or language_of(question),
        reference=_reference(row, columns, responses),
        id=_text(row, columns, "id", IDS),
        earlier=earlier,
        subject=_text(row, columns, "subject", SUBJECTS),
        level=_text(row, columns, "level", LEVELS),
        field=_text(row, columns, "field", ()),
        topic=_text(row, columns, "topic", ("topic",)),
        licence=_text(row, columns, "licence", ("licence", "license")),
        pass_rate=_pass_rate(row, columns),
        tokens=_tokens(row, columns),
    )


def text_of(value: object, name: str) -> str:
    """The text of a value that is one. Raises ValueError for lists and objects."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(int(value)) if float(value).is_integer() else str(value)
    if isinstance(value, Mapping) and isinstance(value.get("text", value.get("content")), str):
        return str(value.get("text", value.get("content"))).strip()
    if isinstance(value, list) and len(value) == 1:
        return text_of(value[0], name)
    what = f"a list of {len(value)}" if isinstance(value, list) else type(value).__name__
    raise ValueError(f"expected {name} to be text; found {what}. Map the column that holds the text.")


def _talk(row: Row, columns: Mapping[str, str]) -> tuple[tuple[Message, ...], str, list[str]]:
    """What was said before, the question and its answers."""
    asked, answered = _question(row, columns), _responses(row, columns)
    if "question" not in columns and "response" not in columns and not (asked and answered):
        for name in CONVERSATIONS:
            if is_conversation(row.get(name)):
                found = read_conversation(row[name])
                return found.earlier, found.question, [found.response]
    if asked is None:
        raise ValueError(f"expected a question, under a name like {', '.join(QUESTIONS[:6])}, or messages")
    if not answered:
        raise ValueError(f"expected a response, under a name like {', '.join(GENERATED[:4])}, solution, or messages")
    earlier, question = asked
    if not question:
        raise ValueError("expected a question; found an empty one")
    if "history" in row or "history" in columns:
        earlier = (*earlier, *read_history(row[columns.get("history", "history")] or []))
    return earlier, question, answered


def _question(row: Row, columns: Mapping[str, str]) -> tuple[tuple[Message, ...], str] | None:
    name = columns.get("question") or next((one for one in QUESTIONS if row.get(one) not in (None, "", [])), None)
    if name is None:
        talk = next((row[one] for one in CONVERSATIONS if is_conversation(row.get(one))), None)
        return None if talk is None or not ends_with_question(talk) else last_question(talk)  # AceMath: answer apart
    if is_conversation(row[name]):
        return last_question(row[name])
    question = text_of(row[name], name)
    given = row.get("input", row.get("context")) if name == "instruction" else None
    if given:
        question = f"{question}\n{text_of(given, 'input')}"
    return (), _with_options(question, row)


def _with_options(question: str, row: Row) -> str:
    """The question with its choices on lines of their own, where it does not show them."""
    options = next((row[name] for name in OPTIONS if row.get(name)), None)
    if isinstance(options, Mapping):  # ARC: {"text": [...], "label": [...]}
        options = options.get("text")
    if not isinstance(options, list) or len(options) > len(LETTERS):
        return question
    texts = [text_of(one, "an option") for one in options]
    if not texts or texts[0] in question:
        return question
    lines = [
        text if LABELLED.match(text) else f"{letter}. {text}" for letter, text in zip(LETTERS, texts, strict=False)
    ]
    return "\n".join([question, *lines])


def _responses(row: Row, columns: Mapping[str, str]) -> list[str]:
    if "response" in columns:
        return _answers(row[columns["response"]], columns["response"], row)
    names = [name for name in GENERATED if name in row] or [name for name in row if NUMBERED.search(name)]
    asked = columns.get("question")
    names = names or [name for name in WRITTEN if name in row and name != asked][:1]
    found = [text for name in names for text in _answers(row[name], name, row)]
    return (
        found
        if len(names) > 1 and NUMBERED.search(names[0])
        else _answers(row[names[0]], names[0], row)
        if names
        else []
    )


def _answers(value: object, name: str, row: Row) -> list[str]:
    """The answers of a column: one, or each of a list."""
    if isinstance(value, list) and is_conversation(value):
        return [read_conversation([{"role": "user", "content": "?"}, *_answering(value)]).response]
    if not isinstance(value, list):
        return [text_of(value, name)]
    whole = row.get(WHOLE)
    kept = whole if isinstance(whole, list) and len(whole) == len(value) else [True] * len(value)
    return [text_of(one, f"{name}[{place}]") for place, one in enumerate(value) if kept[place]]


def _answering(messages: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Of a `chosen` that repeats the prompt what comes after it."""
    asked = [place for place, one in enumerate(messages) if one.get("role", one.get("from")) in ("user", "human")]
    return messages[asked[-1] + 1 :] if asked else messages


def _reference(row: Row, columns: Mapping[str, str], responses: Sequence[str]) -> str:
    name = columns.get("reference")
    if name is None:
        taken = {columns.get("question"), columns.get("response")}
        names = [one for one in REFERENCES if row.get(one) not in (None, "", []) and one not in taken]
        name = next((one for one in names if not _is_response(row[one], responses)), None)
    if name is None:
        return ""
    value = row[name]
    if isinstance(value, list):
        return ", ".join(text_of(one, name) for one in value)
    return text_of(value, name)


def _is_response(value: object, responses: Sequence[str]) -> bool:
    """Whether a column that may be either is what was taken for the response."""
    return isinstance(value, (Mapping, list)) or text_of(value, "") in responses


def _text(row: Row, columns: Mapping[str, str], ours: str, names: Sequence[str]) -> str | None:
    """A column that may be missing; as a mapped one it must be text."""
    if ours in columns:
        return text_of(row[columns[ours]], columns[ours]) or None
    for name in names:
        value = row.get(name)
        if isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            return text_of(value, name) or None
    return None


def _form(row: Row, columns: Mapping[str, str]) -> ExampleForm | None:
    named = _text(row, columns, "form", ("form",))
    if named is None:
        return None
    form: ExampleForm
    for form in get_args(ExampleForm):
        if form == named:
            return form
    raise ValueError(f"expected form to be one of {', '.join(get_args(ExampleForm))}; found {named!r}")


def _language(row: Row, columns: Mapping[str, str]) -> Language | None:
    named = _text(row, columns, "language", ("language",))
    language: Language
    for language in get_args(Language):
        if named == language:
            return language
    if named is not None and "language" in columns:
        raise ValueError(f"expected language to be one of {', '.join(get_args(Language))}; found {named!r}")
    return None


def _pass_rate(row: Row, columns: Mapping[str, str]) -> float | None:
    name = columns.get("pass_rate") or next((one for one in row if PASS_RATES.search(str(one))), None)
    try:
        share = float(row[name]) if name is not None else None
    except (TypeError, ValueError):
        return None  # OpenMathReasoning writes n/a
    return share if share is not None and 0 <= share <= 1 else None


def _tokens(row: Row, columns: Mapping[str, str]) -> int | None:
    name = columns.get("tokens") or next((one for one in TOKENS if one in row), None)
    value = row.get(name) if name is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
