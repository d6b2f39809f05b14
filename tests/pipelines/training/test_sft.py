"""Supervised fine-tuning as a user meets it: really launched, killed, resumed, refused."""

import os
import signal
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from evaluators.launch import Launched
from pipelines.records import PACKED
from pipelines.storage import Artifact
from pipelines.training.entry import run_job
from pipelines.training.launch import Job, TrainingFailed, command, environment
from pipelines.training.methods.sft import SftSettings
from pipelines.training.run_settings import MachineSettings, OptimiserSettings
from pipelines.training.sft import write_sft_model
from pipelines.training.trainer import TrainingError
from pipelines.training.training_log import read_log

MACHINE = MachineSettings(device="cpu", precision="float32", cpu_threads=1, checkpoint_every=4)


def sft_settings(steps: int, *, learning_rate: float = 1e-2, machine: MachineSettings = MACHINE) -> SftSettings:
    return SftSettings(
        batch_rows=4,
        optimiser=OptimiserSettings(learning_rate=learning_rate, steps=steps, weight_decay=0.0),
        machine=machine,
    )


def kill_after(steps: int, folder: Path, settings: SftSettings, base: Path, packed: Artifact) -> None:
    """Start training as the stage does, and SIGKILL all of it once so many steps are logged."""
    job = Job(
        method="sft",
        settings=settings.model_dump(mode="json"),
        start=base,
        inputs=packed.files(),
        folder=folder,
    )
    path = folder.parent / "job.json"
    path.write_text(job.model_dump_json())
    with Launched.start(command(path, settings.machine), env=environment(settings.machine), grace=0.0) as running:
        deadline = time.monotonic() + 120
        while len(read_log(folder)) < steps:
            assert time.monotonic() < deadline and running.poll() is None
            time.sleep(0.01)
        os.kill(running.pid, signal.SIGTERM)
        running.wait()


FROZEN = MACHINE.model_copy(update={"precision": "bfloat16", "trainable_layers": 1})


@pytest.mark.parametrize(
    ("machine", "gained"), [(MACHINE, 1.0), (FROZEN, 0.5)], ids=["float32", "bfloat16, upper layer only"]
)
def test_a_killed_run_resumes_and_ends_with_the_same_bytes(
    machine: MachineSettings, gained: float, tiny_model: Path, packed: Artifact, tmp_path: Path
) -> None:
    settings = sft_settings(200, machine=machine.model_copy(update={"log_every": 100}))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    facts = write_sft_model(whole, settings, base=tiny_model, packed=packed)
    kill_after(10, killed, settings, tiny_model, packed)
    assert 10 <= len(read_log(killed)) < 200
    assert not (killed / "model.safetensors").exists()
    assert write_sft_model(killed, settings, base=tiny_model, packed=packed) == facts
    for name in ("model.safetensors", "training_log.jsonl", "config.json", "tokenizer.json"):
        assert (whole / name).read_bytes() == (killed / name).read_bytes()
    assert not (killed / "checkpoints").exists()
    assert facts["last_loss"] < facts["first_loss"] - gained
    assert trained_layers(tiny_model, whole) == ({0, 1} if machine.trainable_layers is None else {1})


def trained_layers(before: Path, after: Path) -> set[int]:
    """The decoder layers of which any weight changed by more than bfloat16 rounds."""
    weights, trained = (load_file(folder / "model.safetensors") for folder in (before, after))
    return {
        int(name.split("layers.")[1].split(".")[0])
        for name, weight in weights.items()
        if "layers." in name and (abs(weight - trained[name]) > abs(weight) * 2**-7).any()
    }


def test_a_loss_that_is_not_finite_ends_the_run_with_its_remedy(
    tiny_model: Path, packed: Artifact, tmp_path: Path
) -> None:
    settings = sft_settings(40, learning_rate=1e30)
    with pytest.raises(TrainingFailed, match=r"expected a finite loss .* Lower optimiser\.learning_rate"):
        write_sft_model(tmp_path, settings, base=tiny_model, packed=packed)
    assert not (tmp_path / "model.safetensors").exists()


def test_an_empty_mixture_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([], schema=PACKED), tmp_path / "part-00000.parquet")
    job = Job(
        method="sft",
        settings=sft_settings(2).model_dump(mode="json"),
        start=tiny_model,
        inputs=[tmp_path / "part-00000.parquet"],
        folder=tmp_path,
    )
    with pytest.raises(TrainingError, match="expected packed rows; found none"):
        run_job(job)
