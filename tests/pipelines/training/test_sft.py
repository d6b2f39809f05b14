from pathlib import Path

from pipelines.storage import Artifact
from pipelines.training.settings import MachineSettings, OptimiserSettings, SftSettings
from pipelines.training.sft import write_sft_model


def sft_settings(steps: int = 4, **changes: object) -> SftSettings:
    return SftSettings(
        batch_rows=4,
        optimiser=OptimiserSettings(learning_rate=1e-2, steps=steps, weight_decay=0.0),
        machine=MachineSettings(device="cpu", precision="float32", cpu_threads=1, checkpoint_every=2),
        **changes,
    )


def test_the_loss_falls(tiny_model: Path, packed: Artifact, tmp_path: Path) -> None:
    facts = write_sft_model(tmp_path, sft_settings(12), base=tiny_model, packed=packed)
    assert facts["steps"] == 12
    assert facts["last_loss"] < facts["first_loss"] - 1
