"""`mathsieve grade` and `mathsieve compare`, as a user runs them."""

import json
from pathlib import Path
from typing import Any

import pytest

from assets.command_line import main
from evaluators.outputs import OutputsError, read_outputs

RIGHT, WRONG = "So it is \\boxed{4}.", "So it is \\boxed{5}."


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def graded(path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    assert main(["grade", str(path), "--benchmark", "gsm8k", "--json", *more]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


@pytest.mark.parametrize(
    "row",
    [
        {"question": "2+2?", "response": RIGHT, "gold": "4"},
        {"problem": "2+2?", "completion": RIGHT, "reference": 4},
        {"prompt": "2+2?", "output": RIGHT, "ground_truth": "4.0"},
        {"query": "2+2?", "generation": [RIGHT], "answer": "2+2=4\n#### 4"},
        {"question": "2+2?", "model_output": RIGHT, "target": "So $\\boxed{4}$."},
        {"question": "2+2?", "answer": RIGHT, "gt": "4"},
        {"input": "2+2?", "prediction": {"text": RIGHT}, "label": 4.0},
        {"idx": 3, "question": "2+2?", "gt": "4", "code": [RIGHT], "pred": ["4"], "report": [None]},
        {
            "doc_id": 0,
            "doc": {"question": "2+2?", "answer": "2+2=4\n#### 4"},
            "target": "2+2=4\n#### 4",
            "arguments": {},
            "resps": [[RIGHT]],
            "filtered_resps": ["4"],
        },
    ],
    ids=lambda row: "-".join(row)[:40],
)
def test_usual_spellings_are_understood(
    row: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = graded(write(tmp_path / "a.jsonl", [row]), capsys)
    assert (report["n"], report["correct"], report["accuracy"]) == (1, 1, 100.0)


def test_the_json_holds_what_was_promised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"id": n, "question": f"2+2? ({n})", "response": RIGHT if n < 8 else WRONG, "gold": "4"} for n in range(10)]
    report = graded(write(tmp_path / "a.jsonl", rows), capsys)
    assert {key: report[key] for key in ("benchmark", "profile", "n", "correct", "accuracy")} == {
        "benchmark": "gsm8k", "profile": "strict", "n": 10, "correct": 8, "accuracy": 80.0
    }  # fmt: skip
    assert report["interval"] == pytest.approx([44.39, 97.48], abs=0.01)  # Clopper and Pearson's published one


def test_several_responses_give_pass_and_majority(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"id": 0, "question": "2+2?", "responses": [RIGHT, "\\boxed{4.0}", WRONG, WRONG + " "], "gold": "4"},
        {"id": 1, "question": "1+3?", "responses": [WRONG, WRONG, WRONG, RIGHT], "gold": "4"},
    ]
    report = graded(write(tmp_path / "a.jsonl", rows), capsys)
    assert (report["problems"], report["samples"], report["n"], report["correct"]) == (2, 4, 8, 3)
    assert report["pass_at"]["1"] == pytest.approx(37.5)
    assert report["pass_at"]["4"] == 100.0
    assert report["majority_at"]["4"] == pytest.approx(25.0)  # a tie on the first problem, lost on the second


def test_rows_of_one_problem_are_its_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"id": n // 2, "question": f"{n // 2}", "response": RIGHT, "gold": "4"} for n in range(6)]
    report = graded(write(tmp_path / "a.jsonl", rows), capsys)
    assert (report["problems"], report["samples"]) == (3, 2)


def test_a_missing_response_counts_as_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[Any] = [{"id": 0, "question": "a", "responses": [RIGHT, RIGHT], "gold": "4"}]
    rows.append({"id": 1, "question": "b", "responses": [RIGHT, None], "gold": "4"})
    rows.append({"id": 2, "question": "c", "responses": [RIGHT], "gold": "4"})
    report = graded(write(tmp_path / "a.jsonl", rows), capsys)
    assert (report["n"], report["correct"], report["missing"]) == (6, 4, 2)
    assert report["outcomes"] == {"correct": 4, "error": 2}


def test_lm_evals_second_filter_is_not_counted_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doc = {"question": "2+2?", "answer": "#### 4"}
    rows = [
        {"doc_id": 0, "doc": doc, "resps": [[RIGHT]], "filter": name} for name in ("strict-match", "flexible-extract")
    ]
    assert graded(write(tmp_path / "a.jsonl", rows), capsys)["n"] == 1


