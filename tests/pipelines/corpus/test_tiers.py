"""What the worth of pages does to the export and to the next classifier."""

import pyarrow.parquet as pq
import pytest

from pipelines.corpus.classifier import ClassifierSettings, sample_positives
from pipelines.corpus.decontamination import HITS
from pipelines.corpus.export import ExportSettings, write_math_corpus
from pipelines.corpus.near_duplicates import CLUSTERS
from pipelines.corpus.page_tables import CorpusError
from pipelines.records import COLLECTED, EXTRACTED, WORTH

PAGES = {"a.org/none": (0, 0.5), "a.org/fair": (1, 1.5), "a.org/good": (2, 2.4), "a.org/best": (3, 3.6)}


@pytest.fixture
def inputs(stored):
    text = "A page of its own, {0}, in which {0} is said of mathematics at some length and with some words. " * 2
    rows = [
        {
            "url_key": key,
            "url": f"https://{key}",
            "title": "",
            "text": text.format(key),
            "domain": key,
            "language": "en",
        }
        for key in PAGES
    ]
    alone = [{"url_key": key, "cluster": n, "cluster_size": 1, "kept": True} for n, key in enumerate(PAGES)]
    judged = [
        {"url_key": key, "mathematics": -2.0 if tier == 0 else 1.0, "teaching": teaching, "tier": tier, "tokens": 50}
        for key, (tier, teaching) in PAGES.items()
    ]
    return {
        "extracted": stored("extracted", rows, EXTRACTED),
        "near_duplicates": stored("near_duplicates", alone, CLUSTERS),
        "contamination": stored("contamination", [], HITS),
        "worth": stored("worth", judged, WORTH),
    }


def keys_of(corpus, table="data"):
    return [row["url_key"] for row in pq.read_table(corpus.path / table).to_pylist()]


def test_the_export_leaves_out_what_is_no_mathematics_and_says_so(stage, inputs):
    corpus = stage(write_math_corpus, ExportSettings(), **inputs)
    documents = pq.read_table(corpus.path / "data").to_pylist()
    assert [(row["url_key"], row["tier"]) for row in documents] == [
        ("a.org/fair", 1),
        ("a.org/good", 2),
        ("a.org/best", 3),
    ]
    ledger = pq.read_table(corpus.path / "ledger").to_pylist()
    assert [(row["url_key"], row["stage"], row["reason"], row["detail"]) for row in ledger] == [
        ("a.org/none", "worth", "no mathematics", "log-odds -2.0")
    ]
    assert corpus.facts["tiers"] == {"1": 1, "2": 1, "3": 1}
    card = (corpus.path / "README.md").read_text()
    assert "| L3: best | 1 |" in card and "https://a.org/best (3.6)" in card


@pytest.mark.parametrize(("least", "kept"), [(0, 4), (1, 3), (2, 2), (3, 1)])
def test_the_least_tier_of_the_export_is_a_setting(stage, inputs, least, kept):
    corpus = stage(write_math_corpus, ExportSettings(least_tier=least), **inputs)
    assert keys_of(corpus) == list(PAGES)[4 - kept :]


def test_a_token_budget_is_filled_with_the_best_pages_first(stage, inputs):
    corpus = stage(write_math_corpus, ExportSettings(token_budget=110), **inputs)
    assert keys_of(corpus) == ["a.org/good", "a.org/best"]
    reasons = {row["url_key"]: row["reason"] for row in pq.read_table(corpus.path / "ledger").to_pylist()}
    assert reasons == {"a.org/none": "no mathematics", "a.org/fair": "token budget"}


def test_the_worth_of_other_pages_is_refused(stage, inputs, stored):
    other = stored("other", [{"url_key": "b.org/x", "tier": 1}], WORTH)
    with pytest.raises(CorpusError, match="expected the worth of"):
        stage(write_math_corpus, ExportSettings(), **inputs | {"worth": other})


def test_a_member_list_under_an_accepted_prefix_is_no_positive_and_the_seed_stays_as_given(stored):
    origins = {
        "seed.org/list": "seed",
        "a.org/list": "annotated",
        "a.org/proof": "annotated",
        "a.org/found": "recalled",
    }
    rows = [
        {"url_key": key, "url": f"https://{key}", "domain": key[:5], "language": "en", "text": "text", "origin": origin}
        for key, origin in origins.items()
    ]
    judged = [{"url_key": key, "tier": int(key.endswith("proof"))} for key in origins]
    taught = sample_positives(stored("corpus", rows, COLLECTED), ClassifierSettings(), stored("w", judged, WORTH))
    assert sorted(sample.host for sample in taught) == ["a.org", "seed.org"]
