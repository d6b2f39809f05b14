"""How a model and its interpreter speak: which block runs, how its result is shown, where generation stops.

A trajectory alternates text of the model with outputs of its programs:

    ...so we compute:
    ```python
    print(6 * 7)
    ```
    ```output
    42
    ```
    The answer is $\\boxed{42}$.

`tora` writes errors as ToRA's recorded traces have them, `deepseekmath` as DeepSeekMath's harness does when run with
`--use_concise_exec_info`; the two differ in the number of calls and in the words for a timeout. (Without that option
the harness shows whole tracebacks, cut by the model's tokens, which only a tokenizer could reproduce.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evaluators.sandbox.records import ProtocolName, Result

END_OF_INPUT = ("EOFError: EOF when reading a line", "EOFError")
"""Of input, and of getpass."""
_FENCE = re.compile(r"^()```[ \t]*(\w*)[^\n`]*$", re.MULTILINE)
_OPENED_IN_LINE = re.compile(r"^(.*[^\s`])[ \t]*```python[ \t]*$", re.MULTILINE)
_INDENTED_FENCE = re.compile(r"^([ \t]*)```[ \t]*(\w*)[^\n`]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One published way of running programs in a trajectory."""

    name: ProtocolName
    stop: tuple[str, ...]
    """Strings at which generation stops; they are not part of the text."""
    max_calls: int
    """Generation calls in one trajectory."""
    wall_seconds: float
    timeout_text: str
    input_text: str | None = None
    """What is shown of a program that asks for input, where the harness refuses to run it; else its EOFError."""
    kept_chars: int = 50
    """Of either end, where a result is longer than twice that."""
    languages: frozenset[str] = frozenset({"python"})
    """What may stand behind the opening fence, in lower case where `lenient`."""
    lenient: bool = False
    """Whether fences may be indented, as in an item of a list, and their language be written in capitals."""
    opens_in_line: bool = False
    """Whether an opening fence may follow words in its line, as in DeepSeekMath's harness, which splits wherever one stands."""
    shows_value: bool = False
    """Whether the value of a last expression is shown, as notebooks do; the published executors use `exec`."""

    def program(self, text: str) -> str | None:
        """The program to run now: that of the last block, if `text` ends with a closed ```python fence; else None."""
        stripped = text.strip()  # an answer goes on behind "Assistant:": its first space is no indent
        if self.opens_in_line:
            stripped = _OPENED_IN_LINE.sub(r"\1\n```python", stripped)
        fences = list((_INDENTED_FENCE if self.lenient else _FENCE).finditer(stripped))
        if len(fences) < 2 or fences[-1].end() != len(stripped) or fences[-1][2]:
            return None
        opening: re.Match[str] | None = None
        for fence in fences[:-1]:
            closes = opening is not None and not fence[2]
            opening = None if closes else fence
        if opening is None or (opening[2].lower() if self.lenient else opening[2]) not in self.languages:
            return None
        return _outdented(stripped[opening.end() + 1 : fences[-1].start()], opening[1])

    def output(self, result: Result) -> str:
        """What the model is shown of a result: what it printed, or else the last line of its error."""
        if result.status == "ok":
            shown = result.stdout.strip()
            if self.shows_value and result.value is not None:
                shown = f"{shown}\n{result.value}".strip()
        elif result.status == "timeout":
            shown = self.timeout_text
        else:
            shown = (result.error.strip().splitlines() or [result.status])[-1].strip()
            if self.input_text is not None and shown in END_OF_INPUT:
                shown = self.input_text
        return self.truncated(shown)

    def truncated(self, text: str) -> str:
        """§4: results over 100 characters become the first 50, "...", the last 50."""
        if len(text) <= 2 * self.kept_chars:
            return text
        return text[: self.kept_chars] + "..." + text[-self.kept_chars :]

    def render(self, result: Result) -> str:
        """The block to append to the trajectory."""
        return f"\n```output\n{self.output(result)}\n```\n"


def _outdented(program: str, indent: str) -> str:
    """The program without the indent of its fence, as far as a line has it."""
    if not indent:
        return program
    return "".join(
        line.removeprefix(indent) if line.startswith(indent) else line.lstrip(" \t")
        for line in program.splitlines(keepends=True)
    )


PROTOCOLS: dict[ProtocolName, Protocol] = {
    "deepseekmath": Protocol(
        name="deepseekmath",
        stop=("```output",),  # DeepSeekMath §4
        max_calls=2,  # the paper's own harness
        wall_seconds=10.0,  # its executor's limit
        timeout_text="Timeout Error",
        input_text="RuntimeError",
        opens_in_line=True,
    ),
    "tora": Protocol(
        name="tora",
        stop=("```output",),
        max_calls=4,
        wall_seconds=10.0,
        # As recorded in the published GSM8K traces: the last line of the traceback of the decorator ToRA uses.
        timeout_text="timeout_decorator.timeout_decorator.TimeoutError: 'Timed Out'",
        input_text="RuntimeError",
    ),
    "markdown": Protocol(  # ours, for models that were trained otherwise: DeepSeekMath's, with fences as people write them
        name="markdown",
        stop=("```output",),
        max_calls=2,
        wall_seconds=10.0,
        timeout_text="Timeout Error",
        input_text="RuntimeError",
        languages=frozenset({"python", "python3", "py"}),
        lenient=True,
        opens_in_line=True,
    ),
    "notebook": Protocol(
        name="notebook",
        stop=("```output",),
        max_calls=4,
        wall_seconds=10.0,
        timeout_text="TimeoutError: the time limit was reached",
        kept_chars=2000,
        shows_value=True,
    ),
}
