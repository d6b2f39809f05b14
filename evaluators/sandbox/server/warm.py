"""Typical work, done once before sessions are forked, so that no session pays for caches and late imports."""

from __future__ import annotations

import contextlib
import importlib
import site
import sys
from collections.abc import Sequence

from evaluators.sandbox.server.single import explain_processes

STANDARD = (
    "cmath collections copy datetime decimal fractions functools heapq itertools json math random re statistics string"
)
"""Standard modules that programs in public tool-integrated traces import most."""

SYMPY = """
from sympy import *
x, y, z = symbols("x y z"); n = symbols("n", integer=True, positive=True)
solve(x**2 - 2, x); solve([x + y - 3, x - y - 1], [x, y]); solve(x**3 - x - 1, x); solve(Eq(2*x + 3, 7), x)
solve(x*(x - 3) > 0, x); solveset(x**2 - 4, x, domain=S.Reals); nsolve(cos(x) - x, x, 1); diophantine(x**2 - y**2 - 15)
integrate(sin(x)**2, x); integrate(exp(-x**2), (x, -oo, oo)); integrate(1/(x**2 + 1), x); diff(sin(x)*exp(x), x)
limit(sin(x)/x, x, 0); series(exp(x), x, 0, 5).removeO(); summation(1/n**2, (n, 1, oo)); product(n, (n, 1, 5))
simplify((x**2 - 1)/(x - 1)); expand((x + 1)**5); factor(x**4 - 1); apart(1/(x**2 - 1)); trigsimp(sin(x)**2 + cos(x)**2)
nsimplify(0.3333333333, rational=True); radsimp(1/(1 + sqrt(2))); sqrt(8).evalf(); N(pi, 30); together(1/x + 1/y)
m = Matrix([[1, 2], [3, 4]]); m.inv(); m.det(); m.eigenvals(); m.rref(); Matrix([[2, 1], [1, 2]]).diagonalize()
factorint(360360); isprime(97); gcd(12, 18); lcm(4, 6); totient(36); divisors(28); binomial(10, 3); factorial(10)
Poly(x**3 - 2*x + 1, x).nroots(); Rational(1, 3) + Rational(1, 6); str(sqrt(8)); latex(x**2/2); pretty(x**2/2)
Interval(0, 1).intersect(Interval(S.Half, 2)); Point(0, 0).distance(Point(3, 4)); Triangle(Point(0, 0), Point(4, 0), Point(0, 3)).area
"""
NUMPY = """
import numpy as np
np.linalg.eig(np.array([[1., 2.], [3., 4.]])); np.linalg.solve(np.eye(2), np.ones(2)); np.roots([1, -3, 2])
np.arange(6).reshape(2, 3).sum(axis=0); str(np.linspace(0, 1, 5)); np.random.rand(2)
"""
EXERCISES = {"sympy": SYMPY, "numpy": NUMPY}


def warm_up(preload: Sequence[str]) -> None:
    """Import the modules and exercise those that have exercises. Raises ImportError for one that is not installed."""
    site.setquit()  # `exit`, `help` and the like, which the interpreter has with its `site` module only
    site.sethelper()
    site.setcopyright()
    for name in [*STANDARD.split(), *preload]:
        importlib.import_module(name)
    for name, lines in EXERCISES.items():
        if name in preload:
            namespace: dict[str, object] = {}
            for line in lines.strip().splitlines():
                with contextlib.suppress(Exception):  # another version may lack a function: only its warmth is lost
                    exec(line, namespace)
    sys.modules.pop("__mp_main__", None)
    explain_processes()
