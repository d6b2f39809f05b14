"""The walk over the graph, on a small graph with the real one's partitionings and a real Dagster instance."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from assets.artifacts import ArtifactReferences, described, described_partitions
from assets.graph import DRIVER_TAG, Plan, _Progress, close_orphans, materialize, register_snapshots
from assets.partitions import by_benchmark, by_benchmark_and_form, by_snapshot
from pipelines.storage import Artifact, Store

SINGLE_RUN = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def small_graph(root: Path, made: list[str], broken: bool = False) -> dg.Definitions:
    """pages (by snapshot) -> corpus -> completions (benchmark x form, one run) -> report; problems (by benchmark)."""

    def build(name: str, content: str, **inputs: Artifact) -> Artifact:
        def write(folder: Path) -> dict[str, object]:
            made.append(name)
            if broken and name == "corpus":
                raise RuntimeError("the corpus broke")
            (folder / "content").write_text(content)
            return {"rows": len(content), "share": 0.5}

        read = {key: artifact.content for key, artifact in inputs.items()}
        return Store(root).build({"name": name, "settings": content, "inputs": read}, write)

    @dg.asset(partitions_def=by_snapshot("test"))
    def pages(context: dg.AssetExecutionContext) -> dg.Output[Artifact]:
        return described(build(f"pages/{context.partition_key}", context.partition_key))

    @dg.asset
    def corpus(pages: dict[str, Artifact]) -> dg.Output[Artifact]:
        text = "+".join(artifact.file("content").read_text() for artifact in pages.values())
        return described(build("corpus", text, **pages))

    @dg.asset(partitions_def=by_benchmark(["gsm8k", "math"]))
    def problems(context: dg.AssetExecutionContext) -> dg.Output[Artifact]:
        return described(build(f"problems/{context.partition_key}", context.partition_key))

    @dg.asset(
        partitions_def=by_benchmark_and_form(["gsm8k", "math"], ["cot", "tir"]),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def completions(
        context: dg.AssetExecutionContext, corpus: Artifact, problems: dict[str, Artifact]
    ) -> dg.Output[dict[str, Artifact]]:
        made.append("server")
        assert sorted(problems) == ["gsm8k", "math"]
        return described_partitions(
            context, {key: build(f"completions/{key}", key, corpus=corpus) for key in context.partition_keys}
        )

    @dg.asset
    def report(completions: dict[str, Artifact]) -> dg.Output[Artifact]:
        return described(build("report", ",".join(completions)))

    resources = {"io_manager": ArtifactReferences(root=str(root))}
    return dg.Definitions(assets=[pages, corpus, problems, completions, report], resources=resources)


def drive(definitions: dg.Definitions, instance: dg.DagsterInstance, select: str | None = None) -> str | None:
    return materialize(
        Plan.of(definitions, select), instance, snapshots=["2025-05", "2025-08"], recipe="test", quiet=True
    )


@SINGLE_RUN
def test_the_whole_graph_is_made_in_order_across_partitionings(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    made: list[str] = []
    definitions = small_graph(tmp_path, made)
    assert drive(definitions, instance) is None
    assert made.count("server") == 1
    assert {"pages/2025-05", "pages/2025-08", "problems/math", "completions/math|tir", "report"} <= set(made)
    assert made.index("pages/2025-08") < made.index("corpus") < made.index("server") < made.index("report")
    reference = ArtifactReferences(root=str(tmp_path)).read(dg.AssetKey("report"))
    assert reference.file("content").read_text() == "gsm8k|cot,gsm8k|tir,math|cot,math|tir"


@SINGLE_RUN
def test_a_second_walk_makes_nothing_again(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    first: list[str] = []
    second: list[str] = []
    drive(small_graph(tmp_path, first), instance)
    drive(small_graph(tmp_path, second), instance)
    assert second == ["server"]


@SINGLE_RUN
def test_a_selection_takes_what_it_needs_and_no_more(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    made: list[str] = []
    drive(small_graph(tmp_path, made), instance, "key:corpus")
    assert sorted(made) == ["corpus", "pages/2025-05", "pages/2025-08"]


@SINGLE_RUN
def test_a_failure_is_named_and_what_was_finished_stays(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    made: list[str] = []
    failed = drive(small_graph(tmp_path, made, broken=True), instance)
    assert failed is not None
    assert "corpus" in failed
    assert "the corpus broke" in failed
    assert ArtifactReferences(root=str(tmp_path)).read(dg.AssetKey("pages"), "2025-05").facts["rows"] == 7


@SINGLE_RUN
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_walk_and_is_no_failure_of_an_asset(
    tmp_path: Path, instance: dg.DagsterInstance, number: signal.Signals
) -> None:
    @dg.asset
    def stopped() -> dg.Output[Artifact]:
        def write(folder: Path) -> dict[str, object]:
            os.kill(os.getpid(), number)
            time.sleep(30)
            return {}

        return described(Store(tmp_path).build({"name": "stopped"}, write))

    resources = {"io_manager": ArtifactReferences(root=str(tmp_path))}
    with pytest.raises(KeyboardInterrupt):
        drive(dg.Definitions(assets=[stopped], resources=resources), instance)
    assert not list((tmp_path / "stopped").glob("*/manifest.json"))
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]


@SINGLE_RUN
def test_every_partition_carries_its_own_figures(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    drive(small_graph(tmp_path, []), instance)
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey("completions"), asset_partitions=["math|tir"]), limit=1
    ).records
    materialization = records[0].asset_materialization
    assert materialization is not None
    assert materialization.metadata["dagster/row_count"].value == len("math|tir")


@SINGLE_RUN
def test_recipes_that_share_a_history_do_not_see_each_others_snapshots(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    register_snapshots(instance, "another", ["1999-01"])
    made: list[str] = []
    assert drive(small_graph(tmp_path, made), instance) is None
    assert sorted(name for name in made if name.startswith("pages")) == ["pages/2025-05", "pages/2025-08"]


@SINGLE_RUN
def test_a_snapshot_that_the_recipe_dropped_is_made_no_more(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    register_snapshots(instance, "test", ["1999-01", "2025-05"])
    made: list[str] = []
    assert drive(small_graph(tmp_path, made), instance) is None
    assert sorted(name for name in made if name.startswith("pages")) == ["pages/2025-05", "pages/2025-08"]


def test_a_run_whose_driver_was_killed_is_reported_failed(instance: dg.DagsterInstance) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        pass
    for run_id, pid in (("dead", gone.pid), ("alive", os.getpid())):
        run = dg.DagsterRun(
            job_name="walk", run_id=run_id, status=dg.DagsterRunStatus.STARTED, tags={DRIVER_TAG: str(pid)}
        )
        instance.add_run(run)
    close_orphans(instance)
    states = {run.run_id: run.status for run in instance.get_runs()}
    assert states == {"dead": dg.DagsterRunStatus.FAILURE, "alive": dg.DagsterRunStatus.STARTED}


def test_a_run_of_a_ui_that_was_killed_is_reported_failed(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    (tmp_path / "alive").touch()
    for run_id in ("dead", "alive"):
        server = json.dumps({"host": "localhost", "socket": str(tmp_path / run_id)})
        tags = {".dagster/grpc_info": server}
        instance.add_run(dg.DagsterRun(job_name="walk", run_id=run_id, status=dg.DagsterRunStatus.STARTED, tags=tags))
    close_orphans(instance)
    states = {run.run_id: run.status for run in instance.get_runs()}
    assert states == {"dead": dg.DagsterRunStatus.FAILURE, "alive": dg.DagsterRunStatus.STARTED}


def test_a_killed_run_gives_its_place_in_the_pool_back(tmp_path: Path) -> None:
    settings = {"concurrency": {"pools": {"default_limit": 1, "granularity": "op"}}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=settings) as instance:
        with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
            pass
        killed = dg.DagsterRun(
            job_name="walk", run_id="killed", status=dg.DagsterRunStatus.STARTED, tags={DRIVER_TAG: str(gone.pid)}
        )
        instance.add_run(killed)
        slots = instance.event_log_storage
        slots.initialize_concurrency_limit_to_default("accelerator")
        slots.claim_concurrency_slot("accelerator", "killed", "sft_model")
        assert slots.get_concurrency_info("accelerator").active_slot_count == 1
        close_orphans(instance)
        assert slots.get_concurrency_info("accelerator").active_slot_count == 0


def test_an_asset_that_starts_again_is_not_counted_again(capsys: pytest.CaptureFixture[str]) -> None:
    progress = _Progress(names={"a", "b"}, total=2, quiet=False)
    for name, kind in (("a", "START"), ("a", "SUCCESS"), ("a", "START"), ("a", "SUCCESS"), ("b", "START")):
        event = SimpleNamespace(step_key=name, event_type=dg.DagsterEventType[f"STEP_{kind}"])
        progress.see(event)  # type: ignore[arg-type]
    assert capsys.readouterr().err.splitlines() == ["[1/2] a", "[1/2] a", "[2/2] b"]
