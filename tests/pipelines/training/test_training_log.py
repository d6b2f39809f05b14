import io
import json
from pathlib import Path

from pipelines.training.checkpoints import latest_checkpoint
from pipelines.training.run_settings import OptimiserSettings
from pipelines.training.trainer import learning_rate
from pipelines.training.training_log import LOG, TrainingLog, plot_log, read_log


def test_steps_logged_after_the_last_checkpoint_are_written_again(tmp_path: Path) -> None:
    lines = [{"step": n, "loss": 1.0 / n} for n in (1, 2, 3)]
    (tmp_path / LOG).write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 4, "lo')
    assert [line["step"] for line in read_log(tmp_path)] == [1, 2, 3]
    log = TrainingLog(tmp_path, done=2, total=4, every=1, stream=io.StringIO())
    log.step({"step": 3, "loss": 0.25}, processed=10)
    log.close()
    assert read_log(tmp_path) == [*lines[:2], {"step": 3, "loss": 0.25}]


def test_progress_tells_speed_and_what_is_left(tmp_path: Path) -> None:
    shown = io.StringIO()
    log = TrainingLog(tmp_path, done=0, total=4, every=2, stream=shown)
    for number in (1, 2, 3, 4):
        log.step({"step": number, "loss": 0.5}, processed=100)
    log.close()
    lines = shown.getvalue().splitlines()
    assert [line.split("  ")[0] for line in lines] == ["step 2/4", "step 4/4"]
    assert "loss 0.5" in lines[0]
    assert "tokens/s" in lines[0]
    assert lines[1].endswith("ETA 0:00:00")


def test_the_plot_is_a_picture_and_the_same_every_time(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text(
        "".join(json.dumps({"step": n, "loss": 1 / n, "grad_norm": 1.0}) + "\n" for n in (1, 2))
    )
    first = plot_log(tmp_path).read_bytes()
    assert first.startswith(b"\x89PNG")
    assert plot_log(tmp_path).read_bytes() == first


def test_a_checkpoint_that_was_being_written_is_not_there(tmp_path: Path) -> None:
    for name in ("step-000002", "step-000010", "step-000012.partial"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    found = latest_checkpoint(tmp_path)
    assert found is not None
    assert (found[0], found[1].name) == (10, "step-000010")


def test_the_learning_rate_warms_up_and_falls_to_its_floor() -> None:
    settings = OptimiserSettings(learning_rate=1.0, steps=10, schedule="linear", warmup_steps=2)
    assert [learning_rate(step, settings) for step in (0, 1, 2)] == [0.5, 1.0, 1.0]
    assert abs(learning_rate(6, settings) - 0.55) < 1e-12  # half-way down to the floor of 0.1
    constant = OptimiserSettings(learning_rate=5e-5, steps=10)
    assert {learning_rate(step, constant) for step in range(10)} == {5e-5}
