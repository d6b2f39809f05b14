"""A new snapshot added by frozen models: what enters, what changes, what is extracted, and what is made again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from bench._refreshes import SNAPSHOTS, make_corpus, recipe_of
from pipelines.corpus.frozen import FrozenSettings, write_frozen
from pipelines.corpus.growth import GrowthSettings
from pipelines.corpus.recall import RecallSettings
from pipelines.corpus.refresh import write_refreshed
from pipelines.crawl.planted import PlantedSettings, write_planted_crawl
from pipelines.crawl.settings import CrawlSettings
from pipelines.crawl.url_index import write_url_index
from pipelines.extraction import survivors
from pipelines.preflight import missing_inputs
from pipelines.records import COLLECTED, PAGES
from pipelines.storage import Artifact

SMALL = {"count": 1, "dim": 8, "ngrams": 1, "least_updates": 2_000}


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crawl")
    write_planted_crawl(folder, PlantedSettings(scale=0.15, snapshots=SNAPSHOTS, leaks=0, recrawled=0.4))
    return folder


@pytest.fixture
def extracted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The URLs of all records that are extracted."""
    urls, page = list[str](), survivors.page_of

    def noted(capture: Any) -> dict[str, Any]:
        urls.append(capture.url)
        return page(capture)

    monkeypatch.setattr(survivors, "page_of", noted)
    yield urls


def rows_of(artifact: Artifact, pattern: str = "corpus-*.parquet") -> dict[str, dict[str, Any]]:
    return {row["url_key"]: row for path in artifact.files(pattern) for row in pq.read_table(path).to_pylist()}


def test_a_new_snapshot_costs_what_is_new_in_it(crawl, tmp_path, monkeypatch, extracted, capsys):
    monkeypatch.setenv("MATHSIEVE_HOME", str(tmp_path))
    before, _ = make_corpus(recipe_of(crawl, SNAPSHOTS[:2], SNAPSHOTS[:2], **SMALL))
    left_out = set(before["extracted"].facts["left_out"])
    extracted.clear()
    recipe = recipe_of(crawl, SNAPSHOTS, SNAPSHOTS[:2], **SMALL)
    after, _ = make_corpus(recipe)

    made_again = {name for name in after if name not in before or after[name].content != before[name].content}
    assert not any(name.startswith(("iteration_", "seed_corpus", "url_index")) for name in made_again)
    assert {name for name in made_again if name.startswith("pages")} == {f"pages/{SNAPSHOTS[2]}"}

    old, new = rows_of(before["refresh/corpus"]), rows_of(after["refresh/corpus"])
    facts = after["refresh/corpus"].facts
    assert old.keys() <= new.keys()  # nothing is lost
    assert facts["new_pages"] == len(new.keys() - old.keys()) > 5
    changed = {key for key in old if old[key]["digest"] != new[key]["digest"]}
    assert facts["updated_pages"] == len(changed) > 0
    assert all(new[key]["snapshot"] == SNAPSHOTS[2] for key in changed)
    assert all(old[key]["warc_offset"] == new[key]["warc_offset"] for key in old.keys() - changed)

    fresh = {new[key]["url"] for key in (new.keys() - old.keys()) | changed}
    again = set(extracted) - fresh  # what came out empty has no row to be found again
    assert fresh == set(extracted) - again
    assert not again or left_out
    assert f"of {len(new)} pages had been extracted before" in capsys.readouterr().err

    at_once = tmp_path / "at once"  # what was taken from before is what would be extracted
    at_once.mkdir()
    grown = after["refresh/corpus"]
    survivors.write_extracted(
        at_once, recipe.corpus.extraction, crawl=recipe.crawl, corpus=grown, executor=recipe.executor
    )
    for path in after["extracted"].files("extracted-*.parquet"):
        assert (at_once / path.name).read_bytes() == path.read_bytes()


