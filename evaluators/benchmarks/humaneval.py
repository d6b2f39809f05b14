"""HumanEval: 164 Python functions, judged by running their tests (Chen et al. 2021).

DeepSeek LLM §5 reports what mathematical fine-tuning does to code; this is that check. The reference is a program:
the published tests and one call of them, to be run after the model's code.
"""

from __future__ import annotations

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem

QUESTION = (
    "Complete the following Python function. Answer with the whole function in one ```python block.\n\n```python\n{}```"
)


def parse(row: Row, index: int, split: str) -> Problem:
    prompt = row["prompt"]
    return Problem(
        id=f"humaneval/{split}/{row['task_id'].rpartition('/')[2]}",
        benchmark="humaneval",
        split=split,
        question=QUESTION.format(prompt),
        reference=f"{row['test'].strip()}\n\ncheck({row['entry_point']})\n",
        solution=prompt + row["canonical_solution"] if "canonical_solution" in row else None,
    )


BENCHMARK = Benchmark(
    name="humaneval",
    title="HumanEval",
    language="en",
    dataset="openai/openai_humaneval",
    revision="7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544",
    licence="MIT",
    judged_by="tests",
    splits={
        "test": Split(
            rows=164,
            hub_split="test",
            sha256="fe2833e5bcd40490172b9ba5c0934ab70ab59b027c5ef87ee64f35002bdccb16",
            files=("HumanEval.jsonl.gz", "HumanEval.jsonl", "test*.parquet"),
        )
    },
    parse=parse,
    example={
        "task_id": "HumanEval/0",
        "prompt": 'def twice(x: int) -> int:\n    """ Return x doubled. """\n',
        "entry_point": "twice",
        "canonical_solution": "    return 2 * x\n",
        "test": "\n\ndef check(candidate):\n    assert candidate(4) == 8\n",
    },
    example_reference="def check(candidate):\n    assert candidate(4) == 8\n\ncheck(twice)\n",
)
