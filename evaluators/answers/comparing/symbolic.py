"""The keeper and its children: sympy on trees of numbers, names and functions. Run as a program by isolation.py.

It imports nothing of this project, so that sympy alone decides how long it takes to start. Every sympy object is
built from a tree, by name; no string is ever evaluated.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any

CPU_SECONDS = 0.28
"""Processor time of one question: a pair that sympy must decide takes no more than 0.3 s on a free core."""
MEMORY = 400 * 1024 * 1024
"""Bytes of address space a child may add to the keeper's own; a check must stay under 512 MiB."""


def main() -> None:
    """Read a question a line, [tree, tree, seconds]; answer `equal`, `different` or `unknown`, until the pipe closes."""
    import sympy  # noqa: F401 - imported once here, inherited by every child

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin.buffer:
        left, right, seconds = json.loads(line)
        sys.stdout.write(_in_child([left, right], seconds) + "\n")
        sys.stdout.flush()


def _in_child(question: list[Any], seconds: float) -> str:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _answer(question, writer, seconds)
    os.close(writer)
    ready, _, _ = select.select([reader], [], [], seconds)
    answer = os.read(reader, 64).decode() if ready else ""
    os.close(reader)
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return answer or "unknown"


def _answer(question: list[Any], writer: int, seconds: float) -> None:
    """Runs in the child and never returns."""
    answer = "unknown"
    try:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)  # its signal ends the process
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: SIM115, PTH123 - the process ends here
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        left, right = question
        answer = _compared(_built(left), _built(right), time.monotonic() + seconds)
    except BaseException:  # noqa: BLE001 - whatever sympy raises, MemoryError too: this process knows no answer
        answer = "unknown"
    finally:
        os.write(writer, answer.encode())
        os._exit(0)


def _compared(a: Any, b: Any, deadline: float) -> str:
    import sympy

    difference = a - b
    if difference == 0:
        return "equal"
    difference = difference.doit()
    for simplify in (sympy.expand, sympy.simplify, sympy.radsimp, lambda e: sympy.simplify(e.rewrite(sympy.exp))):
        if time.monotonic() > deadline:
            break
        simpler = simplify(difference)
        if simpler == 0:
            return "equal"
        if simpler.is_number:
            value = simpler.evalf(40)
            if value.is_comparable and abs(value) > sympy.Float("1e-20"):
                return "different"
    verdict = difference.equals(0)
    return {True: "equal", False: "different"}.get(verdict, "unknown")


def _built(tree: list[Any]) -> Any:
    import sympy as s

    op, value, children = tree
    if op in ("sum", "prod", "int", "lim"):
        return _bound(op, value, children)
    args = [_built(child) for child in children]
    if op in ("num", "dec"):
        return s.Rational(value)
    if op == "sym":
        return s.Symbol(value)
    if op == "const":
        return {"pi": s.pi, "e": s.E, "i": s.I, "inf": s.oo}[value]
    if op == "fn":
        return _function(value, args)
    if op == "call":
        return s.Function(value)(*args)
    if op == "qty" and value != "degree":
        raise ValueError("a unit inside an expression")
    return {
        "add": lambda: args[0] + args[1],
        "mixed": lambda: args[0] + args[1],
        "mul": lambda: args[0] * args[1],
        "div": lambda: args[0] / args[1],
        "neg": lambda: -args[0],
        "pow": lambda: args[0] ** args[1],
        "root": lambda: s.real_root(args[0], args[1]) if args[0].is_real else s.root(args[0], args[1]),
        "percent": lambda: args[0] / 100,
        "qty": lambda: args[0] * s.pi / 180,
    }[op]()


def _bound(op: str, name: str, children: list[Any]) -> Any:
    import sympy as s

    args = [_built(child) for child in children]
    symbol = s.Symbol(name)
    if op == "lim":
        return s.limit(args[0], symbol, args[1])
    kind = {"sum": s.Sum, "prod": s.Product, "int": s.Integral}[op]
    return kind(args[0], (symbol, args[1], args[2]))


def _function(name: str, args: list[Any]) -> Any:
    import sympy as s

    if name == "log":
        return s.log(args[0], args[1] if len(args) > 1 else 10)
    names = {
        "ln": s.log, "arcsin": s.asin, "arccos": s.acos, "arctan": s.atan, "arccot": s.acot, "arsinh": s.asinh, "arcosh": s.acosh,
        "artanh": s.atanh, "abs": s.Abs, "ceil": s.ceiling, "max": s.Max, "min": s.Min, "mod": s.Mod, "binom": s.binomial, "sgn": s.sign,
        "factorial": s.factorial, "floor": s.floor, "gamma": s.gamma, "double_factorial": s.factorial2, "gcd": s.gcd, "lcm": s.lcm, "exp": s.exp, "sin": s.sin, "cos": s.cos, "tan": s.tan,
        "cot": s.cot, "sec": s.sec, "csc": s.csc, "sinh": s.sinh, "cosh": s.cosh, "tanh": s.tanh, "sech": s.sech, "csch": s.csch, "coth": s.coth, "arcsec": s.asec, "arccsc": s.acsc, "zeta": s.zeta, "erf": s.erf, "erfc": s.erfc, "norm": s.Function("norm"), "re": s.re, "im": s.im, "arg": s.arg,
    }  # fmt: skip
    return names[name](*args)


if __name__ == "__main__":
    main()
