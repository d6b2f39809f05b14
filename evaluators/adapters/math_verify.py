"""`parse`, `verify` and `math_metric` with Math-Verify's signatures, for code that wraps Math-Verify.

    from evaluators.adapters.math_verify import math_metric, parse, verify
    verify(parse("$\\\\frac12$"), parse("So it is 0.5"))          # True

No signal is used, so it works in threads, and needs no process pool around it: a comparison ends itself in two seconds.
The arguments that tune Math-Verify's parser are taken and not needed. Verdicts are those of the profile `strict`, which
differ from Math-Verify's where that one is wrong; `bench/answers.py` shows both side by side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from evaluators.answers import check, extract

MAX_BARE = 200  # characters; ours: longer texts are outputs, in which an answer is sought
_ANNOUNCED = ("boxed", "answer_tag", "hashes", "cue")
_TWO_WORDS = re.compile(r"[^\W\d_]{2,}[^\\\w]*\s[^\\\w]*[^\W\d_]{2,}")
_DOLLARS = re.compile(r"^\$+(.+?)\$+$", re.DOTALL)
Metric = Callable[[list[str], list[str]], tuple[float, tuple[list[str], list[str]] | None]]


def parse(
    pred: str,
    extraction_config: Sequence[Any] = (),
    fallback_mode: str = "first_match",
    extraction_mode: str = "any_match",
    parsing_timeout: int | None = None,
    raise_on_error: bool = False,
) -> list[str]:
    """The answer of a text, as a list of one string for `verify`; an empty list where it gives none."""
    text = pred.strip()
    found = extract(text)
    if found is not None and found.method in _ANNOUNCED:
        return [found.answer]
    if text and len(text) <= MAX_BARE and not _TWO_WORDS.search(text):
        bare = _DOLLARS.match(text)
        return [bare[1].strip() if bare and "$" not in bare[1] else text]
    return [found.answer] if found is not None else []


def verify(
    gold: Any,
    target: Any,
    float_rounding: int = 6,
    numeric_precision: int = 15,
    strict: bool = True,
    allow_set_relation_comp: bool = False,
    timeout_seconds: int | None = None,
    raise_on_error: bool = False,
) -> bool:
    """Whether any of `target` is the answer that any of `gold` gives; each a string, a SymPy object, or a list of them."""
    return any(check(str(right), str(said)).correct for right in _several(gold) for said in _several(target))


def math_metric(
    gold_extraction_target: Sequence[Any] = (),
    pred_extraction_target: Sequence[Any] = (),
    aggregation_function: Callable[[list[float]], float] = max,
    precision: int = 6,
) -> Metric:
    """A function of (golds, predictions): their aggregated score, and what was read of them."""

    def measure(golds: list[str], predictions: list[str]) -> tuple[float, tuple[list[str], list[str]] | None]:
        rights, said = [parse(gold) for gold in golds], [parse(prediction) for prediction in predictions]
        if not all(rights):
            raise ValueError(f"gold: expected an answer in each; found none in {golds[rights.index([])][:200]!r}")
        scores = [float(any(verify(right, one) for right in rights)) for one in said]
        return aggregation_function(scores), (_flat(rights), _flat(said))

    return measure


def _several(parsed: Any) -> Iterable[Any]:
    return parsed if isinstance(parsed, list | tuple) else [parsed]


def _flat(parsed: list[list[str]]) -> list[str]:
    return [answer for answers in parsed for answer in answers]
