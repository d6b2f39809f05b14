"""What a recipe makes: one step for each asset, in the order in which the paper tells it.

    planted_crawl* -> pages -> url_index; seed; iteration_1 ... iteration_N; corpus; benchmarks; mixtures; training; evaluation; reports

The loop of DeepSeekMath §2.1 is a cycle, and lineage must not have one: it is unrolled here, an iteration a group. Once
a corpus says `converged`, the iterations after it hand it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from evaluators.benchmarks import PROBLEMS_STAGE
from evaluators.leaks.contained import CONTAINED_PROBLEMS
from evaluators.stages import ContentDigests, Stage
from evaluators.stages.identity import settings_identity
from pipelines.corpus.annotations import ANNOTATIONS
from pipelines.corpus.classifier import CLASSIFIER
from pipelines.corpus.decontamination import CONTAMINATION
from pipelines.corpus.diff import CORPUS_DIFF
from pipelines.corpus.domains import DOMAINS_STAGE
from pipelines.corpus.export import MATH_CORPUS
from pipelines.corpus.frozen import FROZEN, FrozenSettings
from pipelines.corpus.growth import CORPUS
from pipelines.corpus.label_pages import LABEL_SAMPLE
from pipelines.corpus.near_duplicates import NEAR_DUPLICATES
from pipelines.corpus.page_precision import PAGE_PRECISION
from pipelines.corpus.recall import RECALLED
from pipelines.corpus.refinement import REFINED_CORPUS
from pipelines.corpus.refresh import REFRESHED
from pipelines.corpus.scores import SCORES_STAGE
from pipelines.corpus.seed import SEED_CORPUS
from pipelines.corpus.worth import WORTH_STAGE
from pipelines.crawl.index_captures import INDEX_CAPTURES
from pipelines.crawl.pages import PAGES_STAGE
from pipelines.crawl.planted import PLANTED_CRAWL
from pipelines.crawl.url_index import URL_INDEX
from pipelines.evaluation import ACCELERATOR, EvaluatedModel, model_steps, report_reads, runs_of
from pipelines.extraction.survivors import EXTRACTED_STAGE
from pipelines.mixtures.mixing import SFT_MIXTURE
from pipelines.mixtures.packing import PACKED_MIXTURE
from pipelines.mixtures.problem_fields import PROBLEM_FIELDS_STAGE
from pipelines.mixtures.source import SOURCE
from pipelines.mixtures.teacher import ANNOTATED_STAGE
from pipelines.recipe import ANNOTATED, Recipe
from pipelines.reports.benchmark import BENCHMARK_REPORT
from pipelines.reports.corpus import CORPUS_REPORT, OF_AN_ITERATION
from pipelines.reports.mixture import MIXTURE_REPORT
from pipelines.steps import Among, Cut, Graph, Key, Maker, Part, Source, Step
from pipelines.storage import Artifact, Json, References, StorageError, Store
from pipelines.training.base_model import BASE_MODEL
from pipelines.training.methods import method_named
from pipelines.training.policy import POLICY_MODEL
from pipelines.training.proxy import PROXY_MODELS
from pipelines.training.sft import SFT_MODEL


def graph_of(recipe: Recipe, snapshots: Sequence[str]) -> Graph:
    """The graph of a recipe over these snapshots of its crawl."""
    benchmarks = list(recipe.benchmarks)
    forms = [f"{name}|{form}" for name in benchmarks for form in recipe.evaluation.forms]
    grown, fresh = recipe.cut_snapshots(snapshots)
    cuts: Mapping[Cut, Sequence[str]] = {
        "snapshot": list(snapshots),
        "grown": grown,
        "fresh": fresh,
        "benchmark": benchmarks,
        "benchmark_and_form": forms,
    }
    return Graph(steps={step.key: step for step in steps_of(recipe)}, partitions=cuts)


def maker_of(recipe: Recipe, snapshots: Sequence[str]) -> Maker:
    """What makes the recipe's artifacts. Digests of files that settings name are kept beside them."""
    digests = ContentDigests(recipe.workspace / "digests.sqlite")
    return Maker(graph=graph_of(recipe, snapshots), store=Store(recipe.home), digests=digests, executor=recipe.executor)


def steps_of(recipe: Recipe) -> list[Step]:
    """Every asset of the recipe."""
    sections = (crawl, loop, refresh, benchmarks, corpus, mixtures, training, evaluation, reports)
    return [step for section in sections for step in section(recipe)]


def corpus_key(iteration: int) -> Key:
    """The corpus after an iteration; 0 is the seed."""
    return ("seed_corpus",) if iteration == 0 else (f"iteration_{iteration}", "corpus")


