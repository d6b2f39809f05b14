"""One response as training reads it, whatever its model's habits: programs in fences, thinking kept or left out."""

from __future__ import annotations

import json
import re
from typing import Literal

from pipelines.example_text import ExampleForm

Thinking = Literal["drop", "keep"]
FENCE = "```python"
TOOL_CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>[ \t]*\n?", re.DOTALL)  # OpenMathReasoning, Hermes, Qwen
CODE_TAG = re.compile(r"<llm-code>\s*(.*?)\s*</llm-code>[ \t]*\n?", re.DOTALL)  # OpenMathInstruct-1
OUTPUT_TAG = re.compile(r"<llm-code-output>\s*(.*?)\s*</llm-code-output>[ \t]*\n?", re.DOTALL)
THOUGHT = re.compile(r"<think>.*?</think>\s*|<\|begin_of_thought\|>.*?<\|end_of_thought\|>\s*", re.DOTALL)
THOUGHT_TAGS = re.compile(r"\s*(?:</?think>|<\|(?:begin|end)_of_thought\|>)\s*")
PROGRAM_SIGNS = ("```python", "<tool_call>", "<llm-code>")
OPENED, CLOSED = ("<think>", "<|begin_of_thought|>"), ("</think>", "<|end_of_thought|>")
SOLUTION_TAGS = re.compile(r"\s*<\|(?:begin|end)_of_solution\|>\s*")  # OpenThoughts
STATED = re.compile(r"(?:The|the) answer is:?\s*(.+?)\.?\s*$")
HAN = re.compile(r"[\u4e00-\u9fff]")
LETTER = re.compile(r"[^\W\d_]")
CHINESE_SHARE = 0.3
"""Share of Chinese characters among the letters of a Chinese question: formulas and units bring Latin ones."""


def plain_response(text: str, thinking: Thinking) -> str:
    """The response with every program and output in the fences of DeepSeekMath. Raises ValueError where it was cut."""
    if thinking == "drop":
        text = _without_thought(text)
    text = SOLUTION_TAGS.sub("\n", text) if "_of_solution|>" in text else text
    text = TOOL_CALL.sub(_fenced_call, text)
    text = CODE_TAG.sub(lambda found: fenced(found[1]), text)
    return OUTPUT_TAG.sub(lambda found: output_block(found[1]), text).strip()


def fenced(code: str) -> str:
    """A program as a trajectory shows it."""
    return f"{FENCE}\n{code.strip(chr(10))}\n```\n"


def output_block(text: str) -> str:
    """What a program printed, as a trajectory shows it."""
    return f"```output\n{text.strip()}\n```\n"


def code_in(arguments: object) -> str | None:
    """The program among a call's arguments, whatever the tool calls it; None where there is none or more than one."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return str(arguments)  # bare code
    if isinstance(arguments, dict):
        texts = [value for value in arguments.values() if isinstance(value, str)]
        arguments = arguments.get("code", texts[0] if len(texts) == 1 else None)
    return arguments if isinstance(arguments, str) else None


def form_of(response: str) -> ExampleForm:
    """`tir` where a program's output stands in it, `pot` where it is a program alone, else `cot`."""
    if FENCE not in response:
        return "cot"
    if "```output" in response:
        return "tir"
    return "pot" if response.startswith(FENCE) and response.rstrip().endswith("```") else "cot"


def language_of(question: str) -> Literal["en", "zh"]:
    """By the share of Chinese characters among the letters."""
    letters = len(LETTER.findall(question))
    return "zh" if letters and len(HAN.findall(question)) >= CHINESE_SHARE * letters else "en"


def _without_thought(text: str) -> str:
    """Programs that a model ran while it thought are the solution: then the tags alone go."""
    if any(sign in found[0] for found in THOUGHT.finditer(text) for sign in PROGRAM_SIGNS):
        return THOUGHT_TAGS.sub("\n", text).strip()
    text = THOUGHT.sub("", text)
    for opened, closed in zip(OPENED, CLOSED, strict=True):
        if closed in text:  # the template wrote the opening tag
            text = text.rpartition(closed)[2]
        elif opened in text:
            raise ValueError(f"cut: {opened} has no end, so the response ends inside its thinking")
    return text.strip()


def _fenced_call(found: re.Match[str]) -> str:
    """A call that holds bare code, or JSON of name and arguments."""
    inner = found[1]
    if not inner.startswith("{"):
        return fenced(inner)
    try:
        call = json.loads(inner)
    except ValueError:
        return fenced(inner)
    code = code_in(call.get("arguments")) if isinstance(call, dict) else None
    return found[0] if code is None else fenced(code)


def boxed_statement(response: str) -> str:
    """The answer that a last line announces, in the box that our prompt asks for; the text stays where there is none."""
    if "\\boxed" in response:
        return response
    return STATED.sub(lambda found: f"The answer is $\\boxed{{{found.group(1).strip('$')}}}$.", response)
