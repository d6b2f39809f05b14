"""The planted crawl in Common Crawl's layout, with a columnar index, and a server on loopback that counts what is asked."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.crawl.byte_sources import LocalSource
from pipelines.crawl.http_message import parse_response
from pipelines.crawl.planted import PlantedSettings, write_planted_crawl
from pipelines.crawl.warc_repair import RecordReader

SNAPSHOT = "CC-MAIN-2025-05"
ROWS_A_GROUP = 5
PLANTED = PlantedSettings(scale=0.12, snapshots=(SNAPSHOT,), leaks=0, broken=True)


def surt(url: str) -> str:
    parts = urlsplit(url)
    host = re.sub(r"^www\d*\.", "", parts.hostname or "")
    port = f":{parts.port}" if parts.port else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{','.join(reversed(host.split('.')))}{port}){(parts.path + query).lower()}"


def index_rows(warc: Path, name: str) -> Iterator[dict[str, Any]]:
    """A row for each response, as the index has it: of the payload as it is stored."""
    with closing(LocalSource(str(warc))) as source:
        records = list(RecordReader(source, 0, 1 << 24))
    for record in records:
        if record.headers.get("warc-type") != "response" or not record.length:
            continue
        message = parse_response(record.block)
        if message is None:
            continue
        url = record.headers["warc-target-uri"]
        yield {
            "url_surtkey": surt(url),
            "url": url,
            "url_host_name": urlsplit(url).hostname,
            "fetch_status": message.status,
            "content_digest": base64.b32encode(hashlib.sha1(message.body).digest()).decode(),
            "content_mime_detected": "image/png"
            if b"PNG" in message.body[:9]
            else "application/pdf"
            if b"%PDF" in message.body[:9]
            else "text/html",
            "warc_filename": name,
            "warc_record_offset": record.offset,
            "warc_record_length": record.length,
            "warc_segment": "1",
        }


def write_index(rows: Sequence[dict[str, Any]], files: dict[str, bytes], *, parts: int = 3, **options: Any) -> None:
    """The rows in some files, sorted by key, in row groups of a few."""
    ordered = sorted(rows, key=lambda row: row["url_surtkey"])
    size = -(-len(ordered) // parts)
    names = []
    for number in range(parts):
        sink = pa.BufferOutputStream()
        table = pa.Table.from_pylist(ordered[number * size : (number + 1) * size])
        pq.write_table(table, sink, **{"row_group_size": ROWS_A_GROUP, "compression": "gzip", **options})
        names.append(f"cc-index/table/cc-main/warc/crawl={SNAPSHOT}/subset=warc/part-{number:05d}.c000.gz.parquet")
        files[names[-1]] = sink.getvalue().to_pybytes()
    names.append(f"cc-index/table/cc-main/warc/crawl={SNAPSHOT}/subset=robotstxt/part-00000.c000.gz.parquet")
    listing = "".join(f"{name}\n" for name in names)
    files[f"crawl-data/{SNAPSHOT}/cc-index-table.paths.gz"] = gzip.compress(listing.encode())


@dataclass(frozen=True)
class Layout:
    files: dict[str, bytes]
    rows: list[dict[str, Any]]

    def with_index(self, rows: Sequence[dict[str, Any]], **options: Any) -> Layout:
        files = dict(self.files)
        write_index(rows, files, **options)
        return Layout(files, list(rows))


def planted_layout(folder: Path) -> Layout:
    write_planted_crawl(folder, PLANTED)
    files, rows, names = dict[str, bytes](), list[dict[str, Any]](), []
    for warc in sorted((folder / SNAPSHOT).glob("*.warc.gz")):
        name = f"crawl-data/{SNAPSHOT}/segments/1/warc/{warc.name}"
        names.append(name)
        files[name] = warc.read_bytes()
        rows += index_rows(warc, name)
    files[f"crawl-data/{SNAPSHOT}/warc.paths.gz"] = gzip.compress("".join(f"{name}\n" for name in names).encode())
    write_index(rows, files)
    return Layout(files, rows)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *args: Any) -> None:
        """Silence."""

    def do_GET(self) -> None:
        site: Site = self.server.site
        name = self.path.lstrip("/")
        data = site.files.get(name)
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        fault = site.fault_for(name)
        if fault == "503" or data is None:
            self.send_response(503 if fault else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start, stop = (int(span[1]), min(len(data), int(span[2]) + 1)) if span else (0, len(data))
        if start >= len(data):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        site.asked.append((name, stop - start))
        self.send_response(206 if span else 200)
        if span:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        self.wfile.write(data[start : start + (stop - start) // 2 if fault == "cut" else stop])
        self.close_connection = fault == "cut"


class _Server(ThreadingHTTPServer):
    def handle_error(self, *args: Any) -> None:
        """A client that hangs up is none."""


@dataclass
class Site:
    files: dict[str, bytes]
    url: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    """What was sent: the file and the bytes."""
    faults: dict[str, list[str]] = field(default_factory=dict)
    """Part of a name -> what goes wrong with the next requests for such files: `503`, `cut`, or nothing (``)."""

    def fault_for(self, name: str) -> str:
        for part, faults in self.faults.items():
            if part in name and faults:
                return faults.pop(0)
        return ""

    def bytes_of(self, part: str) -> int:
        return sum(size for name, size in self.asked if part in name)


@contextmanager
def serving_files(files: dict[str, bytes]) -> Iterator[Site]:
    running = _Server(("127.0.0.1", 0), _Handler)
    site = Site(files, url=f"http://127.0.0.1:{running.server_port}")
    running.site = site  # type: ignore[attr-defined]
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        running.shutdown()
        running.server_close()
        thread.join()
