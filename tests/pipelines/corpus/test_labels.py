import json
from collections import Counter
from dataclasses import replace

import httpx
import pytest

from assets.command_line import main
from pipelines.corpus.agreement import cohens_kappa, weighted_kappa
from pipelines.corpus.annotations import ModelSettings
from pipelines.corpus.label_command import review
from pipelines.corpus.label_pages import write_label_sample
from pipelines.corpus.label_sample import GAP, Candidate, SampleSettings, draw_sample, readable
from pipelines.corpus.labels import PageLabel, append_labels, read_labels, settle
from pipelines.corpus.page_annotators import by_model, read_verdict
from pipelines.corpus.page_tables import CorpusError, table_batches
from pipelines.corpus.page_worth import figures_of, load_head
from pipelines.records import COLLECTED, DOCUMENTS, EXTRACTED, SCORES
from pipelines.storage import References, Store
from tests.pipelines.corpus.conftest import MATH, STORY


def candidates(site, count, margin, tier="left"):
    return [
        Candidate(url=f"{site}/{n}", digest="d", site=site, language="en", margin=margin, tier=tier)
        for n in range(count)
    ]


def label(url="a.org/x", mathematics="yes", teaching=3, **others):
    given = {"digest": "d", "by": "person", "who": "Ada"} | others
    return PageLabel(url=url, mathematics=mathematics, teaching=teaching, **given)


def answers(*given):
    left = list(given)
    return lambda _: left.pop(0)


def test_every_stratum_is_drawn_from_and_the_pages_stand_for_the_whole_crawl():
    crawl = candidates("big.org", 900, -6) + candidates("math.org", 90, 0, "kept") + candidates("math.org", 30, 6, "L1")
    drawn = draw_sample(crawl, SampleSettings(count=40))
    assert len(drawn) == 40
    assert {one.stratum for one in drawn} == {
        "big.org | en | 0 | left",
        "math.org | en | 2 | kept",
        "math.org | en | 4 | L1",
    }
    assert sum(one.stands_for for one in drawn) == pytest.approx(1020)
    of = Counter(one.page.site for one in drawn)
    assert of["math.org"] > of["big.org"]  # the border is read more closely than what nobody doubts


def test_a_sample_does_not_depend_on_the_order_of_the_pages():
    crawl = candidates("a.org", 200, -1) + candidates("b.org", 5, 1)
    settings = SampleSettings(count=20)
    assert draw_sample(crawl, settings) == draw_sample(crawl[::-1], settings)
    assert draw_sample(crawl, settings) != draw_sample(crawl, settings.model_copy(update={"draw": 1}))


def test_small_sites_and_rare_languages_are_drawn_from_together():
    crawl = [page for n in range(50) for page in candidates(f"s{n}.org", 1, 0)]
    assert {one.stratum for one in draw_sample(crawl, SampleSettings(count=9))} == {"small sites | en | 2 | left"}


def test_a_long_page_is_shown_by_head_middle_and_tail():
    shown = readable("a" * 5000 + "b" * 5000 + "c" * 5000, 1500)
    assert [set(part) for part in shown.split(GAP)] == [{"a"}, {"b"}, {"c"}]
    assert len(shown) == 1500 + 2 * len(GAP)
    assert readable(" short ", 1500) == "short"


def test_a_review_goes_back_and_goes_on_where_it_was_stopped(tmp_path):
    sample = draw_sample(candidates("a.org", 3, 0), SampleSettings())
    texts = {one.id: "text" for one in sample}
    file = tmp_path / "labels.jsonl"
    assert review(sample, texts, file, "Ada", answers("y3", "nonsense", "b", "n0", "s", "q")) == 2
    read = read_labels(file)
    assert [(one.url, one.mathematics, one.teaching) for one in read] == [(sample[0].page.url, "no", 0)]
    assert "text" not in file.read_text()


def test_readers_of_one_rank_settle_by_majority_and_a_person_outranks_a_model():
    labels = [
        label(who="a", teaching=4),
        label(who="b", mathematics="no", teaching=1),
        label("tie.org", who="a"),
        label("tie.org", who="b"),
        label("tie.org", who="c", mathematics="no", teaching=0),
        label("model.org", who="m1", by="model"),
        label("model.org", who="m2", by="model"),
        label("model.org", who="a", mathematics="no", teaching=0),
    ]
    found = {one.label.url: (one.mathematics, one.teaching, one.readers) for one in settle(labels)}
    assert found == {"a.org/x": (None, 2.5, 2), "tie.org": (True, 2, 3), "model.org": (False, 0, 1)}


