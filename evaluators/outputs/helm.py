"""HELM's `scenario_state.json`: instances with their references, and the results of requests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._folders import of_one_model
from evaluators.outputs._format import Format, ReadRow, Unpacked, has
from evaluators.outputs._spellings import key_of


def recognises(row: Row) -> bool:
    return has(row, "instance", "request") or has(row, "instance", "result")


def read(row: Row) -> ReadRow:
    instance = row["instance"]
    correct = [one["output"]["text"] for one in instance.get("references") or [] if "correct" in one.get("tags", ())]
    result = row.get("result") or {}
    trial = row.get("train_trial_index")
    return ReadRow(
        responses=tuple(one.get("text") for one in result.get("completions") or []) or (None,),
        questions=(str((instance.get("input") or {}).get("text") or ""),),
        reference=correct[0] if correct else None,
        id=None if instance.get("id") is None else str(instance["id"]),
        sample=None if trial is None else str(trial),
        failure=None if not result.get("error") else str(result["error"])[:200],
    )


def unpack(value: Any) -> Unpacked | None:
    states = value.get("request_states") if isinstance(value, Mapping) else None
    if not isinstance(states, list) or not all(isinstance(one, Mapping) and recognises(one) for one in states):
        return None
    return Unpacked(rows=states)


def files(folder: Path, benchmark: str) -> list[Path]:
    """The states of the benchmark's runs: one for each subject of MATH."""
    found = sorted(folder.rglob("scenario_state.json"))
    fitting = [path for path in found if key_of(path.parent.name).startswith(key_of(benchmark))] or found
    return of_one_model(fitting, lambda path: path.parent.name.rpartition("model=")[2])


FORMAT = Format(
    title="HELM",
    versions="0.2 to 0.5",
    source="stanford-crfm/helm, src/helm/benchmark/adaptation/scenario_state.py",
    recognises=recognises,
    read=read,
    unpack=unpack,
    files=files,
    example={
        "adapter_spec": {"method": "generation"},
        "request_states": [
            {
                "instance": {
                    "input": {"text": "How many wheels have 2 cars?"},
                    "references": [{"output": {"text": "8"}, "tags": ["correct"]}],
                    "split": "test",
                    "id": "id1",
                },
                "train_trial_index": 0,
                "request": {"prompt": "Q: How many wheels have 2 cars?\nA:"},
                "result": {"success": True, "completions": [{"text": "2*4 = 8. The answer is 8.", "logprob": 0}]},
            }
        ],
    },
    example_row=ReadRow(
        responses=("2*4 = 8. The answer is 8.",),
        questions=("How many wheels have 2 cars?",),
        reference="8",
        id="id1",
        sample="0",
    ),
)
