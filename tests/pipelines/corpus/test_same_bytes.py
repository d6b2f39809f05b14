"""The planted crawl to the export: the same bytes on every executor, and after what is at work there was killed."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.storage import Store
from pipelines.storage.verification import verify
from tests.one_node_slurm import one_node_slurm, require_slurm
from tests.s3_server import serving

CHAIN = Path(__file__).with_name("chain.py")
ROOT = CHAIN.parents[3]
PATIENCE = 1_800  # seconds; a minute or two on a quiet machine, where the loops are compiled
WORKERS = {"local": "multiprocessing.spawn", "slurm": "evaluators.executors {shared}", "ray": "ray::_attempt"}
"""What the command line of a process that makes shards says."""


def local(workers):
    return {"kind": "local", "workers": workers}


def started(folder, executor, hash_seed):
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(CHAIN), str(folder), json.dumps(executor)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment, text=True, start_new_session=True, **pipes)


def finished(run):
    """What it printed last: the facts of the corpus."""
    said, errors = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, errors
    return said.splitlines()[-1]


def artifacts(root):
    """Every file of a run by its path; manifests say when they were made, and locks nothing."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in files
        if path.name != "manifest.json" and path.suffix != ".lock"
    }


@pytest.fixture(scope="module")
def by_one_worker(tmp_path_factory):
    """The files of a run by this process alone, and the facts of its corpus."""
    folder = tmp_path_factory.mktemp("one")
    facts = finished(started(folder, local(1), 1))
    return artifacts(folder), facts


def test_a_corpus_has_pages_of_mathematics(by_one_worker, tmp_path):
    (documents,) = [name for name in by_one_worker[0] if name.startswith("math_corpus/") and "/data/" in name]
    (tmp_path / "documents.parquet").write_bytes(by_one_worker[0][documents])
    assert pq.read_table(tmp_path / "documents.parquet").num_rows >= 20  # of about 30 planted


def same_as(made, by_one_worker):
    files, _ = by_one_worker
    assert sorted(made) == sorted(files)
    assert [name for name in files if files[name] != made[name]] == []


def test_two_runs_give_the_same_bytes_whatever_the_workers_and_the_hash_seed(by_one_worker, tmp_path):
    facts = finished(started(tmp_path, local(3), 2))
    same_as(artifacts(tmp_path), by_one_worker)
    assert verify(tmp_path, deep=True).faults == []
    assert facts == by_one_worker[1]


def test_a_root_in_a_bucket_holds_the_same_bytes(by_one_worker, tmp_path, monkeypatch):
    """The planted crawl, the pages and all after them are read from it and written to it."""
    monkeypatch.setenv("MATHSIEVE_CACHE", str(tmp_path / "cache"))
    with serving() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        facts = finished(started("s3://bucket/chain", local(2), 3))
        root = Store("s3://bucket/chain").root
        names = [name for name in root.sizes() if Path(name).name != "manifest.json"]
        made = {name: root.read(name) for name in names}
    same_as(made, by_one_worker)
    assert facts == by_one_worker[1]


@pytest.fixture(params=sorted(WORKERS))
def executor(request, tmp_path_factory):
    """Each engine for real, as a recipe names it; the test skips, and says so, where it cannot be had."""
    if request.param == "local":
        yield local(2)
    elif request.param == "ray":
        if find_spec("ray") is None:
            pytest.skip("NO RAY HERE: pip install 'mathsieve[ray]'")
        yield {"kind": "ray", "workers": 2, "memory": 1.0}
    else:
        require_slurm()
        folder = tmp_path_factory.mktemp("slurm")
        with one_node_slurm(folder) as conf, pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLURM_CONF", str(conf))
            yield {"kind": "slurm", "shared": str(folder / "shared"), "partition": "main", "memory": 1.0}


def test_what_was_killed_at_work_goes_on_to_the_same_bytes(executor, by_one_worker, tmp_path):
    """A worker while pages are read, then the driver; then the whole job while survivors are extracted."""
    run = started(tmp_path, executor, 2)
    kill(worker_of(executor, run, tmp_path / "pages"))  # its shard is begun again
    when((tmp_path / "pages").glob, "*/*/manifest.json", of=run)
    worker_of(executor, run, tmp_path / "pages")
    kill(run.pid)
    run.communicate(timeout=PATIENCE)
    run = started(tmp_path, executor, 3)
    worker_of(executor, run, tmp_path / "extracted")
    kill_job(executor, run)
    run.communicate(timeout=PATIENCE)
    assert run.returncode != 0
    finished(started(tmp_path, executor, 4))
    same_as(artifacts(tmp_path), by_one_worker)


def kill_job(executor, run):
    """All that belongs to it, at once; of Slurm what it has in the queue, with which the run ends."""
    if executor["kind"] == "slurm":
        subprocess.run(["scancel", "--user", "root"], check=True)
        return
    for process in [run.pid, *descendants(run.pid)]:
        kill(process)


def worker_of(executor, run, stage):
    """A process that is at a shard of a stage that lies below this folder."""
    told = WORKERS[executor["kind"]].format_map(executor)

    def found(_):
        if not list(stage.rglob("*.partial")):
            return []
        near = processes() if executor["kind"] == "slurm" else descendants(run.pid)
        return [process for process in near if told in command_line(process)]

    return when(found, "", of=run)[0]


def when(look, pattern, *, of):
    deadline = time.monotonic() + PATIENCE
    while not (found := list(look(pattern))):
        assert of.poll() is None, of.communicate()[1]
        assert time.monotonic() < deadline, "nothing of it is to be seen"
        time.sleep(0.02)
    return found


def kill(process):
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def processes():
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def command_line(process):
    try:
        return (Path("/proc") / str(process) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def parent(process):
    try:
        return int((Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def descendants(process):
    """Children, and theirs."""
    parents = {one: parent(one) for one in processes()}
    found, new = [], [process]
    while new:
        new = [one for one, above in parents.items() if above in new]
        found += new
    return found
