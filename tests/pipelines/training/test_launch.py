import errno
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.training import launch as launch_module
from pipelines.training.launch import (
    Job,
    TrainingFailed,
    command,
    count_gpus,
    environment,
    failure_of,
    launch,
    multiplies_bfloat16,
    with_precision,
)
from pipelines.training.methods.dpo import DpoSettings
from pipelines.training.run_settings import MachineSettings, OptimiserSettings


def words(**changes: object) -> str:
    return " ".join(command(Path("/job.json"), MachineSettings(**changes)))


def test_a_cpu_run_is_one_process() -> None:
    assert "--num_processes 1" in words(device="cpu")
    assert "--cpu" in words(device="cpu")
    assert environment(MachineSettings(device="cpu"))["CUDA_VISIBLE_DEVICES"] == ""


def test_every_visible_gpu_gets_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,3")
    assert "--num_processes 3" in words()
    assert "--multi_gpu" in words()
    assert words(sharding="fsdp") == words()  # the training process shards, whoever started it


def test_several_processes_on_a_cpu_are_started_by_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)))
    assert "-m torch.distributed.run --standalone --nproc-per-node 4 -m pipelines.training" in words(
        device="cpu", processes=4
    )
    assert environment(MachineSettings(device="cpu", processes=4))["OMP_NUM_THREADS"] == "2"


def test_one_process_has_nothing_to_divide(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="expected at least two processes with sharding fsdp"):
        MachineSettings(device="cpu", sharding="fsdp")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(TrainingFailed, match=r"found one for 1 GPUs. Set machine\.processes, or sharding: none"):
        launch(job(), MachineSettings(sharding="fsdp"))


@pytest.mark.parametrize(("visible", "count"), [("", 0), ("-1", 0), ("2", 1), ("0,1", 2)])
def test_gpus_are_counted_as_cuda_counts_them(visible: str, count: int) -> None:
    assert count_gpus({"CUDA_VISIBLE_DEVICES": visible}) == count


def test_a_users_accelerate_configuration_replaces_our_flags() -> None:
    assert "--config_file cluster.yaml" in words(accelerate_config=Path("cluster.yaml"))
    assert "--num_processes" not in words(accelerate_config=Path("cluster.yaml"))


def test_a_full_disk_is_the_operating_systems_own_error(tmp_path: Path) -> None:
    (tmp_path / "failure.json").write_text(json.dumps({"kind": "disk_full", "message": "sft: the disk is full"}))
    error = failure_of(tmp_path, job(), 1)
    assert isinstance(error, OSError)
    assert error.errno == errno.ENOSPC


def test_a_killed_run_names_memory_and_the_way_on(tmp_path: Path) -> None:
    error = failure_of(tmp_path, job(), -9)
    assert isinstance(error, TrainingFailed)
    assert "Lower machine.tokens_per_micro_batch" in str(error)
    assert "continue from the last checkpoint" in str(error)


def test_a_run_that_ended_well_is_no_failure(tmp_path: Path) -> None:
    assert failure_of(tmp_path, job(), 0) is None


def test_preference_pairs_cannot_be_averaged_by_token() -> None:
    optimiser = OptimiserSettings(learning_rate=1e-6, steps=1, average="token")
    with pytest.raises(ValidationError, match=r"expected optimiser\.average to be sequence"):
        DpoSettings(optimiser=optimiser)


def test_bfloat16_weights_are_not_sharded() -> None:
    with pytest.raises(ValidationError, match="expected precision autocast or float32 with sharding fsdp"):
        MachineSettings(sharding="fsdp", precision="bfloat16")


def job() -> Job:
    return Job(method="sft", settings={}, start=Path("/m"), inputs=[], folder=Path("/f"))


def test_threads_wait_without_spinning_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert environment(MachineSettings())["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert "OMP_WAIT_POLICY" not in environment(MachineSettings())


def test_precision_is_what_the_hardware_multiplies_fastest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = tmp_path / "cpuinfo"
    for flags, multiplies in (("avx2 avx512f", False), ("avx512f avx512_bf16", True), ("avx512f amx_bf16", True)):
        facts.write_text(f"processor : 0\nflags : fpu {flags} vnmi\n")
        assert multiplies_bfloat16(facts) is multiplies
    assert not multiplies_bfloat16(tmp_path / "none")
    for units, precision in ((True, "autocast"), (False, "float32")):
        monkeypatch.setattr(launch_module, "multiplies_bfloat16", lambda units=units: units)
        assert with_precision(MachineSettings(device="cpu")).precision == precision
    monkeypatch.setattr(launch_module, "count_gpus", lambda variables: 1)
    assert with_precision(MachineSettings()).precision == "autocast"
    assert with_precision(MachineSettings(precision="bfloat16")).precision == "bfloat16"
