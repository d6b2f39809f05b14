import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from pipelines.reports.corpus import write_corpus_report
from pipelines.storage import Artifact

QUALITY = {"held_out_average_precision": 0.9, "held_out_recall": 0.75, "held_out_false_positives": 0.125}
CURVE = [{"margin": 2.0, "recall": 0.5, "precision": 1.0}, {"margin": 0.0, "recall": 1.0, "precision": 0.8}]
BINS = [
    {"weight": 0.5, "predicted": 0.1, "observed": 0.1},
    {"weight": 0.5, "predicted": 0.9, "observed": 0.9},
]
TELLING = {
    "math": [{"ngram": "<script>alert(1)</script>", "weight": 7.25, "pages": 1234}],
    "other": [{"ngram": "。", "weight": -3.5, "pages": 8}],
}
LAST_TELLING = {"math": [{"ngram": "theorem", "weight": 3.0, "pages": 5}], "other": []}
COMPARED = {
    "corpus": "iteration_1",
    "documents": 64,
    "packed_tokens": 6400,
    "trained_tokens": 16384,
    "epochs": 2.56,
    "bits_per_byte": 2.71828,
}
PAGE = {"title": "Notes <b>on</b> rings", "url": "https://wide.org/1", "text": "Let R be a ring"}


def report_of(**values):
    return {
        **QUALITY,
        "positives": 34,
        "negatives": 390,
        "look_alikes_left_out": 5,
        "expected_calibration_error": 0.03,
        "precision_recall": CURVE,
        "calibration": BINS,
        "telling": TELLING,
    } | values


def waits(prefix, collected):
    left = {"title": "Shop", "url": "https://wide.org/2", "text": "A ring of gold"}
    examples = {"collected": [PAGE], "uncollected": [left]}
    shares = {"share": 0.5, "with_formulas": 2, "examples": examples}
    return {"prefix": prefix, "pages": 2 * collected, "collected": collected, **shares}


def decides(prefix, verdict, by="rule"):
    return {"prefix": prefix, "verdict": verdict, "by": by, "who": "w", "why": f"{verdict} by {by}", "when": ""}


@pytest.fixture
def artifact(tmp_path: Path):
    def make(name, files=None, **facts):
        folder = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for file, rows in (files or {}).items():
            lines = file.endswith(".jsonl")
            text = "".join(json.dumps(row) + "\n" for row in rows) if lines else json.dumps(rows)
            (folder / file).write_text(text, encoding="utf-8")
        return Artifact(name=name, place=folder, content=name, facts={"converged": False, "rows": 0} | facts)

    return make


@pytest.fixture
def grown(artifact):
    """Three iterations: the second converges, the third only hands on."""
    found = {"languages": {"en": 60, "zh": 4}, "domains_gained": {"rings.net": 40}, "domains_grown": {"rings.net": 41}}
    first = {"iteration": 1, "rows": 64, "tokens": 6400, "new_pages": 40, "new_tokens": 4321, "overlap": 0.375}
    second = first | {"iteration": 2, "rows": 65, "new_pages": 1, "overlap": 0.984, "converged": True}
    lost = {"domains_lost": {"gone.org": 3}}

    def iteration(corpus, *, classifier=None, waiting=(), decisions=(), converged=False):
        files = {"waiting.jsonl": waiting, "decisions.jsonl": decisions}
        return {
            "classifier": artifact("classifier", {} if classifier is None else {"report.json": classifier}),
            "domains": artifact("domains", candidates=16, prefixes=17),
            "annotations": artifact("annotations", files, converged=converged),
            "corpus": artifact("corpus", **corpus),
        }

    return {
        "seed": artifact("seed_corpus", rows=24),
        "iterations": {
            1: iteration(
                first | found | lost | {"classifier": QUALITY},
                classifier=report_of(),
                waiting=[waits("old.org", 99)],
                decisions=[decides("rings.net", "undecided"), decides("shop.com", "math")],
            ),
            2: iteration(
                second | found,
                classifier=report_of(positives=1291, telling=LAST_TELLING),
                waiting=[waits("narrow.org", 3), waits("wide.org", 30)],
                decisions=[decides("shop.com", "other", "person"), decides("rings.net", "math")],
            ),
            3: iteration(second | found, converged=True),
        },
        "math_corpus": artifact("math_corpus", rows=50, tokens=5000, dropped=15, dropped_near_duplicate=15),
    }


def rendered(folder, grown):
    folder.mkdir()
    facts = write_corpus_report(folder, **grown)
    return facts, LexborHTMLParser((folder / "report.html").read_text(encoding="utf-8"))


def rows_below(page, heading):
    """The cells of the first table after a heading."""
    node = next(h for h in page.css("h2, h3") if h.text().startswith(heading))
    while node is not None and not (node.tag == "table" or node.css_first("table")):
        node = node.next
    table = node if node.tag == "table" else node.css_first("table")
    return [[" ".join(cell.text().split()) for cell in row.css("th, td")] for row in table.css("tr")]


