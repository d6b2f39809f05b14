"""One contract for the three finders of leaks: a copy is found by all of them, whatever its spelling, or, where the recipe asks
for that strength of match, its wording."""

import json
from pathlib import Path
from typing import get_args

import pytest

from evaluators.leaks.numerals import reading_of
from evaluators.leaks.questions import BenchmarkQuestions
from evaluators.leaks.reworded import Rewordings
from evaluators.leaks.settings import Rewording, RewordingSettings
from evaluators.leaks.shares import QuestionIndex
from evaluators.leaks.words import gram_words, words_of
from evaluators.records import Problem
from pipelines.corpus.decontamination import BenchmarkIndex, DecontaminationSettings

CASES = json.loads(Path(__file__).with_name("rewordings.json").read_text(encoding="utf-8"))
QUESTIONS = CASES["questions"]
CARRIER = "The library opens late today, as always in the summer months of the year.\n{}\nReaders may leave their books at the desk."
EVERY = get_args(Rewording)


def of_page(text: str, matches: tuple[str, ...]) -> dict[str, str]:
    """Problem -> how it matched, in a page of the corpus."""
    rows = [
        {"id": name, "benchmark": "b", "question": q, "reference": "1", "solution": None}
        for name, q in QUESTIONS.items()
    ]
    hits = BenchmarkIndex(rows, DecontaminationSettings(matches=matches)).hits(CARRIER.format(text))
    return {hit["problem_id"]: hit["match"] for hit in hits}


def of_example(text: str, matches: tuple[str, ...]) -> dict[str, str]:
    """The same in the question of a training example."""
    known = [Problem(id=name, benchmark="b", question=q, reference="1") for name, q in QUESTIONS.items()]
    hit = BenchmarkQuestions(known, matches=matches).find(text, "")
    return {} if hit is None else {hit.problem_id: hit.rule}


def of_score(text: str, matches: tuple[str, ...]) -> dict[str, str]:
    """The same for the score without contaminated problems."""
    found = QuestionIndex(list(QUESTIONS.values()), matches=matches).contained_in(CARRIER.format(text))
    return {list(QUESTIONS)[number]: one.match for number, one in found.items()}


USES = [of_page, of_example, of_score]


@pytest.mark.parametrize("finder", USES)
@pytest.mark.parametrize(("name", "spelling", "copy"), CASES["spellings"], ids=[one[1] for one in CASES["spellings"]])
def test_a_copy_is_found_whatever_its_spelling(finder, name, spelling, copy):
    assert set(finder(copy, ())) == {name}


@pytest.mark.parametrize("finder", USES)
@pytest.mark.parametrize(("name", "match", "copy"), CASES["rewordings"])
def test_a_copy_in_other_words_is_found_where_the_recipe_asks_for_that_match(finder, name, match, copy):
    found = finder(copy, (match,))
    assert set(found) == {name}
    assert found[name] in (match, "gram", "grams")  # or by the 10 words that were left as they were


@pytest.mark.parametrize("finder", [of_example, of_score])
@pytest.mark.parametrize(("name", "match", "copy"), CASES["rewordings"])
def test_without_a_strength_of_match_no_other_wording_is_a_copy(finder, name, match, copy):
    assert finder(copy, ()).get(name) in (None, "grams")  # half of the question's 10-grams may be left in a longer text


@pytest.mark.parametrize("finder", [of_example, of_score])
@pytest.mark.parametrize("text", CASES["others"])
def test_another_problem_of_the_same_kind_is_none(finder, text):
    assert finder(text, EVERY) == {}


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("twenty-five", "25"),
        ("one hundred and twenty apples", "120 apples"),
        ("two thousand five hundred", "2500"),
        ("three million two thousand and one", "3002001"),
        ("nineteen fifty", "19 50"),
        ("one two three", "1 2 3"),
        ("三十五只", "35只"),
        ("二百零三", "203"),
        ("一千二百万", "12000000"),
        ("十二", "12"),
        ("$20.00", "20"),
        ("2.50", "2.5"),
    ],
)
def test_numbers_in_words_and_amounts_are_read_as_digits(words, digits):
    one, other = (reading_of(words_of(text).without_operators()) for text in (words, digits))
    assert one.hashes.tolist() == other.hashes.tolist()
    assert one.numbers.tolist() == other.numbers.tolist()


def test_powers_and_mixed_fractions_stay_numbers_of_their_own():
    assert (
        gram_words("10²³ and 1½ and H₂O")
        == gram_words("10^{23} and 1 1/2 and H_2O")
        == ["10", "23", "and", "1", "1", "2", "and", "h", "2", "o"]
    )


def test_a_name_must_change_the_same_way_everywhere():
    question = "Ann gave 12 red pens to Bob, and Bob gave 5 of them back to Ann. How many red pens has Ann now?"
    rewordings = Rewordings([question], ["renamed"], RewordingSettings())

    def found(text):
        return [one.match for one in rewordings.found(words_of(text).without_operators())]

    assert found("Eve gave 12 red pens to Tom, and Tom gave 5 of them back to Eve. How many red pens has Eve now?") == [
        "renamed"
    ]
    assert (
        found("Eve gave 12 red pens to Tom, and Kim gave 5 of them back to Sue. How many red pens has Joe now?") == []
    )