def plain(stage: Stage, group: str, settings: object = None, **reads: Source) -> Step:
    """The step of a stage that stands in the graph once: its inputs are the assets of their names, but for `reads`."""
    named: dict[str, Source] = {name: (name,) for name in stage.input_names if f"{name}?" not in stage.inputs}
    return Step(stage=stage, key=(stage.name,), group=group, settings=settings, reads={**named, **reads})


def crawl(recipe: Recipe) -> Iterator[Step]:
    if recipe.planted is not None:
        yield plain(PLANTED_CRAWL, "crawl", recipe.planted)
    listed = dict[str, Source]()
    if recipe.crawl.common_crawl is not None and recipe.crawl.listed is not None:
        step = plain(INDEX_CAPTURES, "crawl", recipe.crawl.listed)
        base = recipe.crawl.common_crawl.base_url
        given = lambda partitions: {"snapshot": partitions[0], "base_url": base}  # noqa: E731
        yield replace(step, cut="snapshot", given=given, aside={"crawl": recipe.crawl})
        listed["listed"] = (INDEX_CAPTURES.name,)
    pages = plain(PAGES_STAGE, "crawl", recipe.crawl, **_planted(recipe), **listed)
    yield replace(pages, cut="snapshot", given=lambda partitions: {"snapshot": partitions[0]})
    yield replace(plain(URL_INDEX, "crawl", **_pages(recipe)), aside={"settings": recipe.crawl})


def _pages(recipe: Recipe) -> dict[str, Source]:
    """The pages that the loop reads."""
    return {"pages": Among(key=("pages",), cut="grown")} if recipe.iterations.grown_on else {}


def _planted(recipe: Recipe) -> dict[str, Source]:
    return {} if recipe.planted is None else {"planted_crawl": ("planted_crawl",)}


def loop(recipe: Recipe) -> Iterator[Step]:
    """The seed and every iteration of the recipe (§2.1)."""
    yield plain(SEED_CORPUS, "seed", recipe.seed, **_pages(recipe))
    settings, pages = recipe.iterations, _pages(recipe)
    scored: Cut = "grown" if settings.grown_on else "snapshot"
    for number in range(1, settings.count + 1):
        group, previous = f"iteration_{number}", corpus_key(number - 1)

        def mine(stage: Stage, own: object, group: str = group, **reads: Source) -> Step:
            step = plain(
                stage, group, own, **{name: (group, name) for name in OF_THE_LOOP if name in stage.input_names}
            )
            shared = pages if stage.reads_many("pages") else {}
            return replace(step, key=(group, stage.name), reads={**step.reads, **shared, **reads})

        taught = mine(CLASSIFIER, settings.classifier, positives=previous)
        judged: dict[str, Source] = {} if number == 1 else {"worth": (f"iteration_{number - 1}", "worth")}
        yield replace(taught, reads={**taught.reads, **judged})
        yield replace(mine(SCORES_STAGE, settings.scores), cut=scored)
        yield mine(RECALLED, settings.recall_of(number))
        yield mine(DOMAINS_STAGE, settings.domains)
        yield mine(ANNOTATIONS, settings.annotations)
        yield replace(mine(CORPUS, settings.growth, previous=previous), given=_always({"iteration": number}))
        yield mine(WORTH_STAGE, recipe.corpus.worth, texts=(group, "corpus"))


OF_THE_LOOP = ("classifier", "scores", "recalled", "domains", "annotations")
"""Inputs that a stage of the loop reads of its own iteration."""


def refresh(recipe: Recipe) -> Iterator[Step]:
    """Snapshots that came after the loop, scored and recalled with its last models; nothing, where it is grown on all."""
    settings = recipe.iterations
    if not settings.grown_on:
        return
    numbers = range(1, settings.count + 1)
    of = {
        part: {str(n): (f"iteration_{n}", part) for n in numbers} for part in ("classifier", "recalled", "annotations")
    }
    frozen, index = ("refresh", "frozen"), ("refresh", "url_index")
    fresh: dict[str, Source] = {"pages": Among(key=("pages",), cut="fresh"), "url_index": index}
    recalls = FrozenSettings(recalls=tuple(settings.recall_of(number) for number in numbers))
    inputs: dict[str, Source] = {
        "classifiers": of["classifier"],
        "recalled": of["recalled"],
        "annotations": of["annotations"],
    }
    yield replace(plain(FROZEN, "refresh", recalls, **inputs), key=frozen)
    step = replace(plain(URL_INDEX, "refresh", pages=fresh["pages"]), key=index)
    yield replace(step, aside={"settings": recipe.crawl})
    step = plain(SCORES_STAGE, "refresh", settings.scores, classifier=frozen)
    yield replace(step, key=("refresh", "scores"), cut="fresh")
    recalled = plain(
        RECALLED, "refresh", settings.recall_of(settings.count), scores=("refresh", "scores"), frozen=frozen, **fresh
    )
    yield replace(recalled, key=("refresh", "recalled"))
    grown = plain(
        REFRESHED,
        "refresh",
        settings.growth,
        previous=corpus_key(settings.count),
        recalled=("refresh", "recalled"),
        frozen=frozen,
        **fresh,
    )
    yield replace(grown, key=("refresh", "corpus"))


