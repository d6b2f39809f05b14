"""The benchmark report: what it says, that it opens offline, and that it never calls noise an improvement."""

import base64
import gzip
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from evaluators.grading import grade_all
from evaluators.records import Completion, Form, Grade, Problem
from evaluators.scores import ScoreSettings, write_scores
from evaluators.tables import write_table
from pipelines.reports.benchmark import Evaluation, ReportError, ReportSettings, write_benchmark_report

Make = Callable[..., Evaluation]


@pytest.fixture
def evaluation(tmp_path: Path) -> Make:
    def make(
        model: str,
        right: set[int],
        *,
        count: int = 40,
        form: Form = "cot",
        contaminated: tuple[str, ...] = (),
        **more: Any,
    ) -> Evaluation:
        folder = tmp_path / f"{model}-{form}"
        folder.mkdir()
        problems = [
            Problem(
                id=f"t/{n}", benchmark="t", question=f"What is {n}+1? <b>&", reference=str(n + 1), level=str(n % 3 + 1)
            )
            for n in range(count)
        ]
        completions = [
            Completion(
                problem_id=p.id,
                sample=0,
                form=form,
                text=f"</script><img src=x onerror=alert(1)> \\boxed{{{n + 1 if n in right else 0}}}",
                finish="stop",
            )
            for n, p in enumerate(problems)
        ]
        paths = {name: folder / f"{name}.parquet" for name in ("problems", "completions", "grades")}
        write_table(paths["problems"], [asdict(p) for p in problems], Problem)
        write_table(paths["completions"], [asdict(c) for c in completions], Completion)
        write_table(
            paths["grades"], [asdict(g) for g in grade_all(problems, completions, ["deepseek", "strict"])], Grade
        )
        found = folder / "contamination.json"
        found.write_text(json.dumps({"mixture": dict.fromkeys(contaminated, 1.0)}), encoding="utf-8")
        write_scores(folder, ScoreSettings(), contamination=found, **paths)
        return Evaluation(model=model, scores=folder / "scores.json", **paths, **more)

    return make


def written(tmp_path: Path, evaluations: list[Evaluation], **settings: Any) -> tuple[str, str, dict[str, Any]]:
    out = tmp_path / "report"
    out.mkdir(exist_ok=True)
    write_benchmark_report(out, ReportSettings.model_validate(settings), evaluations=evaluations)
    content: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return (out / "report.html").read_text(encoding="utf-8"), (out / "report.md").read_text(encoding="utf-8"), content


def test_a_real_improvement_is_called_one_and_five_flips_are_not(tmp_path: Path, evaluation: Make) -> None:
    base, better, lucky = (
        evaluation("base", set(range(10))),
        evaluation("better", set(range(30))),
        evaluation("lucky", set(range(15))),
    )
    html, markdown, content = written(tmp_path, [base, better, lucky], baseline="base")
    verdicts = {finding["name_a"]: finding["verdict"] for finding in content["findings"]}
    assert verdicts == {"better": "better", "lucky": "no difference shown"}
    for text in (html, markdown):
        assert "better is better than base" in text
        assert "no difference shown between lucky and base" in text
        assert "Holm over 2 comparisons" in text


def test_flips_name_every_problem_that_changed(tmp_path: Path, evaluation: Make) -> None:
    content = written(tmp_path, [evaluation("a", {0, 1}), evaluation("b", {1, 2, 3})])[2]
    assert content["findings"][0]["flips"] == [["t/0", 0.0, 1.0], ["t/2", 1.0, 0.0], ["t/3", 1.0, 0.0]]


def test_the_table_has_the_papers_blocks_rows_and_columns(tmp_path: Path, evaluation: Make) -> None:
    one = [evaluation("m", {0}), evaluation("m", {0, 1}, form="tir")]
    tables = written(tmp_path, one)[2]["tables"]
    assert [table["title"] for table in tables] == ["Chain-of-thought reasoning", "Tool-integrated reasoning"]
    assert [line["note"] for line in tables[0]["lines"]] == ["deepseek grader", "strict grader"]
    assert [line["cells"][0]["accuracy"] for table in tables for line in table["lines"]] == [2.5, 2.5, 5.0, 5.0]


def test_the_page_asks_the_network_for_nothing_and_no_model_text_becomes_markup(
    tmp_path: Path, evaluation: Make
) -> None:
    html = written(tmp_path, [evaluation("<i>m", {0})])[0]
    assert re.findall(r"(?:src|href)\s*=\s*[\"']?(?!#)[^\"'>]+", html) == []
    assert "@import" not in html
    assert "url(" not in html
    assert "onerror" not in html
    assert "<i>m" not in html
    assert "&lt;i&gt;m" in html


