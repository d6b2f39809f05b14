"""Which pages stay: a page is dropped only where one that stays resembles it or holds it."""

import resource

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluators.executors import LocalExecutor
from pipelines.corpus import duplicate_tables, page_tables
from pipelines.corpus.near_duplicates import NearDuplicateSettings, write_near_duplicates
from pipelines.corpus.shingles import overlap, shingle_hashes
from pipelines.records import EXTRACTED
from pipelines.storage import Artifact

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(seed: int, count: int) -> list[str]:
    """Invented words of letters alone."""
    draw = np.random.default_rng(seed)
    return ["".join(LETTERS[n] for n in draw.integers(0, 26, 6)) for _ in range(count)]


def page(key: str, text: str, **values):
    row = dict.fromkeys(EXTRACTED.names) | {"url_key": key, "url": f"https://{key}", "title": key, "text": text}
    return row | {"domain": key.partition("/")[0], "language": "en", "formulas": 0} | values


@pytest.fixture
def found(stage, stored):
    def of(pages, **settings):
        made = stage(
            write_near_duplicates, NearDuplicateSettings(**settings), extracted=stored("extracted", pages, EXTRACTED)
        )
        rows = pq.read_table(made.files("clusters-*.parquet")[0]).to_pylist()
        return rows, made

    return of


def dropped(rows):
    return {row["url_key"]: row["kept_url_key"] for row in rows if not row["kept"]}


def test_of_a_chain_of_pages_each_like_its_neighbour_those_that_differ_from_all_that_stay_stay(found):
    stream = words(1, 400 + 59 * 12)
    chain = [page(f"a.org/{n:02d}", " ".join(stream[12 * n : 12 * n + 400])) for n in range(60)]
    rows, _ = found(chain)
    shingles = {row["url_key"]: shingle_hashes(row["text"], 5) for row in chain}
    assert overlap(shingles["a.org/00"], shingles["a.org/01"]).jaccard == pytest.approx(384 / 408)
    for key, other in dropped(rows).items():
        assert overlap(shingles[other], shingles[key]).jaccard >= 0.8
    stay = [row["url_key"] for row in rows if row["kept"]]
    assert {row["kept_url_key"] for row in rows} == set(stay)
    assert stay[:2] == ["a.org/00", "a.org/04"]  # 396 - 36 of 396 + 36 shingles are 0.83, 396 - 48 of 396 + 48 are 0.78


def test_a_page_that_another_contains_is_dropped_and_the_larger_one_stays(found):
    whole = words(2, 2_000)
    rows, _ = found([page("a.org/part", " ".join(whole[300:600])), page("b.org/whole", " ".join(whole))])
    assert dropped(rows) == {"a.org/part": "b.org/whole"}
    (part,) = (row for row in rows if not row["kept"])
    assert part["contained"] == 1.0
    assert part["similarity"] == pytest.approx(296 / 1_996)


def test_the_best_page_stays_and_is_named(found):
    text = " ".join(words(3, 300))
    pages = [
        page("a.org/cut", text, truncated="length", formulas=9),
        page("b.org/plain", text),
        page("c.org/formulas", f"{text} end", formulas=3),
    ]
    rows, _ = found(pages)
    assert dropped(rows) == {"a.org/cut": "c.org/formulas", "b.org/plain": "c.org/formulas"}
    assert {row["cluster"] for row in rows} == {0}
    assert {row["cluster_size"] for row in rows} == {3}


EXERCISE = "A farmer sells {} baskets of apples at {} coins each, and {} baskets of pears at {} coins each, on the market of the old town. {}"


def test_pages_of_exercises_that_differ_in_their_numbers_stay(found):
    story = " ".join(words(4, 120))
    pages = [page(f"school.org/{n}", EXERCISE.format(n + 2, n + 5, 2 * n + 1, 3 * n + 4, story)) for n in range(8)]
    rows, _ = found(pages)
    assert overlap(*(shingle_hashes(one["text"], 5) for one in pages[:2])).jaccard > 0.7
    assert dropped(rows) == {}


def test_a_long_page_whose_numbers_differ_is_another_of_its_series(found):
    lines = [f"{' '.join(words(5 + n, 60))} version {{}} of the manual" for n in range(12)]
    pages = [page(f"manual.org/{v}", "\n".join(lines).replace("{}", str(v))) for v in (7, 8)]
    rows, made = found(pages)
    assert overlap(*(shingle_hashes(one["text"], 5) for one in pages)).jaccard > 0.8
    assert dropped(rows) == {}
    assert made.facts["series"] == 1


