"""Assets derived from stages: what makes them again, what Dagster calls stale, and what `--list` says, on a graph of four."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from assets.graph import Plan, materialize, recorded_versions
from assets.partitions import by_benchmark, by_benchmark_and_form, by_snapshot
from assets.stages import asset_of
from evaluators.records import Settings
from evaluators.stages import ContentDigests, Facts, HowItRuns, Stage, Stored
from evaluators.stages.facts import FactsError
from pipelines.standing import Current, standings
from pipelines.steps import Graph, Maker, Step
from pipelines.storage import MANIFEST, References, Store
from pipelines.storage.verification import verify

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
SNAPSHOTS = ["2025-05", "2025-08"]
CUTS = {
    "snapshot": by_snapshot("test"),
    "benchmark": by_benchmark(["gsm8k"]),
    "benchmark_and_form": by_benchmark_and_form(["gsm8k"], ["cot", "tir"]),
}


class NumberSettings(Settings):
    file: Path
    add: int = 0
    workers: HowItRuns[int] = 1


class Sum(Facts):
    total: int


class World:
    """The four stages, how often each wrote, and the recipe that a test changes."""

    def __init__(self, root: Path) -> None:
        self.root, self.made = root, list[str]()
        self.settings = NumberSettings(file=root / "numbers.txt")
        self.versions: Mapping[str, str] = {}
        self.write_numbers("1 2 3")

    def write_numbers(self, text: str) -> None:
        """In place, with the times of before."""
        self.settings.file.parent.mkdir(exist_ok=True)
        self.settings.file.write_text(text, encoding="utf-8")
        os.utime(self.settings.file, (0, 0))

    def numbers(self, folder: Path, settings: NumberSettings, *, snapshot: str) -> dict[str, int]:
        self.made.append(f"numbers {snapshot}")
        numbers = [int(word) + settings.add for word in settings.file.read_text(encoding="utf-8").split()]
        (folder / "n").write_text(" ".join(map(str, numbers)), encoding="utf-8")
        return {"rows": len(numbers)}

    def parity(self, folder: Path, *, numbers: Mapping[str, Stored]) -> dict[str, int]:
        self.made.append("parity")
        rests = [
            int(word) % 2 for one in numbers.values() for word in one.file("n").read_text(encoding="utf-8").split()
        ]
        (folder / "n").write_text(" ".join(map(str, rests)), encoding="utf-8")
        return {}

    def answers(self, folder: Path, *, parity: Stored, tasks: list[str]) -> dict[str, int]:
        self.made.append("answers")
        for task in tasks:
            (folder / task).write_text(task, encoding="utf-8")
        return {}

    def total(self, folder: Path, *, parity: Stored, answers: Mapping[str, Stored]) -> dict[str, int]:
        self.made.append("total")
        assert sorted(answers) == ["gsm8k|cot", "gsm8k|tir"]
        text = parity.file("n").read_text(encoding="utf-8")
        (folder / "n").write_text(text, encoding="utf-8")
        return {"total": sum(map(int, text.split()))}

    def maker(self, _: object = None) -> Maker:
        def step(name: str, write: Any, **own: Any) -> Step:
            declared = {
                "inputs": own.pop("inputs", ()),
                "settings": own.pop("kind", None),
                "facts": own.pop("facts", Facts),
            }
            version = self.versions.get(name, "1")
            stage = Stage(name=name, version=version, write=write, description=name, kinds=("text",), **declared)
            return Step(stage=stage, key=(name,), group="test", **own)

        steps = [
            step(
                "numbers",
                self.numbers,
                kind=NumberSettings,
                settings=self.settings,
                cut="snapshot",
                given=lambda partitions: {"snapshot": partitions[0]},
            ),
            step("parity", self.parity, inputs=("numbers/*",), reads={"numbers": ("numbers",)}),
            step(
                "answers",
                self.answers,
                inputs=("parity",),
                reads={"parity": ("parity",)},
                cut="benchmark_and_form",
                together=True,
                given=lambda partitions: {"tasks": list(partitions)},
            ),
            step(
                "total",
                self.total,
                inputs=("parity", "answers/*"),
                reads={"parity": ("parity",), "answers": ("answers",)},
                facts=Sum,
            ),
        ]
        partitions = {"snapshot": SNAPSHOTS, "benchmark": ["gsm8k"], "benchmark_and_form": ["gsm8k|cot", "gsm8k|tir"]}
        graph = Graph(steps={one.key: one for one in steps}, partitions=partitions)  # type: ignore[arg-type]
        return Maker(
            graph=graph, store=Store(self.root / "store"), digests=ContentDigests(self.root / "digests.sqlite")
        )

    def definitions(self) -> dg.Definitions:
        from assets.artifacts import ArtifactReferences

        assets = [asset_of(step, CUTS, self.maker) for step in self.maker().graph.steps.values()]  # type: ignore[arg-type]
        return dg.Definitions(
            assets=assets, resources={"io_manager": ArtifactReferences(root=str(self.root / "store"))}
        )

    def run(self, instance: dg.DagsterInstance) -> list[str]:
        """What a run makes."""
        self.made.clear()
        current = Current(maker=self.maker(), recorded=recorded_versions(self.maker().graph, instance))
        failed = materialize(
            Plan.of(self.definitions()), instance, snapshots=SNAPSHOTS, recipe="test", quiet=True, current=current
        )
        assert failed is None, failed
        return list(self.made)

    def listed(self) -> dict[str, str]:
        return {
            "/".join([one.step.name, *one.partitions[:1]]): f"{one.state}: {one.reason}"
            for one in standings(self.maker())
        }

    def stale(self, instance: dg.DagsterInstance) -> dict[str, list[str]]:
        """Assets that Dagster's UI shows as stale, each with its causes."""
        graph = self.definitions().resolve_asset_graph()
        resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
        found = {}
        for key in graph.materializable_asset_keys:
            partitions = graph.get(key).partitions_def
            names = (
                partitions.get_partition_keys(dynamic_partitions_store=instance) if partitions is not None else [None]
            )
            for name in names:
                if resolver.get_status(key, name) != StaleStatus.FRESH:
                    place = key.to_user_string() + (f" {name}" if name else "")
                    found[place] = sorted({cause.reason for cause in resolver.get_stale_causes(key, name)})
        return found


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def world(tmp_path: Path, instance: dg.DagsterInstance) -> World:
    """Everything was made once."""
    made = World(tmp_path)
    assert made.run(instance) == ["numbers 2025-05", "numbers 2025-08", "parity", "answers", "total"]
    return made