def test_growth_is_told_iteration_by_iteration_and_ends_where_it_converged(tmp_path, grown):
    facts, page = rendered(tmp_path / "report", grown)
    _, first, second, third = rows_below(page, "Growth")
    assert first == ["1", "64", "6,400", "40", "4,321", "37.5 %", "16", "17", "0.9000"]
    assert second[0] == "2 (converged)"
    assert third[:2] == ["3 (handed on: it had converged)", "65"]
    assert facts == {"iterations": 2, "pages": 65, "overlap": 0.984, "converged": True, "waiting": 2}


def test_each_iteration_names_its_languages_and_the_domains_gained_and_lost(tmp_path, grown):
    page = rendered(tmp_path / "report", grown)[1]
    first, second = [" ".join(node.text().split()) for node in page.css("details") if "Languages" in node.text()]
    assert "Languages: en (60), zh (4)" in first
    assert "Domains gained: rings.net (40)" in first
    assert "not found again: gone.org (3)" in first
    assert "not found again: none" in second


def test_what_waits_is_that_of_the_last_iteration_that_asked_the_largest_first(tmp_path, grown):
    page = rendered(tmp_path / "report", grown)[1]
    assert [row[:4] for row in rows_below(page, "Waiting for a person (2)")[1:]] == [
        ["wide.org", "60", "30", "50.0 %"],
        ["narrow.org", "6", "3", "50.0 %"],
    ]
    collected, left = page.css_first("td.samples").css("details")
    assert "Notes <b>on</b> rings https://wide.org/1" in collected.text()
    assert "uncollected" in left.text() and "A ring of gold" in left.text()


def test_of_what_waits_the_first_two_hundred_are_listed_and_all_are_counted(tmp_path, grown):
    waiting = grown["iterations"][2]["annotations"].path / "waiting.jsonl"
    waiting.write_text("".join(json.dumps(waits(f"p{n}.org", n)) + "\n" for n in range(205)), encoding="utf-8")
    facts, page = rendered(tmp_path / "report", grown)
    listed = [row[0] for row in rows_below(page, "Waiting for a person (205)")[1:]]
    assert (listed[0], listed[-1], len(listed), facts["waiting"]) == ("p204.org", "p5.org", 200, 205)


def test_the_tiles_count_the_seed_the_export_and_what_was_dropped_and_why(tmp_path, grown):
    page = rendered(tmp_path / "report", grown)[1]
    tiles = {tile.css_first("span").text(): tile.css_first("b").text() for tile in page.css(".tile")}
    assert tiles == {
        "pages in the seed": "24",
        "pages exported": "50",
        "tokens, about": "5,000",
        "pages dropped": "15",
        "prefixes wait for a person": "2",
    }
    assert [row for row in rows_below(page, "The exported corpus") if row[0] == "near duplicate"] == [
        ["near duplicate", "15"]
    ]


def test_corpora_are_compared_by_the_models_that_were_trained_on_them(tmp_path, grown, artifact):
    assert not [h for h in rendered(tmp_path / "without", grown)[1].css("h2") if "better" in h.text()]
    asked = COMPARED | {"accuracy": 25.0, "right": 3, "asked": 12, "interval": [0.09, 0.53]}
    grown["proxy_models"] = artifact("proxy_models", compared=[COMPARED, asked])
    one, two = rows_below(rendered(tmp_path / "with", grown)[1], "Is the corpus better?")[1:]
    assert one == ["iteration 1", "64", "6,400", "16,384", "2.56", "2.718", "–"]
    assert two[-1] == "25.0 % (3 of 12; 9.0 to 53.0)"


def test_the_last_decision_on_a_prefix_counts_and_undecided_ones_are_none(tmp_path, grown):
    decided = rows_below(rendered(tmp_path / "report", grown)[1], "Decisions (2)")[1:]
    assert [(row[0], row[1], row[2], row[6]) for row in decided] == [
        ("rings.net", "math", "rule", "2"),
        ("shop.com", "other", "person", "2"),
    ]


def test_the_classifier_is_told_by_its_figures_and_its_words(tmp_path, grown):
    page = rendered(tmp_path / "report", grown)[1]
    assert rows_below(page, "The classifier")[1:] == [
        ["1", "34", "390", "5", "0.9000", "75.0 %", "12.5 %", "0.0300"],
        ["2", "1,291", "390", "5", "0.9000", "75.0 %", "12.5 %", "0.0300"],
    ]
    told = rows_below(page, "The n-grams that tell most")
    assert told[1] == ["theorem", "3.00", "5"]


def test_a_pages_words_are_no_markup_of_the_report(tmp_path, grown, artifact):
    grown["iterations"][2]["classifier"] = artifact("classifier", {"report.json": report_of()})
    page = rendered(tmp_path / "report", grown)[1]
    assert rows_below(page, "The n-grams that tell most")[1] == ["<script>alert(1)</script>", "7.25", "1,234"]
    assert not page.css("script")
    assert "-3.50" in page.html


