"""inspect_ai's logs: `.eval` (a zip with a JSON file a sample, Zstandard since 0.3.2xx) and `.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._archives import Archive, ArchiveError, is_archive
from evaluators.outputs._conversations import asked_of, content_of, is_conversation, said_in
from evaluators.outputs._files import OutputsError
from evaluators.outputs._folders import newest_of_each, of_one_model
from evaluators.outputs._format import Format, ReadRow, Unpacked, given, verdict
from evaluators.outputs._spellings import key_of


def recognises(row: Row) -> bool:
    return "epoch" in row and "target" in row and ("output" in row or "messages" in row) and "input" in row


def read(row: Row) -> ReadRow:
    attachments = row.get("attachments") or {}
    messages = row.get("messages") or []
    asked = row["input"] if isinstance(row["input"], str) else next(iter(asked_of(row["input"])), "")
    error = row.get("error") or {}
    target = row["target"]
    scores = row.get("scores") or {}
    return ReadRow(
        responses=(_whole(_response(row, messages), attachments),),
        questions=(_whole(asked, attachments) or "", *map(_content, _first(messages))),
        reference=target[0] if isinstance(target, list) and target else target,  # any of them is accepted
        id=str(row["id"]),
        sample=str(row["epoch"]),
        verdicts=given({name: (verdict(_value(score)),) for name, score in scores.items()}),
        extracted_by={
            name: (str(score["answer"]),) for name, score in scores.items() if score.get("answer") is not None
        },
        failure=str(error.get("message", error))[:200] if error else None,
    )


def _response(row: Row, messages: list[Any]) -> str | None:
    """All that the model said where it had turns with tools, else its completion."""
    said = said_in(messages) if is_conversation(messages) else None
    output = row.get("output") or {}
    choices = output.get("choices") or []
    return said or (content_of(choices[0]["message"]) if choices else None) or output.get("completion") or None


def _first(messages: list[Any]) -> list[Any]:
    return [one for one in messages if isinstance(one, Mapping) and one.get("role") == "user"][:1]


def _content(message: Any) -> str:
    return content_of(message)


def _value(score: Mapping[str, Any]) -> Any:
    """A score's value; of several named ones the first."""
    value = score.get("value")
    return next(iter(value.values()), None) if isinstance(value, Mapping) else value


def _whole(text: str | None, attachments: Mapping[str, str]) -> str | None:
    """Long texts stand in the sample's attachments."""
    if text is not None and text.startswith("attachment://"):
        return attachments.get(text.removeprefix("attachment://"), text)
    return text


def unpack(value: Any) -> Unpacked | None:
    """A log as one JSON object: what `log_format="json"` writes, and what `_archives` makes of a `.eval`."""
    if not isinstance(value, Mapping) or not isinstance(value.get("samples"), list):
        return None
    if not ("eval" in value or "status" in value):
        return None
    return Unpacked(rows=value["samples"], alarms=tuple(_alarms(value)))


def _alarms(log: Mapping[str, Any]) -> list[str]:
    alarms = []
    samples, spec = log["samples"], log.get("eval") or {}
    status = log.get("status")
    if status not in ("success", None):
        alarms.append(f"The log is unfinished: inspect gives its status as {status!r}.")
    expected = (spec.get("dataset") or {}).get("samples")
    epochs = (spec.get("config") or {}).get("epochs") or 1
    if isinstance(expected, int) and len(samples) < expected * epochs:
        alarms.append(f"The log holds {len(samples)} of the {expected * epochs} samples that the task has.")
    failed = sum(bool(one.get("error")) for one in samples if isinstance(one, Mapping))
    if failed:
        alarms.append(f"{failed} samples ended in an error of the run; they count as wrong.")
    return alarms


def tasks(path: Path) -> dict[str, list[Path]]:
    """The logs of each task: of one that was retried the newest, of one that was run again all.

    Raises OutputsError where they are of several models.
    """
    found = [path] if path.is_file() else sorted(path.rglob("*.eval")) + sorted(path.rglob("*.json"))
    heads = {one: head for one in found if (head := _head(one)) is not None}
    newest = newest_of_each(heads, lambda one: (str(heads[one].get("task")), str(heads[one].get("task_id", one))))
    named: dict[str, list[Path]] = {}
    for one in of_one_model(newest, lambda one: str(heads[one].get("model"))):
        named.setdefault(str(heads[one].get("task")), []).append(one)
    return named


def files(folder: Path, benchmark: str) -> list[Path]:
    """The logs of the benchmark's task. Raises OutputsError where several tasks may be it."""
    found, wanted = tasks(folder), key_of(benchmark)
    fitting = [task for task in found if wanted in key_of(task)] or list(found)
    if len(fitting) > 1:
        raise OutputsError(
            f"{folder}: expected the logs of one task; found those of {', '.join(sorted(fitting))}. Name one of the files."
        )
    return [path for task in fitting for path in found[task]]


def _head(path: Path) -> Mapping[str, Any] | None:
    """Which task and model a log is of; None where the file is none."""
    try:
        if not is_archive(path):
            value = json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else None
            head = value if unpack(value) is not None else None
        else:
            with Archive.open(path.read_bytes()) as archive:
                head = archive.first_json("header.json", "_journal/start.json")
    except (ArchiveError, OSError, ValueError, RecursionError):
        return None
    return head["eval"] if isinstance(head, Mapping) and isinstance(head.get("eval"), Mapping) else None


FORMAT = Format(
    title="inspect",
    versions="0.3.1 to 0.3.285",
    source="UKGovernmentBEIS/inspect_ai, src/inspect_ai/log/_log.py",
    recognises=recognises,
    read=read,
    unpack=unpack,
    files=files,
    tasks=tasks,
    example={
        "version": 2,
        "status": "success",
        "eval": {"task": "adding", "model": "mockllm/model", "dataset": {"samples": 1}, "config": {"epochs": 1}},
        "samples": [
            {
                "id": 7,
                "epoch": 1,
                "input": "What is 3 plus 4?",
                "target": "7",
                "messages": [
                    {"role": "user", "content": "What is 3 plus 4?", "source": "input"},
                    {"role": "assistant", "content": "We add.\nANSWER: 7", "source": "generate"},
                ],
                "output": {"model": "mockllm/model", "choices": [], "completion": "We add.\nANSWER: 7"},
                "scores": {"match": {"value": "C", "answer": "7", "explanation": "We add.\nANSWER: 7"}},
                "metadata": {},
            }
        ],
    },
    example_row=ReadRow(
        responses=("We add.\nANSWER: 7",),
        questions=("What is 3 plus 4?", "What is 3 plus 4?"),
        reference="7",
        id="7",
        sample="1",
        verdicts={"match": (1.0,)},
        extracted_by={"match": ("7",)},
    ),
)
