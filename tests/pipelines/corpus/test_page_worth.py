"""The worth of pages written for these tests, none of which taught it anything."""

import numpy as np
import pytest

from pipelines.corpus.page_structure import COUNTS, structure
from pipelines.corpus.page_worth import FIGURES, figures_of, load_head
from pipelines.corpus.worth import WorthSettings, tiers_of, write_worth
from pipelines.corpus.worth_teaching import Lessons, teach
from pipelines.records import EXTRACTED
from pipelines.storage import StorageError

CHINESE_SCHOOL = """五年级数学上册 第三单元 小数除法
例1 学校买来 8 箱牛奶，一共花了 340.8 元。平均每箱牛奶多少元？
解：340.8 ÷ 8 = 42.6（元）
答：平均每箱牛奶 42.6 元。
练习题
1. 小华家到学校的路程是 1.2 千米，他走了 15 分钟，平均每分钟走多少千米？
2. 一个长方形的面积是 25.2 平方米，宽是 3.6 米，求它的长。
3. 甲数是乙数的 2.5 倍，两数的和是 49，求甲、乙两数。
因为除数是小数，所以先把除数变成整数，再按整数除法计算。"""
WORD_PROBLEMS = """Practice for Friday
1. Mrs. Okafor bakes 36 muffins and packs them in boxes of 4. How many boxes does she need? She sells each box for 5 dollars. \
How much money does she get altogether?
2. A train leaves at noon and travels at 60 miles an hour. Another leaves the same station an hour later at 80 miles an hour. \
How long does it take until the second train catches the first?
3. Ravi is twice as old as his sister. In six years the sum of their ages will be 42. How old is each of them now?
Answers: 9 boxes, 45 dollars; after 3 hours; 20 and 10. To solve the third, let the sister be s years old now."""
PROOF_IN_A_COOKING_BLOG = """Grandma's lemon cake and why 0.999... = 1
My nephew would not eat his slice until we had settled a question from school. Let x = 0.999... Then 10x = 9.999..., hence \
10x - x = 9, and therefore x = 1. He was not convinced, so we took the geometric series: the sum of 9/10 + 9/100 + 9/1000 + ... \
is (9/10) / (1 - 1/10) = 1. A number that is less than 1 would differ from it by some positive amount, but the difference is \
smaller than 1/10^n for every n, which is a contradiction. The cake was gone by the time the proof was done."""
FORUM = """Probability that two cards are of the same suit
Two cards are drawn from a deck of 52 without replacement. What is the probability that they have the same suit? I tried 1/4 times \
1/4 but the answer in the book is 4/17.
Reply: the first card can be anything. Given the first, 12 of the remaining 51 cards have its suit, so the probability is \
12/51 = 4/17. Your product would be the probability of one fixed suit with replacement."""
MEMBER_LIST = """Matrix< Scalar, Rows, Cols > Member List
This is the complete list of members for Matrix< Scalar, Rows, Cols >, including all inherited members.
| adjoint() const | MatrixBase | inline |
| all() const | DenseBase | |
| array() | MatrixBase | inline |
| cols() const | EigenBase | inline |
| determinant() const | MatrixBase | |
| eigenvalues() const | MatrixBase | |
| inverse() const | MatrixBase | inline |
| norm() const | MatrixBase | |
| transpose() | DenseBase | |"""
SOURCE_LISTING = """Vector.h Source File
```
#ifndef ALGEBRA_VECTOR_H
#define ALGEBRA_VECTOR_H
#include <cmath>
namespace algebra {
template <typename Scalar> class Vector {
 public:
  explicit Vector(std::size_t size) : data_(new Scalar[size]), size_(size) {}
  Scalar norm() const { return std::sqrt(dot(*this)); }
  Scalar dot(const Vector& other) const;
 private:
  Scalar* data_;
  std::size_t size_;
};
}
#endif
```"""
INDEX = """Index
A | B | C | D
- abs() (in module mathlib)
- acos() (in module mathlib)
- bernoulli() (in module mathlib)
- bessel (class in mathlib.special)
- chebyshev() (mathlib.Polynomial method)
- cholesky() (in module mathlib.linalg)
- det() (in module mathlib.linalg)
- diff() (mathlib.Function method)"""
THREADING_MANUAL = """Using the library from several threads
If your application is multithreaded, and several threads call the library at the same time, initialise it before you create \
them. You can set the number of threads at run time with the environment variable OMP_NUM_THREADS, or with setThreads(n) in your \
program. By default the library uses all cores; compile it with -fopenmp to enable this. Note that memory is allocated by each \
thread, so a server with many users may want to disable the option. See also: installing the package, configuration files."""
NEWS = """Prices rise for the third month
The price of bread rose by 4.5 percent in March, the statistics office said on Tuesday, after 3.9 percent in February. Analysts \
had expected an increase of 4.1 percent. "Families feel it at the counter," said a spokesman for the bakers. The central bank \
meets on 12 April and is expected to keep its rate at 3.25 percent. Shares fell 120 points in early trading."""
CHINESE_NEWS = """本市今日启用新地铁线路
记者从市交通局获悉，地铁12号线今日正式开通运营，全长 28.6 公里，设车站 21 座。首班车 5 时 30 分发车，末班车 23 时。市民王女士说，以前上班要\
换乘两次，现在只需 40 分钟。据介绍，开通首日客流预计达到 15 万人次，票价 3 元起。"""
RECIPE = """Pancakes for eight
Mix 250 g of flour with 3 eggs and half a litre of milk. Add 2 spoons of sugar and let it rest for 30 minutes. Heat the pan, pour in \
a ladle of batter and bake for 2 minutes on each side. Serve with jam. You can double the amounts if guests come."""
MATHEMATICS = {
    "a Chinese school page": CHINESE_SCHOOL,
    "word problems without a formula": WORD_PROBLEMS,
    "a proof on a site of cakes": PROOF_IN_A_COOKING_BLOG,
    "a question with its answer": FORUM,
}
OTHER = {
    "a member list of a library of mathematics": MEMBER_LIST,
    "its source": SOURCE_LISTING,
    "its index": INDEX,
    "its manual of threads": THREADING_MANUAL,
    "news of prices": NEWS,
    "Chinese news": CHINESE_NEWS,
    "a recipe": RECIPE,
}
LEAST = WorthSettings().least_mathematics


