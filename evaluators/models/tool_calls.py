"""Native tool calls: the code in a call's arguments, and the call as part of a trajectory's text."""

from __future__ import annotations

import json

from evaluators.models.bodies import TOOL
from evaluators.models.sampling import ToolCall


def code_of(call: ToolCall) -> str | None:
    """The program that a call asks to be run; None where it calls something else.

    Arguments that are no JSON are taken for the program itself, as models write them that were trained on bare code.
    """
    if call.name != TOOL["name"]:
        return None
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        return call.arguments
    if isinstance(arguments, dict):
        texts = [value for value in arguments.values() if isinstance(value, str)]
        arguments = arguments.get("code", texts[0] if len(texts) == 1 else None)
    return arguments if isinstance(arguments, str) else None


def no_such_tool(call: ToolCall) -> str:
    """What the model is told of a call that runs nothing."""
    return (
        f"Error: expected a call of {TOOL['name']} with the argument code; found {call.name}({call.arguments[:100]})."
    )


def with_program(text: str, code: str) -> str:
    """The text with a program after it, in the fence in which trajectories show programs."""
    gap = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{gap}```python\n{code.strip(chr(10))}\n```\n"
