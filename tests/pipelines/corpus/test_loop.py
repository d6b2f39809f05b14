import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.corpus.annotations import (
    AnnotationSettings,
    Decision,
    ModelSettings,
    RuleSettings,
    by_rule,
    read_decisions,
    verdict_on,
    write_annotations,
)
from pipelines.corpus.calibration import CalibrationSettings, WitnessedMargins
from pipelines.corpus.classifier import ClassifierSettings, write_classifier
from pipelines.corpus.domains import DomainSettings, write_domains
from pipelines.corpus.growth import GrowthSettings, write_corpus
from pipelines.corpus.page_tables import CorpusError, table_batches
from pipelines.corpus.recall import Histogram, RecallSettings, write_recalled
from pipelines.corpus.scores import ScoreSettings, write_scores
from pipelines.corpus.seed import SeedPages, SeedSettings, is_under, place_of, write_seed
from pipelines.corpus.url_prefixes import segments
from pipelines.records import COLLECTED, SCORES
from tests.pipelines.corpus.conftest import crawl_rows

SMALL = ClassifierSettings(dim=8, ngrams=2, bucket=5000, least_count=1)
FACTS = {"domain": "d", "tokens": 10}
SEED = SeedSettings(crawl=(SeedPages(prefix="seed.org", limit=30),))


def keys(artifact):
    return [key for batch in table_batches(artifact, ["url_key"]) for key in batch["url_key"].to_pylist()]


def scores_of(stored, margins, tokens=10):
    rows = [
        {"url_key": key, "domain": "d", "language": "en", "margin": m, "tokens": tokens} for key, m in margins.items()
    ]
    return scored(stored, rows)


def scored(stored, rows):
    """Scores of the invented crawl's pages, by their place, as the stage writes them."""
    place = {row["url_key"]: number for number, row in enumerate(crawl_rows())}
    placed = sorted((row | {"row": place[row["url_key"]]} for row in rows), key=lambda row: row["row"])
    return {"A": stored("scores", placed, SCORES)}


def test_a_prefix_ends_at_a_path_segment():
    assert is_under("a.org/doc/x", "a.org/doc/")
    assert is_under("a.org/doc", "https://www.a.org/doc")
    assert not is_under("a.org/doctors", "a.org/doc")
    assert not is_under("a.organic/x", "a.org")


def test_a_script_with_a_query_is_a_folder_of_its_pages():
    assert segments("bbs.a.org", "/forum.php?tid=7", 5) == ["bbs.a.org", "forum.php"]
    assert segments("www.a.org", "/w/index.php?title=Ring&x=/y/z", 5) == ["a.org", "w", "index.php"]
    assert segments("a.org", "/?p=7", 5) == segments("a.org", "/about", 5) == segments("a.org", "/", 5) == ["a.org"]
    assert segments("a.org", "//doc///x/y.html#a/b?c", 5) == ["a.org", "doc", "x"]
    assert is_under("bbs.a.org/forum.php?tid=7", "bbs.a.org/forum.php")
    assert not is_under("bbs.a.org/chat.php?tid=7", "bbs.a.org/forum.php")


def test_two_spellings_of_a_url_are_one_place():
    assert place_of("http://WWW.A.org/x/#top") == place_of("https://a.org/x") == "a.org/x"


@pytest.mark.parametrize(
    "url",
    [
        "https://people.a.org:443/~berg/x.html",
        "http://people.a.org:8080/~berg/x.html",
        "https://PEOPLE.A.ORG./%7Eberg/x.html",
        "https://me@people.a.org/a/../~berg/x.html",
        "https://people.a.org//~berg/./x.html",
    ],
)
def test_a_verdict_covers_every_spelling_of_the_urls_below_it(url):
    """What the tree proposes for a page lies above the page, and above the same page spelled in another way."""
    path = "/" + url.partition("://")[2].partition("/")[2]
    proposed = "/".join(segments("people.a.org", path, 5))
    assert proposed == "people.a.org/~berg"
    assert is_under(place_of(url), proposed)
    assert is_under(place_of("https://people.a.org/~berg/x.html"), proposed)
    assert not is_under(place_of("https://people.a.org/~bergmann/x.html"), proposed)


