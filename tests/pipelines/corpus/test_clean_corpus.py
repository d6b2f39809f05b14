import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluators.executors import LocalExecutor
from evaluators.leaks.words import gram_words
from pipelines.corpus.decontamination import BenchmarkIndex, DecontaminationSettings, write_contamination
from pipelines.corpus.export import ExportSettings, write_math_corpus
from pipelines.corpus.near_duplicates import NearDuplicateSettings, write_near_duplicates
from pipelines.corpus.page_tables import CorpusError
from pipelines.corpus.quality import QualitySettings, judge, line_reason
from pipelines.corpus.shingles import overlap, shingle_hashes
from pipelines.records import EXTRACTED, PROBLEMS

QUESTION = "Natalia sold 1,000 clips to 48 of her friends in April, and then she sold half as many clips in May."
ZH = "小明家有鸡和兔共三十五只，它们的脚一共有九十四只，问鸡和兔各有多少只？"
SETTINGS = DecontaminationSettings()


def extracted_row(key, text, **values):
    """One row of EXTRACTED."""
    row = dict.fromkeys(EXTRACTED.names) | {"url_key": key, "url": f"https://{key}", "title": key, "text": text}
    return (
        row | {"domain": key.partition("/")[0], "language": "en", "margin": 1.0, "tokens": 100, "formulas": 0} | values
    )


def problem(number, question, reference="72", solution=None):
    return {"id": f"b/{number}", "benchmark": "b", "question": question, "reference": reference, "solution": solution}


def prose(seed, words=300):
    draw = np.random.default_rng(seed)
    return " ".join(f"w{n}" for n in draw.integers(0, 5000, words))


def hits(text, *problems):
    return BenchmarkIndex(problems, SETTINGS).hits(text)


@pytest.mark.parametrize(
    "copy",
    [
        QUESTION,
        QUESTION.upper(),
        QUESTION.replace(" ", "\n  "),
        QUESTION.replace(" ", "\u00a0"),
        QUESTION.replace("friends", "<b>friends</b>").replace("April", "*April*"),
        QUESTION.replace("1,000", "1000"),
        QUESTION.replace("1,000", "1 000"),
        QUESTION.replace("1,000", r"1\ 000"),
        QUESTION.replace("1,000", "1&nbsp;000"),
        QUESTION.replace("clips", "cl\u200bips"),
    ],
)
def test_a_copied_question_is_found_whatever_its_white_space_case_and_markup(copy):
    (hit,) = hits(f"{prose(1)} {copy} {prose(2)}", problem(1, QUESTION))
    assert (hit["problem_id"], hit["part"], hit["match"]) == ("b/1", "question", "gram")
    assert hit["span"].startswith("natalia sold 1000 clips to 48")
    assert hit["words"] == 21


@pytest.mark.parametrize("copy", [ZH, ZH.replace("，", "，\n"), " ".join(ZH), ZH.replace("鸡", "<i>鸡</i>")])
def test_chinese_is_compared_by_character(copy):
    (hit,) = hits(f"题目：{copy} 解答如下", problem(1, ZH))
    assert hit["words"] == 32  # its characters without the three marks


TRADITIONAL = "小明家有雞和兔共三十五隻，它們的腳一共有九十四隻，問雞和兔各有多少隻？"


@pytest.mark.parametrize(("copy", "original"), [(TRADITIONAL, ZH), (ZH, TRADITIONAL), (TRADITIONAL, TRADITIONAL)])
def test_traditional_chinese_is_the_same_as_simplified(copy, original):
    (hit,) = hits(f"題目：{copy}解答如下", problem(1, original))
    assert hit["words"] == 32


def test_characters_of_either_script_become_one_whatever_stands_beside_them():
    assert gram_words("頭髮 發展 乾坤 乾燥 看著 什麼") == list("头发发展干坤干燥看着什么")


ZH_NUMBERS = r"小明买了12个苹果，每个重150g，价格a=3.5元，\frac{1}{2}给了妈妈，还剩多少？"


