"""What belongs to the identity of an artifact, kind by kind: settings that change a result, and the files they name."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from evaluators.benchmarks import BenchmarkSettings
from evaluators.models.settings import EvaluationSettings
from evaluators.models.vllm_server import ServerSettings
from evaluators.records import Settings
from evaluators.sandbox.records import SandboxSettings
from evaluators.stages import ContentDigests, HowItRuns, NamesFiles
from evaluators.stages.content import NamedFileError
from evaluators.stages.identity import differences, settings_identity
from pipelines.corpus.annotations import AnnotationSettings
from pipelines.corpus.near_duplicates import NearDuplicateSettings
from pipelines.corpus.seed import SeedSettings
from pipelines.crawl.settings import CommonCrawlSettings, CrawlSettings
from pipelines.mixtures.source import SourceSettings
from pipelines.mixtures.teacher import TeacherSettings
from pipelines.training.base_model import BaseModelSettings
from pipelines.training.methods.grpo import GrpoSettings
from pipelines.training.methods.sft import SftSettings
from pipelines.training.run_settings import MachineSettings, OptimiserSettings

LONG_AGO = time.time() - 3600


def identity(settings: Settings, memory: Path | None = None) -> str:
    return json.dumps(settings_identity(settings, ContentDigests(memory)), sort_keys=True)


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def machine(**fields: Any) -> SftSettings:
    return SftSettings(machine=MachineSettings(**fields))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (CrawlSettings(folder=Path("/a")), CrawlSettings(folder=Path("/b"))),
        (machine(log_every=1), machine(log_every=7)),
        (machine(checkpoint_every=1), machine(checkpoint_every=7)),
        (
            GrpoSettings(machine=MachineSettings(log_every=1)),
            GrpoSettings(machine=MachineSettings(log_every=2, checkpoint_every=3)),
        ),
        (EvaluationSettings(concurrency=1), EvaluationSettings(concurrency=9)),
        (SandboxSettings(concurrency=2, sessions=8), SandboxSettings(concurrency=64, retries=0)),
        (ServerSettings(port=8001, restarts=0), ServerSettings(start_timeout=1.0, cpu_kv_cache_gib=4)),
        (TeacherSettings(concurrency=1), TeacherSettings(concurrency=2)),
    ],
)
def test_what_only_says_how_it_runs_makes_no_other_artifact(one: Settings, other: Settings) -> None:
    assert identity(one) == identity(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NearDuplicateSettings(threshold=0.8), NearDuplicateSettings(threshold=0.7)),
        (machine(precision="float32"), machine(precision="bfloat16")),
        (machine(trainable_layers=1), machine(trainable_layers=2)),
        (ServerSettings(dtype="float32"), ServerSettings(dtype="bfloat16")),
        (
            SftSettings(optimiser=OptimiserSettings(learning_rate=1e-5, steps=1)),
            SftSettings(optimiser=OptimiserSettings(learning_rate=1e-5, steps=2)),
        ),
        (
            CrawlSettings(common_crawl=CommonCrawlSettings(base_url="https://a.example")),
            CrawlSettings(common_crawl=CommonCrawlSettings(base_url="https://b.example")),
        ),
    ],
)
def test_what_changes_the_result_makes_another_artifact(one: Settings, other: Settings) -> None:
    assert identity(one) != identity(other)


def test_a_snapshot_more_in_the_recipe_leaves_the_pages_of_the_others() -> None:
    one = CrawlSettings(common_crawl=CommonCrawlSettings(snapshots=("CC-MAIN-2026-05",)))
    two = CrawlSettings(common_crawl=CommonCrawlSettings(snapshots=("CC-MAIN-2026-05", "CC-MAIN-2026-08")))
    assert identity(one) == identity(two)


def naming(kind: str, path: Path) -> Settings:
    """Settings that name a file or folder, of each stage that does."""
    return {
        "source file": lambda: SourceSettings(source="jsonl", path=str(path)),
        "source folder": lambda: SourceSettings(source="gsm8k", path=str(path.parent)),
        "seed": lambda: SeedSettings(files=(path,)),
        "benchmark file": lambda: BenchmarkSettings(name="svamp", path=str(path)),
        "benchmark folder": lambda: BenchmarkSettings(name="gsm8k", path=str(path.parent)),
        "exemplars": lambda: BenchmarkSettings(name="templated_easy", exemplars=str(path)),
        "model folder": lambda: BaseModelSettings(source=str(path.parent)),
        "model gguf": lambda: BaseModelSettings(source=str(path)),
        "decisions": lambda: AnnotationSettings(decisions=path),
        "evidence": lambda: CrawlSettings(evidence=path),
        "accelerate": lambda: machine(accelerate_config=path),
    }[kind]()


KINDS = {
    "source file": "rows.jsonl",
    "source folder": "train.jsonl",
    "seed": "seed.jsonl",
    "benchmark file": "SVAMP.json",
    "benchmark folder": "gsm8k/test.jsonl",
    "exemplars": "shown.jsonl",
    "model folder": "config.json",
    "model gguf": "model.gguf",
    "decisions": "decisions.jsonl",
    "evidence": "evidence.tsv",
    "accelerate": "accelerate.yaml",
}


@pytest.mark.parametrize(("kind", "name"), KINDS.items(), ids=list(KINDS))
def test_a_file_that_settings_name_counts_by_its_content_and_not_by_its_place(
    tmp_path: Path, kind: str, name: str
) -> None:
    memory = tmp_path / "digests.sqlite"
    first = naming(kind, written(tmp_path / "a" / name, '{"x": 1}'))
    before = identity(first, memory)
    elsewhere = naming(kind, written(tmp_path / "b" / name, '{"x": 1}'))
    assert identity(elsewhere, memory) == before
    written(tmp_path / "a" / name, '{"x": 2}')  # the same size and the same time of change
    assert identity(first, memory) != before


@pytest.mark.parametrize("kind", ["seed", "exemplars", "evidence", "accelerate"])
def test_a_file_that_is_not_there_is_an_error_with_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NamedFileError, match=f"^{tmp_path}/gone.jsonl: expected a file"):
        identity(naming(kind, Path("gone.jsonl")))


def test_persons_decisions_may_be_missing_until_their_first_review(tmp_path: Path) -> None:
    settings = AnnotationSettings(decisions=tmp_path / "decisions.jsonl")
    before = identity(settings)
    written(tmp_path / "decisions.jsonl", "{}")
    assert identity(settings) != before


def test_a_file_of_another_benchmark_in_the_same_folder_changes_nothing(tmp_path: Path) -> None:
    written(tmp_path / "gsm8k" / "test.jsonl", "{}")
    settings = BenchmarkSettings(name="gsm8k", path=str(tmp_path))
    before = identity(settings)
    written(tmp_path / "math500" / "test.jsonl", "{}")
    assert identity(settings) == before
    written(tmp_path / "gsm8k" / "train.jsonl", "{}")  # its exemplars come from it
    assert identity(settings) != before


def test_what_names_no_file_stands_for_itself() -> None:
    assert identity(BaseModelSettings(source="hub:owner/model", revision="a")) != identity(
        BaseModelSettings(source="hub:owner/other", revision="a")
    )


class Nested(Settings):
    files: Mapping[str, tuple[Path, ...]] = Field(default_factory=dict)
    text: NamesFiles[str | None] = None
    pace: HowItRuns[Mapping[str, Path]] = Field(default_factory=dict)


def test_paths_are_found_wherever_a_field_holds_them(tmp_path: Path) -> None:
    folder = written(tmp_path / "in" / "one.txt", "1").parent
    settings = Nested(files={"a": (folder,)}, text=str(folder), pace={"b": tmp_path / "nowhere"})
    before = identity(settings)
    written(folder / "deep" / "two.txt", "2")
    assert identity(settings) != before
    (folder / "deep" / "two.txt").unlink()
    written(folder / ".cache" / "x", "3")
    assert identity(settings) == before


def counting(memory: Path, read: list[str], later: float = 60.0) -> ContentDigests:
    def digest(path: Path) -> str:
        read.append(path.name)
        return path.read_text(encoding="utf-8")

    return ContentDigests(memory, digest=digest, clock=lambda: time.time() + later)


def test_a_damaged_memory_that_cannot_be_removed_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    memory, file = tmp_path / "digests.sqlite", written(tmp_path / "a.txt", "hello")
    memory.write_bytes(b"no database" * 500)
    monkeypatch.setattr(Path, "unlink", refuse)
    assert counting(memory, [], later=60.0).of(file) == "hello"


def test_a_second_look_at_a_large_folder_reads_only_what_changed(tmp_path: Path) -> None:
    memory = tmp_path / "digests.sqlite"
    for number in range(200):
        written(tmp_path / "crawl" / f"{number:03}.warc.gz", str(number))
    read: list[str] = []
    first = counting(memory, read).of(tmp_path / "crawl")
    assert len(read) == 200
    assert counting(memory, read).of(tmp_path / "crawl") == first
    assert len(read) == 200
    written(tmp_path / "crawl" / "007.warc.gz", "8")
    assert counting(memory, read).of(tmp_path / "crawl") != first
    assert read[200:] == ["007.warc.gz"]


def test_a_file_that_was_just_written_is_read_again(tmp_path: Path) -> None:
    memory, read = tmp_path / "digests.sqlite", list[str]()
    (tmp_path / "fresh").write_text("a", encoding="utf-8")
    for _ in range(2):
        counting(memory, read, later=0.0).of(tmp_path / "fresh")
    assert read == ["fresh", "fresh"]


def test_the_difference_of_two_identities_names_what_moved() -> None:
    before = {
        "version": "1",
        "settings": {"rows": 40, "path": {"content": [["", "a"]]}, "optimiser": {"steps": 1}},
        "read_files": [["a.warc.gz", "1"], ["b.warc.gz", None]],
        "inputs": {"pages/x": "1", "index": "2"},
    }
    now = {
        "version": "2",
        "settings": {"rows": 50, "path": {"content": [["", "b"]]}, "optimiser": {"steps": 2}},
        "read_files": [["a.warc.gz", "2"], ["b.warc.gz", None], ["c.warc.gz", None]],
        "inputs": {"pages/x": "1", "pages/y": "1", "index": "3"},
    }
    assert [str(one) for one in differences(before, now)] == [
        "version 1 -> 2",
        "settings.optimiser.steps 1 -> 2",
        "file settings.path",
        "settings.rows 40 -> 50",
        "file a.warc.gz",
        "file c.warc.gz",
        "input index",
        "input pages/y",
    ]