def test_international_names_and_paths_are_found_as_a_person_writes_them():
    page = place_of("http://xn--fsqu00a.example/%E6%95%B0%E5%AD%A6/1.html")
    assert page == place_of("http://例子.example/数学/1.html")
    assert is_under(page, "例子.example/数学")
    assert is_under(page, "http://www.例子.example:80/%e6%95%b0%e5%ad%a6/")
    assert not is_under(page, "例子.example/数")


def test_the_seed_is_the_same_pages_whatever_their_order(stage, crawl):
    first = keys(stage(write_seed, SEED, **crawl))
    assert len(first) == 30
    assert set(first) < {f"seed.org/notes/{n}" for n in range(40)}
    assert keys(stage(write_seed, SEED, **crawl)) == first


def test_a_seed_files_page_is_taken_in_the_crawls_own_text(stage, crawl, tmp_path):
    file = tmp_path / "seed.jsonl"
    rows = [
        {"url": "http://seed.org/notes/1", "text": "somebody else's extraction " * 9},
        {"url": "https://elsewhere.org/p", "text": "a lone surrogate \ud800 and a nul \0 here " * 9},
        {"url": "https://elsewhere.org/q", "text": "short"},
        ["no object"],
    ]
    file.write_text("\n".join(map(json.dumps, rows)) + "\n{broken\n")
    seed = stage(write_seed, SeedSettings(files=(file,)), **crawl)
    texts = dict(zip(keys(seed), pq.read_table(seed.files()[0])["text"].to_pylist(), strict=True))
    assert texts["seed.org/notes/1"].startswith("We prove the theorem")
    assert texts["elsewhere.org/p"].startswith("a lone surrogate ? and a nul  here")
    assert (seed.facts["replaced_by_crawl"], seed.facts["too_short"], seed.facts["malformed"]) == (1, 1, 2)


def test_an_empty_seed_is_refused(stage, crawl):
    with pytest.raises(CorpusError, match=r"expected pages from nowhere.org; found none in the crawl. Name a prefix"):
        stage(write_seed, SeedSettings(crawl=(SeedPages(prefix="nowhere.org"),)), **crawl)


