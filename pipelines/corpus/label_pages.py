"""The sample that readers label in the corpus report: pages with their texts, and what each stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from evaluators.stages import Stage
from pipelines.corpus.label_sample import Drawn, SampleSettings, draw_sample, readable
from pipelines.corpus.run_pages import GivenArtifacts, candidates_of, texts_of
from pipelines.storage import Artifact, Json, atomic_file


def write_label_sample(
    folder: Path,
    settings: SampleSettings,
    *,
    pages: Mapping[str, Artifact],
    url_index: Artifact,
    scores: Mapping[str, Artifact],
    extracted: Artifact,
    math_corpus: Artifact,
) -> dict[str, Json]:
    """Fill `folder` with sample.jsonl: of each page what a label says of it, and the text that a reader is shown.

    `scores` are named as a run names them: `iteration_1/scores/CC-MAIN-2024-10`.
    """
    named = {f"pages/{snapshot}": one for snapshot, one in pages.items()}
    named |= {"url_index": url_index, "extracted": extracted, "math_corpus": math_corpus, **scores}
    run = GivenArtifacts(named)
    drawn = draw_sample(candidates_of(run), settings)
    texts = texts_of(run, [one.page for one in drawn])
    with atomic_file(folder / "sample.jsonl") as temporary:
        lines = (json.dumps(row_of(one, readable(texts[one.page.url])), ensure_ascii=False) + "\n" for one in drawn)
        temporary.write_text("".join(lines), encoding="utf-8", errors="replace")
    return {"rows": len(drawn), "stands_for": round(sum(one.stands_for for one in drawn))}


def row_of(one: Drawn, text: str) -> dict[str, Json]:
    """A label's fields but for the verdict and its reader, and the text. The score is not among them: it would decide for them."""
    return {
        "url": one.page.url,
        "digest": one.page.digest,
        "site": one.page.site,
        "language": one.page.language,
        "stratum": one.stratum,
        "stands_for": round(one.stands_for, 4),
        "text": text,
    }


LABEL_SAMPLE = Stage(
    name="label_sample",
    version="1",
    write=write_label_sample,
    settings=SampleSettings,
    inputs=("pages/*", "url_index", "scores/*", "extracted", "math_corpus"),
    description="Pages for readers, by site, language, score band and tier, kept or not: the corpus report shows them with buttons.",
    kinds=("jsonl",),
)
