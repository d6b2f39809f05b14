"""The embedded crawl, read back with FastWARC and by byte offset, against its own truth."""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import re
import zlib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from evaluators.benchmarks import load_problems
from pipelines.crawl.planted import PlantedSettings, write_planted_crawl
from pipelines.crawl.planted_formulas import parse, render
from pipelines.crawl.planted_grammar import grammar
from pipelines.crawl.planted_pages import FORMULA
from pipelines.crawl.planted_warc import BROKEN, READABLE
from pipelines.urls import registered_domain

Truth = dict[str, Any]
TAGS = re.compile(r"<script.*?</script>|<[^>]+>", re.DOTALL)
BENCHMARKS = ("templated", "templated_zh", "templated_easy", "templated_easy_zh")


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    write_planted_crawl(folder, PlantedSettings())
    return folder


@pytest.fixture(scope="module")
def truths(crawl: Path) -> list[Truth]:
    return [json.loads(line) for line in (crawl / "truth.jsonl").read_text(encoding="utf-8").splitlines()]


def stored_bytes(crawl: Path, truth: Truth) -> bytes:
    with (crawl / truth["snapshot"] / truth["warc_file"]).open("rb") as file:
        file.seek(truth["warc_offset"])
        return file.read()


def body(crawl: Path, truth: Truth) -> bytes:
    """The HTTP body of a whole record: one gzip member from the offset on."""
    record = zlib.decompressobj(wbits=31).decompress(stored_bytes(crawl, truth))
    return record.split(b"\r\n\r\n", 2)[2].removesuffix(b"\r\n\r\n")


def plain(crawl: Path, truth: Truth) -> str:
    text = body(crawl, truth).decode(truth["charset"])
    return html.unescape(TAGS.sub(" ", text)).replace("\\(", " ").replace("\\)", " ")


def whole(truths: list[Truth]) -> list[Truth]:
    return [truth for truth in truths if truth["broken"] is None]


def words(text: str) -> list[str]:
    """Words, numbers and single Chinese characters, as the paper's n-grams count them."""
    return re.findall(r"\d+|[a-z]+|[^\W\da-z_]", text.casefold())


def test_it_holds_hundreds_of_pages_over_dozens_of_domains(truths: list[Truth]) -> None:
    pages = {truth["canonical_url"]: truth for truth in truths if truth["readable"]}
    assert 600 <= len(pages) <= 1000
    assert len({truth["domain"] for truth in pages.values()}) >= 36
    assert {truth["language"] for truth in pages.values()} >= {"en", "zh", "de", "fr", "ru", "ja"}
    share = sum(truth["math"] for truth in pages.values()) / len(pages)
    assert 0.25 < share < 0.6


def test_every_truth_has_its_record_at_its_offset(crawl: Path, truths: list[Truth]) -> None:
    for truth in truths:
        if truth["broken"] in ("bad_gzip", "cut_gzip"):
            continue
        record = zlib.decompressobj(wbits=31).decompress(stored_bytes(crawl, truth))
        assert b"WARC-Type: response\r\n" in record[:200]
        assert f"WARC-Target-URI: {truth['url']}\r\n".encode() in record


def test_request_response_and_metadata_come_together_in_common_crawls_file_names(tmp_path: Path) -> None:
    rows = write_planted_crawl(tmp_path, PlantedSettings(scale=0.3, broken=False))["rows"]
    files = sorted(tmp_path.glob("*/*.warc.gz"))
    assert len(files) == 6
    assert all(re.fullmatch(r"CC-MAIN-\d{14}-\d{14}-\d{5}\.warc\.gz", file.name) for file in files)
    names = {int(getattr(WarcRecordType, name)): name for name in ("warcinfo", "request", "response", "metadata")}
    kinds: Counter[str] = Counter()
    for file in files:
        with file.open("rb") as stream:
            kinds.update(names[int(record.record_type)] for record in ArchiveIterator(stream, parse_http=False))
    assert kinds == {"warcinfo": 6, "request": rows, "response": rows, "metadata": rows}


def test_digests_are_those_of_the_bytes(crawl: Path, truths: list[Truth]) -> None:
    import base64

    truth = whole(truths)[0]
    record = zlib.decompressobj(wbits=31).decompress(stored_bytes(crawl, truth))
    expected = base64.b32encode(hashlib.sha1(body(crawl, truth), usedforsecurity=False).digest())
    assert b"WARC-Payload-Digest: sha1:" + expected in record


def test_pages_decode_in_their_charset_and_chinese_ones_are_chinese(crawl: Path, truths: list[Truth]) -> None:
    charsets = Counter(truth["charset"] for truth in whole(truths))
    assert {"utf-8", "gbk", "gb18030", "shift_jis", "windows-1251", "iso-8859-1"} <= set(charsets)
    for truth in whole(truths):
        text = body(crawl, truth).decode(truth["charset"])
        assert html.escape(truth["title"]) in text
        if truth["language"] == "zh":
            assert len(re.findall("[\u4e00-\u9fff]", text)) > 60, truth["url"]


