"""The mixtures of recipes/deepseekmath.yaml and deepseek_llm.yaml at one per cent: every source read from a file in its own layout.

python -m bench.mixture_recipes [share]

The files are made here, with contents of our own and as many rows as published, times the share; a scripted teacher answers.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evaluators.models.sampling import Generation, Request
from pipelines.mixtures.mixing import SFT_MIXTURE, MixtureSettings
from pipelines.mixtures.plan import planned_parts
from pipelines.mixtures.source import SOURCE, SourceSettings
from pipelines.mixtures.sources import source_named
from pipelines.mixtures.teacher import ANNOTATED_STAGE, TeacherSettings, write_annotated
from pipelines.recipe import ANNOTATED, MixtureRecipe, load_recipe
from pipelines.storage import Artifact, Store

RECIPES = Path(__file__).parents[1] / "recipes"
VARIABLES = (
    "SFT_SOURCES", "TEACHER_MODEL", "OPENWEBMATH", "BASE_MODEL_REVISION", "BELLE_REVISION", "OSS_REVISION", "EVOL_REVISION",
)  # fmt: skip
UNSTATED = 30_000  # rows of a source whose card states no count: what its file holds here, times the share
WORDS = ("farmer", "gardener", "builder", "student", "painter", "baker", "miller", "sailor", "tailor", "pilot", "nurse")


@dataclass(frozen=True, slots=True)
class Sum:
    """A problem of our own, told apart from every other by its numbers."""

    number: int

    @property
    def numbers(self) -> tuple[int, int, int]:
        return 3 + self.number % 89, 4 + self.number // 89 % 97, 11 + self.number % 53

    @property
    def answer(self) -> int:
        a, b, c = self.numbers
        return a * b + c

    @property
    def question(self) -> str:
        a, b, c = self.numbers
        who = WORDS[self.number % len(WORDS)]
        return f"A {who} sets {a} rows of {b} stones, then {c} more (set {self.number}). How many stones are set?"

    @property
    def chinese(self) -> str:
        a, b, c = self.numbers
        return f"第{self.number}题：工人摆了{a}行石头，每行{b}块，又摆了{c}块，一共摆了多少块？"

    @property
    def solution(self) -> str:
        a, b, c = self.numbers
        return f"The rows hold ${a} \\cdot {b} = {a * b}$ stones. With {c} more there are $\\boxed{{{self.answer}}}$."

    @property
    def program(self) -> str:
        a, b, c = self.numbers
        return f"rows, each, more = {a}, {b}, {c}\nprint(rows * each + more)"


def _tal(one: Sum) -> dict[str, Any]:
    a, b, c = one.numbers
    choices = [[{"aoVal": "A", "content": f"$${one.answer}$$ "}], [{"aoVal": "B", "content": f"$${one.answer + 1}$$ "}]]
    text = {
        "problem": one.chinese,
        "answer_option_list": choices,
        "answer_analysis": [f"$${a}\\times {b}+{c}={one.answer}$$．"],
    }
    return {
        **text,
        "difficulty": "1",
        "knowledge_point_routes": ["课内体系->知识点->数与运算->整数乘法->混合运算"],
        "answer_value": "A",
    }


def _mathinstruct(one: Sum) -> dict[str, Any]:
    if one.number % 3:
        return {
            "source": "data/CoT/ours.json",
            "instruction": one.question,
            "output": f"{one.solution}\nThe answer is {one.answer}.",
        }
    asked = f"{one.question} Let's write a Python program."
    return {"source": "data/PoT/ours.json", "instruction": asked, "output": one.program}


def _chat(one: Sum) -> dict[str, Any]:
    said = [
        ("Hello there.", "Hello! What can I do?"),
        (f"Name the year after {one.number}.", f"That is {one.number + 1}."),
    ]
    return {
        "prompt": said[0][0],
        "messages": [
            {"role": r, "content": t} for pair in said for r, t in zip(("user", "assistant"), pair, strict=True)
        ],
    }


LAYOUTS: Mapping[str, Callable[[Sum], dict[str, Any]]] = {
    "gsm8k": lambda one: {"question": one.question, "answer": f"{one.solution.replace('$', '')}\n#### {one.answer}"},
    "math": lambda one: {"problem": one.question, "level": "Level 1", "type": "Prealgebra", "solution": one.solution},
    "mathinstruct": _mathinstruct,
    "lila_ood": lambda one: {
        "input": one.question, "output_program": [one.program], "output_answer": [str(one.answer)], "split": "train", "dataset": "ours.json",
    },
    "tal_scq5k_zh": _tal,
    "ape210k": lambda one: {
        "id": str(one.number), "segmented_text": one.chinese, "original_text": one.chinese, "ans": str(one.answer),
        "equation": "x={}*{}+{}".format(*one.numbers),
    },
    "openmathinstruct2": lambda one: {
        "problem": one.question, "generated_solution": one.solution, "expected_answer": str(one.answer), "problem_source": "ours",
    },
    "ultrachat_200k": _chat,
    "belle_1m_zh": lambda one: {"instruction": f"请说出{one.number}后面的一个数。", "input": "", "output": f"是{one.number + 1}。"},
    "magicoder_oss": lambda one: {
        "lang": "python", "problem": f"Write a program that prints the number {one.number}.", "solution": f"```python\nprint({one.number})\n```",
    },
    "magicoder_evol": lambda one: {
        "instruction": f"Write a function that adds {one.number} to its argument.",
        "response": f"```python\ndef add(x):\n    return x + {one.number}\n```",
    },
}  # fmt: skip


class Teacher:
    """Writes one right program a problem, in as many ways as it is asked: variables differ."""

    identity = "scripted"

    async def generate(self, request: Request) -> Generation:
        if request.continues:
            printed = request.continues.rstrip().rstrip("`").rstrip().rpartition("\n")[2]
            return self._said(f"The total is $\\boxed{{{printed}}}$.")
        numbers = [int(part) for part in "".join(c if c.isdigit() else " " for c in request.prompt).split()]
        a, b, c = numbers[1:4] if "第" in request.prompt else numbers[:3]
        name = f"v{request.seed % 9973}"
        return self._said(f"We multiply and add.\n```python\n{name} = {a} * {b}\nprint({name} + {c})\n```\n")

    def _said(self, text: str) -> Generation:
        return Generation(text=text, finish="stop", prompt_tokens=1, completion_tokens=1, seconds=0.0)


def scaled(mixture: MixtureRecipe, share: float, folder: Path) -> tuple[dict[str, SourceSettings], MixtureSettings]:
    """Files of the sources, and the recipe's settings with every count times the share."""
    sources, first = {}, 0
    for name, settings in sorted(mixture.sources.items()):
        rows = round((source_named(settings.source).rows or UNSTATED) * share)
        path = folder / f"{name}.parquet"
        table = [LAYOUTS[settings.source](Sum(first + number)) for number in range(rows)]
        pq.write_table(pa.Table.from_pylist(table), path)
        first += rows
        sources[name] = settings.model_copy(update={"path": str(path), "revision": None})
    mixing = mixture.mixing
    parts = [
        part if part.count is None else part.model_copy(update={"count": round(part.count * share)})
        for part in mixing.parts
    ]
    return sources, mixing.model_copy(update={"parts": tuple(parts), "rows": round((mixing.rows or 0) * share)})