@pytest.mark.parametrize(
    "line", ['{"url": "a"}', "[1]", "{", json.dumps({"url": "a", "digest": "d", "mathematics": "yes", "teaching": 9})]
)
def test_a_bad_line_of_a_labels_file_is_named(tmp_path, line):
    file = tmp_path / "labels.jsonl"
    append_labels(file, [label()])
    with file.open("a") as handle:
        handle.write(line + "\n")
    with pytest.raises(CorpusError, match=r"labels\.jsonl:2: expected a JSON object"):
        read_labels(file)


def test_kappa_is_that_of_the_textbook_table():
    # Both yes 20, both no 15, first alone 5, second alone 10: observed 0.70, by chance 0.50, so 0.40.
    pairs = [(True, True)] * 20 + [(False, False)] * 15 + [(True, False)] * 5 + [(False, True)] * 10
    told = cohens_kappa(pairs)
    assert told.value == pytest.approx(0.4)
    assert told.interval.low < 0.4 < told.interval.high
    assert told.interval.low == pytest.approx(0.15, abs=0.02)  # standard error 0.128 by Fleiss, Cohen and Everitt
    assert cohens_kappa([(True, True)] * 9).value == 1


def test_disagreement_on_the_scale_counts_by_its_square():
    assert weighted_kappa([(0, 0), (5, 5)]) == 1
    assert weighted_kappa([(0, 5), (5, 0)]) == -1
    assert weighted_kappa([(0, 1), (5, 4)]) == pytest.approx(1 - 1 / 8.5)  # by chance 1, 16, 16 and 1


@pytest.fixture
def run_folder(tmp_path, crawl, stored):
    """A run of one snapshot: three sites, one of them kept."""
    import shutil

    def copy_of(artifact):
        def copy(folder):
            shutil.copytree(artifact.path, folder, dirs_exist_ok=True)
            return {"converged": False, "rows": 1, "iteration": 1}

        return copy

    rows = [row for batch in table_batches(crawl["pages"]["A"]) for row in batch.to_pylist()]
    scored = [
        {name: row.get(name) for name in SCORES.names} | {"margin": 3.0 if row["markers"] else -6.0, "row": n}
        for n, row in enumerate(rows)
    ]
    kept = [{name: row.get(name) for name in COLLECTED.names} for row in rows if row["domain"] == "seed.org"]
    store = Store(tmp_path / "run")
    tables = {"pages/A": crawl["pages"]["A"], "url_index": crawl["url_index"]}
    tables["iteration_1/scores/A"] = stored("scores", scored, SCORES)
    tables["iteration_1/corpus"] = stored("corpus", kept, COLLECTED)
    for name, table in tables.items():
        References(store).write(name, store.build({"name": name}, copy_of(table)))
    return tmp_path / "run"


def test_a_sample_is_exported_and_a_readers_verdicts_come_back(tmp_path, run_folder, capsys):
    sample, verdicts, labels = (tmp_path / name for name in ("sample.jsonl", "verdicts.jsonl", "labels.jsonl"))
    assert main(["label", "--data", str(run_folder), "--export", str(sample), "--count", "20"]) == 0
    shown = [json.loads(line) for line in sample.read_text().splitlines()]
    assert len(shown) == 20 and set(shown[0]) == {"id", "url", "text"}
    key = [json.loads(line) for line in (tmp_path / "sample.key.jsonl").read_text().splitlines()]
    assert {(one["site"], one["tier"], one["margin"]) for one in key} >= {
        ("seed.org", "kept", 3),
        ("town.com", "left", -6),
    }
    for who in ("Ada", "Emmy"):
        rows = [{"id": one["id"], "mathematics": int("theorem" in one["text"]), "teaching": 2} for one in shown]
        verdicts.write_text("".join(json.dumps(row) + "\n" for row in rows))
        given = ["--read", str(verdicts), "--sample", str(sample), "--who", who]
        assert main(["label", "--labels", str(labels), *given]) == 0
    assert sum(one.stands_for for one in read_labels(labels) if one.who == "Ada") == pytest.approx(240, abs=0.1)
    assert main(["label", "--labels", str(labels), "--agreement"]) == 0
    assert "Ada and Emmy: 20 pages, 20 the same verdict (100.0%); kappa 1.00" in capsys.readouterr().out


