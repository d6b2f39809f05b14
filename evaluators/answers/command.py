"""Compare answers: one pair, or a file of pairs.

    mathsieve check '\\frac{1}{2}' 0.5 --explain
    mathsieve check --jsonl pairs.jsonl --profile reward > verdicts.jsonl
    mathsieve check --jsonl outputs.jsonl --outputs

A file holds one JSON object a line: {"reference": ..., "prediction": ...[, "problem": ...]}. Predictions are answers;
with --outputs they are whole model outputs, and the answer is extracted first. One JSON object a line comes out, in
input order, with at least verdict, reason and stage. A malformed line gives {"verdict": "error", ...} in its place.

Exit status: 0 every pair was judged (one pair: and it is correct), 1 a pair is not correct or a line was malformed,
2 the arguments cannot be used.
"""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from evaluators.answers.front import check, check_output
from evaluators.answers.profiles import PROFILES
from evaluators.answers.verdicts import Verdict

if TYPE_CHECKING:
    from concurrent.futures import Future
from evaluators.errors import UnusableArguments

CHUNK = 256
"""Lines of one task: enough that a task outweighs its transport, few enough that slow lines hold back little output."""
SILENCE = 5.0
"""Seconds after which a long file tells how far it is, and then again at this interval."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reference", nargs="?", help="the right answer")
    parser.add_argument("prediction", nargs="?", help="the answer to judge; with --outputs, a whole model output")
    parser.add_argument("--profile", choices=tuple(PROFILES), default="strict", help="default: strict")
    parser.add_argument("--problem", help="the problem's text, which decides what is ambiguous")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="show how both were read, and the stage that decided; in a file's verdicts as reference_form and prediction_form",
    )
    parser.add_argument("--jsonl", metavar="FILE", help="judge every line of a file; - reads standard input")
    parser.add_argument("--outputs", action="store_true", help="predictions are whole model outputs")
    parser.add_argument("--workers", type=int, default=None, metavar="N", help="processes; default: one per core")
    parser.epilog = "With --jsonl, progress goes to standard error every five seconds; --quiet withholds it."
    parser.add_argument("--quiet", action="store_true", help="no progress")


_WITH_VALUE = ("--profile", "--problem", "--jsonl", "--workers")
_FLAGS = ("--explain", "--outputs", "--quiet", "--help", "-h")


def arrange(words: list[str]) -> list[str]:
    """The command's words with its options first, so that an answer may begin with a minus sign: -0.5, -\\frac12."""
    options: list[str] = []
    answers: list[str] = []
    rest = iter(words)
    for word in rest:
        name = word.partition("=")[0]
        if word == "--":
            answers += rest
        elif name in _WITH_VALUE:
            options += [word] if "=" in word else [word, *islice(rest, 1)]
        elif word in _FLAGS:
            options.append(word)
        elif len(word) > 2 and any(known.startswith(word) for known in (*_FLAGS, *_WITH_VALUE)):
            return words  # an abbreviated option is argparse's to judge
        else:
            answers.append(word)
    return [*options, "--", *answers] if any(answer.startswith("-") for answer in answers) else words


def has_workers(arguments: argparse.Namespace) -> bool:
    return arguments.jsonl is not None


def run(arguments: argparse.Namespace) -> int:
    """Judge one pair or a file."""
    if arguments.jsonl is not None:
        return _run_file(arguments)
    if arguments.reference is None or arguments.prediction is None:
        raise UnusableArguments("expected REFERENCE and PREDICTION, or --jsonl FILE")
    verdict = _judged(
        arguments.reference, arguments.prediction, arguments.problem, arguments.profile, arguments.outputs
    )
    _write_text(sys.stdout, _told(verdict, arguments) + "\n")
    return 0 if verdict.correct else 1


def _told(verdict: Verdict, arguments: argparse.Namespace) -> str:
    lines = [f"{verdict.verdict}: {verdict.reason}"]
    if arguments.explain:
        lines += [
            f"  profile     {arguments.profile}",
            f"  stage       {verdict.stage}",
            f"  reference   {arguments.reference!r} read as {verdict.reference_form or 'its text'}",
            f"  prediction  {(verdict.prediction or arguments.prediction)!r} read as {verdict.prediction_form or 'its text'}",
        ]
        if verdict.method:
            lines.append(f"  extracted   by {verdict.method}")
    return "\n".join(lines)


def _judged(reference: str, prediction: str, problem: str | None, profile: str, outputs: bool) -> Verdict:
    judge = check_output if outputs else check
    return judge(reference, prediction, profile=profile, problem=problem)


# ---- files


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """How the lines of a file are judged."""

    profile: str
    outputs: bool
    explain: bool


