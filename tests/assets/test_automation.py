"""The monthly refresh and the watch for new snapshots, on a real instance and a real folder of WARC files."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from assets.definitions import definitions_of
from pipelines.crawl.planted import PlantedSettings, write_planted_crawl
from pipelines.recipe import Recipe, load_recipe

DEMO = Path(__file__).resolve().parents[2] / "recipes" / "demo.yaml"

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    """A crawl of two snapshots, as files on disk."""
    folder = tmp_path / "crawl"
    folder.mkdir()
    write_planted_crawl(
        folder, PlantedSettings(scale=0.1, snapshots=("CC-MAIN-2025-05", "CC-MAIN-2025-08"), files_per_snapshot=1)
    )
    return folder


def recipe_on(crawl: Path, folder: Path) -> Recipe:
    content = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    del content["planted"]
    content["crawl"] = {"folder": str(crawl)}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load_recipe(path)


def test_the_refresh_is_monthly_and_off_until_somebody_turns_it_on(crawl: Path, tmp_path: Path) -> None:
    schedule = definitions_of(recipe_on(crawl, tmp_path)).resolve_schedule_def("monthly_refresh")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 6 8 * *", "UTC")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_the_sensor_registers_new_snapshots_and_asks_for_one_refresh(
    crawl: Path, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    sensor = definitions_of(recipe_on(crawl, tmp_path)).resolve_sensor_def("new_snapshot")
    instance.add_dynamic_partitions("demo_snapshots", ["CC-MAIN-2025-05"])
    with dg.build_sensor_context(instance=instance) as context:
        found = sensor(context)
    assert isinstance(found, dg.SensorResult)
    assert [list(request.partition_keys) for request in found.dynamic_partitions_requests or []] == [
        ["CC-MAIN-2025-08"]
    ]
    assert [request.run_key for request in found.run_requests or []] == ["demo:CC-MAIN-2025-08"]


def test_the_sensor_is_silent_while_nothing_is_new(crawl: Path, tmp_path: Path, instance: dg.DagsterInstance) -> None:
    sensor = definitions_of(recipe_on(crawl, tmp_path)).resolve_sensor_def("new_snapshot")
    instance.add_dynamic_partitions("demo_snapshots", ["CC-MAIN-2025-05", "CC-MAIN-2025-08"])
    with dg.build_sensor_context(instance=instance) as context:
        assert isinstance(sensor(context), dg.SkipReason)


@pytest.mark.slow
def test_the_refresh_job_makes_the_corpus(
    crawl: Path, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATHSIEVE_HOME", str(tmp_path / "home"))
    definitions = definitions_of(recipe_on(crawl, tmp_path))
    done = definitions.resolve_job_def("refresh_corpus").execute_in_process(instance=instance)
    assert done.success
    assert sorted(instance.get_materialized_partitions(dg.AssetKey("pages"))) == ["CC-MAIN-2025-05", "CC-MAIN-2025-08"]
    made = instance.get_latest_materialization_event(dg.AssetKey("math_corpus"))
    assert made is not None
    assert made.asset_materialization is not None
    rows = made.asset_materialization.metadata["dagster/row_count"].value
    assert isinstance(rows, int)
    assert rows > 0
