"""Paired comparison of two evaluations: is A better than B, and could we tell?

A and B are scores.json files, folders that hold some at any depth (an evaluation artifact, a folder written by
`mathsieve grade --grades`), what `mathsieve grade --json` printed, logs of inspect (.eval, .json) or lm-eval (a folder of
--log_samples, or one of its files), or with --benchmark outputs of any kind that `mathsieve grade` reads. What both
evaluated, by benchmark and form, is compared problem by problem: exact McNemar (sign-flip permutation for several samples
or for clusters), Tango's paired interval, Holm's correction over benchmarks, and the difference that would have been seen.

  mathsieve compare graded/sft graded/base
  mathsieve compare a/scores.json b/scores.json --profile deepseek --json
  mathsieve compare a.jsonl b.jsonl --benchmark gsm8k
  mathsieve compare logs/new.eval logs/old.eval                      graded here
  mathsieve compare out/model-a out/model-b --harness                by the verdicts of inspect or lm-eval themselves
  mathsieve compare a.jsonl b.jsonl --benchmark gsm8k --shared       what both hold, where one holds more
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.errors import UnusableArguments

if TYPE_CHECKING:
    from evaluators.compared import Scores
    from evaluators.comparison import Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", type=Path, metavar="A", help="scores.json, a log, outputs, or a folder of them")
    parser.add_argument("b", type=Path, metavar="B", help="the baseline, likewise")
    parser.add_argument(
        "--benchmark", metavar="NAME", help="grade A and B, outputs of any kind, on this benchmark first"
    )
    parser.add_argument("--path", metavar="DATA", help="the benchmark's own data, as for `mathsieve grade`")
    parser.add_argument("--profile", help="whose verdicts to compare (default: strict where both have it)")
    parser.add_argument(
        "--harness",
        nargs="?",
        const="",
        metavar="SCORE",
        help="compare the verdicts that the files carry (of this score, where they have several), not ours",
    )
    parser.add_argument(
        "--shared", action="store_true", help="compare the problems that both sides have, where one has more"
    )
    parser.add_argument(
        "--cluster-by",
        metavar="COLUMN",
        help="problems with one value in this column are one piece of evidence; `template` for templated benchmarks",
    )
    parser.add_argument(
        "--flips", type=_count, default=10, metavar="N", help="show N problems that flipped (default 10)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number from 0 on; found {text!r}")
    return int(text)


def has_workers(arguments: argparse.Namespace) -> bool:
    return arguments.harness is None


def run(arguments: argparse.Namespace) -> int:
    from evaluators.compared import Reading, read_side
    from evaluators.comparison import compare_evaluations

    reading = Reading(
        benchmark=arguments.benchmark,
        data=arguments.path,
        profile=arguments.profile,
        cluster_by=arguments.cluster_by,
        harness=arguments.harness is not None,
    )
    sides = [read_side(path, reading) for path in (arguments.a, arguments.b)]
    a, b = (side.scores for side in sides)
    pairs = _pairs(a, b)
    if not pairs:
        raise UnusableArguments(
            f"expected a benchmark and form that both evaluated; {arguments.a} has {_list(a)}, {arguments.b} {_list(b)}"
        )
    wanted = arguments.harness or arguments.profile
    profile = _profile(wanted, [(a[one], b[other]) for one, other in pairs])
    named = _names(arguments.a, arguments.b)
    findings = compare_evaluations(
        [(named[0], a[one], named[1], b[other]) for one, other in pairs],
        profile=profile,
        shared=arguments.shared,
        cluster_by=arguments.cluster_by,
    )
    alarms = [f"{name}: {alarm}" for name, side in zip(named, sides, strict=True) for alarm in side.alarms]
    if arguments.json:
        comparisons = [asdict(one) for one in findings]
        print(
            json.dumps({"profile": profile, "alarms": alarms, "comparisons": comparisons}, ensure_ascii=False, indent=1)
        )
        return 0
    print("\n".join([*[f"!! {alarm}" for alarm in alarms], *[""] * bool(alarms), f"profile: {profile}", ""]))
    for finding in findings:
        print("\n".join(_told(finding, arguments.flips)))
    left_out = sorted((a.keys() - {one for one, _ in pairs}) | (b.keys() - {other for _, other in pairs}))
    if left_out:
        print(f"\nnot compared, since only one side has it: {', '.join(' '.join(key) for key in left_out)}")
    return 0


def _told(finding: Finding, flips: int) -> list[str]:
    lines = [finding.sentence]
    lines += [
        f"  {problem}: {finding.name_a} {score_a:g}, {finding.name_b} {score_b:g}"
        for problem, score_a, score_b in finding.flips[:flips]
    ]
    if len(finding.flips) > flips > 0:
        lines.append(f"  ... and {len(finding.flips) - flips} more")
    return lines


def _pairs(a: Scores, b: Scores) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Pairs of (benchmark, form): the same on both sides, or else the one form that each has of a benchmark."""
    pairs = [(key, key) for key in sorted(a.keys() & b.keys())]
    for name in sorted({name for name, _ in a} & {name for name, _ in b}):
        own, other = ([key for key in side if key[0] == name] for side in (a, b))
        if len(own) == len(other) == 1 and own != other:
            pairs.append((own[0], other[0]))
    return pairs


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
