"""Weights, duplicates, contamination, order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from evaluators import templated
from evaluators.benchmarks.gsm8k import parse as gsm8k_row
from evaluators.leaks.questions import BenchmarkQuestions, digest
from evaluators.records import Problem
from pipelines.mixtures.mixing import MixtureError, MixtureSettings, write_sft_mixture
from pipelines.mixtures.source import SourceSettings, read_solutions
from pipelines.storage import Artifact


def mix(
    folder: Path, sources: dict[str, Artifact], problems: dict[str, Artifact] | None = None, **settings: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    folder.mkdir(exist_ok=True)
    weights = settings.pop("weights", None) or {name: 1 / len(sources) for name in sources}
    facts = write_sft_mixture(
        folder, MixtureSettings(weights=weights, **settings), sources=sources, problems=problems or {}
    )
    return facts, [row for path in sorted(folder.glob("examples-*")) for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a": 0.5, "b": 0.43}, r"must sum to 1\.0; found 0\.93\. Add a source or raise a weight\."),
        ({"a": 0.9, "b": 0.2}, r"must sum to 1\.0; found 1\.1\. Lower a weight\."),
        ({"a": 1.5, "b": -0.5}, r"each weight must be at least 0; found -0\.5 for b"),
        ({"a": float("nan")}, r"each weight must be at least 0; found nan for a"),
        ({}, "expected either weights, of at least one source, or parts; found neither"),
    ],
)
def test_weights_must_sum_to_one(weights: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MixtureSettings(weights=weights)


def test_tenths_that_binary_cannot_hold_still_sum_to_one() -> None:
    assert MixtureSettings(weights=dict.fromkeys("abcdefghij", 0.1)).weights["a"] == 0.1


def test_weights_and_sources_must_name_the_same(tmp_path: Path, examples: Any) -> None:
    with pytest.raises(MixtureError, match=r"expected one weight for each of the sources a; found weights for b"):
        mix(tmp_path, {"a": examples("a", [{}])}, weights={"b": 1.0})


def test_counts_follow_the_weights_and_sum_exactly(tmp_path: Path, examples: Any) -> None:
    sources = {name: examples(name, [{}] * 50) for name in ("a", "b", "c")}
    facts, rows = mix(tmp_path / "out", sources, weights={"a": 0.5, "b": 0.25, "c": 0.25}, rows=31)
    assert facts["sources"] == {"a": 15, "b": 8, "c": 8} or sum(facts["sources"].values()) == 31
    assert len(rows) == facts["rows"] == 31
    assert facts["sources"]["a"] in (15, 16)


def test_without_a_total_the_scarcest_source_decides(tmp_path: Path, examples: Any) -> None:
    sources = {"small": examples("small", [{}] * 10), "large": examples("large", [{}] * 1000)}
    facts, _ = mix(tmp_path / "out", sources, weights={"small": 0.1, "large": 0.9})
    assert facts["sources"] == {"small": 10, "large": 90}


def test_a_source_that_cannot_fill_its_share_is_an_error(tmp_path: Path, examples: Any) -> None:
    with pytest.raises(
        MixtureError, match=r"expected 20 examples of a \(1 of 20\); .* it has 10\. Lower mixture\.rows"
    ):
        mix(tmp_path / "out", {"a": examples("a", [{}] * 10)}, rows=20)


def test_a_source_with_nothing_left_is_named(tmp_path: Path, examples: Any) -> None:
    sources = {"a": examples("a", [{}]), "b": examples("b", [{"form": "tir"}])}
    with pytest.raises(MixtureError, match="expected examples of every source with a weight; b gave none"):
        mix(tmp_path / "out", sources, forms=("cot",))


def test_one_question_enters_once_in_each_form_whatever_its_layout(tmp_path: Path, examples: Any) -> None:
    rows = [
        {"question": "What is $2 + 2$?"},
        {"question": "what is \\( 2+2 \\) ?", "response": " Four."},
        {"question": "What is $2 + 2$?", "form": "tir"},
        {"question": "What is $2 + 3$?"},
    ]
    facts, kept = mix(tmp_path / "out", {"a": examples("a", rows)})
    assert sorted(row["id"] for row in kept) == ["a/0", "a/2", "a/3"]
    assert facts["dropped"]["a"]["duplicate"] == 1


def test_several_different_solutions_may_be_asked_for(tmp_path: Path, examples: Any) -> None:
    rows = [{"question": "2 + 2?", "response": text} for text in (" Four.", " It is 4.", " Four.", " 2+2=4")]
    _, kept = mix(tmp_path / "out", {"a": examples("a", rows)}, solutions_per_question=2)
    assert sorted(row["id"] for row in kept) == ["a/0", "a/1"]


def test_the_source_of_larger_weight_keeps_a_shared_question(tmp_path: Path, examples: Any) -> None:
    shared = [{"question": f"How much is {n} times {n}?"} for n in range(20)]
    sources = {"a": examples("a", [*shared[:5], {}]), "b": examples("b", shared)}
    facts, _ = mix(tmp_path / "out", sources, weights={"a": 0.1, "b": 0.9}, rows=10)
    assert facts["dropped"]["a"]["duplicate"] == 5
    assert "duplicate" not in facts["dropped"]["b"]


def test_benchmark_problems_never_enter(tmp_path: Path, examples: Any, benchmark: Any) -> None:
    question = "Ann has 12 red marbles and gives 5 of them to Bob. How many does she keep?"
    rows = [
        {"question": "ANN has 12 red marbles\nand gives 5 of them to Bob.  How many does she keep?"},
        {"question": f"Read carefully. {question} Explain."},
        {"question": "Ann has 12 red marbles and gives 5 of them to Tom. How many does she keep?"},
        {"question": "Unrelated?", "response": f" Compare: {question} It is 7."},
        {"question": "Ann has 13 red marbles and gives 6 of them to Bob. How many does she keep?"},
        {"question": "How many marbles fit in 12 boxes of 5?"},
    ]
    facts, kept = mix(tmp_path / "out", {"a": examples("a", rows)}, {"b": benchmark("b", [question, "x?"])})
    assert sorted(row["id"] for row in kept) == ["a/4", "a/5"]
    dropped = {key: count for key, count in facts["dropped"]["a"].items() if count}
    assert dropped == {"contaminated_same": 1, "contaminated_contained": 2, "contaminated_renamed": 1}
    hits = [json.loads(line) for line in (tmp_path / "out" / "contamination.jsonl").read_text().splitlines()]
    assert [hit["example"] for hit in hits] == ["a/0", "a/1", "a/2", "a/3"]
    assert {hit["problem"] for hit in hits} == {"b/0"}


def test_shared_word_sequences_are_refused_unless_the_recipe_says_otherwise(
    tmp_path: Path, examples: Any, benchmark: Any
) -> None:
    rows = [{"question": "A train runs at a steady pace of 60 miles an hour; how far in two hours?"}, {}]
    problems = {
        "b": benchmark("b", ["A train runs at a steady pace of 60 miles an hour. When does it arrive in Rome?"])
    }
    assert len(mix(tmp_path / "one", {"a": examples("a", rows)}, problems, ngram=None)[1]) == 2
    assert len(mix(tmp_path / "two", {"a": examples("a", rows)}, problems)[1]) == 1


def test_a_benchmark_solution_is_found_in_an_answer() -> None:
    worked = "Each of the 12 crates holds 7 jars, so there are 84 jars before the 5 broken ones are taken away."
    known = BenchmarkQuestions([Problem(id="z", benchmark="b", question="x?", reference="79", solution=worked)])
    hit = known.find("How many jars are whole?", f"Let us see. {worked} The answer is 79.")
    assert hit is not None and (hit.problem_id, hit.rule) == ("z", "solution")
    assert known.find("How many jars are whole?", f"Let us see. {worked.replace('84', '85')}") is None


def test_problems_that_differ_in_their_numbers_alone_are_no_duplicates(tmp_path: Path, examples: Any) -> None:
    rows = [{"question": f"Ann has {n} pens and buys {n + 3} more. How many has she?"} for n in range(2, 22)]
    facts, kept = mix(tmp_path / "out", {"a": examples("a", rows)})
    assert (len(kept), facts["dropped"]["a"].get("duplicate", 0)) == (20, 0)


def test_the_rules_together_cost_at_most_three_of_a_thousand_real_gsm8k_rows(real_data: Path) -> None:
    read = list(read_solutions(SourceSettings(source="gsm8k", path=str(real_data / "benchmarks" / "gsm8k"))))
    rows = (real_data / "benchmarks" / "gsm8k" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    settings = MixtureSettings(weights={"gsm8k": 1.0})
    known = BenchmarkQuestions(
        (gsm8k_row(json.loads(line), number, "test") for number, line in enumerate(rows)),
        ngram=settings.ngram,
        matches=settings.matches,
    )
    assert (len(read), known.count) == (7473, 1319)
    found = [one.problem.id for one in read if known.find(one.problem.question, one.response)]
    assert len(found) <= 0.003 * len(read), found


def test_train_problems_of_the_templates_are_not_taken_for_test_problems() -> None:
    questions = BenchmarkQuestions(one.problem for one in templated.generate(200))
    train = templated.generate(600, split="train", seed=8)
    assert [one.problem.id for one in train if questions.find(one.problem.question, one.tir)] == []
    assert all(questions.find(one.problem.question, "") for one in templated.generate(200))


def test_chinese_questions_are_compared_by_character() -> None:
    known = BenchmarkQuestions(
        [Problem(id="z", benchmark="b", question="小明有12个苹果，吃了3个，还剩几个？", reference="9")]
    )
    hit = known.find("小明有 12 个苹果,吃了 3 个,还剩几个?", "")
    assert hit is not None and hit.rule == "same"
    assert known.find("小红有12个橘子，送出3个，还剩几个？", "") is None


def test_a_digest_forgets_layout_and_keeps_meaning() -> None:
    assert digest("Let  $\\left( x+1.5 \\right)$ be") == digest("let \\(x + 1.5\\) BE")
    assert digest("１２ 个") == digest("12 个")
    assert digest("x - 1") != digest("x + 1")
    assert digest("a", "b") != digest("a b")


def test_only_verified_examples_can_be_asked_for(tmp_path: Path, examples: Any) -> None:
    rows = [{"verification": how} for how in ("answer", "executed", "no_reference", None)]
    facts, kept = mix(tmp_path / "out", {"a": examples("a", rows)}, only_verified=True)
    assert sorted(row["id"] for row in kept) == ["a/0", "a/1"]
    assert facts["dropped"]["a"]["unverified"] == 2
    assert facts["verified"] == 2


def test_the_same_settings_give_the_same_bytes_and_another_seed_another_order(tmp_path: Path, examples: Any) -> None:
    sources = {"a": examples("a", [{}] * 40), "b": examples("b", [{}] * 40)}
    runs = [mix(tmp_path / name, sources, seed=seed, rows=30)[1] for name, seed in (("x", 0), ("y", 0), ("z", 1))]
    assert runs[0] == runs[1] != runs[2]
    assert (tmp_path / "x" / "examples-00000.parquet").read_bytes() == (
        tmp_path / "y" / "examples-00000.parquet"
    ).read_bytes()
    assert {row["source"] for row in runs[0][:10]} == {"a", "b"}  # mixed, not one after the other


def test_shards_hold_the_same_examples_in_the_same_order(
    tmp_path: Path, examples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {"a": examples("a", [{}] * 40)}
    whole = mix(tmp_path / "whole", sources)[1]
    monkeypatch.setattr("pipelines.mixtures.mixing.SHARD", 7)
    assert mix(tmp_path / "parts", sources)[1] == whole
    assert len(list((tmp_path / "parts").glob("examples-*"))) == 6


def test_examples_carry_the_name_their_source_has_in_the_recipe(tmp_path: Path, examples: Any) -> None:
    _, rows = mix(tmp_path / "out", {"my_gsm8k": examples("gsm8k", [{}])})
    assert rows[0]["source"] == "my_gsm8k"
