"""Accuracies that others published, to compare ours with. Percent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evaluators.records import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """One model in one published table."""

    model: str
    source: str
    prompting: Literal["zero-shot", "few-shot"]
    accuracies: dict[tuple[str, Form], float]
    """(benchmark, form) -> accuracy."""


def _row(model: str, cot: tuple[float, ...], tir: tuple[float, ...]) -> PublishedRow:
    names = ("gsm8k", "math", "mgsm_zh", "cmath")
    accuracies: dict[tuple[str, Form], float] = {(name, "cot"): value for name, value in zip(names, cot, strict=True)}
    accuracies |= {(name, "tir"): value for name, value in zip(names, tir, strict=True)}
    return PublishedRow(model=model, source="DeepSeekMath, Table 5", prompting="zero-shot", accuracies=accuracies)


PUBLISHED = (
    _row("DeepSeek-LLM-67B-Chat", (84.1, 32.6, 74.0, 80.3), (86.7, 51.1, 76.4, 85.4)),
    _row("DeepSeekMath-Instruct 7B", (82.9, 46.8, 73.2, 84.6), (83.7, 57.4, 72.0, 84.3)),
    _row("DeepSeekMath-RL 7B", (88.2, 51.7, 79.6, 88.8), (86.7, 58.8, 78.4, 87.6)),
    PublishedRow(
        model="DeepSeekMath-Base 7B",
        source="DeepSeekMath, Tables 2 and 3",
        prompting="few-shot",
        accuracies={
            ("gsm8k", "cot"): 64.2,
            ("math", "cot"): 36.2,
            ("cmath", "cot"): 71.7,
            ("gsm8k", "tir"): 66.9,
            ("math", "tir"): 31.4,
        },
    ),
)
