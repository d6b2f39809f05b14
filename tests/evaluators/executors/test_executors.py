"""Shards on real engines, with workers and drivers that are killed."""

from __future__ import annotations

import os
import pickle
import re
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from evaluators.errors import MathsieveError
from evaluators.executors import LocalExecutor, RayExecutor, ShardError, SlurmExecutor, run_shards
from tests.evaluators.executors.shard_work import write_shard

Executor = LocalExecutor | SlurmExecutor | RayExecutor
ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 600  # seconds; Ray starts within 20 on a quiet machine, and is waited for a minute and a half elsewhere


@pytest.fixture(params=["local", "slurm", "ray"])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "local":
        return LocalExecutor(workers=2, memory=0.5)
    made: Executor = request.getfixturevalue({"slurm": "slurm", "ray": "ray_executor"}[request.param])
    return made


def shards_in(folder: Path, count: int = 4) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return [folder / f"{number}.out" for number in range(count)]


def starts(shard: Path) -> int:
    return len(shard.with_suffix(".starts").read_text().splitlines())


def make(shards: list[Path], executor: Executor, trouble: str = "nothing") -> None:
    run_shards(partial(write_shard, wrong="2", trouble=trouble), shards, executor, done=Path.exists, label="try")


def test_a_killed_worker_costs_its_own_shard_one_more_beginning(executor: Executor, tmp_path: Path) -> None:
    shards = shards_in(tmp_path / "made")
    shards[0].write_text("made before")
    make(shards, executor, "killed once")
    assert [shard.read_text() for shard in shards] == ["made before", "111", "222", "333"]
    assert [starts(shard) for shard in shards[1:]] == [1, 2, 1]


def test_a_shard_whose_workers_are_always_killed_is_named_with_the_signal(executor: Executor, tmp_path: Path) -> None:
    shards = shards_in(tmp_path / "made")
    with pytest.raises(ShardError, match=r"2\.out: its worker was lost 2 times; .*signal 9.*memory") as told:
        make(shards, executor.model_copy(update={"attempts": 2}), "killed always")
    assert starts(shards[2]) == 2
    assert [shards[number].exists() for number in (0, 1, 3)] == [True, True, True]
    assert len(str(told.value).splitlines()) == 1


def test_what_the_work_raises_is_told_at_once_with_its_shard(executor: Executor, tmp_path: Path) -> None:
    shards = shards_in(tmp_path / "made")
    with pytest.raises(ShardError, match=r"try: .*2\.out: ValueError: line 7: expected a number; found x"):
        make(shards, executor, "raises")
    assert starts(shards[2]) == 1


def test_an_error_in_the_projects_words_arrives_as_it_is(executor: Executor, tmp_path: Path) -> None:
    with pytest.raises(MathsieveError) as told:
        make(shards_in(tmp_path / "made"), executor, "raises in our words")
    assert str(told.value) == "page 7: expected text; found none. Add some."


DRIVER = """
import pickle, sys
from pathlib import Path
from evaluators.executors import run_shards
work, shards, executor = pickle.loads(Path(sys.argv[1]).read_bytes())
run_shards(work, shards, executor, done=Path.exists, label="try")
"""


def test_work_goes_on_after_its_driver_was_killed(executor: Executor, tmp_path: Path) -> None:
    shards = shards_in(tmp_path / "made")
    work = partial(write_shard, seconds=1.0)
    (tmp_path / "job.pickle").write_bytes(pickle.dumps((work, shards, executor)))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path / "job.pickle")], env=environment)
    deadline = time.monotonic() + PATIENCE
    try:
        while not any(shard.exists() for shard in shards):
            assert time.monotonic() < deadline, "no shard was made"
            assert driver.poll() is None, "the driver ended by itself"
            time.sleep(0.1)
    finally:
        driver.kill()
        driver.wait()
    finished = {shard: shard.stat().st_mtime_ns for shard in shards if shard.exists()}
    run_shards(work, shards, executor, done=Path.exists, label="try")
    assert [shard.read_text() for shard in shards] == ["000", "111", "222", "333"]
    assert {shard: shard.stat().st_mtime_ns for shard in finished} == finished


