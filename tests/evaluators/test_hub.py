"""Benchmarks from the hub: the pinned commit is what is read, and what is not as published is refused."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from evaluators.benchmarks import benchmark
from tests.evaluators.hub_server import hub

CARD = """---
configs:
- config_name: main
  data_files:
  - {split: train, path: main/train-*}
  - {split: test, path: main/test-*}
- config_name: socratic
  data_files:
  - {split: test, path: socratic/test-*}
---
"""
LOAD = """
import json, sys
from evaluators.benchmarks import BenchmarkError, load_problems
try:
    problems = load_problems("gsm8k", verify=sys.argv[1] == "verify")
    print(json.dumps([[p.id, p.question, p.reference] for p in problems]))
except BenchmarkError as error:
    print(json.dumps(str(error)))
"""


def parquet(*answers: str) -> bytes:
    rows = [{"question": f"Question {n}?", "answer": f"Because.\n#### {answer}"} for n, answer in enumerate(answers)]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


def load(address: str, cache: Path, *arguments: str) -> object:
    """In a process of its own: the hub's address is read when its library is imported."""
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1"}
    environment.pop("HF_HUB_OFFLINE", None)
    ran = subprocess.run(
        [sys.executable, "-c", LOAD, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(ran.stdout.splitlines()[-1])


def test_the_pinned_commit_of_the_named_configuration_is_read_and_held_against_what_was_published(
    tmp_path: Path,
) -> None:
    gsm8k = benchmark("gsm8k")
    assert gsm8k.dataset is not None and gsm8k.revision is not None
    files = {
        "README.md": CARD.encode(),
        "main/train-00000-of-00001.parquet": parquet("7"),
        "main/test-00000-of-00001.parquet": parquet("1,234", "5"),
        "socratic/test-00000-of-00001.parquet": parquet("0"),
    }
    with hub(gsm8k.dataset, gsm8k.revision, files) as (address, asked):
        found = load(address, tmp_path, "as it is")
        assert found == [["gsm8k/test/0", "Question 0?", "1234"], ["gsm8k/test/1", "Question 1?", "5"]]
        assert any(request.endswith(f"/resolve/{gsm8k.revision}/main/test-00000-of-00001.parquet") for request in asked)
        refused = load(address, tmp_path, "verify")
    assert str(refused).startswith("hub:openai/gsm8k: expected 1319 problems in gsm8k test; found 2.")


def test_a_hub_that_has_no_such_commit_is_told_with_the_remedy(tmp_path: Path) -> None:
    with hub("openai/gsm8k", "0" * 40, {"README.md": CARD.encode()}) as (address, _):
        told = str(load(address, tmp_path, "verify"))
    assert told.startswith("gsm8k: could not read openai/gsm8k (cc7b047b")
    assert told.endswith("Check the network, or give `path`.")