def unpacked(html: str, name: str) -> Any:
    found = re.search(rf'<script type="text/plain" id="{name}">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(gzip.decompress(base64.b64decode(found.group(1))))


def test_every_problem_is_embedded_with_its_trajectory_extraction_and_verdicts(
    tmp_path: Path, evaluation: Make
) -> None:
    html = written(tmp_path, [evaluation("m", {0}, count=130)])[0]
    (index,) = unpacked(html, "index")
    assert len(index["problems"]) == 130
    assert index["problems"][0]["outcomes"] == {"deepseek": ["correct"], "strict": ["correct"]}
    last = unpacked(html, "piece-0-1")[29]  # problem 129: pieces hold a hundred
    assert last["reference"] == "130"
    (sample,) = last["samples"]
    assert sample["text"].endswith("\\boxed{0}")
    assert [grade[:3] for grade in sample["grades"]] == [["deepseek", "incorrect", "0"], ["strict", "incorrect", "0"]]


def test_contamination_gives_a_second_score(tmp_path: Path, evaluation: Make) -> None:
    one = evaluation("m", {0, 1, 2, 3}, count=20, contaminated=("t/0", "t/1"))
    (row,) = written(tmp_path, [one])[2]["contamination"]
    assert (row["accuracy"], row["clean"]["problems"]) == (20.0, 18)
    assert row["clean"]["accuracy"] == pytest.approx(100 * 2 / 18, abs=1e-3)


def test_checkpoints_of_one_family_make_a_curve(tmp_path: Path, evaluation: Make) -> None:
    points = [evaluation(f"sft-{s}", set(range(s)), lineage={"sft": s}) for s in (20, 0, 10)]
    html, _, content = written(tmp_path, points)
    (curve,) = content["growth"]
    assert [(p["step"], p["accuracy"]) for p in curve["points"]] == [(0, 0.0), (10, 25.0), (20, 50.0)]
    assert "Growth over checkpoints" in html


def test_checkpoints_of_two_runs_start_from_one_base(tmp_path: Path, evaluation: Make) -> None:
    base = evaluation("base", {0}, lineage={"rft": 0, "grpo": 0})
    trained = [evaluation(name, {0, 1}, lineage={name: 40}) for name in ("rft", "grpo")]
    _, _, content = written(tmp_path, [base, *trained])
    curves = {curve["family"]: [p["model"] for p in curve["points"]] for curve in content["growth"]}
    assert curves == {"grpo": ["base", "grpo"], "rft": ["base", "rft"]}


def test_a_model_has_one_colour_whatever_else_a_plot_shows(tmp_path: Path, evaluation: Make) -> None:
    evaluations = [evaluation("first", {0}), evaluation("second", {1}), evaluation("second", {1}, form="tir")]
    html, _, _ = written(tmp_path, evaluations)
    colours = set(re.findall(r'background:(#\w+)"></i>second<', html))
    assert len(re.findall(r"</i>second<", html)) == 2  # by level, in either form
    assert len(colours) == 1


def test_levels_are_drawn_with_their_sizes(tmp_path: Path, evaluation: Make) -> None:
    html, _, content = written(tmp_path, [evaluation("m", {0, 3})])
    parts = content["breakdowns"]["t, cot, by level"]
    assert [(p["value"], p["problems"]) for p in parts] == [("1", 14), ("2", 13), ("3", 13)]
    assert "1 (n=14)" in html


def test_two_runs_give_the_same_bytes(tmp_path: Path, evaluation: Make) -> None:
    one = evaluation("m", {0})
    assert written(tmp_path, [one]) == written(tmp_path, [one])


def test_two_evaluations_of_one_name_are_refused(tmp_path: Path, evaluation: Make) -> None:
    one = evaluation("m", {0})
    with pytest.raises(ReportError, match="expected one evaluation of m t cot; found two"):
        written(tmp_path, [one, one])


def test_an_unknown_baseline_is_refused(tmp_path: Path, evaluation: Make) -> None:
    with pytest.raises(ReportError, match=r"expected one of the evaluated models \(m\); found 'n'"):
        written(tmp_path, [evaluation("m", {0})], baseline="n")


def test_without_the_browser_the_page_holds_no_benchmark_text(tmp_path: Path, evaluation: Make) -> None:
    html = written(tmp_path, [evaluation("m", {0})], browser=False)[0]
    assert "text/plain" not in html
    assert len(html) < 40_000