def test_a_second_run_makes_nothing_and_starts_no_run_of_dagsters(world: World, instance: dg.DagsterInstance) -> None:
    before = len(instance.get_runs())
    assert world.run(instance) == []
    assert len(instance.get_runs()) == before
    assert set(world.listed().values()) == {"found: "}


def test_how_it_runs_makes_nothing_again(world: World, instance: dg.DagsterInstance) -> None:
    world.settings = world.settings.model_copy(update={"workers": 9})
    assert world.run(instance) == []
    assert world.stale(instance) == {}


def test_a_file_rewritten_in_place_makes_its_artifact_again(world: World, instance: dg.DagsterInstance) -> None:
    world.write_numbers("1 2 4")
    assert world.listed()["numbers/2025-05"] == "to be made: file settings.file"
    assert world.run(instance) == ["numbers 2025-05", "numbers 2025-08", "parity", "answers", "total"]


def test_a_file_at_another_place_makes_nothing(world: World, instance: dg.DagsterInstance, tmp_path: Path) -> None:
    world.settings = world.settings.model_copy(update={"file": tmp_path / "elsewhere" / "n.txt"})
    world.write_numbers("1 2 3")
    assert world.run(instance) == []


def test_the_same_bytes_made_again_leave_what_depends_on_them(world: World, instance: dg.DagsterInstance) -> None:
    world.settings = world.settings.model_copy(update={"add": 2})
    assert world.listed()["numbers/2025-05"] == "to be made: settings.add 0 -> 2"
    assert world.listed()["parity"].startswith("to be made: input numbers/2025-05 is to be made first")
    assert world.run(instance) == ["numbers 2025-05", "numbers 2025-08", "parity"]
    assert world.stale(instance) == {}
    assert set(world.listed().values()) == {"found: "}


def test_a_raised_version_makes_its_stage_again_and_is_stale_until_then(
    world: World, instance: dg.DagsterInstance
) -> None:
    world.versions = {"parity": "2"}
    assert world.listed()["parity"] == "to be made: version 1 -> 2"
    assert world.stale(instance)["parity"] == ["has a new code version"]
    assert "numbers 2025-05" not in world.stale(instance)
    assert world.run(instance) == ["parity"]
    assert world.stale(instance) == {}


