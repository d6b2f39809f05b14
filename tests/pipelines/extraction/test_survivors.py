"""Survivors read again from their WARC records, against a WARC written here."""

from __future__ import annotations

import gzip
import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.command_line import main
from evaluators.executors import LocalExecutor
from pipelines.crawl.settings import CrawlSettings
from pipelines.extraction.survivors import ExtractionSettings, write_extracted
from pipelines.records import COLLECTED, EXTRACTED, LEDGER
from pipelines.storage import Artifact

SENTENCE = "The formula <i>x</i><sup>2</sup> = 4 has two solutions, and both of them are easily found by hand."
PAGES = {"https://a.example/": f"<p>{SENTENCE}</p>", "https://b.example/": "<p>方程 $x^2=4$ 有两个解，它们都很容易用手算出来，读者可以自己验证，并且写出全部的推导步骤，再把结果代回原方程检查一遍。</p>", "https://c.example/": "<p>nothing</p>"}  # fmt: skip


def warc_of(folder: Path, charset: str = "utf-8") -> dict[str, int]:
    """Writes CC-1/pages.warc.gz with one gzip member a page; gives each URL's offset."""
    offsets: dict[str, int] = {}
    stored = io.BytesIO()
    for url, html in PAGES.items():
        body = html.encode(charset)
        http = (
            f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset={charset}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:0>\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
        offsets[url] = stored.tell()
        stored.write(gzip.compress(head.encode() + http + b"\r\n\r\n", mtime=0))
    (folder / "CC-1").mkdir(parents=True)
    (folder / "CC-1" / "pages.warc.gz").write_bytes(stored.getvalue())
    return offsets


def corpus_of(folder: Path, offsets: dict[str, int]) -> Artifact:
    """A COLLECTED table: the pages in reverse order, one of the seed, one whose offset is wrong."""
    folder.mkdir()
    common = {"domain": "example", "path": "/", "language": "en", "margin": 1.0, "tokens": 9, "text": "cheap"}
    rows = [
        {
            **common,
            "url_key": url,
            "url": url,
            "snapshot": "CC-1",
            "origin": "recalled",
            "warc_file": "pages.warc.gz",
            "warc_offset": offset,
        }
        for url, offset in reversed(offsets.items())
    ]
    rows.insert(
        1,
        {
            **common,
            "url_key": "seed",
            "url": "https://seed.example/",
            "snapshot": None,
            "origin": "seed",
            "text": "Seed text. " * 9,
            "margin": None,
            "warc_file": None,
            "warc_offset": None,
        },
    )
    rows.append({**rows[0], "url_key": "lost", "warc_offset": 7})
    pq.write_table(pa.Table.from_pylist(rows, COLLECTED), folder / "corpus.parquet", row_group_size=2)
    return Artifact(name="corpus", place=folder, content="0")


def test_survivors_come_back_in_the_corpus_order_with_their_formulas(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "corpus", warc_of(tmp_path / "crawl"))
    out = tmp_path / "out"
    out.mkdir()
    facts = write_extracted(
        out, ExtractionSettings(rows_a_shard=2), crawl=CrawlSettings(folder=tmp_path / "crawl"), corpus=corpus
    )
    table = pa.concat_tables(pq.read_table(path) for path in sorted(out.glob("extracted-*.parquet")))
    assert table.schema == EXTRACTED
    assert table["url_key"].to_pylist() == ["seed", "https://b.example/", "https://a.example/"]
    assert table["text"][2].as_py().startswith("The formula $x^2 = 4$ has two")
    assert "方程 $x^2=4$ 有两个解" in table["text"][1].as_py()
    assert table["text"][0].as_py() == "Seed text. " * 9
    ledger = pa.concat_tables(pq.read_table(path) for path in sorted(out.glob("ledger-*.parquet")))
    assert ledger.schema == LEDGER
    assert ledger.select(["url_key", "reason"]).to_pylist() == [
        {"url_key": "https://c.example/", "reason": "short"},
        {"url_key": "lost", "reason": "unreadable"},
    ]
    assert facts == {"rows": 3, "formulas": 2, "seed_rows": 1, "left_out": {"short": 1, "unreadable": 1}}


def test_the_bytes_do_not_depend_on_the_workers_and_finished_shards_are_kept(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "corpus", warc_of(tmp_path / "crawl"))
    written = []
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        out.mkdir()
        write_extracted(
            out,
            ExtractionSettings(rows_a_shard=2),
            crawl=CrawlSettings(folder=tmp_path / "crawl"),
            corpus=corpus,
            executor=LocalExecutor(workers=workers),
        )
        written.append({path.name: path.read_bytes() for path in sorted(out.iterdir())})
    assert written[0] == written[1]
    assert len(written[0]) == 6
    first = tmp_path / "out1" / "extracted-00000.parquet"
    before = first.stat().st_mtime_ns
    (tmp_path / "out1" / "extracted-00001.parquet").unlink()
    write_extracted(
        tmp_path / "out1",
        ExtractionSettings(rows_a_shard=2),
        crawl=CrawlSettings(folder=tmp_path / "crawl"),
        corpus=corpus,
    )
    assert first.stat().st_mtime_ns == before
    assert {path.name: path.read_bytes() for path in sorted((tmp_path / "out1").iterdir())} == written[0]


def test_the_command_prints_the_text_of_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "page.html"
    path.write_bytes("<meta charset=gbk><p>设x<sup>2</sup>=4</p>".encode("gbk"))
    assert main(["extract", str(path)]) == 0
    assert capfd.readouterr().out == "设$x^2=4$\n"


def test_lines_come_out_in_order_and_bad_ones_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pages.jsonl"
    good = [json.dumps({"url": f"u{n}", "html": f"<p>page {n}</p>"}) for n in range(100)]
    path.write_text("\n".join([*good[:50], "not json", '{"url": "x"}', *good[50:]]) + "\n")
    assert main(["extract", "--jsonl", str(path), "--workers", "2"]) == 1
    out, err = capfd.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["text"] for row in rows if "error" not in row] == [f"page {n}" for n in range(100)]
    assert [row["error"].split(":")[0] for row in rows if "error" in row] == ["line 51", "line 52"]
    assert 'line 52: expected a string under "html"; found NoneType' in err


