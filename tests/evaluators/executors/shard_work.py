"""Work for executors that misbehaves as it is told, in whatever process it is done."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from evaluators.errors import MathsieveError


def write_shard(shard: Path, *, wrong: str = "", trouble: str = "nothing", seconds: float = 0.0) -> None:
    """Writes the shard's name three times over; the one that is called `wrong` has trouble first.

    `<shard>.starts` gets a line for each beginning.
    """
    starts = shard.with_suffix(".starts")
    with starts.open("a") as log:
        log.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    if shard.stem == wrong:
        _meet(trouble, begun=len(starts.read_text().splitlines()))
    temporary = shard.with_suffix(".tmp")
    temporary.write_text(shard.stem * 3)
    temporary.replace(shard)


def _meet(trouble: str, *, begun: int) -> None:
    if trouble == "killed always" or (trouble == "killed once" and begun == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if trouble == "raises":
        raise ValueError("line 7: expected a number; found x")
    if trouble == "raises in our words":
        raise MathsieveError("page 7: expected text; found none. Add some.")
    if trouble == "memory":
        held = os.urandom(1 << 20) * 700  # 700 MiB, once: a copy of it would double what a late look finds
        time.sleep(60)
        del held
    if trouble == "writes nothing":
        raise SystemExit(0)
    if trouble == "time":
        time.sleep(600)
