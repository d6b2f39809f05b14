"""The interpreter tier against CPython: the same programs in both, and every difference of what they print.

    python -m bench.interpreter [FOLDER] [--programs 100000] [--seed 0]

FOLDER holds ToRA's *.jsonl outputs (microsoft/ToRA, src/outputs): programs that models wrote. Each is run as it is, and
then with its numbers and operators changed at random, as often as `--programs` asks for; without a folder, and for a
tenth of the rest, programs come from templates of ours. Programs that the interpreter tier does not take are counted.
CPython's side runs in process sessions too, hundreds of programs a session, each in a namespace of its own.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.tora_replay import recorded
from evaluators.sandbox import Sandbox, SandboxSettings
from evaluators.sandbox.interpreter import Interpreter

BATCH = 250
RUNNER = """
import contextlib, io, json
def one(code):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            exec(compile(code, "<block>", "exec"), {"__name__": "__main__"})
        except TimeoutError:
            raise
        except BaseException:
            return None
    return out.getvalue()
def bounded(code):
    import signal
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError()))
    signal.setitimer(signal.ITIMER_REAL, 10)
    try:
        return one(code)
    except TimeoutError:
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
"""
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Add, ast.Mult)


class Changed(ast.NodeTransformer):
    """Other numbers and operators, by chance."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if type(node.value) in (int, float) and self._chance.random() < 0.7:
            return ast.copy_location(ast.Constant(number(self._chance)), node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if self._chance.random() < 0.2:
            node.op = self._chance.choice(OPERATORS)()
        return node


def number(chance: random.Random) -> int | float:
    kind = chance.randrange(8)
    if kind < 4:
        return chance.randrange(0, 200)
    if kind == 4:
        return chance.randrange(0, 10 ** chance.randrange(1, 25))
    if kind == 5:
        return round(chance.uniform(0, 1000), chance.randrange(0, 6))
    if kind == 6:
        return chance.choice((0.1, 0.5, 1e-5, 1e16, 1.5e300, 2.675, 1 / 3, 0.05, 100.0, 1e22, 123456789.123))
    return chance.uniform(-1, 1) * 10.0 ** chance.randrange(-12, 18)


def expression(chance: random.Random, depth: int = 3) -> str:
    if depth == 0 or chance.random() < 0.15:
        return chance.choice(("x", "y", repr(number(chance)), repr(number(chance))))
    inner = [expression(chance, depth - 1) for _ in range(3)]
    kind = chance.randrange(15)
    if kind < 8:
        return f"({inner[0]} {chance.choice(('+', '-', '*', '/', '//', '%', '+', '*'))} {inner[1]})"
    forms = (
        f"({inner[0]} ** {chance.randrange(0, 6)})", f"abs({inner[0]})", f"int({inner[0]})", f"round({inner[0]})",
        f"max({inner[0]}, {inner[1]})", f"sum([{inner[0]}, {inner[1]}, {inner[2]}])", f"float({inner[0]})",
        f"({inner[0]} if {inner[1]} > {inner[2]} else {inner[1]})", f"math.floor({inner[0]})", f"math.sqrt(abs({inner[0]}))",
        f"-{inner[0]}", f"divmod({inner[0]}, {inner[1]})[{chance.randrange(2)}]", f"math.{chance.choice(('sin', 'exp', 'log10', 'ceil'))}({inner[0]})",
    )  # fmt: skip
    return chance.choice(forms)


def template(chance: random.Random) -> str:
    lines = ["import math", f"x = {number(chance)!r}", f"y = {number(chance)!r}", "items = []"]
    for name in ("a", "b", "c"):
        lines.append(f"{name} = {expression(chance)}")
        lines.append(f"items.append({name})")
    looped = re.sub(r"\bx\b", "i", expression(chance, 2))
    lines.append(f"for i in range({chance.randrange(1, 6)}):\n    items.append({looped})")
    lines.append("print(a, b, c)\nprint(items)\nprint(f'{a} and {b}', str(c) + '!', sorted(items), len(items))")
    lines.append("print([int(v) % 7 for v in items if v == v], {str(k): v for k, v in enumerate(items)})")
    return "\n".join(lines)


def programs(folder: Path | None, count: int, seed: int) -> Iterator[tuple[str, str]]:
    """(kind, code)"""
    chance = random.Random(seed)
    written = [trace.code for trace in recorded(folder)] if folder is not None else []
    yield from (("as written", code) for code in written[:count])
    trees = [code for code in written if _parses(code)]
    for number_ in range(max(0, count - len(written))):
        if trees and number_ % 10:
            tree = Changed(chance).visit(ast.parse(chance.choice(trees)))
            yield "changed", ast.unparse(ast.fix_missing_locations(tree))
        else:
            yield "template", template(chance)


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def by_cpython(sandbox: Sandbox, codes: list[str]) -> list[str | bool | None]:
    """What each prints; None where it raises, False where it takes longer than its turn."""
    code = f"{RUNNER}\nprint(json.dumps([bounded(code) for code in json.loads({json.dumps(json.dumps(codes))})]))"
    result = sandbox.submit(code).result()
    if result.status != "ok":
        raise RuntimeError(f"{result.status}: {result.error[-500:]}")
    outputs: list[str | bool | None] = json.loads(result.output)
    return outputs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--programs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shown", type=int, default=20, help="differences to print")
    arguments = parser.parse_args()
    settings = SandboxSettings(wall_seconds=600, cpu_seconds=1200, output_bytes=64 << 20)
    run: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    left: Counter[str] = Counter()
    shown = 0
    began = time.monotonic()
    with Sandbox(settings) as sandbox, Interpreter(settings) as interpreter:
        pending: list[tuple[str, str, str]] = []

        def compare() -> None:
            nonlocal shown
            for (kind, code, output), truth in zip(pending, by_cpython(sandbox, [p[1] for p in pending]), strict=True):
                if truth is False:
                    left["too long for the batch"] += 1
                    taken[kind] -= 1
                elif output != truth:
                    wrong[kind] += 1
                    if shown < arguments.shown:
                        shown += 1
                        print(f"--- {kind}\n{code}\ninterpreter: {output!r}\nCPython:     {truth!r}", flush=True)
            pending.clear()

        for kind, code in programs(arguments.folder, arguments.programs, arguments.seed):
            run[kind] += 1
            answer = interpreter.answer(code)
            if isinstance(answer, str):
                left[answer] += 1
                continue
            taken[kind] += 1
            pending.append((kind, code, answer.output))
            if len(pending) == BATCH:
                compare()
        if pending:
            compare()
    print(f"\n{time.monotonic() - began:.0f} s\n\n| programs | run | taken | different |\n| --- | --- | --- | --- |")
    for kind in run:
        print(f"| {kind} | {run[kind]} | {taken[kind]} | {wrong[kind]} |")
    print(f"| all | {run.total()} | {taken.total()} | {wrong.total()} |\n\nnot taken: {left.most_common(15)}")
    return 1 if wrong.total() else 0


if __name__ == "__main__":
    sys.exit(main())