def last_corpus(recipe: Recipe) -> Key:
    """The corpus that is extracted and exported."""
    return ("refresh", "corpus") if recipe.iterations.grown_on else corpus_key(recipe.iterations.count)


def corpus(recipe: Recipe) -> Iterator[Step]:
    """The survivors of the loop, extracted exactly, deduplicated, decontaminated and exported."""
    settings = recipe.corpus
    extracted = plain(EXTRACTED_STAGE, "corpus", settings.extraction, corpus=last_corpus(recipe), **_planted(recipe))
    yield replace(extracted, aside={"crawl": recipe.crawl, "earlier": partial(earlier_extraction, recipe)})
    yield plain(NEAR_DUPLICATES, "corpus", settings.near_duplicates)
    yield plain(CONTAMINATION, "corpus", settings.decontamination)
    yield plain(WORTH_STAGE, "corpus", settings.worth, texts=("extracted",))
    yield plain(MATH_CORPUS, "corpus", settings.export, worth=("worth",))
    if settings.refinement is not None:
        leaks = settings.decontamination.model_dump(mode="json")
        yield replace(plain(REFINED_CORPUS, "corpus", settings.refinement), given=_always({"decontamination": leaks}))


def earlier_extraction(recipe: Recipe) -> Artifact | None:
    """The extraction that was made last, if by the same code and settings: pages with the same bytes are taken from it."""
    references = References(Store(recipe.home))
    try:
        found = references.read(EXTRACTED_STAGE.name)
        identity = references.store.identity_of(found)
    except StorageError:
        return None
    same = identity.get("version") == EXTRACTED_STAGE.version
    return found if same and identity.get("settings") == settings_identity(recipe.corpus.extraction, None) else None


def benchmarks(recipe: Recipe) -> Iterator[Step]:
    """One parsed table a benchmark, read by decontamination and by evaluation, so that they cannot disagree."""
    yield replace(plain(PROBLEMS_STAGE, "benchmarks", recipe.benchmarks), cut="benchmark")


def mixtures(recipe: Recipe) -> Iterator[Step]:
    """Problems with worked solutions become one packed SFT mixture (§3.1)."""
    settings = recipe.mixture
    own: dict[str, Key] = {name: (f"source_{name}",) for name in settings.sources}
    for name, source in settings.sources.items():
        said = f"Examples of the source `{name}`; solutions with programs are kept only if they run and give the reference."
        yield replace(plain(SOURCE, "mixtures", source), key=own[name], description=said)
    mixed, told = dict(own), dict[str, Source]()
    if settings.problem_fields is not None:
        yield plain(PROBLEM_FIELDS_STAGE, "mixtures", settings.problem_fields, sources=own)
        told["problem_fields"] = (PROBLEM_FIELDS_STAGE.name,)
    if settings.teacher is not None:
        wanted = settings.teacher.sources or tuple(own)
        asked: dict[str, Key] = {f"source_{name}": own[name] for name in own if name in wanted}
        yield plain(ANNOTATED_STAGE, "mixtures", settings.teacher, problems=asked, **told)
        mixed[ANNOTATED] = ("annotated",)
    yield plain(SFT_MIXTURE, "mixtures", settings.mixing, sources=mixed, **told)


def training(recipe: Recipe) -> Iterator[Step]:
    """From the base model to SFT, RFT, Online RFT, DPO and GRPO checkpoints (§3 to §5)."""
    settings = recipe.training
    yield plain(BASE_MODEL, "training", settings.base_model)
    yield plain(
        PACKED_MIXTURE, "training", recipe.mixture.packing, mixture=("sft_mixture",)
    )  # with the base's tokenizer
    sft = plain(SFT_MODEL, "training", settings.sft, base=("base_model",), packed=("packed_mixture",))
    yield replace(sft, pool=ACCELERATOR)
    for name, policy in settings.policies.items():
        # The questions are the mixture's (§4.2), so that what was kept out of it as contaminated stays out.
        step = plain(POLICY_MODEL, "training", policy, policy=("sft_model",), problems=("sft_mixture",))
        yield replace(
            step, key=(f"{name}_model",), pool=ACCELERATOR, description=method_named(policy.method).description
        )
    if settings.proxy is not None:
        corpora = {("seed" if i == 0 else f"iteration_{i}"): corpus_key(i) for i in range(recipe.iterations.count + 1)}
        proxy = plain(PROXY_MODELS, "training", settings.proxy, base=("base_model",), corpora=corpora)
        asked = (
            {}
            if settings.proxy.benchmark is None
            else {"problems": Part(key=("problems",), partition=settings.proxy.benchmark)}
        )
        yield replace(proxy, pool=ACCELERATOR, reads={**proxy.reads, **asked})


