"""Before a run starts it is told what it would miss, for the assets that it will make and for no others."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.preflight import missing_inputs
from pipelines.recipe import Recipe, RecipeError, load_recipe

DEMO = Path(__file__).resolve().parents[2] / "recipes" / "demo.yaml"


def recipe(folder: Path, **changes: Any) -> Recipe:
    content = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    for keys, value in changes.items():
        *parents, last = keys.split("__")
        inner = content
        for key in parents:
            inner = inner.setdefault(key, {})
        inner[last] = value
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}), encoding="utf-8")
    return load_recipe(path)


@pytest.mark.parametrize(
    ("executor", "told"),
    [
        (
            {"kind": "slurm", "shared": "jobs"},
            "executor: slurm: expected Slurm's commands on this machine; found no sbatch.",
        ),
        (
            {"kind": "ray"},
            "executor: ray: expected Ray in this environment; found none. Install it, pip install 'mathsieve[ray]'",
        ),
    ],
)
def test_an_engine_that_is_not_here_is_told_where_shards_are_to_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: dict[str, str], told: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("evaluators.executors.ray_tasks.find_spec", lambda name: None)
    needing = recipe(tmp_path, executor=executor)
    (found,) = missing_inputs(needing, ["pages"])
    assert found.startswith(told)
    assert missing_inputs(needing, ["seed_corpus"]) == []


def test_the_demo_misses_nothing(tmp_path: Path) -> None:
    assets = ["pages", "seed_corpus", "problems", "source_templated", "base_model", "sft_model", "sft/completions"]
    assert missing_inputs(recipe(tmp_path), assets) == []


@pytest.mark.parametrize(
    ("changes", "asset", "told"),
    [
        (
            {"planted__leaked_benchmarks": ["templatd"], "planted__leaks": 12},
            "pages",
            "planted.leaked_benchmarks: benchmark 'templatd' is not known; did you mean templated?",
        ),
        (
            {"training__base_model": {"source": "package:no_such_package"}},
            "base_model",
            "training.base_model: base model: expected the Python package no_such_package; it is not installed",
        ),
        ({"training__base_model": {"source": "/no/model"}}, "base_model", "found '/no/model', which is none of them"),
        (
            {"benchmarks": {"gsm8k": {"name": "gsm9k"}}},
            "problems",
            "benchmarks.gsm8k: benchmark 'gsm9k' is not known; did you mean gsm8k?",
        ),
        (
            {"benchmarks": {"gsm8k": {"name": "gsm8k", "path": "/no/folder"}}},
            "problems",
            "/no/folder: expected the data",
        ),
        (
            {"mixture__sources__templated": {"source": "tora"}},
            "source_templated",
            "mixture.sources.templated: source tora: expected a path to its data; found none",
        ),
        ({"mixture__sources__templated": {"source": "tora", "path": "/no/file"}}, "source_templated", "no such file"),
        ({"seed__files": ["/no/seed.parquet"]}, "seed_corpus", "/no/seed.parquet: expected a file of text and url"),
        ({"seed": {}}, "seed_corpus", "seed: expected pages to start from; found none. Name URL prefixes"),
    ],
)
def test_each_missing_input_is_one_sentence_with_its_key(
    tmp_path: Path, changes: dict[str, Any], asset: str, told: str
) -> None:
    (sentence,) = missing_inputs(recipe(tmp_path, **changes), [asset])
    assert told in sentence


def test_an_empty_snapshot_beside_a_full_one_is_told(tmp_path: Path) -> None:
    for name in ("full", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "a.warc.gz").write_bytes(b"")
    folders = {"CC-MAIN-2025-05": str(tmp_path / "full"), "CC-MAIN-2025-08": str(tmp_path / "empty")}
    (sentence,) = missing_inputs(recipe(tmp_path, planted=None, crawl={"folders": folders}), ["pages"])
    assert f"crawl folder {tmp_path / 'empty'}: expected files that end in .warc" in sentence


def test_a_broken_file_of_decisions_is_told_before_the_crawl_is_read(tmp_path: Path) -> None:
    decisions = tmp_path / "decisions.jsonl"
    decisions.write_text('{"prefix": "a.org"\n', encoding="utf-8")
    reviewed = recipe(tmp_path, iterations__annotations={"decisions": str(decisions)})
    (sentence,) = missing_inputs(reviewed, ["iteration_1/annotations"])
    assert sentence.startswith(f"iterations.annotations.decisions: {decisions}:1: expected a JSON object")
    decisions.unlink()  # the first review makes it
    assert missing_inputs(reviewed, ["iteration_1/annotations"]) == []


def test_a_snapshot_named_twice_is_told(tmp_path: Path) -> None:
    names = ["CC-MAIN-2025-05", "CC-MAIN-2025-08", "CC-MAIN-2025-05"]
    told = "snapshots: expected each once; found CC-MAIN-2025-05 again"
    with pytest.raises(RecipeError, match=f"planted.{told}"):
        recipe(tmp_path, planted__snapshots=names)
    with pytest.raises(RecipeError, match=f"crawl.common_crawl.{told}"):
        recipe(tmp_path, planted=None, crawl={"common_crawl": {"snapshots": names}})


MISSING: dict[str, dict[str, Any]] = {
    "pages": {"planted__leaked_benchmarks": ["templatd"], "planted__leaks": 12},
    "seed_corpus": {"seed": {}},
    "iteration_1/annotations": {"iterations__annotations": {"decisions": "."}},
    "problems": {"benchmarks": {"gsm8k": {"name": "gsm9k"}}},
    "source_templated": {"mixture__sources__templated": {"source": "tora"}},
    "base_model": {"training__base_model": {"source": "/no/model"}},
}


@pytest.mark.parametrize("asset", MISSING)
def test_what_is_not_made_is_not_missed(tmp_path: Path, asset: str) -> None:
    lacking = recipe(tmp_path, **MISSING[asset])
    assert len(missing_inputs(lacking, [asset])) == 1
    assert missing_inputs(lacking, [*(set(MISSING) - {asset}), "math_corpus", "iteration_1/classifier"]) == []


@pytest.mark.parametrize(
    ("asset", "package"), [("base_model", "safetensors"), ("sft_model", "accelerate"), ("sft/completions", "vllm")]
)
def test_a_package_that_is_not_installed_is_told_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asset: str, package: str
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else found(name))
    (sentence,) = missing_inputs(recipe(tmp_path), [asset])
    assert f"expected the Python package {package} to be installed; it is not. `make setup`" in sentence
    assert missing_inputs(recipe(tmp_path), ["pages", "problems"]) == []
