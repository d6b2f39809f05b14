"""How far long work is and when it ends: a bar at a terminal, a line a minute in a log."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Iterable, Iterator
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
    if stream.isatty():
        return tqdm(items, file=stream, **options)
    known = options.get("total") is not None or hasattr(items, "__len__")
    done = "{n_fmt} of {total_fmt} ({percentage:.0f} %), {elapsed} so far, {remaining} left"
    shown = "{desc}: " + (done if known else "{n_fmt}, {elapsed} so far") + ", {rate_fmt}"
    options = {"bar_format": shown, **options, "file": _Lines(stream), "leave": False, "delay": log_interval}
    return _Log(items, log_interval=log_interval, **options)


class _Log(tqdm):  # type: ignore[type-arg]
    """Reports by the clock, since an hour may lie between two updates. Its rate is that of all the work so far."""

    def __init__(self, items: Iterable[Any] | None, *, log_interval: float, **options: Any) -> None:
        self._ended = threading.Event()
        super().__init__(items, **options)
        if not self.disable:
            reporting = threading.Thread(
                target=_report, args=(weakref.ref(self), self._ended, log_interval), daemon=True
            )
            reporting.start()

    def __iter__(self) -> Iterator[Any]:
        try:
            for item in self.iterable:
                yield item
                self.update()
        finally:
            self.close()

    def update(self, n: float | None = 1) -> bool | None:
        self.n += n or 0
        return None

    def close(self) -> None:
        self._ended.set()
        super().close()


def _report(log: weakref.ref[_Log], ended: threading.Event, interval: float) -> None:
    while not ended.wait(interval):
        if (alive := log()) is None:
            return
        alive.refresh()
        del alive


class _Lines:
    """Takes what tqdm writes over its last report, and writes each as a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        if report := " ".join(text.split()):
            print(report, file=self._stream)

    def flush(self) -> None:
        self._stream.flush()