def evaluation(recipe: Recipe) -> Iterator[Step]:
    """Each model's completions, grades and scores, by benchmark and form of reasoning.

    One chain a model, so that lineage runs from a checkpoint to its own numbers. All partitions of its completions are
    made at once: they share one vLLM server, which takes longer to start than a small benchmark takes to answer.
    """
    settings = recipe.evaluation
    contained = plain(
        CONTAINED_PROBLEMS, "evaluation", settings.contamination, corpus=("math_corpus",), mixture=("sft_mixture",)
    )
    yield replace(contained, cut="benchmark")
    for model in settings.models:
        yield from model_steps(
            model,
            settings,
            cache=recipe.workspace / "generations.sqlite",
            ours=recipe.models,
            seen=trained_on(recipe, model),
            contamination=contained.key,
        )


def trained_on(recipe: Recipe, model: EvaluatedModel) -> Sequence[str]:
    """Which tables of the graph a model learnt from. The corpus is no model's yet: it is exported, for training elsewhere."""
    if model.trained_on is not None:
        return model.trained_on
    return ["mixture"] if model.name == "sft" or model.name in recipe.training.policies else []


def reports(recipe: Recipe) -> Iterator[Step]:
    """One page each, which opens offline."""
    numbers = range(1, recipe.iterations.count + 1)
    iterations = {f"{number}/{part}": (f"iteration_{number}", part) for number in numbers for part in OF_AN_ITERATION}
    proxies: dict[str, Source] = {} if recipe.training.proxy is None else {"proxy_models": ("proxy_models",)}
    references = References(Store(recipe.home))
    yield replace(
        plain(CORPUS_DIFF, "reports"),
        given=lambda _: {"before": _content_before(references)},
        aside={"earlier": partial(references.before, MATH_CORPUS.name)},
    )
    judged: dict[str, Source] = {}
    if recipe.corpus.labels is not None:
        worths = {f"{number}/worth": (f"iteration_{number}", "worth") for number in numbers}
        yield plain(PAGE_PRECISION, "reports", recipe.corpus.labels, iterations=worths)
        judged["page_precision"] = (PAGE_PRECISION.name,)
    if recipe.corpus.label_sample is not None:
        scores = {f"iteration_{number}/scores": (f"iteration_{number}", "scores") for number in numbers}
        yield plain(LABEL_SAMPLE, "reports", recipe.corpus.label_sample, scores=scores, **_pages(recipe))
        judged["label_sample"] = (LABEL_SAMPLE.name,)
    yield plain(CORPUS_REPORT, "reports", seed=corpus_key(0), iterations=iterations, **proxies, **judged)
    sources = {name: (f"source_{name}",) for name in recipe.mixture.sources}
    told: dict[str, Source] = (
        {} if recipe.mixture.problem_fields is None else {"problem_fields": (PROBLEM_FIELDS_STAGE.name,)}
    )
    yield plain(
        MIXTURE_REPORT, "reports", mixture=("sft_mixture",), packed=("packed_mixture",), sources=sources, **told
    )
    settings = recipe.evaluation
    lineages = {model: lineage(recipe, model) for model in settings.names}
    report = plain(BENCHMARK_REPORT, "reports", settings.report, **report_reads(settings))
    yield replace(report, given=_always({"lineage": lineages, "runs": runs_of(settings)}))


def _content_before(references: References) -> str | None:
    """Of the corpus that was exported before the last one: which one that is belongs to the identity of their comparison."""
    found = references.before(MATH_CORPUS.name)
    return None if found is None else found.content


def lineage(recipe: Recipe, model: str) -> dict[str, int]:
    """Each training run that a model belongs to, and the optimiser steps behind it: base, SFT, then one policy."""
    sft, policies = recipe.training.sft.optimiser.steps, recipe.training.policies
    runs = [name for name in recipe.evaluation.names if name in policies] or ["sft"]
    if model in policies:
        return {model: sft + policies[model].optimiser.steps}
    return dict.fromkeys(runs, {"base": 0, "sft": sft}[model]) if model in ("base", "sft") else {}


def _always(given: Mapping[str, Json]) -> Callable[[Sequence[str]], Mapping[str, Json]]:
    return lambda partitions: given