@pytest.mark.parametrize(
    "copy",
    [
        " ".join(ZH_NUMBERS),
        "\n".join(ZH_NUMBERS),
        re.sub(r"(?<=[\d\u4e00-\u9fff])(?=[\d\u4e00-\u9fff])", " ", ZH_NUMBERS),
        re.sub(r"(?<=\d)(?=\d)", " ", ZH_NUMBERS),
        *(
            re.sub(r"\d+", wrap, ZH_NUMBERS)
            for wrap in (r"$\g<0>$", r"\\(\g<0>\\)", r"\\text{\g<0>}", r"\\mathrm{\g<0>}")
        ),
        re.sub(r"\d+(\.\d+)?", r" $\\text{\g<0>}$ ", ZH_NUMBERS),
    ],
)
def test_numbers_are_the_same_however_they_are_spaced_out_or_wrapped(copy):
    (hit,) = hits(f"See here:\n{copy}\nThe end of 7 8 9.", problem(1, ZH_NUMBERS))
    assert hit["words"] == len(gram_words(ZH_NUMBERS)) == 28


def test_white_space_between_numbers_is_kept_beside_other_words():
    assert gram_words("the digits 1 2 3 are given; 中文") == [
        "the",
        "digits",
        "1",
        "2",
        "3",
        "are",
        "given",
        "中",
        "文",
    ]


def test_a_star_between_numbers_multiplies_and_one_in_a_word_stresses():
    assert gram_words("6*30 and $6$*$30$ and com*pli*cated") == ["6", "30", "and", "6", "30", "and", "complicated"]


def test_numbers_are_kept():
    assert (
        hits(
            QUESTION.replace("48", "49").replace("1,000", "7"),
            problem(1, "sold 1,000 clips to 48 of her friends in April, and"),
        )
        == []
    )
    assert gram_words("3.5 and 1,234,567 and 3,14") == ["3.5", "and", "1234567", "and", "3", "14"]


SPACED_LIST = "Ann wrote the numbers 5 100 200 on her new board and then wiped two of them off again."


@pytest.mark.parametrize("copy", [SPACED_LIST, SPACED_LIST.replace("5 100 200", "5, 100, 200")])
def test_numbers_that_follow_each_other_stay_numbers_of_their_own(copy):
    (hit,) = hits(copy, problem(1, SPACED_LIST))
    assert hit["words"] == 19


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("1,234,567.89", "1 234 567.89"),
        ("1 234 567", "1,234,567"),
        ("1 234 567", "1234567"),
        ("$10{,}000$", "10 000"),
    ],
)
def test_thousands_set_apart_on_either_side_are_one_number(written, other):
    question = "In that year the town of Rivers had {} people, half of whom were younger than thirty years."
    (hit,) = hits(question.format(other), problem(1, question.format(written)))
    assert hit["words"] == 18


def test_thousands_set_apart_stay_apart_from_the_number_before_them():
    (hit,) = hits("What is $1^{(2^{235 423 523})}$?", problem(1, "What is $1^{(2^{235423523})}$?"))
    assert (hit["match"], hit["span"]) == ("whole", "what is 1 2 235423523")


def test_thousands_of_another_number_are_no_copy():
    question = "had {} people, half of whom were younger"
    assert hits(question.format("1 234 568"), problem(1, question.format("1,234,567") + " than that town's")) == []


def test_latex_is_kept_and_its_layout_dropped():
    plain = gram_words(r"\left( \dfrac{1}{2} \right) \text{ metres}")
    assert plain == gram_words(r"$(\frac 12)$ metres") == gram_words("1/2 metres") == ["1", "2", "metres"]


def test_a_short_item_is_matched_whole_and_only_whole():
    item = problem(1, "How many cats has Ann?")
    (hit,) = hits("So: how many cats has   ANN? Nobody knows.", item)
    assert (hit["match"], hit["words"]) == ("whole", 5)
    assert hits("How many cats has Anna?", item) == []


def test_a_final_answer_of_one_or_two_words_is_no_evidence():
    assert hits("The answer is 72, or 5 apples.", problem(1, "x", "72"), problem(2, "y", "5 apples")) == []


def test_a_leaked_solution_counts_like_a_question():
    (hit,) = hits(prose(1) + " " + QUESTION, problem(1, "Q?", solution=QUESTION))
    assert hit["part"] == "solution"


