"""Parts by source, form, language and field; amounts by count, epochs, weight and temperature; repeats."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipelines.mixtures.mixing import MixtureError, MixtureSettings, write_sft_mixture
from pipelines.mixtures.parts import Dials, PartSettings, amounts
from pipelines.storage import Artifact


def part(name: str, **more: Any) -> PartSettings:
    return PartSettings(name=name, **more)


def mix(folder: Path, sources: dict[str, Artifact], **settings: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    folder.mkdir(exist_ok=True)
    facts = write_sft_mixture(folder, MixtureSettings(**settings), sources=sources, problems={})
    return facts, [row for path in sorted(folder.glob("examples-*")) for row in pq.read_table(path).to_pylist()]


def test_counts_and_epochs_come_first_and_weights_share_the_rest() -> None:
    parts = [part("a", count=10), part("b", epochs=1.5), part("c", weight=0.75), part("d", weight=0.25)]
    found = amounts(parts, dict.fromkeys("abcd", 100), Dials(rows=240, temperature=1, repeats=2))
    assert found == {"a": 10, "b": 150, "c": 60, "d": 20}  # 80 are left


def test_temperature_brings_sizes_nearer() -> None:
    parts, sizes = [part("large"), part("small")], {"large": 900, "small": 100}
    by_size = amounts(parts, sizes, Dials(rows=400, temperature=1, repeats=1))
    assert by_size == {"large": 360, "small": 40}
    by_root = amounts(parts, sizes, Dials(rows=400, temperature=2, repeats=1))
    assert by_root == {"large": 300, "small": 100}  # roots 30 and 10


def test_without_a_total_the_scarcest_part_decides_as_often_as_it_may_repeat() -> None:
    parts = [part("a", weight=0.5), part("b", weight=0.5)]
    assert amounts(parts, {"a": 10, "b": 100}, Dials(rows=None, temperature=1, repeats=1)) == {"a": 10, "b": 10}
    assert amounts(parts, {"a": 10, "b": 100}, Dials(rows=None, temperature=1, repeats=3)) == {"a": 30, "b": 30}


def test_more_than_the_limit_of_repeats_is_an_error_with_its_numbers() -> None:
    message = r"expected 41 examples of a; .* it has 20, each at most 2 times\. Lower .* or raise mixing\.repeats"
    with pytest.raises(MixtureError, match=message):
        amounts([part("a", count=41)], {"a": 20}, Dials(rows=None, temperature=1, repeats=2))
    with pytest.raises(MixtureError, match=r"at most mixing\.rows = 5 examples; counts and epochs alone ask for 9"):
        amounts([part("a", count=9), part("b", weight=1)], {"a": 20, "b": 1}, Dials(rows=5, temperature=1, repeats=1))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([{"name": "a", "count": 1, "epochs": 1}], "expected one of count, epochs and weight; found count and epochs"),
        ([{"name": "a", "weight": 0.4}, {"name": "b", "weight": 0.4}], r"weights must sum to 1\.0; found 0\.8\. Add"),
        ([{"name": "a", "weight": 1.0}, {"name": "b"}], "found weights, and none of count, epochs and weight for b"),
        ([{"name": "a", "weight": 1.0}, {"name": "a", "count": 1}], "expected names that differ; found a again"),
    ],
)
def test_amounts_that_cannot_go_together_are_refused(parts: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MixtureSettings(parts=parts)


def test_weights_and_parts_together_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"expected either weights, .* or parts; found both"):
        MixtureSettings(weights={"a": 1.0}, parts=[{"name": "a", "weight": 1.0}])  # type: ignore[list-item]


def test_parts_are_told_apart_by_form_language_and_field_and_the_first_takes(tmp_path: Path, examples: Any) -> None:
    rows = [
        *[{"form": "tir", "language": "zh", "field": "algebra"}] * 3,
        *[{"form": "cot", "language": "zh", "field": "algebra"}] * 4,
        *[{"form": "cot", "language": "en", "field": "code"}] * 5,
        *[{"form": "cot", "language": "en", "field": None}] * 6,
    ]
    asked = [
        {"name": "tools", "forms": ["tir"], "count": 2},
        {"name": "chinese", "languages": ["zh"], "epochs": 1},
        {"name": "code", "fields": ["code"], "epochs": 0.6},
    ]
    facts, found = mix(tmp_path / "out", {"a": examples("a", rows)}, parts=asked)
    assert Counter((row["form"], row["language"], row["field"]) for row in found) == {
        ("tir", "zh", "algebra"): 2,
        ("cot", "zh", "algebra"): 4,
        ("cot", "en", "code"): 3,
    }
    assert facts["parts"] == {"tools": 2, "chinese": 4, "code": 3}
    assert facts["dropped"]["a"] == {"in_no_part": 6, "over_weight": 3}


def test_an_example_repeats_as_often_as_asked_and_no_copy_follows_the_other(tmp_path: Path, examples: Any) -> None:
    sources = {"a": examples("a", [{}] * 10), "b": examples("b", [{}] * 40)}
    asked = [{"name": "a", "sources": ["a"], "epochs": 2.5}, {"name": "b", "sources": ["b"], "epochs": 1}]
    facts, found = mix(tmp_path / "out", sources, parts=asked, repeats=3)
    assert len(found) == facts["rows"] == 65
    assert len({row["id"] for row in found}) == 65
    copies = Counter(row["id"].partition("#")[0] for row in found if row["source"] == "a")
    assert sorted(copies.values()) == [2] * 5 + [3] * 5
    assert facts["repeated"] == {"a": 2.5}
    assert {row["source"] for row in found[:20]} == {"a", "b"}
    again, same = mix(tmp_path / "again", sources, parts=asked, repeats=3)
    assert (again, same) == (facts, found)


def test_nothing_but_the_shards_is_left_behind(tmp_path: Path, examples: Any) -> None:
    mix(tmp_path / "out", {"a": examples("a", [{}] * 5)}, weights={"a": 1.0})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "contamination.jsonl",
        "examples-00000.parquet",
    ]
