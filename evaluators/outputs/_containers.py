"""Rows that one JSON value holds, as harnesses write them in one file: inspect, HELM, simple-evals, OpenCompass, ..."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluators.outputs._spellings import Spelling, key_of

Plain = dict[str, Any]


def rows_within(value: Any, benchmark: str) -> list[Any] | None:
    """The rows, each spelt as a line of its own would be; None where the value is a row itself."""
    if isinstance(value, list):
        return _of_list(value)
    if not isinstance(value, Mapping):
        return None
    for name, read in (("request_states", _helm), ("convos", _conversations)):
        if isinstance(value.get(name), list):
            return [read(one, number) for number, one in enumerate(value[name])]
    samples = value.get("samples")
    if isinstance(samples, list) and ("eval" in value or "status" in value):
        return [_inspect(one) for one in samples]
    if isinstance(samples, Mapping):  # lm-eval's own result object: task -> samples
        return _of_task(samples, benchmark)
    if _by_number(value):  # OpenCompass: "0" -> row
        return [{"id": int(key), **one} for key, one in value.items()]
    return _of_columns(value) or _wrapped(value)


def _of_list(value: list[Any]) -> list[Any] | None:
    """The bigcode harness: for each problem, in order, its generations."""
    if value and all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in value):
        return [{"id": number, "responses": one} for number, one in enumerate(value)]
    if value and all(isinstance(one, str) for one in value):
        return [{"id": number, "response": one} for number, one in enumerate(value)]
    return None


def _of_task(samples: Mapping[str, Any], benchmark: str) -> list[Any] | None:
    tasks = {key_of(name): rows for name, rows in samples.items() if isinstance(rows, list)}
    wanted = key_of(benchmark)
    chosen = [rows for name, rows in tasks.items() if wanted and wanted in name] or list(tasks.values())
    return [row for rows in chosen for row in rows] if chosen else None


def _by_number(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(key.isdigit() and isinstance(one, Mapping) for key, one in value.items())


def _of_columns(value: Mapping[str, Any]) -> list[Any] | None:
    """A table by columns: lists of one length, or pandas' {column: {row: value}}."""
    columns = [one for one in value.values() if isinstance(one, list)]
    if len(columns) == len(value) > 1 and len({len(one) for one in columns}) == 1 and Spelling(value).question:
        return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
    tables = [one for one in value.values() if isinstance(one, Mapping) and one and all(k.isdigit() for k in one)]
    if len(tables) == len(value) > 1:
        return [{name: column.get(number) for name, column in value.items()} for number in tables[0]]
    return None


def _wrapped(value: Mapping[str, Any]) -> list[Any] | None:
    """An object around the list of rows: the longest list of objects, where the object is no row itself."""
    if Spelling(value).question and Spelling(value).responses:
        return None
    lists = [one for one in value.values() if isinstance(one, list) and one and isinstance(one[0], Mapping)]
    if not lists or "messages" in value or "conversations" in value:
        return None
    return max(lists, key=len)


def _inspect(sample: Any) -> Plain:
    """inspect_ai's EvalSample."""
    return {
        "id": sample.get("id"),
        "epoch": sample.get("epoch"),
        "question": sample.get("input"),
        "target": sample.get("target"),
        "response": sample.get("output") or sample.get("messages"),
    }


def _helm(state: Any, number: int) -> Plain:
    """HELM's RequestState: the instance with its references, and the result."""
    instance = state.get("instance", {})
    correct = [one["output"]["text"] for one in instance.get("references", []) if "correct" in one.get("tags", ())]
    trial = state.get("train_trial_index") or 0
    return {
        "id": instance.get("id", number),
        "question": instance.get("input", {}).get("text"),
        "gold": correct[0] if correct else None,
        "responses": [one.get("text") for one in (state.get("result") or {}).get("completions", [])] or None,
        "trial": trial,
    }


def _conversations(conversation: Any, number: int) -> Plain:
    """simple-evals: the messages of one question; the reference is not among them."""
    return {"id": number, "messages": conversation}
