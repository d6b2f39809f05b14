"""What came into a corpus and what left it: two exported corpora, compared page by page.

mathsieve diff data/math/math_corpus/1f0c... data/math/math_corpus/9a2e...
mathsieve diff data/math data/other --json
mathsieve diff recipes/real.yaml

A corpus is the folder or URL of a math_corpus, a run's folder, a recipe (what it exported last), or any folder of Parquet with
url and text. A recipe alone is compared with what it exported before.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from evaluators.errors import UnusableArguments
from pipelines.storage import Artifact, References, StorageError, Store

CORPUS = "math_corpus"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "corpora", nargs="+", metavar="CORPUS", help="the corpus before and the one after; or one recipe or run"
    )
    parser.add_argument("--json", action="store_true", help="all figures and examples as JSON")


def run(arguments: argparse.Namespace) -> int:
    from pipelines.corpus.diff import as_text, compare_corpora

    before, after = _corpora(arguments.corpora)
    told = compare_corpora(before, after)
    print(json.dumps(told, ensure_ascii=False, indent=1) if arguments.json else as_text(told))
    return 0


def _corpora(named: list[str]) -> tuple[Artifact, Artifact]:
    if len(named) == 2:
        return _corpus(named[0]), _corpus(named[1])
    if len(named) != 1:
        raise UnusableArguments(f"expected two corpora, or one recipe; found {len(named)}. Name them.")
    references = _references(named[0])
    before = references.before(CORPUS) if references is not None else None
    if references is None or before is None:
        raise UnusableArguments(
            f"{named[0]}: expected a recipe or run that exported a corpus twice, or two corpora; found none before its last. "
            "Name the other one."
        )
    return before, references.read(CORPUS)


def _corpus(named: str) -> Artifact:
    if (references := _references(named)) is not None:
        return references.read(CORPUS)
    place = named.rstrip("/")
    if "://" not in place:
        place = str(Path(place).absolute())
    root, name, fingerprint = place.rsplit("/", 2)
    try:
        return Store(root).open(f"{name}/{fingerprint}")
    except StorageError:
        if "://" in place or not Path(place).is_dir():
            raise
    return Artifact(name=CORPUS, place=Path(place), content="")


def _references(named: str) -> References | None:
    """Those of a recipe or of a run's folder; None for anything else."""
    from pipelines.recipe import load_recipe

    if named.endswith((".yaml", ".yml")):
        return References(Store(load_recipe(Path(named)).home))
    references = References(Store(named))
    try:
        references.target(CORPUS)
    except StorageError:
        return None
    return references
