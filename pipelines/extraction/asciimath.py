"""AsciiMath to LaTeX, by the grammar of its reference (asciimath.org): constants, unary, binary, brackets, scripts."""

from __future__ import annotations

import re
from functools import cache

from pipelines.extraction.symbols import symbols_tex, text_tex

CONSTANTS = {
    "+-": r"\pm", "-+": r"\mp", "*": r"\cdot", "**": r"\ast", "***": r"\star", "//": "/", "\\\\": r"\backslash", "xx": r"\times", "-:": r"\div",
    "|><": r"\ltimes", "><|": r"\rtimes", "|><|": r"\bowtie", "@": r"\circ", "o+": r"\oplus", "ox": r"\otimes", "o.": r"\odot", "^^": r"\wedge",
    "^^^": r"\bigwedge", "vv": r"\vee", "vvv": r"\bigvee", "nn": r"\cap", "nnn": r"\bigcap", "uu": r"\cup", "uuu": r"\bigcup", "sum": r"\sum",
    "prod": r"\prod", "int": r"\int", "oint": r"\oint", "del": r"\partial", "grad": r"\nabla", "O/": r"\emptyset", "oo": r"\infty", "aleph": r"\aleph",
    ":.": r"\therefore", ":'": r"\because", "/_": r"\angle", "/_\\": r"\triangle", "'": "'", "|...|": r"|\ldots|", "|cdots|": r"|\cdots|",
    "frown": r"\frown", "quad": r"\quad", "qquad": r"\qquad", "cdots": r"\cdots", "vdots": r"\vdots", "ddots": r"\ddots", "diamond": r"\diamond",
    "square": r"\square", "|__": r"\lfloor", "__|": r"\rfloor", "|~": r"\lceil", "~|": r"\rceil", "CC": r"\mathbb{C}", "NN": r"\mathbb{N}",
    "QQ": r"\mathbb{Q}", "RR": r"\mathbb{R}", "ZZ": r"\mathbb{Z}", "=": "=", "!=": r"\ne", "lt": "<", "<": "<", "gt": ">", ">": ">", "<=": r"\le",
    "lt=": r"\le", "le": r"\le", "gt=": r"\ge", ">=": r"\ge", "ge": r"\ge", "-<": r"\prec", "-lt": r"\prec", ">-": r"\succ", "-<=": r"\preceq",
    ">-=": r"\succeq", "in": r"\in", "!in": r"\notin", "sub": r"\subset", "sup": r"\supset", "sube": r"\subseteq", "supe": r"\supseteq",
    "-=": r"\equiv", "~=": r"\cong", "~~": r"\approx", "prop": r"\propto", "and": r"\text{ and }", "or": r"\text{ or }", "not": r"\neg", "=>": r"\Rightarrow",
    "if": r"\text{ if }", "<=>": r"\Leftrightarrow", "iff": r"\Leftrightarrow", "AA": r"\forall", "EE": r"\exists", "_|_": r"\bot", "TT": r"\top", "|--": r"\vdash", "|==": r"\models",
    "uarr": r"\uparrow", "darr": r"\downarrow", "rarr": r"\rightarrow", "->": r"\to", ">->": r"\rightarrowtail", "->>": r"\twoheadrightarrow", "|->": r"\mapsto",
    "larr": r"\leftarrow", "harr": r"\leftrightarrow", "rArr": r"\Rightarrow", "lArr": r"\Leftarrow", "hArr": r"\Leftrightarrow", "...": r"\ldots", "ldots": r"\ldots",
    "lim": r"\lim", "Lim": r"\operatorname{Lim}", "mod": r"\bmod", "lcm": r"\operatorname{lcm}", "dx": "dx", "dy": "dy", "dz": "dz", "dt": "dt", "prime": "'", "\\ ": r"\ ", "|": "|", ":=": ":=", "setminus": r"\setminus", "!": "!",
    **{name: "\\" + name for name in
       ["alpha", "beta", "gamma", "Gamma", "delta", "Delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "Theta", "vartheta", "iota", "kappa", "lambda", "Lambda", "mu", "nu", "xi", "Xi", "pi", "Pi", "rho", "sigma", "Sigma", "tau", "upsilon", "phi", "Phi", "varphi", "chi", "psi", "Psi", "omega", "Omega", "sin", "cos", "tan", "sinh", "cosh", "tanh", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "coth", "exp", "log", "ln", "det", "dim", "gcd", "min", "max", "deg", "cap", "cup", "subset", "subseteq", "supset", "supseteq", "times", "div", "pm", "ne", "to", "infty", "partial", "nabla", "forall", "exists", "therefore", "because", "approx", "equiv", "cong", "propto", "wedge", "vee", "neg", "implies", "leq", "geq", "prec", "succ", "mapsto", "rightarrow", "leftarrow", "Rightarrow", "Leftarrow", "leftrightarrow", "Leftrightarrow", "langle", "rangle", "oplus", "otimes", "circ", "cdot", "star", "ast", "inf"]},
}  # fmt: skip
UNARY = {
    "sqrt": r"\sqrt{%s}", "hat": r"\hat{%s}", "bar": r"\overline{%s}", "overline": r"\overline{%s}", "vec": r"\vec{%s}", "dot": r"\dot{%s}", "ddot": r"\ddot{%s}", "ul": r"\underline{%s}",
    "underline": r"\underline{%s}", "tilde": r"\tilde{%s}", "ubrace": r"\underbrace{%s}", "underbrace": r"\underbrace{%s}", "obrace": r"\overbrace{%s}", "overbrace": r"\overbrace{%s}",
    "abs": r"\left|%s\right|", "floor": r"\lfloor %s\rfloor", "ceil": r"\lceil %s\rceil", "norm": r"\left\|%s\right\|", "bb": r"\mathbf{%s}", "bbb": r"\mathbb{%s}", "cc": r"\mathcal{%s}",
    "tt": r"\mathtt{%s}", "fr": r"\mathfrak{%s}", "sf": r"\mathsf{%s}", "cancel": r"\cancel{%s}", "mathbf": r"\mathbf{%s}", "mathbb": r"\mathbb{%s}", "mathcal": r"\mathcal{%s}",
    "mathfrak": r"\mathfrak{%s}", "mathrm": r"\mathrm{%s}", "arc": r"\overparen{%s}",
}  # fmt: skip
BINARY = {
    "frac": r"\frac{%s}{%s}",
    "root": r"\sqrt[%s]{%s}",
    "stackrel": r"\overset{%s}{%s}",
    "overset": r"\overset{%s}{%s}",
    "underset": r"\underset{%s}{%s}",
    "color": r"{\color{%s}%s}",
}
LEFT = {
    "(": "(",
    "[": "[",
    "{": r"\{",
    "(:": r"\langle",
    "<<": r"\langle",
    "langle": r"\langle",
    "{:": ".",
    "|:": "|",
    "⟨": r"\langle",
}
RIGHT = {
    ")": ")",
    "]": "]",
    "}": r"\}",
    ":)": r"\rangle",
    ">>": r"\rangle",
    "rangle": r"\rangle",
    ":}": ".",
    ":|": "|",
    "⟩": r"\rangle",
}
WORDS = re.compile(r'"[^"]*"|(?:text|mbox)\s*(?:\(([^()]*)\)|\{([^{}]*)\}|\[([^\[\]]*)\])')
NUMBER = re.compile(r"\d+(?:\.\d+)?")
FLAT = re.compile(r"\\left([(\[|]) ?((?:(?!\\(?:left|right|frac|sum|int|begin|prod)).)*?) ?\\right([)\]|])")
TRAILING = re.compile(r"(?:\s*\\(?:\s+|$))+$")
"""Control spaces at the end, which nothing follows."""
DEPTH = 60


@cache
def _symbols() -> re.Pattern[str]:
    names = sorted({*CONSTANTS, *UNARY, *BINARY, *LEFT, *RIGHT}, key=lambda name: (-len(name), name))
    return re.compile(r"\\?(" + "|".join(re.escape(name) for name in names) + ")")


def asciimath_tex(source: str) -> str:
    """A formula in AsciiMath as LaTeX. Every string converts: what the grammar does not know stands for itself."""
    tokens = _tokens(re.sub(r"\s", " ", source))
    tokens.reverse()
    parts: list[str] = []
    while tokens:
        parts.append(_expression(tokens, DEPTH))
        if tokens and (tokens[-1] in RIGHT or not parts[-1]):
            token = tokens.pop()  # a bracket that nothing opened
            parts.append(RIGHT.get(token, "").replace(".", "") if token in RIGHT else symbols_tex(token))
    written = re.sub(r"\s+", " ", " ".join(parts)).strip()
    while (smaller := FLAT.sub(r"\1\2\3", written)) != written:
        written = smaller
    return TRAILING.sub("", written)


def _tokens(source: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    while position < len(source):
        if source[position].isspace():
            position += 1
            continue
        found = WORDS.match(source, position) or NUMBER.match(source, position) or _symbols().match(source, position)
        token = found.group() if found else source[position]
        position += len(token)
        tokens.append(
            token[1:]
            if token.startswith("\\") and len(token) > 1 and token[1:] in {*CONSTANTS, *UNARY, *BINARY, *LEFT, *RIGHT}
            else token
        )
    return tokens


def _expression(tokens: list[str], depth: int) -> str:
    """Scripted atoms up to a closing bracket or the end; `a/b` is a fraction."""
    parts: list[str] = []
    while tokens and tokens[-1] not in RIGHT:
        part = _scripted(tokens, depth)
        if tokens and tokens[-1] == "/":
            tokens.pop()
            below = _scripted(tokens, depth) if tokens and tokens[-1] not in RIGHT else ""
            part = f"\\frac{{{_bare(part)}}}{{{_bare(below)}}}"
        parts.append(part)
    return " ".join(parts)


def _scripted(tokens: list[str], depth: int) -> str:
    base = _atom(tokens, depth)
    marks = ["_", "^"]
    while tokens and tokens[-1] in marks:
        mark = tokens.pop()
        marks.remove(mark)
        argument = _atom(tokens, depth) if tokens and tokens[-1] not in RIGHT else ""
        base = f"{base or '{}'}{mark}{{{_bare(argument)}}}"
    return base


def _atom(tokens: list[str], depth: int) -> str:
    if not tokens:
        return ""
    token = tokens.pop()
    if depth <= 0:
        return symbols_tex(token)
    if token in LEFT:
        return _bracketed(token, tokens, depth - 1)
    words = WORDS.fullmatch(token)
    if words:
        return text_tex(next((group for group in words.groups() if group is not None), token.strip('"')))
    if token in UNARY:
        return UNARY[token] % _bare(_atom(tokens, depth - 1))
    if token == "|" and (determinant := _determinant(tokens, depth - 1)):
        return determinant
    if token == "color":
        name = "".join(_group(tokens))
        return BINARY[token] % (name, _bare(_atom(tokens, depth - 1)))
    if token in BINARY:
        first = _bare(_atom(tokens, depth - 1))
        return BINARY[token] % (first, _bare(_atom(tokens, depth - 1)))
    if token in ("_", "^", "/"):
        return {"_": r"\_", "^": r"\hat{}", "/": "/"}[token]
    return CONSTANTS[token] if token in CONSTANTS else symbols_tex(token)


def _bracketed(opening: str, tokens: list[str], depth: int) -> str:
    inner = _expression(tokens, depth)
    closing = RIGHT[tokens.pop()] if tokens else "."
    matrix = _matrix(LEFT[opening], inner, closing)
    return matrix or f"\\left{LEFT[opening]} {inner} \\right{closing}"


def _group(tokens: list[str]) -> list[str]:
    """The tokens of the bracket that comes next, taken without reading them."""
    taken: list[str] = []
    while tokens and (not taken or taken[-1] not in RIGHT):
        taken.append(tokens.pop())
    return [token for token in taken if token not in LEFT and token not in RIGHT]


def _determinant(tokens: list[str], depth: int) -> str:
    """`|(a,b),(c,d)|`, of which the first bar is taken; empty, and nothing taken, where the bars hold something else."""
    if not tokens or tokens[-1] not in ("(", "["):
        return ""
    open_brackets = 0
    for place in range(len(tokens) - 1, -1, -1):
        open_brackets += (tokens[place] in LEFT) - (tokens[place] in RIGHT)
        if tokens[place] == "|" and not open_brackets:
            matrix = _matrix("|", _expression(tokens[place + 1 :], depth), "|")
            if matrix:
                del tokens[place:]
            return matrix
    return ""


def _cells(row: str) -> list[str]:
    """The parts between the commas outside of braces and brackets."""
    cells, depth = [""], 0
    for character in row:
        depth += (character in "{([") - (character in "})]")
        if character == "," and depth == 0:
            cells.append("")
        else:
            cells[-1] += character
    return [cell.strip() for cell in cells]


def _matrix(opening: str, inner: str, closing: str) -> str:
    """`[[a,b],[c,d]]` is a matrix: rows in brackets, separated by commas, of one length."""
    if not re.fullmatch(r"\s*\\left[(\[].*\\right[)\]]\s*", inner):
        return ""
    rows = re.split(r"\\right[)\]]\s*,\s*\\left[(\[]", re.sub(r"^\s*\\left[(\[]|\\right[)\]]\s*$", "", inner))
    cells = [_cells(row) for row in rows]
    if len({len(row) for row in cells}) != 1 or (len(rows) == 1 and (opening != r"\{" or closing != ".")):
        return ""
    body = r" \\ ".join(" & ".join(row) for row in cells)
    name = {"(": "pmatrix", "[": "bmatrix", "|": "vmatrix"}.get(opening)
    if opening == r"\{" and closing == ".":
        return f"\\begin{{cases}}{body}\\end{{cases}}"
    return (
        f"\\begin{{{name}}}{body}\\end{{{name}}}"
        if name
        else f"\\left{opening}\\begin{{matrix}}{body}\\end{{matrix}}\\right{closing}"
    )


def _bare(argument: str) -> str:
    """An argument without the round brackets that only grouped it."""
    found = re.fullmatch(r"\\left[(\[{.]\s?(.*?)\s?\\right[)\].}]|\\left\\\{\s?(.*?)\s?\\right\\\}", argument)
    inner = found and next(group for group in found.groups() if group is not None)
    if inner is None or inner.count("\\left") != inner.count("\\right") or _crosses(inner):
        return argument
    return inner


def _crosses(inner: str) -> bool:
    depth = 0
    for step in re.findall(r"\\left(?![a-z])|\\right(?![a-z])", inner):
        depth += 1 if step == "\\left" else -1
        if depth < 0:
            return True
    return False
