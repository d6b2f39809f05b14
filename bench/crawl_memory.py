"""Peak memory of one crawl worker against the size of the WARC file it reads, with a bomb of 2 GiB in each.

Each file repeats a block of real pages and of large records that are no pages; the larger has a hundred times as many.

    MATHSIEVE_REAL_DATA=... python -m bench.crawl_memory [megabytes ...]
"""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

SIZES = (50, 5_000)  # MB
LARGE = 1_000_000  # bytes of a record that is no page
ROOM = 1.3  # of the disk that the largest file needs must be free


def main(sizes: list[int]) -> int:
    root = os.environ.get("MATHSIEVE_REAL_DATA")
    if root is None:
        print("skipped: set MATHSIEVE_REAL_DATA to the folder that holds realweb/*.warc.gz")
        return 0
    pages = sorted(Path(root, "realweb").glob("*.warc.gz"))[0].read_bytes()
    print("| WARC file, MB | pages | CPU s | peak memory of the worker, MiB |\n| --- | --- | --- | --- |")
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="crawl-memory-") as folder:
            warc = Path(folder, "large.warc.gz")
            _write(warc, pages, size * 1_000_000)
            command = [sys.executable, "-m", "bench.crawl_memory", "--worker", str(warc)]
            print(subprocess.run(command, capture_output=True, text=True, check=True).stdout, end="", flush=True)
    return 0


def _write(warc: Path, pages: bytes, size: int) -> None:
    image = _record(b"image/png", os.urandom(LARGE))
    with warc.open("wb") as handle:
        handle.write(_bomb())
        while handle.tell() < size:
            handle.write(pages)
            for _ in range(min(40, max(0, size - handle.tell()) // LARGE)):
                handle.write(image)


def _head(kind: bytes, size: int) -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n\r\n"
    warc = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://example.org/large\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
    return warc + b"Content-Length: %d\r\n\r\n" % (len(http) + size) + http


def _record(kind: bytes, body: bytes) -> bytes:
    return gzip.compress(_head(kind, len(body)) + body + b"\r\n\r\n", compresslevel=1)


def _bomb() -> bytes:
    """2 GiB of spaces as HTML, in 2 MB."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [deflate.compress(_head(b"text/html", 1 << 31))]
    parts += [deflate.compress(b" " * (1 << 24)) for _ in range(1 << 7)]
    return b"".join([*parts, deflate.compress(b"\r\n\r\n"), deflate.flush()])


def worker(warc: Path) -> int:
    from pipelines.crawl.crawl_step import outcomes_of
    from pipelines.crawl.datatrove_step import WarcsToPages
    from pipelines.crawl.settings import CrawlSettings

    settings = CrawlSettings(files={"bench": (str(warc),)}, route="routed")
    shard = warc.parent / "raw-00000.parquet"
    started = time.process_time()
    list(WarcsToPages([(str(warc), shard)], settings, "bench").run())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = outcomes_of(shard)
    pages = sum(found.get(route, 0) for route in ("kept", "sampled", "counted"))
    print(f"| {warc.stat().st_size / 1e6:,.0f} | {pages:,} | {time.process_time() - started:.0f} | {peak:,.0f} |")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        sys.exit(worker(Path(sys.argv[2])))
    sys.exit(main([int(size) for size in sys.argv[1:]] or list(SIZES)))