def test_what_depends_on_new_bytes_is_stale_until_it_is_made(world: World, instance: dg.DagsterInstance) -> None:
    world.settings = world.settings.model_copy(update={"add": 1})
    world.made.clear()
    failed = materialize(
        Plan.of(world.definitions(), "key:numbers"), instance, snapshots=SNAPSHOTS, recipe="test", quiet=True
    )
    assert failed is None
    assert world.stale(instance)["parity"] == ["has a new dependency data version"]
    assert world.listed()["parity"] == "to be made: input numbers/2025-05, input numbers/2025-08"
    assert world.run(instance) == ["parity", "answers", "total"]
    assert world.stale(instance) == {}


def test_settings_that_change_back_are_found_and_told_to_the_history(
    world: World, instance: dg.DagsterInstance
) -> None:
    world.settings = world.settings.model_copy(update={"add": 1})
    world.run(instance)
    world.settings = world.settings.model_copy(update={"add": 0})
    before = len(instance.get_runs())
    assert world.run(instance) == []
    assert len(instance.get_runs()) > before
    assert world.stale(instance) == {}
    assert world.run(instance) == []


def test_a_history_that_was_lost_is_written_again_and_nothing_is_made(world: World) -> None:
    with dg.DagsterInstance.ephemeral() as fresh:
        assert world.run(fresh) == []
        assert fresh.get_latest_materialization_event(dg.AssetKey("total")) is not None


def test_a_file_that_is_gone_is_listed_with_its_place_and_the_rest_is_listed_too(world: World) -> None:
    world.settings.file.unlink()
    listed = world.listed()
    assert listed["numbers/2025-05"].startswith(f"unknown: {world.settings.file}: expected a file")
    assert len(listed) == 5


def test_an_artifact_that_was_removed_is_made_again(world: World, instance: dg.DagsterInstance) -> None:
    made = world.maker().store.root.sizes("total")
    for name in made:
        (world.root / "store" / "total" / name).unlink()
    assert world.listed()["total"].startswith("to be made")
    assert world.run(instance) == ["total"]


def test_what_was_made_and_cannot_be_used_is_listed_as_what_became_of_it(world: World) -> None:
    store = world.maker().store
    key = References(store).target("total")
    whole = store.root.read(f"{key}/{MANIFEST}")
    store.root.replace(f"{key}/{MANIFEST}", whole[:100])
    assert world.listed()["total"] == (
        f"to be made: the manifest of the one made last is damaged ({store.root.shown(key)}): it is set aside"
    )
    verify(store.root.location, repair=True)
    assert world.listed()["total"] == "to be made: made before and set aside (mathsieve verify --repair)"
    store.root.remove(["refs/total.json"])
    assert world.listed()["total"] == "to be made: never made"


def test_bytes_written_over_are_not_read_by_what_is_made_next(world: World, instance: dg.DagsterInstance) -> None:
    """As many bytes as before: nothing but their times tells that they are others."""
    store = world.maker().store
    parity, total = References(store).target("parity"), References(store).target("total")
    path = world.root / "store" / parity / "n"
    true = path.read_text()
    path.write_text("7" * len(true))
    store.root.set_aside(total)
    assert "parity: expected" not in world.listed()["numbers/2025-05"]
    assert world.listed()["parity"].startswith(f"unknown: {path}: expected the bytes whose digest its manifest holds")
    path.write_text(true)
    assert world.run(instance) == ["total"]


def test_figures_that_are_not_the_stages_are_never_published(tmp_path: Path) -> None:
    stage = Stage(name="x", version="1", write=lambda folder: {"sum": 1}, description="", kinds=(), facts=Sum)
    step = Step(stage=stage, key=("x",), group="test")
    maker = replace(World(tmp_path).maker(), graph=Graph(steps={("x",): step}, partitions={}))
    with pytest.raises(FactsError, match="expected the figures of Sum; found total: Field required"):
        maker.make(step, [], lambda key, partition: pytest.fail("no inputs"))
    assert next(iter(standings(maker))).state == "to be made"


def test_a_stage_that_works_by_shards_gets_the_executor_and_no_other_does(tmp_path: Path) -> None:
    given: dict[str, Any] = {}

    def write(folder: Path, **handed: Any) -> dict[str, int]:
        given.update(handed)
        return {}

    for by_shards, expected in ((True, {"executor": "slurm"}), (False, {})):
        stage = Stage(name=f"x{by_shards}", version="1", write=write, description="", kinds=(), by_shards=by_shards)
        step = Step(stage=stage, key=(stage.name,), group="test")
        maker = replace(World(tmp_path).maker(), graph=Graph(steps={step.key: step}, partitions={}), executor="slurm")
        given.clear()
        maker.make(step, [], partial(pytest.fail, "no inputs"))
        assert given == expected
