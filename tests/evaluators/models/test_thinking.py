"""Thinking told apart from answers."""

import pytest

from evaluators.models.thinking import opens_thinking, split_thinking


@pytest.mark.parametrize(
    ("text", "reasoning", "answer", "unfinished"),
    [
        ("The sum is 4.", "", "The sum is 4.", False),
        ("<think>\n2+2\n</think>\n\nThe sum is 4.", "2+2", "The sum is 4.", False),
        ("  <think>2+2</think>4", "2+2", "4", False),
        ("2+2\n</think>\n4", "2+2", "4", False),  # the template opened it
        ("<think>2+2, so", "2+2, so", "", True),
        ("[THINK]2+2[/THINK]4", "2+2", "4", False),
        ("◁think▷2+2◁/think▷4", "2+2", "4", False),
        ("<think></think>4", "", "4", False),  # a model that was told not to think
        ("<think>one</think>a\n<think>two</think>b", "one\n\ntwo", "a\nb", False),
        ("In HTML a <think> is no tag.", "", "In HTML a <think> is no tag.", False),
    ],
)
def test_a_text_has_two_parts(text: str, reasoning: str, answer: str, unfinished: bool) -> None:
    found = split_thinking(text)
    assert (found.reasoning, found.answer, found.unfinished) == (reasoning, answer, unfinished)


def test_a_prompt_that_opens_thinking_makes_a_cut_answer_thinking() -> None:
    assert opens_thinking("<|user|>2+2?<|assistant|><think>\n")
    found = split_thinking("2+2, so", opened=True)
    assert (found.reasoning, found.answer, found.unfinished) == ("2+2, so", "", True)
