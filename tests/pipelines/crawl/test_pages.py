"""WARC files to the pages table: one row for each URL, every record accounted for, the same bytes however it is run."""

import gzip
import hashlib
import json
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from assets.command_line import main
from evaluators.executors import LocalExecutor
from pipelines.crawl.datatrove_step import WarcsToPages
from pipelines.crawl.pages import write_pages
from pipelines.crawl.settings import CrawlError, CrawlSettings, list_snapshots
from pipelines.crawl.url_index import write_url_index
from pipelines.crawl.warc import captures_at, open_warc
from pipelines.records import LEDGER, PAGES
from pipelines.row_flags import RowFlags
from pipelines.storage import Artifact

PROSE = "A walk along the river leads past old mills and orchards to the village square. " * 5
PROBLEM = "Tom buys 5 apples. How many apples are left altogether if each day he eats a fraction? Find the value. " * 3
CHINESE = "小明有三个苹果，又买了五个，一共有多少个苹果？请列出方程并解答这道应用题。" * 5


def record(url, text, date="2024-01-01T00:00:00Z", kind="text/html; charset=utf-8"):
    message = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n<html><title>T</title><p>{text}</p></html>".encode()
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: {date}\r\nContent-Length: {len(message)}\r\n\r\n"
    return gzip.compress(head.encode() + message + b"\r\n\r\n", mtime=0)


@pytest.fixture
def crawl(tmp_path):
    """Writes WARC files of one snapshot, crawls them, and gives (facts, rows)."""

    def crawling(*warcs, out="out", workers=1, **settings):
        folder = tmp_path / "snapshot"
        folder.mkdir(exist_ok=True)
        for number, data in enumerate(warcs):
            (folder / f"{number}.warc.gz").write_bytes(data)
        target = tmp_path / out
        target.mkdir(exist_ok=True)
        executor = LocalExecutor(workers=workers)
        facts = write_pages(target, CrawlSettings(folder=folder, **settings), snapshot="snapshot", executor=executor)
        shards = sorted(target.glob("*.parquet"))
        assert all(pq.read_schema(shard).equals(PAGES) for shard in shards)
        return facts, [row for shard in shards for row in pq.read_table(shard).to_pylist()]

    return crawling


def test_a_row_says_all_that_is_known_of_a_page(crawl):
    data = record("https://www.Maths.example.co.uk/a?b=1", PROSE, date="20240102030405")
    facts, (row,) = crawl(data)
    body = f"<html><title>T</title><p>{PROSE}</p></html>".encode()
    assert row == {
        "url": "https://www.Maths.example.co.uk/a?b=1",
        "url_key": "maths.example.co.uk/a?b=1",
        "host": "www.maths.example.co.uk",
        "domain": "example.co.uk",
        "path": "/a?b=1",
        "snapshot": "snapshot",
        "fetched": "2024-01-02T03:04:05Z",
        "warc_file": "0.warc.gz",
        "warc_offset": 0,
        "warc_length": len(data),
        "digest": hashlib.sha256(body).hexdigest()[:32],
        "truncated": None,
        "charset": "utf-8",
        "language": "en",
        "title": "T",
        "text": PROSE.strip(),
        "markers": 0,
        "words": False,
        "route": "kept",
    }
    assert facts == {"rows": 1, "warc_files": 1, "outcomes": {"kept": 1}}


def test_of_one_url_the_newest_capture_stays_whatever_file_it_is_in(crawl, tmp_path):
    facts, rows = crawl(
        record("http://a.org/x", PROSE + "newest", "2024-01-03T00:00:00Z") + record("http://b.org/", PROSE),
        record("https://a.org/x/", PROSE + "old", "2024-01-01T00:00:00Z")
        + record("https://www.a.org/x?utm_source=q", PROSE + "older", "2024-01-02T00:00:00Z"),
    )
    assert [(row["url_key"], row["fetched"][:10]) for row in rows] == [
        ("a.org/x", "2024-01-03"),
        ("b.org/", "2024-01-01"),
    ]
    assert facts["outcomes"] == {"kept": 4, "older capture of the same URL": 2}
    ledger = pq.read_table(tmp_path / "out/ledger/older-00001.parquet")
    assert ledger.schema.equals(LEDGER)
    assert ledger["url_key"].to_pylist() == ["a.org/x", "a.org/x"]


def test_what_is_no_page_goes_to_the_ledger(crawl, tmp_path):
    facts, rows = crawl(record("http://a.org/", PROSE, kind="application/pdf") + record("dns:a.org", PROSE))
    assert rows == []
    assert facts["outcomes"] == {"no http(s) URL": 1, "not HTML": 1}
    ledger = pq.read_table(tmp_path / "out/ledger/crawl-00000.parquet").to_pylist()
    assert [(row["url_key"], row["reason"]) for row in ledger] == [
        ("http://a.org/", "not HTML"),
        ("dns:a.org", "no http(s) URL"),
    ]


