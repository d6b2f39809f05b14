"""What one new snapshot costs: added by frozen models, grown again, and made from nothing. `python -m bench.refresh`

The planted crawl at twice its size. Two snapshots are grown first; then the third appears. Pages extracted are the WARC records
that were read for exact extraction; CPU seconds are of one process and its workers.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

from bench._refreshes import SNAPSHOTS, make_corpus, recipe_of
from pipelines.crawl.planted import PlantedSettings, write_planted_crawl
from pipelines.extraction import survivors
from pipelines.storage import Artifact

CLASSIFIER = {"dim": 16, "ngrams": 2, "bucket": 100_000}


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        crawl = Path(scratch, "crawl")
        crawl.mkdir()
        write_planted_crawl(crawl, PlantedSettings(scale=2.0, snapshots=SNAPSHOTS))
        grown, everything = recipe_of(crawl, SNAPSHOTS[:2], SNAPSHOTS[:2], **CLASSIFIER), SNAPSHOTS
        refreshed = recipe_of(crawl, everything, SNAPSHOTS[:2], **CLASSIFIER)
        full = recipe_of(crawl, everything, **CLASSIFIER)
        rows = [run("two snapshots, grown", Path(scratch, "home"), grown)]
        shutil.copytree(Path(scratch, "home"), Path(scratch, "again"))
        rows.append(run("the third, refreshed", Path(scratch, "home"), refreshed))
        rows.append(run("the third, grown again", Path(scratch, "again"), full))
        rows.append(run("all three, from nothing", Path(scratch, "nothing"), full))
    print("| run | CPU s | of it extraction | pages in the corpus | pages extracted | new or changed captures |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print(
        f"\nrefresh / grown again: {rows[1][1] / rows[2][1]:.2f} of the CPU; / from nothing: {rows[1][1] / rows[3][1]:.2f}"
    )


def run(name: str, home: Path, recipe: survivors.Any) -> tuple[str, float, float, int, int, str]:
    os.environ["MATHSIEVE_HOME"] = str(home)
    read = Counter[str]()
    page = survivors.page_of

    def counted(capture: survivors.Capture) -> dict[str, survivors.Any]:
        read["pages"] += 1
        return page(capture)

    with patch.object(survivors, "page_of", counted):
        made, spent = make_corpus(recipe)
    fresh = made.get("refresh/corpus")
    new = "-" if fresh is None else f"{captures_of(fresh) - captures_of(made['iteration_2/corpus'])}" if fresh else "-"
    total = round(sum(spent.values()), 1)
    return name, total, round(spent["extracted"], 1), made["math_corpus"].facts["rows"], read["pages"], new


def captures_of(corpus: Artifact) -> int:
    """Pages that come from WARC records."""
    tables = [pq.read_table(path, columns=["warc_file"]) for path in corpus.files("corpus-*.parquet")]
    return sum(table.num_rows - table["warc_file"].null_count for table in tables)


if __name__ == "__main__":
    pa.set_cpu_count(1)
    main()
