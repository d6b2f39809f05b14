"""The stages of policy.py as assets call them, with the real checker: a random model earns nothing, and that is said."""

from pathlib import Path

import pytest

from pipelines.storage import Artifact
from pipelines.training.entry import run_job
from pipelines.training.launch import Job
from pipelines.training.methods.grpo import GrpoSettings
from pipelines.training.methods.rft import RftSettings
from pipelines.training.policy import write_policy_model
from pipelines.training.run_settings import MachineSettings, OptimiserSettings, SamplingSettings
from pipelines.training.trainer import TrainingError

MACHINE = MachineSettings(device="cpu", precision="float32", cpu_threads=1)
SAMPLING = SamplingSettings(group_size=4, max_new_tokens=4)
OPTIMISER = OptimiserSettings(learning_rate=1e-3, steps=2)


def test_grpo_leaves_a_model_and_every_sample_with_its_reward(
    tiny_model: Path, problems: Artifact, tmp_path: Path
) -> None:
    settings = GrpoSettings(questions_per_step=2, optimiser=OPTIMISER, machine=MACHINE, sampling=SAMPLING)
    facts = write_policy_model(tmp_path, settings, policy=tiny_model, problems=problems)
    assert (facts["method"], facts["steps"], facts["samples"]) == ("grpo", 2, 2 * 2 * 4)
    assert {p.name for p in (tmp_path / "samples").iterdir()} == {f"exploration-00000{n}.parquet" for n in (0, 1)}
    assert (tmp_path / "model.safetensors").exists()
    assert (tmp_path / "training_log.png").exists()


def test_rft_without_one_right_output_says_what_to_do(tiny_model: Path, problems: Artifact, tmp_path: Path) -> None:
    settings = RftSettings(questions_per_step=2, optimiser=OPTIMISER, machine=MACHINE, sampling=SAMPLING)
    job = Job(
        method="rft",
        settings=settings.model_dump(mode="json"),
        start=tiny_model,
        inputs=problems.files(),
        folder=tmp_path,
    )
    with pytest.raises(TrainingError, match="expected some of the 16 sampled outputs to be right; found none"):
        run_job(job)
