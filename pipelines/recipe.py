"""A recipe is one YAML file that says what to run: the frozen settings records of every stage, composed.

Whatever is wrong with the file is said once, before anything runs (`pipelines.recipe_file`); each stage is handed its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator, model_validator

from evaluators.benchmarks import BenchmarkSettings
from evaluators.executors import LOCAL, ExecutorSettings
from evaluators.records import Settings
from pipelines.corpus.annotations import AnnotationSettings
from pipelines.corpus.classifier import ClassifierSettings
from pipelines.corpus.decontamination import DecontaminationSettings
from pipelines.corpus.domains import DomainSettings
from pipelines.corpus.export import ExportSettings
from pipelines.corpus.growth import GrowthSettings
from pipelines.corpus.label_sample import SampleSettings
from pipelines.corpus.near_duplicates import NearDuplicateSettings
from pipelines.corpus.page_precision import LabelSettings
from pipelines.corpus.recall import RecallSettings
from pipelines.corpus.refinement import RefinementSettings
from pipelines.corpus.scores import ScoreSettings as ScoringSettings
from pipelines.corpus.seed import SeedSettings
from pipelines.corpus.worth import WorthSettings
from pipelines.crawl.planted import PlantedSettings
from pipelines.crawl.settings import CrawlSettings, list_snapshots
from pipelines.evaluation import NAME, EvaluationRecipe
from pipelines.extraction.survivors import ExtractionSettings
from pipelines.mixtures.mixing import MixtureSettings
from pipelines.mixtures.packing import PackingSettings
from pipelines.mixtures.problem_fields import ProblemFieldsSettings
from pipelines.mixtures.source import SourceSettings
from pipelines.mixtures.source_definition import ANNOTATED as ANNOTATED
from pipelines.mixtures.teacher import TeacherSettings
from pipelines.recipe_file import RecipeError as RecipeError
from pipelines.recipe_file import read_yaml, validate
from pipelines.recipe_paths import with_absolute_paths
from pipelines.storage import REFERENCES, home_location, local_folder
from pipelines.training.base_model import BaseModelSettings
from pipelines.training.methods import NO_PPO, PolicyChoice
from pipelines.training.methods.sft import SftSettings
from pipelines.training.proxy import ProxySettings

Name = Annotated[str, StringConstraints(pattern=NAME)]
"""What a recipe may call a thing: names become assets, partitions and folders."""
TAKEN = re.compile(r"base|sft|iteration_\d+")
"""Names that no policy may have: assets bear them already."""


class IterationsRecipe(Settings):
    """The loop of §2.1."""

    count: int = Field(default=4, ge=1)  # §2.1: "after four iterations of data collection"
    classifier: ClassifierSettings = ClassifierSettings()
    scores: ScoringSettings = ScoringSettings()
    recall: RecallSettings = RecallSettings()
    domains: DomainSettings = DomainSettings()
    annotations: AnnotationSettings = AnnotationSettings()
    growth: GrowthSettings = GrowthSettings()
    grown_on: tuple[str, ...] = ()
    """Snapshots that the loop is grown on. Later ones are scored with its last models and add their pages, which costs what
    is new in them; none named: the loop is grown on all, again whenever one appears."""
    token_budgets: tuple[Annotated[int, Field(gt=0)], ...] = ()
    """Of the first iterations, one each, where they differ; the last goes on. None: `recall.token_budget` for all."""

    def recall_of(self, iteration: int) -> RecallSettings:
        """What iteration 1, 2, ... keeps."""
        if not self.token_budgets:
            return self.recall
        budget = self.token_budgets[min(iteration, len(self.token_budgets)) - 1]
        return self.recall.model_copy(update={"token_budget": budget})


class CorpusRecipe(Settings):
    """From the survivors of the loop to the exported corpus."""

    extraction: ExtractionSettings = ExtractionSettings()
    near_duplicates: NearDuplicateSettings = NearDuplicateSettings()
    decontamination: DecontaminationSettings = DecontaminationSettings()
    worth: WorthSettings = WorthSettings()
    labels: LabelSettings | None = None
    """Readers' labels of this crawl's pages: precision and recall by page, in the report."""
    label_sample: SampleSettings | None = None
    """Pages that the report shows to a reader, with buttons for the verdicts; none: no page."""
    export: ExportSettings = ExportSettings()
    refinement: RefinementSettings | None = None
    """A model that cleans or rewrites what was exported; none: no page is touched."""


class MixtureRecipe(Settings):
    """The SFT mixture of §3.1."""

    sources: dict[Name, SourceSettings] = Field(min_length=1)
    teacher: TeacherSettings | None = None
    problem_fields: ProblemFieldsSettings | None = ProblemFieldsSettings()
    """Tells fields and topics where sources do not; None: they stay unknown there."""
    mixing: MixtureSettings
    packing: PackingSettings = PackingSettings()

    @model_validator(mode="after")
    def _weights_name_sources(self) -> MixtureRecipe:
        if ANNOTATED in self.sources:
            raise ValueError(f"sources: expected another name than {ANNOTATED}, which is the teacher's")
        known = {*self.sources, *([ANNOTATED] if self.teacher is not None else [])}
        named = {name for part in self.mixing.all_parts for name in part.sources}
        if self.teacher is not None and (strange := sorted(set(self.teacher.sources) - set(self.sources))):
            raise ValueError(
                f"teacher.sources: expected some of {', '.join(sorted(self.sources))}; found {', '.join(strange)}"
            )
        wrong = [f"{name}, which is no source" for name in sorted(named - known)]
        wrong += [f"none for {name}" for name in sorted(known) if not self.mixing.takes(name)]
        if wrong:
            what = "weights: expected a weight" if self.mixing.weights else "parts: expected a part"
            raise ValueError(f"mixing.{what} for each source ({', '.join(sorted(known))}); found {' and '.join(wrong)}")
        return self


class TrainingRecipe(Settings):
    """§3.2 and §4: which models are trained, and how."""

    base_model: BaseModelSettings = BaseModelSettings()
    sft: SftSettings = SftSettings()
    policies: dict[Name, PolicyChoice] = Field(default_factory=dict)
    """Name -> a method of pipelines/training/methods that learns from its own outputs: rft, dpo, grpo and others."""
    proxy: ProxySettings | None = None

    @field_validator("policies", mode="before")
    @classmethod
    def _no_ppo(cls, policies: Any) -> Any:
        for policy in policies.values() if isinstance(policies, dict) else ():
            if isinstance(policy, dict) and policy.get("method") == "ppo":
                raise ValueError(NO_PPO)
        return policies

    @field_validator("policies")
    @classmethod
    def _names_are_free(cls, policies: dict[str, PolicyChoice]) -> dict[str, PolicyChoice]:
        if taken := [name for name in policies if TAKEN.fullmatch(name)]:
            raise ValueError(
                f"expected other names than base, sft and iteration_...; found {', '.join(taken)}. Rename it."
            )
        return policies


class Recipe(Settings):
    """Everything one run needs to know."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """Also the folder of its artifacts."""
    executor: Annotated[ExecutorSettings, Field(discriminator="kind")] = LOCAL
    """Where stages that work shard by shard do so; the bytes are the same everywhere."""
    planted: PlantedSettings | None = None
    """Generate the embedded crawl and read that; then `crawl` names no source."""
    crawl: CrawlSettings = CrawlSettings()
    seed: SeedSettings = SeedSettings()
    iterations: IterationsRecipe = IterationsRecipe()
    corpus: CorpusRecipe = CorpusRecipe()
    benchmarks: dict[Name, BenchmarkSettings] = Field(min_length=1)
    mixture: MixtureRecipe
    training: TrainingRecipe = TrainingRecipe()
    evaluation: EvaluationRecipe = EvaluationRecipe()

    @field_validator("name")
    @classmethod
    def _is_no_folder_of_a_runs_own(cls, name: str) -> str:
        if name == REFERENCES:
            raise ValueError(f"expected another name than {REFERENCES}, which is a folder in each run's; found it")
        return name

    @property
    def home(self) -> str:
        """The root of this recipe's artifacts: an absolute path, or a URL. Raises StorageError."""
        return f"{home_location()}/{self.name}"

    @property
    def workspace(self) -> Path:
        """A folder of this machine for what must lie on a disk: the root itself where it is one."""
        return local_folder(self.home)

    @property
    def models(self) -> list[str]:
        """The names of the models that the graph makes."""
        return ["base", "sft", *self.training.policies]

    def snapshots(self) -> list[str]:
        """The names of the crawl's snapshots, oldest first."""
        return sorted(self.planted.snapshots) if self.planted is not None else list_snapshots(self.crawl)

    @model_validator(mode="after")
    def _models_exist(self) -> Recipe:
        known = self.models
        nowhere = [one for one in self.evaluation.models if one.source is None and one.endpoint is None]
        if unknown := [one.name for one in nowhere if one.name not in known]:
            raise ValueError(
                f"evaluation.models: expected some of {', '.join(known)}; found {', '.join(unknown)}. A published model is "
                "written hub:OWNER/MODEL, as a folder with a slash in its path, or as the URL of a server."
            )
        if taken := [one.name for one in self.evaluation.models if one.source is not None and one.name in known]:
            raise ValueError(
                f"evaluation.models: expected other names than those of the recipe's own models; found {', '.join(taken)} with a "
                "source of its own. Give it another: {name: ..., source: ...}."
            )
        return self

    def cut_snapshots(self, snapshots: Sequence[str]) -> tuple[list[str], list[str]]:
        """Those that the loop is grown on, and those that only add their pages; all and none where it names none."""
        grown_on = self.iterations.grown_on
        if not grown_on:
            return list(snapshots), []
        return list(grown_on), [name for name in snapshots if name not in grown_on]

    @model_validator(mode="after")
    def _questions_have_sources(self) -> Recipe:
        known = sorted({source.source for source in self.mixture.sources.values()})
        for name, policy in self.training.policies.items():
            if unknown := [source for source in policy.sampling.questions_from if source not in known]:
                raise ValueError(
                    f"training.policies.{name}.sampling.questions_from: expected some of {', '.join(known)}; found "
                    f"{', '.join(unknown)}"
                )
        return self

    @model_validator(mode="after")
    def _one_crawl(self) -> Recipe:
        sources = ["folder", "folders", "files", "common_crawl"]
        given = [f"crawl.{name}" for name in sources if getattr(self.crawl, name)]
        if self.planted is not None:
            given = ["planted", *given]
        if len(given) != 1:
            raise ValueError(
                f"crawl: expected one source of pages: planted, or one of {', '.join(sources)}; found "
                f"{' and '.join(given) or 'none'}. Keep one."
            )
        return self

    @model_validator(mode="after")
    def _snapshots_once(self) -> Recipe:
        for where, crawl in (("planted", self.planted), ("crawl.common_crawl", self.crawl.common_crawl)):
            named = crawl.snapshots if crawl is not None else ()
            if twice := sorted({name for name in named if named.count(name) > 1}):
                raise ValueError(f"{where}.snapshots: expected each once; found {', '.join(twice)} again. Remove it.")
        return self


def load_recipe(path: Path) -> Recipe:
    """The recipe in a file; its relative paths count from its folder. Raises RecipeError, which tells every mistake at once."""
    path = path.absolute()
    recipe: Recipe = validate(path, read_yaml(path), Recipe)
    return with_absolute_paths(recipe, path.parent)
