"""Under which conditions each score was measured: a table for the header, one line beside each row, and all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.reports.benchmark import Scored

SHOWN = (
    ("asked.prompt", "Prompt"),
    ("asked.shots", "Shots"),
    ("asked.system", "System prompt"),
    ("asked.template", "Chat template, SHA-256"),
    ("asked.chat_template_kwargs", "Given to the template"),
    ("asked.temperature", "Temperature"),
    ("asked.top_p", "top_p"),
    ("asked.top_k", "top_k"),
    ("asked.min_p", "min_p"),
    ("asked.repetition_penalty", "Repetition penalty"),
    ("asked.samples", "Samples"),
    ("asked.seed", "Seed"),
    ("asked.max_new_tokens", "New tokens a call, at most"),
    ("asked.max_calls", "Calls, at most"),
    ("asked.thinking_budget", "Thinking, at most"),
    ("asked.reasoning_effort", "Reasoning effort"),
    ("served.by", "Served by"),
    ("served.vllm", "vLLM"),
    ("served.base_url", "Address"),
    ("served.kind", "Kind"),
    ("served.revision", "Revision"),
    ("served.told.version", "The server's version"),
    ("served.device", "Device"),
    ("served.dtype", "dtype"),
    ("served.max_model_len", "Context"),
    ("served.extra_arguments", "Extra arguments"),
    ("served.deterministic", "Deterministic kernels"),
    ("served.model", "Model"),
    ("sandbox.tier", "Sandbox"),
    ("sandbox.memory_mb", "Memory of a program, MiB"),
    ("sandbox.python", "Python"),
    ("sandbox.sympy", "SymPy"),
    ("sandbox.numpy", "NumPy"),
    ("grader.mathsieve", "Grader: mathsieve"),
    ("grader.grades", "Grader: stage"),
)
"""What stands in the header, where it is known; the page holds the rest further down."""
LONG = 64  # characters; of a digest the first 12 tell it apart
DIGEST = 12


def conditions_table(scored: Sequence[Scored]) -> dict[str, Any]:
    """`rows`: one a condition, a cell for each model; `differ` where models do not agree. `every`: the whole records."""
    models = list(dict.fromkeys(one.model for one in scored))
    known = [(one, _flat(one.conditions)) for one in scored if one.conditions]
    rows = []
    for key, title in SHOWN:
        cells = [_cell(key, [(one, flat) for one, flat in known if one.model == model]) for model in models]
        if any(cells):
            rows.append({"title": title, "cells": cells, "differ": len({cell for cell in cells if cell}) > 1})
    return {"models": models, "rows": rows, "every": _every(scored)}


def row_note(conditions: Mapping[str, Any]) -> str:
    """The conditions of one score in a few words: `chat, T 0.7, 4 samples, at most 1,024 tokens`."""
    if not conditions:
        return ""
    asked, served = conditions["asked"], conditions["served"]
    shots = len(asked.get("shots") or ())
    words = [f"{shots}-shot" if shots else str(asked.get("prompt", ""))]
    if asked.get("temperature") is not None:
        words.append(f"T {asked['temperature']:g}")
    if asked.get("samples", 1) > 1:
        words.append(f"{asked['samples']} samples")
    if asked.get("max_new_tokens") is not None:
        words.append(f"at most {asked['max_new_tokens']:,} tokens")
    words.append(f"vLLM {served['vllm']}, {served['dtype']}" if "vllm" in served else "endpoint")
    return ", ".join(word for word in words if word)


def _every(scored: Sequence[Scored]) -> list[dict[str, str]]:
    return [
        {
            "name": f"{one.model}, {one.scores['title']} {one.scores['form']}",
            "text": json.dumps(one.conditions, ensure_ascii=False, indent=1, sort_keys=True),
        }
        for one in scored
        if one.conditions
    ]


def _cell(key: str, own: Sequence[tuple[Scored, Mapping[str, Any]]]) -> str:
    """What one model's evaluations say; where they differ, each value with those that it holds for."""
    told: dict[str, list[str]] = {}
    for one, flat in own:
        if (value := flat.get(key)) not in (None, "", (), [], {}):
            told.setdefault(_said(key, value), []).append(f"{one.scores['title']} {one.scores['form']}")
    if len(told) <= 1:
        return next(iter(told), "")
    return "; ".join(f"{value} ({', '.join(names)})" for value, names in told.items())


def _said(key: str, value: Any) -> str:
    if key == "asked.shots":
        return f"{len(value)}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:DIGEST] if len(text) == LONG and text.isalnum() else text


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted keys; a mapping is also kept whole, under its own key."""
    found: dict[str, Any] = {}
    for name, inner in value.items():
        found[f"{prefix}{name}"] = inner
        if isinstance(inner, Mapping):
            found |= _flat(inner, f"{prefix}{name}.")
    return found