def test_what_many_problems_share_is_no_leak_but_their_own_words_are():
    template = "Please reason step by step, and put your final answer within the box below. "
    names = ["ant", "bee", "cow", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay"]
    items = [
        problem(n, f"{template}Which {name} runs and jumps over how many of the other old {name} fences today?")
        for n, name in enumerate(names)
    ]
    assert hits(template, *items) == []
    (hit,) = hits("Which COW runs and jumps over how many of the other old cow fences today?", *items)
    assert hit["problem_id"] == "b/2"


def test_numbers_in_a_row_are_no_leak():
    counting = " ".join(map(str, range(30)))
    assert hits(counting, problem(1, f"What comes next in the row {counting} of the numbers?")) == []


def test_a_phrase_on_many_sites_is_reported_and_not_dropped(stage, stored):
    rows = [extracted_row(f"site{n}.org/a", f"{prose(n)} there is no solution here") for n in range(6)]
    extracted = stored("extracted", rows, EXTRACTED)
    problems = {"b": stored("problems", [problem(1, QUESTION, "There is no solution")], PROBLEMS)}
    found = stage(write_contamination, SETTINGS, extracted=extracted, problems=problems)
    assert (found.facts["hits"], found.facts["contaminated_pages"], found.facts["common_phrases"]) == (6, 0, 6)


def test_exact_jaccard_of_word_5_grams():
    left, right = shingle_hashes("a b c d e f", 5), shingle_hashes("a b c d e g", 5)
    assert (len(left), len(right), overlap(left, right).jaccard) == (2, 2, 1 / 3)
    assert len(shingle_hashes("数学题目很难", 5)) == 2
    assert overlap(shingle_hashes("", 5), shingle_hashes("", 5)).jaccard == 0.0


def edited(text, share, seed):
    """The text with some words replaced."""
    draw, words = np.random.default_rng(seed), text.split()
    for place in draw.choice(len(words), int(share * len(words)), replace=False):
        words[place] = f"edit{seed}x{place}"
    return " ".join(words)


def duplicate_rows():
    rows = []
    for n in range(170):  # enough rows for two processes
        text = prose(n)
        rows += [extracted_row(f"a.org/{n}", text), extracted_row(f"b.org/{n}", edited(text, 0.01, n), formulas=3)]
        rows.append(extracted_row(f"c.org/{n}", edited(text, 0.2, n + 100)))
    return rows


def test_pairs_above_the_threshold_share_a_cluster_whatever_the_workers(stage, stored):
    rows = duplicate_rows()
    extracted = stored("extracted", rows, EXTRACTED)
    one, two = (
        stage(write_near_duplicates, NearDuplicateSettings(), extracted=extracted, executor=LocalExecutor(workers=n))
        for n in (1, 2)
    )
    assert [path.read_bytes() for path in one.files("*")] == [path.read_bytes() for path in two.files("*")]
    found = pq.read_table(one.files("clusters-*.parquet")[0]).to_pylist()
    shingles = [shingle_hashes(row["text"], 5) for row in rows]
    for n in range(0, len(rows), 3):
        assert found[n]["cluster"] == found[n + 1]["cluster"] == n
        alike = overlap(shingles[n + 1], shingles[n + 2]).jaccard >= 0.8  # with the page that stays
        assert alike == (found[n + 2]["cluster"] == n)
        assert [row["kept"] for row in found[n : n + 2]] == [False, True]  # the copy with formulas is the best
    assert (one.facts["clusters"], one.facts["duplicates"], one.facts["largest"]) == (170, 170, 2)


def test_a_line_that_repeats_itself_ten_thousand_times_is_dropped_and_the_page_stays():
    proof = "There is no largest prime. " * 10
    judged = judge(proof + "\n" + "lorem ipsum " * 10_000 + "\n" + proof, QualitySettings())
    assert (judged.reason, dict(judged.dropped_lines)) == (None, {"repetition": 1})
    assert "lorem" not in judged.text
    table = " ".join(str(number * number) for number in range(4_000))
    assert line_reason(table, QualitySettings()) is None


@pytest.mark.parametrize(
    "line",
    [
        "Sign in",
        "Login | Register",
        "Log in to reply",
        "You must be logged in to post a comment",
        "Subscribe to our newsletter",
        "Skip to main content",
        "登录/注册",
        "请先登录后发表评论",
        "上一篇：极限",
        "Already have an account? Log in",
    ],
)
def test_buttons_are_no_text(line):
    assert line_reason(line, QualitySettings()) == "chrome"


@pytest.mark.parametrize(
    "line",
    [
        "log in base 10",
        "sign in the integral is negative",
        "Register allocation by graph colouring",
        "注册会计师考试数学试题",
        "Take the log in both sides",
        "to the new user",
        "Market share on average rose",
        "每天登录次数的期望",
    ],
)
def test_words_of_buttons_in_a_sentence_are(line):
    assert line_reason(line, QualitySettings()) is None


def test_line_rules_leave_formulas_and_code_alone():
    text = "Sign in\nWe use cookies\nSign in: $x = 1$\n```\nlog in\n```\n" + "A sentence about groups. " * 10
    judged = judge(text, QualitySettings())
    assert judged.text.startswith("Sign in: $x = 1$\n```\nlog in\n```\nA sentence")
    assert dict(judged.dropped_lines) == {"chrome": 2}
    assert judged.reason is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tiny", "short"),
        ("word \ufffd\ufffd " * 50, "unreadable"),
        ("A" * 1_000_000, "encoded data"),
        ("the same line again\n" * 40, "repetition"),
        ("数学是研究数量、结构、变化、空间以及信息等概念的一门学科。" * 3, None),
    ],
)
def test_page_rules_say_why(text, reason):
    assert judge(text, QualitySettings()).reason == reason