def test_every_kind_of_damage_is_there_and_does_what_it_says(crawl: Path, truths: list[Truth]) -> None:
    broken: dict[str, list[Truth]] = defaultdict(list)
    for truth in truths:
        if truth["broken"]:
            broken[truth["broken"]].append(truth)
            assert truth["readable"] == (truth["broken"] in READABLE)
    assert set(broken) == set(BROKEN)
    assert b"WARC-Truncated: length" in gzip_head(crawl, broken["truncated"][0])
    assert not body(crawl, broken["truncated"][0]).rstrip().endswith(b"</html>")
    assert body(crawl, broken["gzip_body"][0])[:2] == b"\x1f\x8b"
    assert body(crawl, broken["empty"][0]) == b""
    assert b"\x00" in body(crawl, broken["odd_characters"][0])
    assert max(map(len, body(crawl, broken["long_line"][0]).split(b"\n"))) > 1_000_000
    assert b"HTTP/1.1 404" in gzip_head(crawl, broken["not_found"][0])
    assert b"Content-Length: many" in gzip_head(crawl, broken["bad_header"][0])
    with pytest.raises(UnicodeDecodeError):
        body(crawl, broken["lying_charset"][0]).decode("utf-8")
    with pytest.raises(zlib.error):
        zlib.decompressobj(wbits=31).decompress(stored_bytes(crawl, broken["bad_gzip"][0]))
    with pytest.raises(EOFError):
        gzip.decompress(stored_bytes(crawl, broken["cut_gzip"][0]))


def gzip_head(crawl: Path, truth: Truth) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(stored_bytes(crawl, truth))[:1500]


def test_formulas_of_the_truth_stand_in_the_page_in_its_markup(crawl: Path, truths: list[Truth]) -> None:
    seen = Counter()
    for truth in whole(truths):
        stored = body(crawl, truth)
        for tex in truth["formulas"]:
            shown = [render(tex, truth["markup"], display=display) for display in (False, True)]
            assert any(one.encode(truth["charset"], "xmlcharrefreplace") in stored for one in shown), tex
            seen[truth["markup"]] += 1
    assert set(seen) == {
        "mathjax", "dollars", "katex", "mathml", "mathml_bare", "image", "script", "unicode", "wikipedia",
    }  # fmt: skip
    assert min(seen.values()) >= 20


def test_seed_pages_look_like_neither_chinese_nor_word_problems(crawl: Path, truths: list[Truth]) -> None:
    seeds = [truth for truth in truths if truth["seed"]]
    assert {truth["domain"] for truth in seeds} == {registered_domain("www.lemmaworks.example")}
    assert {(truth["language"], truth["markup"], truth["kind"]) for truth in seeds} == {("en", "mathjax", "notes")}
    urls = (crawl / "seed_urls.txt").read_text(encoding="utf-8").splitlines()
    assert sorted({truth["canonical_url"] for truth in seeds}) == urls
    assert len(urls) >= 30


def test_leaks_stand_in_pages_of_their_language_in_every_disguise(crawl: Path, truths: list[Truth]) -> None:
    problems = {problem.id: problem for name in BENCHMARKS for problem in load_problems(name)}
    disguises, parts = Counter(), Counter()
    for truth in whole(truths):
        for leak in truth["leaks"]:
            problem = problems[leak["problem_id"]]
            assert problem.language == truth["language"]
            parts[leak["part"]] += 1
            disguises[leak["disguise"]] += 1
            said = " ".join(words(plain(crawl, truth)))
            for part, text in (("question", problem.question), ("solution", problem.solution or "")):
                if leak["part"] in (part, "both"):
                    assert " ".join(words(text)) in said, leak
    assert set(disguises) == {"plain", "spaces", "case", "bold", "breaks", "delimiters"}
    assert set(parts) == {"question", "solution", "both"}
    assert sum(disguises.values()) >= 24


def test_clean_pages_share_no_ten_words_with_any_test_problem(crawl: Path, truths: list[Truth]) -> None:
    known: set[tuple[str, ...]] = set()
    short: set[tuple[str, ...]] = set()
    for name in BENCHMARKS:
        for problem in load_problems(name):
            for text in (problem.question, problem.solution or ""):
                said = words(text)
                known.update(tuple(said[i : i + 10]) for i in range(len(said) - 9))
                if 3 <= len(said) < 10:
                    short.add(tuple(said))
    for truth in whole(truths):
        if truth["leaks"]:
            continue
        said = words(plain(crawl, truth))
        assert not any(tuple(said[i : i + 10]) in known for i in range(len(said))), truth["url"]
        assert not any(tuple(said[i : i + n]) in short for n in range(3, 10) for i in range(len(said))), truth["url"]


