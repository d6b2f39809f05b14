"""Reads a benchmark from a path or from the hub, and holds it against what was published."""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from evaluators.benchmarks._benchmark import Benchmark, BenchmarkError, Row, Split
from evaluators.benchmarks._registry import benchmark
from evaluators.hub import hub_answers
from evaluators.records import Problem, Settings
from evaluators.stages import Stage, Stored
from evaluators.stages.fields import NamesFiles
from evaluators.tables import write_table

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".tsv", ".csv", ".parquet")


class BenchmarkSettings(Settings):
    """One benchmark of a recipe."""

    name: str
    path: NamesFiles[str | None] = None
    """File or folder that holds the published data; None reads the hub."""
    split: str = "test"
    limit: int | None = Field(default=None, gt=0)
    """Only the first problems, after the whole was verified."""
    verify: bool = True
    """False accepts other row counts and contents than the published ones; the facts then say so."""
    shots: int | None = Field(default=None, ge=0)
    """Exemplars for base models; None takes as many as the benchmark names (§4: GSM8K 8, MATH 4, CMATH 6)."""
    exemplars: NamesFiles[str | None] = None
    """JSON Lines of {question, solution, reference} to show instead of rows of the train split."""

    def named_files(self, name: str) -> Sequence[Path] | None:
        """Of a folder those of the benchmark: its split, and the train split, where it is there, for exemplars."""
        chosen = benchmark(self.name)
        if name != "path" or self.path is None:
            return super().named_files(name)
        if chosen.generate is not None:
            return None
        files = list(_files_at(chosen, _split(chosen, self.split), Path(self.path)))
        if self.exemplars is None and self.shots != 0 and "train" in chosen.splits:
            with contextlib.suppress(BenchmarkError):  # a path with the test split only
                files += _files_at(chosen, chosen.splits["train"], Path(self.path))
        return list(dict.fromkeys(files))


def load_problems(
    name: str, path: str | None = None, *, split: str = "test", limit: int | None = None, verify: bool = True
) -> list[Problem]:
    """The problems of a benchmark in their published order.

    `path` is a file, or a folder that holds it directly or under the benchmark's name. Raises BenchmarkError where
    data is missing, a row is foreign, or (with `verify`) the count or the content is not the published one.
    """
    chosen = benchmark(name)
    published = _split(chosen, split)
    if chosen.generate is not None:
        return chosen.generate(split, limit or published.rows)
    rows = _rows_from_hub(chosen, published) if path is None else _rows_from_path(chosen, published, Path(path))
    problems = _parse(chosen, rows, split, path or f"hub:{chosen.dataset}")
    if verify:
        _hold_against(published, problems, name, split, path or f"hub:{chosen.dataset}")
    return problems[:limit]


def check_benchmark(settings: BenchmarkSettings) -> None:
    """Raises BenchmarkError where the benchmark is not known or no file of it is at its path; reads nothing."""
    chosen = benchmark(settings.name)
    published = _split(chosen, settings.split)
    if chosen.generate is None and settings.path is not None:
        _files_at(chosen, published, Path(settings.path))


def _split(chosen: Benchmark, split: str) -> Split:
    if split not in chosen.splits:
        raise BenchmarkError(f"{chosen.name}: expected a split of {', '.join(chosen.splits)}; found {split!r}")
    return chosen.splits[split]


def problems_digest(problems: Sequence[Problem]) -> str:
    """SHA-256 (hex) over the questions and references, whatever file format and order they came in."""
    lines = [json.dumps([p.question, p.reference], ensure_ascii=False, separators=(",", ":")) for p in problems]
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "surrogatepass")).hexdigest()


def write_problems(folder: Path, settings: BenchmarkSettings) -> dict[str, Any]:
    """problems.parquet, and exemplars.parquet where base models are shown some. Raises BenchmarkError."""
    chosen = benchmark(settings.name)
    problems = load_problems(
        settings.name, settings.path, split=settings.split, limit=settings.limit, verify=settings.verify
    )
    write_table(folder / "problems.parquet", [asdict(problem) for problem in problems], Problem)
    exemplars = _exemplars(chosen, settings)
    write_table(folder / "exemplars.parquet", [asdict(problem) for problem in exemplars], Problem)
    return {
        "benchmark": chosen.name,
        "title": chosen.title,
        "split": settings.split,
        "problems": len(problems),
        "exemplars": len(exemplars),
        "sha256": problems_digest(problems),
        "verified": settings.verify and chosen.splits[settings.split].sha256 is not None,
        "licence": chosen.licence,
    }


PROBLEMS_STAGE = Stage(
    name="problems",
    version="1",
    write=write_problems,
    settings=BenchmarkSettings,
    description="A benchmark's problems and reference answers; a wrong row count or checksum of the source is an error.",
    kinds=("parquet",),
)


def problems_file(problems: Stored) -> Path:
    """The table of a benchmark's artifact."""
    return problems.file("problems.parquet")


