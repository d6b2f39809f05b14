"""Packing: what shares a row, what loss is taken on, what the positions are."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.models.prompting import deepseek_prompt
from pipelines.mixtures.packing import (
    PackingError,
    PackingSettings,
    efficiency,
    plan_rows,
    trained_tokens,
    untrained_spans,
    write_packed_mixture,
)

TIR = " We compute.\n```python\nprint(6*7)\n```\n```output\n42\n```\nThe answer is $\\boxed{42}$."


@pytest.fixture(scope="module")
def tokenizer_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level tokenizer made here: one token a byte, plus an end marker."""
    return make_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def make_tokenizer(folder: Path, *, end: str | None = "<end>", beginning: bool = False) -> Path:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={symbol: number for number, symbol in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = {"eos_token": end} if end else {}
    tokenizer.add_special_tokens(list(special.values()) + (["<start>"] if beginning else []))
    if beginning:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<start> $A", special_tokens=[("<start>", tokenizer.token_to_id("<start>"))]
        )
        special["bos_token"] = "<start>"
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder


def pack(
    folder: Path, mixture: Any, tokenizer_dir: Path, **settings: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    folder.mkdir(exist_ok=True)
    facts = write_packed_mixture(folder, PackingSettings(**settings), mixture=mixture, tokenizer_dir=tokenizer_dir)
    return facts, [row for path in sorted(folder.glob("packed-*")) for row in pq.read_table(path).to_pylist()]


def split(row: dict[str, Any]) -> list[tuple[list[int], list[int]]]:
    """The examples of a row, by where positions restart: (ids, labels)."""
    starts = [index for index, position in enumerate(row["position_ids"]) if position == 0] + [len(row["input_ids"])]
    return [(row["input_ids"][a:b], row["labels"][a:b]) for a, b in pairwise(starts)]


def texts(ids: list[int], labels: list[int], tokenizer_dir: Path) -> tuple[str, str]:
    """All text, and the text that loss is taken on."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_dir)
    return tokenizer.decode(ids), tokenizer.decode([label for label in labels if label != -100])


def test_loss_is_taken_on_what_the_model_writes(tmp_path: Path, examples: Any, tokenizer_dir: Path) -> None:
    mixture = examples("a", [{"question": "6 times 7?", "response": TIR}])
    _, rows = pack(tmp_path / "out", mixture, tokenizer_dir)
    ((ids, labels),) = split(rows[0])
    whole, trained = texts(ids, labels, tokenizer_dir)
    asked = deepseek_prompt("6 times 7?", form="cot", language="en")
    assert whole == asked + TIR + "<end>"
    # It must learn to ask for the output, not to invent it.
    assert trained == " We compute.\n```python\nprint(6*7)\n```\n```outputThe answer is $\\boxed{42}$.<end>"
    assert all(label in (-100, token) for token, label in zip(ids, labels, strict=True))


def test_spans_without_loss_are_the_prompt_and_each_output() -> None:
    response = "a\n```output\n1\n```\nb\n```output\n\n```\nc"
    spans = untrained_spans("PP", response)
    assert spans[0] == (0, 2)
    assert [("PP" + response)[a:b] for a, b in spans[1:]] == ["\n1\n```\n", "\n\n```\n"]


def test_chinese_characters_of_several_tokens_are_trained_whole(
    tmp_path: Path, examples: Any, tokenizer_dir: Path
) -> None:
    mixture = examples("a", [{"question": "一加一？", "response": " 答案是 $\\boxed{2}$。"}])
    _, rows = pack(tmp_path / "out", mixture, tokenizer_dir)
    assert texts(*split(rows[0])[0], tokenizer_dir)[1] == " 答案是 $\\boxed{2}$。<end>"


def test_positions_restart_and_every_example_is_there_once(tmp_path: Path, examples: Any, tokenizer_dir: Path) -> None:
    mixture = examples("a", [{"response": f" It is {'long ' * (n % 9)}{n}."} for n in range(60)])
    facts, rows = pack(tmp_path / "out", mixture, tokenizer_dir, context=256)
    found = [texts(*example, tokenizer_dir)[1] for row in rows for example in split(row)]
    assert sorted(found) == sorted(f" It is {'long ' * (n % 9)}{n}.<end>" for n in range(60))
    assert facts["examples"] == 60
    assert all(len(row["input_ids"]) <= 256 for row in rows)
    assert facts["tokens"] == sum(len(row["input_ids"]) for row in rows)
    assert facts["efficiency"] == pytest.approx(facts["tokens"] / (facts["rows"] * 256), abs=1e-5)
    for row in rows:
        for ids, _ in split(row):
            assert row["position_ids"][: len(split(row)[0][0])] == list(range(len(split(row)[0][0])))
            assert ids[-1] == rows[0]["input_ids"][-1]  # each ends with the end marker


def test_lengths_of_the_examples_stand_beside_each_row(tmp_path: Path, examples: Any, tokenizer_dir: Path) -> None:
    mixture = examples("a", [{"response": f" It is {'long ' * (n % 9)}{n}."} for n in range(60)])
    _, rows = pack(tmp_path / "out", mixture, tokenizer_dir, context=256)
    assert [row["seq_lengths"] for row in rows] == [[len(ids) for ids, _ in split(row)] for row in rows]
    assert any(len(row["seq_lengths"]) > 1 for row in rows)


def test_plain_concatenation_differs_in_its_positions_alone(tmp_path: Path, examples: Any, tokenizer_dir: Path) -> None:
    mixture = examples("a", [{"response": f" It is {'long ' * (n % 9)}{n}."} for n in range(60)])
    facts, apart = pack(tmp_path / "apart", mixture, tokenizer_dir, context=256, strategy="random")
    across_facts, across = pack(
        tmp_path / "across", mixture, tokenizer_dir, context=256, strategy="random", attention="across"
    )
    assert (facts["attention"], across_facts["attention"]) == ("within", "across")
    for row, joined in zip(apart, across, strict=True):
        assert joined["position_ids"] == list(range(len(joined["input_ids"])))
        assert {**joined, "position_ids": None} == {**row, "position_ids": None}
        assert row["position_ids"].count(0) == len(row["seq_lengths"])


def test_a_token_takes_loss_by_where_it_starts() -> None:
    assert trained_tokens([0, 1, 2, 4, 5, 7, 8, 9], [(0, 2), (4, 5), (5, 8)]) == [
        False, False, True, False, False, False, True, True,
    ]  # fmt: skip
    assert trained_tokens([0, 3], [(0, 0)]) == [True, True]


def test_a_tokenizer_that_begins_sequences_begins_every_example(tmp_path: Path, examples: Any) -> None:
    tokenizer_dir = make_tokenizer(tmp_path / "with_beginning", beginning=True)
    _, rows = pack(tmp_path / "out", examples("a", [{}, {}]), tokenizer_dir)
    pieces = [texts(*example, tokenizer_dir) for row in rows for example in split(row)]
    assert len(pieces) == 2
    assert all(whole.startswith("<start>User:") for whole, _ in pieces)
    assert not any("<start>" in trained for _, trained in pieces)


@pytest.mark.parametrize("strategy", ["best_fit", "random"])
def test_long_examples_are_dropped_or_cut_as_asked(
    strategy: str, tmp_path: Path, examples: Any, tokenizer_dir: Path
) -> None:
    mixture = examples("a", [{"response": " word" * 300}, {}])
    facts, _ = pack(tmp_path / "dropped", mixture, tokenizer_dir, context=220, strategy=strategy)
    assert (facts["examples"], facts["too_long"]) == (1, 1)
    facts, rows = pack(tmp_path / "cut", mixture, tokenizer_dir, context=220, strategy=strategy, too_long="truncate")
    assert (facts["examples"], facts["longest_example"]) == (2, 220)
    assert max(len(row["input_ids"]) for row in rows) == 220


def test_nothing_that_fits_is_an_error(tmp_path: Path, examples: Any, tokenizer_dir: Path) -> None:
    with pytest.raises(PackingError, match="expected examples of at most 8 tokens; all 2 are longer"):
        pack(tmp_path / "out", examples("a", [{}, {}]), tokenizer_dir, context=8)


def test_a_tokenizer_without_an_end_is_refused(tmp_path: Path, examples: Any) -> None:
    endless = make_tokenizer(tmp_path / "endless", end=None)
    with pytest.raises(PackingError, match="expected the tokenizer to name an end-of-sequence token"):
        pack(tmp_path / "out", examples("a", [{}]), endless)
    with pytest.raises(PackingError, match="expected a model folder with a tokenizer; found none that loads"):
        (tmp_path / "empty").mkdir()
        pack(tmp_path / "out", examples("a", [{}]), tmp_path / "empty")


def test_the_same_settings_give_the_same_bytes_and_no_stray_files(
    tmp_path: Path, examples: Any, tokenizer_dir: Path
) -> None:
    mixture = examples("a", [{}] * 50)
    facts, _ = pack(tmp_path / "one", mixture, tokenizer_dir, context=300)
    assert pack(tmp_path / "two", mixture, tokenizer_dir, context=300)[0] == facts
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["packed-00000.parquet"]
    assert (tmp_path / "one" / files[0]).read_bytes() == (tmp_path / "two" / files[0]).read_bytes()


lengths = st.lists(st.integers(min_value=1, max_value=64), min_size=1, max_size=200)


@given(lengths=lengths, strategy=st.sampled_from(["best_fit", "random"]), seed=st.integers(0, 3))
def test_every_plan_holds_every_example_once_and_no_row_overflows(lengths: list[int], strategy: Any, seed: int) -> None:
    rows = plan_rows(lengths, PackingSettings(context=64, strategy=strategy, seed=seed))
    assert sorted(example for row in rows for example in row) == list(range(len(lengths)))
    assert all(0 < sum(lengths[example] for example in row) <= 64 for row in rows)


@given(lengths=lengths)
def test_best_fit_never_needs_more_than_first_fit_guarantees(lengths: list[int]) -> None:
    rows = len(plan_rows(lengths, PackingSettings(context=64)))
    least = -(-sum(lengths) // 64)
    assert rows <= 1.7 * least + 1  # best fit's bound for any order (Johnson 1974); decreasing order is better still
    assert 0 < efficiency(lengths, rows, 64) <= 1


def test_best_fit_fills_what_random_order_leaves_empty() -> None:
    halves = [40, 24] * 100
    assert len(plan_rows(halves, PackingSettings(context=64))) == 100
    assert len(plan_rows(halves, PackingSettings(context=64, strategy="random"))) > 110
