"""What makes a score of a file doubtful before anything is graded: alarms, which are said first, and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from evaluators.benchmarks import Benchmark
from evaluators.outputs._assembly import Assembled, Conflict, Item
from evaluators.outputs._reading import Layout, columns

FEW = 2
"""References that a corrected copy of a benchmark may have changed without an alarm; else 1 % of those matched."""
SHOWN = 3
EMPTY_SHARE = 0.01
"""Of the responses: above it, empty ones are an alarm and not a note."""
STRANGE_SHARE = 0.05
"""Of the questions: above it, ones that the benchmark does not have, beside ones that it has, are an alarm."""
ALIKE = 10
"""From this many completions on, all of one text are an alarm."""


def are_many(conflicts: Sequence[Conflict], items: Sequence[Item]) -> bool:
    """Whether references contradict the benchmark's own on more than a corrected copy would."""
    return len(conflicts) > max(FEW, sum(item.published is not None for item in items) / 100)


def are_most(conflicts: Sequence[Conflict], items: Sequence[Item]) -> bool:
    """Whether the column read as the reference cannot be one."""
    return are_many(conflicts, items) and 2 * len(conflicts) > sum(item.published is not None for item in items)


def alarms_of(
    layout: Layout, chosen: Benchmark, items: Sequence[Item], conflicts: Sequence[Conflict], made: Assembled
) -> Iterator[str]:
    """Sentences, each with rows to look at."""
    yield from layout.alarms
    if are_many(conflicts, items):
        matched = sum(item.published is not None for item in items)
        used = "the benchmark's own were used" if are_most(conflicts, items) else "the file's were used"
        yield (
            f"The file's references contradict {chosen.title}'s own on {len(conflicts)} of {matched} problems; {used}. "
            + "; ".join(
                f"{one.place}: the file has {_short(one.reference)}, {one.problem.id} {_short(one.problem.reference)}"
                for one in conflicts[:SHOWN]
            )
        )
    strangers = [item for item in items if item.published is None]
    if max(FEW, STRANGE_SHARE * len(items)) < len(strangers) < len(items):
        yield (
            f"{len(strangers)} of {len(items)} questions are not {chosen.title}'s: does the file mix benchmarks? One number for "
            f"all of them is no score. Look at {', '.join(item.rows[0].place for item in strangers[:SHOWN] if item.rows)}."
        )
    texts = [completion.text.strip() for completion in made.completions]
    empty = [n for n, text in enumerate(texts) if not text]
    if len(empty) > EMPTY_SHARE * len(texts):
        yield f"{len(empty)} of {len(texts)} responses are empty; they count as wrong. {_places(made, empty)}"
    text, count = Counter(texts).most_common(1)[0]
    if count == len(texts) >= ALIKE and text:
        yield f"All {count} responses are the same text, {_short(text)}: was the right column read?"


def notes_of(
    layout: Layout,
    chosen: Benchmark,
    items: Sequence[Item],
    conflicts: Sequence[Conflict],
    made: Assembled,
    *,
    looked_up: bool,
) -> Iterator[str]:
    """What a reader of the score must know besides."""
    if layout.format is None:
        yield (
            "No known tool's format: question, response and reference were guessed from the names of the columns "
            f"({columns(layout)})."
        )
    if layout.files > 1:
        yield f"{layout.files} files of the folder were read as one evaluation."
    matched = sum(item.published is not None for item in items)
    if conflicts and not are_many(conflicts, items):
        yield (
            f"The file's references differ from {chosen.title}'s own on {len(conflicts)} of {matched} problems; the file's "
            f"were used: {', '.join(one.problem.id for one in conflicts)}."
        )
    if made.missing:
        yield f"{made.missing} responses are missing from the file; they count as wrong."
    if made.repeated:
        yield f"{made.repeated} rows repeat a problem that has its responses already; they were left out."
    if looked_up and matched < len(items):
        yield (
            f"{len(items) - matched} of {len(items)} questions are not in {chosen.title} as published; they were graded by "
            "the file's own references."
        )
    published = chosen.splits["test"].rows if "test" in chosen.splits else None
    if published not in (None, len(items)):
        yield f"The published test split has {published} problems, the file {len(items)}: not a score on the whole."


def _places(made: Assembled, numbers: Sequence[int]) -> str:
    """Where some completions are in the file."""
    shown = [made.completions[number] for number in numbers[:SHOWN]]
    origins = [made.origins.get((one.problem_id, one.sample)) for one in shown]
    places = [origin.place for origin in origins if origin is not None]
    return f"Look at {', '.join(places)}." if places else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else f"{line[:57]}...")
