"""Which models are put to the benchmarks, and how; and the steps of each: completions, grades and scores.

A recipe's graph and `mathsieve evaluate` take the same steps, so published models stand beside ours, asked by one loop.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, Field, field_validator, model_validator

from evaluators.grading import GRADES, JudgedSettings
from evaluators.leaks.contained import ContaminationSettings
from evaluators.models.endpoint_settings import WITHOUT_SCHEME, EndpointSettings, usable_base_url
from evaluators.models.settings import EvaluationSettings
from evaluators.models.source import HUB, ModelSource
from evaluators.models.vllm_server import ServerSettings
from evaluators.records import Form, Settings
from evaluators.sampled import COMPLETIONS, ONLY_MODEL, SampledSettings
from evaluators.scores import SCORES_STAGE, ScoreSettings
from evaluators.stages import NamesFiles
from pipelines.reports.benchmark import ReportSettings
from pipelines.steps import Key, Source, Step
from pipelines.storage import Json
from pipelines.training.base_model import BASE_MODEL, BaseModelSettings

Trained = Literal["corpus", "mixture"]
Record = TypeVar("Record", bound=BaseModel)

ACCELERATOR = "accelerator"
"""The pool of assets that need the accelerator; dagster.yaml limits it to one at a time."""
SEEDS_A_RUN = 1_000_000
"""Between the seeds of two runs: a sample's seed is the run's, plus 1,000 times its number, plus that of the call."""
URL = re.compile(r"https?://", re.IGNORECASE)
NAME = r"^[a-zA-Z0-9][a-zA-Z0-9_]*$"


class EvaluatedModel(Settings):
    """One model of an evaluation: one that the graph makes (by its name alone), a published one, or one behind a URL.

    As plain text: `sft`; `hub:OWNER/MODEL` or `hub:OWNER/MODEL@COMMIT`; a folder; `http://HOST:PORT/v1`. Those are asked in
    their own chat template where they have one.
    """

    name: str = Field(pattern=NAME)
    """What tables call it; also a part of its assets' names."""
    source: NamesFiles[str | None] = None
    """`hub:OWNER/MODEL`, a model folder, `package:NAME` or a `.gguf` file."""
    revision: str | None = None
    """Commit of the hub's repository; without one two runs of a recipe may differ."""
    endpoint: EndpointSettings | None = None
    """A server that answers for it; without one, ours."""
    by_template: bool = False
    """Ask in the model's own chat template where it has one, in place of `sampling.prompt`."""
    sampling: EvaluationSettings | None = None
    """What differs from `evaluation.sampling`: the fields that are given."""
    server: ServerSettings | None = None
    """What differs from `evaluation.server`: the fields that are given."""
    trained_on: tuple[Trained, ...] | None = None
    """Tables of the graph that it learnt from, whose contamination is charged to it; None: as the graph knows."""

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, given: object) -> object:
        return model_of_text(given) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.revision is not None and not (self.source or "").startswith(HUB):
            raise ValueError(f"revision: expected a source hub:OWNER/MODEL beside it; found {self.source!r}")
        if self.server is not None and self.endpoint is not None:
            raise ValueError("server: expected a server of ours or an endpoint; found both. Keep one.")
        return self

    @property
    def is_unpacked(self) -> bool:
        """Whether its source is a GGUF file, which must be unpacked before a server can load it."""
        return self.source is not None and (self.source.startswith("package:") or self.source.endswith(".gguf"))


def model_of_text(text: str) -> dict[str, Any]:
    """The entry that a plain text stands for; see EvaluatedModel. Raises ValueError for an address without a scheme."""
    if WITHOUT_SCHEME.fullmatch(text):
        usable_base_url(text)
    if URL.match(text):
        place = URL.sub("", text).rstrip("/").removesuffix("/v1")
        endpoint = {"base_url": text.rstrip("/"), "model": ONLY_MODEL, "kind": "chat"}
        return {"name": name_of(place), "endpoint": endpoint, "by_template": True}
    if text.startswith(HUB):
        repository, _, revision = text.partition("@")
        name = name_of(repository.rpartition("/")[2])
        return {"name": name, "source": repository, "revision": revision or None, "by_template": True}
    if "/" in text or text.startswith(("package:", ".", "~")) or text.endswith(".gguf"):
        return {"name": name_of(Path(text.partition(":")[2] or text).stem), "source": text, "by_template": True}
    return {"name": text}


