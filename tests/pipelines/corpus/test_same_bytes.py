import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.one_node_slurm import one_node_slurm, require_slurm

CHAIN = Path(__file__).with_name("chain.py")
ROOT = CHAIN.parents[3]
PATIENCE = 1_800  # seconds; a minute or two on a quiet machine, where the loops are compiled


def local(workers):
    return {"kind": "local", "workers": workers}


def started(folder, executor, hash_seed):
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(CHAIN), str(folder), json.dumps(executor)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def artifacts(root):
    """Every file of a run by its path; manifests say when they were made, and locks nothing."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in files
        if path.name != "manifest.json" and path.suffix != ".lock"
    }


def test_two_runs_give_the_same_bytes_whatever_the_workers_and_the_hash_seed(tmp_path):
    runs = [started(tmp_path / "one", local(1), 1), started(tmp_path / "three", local(3), 2)]
    told = [run.communicate(timeout=PATIENCE) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    one, three = artifacts(tmp_path / "one"), artifacts(tmp_path / "three")
    assert sorted(one) == sorted(three)
    assert [name for name in one if one[name] != three[name]] == []
    assert told[0][0] == told[1][0]  # the facts
    (documents,) = [name for name in one if name.startswith("math_corpus/") and "/data/" in name]
    assert pq.read_table(tmp_path / "one" / documents).num_rows >= 20  # of about 30 pages of mathematics


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A real one, as a recipe names it."""
    require_slurm()
    with one_node_slurm(folder_in(tmp_path)) as conf:
        monkeypatch.setenv("SLURM_CONF", str(conf))
        yield {"kind": "slurm", "shared": str(tmp_path / "shared"), "partition": "main", "memory": 1.0}


def folder_in(tmp_path):
    folder = tmp_path / "slurm"
    folder.mkdir()
    return folder


@pytest.mark.slow
def test_slurm_gives_the_same_bytes_as_this_machine(tmp_path, slurm):
    runs = [started(tmp_path / "one", local(1), 1), started(tmp_path / "engine", slurm, 2)]
    told = [run.communicate(timeout=PATIENCE) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    one, other = artifacts(tmp_path / "one"), artifacts(tmp_path / "engine")
    assert sorted(one) == sorted(other)
    assert [name for name in one if one[name] != other[name]] == []