def test_the_sample_of_the_report_is_that_of_the_command_without_scores(tmp_path, run_folder, stage, stored):
    run = References(Store(run_folder))
    scores = {"iteration_1/scores/A": run.read("iteration_1/scores/A")}
    (tmp_path / "math_corpus" / "data").mkdir(parents=True)
    exported = [{"url_key": f"seed.org/notes/{n}", "tier": 2} for n in range(40)]
    stored("exported", exported, DOCUMENTS).files()[0].rename(tmp_path / "math_corpus" / "data" / "d-00000.parquet")
    corpus = replace(run.read("iteration_1/corpus"), place=tmp_path / "math_corpus")
    whole = [{"url_key": "seed.org/notes/0", "text": "extracted exactly"}]
    given = {"pages": {"A": run.read("pages/A")}, "url_index": run.read("url_index"), "scores": scores}
    given |= {"extracted": stored("extracted", whole, EXTRACTED), "math_corpus": corpus}
    made = stage(write_label_sample, SampleSettings(count=400), **given)
    rows = {row["url"]: row for row in map(json.loads, made.file("sample.jsonl").read_text().splitlines())}
    assert len(rows) == made.facts["rows"] == made.facts["stands_for"] == 240
    assert rows["seed.org/notes/0"]["text"] == "extracted exactly"
    assert rows["seed.org/notes/1"]["stratum"] == "seed.org | en | 3 | L2"
    assert rows["town.com/story/1"]["stratum"] == "town.com | en | 0 | left"
    assert set(rows["town.com/story/1"]) == {"url", "digest", "site", "language", "stratum", "stands_for", "text"}


def test_a_verdict_on_a_page_that_is_not_of_the_sample_is_refused(tmp_path, capsys):
    (tmp_path / "s.key.jsonl").write_text("")
    (tmp_path / "v.jsonl").write_text('{"id": "unknown", "mathematics": "yes", "teaching": 3}\n')
    given = ["--read", str(tmp_path / "v.jsonl"), "--sample", str(tmp_path / "s.jsonl"), "--who", "Ada"]
    assert main(["label", "--labels", str(tmp_path / "l.jsonl"), *given]) == 2
    assert "v.jsonl:1: expected an id of the sample" in capsys.readouterr().err


def test_a_rule_reads_the_sample_once_and_its_agreement_with_a_person_is_told(tmp_path, run_folder, capsys):
    labels = tmp_path / "labels.jsonl"
    asked = ["label", "--data", str(run_folder), "--labels", str(labels), "--count", "20"]
    assert main([*asked, "--ask", "rule"]) == main([*asked, "--ask", "rule"]) == 0
    made = read_labels(labels)
    assert len(made) == len(labels.read_text().splitlines()) == 20
    assert {(one.by, one.who) for one in made} == {("rule", "formulas and words")}
    append_labels(labels, [replace(one, by="person", who="Ada") for one in made])
    assert main(["label", "--labels", str(labels), "--agreement"]) == 0
    assert "Ada and formulas and words: 20 pages, 20 the same verdict" in capsys.readouterr().out


def test_labels_of_a_run_teach_a_head_that_a_recipe_can_name(tmp_path, run_folder, capsys):
    labels, head = tmp_path / "labels.jsonl", tmp_path / "head.json"
    asked = ["label", "--data", str(run_folder), "--labels", str(labels)]
    labels.touch()
    assert main([*asked, "--teach", str(head)]) == 2
    assert "Label more of its pages first" in capsys.readouterr().err
    given = {f"seed.org/notes/{n}": "yes" for n in range(9)} | {f"town.com/story/{n}": "no" for n in range(9)}
    append_labels(labels, [label(url, said, 3 * (said == "yes"), digest="") for url, said in given.items()])
    assert main([*asked, "--teach", str(head)]) == 0
    odds, _ = load_head(head).judge(figures_of([MATH.replace("{n}", "90"), STORY.replace("{n}", "90")]))
    assert odds[0] > 1 > -1 > odds[1]


def test_a_model_is_given_the_rubric_and_the_page_and_its_answer_is_read():
    seen = []

    def answer(request):
        seen.append(json.loads(request.content)["messages"][0]["content"])
        return httpx.Response(200, json={"choices": [{"message": {"content": "**Yes, 4**\nWorked solutions."}}]})

    settings = ModelSettings(base_url="http://model.example/v1/", model="m")
    annotate = by_model(settings, transport=httpx.MockTransport(answer))
    verdict = annotate("a.org/x", "Solve x + 1 = 3.")
    assert (verdict.mathematics, verdict.teaching, verdict.why) == ("yes", 4, "Worked solutions")
    assert "Solve x + 1 = 3." in seen[0] and "word problems" in seen[0]


@pytest.mark.parametrize("answer", ["", "I cannot tell.", "yes", "maybe 3", "no 7"])
def test_an_answer_without_a_verdict_is_none(answer):
    assert read_verdict(answer) is None