def name_of(text: str) -> str:
    """A name that assets may bear: letters, digits and underscores."""
    return re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "model"


class EvaluationRecipe(Settings):
    """§4: which models are put to the benchmarks, and how."""

    models: tuple[EvaluatedModel, ...] = Field(
        default=(EvaluatedModel(name="base"), EvaluatedModel(name="sft")), min_length=1
    )
    forms: tuple[Form, ...] = Field(default=("cot", "tir"), min_length=1)
    sampling: EvaluationSettings = EvaluationSettings()
    server: ServerSettings = ServerSettings()
    endpoint: EndpointSettings | None = None
    """A server that answers for every model of the graph, in place of ours; it knows each by its name in `models`, or all by
    `endpoint.model` where that is given."""
    runs: int = Field(default=1, ge=1)
    """Whole evaluations with seeds and batch sizes of their own: their spread is told beside the sampling interval."""
    contamination: ContaminationSettings = ContaminationSettings()
    scores: ScoreSettings = ScoreSettings()
    report: ReportSettings = ReportSettings()

    @property
    def names(self) -> list[str]:
        return [model.name for model in self.models]

    @field_validator("forms")
    @classmethod
    def _each_form_once(cls, forms: Sequence[str]) -> Sequence[str]:
        _must_be_once(forms)
        return forms

    @field_validator("models")
    @classmethod
    def _each_model_once(cls, models: Sequence[EvaluatedModel]) -> Sequence[EvaluatedModel]:
        _must_be_once([model.name for model in models])
        return models

    @model_validator(mode="after")
    def _baseline_is_evaluated(self) -> Self:
        baseline = self.report.baseline
        if baseline is not None and baseline not in self.names:
            known = ", ".join(self.names)
            raise ValueError(f"report.baseline: expected one of the evaluated models ({known}); found {baseline!r}")
        return self

    @field_validator("server")
    @classmethod
    def _server_is_ours(cls, server: ServerSettings) -> ServerSettings:
        if given := sorted({"base_url", "model"} & server.endpoint.model_fields_set):
            raise ValueError(
                f"endpoint.{given[0]}: expected none, since the address and name of our own server are filled in; found one. For a "
                "server that runs already give evaluation.endpoint."
            )
        manners = server.endpoint.model_copy(update={"vllm_extensions": True})  # ours is a vLLM, whatever else is said
        return server.model_copy(update={"endpoint": manners})


