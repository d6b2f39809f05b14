"""What the benchmark report says of conditions, forms, lengths and unfit answers, without a disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluators.conditions import asked, served_by_others, served_by_us
from evaluators.models.endpoint import EndpointSettings
from evaluators.models.trajectory import EvaluationSettings
from evaluators.models.vllm_server import ServerSettings
from evaluators.records import Completion, Form, Grade, Problem
from evaluators.scores import ScoreSettings, scores_of
from pipelines.reports.benchmark import Evaluation, ReportSettings, Scored, report_content
from pipelines.reports.benchmark_browser import _detail
from pipelines.reports.benchmark_conditions import row_note

PROBLEMS = [Problem(id=f"t/{n}", benchmark="t", question="?", reference="1") for n in range(20)]
NOWHERE = Path("nowhere")


def scored(
    model: str,
    right: Sequence[Sequence[bool]],
    *,
    form: Form = "cot",
    run_of: str | None = None,
    conditions: dict[str, Any] | None = None,
    contained: dict[str, dict[str, float]] | None = None,
    seen: Sequence[str] | None = None,
    **fields: Any,
) -> Scored:
    """An evaluation whose samples are right as told: a row a problem."""
    completions = [
        Completion(**{"problem_id": PROBLEMS[n].id, "sample": s, "form": form, "text": "1", "finish": "stop", **fields})
        for n, samples in enumerate(right)
        for s in range(len(samples))
    ]
    grades = [
        Grade(
            problem_id=PROBLEMS[n].id,
            sample=s,
            profile="strict",
            outcome="correct" if correct else "incorrect",
            prediction="1",
            reason="",
            stage="text",
        )
        for n, samples in enumerate(right)
        for s, correct in enumerate(samples)
    ]
    scores = scores_of(PROBLEMS[: len(right)], completions, grades, contained or {}, ScoreSettings(), seen=seen)
    place = Evaluation(
        model=model, problems=NOWHERE, completions=NOWHERE, grades=NOWHERE, scores=NOWHERE, run_of=run_of
    )
    return Scored(evaluation=place, scores=scores, conditions=conditions or {})


def content(*evaluations: Scored, further: Sequence[Scored] = ()) -> dict[str, Any]:
    return report_content(evaluations, ReportSettings(), further)


def ours(**sampling: Any) -> dict[str, Any]:
    settings = EvaluationSettings.model_validate(sampling)
    return {
        "served": served_by_us(ServerSettings(dtype="bfloat16"), "d" * 64, device="cpu"),
        "asked": asked(settings, PROBLEMS, exemplars=PROBLEMS[:8] if settings.prompt == "few_shot" else ()),
        "sandbox": None,
    }


def test_a_model_is_compared_with_itself_between_forms() -> None:
    cot, tir = (
        scored("m", [[n < 3] for n in range(20)]),
        scored("m", [[n < 18] for n in range(20)], form="tir"),
    )
    (finding,) = content(cot, tir)["findings"]
    assert (finding["kind"], finding["verdict"]) == ("forms", "better")
    assert finding["sentence"].startswith("t, tir against cot: m tir is better than m cot: +75.00 points")
    assert (finding["evaluation_a"], finding["evaluation_b"]) == ("m · t tir", "m · t cot")


def test_with_several_samples_no_problem_is_said_to_be_right_on_one_side_only() -> None:
    a, b = scored("a", [[True, True]] * 20), scored("b", [[True, False]] * 20)
    (finding,) = content(b, a)["findings"]
    assert "problems right more often with a: 20, with b: 0" in finding["sentence"]
    assert "right only with" not in finding["sentence"]
    single = content(scored("b", [[False]] * 20), scored("a", [[True]] * 20))["findings"][0]
    assert "right only with a: 20, only with b: 0" in single["sentence"]


def test_conditions_stand_in_the_header_and_beside_each_row() -> None:
    there = {
        "served": served_by_others(EndpointSettings(base_url="http://x/v1", model="big", kind="chat")),
        "asked": asked(EvaluationSettings(prompt="chat", temperature=0.7, samples=4), PROBLEMS),
        "sandbox": None,
    }
    found = content(
        scored("few", [[True]] * 20, conditions=ours(prompt="few_shot")), scored("big", [[True]] * 20, conditions=there)
    )
    rows = {row["title"]: row for row in found["conditions"]["rows"]}
    assert (rows["Prompt"]["cells"], rows["Prompt"]["differ"]) == (["few_shot", "chat"], True)
    assert rows["Shots"]["cells"] == ["8", ""]
    assert (rows["New tokens a call, at most"]["cells"], rows["New tokens a call, at most"]["differ"]) == (
        ["1024", "1024"],
        False,
    )
    assert rows["Model"]["cells"] == ["d" * 12, "big"]
    notes = [line["conditions"] for line in found["tables"][0]["lines"]]
    assert notes[0].startswith("8-shot, T 0, at most 1,024 tokens, vLLM ")
    assert notes[1] == "chat, T 0.7, 4 samples, at most 1,024 tokens, endpoint"


def test_where_benchmarks_of_one_model_differ_each_value_says_where_it_holds() -> None:
    cot = scored("m", [[True]] * 20, conditions=ours(max_new_tokens=100))
    tir = scored("m", [[True]] * 20, form="tir", conditions=ours(form="tir", max_new_tokens=200))
    rows = {row["title"]: row["cells"] for row in content(cot, tir)["conditions"]["rows"]}
    assert rows["New tokens a call, at most"] == ["100 (t cot); 200 (t tir)"]
    assert rows["Temperature"] == ["0.0"]


def test_scores_without_conditions_have_no_table_of_them() -> None:
    assert content(scored("m", [[True]] * 20))["conditions"]["rows"] == []
    assert row_note({}) == ""


def test_answers_that_a_limit_cut_stand_beside_the_score_and_above_it() -> None:
    found = content(
        scored("m", [[False]] * 20, finish="length_in_thinking", text="", reasoning="hm", reasoning_tokens=9)
    )
    cell = found["tables"][0]["lines"][0]["cells"][0]
    assert (cell["truncated"], cell["empty"]) == (1.0, 1.0)
    (alarm,) = found["alarms"]
    assert alarm == (
        "m: many answers were cut by a limit of tokens (t cot 20 of 20), so the score tells little of the model. Raise "
        "sampling.max_new_tokens, or server.max_model_len."
    )
    (blank,) = content(scored("m", [[False]] * 20, text=" "))["alarms"]
    assert "many answers are empty (t cot 20 of 20)" in blank
    assert content(scored("m", [[False]] * 20))["alarms"] == []


def test_contamination_is_told_of_whom_it_is_not_charged_to() -> None:
    contained = {"mixture": {"t/0": 1.0}, "corpus": {}}
    base = scored("base", [[True]] * 20, contained=contained, seen=[])
    sft = scored("sft", [[True]] * 20, contained=contained, seen=["mixture"])
    found = content(base, sft)
    assert [row["model"] for row in found["contamination"]] == ["sft"]
    assert found["not_seen"] == [{"title": "t", "source": "mixture", "problems": 1, "models": ["base"]}]


def test_runs_are_no_models_and_tell_their_spread() -> None:
    first = scored("m", [[n < 10] for n in range(20)])
    second = scored("m_run2", [[2 <= n < 14] for n in range(20)], run_of="m")
    found = content(first, further=[second])
    assert [row["model"] for row in found["rows"]] == ["m"]
    (row,) = found["runs"]
    assert (row["accuracies"], row["mean"], row["unsteady"]) == ([50.0, 60.0], 55.0, 6)
    assert row["deviation"] == 7.0711  # of 50 and 60: 10 / sqrt(2)


def test_thinking_is_measured_where_it_is_told_apart() -> None:
    lengths = content(scored("m", [[True], [False]], reasoning_tokens=7))["lengths"]
    assert lengths == []  # all alike: no bins
    tokens = scored("m", [[True]] * 2, completion_tokens=5).scores["profiles"]["strict"]["length_measure"]
    thought = scored("m", [[True]] * 2, reasoning="hm").scores["profiles"]["strict"]["length_measure"]
    counted = scored("m", [[True]] * 2, reasoning="hm", reasoning_tokens=2).scores["profiles"]["strict"][
        "length_measure"
    ]
    assert (tokens, thought, counted) == ("new tokens", "characters of thinking", "tokens of thinking")


def test_the_page_holds_thinking_and_each_prompt_once() -> None:
    completions = [
        Completion(
            problem_id="t/0", sample=s, form="cot", text="1", finish="stop", prompt="User: ?", reasoning=f"thought {s}"
        )
        for s in range(3)
    ]
    detail = _detail(PROBLEMS[0], completions, [], [])
    assert detail["prompts"] == ["User: ?"]
    assert [(sample["prompt"], sample["reasoning"]) for sample in detail["samples"]] == [
        (0, "thought 0"),
        (0, "thought 1"),
        (0, "thought 2"),
    ]