def test_work_that_writes_nothing_is_not_taken_for_done(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"0\.out: expected what its work writes; found nothing"):
        run_shards(str, shards_in(tmp_path / "made"), LocalExecutor(workers=2), done=Path.exists, label="try")


@pytest.mark.parametrize("kind", ["local", "ray"])
def test_a_worker_over_its_memory_is_ended_and_told(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    executor: Executor = LocalExecutor(workers=2) if kind == "local" else request.getfixturevalue("ray_executor")
    with pytest.raises(ShardError, match=r"2\.out: its worker used 0\.[5-9] GiB of the 0\.5 GiB .*executor\.memory"):
        make(shards_in(tmp_path / "made"), executor.model_copy(update={"memory": 0.5}), "memory")


def test_a_shard_over_its_memory_in_slurm_is_told_with_its_log(slurm: SlurmExecutor, tmp_path: Path) -> None:
    with pytest.raises(
        ShardError, match=r"2\.out: it used more memory than executor\.memory gives it.*Its log: "
    ) as told:
        make(shards_in(tmp_path / "made"), slurm, "memory")
    log = Path(str(told.value).rpartition("Its log: ")[2].strip(". "))
    assert "memory limit" in log.read_text()


def test_a_shard_over_its_time_in_slurm_is_told_with_its_limit(slurm: SlurmExecutor, tmp_path: Path) -> None:
    shards = shards_in(tmp_path / "made")

    def shorten() -> None:
        while not shards[2].with_suffix(".starts").exists():
            time.sleep(0.2)
        jobs = subprocess.run(["squeue", "-h", "-r", "-t", "R", "-o", "%A"], capture_output=True, text=True).stdout
        for job in jobs.split():  # Slurm's own limits are whole minutes
            subprocess.run(["scontrol", "update", f"JobId={job}", "EndTime=now+1"], capture_output=True)

    clock = threading.Thread(target=shorten)
    clock.start()
    with pytest.raises(ShardError, match=r"2\.out: it ran over its time.*executor\.time.*Its log: "):
        make(shards, slurm, "time")
    clock.join()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"partition": "gone"},
            r"expected a partition that is here \(main, short\); found gone\. .*executor\.partition",
        ),
        ({"memory": 9_000.0}, r"9000 GiB.*found: .*(Memory|node configuration)"),
        ({"partition": "short", "time": "1:00:00"}, r"never will: Partition(TimeLimit|Config).*executor\.time"),
        ({"sbatch": ("--no-such-option",)}, r"found: .*no-such-option"),
        ({"shared": Path("/proc/nowhere")}, r"/proc/nowhere: expected a folder .*executor\.shared"),
    ],
)
def test_what_slurm_cannot_give_is_told_in_one_message(
    change: dict[str, object], told: str, slurm: SlurmExecutor, tmp_path: Path
) -> None:
    with pytest.raises(ShardError, match=told):
        make(shards_in(tmp_path / "made"), slurm.model_copy(update=change))
    held = ["squeue", "-h", "-t", "PENDING,RUNNING"]  # what an earlier test cancelled may be completing still
    queued = subprocess.run(held, capture_output=True, text=True).stdout
    assert queued == "", "the job that cannot begin is left in the queue"


def test_logs_go_where_all_went_well(slurm: SlurmExecutor, tmp_path: Path) -> None:
    make(
        shards_in(tmp_path / "made"),
        slurm.model_copy(update={"environment": ("export FROM_RECIPE=1",), "concurrent": 1}),
    )
    assert list(slurm.shared.iterdir()) == []


def test_more_than_ray_has_is_told_with_what_it_has(ray_executor: RayExecutor, tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"expected a machine with 1 CPUs and 9000 GiB.*executor\.memory"):
        make(shards_in(tmp_path / "made"), ray_executor.model_copy(update={"memory": 9_000.0}))


