"""Injected leaks found, and clean pages dropped; beside a peer's way of doing it (numbers to 0, nothing under 10 words).

python -m bench.decontamination      needs MATHSIEVE_REAL_DATA: GSM8K, MATH-500 and CMATH, and the pages of realweb and messyweb
python -m bench.decontamination --beside ../other-checkout      the same pages by another checkout, turn by turn
python -m bench.decontamination --clean docs.tar ...             the bound on clean pages lost, by the HTML pages of archives
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from opencc import OpenCC

from evaluators.intervals import share_interval
from pipelines.corpus.decontamination import BenchmarkIndex, DecontaminationSettings

DISGUISES: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "white space": lambda text: text.replace(" ", "\n \t"),
    "case": str.upper,
    "markup": lambda text: re.sub(r"\b([a-z]{5,})\b", r"<b>\1</b>", text, count=3),
    "emphasis": lambda text: re.sub(r"(?<![\\\w])([a-z]{5,})\b", r"*\1*", text, count=3),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "wrapped numbers": lambda text: re.sub(r"\d+", r"$\g<0>$", text),
    "Chinese spaced out": lambda text: (
        re.sub(r"(?<=[\d\u4e00-\u9fff])(?=[\d\u4e00-\u9fff])", " ", text)
        if re.search("[\u4e00-\u9fff]", text)
        else text
    ),
    "thousands set apart": lambda text: re.sub(
        r"\d{4,}|\d{1,3}(?:,\d{3})+", lambda found: f"{int(found.group().replace(',', '')):,}".replace(",", " "), text
    ),
    "traditional Chinese": lambda text: OpenCC("s2tw").convert(text),
}


def read_problems(root: Path) -> list[dict[str, str | None]]:
    """Test problems of three benchmarks, with solutions where there are some."""
    problems: list[dict[str, str | None]] = []
    for name, file, question, answer, solution in (
        ("gsm8k", "gsm8k/test.jsonl", "question", "answer", "answer"),
        ("math500", "math500/test.jsonl", "problem", "answer", "solution"),
        ("cmath", "cmath/test.jsonl", "question", "golden", None),
    ):
        for number, line in enumerate((root / "benchmarks" / file).read_text(encoding="utf-8").splitlines()):
            row = json.loads(line)
            reference = str(row[answer]).rpartition("####")[2].strip()
            worked = str(row[solution]) if solution else None
            problems.append(
                {
                    "id": f"{name}/{number}",
                    "benchmark": name,
                    "question": row[question],
                    "reference": reference,
                    "solution": worked,
                }
            )
    return problems


def clean_pages(root: Path) -> list[str]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text

    texts = []
    for path in sorted([*(root / "realweb").glob("*.gz"), *(root / "messyweb").glob("*.gz")]):
        with path.open("rb") as handle:
            for record in ArchiveIterator(handle, record_types=WarcRecordType.response):
                texts.append(extract_plain_text(record.reader.read().decode("utf-8", "replace")))
    return texts


def archived_pages(archives: Sequence[Path]) -> Iterator[str]:
    """Texts of the distinct HTML pages of tar archives: documentation packages (`dpkg-deb --fsys-tarfile X.deb > X.tar`)."""
    from resiliparse.extract.html2text import extract_plain_text

    seen = set[bytes]()
    for archive in archives:
        with tarfile.open(archive, "r|*") as members:
            for member in members:
                if not member.isfile() or not member.name.endswith((".html", ".htm", ".xhtml")):
                    continue
                content = members.extractfile(member)
                text = extract_plain_text(content.read().decode("utf-8", "replace")) if content is not None else ""
                digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
                if len(text) >= LEAST_TEXT and digest not in seen:
                    seen.add(digest)
                    yield text


def bound(root: Path, archives: Sequence[Path]) -> None:
    """Clean pages lost, with the upper end of the interval, and what was found in each."""
    index = BenchmarkIndex(read_problems(root), DecontaminationSettings())
    pages, lost = 0, list[tuple[str, str]]()
    for text in archived_pages(archives):
        pages += 1
        if found := index.hits(text):
            lost.append((text[:80], str(found[:2])))
    told = share_interval(len(lost), pages)
    print(f"{len(lost)} of {pages} pages lost: at most {1e4 * told.high:.2f} in 10,000 (95 %)")
    for text, found in lost:
        print(f"lost: {' '.join(text.split())}: {found}")


def naive_words(text: str) -> list[str]:
    return re.sub(r"[^\w\s]", "", re.sub(r"\d+", "0", text.lower())).split()


class NaiveIndex:
    """10-grams of white-space words with every number turned into 0, as some pipelines do it."""

    def __init__(self, problems: list[dict[str, str | None]]) -> None:
        texts = [problem[part] or "" for problem in problems for part in ("question", "solution")]
        self._grams = {gram for text in texts for gram in self._of(text)}

    def found(self, text: str) -> bool:
        return not self._grams.isdisjoint(self._of(text))

    @staticmethod
    def _of(text: str) -> list[tuple[str, ...]]:
        words = naive_words(text)
        return [tuple(words[i : i + 10]) for i in range(len(words) - 9)]


LEAST_TEXT = 200  # characters: a shorter page is a redirection or a frame
MATCHES = ("numerals", "renamed", "extended", "reworded", "last_sentence", "translated")


def scan(root: Path, matches: tuple[str, ...] = ()) -> dict[str, float]:
    """CPU seconds for all clean pages, in the checkout that is on the path."""
    problems, pages = read_problems(root), clean_pages(root)
    index = BenchmarkIndex(problems, DecontaminationSettings(**({"matches": matches} if matches else {})))
    index.hits(" ".join(pages[:3]))  # compiled, and its tables made
    started = time.process_time()
    dropped = sum(bool(index.hits(page)) for page in pages)
    return {
        "seconds": time.process_time() - started,
        "dropped": dropped,
        "pages": len(pages),
        "characters": sum(map(len, pages)),
    }


def _child(checkout: Path, root: Path) -> dict[str, float]:
    python = checkout / ".venv" / "bin" / "python"
    command = [str(python if python.exists() else sys.executable), str(Path(__file__)), "--child", str(root)]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=checkout, check=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def compare(other: Path, root: Path, turns: int) -> None:
    """Both checkouts one after the other, some turns: the fastest of each counts."""
    here = Path(__file__).resolve().parents[1]
    ran = [(_child(here, root), _child(other.absolute(), root)) for _ in range(turns)]
    fastest = [min((turn[side] for turn in ran), key=lambda one: one["seconds"]) for side in (0, 1)]
    print("| build | ms for 13,000 characters | pages/s | clean pages dropped |\n| --- | --- | --- | --- |")
    for name, one in zip(("this", "beside"), fastest, strict=True):
        each = 13e6 * one["seconds"] / one["characters"]
        print(f"| {name} | {each:.2f} | {one['pages'] / one['seconds']:.0f} | {one['dropped']} of {one['pages']} |")
    print(f"times faster: {fastest[1]['seconds'] / fastest[0]['seconds']:.1f}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.decontamination")
    parser.add_argument("--beside", type=Path, help="another checkout, with an environment of its own")
    parser.add_argument("--turns", type=int, default=3, help="of --beside (default: 3)")
    parser.add_argument("--clean", type=Path, nargs="+", metavar="TAR", help="archives of HTML pages without leaks")
    arguments = parser.parse_args()
    if "MATHSIEVE_REAL_DATA" not in os.environ:
        print("MATHSIEVE_REAL_DATA is not set: nothing to measure on", file=sys.stderr)
        return 1
    root = Path(os.environ["MATHSIEVE_REAL_DATA"])
    if arguments.beside is not None:
        compare(arguments.beside, root, arguments.turns)
        return 0
    if arguments.clean:
        bound(root, arguments.clean)
        return 0
    problems, pages = read_problems(root), clean_pages(root)
    index, naive = BenchmarkIndex(problems, DecontaminationSettings()), NaiveIndex(problems)
    strong = BenchmarkIndex(problems, DecontaminationSettings(matches=MATCHES))
    draw = random.Random(5)
    carriers = [page for page in pages if 500 < len(page) < 5000]
    leaks = []
    for number, problem in enumerate(problems):
        part = "solution" if problem["solution"] and number % 3 == 0 else "question"
        disguise = list(DISGUISES)[number % len(DISGUISES)]
        leaks.append(
            (problem, part, disguise, f"{draw.choice(carriers)}\n{DISGUISES[disguise](problem[part] or '')}\n")
        )
    missed = [(p["id"], part, how) for p, part, how, text in leaks if not index.hits(text)]
    started = time.process_time()
    dropped = sum(bool(index.hits(page)) for page in pages)
    speed = len(pages) / (time.process_time() - started)
    naive_found = sum(naive.found(text) for *_, text in leaks)
    print("| way | leaks found | clean pages dropped | pages/s |\n| --- | --- | --- | --- |")
    print(f"| mathsieve | {len(leaks) - len(missed)} of {len(leaks)} | {dropped} of {len(pages)} | {speed:.0f} |")
    started = time.process_time()
    dropped = sum(bool(strong.hits(page)) for page in pages)
    speed = len(pages) / (time.process_time() - started)
    found = sum(bool(strong.hits(text)) for *_, text in leaks)
    print(f"| with every rewording | {found} of {len(leaks)} | {dropped} of {len(pages)} | {speed:.0f} |")
    print(
        f"| numbers to 0, nothing short | {naive_found} of {len(leaks)} | {sum(map(naive.found, pages))} of {len(pages)} | |"
    )
    for problem_id, part, how in missed[:20]:
        print(f"missed: {problem_id}, {part}, {how}")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(scan(Path(sys.argv[2]))))
    else:
        sys.exit(main())
