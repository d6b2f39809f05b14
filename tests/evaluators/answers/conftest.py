"""The keeper of the last stage has imported sympy before a test asks it: on a loaded machine that may take longer than
the two seconds of a check, whose verdict is then a timeout."""

import pytest

from evaluators.answers.comparing.isolation import symbolic_equal
from evaluators.answers.values import Node, num


@pytest.fixture(autouse=True, scope="session")
def started_keeper() -> None:
    half = Node("div", (num(1), num(2)))
    assert any(symbolic_equal(half, half) for _ in range(20))
