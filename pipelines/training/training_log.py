"""What a training run reports: a JSON line per step, progress on the terminal, a plot of the loss.

The stored log holds no times, so that two runs of one recipe leave the same bytes; speed is for the terminal.
"""

from __future__ import annotations

import json
import math
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from pipelines.storage import Json, atomic_file

LOG = "training_log.jsonl"
PLOT = "training_log.png"
SHOWN = ("loss", "grad_norm", "reward", "kl", "margin", "preference_accuracy", "reverse_kl", "clip_share", "cut")


def read_log(folder: Path) -> list[dict[str, Json]]:
    """The steps logged so far; a last line that a killed run left half-written is dropped."""
    path = folder / LOG
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


class TrainingLog:
    """Appends to the log of a folder and tells the terminal how it goes."""

    def __init__(self, folder: Path, *, done: int, total: int, every: int, stream: TextIO = sys.stderr) -> None:
        """Continue after step `done`: what an earlier run logged later than its last checkpoint is written again."""
        kept = read_log(folder)[:done]
        with atomic_file(folder / LOG) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        self._handle = (folder / LOG).open("a", encoding="utf-8")
        self._done, self._total, self._every, self._stream = done, total, every, stream
        self._began = time.monotonic()
        self._tokens = 0

    def step(self, figures: dict[str, Json], *, processed: int) -> None:
        """Record one step; `processed` counts every token that went through the model, for the speed shown."""
        self._handle.write(json.dumps(figures) + "\n")
        self._handle.flush()
        self._tokens += processed
        number = figures["step"]
        if number % self._every and number != self._total:
            return
        seconds = time.monotonic() - self._began
        left = timedelta(seconds=round(seconds / (number - self._done) * (self._total - number)))
        shown = "  ".join(f"{key} {_short(value)}" for key, value in figures.items() if key not in ("step", "tokens"))
        rate = self._tokens / max(seconds, 1e-9)
        print(f"step {number}/{self._total}  {shown}  {rate:,.0f} tokens/s  ETA {left}", file=self._stream, flush=True)

    def close(self) -> None:
        self._handle.close()


def plot_log(folder: Path) -> Path:
    """Draw loss, gradient norm and what else of a method was logged, over steps; a step without a figure is a gap."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    log = read_log(folder)
    keys = [key for key in SHOWN if any(key in line for line in log)]
    figure = Figure(figsize=(3.6 * max(len(keys), 1), 2.6), layout="constrained")
    FigureCanvasAgg(figure)
    for index, key in enumerate(keys):
        axes = figure.add_subplot(1, len(keys), index + 1)
        axes.plot([line["step"] for line in log], [line.get(key, math.nan) for line in log], linewidth=1.2)
        axes.set_title(key.replace("_", " "))
        axes.set_xlabel("step")
    with atomic_file(folder / PLOT) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
    return folder / PLOT


def _short(value: Json) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