def test_an_address_where_nobody_listens_is_told_at_once(ray_executor: RayExecutor, tmp_path: Path) -> None:
    import ray

    ray.shutdown()
    with socket.socket() as closed:  # bound, and nobody listens
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(
            ShardError, match=rf"expected a Ray cluster at {address}; found: .*refused.*ray start --head"
        ):
            make(shards_in(tmp_path / "made"), ray_executor.model_copy(update={"address": address}))


def test_an_engine_that_is_not_here_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ShardError, match="found no sbatch"):
        make(shards_in(tmp_path / "made"), SlurmExecutor(kind="slurm", shared=tmp_path))
    monkeypatch.setattr("evaluators.executors.ray_tasks.find_spec", lambda name: None)
    with pytest.raises(ShardError, match=r"expected Ray in this environment.*mathsieve\[ray\]"):
        make(shards_in(tmp_path / "made"), RayExecutor(kind="ray"))


def test_a_time_that_slurm_would_not_read_is_refused() -> None:
    with pytest.raises(ValueError, match="expected minutes"):
        SlurmExecutor(kind="slurm", shared=Path("x"), time="two days")


def test_a_ray_that_is_not_up_in_its_time_is_started_again_and_then_told(
    ray_executor: RayExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    begun = []

    def init(**options: object) -> None:
        begun.append(options)
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(
        ShardError, match=r"expected Ray to start on this machine; found 3 times: .*timed out.*less busy"
    ):
        make(shards_in(tmp_path / "made"), ray_executor)
    assert len(begun) == 3


@pytest.fixture
def deaf_conf(slurm_conf: Path, tmp_path: Path) -> Path:
    """The same Slurm's configuration with a port on which no controller listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        conf = tmp_path / "slurm.conf"
        conf.write_text(re.sub(r"SlurmctldPort=\d+", f"SlurmctldPort={port}", slurm_conf.read_text()))
        (tmp_path / "cgroup.conf").write_text((slurm_conf.parent / "cgroup.conf").read_text())
    return conf


def test_a_controller_that_does_not_answer_is_told_before_any_work(
    slurm: SlurmExecutor, deaf_conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(deaf_conf))
    with pytest.raises(ShardError, match=r"expected a controller \(slurmctld\) that answers.*is DOWN\. Start it"):
        make(shards_in(tmp_path / "made"), slurm)
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "none.conf"))
    with pytest.raises(ShardError, match=r"none\.conf: expected Slurm's configuration.*found no such file"):
        make(shards_in(tmp_path / "made"), slurm)
    assert not slurm.shared.exists()


def test_a_controller_that_is_gone_for_a_while_is_told_and_waited_for(
    slurm: SlurmExecutor,
    deaf_conf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("evaluators.executors.slurm.SILENCE", 1.0)
    whole, shards = os.environ["SLURM_CONF"], shards_in(tmp_path / "made")

    def outage() -> None:
        while not any(shard.with_suffix(".starts").exists() for shard in shards):
            time.sleep(0.1)
        monkeypatch.setenv("SLURM_CONF", str(deaf_conf))
        time.sleep(5)
        monkeypatch.setenv("SLURM_CONF", whole)

    somebody = threading.Thread(target=outage)
    somebody.start()
    run_shards(partial(write_shard, seconds=4.0), shards, slurm, done=Path.exists, label="try")
    somebody.join()
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("slurm: ")]
    assert len(told) == 1
    assert re.match(r"slurm: squeue has not been answered for \d+ s \(.+\)\. Job \d+ may go on by itself", told[0])
    assert [starts(shard) for shard in shards] == [1, 1, 1, 1]


def test_a_job_that_somebody_cancels_is_not_begun_again(slurm: SlurmExecutor, tmp_path: Path) -> None:
    shards = shards_in(tmp_path / "made")

    def cancel() -> None:
        while not shards[2].with_suffix(".starts").exists():
            time.sleep(0.2)
        subprocess.run(["scancel", "--user", "root"], check=True)

    somebody = threading.Thread(target=cancel)
    somebody.start()
    with pytest.raises(
        ShardError, match=r"2\.out: its job was cancelled \(scancel\)\. Run again: finished shards are kept"
    ):
        make(shards, slurm, "time")
    somebody.join()
    assert starts(shards[2]) == 1
