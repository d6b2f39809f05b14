"""Is the corpus better? One small model trained on equal token budgets of each corpus (§2.2, Table 1), as a stage.

<folder>/proxy_models.json            the table: a row for each corpus, and one for no training at all
<folder>/proxy_models.md              the same for reading
<folder>/<corpus>/training_log.jsonl  the loss of each run
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from evaluators.errors import MathsieveError
from evaluators.intervals import wilson
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.figures import ProxyFacts
from pipelines.storage import Artifact, Json, atomic_file
from pipelines.training.documents import (
    Document,
    is_held_out,
    pack_documents,
    read_documents,
    read_worked_problems,
    take_bytes,
)
from pipelines.training.launch import Job, launch
from pipelines.training.run_settings import MachineSettings, OptimiserSettings
from pipelines.training.samples import read_problems
from pipelines.training.sft import model_folder

WORK = "work"
"""Packed rows, held-out text and problems for the training process; removed at the end."""
RESULT = "result.json"
UNTRAINED = "no_math_training"
BASELINE = "random_pages"
"""The corpus that anybody has without a classifier: pages of the crawl as they come."""
TABLE = "proxy_models"


class ProxyError(MathsieveError):
    """The corpora cannot be compared; the message names the remedy."""


class ProxyModelSettings(Settings):
    """The small model: the base model itself, or a Llama of this size from random weights with its tokenizer."""

    start: Literal["scratch", "base"] = "scratch"  # ours, for a laptop; §2.2.1 continues DeepSeek-LLM 1.3 B
    hidden: int = Field(default=128, gt=0)  # ours
    layers: int = Field(default=4, gt=0)  # ours
    heads: int = Field(default=4, gt=0)  # ours


class ProxySettings(Settings):
    """Defaults are for a laptop. The paper: 1.3 B parameters, 150 B tokens, batches of 4 M tokens (§2.2.1)."""

    model: ProxyModelSettings = ProxyModelSettings()
    tokens: int = Field(default=65_536, gt=0)  # §2.2.1: 150 B
    context: int = Field(default=256, gt=1)  # §2.2.1: 4 K
    batch_tokens: int = Field(default=2048, gt=0)  # §2.2.1: 4 M
    learning_rate: float = Field(default=2e-3, gt=0)  # ours for a model this small; §2.2.1: 5.3e-4 at 1.3 B
    warmup_ratio: float = Field(default=0.05, ge=0, le=1)  # ours
    machine: MachineSettings = MachineSettings(checkpoint_every=200)
    seed: int = 42
    heldout_share: float = Field(default=0.05, gt=0, lt=1)
    """Of each corpus, kept out of training by a hash of the page, where no held-out text is given."""
    heldout_bytes: int = Field(default=100_000, gt=0)  # ours: some 100 pages
    benchmark: str | None = None
    """Of the recipe's benchmarks the one that is asked few-shot; none: bits per byte alone."""
    shots: int = Field(default=4, ge=0)  # as MATH in §2.2.1
    problems: int = Field(default=32, ge=0)  # ours: how many of the problems given are asked
    max_new_tokens: int = Field(default=48, gt=0)  # ours: one-line solutions
    keep_models: bool = False

    @property
    def optimiser(self) -> OptimiserSettings:
        """Steps and schedule that spend the token budget."""
        steps = max(self.tokens // self.batch_tokens, 1)
        return OptimiserSettings(
            learning_rate=self.learning_rate,
            steps=steps,
            schedule="cosine",  # LLM §2.3 steps down twice, which ends as low
            warmup_steps=round(steps * self.warmup_ratio),
            average="token",  # pre-training means over tokens
        )

    @property
    def batch_rows(self) -> int:
        return max(self.batch_tokens // self.context, 1)


def write_proxy_models(
    folder: Path,
    settings: ProxySettings,
    *,
    base: Artifact | Path,
    corpora: Mapping[str, Artifact],
    baseline: Sequence[Artifact] = (),
    heldout: Artifact | None = None,
    problems: Artifact | None = None,
) -> dict[str, Json]:
    """Train the small model on each corpus; measure bits per byte on held-out text, and few-shot accuracy.

    `corpora` are tables with a text column (COLLECTED, DOCUMENTS); `baseline` are PAGES tables, which make one more
    corpus and are never measured on. `heldout` is mathematics that none of them was made
    from: a table with `text`, or a PROBLEMS table; without it, some pages of every corpus are kept out of all of them.
    `problems`, a PROBLEMS table, is asked few-shot. Raises ProxyError where a corpus has no text.
    """
    work = folder / WORK
    start = model_folder(base)
    held = heldout_documents(settings, corpora, heldout)
    held_keys = {document.key for document in held}
    encode = document_encoder(start)
    sizes = {}
    trained = {name: [corpus] for name, corpus in corpora.items()} | ({BASELINE: list(baseline)} if baseline else {})
    for name, corpus in trained.items():
        documents = training_documents(corpus, settings, held_keys, by_hash=heldout is None)
        path = work / "corpora" / f"{name}.parquet"
        sizes[name] = pack_documents(path, documents, encode, context=settings.context, budget=settings.tokens)
        if sizes[name]["tokens"] == 0:
            raise ProxyError(
                f"proxy models: expected text in the corpus {name} ({corpus[0].path.name}); found none beside what is held "
                "out. Leave it out of the comparison, or lower proxy.heldout_share."
            )
    inputs = {
        "heldout": [document.text for document in held],
        "problems": [] if problems is None else few_shot_problems(problems, settings),
    }
    with atomic_file(work / "inputs.json") as temporary:
        temporary.write_text(json.dumps(inputs), encoding="utf-8")
    job = Job(
        method="proxy",
        settings=settings.model_dump(mode="json"),
        start=start,
        inputs=[work.absolute()],
        folder=folder.absolute(),
    )
    launch(job, settings.machine)
    return finish(folder, settings, sizes)


PROXY_MODELS = Stage(
    name="proxy_models",
    version="4",
    write=write_proxy_models,
    arguments=lambda settings, pages, **others: {"baseline": [pages[name] for name in sorted(pages)], **others},
    settings=ProxySettings,
    inputs=("base", "corpora/*", "pages/*", "problems?"),
    facts=ProxyFacts,
    description="One small model, trained on equal token budgets of each corpus and of random pages: which corpus is better (§2.2, Table 1)?",
    kinds=("pytorch",),
)


def heldout_documents(
    settings: ProxySettings, corpora: Mapping[str, Artifact], heldout: Artifact | None
) -> list[Document]:
    """The texts that the models are measured on, each once: an equal share of every corpus where none are given."""
    found: dict[str, Document] = {}
    if heldout is not None:
        plain_text = "text" in _columns(heldout)
        documents = read_documents([heldout], settings.seed) if plain_text else read_worked_problems(heldout)
        found = {document.key: document for document in take_bytes(documents, settings.heldout_bytes)}
    else:
        for corpus in corpora.values():
            candidates = (
                document
                for document in read_documents([corpus], settings.seed)
                if document.key not in found and is_held_out(document.key, settings.heldout_share)
            )
            chosen = take_bytes(candidates, settings.heldout_bytes // len(corpora))
            found |= {document.key: document for document in chosen}
    if not found:
        raise ProxyError(
            "proxy models: expected some pages to hold out; found none, the corpora are too small. Raise "
            "proxy.heldout_share, or give held-out text."
        )
    return list(found.values())


def training_documents(
    corpus: Sequence[Artifact], settings: ProxySettings, held: set[str], *, by_hash: bool
) -> Iterator[Document]:
    """A corpus, each page once, without what is measured on. `by_hash` leaves out the whole share of held-out pages."""
    seen = set(held)
    for document in read_documents(corpus, settings.seed):
        if document.key not in seen and not (by_hash and is_held_out(document.key, settings.heldout_share)):
            seen.add(document.key)  # a page is in the table of every snapshot that has it
            yield document


def document_encoder(start: Path) -> Callable[[list[str]], list[list[int]]]:
    """Texts to ids, between the begin and end markers that the tokenizer has."""
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(start, local_files_only=True)
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]

    def encode(texts: list[str]) -> list[list[int]]:
        # verbose: a page may be longer than the model's context, which is what packing is for
        ids = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return [[*begin, *one, *end] for one in ids]

    return encode


def few_shot_problems(problems: Artifact, settings: ProxySettings) -> list[dict[str, str]]:
    """Problems as prompt and reference: the first that have a solution are the examples, the following are asked."""
    from evaluators.models.prompting import Prompter

    known = list(read_problems(problems.files()))
    exemplars = [problem for problem in known if problem.solution][: settings.shots]
    asked = [problem for problem in known if problem not in exemplars][: settings.problems]
    if settings.shots and not exemplars:
        raise ProxyError(
            "proxy models: expected problems with solutions, to be shown as examples; found none. Set proxy.shots to 0, "
            "or give a PROBLEMS table with solutions."
        )
    prompter = Prompter("few_shot", exemplars=exemplars) if exemplars else Prompter("deepseek")
    return [{"prompt": prompter.prompt(p, "cot").text, "reference": p.reference, "question": p.question} for p in asked]


def finish(folder: Path, settings: ProxySettings, sizes: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
    """One table from the results of all runs, as JSON and Markdown; working files are removed."""
    rows = []
    for name in [UNTRAINED, *sizes]:
        result = json.loads((folder / name / RESULT).read_text(encoding="utf-8"))
        size = sizes.get(name, {"tokens": 0, "documents": 0})
        row: dict[str, Json] = {
            "corpus": name,
            "packed_tokens": size["tokens"],
            "documents": size["documents"],
            "trained_tokens": result["trained_tokens"],
            "epochs": round(result["trained_tokens"] / size["tokens"], 2) if size["tokens"] else 0.0,
            "bits_per_byte": result["bits_per_byte"],
        }
        if result["asked"]:
            interval = wilson(result["right"], result["asked"])
            row |= {"right": result["right"], "asked": result["asked"]}
            row |= {"accuracy": 100 * result["right"] / result["asked"], "interval": [interval.low, interval.high]}
        rows.append(row)
    with atomic_file(folder / f"{TABLE}.json") as temporary:
        temporary.write_text(json.dumps({"rows": rows}, indent=1), encoding="utf-8")
    with atomic_file(folder / f"{TABLE}.md") as temporary:
        temporary.write_text(markdown(rows), encoding="utf-8")
    shutil.rmtree(folder / WORK)
    return {"compared": rows}


def markdown(rows: list[dict[str, Json]]) -> str:
    """The table for reading, in the layout of the paper's Table 1: a corpus a row, a measure a column."""
    lines = [
        "| corpus | tokens | trained on | bits per byte | few-shot accuracy |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        accuracy = f"{row['accuracy']:.1f} ({row['right']} of {row['asked']})" if "accuracy" in row else "-"
        name = row["corpus"].replace("_", " ")
        tokens = f"{row['packed_tokens']:,}" if row["packed_tokens"] else "-"
        lines.append(f"| {name} | {tokens} | {row['trained_tokens']:,} | {row['bits_per_byte']:.3f} | {accuracy} |")
    return "\n".join(lines) + "\n"


def _columns(artifact: Artifact) -> list[str]:
    import pyarrow.parquet as pq

    names: list[str] = pq.read_schema(artifact.files()[0]).names
    return names
