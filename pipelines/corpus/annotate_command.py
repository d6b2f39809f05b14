"""Review of discovered URL prefixes in the terminal, one at a time, with samples of their pages.

Verdicts are appended to a decisions file, one JSON object a line; keep it under version control and name it in the
recipe (iterations.annotations.decisions). A prefix that was decided on, or lies under one that was, is not asked again.

  mathsieve annotate --decisions decisions.jsonl
  mathsieve annotate --data data/demo --decisions decisions.jsonl --who Ada
"""

from __future__ import annotations

import argparse
import datetime
import getpass
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from pipelines.corpus.annotations import Decision, Verdict, read_decisions, verdict_on
from pipelines.corpus.page_tables import CorpusError
from pipelines.corpus.why_command import run_folder
from pipelines.storage import Artifact, Json, StorageError, Store

KEYS: dict[str, Verdict] = {"m": "math", "o": "other"}
HELP = "[m]ath  [o]ther  [s]kip  [n]arrower or wider prefix  [b]ack (takes the last verdict back)  [q]uit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--decisions", type=Path, required=True, metavar="FILE", help="the file that verdicts are appended to"
    )
    parser.add_argument(
        "--data", type=Path, default=None, metavar="DIR", help="a run's folder (default: the only one there is)"
    )
    parser.add_argument("--who", default=None, help="your name in the file (default: the login name)")
    parser.add_argument("--all", action="store_true", help="also prefixes on which a rule or a model has decided")


def run(arguments: argparse.Namespace) -> int:
    try:
        proposals = waiting(run_folder(arguments.data), everything=arguments.all)
        decided = read_decisions(arguments.decisions) if arguments.decisions.exists() else []
        if not arguments.decisions.parent.is_dir():
            raise CorpusError(f"{arguments.decisions}: expected its folder to exist; make it first")
    except (StorageError, CorpusError) as error:
        print(error, file=sys.stderr)
        return 2
    who = arguments.who or getpass.getuser()
    try:
        made = review(proposals, decided, arguments.decisions, who, input)
    except (EOFError, KeyboardInterrupt):
        print("\nstopped; every verdict so far is in the file")
        return 0
    print(f"{made} verdicts written to {arguments.decisions}")
    return 0


def waiting(folder: Path, *, everything: bool = False) -> list[dict[str, Json]]:
    """The proposals of the last iteration that made any, the largest first. Raises StorageError where none ran."""
    name = "domains" if everything else "annotations"
    found: list[Artifact] = []
    for path in sorted(
        (folder / "refs").glob(f"iteration_*/{name}.json"), key=lambda p: int(p.parent.name.split("_")[1])
    ):
        found.append(Store(folder).open(folder / json.loads(path.read_text(encoding="utf-8"))["path"]))
    asked = [artifact for artifact in found if not artifact.facts.get("converged")]
    if not asked:
        raise StorageError(f"{folder}: expected the {name} of an iteration; found none. Run `mathsieve run` first.")
    lines = asked[-1].file("prefixes.jsonl" if everything else "waiting.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted(map(json.loads, lines), key=lambda row: (-row["collected"], row["prefix"]))


def review(
    proposals: Sequence[dict[str, Json]], decided: Sequence[Decision], file: Path, who: str, ask: Callable[[str], str]
) -> int:
    """Ask about each proposal that no person has decided on; append each verdict at once. How many were written."""
    persons = [decision for decision in decided if decision.by == "person"]
    made: list[Decision] = []
    position = 0
    while position < len(proposals):
        proposal = proposals[position]
        if verdict_on(proposal["prefix"], [*persons, *made]) is not None:
            position += 1
            continue
        print(shown(proposal, position + 1, len(proposals)))
        answer = _answer(proposal["prefix"], ask)
        if answer == "q":
            break
        if answer == "b":
            position = _taken_back(made, proposals, file, position)
            continue
        if isinstance(answer, tuple):
            prefix, verdict = answer
            why = ask("why (Enter for none): ").strip()
            today = datetime.date.today().isoformat()
            made.append(Decision(prefix=prefix, verdict=verdict, by="person", who=who, why=why, when=today))
            _append(file, made[-1])
        position += 1
    return sum(decision.verdict != "undecided" for decision in made)


def shown(proposal: dict[str, Json], number: int, total: int) -> str:
    """A proposal with its evidence, for a terminal."""
    width = min(shutil.get_terminal_size().columns, 110)
    lines = ["", "=" * width, f"{number}/{total}  {clean(proposal['prefix'])}"]
    lines.append(
        f"{proposal['collected']} of {proposal['pages']} pages taken for mathematics ({proposal['share']:.0%}), "
        f"{proposal['with_formulas']} carry formulas"
    )
    for kind, heading in (("collected", "taken for mathematics"), ("uncollected", "not taken")):
        for page in proposal["examples"][kind][:3]:
            lines += ["", f"[{heading}] {clean(page['title'])}", f"  {clean(page['url'])}"]
            lines += textwrap.wrap(clean(page["text"]), width, initial_indent="  ", subsequent_indent="  ")
    return "\n".join([*lines, ""])


def clean(text: str) -> str:
    """A page's words without control characters: a title must not be able to move the cursor."""
    return "".join(character if character.isprintable() else " " for character in text)


def _answer(prefix: str, ask: Callable[[str], str]) -> tuple[str, Verdict] | str:
    while True:
        answer = ask(f"{clean(prefix)}? {HELP}: ").strip().lower()
        if answer in KEYS:
            return prefix, KEYS[answer]
        if answer in ("s", "b", "q"):
            return answer
        if answer == "n":
            other = ask(f"prefix [{clean(prefix)}]: ").strip()
            prefix = other.removeprefix("https://").removeprefix("http://").removeprefix("www.").strip("/") or prefix
        else:
            print(f"expected one of m, o, s, n, b, q; found {answer!r}")


def _taken_back(made: list[Decision], proposals: Sequence[dict[str, Json]], file: Path, position: int) -> int:
    """Withdraw the last verdict of this review: a later line on the same prefix replaces the earlier one."""
    if not made:
        print("nothing to take back")
        return position
    last = made.pop()
    _append(
        file,
        Decision(prefix=last.prefix, verdict="undecided", by="person", who=last.who, why="taken back", when=last.when),
    )
    return next((n for n, p in enumerate(proposals) if verdict_on(p["prefix"], [last]) is not None), position)


def _append(file: Path, decision: Decision) -> None:
    missing_end = file.exists() and file.stat().st_size > 0 and not file.read_bytes().endswith(b"\n")
    with file.open("a", encoding="utf-8") as handle:
        handle.write(("\n" if missing_end else "") + json.dumps(asdict(decision), ensure_ascii=False) + "\n")