def _must_be_once(names: Sequence[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"expected each once; found {', '.join(twice)} again")


def changed(settings: Record, changes: Record | None) -> Record:
    """The settings with those fields that the changes were given."""
    if changes is None:
        return settings
    return settings.model_copy(update={name: getattr(changes, name) for name in changes.model_fields_set})


def run_names(model: str, runs: int) -> list[str]:
    """What the assets of each run of a model are named after; the first run bears the model's own name."""
    return [model, *(f"{model}_run{number}" for number in range(2, runs + 1))]


def model_steps(
    model: EvaluatedModel,
    settings: EvaluationRecipe,
    *,
    cache: Path,
    ours: Collection[str] = (),
    seen: Sequence[str] = (),
    contamination: Key | None = None,
) -> Iterator[Step]:
    """What a model answers, how it is judged and what it scores, for each run of it. `ours`: names of models that the graph makes."""
    if model.is_unpacked:
        unpacked = BaseModelSettings(source=model.source or "")
        yield Step(stage=BASE_MODEL, key=(f"{model.name}_model",), group="evaluation", settings=unpacked)
    is_made = model.is_unpacked or (model.source is None and model.name in ours)
    reads: dict[str, Source] = {"problems": ("problems",)}
    if is_made:
        reads["model"] = (f"{model.name}_model",)
    for number, name in enumerate(run_names(model.name, settings.runs)):
        sampled = _sampled(model, settings, number, is_ours=model.name in ours)
        yield _completions_step(name, sampled, reads, cache)
        yield _grades_step(name, settings.sampling)
        yield _scores_step(name, settings, seen, contamination)


def _sampled(model: EvaluatedModel, settings: EvaluationRecipe, run: int, *, is_ours: bool) -> SampledSettings:
    sampling = changed(settings.sampling, model.sampling).without_judging()
    if run:
        fewer = max(1, sampling.concurrency >> run)  # batches of another size, which round otherwise
        sampling = sampling.model_copy(update={"seed": sampling.seed + run * SEEDS_A_RUN, "concurrency": fewer})
    endpoint = model.endpoint
    if endpoint is None and settings.endpoint is not None and is_ours:
        named = "model" in settings.endpoint.model_fields_set
        endpoint = settings.endpoint if named else settings.endpoint.model_copy(update={"model": model.name})
    served_as_is = model.source is not None and not model.is_unpacked
    return SampledSettings(
        sampling=sampling,
        server=changed(settings.server, model.server) if endpoint is None else None,
        endpoint=endpoint,
        source=ModelSource(source=model.source or "", revision=model.revision) if served_as_is else None,
        by_template=model.by_template,
    )


def _completions_step(name: str, sampled: SampledSettings, reads: Mapping[str, Source], cache: Path) -> Step:
    """All benchmarks and forms at once: they share a server, which takes longer to start than a small benchmark to answer."""
    return Step(
        stage=COMPLETIONS,
        key=(name, "completions"),
        group="evaluation",
        settings=sampled,
        reads=reads,
        cut="benchmark_and_form",
        together=True,
        given=lambda partitions: {"tasks": [list(parts_of(one).values()) for one in partitions]},
        aside={"cache": cache},
        pool=ACCELERATOR,
        description=f"What the {name} model answers: chain of thought, and reasoning with programs that the sandbox runs.",
    )


def _grades_step(name: str, sampling: EvaluationSettings) -> Step:
    return Step(
        stage=GRADES,
        key=(name, "grades"),
        group="evaluation",
        settings=JudgedSettings(profiles=sampling.profiles, sandbox=sampling.sandbox, concurrency=sampling.concurrency),
        reads={"completions": (name, "completions"), "problems": ("problems",)},
        cut="benchmark_and_form",
        given=lambda partitions: parts_of(partitions[0]),
    )


def _scores_step(name: str, settings: EvaluationRecipe, seen: Sequence[str], contamination: Key | None) -> Step:
    reads: dict[str, Source] = {
        "problems": ("problems",),
        "completions": (name, "completions"),
        "grades": (name, "grades"),
    }
    if contamination is not None:
        reads["contamination"] = contamination
    return Step(
        stage=SCORES_STAGE,
        key=(name, "scores"),
        group="evaluation",
        settings=settings.scores,
        reads=reads,
        cut="benchmark_and_form",
        given=partial(_part_and_seen, tuple(seen)),
    )


def parts_of(partition: str) -> dict[str, Any]:
    """`gsm8k|cot` as the benchmark's name and the form; Dagster joins dimensions in alphabetical order."""
    name, form = partition.split("|")
    return {"name": name, "form": form}


def _part_and_seen(seen: Sequence[str], partitions: Sequence[str]) -> Mapping[str, Json]:
    return {**parts_of(partitions[0]), "seen": list(seen)}


def report_reads(settings: EvaluationRecipe) -> dict[str, Source]:
    """The tables that the benchmark report reads, by model."""
    names = [run for model in settings.names for run in run_names(model, settings.runs)]
    return {
        "problems": ("problems",),
        **{table: {name: (name, table) for name in names} for table in ("completions", "grades", "scores")},
    }


def runs_of(settings: EvaluationRecipe) -> dict[str, str]:
    """Of each further run the model that it is a run of."""
    return {run: model for model in settings.names for run in run_names(model, settings.runs)[1:]}
