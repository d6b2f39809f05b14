import pytest

from pipelines.corpus.labels import PageLabel, append_labels
from pipelines.corpus.page_precision import LabelSettings, write_page_precision
from pipelines.corpus.page_tables import CorpusError, table_batches
from pipelines.records import DOCUMENTS, WORTH
from pipelines.storage import Artifact


@pytest.fixture
def made(crawl, stored, tmp_path):
    """An iteration that kept the seed's first pages and news beside them; the export keeps what is of tier 1 and better."""
    rows = [row for batch in table_batches(crawl["pages"]["A"]) for row in batch.to_pylist()]
    math = [row["url_key"] for row in rows if row["markers"]][:4]
    news = [row["url_key"] for row in rows if not row["markers"]][:4]
    kept = {math[0]: 3, math[1]: 1, news[0]: 1, news[1]: 0}
    worth = stored("worth", [{"url_key": key, "tier": tier} for key, tier in kept.items()], WORTH)
    exported = stored("documents", [{"url_key": key, "tier": tier} for key, tier in kept.items() if tier], DOCUMENTS)
    (tmp_path / "export" / "data").mkdir(parents=True)
    exported.files()[0].rename(tmp_path / "export" / "data" / "documents-00000.parquet")
    said = {"digest": "", "teaching": 1, "by": "person", "who": "Ada"}
    labels = [PageLabel(url=key, mathematics="yes", stands_for=2, **said) for key in math]
    labels += [PageLabel(url=key, mathematics="no", **said) for key in news]
    labels.append(PageLabel(url=math[0], mathematics="no", stands_for=9, **said | {"digest": "of another content"}))
    append_labels(tmp_path / "labels.jsonl", labels)
    export = Artifact(name="math_corpus", place=tmp_path / "export", content="e", facts={})
    return {"iterations": {1: {"worth": worth}}, "math_corpus": export, **crawl}


def test_precision_is_by_page_and_recall_of_the_labelled_mathematics(stage, made, tmp_path):
    facts = stage(write_page_precision, LabelSettings(labels=tmp_path / "labels.jsonl"), **made).facts
    assert (facts["labelled"], facts["mathematics"]) == (8, 4)
    rows = {row["name"]: row for row in facts["rows"]}

    def shares(name):
        return [(rows[name][kind]["part"], rows[name][kind]["of"]) for kind in ("precision", "recall", "missed")]

    assert shares("iteration 1") == [(2, 4), (2, 4), (2, 4)]
    assert shares("iteration 1, mathematics by worth") == [(2, 3), (2, 4), (2, 5)]
    assert shares("export, tier 3") == [(1, 1), (1, 4), (3, 7)]
    assert shares("export, tier 2")[0] == (0, 0)
    assert rows["export"]["whole"] == [
        pytest.approx(4 / 5),
        pytest.approx(4 / 8),
    ]  # a page of mathematics stands for two
    assert rows["export"]["precision"]["low"] < 2 / 3 < rows["export"]["precision"]["high"]


def test_labels_of_another_crawl_are_refused(stage, made, tmp_path):
    other = PageLabel(url="b.org/x", digest="", mathematics="yes", teaching=1, by="person", who="Ada")
    append_labels(tmp_path / "other.jsonl", [other])
    with pytest.raises(CorpusError, match="expected labels of pages of this crawl"):
        stage(write_page_precision, LabelSettings(labels=tmp_path / "other.jsonl"), **made)
