"""What Dagster's history holds is remembered as long as nobody writes to it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from assets.history import INDEX, remember, remembered, state

HELD = {(("corpus",), None): "a", (("iteration_1", "scores"), "2025-05"): "b"}


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The index of a history that Dagster itself has made."""
    base = tmp_path / "dagster"
    settings = f"storage:\n  sqlite:\n    base_dir: {base}\ntelemetry:\n  enabled: false\n"
    (tmp_path / "dagster.yaml").write_text(settings, encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    write_event(0)
    assert (base / INDEX).exists()
    return base / INDEX


def write_event(number: int) -> None:
    with dg.DagsterInstance.get() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(f"x{number}"))


def test_what_was_held_is_remembered_and_a_look_does_not_forget_it(history: Path, tmp_path: Path) -> None:
    remember(tmp_path / "memory.json", HELD, state())
    with dg.DagsterInstance.get() as instance:
        assert instance.get_latest_materialization_event(dg.AssetKey("x0")) is not None
    assert remembered(tmp_path / "memory.json") == HELD


def test_an_event_of_anybody_makes_the_memory_void(history: Path, tmp_path: Path) -> None:
    remember(tmp_path / "memory.json", HELD, state())
    write_event(1)
    assert remembered(tmp_path / "memory.json") is None


def test_what_was_written_to_while_it_was_asked_is_not_remembered(history: Path, tmp_path: Path) -> None:
    before = state()
    write_event(1)
    remember(tmp_path / "memory.json", HELD, before)
    assert not (tmp_path / "memory.json").exists()


def test_a_history_that_is_gone_or_of_another_kind_is_not_remembered(history: Path, tmp_path: Path) -> None:
    remember(tmp_path / "memory.json", HELD, state())
    history.unlink()
    assert remembered(tmp_path / "memory.json") is None
    (tmp_path / "dagster.yaml").write_text("storage:\n  postgres: {}\n", encoding="utf-8")
    assert state() is None
    (tmp_path / "memory.json").write_text("[", encoding="utf-8")
    assert remembered(tmp_path / "memory.json") is None
