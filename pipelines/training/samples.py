"""Outputs drawn from a policy, with their rewards: drawn once, stored as a table, and found again on resume.

<folder>/samples/exploration-000000.parquet     the groups of one exploration, in the order of its questions
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evaluators.models.prompting import deepseek_prompt, prompt_ids
from evaluators.records import Problem
from pipelines.storage import atomic_file
from pipelines.training.run_settings import PolicySettings

SAMPLES = "samples"
SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("sample", pa.int32()),
        ("prompt", pa.string()),
        ("text", pa.string()),
        ("prompt_ids", pa.list_(pa.int32())),
        ("output_ids", pa.list_(pa.int32())),  # with the end-of-sequence token where the model gave one
        (
            "log_probs",
            pa.list_(pa.float32()),
        ),  # of output_ids under the policy that drew them; empty where no update needs them
        (
            "step_ends",
            pa.list_(pa.int32()),
        ),  # index of the last token of each reasoning step; empty where none is rewarded
        ("finish", pa.string()),  # stop | length
        ("reward", pa.float32()),
        ("outcome", pa.string()),  # of evaluators.answers: correct | incorrect | unparsed | timeout
        ("reason", pa.string()),
    ]
)

PROBLEM_COLUMNS = ["id", "benchmark", "split", "language", "question", "reference", "solution", "subject", "level"]
EXAMPLE_COLUMNS = ["problem_id", "source", "language", "subject", "level", "problem", "reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One output of a policy for one problem, and what it earned."""

    problem_id: str
    sample: int
    """0-based index within its group."""
    prompt: str
    text: str
    prompt_ids: Sequence[int]
    output_ids: Sequence[int]
    finish: str
    reward: float
    outcome: str
    reason: str
    log_probs: Sequence[float] = ()
    """Natural, of each token under the policy that drew it; empty where nothing needs them."""
    step_ends: Sequence[int] = ()
    """Index of the last token of each reasoning step; empty where none is rewarded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A problem as the policy sees it."""

    problem: Problem
    prompt: str
    prompt_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a reward says of one output."""

    reward: float
    outcome: str
    reason: str


Reward = Callable[[Problem, str], Judgement]
"""Judges the text of an output. Injected: the answer checker in production, anything in tests."""

Draw = Callable[[Sequence[Question], Sequence[int]], list[list[tuple[Sequence[int], str]]]]
"""Outputs for some questions: groups of (output token ids, finish). Each question has a number that seeds its outputs."""


def checker_reward(profile: str) -> Reward:
    """1 where the answer checker finds the output right under a profile, else 0 (§4.2 has a reward model instead)."""
    from evaluators.answers import check_output

    def judge(problem: Problem, text: str) -> Judgement:
        verdict = check_output(problem.reference, text, profile=profile, problem=problem.question)
        return Judgement(reward=float(verdict.correct), outcome=verdict.verdict, reason=verdict.reason)

    return judge


def read_problems(files: Sequence[Path], sources: Collection[str] = ()) -> Iterator[Problem]:
    """The problems of PROBLEMS tables, or those that the examples of EXAMPLES tables solve, each once, in order.

    `sources` leaves out what comes from no source of these names; none named: all are taken.
    """
    seen: set[str] = set()
    for path in files:
        file = pq.ParquetFile(path)
        examples = "messages" in file.schema_arrow.names
        for batch in file.iter_batches(columns=EXAMPLE_COLUMNS if examples else PROBLEM_COLUMNS):
            for row in batch.to_pylist():
                problem = _problem_of_example(row) if examples else Problem(**row)
                if problem is not None and problem.id not in seen and (not sources or problem.benchmark in sources):
                    seen.add(problem.id)
                    yield problem


def _problem_of_example(row: dict[str, str]) -> Problem | None:
    """None where it has no reference."""
    if not row["reference"]:
        return None
    return Problem(
        id=row["problem_id"],
        benchmark=row["source"],
        question=row["problem"],
        reference=row["reference"],
        language="zh" if row["language"] == "zh" else "en",
        split="train",
        subject=row["subject"],
        level=row["level"],
    )


def read_questions(problems: Iterator[Problem], tokenizer: Any, limit: int) -> tuple[list[Question], int]:
    """Problems as questions in the CoT form of §4.2, and how many were left out as longer than `limit` tokens."""
    questions: list[Question] = []
    left_out = 0
    for problem in problems:
        prompt = deepseek_prompt(problem.question, form="cot", language=problem.language)
        ids = tuple(prompt_ids(tokenizer, prompt))
        if len(ids) > limit:
            left_out += 1
        else:
            questions.append(Question(problem=problem, prompt=prompt, prompt_ids=ids))
    return questions, left_out


def questions_of(questions: Sequence[Question], exploration: int, count: int, seed: int) -> list[Question]:
    """The `count` questions of an exploration: each epoch goes through all of them in a new order that `seed` fixes."""
    chosen: list[Question] = []
    position = exploration * count
    while len(chosen) < count:
        epoch, offset = divmod(position, len(questions))
        order = random.Random(f"{seed}/{epoch}").sample(range(len(questions)), len(questions))
        taken = order[offset : offset + count - len(chosen)]
        chosen += [questions[i] for i in taken]
        position += len(taken)
    return chosen


def judged(
    question: Question,
    outputs: Sequence[tuple[Sequence[int], str]],
    decode: Callable[[Sequence[int]], str],
    reward: Reward,
    *,
    cut_outputs: str,
    steps: bool = False,
) -> list[Sample]:
    """One group: each output as text, with its reward, and with the ends of its `steps` where they are rewarded too."""
    group = []
    for number, (ids, finish) in enumerate(outputs):
        text = decode(ids)
        judgement = reward(question.problem, text)
        unended = finish == "length" and cut_outputs == "wrong"
        group.append(
            Sample(
                problem_id=question.problem.id,
                sample=number,
                prompt=question.prompt,
                text=text,
                prompt_ids=list(question.prompt_ids),
                output_ids=list(ids),
                finish=finish,
                reward=0.0 if unended else judgement.reward,
                outcome=judgement.outcome,
                step_ends=step_ends(ids, decode) if steps else (),
                reason=f"cut at {len(ids)} tokens; {judgement.reason}" if unended else judgement.reason,
            )
        )
    return group


def distinct(group: Sequence[Sample]) -> list[Sample]:
    """The first of each text: rejection sampling trains on distinct solutions (Yuan et al. 2023, arXiv 2308.01825)."""
    first: dict[str, Sample] = {}
    for sample in group:
        first.setdefault(" ".join(sample.text.split()), sample)
    return list(first.values())


def step_ends(ids: Sequence[int], decode: Callable[[Sequence[int]], str]) -> list[int]:
    """Where the reasoning steps of an output end: at the last token of each line break, and at the end."""
    breaks = ["\n" in decode([token]) for token in ids]
    ends = [i for i, broken in enumerate(breaks[:-1]) if broken and not breaks[i + 1]]
    return [*ends, len(ids) - 1]


def explorations_of(settings: PolicySettings, questions: int) -> int:
    """How many explorations a method draws that draws once: all questions, or as many as there are steps."""
    return min(-(-questions // settings.questions_per_step), settings.optimiser.steps)


def sum_figures(samples: Sequence[Sample]) -> dict[str, float]:
    """For the log: of what was drawn, the sums of rewards and lengths, and how many were cut."""
    return {
        "reward": sum(sample.reward for sample in samples),
        "output_tokens": sum(len(sample.output_ids) for sample in samples),
        "cut": sum(sample.finish == "length" for sample in samples),
    }


def exploration_file(folder: Path, exploration: int) -> Path:
    return folder / SAMPLES / f"exploration-{exploration:06d}.parquet"


def write_groups(path: Path, groups: Sequence[Sequence[Sample]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(sample) for group in groups for sample in group]
    with atomic_file(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), temporary, compression="zstd")


def read_groups(path: Path) -> list[list[Sample]]:
    groups: list[list[Sample]] = []
    for row in pq.read_table(path).to_pylist():
        if row["sample"] == 0:
            groups.append([])
        groups[-1].append(Sample(**row))
    return groups


def count_rewards(folder: Path) -> dict[str, int]:
    """Over all stored samples: how many there are, and how many were right."""
    files = sorted((folder / SAMPLES).glob("exploration-*.parquet"))
    rewards = [reward for path in files for reward in pq.read_table(path, columns=["reward"])["reward"].to_pylist()]
    return {"samples": len(rewards), "right": sum(reward > 0 for reward in rewards)}
