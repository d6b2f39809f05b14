"""`mathsieve check` as a user calls it."""

import io
import json
from pathlib import Path

import pytest

from assets.command_line import main
from evaluators.answers.command import Progress


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def written(tmp_path: Path, *rows: object) -> str:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return str(path)


def test_a_right_pair_exits_with_zero_and_a_wrong_one_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", r"\frac12", "0.5"]) == 0
    assert main(["check", "12 cm", "12 m"]) == 1
    assert capsys.readouterr().out.splitlines()[0] == "correct: both are 1/2"


def test_explain_shows_how_both_were_read(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "(1,2)", "[1,2]", "--explain"])
    out = capsys.readouterr().out
    assert "read as (1, 2)" in out and "read as [1, 2]" in out and "stage" in out


def test_a_file_gives_one_line_a_pair_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"reference": str(i), "prediction": str(i + i % 2)} for i in range(5_000)]
    assert main(["check", "--jsonl", written(tmp_path, *rows), "--workers", "2"]) == 0
    assert [v["verdict"] for v in lines_of(capsys)] == ["correct", "incorrect"] * 2_500


def test_malformed_lines_keep_their_place_and_set_the_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"reference": "1", "prediction": "1"}
    path = written(tmp_path, good, "not json", [1], {"reference": "1"}, {"reference": 2, "prediction": 2.0}, good)
    assert main(["check", "--jsonl", path]) == 1
    captured = capsys.readouterr()
    verdicts = [json.loads(line) for line in captured.out.splitlines()]
    assert [v["verdict"] for v in verdicts] == ["correct", "error", "error", "error", "correct", "correct"]
    assert verdicts[1]["reason"].startswith("line 2: is no JSON")
    assert "3 of 6 lines are malformed" in captured.err


def test_whole_outputs_are_extracted_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"reference": "5", "prediction": r"so \boxed{5}"},
        {"reference": "5", "prediction": ""},
        {"reference": "5", "prediction": None},
    ]
    assert main(["check", "--outputs", "--jsonl", written(tmp_path, *rows)]) == 0
    assert [v["verdict"] for v in lines_of(capsys)] == ["correct", "no_answer", "no_answer"]


def test_a_problem_decides_what_is_ambiguous(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"reference": "5", "prediction": "5%", "problem": "What percent is it?"},
        {"reference": "5", "prediction": "5%", "problem": "How many apples are there?"},
    ]
    assert main(["check", "--jsonl", written(tmp_path, *rows)]) == 0
    assert [v["verdict"] for v in lines_of(capsys)] == ["correct", "incorrect"]


def test_unusable_arguments_exit_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "5"]) == 2
    assert main(["check", "--jsonl", str(tmp_path / "absent.jsonl")]) == 2
    assert main(["check", "5", "5", "--jsonl", "x"]) == 2
    assert "absent.jsonl: expected a file or folder that can be used; found: No such file" in capsys.readouterr().err


def test_a_lone_surrogate_in_a_file_is_written_as_its_escape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, '{"reference": "5", "prediction": "\\ud800"}')
    assert main(["check", "--jsonl", path]) == 0
    assert lines_of(capsys)[0]["verdict"] == "unparsed"


def test_explain_adds_both_readings_to_the_verdicts_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, {"reference": "(1,2)", "prediction": "[1,2]"})
    assert main(["check", "--jsonl", path, "--explain"]) == 0
    (verdict,) = lines_of(capsys)
    assert (verdict["reference_form"], verdict["prediction_form"]) == ("(1, 2)", "[1, 2]")


def test_a_long_file_tells_how_far_it_is_and_when_it_will_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(io.BytesIO(), quiet=False)
    progress.size = 1_000
    progress.begun, progress.told = progress.begun - 10.0, progress.told - 10.0
    progress.tell(50, 250)
    progress.tell(60, 50)  # at once after the last: silent
    told = capsys.readouterr().err.splitlines()
    assert told == ["mathsieve check: 50 lines, 5/s, 25 %, about 30 s left"]


def test_no_workers_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, {"reference": "1", "prediction": "1"})
    assert main(["check", "--jsonl", path, "--workers", "0"]) == 2
    assert "expected at least 1; found 0" in capsys.readouterr().err


def test_an_answer_may_begin_with_a_minus_sign(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", r"-\frac12", "-0.5"]) == 0
    assert main(["check", "-5", "--profile", "reward", "-6"]) == 1
    assert main(["check", "-x + 1", "1 - x", "--explain"]) == 0
    assert "profile     strict" in capsys.readouterr().out
    assert main(["check", "--outputs", "-7", "--", "-8, so the answer is -7."]) == 0


def test_an_unknown_option_is_still_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "5", "5", "--porfile", "reward"])
    assert "--porfile" in capsys.readouterr().err
