"""A source of problems with solutions, and the stage that reads one and keeps the solutions that are right.

<folder>/problems-00000.parquet    PROBLEMS: each problem once
<folder>/examples-00000.parquet    EXAMPLES: its solutions that passed verification
<folder>/rejected-00000.parquet    those that did not, each with its reason
"""

from __future__ import annotations

import asyncio
import itertools
import pickle
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.records import Problem
from evaluators.stages import Stage
from pipelines.example_text import VERIFIED, example_messages
from pipelines.figures import SourceFacts
from pipelines.mixtures.fields import field_of
from pipelines.mixtures.references import with_references, without_false_alarms
from pipelines.mixtures.source_definition import Source as Source
from pipelines.mixtures.source_definition import SourceSettings as SourceSettings
from pipelines.mixtures.source_files import Row as Row
from pipelines.mixtures.source_files import SourceError as SourceError
from pipelines.mixtures.source_reading import Broken, hub_of, on_hub
from pipelines.mixtures.source_reading import check_source as check_source
from pipelines.mixtures.source_reading import read_solutions as read_solutions
from pipelines.mixtures.topics import topic_named
from pipelines.mixtures.verification import WITH_PROGRAMS, Solution, Verdict, verified
from pipelines.records import EXAMPLES, PROBLEMS
from pipelines.storage import Json, atomic_file

