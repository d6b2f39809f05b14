"""What makes a score doubtful is said before it, with rows to look at; what the harness said stands beside ours."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from assets.command_line import main
from evaluators.benchmarks import load_problems
from evaluators.outputs import OutputsError, read_outputs

ASKED = load_problems("templated_easy", limit=40)
RIGHT, WRONG = "So it is \\boxed{4}.", "So it is \\boxed{5}."
Row = dict[str, Any]


def write(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def answered(count: int, *, right: int, **more: Any) -> list[Row]:
    return [
        {"question": p.question, "response": f"\\boxed{{{p.reference if n < right else 9000 + n}}}", "gold": p.reference, **more}
        for n, p in enumerate(ASKED[:count])
    ]  # fmt: skip


def graded(path: Path, capsys: pytest.CaptureFixture[str], *more: str, name: str = "templated_easy") -> Row:
    assert main(["grade", str(path), "--benchmark", name, "--json", *more]) == 0
    report: Row = json.loads(capsys.readouterr().out)
    return report


def test_a_usual_file_raises_no_alarm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = graded(write(tmp_path / "a.jsonl", answered(30, right=20)), capsys)
    assert (report["alarms"], report["correct"], report["format"]) == ([], 20, "guessed")
    assert "guessed from the names of the columns (question, response, gold)" in report["notes"][0]


@pytest.mark.parametrize(("right", "word"), [(0, "None of 30"), (30, "Every one of 30")])
def test_nothing_or_everything_right_is_said_first(
    right: int, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a.jsonl", answered(30, right=right))
    (alarm,) = graded(path, capsys)["alarms"]
    assert alarm.startswith(word)
    assert "row 1: the answer" in alarm and f"to the reference {ASKED[0].reference!r}" in alarm
    assert main(["grade", str(path), "--benchmark", "templated_easy"]) == 0
    assert capsys.readouterr().out.startswith(f"!! {word}")


@pytest.mark.parametrize(("step", "word"), [(1, "the problem after theirs"), (-1, "the problem before theirs")])
def test_responses_shifted_by_a_row_are_said_first(
    step: int, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = answered(30, right=30)
    said = [rows[(n + step) % 30]["response"] for n in range(30)]
    path = write(tmp_path / "a.jsonl", [{**row, "response": text} for row, text in zip(rows, said, strict=True)])
    assert any(word in alarm for alarm in graded(path, capsys)["alarms"])


def test_a_weak_model_is_no_shift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert graded(write(tmp_path / "a.jsonl", answered(30, right=2)), capsys)["alarms"] == []


def test_a_file_of_two_benchmarks_is_said_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = [{"question": f"Of what is {n} made?", "response": RIGHT, "gold": "4"} for n in range(10)]
    first = graded(write(tmp_path / "a.jsonl", [*answered(30, right=20), *foreign]), capsys)["alarms"][0]
    assert "10 of 40 questions are not Templated-easy's" in first and "row 31" in first
    one = graded(write(tmp_path / "b.jsonl", [*answered(30, right=20), *foreign[:1]]), capsys)
    assert one["alarms"] == []


def test_references_that_contradict_the_benchmarks_are_not_believed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**row, "gold": f"{n}77"} for n, row in enumerate(answered(30, right=20))]
    report = graded(write(tmp_path / "a.jsonl", rows), capsys)
    assert report["correct"] == 20  # by the benchmark's own
    assert "contradict Templated-easy's own on 30 of 30 problems; the benchmark's own were used" in report["alarms"][0]
    assert f"row 1: the file has '077', {ASKED[0].id} {ASKED[0].reference!r}" in report["alarms"][0]


def test_a_few_corrected_references_are_used_and_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = answered(30, right=30)
    rows[3]["gold"] = "12345"
    report = graded(write(tmp_path / "a.jsonl", rows), capsys)
    assert (report["correct"], report["alarms"]) == (29, [])
    assert any(
        "differ from Templated-easy's own on 1 of 30 problems; the file's were used" in n for n in report["notes"]
    )


def test_some_contradictions_keep_the_files_references_under_an_alarm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**row, "gold": "12345"} if n < 5 else row for n, row in enumerate(answered(30, right=30))]
    report = graded(write(tmp_path / "a.jsonl", rows), capsys)
    assert report["correct"] == 25
    assert "on 5 of 30 problems; the file's were used" in report["alarms"][0]


def test_the_same_reference_written_otherwise_is_no_contradiction(tmp_path: Path) -> None:
    rows = [{**row, "gold": f"# {row['gold']}"} for row in answered(30, right=20)]
    assert read_outputs(write(tmp_path / "a.jsonl", rows), "templated_easy").alarms == ()


def test_empty_responses_are_said_with_their_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {**row, "response": " " if n in (2, 5) else row["response"]} for n, row in enumerate(answered(30, right=20))
    ]
    (alarm,) = graded(write(tmp_path / "a.jsonl", rows), capsys)["alarms"]
    assert alarm == "2 of 30 responses are empty; they count as wrong. Look at row 3, row 6."


def test_one_text_for_every_problem_is_a_wrong_column(tmp_path: Path) -> None:
    rows = [{**row, "response": "the same"} for row in answered(30, right=0)]
    (alarm,) = read_outputs(write(tmp_path / "a.jsonl", rows), "templated_easy").alarms
    assert alarm == "All 30 responses are the same text, 'the same': was the right column read?"


def test_mostly_no_answers_is_an_alarm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {**row, "response": "We are given some things.\nFirst of all we think" + ", and again" * n}
        for n, row in enumerate(answered(20, right=0))
    ]
    report = graded(write(tmp_path / "a.jsonl", [*rows, *answered(30, right=30)[20:]]), capsys)
    assert report["alarms"][0].startswith("20 of 30 responses hold no answer that we find. row 1: no answer")


def test_the_harness_stands_beside_us_with_the_rows_that_differ_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[Row] = [
        {"problem": p.question, "expected_answer": p.reference, "generation": f"\\boxed{{{p.reference}}}",
         "predicted_answer": p.reference if n else None, "symbolic_correct": n > 1}
        for n, p in enumerate(ASKED[:30])
    ]  # fmt: skip
    rows[5] |= {"generation": "So \\boxed{999}", "predicted_answer": ASKED[5].reference}
    path = write(tmp_path / "output.jsonl", rows)
    report = graded(path, capsys, "--html", str(tmp_path / "page.html"))
    (one,) = report["harness"]
    assert (one["score"], one["judged"]) == ("symbolic_correct", 30)
    assert (one["harness"], one["ours"]) == (pytest.approx(93.3333), pytest.approx(96.6667))
    assert [row["place"] for row in one["differences"]] == ["row 1", "row 2", "row 6"]
    reasons = [row["why"] for row in one["differences"]]
    assert reasons[1].startswith("the same answer, judged differently: ")
    assert reasons[2] == f"another answer was taken from the output, {ASKED[5].reference!r} there and '999' here"
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "3 rows differ" in page and "So \\boxed{999}" in page
    assert main(["grade", str(path), "--benchmark", "templated_easy", "--rows", "1"]) == 0
    said = capsys.readouterr().out
    assert "| symbolic_correct | 30 | 93.33 | 96.67 | 3 |" in said
    assert "row 1 (" in said and "... and 2 more" in said


def test_a_page_escapes_what_a_model_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**row, "correct": False} for row in answered(30, right=20)]
    rows[0]["response"] += "<script>alert(1)</script>"
    graded(write(tmp_path / "a.jsonl", rows), capsys, "--html", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page and "<script>" not in page


def test_a_harness_far_from_us_is_an_alarm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**row, "correct": n < 10} for n, row in enumerate(answered(30, right=20))]
    (alarm,) = graded(write(tmp_path / "a.jsonl", rows), capsys)["alarms"]
    assert alarm == "The file's own correct is 33.3 where we say 66.7: 10 rows differ, see below."


def test_a_score_keeps_the_name_of_its_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**row, "Is_Correct": n < 19} for n, row in enumerate(answered(30, right=20))]
    (harness,) = graded(write(tmp_path / "a.jsonl", rows), capsys)["harness"]
    assert (harness["score"], harness["harness"], len(harness["differences"])) == ("Is_Correct", 63.3333, 1)


def test_how_alike_texts_are_is_no_verdict(tmp_path: Path) -> None:
    score = {"value": {"bleu-1": 0.0, "Rouge-L-F": 1.0, "acc": 1.0}, "prediction": RIGHT}
    row = {"index": 0, "input": "q", "target": "4", "sample_score": {"score": score, "sample_id": 0}}
    outputs = read_outputs(write(tmp_path / "a.jsonl", [row]), "gsm8k")
    assert outputs.origins["gsm8k/0", 0].verdicts == {"acc": 1.0}


def test_half_a_surrogate_pair_says_nothing_and_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = answered(30, right=20)
    rows[0]["response"] = "\ud83d " + rows[0]["response"]
    rows[2]["response"] = f"{rows[2]['gold']} \ud83d"
    rows[3]["response"] = f"The answer is {rows[3]['gold']} \ud83d"
    rows[4]["response"] = f"{rows[4]['gold']} \ufffd"
    rows[5]["gold"] += "\ud83d"
    rows[1]["question"] += "\udc00"
    report = graded(write(tmp_path / "a.jsonl", rows), capsys, "--grades", str(tmp_path / "kept"))
    assert report["correct"] == 20
    assert (tmp_path / "kept" / "completions.parquet").exists()


def test_grades_are_kept_one_a_line_where_a_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "new" / "grades.jsonl"
    graded(write(tmp_path / "a.jsonl", answered(30, right=20)), capsys, "--grades", str(kept), "--profile", "reward")
    lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 30
    assert [line["outcome"] for line in lines].count("correct") == 20
    assert (lines[25]["place"], lines[25]["reference"], lines[25]["prediction"]) == (
        "row 26",
        ASKED[25].reference,
        "9025",
    )
    assert {line["profile"] for line in lines} == {"reward"}


@pytest.mark.parametrize("name", ["grades.json", "grades.parquet", "grades.csv"])
def test_a_file_that_grades_are_not_written_as_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a.jsonl", answered(30, right=20))
    assert main(["grade", str(path), "--benchmark", "templated_easy", "--grades", str(tmp_path / name)]) == 2
    assert "expected a folder, or a file of JSON Lines; found a name that ends in" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


def test_one_missing_reference_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MATHSIEVE_REAL_DATA", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    rows: list[Row] = [{"question": f"q{n}", "response": RIGHT, "gold": "4"} for n in range(9)]
    rows.insert(4, {"question": "another", "response": RIGHT, "gold": None})
    with pytest.raises(OutputsError, match="1 of 10 rows hold no reference answer, the first of them row 5"):
        read_outputs(write(tmp_path / "a.jsonl", rows), "gsm8k")


def test_a_row_that_a_tool_does_not_write_is_named(tmp_path: Path) -> None:
    rows = [{"question": "q", "gt": "4", "code": [RIGHT]}, {"question": "q", "gt": "4", "code": [RIGHT], "score": 7}]
    outputs = read_outputs(write(tmp_path / "a.jsonl", rows), "math")
    assert outputs.format == "ToRA"
    bad = {"instance": 3, "request": {}, "result": {}}
    with pytest.raises(OutputsError, match="row 1: expected a row as HELM writes it; found something else"):
        read_outputs(write(tmp_path / "b.jsonl", [bad]), "math")


def test_a_file_of_references_is_a_benchmark_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    references = write(
        tmp_path / "school-exam.jsonl",
        [
            {"id": f"e{n}", "problem": f"What is {n} more than {n}?", "answer": f"Twice.\n#### {2 * n}"}
            for n in range(6)
        ],
    )
    rows = [{"prompt": f"Box it. What is {n} more than {n}?", "completion": f"\\boxed{{{2 * n if n < 4 else 0}}}"} for n in range(6)]  # fmt: skip
    path = write(tmp_path / "a.jsonl", rows)
    for name, title in ((str(references), "school-exam"), (f"Finals={references}", "Finals")):
        report = graded(path, capsys, name=name)
        assert (report["title"], report["correct"], report["n"], report["matched"]) == (title, 4, 6, 6)
    assert report["benchmark"] == "finals"


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "expected questions and references, one a row; found none"),
        ([{"frage": "?", "answer": "1"}], r"row 1: expected a question under one of .*found the columns frage, answer"),
        ([{"id": 1, "question": "a", "answer": "1"}, {"id": 1, "question": "b", "answer": "1"}], "some are repeated"),
    ],
)
def test_a_file_that_is_no_benchmark_is_explained(
    rows: list[Row], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    references = write(tmp_path / "own.jsonl", rows)
    assert main(["grade", "x.jsonl", "--benchmark", str(references)]) == 2
    assert re.search(complaint, capsys.readouterr().err)
    assert main(["grade", "x.jsonl", "--benchmark", str(tmp_path / "none.jsonl")]) == 2
    assert "there is no such file" in capsys.readouterr().err
