"""Which programs run without the preloaded packages: those that name none, and import the standard library alone."""

from __future__ import annotations

import pytest

from evaluators.sandbox.routing import is_plain

PRELOAD = ("sympy", "numpy", "scipy.optimize")


@pytest.mark.parametrize(
    "code",
    [
        "",
        "print(6 * 7)",
        "import math\nprint(math.sqrt(2))",
        "import os.path, math as m, json",
        "from fractions import Fraction as F, gcd",
        "def solution():\n    from datetime import date, timedelta\n    return date(2024, 1, 1)",
        "x = 1; import math",
        "sympathy = 3",
    ],
)
def test_standard_programs_are_plain(code: str) -> None:
    assert is_plain(code, PRELOAD)


@pytest.mark.parametrize(
    "code",
    [
        "import sympy",
        "import math, sympy as sp",
        "from sympy.abc import x",
        "from scipy import optimize",
        "__import__('numpy')",
        "exec('import numpy as np')",
        "import pandas",
        "from networkx.algorithms import bfs",
        "import math, networkx",
        "importlib.import_module('sympy')",
    ],
)
def test_packages_preloaded_or_not_need_the_warm_server(code: str) -> None:
    assert not is_plain(code, PRELOAD)
