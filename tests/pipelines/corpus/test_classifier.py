import ctypes
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.executors import LocalExecutor
from pipelines.corpus.classifier import ClassifierSettings, write_classifier
from pipelines.corpus.fasttext_training import Shape, train
from pipelines.corpus.linear import LinearClassifier
from pipelines.corpus.normalisation import body, excerpt, line, words
from pipelines.corpus.page_tables import CorpusError, table_batches
from pipelines.corpus.scores import ScoreSettings, write_scores
from pipelines.corpus.seed import SeedPages, SeedSettings, write_seed
from pipelines.corpus.word_sums import word_rows
from pipelines.records import PAGES
from pipelines.word_hash import word_hash
from pipelines.word_table import word_table

SHAPE = Shape(dim=8, learning_rate=0.1, ngrams=3, least_count=1, epochs=5, bucket=5000)
SMALL = ClassifierSettings(dim=8, ngrams=2, bucket=5000, least_count=1)
SEED = SeedSettings(crawl=(SeedPages(prefix="seed.org"),))
MATHS = [f"the integral of $ x ^ {n} $ is a polynomial 数 学 题" for n in range(30)]
OTHERS = [f"the band plays on street {n} tonight 今 天" for n in range(30)]


def test_chinese_latex_numbers_and_operators_are_words():
    assert words("求 \\frac{1}{2} + 12岁") == ["求", "\\frac", "{", "1", "}", "{", "2", "}", "+", "12", "岁"]


def test_lines_surrogates_and_nuls_never_reach_fasttext():
    assert line("a\nb\r\nc\0d \ud800") == "a b c d \ufffd"


def test_a_label_in_a_page_is_no_label():
    assert "__label__" not in line("__label__math __label__math")


def test_menus_are_no_body_but_short_formulas_are():
    menu = "\n".join(["Home", "Products", "About us"] * 20)
    sentence = "A sentence that is long enough to be a line of the body of the page, as one reads it. " * 4
    assert (
        body(f"{menu}\n{sentence}\nx = 1\n求下列方程的解，并写出全部过程与答案吧")
        == f"{sentence}\nx = 1\n求下列方程的解，并写出全部过程与答案吧"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("twelve signs", "twelve signs"),
        ("the dozen signs", "the dozen…"),
        ("a\n b \tc d e f g", "a b c d e f…"),
        ("a sum of \\frac{1}{2}", "a sum of…"),
        ("求下列方程的解，并写出全部过程", "求下列方程的解，并写出…"),
        ("0123456789abcdef", "0123456789a…"),
    ],
)
def test_an_excerpt_ends_with_a_word_and_says_that_it_was_cut(text, shown):
    assert excerpt(text, 12) == shown


def test_a_word_hash_is_fnv_1a_over_signed_bytes():
    assert word_hash("") == 2166136261
    assert word_hash("a") == 0xE40C292C  # the published FNV-1a test vector
    assert word_hash("foobar") == 0xBF9CF968


PIECES = st.one_of(
    st.sampled_from(
        [*"aZ9_\\ \n\0=∑é٣求二ßİK½〇　ﬁＡ\ud800", "\\frac", "word", "a line that is long enough to be one of the body "]
    ),
    st.characters(),
)
TEXTS = st.lists(st.tuples(PIECES, st.sampled_from([1, 1, 1, 3, 45, 300])), max_size=30)


@settings(max_examples=300)
@given(TEXTS, st.sampled_from([8_000, 250, 7]))
def test_words_in_machine_code_are_those_of_the_pattern(pieces, characters):
    text = "".join(piece * times for piece, times in pieces)
    known = ["word", "a", "\\frac", "求", "9", "k", "a" * 40]
    hashes, rows = word_rows(text, characters, word_table(known))
    expected = words(text, characters)
    assert hashes.astype(np.int64).tolist() == [
        (word_hash(word) + (1 << 31)) % (1 << 32) - (1 << 31) for word in expected
    ]
    assert rows.tolist() == [known.index(word) if word in known else -1 for word in expected]


def test_a_line_of_lone_surrogates_is_as_wide_as_their_question_marks():
    text = "\ud800" * 20 + "\n" + "a sentence that is long enough to be no menu, and then some more of it " * 4
    expected = words(text, 8_000)
    assert "\ufffd" not in expected  # left out as a menu: 20 bytes, where UTF-8 would have 60
    assert len(word_rows(text, 8_000, word_table(["a"]))[1]) == len(expected)


def test_a_thousand_words_are_told_apart_in_a_table_of_two_thousand_places():
    known = [
        f"{left}{right}" for left in map(chr, range(ord("a"), ord("a") + 25)) for right in map("q".__mul__, range(40))
    ]
    assert len({word_hash(word) % 2048 for word in known}) < len(known)  # many want the same place
    unknown = [f"z{word}" for word in known]
    assert word_rows(" ".join([*known, *unknown]), 1_000_000, word_table(known))[1].tolist() == [
        *range(1000),
        *[-1] * 1000,
    ]