def test_near_duplicates_share_most_of_their_words(crawl: Path, truths: list[Truth]) -> None:
    groups: dict[str, dict[str, set[str]]] = defaultdict(dict)
    for truth in whole(truths):
        if truth["group"]:
            groups[truth["group"]][truth["canonical_url"]] = set(words(plain(crawl, truth)))
    assert len(groups) >= 30
    assert all(len(pages) >= 2 for pages in groups.values())
    similarity = [
        len(one & other) / len(one | other)
        for pages in groups.values()
        for one, other in zip(list(pages.values()), list(pages.values())[1:], strict=False)
    ]
    assert sorted(similarity)[len(similarity) // 10] > 0.7  # a mirror in another template keeps the content's words


def test_later_snapshots_hold_newer_versions_and_other_spellings_of_urls(truths: list[Truth]) -> None:
    readable = [truth for truth in truths if truth["readable"]]
    versions = [truth for truth in readable if truth["version"] == 2]
    assert len(versions) >= 20
    first = {truth["canonical_url"]: truth["snapshot"] for truth in readable if truth["version"] == 1}
    assert all(first[truth["canonical_url"]] < truth["snapshot"] and truth["newest"] for truth in versions)
    spellings = [truth["url"] for truth in readable if truth["url"] != truth["canonical_url"]]
    assert len(spellings) >= 20
    for mark in (":443", "http://", "#", "utm_"):
        assert any(mark in url for url in spellings), mark
    newest = Counter(truth["canonical_url"] for truth in readable if truth["newest"])
    assert set(newest) == {truth["canonical_url"] for truth in readable}
    assert set(newest.values()) == {1}


def test_look_alikes_carry_dollars_and_numbers_but_no_formula(crawl: Path, truths: list[Truth]) -> None:
    kinds = {truth["kind"] for truth in whole(truths) if not truth["math"]}
    assert {"prices", "code", "sports", "phones", "recipe", "horoscope", "finance", "shop"} <= kinds
    dollars = [truth for truth in whole(truths) if truth["kind"] in ("prices", "code") and truth["language"] == "en"]
    assert all(body(crawl, truth).count(b"$") >= 2 and truth["formulas"] == [] for truth in dollars)


def test_one_setting_gives_one_crawl_to_the_byte(crawl: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    again.mkdir()
    other.mkdir()
    facts = write_planted_crawl(again, PlantedSettings())
    write_planted_crawl(other, PlantedSettings(seed=12))

    def contents(folder: Path) -> dict[str, bytes]:
        return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    assert contents(again) == contents(crawl)
    assert contents(other) != contents(crawl)
    assert facts["rows"] == len((again / "truth.jsonl").read_text(encoding="utf-8").splitlines())


def test_scale_and_leaks_follow_the_settings(tmp_path: Path) -> None:
    small = PlantedSettings(scale=0.2, snapshots=("CC-MAIN-2024-10",), leaks=0, broken=False)
    facts = write_planted_crawl(tmp_path, small)
    assert 100 < facts["pages"] < 300
    assert facts["leaks"] == 0
    assert facts["broken"] == {}


@pytest.mark.parametrize("name", ["math_en", "math_zh"])
def test_every_formula_of_the_grammars_can_be_rendered(name: str) -> None:
    import random

    rules = grammar(name)
    for symbol in rules.symbols:
        for text in rules.several(symbol, random.Random(symbol), len(rules.symbols[symbol])):
            for display, inline in FORMULA.findall(text):
                parse(display or inline)


def test_mathml_and_katex_repeat_the_formula_as_browsers_do() -> None:
    tex = "\\frac{x^{2}}{3} \\le \\sqrt{y_{1}}"
    assert render(tex, "mathml_bare") == (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow><mrow><mfrac><msup><mi>x</mi><mn>2</mn></msup>'
        "<mn>3</mn></mfrac><mo>≤</mo><msqrt><msub><mi>y</mi><mn>1</mn></msub></msqrt></mrow></mrow></math>"
    )
    assert render(tex, "unicode") == "<i>x</i><sup>2</sup>/3 ≤ √<i>y</i><sub>1</sub>"
    assert render("a < b", "mathjax") == "\\(a &lt; b\\)"
    katex = render(tex, "katex")
    assert katex.count("annotation") == 2
    assert 'aria-hidden="true"' in katex


def test_a_formula_outside_the_grammar_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a symbol of the grammar, found '\\\\unknown'"):
        parse("x + \\unknown")
    with pytest.raises(ValueError, match="expected '}', found the end"):
        parse("\\frac{1}{2")


def test_more_leaks_than_there_are_problems_are_refused_with_the_settings() -> None:
    with pytest.raises(ValueError, match=r"leaks: expected at most 20, from 20 rows of 1 benchmarks; found 24\. Raise"):
        PlantedSettings(leaked_benchmarks=("templated_easy",))