def test_a_seed_file_of_stubs_says_what_was_found_in_it(stage, crawl, tmp_path):
    file = tmp_path / "stubs.jsonl"
    file.write_text('{"url": "https://a.org/1", "text": "hi"}\nno row\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=r"stubs.jsonl; found 1 too short, 1 malformed"):
        stage(write_seed, SeedSettings(files=(file,)), **crawl)


def test_histograms_add_up():
    parts = [Histogram(), Histogram()]
    parts[0].add(np.array([1.0, -100.0], np.float32), np.array([5, 7]))
    parts[1].add(np.array([1.0, 100.0], np.float32), np.array([2, 3]))
    both = parts[0] + parts[1]
    assert (both.tokens.sum(), both.pages.sum(), both.tokens[-1], both.tokens[0]) == (17, 4, 3, 7)


def test_a_budget_keeps_the_best_and_breaks_ties_by_key(stage, crawl, stored):
    margins = {f"town.com/story/{n}": 1.0 for n in (3, 1, 2)} | {"seed.org/notes/1": 2.0, "seed.org/notes/2": -1.0}
    settings = RecallSettings(token_budget=30, threshold=None)
    recalled = stage(write_recalled, settings, scores=scores_of(stored, margins), **crawl)
    assert keys(recalled) == ["seed.org/notes/1", "town.com/story/1", "town.com/story/2"]
    assert recalled.facts["budget_filled"]


def test_a_corpus_smaller_than_its_budget_says_so(stage, crawl, stored):
    settings = RecallSettings(token_budget=10**9, threshold=None)
    recalled = stage(write_recalled, settings, scores=scores_of(stored, {"seed.org/notes/1": 2.0}), **crawl)
    assert (recalled.facts["rows"], recalled.facts["budget_filled"]) == (1, False)


def test_a_snapshot_without_pages_recalls_nothing(stage, crawl, stored):
    recalled = stage(write_recalled, RecallSettings(), scores=scores_of(stored, {}), **crawl)
    assert (recalled.facts["rows"], recalled.facts["lowest_margin"]) == (0, None)


def test_a_language_is_raised_as_far_as_its_pages_are_witnessed(stage, crawl, stored):
    """40 Chinese pages at -2, all witnessed; 40 at -3, none; English pages at -1, half of them: only zh may come up."""
    rows = [
        {"url_key": f"{site}/{folder}/{n}", "language": language, "margin": m, "witnessed": w(n)} | FACTS
        for site, folder, language, m, w in (
            ("seed.org", "notes", "zh", -2.0, lambda n: True),
            ("town.com", "story", "zh", -3.0, lambda n: False),
            ("food.com", "story", "en", -1.0, lambda n: n % 2 == 0),
        )
        for n in range(40)
    ]
    scores = scored(stored, rows)
    recalled = stage(write_recalled, RecallSettings(), scores=scores, **crawl)
    assert {key.partition("/")[0] for key in keys(recalled)} == {"seed.org"}
    assert recalled.facts["rows"] == 40
    assert list(recalled.facts["raised_languages"]) == ["zh"]
    assert 2.0 <= recalled.facts["raised_languages"]["zh"] <= 2.1
    off = RecallSettings(calibration=CalibrationSettings(farthest=0))
    assert stage(write_recalled, off, scores=scores, **crawl).facts["rows"] == 0


def test_few_pages_raise_no_language(stage, crawl, stored):
    row = {"language": "zh", "margin": -1.0, "witnessed": True} | FACTS
    scores = scored(stored, [row | {"url_key": f"seed.org/notes/{n}"} for n in range(9)])
    assert stage(write_recalled, RecallSettings(), scores=scores, **crawl).facts["raised_languages"] == {}


def test_witnessed_pages_behind_a_run_of_others_are_out_of_reach():
    """The share among all that is added would still pass; that of the last ten pages does not."""
    margins = WitnessedMargins(CalibrationSettings())
    values = np.array([-1.0] * 200 + [-2.0] * 10 + [-3.0], np.float32)
    margins.add(pa.array(["zh"] * 211), values, np.array([True] * 200 + [False] * 10 + [True]))
    assert margins.shifts()["zh"] == pytest.approx(1.05)


def test_prefixes_part_lecture_notes_from_the_news_beside_them(stage, crawl, stored):
    found = {f"lectures.net/calculus/{n}": 1.0 for n in range(30)}
    recalled = stage(write_recalled, RecallSettings(), scores=scores_of(stored, found), **crawl)
    domains = stage(write_domains, DomainSettings(), recalled=recalled, **crawl)
    (proposal,) = [json.loads(line) for line in domains.file("prefixes.jsonl").read_text().splitlines()]
    assert proposal["prefix"] == "lectures.net/calculus"
    assert (proposal["pages"], proposal["collected"], proposal["with_formulas"]) == (40, 30, 40)
    assert len(proposal["examples"]["uncollected"]) == 5
    table = pq.read_table(domains.file("domains.parquet")).to_pylist()
    shares = {row["domain"]: (row["share"], row["candidate"]) for row in table}
    assert shares["lectures.net"] == (30 / 80, True)
    assert shares["town.com"] == (0.0, False)


@pytest.mark.parametrize(
    ("collected", "pages", "formulas", "verdict"),
    [
        (60, 100, 40, "math"),
        (20, 100, 40, "math"),  # few found, but the markup witnesses it
        (60, 100, 0, "undecided"),  # many found, no formula anywhere: a manual?
        (99, 100, 0, "math"),
        (3, 3, 3, "undecided"),  # no support
        (5, 100, 90, "undecided"),
    ],
)
def test_the_rule_asks_for_share_support_and_a_witness(collected, pages, formulas, verdict):
    proposal = {"prefix": "a.org", "pages": pages, "collected": collected, "with_formulas": formulas}
    assert by_rule(RuleSettings())(proposal).verdict == verdict


def decision(prefix, verdict, by="person"):
    return Decision(prefix=prefix, verdict=verdict, by=by, who="Ada", why="seen")


def test_a_person_wins_over_a_longer_prefix_of_a_rule():
    decisions = [
        decision("a.org", "other"),
        decision("a.org/math", "math", "rule"),
        decision("a.org/math/good", "math"),
    ]
    assert verdict_on("a.org/math/x", decisions).verdict == "other"
    assert verdict_on("a.org/math/good/x", decisions).verdict == "math"
    assert verdict_on("b.org", decisions) is None


@pytest.mark.parametrize(
    "line",
    [
        "{broken",
        '{"prefix": "a"}',
        '["a"]',
        '{"prefix":"a","verdict":"maybe","by":"person","who":"","why":""}',
        '{"prefix":"a","verdict":["math"],"by":"person","who":"","why":""}',
        '{"prefix":5,"verdict":"math","by":"person","who":"","why":""}',
        '{"prefix":"a","verdict":"math","by":"person","who":null,"why":""}',
        '{"prefix":"/","verdict":"math","by":"person","who":"","why":""}',
    ],
)
def test_a_malformed_decision_is_named_by_its_line(tmp_path, line):
    file = tmp_path / "decisions.jsonl"
    file.write_text('{"prefix":"a","verdict":"math","by":"person","who":"A","why":"b"}\n' + line + "\n")
    with pytest.raises(CorpusError, match=r"decisions.jsonl:2: expected"):
        read_decisions(file)


def proposals(stored, tmp_path, *rows):
    domains = stored("domains", [], SCORES)
    (domains.path / "prefixes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return domains


def test_what_a_person_decided_is_asked_of_nobody(stage, stored, tmp_path):
    row = {"pages": 10, "collected": 5, "with_formulas": 0, "examples": {"collected": [], "uncollected": []}}
    domains = proposals(stored, tmp_path, {"prefix": "a.org/x", **row}, {"prefix": "b.org", **row})
    file = tmp_path / "decisions.jsonl"
    file.write_text('{"prefix":"a.org","verdict":"other","by":"person","who":"Ada","why":"shop"}\n')
    asked = []

    def model(proposal):
        asked.append(proposal["prefix"])
        return decision(proposal["prefix"], "math", "model")

    settings = AnnotationSettings(annotators=("rule", "model"), model=ModelSettings(base_url="http://x", model="m"))
    annotations = stage(write_annotations, settings, domains=domains, decisions=file, model=model)
    assert asked == ["b.org"]
    made = read_decisions(annotations.file("decisions.jsonl"))
    assert [(d.prefix, d.verdict, d.by) for d in made] == [("a.org", "other", "person"), ("b.org", "math", "model")]


def collected(key, origin="seed"):
    host, _, path = key.partition("/")
    return {
        "url_key": key,
        "url": f"https://{key}",
        "domain": host,
        "path": f"/{path}",
        "tokens": 1,
        "origin": origin,
        "language": "en",
        "text": "t",
        "margin": 1.0,
    }


def decided(stored, *decisions):
    annotations = stored(f"annotations-{decisions[0][1] if decisions else 'none'}", [], SCORES)
    rows = [{"prefix": p, "verdict": v, "by": b, "who": "w", "why": "y", "when": ""} for p, v, b in decisions]
    (annotations.path / "decisions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return annotations


def test_uncollected_pages_under_an_accepted_prefix_join_and_refused_ones_do_not(stage, crawl, stored):
    previous = stored("previous", [collected("seed.org/notes/1")], COLLECTED)
    recalled = stored(
        "recalled", [collected("town.com/story/1", "recalled"), collected("seed.org/notes/1", "recalled")], COLLECTED
    )
    annotations = decided(stored, ("lectures.net/calculus", "math", "rule"), ("town.com", "other", "person"))
    corpus = stage(
        write_corpus,
        GrowthSettings(),
        previous=previous,
        recalled=recalled,
        annotations=annotations,
        iteration=1,
        **crawl,
    )
    assert set(keys(corpus)) == {"seed.org/notes/1"} | {f"lectures.net/calculus/{n}" for n in range(40)}
    facts = corpus.facts
    assert (facts["rows"], facts["new_pages"], facts["annotated_pages"], facts["refused_by_a_person"]) == (
        41,
        40,
        40,
        1,
    )
    assert facts["overlap"] == round(1 / 41, 4)
    assert facts["domains_gained"] == {"lectures.net": 40}
    assert not facts["converged"]


@pytest.mark.parametrize(
    "prefix", ["https://www.Lectures.net/calculus/", "lectures.net:443/%63alculus", "LECTURES.NET"]
)
def test_a_person_may_write_a_prefix_in_any_spelling(stage, crawl, stored, prefix):
    previous = stored("previous", [collected("seed.org/notes/1")], COLLECTED)
    found = [collected("town.com/story/1", "recalled"), collected("lectures.net/calculus/7", "recalled")]
    inputs = {"previous": previous, "recalled": stored("recalled", found, COLLECTED), "iteration": 1, **crawl}
    others = stage(write_corpus, GrowthSettings(), annotations=decided(stored, (prefix, "other", "person")), **inputs)
    assert set(keys(others)) == {"seed.org/notes/1", "town.com/story/1"}
    inputs["annotations"] = decided(stored, (prefix, "math", "person"))
    maths = stage(write_corpus, GrowthSettings(), **inputs)
    assert {f"lectures.net/calculus/{n}" for n in range(40)} < set(keys(maths))
    origins = dict(zip(keys(maths), pq.read_table(maths.files()[0])["origin"].to_pylist(), strict=True))
    assert origins["lectures.net/calculus/7"] == "annotated"


def test_a_page_that_only_a_query_names_is_on_its_host():
    assert place_of("https://a.org?tid=7") == place_of("https://a.org/?tid=7") == "a.org/?tid=7"
    assert is_under("a.org/?tid=7", "a.org")


def test_a_converged_corpus_is_handed_on_as_it_is(stage, crawl, stored):
    previous = stored("previous", [collected("seed.org/notes/1")], COLLECTED)
    recalled = stored("recalled", [collected("seed.org/notes/1", "recalled")], COLLECTED)
    annotations = decided(stored)
    inputs = {"recalled": recalled, "annotations": annotations, **crawl}
    done = stage(write_corpus, GrowthSettings(), previous=previous, iteration=3, **inputs)
    assert done.facts["converged"]
    after = stage(write_corpus, GrowthSettings(), previous=done, iteration=4, **inputs)
    assert after.facts == done.facts
    assert [p.read_bytes() for p in after.files("*")] == [p.read_bytes() for p in done.files("*")]


def test_the_loop_finds_the_other_site_and_converges(stage, crawl):
    corpus = stage(write_seed, SEED, **crawl)
    for iteration in range(1, 5):
        classifier = stage(write_classifier, SMALL, positives=corpus, **crawl)
        scores = {"A": stage(write_scores, ScoreSettings(), classifier=classifier, pages=crawl["pages"]["A"])}
        recalled = stage(write_recalled, RecallSettings(), scores=scores, **crawl)
        domains = stage(write_domains, DomainSettings(), recalled=recalled, **crawl)
        annotations = stage(write_annotations, AnnotationSettings(), domains=domains)
        inputs = {"previous": corpus, "recalled": recalled, "annotations": annotations, "iteration": iteration}
        corpus = stage(write_corpus, GrowthSettings(), **inputs, **crawl)
    wanted = {f"seed.org/notes/{n}" for n in range(40)} | {f"lectures.net/calculus/{n}" for n in range(40)}
    assert set(keys(corpus)) == wanted
    assert corpus.facts["converged"]
    assert corpus.facts["iteration"] < 4
