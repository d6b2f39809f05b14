"""Which benchmark problems a training mixture or a corpus contains, and where: the page or example, and the words.

<folder>/contamination.json     for each named table (`mixture`, `corpus`): problem id -> share of it that is there
<folder>/places.parquet         PLACES: every page or example that contains a problem, the first PLACES_KEPT of each
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from evaluators.benchmarks import problems_file
from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.leaks.settings import GRAM, Rewording, RewordingSettings
from evaluators.models.sampling import ToolCall
from evaluators.models.tool_calls import code_of
from evaluators.records import Problem, Settings
from evaluators.stages import Stage
from evaluators.tables import atomic_file, read_table

if TYPE_CHECKING:
    from evaluators.leaks.shares import QuestionIndex

TEXT_COLUMNS = ("text", "prompt", "response", "question", "solution", "messages")
"""Whose texts are read: strings, or a conversation of role and content."""
PLACE_COLUMNS = ("url", "id")
"""What names a row for a person."""
PLACES_KEPT = 20  # of a problem in a table; how many there are is counted
SMALL = 2_000  # rows below which starting processes costs more than it saves


class ContaminationSettings(Settings):
    ngram: int = Field(default=GRAM, ge=1)
    minimum_share: float = Field(default=0.5, gt=0, le=1)  # ours; any share above 0 is the paper's rule for pages
    matches: tuple[Rewording, ...] = ("numerals", "renamed", "extended", "reworded")
    """Strengths of match beyond the spelling that count as well."""
    rewording: RewordingSettings = RewordingSettings()


def write_contamination(
    folder: Path,
    settings: ContaminationSettings,
    *,
    problems: Path,
    tables: Mapping[str, Sequence[Path]],
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Any]:
    """Tables are Parquet files with any of TEXT_COLUMNS; `url` or `id` names a row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    files = [(name, path) for name, paths in sorted(tables.items()) for path in paths]
    jobs = [(name, path, scratch / f"{number:06d}.parquet") for number, (name, path) in enumerate(files)]
    few = sum(pq.read_metadata(path).num_rows for _, path in files) <= SMALL
    run_shards(partial(_find, problems, settings), jobs, executor, done=_is_found, label="contamination", here=few)
    contained: dict[str, dict[str, float]] = {name: {} for name in sorted(tables)}
    kept: Counter[tuple[str, str]] = Counter()
    rows = []
    for name, _, part in jobs:
        for row in pq.read_table(part).to_pylist():
            best = contained[name]
            best[row["problem_id"]] = max(row["share"], best.get(row["problem_id"], 0.0))
            kept[name, row["problem_id"]] += 1
            if kept[name, row["problem_id"]] <= PLACES_KEPT:
                rows.append(row)
    with atomic_file(folder / "contamination.json") as temporary:
        temporary.write_text(json.dumps(contained, indent=1, sort_keys=True, ensure_ascii=False), encoding="utf-8")
    with atomic_file(folder / "places.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist(rows, _places()), temporary, compression="zstd")
    shutil.rmtree(scratch)
    return {name: len(found) for name, found in contained.items()}


CONTAINED_PROBLEMS = Stage(
    name="contained_problems",
    version="4",
    write=write_contamination,
    arguments=lambda settings, problems, corpus, mixture, executor=LOCAL: {
        "problems": problems_file(problems),
        "tables": {"corpus": corpus.files("data/*.parquet"), "mixture": mixture.files()},
        "executor": executor,
    },
    settings=ContaminationSettings,
    inputs=("problems", "corpus", "mixture"),
    description="Which benchmark problems the corpus or the training mixture contains, and where; scores are given with and without them.",
    kinds=("json", "parquet"),
    by_shards=True,
)


def _places() -> Any:
    import pyarrow as pa

    return pa.schema(
        [
            ("problem_id", pa.string()),
            ("table", pa.string()),  # corpus | mixture
            ("place", pa.string()),  # the page's URL, or the example's id
            ("match", pa.string()),  # grams | a Rewording
            ("share", pa.float64()),  # of the question's 10-grams, or of its words
            ("span", pa.string()),  # the words that agree, as they were compared
        ]
    )


def _is_found(job: tuple[str, Path, Path]) -> bool:
    return job[2].exists()


@lru_cache(maxsize=1)
def _index_of(problems: Path, settings: ContaminationSettings) -> tuple[list[str], QuestionIndex]:
    """Of a worker process: made once, used for all of its files."""
    from evaluators.leaks.shares import QuestionIndex

    known = read_table(problems, Problem)
    index = QuestionIndex(
        [problem.question for problem in known],
        ngram=settings.ngram,
        minimum_share=settings.minimum_share,
        matches=settings.matches,
        rewording=settings.rewording,
    )
    return [problem.id for problem in known], index


def _find(problems: Path, settings: ContaminationSettings, job: tuple[str, Path, Path]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name, path, part = job
    ids, index = _index_of(problems, settings)
    rows = [
        {"problem_id": ids[problem], "table": name, "place": place, "match": one.match, "span": one.span}
        | {"share": round(one.share, 4)}
        for place, text in _texts(path)
        for problem, one in sorted(index.contained_in(text).items())
    ]
    with atomic_file(part) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, _places()), temporary, compression="zstd")


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Each row's name and text."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        known = file.schema_arrow.names
        columns = [column for column in TEXT_COLUMNS if column in known]
        names = [column for column in PLACE_COLUMNS if column in known][:1]
        number = 0
        for batch in file.iter_batches(batch_size=512, columns=[*columns, *names]):
            for row in batch.to_pylist():
                place = row[names[0]] if names else f"{path.name}, row {number}"
                yield place or "", "\n".join(text for column in columns for text in _texts_in(row[column]))
                number += 1


def _texts_in(value: str | Sequence[Mapping[str, Any]] | None) -> Iterator[str]:
    if isinstance(value, str):
        yield from filter(None, [value])
        return
    for message in value or ():
        programs = [code_of(ToolCall(id="", **call)) for call in message.get("tool_calls") or ()]
        yield from (text for text in (message["content"], *programs) if text)