def test_the_collapsed_model_gives_fasttexts_own_probabilities(tmp_path: Path):
    model = train(MATHS, OTHERS, SHAPE, tmp_path / "t")
    texts = [*MATHS, *OTHERS, "never seen words $ x", "", "数 题 band"]
    margins = LinearClassifier.of_fasttext(model, 8000).margins(texts)
    for text, margin in zip(texts, margins, strict=True):
        labels, shares = model.predict(line(text), k=2)
        probability = dict(zip(labels, shares, strict=True))["__label__math"] - 1e-5  # fastText adds it before its log
        assert probability == pytest.approx(1 / (1 + np.exp(-margin)), abs=2e-6)


def test_training_gives_the_same_model_after_other_work_left_its_memory_behind(tmp_path: Path):
    def weights() -> bytes:
        return LinearClassifier.of_fasttext(train(MATHS, OTHERS, SHAPE, tmp_path / "t"), 8000).weights.tobytes()

    first = weights()
    dirt = [ctypes.create_string_buffer(b"\xff" * 400_000) for _ in range(50)]
    del dirt
    assert weights() == first


def test_one_class_is_refused_with_its_remedy(tmp_path: Path):
    with pytest.raises(CorpusError, match="found 1 and 0"):
        train(["a"], [], SHAPE, tmp_path / "t")


def test_the_classifier_separates_a_site_it_never_saw(stage, crawl):
    seed = stage(write_seed, SEED, **crawl)
    classifier = stage(write_classifier, SMALL, positives=seed, **crawl)
    scores = stage(write_scores, ScoreSettings(), classifier=classifier, pages=crawl["pages"]["A"])
    margins = {}
    for batch in table_batches(scores):
        margins |= dict(zip(batch["url_key"].to_pylist(), batch["margin"].to_pylist(), strict=True))
    assert all(margins[f"lectures.net/calculus/{n}"] > 0 for n in range(40))
    assert all(margins[f"lectures.net/news/{n}"] < 0 for n in range(40))
    report = json.loads(classifier.file("report.json").read_text())
    assert classifier.facts["positives"] == 40
    assert report["held_out_average_precision"] > 0.95
    assert {gram["ngram"] for gram in report["telling"]["math"]} & {"theorem", "$", "^", "the theorem", "polynomial"}


def test_two_trainings_and_any_number_of_workers_give_the_same_bytes(stage, crawl):
    seed = stage(write_seed, SEED, **crawl)
    first, second = (stage(write_classifier, SMALL, positives=seed, **crawl) for _ in range(2))
    assert first.facts["model"] == second.facts["model"]
    one, two = (
        stage(
            write_scores,
            ScoreSettings(),
            classifier=first,
            pages=crawl["pages"]["A"],
            executor=LocalExecutor(workers=n),
        )
        for n in (1, 2)
    )
    assert one.files()[0].read_bytes() == two.files()[0].read_bytes()


def test_after_convergence_nothing_is_trained_and_nothing_scored(stage, crawl, stored):
    from pipelines.records import COLLECTED

    done = stored("done", [], COLLECTED, converged=True)
    classifier = stage(write_classifier, SMALL, positives=done, **crawl)
    assert list(classifier.path.iterdir()) == []
    scores = stage(write_scores, ScoreSettings(), classifier=classifier, pages=crawl["pages"]["A"])
    assert scores.facts == {"rows": 0, "pages": 0, "converged": True}


def test_a_page_that_speaks_of_mathematics_is_no_negative(stage, stored, crawl):
    """Two sites' pages without formulas; where those of one use the words of word problems, 40 negatives are fewer."""
    plain = [row for batch in table_batches(crawl["pages"]["A"]) for row in batch.to_pylist()]
    rows = [row | {"words": row["host"] == "town.com"} for row in plain]
    spoken = crawl | {"pages": {"A": stored("spoken", rows, PAGES)}}
    found = []
    for own in (crawl, spoken):
        seed = stage(write_seed, SEED, **own)
        report = stage(write_classifier, SMALL, positives=seed, **own).facts
        found.append(report["negatives"] + report["look_alikes_left_out"])
    assert found[0] - found[1] == 40


def test_a_crawl_of_nothing_but_known_mathematics_has_no_negatives(stage, crawl):
    everything = SeedSettings(crawl=(SeedPages(pattern="."),))
    seed = stage(write_seed, everything, **crawl)
    with pytest.raises(CorpusError, match="needs negatives"):
        stage(write_classifier, SMALL, positives=seed, **crawl)
