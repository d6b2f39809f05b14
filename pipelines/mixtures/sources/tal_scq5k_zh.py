"""TAL-SCQ5K in Chinese: K-12 single-choice problems with knowledge-point routes and worked analyses.

Its formulas stand in `$$...$$` even inside a line; they become `$...$`. The reference is the letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from evaluators.records import Problem
from pipelines.mixtures.source import Row, Source, SourceSettings
from pipelines.mixtures.verification import Solution

DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)


def inline(text: str) -> str:
    """The text with `$...$` for `$$...$$`, without trailing space."""
    return DISPLAYED.sub(lambda found: f"${found.group(1).strip()}$", text).strip()


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    options = [choice[0] for choice in row["answer_option_list"]]
    letter = row["answer_value"].strip()
    if letter not in {option["aoVal"] for option in options}:
        raise ValueError(f"expected answer_value to be one of the options; found {letter!r}")
    lines = [inline(row["problem"]), *(f"{option['aoVal']}. {inline(option['content'])}" for option in options)]
    routes = row.get("knowledge_point_routes") or [""]
    problem = Problem(
        id=f"tal_scq5k_zh/train/{index}",  # its qid is not unique
        benchmark="tal_scq5k_zh",
        split="train",
        language="zh",
        question="\n".join(lines),
        reference=letter,
        subject=_sub_topic(routes[0]),
        level=row.get("difficulty"),
    )
    analysis = "\n".join(inline(text) for text in row["answer_analysis"] if text.strip())
    if not analysis or "<img" in analysis + problem.question:
        return []  # nothing to learn from, or a picture that a text cannot show
    return [Solution(problem=problem, form="cot", response=f"{analysis}\n答案是 $\\boxed{{{letter}}}$。")]


def _sub_topic(route: str) -> str | None:
    """The last step but one: `课内体系->知识点->方程->一元一次方程->解方程` is about 一元一次方程."""
    steps = [step.strip() for step in route.split("->") if step.strip()]
    if not steps:
        return None
    return steps[-2] if len(steps) > 1 else steps[-1]


SOURCE = Source(
    name="tal_scq5k_zh",
    title="TAL-SCQ5K-CN",
    licence="MIT",
    files=("ch_single_choice_train*.jsonl", "*train*.jsonl"),
    solutions=solutions,
    example={
        "qid": "1",
        "difficulty": "1",
        "problem": "一盒有 $$6$$ 支铅笔，$$4$$ 盒共有多少支？ ",
        "answer_option_list": [
            [{"aoVal": "A", "content": "$$10$$ "}],
            [{"aoVal": "B", "content": "$$24$$ "}],
        ],
        "knowledge_point_routes": ["知识标签->计算模块->整数乘法->表内乘法"],
        "answer_analysis": ["$$6\\times 4=24$$（支），选$$\\text{B}$$． "],
        "answer_value": "B",
    },
    example_reference="B",
)
