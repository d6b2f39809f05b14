"""What decides which capture of a URL is the newest, without the URL itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.crawl.settings import CrawlSettings
from pipelines.crawl.url_index import write_url_index
from pipelines.key_hash import digest_strings, first_digits, hash_strings
from pipelines.row_flags import RowFlags
from pipelines.storage import Artifact

KEYS = ["a.org/", "b.org/", "a.org/b", "b.org/a", "", None, "数.org/", "a.org/" + "x" * 900]


def test_digests_depend_on_the_string_alone_and_not_on_chunks_slices_or_width() -> None:
    whole = digest_strings(pa.array(KEYS))
    assert np.array_equal(digest_strings(pa.chunked_array([KEYS[:3], [], KEYS[3:]], pa.string())), whole)
    assert np.array_equal(digest_strings(pa.array(KEYS, pa.large_string())[2:7]), whole[2:7])
    assert np.array_equal(whole[4], whole[5])  # null counts as empty


def test_strings_of_the_same_letters_in_another_order_have_other_digests() -> None:
    keys = [f"{a}{b}{c}.org/{d}" for a in "abcd" for b in "abcd" for c in "abcd" for d in range(100)]
    digests = digest_strings(pa.array(keys))
    assert [len(set(digests[:, lane].tolist())) for lane in (0, 1)] == [6_400, 6_400]
    assert not np.array_equal(digests[:, 0], digests[:, 1])
    assert np.array_equal(digests[:, 0], hash_strings(pa.array(keys)))


def test_first_digits_order_dates_to_the_second() -> None:
    dates = ["2026-01-05T00:00:00Z", "2026-01-05T00:00:01Z", "2026-01-05", "", None, "2026-01-05T00:00:01.75Z"]
    assert first_digits(pa.array(dates)).tolist() == [
        20260105000000, 20260105000001, 20260105000000, 0, 0, 20260105000001
    ]  # fmt: skip


def pages(folder: Path, rows: Sequence[tuple[str, str]]) -> Artifact:
    """Two rows a shard."""
    folder.mkdir(parents=True)
    for shard, start in enumerate(range(0, len(rows), 2)):
        keys, dates = zip(*rows[start : start + 2], strict=True)
        pq.write_table(pa.table({"url_key": keys, "fetched": dates}), folder / f"pages-{shard:05d}.parquet")
    return Artifact(name=folder.name, place=folder, content=folder.name)


@pytest.mark.parametrize("rows_a_task", [1, 3, 100])
def test_the_newest_capture_of_each_url_is_flagged_whatever_the_partitions(rows_a_task: int, tmp_path: Path) -> None:
    table = {
        "A": pages(
            tmp_path / "A", [("x", "2026-01-02"), ("y", "2026-01-01"), ("z", "2026-01-01"), ("x", "2026-01-01")]
        ),
        "B": pages(tmp_path / "B", [("y", "2025-12-31"), ("z", "2026-01-01"), ("w", "2020-01-01"), ("v", "")]),
    }
    out = tmp_path / "out"
    out.mkdir()
    facts = write_url_index(out, CrawlSettings(), pages=table, rows_a_task=rows_a_task)
    flags = {name: RowFlags(out / f"newest-{name}.bits", out / f"newest-{name}.rows") for name in table}
    assert [flags["A"].of_shard(0).tolist(), flags["A"].of_shard(1).tolist()] == [[True, True], [False, False]]
    assert [flags["B"].of_shard(0).tolist(), flags["B"].of_shard(1).tolist()] == [[False, True], [True, True]]
    assert facts == {"rows": 5, "captures": 8, "superseded": 3}
    assert sorted(path.name for path in out.iterdir()) == [
        "newest-A.bits", "newest-A.rows", "newest-B.bits", "newest-B.rows"
    ]  # fmt: skip
