"""Topics by their names, and what a classifier tells where sources say nothing: planted problems whose words decide their field."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipelines.mixtures.mixing import MixtureSettings, write_sft_mixture
from pipelines.mixtures.parts import PartSettings
from pipelines.mixtures.problem_fields import ProblemFieldsSettings, line_of, part_of, write_problem_fields
from pipelines.mixtures.source import SourceSettings, write_source
from pipelines.mixtures.topics import TOPICS, field_of_topic, topic_named, topic_names
from pipelines.storage import Artifact, Store

WORDS = {
    "geometry": ["triangle", "angle", "circle", "radius", "side", "square", "perimeter"],
    "probability": ["dice", "coin", "cards", "chance", "marbles", "urn", "draw"],
}
CHINESE = {"algebra": "解方程未知数移项", "geometry": "三角形圆半径边长"}


def planted(field: str, number: int) -> str:
    """No two have the same words in the same order, and no word is of both fields."""
    words, place = WORDS[field], number
    chosen = [words[place // 7**step % 7] for step in range(5)]
    return " ".join((*chosen, str(number)))


def labelled(count: int, *, field: str | None = None) -> list[dict[str, Any]]:
    made = []
    for number in range(count):
        for true in WORDS:
            made.append({"id": f"{true}/{number}", "question": planted(true, number), "field": field or true})
    return made


@pytest.fixture
def source(examples: Any) -> Any:
    """Makes an artifact whose problems say the fields and topics that their rows have."""

    def make(name: str, rows: list[dict[str, Any]]) -> Artifact:
        said = [
            {
                "problem_id": row["id"],
                "problem": row["question"],
                "language": row.get("language", "en"),
                "field": row.get("field"),
                "topic": row.get("topic"),
                "field_from": "source" if row.get("field") else None,
            }
            for row in rows
        ]
        asked = [
            {"id": row["id"], "question": row["question"], "reference": "1", "language": row.get("language", "en")}
            for row in rows
        ]
        made: Artifact = examples(name, said, asked)
        return made

    return make


def told(
    folder: Path, sources: dict[str, Artifact], **settings: Any
) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    folder.mkdir()
    facts = write_problem_fields(folder, ProblemFieldsSettings(**settings), sources=sources)
    rows = pq.read_table(folder / "fields-00000.parquet").to_pylist()
    return facts, {(row["source"], row["problem_id"]): row for row in rows}


def test_there_are_as_many_topics_as_the_paper_counts() -> None:
    assert len(TOPICS) == len(topic_names()) == 76  # §3.1: "76 sub-topics"
    assert "linear_equations" in topic_names()  # the one that it names


@pytest.mark.parametrize(
    ("said", "topic"),
    [
        ("方程->一元一次方程->解方程", "linear_equations"),
        ("应用题模块->鸡兔同笼问题->假设法解鸡兔同笼", "chickens_and_rabbits"),
        ("数论模块->因数与倍数->公倍数与最小公倍数->两数的最小公倍数", "factors_and_multiples"),
        ("函数->基本初等函数->对数的概念及其运算", "exponentials_and_logarithms"),
        ("式->分式->分式方程", "fractional_equations"),
        ("数列与数学归纳法", "sequences"),
        ("Mathematics -> Calculus -> Limits", "limits_and_integrals"),
        ("quadratic_equations", "quadratic_equations"),
        ("Linear equations", "linear_equations"),
        ("Counting & Probability", None),  # a shelf of several topics
        ("统计与概率", None),
        ("Geometry", None),
        ("Prealgebra", None),
        ("", None),
        (None, None),
    ],
)
def test_the_words_of_sources_name_topics(said: str | None, topic: str | None) -> None:
    assert topic_named(said) == topic


def test_every_topic_is_called_by_its_own_name_in_a_field_of_the_mixture() -> None:
    assert all(topic_named(topic.name) == topic.name for topic in TOPICS)
    assert {topic.field for topic in TOPICS} == {
        "algebra",
        "probability",
        "number_theory",
        "calculus",
        "geometry",
        "other",
    }
    assert field_of_topic("derivatives") == "calculus"


def test_what_no_source_says_the_classifier_tells_and_says_so(tmp_path: Path, source: Any) -> None:
    silent = [
        {"id": "s/0", "question": "circle radius angle triangle 9001"},
        {"id": "s/1", "question": "coin urn dice chance 9002"},
        {"id": "s/2", "question": "zebra umbrella xylophone"},  # words that nobody taught
    ]
    _, rows = told(tmp_path / "out", {"teaches": source("teaches", labelled(120)), "silent": source("silent", silent)})
    assert (rows["silent", "s/0"]["field"], rows["silent", "s/0"]["field_from"]) == ("geometry", "classifier")
    assert (rows["silent", "s/1"]["field"], rows["silent", "s/1"]["field_from"]) == ("probability", "classifier")
    assert ("silent", "s/2") not in rows
    assert rows["teaches", "geometry/3"]["field_from"] == "source"


def test_what_a_source_says_stays_whatever_the_words_are(tmp_path: Path, source: Any) -> None:
    stubborn = [{"id": "s/0", "question": "circle radius angle triangle", "field": "probability"}]
    silent = [{"id": "t/0", "question": "coin urn dice chance"}]
    sources = {"a": source("a", labelled(120)), "b": source("b", stubborn), "c": source("c", silent)}
    _, rows = told(tmp_path / "out", sources)
    assert (rows["b", "s/0"]["field"], rows["b", "s/0"]["field_from"]) == ("probability", "source")


def test_problems_of_two_files_that_share_an_id_stay_apart(tmp_path: Path, source: Any) -> None:
    first = [{"id": "jsonl/train/0", "question": "circle radius angle triangle"}]
    second = [{"id": "jsonl/train/0", "question": "coin urn dice chance"}]
    sources = {"t": source("t", labelled(120)), "a": source("a", first), "b": source("b", second)}
    _, rows = told(tmp_path / "out", sources)
    assert rows["a", "jsonl/train/0"]["field"] == "geometry"
    assert rows["b", "jsonl/train/0"]["field"] == "probability"


def test_accuracy_is_measured_on_every_problem_once(tmp_path: Path, source: Any) -> None:
    silent = [{"id": "s/0", "question": "circle radius angle triangle"}]
    facts, _ = told(tmp_path / "out", {"a": source("a", labelled(120)), "b": source("b", silent)}, confidence=0.6)
    (model,) = facts["held_out"]
    assert (model["what"], model["language"], model["problems"]) == ("field", "en", 240)
    assert model["right"] == model["told"] == model["right_if_all_are_told"] == 240  # no word is of both
    # Wilson's lower bound of n of n is n / (n + z^2), and z^2 = 3.8415
    assert model["low"] == pytest.approx(240 / 243.8415, abs=1e-4) and model["high"] == 1.0
    assert [(one["name"], one["problems"], one["right"]) for one in model["by_class"]] == [
        ("geometry", 120, 120),
        ("probability", 120, 120),
    ]


def test_labels_without_meaning_are_not_told_to_be_right(tmp_path: Path, source: Any) -> None:
    """The same words for both: held out, a coin would do as well, so no more than chance may be reported."""
    rows = [
        {"id": f"x/{n}", "question": planted("geometry", n), "field": ("geometry", "probability")[n * 7919 % 101 % 2]}
        for n in range(400)
    ]
    silent = [{"id": "s/0", "question": "circle radius angle triangle"}]
    facts, found = told(tmp_path / "out", {"a": source("a", rows), "b": source("b", silent)}, confidence=0.0)
    assert ("b", "s/0") not in found  # a model that is right half of the time tells nothing
    assert 0.3 < facts["held_out"][0]["right_if_all_are_told"] / 400 < 0.7


def test_problems_that_differ_in_numbers_alone_are_held_out_together() -> None:
    one, other = line_of("Solve $3x + 4 = 19$."), line_of("Solve $12x + 5.5 = 29$.")
    assert one == other == "solve $ 0 x + 0 = 0 $ ."
    assert part_of(one) == part_of(other)


def test_chinese_is_read_by_character_and_commands_whole() -> None:
    assert line_of("求 $\\frac{3}{4}$ 的值") == "求 $ \\frac { 0 } { 0 } $ 的 值"


def test_a_language_learns_from_its_own_problems_alone(tmp_path: Path, source: Any) -> None:
    silent = [{"id": "s/0", "question": "三角形的边长", "language": "zh"}]
    facts, rows = told(tmp_path / "out", {"a": source("a", labelled(120)), "b": source("b", silent)})
    assert ("b", "s/0") not in rows
    assert facts["held_out"] == []  # no English problem is silent, and no Chinese one teaches


def test_a_class_of_few_problems_is_not_learnt_and_counts_as_missed(tmp_path: Path, source: Any) -> None:
    rare = [{"id": f"r/{n}", "question": f"limit derivative {n}", "field": "calculus"} for n in range(4)]
    silent = [{"id": "s/0", "question": "circle radius angle triangle"}]
    facts, _ = told(tmp_path / "out", {"a": source("a", labelled(60) + rare), "b": source("b", silent)})
    by_class = {one["name"]: one for one in facts["held_out"][0]["by_class"]}
    assert facts["held_out"][0]["classes"] == 2
    assert (by_class["calculus"]["problems"], by_class["calculus"]["found"]) == (4, 0)


def test_a_topic_of_another_field_than_the_problems_is_not_told(tmp_path: Path, source: Any) -> None:
    teaches = [
        {
            "id": f"{true}/{n}",
            "question": planted(true, n),
            "field": true,
            "topic": {"geometry": "triangles", "probability": "enumeration"}[true],
        }
        for n in range(120)
        for true in WORDS
    ]
    silent = [
        {"id": "s/0", "question": "circle radius angle triangle", "field": "geometry"},
        {"id": "s/1", "question": "circle radius angle triangle", "field": "algebra"},
    ]
    _, rows = told(tmp_path / "out", {"a": source("a", teaches), "b": source("b", silent)})
    assert (rows["b", "s/0"]["topic"], rows["b", "s/0"]["topic_from"]) == ("triangles", "classifier")
    assert rows["b", "s/1"]["topic"] is None


def test_the_same_sources_give_the_same_bytes(tmp_path: Path, source: Any) -> None:
    silent = [{"id": "s/0", "question": "circle radius angle triangle"}]
    sources = {"a": source("a", labelled(60)), "b": source("b", silent)}
    for name in ("one", "two"):
        told(tmp_path / name, sources)
    one, two = ((tmp_path / name / "fields-00000.parquet").read_bytes() for name in ("one", "two"))
    assert one == two
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["fields-00000.parquet"]


def test_a_mixture_takes_parts_by_what_the_classifier_tells(tmp_path: Path, source: Any) -> None:
    silent = [{"id": f"s/{n}", "question": planted("geometry", 5000 + n)} for n in range(20)]
    sources = {"a": source("a", labelled(120)), "b": source("b", silent)}
    fields = Store(tmp_path / "store").build(
        {"name": "problem_fields"},
        lambda folder: write_problem_fields(folder, ProblemFieldsSettings(), sources=sources),
    )
    parts = (
        PartSettings(name="shapes", fields=("geometry",), epochs=1),
        PartSettings(name="rest", fields=("unknown",), epochs=1),
    )
    settings = MixtureSettings(parts=parts, ngram=None, matches=())
    without, with_fields = tmp_path / "without", tmp_path / "with"
    for folder, given in ((without, None), (with_fields, fields)):
        folder.mkdir()
        write_sft_mixture(folder, settings, sources=sources, problems={}, problem_fields=given)
    before, after = (
        Counter(
            (row["source"], row["field"], row["field_from"])
            for row in pq.read_table(folder / "examples-00000.parquet").to_pylist()
        )
        for folder in (without, with_fields)
    )
    assert before["b", None, None] == 20
    assert before["a", "geometry", "source"] == after["a", "geometry", "source"] == 120
    assert after["b", "geometry", "classifier"] == 20 and after["b", None, None] == 0


def test_a_field_or_topic_that_does_not_exist_is_an_error_that_names_near_ones() -> None:
    with pytest.raises(ValidationError, match=r"found 'linear_equation'\. There are linear_equations"):
        PartSettings(name="p", topics=("linear_equation",))
    with pytest.raises(ValidationError, match="number_theory"):
        PartSettings(name="p", fields=("number theory",))  # type: ignore[arg-type]
    assert PartSettings(name="p", topics=("unknown", "averages")).topics == ("unknown", "averages")


@pytest.mark.real_data
def test_the_classifier_is_right_nine_times_of_ten_on_problems_of_math_and_tal(tmp_path: Path) -> None:
    place = os.environ.get("MATHSIEVE_REAL_DATA")
    if not place:
        pytest.skip("MATHSIEVE_REAL_DATA is not set: real data is not checked here")
    paths = {
        "tal": ("tal_scq5k_zh", "sft/tal_scq5k_zh"),
        "math": ("jsonl", "benchmarks/math500/test.jsonl"),
        "gsm8k": ("gsm8k", "benchmarks/gsm8k"),
    }
    store, sources = Store(tmp_path / "store"), {}
    for name, (kind, path) in paths.items():
        settings = SourceSettings(source=kind, path=str(Path(place) / path), rows=3000)
        sources[name] = store.build({"name": name}, lambda folder, settings=settings: write_source(folder, settings))
    facts, _ = told(tmp_path / "out", sources)
    fields = {model["language"]: model for model in facts["held_out"] if model["what"] == "field"}
    assert fields["en"]["problems"] == 500
    for language, least in (("zh", 300), ("en", 200)):
        assert fields[language]["told"] > least
        assert fields[language]["low"] > 0.85
