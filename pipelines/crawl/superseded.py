"""Which of many captures a newer one of the same key replaces, compiled: one look into a table for each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.compiled import compiled


def find_superseded(
    digests: npt.NDArray[np.uint64], dates: npt.NDArray[np.int64], places: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """A flag for each row of `digests` [n, 2]: whether another row of the same digest is newer, by its date, then its place."""
    slots = np.zeros(1 << max(1, int(2 * len(dates) - 1).bit_length()), np.uint32)  # at most half of them are taken
    found: npt.NDArray[np.bool_] = _superseded(digests, dates, places, slots)
    return found


@compiled
def _superseded(
    digests: npt.NDArray[np.uint64],
    dates: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
    slots: npt.NDArray[np.uint32],
) -> npt.NDArray[np.bool_]:
    older = np.zeros(len(dates), np.bool_)
    last = np.uint64(len(slots) - 1)
    for row in range(len(dates)):
        slot = digests[row, 1] & last
        while slots[slot] and not (
            digests[slots[slot] - 1, 0] == digests[row, 0] and digests[slots[slot] - 1, 1] == digests[row, 1]
        ):
            slot = (slot + np.uint64(1)) & last
        if slots[slot]:  # the newest so far of this key
            other = slots[slot] - 1
            newer = dates[row] > dates[other] or (dates[row] == dates[other] and places[row] > places[other])
            older[other if newer else row] = True
            if not newer:
                continue
        slots[slot] = row + 1
    return older
