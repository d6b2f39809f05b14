"""Regular expressions that are compiled when they are first used: most pairs of answers need few of the 300 here."""

from __future__ import annotations

import re
from typing import Any, cast

_METHODS = ("search", "match", "fullmatch", "sub", "finditer", "findall", "split")


class _Used:
    """A compiled expression's methods as attributes of its own: as fast to call as the expression's."""


class _Unused:
    """What becomes a `_Used` at the first look at any method."""

    def __init__(self, source: str, flags: int) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(self._source, self._flags)
        self.__dict__.update({method: getattr(compiled, method) for method in _METHODS})
        # Last, and the source stays: another thread may be on its way through here. One layout, and no __getattr__ now.
        self.__class__ = _Used  # type: ignore[assignment]
        return getattr(compiled, name)


def lazy_pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """The regular expression, to be used as a compiled one is; `match.re` of its matches is another object."""
    return cast("re.Pattern[str]", _Unused(source, flags))