def worth_of(*texts):
    return load_head().judge(figures_of(texts))


@pytest.mark.parametrize("name", MATHEMATICS)
def test_a_page_of_mathematics_is_known_whatever_its_site_and_language(name):
    assert worth_of(MATHEMATICS[name])[0][0] >= LEAST


@pytest.mark.parametrize("name", OTHER)
def test_a_page_without_mathematics_is_known_on_a_site_of_mathematics_too(name):
    assert worth_of(OTHER[name])[0][0] < LEAST


def test_worked_problems_teach_more_than_a_member_list():
    _, teaching = worth_of(WORD_PROBLEMS, CHINESE_SCHOOL, MEMBER_LIST, INDEX)
    assert min(teaching[:2]) > max(teaching[2:]) + 1


def test_what_a_page_is_made_of_is_counted():
    text = "Let n be even. Then f(n) = n^2 + 1?\n- one\n- snake_case camelCase a.dotted\n```\nint x = 3 + 4;\n```\n小明有多少个苹果，一共卖了多少元？\n"
    counts = dict(zip(COUNTS, structure(text), strict=True))
    assert counts["lines"] == 7
    assert counts["bullets"] == 2
    assert counts["identifiers"] == 3
    assert counts["calls"] == 1
    assert counts["questions"] == 2
    assert counts["sums"] == 2  # 2 + 1 and 3 + 4
    assert counts["singles"] == 5  # n, f, n, n, and x
    assert counts["fenced"] == len("intx=3+4;")
    assert counts["wide"] == 15


@pytest.mark.parametrize("text", ["", "\n", "\ud800", "a" * 200_000, "é" * 90_000, "$" * 5_000, "\\frac" * 9_000])
def test_any_text_has_finite_figures(text):
    assert np.isfinite(figures_of([text])).all()


def test_a_head_learns_what_tells_its_lessons_apart():
    figures = np.zeros((40, len(FIGURES)))
    figures[:20, 3] = 1.0
    answers = figures[:, 3].copy()
    head = teach(Lessons(figures=figures, mathematics=answers, teaching=4 * answers, weights=np.ones(40)))
    odds, teaching = head.judge(figures[[0, 30]])
    assert odds[0] > 2 > -2 > odds[1]
    assert teaching == pytest.approx([4, 0], abs=0.2)


def test_tiers_are_by_mathematics_first_and_by_teaching_then():
    settings = WorthSettings(least_mathematics=0, good=2, best=3)
    odds, teaching = np.array([-1, 1, 1, 1], np.float32), np.array([5, 1, 2, 3], np.float32)
    assert tiers_of(odds, teaching, settings).tolist() == [0, 1, 2, 3]


def test_every_row_of_a_corpus_gets_its_worth_in_its_place(stage, stored):
    texts = [WORD_PROBLEMS, INDEX, "", FORUM]
    rows = [{"url_key": f"a.org/{n}", "url": f"https://a.org/{n}", "text": text} for n, text in enumerate(texts)]
    worth = stage(write_worth, WorthSettings(), texts=stored("extracted", rows, EXTRACTED))
    from pipelines.corpus.page_tables import table_batches

    found = [row for batch in table_batches(worth) for row in batch.to_pylist()]
    assert [row["url_key"] for row in found] == [row["url_key"] for row in rows]
    assert [row["tier"] > 0 for row in found] == [True, False, False, True]
    assert worth.facts["pages_by_tier"]["0"] == 2


def test_a_head_of_other_figures_is_refused(tmp_path):
    (tmp_path / "head.json").write_text(
        '{"names": ["a"], "mean": [0], "spread": [1], "mathematics": [1, 0], "teaching": [1, 0]}'
    )
    with pytest.raises(StorageError, match="expected a head over"):
        load_head(tmp_path / "head.json")
