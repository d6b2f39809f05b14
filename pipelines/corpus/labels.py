"""Verdicts of readers on pages: is the page mathematics, and how much does it teach (docs/labels.md).

A file of labels is kept under version control. It names each page by URL and by the digest of its HTML, and holds none
of its text. One JSON object a line:

    {"url": "...", "digest": "...", "mathematics": "yes", "teaching": 3, "by": "person", "who": "Ada", "why": "",
     "when": "2026-05-04", "site": "example.org", "language": "en", "stratum": "...", "stands_for": 4.5}

`stands_for` is how many pages of the crawl the page was drawn for: the inverse of its chance of being drawn. A later
line of one reader on a page replaces an earlier one.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Literal

from pipelines.corpus.annotations import BY, By
from pipelines.corpus.page_tables import CorpusError
from pipelines.storage import Json

Mathematics = Literal["yes", "no"]
ANSWERS: Mapping[object, Mathematics] = {"yes": "yes", "no": "no", 1: "yes", 0: "no"}
"""How a verdict may be written; JSON's true and false equal 1 and 0."""
MOST_TEACHING = 5
PageKey = tuple[str, str]
"""URL and digest."""
LABELS = Path(__file__).with_name("page_labels") / "pages.jsonl"
"""The project's own: two readers on 640 pages of documentation and of the open web. They hold no text."""
HELD_OUT = 0.4
"""Share of the sites that teach nothing where held-out figures are told."""


def is_held_out(site: str) -> bool:
    """By the site's name alone: pages of one site are alike, so a split by page would tell nothing of other sites."""
    share = int.from_bytes(hashlib.blake2b(site.encode("utf-8", "replace"), digest_size=8).digest(), "big") / 2**64
    return share < HELD_OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLabel:
    """One reader's verdict on one page."""

    url: str
    """Canonical (pipelines.urls)."""
    digest: str
    """Of its HTML, as PAGES has it: another content is another page."""
    mathematics: Mathematics
    teaching: int
    """0 to 5."""
    by: By
    who: str
    why: str = ""
    when: str = ""
    """Date, ISO 8601; empty for rules and models."""
    site: str = ""
    language: str = ""
    stratum: str = ""
    stands_for: float = 1.0

    @property
    def key(self) -> PageKey:
        return self.url, self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the readers of one page say together."""

    label: PageLabel
    """One of theirs, for URL, site and stratum."""
    mathematics: bool | None
    """None where as many say yes as no: such a page teaches nothing and is counted nowhere."""
    teaching: float
    """Their mean."""
    readers: int


def read_labels(path: Path) -> list[PageLabel]:
    """Raises CorpusError that names file, line and remedy."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise CorpusError(f"{path}: expected a file of labels; found: {error.strerror}. Check the path.") from error
    found: dict[tuple[PageKey, str], PageLabel] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            label = _label(line, f"{path}:{number}")
            found[label.key, label.who] = label
    return list(found.values())


def _label(line: str, where: str) -> PageLabel:
    try:
        label = PageLabel(**json.loads(line))
        texts = (label.url, label.digest, label.who, label.why, label.when, label.site, label.language, label.stratum)
        sound = all(isinstance(text, str) for text in texts) and label.url and label.by in BY
        sound = sound and label.mathematics in ("yes", "no") and is_teaching(label.teaching)
        if sound and isinstance(label.stands_for, int | float) and label.stands_for > 0:
            return label
        problem = "a value of another kind"
    except (json.JSONDecodeError, TypeError, RecursionError) as error:
        problem = str(error)
    raise CorpusError(
        f"{where}: expected a JSON object with url, digest, mathematics (yes or no), teaching (0 to {MOST_TEACHING}), by "
        f"({', '.join(BY)}) and who; found {line[:80]!r} ({problem}). Mend the line or remove it."
    )


def is_teaching(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TEACHING


def append_labels(path: Path, labels: Iterable[PageLabel]) -> None:
    """Verdicts so far, at once: whoever stops a review loses none."""
    missing_end = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as handle:
        handle.write("\n" if missing_end else "")
        for label in labels:
            handle.write(json.dumps(asdict(label), ensure_ascii=False) + "\n")


def settle(labels: Sequence[PageLabel]) -> list[Settled]:
    """One verdict a page: persons before models before rules, and among equals the majority."""
    of_page: defaultdict[PageKey, list[PageLabel]] = defaultdict(list)
    for label in labels:
        of_page[label.key].append(label)
    return [_settled(of_page[key]) for key in sorted(of_page)]


def _settled(readers: Sequence[PageLabel]) -> Settled:
    heard = [label for label in readers if label.by == min((one.by for one in readers), key=BY.index)]
    votes = sum(1 if label.mathematics == "yes" else -1 for label in heard)
    teaching = mean(label.teaching for label in heard)
    mathematics = None if votes == 0 else votes > 0
    return Settled(label=heard[0], mathematics=mathematics, teaching=teaching, readers=len(heard))


def read_verdicts(path: Path, key: Mapping[str, Mapping[str, Json]], *, by: By, who: str, when: str) -> list[PageLabel]:
    """A reader's file, `{id, mathematics, teaching}` a line, as labels of the pages that `key` knows by id.

    Raises CorpusError for a line that is no verdict or an id that is not of the sample.
    """
    made = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            page, answer, teaching = key[row["id"]], ANSWERS[row["mathematics"]], row["teaching"]
        except (json.JSONDecodeError, TypeError, KeyError, RecursionError) as error:
            page, answer, teaching, problem = {}, "no", None, f"{type(error).__name__}: {error}"
        else:
            problem = f"teaching is {teaching!r}"
        if not is_teaching(teaching):
            raise CorpusError(
                f"{path}:{number}: expected an id of the sample, mathematics (yes or no) and teaching (0 to "
                f"{MOST_TEACHING}); found {line[:80]!r} ({problem}). Mend the line or remove it."
            )
        why = row.get("why")
        of_page = {name: page[name] for name in ("url", "digest", "site", "language", "stratum", "stands_for")}
        made.append(
            PageLabel(
                **of_page,
                mathematics=answer,
                teaching=teaching,
                by=by,
                who=who,
                why=why if isinstance(why, str) else "",
                when=when,
            )
        )
    return made
