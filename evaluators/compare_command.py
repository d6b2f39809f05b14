"""Paired comparison of two evaluations: is A better than B, and could we tell?

A and B are scores.json files, or folders that hold some at any depth (an evaluation artifact, a folder written by
`mathsieve grade --grades`), what `mathsieve grade --json` printed, or with --benchmark files of outputs as they are. What
both evaluated, by benchmark and form, is compared problem by problem: exact McNemar (sign-flip permutation for several
samples), paired bootstrap intervals, Holm's correction over benchmarks.

  mathsieve compare graded/sft graded/base
  mathsieve compare a/scores.json b/scores.json --profile deepseek --json
  mathsieve compare a.jsonl b.jsonl --benchmark gsm8k
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.errors import UnusableArguments

if TYPE_CHECKING:
    from evaluators.comparison import Finding

Scores = dict[tuple[str, str], dict[str, Any]]
"""(benchmark, form) -> content of scores.json."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", type=Path, metavar="A", help="scores.json, or a folder with some")
    parser.add_argument("b", type=Path, metavar="B", help="the baseline: scores.json, or a folder with some")
    parser.add_argument("--benchmark", metavar="NAME", help="grade A and B, files of outputs, on this benchmark first")
    parser.add_argument("--path", metavar="DATA", help="the benchmark's own data, as for `mathsieve grade`")
    parser.add_argument("--profile", help="whose verdicts to compare (default: strict where both have it)")
    parser.add_argument(
        "--flips", type=_count, default=10, metavar="N", help="show N problems that flipped (default 10)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number from 0 on; found {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    from evaluators.comparison import compare_evaluations

    a, b = _loaded(arguments.a, arguments), _loaded(arguments.b, arguments)
    shared = _shared(a, b)
    if not shared:
        raise UnusableArguments(
            f"expected a benchmark and form that both evaluated; {arguments.a} has {_list(a)}, {arguments.b} {_list(b)}"
        )
    profile = _profile(arguments.profile, [(a[one], b[other]) for one, other in shared])
    name_a, name_b = _names(arguments.a, arguments.b)
    findings = compare_evaluations([(name_a, a[one], name_b, b[other]) for one, other in shared], profile=profile)
    if arguments.json:
        print(
            json.dumps(
                {"profile": profile, "comparisons": [_plain(one) for one in findings]}, ensure_ascii=False, indent=1
            )
        )
        return 0
    print(f"profile: {profile}\n")
    for finding in findings:
        print(finding.sentence)
        for problem, score_a, score_b in finding.flips[: arguments.flips]:
            print(f"  {problem}: {name_a} {score_a:g}, {name_b} {score_b:g}")
        if len(finding.flips) > arguments.flips > 0:
            print(f"  ... and {len(finding.flips) - arguments.flips} more")
    left_out = sorted((a.keys() - {one for one, _ in shared}) | (b.keys() - {other for _, other in shared}))
    if left_out:
        print(f"\nnot compared, since only one side has it: {', '.join(' '.join(key) for key in left_out)}")
    return 0


def _loaded(path: Path, arguments: argparse.Namespace) -> Scores:
    if arguments.benchmark is None or path.is_dir():
        return _scores(path)
    from evaluators.grade_command import graded

    scores = graded(path, arguments.benchmark, [arguments.profile or "strict"], arguments.path)[2]
    return {(scores["benchmark"], scores["form"]): scores}


def _shared(a: Scores, b: Scores) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Pairs of (benchmark, form): the same on both sides, or else the one form that each has of a benchmark."""
    pairs = [(key, key) for key in sorted(a.keys() & b.keys())]
    for name in sorted({name for name, _ in a} & {name for name, _ in b}):
        own, other = ([key for key in side if key[0] == name] for side in (a, b))
        if len(own) == len(other) == 1 and own != other:
            pairs.append((own[0], other[0]))
    return pairs


def _scores(path: Path) -> Scores:
    files = sorted(path.rglob("scores.json")) if path.is_dir() else [path]
    if not files:
        raise UnusableArguments(
            f"{path}: expected scores.json in this folder; found none. `mathsieve grade --grades FOLDER` makes one."
        )
    found: Scores = {}
    for file in files:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            key = (content["benchmark"], content["form"])
            [figures["scores"] for figures in content["profiles"].values()]
        except OSError as error:
            raise UnusableArguments(
                f"{file}: expected scores.json or a folder with some; found: {error.strerror}. Check the path."
            ) from error
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            raise UnusableArguments(
                f"{file}: expected a scores.json of an evaluation, or what `mathsieve grade --json` printed; found something "
                f"else ({type(error).__name__}: {error}). For a file of outputs give --benchmark."
            ) from error
        if key in found:
            raise UnusableArguments(
                f"{path}: expected one evaluation of {' '.join(key)}; found two. Name a folder that holds one."
            )
        found[key] = content
    return found


def _profile(wanted: str | None, pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    shared = set.intersection(*[set(scores["profiles"]) for pair in pairs for scores in pair])
    if wanted is None and shared:
        return "strict" if "strict" in shared else min(shared)
    if wanted is None or wanted not in shared:
        raise UnusableArguments(
            f"expected the profile {wanted or 'strict'} on both sides; both have {sorted(shared) or 'none in common'}"
        )
    return wanted


def _names(a: Path, b: Path) -> tuple[str, str]:
    """Short names that differ: the last parts of the paths."""
    parts_a, parts_b = (path.absolute().with_suffix("").parts for path in (a, b))
    for count in range(1, max(len(parts_a), len(parts_b)) + 1):
        name_a, name_b = "/".join(parts_a[-count:]), "/".join(parts_b[-count:])
        if name_a != name_b:
            return name_a, name_b
    return "A", "B"


def _list(scores: Scores) -> str:
    return ", ".join(" ".join(key) for key in sorted(scores))


def _plain(finding: Finding) -> dict[str, Any]:
    return asdict(finding)
