"""TAL-SCQ5K in Chinese: K-12 single-choice problems with knowledge-point routes and worked analyses.

Its formulas stand in `$$...$$` even inside a line; they become `$...$`. The reference is the letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from evaluators.records import Problem
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.source_files import Hub, Row
from pipelines.mixtures.topics import topic_named
from pipelines.mixtures.verification import Solution

ABILITY = re.compile(r"能力|思想|素养|方法|题型|学科符号|Thinking|Ability")
"""Steps of routes that tell what a problem trains or how it is built."""
ROOTS = frozenset(("知识点", "拓展思维", "课内知识点", "知识模块", "小升初知识点", "Knowledge Point", "课内体系"))
"""Steps that stand above all knowledge."""
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
    problem = Problem(
        id=f"tal_scq5k_zh/train/{index}",  # its qid is not unique
        benchmark="tal_scq5k_zh",
        split="train",
        language="zh",
        question="\n".join(lines),
        reference=letter,
        level=row.get("difficulty"),
    )
    analysis = "\n".join(inline(text) for text in row["answer_analysis"] if text.strip())
    if not analysis or "<img" in analysis + problem.question:
        return []  # nothing to learn from, or a picture that a text cannot show
    response = f"{analysis}\n答案是 $\\boxed{{{letter}}}$。"
    topic = route_of(row.get("knowledge_point_routes") or [])
    return [Solution(problem=problem, form="cot", response=response, topic=topic)]


def route_of(routes: Sequence[str]) -> str | None:
    """The steps of knowledge of the first route that names a topic, else of the first that has any; None where all routes name
    abilities or ideas: `拓展思维->能力->运算求解` says what is trained, not what the problem is about.
    """
    found = None
    for route in routes:
        steps = [step.strip() for step in route.split("->") if step.strip()]
        known = "->".join(step for step in steps[1:] if step not in ROOTS)
        if not known or any(ABILITY.search(step) for step in steps):
            continue
        if topic_named(known) is not None:
            return known
        found = found or known
    return found


SOURCE = Source(
    name="tal_scq5k_zh",
    title="TAL-SCQ5K-CN",
    licence="MIT",
    files=("ch_single_choice_train*.jsonl", "*train*.jsonl"),
    hub=Hub(
        dataset="math-eval/TAL-SCQ5K",
        revision="95095b7a5f9fe09ec0d651d57478d8c7bfff7da3",
        files=("TAL-SCQ5K-CN/train.jsonl",),
    ),
    rows=3_000,
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
