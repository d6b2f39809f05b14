"""A crawl that lies in an object store gives what the same crawl gives in a folder."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.errors import MathsieveError
from pipelines.crawl.pages import write_pages
from pipelines.crawl.settings import CrawlError, CrawlSettings, list_snapshots, list_warcs, snapshot_files
from tests.s3_server import S3Server, serving

PROSE = "A walk along the river leads past old mills and orchards to the village square. " * 5
FILES = {
    "A/b/1.warc.gz": ["https://one.example/", "https://two.example/"],
    "A/0.warc.gz": ["https://three.example/x?y=1"],
    "B/0.warc.gz": ["https://one.example/"],
}
BESIDE = ("A/notes.txt", "A/0.warc.gz.md5", "AB.warc.gz.txt")


def warc(urls: list[str]) -> bytes:
    members = []
    for url in urls:
        message = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><title>T</title><p>{url} {PROSE}</html>"
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
        members.append(
            gzip.compress(f"{head}Content-Length: {len(message)}\r\n\r\n{message}\r\n\r\n".encode(), mtime=0)
        )
    return b"".join(members)


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as running:
        for name, urls in FILES.items():
            running.client().put_object(Bucket="bucket", Key=f"crawl/{name}", Body=warc(urls))
        for name in BESIDE:
            running.client().put_object(Bucket="bucket", Key=f"crawl/{name}", Body=b"no WARC")
        yield running


@pytest.fixture(autouse=True)
def store(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, urls in FILES.items():
        (tmp_path / "crawl" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "crawl" / name).write_bytes(warc(urls))
    return tmp_path / "crawl"


def pages(folder: Path, settings: CrawlSettings) -> dict[str, bytes]:
    """Every file that the stage leaves for snapshot A."""
    folder.mkdir()
    write_pages(folder, settings, snapshot="A")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}


def test_a_folder_of_a_bucket_gives_the_snapshots_files_and_bytes_of_a_local_one(here: Path, tmp_path: Path) -> None:
    local, remote = CrawlSettings(folder=here), CrawlSettings(folder="s3://bucket/crawl")
    assert list_snapshots(remote) == list_snapshots(local) == ["A", "B"]
    assert list_warcs(remote, "A") == ["s3://bucket/crawl/A/0.warc.gz", "s3://bucket/crawl/A/b/1.warc.gz"]
    made = pages(tmp_path / "remote", remote)
    assert made == pages(tmp_path / "local", local)
    assert "pages-00001.parquet" in made


def test_folders_and_patterns_of_a_bucket_name_the_same_files(tmp_path: Path) -> None:
    named = CrawlSettings(folders={"A": "s3://bucket/crawl/A"})
    listed = CrawlSettings(files={"A": ("s3://bucket/crawl/A/*.warc.gz", "s3://bucket/crawl/A/b/1.warc.gz")})
    assert list_warcs(named, "A") == sorted(list_warcs(listed, "A"))
    assert len(pages(tmp_path / "named", named)) == len(pages(tmp_path / "listed", listed))


def test_a_file_that_came_or_was_written_again_is_seen_by_the_same_process(store: S3Server) -> None:
    def put(name: str, urls: list[str]) -> None:
        store.client().put_object(Bucket="bucket", Key=f"grown/A/{name}", Body=warc(urls))

    settings = CrawlSettings(folder="s3://bucket/grown")
    put("0.warc.gz", ["https://one.example/"])
    first = snapshot_files(settings, snapshot="A")
    put("0.warc.gz", ["https://two.example/"])  # of the same size
    second = snapshot_files(settings, snapshot="A")
    put("1.warc.gz", ["https://one.example/"])
    third = snapshot_files(settings, snapshot="A")
    assert [len(files) for files in (first, second, third)] == [1, 1, 2]
    assert first != second == third[:1]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"folder": "s3://bucket/none"},
            "crawl folder s3://bucket/none: expected a folder of WARC files; there is none",
        ),
        ({"folders": {"A": "s3://bucket/none"}}, "crawl folder s3://bucket/none: expected a folder of WARC files"),
        ({"files": {"A": ["s3://bucket/crawl/A/*.zst"]}}, "s3://bucket/crawl/A/*.zst"),
        ({"folder": "s3://no-such-bucket/crawl"}, "s3://no-such-bucket/crawl: expected"),
    ],
)
def test_a_crawl_that_is_not_there_is_named(settings: dict[str, object], told: str) -> None:
    with pytest.raises(MathsieveError) as error:
        list_warcs(CrawlSettings.model_validate(settings), "A")
    assert told in str(error.value)


def test_a_bucket_without_warc_files_says_which_names_it_looked_for(store: S3Server) -> None:
    store.client().put_object(Bucket="bucket", Key="notes/a.txt", Body=b"x")
    with pytest.raises(CrawlError, match=r"s3://bucket/notes: expected files that end in \.warc, .*; found none"):
        list_snapshots(CrawlSettings(folder="s3://bucket/notes"))
