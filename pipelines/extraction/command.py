"""HTML to text that keeps the mathematics.

mathsieve extract page.html              the text of a saved page (`-` reads standard input)
mathsieve extract https://example.org/   the same of a page on the web
mathsieve extract --jsonl pages.jsonl    {"url", "html"} lines in, {"url", "text"} lines out, in order, on all cores
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from evaluators.errors import UnusableArguments
from evaluators.progress import report_progress

LINES_A_TASK = 32
TIMEOUT = 30.0  # seconds for a page of the web; ours


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="?", metavar="FILE_OR_URL", help="an HTML file, `-`, or an http(s) address")
    parser.add_argument("--jsonl", metavar="FILE", help='a file of {"url": ..., "html": ...} lines, or `-`')
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)")


def has_workers(arguments: argparse.Namespace) -> bool:
    return arguments.jsonl is not None


def run(arguments: argparse.Namespace) -> int:
    """0 where all was extracted, 1 where a line could not be read; raises UnusableArguments where the arguments make no sense."""
    if (arguments.source is None) == (arguments.jsonl is None):
        raise UnusableArguments("expected a file, an address or --jsonl FILE, and only one of them.")
    if arguments.workers < 1:
        raise UnusableArguments(f"--workers: expected at least 1; found {arguments.workers}.")
    if arguments.jsonl is not None:
        return _extract_lines(arguments.jsonl, arguments.workers)
    return _extract_page(arguments.source)


def _extract_page(source: str) -> int:
    from pipelines.crawl.decoding import decode_html
    from pipelines.extraction.page import html_to_text

    if source.startswith(("http://", "https://")):
        body, content_type = _fetch(source)
        if not body:
            return 1
        html, _ = decode_html(body, content_type)
    else:
        html, _ = decode_html(sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes())
    text = html_to_text(html, source)
    if not text:
        print(f"mathsieve extract: {source}: no text was found in it.", file=sys.stderr)
    sys.stdout.buffer.write((text + "\n").encode("utf-8", "replace"))
    sys.stdout.flush()
    return 0


def _fetch(address: str) -> tuple[bytes, str | None]:
    import httpx

    try:
        answer = httpx.get(address, timeout=TIMEOUT, follow_redirects=True, headers={"User-Agent": "mathsieve"})
        answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        print(f"mathsieve extract: {address}: the server answered {error.response.status_code}.", file=sys.stderr)
        return b"", None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        print(f"mathsieve extract: {address}: {str(error).rstrip('.') or type(error).__name__}.", file=sys.stderr)
        return b"", None
    kind = answer.headers.get("content-type", "")
    if kind and not re.search("html|xml|text", kind, re.IGNORECASE):
        print(f"mathsieve extract: {address}: expected an HTML page; found {kind}.", file=sys.stderr)
        return b"", None
    return answer.content, kind or None


def _extract_lines(name: str, workers: int) -> int:
    from pipelines.extraction.survivors import spare_collector

    failed = 0
    with sys.stdin.buffer if name == "-" else Path(name).open("rb") as lines:
        size = None if name == "-" else os.fstat(lines.fileno()).st_size
        tasks = _tasks(lines, report_progress(total=size, unit="B", unit_scale=True, desc="extraction"))
        with ProcessPoolExecutor(workers, mp_context=get_context("forkserver"), initializer=spare_collector) as pool:
            for written, errors in _in_order(pool, tasks, 4 * workers):
                sys.stdout.buffer.write(written)
                sys.stdout.buffer.flush()
                for error in errors:
                    print(f"mathsieve extract: {name}: {error}", file=sys.stderr)
                failed += len(errors)
    if failed:
        print(
            f"mathsieve extract: {name}: {failed} lines could not be read; their lines hold an `error`.",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _tasks(lines: IO[bytes], progress: tqdm[Any]) -> Iterator[list[tuple[int, bytes]]]:
    numbered = enumerate(lines, start=1)
    with progress:
        while portion := list(islice(numbered, LINES_A_TASK)):
            yield portion
            progress.update(sum(len(line) for _, line in portion))


def _in_order(
    pool: ProcessPoolExecutor, tasks: Iterable[list[tuple[int, bytes]]], ahead: int
) -> Iterator[tuple[bytes, list[str]]]:
    """Results in the order of the tasks, with only so many tasks read ahead."""
    waiting: deque[Future[tuple[bytes, list[str]]]] = deque()
    for task in tasks:
        waiting.append(pool.submit(extract_lines, task))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def extract_lines(lines: list[tuple[int, bytes]]) -> tuple[bytes, list[str]]:
    """Output lines for numbered input lines, one for each that is not blank, and what was wrong with some."""
    from pipelines.extraction.page import html_to_text

    written: list[str] = []
    errors: list[str] = []
    for number, line in lines:
        if not line.strip():
            continue
        row, error = _row(line)
        if error:
            errors.append(f"line {number}: {error}")
            written.append(_json({"url": row.get("url"), "text": "", "error": f"line {number}: {error}"}))
        else:
            url = row.get("url") if isinstance(row.get("url"), str) else ""
            written.append(_json({"url": row.get("url"), "text": html_to_text(row["html"], url or "")}))
    return "".join(line + "\n" for line in written).encode("utf-8", "replace"), errors


def _row(line: bytes) -> tuple[dict[str, Any], str]:
    """The row, and what is wrong with it."""
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        return {}, f'expected JSON {{"url": ..., "html": ...}}; found {line[:40]!r}: {error}'
    if not isinstance(row, dict):
        return {}, f'expected an object {{"url": ..., "html": ...}}; found {type(row).__name__}'
    if not isinstance(row.get("html"), str):
        return row, f'expected a string under "html"; found {type(row.get("html")).__name__}'
    return row, ""


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)
