"""Serve the judge over HTTP: checks, whole outputs, programs, sessions, trajectories. docs/serve.md tells more.

    mathsieve serve                              # http://127.0.0.1:8517, for this machine
    mathsieve serve --host 0.0.0.0 --token-file token.txt

SIGTERM (or Ctrl-C) drains: what is at work is finished, what is new is refused; a second one ends it at once.
Exit status: 0 drained, 1 some requests were not finished in time, 2 unusable arguments, 4 no sandbox can be had here.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

TOKEN_VARIABLE = "MATHSIEVE_SERVE_TOKEN"
STOPPED = "stopped"
_OPTIONS: dict[str, tuple[type, str]] = {
    "host": (str, "address to listen on"),
    "port": (int, "port; 0 takes a free one"),
    "checkers": (int, "processes that check answers (default: one for each core)"),
    "queue": (int, "requests that may wait for each kind of worker"),
    "request_bytes": (int, "bytes of one request"),
    "sessions": (int, "sessions that callers may hold"),
    "drain_seconds": (float, "seconds for what is at work after SIGTERM"),
}
_LIMITS: dict[str, tuple[type, str]] = {
    "tier": (str, "walls of the sandbox: auto, strict, landlock"),
    "wall_seconds": (float, "wall-clock seconds of a block"),
    "cpu_seconds": (int, "CPU seconds of a session"),
    "memory_mb": (int, "MiB of memory of a session"),
    "output_bytes": (int, "bytes of output of a block"),
    "concurrency": (int, "programs that run at once"),
}
_FIELDS = {"queue": "waiting"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name, (kind, meaning) in {**_OPTIONS, **_LIMITS}.items():
        parser.add_argument("--" + name.replace("_", "-"), type=kind, default=None, metavar="N", help=meaning)
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help=f"a file that holds the token; or set {TOKEN_VARIABLE}"
    )


def run(arguments: argparse.Namespace) -> int:
    try:
        from evaluators.service import server
    except ImportError as error:
        return _complain(
            f"expected the packages of the `service` extra; found no {error.name}: pip install -e '.[service]'"
        )
    from evaluators.service.errors import ServiceError
    from evaluators.service.settings import SettingsError

    try:
        settings = _settings(arguments)
        return server.run(settings)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][-1]).replace("_", "-").replace("waiting", "queue")
        shown = "a token of fewer characters" if option == "--token" else repr(first["input"])
        return _complain(f"{option}: {first['msg']}; found {shown}")
    except SettingsError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"{arguments.host or '127.0.0.1'}: cannot listen, or read the token: {error.strerror}")
    except ServiceError as error:  # what the sandbox said stands above
        return _complain(str(error), 4)


def _settings(arguments: argparse.Namespace) -> Any:
    from evaluators.sandbox import SandboxSettings
    from evaluators.service.settings import ServiceSettings

    given = {name: value for name, value in vars(arguments).items() if value is not None}
    limits = SandboxSettings(**{name: given[name] for name in _LIMITS if name in given})
    options = {_FIELDS.get(name, name): given[name] for name in _OPTIONS if name in given}
    token = os.environ.get(TOKEN_VARIABLE)
    if arguments.token_file is not None:
        token = arguments.token_file.read_text(encoding="utf-8").strip()
    return ServiceSettings(**options, token=token, sandbox=limits)


def _complain(message: str, status: int = 2) -> int:
    print(f"mathsieve serve: {message}", file=sys.stderr)
    return status
