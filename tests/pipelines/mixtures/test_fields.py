"""Fields by what sources say: the subjects of MATH, names of Lila's tasks, topics of Chinese schools."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pipelines.mixtures.fields import field_of
from pipelines.mixtures.source import SourceSettings, write_source


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        ("Algebra", "algebra"),
        ("Intermediate Algebra", "algebra"),
        ("Prealgebra", "algebra"),
        ("Precalculus", "algebra"),
        ("Counting & Probability", "probability"),
        ("Number Theory", "number_theory"),
        ("Geometry", "geometry"),
        ("amps_calculus", "calculus"),
        ("number_theory", "number_theory"),
        ("Combinatorics", "probability"),
        ("Differential Equations", "calculus"),
        ("arithmetic", "other"),
    ],
)
def test_the_subjects_of_public_sources_have_a_field(subject: str, field: str) -> None:
    assert field_of(subject, None) == field


@pytest.mark.parametrize(
    ("topic", "field"),
    [
        ("一元一次方程", "algebra"),
        ("等差数列", "algebra"),
        ("排列组合与概率", "probability"),
        ("加乘原理与计数模块", "probability"),
        ("约数与倍数", "number_theory"),
        ("导数模块", "calculus"),
        ("三角形", "geometry"),
        ("圆锥曲线", "geometry"),
        ("应用题模块", "other"),
    ],
)
def test_the_topics_of_chinese_schools_have_a_field(topic: str, field: str) -> None:
    assert field_of(None, topic) == field


def test_the_topic_says_more_than_the_subject_and_silence_stays_unknown() -> None:
    assert field_of("algebra", "Triangles") == "geometry"
    assert field_of("algebra", "Chapter 3") == "algebra"
    assert field_of(None, None) is None
    assert field_of("gsm8k", "") is None


def test_examples_carry_the_field_that_their_source_states(tmp_path: Path) -> None:
    settings = SourceSettings(source="templated", rows=60, forms=("cot",))
    write_source(tmp_path, settings)
    import pyarrow.parquet as pq

    rows = [row for path in tmp_path.glob("examples-*") for row in pq.read_table(path).to_pylist()]
    assert Counter(row["field"] for row in rows) == Counter(row["subject"] for row in rows)
    assert {row["field"] for row in rows} == {"algebra", "probability", "number_theory", "calculus", "geometry"}
