"""Where the final answer of a text is found, by which method, and how long that may take."""

import time

import pytest

from evaluators.answers import check, check_output, extract


def answer(text: str, **options: object) -> str | None:
    found = extract(text, **options)  # type: ignore[arg-type]
    return None if found is None else found.answer


@pytest.mark.parametrize(
    ("text", "expected", "method"),
    [
        (r"So it is \boxed{5}.", "5", "boxed"),
        (r"First \boxed{3}, then \boxed{\frac{1}{2}}", r"\frac{1}{2}", "boxed"),
        (r"\boxed{\text{Evelyn}}", r"\text{Evelyn}", "boxed"),
        (r"\boxed{\left\{1, 2\right\}}", r"\left\{1, 2\right\}", "boxed"),
        (r"\fbox{7} is it", "7", "boxed"),
        (r"so \boxed 5", "5", "boxed"),
        ("<think>maybe \\boxed{4}</think> It is \\boxed{5}", "5", "boxed"),
        ("steps... <answer> 12 </answer>", "12", "answer_tag"),
        ("<answer>\\boxed{12}</answer>", "12", "boxed"),
        ("16 - 3 = 13\n#### 13", "13", "hashes"),
        ("The answer is 42.", "42", "cue"),
        ("The final answer is $\\frac{3}{4}$. I hope it is correct.", "$\\frac{3}{4}$", "cue"),
        ("**Final Answer:** 18", "18", "cue"),
        ("Answer: (B)", "(B)", "cue"),
        ("所以答案是18元。", "18元", "cue"),
        ("答：小明一共有18个苹果。", "18个苹果", "cue"),
        ("最终答案为：\\(x=3\\)。", "\\(x=3\\)", "cue"),
        ("答：需要3小时20分钟。", "3小时20分钟", "cue"),
        ("最后结果是1200千克。", "1200千克", "cue"),
        ("本题选 C", "C", "cue"),
        ("【答案】B", "B", "cue"),
        ("所以三角形的面积是$6\\sqrt{3}$平方厘米。", "$6\\sqrt{3}$", "conclusion"),
        ("因此，该函数的最小值为-4。", "-4", "conclusion"),
        ("The answer is \\boxed{\\frac{1}{2}", "\\frac{1}{2}", "cue"),
        ("```output\n3\n18\n```\nDone", "18", "program_output"),
        ("So she has 18 apples.", "18", "last_number"),
        ("Hence $x = 2y$ and so $x + y = 9$", "9", "last_formula"),
    ],
)
def test_the_answer_is_found_by_its_method(text: str, expected: str, method: str) -> None:
    found = extract(text)
    assert found is not None
    assert (found.answer, found.method) == (expected, method)


def test_a_denied_answer_is_none() -> None:
    assert answer("答案不是5。") is None
    assert answer("The answer is not 5.") is not None  # judged as `not 5`, which equals no number
    assert check_output("5", "The answer is not 5.").verdict != "correct"


def test_the_span_is_where_the_answer_stands() -> None:
    text = r"<think>7</think> Thus \boxed{ \frac{1}{2} } holds"
    found = extract(text)
    assert found is not None and text[found.start : found.end] == found.answer == r"\frac{1}{2}"


def test_a_box_is_surer_than_a_last_number() -> None:
    box, number = extract(r"\boxed{5}"), extract("about 5 of them")
    assert box is not None and number is not None and box.confidence > number.confidence


def test_a_thought_that_never_ends_gives_no_answer() -> None:
    assert extract("<think> perhaps \\boxed{5}") is None


def test_an_empty_text_gives_no_answer() -> None:
    assert extract("") is None
    assert check_output("5", "").verdict == "no_answer"


def test_a_box_that_never_closes_falls_back_to_its_line() -> None:
    assert answer(r"so \boxed{12") == "12"


def test_several_boxes_are_one_list_only_where_the_reference_is_a_list() -> None:
    text = r"Either \boxed{1} or \boxed{2}"
    assert check_output("1,2", text).correct
    assert check_output("2", text).correct
    assert not check_output("1", text).correct


def test_reward_takes_two_different_boxes_for_a_hedge() -> None:
    assert check_output("2", r"\boxed{1} or \boxed{2}", profile="reward").verdict == "incorrect"
    assert check_output("2", r"\boxed{2}, that is \boxed{2}", profile="reward").correct


def test_reward_takes_no_answer_that_was_not_announced() -> None:
    assert check_output("18", "So she has 18 apples.", profile="reward").verdict == "no_answer"
    assert check_output("18", "The answer is 18.", profile="reward").correct


def test_a_hedged_announcement_is_not_narrowed_to_a_number() -> None:
    assert not check_output("5", "The answer is not 5.").correct
    assert not check_output("5", "The answer is 5 or 6.").correct
    assert not check_output("5", "The answer is either 4 or 5.").correct


def test_program_output_counts_where_nothing_is_announced() -> None:
    assert check_output("18", "I ran the program.", program_output="3\n18\n").correct
    assert check_output("18", r"\boxed{18}", program_output="17").correct


def test_the_published_order_prefers_the_announced_formula() -> None:
    text = r"\boxed{3} The final answer is $4$. I hope it is correct."
    assert answer(text, profile="deepseek") == "4"
    assert answer(r"\boxed{3} the answer is 5", profile="deepseek") == "3"
    assert answer("```output\n7\n```", profile="deepseek") == "7"
    assert answer("so 1,234 of 5", profile="deepseek") == "5"


@pytest.mark.parametrize(
    "piece",
    ["\\boxed{", "{", "}", "$", "\\", "<answer>", "#### ", "the answer is ", "所以", "```output\n", "1 ", "<think>"],
)
def test_extraction_is_linear_in_the_text(piece: str) -> None:
    """A text ten times as long may take about ten times as long; a quadratic rule would take a hundred times."""
    times = []
    for length in (20_000, 200_000):
        text = piece * (length // len(piece))
        begun = time.process_time()
        extract(text)
        times.append(time.process_time() - begun)
    assert times[1] < 40 * times[0] + 0.2


@pytest.mark.parametrize(
    "piece",
    ["\n", " \n", "answer: ", "the answer is 1. ", "答案是1。", "1", "1 ", "(1)", "(1) ", "<answer>", "####", "\\boxed{", "$", "\\frac", "Problem 1\n"],
)  # fmt: skip
def test_an_output_of_one_piece_again_and_again_takes_no_time(piece: str) -> None:
    check_output("5", "the answer is 6")  # what is imported at first use
    text = (piece * 20_000)[:20_000]
    begun = time.process_time()
    check_output("5", text)
    check("5", text)
    assert time.process_time() - begun < 0.25  # 0.05 each on a free core