@pytest.mark.parametrize("arguments", [[], ["a.html", "--jsonl", "b"], ["/no/such/file.html"], ["--jsonl", "/no/such"]])
def test_unusable_arguments_are_refused_in_one_line(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["extract", *arguments]) == 2
    assert capfd.readouterr().err.count("\n") == 1


class Pages(BaseHTTPRequestHandler):
    """A page in Big5 whose charset only the header tells, a picture, and nothing else."""

    def do_GET(self) -> None:
        found = {
            "/page": ("text/html; charset=big5", "<p>設 $x^2$ 為正</p>".encode("big5")),
            "/picture": ("image/png", b"\x89PNG"),
        }.get(self.path)
        self.send_response(200 if found else 404)
        if found:
            self.send_header("Content-Type", found[0])
        self.end_headers()
        self.wfile.write(found[1] if found else b"")

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Pages) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "status", "out", "err"),
    [
        ("/page", 0, "設 $x^2$ 為正\n", ""),
        ("/picture", 1, "", "expected an HTML page; found image/png."),
        ("/nothing", 1, "", "the server answered 404."),
    ],
)
def test_the_command_reads_a_page_of_the_web(
    server: str, path: str, status: int, out: str, err: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["extract", server + path]) == status
    captured = capfd.readouterr()
    assert captured.out == out
    assert captured.err == (f"mathsieve extract: {server}{path}: {err}\n" if err else "")


def test_the_command_works_without_the_orchestrator(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>x</p>")
    code = f"import sys; from assets.command_line import main; main(['extract', {str(page)!r}]); sys.exit('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    path.write_text((json.dumps({"url": "u", "html": "<p>" + "word " * 2_000}) + "\n") * 400)
    code = f"import sys; from assets.command_line import main; sys.exit(main(['extract', '--jsonl', {str(path)!r}, '--workers', '1']))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.wait(60) == 128 + signal.SIGPIPE
        assert running.stderr.read() == b""