def digests(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def test_two_workers_write_the_same_bytes_as_one(crawl, tmp_path):
    warcs = [b"".join(record(f"http://{site}.org/{page}", PROSE) for page in range(20)) for site in "abc"]
    one, _ = crawl(*warcs, out="one", workers=1)
    two, _ = crawl(*warcs, out="two", workers=2)
    assert one == two
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_a_killed_run_goes_on_after_its_last_finished_file(crawl, tmp_path):
    warcs = [record(f"http://{site}.org/", PROSE) + record("http://same.org/", PROSE) for site in "abc"]
    whole, _ = crawl(*warcs, out="whole")
    partial = tmp_path / "partial"
    (partial / "raw").mkdir(parents=True)
    settings = CrawlSettings(folder=tmp_path / "snapshot")
    first = [(str(tmp_path / "snapshot" / "0.warc.gz"), partial / "raw" / "raw-00000.parquet")]
    list(WarcsToPages(first, settings, "snapshot").run())
    finished = (partial / "raw" / "raw-00000.parquet").stat().st_mtime_ns
    list(WarcsToPages(first, settings, "snapshot").run())
    assert (partial / "raw" / "raw-00000.parquet").stat().st_mtime_ns == finished
    assert crawl(*warcs, out="partial")[0] == whole
    assert digests(partial) == digests(tmp_path / "whole")


def test_a_run_killed_while_publishing_gives_the_same(crawl, tmp_path):
    warcs = [record(f"http://{site}.org/", PROSE) + record("http://same.org/", PROSE) for site in "abc"]
    whole, _ = crawl(*warcs, out="whole")
    before = digests(tmp_path / "whole")
    (tmp_path / "whole" / "pages-00002.parquet").unlink()
    assert crawl(*warcs, out="whole")[0] == whole
    assert digests(tmp_path / "whole") == before


def test_routed_keeps_mathematics_with_and_without_markup(crawl):
    _, rows = crawl(
        record("http://a.org/", PROSE + r"\[ \frac{1}{2} \]")
        + record("http://b.org/", PROBLEM)
        + record("http://c.org/", CHINESE),
        route="routed",
        negatives=1e-9,
    )
    assert [(row["route"], row["markers"] > 0) for row in rows] == [("kept", True), ("kept", False), ("kept", False)]


def test_routed_keeps_the_facts_of_every_other_page_and_a_sample_whole(crawl):
    pages = b"".join(record(f"http://a.org/{number}", PROSE) for number in range(400))
    _, rows = crawl(pages, route="routed", negatives=0.1)
    whole = [row for row in rows if row["route"] == "sampled"]
    counted = [row for row in rows if row["route"] == "counted"]
    assert len(rows) == 400 and len(whole) + len(counted) == 400
    assert 20 <= len(whole) <= 62  # 40 expected; four standard deviations
    assert all(row["text"] for row in whole)
    assert all(row["text"] is None and row["language"] == "en" and row["digest"] for row in counted)
    assert crawl(pages, out="again", route="routed", negatives=0.1)[1] == rows


def test_a_page_without_text_keeps_its_facts(crawl):
    facts, (row,) = crawl(record("http://a.org/", "Hello."))
    assert (row["route"], row["text"]) == ("counted", None)
    assert facts["outcomes"] == {"counted": 1, "of those, text too short": 1}


def test_one_file_that_is_no_warc_is_counted_and_the_others_are_read(crawl):
    facts, rows = crawl(b"<html>no WARC</html>" * 50, record("http://a.org/", PROSE))
    assert len(rows) == 1
    assert facts["outcomes"]["WARC file without a readable record"] == 1


def test_a_snapshot_without_any_warc_record_is_refused(crawl):
    with pytest.raises(CrawlError, match="Are these WARC files"):
        crawl(b"<html>no WARC</html>" * 50)


def test_the_record_of_a_row_is_found_by_its_offset(crawl, tmp_path):
    _, rows = crawl(b"".join(record(f"http://a.org/{number}", PROSE + str(number)) for number in range(9)))
    source = open_warc(str(tmp_path / "snapshot" / "0.warc.gz"))
    bodies = {offset: capture.body for offset, capture in captures_at(source, [row["warc_offset"] for row in rows])}
    source.close()
    assert [hashlib.sha256(bodies[row["warc_offset"]]).hexdigest()[:32] for row in rows] == [
        row["digest"] for row in rows
    ]


@pytest.mark.parametrize("rows_a_task", [1_000, 7])
def test_the_url_index_flags_the_newest_capture_in_any_number_of_tasks(tmp_path, rows_a_task):
    pages = {}
    for snapshot, day, numbers in (("s1", 2, range(30)), ("s2", 1, range(20, 50))):
        (tmp_path / snapshot).mkdir()
        (tmp_path / snapshot / "x.warc.gz").write_bytes(
            b"".join(record(f"http://a.org/{number:02d}", PROSE, f"2024-01-0{day}T00:00:00Z") for number in numbers)
        )
        out = tmp_path / f"pages-{snapshot}"
        out.mkdir()
        write_pages(out, CrawlSettings(folder=tmp_path), snapshot=snapshot, executor=LocalExecutor(workers=1))
        pages[snapshot] = Artifact(name="pages", place=out, content="")
    executor = LocalExecutor(workers=1)
    facts = write_url_index(tmp_path, CrawlSettings(), pages=pages, executor=executor, rows_a_task=rows_a_task)
    flags = {name: RowFlags(tmp_path / f"newest-{name}.bits", tmp_path / f"newest-{name}.rows") for name in pages}
    # s1 was fetched later: where both have a page, its capture is the newer, whatever the snapshots' names.
    assert flags["s1"].of_shard(0).tolist() == [True] * 30
    assert flags["s2"].of_shard(0).tolist() == [number >= 30 for number in range(20, 50)]
    assert facts == {"rows": 50, "captures": 60, "superseded": 10}
    assert not (tmp_path / "scratch").exists()


def test_an_empty_crawl_folder_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(CrawlError, match="Put WARC files there"):
        list_snapshots(CrawlSettings(folder=tmp_path))


def test_an_unset_variable_in_a_path_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("NO_SUCH_FOLDER", raising=False)
    with pytest.raises(CrawlError, match="NO_SUCH_FOLDER to be set"):
        list_snapshots(CrawlSettings(folder="${NO_SUCH_FOLDER}/x"))


@pytest.fixture
def command(tmp_path):
    def running(*words):
        return main(["crawl", *words, "--out", str(tmp_path / "out"), "--workers", "1"])

    return running


def test_the_command_writes_pages_and_says_what_became_of_each_record(command, tmp_path, capsys):
    warc = tmp_path / "x.warc.gz"
    warc.write_bytes(record("http://a.org/", PROSE) + record("http://b.org/", PROSE, kind="image/png"))
    assert command(str(warc)) == 0
    said = capsys.readouterr().out
    assert "1 pages from 1 WARC files" in said and "1  not HTML" in said
    assert json.loads((tmp_path / "out" / "crawl.json").read_text())["facts"]["rows"] == 1


@pytest.mark.parametrize(
    ("executor", "told"),
    [
        (
            "{kind: slurm, shared: jobs, partion: main}",
            "--executor: executor.partion: unknown key. Did you mean partition?",
        ),
        ("slrum", "--executor: executor.kind: expected one of local, slurm, ray; found 'slrum'. Did you mean slurm?"),
        ("{kind: slurm}", "--executor: executor.shared: expected a value; found none. Add it."),
    ],
)
def test_an_executor_that_is_none_is_told_as_in_a_recipe(tmp_path, capsys, executor, told):
    warc = tmp_path / "x.warc.gz"
    warc.write_bytes(record("http://a.org/", PROSE))
    assert main(["crawl", str(warc), "--out", str(tmp_path / "out"), "--executor", executor]) == 2
    assert capsys.readouterr().err == f"{told}\n"


def test_a_command_killed_between_two_files_goes_on_to_the_same_bytes(command, tmp_path):
    pages = b"".join(record(f"http://big.org/{number}", PROSE * 100) for number in range(1500))  # time to be killed in
    warcs = [record("http://a.org/", PROSE), record("http://b.org/", PROSE) + record("http://b.org/", PROSE), pages]
    names = [tmp_path / f"{number}.warc.gz" for number in range(len(warcs))]
    for name, data in zip(names, warcs, strict=True):
        name.write_bytes(data)
    out, raw = tmp_path / "killed", tmp_path / "killed" / "raw"
    options = ["--workers", "1", "--out", str(out)]
    words = [sys.executable, "-m", "assets.command_line", "crawl", *map(str, names), *options]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(6_000):
            if (raw / "raw-00001.parquet").exists() or process.poll() is not None:
                break
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert sorted(path.name for path in raw.glob("*.parquet")) == ["raw-00000.parquet", "raw-00001.parquet"]
    finished = (raw / "raw-00000.parquet").stat().st_mtime_ns
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    assert (out / "pages-00000.parquet").stat().st_mtime_ns == finished
    assert command(*map(str, names)) == 0
    assert digests(out) == digests(tmp_path / "out")
    assert not raw.exists()


@pytest.mark.parametrize(("words", "said"), [(["nowhere.warc.gz"], "Check the path"), ([], "found neither")])
def test_the_command_refuses_what_it_cannot_read(command, capsys, words, said):
    assert command(*words) == 2
    assert said in capsys.readouterr().err


def test_the_command_does_not_mix_two_crawls_in_one_folder(command, tmp_path, capsys):
    for name in "ab":
        (tmp_path / f"{name}.warc.gz").write_bytes(record(f"http://{name}.org/", PROSE))
    assert command(str(tmp_path / "a.warc.gz")) == 0
    assert command(str(tmp_path / "b.warc.gz")) == 2
    assert "Name another --out" in capsys.readouterr().err


def test_the_command_says_where_it_cannot_write(command, tmp_path, capsys):
    (tmp_path / "a.warc.gz").write_bytes(record("http://a.org/", PROSE))
    (tmp_path / "out").write_text("a file")
    assert command(str(tmp_path / "a.warc.gz")) == 2
    assert "out: expected a folder that can be written; found: " in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "a file"
