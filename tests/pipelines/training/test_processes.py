"""Several processes train what one trains: every method, with whole weights in each (DDP) and with shards (FSDP2), by gloo.

The runs of one process are made here, those of two in processes that one forks, since starting costs more than training.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from evaluators.launch import Launched
from pipelines.storage import Artifact
from pipelines.training.entry import run_job
from pipelines.training.launch import Job
from pipelines.training.methods import method_named, method_names
from pipelines.training.methods.sft import SftSettings
from pipelines.training.run_settings import MachineSettings, SamplingSettings
from pipelines.training.sft import write_sft_model
from pipelines.training.training_log import read_log
from tests.conftest import make_model
from tests.pipelines.training.ranks import even_length

VARIANTS: dict[str, dict[str, Any]] = {name: {"method": name} for name in method_names()} | {
    "grpo by step": {"method": "grpo", "supervision": "process"},
    "grpo iterated": {"method": "grpo", "updates_per_exploration": 2, "refresh_reference_every": 2},
}
KILLED, KILLED_STEPS = "grpo killed", 24
LAYOUTS = {"ddp": {"processes": 2}, "fsdp": {"processes": 2, "sharding": "fsdp"}}
EMBEDDINGS = ("tied", "untied")
STEPS = 2


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for embeddings in EMBEDDINGS:
        make_model(folder / embeddings, tied=embeddings == "tied")
        make_model(folder / f"{embeddings} teacher", seed=1, tied=embeddings == "tied")
    return folder


def job_of(variant: str, start: Path, folder: Path, inputs: tuple[Artifact, Artifact], **machine: Any) -> Job:
    """A run of few short steps. Three questions and three rows make unequal shares for two processes."""
    written = VARIANTS["grpo iterated" if variant == KILLED else variant]
    steps = KILLED_STEPS if variant == KILLED else 3 if variant == "grpo iterated" else STEPS
    method = method_named(written["method"])
    packed, problems = inputs
    if method.measured_by == "teacher":
        written = written | {"teacher": str(start.with_name(f"{start.name} teacher"))}
    settings: Any = method.settings.model_validate(written)
    few: dict[str, Any] = {
        "optimiser": settings.optimiser.model_copy(update={"learning_rate": 1e-3, "steps": steps, "warmup_steps": 0}),
        "machine": MachineSettings(
            device="cpu", precision="float32", cpu_threads=1, tokens_per_micro_batch=400, checkpoint_every=4, **machine
        ),
    }
    if method.source == "packed":
        few["batch_rows"] = 3
    else:
        few |= {
            "questions_per_step": 3,
            "sampling": SamplingSettings(group_size=4, max_new_tokens=6, cut_outputs="judged"),
        }
    folder.mkdir(parents=True)
    return Job(
        method=method.name,
        settings=settings.model_copy(update=few).model_dump(mode="json"),
        start=start,
        inputs=(packed if method.source == "packed" else problems).files(),
        folder=folder,
    )


@pytest.fixture(scope="module")
def trained(
    models: Path, packed: Artifact, problems: Artifact, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str, str], Path]:
    """The folder of each run, by variant, embeddings and layout. Runs to be killed are, and then begin again with the others."""
    root = tmp_path_factory.mktemp("runs")
    alone: list[Job] = []
    together: list[Job] = []
    for variant in (*VARIANTS, KILLED):
        for embeddings in EMBEDDINGS if variant != KILLED else ("tied",):
            for layout, machine in {"one": {}, **LAYOUTS}.items():
                folder = root / variant / embeddings / layout
                job = job_of(variant, models / embeddings, folder, (packed, problems), **machine)
                (alone if layout == "one" else together).append(job)
    killed = [job for job in together if KILLED in job.folder.parts]
    groups = root / "groups.json"
    groups.write_text(
        json.dumps([[job.model_dump(mode="json") for job in g] for g in ([killed[0]], [killed[1]], together)])
    )
    command = [sys.executable, "-m", "tests.pipelines.training.ranks", str(groups)]
    with Launched.start(command, env={"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}, log=root / "log") as running:
        for job in killed:
            kill_one_rank(job, running)
        for job in alone:
            run_job(job, even_length)
        assert running.wait() == 0, running.log_tail(40)
    return {tuple(job.folder.relative_to(root).parts): job.folder for job in alone + together}


def kill_one_rank(job: Job, running: Launched) -> None:
    """SIGKILL the second process of a run between two checkpoints; the first is then ended too."""
    deadline = time.monotonic() + 300
    while len(read_log(job.folder)) < 6:
        assert time.monotonic() < deadline and running.poll() is None, running.log_tail(40)
        time.sleep(0.01)
    os.kill(int((job.folder / "rank-1.pid").read_text(encoding="utf-8")), signal.SIGKILL)
    assert 6 <= len(read_log(job.folder)) < KILLED_STEPS
    assert not (job.folder / "model.safetensors").exists()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("embeddings", EMBEDDINGS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_two_processes_train_what_one_trains(
    variant: str, embeddings: str, layout: str, trained: dict[tuple[str, str, str], Path]
) -> None:
    assert_same(trained[variant, embeddings, "one"], trained[variant, embeddings, layout])


def assert_same(one: Path, other: Path) -> None:
    """Losses and figures to 1e-5, weights to 1e-4."""
    logs = read_log(one), read_log(other)
    assert len(logs[0]) == len(logs[1]) > 0
    for mine, its in zip(*logs, strict=True):
        assert its == pytest.approx(mine, abs=1e-5, rel=1e-5)
    weights, others = load_file(one / "model.safetensors"), load_file(other / "model.safetensors")
    assert weights.keys() == others.keys()
    assert max(float(abs(weights[name] - others[name]).max()) for name in weights) < 1e-4


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_method_of_the_matrix_learns(
    variant: str, models: Path, trained: dict[tuple[str, str, str], Path]
) -> None:
    """The control: the comparison above is of weights that moved."""
    before, after = load_file(models / "tied" / "model.safetensors"), trained[variant, "tied", "one"]
    moved = load_file(after / "model.safetensors")
    assert max(float(abs(before[name] - moved[name]).max()) for name in before) > 1e-3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_run_goes_on_after_one_of_its_processes_was_killed(
    layout: str, trained: dict[tuple[str, str, str], Path]
) -> None:
    """GRPO with a reference that follows, which a checkpoint must hold; compared with one process that was left alone."""
    assert_same(trained[KILLED, "tied", "one"], trained[KILLED, "tied", layout])


def test_shards_are_trained_as_a_user_starts_them(
    models: Path, packed: Artifact, problems: Artifact, tmp_path: Path, trained: dict[tuple[str, str, str], Path]
) -> None:
    """The stage, its launcher and torchrun, where the tests above start processes themselves."""
    job = job_of("sft", models / "tied", tmp_path / "launched", (packed, problems), **LAYOUTS["fsdp"])
    settings = SftSettings.model_validate(job.settings)
    write_sft_model(job.folder, settings, base=models / "tied", packed=packed)
    assert_same(trained["sft", "tied", "one"], job.folder)
