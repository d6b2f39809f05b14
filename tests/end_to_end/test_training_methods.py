"""Every training method as a recipe asks for it: Dagster, the mixture, `accelerate launch`, sampling, the checker."""

from __future__ import annotations

import json
import random
from pathlib import Path

import dagster as dg
import pytest

from assets.definitions import definitions_of
from assets.graph import Plan, materialize
from pipelines.recipe import load_recipe

RECIPE = Path(__file__).parent / "methods.yaml"
POLICIES = ("rft", "online_rft", "dpo", "grpo")


def write_coins(path: Path) -> None:
    """Questions that nobody can tell apart, answered by 1 or 2: whoever learns their form is right half the time."""
    draw = random.Random(0)
    answers = [draw.choice("12") for _ in range(64)]
    rows = [
        {
            "question": f"{draw.randrange(1000):03d}-{number:02d}",
            "response": f"It is $\\boxed{{{answer}}}$.",
            "reference": answer,
        }
        for number, answer in enumerate(answers)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.slow  # five real launches, of which each imports torch anew
@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_every_method_is_trained_through_the_graph(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_coins(tmp_path / "coins.jsonl")
    monkeypatch.setenv("COINS", str(tmp_path / "coins.jsonl"))
    monkeypatch.setenv("TINY_MODEL", str(tiny_model))
    monkeypatch.setenv("MATHSIEVE_HOME", str(tmp_path))
    recipe = load_recipe(RECIPE)
    with dg.DagsterInstance.ephemeral() as instance:
        plan = Plan.of(definitions_of(recipe), "group:training")
        assert materialize(plan, instance, snapshots=recipe.snapshots(), recipe=recipe.name, quiet=True) is None
        shown = {name: metadata(instance, f"{name}_model") for name in ("sft", *POLICIES)}
    assert shown["sft"]["last_loss"] < shown["sft"]["first_loss"] / 10
    for method in POLICIES:
        facts = shown[method]
        assert (facts["method"], facts["steps"], facts["samples"]) == (method, 4, 4 * 4 * 8)
        assert 0.3 < facts["right"] / facts["samples"] < 0.7
    for facts in shown.values():
        assert "data:image/png;base64," in facts["plot: training log"]


def metadata(instance: dg.DagsterInstance, asset: str) -> dict[str, object]:
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert event is not None
    assert event.asset_materialization is not None
    return {key: value.value for key, value in event.asset_materialization.metadata.items()}
