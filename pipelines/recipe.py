"""A recipe is one YAML file that says what to run; this module is the only one that reads it.

It composes the frozen settings record of every stage and hands each stage its own. Whatever is wrong with the file
is said once, before anything runs: the file, the key, what was expected and what was found.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from evaluators.benchmarks import BenchmarkSettings
from evaluators.contamination import ContaminationSettings
from evaluators.records import Form, Settings
from evaluators.scores import ScoreSettings
from evaluators.trajectory import EvaluationSettings
from evaluators.vllm_server import ServerSettings
from pipelines.corpus.annotations import AnnotationSettings
from pipelines.corpus.classifier import ClassifierSettings
from pipelines.corpus.decontamination import DecontaminationSettings
from pipelines.corpus.domains import DomainSettings
from pipelines.corpus.export import ExportSettings
from pipelines.corpus.growth import GrowthSettings
from pipelines.corpus.near_duplicates import NearDuplicateSettings
from pipelines.corpus.recall import RecallSettings
from pipelines.corpus.scores import ScoreSettings as ScoringSettings
from pipelines.corpus.seed import SeedSettings
from pipelines.crawl.planted import PlantedSettings
from pipelines.crawl.settings import CrawlSettings, list_snapshots
from pipelines.extraction.survivors import ExtractionSettings
from pipelines.mixtures.mixing import MixtureSettings
from pipelines.mixtures.packing import PackingSettings
from pipelines.mixtures.source import SourceSettings
from pipelines.mixtures.teacher import TeacherSettings
from pipelines.reports.benchmark import ReportSettings
from pipelines.storage import Artifact
from pipelines.training.base_model import BaseModelSettings
from pipelines.training.proxy import ProxySettings
from pipelines.training.settings import PolicySettings, SftSettings

HOME = "MATHSIEVE_HOME"
"""Environment variable that names the folder of all artifacts; `data` in the working folder where it is not set."""
VARIABLE = re.compile(r"\$\{(\w+)\}")


class RecipeError(Exception):
    """The recipe cannot be used; the message names the file, the key, what was expected and what was found."""


class IterationsRecipe(Settings):
    """The loop of §2.1."""

    count: int = Field(default=4, ge=1)  # §2.1: "after four iterations of data collection"
    classifier: ClassifierSettings = ClassifierSettings()
    scores: ScoringSettings = ScoringSettings()
    recall: RecallSettings = RecallSettings()
    domains: DomainSettings = DomainSettings()
    annotations: AnnotationSettings = AnnotationSettings()
    growth: GrowthSettings = GrowthSettings()


class CorpusRecipe(Settings):
    """From the survivors of the loop to the exported corpus."""

    extraction: ExtractionSettings = ExtractionSettings()
    near_duplicates: NearDuplicateSettings = NearDuplicateSettings()
    decontamination: DecontaminationSettings = DecontaminationSettings()
    export: ExportSettings = ExportSettings()


class MixtureRecipe(Settings):
    """The SFT mixture of §3.1."""

    sources: dict[str, SourceSettings] = Field(min_length=1)
    teacher: TeacherSettings | None = None
    mixing: MixtureSettings
    packing: PackingSettings = PackingSettings()

    @model_validator(mode="after")
    def _weights_name_sources(self) -> MixtureRecipe:
        known = {*self.sources, *(["annotated"] if self.teacher is not None else [])}
        unknown = sorted(set(self.mixing.weights) - known)
        if unknown:
            raise ValueError(
                f"mixing.weights: expected names of sources ({', '.join(sorted(known))}); found {', '.join(unknown)}"
            )
        return self


class TrainingRecipe(Settings):
    """§3.2 and §4: which models are trained, and how."""

    base_model: BaseModelSettings = BaseModelSettings()
    sft: SftSettings = SftSettings()
    policies: dict[str, Annotated[PolicySettings, Field(discriminator="method")]] = Field(default_factory=dict)
    """Name -> a method that learns from its own outputs: rft, online_rft, dpo, grpo."""
    proxy: ProxySettings | None = None


class EvaluationRecipe(Settings):
    """§4: which models are put to the benchmarks, and how."""

    models: tuple[str, ...] = ("base", "sft")
    forms: tuple[Form, ...] = ("cot", "tir")
    sampling: EvaluationSettings = EvaluationSettings()
    server: ServerSettings = ServerSettings()
    contamination: ContaminationSettings = ContaminationSettings()
    scores: ScoreSettings = ScoreSettings()
    report: ReportSettings = ReportSettings()


class Recipe(Settings):
    """Everything one run needs to know."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """Also the folder of its artifacts."""
    planted: PlantedSettings | None = None
    """Generate the embedded crawl and read that; then `crawl` names no source."""
    crawl: CrawlSettings = CrawlSettings()
    seed: SeedSettings = SeedSettings()
    iterations: IterationsRecipe = IterationsRecipe()
    corpus: CorpusRecipe = CorpusRecipe()
    benchmarks: dict[str, BenchmarkSettings] = Field(min_length=1)
    mixture: MixtureRecipe
    training: TrainingRecipe = TrainingRecipe()
    evaluation: EvaluationRecipe = EvaluationRecipe()

    @property
    def home(self) -> Path:
        """The folder of this recipe's artifacts."""
        return Path(os.environ.get(HOME, "data"), self.name).absolute()

    def snapshots(self) -> list[str]:
        """The names of the crawl's snapshots, oldest first."""
        return sorted(self.planted.snapshots) if self.planted is not None else list_snapshots(self.crawl)

    def crawl_from(self, planted: Artifact | None) -> CrawlSettings:
        """The crawl's settings; where the crawl is planted, with the folder that it was planted in."""
        return self.crawl if planted is None else self.crawl.model_copy(update={"folder": planted.path})

    @model_validator(mode="after")
    def _models_exist(self) -> Recipe:
        known = ["base", "sft", *self.training.policies]
        unknown = [name for name in self.evaluation.models if name not in known]
        if unknown:
            raise ValueError(f"evaluation.models: expected some of {', '.join(known)}; found {', '.join(unknown)}")
        return self


