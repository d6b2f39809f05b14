"""The C library's search for a byte, for compiled loops. Import in functions: numba takes a second."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba.core import types

from pipelines.compiled import compiled

memchr = types.ExternalFunction("memchr", types.intp(types.intp, types.intc, types.uintp))  # ISO C11 §7.24.5.1


@compiled
def find_byte(data: npt.NDArray[np.uint8], byte: int, begin: int, end: int) -> int:
    """Where in `data[begin:end]` a byte first stands; `end` where it does not."""
    if begin >= end:
        return end
    start = data.ctypes.data
    found = int(memchr(start + begin, byte, end - begin))
    return found - start if found else end