def run(name: str, share: float, folder: Path) -> None:
    mixture = load_recipe(RECIPES / f"{name}.yaml").mixture
    sources, mixing = scaled(mixture, share, folder)
    store, began = Store(folder / "store"), time.perf_counter()

    def built(stage: Any, settings: Any, **inputs: Any) -> Artifact:
        identity = {"name": stage.name, "settings": settings.model_dump(mode="json")}
        return store.build(identity, lambda place: stage.write(place, settings, **inputs))

    made = {source: built(SOURCE, settings) for source, settings in sources.items()}
    mixed = dict(made)
    if mixture.teacher is not None:
        few = round((mixture.teacher.problems or 0) * share)
        settings = TeacherSettings(**{**mixture.teacher.model_dump(exclude={"endpoint"}), "problems": few})
        asked = {one: made[one] for one in mixture.teacher.sources}
        mixed[ANNOTATED] = store.build(
            {"name": ANNOTATED_STAGE.name},
            lambda place: write_annotated(place, settings, problems=asked, sampler=Teacher()),
        )
    facts = built(SFT_MIXTURE, mixing, sources=mixed, problems={}).facts
    plan = {line.name: line for line in planned_parts(mixture.sources, mixture.mixing, mixture.teacher, ANNOTATED)}
    print(f"\n{name} at {share:.0%}: {facts['rows']:,} of {mixing.rows:,}, {facts['verified']:,} verified, in "
          f"{time.perf_counter() - began:.0f} s; forms {facts['forms']}, languages {facts['languages']}\n")  # fmt: skip
    print("| part | planned, times the share | got | times |\n| --- | ---: | ---: | ---: |")
    for part, count in facts["parts"].items():
        planned = plan[part].ours
        print(
            f"| {part} | {'not stated' if planned is None else f'{planned * share:,.0f}'} | {count:,} | {facts['repeated'].get(part, '')} |"
        )
    if facts["rows"] != mixing.rows:
        sys.exit(f"{name}: expected {mixing.rows} examples; found {facts['rows']}")


def main() -> None:
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 0.01
    os.environ |= dict.fromkeys(VARIABLES, "a" * 40) | {"TEACHER_URL": "http://localhost:9"}
    for name in ("deepseekmath", "deepseek_llm"):
        with tempfile.TemporaryDirectory() as folder:
            run(name, share, Path(folder))


if __name__ == "__main__":
    main()
