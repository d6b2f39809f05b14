"""Run a Python file (or standard input, `-`) in the sandbox and print its status, output, value, tier and seconds.

Exit status: 0 the program ended well; 1 it raised, or called exit; 2 unusable arguments; 3 a limit or a signal ended it;
4 the sandbox itself could not run it (no tier passes here, or an executor fault).

--json prints one object on one line, always with these keys: status (ok, error, timeout, output_limit, memory, died,
exit; executor_fault or refused where the sandbox failed), state_lost, output, stdout, value, error, seconds,
cpu_seconds, tier, signal. value and signal may be null; so is tier where none was had.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import sys
import unicodedata
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from evaluators.sandbox.protocols import PROTOCOLS
from evaluators.sandbox.records import ProtocolName, Result, SandboxError, SandboxSettings, TierRefused
from evaluators.sandbox.sandbox import run_code

OK, FAILED, UNUSABLE, ENDED, NOT_RUN = range(5)
_LIMITS = {
    "wall_seconds": (float, "wall-clock seconds"),
    "cpu_seconds": (int, "CPU seconds"),
    "memory_mb": (int, "MiB of memory beyond the warm interpreter's"),
    "output_bytes": (int, "bytes of output"),
    "files": (int, "files and folders in the working folder"),
    "file_mb": (int, "MiB of files in the working folder"),
    "threads": (int, "threads beside the main one"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = SandboxSettings()
    parser.add_argument("file", metavar="FILE.py", help="the program; `-` reads standard input")
    tiers = ("auto", "strict", "landlock", "unsafe")
    parser.add_argument(
        "--tier", choices=tiers, default=defaults.tier, help="which walls (default: the best that holds)"
    )
    parser.add_argument("--json", action="store_true", help="print the whole result as one JSON object")
    parser.add_argument(
        "--protocol", choices=get_args(ProtocolName), help="print instead the block that a model is shown under it"
    )
    for name, (kind, meaning) in _LIMITS.items():
        default = getattr(defaults, name)
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=kind, default=default, metavar="N", help=f"{meaning} (default: {default})")


def run(arguments: argparse.Namespace) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that is not UTF-8 shows what it can, and escapes the rest
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        source = sys.stdin.buffer.read() if arguments.file == "-" else Path(arguments.file).read_bytes()
        code = source.decode("utf-8-sig")
    except OSError as error:
        return _complain(f"{arguments.file}: cannot be read: {error.strerror}", UNUSABLE)
    except UnicodeDecodeError as error:
        return _complain(f"{arguments.file}: expected UTF-8; found {error.reason} at byte {error.start}", UNUSABLE)
    try:
        limits = {name: getattr(arguments, name) for name in _LIMITS}
        settings = SandboxSettings(tier=arguments.tier, **limits)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        return _complain(f"{option}: {first['msg']}; found {first['input']}", UNUSABLE)
    try:
        result = run_code(code, settings)
    except SandboxError as error:
        if arguments.json:
            print(json.dumps(_not_run(error)))
        return _complain(f"{type(error).__name__}: {error}", NOT_RUN)
    if arguments.json:
        print(json.dumps(dataclasses.asdict(result)))
    elif arguments.protocol:
        sys.stdout.write(PROTOCOLS[arguments.protocol].render(result))
    else:
        _show(result)
    return {"ok": OK, "error": FAILED, "exit": FAILED}.get(result.status, ENDED)


def _not_run(error: SandboxError) -> dict[str, object]:
    """The object of a Result, for a program that has none: nothing in it is a verdict on the program."""
    keys = [field.name for field in dataclasses.fields(Result)]
    empty = {"output": "", "stdout": "", "state_lost": True, "seconds": 0.0, "cpu_seconds": 0.0}
    status = "refused" if isinstance(error, TierRefused) else "executor_fault"
    return {**dict.fromkeys(keys), **empty, "status": status, "error": str(error)}


def printable(text: str) -> str:
    """The text with its control characters escaped: at a terminal they would move the cursor, or do worse."""
    return "".join(
        letter if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cf") else ascii(letter)[1:-1]
        for letter in text
    )


def _show(result: Result) -> None:
    shown = printable if sys.stdout.isatty() else str
    ending = f" (signal {result.signal})" if result.signal is not None else ""
    print(f"status: {result.status}{ending}")
    for title, text in (("output", result.output), ("value", result.value), ("error", result.error)):
        if text:
            print(f"{title}:")
            print("\n".join("    " + shown(line) for line in text.rstrip("\n").split("\n")))
    print(f"tier: {result.tier}")
    print(f"seconds: {result.seconds:.3f} (CPU {result.cpu_seconds:.3f})")


def _complain(message: str, status: int) -> int:
    print(f"mathsieve run-code: {message}", file=sys.stderr)
    return status