def _exemplars(chosen: Benchmark, settings: BenchmarkSettings) -> list[Problem]:
    """A file's, or rows of the train split by index; none where neither is at hand and none was asked for."""
    if settings.exemplars is not None:
        rows = read_rows_of(Path(settings.exemplars), ())
        shown = [
            Problem(
                id=f"{chosen.name}/exemplar/{index}",
                benchmark=chosen.name,
                split="exemplar",
                question=str(row["question"]),
                reference=str(row["reference"]),
                solution=str(row["solution"]),
                language=chosen.language,
            )
            for index, row in enumerate(rows)
        ]
        return shown[: settings.shots]
    count = settings.shots if settings.shots is not None else len(chosen.exemplars)
    if count == 0 or not chosen.exemplars:
        if settings.shots:
            raise BenchmarkError(
                f"{chosen.name}: expected exemplars for {settings.shots} shots; this benchmark names no rows of a train "
                "split. Give a JSON Lines file of {question, solution, reference} as `exemplars`."
            )
        return []
    try:
        train = load_problems(chosen.name, settings.path, split="train", verify=settings.verify)
    except BenchmarkError:
        if settings.shots:
            raise
        return []  # a path with the test split only: enough for zero-shot evaluation
    return [train[index] for index in chosen.exemplars[:count]]


def _parse(chosen: Benchmark, rows: Sequence[Row], split: str, place: str) -> list[Problem]:
    problems = []
    for index, row in enumerate(rows):
        try:
            problems.append(chosen.parse(row, index, split))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise BenchmarkError(
                f"{place}: row {index} is not a row of {chosen.name}: expected columns like "
                f"{sorted(chosen.example)}; found {sorted(row)} ({type(error).__name__}: {error})"
            ) from error
    if len({problem.id for problem in problems}) != len(problems):
        raise BenchmarkError(f"{place}: expected problem ids of {chosen.name} to be unique; some are repeated")
    return problems


def _hold_against(published: Split, problems: Sequence[Problem], name: str, split: str, place: str) -> None:
    remedy = "Fetch the published file again, or set `verify: false` to evaluate on other data under this name."
    if len(problems) != published.rows:
        raise BenchmarkError(
            f"{place}: expected {published.rows} problems in {name} {split}; found {len(problems)}. {remedy}"
        )
    digest = problems_digest(problems)
    if published.sha256 is not None and digest != published.sha256:
        raise BenchmarkError(
            f"{place}: expected the published {name} {split} (SHA-256 of its problems {published.sha256[:16]}...); found "
            f"{digest[:16]}...: a question or answer was changed. {remedy}"
        )


def _rows_from_path(chosen: Benchmark, published: Split, path: Path) -> list[Row]:
    rows = [row for file in _files_at(chosen, published, path) for row in read_rows_of(file, chosen.columns)]
    return [row for row in rows if published.select is None or published.select(row)]


def _files_at(chosen: Benchmark, published: Split, path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        return _files_in(chosen, published, path)
    raise BenchmarkError(f"{path}: expected the data of {chosen.name}; there is no such file or folder. Check `path`.")


def _files_in(chosen: Benchmark, published: Split, folder: Path) -> list[Path]:
    places = [folder / chosen.name, folder / chosen.name.split("_")[0], folder]
    for place in places:
        for pattern in published.files:
            found = sorted(place.glob(pattern)) if place.is_dir() else []
            if found:
                return found
    raise BenchmarkError(
        f"{folder}: expected {chosen.name} as one of {', '.join(published.files)} there or in {chosen.name}/; found "
        f"{sorted(p.name for p in folder.iterdir())[:12]}"
    )


def read_rows_of(path: Path, columns: Sequence[str] = ()) -> list[Row]:
    """All rows of one file. Raises BenchmarkError where it cannot be read as what its name says."""
    try:
        return list(_rows_of(path, columns))
    except (json.JSONDecodeError, UnicodeDecodeError, csv.Error, OSError, EOFError) as error:
        raise BenchmarkError(
            f"{path}: expected readable {' '.join(path.suffixes)}; found {type(error).__name__}: {error}"
        ) from error


def _rows_of(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    name = path.name.lower()
    if name.endswith(".parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            yield from pq.read_table(path).to_pylist()
        except pa.ArrowInvalid as error:
            raise OSError(str(error)) from error
        return
    if not name.endswith(SUFFIXES):
        raise OSError(f"unknown format; known are {', '.join(SUFFIXES)}")
    text = (gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()).decode("utf-8-sig")
    if name.endswith((".jsonl", ".jsonl.gz")):
        yield from (json.loads(line) for line in text.split("\n") if line.strip())
    elif name.endswith(".json"):
        content = json.loads(text)
        yield from content if isinstance(content, list) else [content]
    else:
        lines = text.split("\n")
        delimiter = "\t" if name.endswith(".tsv") else ","
        quoting: Literal[0, 3] = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
        if columns and lines[0].rstrip("\r").split(delimiter)[0] != columns[0]:  # no header
            yield from csv.DictReader(lines, fieldnames=list(columns), delimiter=delimiter, quoting=quoting)
        else:
            yield from csv.DictReader(lines, delimiter=delimiter, quoting=quoting)


def _rows_from_hub(chosen: Benchmark, published: Split) -> list[Row]:
    if chosen.dataset is None or published.hub_split is None:
        raise BenchmarkError(f"{chosen.name}: expected a path; this split is not on the hub. Give `path`.")
    if not hub_answers():
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # its cache may do; or else it would try for half a minute
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise BenchmarkError(
            f"{chosen.name}: reading the hub needs the package `datasets`. pip install datasets, or give `path`."
        ) from error
    try:
        table = load_dataset(chosen.dataset, chosen.configuration, split=published.hub_split, revision=chosen.revision)
    except (OSError, ValueError, RuntimeError) as error:  # network, unknown dataset or revision, damaged cache
        raise BenchmarkError(
            f"{chosen.name}: could not read {chosen.dataset} ({chosen.revision or 'main'}) from the hub: {error}. Check "
            "the network, or give `path`."
        ) from error
    rows: list[Row] = table.to_list()
    return [row for row in rows if published.select is None or published.select(row)]
