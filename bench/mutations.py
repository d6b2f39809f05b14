"""Mutation score of modules: how many small changes to their constants and comparisons the tests notice.

    python -m bench.mutations pipelines/extraction/content.py tests/pipelines/extraction/test_page.py ... [--most 60]

Each mutant changes one number (by half as much again, or by one), turns one comparison round or swaps `and` and `or`, and is
killed where a test fails. The module is put back whatever happens. Mutants are drawn with a fixed seed.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Each mutant of a module: what it changes, and its source."""
    count = sum(1 for _ in ast.walk(ast.parse(source)))
    for place in range(count):
        tree = ast.parse(source)
        node = next(node for at, node in enumerate(ast.walk(tree)) if at == place)
        changed = _change(node)
        if changed:
            yield f"line {getattr(node, 'lineno', 0)}: {changed}", ast.unparse(ast.fix_missing_locations(tree))


def _change(node: ast.AST) -> str:
    """Changes a node in its place; what was changed, empty where it has nothing to change."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        before = node.value
        node.value = before * 1.5 if isinstance(before, float) else before + max(1, abs(before) // 2)
        return f"{before} -> {node.value}"
    if isinstance(node, ast.Compare) and type(node.ops[0]) in TURNED:
        before_op = type(node.ops[0])
        node.ops[0] = TURNED[before_op]()
        return f"{before_op.__name__} -> {TURNED[before_op].__name__}"
    if isinstance(node, ast.BoolOp):
        was = type(node.op).__name__
        node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        return f"{was} -> {type(node.op).__name__}"
    return ""


def is_killed(tests: list[str]) -> bool:
    """Whether the tests fail as the module is."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=600, env=os.environ)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", type=Path)
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--most", type=int, default=40, help="mutants that are tried, drawn at random (default 40)")
    arguments = parser.parse_args()
    source = arguments.module.read_text(encoding="utf-8")
    found = list(mutants(source))
    drawn = random.Random(11).sample(found, min(arguments.most, len(found)))
    survivors: list[str] = []
    try:
        for what, mutant in drawn:
            arguments.module.write_text(mutant, encoding="utf-8")
            if not is_killed(arguments.tests):
                survivors.append(what)
                print(f"survived: {what}", flush=True)
    finally:
        arguments.module.write_text(source, encoding="utf-8")
    killed = len(drawn) - len(survivors)
    print(
        f"{arguments.module}: {killed} of {len(drawn)} mutants killed ({100 * killed / max(len(drawn), 1):.0f} %), of {len(found)} possible"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
