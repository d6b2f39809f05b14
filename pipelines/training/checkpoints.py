"""Checkpoints that are whole or absent: written beside, renamed at the end, the last one kept.

<folder>/checkpoints/step-000050/            weights, optimiser, random states (accelerate's own format; shards/ where no
                                             process holds the weights whole)
<folder>/checkpoints/step-000100.partial/    being written; ignored and removed
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHECKPOINTS = "checkpoints"


def latest_checkpoint(folder: Path) -> tuple[int, Path] | None:
    """The number of steps done at the last whole checkpoint, and its folder."""
    found = [
        (int(path.name.removeprefix("step-")), path)
        for path in (folder / CHECKPOINTS).glob("step-*")
        if path.is_dir() and path.name.removeprefix("step-").isdigit()
    ]
    return max(found, default=None)


def save_checkpoint(folder: Path, step: int, accelerator: Any, also: Callable[[Path], None]) -> None:
    """Save the state of every process after `step` steps, then drop older checkpoints. All processes must call it.

    `also` writes into the folder what accelerate does not know.
    """
    final = folder / CHECKPOINTS / f"step-{step:06d}"
    partial = final.with_name(final.name + ".partial")
    if accelerator.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(partial))
    also(partial)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        for path in partial.rglob("*"):
            if path.is_file():
                with path.open("rb") as handle:
                    os.fsync(handle.fileno())
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        for other in final.parent.iterdir():
            if other != final:
                shutil.rmtree(other)
    accelerator.wait_for_everyone()


def remove_checkpoints(folder: Path) -> None:
    """A finished model needs none of them, and an artifact's bytes must not depend on how often it was stopped."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
