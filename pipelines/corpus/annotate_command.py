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
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from pipelines.corpus.annotations import Decision, Verdict, read_decisions, verdict_on
from pipelines.corpus.page_tables import CorpusError
from pipelines.corpus.seed import is_under, place_of
from pipelines.figures import LoopFacts
from pipelines.storage import Json, References, StorageError, find_run

KEYS: dict[str, Verdict] = {"m": "math", "o": "other"}
HELP = "[m]ath  [o]ther  [s]kip  [n]arrower or wider prefix  [b]ack (takes the last verdict back)  [q]uit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--decisions", type=Path, required=True, metavar="FILE", help="the file that verdicts are appended to"
    )
    parser.add_argument("--data", default=None, metavar="DIR", help="a run's folder (default: the only one there is)")
    parser.add_argument("--who", default=None, help="your name in the file (default: the login name)")
    parser.add_argument("--all", action="store_true", help="also prefixes on which a rule or a model has decided")


def run(arguments: argparse.Namespace) -> int:
    proposals = waiting(find_run(arguments.data), everything=arguments.all)
    decided = read_decisions(arguments.decisions) if arguments.decisions.exists() else []
    if not arguments.decisions.parent.is_dir():
        raise CorpusError(f"{arguments.decisions.absolute()}: expected its folder to exist; make it first")
    arguments.decisions.touch()
    who = arguments.who or getpass.getuser()
    try:
        made = review(proposals, decided, arguments.decisions, who, input)
    except (EOFError, KeyboardInterrupt):
        print("\nstopped; every verdict so far is in the file")
        return 0
    print(f"{made} verdict{'s' if made != 1 else ''} written to {arguments.decisions}")
    return 0


def waiting(run: References, *, everything: bool = False) -> list[dict[str, Json]]:
    """The proposals of the last iteration that made any, the largest first. Raises StorageError where none ran."""
    name = "domains" if everything else "annotations"
    asked = [name_of for name_of in run.names() if re.fullmatch(rf"iteration_\d+/{name}", name_of)]
    found = [run.read(one) for one in sorted(asked, key=lambda one: int(one.partition("/")[0].split("_")[1]))]
    made = [artifact for artifact in found if not LoopFacts.of(artifact).converged]
    if not made:
        raise StorageError(
            where=run.store.root.location,
            expected=f"the {name} of an iteration",
            found="none",
            remedy="Run `mathsieve run` first.",
        )
    lines = made[-1].file("prefixes.jsonl" if everything else "waiting.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted(map(json.loads, lines), key=lambda row: (-row["collected"], row["prefix"]))


def review(
    proposals: Sequence[dict[str, Json]], decided: Sequence[Decision], file: Path, who: str, ask: Callable[[str], str]
) -> int:
    """Ask about each proposal that no person has decided on; append each verdict at once. How many were written."""
    persons = [decision for decision in decided if decision.by == "person"]
    made: list[Decision] = []
    places: list[int] = []
    """Of the proposal that each was made on."""
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
            if made:
                _take_back(made.pop(), file)
                position = places.pop()
            else:
                print("nothing to take back")
            continue
        if isinstance(answer, tuple):
            prefix, verdict = answer
            why = ask("why (Enter for none): ").strip()
            today = datetime.date.today().isoformat()
            made.append(Decision(prefix=prefix, verdict=verdict, by="person", who=who, why=why, when=today))
            places.append(position)
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
            lines += [f"  {line}" for line in wrapped(clean(page["text"]), width - 2)]
    return "\n".join([*lines, ""])


def clean(text: str) -> str:
    """A page's words without control characters: a title must not be able to move the cursor."""
    return "".join(character if character.isprintable() else " " for character in text)


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, of which a Chinese character takes two; it may be parted from the next."""
    lines, line, taken = [], "", 0
    for word in _breakable(text):
        columns = sum(map(_columns, word))
        if taken + columns > width and line:
            lines.append(line.rstrip())
            line, taken, word = "", 0, word.lstrip()
            columns = sum(map(_columns, word))
        line, taken = line + word, taken + columns
    return [*lines, line.rstrip()] if line.strip() else lines


def _breakable(text: str) -> Iterator[str]:
    """The pieces before each of which a line may end: words with the space before them, wide characters one by one."""
    piece = ""
    for character in text:
        if piece and (character == " " or _columns(character) == 2 or _columns(piece[-1]) == 2):
            yield piece
            piece = ""
        piece += character
    yield piece


def _columns(character: str) -> int:
    return 0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _answer(prefix: str, ask: Callable[[str], str]) -> tuple[str, Verdict] | str:
    while True:
        answer = ask(f"{clean(prefix)}? {HELP}: ").strip().lower()
        if answer in KEYS:
            return prefix, KEYS[answer]
        if answer in ("s", "b", "q"):
            return answer
        if answer == "n":
            prefix = _other_prefix(prefix, ask(f"prefix [{clean(prefix)}]: ").strip())
        else:
            print(f"expected one of m, o, s, n, b, q; found {answer!r}")


def _other_prefix(prefix: str, typed: str) -> str:
    """What was typed, as prefixes are written; the old one where it lies neither above nor below that: a slip."""
    if not typed:
        return prefix
    other = place_of(typed if "://" in typed else f"https://{typed}")
    if is_under(prefix, other) or is_under(other, prefix):
        return other
    print(f"expected a prefix above or below {clean(prefix)}; found {clean(other)}")
    return prefix


def _take_back(last: Decision, file: Path) -> None:
    """Withdraw a verdict of this review: a later line on the same prefix replaces the earlier one."""
    undone = Decision(
        prefix=last.prefix, verdict="undecided", by="person", who=last.who, why="taken back", when=last.when
    )
    _append(file, undone)


def _append(file: Path, decision: Decision) -> None:
    missing_end = file.exists() and file.stat().st_size > 0 and not file.read_bytes().endswith(b"\n")
    with file.open("a", encoding="utf-8") as handle:
        handle.write(("\n" if missing_end else "") + json.dumps(asdict(decision), ensure_ascii=False) + "\n")