def test_a_date_and_a_counter_make_no_series(found):
    text = " ".join(words(6, 300))
    pages = [page(f"{n}.org/x", f"{text}\n3{n} May 202{n}\n{17 * n} views") for n in (1, 2)]
    assert len(dropped(found(pages)[0])) == 1


def test_the_frame_of_a_site_makes_its_pages_no_copies(found):
    menu = "\n".join(" ".join(words(100 + n, 6)) for n in range(60))
    licence = " ".join(words(7, 300))
    pages = [page(f"site.org/{n}", f"{menu}\n{' '.join(words(200 + n, 50))}\n{licence}") for n in range(12)]
    assert overlap(*(shingle_hashes(one["text"], 5) for one in pages[:2])).jaccard > 0.8
    rows, made = found(pages)
    assert dropped(rows) == {}
    assert made.facts["frame_lines"] == 61


def test_copies_within_a_framed_site_are_dropped_still(found):
    menu = "\n".join(" ".join(words(100 + n, 6)) for n in range(60))
    pages = [page(f"site.org/{n}", f"{menu}\n{' '.join(words(300 + n // 2, 80))}") for n in range(20)]
    rows, _ = found(pages)
    assert len(dropped(rows)) == 10


def test_a_page_with_many_copies_on_its_site_is_no_frame(found):
    text = "\n".join(" ".join(words(400 + n, 20)) for n in range(30))
    pages = [page(f"copies.org/{n:02d}", text) for n in range(30)]
    rows, _ = found(pages)
    assert set(dropped(rows).values()) == {"copies.org/00"}
    assert len(dropped(rows)) == 29


def test_the_audit_shows_each_dropped_page_beside_the_one_that_stays_and_what_differs(found):
    text = "\n".join(" ".join(words(500 + n, 30)) for n in range(12))
    rows, made = found([page("a.org/first", f"{text}\nonly here stands this"), page("b.org/copy", text)])
    said = (made.path / "audit.md").read_text(encoding="utf-8")
    assert dropped(rows) == {"b.org/copy": "a.org/first"}
    assert "## 1. https://b.org/copy" in said
    assert "stays: https://a.org/first" in said
    assert "only here stands this" in said


def test_a_file_that_grows_is_the_array_of_its_parts_or_is_not_there(tmp_path):
    parts = [np.arange(n, dtype=np.uint64) for n in (3, 0, 70_000)]
    with duplicate_tables.growing(tmp_path / "grown.npy", np.uint64) as add:
        for part in parts:
            add(part)
        assert not (tmp_path / "grown.npy").exists()
    assert np.array_equal(np.load(tmp_path / "grown.npy", mmap_mode="r"), np.concatenate(parts))
    with duplicate_tables.growing(tmp_path / "empty.npy", np.uint32):
        pass
    assert np.load(tmp_path / "empty.npy").shape == (0,)
    with pytest.raises(OSError, match="full"), duplicate_tables.growing(tmp_path / "broken.npy", np.uint64) as add:
        raise OSError("the disk is full")
    assert not (tmp_path / "broken.npy").exists()


@pytest.fixture
def shards(tmp_path):
    """80 shards of 3 pages, of which the last is a copy of the page before."""
    folder = tmp_path / "extracted"
    folder.mkdir()
    for n in range(80):
        text = [" ".join(words(1_000 + 3 * n + k, 40)) for k in (0, 1)]
        rows = [page(f"a{n}.org/{k}", one) for k, one in enumerate([*text, text[1]])]
        pq.write_table(pa.Table.from_pylist(rows, EXTRACTED), folder / f"extracted-{n:05d}.parquet")
    return Artifact(name="extracted", place=folder, content="")


def test_no_number_of_shards_opens_too_many_files_and_partitions_change_no_byte(shards, tmp_path, monkeypatch):
    made = []
    for keys, batch in ((1_000_000, 2_000), (4_000, 2_000), (1_000_000, 2)):  # in 1 partition, in 5, and page by page
        monkeypatch.setattr(duplicate_tables, "KEYS_A_PARTITION", keys)
        monkeypatch.setattr(page_tables, "BATCH", batch)
        folder = tmp_path / f"{keys}-{batch}"
        folder.mkdir()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (72, limits[1]))
        try:
            facts = write_near_duplicates(
                folder, NearDuplicateSettings(), extracted=shards, executor=LocalExecutor(workers=1)
            )
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert facts["duplicates"] == 80
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert made[0] == made[1] == made[2]
    assert sorted(made[0]) == ["audit.md", "clusters-00000.parquet"]
