"""What the judge is asked and what it says: the records that cross the wire, and that callers hold.

Requests are pydantic models, since they come from outside; answers are frozen dataclasses around the checker's `Verdict`
and the sandbox's `Result`, the same with a server as without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from evaluators.answers import Verdict
from evaluators.sandbox import Result, SandboxSettings
from evaluators.sandbox.records import ProtocolName

ProfileName = Literal["strict", "reward", "deepseek"]
MOST_ITEMS = 1000
"""Pairs, outputs or programs of one request: some 50 ms of checks, so that a client that gives up repeats little."""


def _encodable(text: object) -> object:
    """Models cut characters in half; a lone surrogate can be neither sent nor run, and becomes U+FFFD."""
    if isinstance(text, str) and not text.isascii():
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


Text = Annotated[str, BeforeValidator(_encodable), Field(max_length=2_000_000)]
"""As long as the checker reads: `evaluators.answers.extraction.MAX_TEXT`."""


class Request(BaseModel):
    """Base of what is asked. An unknown field is refused, since a misspelt one would be passed over in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Pair(Request):
    """A prediction to compare with its reference; both are answers, not whole outputs."""

    reference: Text
    prediction: Text
    problem: Text | None = None
    """The problem's text, which decides what is ambiguous."""
    profile: ProfileName = "strict"


class Output(Request):
    """A whole output of a model, in which the answer is sought first."""

    reference: Text
    output: Text
    problem: Text | None = None
    program_output: Text | None = None
    """What a program printed last, where it was kept apart from the text."""
    profile: ProfileName = "strict"


class Limits(Request):
    """Limits of a program, where they differ from the server's; never higher than the server allows."""

    wall_seconds: float | None = Field(default=None, gt=0)
    cpu_seconds: int | None = Field(default=None, gt=0)
    memory_mb: int | None = Field(default=None, gt=0)
    output_bytes: int | None = Field(default=None, gt=0)
    threads: int | None = Field(default=None, ge=0)
    file_mb: int | None = Field(default=None, gt=0)
    files: int | None = Field(default=None, gt=0)

    def within(self, allowed: SandboxSettings) -> SandboxSettings:
        """The settings of a session under these limits. Raises ValueError where one is higher than allowed."""
        wanted = self.model_dump(exclude_none=True)
        for name, value in wanted.items():
            most = getattr(allowed, name)
            if value > most:
                raise ValueError(f"limits.{name}: expected at most {most}; found {value}")
        return allowed.model_copy(update=wanted)


class Code(Request):
    """A program to run in a fresh session."""

    code: Text
    protocol: ProtocolName = "notebook"
    """How the result is shown to a model: `shown` and `block` of the answer."""
    limits: Limits = Limits()


class SessionStart(Request):
    """A session whose variables last from block to block."""

    protocol: ProtocolName = "notebook"
    limits: Limits = Limits()
    ttl_seconds: float = Field(default=300.0, gt=0, le=3600)
    """Seconds without a block after which the session ends."""


class SessionBlock(Request):
    """A block for a session: `code`, or the `text` of a model, whose last program is run."""

    code: Text | None = None
    text: Text | None = None


class Trajectory(Request):
    """A tool-integrated output: text with programs, and the outputs that are said to be theirs."""

    text: Text
    reference: Text
    problem: Text | None = None
    profile: ProfileName = "strict"
    protocol: ProtocolName = "deepseekmath"
    limits: Limits = Limits()


class CodeWithReference(Request):
    """A program whose last line of output, or last value, is the answer."""

    code: Text
    reference: Text
    problem: Text | None = None
    profile: ProfileName = "strict"
    protocol: ProtocolName = "notebook"
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRun:
    """What became of a program, and how its protocol shows that to a model."""

    result: Result
    shown: str
    block: str
    """To be appended to the trajectory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedProgram:
    """One program of a trajectory, run again."""

    code: str
    status: str
    output: str
    """What it gives now, as the protocol shows it."""
    recorded: str | None
    """What the text says it gave; None where the text ends with the program."""
    reproduced: bool | None
    """Whether the two are the same; None where nothing was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectoryVerdict:
    """The judgement of a trajectory. A program's output is what it gives here, whatever the text claims."""

    verdict: Verdict
    program_verdict: Verdict | None
    """Of the last program's output alone; None where no program ran."""
    programs: tuple[ReplayedProgram, ...]
    text: str
    """The trajectory, with the output of a program at its end appended."""

    @property
    def honest(self) -> bool:
        """Whether every recorded output is what its program gives."""
        return all(program.reproduced is not False for program in self.programs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedAnswer:
    """A program's run, and the judgement of what it answered."""

    run: ProgramRun
    verdict: Verdict


def verdict_of(row: Mapping[str, Any]) -> Verdict:
    """A verdict as it came over the wire; fields of a newer server are passed over."""
    return Verdict(**_known(row, Verdict))


def run_of(row: Mapping[str, Any]) -> ProgramRun:
    return ProgramRun(result=Result(**_known(row["result"], Result)), shown=row["shown"], block=row["block"])


def trajectory_of(row: Mapping[str, Any]) -> TrajectoryVerdict:
    alone = row["program_verdict"]
    return TrajectoryVerdict(
        verdict=verdict_of(row["verdict"]),
        program_verdict=None if alone is None else verdict_of(alone),
        programs=tuple(ReplayedProgram(**_known(program, ReplayedProgram)) for program in row["programs"]),
        text=row["text"],
    )


def executed_of(row: Mapping[str, Any]) -> ExecutedAnswer:
    return ExecutedAnswer(run=run_of(row["run"]), verdict=verdict_of(row["verdict"]))


def as_row(record: Any) -> dict[str, Any]:
    """A record as JSON knows it."""
    return asdict(record)


def _known(row: Mapping[str, Any], kind: type) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in row.items() if name in names}
