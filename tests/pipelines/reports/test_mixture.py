"""The mixture report: its figures counted by hand, and a page that carries everything it needs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.example_text import example_messages
from pipelines.mixtures.source import REJECTED, write_rows
from pipelines.records import EXAMPLES, PACKED
from pipelines.reports.mixture import MixtureReportSettings, write_mixture_report
from pipelines.storage import Artifact, Store


def example(number: int, **changes: Any) -> dict[str, Any]:
    question, response = f"What is {number}?", changes.pop("response", " " + "x" * number)
    row = {
        **dict.fromkeys(EXAMPLES.names),
        "id": f"a/{number}", "source": "school", "problem_id": f"p/{number}", "language": "en", "subject": "algebra",
        "form": "cot", "problem": question, "messages": example_messages(question, response, changes.get("form", "cot")),
        "reference": str(number), "verification": "answer",
    }  # fmt: skip
    return {**row, **changes}


ROWS = [
    *(example(n) for n in range(1, 7)),
    example(
        7, source="外", language="zh", subject=None, form="tir", verification=None, response=" </script><b>tricky</b>"
    ),
    example(8, form="tir", response=" ```python\nprint(8)\n```\n```output\n8\n```\n$\\boxed{8}$"),
]
LABELS = [[-100, -100, 3, 4, -100, 6], [-100, 8]]
LENGTHS = [[4, 2], [2]]


@pytest.fixture
def artifacts(tmp_path: Path) -> tuple[Artifact, Artifact]:
    def mixture(folder: Path) -> dict[str, Any]:
        pq.write_table(pa.Table.from_pylist(ROWS, schema=EXAMPLES), folder / "examples-00000.parquet")
        return {"rows": 8, "dropped": {"school": {"duplicate": 2, "over_weight": 0}}, "benchmark_questions": 60}

    def packed(folder: Path) -> dict[str, Any]:
        rows = [
            {"input_ids": [9] * len(labels), "labels": labels, "position_ids": labels, "seq_lengths": lengths}
            for labels, lengths in zip(LABELS, LENGTHS, strict=True)
        ]
        pq.write_table(pa.Table.from_pylist(rows, schema=PACKED), folder / "packed-00000.parquet")
        return {"context": 8, "strategy": "best_fit", "efficiency_by_strategy": {"best_fit": 0.5, "random": 0.4}}

    store = Store(tmp_path / "store")
    return store.build({"name": "mixture"}, mixture), store.build({"name": "packed"}, packed)


def report(folder: Path, artifacts: tuple[Artifact, Artifact], **settings: Any) -> tuple[Any, dict[str, Any], str]:
    folder.mkdir(exist_ok=True)
    mixture, packed = artifacts
    facts = write_mixture_report(folder, MixtureReportSettings(**settings), mixture=mixture, packed=packed)
    figures = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return facts, figures, (folder / "report.html").read_text(encoding="utf-8")


def test_composition_is_counted_by_source_form_language_and_subject(tmp_path: Path, artifacts: Any) -> None:
    _, figures, _ = report(tmp_path / "out", artifacts)
    assert figures["examples"] == 8
    assert figures["verified"] == 7
    by = {column: {one["name"]: one["examples"] for one in rows} for column, rows in figures["composition"].items()}
    assert by["source"] == {"school": 7, "外": 1}
    assert by["form"] == {"cot": 6, "tir": 2}
    assert by["language"] == {"en": 7, "zh": 1}
    assert by["verification"] == {"answer": 7, "not looked at": 1}
    assert by["licence"] == by["field"] == by["topic"] == {"not given": 8}
    assert by["subject"] == {"algebra": 7, "not given": 1}
    cot = next(group for group in figures["groups"] if group["form"] == "cot")
    assert cot["mean_characters"] == 4.5  # responses of 2 to 7 characters


@pytest.fixture
def source(tmp_path: Path) -> Artifact:
    def write(folder: Path) -> dict[str, Any]:
        rows = [
            {
                "id": f"s/{n}",
                "form": "cot",
                "reason": reason,
                "detail": "why",
                "problem": f"What is {n}?",
                "response": "<p>no</p>",
            }
            for n, reason in enumerate(["refusal"] * 9 + ["markup"])
        ]
        write_rows(folder / "rejected-00000.parquet", rows, REJECTED)
        return {"source": "jsonl", "rows": 7, "rejected": {"markup": 1, "refusal": 9}, "flaws_kept": {"cut": 2}}

    return Store(tmp_path / "store").build({"name": "source"}, write)


def test_what_was_rejected_can_be_read_with_its_reason(tmp_path: Path, artifacts: Any, source: Artifact) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    mixture, packed = artifacts
    write_mixture_report(folder, mixture=mixture, packed=packed, sources={"school": source})
    page = (folder / "report.html").read_text(encoding="utf-8")
    carried = re.search(r'<script id="samples" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert carried is not None
    outcomes = [(one["source"], one["outcome"]) for one in json.loads(carried[1]) if one["outcome"] != "kept"]
    assert outcomes == [("school", "markup"), *[("school", "refusal")] * 3]
    figures = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert list(figures["rejected"]["school"]["reasons"].items()) == [("refusal", 9), ("markup", 1)]
    assert figures["rejected"]["school"]["flaws_kept"] == {"cut": 2}


def test_leaks_are_shown_by_rule_with_the_words_that_agree(tmp_path: Path, artifacts: Any) -> None:
    def mixture(folder: Path) -> dict[str, Any]:
        pq.write_table(pa.Table.from_pylist(ROWS, schema=EXAMPLES), folder / "examples-00000.parquet")
        hit = {"source": "school", "problem": "b/1", "rule": "ngram", "share": 0.0, "span": "ten words in a row"}
        lines = [json.dumps({**hit, "example": f"a/{n}"}) for n in range(5)]
        (folder / "contamination.jsonl").write_text("\n".join(lines), encoding="utf-8")
        return {"rows": 8}

    leaking = Store(tmp_path / "leaking").build({"name": "mixture"}, mixture)
    _, figures, page = report(tmp_path / "out", (leaking, artifacts[1]))
    assert figures["leaks"]["counts"] == {"school": {"ngram": 5}}
    assert [hit["example"] for hit in figures["leaks"]["examples"]] == ["a/0", "a/1", "a/2"]
    assert page.count("ten words in a row") == 3
    assert "None was found." in report(tmp_path / "clean", artifacts)[2]


def test_the_card_names_every_source_with_revision_and_licence(tmp_path: Path, artifacts: Any) -> None:
    def mixture(folder: Path) -> dict[str, Any]:
        rows = [
            example(1, dataset="o/n", revision="abc", licence="MIT"),
            example(2, dataset="o/n", revision="abc", licence="MIT"),
            example(3, source="other", licence="CC-BY-4.0"),
        ]
        pq.write_table(pa.Table.from_pylist(rows, schema=EXAMPLES), folder / "examples-00000.parquet")
        return {"rows": 3}

    report(tmp_path / "out", (Store(tmp_path / "licensed").build({"name": "mixture"}, mixture), artifacts[1]))
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: other\nlanguage:\n- en\nconfigs:\n")
    assert "| school | o/n | abc | MIT | 2 |" in card
    assert "| other | not given | not given | CC-BY-4.0 | 1 |" in card
    assert "under the licence of its source: CC-BY-4.0, MIT." in card


def test_nothing_in_the_page_scrolls_it_away_from_its_top(tmp_path: Path, artifacts: Any) -> None:
    """scrollIntoView moves every box around an element, the page among them: it opened at 2,353 of 3,712 pixels."""
    script = report(tmp_path / "out", artifacts)[2].rpartition("<script>")[2]
    code = "\n".join(line.partition("//")[0] for line in script.splitlines())
    assert "scrollIntoView" not in code and "focus(" not in code and "location" not in code


def test_packing_is_read_from_the_rows_themselves(tmp_path: Path, artifacts: Any) -> None:
    _, figures, _ = report(tmp_path / "out", artifacts)
    packing = figures["packing"]
    assert (packing["rows"], packing["examples"], packing["tokens"], packing["trained_tokens"]) == (2, 3, 8, 4)
    assert packing["efficiency"] == 0.5
    assert (packing["example_tokens"]["low"], packing["example_tokens"]["longest"]) == (2, 4)


def test_rare_subjects_are_counted_together(tmp_path: Path, artifacts: Any) -> None:
    _, figures, _ = report(tmp_path / "out", artifacts, subjects=1)
    assert [(one["name"], one["examples"]) for one in figures["composition"]["subject"]] == [
        ("algebra", 7),
        ("1 others", 1),
    ]


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path, artifacts: Any) -> None:
    _, _, page = report(tmp_path / "out", artifacts)
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    assert "@import" not in page and "url(" not in page
    assert "{{" not in page and "{%" not in page


def test_texts_of_examples_stay_texts(tmp_path: Path, artifacts: Any) -> None:
    _, _, page = report(tmp_path / "out", artifacts)
    assert "<b>tricky" not in page
    assert page.count("</script>") == 2
    carried = re.search(r'<script id="samples" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert carried is not None
    assert [one["response"] for one in json.loads(carried[1]) if one["source"] == "外"] == [" </script><b>tricky</b>"]


def test_samples_are_few_of_each_kind_and_always_the_same(tmp_path: Path, artifacts: Any) -> None:
    facts, _, page = report(tmp_path / "one", artifacts, samples=2)
    assert facts["samples"] == 4  # two of school's six cot, and the single ones
    assert report(tmp_path / "two", artifacts, samples=2)[2] == page


def test_markdown_says_the_same_in_short(tmp_path: Path, artifacts: Any) -> None:
    report(tmp_path / "out", artifacts)
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "8 examples, 7 of them verified; 8 tokens in 2 rows of 8, 50.0% full; loss on 4 tokens." in text
    assert "| school | tir | 1 | 100.0% |" in text
    assert "| school | duplicate | 2 |" in text
    assert "over_weight" not in text


def test_where_nothing_was_left_out_the_page_says_so(tmp_path: Path, artifacts: Any) -> None:
    mixture, packed = artifacts
    nothing = replace(mixture, facts={**mixture.facts, "dropped": {"school": {"duplicate": 0}}})
    page = report(tmp_path / "out", (nothing, packed))[2]
    assert '<td colspan="3">nothing</td>' in page
    assert '<td colspan="3">nothing</td>' not in report(tmp_path / "some", artifacts)[2]
