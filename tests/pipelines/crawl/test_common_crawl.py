"""Common Crawl's layout over HTTP, from a real server on this machine that misbehaves as real ones do."""

import gzip
import json
import re
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow.parquet as pq
import pytest

from evaluators.executors import LocalExecutor
from pipelines.crawl.byte_sources import HttpSource, Retries, SourceStream, open_source
from pipelines.crawl.pages import write_pages
from pipelines.crawl.settings import (
    CommonCrawlSettings,
    CrawlError,
    CrawlSettings,
    list_snapshots,
    list_warcs,
    warc_path,
)
from pipelines.crawl.warc import open_warc, read_capture

SNAPSHOT = "CC-MAIN-2024-10"
WARC = f"crawl-data/{SNAPSHOT}/segments/1/warc/a.warc.gz"


def page(name):
    body = f"<html><title>{name}</title><p>{f'The page {name} says a few words. ' * 40}</p></html>".encode()
    message = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://{name}.example.org/\r\nWARC-Date: 2024-03-01T00:00:00Z\r\n"
    return gzip.compress(f"{head}Content-Length: {len(message)}\r\n\r\n".encode() + message + b"\r\n\r\n", mtime=0)


FILES = {
    f"crawl-data/{SNAPSHOT}/warc.paths.gz": gzip.compress(f"{WARC}\n".encode()),
    "collinfo.json": json.dumps([{"id": SNAPSHOT}, {"id": "CC-MAIN-2013-20"}]).encode(),
    WARC: b"".join(page(f"p{number}") for number in range(300)),
}


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Silence."""

    def do_GET(self):
        faults, name = self.server.faults, self.path.lstrip("/")
        self.server.asked.append((name, self.headers.get("Range")))
        fault = faults.pop(0) if faults else None
        if fault == "503":
            self.send_response(503)
            self.send_header("Retry-After", "7")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = FILES.get(name)
        if data is None:
            self.send_error(404)
            return
        span = None if self.server.no_ranges else re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, stop = (int(span[1]), min(len(data), int(span[2] or len(data)) + 1)) if span else (0, len(data))
        if start >= len(data):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if span else 200)
        if span:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        if fault == "cut":
            self.wfile.write(data[start : start + (stop - start) // 2])
            self.close_connection = True
        elif fault == "slow":
            self.wfile.write(data[start : start + 10])
            self.wfile.flush()
            time.sleep(1.0)
            self.close_connection = True
        else:
            self.wfile.write(data[start:stop])


@pytest.fixture
def server():
    running = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    running.faults, running.asked, running.no_ranges = [], [], False
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def url(server, name=""):
    return f"http://127.0.0.1:{server.server_port}/{name}".rstrip("/")


def read_all(server, **options):
    waits = []
    source = HttpSource(url(server, WARC), **{"attempts": 4, "timeout": 0.3, **options})
    source._retries = Retries(source.url, options.get("attempts", 4), sleep=waits.append)
    data, stream = bytearray(), SourceStream(source, 0)
    while piece := stream.read(1 << 16):
        data += piece
    source.close()
    return bytes(data), waits


def test_a_file_arrives_whole_in_spans(server):
    data, waits = read_all(server, span=10_000)
    assert (data, waits) == (FILES[WARC], [])
    assert server.asked[1] == (WARC, "bytes=10000-19999")


def test_cut_connections_are_taken_up_where_they_broke(server):
    server.faults[:] = ["cut", "cut", "cut"]
    data, waits = read_all(server)
    assert data == FILES[WARC]
    assert waits == [1.0, 1.0, 1.0]  # progress was made each time
    assert server.asked[1][1].startswith(f"bytes={len(data) // 2}-")


def test_a_slow_body_is_given_up_and_taken_up(server):
    server.faults[:] = ["slow"]
    assert read_all(server)[0] == FILES[WARC]


def test_a_server_without_ranges_is_read_past_what_is_known(server):
    server.no_ranges = True
    server.faults[:] = ["cut"]
    assert read_all(server)[0] == FILES[WARC]


def test_the_rest_of_a_body_that_came_in_the_piece_that_was_read_past_is_no_end(server):
    server.no_ranges = True
    with closing(open_source(url(server, "collinfo.json"))) as source:
        assert source.read_at(10, 5) == FILES["collinfo.json"][10:15]


def test_the_server_says_how_long_to_wait(server):
    server.faults[:] = ["503", "503"]
    data, waits = read_all(server)
    assert (data, waits) == (FILES[WARC], [7.0, 7.0])


def test_attempts_come_to_an_end(server):
    server.faults[:] = ["503"] * 9
    with pytest.raises(CrawlError, match="no answer in 3 attempts; the last said: HTTP 503"):
        read_all(server, attempts=3)


def test_delays_double_up_to_two_minutes_and_long_ones_are_told(capsys):
    waits: list[float] = []
    retries = Retries("x", 10, sleep=waits.append)
    for _ in range(9):
        retries.wait("busy")
    assert waits == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    told = capsys.readouterr().err.splitlines()
    assert (told[0], len(told)) == ("x: busy; attempt 4 of 10 in 4 s", 7)


def test_a_missing_file_is_not_tried_again(server):
    with pytest.raises(CrawlError, match="found 404"):
        open_source(url(server, "nothing")).read_at(0, 1)
    assert len(server.asked) == 1


def test_one_record_costs_one_small_range(server):
    source = open_source(url(server, WARC), span=4_096)
    assert source.read_at(1_000, 100) == FILES[WARC][1_000:1_100]
    source.close()
    assert server.asked == [(WARC, "bytes=1000-5095")]


def test_snapshots_since_a_date_are_listed(server):
    settings = CrawlSettings(common_crawl=CommonCrawlSettings(listing_url=url(server, "collinfo.json")))
    assert list_snapshots(settings) == [SNAPSHOT]


def test_a_snapshot_is_crawled_through_faults(server, tmp_path):
    settings = CrawlSettings(common_crawl=CommonCrawlSettings(base_url=url(server), snapshots=(SNAPSHOT,), timeout=0.5))
    assert list_warcs(settings, SNAPSHOT) == [url(server, WARC)]
    server.faults[:] = [None, "cut"]
    facts = write_pages(tmp_path, settings, snapshot=SNAPSHOT, executor=LocalExecutor(workers=1))
    assert facts == {"rows": 300, "warc_files": 1, "outcomes": {"kept": 300}}


@pytest.fixture
def bucket(monkeypatch):
    """The layout in a bucket of an S3 server on this machine; gives the server's URL."""
    import boto3
    from moto.server import ThreadedMotoServer

    for name, value in {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    address = "http://{}:{}".format(*running.get_host_and_port())
    store = boto3.client("s3", endpoint_url=address)
    store.create_bucket(Bucket="commoncrawl")
    for name, data in FILES.items():
        store.put_object(Bucket="commoncrawl", Key=name, Body=data)
    store.close()
    yield address
    running.stop()


def test_a_snapshot_is_crawled_from_an_s3_server(bucket, tmp_path):
    recipe = {"base_url": "s3://commoncrawl", "endpoint_url": bucket, "snapshots": [SNAPSHOT], "attempts": 1}
    settings = CrawlSettings.model_validate({"common_crawl": recipe})
    assert list_warcs(settings, SNAPSHOT) == [f"s3://commoncrawl/{WARC}"]
    facts = write_pages(tmp_path, settings, snapshot=SNAPSHOT, executor=LocalExecutor(workers=1))
    assert facts == {"rows": 300, "warc_files": 1, "outcomes": {"kept": 300}}
    row = pq.read_table(tmp_path / "pages-00000.parquet").to_pylist()[7]
    with closing(open_warc(warc_path(settings, SNAPSHOT, row["warc_file"]), **settings.patience())) as source:
        capture = read_capture(source, row["warc_offset"])
    assert (row["warc_file"], capture.url) == (WARC, row["url"])
    missing = CommonCrawlSettings.model_validate(recipe | {"snapshots": ["CC-MAIN-1999-01"]})
    with pytest.raises(CrawlError, match="Check the snapshot's name and the bucket"):
        list_warcs(CrawlSettings(common_crawl=missing), "CC-MAIN-1999-01")


def test_an_unknown_snapshot_is_refused_with_the_remedy(server):
    settings = CrawlSettings(common_crawl=CommonCrawlSettings(base_url=url(server), snapshots=("CC-MAIN-1999-01",)))
    with pytest.raises(CrawlError, match="Check the snapshot's name"):
        list_warcs(settings, "CC-MAIN-1999-01")
