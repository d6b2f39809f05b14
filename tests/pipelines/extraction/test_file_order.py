"""A corpus sorted by score, whose pages lie scattered over WARC files behind a server that knows ranges."""

from __future__ import annotations

import gzip
import random
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.crawl.settings import CommonCrawlSettings, CrawlSettings
from pipelines.extraction.file_order import _cuts, plan_reads
from pipelines.extraction.survivors import ExtractionSettings, write_extracted
from pipelines.records import COLLECTED
from pipelines.storage import Artifact

FILES = ("a.warc.gz", "b.warc.gz")
APART = 200_000  # bytes between two pages: too many to be read in vain
LONG = 80_000  # characters of a page whose record is longer than what is asked for at first


def record(kind: str, url: str, block: bytes) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:0>\r\nContent-Type: application/http; msgtype={kind}\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0)


def write_crawl(folder: Path) -> list[dict[str, object]]:
    """Two files of four pages each; what a corpus says of them, in the order of the files."""
    draw, rows = random.Random(0), []
    for file in FILES:
        stored = b""
        for page in range(4):
            url = f"https://{file[0]}.example/{page}"
            letters = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=LONG if page == 2 else 9))
            html = f"<p>Page {page} of file {file[0]} says that $x^{page} = {page}$, which is all there is to say. {letters}</p>"
            body = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{html}".encode()
            made = record("response", url, body)
            place = {"warc_file": file, "warc_offset": len(stored), "length": len(made)}
            rows.append(
                {"url_key": url, "url": url, "snapshot": "CC-1", "origin": "recalled", "text": "cheap", **place}
            )
            stored += made + record("metadata", url, draw.randbytes(APART))
        (folder / file).write_bytes(stored)
    return rows


def corpus_of(folder: Path, rows: list[dict[str, object]], schema: pa.Schema = COLLECTED) -> Artifact:
    """The rows with those of the files mixed, the last page first; one of the seed among them."""
    folder.mkdir()
    mixed = [row for pair in zip(rows[:4], rows[4:], strict=True) for row in pair][::-1]
    seed = {"url_key": "seed", "url": "https://seed.example/", "origin": "seed", "text": "Seed text. " * 9}
    pq.write_table(
        pa.Table.from_pylist([*mixed[:3], seed, *mixed[3:]], schema), folder / "corpus.parquet", row_group_size=2
    )
    return Artifact(name="corpus", place=folder, content="0")


class Ranges(BaseHTTPRequestHandler):
    """Files by ranges; two requests have to be in flight at once before the first is answered."""

    folder: Path
    seen: list[tuple[str, int, int]]
    both = threading.Barrier(2)

    def do_GET(self) -> None:
        if len(self.seen) < 2:
            self.seen.append(("", 0, 0))
            self.both.wait(60)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert wanted is not None
        start, last = int(wanted[1]), int(wanted[2])
        self.seen.append((self.path[1:], start, last + 1 - start))
        content = (self.folder / self.path[1:]).read_bytes()
        part = content[start : last + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[CrawlSettings, list[tuple[str, int, int]]]]:
    """The crawl behind it, and the file, start and size of each request."""
    (tmp_path / "crawl").mkdir()
    handler = type("Handler", (Ranges,), {"folder": tmp_path / "crawl", "seen": [], "both": threading.Barrier(2)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        common = CommonCrawlSettings(base_url=f"http://127.0.0.1:{running.server_port}", attempts=2)
        yield CrawlSettings(common_crawl=common), handler.seen  # type: ignore[attr-defined]
        running.shutdown()
        thread.join()


def extracted(out: Path, crawl: CrawlSettings, corpus: Artifact) -> dict[str, bytes]:
    out.mkdir()
    write_extracted(out, ExtractionSettings(rows_a_shard=4), crawl=crawl, corpus=corpus)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_pages_are_read_file_by_file_with_requests_in_flight_and_written_in_the_corpus_order(
    server: tuple[CrawlSettings, list[tuple[str, int, int]]], tmp_path: Path
) -> None:
    crawl, seen = server
    rows = write_crawl(tmp_path / "crawl")
    corpus = corpus_of(tmp_path / "corpus", rows)
    remote = extracted(tmp_path / "remote", crawl, corpus)
    shards = [name for name in remote if name.startswith("extracted")]
    table = pa.concat_tables(pq.read_table(tmp_path / "remote" / name) for name in shards)
    assert [key.removeprefix("https://") for key in table["url_key"].to_pylist()] == [
        "b.example/3", "a.example/3", "b.example/2", "seed", "a.example/2", "b.example/1", "a.example/1", "b.example/0",
        "a.example/0",
    ]  # fmt: skip
    assert min(len(text) for text in table["text"].to_pylist()[2:5:2]) > LONG  # the long ones are whole
    asked = [place for place in seen if place[0]]
    for file in FILES:
        offsets = [row["warc_offset"] for row in rows if row["warc_file"] == file]
        assert {start for name, start, size in asked if name == file and size == 65_536} == set(offsets)
    local = CrawlSettings(files={"CC-1": tuple(str(tmp_path / "crawl" / file) for file in FILES)})
    for row in rows:
        row["warc_file"] = str(tmp_path / "crawl" / str(row["warc_file"]))
    here = extracted(tmp_path / "here", local, corpus_of(tmp_path / "corpus2", rows))
    columns = [name for name in table.column_names if name != "warc_file"]
    again = pa.concat_tables(pq.read_table(tmp_path / "here" / name) for name in shards)
    assert again.select(columns).equals(table.select(columns))
    assert sorted(here) == sorted(remote)


def test_a_record_of_known_length_is_one_request_of_so_many_bytes(
    server: tuple[CrawlSettings, list[tuple[str, int, int]]], tmp_path: Path
) -> None:
    crawl, seen = server
    rows = [{**row, "warc_length": row["length"]} for row in write_crawl(tmp_path / "crawl")]
    schema = COLLECTED if "warc_length" in COLLECTED.names else COLLECTED.append(pa.field("warc_length", pa.int64()))
    extracted(tmp_path / "out", crawl, corpus_of(tmp_path / "corpus", rows, schema))
    expected = sorted((row["warc_file"], row["warc_offset"], row["length"]) for row in rows)
    assert sorted(place for place in seen if place[0]) == expected


def test_a_plan_is_cut_between_files_and_within_those_of_too_many_pages() -> None:
    files = np.array([0] * 3 + [1] * 3 + [2] * 10, np.int32)
    assert list(_cuts(files, 6)) == [0, 6, 12, 16]
    assert list(_cuts(files, 5)) == [0, 3, 6, 11, 16]
    assert list(_cuts(files, 100)) == [0, 16]
    assert list(_cuts(files[:0], 5)) == [0]


def test_a_plan_that_exists_is_kept(tmp_path: Path) -> None:
    (tmp_path / "crawl").mkdir()
    corpus = corpus_of(tmp_path / "corpus", write_crawl(tmp_path / "crawl"))
    tables = [(corpus.path / "corpus.parquet", range(5))]
    first = plan_reads(tmp_path / "scratch", tables, [9])
    made = (tmp_path / "scratch" / "plan-row.npy").stat().st_mtime_ns
    assert np.load(tmp_path / "scratch" / "plan-row.npy").tolist() == [8, 6, 4, 1, 7, 5, 2, 0]  # a/0 is the last row
    assert plan_reads(tmp_path / "scratch", tables, [9]) == first
    assert (tmp_path / "scratch" / "plan-row.npy").stat().st_mtime_ns == made
