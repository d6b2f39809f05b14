"""A scorer and a sandbox environment for Inspect, found by their names once this project is installed.

    Task(dataset=..., solver=[use_tools(python()), generate()], scorer="mathsieve/answer", sandbox="mathsieve")

`answer` compares the final answer with the target under a profile. The sandbox runs Python and nothing else: what Inspect's
`python()` tool sends, `python3 FILE` of a file that was written before, and `python3 -c`. Each call is a fresh session.
"""

from __future__ import annotations

import asyncio
import base64
import posixpath
import re
from typing import Literal, overload

from inspect_ai.scorer import CORRECT, INCORRECT, NOANSWER, Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState
from inspect_ai.util import ExecResult, SandboxEnvironment, SandboxEnvironmentConfigType, sandboxenv

from evaluators.adapters._judging import judge_from_environment
from evaluators.service import Limits, Output
from evaluators.service.records import ProfileName

_PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")
_FROM_INPUT = re.compile(r"\s*python3?\s+-\s*")
MISSING = 127  # what a shell exits with where there is no such command
_EXIT = {"ok": 0, "error": 1, "exit": 1, "timeout": 124, "memory": 137, "output_limit": 137, "died": 139}


@scorer(metrics=[accuracy(), stderr()], name="answer")
def answer(profile: ProfileName = "strict") -> Scorer:
    """Right where the final answer of the output is the target, or one of several targets."""

    async def score(state: TaskState, target: Target) -> Score:
        asked = [
            Output(reference=right, output=state.output.completion, problem=state.input_text, profile=profile)
            for right in target
        ]
        verdicts = await asyncio.to_thread(judge_from_environment().judge_outputs, asked)
        best = next((verdict for verdict in verdicts if verdict.correct), verdicts[0])
        value = CORRECT if best.correct else NOANSWER if best.verdict == "no_answer" else INCORRECT
        return Score(
            value=value,
            answer=best.prediction,
            explanation=best.reason,
            metadata={"verdict": best.verdict, "stage": best.stage, "method": best.method, "profile": profile},
        )

    return score


@sandboxenv(name="mathsieve")
class MathsieveSandbox(SandboxEnvironment):
    """Python programs in this project's sandbox, local or behind the server that MATHSIEVE_JUDGE names."""

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[str, bytes] = {}

    @classmethod
    async def sample_init(
        cls, task_name: str, config: SandboxEnvironmentConfigType | None, metadata: dict[str, str]
    ) -> dict[str, SandboxEnvironment]:
        return {"default": cls()}

    @classmethod
    async def sample_cleanup(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        environments: dict[str, SandboxEnvironment],
        interrupted: bool,
    ) -> None:
        environments.clear()  # a program's session ended with it

    async def exec(
        self,
        cmd: list[str],
        input: str | bytes | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        user: str | None = None,
        timeout: int | None = None,
        timeout_retry: bool = True,
        concurrency: bool = True,
    ) -> ExecResult[str]:
        """Run a Python program. Raises TimeoutError; other commands end with 127, as where a shell finds none."""
        code = self._program(cmd, input)
        if code is None:
            refused = (
                f"expected python3 -, -c CODE or FILE; found {' '.join(cmd)[:200]!r}: this sandbox runs Python only"
            )
            return ExecResult(success=False, returncode=MISSING, stdout="", stderr=refused)
        judge = judge_from_environment()
        limits = Limits(wall_seconds=timeout) if timeout is not None and timeout < 10 else Limits()
        run = await asyncio.to_thread(judge.run, self._written(code), limits=limits)
        if run.result.status == "timeout":
            raise TimeoutError(run.result.error)
        status = _EXIT[run.result.status]
        printed = run.result.output.removeprefix(run.result.stdout) if run.result.output != run.result.stdout else ""
        return ExecResult(
            success=status == 0, returncode=status, stdout=run.result.stdout, stderr=printed + run.result.error
        )

    async def write_file(self, file: str, contents: str | bytes) -> None:
        self._files[_place(file)] = contents.encode() if isinstance(contents, str) else contents

    @overload
    async def read_file(self, file: str, text: Literal[True] = True) -> str: ...

    @overload
    async def read_file(self, file: str, text: Literal[False]) -> bytes: ...

    async def read_file(self, file: str, text: bool = True) -> str | bytes:
        """A file that was written from outside; what programs write is gone with their sessions."""
        try:
            contents = self._files[_place(file)]
        except KeyError:
            raise FileNotFoundError(f"{file}: no such file was written into this sandbox") from None
        return contents.decode() if text else contents

    def _program(self, cmd: list[str], given: str | bytes | None) -> str | None:
        shell = cmd[0].rpartition("/")[2] in ("bash", "sh") and len(cmd) > 1
        words = ["python3", "-"] if shell and _FROM_INPUT.fullmatch(cmd[-1]) else cmd
        if not _PYTHON.fullmatch(words[0].rpartition("/")[2]) or len(words) < 2:
            return None
        if words[1] == "-" and len(words) == 2 and given is not None:
            return given.decode("utf-8", "replace") if isinstance(given, bytes) else given
        if words[1] == "-c" and len(words) == 3:
            return words[2]
        contents = self._files.get(_place(words[1])) if len(words) == 2 else None
        return None if contents is None else contents.decode("utf-8", "replace")

    def _written(self, code: str) -> str:
        """The program behind one that writes the files for it, where there are any."""
        if not self._files:
            return code
        files = {name: base64.b64encode(contents).decode() for name, contents in self._files.items()}
        return (
            "def _write_files(files):\n"
            "    import base64, os\n"
            "    for name, contents in files.items():\n"
            "        if os.path.dirname(name):\n"
            "            os.makedirs(os.path.dirname(name), exist_ok=True)\n"
            "        with open(name, 'wb') as handle:\n"
            "            handle.write(base64.b64decode(contents))\n"
            f"_write_files({files!r})\n"
            f"exec(compile({code!r}, 'program.py', 'exec'), {{'__name__': '__main__'}})\n"
        )


def _place(file: str) -> str:
    """A path below the working folder."""
    return posixpath.normpath("/" + file).lstrip("/")
