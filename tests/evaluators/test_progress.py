"""Long work reports itself where nobody looks at a terminal: batch jobs, files, CI."""

from __future__ import annotations

import io
import re
import time

from evaluators.progress import report_progress

LINE = re.compile(r"\w+: \d of 4 \(\d+ %\), 00:0\d so far, (\?|00:0\d) left, (\?|[\d.]+)(it/s|s/it)")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_report_in_a_log_is_a_line_of_its_own() -> None:
    log = io.StringIO()
    for _ in report_progress(range(4), desc="pages", file=log, log_interval=0.05):
        time.sleep(0.1)
    lines = log.getvalue().replace("\r", "").splitlines()
    assert len(lines) >= 2
    assert all(LINE.fullmatch(line) for line in lines), lines


def test_short_work_says_nothing_in_a_log() -> None:
    log = io.StringIO()
    assert list(report_progress(range(4), file=log)) == [0, 1, 2, 3]
    assert log.getvalue().strip() == ""


def test_work_of_unknown_length_tells_how_much_is_done() -> None:
    log = io.StringIO()
    with report_progress(desc="rows", unit="row", file=log, log_interval=0.05) as bar:
        for _ in range(3):
            time.sleep(0.1)
            bar.update()
    assert re.fullmatch(r"rows: \d, 00:00 so far, (\?row/s|[\d.]+(row/s|s/row))", log.getvalue().splitlines()[-1])


def test_a_log_is_written_while_one_piece_of_work_lasts() -> None:
    log = io.StringIO()
    with report_progress(total=8, initial=3, desc="shards", unit="shard", file=log, log_interval=0.05):
        time.sleep(0.3)
        lines = log.getvalue().splitlines()
    assert len(lines) >= 2
    assert set(lines) == {"shards: 3 of 8 (38 %), 00:00 so far, ? left, ?shard/s"}
    time.sleep(0.15)
    assert log.getvalue().splitlines() == lines


def test_a_terminal_has_one_line_that_moves() -> None:
    terminal = Terminal()
    assert list(report_progress(range(4), desc="pages", file=terminal, mininterval=0)) == [0, 1, 2, 3]
    assert terminal.getvalue().count("\r") >= 4
    assert "pages: 100%" in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1
