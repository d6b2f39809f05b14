"""Every source reads its own example row, whatever file is added to the folder; and what is peculiar to each."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluators.answers import check_output
from pipelines.example_text import example_text
from pipelines.mixtures.source import (
    SourceError,
    SourceSettings,
    read_solutions,
    write_source,
)
from pipelines.mixtures.sources import source_named, source_names
from pipelines.mixtures.verification import VerificationSettings

UNSEEN = VerificationSettings(execute=False)


def settings(name: str, path: Path | None = None, **more: object) -> SourceSettings:
    return SourceSettings(source=name, path=str(path) if path else None, verification=UNSEEN, **more)  # type: ignore[arg-type]


def jsonl(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", source_names())
def test_every_source_reads_its_own_example(name: str) -> None:
    source = source_named(name)
    solutions = list(source.solutions(source.example, 0, settings(name)))
    assert source.name == name
    assert solutions
    for solution in solutions:
        assert solution.problem.reference == source.example_reference
        assert solution.problem.split == "train"
        assert solution.response.strip() == solution.response
        if solution.form == "cot":
            assert check_output(source.example_reference, solution.response).correct
    assert (source.generate is None) == bool(source.files)


@pytest.mark.parametrize("name", [name for name in source_names() if source_named(name).files])
def test_every_source_is_written_from_a_file_of_its_example(name: str, tmp_path: Path) -> None:
    jsonl(tmp_path / "data.jsonl", source_named(name).example)
    out = tmp_path / "out"
    out.mkdir()
    facts = write_source(out, settings(name, tmp_path / "data.jsonl"))
    (row,) = pq.read_table(out / "examples-00000.parquet").to_pylist()
    assert facts["rows"] == facts["problems"] == 1
    text = example_text(row)
    assert text.prompt.startswith(f"User: {row['problem']}\n") and text.prompt.endswith("\n\nAssistant:")
    assert text.response.startswith(" ") and not text.response.startswith("  ")
    assert row["verification"] == (None if row["reference"] else "no_reference")  # taken unseen
    assert row["licence"] == source_named(name).licence
    assert row["source"] == name


def test_calculator_annotations_are_gone_and_the_answer_is_boxed() -> None:
    row = {"question": "q", "answer": "Half is 48/2 = <<48/2=24>>24.\n#### 1,024"}
    (solution,) = source_named("gsm8k").solutions(row, 3, settings("gsm8k"))
    assert solution.response == "Half is 48/2 = 24.\nThe answer is $\\boxed{1024}$."
    assert solution.problem.id == "gsm8k/train/3"


def test_chinese_choices_become_lines_and_displayed_formulas_inline_ones() -> None:
    example = source_named("tal_scq5k_zh").example
    (solution,) = source_named("tal_scq5k_zh").solutions(example, 0, settings("tal_scq5k_zh"))
    assert solution.problem.question == "一盒有 $6$ 支铅笔，$4$ 盒共有多少支？\nA. $10$\nB. $24$"
    assert solution.response == "$6\\times 4=24$（支），选$\\text{B}$．\n答案是 $\\boxed{B}$。"
    assert solution.problem.subject == "整数乘法"


def test_a_chinese_row_whose_answer_is_no_option_is_foreign(tmp_path: Path) -> None:
    row = {**source_named("tal_scq5k_zh").example, "answer_value": "E"}
    with pytest.raises(SourceError, match="expected answer_value to be one of the options; found 'E'"):
        list(read_solutions(settings("tal_scq5k_zh", jsonl(tmp_path / "x.jsonl", row))))


def test_mathinstruct_programs_lose_the_request_for_a_program() -> None:
    source = source_named("mathinstruct")
    (solution,) = source.solutions(source.example, 0, settings("mathinstruct"))
    assert solution.form == "pot"
    assert solution.problem.question == "A rope of 30 m is cut into 5 equal pieces. How long is each?"
    assert solution.response == "```python\nlength = 30 / 5\nprint(int(length))\n```"


def test_mathinstruct_chains_of_thought_box_what_they_state() -> None:
    row = {"source": "data/CoT/gsm.json", "instruction": "q?", "output": "2 + 2 = 4.\nThe answer is 4."}
    (solution,) = source_named("mathinstruct").solutions(row, 0, settings("mathinstruct"))
    assert (solution.form, solution.response) == ("cot", "2 + 2 = 4.\nThe answer is $\\boxed{4}$.")


def test_lila_gives_each_program_of_the_train_split_and_none_of_another() -> None:
    source = source_named("lila_ood")
    row = {**source.example, "Output Program": ["print(24)", "print(4*6)"]}
    assert [one.response for one in source.solutions(row, 0, settings("lila_ood"))] == [
        "```python\nprint(24)\n```",
        "```python\nprint(4*6)\n```",
    ]
    assert list(source.solutions({**row, "split": "test"}, 0, settings("lila_ood"))) == []
    hub = {"input": "q", "output_program": ["print(1)"], "output_answer": ["1"], "split": "train", "dataset": "d"}
    assert next(iter(source.solutions(hub, 0, settings("lila_ood")))).problem.reference == "1"


def test_jsonl_columns_can_have_any_names(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "x.jsonl", {"frage": "2+2?", "lösung": "$\\boxed{4}$", "gold": 4, "sprache": "zh"})
    columns = {"question": "frage", "response": "lösung", "reference": "gold", "language": "sprache"}
    (solution,) = read_solutions(settings("jsonl", path, columns=columns))
    assert (solution.problem.question, solution.problem.reference, solution.problem.language) == ("2+2?", "4", "zh")


def test_templated_rows_are_problems_and_forms_are_chosen(tmp_path: Path) -> None:
    found = list(read_solutions(settings("templated", rows=10, forms=("cot", "tir"), language="zh", templates="easy")))
    assert len(found) == 20
    assert {one.form for one in found} == {"cot", "tir"}
    assert {one.problem.language for one in found} == {"zh"}
    assert {one.problem.level for one in found} == {"easy"}
    assert all("/train/" in one.problem.id for one in found)


def test_more_templated_rows_than_there_are_is_an_error_with_its_remedy() -> None:
    with pytest.raises(
        SourceError, match=r"expected 9000 different train problems; .* Lower `rows`, or set `templates"
    ):
        list(read_solutions(settings("templated", rows=9000, templates="easy")))


def test_gzip_parquet_and_json_lists_read_alike(tmp_path: Path) -> None:
    row = {"question": "2+2?", "response": "$\\boxed{4}$", "reference": "4"}
    with gzip.open(tmp_path / "a.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write(json.dumps(row) + "\n\n")
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "b.parquet")
    (tmp_path / "c.json").write_text(json.dumps([row]), encoding="utf-8")
    read = [list(read_solutions(settings("jsonl", tmp_path / name))) for name in ("a.jsonl.gz", "b.parquet", "c.json")]
    assert read[0] == read[1] == read[2]
    assert len(read[0]) == 1


def test_bad_input_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="source 'gsm8' is not known; did you mean gsm8k"):
        list(read_solutions(settings("gsm8")))
    with pytest.raises(SourceError, match=r"expected a path to its data; found none\. Set `path` to train\.jsonl"):
        list(read_solutions(settings("gsm8k")))
    with pytest.raises(SourceError, match="there is no such file"):
        list(read_solutions(settings("gsm8k", tmp_path / "nowhere")))
    with pytest.raises(SourceError, match=r"line 1: not a row of gsm8k: expected columns like .* found \['x'\]"):
        list(read_solutions(settings("gsm8k", jsonl(tmp_path / "x.jsonl", {"x": 1}))))
    (tmp_path / "cut.jsonl").write_text('{"question": "q", "ans', encoding="utf-8")
    with pytest.raises(SourceError, match="line 1: expected JSON"):
        list(read_solutions(settings("gsm8k", tmp_path / "cut.jsonl")))


def test_an_empty_source_is_an_error_and_not_an_empty_mixture(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match="expected solutions in cot, pot, tir and language any; found none"):
        write_source(tmp_path, settings("gsm8k", tmp_path / "empty.jsonl"))


def test_ids_given_twice_are_an_error(tmp_path: Path) -> None:
    row = {"question": "2+2?", "response": "$\\boxed{4}$", "reference": "4", "id": "same"}
    path = jsonl(tmp_path / "x.jsonl", row, {**row, "question": "another?"})
    with pytest.raises(SourceError, match=r"expected ids to be unique; found jsonl/train/same/cot/0 twice"):
        write_source(tmp_path, settings("jsonl", path, columns={"id": "id"}))


def test_finished_shards_are_kept_and_the_rest_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.mixtures.source.SHARD", 8)
    once, resumed = tmp_path / "once", tmp_path / "resumed"
    once.mkdir()
    resumed.mkdir()
    asked = settings("templated", rows=10)
    facts = write_source(once, asked)
    for name in ("problems", "rejected", "examples"):
        (resumed / f"{name}-00000.parquet").write_bytes((once / f"{name}-00000.parquet").read_bytes())
    (resumed / "problems-00001.parquet").write_bytes(b"half")  # its examples were not written: not done
    assert write_source(resumed, asked) == facts
    assert facts["rows"] == 30 and facts["problems"] == 10
    for path in once.iterdir():
        assert (resumed / path.name).read_bytes() == path.read_bytes()


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "place", "rows"),
    [
        ("gsm8k", "benchmarks/gsm8k", 7473),
        ("tal_scq5k_zh", "sft/tal_scq5k_zh", 3000),
        ("tora", "sft/tora_examples", 30),
    ],
)
def test_real_sources_read_whole(name: str, place: str, rows: int, real_data: Path) -> None:
    solutions = list(read_solutions(settings(name, real_data / place)))
    assert len(solutions) == rows
    assert len({solution.id for solution in solutions}) == rows
    assert not any("<<" in solution.response and name == "gsm8k" for solution in solutions)
