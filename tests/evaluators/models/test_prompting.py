"""The paper's prompts, to the byte; few-shot prompts leave the question itself out of its exemplars."""

import asyncio
from pathlib import Path

import pytest

from evaluators.answers import check_output
from evaluators.models.prompting import Prompter, PromptError, deepseek_prompt
from evaluators.models.worked_programs import with_programs, worked_programs
from evaluators.records import Form, Language, Problem
from evaluators.sandbox import Sandbox
from evaluators.sandbox.protocols import PROTOCOLS
from evaluators.sandbox.records import SandboxSettings

PROBLEM = Problem(id="x/1", benchmark="x", question="What is 2+2?", reference="4")


@pytest.mark.parametrize(
    ("form", "language", "expected"),
    [
        ("cot", "en", "User: Q\nPlease reason step by step, and put your final answer within \\boxed{}.\n\nAssistant:"),
        ("cot", "zh", "User: Q\n请通过逐步推理来解答问题，并把最终答案放置于\\boxed{}中。\n\nAssistant:"),
        (
            "tir",
            "en",
            "User: Q\nPlease integrate natural language reasoning with programs to solve the problem above, and put your "
            "final answer within \\boxed{}.\n\nAssistant:",
        ),
        (
            "tir",
            "zh",
            "User: Q\n请结合自然语言和Python程序语言来解答问题，并把最终答案放置于\\boxed{}中。\n\nAssistant:",
        ),
    ],
)
def test_the_papers_forms_to_the_byte(form: Form, language: Language, expected: str) -> None:
    assert deepseek_prompt("Q", form=form, language=language).encode() == expected.encode()


def test_problems_judged_by_tests_get_no_boxed_instruction() -> None:
    prompt = Prompter("deepseek").prompt(PROBLEM, "cot", instruction=False)
    assert prompt.text == "User: What is 2+2?\n\nAssistant:"


def test_few_shot_shows_exemplars_in_order_and_never_the_problem_itself() -> None:
    shown = [
        Problem(id="x/1", benchmark="x", question="What is 2+2?", reference="4", solution="It is 4."),
        Problem(id="x/2", benchmark="x", question="What is 1+1?", reference="2", solution="It is 2."),
    ]
    prompt = Prompter("few_shot", exemplars=shown).prompt(PROBLEM, "cot")
    assert prompt.text == (
        "Problem:\nWhat is 1+1?\n\nSolution: It is 2.\nFinal Answer: The final answer is $2$. I hope it is correct."
        "\n\nProblem:\nWhat is 2+2?\n\nSolution:"
    )
    assert prompt.stop == ("\n\nProblem:",)


def test_a_tool_integrated_exemplar_starts_its_program_on_a_line_of_its_own() -> None:
    prompt = Prompter("few_shot", exemplars=worked_programs("en")).prompt(PROBLEM, "tir")
    assert prompt.text.startswith("Write Python code in ```python blocks where it helps.\n\nProblem:\nA farmer packs")
    assert "Solution:\n```python\nboxes = 150 // 6\n" in prompt.text
    assert prompt.text.endswith("\n\nProblem:\nWhat is 2+2?\n\nSolution:")


def test_exemplars_without_programs_give_way_to_ours_where_programs_are_asked_for() -> None:
    prose = Problem(id="x/2", benchmark="x", question="What is 1+1?", reference="2", solution="It is 2.")
    coded = Problem(id="x/3", benchmark="x", question="1+2?", reference="3", solution="```python\nprint(3)\n```")
    assert with_programs([prose], "zh") == worked_programs("zh")
    assert with_programs([prose, coded], "zh") == [coded]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_worked_programs_print_what_they_show_and_are_read_as_programs(language: Language) -> None:
    async def run() -> list[str]:
        outputs = []
        async with Sandbox(SandboxSettings(protocol="deepseekmath")) as sandbox:
            for exemplar in worked_programs(language):
                written, _, rest = (exemplar.solution or "").partition("\n```output\n")
                code = PROTOCOLS["deepseekmath"].program(written)
                assert code is not None
                async with sandbox.session() as session:
                    result = await session.run(code)
                outputs.append(result.stdout.strip())
                assert rest.partition("\n```")[0] == exemplar.reference
                assert check_output(exemplar.reference, exemplar.solution or "").correct
        return outputs

    assert asyncio.run(run()) == [exemplar.reference for exemplar in worked_programs(language)]


def test_few_shot_without_exemplars_is_refused_with_a_remedy() -> None:
    with pytest.raises(PromptError, match="expected exemplars; found none"):
        Prompter("few_shot")


def test_chat_needs_a_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="expected a model folder with a tokenizer"):
        Prompter("chat", model_dir=tmp_path)


def test_a_chat_endpoint_gets_the_question_and_the_instruction_alone() -> None:
    text = Prompter("question").prompt(PROBLEM, "cot").text
    assert text == "What is 2+2?\nPlease reason step by step, and put your final answer within \\boxed{}."
