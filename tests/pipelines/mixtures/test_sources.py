"""Every source reads its own example row, whatever file is added to the folder; and what is peculiar to each."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluators.answers import check_output
from pipelines.example_text import example_text
from pipelines.mixtures.source import (
    SourceError,
    SourceSettings,
    check_source,
    read_solutions,
    write_source,
)
from pipelines.mixtures.sources import source_named, source_names
from pipelines.mixtures.verification import VerificationSettings
from tests.evaluators.hub_server import hub

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
        if solution.form == "cot" and source.example_reference:
            assert check_output(source.example_reference, solution.response).correct
    assert (source.generate is None) == bool(source.files)
    assert source.generate is not None or source.hub is not None or source.note or source.name == "jsonl"
    if source.hub is not None:
        assert re.fullmatch(r"[0-9a-f]{40}", source.hub.revision) or "no commit" in source.note


@pytest.mark.parametrize("name", [name for name in source_names() if source_named(name).files])
def test_every_source_is_written_from_a_file_of_its_example(name: str, tmp_path: Path) -> None:
    jsonl(tmp_path / "data.jsonl", source_named(name).example)
    out = tmp_path / "out"
    out.mkdir()
    facts = write_source(out, settings(name, tmp_path / "data.jsonl"))
    row = pq.read_table(out / "examples-00000.parquet").to_pylist()[0]
    assert facts["rows"] >= facts["problems"] == 1
    text = example_text(row)
    assert f"User: {row['problem']}\n" in text.prompt and text.prompt.endswith("\n\nAssistant:")
    assert text.response.startswith(" ") and not text.response.startswith("  ")
    assert row["verification"] == (None if row["reference"] else "no_reference")  # taken unseen
    assert row["reference_from"] in ("benchmark", "source", "solution", None)
    assert row["licence"] == source_named(name).licence
    assert row["source"] == name
    assert row["dataset"] is row["revision"] is None  # it came from a path


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
    assert solution.topic == "计算模块->整数乘法->表内乘法"


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


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"responce": "antwort"}, r"columns\.responce: expected one of our names on the left; did you mean response\?"),
        ({"response": "antword"}, r"columns\.response: expected the column 'antword'; the row has frage, antwort"),
    ],
)
def test_a_mapping_that_is_wrong_is_an_error_before_the_run(
    columns: dict[str, str], message: str, tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "x.jsonl", {"frage": "2+2?", "antwort": "4"})
    with pytest.raises(SourceError, match=message):
        check_source(settings("jsonl", path, columns={"question": "frage", "response": "antwort", **columns}))


def test_json_is_read_in_every_shape_whatever_the_file_is_called(tmp_path: Path) -> None:
    rows = [{"question": f"{n}+1?", "response": f"$\\boxed{{{n + 1}}}$"} for n in range(3)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    shapes = {
        "list.json": json.dumps(rows),
        "pretty.json": json.dumps(rows, indent=2),
        "lines.json": lines,
        "marked.jsonl": "\ufeff" + lines,
        "list.jsonl": json.dumps(rows),
        "held.json": json.dumps({"data": rows, "version": 1}),
        "pretty_held.json": json.dumps({"version": 1, "data": rows}, indent=1),
    }
    for name, text in shapes.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        found = [one.problem.question for one in read_solutions(settings("jsonl", tmp_path / name))]
        assert (name, found) == (name, ["0+1?", "1+1?", "2+1?"])
    (tmp_path / "one.json").write_text(json.dumps(rows[0], indent=2), encoding="utf-8")
    assert len(list(read_solutions(settings("jsonl", tmp_path / "one.json")))) == 1


def test_a_long_array_is_read_item_by_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.mixtures.source_files.CHUNK", 7)  # every item is cut somewhere
    rows = [{"question": f'{n}, "[{{\\ ]}}?', "response": "$\\boxed{1}$"} for n in range(5)]
    (tmp_path / "x.json").write_text(json.dumps(rows), encoding="utf-8")
    found = [one.problem.question for one in read_solutions(settings("jsonl", tmp_path / "x.json"))]
    assert found == [row["question"] for row in rows]
    (tmp_path / "cut.json").write_text(json.dumps(rows)[:-20], encoding="utf-8")
    with pytest.raises(SourceError, match=r"row 4: expected JSON; found .* Is the file whole"):
        list(read_solutions(settings("jsonl", tmp_path / "cut.json")))


def test_broken_rows_are_named_in_the_ledger_and_many_are_an_error(tmp_path: Path) -> None:
    row = {"question": "2+2?", "response": "$\\boxed{4}$"}
    lines = [json.dumps({**row, "question": f"2+{n}?"}) for n in range(200)]
    lines[50], lines[120] = '{"question": "cut', json.dumps({"question": "2+2?", "response": ["a", ["b", "c"]]})
    (tmp_path / "x.jsonl").write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path / "out"
    out.mkdir()
    facts = write_source(out, settings("jsonl", tmp_path / "x.jsonl"))
    assert (facts["rows"], facts["rejected"]) == (198, {"broken_row": 2})
    broken = pq.read_table(out / "rejected-00000.parquet").to_pylist()
    assert [one["id"] for one in broken] == [f"{tmp_path}/x.jsonl, line 51", f"{tmp_path}/x.jsonl, line 121"]
    assert broken[1]["detail"].startswith("ValueError: expected response[1] to be text; found a list of 2")
    lines[60:70] = ["{}"] * 10
    (tmp_path / "x.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SourceError, match=r"source jsonl: 12 of \d+ rows are broken, for example .*line 121"):
        list(read_solutions(settings("jsonl", tmp_path / "x.jsonl")))


def test_an_answer_that_the_solution_boxes_or_announces_is_its_reference(tmp_path: Path) -> None:
    rows = [
        {"question": "2+2?", "answer": "So it is $\\boxed{4}$."},
        {"question": "2+3?", "answer": "We add. The answer is 5."},
        {"question": "2+4?", "answer": "Ann has 2 and Bob 4, so 6 in all."},  # a guess is no reference
    ]
    out, verify = tmp_path / "out", VerificationSettings()
    out.mkdir()
    asked = settings("jsonl", jsonl(tmp_path / "x.jsonl", *rows)).model_copy(update={"verification": verify})
    facts = write_source(out, asked)
    found = pq.read_table(out / "examples-00000.parquet").to_pylist()
    assert [(one["reference"], one["reference_from"], one["verification"]) for one in found] == [
        ("4", "solution", "answer"),
        ("5", "solution", "answer"),
        ("", None, "no_reference"),
    ]
    assert pq.read_table(out / "problems-00000.parquet")["reference"].to_pylist() == ["4", "5", ""]
    assert facts["references_from"] == {"none": 1, "solution": 2} and facts["verified"] == 2
    (tmp_path / "given").mkdir()
    given = write_source(tmp_path / "given", asked.model_copy(update={"references": "given"}))
    assert given["verified"] == 0
    assert "none of its 3 examples is verified" in str(given["warning"])
    assert "warning" not in facts


def test_other_solutions_are_held_against_the_reference_of_the_first(tmp_path: Path) -> None:
    row = {"question": "2+2?", "generations": ["It is $\\boxed{4}$.", "It is $\\boxed{5}$."]}
    asked = settings("jsonl", jsonl(tmp_path / "x.jsonl", row))
    out = tmp_path / "out"
    out.mkdir()
    facts = write_source(out, asked.model_copy(update={"verification": VerificationSettings()}))
    assert (facts["rows"], facts["rejected"]) == (1, {"wrong_answer": 1})


def test_a_data_set_of_the_hub_must_be_pinned(tmp_path: Path) -> None:
    asked = SourceSettings(source="jsonl", path="hub:owner/name", revision="main")
    with pytest.raises(
        SourceError, match=r"expected `revision` to be a commit of owner/name, 40 hex digits, .* found main"
    ):
        check_source(asked)
    check_source(SourceSettings(source="jsonl", path="hub:owner/name", revision="a" * 40))
    check_source(SourceSettings(source="orca_math"))  # it pins its own


def test_the_pinned_commit_is_read_from_the_hub_and_stands_in_every_row(tmp_path: Path) -> None:
    hub_of_source = source_named("orca_math").hub
    assert hub_of_source is not None
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([source_named("orca_math").example]), buffer)
    files = {"README.md": b"", "data/train-00000-of-00001.parquet": buffer.getvalue(), "data/test-0.parquet": b"no"}
    script = (
        "import json, sys; from pathlib import Path; import pyarrow.parquet as pq\n"
        "from pipelines.mixtures.source import SourceSettings, write_source\n"
        "folder = Path(sys.argv[1]); write_source(folder, SourceSettings(source='orca_math'))\n"
        "print(json.dumps(pq.read_table(folder / 'examples-00000.parquet').to_pylist()))"
    )
    with hub(hub_of_source.dataset, hub_of_source.revision, files) as (address, _):
        environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
        environment.pop("HF_HUB_OFFLINE", None)
        (tmp_path / "out").mkdir()
        command = [sys.executable, "-c", script, str(tmp_path / "out")]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    (row,) = json.loads(ran.stdout.splitlines()[-1])
    assert (row["dataset"], row["revision"]) == (hub_of_source.dataset, hub_of_source.revision)
    assert (row["licence"], row["reference"], row["reference_from"]) == ("MIT", "60", "solution")


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
    with pytest.raises(SourceError, match=r"expected a path to its data; found none\. Set `path` to examples\.jsonl"):
        list(read_solutions(settings("tora")))
    with pytest.raises(SourceError, match="there is no such file"):
        list(read_solutions(settings("gsm8k", tmp_path / "nowhere")))
    with pytest.raises(SourceError, match=r"line 1: not a row of gsm8k: expected columns like .* found \['x'\]"):
        list(read_solutions(settings("gsm8k", jsonl(tmp_path / "x.jsonl", {"x": 1}))))
    (tmp_path / "cut.jsonl").write_text('{"question": "q", "ans', encoding="utf-8")
    with pytest.raises(SourceError, match="line 1: expected JSON"):
        list(read_solutions(settings("gsm8k", tmp_path / "cut.jsonl")))


def test_an_empty_source_is_an_error_and_not_an_empty_mixture(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match="expected solutions in cot, pot, tir, chat and language any; found none"):
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


@pytest.mark.parametrize(
    ("routes", "topic"),
    [
        (["课内体系->知识点->方程->一元一次方程->解方程"], "方程->一元一次方程->解方程"),
        (["拓展思维->能力->运算求解"], None),  # what it trains, not what it is about
        (
            ["拓展思维->思想->对应思想", "Overseas Competition->知识点->数论模块->因数与倍数->因数个数定理"],
            "数论模块->因数与倍数->因数个数定理",
        ),
        (["拓展思维->拓展思维->应用题模块->分百应用题->求分率"], "应用题模块->分百应用题->求分率"),
        (["竞赛->知识点->数论模块"], "数论模块"),  # nothing stands below the group
        (["竞赛->知识点->数论模块", "竞赛->知识点->数论模块->整除"], "数论模块->整除"),  # the one that names a topic
        ([], None),
    ],
)
def test_a_chinese_topic_is_knowledge_and_no_ability(routes: list[str], topic: str | None) -> None:
    from pipelines.mixtures.sources.tal_scq5k_zh import route_of

    assert route_of(routes) == topic


@pytest.mark.real_data
def test_two_of_three_real_chinese_problems_have_a_topic_and_none_an_ability(real_data: Path) -> None:
    topics = [one.topic for one in read_solutions(settings("tal_scq5k_zh", real_data / "sft/tal_scq5k_zh"))]
    found = [topic for topic in topics if topic is not None]
    assert len(found) > 0.6 * len(topics)
    assert not any(word in topic for topic in found for word in ("能力", "思想", "素养"))


@pytest.mark.parametrize(
    ("equation", "program"),
    [
        ("x=150*20%/5", "x = 150*(20/100)/5"),
        ("x=5(3/4)-1.5", "x = (5+3/4)-1.5"),  # five and three quarters
        ("x=(2^3+1)*[4-1]", "x = (2**3+1)*(4-1)"),
        ("2*x+1=7", None),
        ("x=3.14*r", None),
    ],
)
def test_an_equation_of_ape210k_is_a_program_or_nothing(equation: str, program: str | None) -> None:
    row = {"original_text": "题", "ans": "1", "equation": equation}
    found = [one.response for one in source_named("ape210k").solutions(row, 0, settings("ape210k"))]
    assert found == ([] if program is None else [f"```python\n{program}\nprint(x)\n```"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_school_problems_are_all_verified_and_say_field_and_topic(tmp_path: Path, language: str) -> None:
    asked = SourceSettings(source="templated", templates="school", rows=140, language=language)  # type: ignore[arg-type]
    facts = write_source(tmp_path, asked)
    assert facts["rejected"] == {}
    assert facts["verification"] == {"answer": 140, "executed": 280}
    rows = [row for path in tmp_path.glob("examples-*") for row in pq.read_table(path).to_pylist()]
    assert {row["field_from"] for row in rows} == {row["topic_from"] for row in rows} == {"source"}
    assert len({row["topic"] for row in rows}) == 54
    assert {row["language"] for row in rows} == {language}


def test_an_empty_file_is_told_before_the_run_and_an_empty_first_shard_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    with pytest.raises(SourceError, match=r"a\.jsonl: expected rows of jsonl; the file is empty\. Check `path`"):
        check_source(settings("jsonl", tmp_path / "a.jsonl"))
    jsonl(tmp_path / "b.jsonl", source_named("jsonl").example)
    check_source(SourceSettings(source="jsonl", path=str(tmp_path), files=("*.jsonl",)))
