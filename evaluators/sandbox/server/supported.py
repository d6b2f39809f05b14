"""Which programs the interpreter tier may run: those made of parts in which it is known to do as CPython does.

A list of what is allowed, not of what differs: a program that holds anything else runs in a process session. Left out,
for what was found by running both on generated programs (bench/interpreter.py):

    round to digits          2.675 becomes 2.68, not 2.67
    pow of three arguments   a negative exponent
    sets                     their order
    formats of f-strings     widths, signs and rounding of their own
    errors                   every program that raises falls through, for CPython's own words
    classes, generators, decorators, exceptions, match, await: little is gained
"""

from __future__ import annotations

import ast

_STATEMENTS = """
Module FunctionDef arguments arg Return Assign AugAssign AnnAssign Expr If For While Break Continue Pass Import ImportFrom
alias
"""
_EXPRESSIONS = """
Call Name Constant BinOp UnaryOp BoolOp Compare IfExp List Tuple Dict Subscript Slice ListComp DictComp GeneratorExp
comprehension JoinedStr FormattedValue Attribute keyword Lambda Load Store
"""
_OPERATORS = """
Add Sub Mult Div FloorDiv Mod Pow UAdd USub Not And Or Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn
"""
_NODES = frozenset(getattr(ast, name) for name in (_STATEMENTS + _EXPRESSIONS + _OPERATORS).split())
_FUNCTIONS = """
print sum len range int str float bool abs max min list dict tuple enumerate zip sorted any all divmod round map filter
"""
_METHODS = """
append items keys values get pop extend insert remove index count join split strip replace upper lower startswith endswith
copy reverse
"""
_MATH = "sqrt floor ceil gcd factorial comb perm pi e log log10 log2 sin cos tan exp pow fabs isqrt"
FUNCTIONS, METHODS = frozenset(_FUNCTIONS.split()), frozenset(_METHODS.split())
MODULES = {"math": frozenset(_MATH.split())}
LONGEST = 20_000
"""Characters of a program: longer ones are no arithmetic of a word problem."""


def unsupported(code: str) -> str | None:
    """What of a program the interpreter tier does not run; None where there is no such thing."""
    if len(code) > LONGEST:
        return "length"
    if not code.isascii():
        return "text that is not ASCII"
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "syntax"
    own = _names(tree)
    for node in ast.walk(tree):
        reason = _reason(node, own)
        if reason is not None:
            return reason
    return None


def _names(tree: ast.AST) -> frozenset[str]:
    """Names that the program binds itself; none may be one of a function that is judged by its name."""
    bound = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    bound |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name for alias in node.names}
    return frozenset(bound)


def _reason(node: ast.AST, own: frozenset[str]) -> str | None:
    if type(node) not in _NODES:
        return type(node).__name__
    match node:
        case ast.Constant(value=value) if not isinstance(value, int | float | str | bool | None):
            return f"constant of {type(value).__name__}"
        case ast.FunctionDef() if node.decorator_list or node.args.vararg or node.args.kwarg or node.args.kwonlyargs:
            return "arguments"
        case ast.FormattedValue() if node.format_spec is not None or node.conversion != -1:
            return "format"
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str()) | ast.JoinedStr()):
            return "format"
        case ast.Import() | ast.ImportFrom():
            return _import(node)
        case ast.Name() | ast.arg():
            return _name(node, own)
        case ast.Attribute():
            return _attribute(node, own)
        case ast.Call():
            return _call(node)
    return None


def _import(node: ast.Import | ast.ImportFrom) -> str | None:
    if isinstance(node, ast.Import):
        return None if all(alias.name in MODULES for alias in node.names) else "import"
    names = MODULES.get(node.module or "", frozenset())
    known = all(alias.name in names and alias.asname is None for alias in node.names)
    return None if known and node.level == 0 else "import"


def _name(node: ast.Name | ast.arg, own: frozenset[str]) -> str | None:
    name = node.id if isinstance(node, ast.Name) else node.arg
    if name.startswith("__"):
        return f"name {name}"
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return None if name in own or name in FUNCTIONS else f"name {name}"
    return f"name {name}" if name in FUNCTIONS else None


def _attribute(node: ast.Attribute, own: frozenset[str]) -> str | None:
    if not isinstance(node.ctx, ast.Load):
        return "attribute"
    if isinstance(node.value, ast.Name) and node.value.id in MODULES and node.value.id in own:
        return None if node.attr in MODULES[node.value.id] else f"{node.value.id}.{node.attr}"
    return None if node.attr in METHODS else f"method {node.attr}"


def _call(node: ast.Call) -> str | None:
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        return "starred argument"
    if not isinstance(node.func, ast.Name):
        return None if not node.keywords else "keyword of a method"
    name, keywords = node.func.id, {keyword.arg for keyword in node.keywords}
    if name == "round" and (len(node.args) != 1 or keywords):
        return "round to digits"
    if name == "print" and not keywords <= {"sep", "end"}:
        return "keyword of print"
    if name in ("int", "str", "float") and len(node.args) > 1:
        return f"arguments of {name}"
    return None
