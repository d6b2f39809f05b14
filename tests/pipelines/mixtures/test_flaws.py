"""What is wrong with a solution besides its answer: each rule on what it must find, and on what looks like it and is sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.mixtures.flaws import FlawName, Text, find_flaws, is_constant
from pipelines.mixtures.source import SourceSettings, read_solutions

RIGHT = "So the answer is $\\boxed{42}$."


def names(response: str, *, form: str = "cot", language: str = "en", question: str = "6 times 7?") -> list[FlawName]:
    return [flaw.name for flaw in find_flaws(Text(question=question, response=response, form=form, language=language))]  # type: ignore[arg-type]


LOOP = "We add the two numbers and get another number. "
FLAWED: list[tuple[FlawName, str]] = [
    ("empty", " \n..."),
    ("broken_text", f"Caf\ufffd. {RIGHT}"),
    ("broken_text", f"a\x00b. {RIGHT}"),
    ("refusal", f"I'm sorry, but I can't help with that. {RIGHT}"),
    ("refusal", f"As an AI language model, I do not compute. {RIGHT}"),
    ("refusal", f"I am unable to solve this problem. {RIGHT}"),
    ("markup", f"<p>Multiply.</p> {RIGHT}"),
    ("markup", f'See <a href="x">this</a>. {RIGHT}'),
    ("markup", f"6&nbsp;times 7. {RIGHT}"),
    ("markup", f"6 times 7.<br/>{RIGHT}"),
    ("advert", f"More at https://example.org/deals. {RIGHT}"),
    ("advert", f"Click here for more. {RIGHT}"),
    ("cut", "Multiply 6 by 7 and"),
    ("cut", "Then $6 \\times 7 =$ \\boxed{4"),
    ("cut", "Then \\[6 \\times 7 = 42"),
    ("cut", "Then \\begin{align} x &= 42."),
    ("cut", "<think>First, six times seven. It is 42."),
    ("cut", "We compute.\n```python\nprint(6 * 7"),
    ("repetition", LOOP * 6 + RIGHT),
    ("repetition", "wait no " * 12 + RIGHT),
    ("wrong_language", "我们把六和七相乘，得到四十二，所以答案就是四十二。" + RIGHT),
    (
        "wrong_language",
        "Nous avons six fois sept, donc le produit est dans la table des produits et il est 42. " + RIGHT,
    ),
    ("wrong_language", "Шесть умножить на семь равно сорок два, значит ответ такой. " + RIGHT),
]
SOUND = [
    RIGHT,
    "He is sorry. He cannot answer the door, and I can't blame him: as an AIR pilot he flies 42 miles.",
    "If $x<p$ and $p>q$, then a < b > c. The tag <x> stands for 42, and R&D costs $42; AT&T too.",
    "How many can she buy now? She can buy 42 now.",
    "Then $1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1=24$. 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 = 13.",
    "A is 1: wrong. B is 2: wrong. C is 3: wrong. D is 4: wrong. E is 42: right.",
    "Room A has 3 men and 4 women.\nRoom B has 4 men and 5 women.\nRoom C has 5 men and 6 women.\nRoom D has 6 men and 7 women.",
    "The system $\\begin{cases} x=1 \\\\ y=2 \\\\\\end{cases}$ gives \\[x + y = 3.\\]",
    "The word 学生 means student, and der Hund means dog; it is used 42 times.",
    "$$x = 42$$",
]


@pytest.mark.parametrize(("name", "response"), FLAWED)
def test_each_flaw_is_found_and_named(name: FlawName, response: str) -> None:
    assert name in names(response)


@pytest.mark.parametrize("response", SOUND)
def test_what_only_looks_like_a_flaw_is_left_alone(response: str) -> None:
    assert names(response) == []


def test_an_english_solution_to_a_chinese_question_is_in_the_wrong_language() -> None:
    english = "First we multiply six by seven, and then we see that the product of both is forty two."
    assert names(english, language="zh") == ["wrong_language"]
    assert names("因为六乘七等于四十二，所以 the answer 是 $\\boxed{42}$。", language="zh") == []
    assert names("$\\triangle ABC \\cong \\triangle DEF$", language="zh") == []
    assert names("抱歉，我无法回答。$\\boxed{42}$", language="zh") == ["refusal"]
    assert names("扫码关注我们的公众号，答案是$\\boxed{42}$。", language="zh") == ["advert"]
    assert names("所以这个数加上一再减去一，还是这个数，" * 6, language="zh") == ["cut", "repetition"]


def test_programs_and_their_outputs_are_not_read_as_prose() -> None:
    program = "```python\n# see https://example.org, <b>bold</b>\nx = 6 * 7\nprint(x)\n```\n```output\n42\n```\n"
    assert names("We compute.\n" + program + RIGHT, form="tir") == []


def test_a_question_may_be_flawed_too() -> None:
    assert names(RIGHT, question="6 times 7?<br>") == ["markup"]
    assert names(RIGHT, question="???") == ["empty"]
    assert names(RIGHT, question="6 times 7? From www.example.org") == ["advert"]


def test_conversation_may_hold_links_and_refusals() -> None:
    said = "I'm sorry, I can't give you that. See https://example.org: <b>help</b>,"
    assert names(said, form="chat") == []
    assert names(LOOP * 6, form="chat") == ["repetition"]


@pytest.mark.parametrize(
    "code",
    [
        "print(272)",
        "answer = 272\nprint(answer)",
        'def solution():\n    """Twice 136."""\n    result = 272\n    return result\nprint(solution())',
        "from sympy import Rational\nprint(Rational(272, 1))",
        'print("The answer is " + str(272))',
        "print(-272)",
        "x = 272\nprint(f'it is {x}')",
    ],
)
def test_a_program_that_prints_what_was_typed_is_constant(code: str) -> None:
    assert is_constant(code)
    assert names(f"```python\n{code}\n```", form="pot") == ["constant_program"]


@pytest.mark.parametrize(
    "code",
    [
        "print(136 * 2)",
        "x = 136\nx += 136\nprint(x)",
        "print(max(136, 272))",
        "print(sum(range(10)))",
        "print('%d' % (136 * 2))",
        "x = [1, 2]\nprint(x[1])",
        "from sympy import sqrt\nprint(sqrt(144))",
        "x = 272",
        "print(272",
    ],
)
def test_a_program_that_computes_or_prints_nothing_is_not_constant(code: str) -> None:
    assert not is_constant(code)


def test_a_trajectory_is_constant_only_where_all_its_programs_are() -> None:
    computed, typed = (
        "```python\nx = 6 * 7\nprint(x)\n```\n```output\n42\n```\n",
        "```python\nprint(42)\n```\n```output\n42\n```\n",
    )
    assert names(computed + typed + RIGHT, form="tir") == []
    assert names(typed + typed + RIGHT, form="tir") == ["constant_program"]


def test_at_most_three_of_a_thousand_real_gsm8k_solutions_are_taken_for_flawed(real_data: Path) -> None:
    read = list(read_solutions(SourceSettings(source="gsm8k", path=str(real_data / "benchmarks" / "gsm8k"))))
    assert len(read) == 7473
    flawed = [one.id for one in read if names(one.response, question=one.problem.question)]
    assert len(flawed) <= 0.003 * len(read), flawed
    # Without the sentence with the answer that the source adds, as the rows' authors ended them.
    bare = [one.id for one in read if names(one.response.rpartition("\n")[0], question=one.problem.question)]
    assert len(bare) <= 0.003 * len(read), bare


def test_real_analyses_with_tags_or_in_english_are_found(real_data: Path) -> None:
    folder = str(real_data / "sft" / "tal_scq5k_zh")
    flawed = [
        (one.response, found)
        for one in read_solutions(SourceSettings(source="tal_scq5k_zh", path=folder))
        if (found := names(one.response, question=one.problem.question, language="zh"))
    ]
    assert all("<" in response or "&" in response for response, found in flawed if "markup" in found)
    assert 30 <= sum(found == ["wrong_language"] for _, found in flawed) <= 40  # 33: those read are English
