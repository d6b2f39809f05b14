"""Functions as machine code, for loops over bytes and characters that no library call replaces."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])
HERE = Path(__file__).resolve().parent
PACKAGES = ("evaluators", "pipelines")
"""Where functions are compiled."""


def compiled(function: F) -> F:
    """Machine code of it by numba, kept on disk beside these modules or in the user's cache; where neither can be written it
    is compiled anew by each process. Import modules that use it in functions: numba takes a second.
    """
    return _compiled(function)


def inlined(function: F) -> F:
    """The same for a small function that compiled loops call, written out in each of them: a call that passes arrays costs more
    than a line of work.
    """
    return _compiled(function, forceinline=True)


def _compiled(function: F, **options: bool) -> F:
    import numba

    given = numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = given or str(_kept_in())  # RuntimeError: nor has this user a home
        return cast(F, numba.njit(cache=True, **options)(function))
    except RuntimeError:
        return cast(F, numba.njit(**options)(function))
    finally:
        numba.config.CACHE_DIR = given


@cache
def _kept_in() -> Path:
    """A folder of this version's own: numba looks at a function's own file, not at those whose functions it calls, and
    would go on with the machine code of before one of them changed.
    """
    files = (path for package in PACKAGES for path in sorted((HERE.parent / package).rglob("*.py")))
    sources = [path.read_bytes() for path in files]
    told = b"\0".join(source for source in sources if b"compiled" in source)  # every file whose functions are says so
    version = hashlib.sha256(told).hexdigest()[:16]
    private = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mathsieve")
    root = HERE / "__pycache__" if os.access(HERE, os.W_OK) else private
    for old in root.glob("machine-code-*"):
        if old.name != f"machine-code-{version}":
            shutil.rmtree(old, ignore_errors=True)
    folder = root / f"machine-code-{version}"
    try:
        folder.mkdir(parents=True)
    except OSError:  # it is there, or nothing can be written
        return folder
    print("mathsieve: compiling its loops, once for this version (half a minute)", file=sys.stderr, flush=True)
    return folder
