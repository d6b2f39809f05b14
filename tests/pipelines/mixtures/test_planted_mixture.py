"""A mixture with one row of everything that must not be trained on: each is caught, and the ledger names it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.mixtures.mixing import MixtureSettings, write_sft_mixture
from pipelines.mixtures.source import SourceSettings, write_source
from pipelines.records import PROBLEMS
from pipelines.storage import Store

BOX = "So it is $\\boxed{42}$."


def trajectory(code: str, output: str) -> str:
    return f"```python\n{code}\n```\n```output\n{output}\n```\n{BOX}"


LEAKS = json.loads((Path(__file__).parents[2] / "evaluators" / "leaks" / "rewordings.json").read_text(encoding="utf-8"))
PLANTED = [  # form, solution, what becomes of it
    ("cot", "Six times seven is forty-one. The answer is $\\boxed{41}$.", "wrong_answer"),
    ("cot", "It may be 41 or 42, who knows.", "no_answer"),
    ("pot", "```python\nprint(6 * 8)\n```", "wrong_answer"),
    ("pot", "```python\nprint(6 * seven)\n```", "program_error"),
    ("pot", "```python\nwhile True:\n    pass\n```", "program_timeout"),
    ("pot", "```python\nx = 6 * 7\n```", "no_answer"),
    ("pot", "```python\nprint(42)\n```", "constant_program"),
    ("tir", trajectory("print(6 * 7)", "NameError: x"), "output_differs"),
    ("tir", trajectory("print(6 * 7)", "43").replace("So", "As 43 - 1 is 42,"), "output_differs"),
    ("tir", f"No program is needed. {BOX}", "no_program"),
    ("tir", f"We write one.\n```python\nprint(6 * 7)\n{BOX}", "cut"),
    ("cot", f"I'm sorry, but I can't solve this. {BOX}", "refusal"),
    ("cot", f"Cheap watches at www.example.org! {BOX}", "advert"),
    ("cot", f"<div>Multiply.</div> {BOX}", "markup"),
    ("cot", f"{'Let us look at the two numbers again. ' * 8}{BOX}", "repetition"),
    ("cot", f"我们把六乘以七，得到四十二，这就是所求的答案。{BOX}", "wrong_language"),
    ("cot", f"The caf\ufffd sells them. {BOX}", "broken_text"),
    ("cot", "...", "empty"),
    ("cot", f"Six sevens are forty-two. {BOX}", "kept"),
    ("pot", "```python\nprint(6 * 7)\n```", "kept"),
    ("tir", trajectory("print(6 * 7)", "42"), "kept"),
]


def planted_source(tmp_path: Path, **verification: Any) -> Any:
    rows = [
        {
            "id": f"{number}",
            "question": f"{number} of 6 times 7?",
            "reference": "42",
            "form": form,
            "response": response,
        }
        for number, (form, response, _) in enumerate(PLANTED)
    ]
    file = tmp_path / "planted.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    settings = SourceSettings(source="jsonl", path=str(file), verification=verification)  # type: ignore[arg-type]
    return Store(tmp_path / "store").build(
        {"name": "planted", "settings": [file.read_text(), verification]}, lambda folder: write_source(folder, settings)
    )


def fate(source: Any) -> dict[int, str]:
    """Number of the planted row -> the reason for which it went, or `kept`."""
    found = {}
    for path in source.files("rejected-*.parquet"):
        for row in pq.read_table(path).to_pylist():
            found[int(row["id"].split("/")[2])] = row["reason"]
    for path in source.files("examples-*.parquet"):
        for row in pq.read_table(path).to_pylist():
            found[int(row["id"].split("/")[2])] = "kept"
    return found


def test_every_planted_fault_is_named_in_the_ledger_with_the_text_to_read(tmp_path: Path) -> None:
    source = planted_source(tmp_path)
    assert fate(source) == {number: reason for number, (_, _, reason) in enumerate(PLANTED)}
    (path,) = source.files("rejected-*.parquet")
    rows = {row["reason"]: row for row in pq.read_table(path).to_pylist()}
    assert rows["refusal"]["response"] == f"I'm sorry, but I can't solve this. {BOX}"
    assert rows["refusal"]["problem"] == "11 of 6 times 7?"
    assert source.facts["rejected"] == dict(Counter(reason for _, _, reason in PLANTED if reason != "kept"))


def test_a_repair_saves_the_stale_output_and_nothing_else(tmp_path: Path) -> None:
    source = planted_source(tmp_path, repair=True)
    saved = {number for number, reason in fate(source).items() if reason == "kept" and PLANTED[number][2] != "kept"}
    assert saved == {7}
    (path,) = source.files("examples-*.parquet")
    (row,) = [row for row in pq.read_table(path).to_pylist() if row["verification"] == "repaired"]
    assert [message["content"] for message in row["messages"]][-2:] == ["42", BOX]
    assert source.facts["verification"]["repaired"] == 1


def test_kept_flaws_are_counted_and_stand_in_their_rows(tmp_path: Path) -> None:
    source = planted_source(tmp_path, flaws={"markup": "keep", "constant_program": "keep"})
    assert source.facts["flaws_kept"] == {"constant_program": 1, "markup": 1}
    (path,) = source.files("examples-*.parquet")
    assert sorted(row["flaws"] for row in pq.read_table(path).to_pylist() if row["flaws"]) == [
        ["constant_program"],
        ["markup"],
    ]


def test_spellings_and_rewordings_of_leaks_and_duplicates_are_caught_in_the_mixture(
    tmp_path: Path, examples: Any
) -> None:
    copies = [text for _, _, text in LEAKS["spellings"]]
    reworded = [text for _, match, text in LEAKS["rewordings"] if match != "translated"]
    sound = ["How many legs have 7 spiders?", "how many legs have $7$ spiders?", "How many legs have 8 spiders?"]
    rows = [{"question": text} for text in [*copies, *reworded, *sound]]
    assert len(copies) >= 14 and len(reworded) >= 12
    store, folder = Store(tmp_path / "benchmarks"), tmp_path / "out"
    problems = [
        {**dict.fromkeys(PROBLEMS.names), "id": name, "benchmark": "b", "question": text, "reference": "1"}
        for name, text in LEAKS["questions"].items()
    ]

    def write(at: Path) -> dict[str, Any]:
        from pipelines.mixtures.source import write_rows

        write_rows(at / "problems.parquet", problems, PROBLEMS)
        return {}

    folder.mkdir()
    facts = write_sft_mixture(
        folder,
        MixtureSettings(weights={"a": 1.0}),
        sources={"a": examples("a", rows)},
        problems={"b": store.build({"name": "b", "settings": 0}, write)},
    )
    kept = [row["problem"] for path in folder.glob("examples-*") for row in pq.read_table(path).to_pylist()]
    assert sorted(kept) == [sound[0], sound[2]]  # the same words are a duplicate, other numbers are another problem
    dropped: Any = facts["dropped"]
    assert dropped["a"]["duplicate"] == 1
    contaminated = {name: count for name, count in dropped["a"].items() if name.startswith("contaminated")}
    assert sum(contaminated.values()) == len(copies) + len(reworded)
    named = [json.loads(line) for line in (folder / "contamination.jsonl").read_text(encoding="utf-8").splitlines()]
    expected = [
        *(name for name, _, _ in LEAKS["spellings"]),
        *(n for n, m, _ in LEAKS["rewordings"] if m != "translated"),
    ]
    assert [line["problem"] for line in named] == expected
