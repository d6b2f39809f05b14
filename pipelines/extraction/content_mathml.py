"""Content MathML, which says what a formula means and not how it looks, as LaTeX (MathML 3, chapter 4)."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.extraction.document import Element
from pipelines.extraction.symbols import join, symbols_tex

OPERATORS = {
    "plus": "+", "minus": "-", "times": " ", "eq": "=", "neq": r"\ne", "lt": "<", "gt": ">", "leq": r"\le", "geq": r"\ge", "approx": r"\approx",
    "equivalent": r"\equiv", "implies": r"\Rightarrow", "and": r"\land", "or": r"\lor", "xor": r"\oplus", "in": r"\in", "notin": r"\notin",
    "subset": r"\subseteq", "prsubset": r"\subset", "notsubset": r"\nsubseteq", "union": r"\cup", "intersect": r"\cap", "setdiff": r"\setminus",
    "cartesianproduct": r"\times", "compose": r"\circ", "tendsto": r"\to", "factorof": r"\mid", "vectorproduct": r"\times", "scalarproduct": r"\cdot",
    "outerproduct": r"\otimes", "rem": r"\bmod",
}  # fmt: skip
STRENGTH = {"implies": 0, "equivalent": 0, "or": 1, "and": 2, "plus": 4, "minus": 4, "times": 5}
"""How tightly an operator binds; the relations between them, 3."""
FUNCTIONS = {
    **{name: "\\" + name for name in ("sin", "cos", "tan", "sec", "csc", "cot", "sinh", "cosh", "tanh", "coth", "arcsin", "arccos", "arctan", "exp", "ln", "log", "max", "min", "gcd", "det")},
    "lcm": r"\operatorname{lcm}", "real": r"\operatorname{Re}", "imaginary": r"\operatorname{Im}", "arg": r"\arg", "divergence": r"\nabla\cdot", "grad": r"\nabla",
    "curl": r"\nabla\times", "laplacian": r"\nabla^2", "not": r"\neg",
}  # fmt: skip
CONSTANTS = {
    "pi": r"\pi", "infinity": r"\infty", "exponentiale": "e", "imaginaryi": "i", "eulergamma": r"\gamma", "emptyset": r"\emptyset", "reals": r"\mathbb{R}",
    "integers": r"\mathbb{Z}", "naturalnumbers": r"\mathbb{N}", "rationals": r"\mathbb{Q}", "complexes": r"\mathbb{C}", "primes": r"\mathbb{P}",
    "true": r"\text{true}", "false": r"\text{false}", "notanumber": r"\text{NaN}",
}  # fmt: skip
AROUND = {"abs": ("|", "|"), "floor": (r"\lfloor ", r"\rfloor "), "ceiling": (r"\lceil ", r"\rceil "), "card": ("|", "|"), "conjugate": (r"\overline{", "}"), "factorial": ("", "!"),
          "inverse": ("", "^{-1}"), "transpose": ("", "^T"), "determinant": (r"\det ", ""), "mean": (r"\langle ", r"\rangle ")}  # fmt: skip
BIG = {
    "sum": r"\sum",
    "product": r"\prod",
    "int": r"\int",
    "limit": r"\lim",
    "forall": r"\forall",
    "exists": r"\exists",
}
QUALIFIERS = frozenset(
    {"bvar", "lowlimit", "uplimit", "interval", "condition", "domainofapplication", "degree", "logbase"}
)
TAGS = frozenset(
    {"apply", "reln", "ci", "cn", "csymbol", "lambda", "piecewise", "set", "list", "vector", "interval", *CONSTANTS}
)
"""What says that a formula is written in Content MathML."""


def content_tex(element: Element) -> str:
    """An element of Content MathML as LaTeX; one that the table does not know as its text."""
    tag = element.tag
    if tag in ("apply", "reln"):
        return _applied(element)
    if tag in CONSTANTS:
        return CONSTANTS[tag]
    if tag in CONTAINERS:
        return CONTAINERS[tag](element)
    children = element.elements()
    if children and tag in (
        "ci",
        "cn",
        "csymbol",
        "math",
        "semantics",
        "bvar",
        "lowlimit",
        "uplimit",
        "condition",
        "degree",
        "logbase",
        "otherwise",
    ):
        return _number(element) if tag == "cn" else content_tex(children[0])
    name = symbols_tex(element.text().strip())
    return f"\\mathrm{{{name}}}" if tag == "csymbol" and len(name) > 1 and name.isalpha() else name


def _number(element: Element) -> str:
    parts = [symbols_tex(part.strip()) for part in element.children if isinstance(part, str)]
    if len(parts) == 2 and element.get("type") == "rational":
        return f"\\frac{{{parts[0]}}}{{{parts[1]}}}"
    if len(parts) == 2 and element.get("type") == "e-notation":
        return f"{parts[0]}\\times 10^{{{parts[1]}}}"
    return (" + i" if element.get("type") == "complex-cartesian" else "").join(parts)


def _applied(element: Element) -> str:
    children = element.elements()
    if not children:
        return ""
    operator, qualifiers = children[0], {child.tag: child for child in children[1:] if child.tag in QUALIFIERS}
    arguments = [
        child
        for child in children[1:]
        if child.tag not in QUALIFIERS or (child.tag == "interval" and children[0].tag not in BIG)
    ]
    name = operator.tag
    texts = [content_tex(argument) for argument in arguments]
    first, last = (texts or [""])[0], (texts or [""])[-1]
    if name in BIG:
        return _big(name, qualifiers, last)
    if name == "divide" and len(texts) == 2:
        return f"\\frac{{{first}}}{{{last}}}"
    if name == "power" and len(texts) == 2:
        return f"{_grouped(arguments[0], 9)}^{{{last}}}"
    if name == "root":
        degree = content_tex(qualifiers["degree"]) if "degree" in qualifiers else ""
        return f"\\sqrt[{degree}]{{{first}}}" if degree not in ("", "2") else f"\\sqrt{{{first}}}"
    if name in ("diff", "partialdiff"):
        return _derivative(name, qualifiers, arguments)
    if name in AROUND:
        return (
            AROUND[name][0]
            + (_grouped(arguments[0], 9) if arguments and not AROUND[name][0] else first)
            + AROUND[name][1]
        )
    if name == "minus" and len(texts) == 1:
        return f"-{_grouped(arguments[0], 5)}"
    if name in OPERATORS:
        strength = STRENGTH.get(name, 3)
        return join(
            [
                part
                for argument in arguments
                for part in (f" {OPERATORS[name]} ", _grouped(argument, strength + (name != "times" and strength == 4)))
            ][1:]
        )
    return _function(operator, qualifiers, texts, arguments)


def _function(operator: Element, qualifiers: dict[str, Element], texts: list[str], arguments: list[Element]) -> str:
    name = FUNCTIONS.get(operator.tag) or content_tex(operator) or f"\\operatorname{{{operator.tag}}}"
    if "logbase" in qualifiers:
        name += f"_{{{content_tex(qualifiers['logbase'])}}}"
    if operator.tag in FUNCTIONS and len(texts) == 1 and arguments[0].tag in ("ci", "cn"):
        return f"{name} {texts[0]}"
    return f"{name}({', '.join(texts)})"


def _grouped(element: Element, strength: int) -> str:
    """The piece in brackets where it binds less tightly than what is around it."""
    tex = content_tex(element)
    operator = element.elements()[0].tag if element.tag in ("apply", "reln") and element.elements() else ""
    own = STRENGTH.get(operator, 3) if operator in OPERATORS else 7 if operator in ("power", "divide") else 9
    return f"({tex})" if own < strength else tex


def _big(name: str, qualifiers: dict[str, Element], body: str) -> str:
    bound = content_tex(qualifiers["bvar"]) if "bvar" in qualifiers else ""
    lower = content_tex(qualifiers["lowlimit"]) if "lowlimit" in qualifiers else ""
    upper = content_tex(qualifiers["uplimit"]) if "uplimit" in qualifiers else ""
    if "interval" in qualifiers and len(ends := qualifiers["interval"].elements()) == 2:
        lower, upper = content_tex(ends[0]), content_tex(ends[1])
    condition = content_tex(qualifiers["condition"]) if "condition" in qualifiers else ""
    if name in ("forall", "exists"):
        return f"{BIG[name]} {condition or bound}\\colon {body}"
    if name == "limit":
        lower = condition or f"{bound}\\to {lower}"
    elif name != "int" and lower and bound:
        lower = f"{bound}={lower}"
    scripts = (f"_{{{lower or condition}}}" if lower or condition else "") + (f"^{{{upper}}}" if upper else "")
    return f"{BIG[name]}{scripts} {body}" + (f"\\,d{bound}" if name == "int" and bound else "")


def _derivative(name: str, qualifiers: dict[str, Element], arguments: list[Element]) -> str:
    sign = "d" if name == "diff" else r"\partial "
    bound = qualifiers.get("bvar")
    parts = bound.elements() if bound is not None else []
    variable = content_tex(parts[0]) if parts else "x"
    degree = next((f"^{{{content_tex(part)}}}" for part in parts if part.tag == "degree"), "")
    body = _grouped(arguments[-1], 5) if arguments else ""
    return f"\\frac{{{sign.strip()}{degree}}}{{{sign}{variable}{degree}}}{body}"


def _list(element: Element, opening: str, closing: str) -> str:
    return opening + ", ".join(content_tex(child) for child in element.elements()) + closing


def _interval(element: Element) -> str:
    closure = element.get("closure") or "closed"
    return _list(
        element, "(" if closure in ("open", "open-closed") else "[", ")" if closure in ("open", "closed-open") else "]"
    )


def _matrix(element: Element) -> str:
    rows = [
        " & ".join(content_tex(cell) for cell in row.elements()) for row in element.elements() if row.tag == "matrixrow"
    ]
    return r"\begin{pmatrix}" + r" \\ ".join(rows) + r"\end{pmatrix}"


def _piecewise(element: Element) -> str:
    rows = [
        " & ".join(content_tex(part) for part in row.elements())
        if row.tag == "piece"
        else f"{content_tex(row)} & \\text{{otherwise}}"
        for row in element.elements()
    ]
    return r"\begin{cases}" + r" \\ ".join(rows) + r"\end{cases}"


def _lambda(element: Element) -> str:
    bound = [content_tex(child) for child in element.elements() if child.tag == "bvar"]
    body = next((content_tex(child) for child in reversed(element.elements()) if child.tag != "bvar"), "")
    return f"{', '.join(bound)} \\mapsto {body}"


CONTAINERS: dict[str, Callable[[Element], str]] = {
    "set": lambda element: _list(element, r"\{", r"\}"), "list": lambda element: _list(element, "(", ")"), "vector": lambda element: _list(element, "(", ")"),
    "interval": _interval, "matrix": _matrix, "piecewise": _piecewise, "lambda": _lambda,
}  # fmt: skip
