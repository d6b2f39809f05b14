"""Which solutions are one and the same, whatever their names, constants and layout."""

from __future__ import annotations

import time

import pytest

from pipelines.mixtures.structure import program_structure, steps, structure

SUM = "def total(a, b):\n    return a + b\nprint(total(3, 4))"


@pytest.mark.parametrize(
    "other",
    [
        "def add(first, second):\n    return first + second\nprint(add(10, 2))",
        "def total(a, b):\n    # adds them\n    return (a+b)\nprint( total(3, 4) )",
        'def total(a, b):\n    """Adds."""\n    return a + b\nprint(total(3, 4.5))',
        "def total(a: int, b: int) -> int:\n    return a + b\nprint(total(3, 4))",
    ],
)
def test_names_constants_comments_and_annotations_make_no_other_program(other: str) -> None:
    assert program_structure(other) == program_structure(SUM)


@pytest.mark.parametrize(
    "other",
    [
        "def total(a, b):\n    return a - b\nprint(total(3, 4))",
        "def total(a, b):\n    return b + a\nprint(total(3, 4))",
        "print(3 + 4)",
        "from math import fsum\nprint(fsum([3, 4]))",
        "this is no program",
    ],
)
def test_other_operations_make_another_program(other: str) -> None:
    assert program_structure(other) != program_structure(SUM)


def test_what_is_called_of_a_module_or_builtin_counts() -> None:
    assert program_structure("print(max(1, 2))") != program_structure("print(min(1, 2))")
    assert program_structure("import math\nprint(math.sin(1))") != program_structure("import math\nprint(math.cos(1))")
    assert program_structure("import sympy as sp\nprint(sp.pi)") != program_structure(
        "import numpy as sp\nprint(sp.pi)"
    )


def test_a_chain_of_thought_is_its_calculations() -> None:
    one = structure("First she has $3 \\times 4 = 12$ pens. Then 12 + 1,000 = 1012.", "cot")
    assert one == structure("There are 3*4=12 of them;\nand 12+1000 = 1012 in all.", "cot")
    assert one != structure("There are 3*4=12 of them;\nand 1012 in all.", "cot")
    assert steps("so $\\frac{1}{2} + 3$ and 5.") == ["1/2+3"]


def test_without_calculations_it_is_its_words() -> None:
    assert structure("The answer is $\\boxed{4}$.", "cot") == structure("the answer is\n\\boxed{4}", "cot")
    assert structure("The answer is 4.", "cot") != structure("The answer is 5.", "cot")


def test_a_trajectory_is_all_its_programs() -> None:
    block = "```python\n{}\n```\n```output\n7\n```\n"
    assert structure(block.format("print(1+6)") * 2, "tir") != structure(block.format("print(1+6)"), "tir")
    assert structure("Hm.\n" + block.format("print(1+6)"), "tir") == structure(block.format("print(2+5)"), "tir")


def test_long_rows_of_digits_and_signs_take_no_time() -> None:
    start = time.process_time()
    structure("1" * 100_000 + " +" * 50_000 + "(" * 50_000, "cot")
    assert time.process_time() - start < 2
