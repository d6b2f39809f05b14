"""The command a user types must not serve yesterday's work: files that a recipe names are rewritten in place between two runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.storage import Artifact, Store

CHECKOUT = Path(__file__).resolve().parents[2]
SELECTED = 'key:"source_own" or key:"problems"'
RECIPE = """
name: stale
planted: {scale: 0.3}
seed: {crawl: [{prefix: lemmaworks.example/notes}]}
benchmarks:
  svamp: {name: svamp, path: FOLDER/svamp.json, verify: false}
mixture:
  sources:
    own: {source: jsonl, path: FOLDER/rows.jsonl, verification: {execute: false, concurrency: PACE}}
  mixing: {weights: {own: 1.0}}
"""


def write_rows(folder: Path, answer: str) -> None:
    """Files of the same names, sizes and times, whatever they hold."""
    row = {"question": "What is three and four?", "response": f"It is \\boxed{{{answer}}}.", "reference": answer}
    problem = {"Body": "A boy has 3 nuts and 4 figs.", "Question": "How many?", "Answer": float(answer), "ID": "chal-1"}
    problem |= {"Type": "Addition", "Equation": "( 3.0 + 4.0 )"}
    for name, text in (("rows.jsonl", json.dumps(row) + "\n"), ("svamp.json", json.dumps([problem]))):
        (folder / name).write_text(text, encoding="utf-8")
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))


def run(folder: Path, *, pace: int = 4) -> dict[str, str]:
    """Run the recipe; the folder of each artifact that it refers to."""
    recipe, home = folder / "stale.yaml", folder / "home"
    recipe.write_text(RECIPE.replace("FOLDER", str(folder)).replace("PACE", str(pace)), encoding="utf-8")
    home.mkdir(exist_ok=True)
    settings = (CHECKOUT / "dagster.yaml").read_text(encoding="utf-8").replace("data/dagster", str(home / "dagster"))
    (home / "dagster.yaml").write_text(settings, encoding="utf-8")
    environment = {**os.environ, "MATHSIEVE_HOME": str(home), "DAGSTER_HOME": str(home)}
    words = [sys.executable, "-m", "assets.command_line", "run", str(recipe), "--select", SELECTED]
    done = subprocess.run(
        words, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    refs = home / "stale" / "refs"
    return {
        name: json.loads((refs / f"{name}.json").read_text(encoding="utf-8"))["path"]
        for name in ("source_own", "problems/svamp")
    }


def opened(folder: Path, key: str) -> Artifact:
    return Store(folder / "home" / "stale").open(key)


@pytest.mark.slow
def test_files_rewritten_in_place_are_read_again_and_a_changed_pace_makes_nothing(tmp_path: Path) -> None:
    write_rows(tmp_path, "7")
    first = run(tmp_path)
    assert run(tmp_path, pace=9) == first
    write_rows(tmp_path, "8")
    second = run(tmp_path)
    assert [second[name] != first[name] for name in first] == [True, True]
    source, problems = opened(tmp_path, second["source_own"]), opened(tmp_path, second["problems/svamp"])
    assert pq.read_table(source.files("problems-*.parquet"))["reference"].to_pylist() == ["8"]
    assert pq.read_table(problems.file("problems.parquet"))["reference"].to_pylist() == ["8"]
