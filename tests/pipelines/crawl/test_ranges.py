"""Byte ranges as requests: which are joined, in what order they come, and how much is held at once."""

from __future__ import annotations

import io
import threading
from pathlib import Path

from pipelines.crawl.ranges import Excerpt, LocalRanges, RangedFile, fetch_spans, spans_of


def test_ranges_close_together_become_one_request_and_others_do_not():
    ranges = [("b", 0, 10), ("a", 500, 10), ("a", 0, 100), ("a", 150, 10), ("a", 100, 20)]
    spans = spans_of(ranges, gap=30, largest=1_000)
    assert [(span.path, span.start, span.size, span.inside) for span in spans] == [
        ("a", 0, 160, (2, 4, 3)),
        ("a", 500, 10, (1,)),
        ("b", 0, 10, (0,)),
    ]


def test_a_request_does_not_grow_beyond_its_bound_unless_one_range_does():
    spans = spans_of([("a", 0, 90), ("a", 90, 90), ("a", 180, 500)], gap=10, largest=200)
    assert [(span.start, span.size) for span in spans] == [(0, 180), (180, 500)]


def test_a_range_inside_another_adds_nothing():
    (span,) = spans_of([("a", 0, 100), ("a", 10, 20)], gap=0, largest=1_000)
    assert (span.start, span.size, span.inside) == (0, 100, (0, 1))


class Slow:
    """Answers requests only once as many wait as may be in flight, or are left."""

    def __init__(self, in_flight: int) -> None:
        self.together, self.now, self.most = threading.Barrier(in_flight), 0, 0
        self.lock = threading.Lock()

    def read(self, path: str, start: int, size: int) -> bytes:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.together.wait(timeout=20)
        with self.lock:
            self.now -= 1
        return bytes([start]) * size


def test_spans_come_in_order_with_so_many_in_flight():
    spans = spans_of([("a", place, 1) for place in range(0, 120, 10)], gap=0)
    reader = Slow(4)
    contents = [content for _, content in fetch_spans(reader, spans, in_flight=4)]
    assert contents == [bytes([place]) for place in range(0, 120, 10)]
    assert reader.most == 4


def test_an_excerpt_answers_for_its_own_bytes():
    excerpt = Excerpt(100, b"abcdef")
    assert (excerpt.read_at(102, 3), excerpt.read_at(104, 9), excerpt.read_at(106, 1)) == (b"cde", b"ef", b"")
    assert excerpt.read_at(90, 20) == b""  # what lies before was not fetched


def test_a_ranged_file_is_a_file(tmp_path: Path):
    content = bytes(range(256)) * 3
    (tmp_path / "x").write_bytes(content)
    own, other = RangedFile(LocalRanges(), str(tmp_path / "x")), io.BytesIO(content)
    for move in ((5, 0), (20, 1), (-30, 2)):
        assert own.seek(*move) == other.seek(*move)
        assert own.read(40) == other.read(40)
        assert own.tell() == other.tell()
    assert own.read() == b""