def collected(key: str, digest: str | None, origin: str = "recalled", **more: Any) -> dict[str, Any]:
    row = dict.fromkeys(COLLECTED.names) | {
        "url_key": key,
        "url": f"https://{key}",
        "domain": "a.org",
        "language": "en",
    }
    return row | {"digest": digest, "origin": origin, "tokens": 10, "text": f"{key} {digest}", "margin": 1.0} | more


def test_changed_captures_replace_and_unchanged_ones_stay(stored, stage):
    old = [collected("a.org/same", "1"), collected("a.org/changed", "1"), collected("a.org/seed", None, "seed")]
    new = [
        collected(f"a.org/{name}", digest, snapshot="B")
        for name, digest in (("same", "1"), ("changed", "2"), ("new", "1"))
    ]
    new.append(collected("a.org/seed", "5", snapshot="B"))
    pages = {"B": stored("pages", [], PAGES)}
    facts = stage(
        write_refreshed,
        GrowthSettings(),
        previous=stored("previous", old, COLLECTED, converged=True, iteration=2),
        recalled=stored("recalled", new, COLLECTED),
        frozen=frozen_of(stored("frozen", [], COLLECTED)),
        pages=pages,
        url_index=stage(write_url_index, CrawlSettings(), name="index", pages=pages),
    )
    rows = rows_of(facts)
    assert list(rows) == ["a.org/same", "a.org/seed", "a.org/changed", "a.org/new"]
    assert [rows[key]["snapshot"] for key in rows] == [None, None, "B", "B"]
    told = {name: facts.facts[name] for name in ("new_pages", "updated_pages", "unchanged_pages", "rows", "converged")}
    assert told == {"new_pages": 1, "updated_pages": 1, "unchanged_pages": 1, "rows": 4, "converged": True}


def frozen_of(artifact: Artifact) -> Artifact:
    (artifact.path / "decisions.jsonl").write_text("")
    return artifact


def model(folder: Path, name: str, **facts: Any) -> Artifact:
    place = folder / name
    place.mkdir()
    for file in ("linear.npy", "linear.json"):
        (place / file).write_text(name)
    return Artifact(name=name, place=place, content=name, facts=facts)


def test_the_last_iteration_that_learnt_is_frozen_with_its_cut_and_all_decisions(tmp_path, stored, stage):
    classifiers = {str(n): model(tmp_path, f"m{n}", converged=n == 3) for n in (1, 2, 3)}
    recalls = {str(n): model(tmp_path, f"r{n}", converged=n == 3, rows=1, lowest_margin=n / 10) for n in (1, 2, 3)}
    decided = {str(n): model(tmp_path, f"d{n}", converged=n == 3) for n in (1, 2, 3)}
    lines = {
        "1": ["a.org/x math", "a.org/y undecided"],
        "2": ["a.org/y math"],
        "3": [],
    }
    for number, said in lines.items():
        rows = [line.split() for line in said]
        text = "".join(
            f'{{"prefix": "{prefix}", "verdict": "{verdict}", "by": "rule", "who": "r", "why": "w"}}\n'
            for prefix, verdict in rows
        )
        (decided[number].path / "decisions.jsonl").write_text(text)
    settings = FrozenSettings(recalls=tuple(RecallSettings(token_budget=budget) for budget in (None, 100, 100)))
    made = stage(write_frozen, settings, classifiers=classifiers, recalled=recalls, annotations=decided)
    assert (made.path / "linear.json").read_text() == "m2"
    assert made.facts["threshold"] == 0.2  # where the budget of iteration 2 ended
    told = [line.split('"')[3:8:4] for line in (made.path / "decisions.jsonl").read_text().splitlines()]
    assert told == [["a.org/x", "math"], ["a.org/y", "math"]]


def test_a_snapshot_to_grow_on_that_the_crawl_does_not_have_is_told_before_the_run(crawl):
    recipe = recipe_of(crawl, SNAPSHOTS, ["CC-MAIN-1999-01"])
    (line,) = missing_inputs(recipe, ["pages"])
    assert line.startswith("iterations.grown_on: expected snapshots of the crawl")
