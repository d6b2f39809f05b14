"""Two exported corpora compared: each page is in, out, changed or unchanged, and what left has its reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.command_line import main
from pipelines.corpus.diff import compare_corpora, write_corpus_diff
from pipelines.records import DOCUMENTS, LEDGER
from pipelines.storage import Artifact, References, Store


def document(key: str, text: str = "text", *, tokens: int = 10, language: str = "en", **more: Any) -> dict[str, Any]:
    row = {"url_key": key, "url": f"https://{key}", "text": text, "tokens": tokens, "language": language}
    return row | {"domain": key.partition("/")[0]} | more


def entry(key: str, stage: str, reason: str) -> dict[str, Any]:
    return {"url_key": key, "stage": stage, "reason": reason, "detail": ""}


def write_corpus(folder: Path, documents: Sequence[dict[str, Any]], ledger: Sequence[dict[str, Any]] = ()) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "ledger").mkdir()
    schema = DOCUMENTS
    for name in {name for row in documents for name in row} - set(DOCUMENTS.names):
        schema = schema.append(pa.field(name, pa.string()))
    half = len(documents) // 2
    for number, rows in enumerate((documents[:half], documents[half:])):
        pq.write_table(pa.Table.from_pylist(list(rows), schema), folder / "data" / f"documents-{number:05d}.parquet")
    pq.write_table(pa.Table.from_pylist(list(ledger), LEDGER), folder / "ledger" / "ledger-00000.parquet")


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., Artifact]:
    def make(name: str, *tables: Sequence[dict[str, Any]]) -> Artifact:
        write_corpus(tmp_path / name, *tables)
        return Artifact(name="math_corpus", place=tmp_path / name, content=name)

    return make


OLD = [document("a.org/1"), document("a.org/2"), document("b.org/1", tokens=5), document("b.org/2"), document("d.cn/9")]
NEW = [
    document("a.org/1"),
    document("a.org/2", "another text", tokens=12),
    document("c.cn/1", language="zh", tokens=7),
    document("c.cn/2", language="zh", tokens=8),
]
OLD_LEDGER = [entry("c.cn/1", "decontamination", "contamination"), entry("z.org/1", "decontamination", "contamination")]
NEW_LEDGER = [
    entry("b.org/1", "decontamination", "contamination"),
    entry("b.org/2", "near_duplicates", "near-duplicate"),
]


def test_every_page_is_in_out_changed_or_unchanged(corpus):
    told = compare_corpora(corpus("old", OLD, OLD_LEDGER), corpus("new", NEW, NEW_LEDGER))
    assert told["before"] == {"pages": 5, "tokens": 45}
    assert told["after"] == {"pages": 4, "tokens": 37}
    assert [(told[kind]["pages"], told[kind]["tokens"]) for kind in ("in", "out", "changed")] == [
        (2, 15),
        (3, 25),
        (1, 12),
    ]
    assert told["unchanged"] == 1
    assert told["in"]["by_language"] == {"zh": {"pages": 2, "tokens": 15}}
    assert told["out"]["by_domain"] == {"b.org": {"pages": 2, "tokens": 15}, "d.cn": {"pages": 1, "tokens": 10}}


def test_what_went_out_has_its_reason_and_what_came_in_why_it_was_not_there(corpus):
    told = compare_corpora(corpus("old", OLD, OLD_LEDGER), corpus("new", NEW, NEW_LEDGER))
    assert told["out"]["reasons"] == {
        "decontamination: contamination": 1,
        "near_duplicates: near-duplicate": 1,
        "not collected": 1,
    }
    assert told["in"]["reasons"] == {"decontamination: contamination": 1, "not collected": 1}


def test_contamination_counts_what_each_dropped_and_the_other_holds(corpus):
    told = compare_corpora(corpus("old", OLD, OLD_LEDGER), corpus("new", NEW, NEW_LEDGER))
    assert told["contamination"] == {
        "contaminated_before": 2,
        "contaminated_before_held_after": 1,  # c.cn/1: a leak that the later corpus has
        "contaminated_after": 1,
        "contaminated_after_held_before": 1,
    }


def test_tiers_are_told_where_a_corpus_has_them(corpus):
    tiered = [row | {"tier": tier} for row, tier in zip(NEW, (1, 1, 3, 2), strict=True)]
    told = compare_corpora(corpus("old", OLD), corpus("new", tiered))
    assert told["in"]["by_tier"] == {"2": {"pages": 1, "tokens": 8}, "3": {"pages": 1, "tokens": 7}}
    assert "by_tier" not in told["out"]


def test_a_corpus_and_itself_differ_in_nothing_and_the_first_is_all_new(corpus):
    same = compare_corpora(corpus("old", OLD), corpus("copy", OLD[::-1]))
    assert (same["unchanged"], same["in"]["pages"], same["out"]["pages"], same["changed"]["pages"]) == (5, 0, 0, 0)
    first = compare_corpora(None, corpus("first", OLD))
    assert (first["in"]["pages"], first["unchanged"], first["before"]["pages"]) == (5, 0, 0)


def test_the_command_takes_folders_runs_and_one_run_alone(corpus, tmp_path, capsys):
    corpus("old", OLD, OLD_LEDGER)
    corpus("new", NEW, NEW_LEDGER)
    assert main(["diff", str(tmp_path / "old"), str(tmp_path / "new"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["in"]["pages"] == 2
    store = Store(tmp_path / "run")
    for number, tables in enumerate([(OLD, OLD_LEDGER), (NEW, NEW_LEDGER)]):
        if number:
            assert main(["diff", str(tmp_path / "run")]) == 2
            assert "exported a corpus twice" in capsys.readouterr().err
        identity = {"name": "math_corpus", "settings": number}
        made = store.build(identity, lambda folder, tables=tables: write_corpus(folder, *tables) or {})
        References(store).write("math_corpus", made)
        References(store).write("math_corpus", made)  # found again: what was before stays before
    assert main(["diff", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told
    assert main(["diff", made.location, str(tmp_path / "old")]) == 0
    assert "unchanged" in capsys.readouterr().out
    assert main(["diff", str(tmp_path / "run"), str(tmp_path / "nowhere")]) == 2


def test_the_asset_says_it_in_a_page_without_markup_of_others(corpus, tmp_path):
    evil = [*NEW, document("x.org/<script>", "<script>alert(1)</script>")]
    folder = tmp_path / "diff"
    folder.mkdir()
    old = corpus("old", OLD)
    facts = write_corpus_diff(folder, math_corpus=corpus("new", evil), before="old", earlier=lambda: old)
    page = (folder / "report.html").read_text()
    assert facts["pages_in"] == 3
    assert not facts["first"]
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
