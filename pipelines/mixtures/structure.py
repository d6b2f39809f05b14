"""When two solutions are one: programs that differ in names and constants alone, chains of thought of the same steps."""

from __future__ import annotations

import ast
import builtins
import re
import warnings

from pipelines.mixtures.flaws import PROGRAM_BLOCK

SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "（": "(", "）": ")"})
NAMED_SIGNS = re.compile(r"\\(times|cdot|div|left|right)(?![a-zA-Z])")
SIGN_OF = {"times": "*", "cdot": "*", "div": "/", "left": "", "right": ""}
FRACTION = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")
RUN = re.compile(r"[\d.,()+\-*/^ \t]{3,}")
CALCULATES = re.compile(r"\d[-+*/^]+\d")


def structure(response: str, form: str) -> str:
    """The same text for solutions that are no different ones, of one form."""
    if form != "cot" and (programs := PROGRAM_BLOCK.findall(response)):
        return "\n---\n".join(program_structure(code) for code in programs)
    return "; ".join(steps(response)) or " ".join(re.findall(r"\w+", response.lower()))


def steps(text: str) -> list[str]:
    """The calculations of a chain of thought, in their order, without layout."""
    plain = FRACTION.sub(r"(\1)/(\2)", text.translate(SIGNS))
    plain = NAMED_SIGNS.sub(lambda found: SIGN_OF[found[1]], plain).replace("$", "").replace("{,}", "")
    runs = (re.sub(r"[ \t,()]", "", run).strip(".+-*/^") for run in RUN.findall(plain))
    return [run for run in runs if CALCULATES.search(run)]


def program_structure(code: str) -> str:
    """The program's tree with its own names numbered, constants by their type, and without docstrings and annotations.

    Names of builtins, of modules and of what is imported stay: `max` is not `min`. What is no Python stays as it is, without
    layout.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in its strings
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "".join(code.split())
    return ast.dump(_Normalised(tree).visit(tree), annotate_fields=False)


class _Normalised(ast.NodeTransformer):
    def __init__(self, tree: ast.AST) -> None:
        self._own: dict[str, str] = {}
        self._kept = set(dir(builtins))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._kept |= {(one.asname or one.name).partition(".")[0] for one in node.names}

    def _named(self, name: str) -> str:
        return name if name in self._kept else self._own.setdefault(name, f"v{len(self._own)}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(id=self._named(node.id), ctx=ast.Load())

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(arg=self._named(node.arg))

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return ast.keyword(arg=node.arg, value=self.visit(node.value))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        name = self._named(node.name)
        body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
        return ast.FunctionDef(
            name=name, args=self.visit(node.args), body=[self.visit(one) for one in body], decorator_list=[]
        )

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        number = isinstance(node.value, int | float | complex) and not isinstance(node.value, bool)
        return ast.Constant(value="number" if number else type(node.value).__name__)