SHARD = 4096
"""Solutions verified and written together; what a killed run loses at most."""
REJECTED = pa.schema(
    [
        ("id", pa.string()),
        ("form", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("problem", pa.string()),
        ("response", pa.string()),  # its first and last characters, where it is longer than SHOWN
    ]
)
SHOWN, DETAIL = 2000, 500
"""Characters of a rejected solution, and of the reason's detail, that the ledger keeps to be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a table of examples comes from, for each of its rows."""

    licence: str | None = None
    dataset: str | None = None
    revision: str | None = None


def write_source(folder: Path, settings: SourceSettings, *, executor: ExecutorSettings = LOCAL) -> dict[str, Json]:
    """Reads the source, verifies every solution and writes what is right. Raises SourceError, VerificationError."""
    waiting = folder / "waiting"
    waiting.mkdir(exist_ok=True)
    numbers = _set_apart(waiting, settings)
    run_shards(
        partial(_verify, folder, settings),
        numbers,
        executor,
        done=partial(_is_verified, folder),
        label=f"verified solutions of {settings.source}",
        here=len(numbers) == 1 or settings.forms != ("cot",),  # one sandbox keeps all cores of a machine busy
    )
    shutil.rmtree(waiting)
    return _facts(folder, settings)


def remark_unverified(facts: SourceFacts, settings: SourceSettings) -> str | None:
    """Of a source of which nothing at all could be verified."""
    if not settings.verification.execute or not facts.rows or facts.verified or settings.form == "chat":
        return None
    return (
        f"source {facts.source}: none of its {facts.rows:,} examples is verified: it gives no answers, and its solutions neither "
        "box nor announce one. If a column holds answers, map it: `columns: {reference: ...}` (source jsonl)."
    )


SOURCE = Stage(
    name="source",
    version="7",
    write=write_source,
    settings=SourceSettings,
    facts=SourceFacts,
    description="Examples of one source; solutions with programs are kept only if they run and give the reference.",
    kinds=("python", "parquet"),
    by_shards=True,
    remark=remark_unverified,
)


def _set_apart(waiting: Path, settings: SourceSettings) -> list[int]:
    """The source's solutions with the problems that each shard is the first to hold, a file a shard. Their numbers."""
    broken: list[Broken] = []
    solutions, shard, known = _unique(read_solutions(settings, broken), settings.source), 0, set[str]()
    while (batch := list(itertools.islice(solutions, SHARD))) or broken:
        with atomic_file(waiting / f"{shard:05d}") as temporary:
            temporary.write_bytes(pickle.dumps((batch, new_problems(batch, known), list(broken))))
        known.update(solution.problem.id for solution in batch)
        shard += 1
        broken.clear()
    if shard == 0:
        raise SourceError(
            f"source {settings.source}: expected solutions in {', '.join(settings.forms)} and language "
            f"{settings.language or 'any'}; found none. Ask for other `forms`, or another `language`."
        )
    return list(range(shard))


def _verify(folder: Path, settings: SourceSettings, shard: int) -> None:
    batch, problems, broken = pickle.loads((folder / "waiting" / f"{shard:05d}").read_bytes())
    if settings.references == "solution":
        batch, problems = with_references(batch, problems)
    verdicts = without_false_alarms(batch, asyncio.run(verified(batch, settings.verification)))
    write_shard(folder, shard, batch, verdicts, problems, origin_of(settings), broken)


def origin_of(settings: SourceSettings) -> Origin:
    """What every row of the source says of where it comes from."""
    from pipelines.mixtures.sources import source_named

    source = source_named(settings.source)
    if source.generate is not None or not on_hub(settings):
        return Origin(licence=source.licence)
    hub = hub_of(source, settings)
    return Origin(licence=source.licence, dataset=hub.dataset, revision=hub.revision)


def _is_verified(folder: Path, shard: int) -> bool:
    return (folder / f"examples-{shard:05d}.parquet").exists()


def _unique(solutions: Iterable[Solution], source: str) -> Iterator[Solution]:
    seen: set[str] = set()
    for solution in solutions:
        if solution.id in seen:
            raise SourceError(
                f"source {source}: expected ids to be unique; found {solution.id} twice. Remove the repeated row, or leave "
                "the column of ids out."
            )
        seen.add(solution.id)
        yield solution


def new_problems(solutions: Sequence[Solution], known: set[str]) -> list[Problem]:
    """The problems of these solutions that were not written before, each once."""
    by_id = {solution.problem.id: solution.problem for solution in solutions if solution.problem.id not in known}
    return list(by_id.values())


def write_shard(
    folder: Path,
    shard: int,
    solutions: Sequence[Solution],
    verdicts: Sequence[Verdict],
    problems: Sequence[Problem],
    origin: Origin,
    broken: Sequence[Broken] = (),
) -> None:
    """One shard of all three tables, examples last: its presence means that the shard is done."""
    examples = []
    rejected = [{"id": one.place, "form": "", "reason": "broken_row", "detail": one.why[:500]} for one in broken]
    for solution, verdict in zip(solutions, verdicts, strict=True):
        if verdict.kept:
            examples.append(example_row(solution, verdict, origin))
        else:
            rejected.append(rejected_row(solution, verdict))
    write_rows(folder / f"problems-{shard:05d}.parquet", [problem_row(problem) for problem in problems], PROBLEMS)
    write_rows(folder / f"rejected-{shard:05d}.parquet", rejected, REJECTED)
    write_rows(folder / f"examples-{shard:05d}.parquet", examples, EXAMPLES)


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> None:
    """A zstd Parquet file; equal rows give equal bytes."""
    with atomic_file(path) as temporary:
        table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
        pq.write_table(table, temporary, compression="zstd", row_group_size=1024)


def rejected_row(solution: Solution, verdict: Verdict) -> dict[str, Any]:
    """The solution as a row of REJECTED; Parquet takes no halves of surrogates."""
    half = SHOWN // 2
    response = solution.response
    shown = response if len(response) <= SHOWN else f"{response[:half]} [...] {response[-half:]}"
    texts = {"detail": verdict.detail[:DETAIL], "problem": solution.problem.question[:SHOWN], "response": shown}
    told = {name: text.encode("utf-8", "backslashreplace").decode() for name, text in texts.items()}
    return {"id": solution.id, "form": solution.form, "reason": verdict.reason, **told}


def example_row(solution: Solution, verdict: Verdict, origin: Origin) -> dict[str, Any]:
    """The solution as a row of EXAMPLES."""
    problem, topic = solution.problem, topic_named(solution.topic)
    field = field_of(solution.field, None) or field_of(problem.subject, solution.topic)
    return {
        "id": solution.id,
        "problem_id": problem.id,
        "problem": problem.question,
        "messages": example_messages(
            problem.question, verdict.repaired or solution.response, solution.form, solution.earlier
        ),
        "form": solution.form,
        "reference": problem.reference,
        "reference_from": solution.reference_from if problem.reference else None,
        "language": problem.language,
        "field": field,
        "field_from": "source" if field else None,
        "topic": topic,
        "topic_from": "source" if topic else None,
        "subject": problem.subject or solution.topic,
        "level": problem.level,
        "source": problem.benchmark,
        "dataset": origin.dataset,
        "revision": origin.revision,
        "licence": solution.licence or origin.licence,
        "verification": _verification(solution, verdict),
        "tokens": solution.tokens,
        "pass_rate": solution.pass_rate,
        "flaws": list(verdict.flaws),
    }


def _verification(solution: Solution, verdict: Verdict) -> str | None:
    if verdict.verified and verdict.repaired is not None:
        return "repaired"
    if verdict.verified:
        return "executed" if solution.form in WITH_PROGRAMS else "answer"
    return None if solution.problem.reference else "no_reference"


def problem_row(problem: Problem) -> dict[str, Any]:
    """The problem as a row of PROBLEMS."""
    return {name: getattr(problem, name) for name in PROBLEMS.names}


def _facts(folder: Path, settings: SourceSettings) -> dict[str, Json]:
    kept, reasons, flaws = 0, Counter[str](), Counter[str]()
    by = {column: Counter[str]() for column in ("form", "language", "verification", "reference_from")}
    for path in sorted(folder.glob("examples-*.parquet")):
        table = pq.read_table(path, columns=[*by, "flaws"])
        flaws.update(name for names in table["flaws"].to_pylist() for name in names)
        kept += table.num_rows
        for column, counter in by.items():
            counter.update(value or "none" for value in table[column].to_pylist())
    for path in sorted(folder.glob("rejected-*.parquet")):
        reasons.update(pq.read_table(path, columns=["reason"])["reason"].to_pylist())
    problems = sum(pq.ParquetFile(path).metadata.num_rows for path in sorted(folder.glob("problems-*.parquet")))
    read = kept + reasons.total()
    figures: dict[str, Json] = {
        "source": settings.source,
        "rows": kept,
        "problems": problems,
        "solutions_read": read,
        "kept_share": round(kept / read, 4) if read else 0.0,
        "verified": sum(by["verification"][how] for how in VERIFIED),
        "verification": dict(sorted(by["verification"].items())),
        "references_from": dict(sorted(by["reference_from"].items())),
        "forms": dict(sorted(by["form"].items())),
        "languages": dict(sorted(by["language"].items())),
        "rejected": dict(sorted(reasons.items())),
        "flaws_kept": dict(sorted(flaws.items())),
    }
    warning = remark_unverified(SourceFacts.model_validate(figures), settings)
    return figures if warning is None else {**figures, "warning": warning}
