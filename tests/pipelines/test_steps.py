"""What a step depends on, without Dagster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evaluators.stages import ContentDigests, Stage, Stored
from pipelines.standing import standings
from pipelines.steps import Graph, Maker, Step
from pipelines.storage import Artifact, References, Store
from pipelines.storage.verification import verify

made: list[str] = []
LINES = Stage(
    name="lines",
    version="1",
    write=lambda folder, *, file: {"lines": len(file.read_text(encoding="utf-8").splitlines())},
    files=lambda settings, *, file: [("lines.txt", file), ("published", None)],
    description="",
    kinds=(),
)


def write_answers(folder: Path, *, tasks: Sequence[str], texts: Mapping[str, str]) -> dict[str, Any]:
    made.append("answers")
    for task in tasks:
        (folder / f"{task}.txt").write_text(texts[task], encoding="utf-8")
    return {}


def write_grades(folder: Path, *, answers: Stored, task: str) -> dict[str, Any]:
    made.append(f"grades {task}")
    (folder / "grade.txt").write_text(answers.file(f"{task}.txt").read_text(encoding="utf-8").upper(), encoding="utf-8")
    return {}


ANSWERS = Stage(
    name="answers", version="1", write=write_answers, description="", kinds=(), part=lambda partition: f"{partition}.*"
)
GRADES = Stage(name="grades", version="1", write=write_grades, inputs=("answers",), description="", kinds=())


def maker_of(root: Path, texts: Mapping[str, str]) -> Maker:
    answers = Step(
        stage=ANSWERS,
        key=("answers",),
        group="g",
        cut="benchmark",
        together=True,
        given=lambda partitions: {"tasks": list(partitions), "texts": dict(texts)},
    )
    grades = Step(
        stage=GRADES,
        key=("grades",),
        group="g",
        cut="benchmark",
        reads={"answers": ("answers",)},
        given=lambda partitions: {"task": partitions[0]},
    )
    graph = Graph(steps={one.key: one for one in (answers, grades)}, partitions={"benchmark": list(texts)})
    return Maker(graph=graph, store=Store(root), digests=ContentDigests())


def made_by(maker: Maker) -> list[str]:
    """What making everything writes."""
    made.clear()
    artifacts: dict[Any, Artifact] = {}
    for step in maker.graph.steps.values():
        for unit in maker.graph.units(step):
            artifact = maker.make(step, unit, lambda key, partition: artifacts[key, partition])  # noqa: B023  # called at once
            artifacts |= {(step.key, partition): artifact for partition in unit}
    return list(made)


def test_what_reads_one_part_of_an_artifact_is_made_again_for_that_part_alone(tmp_path: Path) -> None:
    assert made_by(maker_of(tmp_path, {"gsm8k": "a", "math": "b"})) == ["answers", "grades gsm8k", "grades math"]
    assert made_by(maker_of(tmp_path, {"gsm8k": "a", "math": "b", "svamp": "c"})) == ["answers", "grades svamp"]
    assert made_by(maker_of(tmp_path, {"gsm8k": "a", "math": "other"})) == ["answers", "grades math"]


def test_what_was_made_from_parts_is_listed_as_found(tmp_path: Path) -> None:
    made_by(maker_of(tmp_path, {"gsm8k": "a", "math": "b"}))
    before = {one.partitions: one.state for one in standings(maker_of(tmp_path, {"gsm8k": "a", "math": "b"}))}
    assert before == {("gsm8k", "math"): "found", ("gsm8k",): "found", ("math",): "found"}


def test_a_changed_file_that_a_stage_reads_is_named_and_its_manifest_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("one\n", encoding="utf-8")
    step = Step(stage=LINES, key=("lines",), group="g", aside={"file": file})
    graph = Graph(steps={step.key: step}, partitions={})
    maker = Maker(graph=graph, store=Store(tmp_path / "root"), digests=ContentDigests())
    References(maker.store).write("lines", maker.make(step, [], lambda key, partition: pytest.fail("no inputs")))
    assert verify(tmp_path / "root", deep=True).faults == []
    assert [one.state for one in standings(maker)] == ["found"]
    file.write_text("one\ntwo\n", encoding="utf-8")
    (standing,) = standings(maker)
    assert (standing.state, standing.reason) == ("to be made", "file lines.txt")