def load_recipe(path: Path) -> Recipe:
    """The recipe in a file. Raises RecipeError, which tells every mistake at once."""
    recipe: Recipe = validate(path, read_yaml(path), Recipe)
    return recipe


class _UniqueKeyLoader(yaml.SafeLoader):
    """A loader that refuses a key given twice, of which plain YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"line {node.start_mark.line + 1}: expected each key once; found {key!r} twice")
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The file's mapping with ${VARIABLES} filled in. Raises RecipeError."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except FileNotFoundError as error:
        known = sorted(p.as_posix() for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise RecipeError(f"{path}: no such recipe; in that folder there are: {', '.join(known) or 'none'}") from error
    except (yaml.YAMLError, UnicodeDecodeError, IsADirectoryError) as error:
        raise RecipeError(f"{path}: expected a YAML file; found: {error}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: expected a mapping of settings; found {type(content).__name__}")
    filled: dict[str, Any] = _fill(content, path, "")
    return filled


def validate(path: Path, content: Mapping[str, Any], record: type[BaseModel]) -> Any:
    """`content` as `record`. Raises RecipeError that lists every mistake, one line each."""
    try:
        return record.model_validate(content)
    except ValidationError as error:
        lines = [f"{path}: {_sentence(mistake, record)}" for mistake in error.errors()]
        raise RecipeError("\n".join(lines)) from error


def _fill(value: Any, path: Path, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _fill(item, path, f"{key}.{name}".lstrip(".")) for name, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, path, f"{key}.{index}") for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in os.environ:
            raise RecipeError(
                f"{path}: {key}: expected the environment variable {name} to be set; it is not. Set it: export {name}=..."
            )
        return os.environ[name]

    return VARIABLE.sub(variable, value)


def _sentence(mistake: Any, record: type[BaseModel]) -> str:
    place = ".".join(str(part) for part in mistake["loc"]) or "the recipe"
    if mistake["type"] == "extra_forbidden":
        known = sorted(_keys_beside(record, mistake["loc"]))
        close = difflib.get_close_matches(str(mistake["loc"][-1]), known, 1)
        hint = f"Did you mean {close[0]}?" if close else f"Known keys there: {', '.join(known)}."
        return f"{place}: unknown key. {hint}"
    if mistake["type"] == "missing":
        return f"{place}: expected a value; found none. Add it."
    if mistake["type"] == "value_error":
        return f"{place}: {str(mistake['ctx']['error']).removeprefix('Value error, ')}"
    expected = mistake["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return f"{place}: expected {expected}; found {_short(mistake['input'])}"


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _keys_beside(record: type[BaseModel], location: tuple[str | int, ...]) -> Iterator[str]:
    """The keys that the record at `location`'s parent knows."""
    current: Any = record
    for part in location[:-1]:
        field = getattr(current, "model_fields", {}).get(part)
        inner = list(_records_in(field.annotation)) if field is not None else []
        current = inner[0] if inner else current
    yield from getattr(current, "model_fields", {})


def _records_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _records_in(argument)
