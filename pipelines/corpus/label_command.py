"""Verdicts of readers on a stratified sample of a run's pages: is a page mathematics, and what does it teach, 0 to 5.

The rubric is docs/labels.md. Verdicts are appended to a labels file (URL and digest, no text); keep it under version
control. What a reader has judged is never shown again to the same reader, so a review can be stopped at any time.

  mathsieve label --labels labels.jsonl                       page by page, in the terminal
  mathsieve label --export sample.jsonl                       {"id", "url", "text"} lines for readers elsewhere
  mathsieve label --labels labels.jsonl --read verdicts.jsonl --sample sample.jsonl --who Ada
                                                              their {"id", "mathematics", "teaching"} lines
  mathsieve label --labels labels.jsonl --read labels-2.jsonl  another file of labels, as the corpus report gives it
  mathsieve label --labels labels.jsonl --ask rule            a rule's verdicts on the sample, or those of a model:
  mathsieve label --labels labels.jsonl --ask model --base-url http://127.0.0.1:8000/v1/ --model NAME
  mathsieve label --labels labels.jsonl --agreement           how far two readers agree
  mathsieve label --labels labels.jsonl --teach head.json     a head of pages' worth for `corpus.worth.head` of a recipe
"""

from __future__ import annotations

import argparse
import datetime
import getpass
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from evaluators.errors import UnusableArguments
from pipelines.corpus.agreement import agreement_lines
from pipelines.corpus.annotate_command import clean, wrapped
from pipelines.corpus.annotations import BY
from pipelines.corpus.label_sample import Drawn, SampleSettings, draw_sample, readable
from pipelines.corpus.labels import (
    MOST_TEACHING,
    Mathematics,
    PageLabel,
    append_labels,
    read_labels,
    read_verdicts,
    settle,
)
from pipelines.corpus.page_annotators import annotator_named
from pipelines.corpus.page_tables import CorpusError
from pipelines.corpus.run_pages import candidates_of, texts_of
from pipelines.storage import Json, atomic_file, find_run

KEYS: dict[str, Mathematics] = {"y": "yes", "n": "no"}
HELP = "mathematics? [y]es [n]o, then 0 to 5 for what it teaches (`y3`); [s]kip [b]ack [q]uit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--labels", type=Path, metavar="FILE", help="the file that verdicts are appended to")
    parser.add_argument("--data", default=None, metavar="DIR", help="a run's folder (default: the only one there is)")
    parser.add_argument("--who", default=None, help="the reader's name in the file (default: the login name)")
    parser.add_argument("--by", choices=BY, default="person", help="what the reader is (default: person)")
    parser.add_argument("--count", type=int, default=SampleSettings().count, help="pages of the sample (default: 640)")
    parser.add_argument("--draw", type=int, default=0, help="another number draws another sample (default: 0)")
    parser.add_argument("--export", type=Path, metavar="FILE", help="write the sample there, and FILE's key beside it")
    parser.add_argument(
        "--read", type=Path, metavar="FILE", help="a reader's verdicts on --sample, or a file of labels"
    )
    parser.add_argument("--sample", type=Path, metavar="FILE", help="the exported sample that --read is about")
    parser.add_argument("--ask", choices=("rule", "model"), help="let these read the sample instead of a person")
    parser.add_argument("--base-url", metavar="URL", help="of the model's endpoint (OpenAI-compatible)")
    parser.add_argument("--model", metavar="NAME", help="the model to ask")
    parser.add_argument("--api-key-variable", metavar="NAME", help="environment variable that holds the endpoint's key")
    parser.add_argument("--teach", type=Path, metavar="FILE", help="teach a head of pages' worth by --labels, and stop")
    parser.add_argument("--agreement", action="store_true", help="how far the readers of --labels agree, and stop")


