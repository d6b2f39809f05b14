"""The checker on answers of real models and references of real benchmarks, read from MATHSIEVE_REAL_DATA."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluators.answers import check, check_output
from evaluators.answers.reading.readings import readings

pytestmark = pytest.mark.real_data
DISPUTES = {
    (d["reference"], d["prediction"])
    for d in json.loads(Path(__file__).with_name("disputes.json").read_text(encoding="utf-8"))
}
"""Labels that are wrong, each with why."""


@pytest.fixture(scope="module")
def data() -> Path:
    folder = os.environ.get("MATHSIEVE_REAL_DATA")
    if not folder:
        pytest.skip("MATHSIEVE_REAL_DATA is not set: it names the folder of benchmarks and model outputs")
    return Path(folder)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def test_false_verdicts_on_real_pairs_are_rarer_than_promised(data: Path) -> None:
    right = wrong = rejected = accepted = 0
    for row in rows(data / "answers/real_pairs.jsonl"):
        if (row["reference"], row["prediction"]) in DISPUTES:
            continue
        correct = check(row["reference"], row["prediction"], problem=row["problem"] or None).correct
        right += row["count"] * row["correct"]
        wrong += row["count"] * (not row["correct"])
        rejected += row["count"] * (row["correct"] and not correct)
        accepted += row["count"] * (correct and not row["correct"])
    assert (right, wrong) == (28254, 12320)
    assert rejected / right <= 0.001
    assert accepted / wrong <= 0.0001


@pytest.mark.parametrize(("model", "published"), [("tora-70b", 84.31), ("tora-code-34b", 80.67)])
def test_the_deepseek_profile_gives_the_published_scores(data: Path, model: str, published: float) -> None:
    traces = list(rows(data / f"model_outputs/tora_gsm8k/{model}_gsm8k.jsonl"))
    correct = sum(
        check_output(t["gt"], t["code"][0], profile="deepseek", problem=t["question"]).correct for t in traces
    )
    assert round(100 * correct / len(traces), 2) == published


REFERENCES: dict[str, Callable[[Path], list[str]]] = {
    "gsm8k": lambda b: [
        r["answer"].split("####")[1].strip() for s in ("train", "test") for r in rows(b / f"gsm8k/{s}.jsonl")
    ],
    "math500": lambda b: [r["answer"] for r in rows(b / "math500/test.jsonl")],
    "cmath": lambda b: [r["golden"] for s in ("dev", "test") for r in rows(b / f"cmath/{s}.jsonl")],
    "aime24": lambda b: [r["answer"] for r in rows(b / "aime24/test.jsonl")],
    "amc23": lambda b: [str(r["answer"]) for r in rows(b / "amc23/test.jsonl")],
}
REWRITES: dict[str, Callable[[str], str]] = {
    "itself": lambda t: t,
    "dollars": lambda t: f"${t}$",
    "a box": lambda t: rf"\boxed{{{t}}}",
    "dfrac": lambda t: t.replace(r"\frac", r"\dfrac"),
    "left and right": lambda t: t.replace(r"\left", "").replace(r"\right", ""),
    "a sentence": lambda t: f"The answer is ${t}$.",
    "spaces": lambda t: f"  {t}  ",
}


@pytest.mark.parametrize("benchmark", REFERENCES)
def test_every_reference_is_read_and_is_its_own_answer_in_any_dress(data: Path, benchmark: str) -> None:
    for reference in sorted(set(REFERENCES[benchmark](data / "benchmarks"))):
        assert readings(reference, True, True), reference
        for name, rewrite in REWRITES.items():
            for profile in ("strict", "reward"):
                assert check(reference, rewrite(reference), profile=profile).correct, (name, reference, profile)


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_CLOSING_CHOICE = re.compile(
    r"[\s。．.,，；;]*(?:故|所以|因此|应)?(?:本题)?(?:答案)?应?(?:选择|选|为|是)?[:：]?\s*(?:\\text\s*\{?\s*)?[A-E](?:\s*\})?\s*[。．.]?\s*$"
)


def test_chinese_solutions_are_read_to_their_results(data: Path) -> None:
    """Of 1,646 worked solutions with a number for an answer, dollars and the closing choice taken off; 1,272 once."""
    found = total = 0
    for row in rows(data / "sft/tal_scq5k_zh/ch_single_choice_train_3K.jsonl"):
        options = {option[0]["aoVal"]: option[0]["content"] for option in row["answer_option_list"]}
        reference = options.get(row["answer_value"], "").replace("$", "").strip()
        if not _NUMBER.fullmatch(reference):
            continue
        solution = _CLOSING_CHOICE.sub("", "\n".join(row["answer_analysis"]).replace("$", "").strip())
        total += 1
        found += check_output(reference, solution).correct
    assert total == 1646
    assert found >= 1376
