"""Lists of pages as people keep them, and which of their entries a range of the index may hold."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.crawl.settings import CrawlError
from pipelines.crawl.url_lists import UrlList, entry_of, host_surt, read_entries, write_runs


def test_a_host_is_turned_round_without_its_www():
    assert host_surt("www.maths.example.co.uk") == "uk,co,example,maths"
    assert host_surt("www2.example.org") == "org,example"
    assert host_surt("wwwx.example.org") == "org,example,wwwx"


@pytest.mark.parametrize(
    "said",
    [
        "https://example.org/a/b",
        "http://www.example.org/a/b/",
        "example.org/a/b",
        "HTTPS://EXAMPLE.ORG:443/a/./b?utm_source=x#top",
        "  https://example.org//a/b\n",
    ],
)
def test_spellings_of_one_page_are_one_entry(said):
    assert entry_of("urls", said) == entry_of("urls", "https://example.org/a/b")


def test_a_host_may_be_given_as_a_url_of_it():
    assert entry_of("hosts", "https://www.Example.org/some/page") == entry_of("hosts", "example.org")
    assert entry_of("domains", ".example.org") == entry_of("domains", "example.org")
    assert entry_of("hosts", "bücher.example").surt == "example,xn--bcher-kva"


@pytest.mark.parametrize("said", ["", "https://", "ftp://example.org/a", "http://[broken/"])
def test_what_names_no_page_is_no_entry(said):
    assert entry_of("urls", said) is None


def write_all_forms(folder: Path) -> dict[str, Path]:
    urls = ["https://a.org/1", "https://b.org/2"]
    rows = "".join(json.dumps({"text": "...", "url": url}) + "\n" for url in urls)
    files = {
        "a.txt": b"# mine\n\nhttps://a.org/1\nhttps://b.org/2\n",
        "b.csv": 'title,url\n"One, two",https://a.org/1\nx,https://b.org/2\n'.encode("utf-8-sig"),
        "c.tsv": b"url\ttitle\nhttps://a.org/1\tx\nhttps://b.org/2\ty\n",
        "d.jsonl": rows.encode(),
        "e.jsonl.gz": gzip.compress(rows.encode()),
        "f.txt.gz": gzip.compress("\n".join(urls).encode()),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    pq.write_table(pa.table({"text": ["..."] * 2, "url": urls, "date": [1, 2]}), folder / "g.parquet")
    return {name: folder / name for name in [*files, "g.parquet"]}


def test_every_form_of_a_list_says_the_same(tmp_path):
    for path in write_all_forms(tmp_path).values():
        assert [said.strip() for said in read_entries("urls", [path])] == ["https://a.org/1", "https://b.org/2"], path
    assert len(list(read_entries("urls", [tmp_path]))) == 14  # a folder is all of its files


def test_decisions_count_for_what_they_call_mathematics(tmp_path):
    decided = [{"prefix": "a.org/x", "verdict": "math"}, {"prefix": "b.org", "verdict": "other"}, {"prefix": "c.org/y"}]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in decided))
    assert list(read_entries("prefixes", [tmp_path / "d.jsonl"])) == ["a.org/x", "c.org/y"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.parquet", b"no Parquet", "expected a list of urls"),
        ("b.csv", b"title,text\n1,2\n", "expected a column url or uri or link; found title, text"),
        ("c.jsonl", b'{"url": "https://a.org"}\nnonsense\n', "c.jsonl:2: expected a JSON object a line"),
        ("d.txt.gz", b"no gzip", "expected a list of urls"),
        ("e.txt", b"\xff\xfe\x00", "expected a list of urls"),
    ],
)
def test_a_list_that_cannot_be_read_is_named(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CrawlError, match=told):
        list(read_entries("urls", [tmp_path / name]))


def hosts_at_random(rng: random.Random, count: int) -> list[str]:
    labels = ["a", "ab", "a-b", "b", "a0", "maths", "ma"]
    return [".".join(rng.choices(labels, k=rng.randint(1, 3))) + rng.choice([".org", ".com"]) for _ in range(count)]


@pytest.mark.parametrize("rows_a_run", [1_000, 7])
@pytest.mark.parametrize("kind", ["hosts", "domains"])
def test_no_key_of_a_listed_host_lies_outside_of_what_its_range_is_said_to_hold(tmp_path, kind, rows_a_run):
    rng = random.Random(5)
    listed = hosts_at_random(rng, 40)
    write_runs(tmp_path, kind, iter(listed), rows_a_run)
    runs = UrlList(tmp_path, kind)
    keys = sorted(
        host_surt(host) + rng.choice([")/", ":8080)/", ")/zz?q=1"]) for host in [*listed, *hosts_at_random(rng, 400)]
    )
    for _ in range(300):
        first, last = sorted(rng.sample(range(len(keys)), 2))
        wanted = runs.between(keys[first], keys[last])
        for key in keys[first : last + 1]:
            host = key.partition(")")[0].partition(":")[0]
            below = [",".join(host.split(",")[:n]) for n in range(1, host.count(",") + 2)]
            is_listed = any(one in map(host_surt, listed) for one in (below if kind == "domains" else [host]))
            if is_listed:
                assert wanted is not None
            if wanted is not None:
                assert wanted.includes_host(host) == is_listed, (key, keys[first], keys[last])


def test_a_range_gets_the_hashes_of_its_hosts_alone(tmp_path):
    write_runs(tmp_path, "urls", iter(["https://a.org/1", "https://a.org/2", "https://m.org/1", "nonsense://x"]))
    wanted = UrlList(tmp_path, "urls").between("org,a)/0", "org,b)/")
    assert (wanted.hosts, len(wanted.hashes)) == ({"org,a"}, 2)
    assert UrlList(tmp_path, "urls").between("org,b)/", "org,c)/") is None
    assert np.all(np.diff(wanted.hashes.astype(object)) > 0)
