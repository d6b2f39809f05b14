"""Functions as machine code, for loops over bytes and characters that no library call replaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Machine code of it by numba, kept on disk beside its module or in the user's cache; where neither can be written it is
    compiled anew by each process. Import modules that use it in functions: numba takes a second.
    """
    import numba

    try:
        return cast(F, numba.njit(cache=True)(function))
    except RuntimeError:
        return cast(F, numba.njit(function))
