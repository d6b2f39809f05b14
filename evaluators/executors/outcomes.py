"""How the work on one shard ended. An engine yields one for every shard it was given."""

from __future__ import annotations

import hashlib
import pickle
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.errors import MathsieveError

Work = Callable[[Any], object]
"""What makes one shard: a function of a module, or a `functools.partial` of one. What it returns is not looked at."""
SHORT_OF_MEMORY = "as the kernel does when memory is short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`finished`; `raised`: it will raise again; `lost`: whoever was at it is gone, another attempt may do;
    `refused`: it went over what it was given, and would again."""

    kind: str
    said: str = ""
    log: str = ""
    """Where there is more to read."""
    error: bytes = b""
    """The exception, pickled, where that can be done."""
    trace: str = ""


FINISHED = Outcome(kind="finished")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What an engine is given: the work, and the shards that are left, by their number among all."""

    work: Work
    label: str
    shards: Mapping[int, Any]
    name: str
    """The same for whoever goes on with it, and nobody else's; empty where the engine keeps nothing between callers."""

    @staticmethod
    def name_of(work: Work, label: str, shards: Sequence[Any]) -> str:
        digest = hashlib.sha256(pickle.dumps((label, work, list(shards)))).hexdigest()
        return f"mathsieve-{digest[:12]}"


def attempt(work: Work, shard: Any) -> Outcome:
    """Do the work here; what it raises becomes the outcome."""
    try:
        work(shard)
    except Exception as error:  # noqa: BLE001  # whatever it is: told by whoever asked for the shard
        return Outcome(
            kind="raised",
            said=f"{type(error).__name__}: {error}",
            error=_pickled(error),
            trace="".join(traceback.format_exception(error)),
        )
    return FINISHED


def raised_again(outcome: Outcome) -> Exception | None:
    """The exception itself where its message is meant for people, or says that a disk is full."""
    try:
        error = pickle.loads(outcome.error) if outcome.error else None
    except Exception:  # noqa: BLE001  # an exception that cannot be made again here is told by its words
        return None
    return error if isinstance(error, MathsieveError | OSError) else None


def describe_exit(code: int | None) -> str:
    """Of a process: negative for a signal, as in `subprocess`."""
    if code is None:
        return "its process did not end in order"
    if code >= 0:
        return f"its process left with status {code}"
    try:
        name = f" ({signal.Signals(-code).name})"
    except ValueError:
        name = ""
    cause = f", {SHORT_OF_MEMORY}" if -code == signal.SIGKILL else ""
    return f"its process was ended by signal {-code}{name}{cause}"


def describe_excess(used: int, gib: float) -> str:
    """Of a worker that is ended for the `used` bytes that it took."""
    return (
        f"its worker used {used / 2**30:.1f} GiB of the {gib:g} GiB that executor.memory gives it, and was ended. "
        "Raise it, with fewer executor.workers where the machine has no more"
    )


def _pickled(error: Exception) -> bytes:
    try:
        data = pickle.dumps(error)
        pickle.loads(data)
    except Exception:  # noqa: BLE001  # anything may be wrong with somebody else's exception
        return b""
    return data