def run(arguments: argparse.Namespace) -> int:
    if arguments.count < 1:
        raise UnusableArguments(f"--count: expected at least 1; found {arguments.count}.")
    if arguments.export is not None:
        return _export(arguments)
    if arguments.labels is None:
        raise UnusableArguments("expected --labels FILE, or --export FILE.")
    if not arguments.labels.absolute().parent.is_dir():
        raise CorpusError(f"{arguments.labels.absolute()}: expected its folder to exist; make it first")
    known = read_labels(arguments.labels) if arguments.labels.exists() else []
    if arguments.agreement:
        print("\n".join(agreement_lines(known)))
        return 0
    if arguments.read is not None:
        return _read(arguments)
    if arguments.teach is not None:
        return _teach(arguments, known)
    if arguments.ask is not None:
        return _ask(arguments, known)
    return _review_run(arguments, known)


def _sample(arguments: argparse.Namespace) -> tuple[list[Drawn], dict[str, str]]:
    """The sample of a run and the text of each of its pages by id."""
    run = find_run(arguments.data)
    drawn = draw_sample(candidates_of(run), SampleSettings(count=arguments.count, draw=arguments.draw))
    texts = texts_of(run, [one.page for one in drawn])
    return drawn, {one.id: readable(texts[one.page.url]) for one in drawn}


def _export(arguments: argparse.Namespace) -> int:
    drawn, texts = _sample(arguments)
    write_sample(arguments.export, drawn, texts)
    print(f"{len(drawn)} pages written to {arguments.export}; what they stand for to {key_file(arguments.export)}")
    return 0


def key_file(sample: Path) -> Path:
    """Beside a sample, what its readers must not see: strata and scores."""
    return sample.with_name(f"{sample.stem}.key.jsonl")


def write_sample(path: Path, drawn: Sequence[Drawn], texts: Mapping[str, str]) -> None:
    shown = [{"id": one.id, "url": one.page.url, "text": texts[one.id]} for one in drawn]
    for file, rows in ((path, shown), (key_file(path), [key_row(one) for one in drawn])):
        with atomic_file(file) as temporary:
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            temporary.write_text("".join(lines), encoding="utf-8", errors="replace")


def key_row(one: Drawn) -> dict[str, Json]:
    page = {name: value for name, value in asdict(one.page).items() if name != "place"}
    return {"id": one.id, **page, "stratum": one.stratum, "stands_for": round(one.stands_for, 4)}


def _read(arguments: argparse.Namespace) -> int:
    if arguments.sample is None:
        given = read_labels(arguments.read)
        append_labels(arguments.labels, given)
        print(f"{len(given)} verdicts of {arguments.read} written to {arguments.labels}")
        return 0
    if arguments.who is None:
        raise UnusableArguments("--read FILE --sample FILE: expected --who NAME beside them.")
    rows = map(json.loads, key_file(arguments.sample).read_text(encoding="utf-8").splitlines())
    key = {row["id"]: row for row in rows}
    today = datetime.date.today().isoformat() if arguments.by == "person" else ""
    made = read_verdicts(arguments.read, key, by=arguments.by, who=arguments.who, when=today)
    append_labels(arguments.labels, made)
    print(f"{len(made)} verdicts of {arguments.who} written to {arguments.labels}")
    return 0


def _teach(arguments: argparse.Namespace, known: Sequence[PageLabel]) -> int:
    from pipelines.corpus.worth_teaching import lessons_of_texts, teach

    settled = [one for one in settle(known) if one.mathematics is not None]
    wanted = {one.label.key for one in settled}
    run = find_run(arguments.data)
    pages = [page for page in candidates_of(run) if (page.url, page.digest) in wanted]
    texts = texts_of(run, pages)
    taught = [one for one in settled if one.label.url in texts]
    if len({one.mathematics for one in taught}) < 2:
        raise CorpusError(
            f"{arguments.labels}: expected labels of pages of this run, some of mathematics and some of none; found "
            f"{len(taught)} of its pages. Label more of its pages first."
        )
    teach(lessons_of_texts(taught, [texts[one.label.url] for one in taught])).save(arguments.teach)
    print(f"{arguments.teach} taught by {len(taught)} pages; name it in the recipe: corpus.worth.head")
    return 0


