"""The names that an expression may hold: functions, constants, letters, commands, and the words that end it."""

from __future__ import annotations

from evaluators.answers.values import COLLECTIONS, EULER, IMAGINARY, INFINITY, PI

FUNCTIONS = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "sinh",
        "cosh",
        "tanh",
        "arcsin",
        "arccos",
        "arctan",
        "arccot",
        "asin",
        "acos",
        "atan",
        "sech",
        "csch",
        "coth",
        "arcsec",
        "arccsc",
        "arcsinh",
        "arccosh",
        "arctanh",
        "asinh",
        "acosh",
        "atanh",
        "erf",
        "erfc",
        "arsinh",
        "arcosh",
        "artanh",
        "ln",
        "log",
        "lg",
        "exp",
        "abs",
        "floor",
        "ceil",
        "ceiling",
        "gcd",
        "lcm",
        "max",
        "min",
        "det",
        "Re",
        "Im",
        "re",
        "im",
        "arg",
        "sgn",
        "sign",
        "deg",
        "cis",
        "tg",
        "arctg",
        "arcctg",
        "ctg",
        "factorial",
        "round",
    ]
)
ALIASES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "lg": "log", "ceiling": "ceil", "tg": "tan"}
ALIASES |= {"ctg": "cot", "arctg": "arctan", "arcctg": "arccot", "Re": "re", "Im": "im", "sign": "sgn"}
ALIASES |= {name + "h": "ar" + rest + "h" for name, rest in (("arcsin", "sin"), ("arccos", "cos"), ("arctan", "tan"))}
ALIASES |= {"asinh": "arsinh", "acosh": "arcosh", "atanh": "artanh"}
INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot", "sec": "arcsec", "csc": "arccsc"}
INVERSES |= {"sinh": "arsinh", "cosh": "arcosh", "tanh": "artanh"}
ROOTS = {"sqrt": 2, "cbrt": 3}
CONSTANTS = {"pi": PI, "e": EULER, "i": IMAGINARY, "inf": INFINITY, "infinity": INFINITY, "oo": INFINITY}
CONSTANTS |= {"infty": INFINITY, "Pi": PI, "Infinity": INFINITY, "imath": IMAGINARY}
GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "varepsilon",
        "zeta",
        "eta",
        "theta",
        "vartheta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "rho",
        "sigma",
        "tau",
        "upsilon",
        "phi",
        "varphi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Sigma",
        "Phi",
        "Psi",
        "Omega",
        "ell",
        "hbar",
    ]
)
NAMED_FIGURES = frozenset(
    {"ray", "angle", "triangle", "overline", "widehat", "measuredangle", "bar", "mathcal", "tilde"}
)
MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "Bmatrix", "smallmatrix", "array", "vmatrix", "cases", "aligned"})
TIMES = frozenset({"*", "cdot", "times", "ast"})
OVER = frozenset({"/", "div"})
OPENERS = {"(": ")", "[": "]"}
BASES = {w: n for n, w in enumerate(["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 2)} | {
    "sixteen": 16
}
STARTING_COMMANDS = (
    FUNCTIONS | GREEK | frozenset(CONSTANTS) | NAMED_FIGURES
    | {"frac", "sqrt", "cbrt", "binom", "dbinom", "lfloor", "lceil", "lvert", "sum", "int", "prod", "lim"}
)  # fmt: skip
NOT_FACTORS = COLLECTIONS | {"interval", "union", "special"}
STOP_WORDS = frozenset(
    [
        "and",
        "or",
        "to",
        "is",
        "are",
        "the",
        "of",
        "for",
        "if",
        "in",
        "when",
        "where",
        "U",
        "not",
        "no",
        "pm",
        "am",
        "PM",
        "AM",
        "per",
        "base",
        "mod",
        "choose",
    ]
)
RELATIONS = {"=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "≠": "!="}
RELATIONS |= {
    "le": "<=",
    "leq": "<=",
    "leqslant": "<=",
    "ge": ">=",
    "geq": ">=",
    "geqslant": ">=",
    "lt": "<",
    "gt": ">",
}
RELATIONS |= {"ne": "!=", "neq": "!=", "approx": "~", "simeq": "~", "equiv": "==", "in": "in"}
