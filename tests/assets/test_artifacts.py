"""What a person sees of an artifact in Dagster."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.artifacts import metadata_of
from pipelines.storage import Artifact, Store


def made(folder: Path, facts: dict[str, object], rows: int = 0) -> Artifact:
    def write(target: Path) -> dict[str, object]:
        (target / "ledger").mkdir()
        pq.write_table(pa.table({"url": ["dropped"]}), target / "ledger" / "ledger.parquet")
        for shard in range(2 if rows else 0):
            pq.write_table(pa.table({"n": list(range(rows))}), target / f"shard-{shard}.parquet")
        return facts

    return Store(folder).build({"name": "x"}, write)


def test_the_writers_row_count_is_shown_as_dagsters(tmp_path: Path) -> None:
    assert metadata_of(made(tmp_path, {"rows": 7}))["dagster/row_count"].value == 7


def test_without_one_the_rows_of_the_tables_are_counted_and_the_ledger_is_not(tmp_path: Path) -> None:
    assert metadata_of(made(tmp_path, {}, rows=3))["dagster/row_count"].value == 6


def test_the_path_leads_to_the_artifact(tmp_path: Path) -> None:
    artifact = made(tmp_path, {})
    assert metadata_of(artifact)["path"].value == str(artifact.path)


def test_counts_by_name_are_drawn_as_bars_the_longest_first(tmp_path: Path) -> None:
    chart = metadata_of(made(tmp_path, {"languages": {"zh": 10, "en": 40}}))["plot: languages"].value
    assert isinstance(chart, str)
    lines = chart.splitlines()
    assert lines[1].split() == ["en", "█" * 40, "40"]
    assert lines[2].split() == ["zh", "█" * 10, "10"]


@pytest.mark.parametrize("fact", [{"only": 1}, {"a": True, "b": False}, {"a": "x", "b": "y"}, [1, 2]])
def test_what_are_no_counts_is_not_drawn(tmp_path: Path, fact: object) -> None:
    assert "plot: thing" not in metadata_of(made(tmp_path, {"thing": fact}))
