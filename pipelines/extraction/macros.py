"""Macros that a page defines, and their expansion, so that each of its formulas compiles alone.

A page defines them in TeX (`\\newcommand`, `\\def`, `\\DeclareMathOperator`, in a formula anywhere on it) or in the
configuration of MathJax or KaTeX (`macros: {RR: "\\\\mathbb{R}", abs: ["|#1|", 1]}`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.extraction.symbols import commands
from pipelines.extraction.tags import unescape

DEEPEST = 12
"""Macros in macros in macros; the deepest on real pages is three."""
LONGEST = 6000
"""Characters of an expanded formula, `delimiters.MAX_LENGTH`; a formula that grows beyond stays as it was written."""
DEFINITION = re.compile(
    r"\\(?P<how>(?:re)?newcommand|providecommand|DeclareMathOperator|[gex]?def|let)(?P<star>\*?)(?![A-Za-z])\s*(?:\{\s*\\(?P<braced>[A-Za-z]+|.)\s*\}|\\(?P<bare>[A-Za-z]+|.))\s*"
)
DEFINES = re.compile(r"\\(?:(?:re)?newcommand|providecommand|Declare|g?def|let)")
"""Begins with a character that is found at once: most pages have few."""
COUNT = re.compile(r"\s*\[\s*(\d)\s*\]")
PARAMETERS = re.compile(r"\s*((?:#\d\s*)*)(?=\{)")
TARGET = re.compile(r"\s*=?\s*(\\[A-Za-z]+|\\.|\S)")
PROGRAM = re.compile(r"<(pre|code|textarea|xmp)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
TAG = re.compile(r"<[^<>]*>")
CONFIGURED = re.compile(r"""["']?\b[mM]acros["']?\s*:\s*\{""")
ENTRY = re.compile(
    r"""\s*,?\s*(?:["']?\\*(?P<name>[A-Za-z]+)["']?)\s*:\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|String\.raw`[^`]*`)|\[\s*(?P<body>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|String\.raw`[^`]*`)\s*(?:,\s*(?P<count>\d)\s*(?:,\s*(?P<default>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*)?)?\])""",
    re.DOTALL,
)
COMMENT = re.compile(r"\s*,?\s*(?://[^\n]*\n|/\*.*?\*/)", re.DOTALL)
COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
ARGUMENT = re.compile(r"\s*(\\[A-Za-z]+|\\.|[^\s{}])", re.DOTALL)
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
BRACED_ATOM = re.compile(r"\{\s*((?:\\[A-Za-z]+\s*\{[^{}]*\}|[A-Za-z0-9]))\s*\}")
"""A group of one letter, as configurations write it: its braces change nothing."""
HIGHEST_PARAMETER = re.compile(r"#(\d)")


@dataclass(frozen=True, slots=True)
class Macro:
    """What a command stands for: `body` with `#1` to `#9` for its arguments, of which the first may have a default."""

    body: str
    arguments: int = 0
    default: str | None = None


Macros = dict[str, Macro]


PROOFWIKI = {
    **{name: Macro(f"\\mathbb {name}") for name in "NZQRC"},
    "ds": Macro("\\displaystyle"), "O": Macro("\\varnothing"), "rd": Macro("\\mathrm d"),
    "paren": Macro("\\left({#1}\\right)", 1), "tuple": Macro("\\left({#1}\\right)", 1), "struct": Macro("\\left({#1}\\right)", 1),
    "sqbrk": Macro("\\left[{#1}\\right]", 1), "closedint": Macro("\\left[{#1 \\,.\\,.\\, #2}\\right]", 2), "openint": Macro("\\left({#1 \\,.\\,.\\, #2}\\right)", 2),
    "set": Macro("\\left\\{{#1}\\right\\}", 1), "size": Macro("\\left\\vert{#1}\\right\\vert", 1), "cmod": Macro("\\left\\vert{#1}\\right\\vert", 1),
    "norm": Macro("\\left\\Vert{#1}\\right\\Vert", 1), "floor": Macro("\\left\\lfloor{#1}\\right\\rfloor", 1), "ceiling": Macro("\\left\\lceil{#1}\\right\\rceil", 1),
    "powerset": Macro("\\mathcal P\\left({#1}\\right)", 1), "map": Macro("{#1}\\left({#2}\\right)", 2), "sequence": Macro("\\left\\langle{#1}\\right\\rangle", 1),
    "family": Macro("\\left\\langle{#1}\\right\\rangle", 1), "eqclass": Macro("\\left[\\!\\left[{#1}\\right]\\!\\right]_{#2}", 2), "ideal": Macro("\\left({#1}\\right)", 1),
    "order": Macro("\\left\\vert{#1}\\right\\vert", 1), "leadsto": Macro("\\rightsquigarrow"), "leadstoandfrom": Macro("\\leftrightsquigarrow"),
}  # fmt: skip
"""Macros of ProofWiki, which its pages load from a file of their own."""


def page_macros(written: str, scripts: str) -> Macros:
    """The macros that a page defines: `written` is its markup, `scripts` those of its programs that set formulas."""
    found = dict(PROOFWIKI) if any(written.find(name, 0, 4000) >= 0 for name in ("proofwiki", "ProofWiki")) else {}
    if "acros" in scripts:
        found |= _configured(scripts)
    if DEFINES.search(written):
        found |= defined_in(unescape(TAG.sub("", PROGRAM.sub(" ", written))))[1]
    own = commands() if found else frozenset[str]()
    return {name: macro for name, macro in found.items() if name not in own}  # TeX's own mean the same, however drawn


def defined_in(tex: str) -> tuple[str, Macros]:
    """TeX without its definitions, and these."""
    found: Macros = {}
    rest: list[str] = []
    position = 0
    while definition := DEFINITION.search(tex, position):
        read = _definition(tex, definition)
        rest.append(tex[position : definition.start()])
        if read is None:
            rest.append(definition.group())
            position = definition.end()
            continue
        macro, position = read
        found[definition["braced"] or definition["bare"]] = macro
    return "".join([*rest, tex[position:]]), found


def _definition(tex: str, definition: re.Match[str]) -> tuple[Macro, int] | None:
    """The macro whose definition begins so, and where that ends."""
    how, position = definition["how"], definition.end()
    if how == "let":
        target = TARGET.match(tex, position)
        return (Macro(target[1]), target.end()) if target else None
    arguments, default = 0, None
    if how.endswith("def"):
        parameters = PARAMETERS.match(tex, position)
        if parameters is None:
            return None
        arguments, position = parameters[1].count("#"), parameters.end()
    elif count := COUNT.match(tex, position):
        arguments, position = int(count[1]), count.end()
        if tex[position : position + 1] == "[":
            end = tex.find("]", position)
            default, position = tex[position + 1 : end], end + 1
    argument = _argument(tex, position)
    if argument is None:
        return None
    body, end = argument
    if how == "DeclareMathOperator":
        body = f"\\operatorname{definition['star']}{{{body}}}"
    return Macro(body, arguments, default), end


def _argument(tex: str, position: int) -> tuple[str, int] | None:
    """The argument that begins there, without its braces, and where it ends."""
    while tex[position : position + 1].isspace():
        position += 1
    if tex[position : position + 1] != "{":
        token = ARGUMENT.match(tex, position)
        return (token[1], token.end()) if token else None
    depth, place = 0, position
    while place < len(tex):
        if tex[place] == "\\":
            place += 2
            continue
        depth += (tex[place] == "{") - (tex[place] == "}")
        place += 1
        if not depth:
            return tex[position + 1 : place - 1], place
    return None


def _configured(scripts: str) -> Macros:
    """The macros in the configuration of an engine."""
    found: Macros = {}
    for opening in CONFIGURED.finditer(scripts):
        position = opening.end()
        while True:
            while comment := COMMENT.match(scripts, position):
                position = comment.end()
            entry = ENTRY.match(scripts, position)
            if entry is None:
                break
            position = entry.end()
            body = _literal(entry["text"] or entry["body"])
            highest = max(map(int, HIGHEST_PARAMETER.findall(body)), default=0)
            default = _literal(entry["default"]) if entry["default"] else None
            found[entry["name"]] = Macro(body, int(entry["count"] or highest), default)
    return found


def _literal(source: str) -> str:
    """The value of a string of JavaScript."""
    raw = source.startswith("String.raw")
    inner = source.removeprefix("String.raw")[1:-1]
    return inner if raw else ESCAPE.sub(lambda found: {"n": " ", "t": " "}.get(found[1], found[1]), inner)


def expand(tex: str, macros: Macros) -> str:
    """The formula with these macros, and those that it defines itself, in their places; as it was where it would never end."""
    if "\\" not in tex:
        return tex
    source = tex
    if DEFINITION.search(tex):
        tex, own = defined_in(tex)
        macros = macros | own
    for _ in range(DEEPEST):
        expanded = _expanded_once(tex, macros)
        if expanded == tex:
            return tex
        if len(expanded) > LONGEST:
            return source
        tex = expanded
    return source


def _expanded_once(tex: str, macros: Macros) -> str:
    written: list[str] = []
    position = 0
    for command in COMMAND.finditer(tex):
        macro = macros.get(command[1])
        if macro is None or command.start() < position:
            continue
        filled = _filled(macro, tex, command.end())
        if filled is None:
            continue
        body, end = filled
        before = tex[position : command.start()]
        braced = body if _stands_alone(body) and not before.rstrip().endswith(("^", "_")) else f"{{{body}}}"
        glue = " " if re.search(r"\\[A-Za-z]+$", braced) and tex[end : end + 1].isalpha() else ""
        written += [before, braced, glue]
        position = end
    return "".join([*written, tex[position:]])


def _stands_alone(body: str) -> bool:
    """Whether what it expands to needs no braces for what stands beside it: no change of font or size to its end."""
    return re.search(
        r"\\(?:rm|bf|it|cal|sf|tt|color|displaystyle|textstyle|scriptstyle|large|small)(?![A-Za-z])", body
    ) is None or body.startswith("{")


def _filled(macro: Macro, tex: str, position: int) -> tuple[str, int] | None:
    """The body of a macro with the arguments that follow it, and where these end."""
    arguments: list[str] = []
    for place in range(macro.arguments):
        if place == 0 and macro.default is not None:
            optional = re.compile(r"\s*\[([^\[\]]*)\]").match(tex, position)
            arguments.append(optional[1] if optional else macro.default)
            position = optional.end() if optional else position
            continue
        read = _argument(tex, position)
        if read is None:
            return None
        arguments.append(read[0])
        position = read[1]
    if not macro.arguments:
        atom = BRACED_ATOM.fullmatch(macro.body.strip())
        return (atom[1] if atom else macro.body), position
    body = HIGHEST_PARAMETER.sub(lambda found: arguments[int(found[1]) - 1] if int(found[1]) <= len(arguments) else "", macro.body)  # fmt: skip
    return body, position
