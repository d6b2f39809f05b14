"""`mathsieve`: one entry point; each command lives beside the part that it drives and is imported only when called.

A command module offers `add_arguments(parser)` and `run(arguments) -> int`, and imports nothing heavy at its top. Where
it starts processes it also offers `has_workers(arguments) -> bool`, and none of them outlives it, however it ends.
Where an argument may begin with a minus sign it offers `arrange(words) -> words`, which puts the options first.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import select
import signal
import sys
from collections.abc import Sequence

from evaluators.errors import MathsieveError

COMMANDS = {
    "run": ("assets.run", "materialize a recipe: from WARC files to a benchmark report"),
    "init": ("assets.init", "lay down a folder for runs, outside of a checkout"),
    "ui": ("assets.ui", "open Dagster on loopback"),
    "crawl": ("pipelines.crawl.command", "WARC files or a Common Crawl snapshot to pages in Parquet"),
    "extract": ("pipelines.extraction.command", "HTML to text that keeps the mathematics"),
    "annotate": ("pipelines.corpus.annotate_command", "review discovered URL prefixes, one at a time"),
    "label": ("pipelines.corpus.label_command", "judge a sample of the pages by hand, and how far readers agree"),
    "why": ("pipelines.corpus.why_command", "what happened to a URL of the crawl, and why"),
    "diff": ("pipelines.diff_command", "what came into a corpus and what left it, and why"),
    "verify": ("pipelines.verify_command", "is all that a run has left whole"),
    "check": ("evaluators.answers.command", "compare a prediction with a reference answer"),
    "run-code": ("evaluators.sandbox.command", "run a Python file in the sandbox"),
    "evaluate": ("pipelines.evaluate_command", "put benchmarks to a model, and write the report"),
    "serve": ("evaluators.service.command", "serve the judge over HTTP to trainers and harnesses"),
    "grade": ("evaluators.grade_command", "grade outputs made elsewhere, with intervals"),
    "compare": ("evaluators.compare_command", "paired comparison of two evaluations"),
}

UNUSABLE = 2
"""Exit status of a command that cannot be done as it stands: the message says what to change."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status: 0 done, 1 failed, 2 unusable arguments, from 128 stopped by a signal.

    Without `argv` this process is the command, and one that has workers runs in a process below it.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    overview = argparse.ArgumentParser(
        prog="mathsieve",
        description="The DeepSeekMath pipeline as one graph: from Common Crawl to a benchmark report.",
        epilog="\n".join(f"  {name:<10} {summary}" for name, (_, summary) in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    overview.add_argument("--version", action="store_true", help="print the version and stop")
    overview.add_argument(
        "command", choices=COMMANDS, metavar="COMMAND", help="one of those below; `COMMAND --help` tells more"
    )
    if words == ["--version"]:
        from importlib.metadata import version  # brings the e-mail parser and zip, which no command needs

        print(f"mathsieve {version('mathsieve')}")
        return 0
    if not words:
        overview.print_help(sys.stderr)
        return 2
    name = overview.parse_args(words[:1]).command
    module_name, summary = COMMANDS[name]
    module = importlib.import_module(module_name)
    parser = argparse.ArgumentParser(
        prog=f"mathsieve {name}",
        description=module.__doc__ or summary,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    arranged: list[str] = module.arrange(words[1:]) if hasattr(module, "arrange") else words[1:]
    arguments = parser.parse_args(arranged)
    stopped: str = getattr(module, "STOPPED", "stopped")
    if argv is None and hasattr(module, "has_workers") and module.has_workers(arguments):
        from assets.foreground import run_below

        return run_below(words, stopped=stopped)
    try:
        status: int = module.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"\n{stopped}", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:
        if not _reader_is_gone():
            raise
        return 128 + signal.SIGPIPE
    except MathsieveError as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    except OSError as error:
        if (told := _told_of_a_file(error)) is None:
            raise
        print(told, file=sys.stderr)
        return UNUSABLE
    return status


def _told_of_a_file(error: OSError) -> str | None:
    """What is wrong with a file that somebody named, or with the disk; None for any other fault of the system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full: {error.strerror}. Free some space and run again: what was finished is kept."
    if not isinstance(error.filename, str):
        return None
    found = f"expected a file or folder that can be used; found: {error.strerror}"
    return f"{os.path.abspath(error.filename)}: {found}. Check the path and its permissions."  # noqa: PTH100  # may be no path at all


def _reader_is_gone() -> bool:
    """Whether whoever reads our output, as `| head`, has seen enough; what is left to be written then goes nowhere."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    gone = any(event & select.POLLERR for _, event in output.poll(0))
    if gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return gone


if __name__ == "__main__":
    sys.exit(main())