def cleaned(stage, stored, rows, problems):
    extracted = stored("extracted", rows, EXTRACTED)
    clusters = stage(write_near_duplicates, NearDuplicateSettings(), extracted=extracted)
    tables = {"b": stored("problems", problems, PROBLEMS)}
    contamination = stage(write_contamination, SETTINGS, extracted=extracted, problems=tables)
    return {"extracted": extracted, "near_duplicates": clusters, "contamination": contamination}


def test_every_page_is_exported_or_in_the_ledger_with_its_reason(stage, stored):
    rows = [
        extracted_row("a.org/kept", prose(1)),
        extracted_row("a.org/copy", prose(1)),
        extracted_row("a.org/leak", prose(2) + QUESTION),
        extracted_row("a.org/short", "no"),
        extracted_row("a.org/other", prose(3)),
    ]
    corpus = stage(write_math_corpus, ExportSettings(), **cleaned(stage, stored, rows, [problem(1, QUESTION)]))
    documents = pq.read_table(corpus.path / "data").to_pylist()
    assert [row["url_key"] for row in documents] == ["a.org/kept", "a.org/other"]
    assert documents[0]["cluster_size"] == 2
    ledger = pq.read_table(corpus.path / "ledger").to_pylist()
    assert {row["url_key"]: (row["stage"], row["reason"]) for row in ledger} == {
        "a.org/copy": ("near_duplicates", "near-duplicate"),
        "a.org/leak": ("decontamination", "contamination"),
        "a.org/short": ("quality", "short"),
    }
    assert [row["detail"] for row in ledger if row["url_key"] == "a.org/copy"] == [
        "of a.org/kept, which stays: 1.00 alike, 1.00 of it stands there"
    ]
    assert (corpus.facts["rows"], corpus.facts["dropped"], corpus.facts["contamination_left"]) == (2, 3, 0)


def test_where_the_best_copy_is_dropped_another_stays(stage, stored):
    page = prose(1)
    leak = "\n" + " ".join(QUESTION.split()[:12])
    rows = [extracted_row("a.org/long-url", page), extracted_row("a.org/b", page + leak, formulas=9)]
    corpus = stage(write_math_corpus, ExportSettings(), **cleaned(stage, stored, rows, [problem(1, QUESTION)]))
    assert [row["url_key"] for row in pq.read_table(corpus.path / "data").to_pylist()] == ["a.org/long-url"]


def test_of_the_copies_of_a_page_that_is_dropped_one_stays(stage, stored):
    page = prose(1)
    leak = "\n" + " ".join(QUESTION.split()[:12])
    rows = [extracted_row(f"a.org/{n}", page + f"\nend {n}", formulas=n) for n in range(3)]
    rows.append(extracted_row("a.org/b", page + leak, formulas=9))
    corpus = stage(write_math_corpus, ExportSettings(), **cleaned(stage, stored, rows, [problem(1, QUESTION)]))
    assert [row["url_key"] for row in pq.read_table(corpus.path / "data").to_pylist()] == ["a.org/2"]
    ledger = {row["url_key"]: row["detail"] for row in pq.read_table(corpus.path / "ledger").to_pylist()}
    assert ledger["a.org/0"] == ledger["a.org/1"] == "of a.org/2, which stays"


