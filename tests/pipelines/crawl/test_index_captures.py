"""Pages of a list, found in a columnar index and read by byte ranges, are those that reading everything gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assets.command_line import main
from evaluators.executors import LocalExecutor
from pipelines.crawl import byte_sources
from pipelines.crawl.index_captures import write_index_captures
from pipelines.crawl.pages import write_pages
from pipelines.crawl.settings import CrawlError, CrawlSettings
from pipelines.preflight import missing_inputs
from pipelines.recipe import RecipeError, load_recipe
from pipelines.recipe_graph import steps_of
from pipelines.storage import Artifact
from pipelines.urls import canonical_url
from tests.pipelines.crawl.index_layout import ROWS_A_GROUP, SNAPSHOT, Layout, planted_layout, serving_files
from tests.s3_server import serving

HERE = LocalExecutor(workers=1)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return planted_layout(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def every_page(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """All pages of the snapshot by key, of a crawl that reads every byte."""
    folder = tmp_path_factory.mktemp("everything")
    with serving_files(layout.files) as site:
        return pages_of(folder, settings_of(site.url))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_sources, "FIRST_DELAY", 0.0)


def settings_of(base_url: str, **more: Any) -> CrawlSettings:
    common = {"base_url": base_url, "snapshots": [SNAPSHOT], "attempts": 4, "timeout": 10, **more}
    return CrawlSettings.model_validate({"common_crawl": common})


def find(folder: Path, settings: CrawlSettings, **options: Any) -> Artifact:
    folder.mkdir(parents=True, exist_ok=True)
    assert settings.listed is not None
    facts = write_index_captures(folder, settings.listed, crawl=settings, snapshot=SNAPSHOT, executor=HERE, **options)
    return Artifact(name="index_captures", place=folder, content="", facts=facts)


def pages_of(folder: Path, settings: CrawlSettings, listed: Artifact | None = None) -> dict[str, dict[str, Any]]:
    folder.mkdir(parents=True, exist_ok=True)
    write_pages(folder, settings, snapshot=SNAPSHOT, listed=listed, executor=HERE)
    tables = [pq.read_table(path) for path in sorted(folder.glob("pages-*.parquet"))]
    return {row["url_key"]: row for table in tables for row in table.to_pylist()}


def spelled(rows: list[dict[str, Any]], every: int = 5) -> list[str]:
    """Some of the pages, as lists have them: other spellings of the same URL."""
    chosen = sorted({canonical_url(row["url"]) for row in rows})[::every]
    forms = ("https://{}", "http://www.{}", "https://{}#top", "{}")
    return [forms[number % 4].format(key) for number, key in enumerate(chosen)]


def list_file(tmp_path: Path, lines: list[str], name: str = "list.txt") -> str:
    (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    return str(tmp_path / name)


def test_the_pages_of_a_list_are_the_pages_of_the_whole_crawl(layout, every_page, tmp_path):
    urls = spelled(layout.rows)
    keys = {canonical_url(url if "://" in url else f"https://{url}") for url in urls}
    absent = ["https://nowhere.example/a", "https://zzz.example/b"]
    with serving_files(layout.files) as site:
        settings = settings_of(site.url, listed={"urls": [list_file(tmp_path, [*urls, *absent])]})
        listed = find(tmp_path / "listed", settings)
        pages = pages_of(tmp_path / "pages", settings, listed)
    assert pages == {key: row for key, row in every_page.items() if key in keys}
    assert len(pages) >= 20
    assert listed.facts["listed"] == {"urls": len(urls) + 2, "urls_unreadable": 0}


def test_one_page_costs_no_more_than_its_record(layout, tmp_path):
    row = next(row for row in layout.rows if "lemmaworks" in row["url"] and row["fetch_status"] == 200)
    with serving_files(layout.files) as site:
        settings = settings_of(site.url, listed={"urls": [list_file(tmp_path, [row["url"]])]})
        listed = find(tmp_path / "listed", settings)
        pages = pages_of(tmp_path / "pages", settings, listed)
        read = site.bytes_of(".warc.gz")
    assert list(pages) == [canonical_url(row["url"])]
    assert read == listed.facts["bytes"] == row["warc_record_length"]
    assert listed.facts["warc_files"] == 1


def test_row_groups_whose_keys_lie_elsewhere_are_not_read(layout, tmp_path):
    host = "lemmaworks.example"
    with serving_files(layout.files) as site:
        settings = settings_of(site.url, listed={"hosts": [list_file(tmp_path, [host])]})
        listed = find(tmp_path / "listed", settings)
    outcomes = listed.facts["outcomes"]
    groups = -(
        -sum(host in row["url_surtkey"] or "lemmaworks" in row["url_host_name"] for row in layout.rows) // ROWS_A_GROUP
    )
    looked_at = outcomes["row groups"] - outcomes["row groups passed over by their statistics"]
    assert outcomes["row groups"] >= 20
    assert looked_at <= groups + 2  # the host lies together: its own, and one at each end


@pytest.mark.parametrize("kind", ["hosts", "domains", "prefixes"])
def test_hosts_domains_and_prefixes_select_what_lies_under_them(layout, every_page, tmp_path, kind):
    domain = "lemmaworks.example"
    decisions = [
        {"prefix": f"https://www.{domain}/notes", "verdict": "math"},
        {"prefix": "nowhere.example", "verdict": "other"},
    ]
    lines = [json.dumps(row) for row in decisions] if kind == "prefixes" else [f"https://www.{domain}/any"]
    place = list_file(tmp_path, lines, "list.jsonl" if kind == "prefixes" else "list.txt")
    under = f"{domain}/notes" if kind == "prefixes" else domain

    def belongs(key: str) -> bool:
        host = key.partition("/")[0]
        if kind == "domains":
            return host == domain or host.endswith("." + domain)
        return key == under or key.startswith((f"{under}/", f"{under}?"))

    with serving_files(layout.files) as site:
        settings = settings_of(site.url, listed={kind: [place]})
        pages = pages_of(tmp_path / "pages", settings, find(tmp_path / "listed", settings))
    assert set(pages) == {key for key in every_page if belongs(key)}
    assert pages


def test_an_index_without_statistics_and_with_the_least_columns_says_the_same(layout, every_page, tmp_path):
    least = ("url_surtkey", "url", "warc_filename", "warc_record_offset", "warc_record_length")
    bare = layout.with_index([{name: row[name] for name in least} for row in layout.rows], write_statistics=False)
    urls = spelled(layout.rows, 20)
    keys = {canonical_url(url if "://" in url else f"https://{url}") for url in urls}
    with serving_files(bare.files) as site:
        settings = settings_of(site.url, listed={"urls": [list_file(tmp_path, urls)]})
        listed = find(tmp_path / "listed", settings)
        pages = pages_of(tmp_path / "pages", settings, listed)
    assert "row groups passed over by their statistics" not in listed.facts["outcomes"]
    assert pages == {key: row for key, row in every_page.items() if key in keys}


def test_a_record_that_is_not_what_the_index_says_is_left_out_and_told(layout, tmp_path):
    rows = [row for row in layout.rows if row["fetch_status"] == 200 and "lemmaworks" in row["url"]][:3]
    wrong = [
        rows[0] | {"content_digest": rows[1]["content_digest"]},
        rows[1] | {"warc_record_offset": rows[1]["warc_record_offset"] + 5},
        rows[2],
    ]
    mended = layout.with_index(wrong, parts=1)
    with serving_files(mended.files) as site:
        settings = settings_of(site.url, listed={"domains": [list_file(tmp_path, ["lemmaworks.example"])]})
        pages = pages_of(tmp_path / "pages", settings, find(tmp_path / "listed", settings))
    assert list(pages) == [canonical_url(rows[2]["url"])]
    ledger = [
        row for path in (tmp_path / "pages/ledger").glob("crawl-*.parquet") for row in pq.read_table(path).to_pylist()
    ]
    assert {"another digest than in the index"} < {row["reason"] for row in ledger}
    assert {row["url_key"] for row in ledger} == {rows[0]["url"], rows[1]["url"]}


def test_a_search_that_broke_off_goes_on_after_its_last_finished_file(layout, tmp_path):
    with serving_files(layout.files) as site:
        site.faults["part-00002"] = ["503"] * 4
        settings = settings_of(site.url, listed={"urls": [list_file(tmp_path, spelled(layout.rows))]})
        with pytest.raises(CrawlError, match="no answer in 4 attempts"):
            find(tmp_path / "listed", settings)
        site.asked.clear()
        find(tmp_path / "listed", settings)
        assert {name[-26:-16] for name, _ in site.asked if name.endswith("parquet")} == {"part-00002"}


def test_a_server_that_is_busy_and_drops_connections_is_asked_again(layout, every_page, tmp_path):
    urls = spelled(layout.rows, 30)
    with serving_files(layout.files) as site:
        site.faults["part-"] = ["503", "", "cut", "503"]
        site.faults[".warc.gz"] = ["cut", "503", "", "cut"]
        settings = settings_of(site.url, listed={"urls": [list_file(tmp_path, urls)]}, connections=2)
        pages = pages_of(tmp_path / "pages", settings, find(tmp_path / "listed", settings))
    assert pages
    assert all(every_page[key] == row for key, row in pages.items())


def test_background_files_are_read_whole_beside_the_list(layout, every_page, tmp_path):
    first = next(name for name in sorted(layout.files) if name.endswith(".warc.gz"))
    urls = [row["url"] for row in layout.rows if row["fetch_status"] == 200 and row["warc_filename"] != first][:5]
    with serving_files(layout.files) as site:
        settings = settings_of(site.url, listed={"urls": [list_file(tmp_path, urls)], "background_files": 1})
        pages = pages_of(tmp_path / "pages", settings, find(tmp_path / "listed", settings))
    whole = {key for key, row in every_page.items() if row["warc_file"] == first}
    assert whole <= set(pages)
    assert {canonical_url(url) for url in urls} & every_page.keys() <= set(pages)
    assert set(pages) <= whole | {canonical_url(url) for url in urls} | {
        row["url_key"] for row in pages.values() if row["warc_file"] == first
    }


def test_a_list_of_which_the_index_has_nothing_is_refused(layout, tmp_path):
    with serving_files(layout.files) as site:
        settings = settings_of(site.url, listed={"urls": [list_file(tmp_path, ["https://nowhere.example/"])]})
        listed = find(tmp_path / "listed", settings)
        assert listed.facts["rows"] == 0
        with pytest.raises(
            CrawlError, match=r"expected a page of crawl\.common_crawl\.listed in its index; found none"
        ):
            pages_of(tmp_path / "pages", settings, listed)


def test_a_bucket_gives_what_a_web_server_gives(layout, every_page, tmp_path, monkeypatch):
    urls = spelled(layout.rows, 25)
    keys = {canonical_url(url if "://" in url else f"https://{url}") for url in urls}
    with serving("commoncrawl") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        for name, data in layout.files.items():
            server.client().put_object(Bucket="commoncrawl", Key=name, Body=data)
        settings = settings_of(
            "s3://commoncrawl", endpoint_url=server.url, listed={"urls": [list_file(tmp_path, urls)]}
        )
        pages = pages_of(tmp_path / "pages", settings, find(tmp_path / "listed", settings))
    assert pages == {key: row for key, row in every_page.items() if key in keys}


def test_the_command_reads_a_list_and_says_what_it_costs(layout, every_page, tmp_path, capsys):
    urls = spelled(layout.rows, 25)
    keys = {canonical_url(url if "://" in url else f"https://{url}") for url in urls} & every_page.keys()
    words = ["crawl", "--snapshot", SNAPSHOT, "--urls", list_file(tmp_path, urls), "--out", str(tmp_path / "out")]
    with serving_files(layout.files) as site:
        assert main([*words, "--base-url", site.url, "--workers", "1"]) == 0
        site.asked.clear()
        assert main([*words, "--base-url", site.url, "--workers", "1"]) == 0
        assert not any(name.endswith((".parquet", ".warc.gz")) for name, _ in site.asked)  # everything was there
    told = capsys.readouterr().out
    assert f"captures of {len(urls)} urls in 3 files of the index" in told
    assert f"{len(keys)} pages from" in told
    assert main(["crawl", "--urls", words[4], "--out", str(tmp_path / "other")]) == 2
    assert "--urls: expected --snapshot beside it" in capsys.readouterr().err


def test_a_recipe_with_a_list_reads_its_captures(tmp_path):
    text = Path("recipes/demo.yaml").read_text(encoding="utf-8")
    planted = text[text.index("planted:") : text.index("seed:")]
    listed = f"crawl: {{common_crawl: {{listed: {{urls: [{list_file(tmp_path, ['https://a.org/'])}]}}}}}}\n"
    (tmp_path / "recipe.yaml").write_text(text.replace(planted, listed))
    recipe = load_recipe(tmp_path / "recipe.yaml")
    steps = {step.key: step for step in steps_of(recipe)}
    assert steps["index_captures",].cut == "snapshot"
    assert steps["pages",].reads == {"listed": ("index_captures",)}
    (tmp_path / "list.txt").unlink()
    assert any(
        "list.txt: expected a file or folder that lists pages" in line for line in missing_inputs(recipe, ["pages"])
    )
    (tmp_path / "recipe.yaml").write_text(
        text.replace(planted, "crawl: {common_crawl: {listed: {background_files: 2}}}\n")
    )
    with pytest.raises(RecipeError, match="expected files of urls, hosts, domains or prefixes; found none"):
        load_recipe(tmp_path / "recipe.yaml")