def pixels(page, alt):
    source = page.css_first(f'img[alt="{alt}"]').attributes["src"]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB")).astype(int)


@pytest.mark.parametrize(
    ("alt", "change", "height"),
    [
        (
            "Precision and recall",
            {"precision_recall": [CURVE[0], CURVE[1] | {"precision": 0.6}]},
            0.4 / 0.54,
        ),  # the line's, from 1.0 down to 0.6
        (
            "Calibration",
            {"calibration": [BINS[0], BINS[1] | {"observed": 0.4}]},
            0.5 / 1.1,
        ),  # from the old point to the new one
    ],
)
def test_a_picture_draws_the_figures_of_the_classifier(tmp_path, grown, artifact, alt, change, height):
    before = pixels(rendered(tmp_path / "before", grown)[1], alt)
    grown["iterations"][2]["classifier"] = artifact("classifier", {"report.json": report_of(**change)})
    after = pixels(rendered(tmp_path / "after", grown)[1], alt)
    rows = np.flatnonzero((before != after).any(axis=(1, 2)))
    assert (rows[-1] - rows[0]) / (0.86 * len(before)) == pytest.approx(height, abs=0.08)  # axes fill 86 % of it


def test_the_growth_picture_draws_seed_and_overlap(tmp_path, grown):
    alt = "Pages collected and overlap, by iteration"
    before = pixels(rendered(tmp_path / "before", grown)[1], alt)
    grown["iterations"][1]["corpus"].facts["overlap"] = 0.875
    overlap = pixels(rendered(tmp_path / "overlap", grown)[1], alt)
    rows = np.flatnonzero((before != overlap).any(axis=(1, 2)))
    assert (rows[-1] - rows[0]) / len(before) == pytest.approx(
        0.5 * 0.86, abs=0.08
    )  # half of the axis, beside a legend
    grown["seed"].facts["rows"] = 60
    seed = pixels(rendered(tmp_path / "seed", grown)[1], alt)
    assert (overlap != seed).any()


def test_the_page_opens_without_a_network_and_twice_has_the_same_bytes(tmp_path, grown):
    page = rendered(tmp_path / "report", grown)[1]
    assert not re.search(r"(?:src|href)=[\"'](?!data:)", page.html)
    rendered(tmp_path / "again", grown)
    for file in (tmp_path / "report").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_a_seed_that_had_converged_trains_no_classifier_and_says_so(tmp_path, grown):
    grown["iterations"] = {3: grown["iterations"][3]}
    assert "None was trained" in rendered(tmp_path / "report", grown)[1].text()


def test_tiers_have_sizes_and_pages_and_precision_is_told_by_page_with_its_interval(tmp_path, grown, artifact):
    tiers = {"tiers": {"1": 1200, "3": 40}, "tokens_by_tier": {"1": 90_000, "3": 5_000}}
    pages = {"examples": {"3": ["https://rings.net/<b>proof</b> (4.2)"]}}
    grown["math_corpus"] = artifact("math_corpus", rows=1240, tokens=95_000, dropped=0, **tiers, **pages)
    share = {"part": 9, "of": 10, "low": 0.555, "high": 0.9975}
    none = {"part": 0, "of": 0, "low": 0.0, "high": 1.0}
    row = {"name": "export", "precision": share, "recall": share, "missed": none, "whole": [0.875, None]}
    judged = artifact("page_precision", labelled=640, mathematics=155, rows=[row])
    page = rendered(tmp_path / "report", grown | {"page_precision": judged})[1]
    assert rows_below(page, "Tiers")[1:] == [
        ["L1: mathematics", "1,200", "90,000", ""],
        ["L3: best", "40", "5,000", "https://rings.net/<b>proof</b> (4.2)"],
    ]
    shown = "90.0 % (9 of 10; 56 to 100)"
    assert rows_below(page, "Precision and recall by page")[1] == ["export", shown, shown, "–", "87.5 %", "–"]


def test_without_labels_and_tiers_the_report_says_nothing_of_them(tmp_path, grown):
    page = rendered(tmp_path / "report", grown)[1]
    assert not [h.text() for h in page.css("h2") if h.text() in ("Tiers", "Precision and recall by page")]


def test_the_sample_for_readers_stands_in_the_report_as_text(tmp_path, grown, artifact):
    text = "</script><script>alert(1)</script> 第一题"
    page = {"url": "a.org/x", "digest": "d", "site": "a.org", "language": "zh", "stratum": "s", "stands_for": 2}
    sample = artifact("label_sample", {"sample.jsonl": [page | {"text": text}]})
    _, shown = rendered(tmp_path / "report", grown | {"label_sample": sample})
    assert json.loads(shown.css_first("#sample").text()) == [page | {"text": text}]
    assert [button.attributes["data-value"] for button in shown.css("#labelling .teaching")] == list("012345")
    _, without = rendered(tmp_path / "without", grown)
    assert without.css_first("#labelling button") is None and "Label pages" not in without.text()
