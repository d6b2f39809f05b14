"""reasoning-gym's generators (Stojanovski et al. 2025): endless problems, each kind with a verifier of its own.

It writes no solutions: an example is the answer alone, which is what a teacher or a policy is asked for. Weigh it 0 in a mixture that
teaches reasoning, and name it in `teacher.sources`. A problem's id says how to make it again, which is how the kind's own verifier
judges answers to it: several may be right (`82 + 20 + 67 - 50` for "make 119").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from evaluators.records import Problem
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.source_files import Row, SourceError
from pipelines.mixtures.verification import Solution

ROWS = 2000  # problems where the recipe names no number, as of the templated source
VERSION = "0.1.25"
"""Another version may make other problems of the same seed: pinned by the extra of the same name."""
MATHEMATICS = [
    "basic_arithmetic",
    "chain_sum",
    "calendar_arithmetic",
    "complex_arithmetic",
    "count_primes",
    "countdown",
    "decimal_arithmetic",
    "dice",
    "fraction_simplification",
    "gcd",
    "lcm",
    "leg_counting",
    "number_sequence",
    "power_function",
    "prime_factorization",
    "products",
    "puzzle24",
    "simple_equations",
    "simple_geometry",
    "time_intervals",
]
"""Its kinds whose answers are numbers or expressions."""
FIELDS = {
    "arithmetic": "other",
    "algebra": "algebra",
    "geometry": "geometry",
    "count_primes": "number_theory",
    "gcd": "number_theory",
    "lcm": "number_theory",
    "prime_factorization": "number_theory",
    "complex_arithmetic": "algebra",
    "dice": "probability",
}
"""By its kind, or else by the category that it gives itself."""
SAFE = re.compile(r"(?!.*\*\*)[\w\s()+\-*/×.,:$\\{}]{1,200}")
EVALUATED = {"countdown": re.compile(r"[\d\s()+\-*/]+"), "puzzle24": re.compile(r"[\d\s()+\-*/]+")}
"""Kinds whose verifier evaluates what it is given: model-written code runs in the sandbox alone, so they see arithmetic only."""
INDEX = re.compile(r"reasoning_gym/(\w+)/(\d+)/(\d+)")


def generate(settings: SourceSettings) -> Iterator[Solution]:
    """The kinds in turn. Raises SourceError where the package is not there."""
    _package()
    for number in range(settings.rows or ROWS):
        index, kind = divmod(number, len(MATHEMATICS))
        name = MATHEMATICS[kind]
        entry = _entry(name, settings.seed, index)
        answer = str(entry["answer"])
        problem = Problem(
            id=f"reasoning_gym/{name}/{settings.seed}/{index}",
            benchmark="reasoning_gym",
            split="train",
            question=str(entry["question"]).strip(),
            reference=answer,
            subject=name,
        )
        field = FIELDS.get(name) or FIELDS.get(_dataset(name, settings.seed).category)
        yield Solution(problem=problem, form="cot", response=f"The answer is $\\boxed{{{answer}}}$.", field=field)


def judge(identity: str, answer: str) -> bool | None:
    """Whether the kind's own verifier takes an answer to the problem of that id; None for other problems.

    Raises SourceError where the package is not there.
    """
    found = INDEX.fullmatch(identity)
    if found is None:
        return None
    name, seed, index = found[1], int(found[2]), int(found[3])
    if not SAFE.fullmatch(answer) or not EVALUATED.get(name, SAFE).fullmatch(answer):
        return False
    try:
        return bool(_dataset(name, seed).score_answer(answer, _entry(name, seed, index)) >= 1)
    except (
        ValueError,
        TypeError,
        ArithmeticError,
        LookupError,
        SyntaxError,
    ):  # what verifiers raise on answers of another kind
        return False


def _entry(name: str, seed: int, index: int) -> Any:
    return _dataset(name, seed)[index]


@lru_cache(maxsize=256)
def _dataset(name: str, seed: int) -> Any:
    return _package().create_dataset(name, seed=seed, size=1 << 30)


def _package() -> Any:
    from importlib.metadata import PackageNotFoundError, version

    remedy = "Install it: pip install 'mathsieve[reasoning-gym]'."
    try:
        import reasoning_gym  # type: ignore[import-untyped,import-not-found,unused-ignore]

        found = version("reasoning-gym")
    except (ImportError, PackageNotFoundError) as error:
        raise SourceError(
            f"source reasoning_gym: expected the package reasoning-gym {VERSION}; found none. {remedy}"
        ) from error
    if found != VERSION:
        raise SourceError(
            f"source reasoning_gym: expected the package reasoning-gym {VERSION}; found {found}. {remedy}"
        )
    return reasoning_gym


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    """The row as the package makes it; only the contract test has any."""
    problem = Problem(
        id=f"reasoning_gym/row/{index}",
        benchmark="reasoning_gym",
        question=row["question"],
        reference=row["answer"],
        split="train",
    )
    return [Solution(problem=problem, form="cot", response=f"The answer is $\\boxed{{{row['answer']}}}$.")]


SOURCE = Source(
    name="reasoning_gym",
    title="reasoning-gym",
    licence="Apache-2.0",
    solutions=solutions,
    generate=generate,
    check=_package,
    judge=judge,
    note="problems with answers and no solutions: for the teacher and for policies",
    example={"question": "State the final answer to the following arithmetic problem: 8 + 5 - 2 =", "answer": "11"},
    example_reference="11",
)
