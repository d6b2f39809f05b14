"""The labels that are kept as data of the project: readable, and free of the pages' text."""

from collections import Counter

from pipelines.corpus.labels import LABELS, read_labels


def test_labels_of_the_project_name_pages_by_url_and_digest_and_hold_none_of_their_text():
    files = sorted(LABELS.parent.glob("*.jsonl"))
    assert [file.name for file in files] == ["fresh_sites.jsonl", "fresh_sites_2.jsonl", "pages.jsonl"]
    for file in files:
        labels = read_labels(file)
        assert len(labels) == len(file.read_text(encoding="utf-8").splitlines())
        assert {(len(label.digest), label.why) for label in labels} == {(32, "")}
        assert {label.by for label in labels} == {"model"}


def test_two_readers_judged_each_page_that_teaches_and_none_of_the_fresh_sites_teaches():
    taught = read_labels(LABELS)
    assert set(Counter(label.key for label in taught).values()) == {2} and len(taught) == 1280
    fresh = [label for file in LABELS.parent.glob("fresh_sites*.jsonl") for label in read_labels(file)]
    assert not {label.key for label in taught} & {label.key for label in fresh}
