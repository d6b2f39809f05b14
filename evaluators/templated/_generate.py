"""Draws problems from templates, each in the split that its numbers belong to."""

from __future__ import annotations

import hashlib
import importlib
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from evaluators.records import Language, Problem
from evaluators.templated._template import FIELDS, SCHOOL, Draw, Parts, Template, printed, tex

TEST_SHARE = 4
"""Sixteenths of all numbers that belong to the test split."""
ATTEMPTS = 400
"""Draws in a row without a new problem after which a template is taken to be exhausted."""
NUMBER = re.compile(r"(?:- ?)?\d+")
CONCLUSIONS = {"en": "The answer is $\\boxed{{{}}}$.", "zh": "答案是 $\\boxed{{{}}}$。"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """A problem with its solution in every form. The forms are responses: no leading space, no end marker."""

    problem: Problem
    template: str
    cot: str
    pot: str
    """A program in a fence."""
    tir: str
    """Reasoning, program, its output, conclusion: the trajectory that DeepSeekMath's tool-integrated form has."""
    program: str
    output: str


@cache
def _templates(files: Sequence[str] = (*FIELDS, *SCHOOL)) -> dict[str, Template]:
    modules = [importlib.import_module(f"evaluators.templated.{file}") for file in files]
    return {template.name: template for module in modules for template in module.TEMPLATES}


def template_names() -> list[str]:
    """The templates of the benchmarks, field by field."""
    return list(_templates(FIELDS))


def school_templates() -> list[str]:
    """All templates, those that only mixtures have among them."""
    return list(_templates())


def topic_of(template: str) -> str:
    """Raises KeyError for an unknown template."""
    return _templates()[template].topic


def easy_templates() -> list[str]:
    """One template of each field, with one-line solutions."""
    return [name for name, template in _templates(FIELDS).items() if template.easy]


def split_of(template: str, numbers: Sequence[str]) -> str:
    """`train` or `test`, by the numbers a question holds: their order, signs, the wording and the language do not matter."""
    magnitudes = sorted(number.lstrip("-") for number in numbers)
    digest = hashlib.sha256(f"{template} {' '.join(magnitudes)}".encode()).digest()
    return "test" if digest[0] % 16 < TEST_SHARE else "train"


def generate(
    count: int, *, language: Language = "en", split: str = "test", templates: Sequence[str] | None = None, seed: int = 0
) -> list[Worked]:
    """`count` different problems, the templates in turn; a smaller count gives a prefix of a larger one.

    Raises KeyError for an unknown template, ValueError where the templates cannot give that many.
    """
    chosen = [_templates()[name] for name in (templates or template_names())]
    generators = {template.name: random.Random(f"{template.name}/{seed}") for template in chosen}
    seen: set[str] = set()
    made: list[Worked] = []
    while len(made) < count:
        exhausted = set[str]()
        for template in chosen[: count - len(made)]:
            worked = _next(template, generators[template.name], language, split, seen)
            if worked is not None:
                made.append(worked)
            else:
                exhausted.add(template.name)
        chosen = [template for template in chosen if template.name not in exhausted]
        if not chosen and len(made) < count:
            raise ValueError(
                f"templated problems: expected {count} different {split} problems; these templates give {len(made)}. "
                "Ask for fewer, or for more templates."
            )
    return made


def _next(
    template: Template, generator: random.Random, language: Language, split: str, seen: set[str]
) -> Worked | None:
    for _ in range(ATTEMPTS):
        parts = template.make(Draw(generator))
        numbers = [number.replace(" ", "") for number in NUMBER.findall(parts.question[0])]
        if split_of(template.name, numbers) != split:
            continue
        identity = f"{template.name}/{'_'.join(numbers)}"
        if identity not in seen:
            seen.add(identity)
            return _worked(template, parts, identity, language, split)
    return None


def _worked(template: Template, parts: Parts, identity: str, language: Language, split: str) -> Worked:
    which = 1 if language == "zh" else 0
    conclusion = CONCLUSIONS[language].format(tex(parts.answer))
    joint = "" if language == "zh" else " "
    cot = f"{parts.steps[which]}{joint}{conclusion}"
    program, output = parts.program.strip(), printed(parts.answer)
    benchmark = "templated" if language == "en" else "templated_zh"
    problem = Problem(
        id=f"{benchmark}/{split}/{identity}",
        benchmark=benchmark,
        question=parts.question[which],
        reference=tex(parts.answer),
        language=language,
        split=split,
        subject=template.field,
        level="easy" if template.easy else None,
        solution=cot,
    )
    fence = f"```python\n{program}\n```"
    return Worked(
        problem=problem,
        template=template.name,
        cot=cot,
        pot=fence,
        tir=f"{parts.plan[which]}\n{fence}\n```output\n{output}\n```\n{conclusion}",
        program=program,
        output=output,
    )
