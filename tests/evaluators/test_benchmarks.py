"""Every benchmark parses its own example, and what is not the published data is refused."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluators.benchmarks import (
    BenchmarkError,
    BenchmarkSettings,
    benchmark,
    load_problems,
    names,
    problems_digest,
    write_problems,
)
from evaluators.records import Problem
from evaluators.tables import read_table

GSM8K_ROWS = [
    {"question": "Two and two?", "answer": "2+2=<<2+2=4>>4\n#### 4"},
    {"question": "A thousand threes?", "answer": "3*1000=3000\n#### 3,000"},
]


def write_jsonl(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def real_data() -> str:
    folder = os.environ.get("MATHSIEVE_REAL_DATA")
    if not folder:
        pytest.skip("MATHSIEVE_REAL_DATA is unset: the published benchmarks are not here")
    return str(Path(folder, "benchmarks"))


@pytest.mark.parametrize("name", names())
def test_example_row_parses_to_the_stated_reference(name: str) -> None:
    chosen = benchmark(name)
    problem = chosen.parse(chosen.example, 7, "test")
    assert problem.reference == chosen.example_reference
    assert problem.benchmark == chosen.name == name
    assert problem.language == chosen.language
    assert problem.id.startswith(f"{name}/test/")


@pytest.mark.parametrize("name", names())
def test_every_benchmark_has_a_test_split_and_a_licence(name: str) -> None:
    chosen = benchmark(name)
    assert chosen.splits["test"].rows > 0
    assert chosen.licence


def test_names_are_found_whatever_their_case_and_hyphens() -> None:
    assert benchmark("MGSM-zh").name == "mgsm_zh"
    assert benchmark("MATH-500").name == "math500"


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    with pytest.raises(BenchmarkError, match="did you mean gsm8k"):
        benchmark("gsmk8")


def test_gsm8k_drops_calculator_notes_and_thousands_separators(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "test.jsonl", GSM8K_ROWS)
    first, second = load_problems("gsm8k", str(tmp_path), verify=False)
    assert (first.solution, first.reference, first.steps) == ("2+2=4", "4", 1)
    assert second.reference == "3000"


def test_a_wrong_row_count_is_an_error_that_says_both(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "gsm8k" / "test.jsonl", GSM8K_ROWS)
    with pytest.raises(BenchmarkError, match="expected 1319 problems in gsm8k test; found 2"):
        load_problems("gsm8k", str(tmp_path))


def test_a_foreign_row_is_an_error_that_names_it(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "test.jsonl", [GSM8K_ROWS[0], {"q": "?"}])
    with pytest.raises(BenchmarkError, match=r"row 1 is not a row of gsm8k.*found \['q'\]"):
        load_problems("gsm8k", str(tmp_path), verify=False)


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no such file or folder"):
        load_problems("gsm8k", str(tmp_path / "nowhere"))


def test_a_broken_line_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('{"question": "Two', encoding="utf-8")
    with pytest.raises(BenchmarkError, match=r"test\.jsonl: expected readable"):
        load_problems("gsm8k", str(tmp_path))


def test_parquet_and_json_lines_of_the_same_rows_have_one_digest(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a" / "test.jsonl", GSM8K_ROWS)
    (tmp_path / "b").mkdir()
    pq.write_table(pa.Table.from_pylist(list(reversed(GSM8K_ROWS))), tmp_path / "b" / "test-00000.parquet")
    a, b = (load_problems("gsm8k", str(tmp_path / part), verify=False) for part in "ab")
    assert problems_digest(a) == problems_digest(b)
    changed = [Problem(id=p.id, benchmark="gsm8k", question=p.question, reference=p.reference + "0") for p in a]
    assert problems_digest(changed) != problems_digest(a)


def test_tsv_without_a_header_is_read_and_quotes_stay(tmp_path: Path) -> None:
    (tmp_path / "mgsm_zh.tsv").write_text('他说"三个"，一共几个？\t3\n二加二？\t4\n', encoding="utf-8")
    problems = load_problems("mgsm_zh", str(tmp_path), verify=False)
    assert [(p.question, p.reference, p.language) for p in problems] == [
        ('他说"三个"，一共几个？', "3", "zh"),
        ("二加二？", "4", "zh"),
    ]


def test_math_takes_every_boxed_answer_with_balanced_braces() -> None:
    row = {
        "problem": "Solve $x^2=2$.",
        "level": "Level 5",
        "type": "Algebra",
        "solution": "So $\\boxed{\\sqrt{2}}$ or $\\boxed{-\\sqrt{2}}$.",
    }
    problem = benchmark("math").parse(row, 0, "test")
    assert problem.reference == "\\sqrt{2}, -\\sqrt{2}"
    assert (problem.level, problem.subject) == ("5", "Algebra")


def test_olympiadbench_joins_several_answers_and_keeps_a_lone_ones_unit() -> None:
    row = {"id": 7, "question": "Solve.", "final_answer": ["$x=1$", "$x=2$"], "unit": "", "context": "Let $x>0$."}
    problem = benchmark("olympiadbench").parse(row, 0, "test")
    assert (problem.question, problem.reference) == ("Let $x>0$.\nSolve.", "x=1, x=2")
    lone = benchmark("olympiadbench").parse({**row, "final_answer": ["$3$"], "unit": "cm"}, 0, "test")
    assert lone.reference == "3 cm"


def test_minervas_answer_is_its_column_or_the_last_box() -> None:
    parse = benchmark("minerva_math").parse
    boxed = {"problem": "?", "solution": "First \\boxed{1}, so \\boxed{x^2}.", "idx": 3}
    assert (parse(boxed, 0, "test").reference, parse(boxed, 0, "test").id) == ("x^2", "minerva_math/test/3")
    assert parse({"question": "?", "answer": "7e5"}, 0, "test").reference == "7e5"


def test_agieval_is_read_as_published_and_from_the_hub() -> None:
    published = benchmark("agieval_sat_math").example
    hub = {"query": "Q: If 2x = 10, what is x? Answer Choices: (A)4 (B)5", "choices": ["(A)4", "(B)5"], "gold": [1]}
    for row in (published, hub):
        assert benchmark("agieval_sat_math").parse(row, 0, "test").reference == "B"
    assert "(B)5" in benchmark("agieval_sat_math").parse(published, 0, "test").question
    assert benchmark("agieval_gaokao_mathcloze").parse({"query": "?", "answer": "3"}, 0, "test").reference == "3"


def test_written_problems_read_back_the_same_with_exemplars_from_the_train_split(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "data" / "test.jsonl", GSM8K_ROWS)
    train = [{"question": f"{n} and one?", "answer": f"{n}+1={n + 1}\n#### {n + 1}"} for n in range(20)]
    write_jsonl(tmp_path / "data" / "train.jsonl", train)
    settings = BenchmarkSettings(name="gsm8k", path=str(tmp_path / "data"), verify=False, limit=1, shots=3)
    facts = write_problems(tmp_path, settings)
    assert read_table(tmp_path / "problems.parquet", Problem) == load_problems("gsm8k", settings.path, verify=False)[:1]
    shown = read_table(tmp_path / "exemplars.parquet", Problem)
    assert [p.question for p in shown] == ["0 and one?", "1 and one?", "2 and one?"]
    assert (facts["problems"], facts["exemplars"], facts["verified"]) == (1, 3, False)


def test_written_problems_are_the_table_that_the_pipeline_reads() -> None:
    from evaluators.tables import schema_of
    from pipelines.records import PROBLEMS

    assert schema_of(Problem).equals(PROBLEMS)


def test_exemplars_come_from_a_file_where_one_is_given(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "data" / "test.jsonl", GSM8K_ROWS)
    shown = [{"question": "One and one?", "solution": "1+1=2", "reference": "2"}]
    write_jsonl(tmp_path / "shown.jsonl", shown)
    settings = BenchmarkSettings(
        name="gsm8k", path=str(tmp_path / "data"), verify=False, exemplars=str(tmp_path / "shown.jsonl")
    )
    write_problems(tmp_path, settings)
    assert [p.solution for p in read_table(tmp_path / "exemplars.parquet", Problem)] == ["1+1=2"]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("gsm8k", 1319),
        ("math500", 500),
        ("mgsm_zh", 250),
        ("cmath", 1098),
        ("svamp", 1000),
        ("aime24", 30),
        ("amc23", 40),
        ("humaneval", 164),
    ],
)
def test_published_data_have_the_pinned_count_and_content(name: str, rows: int) -> None:
    problems = load_problems(name, real_data())  # verifies count and digest
    assert len(problems) == rows
    assert all(problem.reference for problem in problems)


@pytest.mark.real_data
def test_one_changed_answer_in_published_data_is_noticed(tmp_path: Path) -> None:
    lines = Path(real_data(), "gsm8k", "test.jsonl").read_text(encoding="utf-8").splitlines()
    lines[500] = json.dumps({**json.loads(lines[500]), "answer": "#### 12345"})
    (tmp_path / "test.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(BenchmarkError, match="a question or answer was changed"):
        load_problems("gsm8k", str(tmp_path))