def _ask(arguments: argparse.Namespace, known: Sequence[PageLabel]) -> int:
    annotate = annotator_named(arguments.ask, arguments.base_url, arguments.model, arguments.api_key_variable)
    who = arguments.who or (arguments.model if arguments.ask == "model" else "formulas and words")
    judged = {label.key for label in known if label.who == who}
    drawn, texts = _sample(arguments)
    made = silent = 0
    for one in drawn:
        if (one.page.url, one.page.digest) in judged:
            continue
        verdict = annotate(one.page.url, texts[one.id])
        if verdict is None:
            silent += 1
            continue
        label = _label(one, (verdict.mathematics, verdict.teaching), who)
        append_labels(arguments.labels, [replace(label, by=arguments.ask, why=verdict.why, when="")])
        made += 1
    print(f"{made} verdicts of {who} written to {arguments.labels}; on {silent} pages it gave none")
    return 0


def _review_run(arguments: argparse.Namespace, known: Sequence[PageLabel]) -> int:
    who = arguments.who or getpass.getuser()
    judged = {label.key for label in known if label.who == who}
    drawn, texts = _sample(arguments)
    left = [one for one in drawn if (one.page.url, one.page.digest) not in judged]
    print(f"{len(drawn) - len(left)} of {len(drawn)} pages of the sample are judged already by {who}")
    try:
        made = review(left, texts, arguments.labels, who, input)
    except (EOFError, KeyboardInterrupt):
        print("\nstopped; every verdict so far is in the file")
        return 0
    print(f"{made} verdict{'s' if made != 1 else ''} written to {arguments.labels}")
    return 0


def review(sample: Sequence[Drawn], texts: Mapping[str, str], file: Path, who: str, ask: Callable[[str], str]) -> int:
    """Show page after page and append each verdict at once; a page gone back to is judged anew. How many were written."""
    position, made, judged = 0, 0, list[int]()
    while position < len(sample):
        one = sample[position]
        print(shown(one, texts[one.id], position + 1, len(sample)))
        answer = _answer(ask)
        if answer == "q":
            break
        if answer == "b":
            position = judged.pop() if judged else position
            continue
        if isinstance(answer, tuple):
            append_labels(file, [_label(one, answer, who)])
            judged.append(position)
            made += 1
        position += 1
    return made


def _label(one: Drawn, answer: tuple[Mathematics, int], who: str) -> PageLabel:
    return PageLabel(
        url=one.page.url,
        digest=one.page.digest,
        mathematics=answer[0],
        teaching=answer[1],
        by="person",
        who=who,
        when=datetime.date.today().isoformat(),
        site=one.page.site,
        language=one.page.language,
        stratum=one.stratum,
        stands_for=round(one.stands_for, 4),
    )


def shown(one: Drawn, text: str, number: int, total: int) -> str:
    """A page for a terminal; its score stays hidden, since it would decide for the reader."""
    width = min(shutil.get_terminal_size().columns, 110)
    lines = ["", "=" * width, f"{number}/{total}  {clean(one.page.url)}", ""]
    for line in text.split("\n"):
        lines += wrapped(clean(line), width) or [""]
    return "\n".join([*lines, ""])


def _answer(ask: Callable[[str], str]) -> tuple[Mathematics, int] | str:
    while True:
        answer = ask(f"{HELP}: ").strip().lower()
        if answer in ("s", "b", "q"):
            return answer
        if answer[:1] in KEYS and answer[:1] and (teaching := answer[1:].strip()) in map(str, range(MOST_TEACHING + 1)):
            return KEYS[answer[0]], int(teaching)
        print(f"expected y or n with a number from 0 to {MOST_TEACHING}, as in `y3` or `n0`; found {answer!r}")