def test_references_can_come_from_the_benchmarks_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"task_id": "HumanEval/0", "completion": "    return 2 * x\n"}
    data = write(
        tmp_path / "HumanEval.jsonl",
        [{"task_id": f"HumanEval/{n}", "prompt": "def twice(x):\n", "entry_point": "twice", "canonical_solution": "",
          "test": "def check(candidate):\n    assert candidate(2) == 4\n"} for n in range(164)],
    )  # fmt: skip
    outputs = write(tmp_path / "samples.jsonl", [row])
    assert main(["grade", str(outputs), "--benchmark", "humaneval", "--path", str(data)]) == 2
    assert "a question or answer was changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "expected outputs"),
        ('{"question": "a", "response": "4", "gold": "4"}\n{"question"', "line 2: expected JSON"),
        ('{"question": "a", "gold": "4"}', "row 1: expected a response under a name like"),
        ('{"response": "4"}', "expected a reference answer under a name like"),
        ("[1, 2]", "row 1: expected a JSON object; found int"),
    ],
)
def test_a_file_that_is_none_is_explained(
    content: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(content, encoding="utf-8")
    assert main(["grade", str(tmp_path / "a.jsonl"), "--benchmark", "gsm8k"]) == 2
    assert complaint in capsys.readouterr().err


def test_an_unknown_benchmark_or_file_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.jsonl", [{"question": "a", "response": "4", "gold": "4"}])
    assert main(["grade", str(path), "--benchmark", "gsm9k"]) == 2
    assert "did you mean gsm8k" in capsys.readouterr().err
    assert main(["grade", str(tmp_path / "none.jsonl"), "--benchmark", "gsm8k"]) == 2
    assert "expected a file of outputs" in capsys.readouterr().err


def test_a_json_array_and_parquet_are_read_too(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"question": "2+2?", "response": RIGHT, "gold": "4"}]
    (tmp_path / "a.json").write_text(json.dumps(rows), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for name in ("a.json", "a.parquet"):
        outputs = read_outputs(tmp_path / name, "gsm8k")
        assert [c.text for c in outputs.completions] == [RIGHT]


def test_recorded_program_outputs_are_taken_from_the_text(tmp_path: Path) -> None:
    text = "```python\nprint(4)\n```\n```output\n4\n```\nSo \\boxed{4}."
    outputs = read_outputs(write(tmp_path / "a.jsonl", [{"question": "a", "response": text, "gold": "4"}]), "gsm8k")
    assert [(p.code, p.output) for p in outputs.completions[0].programs] == [("print(4)", "4")]
    assert outputs.completions[0].form == "tir"


def evaluated(folder: Path, right: set[int], problems: int = 40) -> Path:
    rows = [
        {"id": n, "question": f"q{n}", "response": RIGHT if n in right else WRONG, "gold": "4"} for n in range(problems)
    ]
    folder.mkdir()
    path = write(folder / "outputs.jsonl", rows)
    assert main(["grade", str(path), "--benchmark", "gsm8k", "--grades", str(folder)]) == 0
    return folder


def test_compare_says_better_only_when_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = evaluated(tmp_path / "base", set(range(10)))
    better = evaluated(tmp_path / "better", set(range(30)))
    luckier = evaluated(tmp_path / "luckier", set(range(15)))
    capsys.readouterr()
    assert main(["compare", str(better), str(base)]) == 0
    assert "better is better than base: +50.00 points" in capsys.readouterr().out
    assert main(["compare", str(luckier), str(base)]) == 0  # five flips, all one way: p = 0.0625
    said = capsys.readouterr().out
    assert "no difference shown between luckier and base: +12.50 points" in said
    assert "would probably (80 % power) not have been seen" in said
    assert "gsm8k/10: luckier 1, base 0" in said


def test_compare_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = evaluated(tmp_path / "a", {0, 1, 2}), evaluated(tmp_path / "b", {2, 3})
    capsys.readouterr()
    assert main(["compare", str(a), str(b / "scores.json"), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert (found["comparison"]["only_a"], found["comparison"]["only_b"], found["verdict"]) == (
        2,
        1,
        "no difference shown",
    )
    assert found["comparison"]["p_value"] == 1.0


def test_compare_takes_outputs_and_what_grade_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = evaluated(tmp_path / "a", set(range(12))), evaluated(tmp_path / "b", {0, 1})
    for side in (a, b):
        capsys.readouterr()
        assert main(["grade", str(side / "outputs.jsonl"), "--benchmark", "gsm8k", "--json"]) == 0
        (side / "printed.json").write_text(capsys.readouterr().out, encoding="utf-8")
    said = []
    for name, more in (("printed.json", []), ("outputs.jsonl", ["--benchmark", "gsm8k"]), ("scores.json", [])):
        assert main(["compare", str(a / name), str(b / name), *more, "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)["comparisons"]
        said.append((found["comparison"]["only_a"], found["comparison"]["only_b"], found["comparison"]["p_value"]))
    assert said == [(10, 0, 2 / 2**10)] * 3


def test_one_form_is_compared_with_another_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sides = []
    for form, text in (("cot", RIGHT), ("tir", "```python\nprint(4)\n```\n```output\n4\n```\n" + WRONG)):
        rows = [{"id": n, "question": f"q{n}", "response": RIGHT if n == 0 else text, "gold": "4"} for n in range(9)]
        sides.append(write(tmp_path / f"{form}.jsonl", rows))  # the first of both runs no program
    assert main(["compare", *map(str, sides), "--benchmark", "gsm8k"]) == 0
    assert "GSM8K, cot against tir: cot is better than tir: +88.89 points" in capsys.readouterr().out


def test_compare_refuses_what_cannot_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = evaluated(tmp_path / "a", {0}), evaluated(tmp_path / "b", {0}, problems=41)
    capsys.readouterr()
    assert main(["compare", str(a), str(b)]) == 2
    assert "1 are on one only" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["compare", str(a), str(tmp_path / "empty")]) == 2
    assert "found none" in capsys.readouterr().err
    assert main(["compare", str(a), str(a / "outputs.jsonl")]) == 2
    assert "expected a scores.json" in capsys.readouterr().err


def test_an_unreadable_encoding_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"question": "a"}\n{"question": "caf\xe9"}')
    with pytest.raises(OutputsError, match="line 2: expected a file of outputs in UTF-8; found the byte 0xe9"):
        read_outputs(tmp_path / "a.jsonl", "gsm8k")
