"""How far long work is and when it ends: a bar at a terminal, a line a minute in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TextIO, TypeVar, overload

from tqdm import tqdm

Item = TypeVar("Item")
LOG_INTERVAL = 60.0
"""Seconds between two lines of a log. Work that ends sooner says nothing there."""


@overload
def report_progress(**options: Any) -> tqdm[Any]: ...
@overload
def report_progress(items: Iterable[Item], **options: Any) -> tqdm[Item]: ...
def report_progress(
    items: Iterable[Any] | None = None,
    *,
    file: TextIO | None = None,
    log_interval: float = LOG_INTERVAL,
    **options: Any,
) -> tqdm[Any]:
    """tqdm on standard error. Where that is no terminal (a batch job, a file, CI), each report is a line of its own.

    Without items it is moved by `update`; the options are tqdm's.
    """
    stream = sys.stderr if file is None else file
    options["file"] = stream
    if not stream.isatty():
        known = options.get("total") is not None or hasattr(items, "__len__")
        done = "{n_fmt} of {total_fmt} ({percentage:.0f} %), {elapsed} so far, {remaining} left"
        shown = "{desc}: " + (done if known else "{n_fmt}, {elapsed} so far") + ", {rate_fmt}"
        options = {"bar_format": shown, **options, "file": _Lines(stream), "leave": False}
        options |= {"mininterval": log_interval, "delay": log_interval, "miniters": 1}
    return tqdm(**options) if items is None else tqdm(items, **options)


class _Lines:
    """Takes what tqdm writes over its last report, and writes each as a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        if report := " ".join(text.split()):
            print(report, file=self._stream)

    def flush(self) -> None:
        self._stream.flush()