def test_clusters_of_another_extraction_are_refused(stage, stored):
    inputs = cleaned(stage, stored, [extracted_row("a.org/1", prose(1))], [problem(1, QUESTION)])
    other = stored("other", [extracted_row("b.org/1", prose(1))], EXTRACTED)
    with pytest.raises(CorpusError, match="row by row"):
        stage(write_math_corpus, ExportSettings(), **inputs | {"extracted": other})


def test_the_export_loads_as_a_dataset_and_twice_gives_the_same_bytes(stage, stored, tmp_path):
    datasets = pytest.importorskip("datasets")
    inputs = cleaned(stage, stored, [extracted_row(f"a.org/{n}", prose(n)) for n in range(5)], [problem(1, QUESTION)])
    first, second = (stage(write_math_corpus, ExportSettings(), **inputs) for _ in range(2))
    for path in sorted(p for p in first.path.rglob("*") if p.is_file()):
        assert path.read_bytes() == (second.path / path.relative_to(first.path)).read_bytes(), path.name
    loaded = datasets.load_dataset(str(first.path), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded["url_key"] == [f"a.org/{n}" for n in range(5)]
    assert json.loads((first.path / "figures.json").read_text())["rows"] == 5


def test_pages_of_one_length_and_one_score_make_a_card(stage, stored):
    rows = [extracted_row(f"a.org/{n}", f"{n}{n}{n} " * 99) for n in range(1, 4)]
    corpus = stage(write_math_corpus, ExportSettings(), **cleaned(stage, stored, rows, [problem(1, QUESTION)]))
    assert corpus.facts["rows"] == 3
    assert pq.read_table(corpus.path / "data")["tokens"].to_pylist() == [99] * 3  # 395 bytes, not the cheap text's 100
    assert (corpus.path / "length.png").exists()


def test_an_empty_extraction_makes_an_empty_corpus(stage, stored):
    corpus = stage(write_math_corpus, ExportSettings(), **cleaned(stage, stored, [], [problem(1, QUESTION)]))
    assert corpus.facts["rows"] == 0
    assert isinstance(pq.read_table(corpus.path / "data"), pa.Table)


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        (r"$x \leq \frac{1}{2}$", "𝑥 ≤ \\frac 1 2"),
        (r"$\angle A = 30^{\circ}$ in $\triangle ABC$", "∠A = 30° in △ABC"),
        (r"$2\alpha + \beta \ne \varepsilon$", "2α + β ≠ ε"),
        (r"$3 \times 4 \cdot 5 \div 6 \in \mathbb{R}$", "3 × 4 · 5 ÷ 6 ∈ ℝ"),
        (r"$1 + 2 + \dots + 9 \to \infty$ and $a \lt b$", "1 + 2 + … + 9 → ∞ and a < b"),
        (r"$1, 2, \ldots, 9$", "1, 2, ..., 9"),
        (r"若$x\geqslant 5$，则$\sqrt{2}\approx 1.4$", "若x⩾5，则√2≈1.4"),
        ("1,234,567 and 12345", "1\u202f234\u202f567 and 12\u2009345"),
        ("１２ apples and 12345", "12 apples and １２,３４５"),
        ("the first ten odd", "<td>the first ten</td><td>odd</td>"),
        ("two lines, one bold", "two lines,<br/>one b<b>ol</b>d"),
    ],
)
def test_a_character_and_its_command_are_one_word(original, copy):
    assert gram_words(copy) == gram_words(original)


def test_greek_words_are_no_letters_and_lists_of_numbers_no_thousands():
    assert gram_words("και το α") == ["και", "το", "alpha"]
    assert gram_words("100\u2009200 300; 3.5\u2009124; 1234\u2009567") == ["100200", "300", "3.5", "124", "1234", "567"]


def test_entities_are_the_characters_they_stand_for():
    assert gram_words("0\\le n &lt; 18 &amp; caf&eacute;&#33; &#xd800;") == gram_words("0\\le n < 18 & café! \ufffd")
    assert gram_words("a &b; &c") == ["a", "b", "c"]
