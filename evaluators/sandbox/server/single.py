"""A program has one process: what would make another says so, and what to do instead. The walls do not depend on it."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, NoReturn

ONE_PROCESS = (
    "a program has one process here: compute in a plain loop, or with threads (concurrent.futures.ThreadPoolExecutor)"
)


def explain_processes() -> None:
    """Have fork, subprocess and multiprocessing fail with a sentence instead of a bare `Operation not permitted`."""
    import _multiprocessing  # type: ignore[import-not-found]  # a module of C that typeshed lacks
    import _posixsubprocess

    for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp"):
        setattr(os, name, _refuse)
    _posixsubprocess.fork_exec = _refuse
    if "subprocess" in sys.modules:  # a preloaded package imported it, and it has taken the function by name
        vars(sys.modules["subprocess"])["_fork_exec"] = _refuse

    class SemLock(_multiprocessing.SemLock):  # type: ignore[misc]
        """The first thing that a pool, a queue or a lock of multiprocessing makes."""

        def __new__(cls, *_: Any, **__: Any) -> NoReturn:
            _refuse()

    _multiprocessing.SemLock = SemLock


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise PermissionError(errno.EPERM, ONE_PROCESS)
