"""`mathsieve compare` on logs and outputs as they are: paired by id, by our verdicts or the harness's, by cluster."""

import json
from pathlib import Path
from typing import Any

import pytest

from assets.command_line import main

RIGHT, WRONG = "So it is \\boxed{4}.", "So it is \\boxed{5}."
Row = dict[str, Any]


def inspect_log(path: Path, right: set[int], *, verdicts: set[int] | None = None, count: int = 24, **more: Any) -> Path:
    """`verdicts` are the samples that its own scorer finds right."""
    samples = [
        {"id": n, "epoch": 1, "input": f"q{n}", "target": "4", "messages": [], "metadata": {"template": f"t{n // 6}"},
         "output": {"completion": RIGHT if n in right else WRONG, "choices": []},
         "scores": {"match": {"value": "C" if n in (right if verdicts is None else verdicts) else "I"}}}
        for n in range(count)
    ]  # fmt: skip
    spec = {"task": "adding", "model": path.stem, "dataset": {"samples": count}, "config": {"epochs": 1}}
    path.write_text(json.dumps({"status": "success", "eval": spec, "samples": samples, **more}), encoding="utf-8")
    return path


def lm_eval_folder(folder: Path, right: dict[str, set[int]]) -> Path:
    folder.mkdir()
    for task, own in right.items():
        rows = [
            {"doc_id": n, "doc": {"question": f"{task} {n}"}, "target": "4", "arguments": {}, "filter": "none",
             "resps": [[RIGHT if n in own else WRONG]], "filtered_resps": ["4"], "metrics": ["exact_match"],
             "exact_match": float(n in own)}
            for n in range(24)
        ]  # fmt: skip
        path = folder / f"samples_{task}_2026-02-03T04-05-06.789.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def compared(capsys: pytest.CaptureFixture[str], *arguments: Any) -> Row:
    capsys.readouterr()
    assert main(["compare", *map(str, arguments), "--json"]) == 0
    found: Row = json.loads(capsys.readouterr().out)
    return found


def test_two_logs_of_inspect_are_compared_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = inspect_log(tmp_path / "a.json", set(range(16)))
    b = inspect_log(tmp_path / "b.json", set(range(4, 12)))
    found = compared(capsys, a, b)
    (one,) = found["comparisons"]
    assert (one["benchmark"], one["comparison"]["only_a"], one["comparison"]["only_b"]) == ("adding", 8, 0)
    assert one["comparison"]["p_value"] == pytest.approx(2 / 2**8)
    assert (found["profile"], found["alarms"], one["verdict"]) == ("strict", [], "better")
    assert one["comparison"]["interval"]["low"] > 0


def test_the_harness_own_verdicts_are_compared_where_they_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = inspect_log(tmp_path / "a.json", set(range(16)), verdicts=set(range(2)))
    b = inspect_log(tmp_path / "b.json", set(range(16)), verdicts={2})
    found = compared(capsys, a, b, "--harness")
    assert found["profile"] == "match"
    (one,) = found["comparisons"]
    assert (one["comparison"]["only_a"], one["comparison"]["only_b"]) == (2, 1)
    assert compared(capsys, a, b)["comparisons"][0]["comparison"]["only_a"] == 0
    assert main(["compare", str(a), str(b), "--harness", "judge"]) == 2
    assert "expected the profile judge on both sides; both have ['match']" in capsys.readouterr().err


def test_an_unfinished_log_is_said_before_the_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = inspect_log(tmp_path / "a.json", set(range(16)))
    b = inspect_log(tmp_path / "b.json", set(range(16)), status="cancelled")
    assert main(["compare", str(a), str(b)]) == 0
    assert capsys.readouterr().out.startswith("!! b: The log is unfinished: inspect gives its status as 'cancelled'.\n")


def test_tasks_of_lm_eval_are_corrected_for_how_many_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = lm_eval_folder(tmp_path / "a", {"sums": set(range(6)), "products": set(range(12)), "only_here": {0}})
    b = lm_eval_folder(tmp_path / "b", {"sums": set(), "products": set()})
    found = {one["benchmark"]: one for one in compared(capsys, a, b)["comparisons"]}
    assert set(found) == {"sums", "products"}
    assert found["sums"]["comparison"]["p_value"] == pytest.approx(2 / 64)
    assert found["sums"]["adjusted_p"] == pytest.approx(2 / 64)  # Holm: the larger of two counts once
    assert found["products"]["adjusted_p"] == pytest.approx(2 * 2 / 2**12)
    assert main(["compare", str(a), str(b)]) == 0
    assert "not compared, since only one side has it: only_here cot" in capsys.readouterr().out


def test_a_column_names_the_clusters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = inspect_log(tmp_path / "a.json", set(range(12)))  # two of four templates whole
    b = inspect_log(tmp_path / "b.json", set())
    (alone,) = compared(capsys, a, b)["comparisons"]
    (one,) = compared(capsys, a, b, "--cluster-by", "template")["comparisons"]
    assert alone["comparison"]["clusters"] is None
    assert (one["comparison"]["clusters"], one["verdict"]) == (4, "no difference shown")
    assert one["comparison"]["p_value"] == pytest.approx(0.5, abs=0.02)  # two coins, both one way
    assert "24 problems in 4 clusters" in one["sentence"]


def test_a_column_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = inspect_log(tmp_path / "a.json", {0}), inspect_log(tmp_path / "b.json", {1})
    assert main(["compare", str(a), str(b), "--cluster-by", "topic"]) == 2
    assert "expected a cluster of every problem of adding; 24 have none" in capsys.readouterr().err


def test_what_both_sides_have_is_compared_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = inspect_log(tmp_path / "a.json", set(range(20)), count=20)
    b = inspect_log(tmp_path / "b.json", set(range(4)), count=24)
    assert main(["compare", str(a), str(b)]) == 2
    assert "4 are on one only" in capsys.readouterr().err
    (one,) = compared(capsys, a, b, "--shared")["comparisons"]
    assert (one["comparison"]["problems"], one["comparison"]["only_a"], one["left_out"]) == (20, 16, [0, 4])
    assert one["sentence"].endswith("Left out, since only one side has them: 4 of b problems.")


def test_nothing_shared_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sides = []
    for name in "ab":
        rows = [{"id": f"{name}{n}", "question": f"{name}{n}", "response": RIGHT, "gold": "4"} for n in range(9)]
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        sides.append(path)
    assert main(["compare", *map(str, sides), "--benchmark", "gsm8k", "--shared"]) == 2
    assert "expected problems of gsm8k that both sides have; found none" in capsys.readouterr().err


def test_two_models_that_agree_on_everything_are_not_known_to_be_equal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = inspect_log(tmp_path / "a.json", {0}), inspect_log(tmp_path / "b.json", {0})
    (one,) = compared(capsys, a, b)["comparisons"]
    width = 1.959964**2 / (24 + 1.959964**2)
    assert one["comparison"]["interval"] == pytest.approx({"low": -width, "high": width}, abs=1e-6)
