"""What goes into the sandbox, what comes out, and what can go wrong with the sandbox itself.

SandboxError
├── TierRefused      no tier, or not the one named, can be had on this machine
└── ExecutorFault    the sandbox failed a program, after every retry: no verdict on the program
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from evaluators.errors import MathsieveError
from evaluators.records import Settings
from evaluators.sandbox.machine import cores
from evaluators.stages.fields import HowItRuns

Tier = Literal["strict", "landlock", "unsafe"]
Interpreter = Literal["process", "monty"]
Status = Literal["ok", "error", "timeout", "output_limit", "memory", "died", "exit"]
"""
    ok            ran to its end
    error         raised an exception
    timeout       reached the wall-clock or CPU limit
    output_limit  printed more than the limit: the middle is left out, and one that went on for ever was ended; or its
                  files hold more than theirs (landlock tier)
    memory        raised MemoryError, or was killed by the kernel for its own use of memory
    died          ended by a signal: a crash, or its own doing
    exit          sys.exit (the session lives on) or os._exit (it does not)
"""
ProtocolName = Literal["notebook", "deepseekmath", "tora", "markdown"]

Positive = Annotated[int, Field(gt=0)]
PositiveSeconds = Annotated[float, Field(gt=0, le=86_400)]


class SandboxError(MathsieveError):
    """Base of the errors that are the sandbox's, never the program's."""


class TierRefused(SandboxError):
    """No tier passes its self-test here; the message names the failing item of each, and the remedy."""


class ExecutorFault(SandboxError):
    """The sandbox could not give a true result. Not an outcome: run again, or count the sample as not measured."""


class SandboxSettings(Settings):
    """Which walls, which limits. Limits hold per session, wall_seconds per block of code."""

    tier: Literal["auto", "strict", "landlock", "unsafe"] = "auto"
    """`auto` takes the first of strict, landlock whose self-test passes; `unsafe` is only ever taken by name."""
    wall_seconds: PositiveSeconds = 10.0
    """REFERENCE: the published executors' limit is 10 s. Of the program's own time: computing and sleeping, not waiting for
    a core."""
    cpu_seconds: Positive = 60
    """Of a whole session, all its threads: six blocks of the published 10 s."""
    memory_mb: Positive = 1024
    """Address space beyond the server's own: a NumPy matrix of 10,000 x 10,000 doubles is 763 MiB."""
    output_bytes: Positive = 1 << 20
    """Of one block, standard output and error together; of a longer one both ends are kept. The protocols show 100
    characters; a person reads no more."""
    file_mb: Positive = 16
    """Size of the writable folder. The strict tier's is a file system in memory that is full then; in the landlock tier it
    lies on the machine's disk, and a program that goes on beyond that is ended (`output_limit`)."""
    files: Positive = 1000
    """Files and folders in it."""
    threads: Annotated[int, Field(ge=0)] = 64
    """Beside the main one: twice the 32 that Python's default thread pool starts on a machine of many cores; none where they cannot be counted per session (landlock tier as an ordinary user)."""
    value_chars: Positive = 10_000
    """Of the shown value; a longer one keeps both ends."""
    int_digits: Annotated[int, Field(ge=640)] = 100_000
    """Longest integer that str() prints; Python's own default of 4,300 postdates the recorded traces."""
    seed: int | None = 0
    """Of random, and of NumPy's and SymPy's generators where preloaded, at the start of each session: a rerun gives the same. None: fresh."""
    interpreter: Literal["off", "on", "shadow"] = "off"
    """Whether whole programs of plain arithmetic run in the interpreter tier (strict tier only). `shadow` runs both,
    gives the process session's result and logs every difference: it is off until 100,000 programs of models have none."""
    concurrency: HowItRuns[Positive] = Field(default_factory=lambda: max(2, cores()))
    """Blocks that run at once; more wait. By default the cores that affinity and cgroups (cpu.max) leave us: beyond them
    programs only take each other's time. Fewer where memory_mb for each is more than there is: said at the start."""
    sessions: HowItRuns[Positive] = 256
    """Open sessions at once; further ones wait. Each holds four descriptors of the caller's and about 6 MB."""
    ahead: HowItRuns[Annotated[int, Field(ge=0)]] = 4
    """Sessions forked before they are asked for, from the first request on: twice the cores of a small machine."""
    recycle_sessions: HowItRuns[Positive] = 2000
    """Sessions after which a fresh server takes over, unseen."""
    retries: HowItRuns[Annotated[int, Field(ge=0)]] = 2
    """Further tries after an executor fault, where the program has left no state yet."""
    preload: tuple[str, ...] = ("sympy", "numpy", "scipy", "scipy.optimize", "scipy.special")
    """Imported once, before sessions are forked. Anything else beside the interpreter can be imported too, cold."""
    protocol: ProtocolName = "notebook"
    """How results are shown to a model: see protocols.py. `notebook` is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of one block of code."""

    status: Status
    state_lost: bool
    """Whether the session ended with this block, its variables with it."""
    output: str
    """Standard output and standard error, in the order they came; undecodable bytes as \\xNN."""
    stdout: str
    """Standard output alone: what the published harnesses show."""
    value: str | None
    """repr() of the last statement where that is an expression with a value, as in a notebook."""
    error: str
    """The traceback, or for an ending from outside, what it was."""
    seconds: float
    """Wall-clock time, as measured outside the session."""
    cpu_seconds: float
    """CPU time of the session in this block, as counted by the kernel."""
    waited_seconds: float = 0.0
    """For which its threads together were ready to run and had no core; no part of the time that is limited."""
    tier: Tier
    interpreter: Interpreter = "process"
    """What ran the program: a process session, or the interpreter tier in front of it."""
    signal: int | None = None
    """The signal that ended a session that died."""