def _run_file(arguments: argparse.Namespace) -> int:
    if arguments.reference is not None:
        raise UnusableArguments("expected either a pair or --jsonl FILE; found both. Leave one out.")
    workers = os.cpu_count() or 1 if arguments.workers is None else arguments.workers
    if workers < 1:
        raise UnusableArguments(f"--workers: expected at least 1; found {workers}")
    judge = Judge(profile=arguments.profile, outputs=arguments.outputs, explain=arguments.explain)
    source = sys.stdin.buffer if arguments.jsonl == "-" else Path(arguments.jsonl).open("rb")  # noqa: SIM115 - closed below
    errors = total = 0
    progress = Progress(source, quiet=arguments.quiet)
    with source:
        for judged, malformed, size in _verdicts(source, judge, workers):
            _write_text(sys.stdout, judged)
            errors += malformed
            total += judged.count("\n")
            progress.tell(total, size)
    if errors:
        print(
            f"mathsieve check: {errors} of {total} lines are malformed; see the lines with verdict error",
            file=sys.stderr,
        )
    return 1 if errors else 0


class Progress:
    """Tells standard error how far a long file is, and when it will be judged where its size is known."""

    def __init__(self, source: IO[bytes], *, quiet: bool) -> None:
        status = os.fstat(source.fileno()) if _has_descriptor(source) else None
        self.size = status.st_size if status is not None and stat.S_ISREG(status.st_mode) else 0
        self.quiet = quiet
        self.begun = self.told = time.monotonic()
        self.read = 0

    def tell(self, lines: int, size: int) -> None:
        """`lines` in all so far; `size` bytes of input more."""
        self.read += size
        now = time.monotonic()
        if self.quiet or now - self.told < SILENCE:
            return
        self.told = now
        rate = lines / (now - self.begun)
        left = ""
        if self.size:
            seconds = (now - self.begun) * (self.size - self.read) / max(self.read, 1)
            left = f", {100 * self.read // self.size} %, about {seconds:,.0f} s left"
        print(f"mathsieve check: {lines:,} lines, {rate:,.0f}/s{left}", file=sys.stderr, flush=True)


def _has_descriptor(source: IO[bytes]) -> bool:
    try:
        source.fileno()
    except (OSError, ValueError):
        return False
    return True


Judged = tuple[str, int, int]
"""The verdicts of a chunk, how many of its lines were malformed, its size in bytes."""


def _verdicts(source: Iterable[bytes], judge: Judge, workers: int) -> Iterator[Judged]:
    """Judged chunks in input order; a few are in flight at once, so that memory stays bounded."""
    chunks = _chunks(source)
    first = next(chunks, None)
    if first is None:
        return
    second = next(chunks, None)
    if second is None or workers == 1:
        yield _judge_chunk(first, judge)
        for chunk in _chained(second, chunks):
            yield _judge_chunk(chunk, judge)
        return
    from concurrent.futures import ProcessPoolExecutor  # one pair is judged without workers
    from multiprocessing import get_context

    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        flying: list[Future[Judged]] = []
        for chunk in _chained(first, _chained(second, chunks)):
            flying.append(pool.submit(_judge_chunk, chunk, judge))
            if len(flying) > 4 * workers:
                yield flying.pop(0).result()
        for future in flying:
            yield future.result()


def _chained(first: Any, rest: Iterable[Any]) -> Iterator[Any]:
    if first is not None:
        yield first
    yield from rest


def _chunks(source: Iterable[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Numbered chunks: the number of the first line (from 1) and the lines."""
    lines = iter(source)
    number = 1
    while chunk := list(islice(lines, CHUNK)):
        yield number, chunk
        number += len(chunk)


def _judge_chunk(chunk: tuple[int, list[bytes]], judge: Judge) -> Judged:
    """One JSON line for each line of the chunk, blank ones too."""
    number, lines = chunk
    judged, malformed = [], 0
    for offset, line in enumerate(lines):
        answer = _judge_line(line, number + offset, judge)
        malformed += answer["verdict"] == "error"
        judged.append(json.dumps(answer, ensure_ascii=True) + "\n")
    return "".join(judged), malformed, sum(map(len, lines))


def _judge_line(line: bytes, number: int, judge: Judge) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _error(number, f"is no JSON: {str(error)[:120]}")
    if not isinstance(row, dict):
        return _error(number, f"expected a JSON object, found {type(row).__name__}")
    reference, prediction, problem = row.get("reference"), row.get("prediction"), row.get("problem")
    for name, value in (("reference", reference), ("prediction", prediction)):
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            kind = "nothing" if name not in row else type(value).__name__
            if not (name == "prediction" and value is None and name in row):
                return _error(number, f"expected a string as {name!r}, found {kind}")
    if problem is not None and not isinstance(problem, str):
        return _error(number, f"expected a string as 'problem', found {type(problem).__name__}")
    if prediction is None:
        return {"verdict": "no_answer", "reason": "the prediction is null", "stage": "extraction"}
    verdict = _judged(_string(reference), _string(prediction), problem, judge.profile, judge.outputs)
    answer: dict[str, Any] = {"verdict": verdict.verdict, "reason": verdict.reason, "stage": verdict.stage}
    if judge.outputs:
        answer |= {"prediction": verdict.prediction, "method": verdict.method}
    if judge.explain:
        answer |= {"reference_form": verdict.reference_form, "prediction_form": verdict.prediction_form}
    return answer


def _string(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _error(number: int, what: str) -> dict[str, Any]:
    return {"verdict": "error", "reason": f"line {number}: {what}", "stage": "input", "line": number}


def _write_text(stream: IO[str], text: str) -> None:
    """Lone surrogates cannot be encoded: they are written as their escapes."""
    stream.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    stream.flush()
