"""What a recipe's mixture will hold, told from published counts: the two recipes of papers, and what is not stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.mixtures.mixing import MixtureSettings
from pipelines.mixtures.plan import PlannedPart, plan_table, planned_parts
from pipelines.mixtures.source import SourceSettings
from pipelines.mixtures.teacher import TeacherSettings
from pipelines.recipe import ANNOTATED, Recipe, load_recipe
from pipelines.recipe_file import RecipeError
from pipelines.training.methods.sft import SftSettings

RECIPES = Path(__file__).parents[3] / "recipes"
NEEDED = (
    "SFT_SOURCES", "TEACHER_URL", "TEACHER_MODEL", "OPENWEBMATH", "BASE_MODEL_REVISION", "BELLE_REVISION", "OSS_REVISION",
    "EVOL_REVISION",
)  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NEEDED:
        monkeypatch.setenv(name, "http://localhost:9" if name == "TEACHER_URL" else "a" * 40)


def plan_of(recipe: Recipe) -> dict[str, PlannedPart]:
    mixture = recipe.mixture
    lines = planned_parts(mixture.sources, mixture.mixing, mixture.teacher, ANNOTATED)
    return {line.name: line for line in lines}


def test_the_paper_s_776_thousand_add_up() -> None:
    plan = plan_of(load_recipe(RECIPES / "deepseekmath.yaml"))
    assert plan["all"].ours == plan["all"].paper == 776_000
    assert plan["all"].gap == 0
    assert plan["tools_en"].ours == 4 * (7_473 + 7_500)  # four right solutions to each problem of GSM8K and MATH
    assert plan["tools_zh"].ours == 4 * (3_000 + 20_000)  # TAL-SCQ5K whole, Ape210K to the teacher's limit
    assert plan["cot_en"].ours == 7_473 + 7_500
    assert plan["programs_zh"].ours == 200_488
    assert plan["lila_ood"].ours is plan["lila_ood"].published is None  # its card states no count
    stated = sum(line.ours or 0 for name, line in plan.items() if name not in ("all", "filled"))
    assert plan["filled"].ours == 776_000 - stated
    assert plan["filled"].ours < (plan["filled"].published or 0)
    assert all(line.why for name, line in plan.items() if name != "all")


def test_deepseek_llm_s_shares_are_those_of_its_paper() -> None:
    recipe = load_recipe(RECIPES / "deepseek_llm.yaml")
    plan = plan_of(recipe)
    assert {name: line.ours for name, line in plan.items()} == {
        "general": 374_400,  # 31.2 % of 1.2 M
        "code": 266_400,  # 22.2 %
        "mathematics": 559_200,  # 46.6 %
        "all": 1_200_000,
    }
    assert all(line.gap == 0 for line in plan.values())
    assert plan["code"].published == 75_197 + 111_183
    times = [line.repeats or 0 for line in plan.values()]
    assert max(times) <= recipe.mixture.mixing.repeats
    assert round(plan["code"].repeats or 0, 2) == 1.43


def test_epochs_go_by_the_size_of_the_model() -> None:
    sft = load_recipe(RECIPES / "deepseek_llm.yaml").training.sft
    rows = 25_600  # 100 batches of 256
    assert sft.steps_for(6_900_000_000, rows) == 400
    assert sft.steps_for(67_000_000_000, rows) == 200
    assert sft.steps_for(13_000_000_000, rows) == 400  # nearer to 7 than to 67 by its logarithm
    assert SftSettings().steps_for(7_000_000_000, rows) == 500  # §3.2


def test_a_table_says_what_is_not_stated_and_a_gap_with_its_sign() -> None:
    sources = {
        "gsm8k": SourceSettings(source="gsm8k", rows=100),
        "deep": SourceSettings(source="deepmath_103k", rows=10),
        "lila": SourceSettings(source="lila_ood"),
    }
    parts: Any = [
        {"name": "school", "sources": ["gsm8k"], "epochs": 2, "paper": 250, "why": "fewer"},
        {"name": "deep", "sources": ["deep"], "epochs": 1},
        {"name": "programs", "sources": ["lila"], "epochs": 1},
    ]
    lines = planned_parts(sources, MixtureSettings(parts=parts, repeats=2), TeacherSettings(), ANNOTATED)
    assert [(line.name, line.published, line.ours, line.gap) for line in lines] == [
        ("school", 100, 200, -50),
        ("deep", 30, 30, None),  # three solutions a row
        ("programs", None, None, None),
        ("all", None, 230, None),
    ]
    assert plan_table(lines)[1].split() == ["school", "250", "100", "200", "2.00", "-50", "fewer"]
    assert plan_table(lines)[3].split() == ["programs", *["not", "given"], *["not", "stated"] * 2]


def test_without_a_total_the_scarcest_source_decides_as_it_will_in_the_run() -> None:
    sources = {
        "a": SourceSettings(source="templated", rows=100, forms=("cot",)),
        "b": SourceSettings(source="templated", rows=60, forms=("cot", "tir")),
    }
    lines = planned_parts(sources, MixtureSettings(weights={"a": 0.5, "b": 0.5}), None, ANNOTATED)
    assert [(line.published, line.ours) for line in lines] == [(100, 100), (120, 100), (220, 200)]


def test_the_teacher_is_asked_about_the_sources_it_names(tmp_path: Path) -> None:
    from pipelines.recipe_graph import mixtures

    recipe = load_recipe(RECIPES / "deepseekmath.yaml")
    (annotated,) = [step for step in mixtures(recipe) if step.name == ANNOTATED]
    assert annotated.reads["problems"] == {
        f"source_{name}": (f"source_{name}",) for name in ("gsm8k", "math", "k12_zh", "ape210k")
    }
    wrong = (
        (RECIPES / "deepseekmath.yaml")
        .read_text(encoding="utf-8")
        .replace("[gsm8k, math, k12_zh", "[gsm9k, math, k12_zh")
    )
    (tmp_path / "wrong.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(RecipeError, match=r"teacher\.sources: expected some of .*; found gsm9k"):
        load_recipe(tmp_path / "wrong.yaml")


def test_the_list_tells_the_counts_before_it_looks_for_the_crawl(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from assets.listing import list_standings

    def read_the_network(recipe: Recipe) -> None:
        raise KeyboardInterrupt  # whatever would be read is never waited for

    monkeypatch.setattr(Recipe, "snapshots", read_the_network)
    with pytest.raises(KeyboardInterrupt):
        list_standings(load_recipe(RECIPES / "deepseek_llm.yaml"))
    told = capsys.readouterr().out
    assert told.startswith("mixture, by published row counts:\npart ")
    assert "1,200,000" in told
