"""Groups iteration_1 .. iteration_N: the loop of DeepSeekMath §2.1, unrolled, since lineage must not have cycles.

    corpus of i-1 -> classifier -> scores -> recalled -> domains -> annotations -> corpus of i

Unrolled, every iteration keeps its own history, checks and re-runs. Once the corpus says `converged`, the iterations
after it hand it on unchanged.
"""

from functools import partial

import dagster as dg

from assets.artifacts import ArtifactStore, described
from assets.partitions import by_snapshot
from pipelines.corpus.annotations import write_annotations
from pipelines.corpus.classifier import write_classifier
from pipelines.corpus.domains import write_domains
from pipelines.corpus.growth import write_corpus
from pipelines.corpus.recall import write_recalled
from pipelines.corpus.scores import write_scores
from pipelines.corpus.seed import write_seed
from pipelines.recipe import Recipe
from pipelines.storage import Artifact


def corpus_key(iteration: int) -> dg.AssetKey:
    """The corpus after an iteration; 0 is the seed."""
    return dg.AssetKey("seed_corpus") if iteration == 0 else dg.AssetKey([f"iteration_{iteration}", "corpus"])


def loop_assets(recipe: Recipe) -> list[dg.AssetsDefinition]:
    """The seed and every iteration of the recipe."""
    loop = [seed_corpus(recipe)]
    for iteration in range(1, recipe.iterations.count + 1):
        loop += [*find_assets(recipe, iteration), *grow_assets(recipe, iteration)]
    return loop


def seed_corpus(recipe: Recipe) -> dg.AssetsDefinition:
    @dg.asset(
        group_name="seed",
        kinds={"parquet"},
        description="The mathematics that the first classifier learns from (the paper: OpenWebMath).",
    )
    def seed_corpus(store: ArtifactStore, pages: dict[str, Artifact], url_index: Artifact) -> dg.Output[Artifact]:
        write = partial(write_seed, settings=recipe.seed, pages=pages, url_index=url_index)
        return described(
            store.build(
                "seed_corpus", write, settings=recipe.seed, inputs=pages | {"url_index": url_index}, version="2"
            )
        )

    return seed_corpus


def find_assets(recipe: Recipe, iteration: int) -> list[dg.AssetsDefinition]:
    """Classifier, scores and recalled pages of one iteration."""
    group = f"iteration_{iteration}"
    settings = recipe.iterations
    recall = settings.recall_of(iteration)
    previous = dg.AssetIn(corpus_key(iteration - 1))
    mine = partial(_mine, group)

    @dg.asset(
        key_prefix=group,
        group_name=group,
        ins={"positives": previous},
        kinds={"fasttext"},
        description="fastText, trained on the corpus so far against random pages of the crawl.",
    )
    def classifier(
        store: ArtifactStore, positives: Artifact, pages: dict[str, Artifact], url_index: Artifact
    ) -> dg.Output[Artifact]:
        write = partial(
            write_classifier, settings=settings.classifier, positives=positives, pages=pages, url_index=url_index
        )
        inputs = pages | {"positives": positives, "url_index": url_index}
        return described(store.build(f"{group}/classifier", write, settings=settings.classifier, inputs=inputs))

    @dg.asset(
        key_prefix=group,
        group_name=group,
        ins={"classifier": mine("classifier"), "page_table": dg.AssetIn("pages")},
        partitions_def=by_snapshot(recipe.name),
        kinds={"fasttext", "parquet"},
        description="The log-odds that each page of one snapshot is mathematics.",
    )
    def scores(
        context: dg.AssetExecutionContext, store: ArtifactStore, classifier: Artifact, page_table: dict[str, Artifact]
    ) -> dg.Output[Artifact]:
        pages = page_table[context.partition_key]
        write = partial(write_scores, settings=settings.scores, classifier=classifier, pages=pages)
        inputs = {"classifier": classifier, "pages": pages}
        return described(
            store.build(f"{group}/scores/{context.partition_key}", write, settings=settings.scores, inputs=inputs)
        )

    @dg.asset(
        key_prefix=group,
        group_name=group,
        ins={"scores": mine("scores")},
        kinds={"parquet"},
        description="The pages that score highest, up to the token budget or down to the threshold.",
    )
    def recalled(
        store: ArtifactStore, scores: dict[str, Artifact], pages: dict[str, Artifact], url_index: Artifact
    ) -> dg.Output[Artifact]:
        write = partial(write_recalled, settings=recall, scores=scores, pages=pages, url_index=url_index)
        inputs = pages | {f"scores/{key}": value for key, value in scores.items()} | {"url_index": url_index}
        artifact = store.build(f"{group}/recalled", write, settings=recall, inputs=inputs)
        if not artifact.facts.get("budget_filled", True):
            _say(
                f"the crawl holds {artifact.facts['scored_tokens']:,} tokens, fewer than the budget of "
                f"{recall.token_budget:,}; every page above the threshold was recalled"
            )
        return described(artifact)

    return [classifier, scores, recalled]


def grow_assets(recipe: Recipe, iteration: int) -> list[dg.AssetsDefinition]:
    """Domains, annotations and the grown corpus of one iteration."""
    group = f"iteration_{iteration}"
    settings = recipe.iterations
    mine = partial(_mine, group)

    @dg.asset(
        key_prefix=group,
        group_name=group,
        ins={"recalled": mine("recalled")},
        kinds={"parquet"},
        description="The share of each domain that was recalled; over 10 % a domain is mathematical, and its URL prefixes are proposed.",
    )
    def domains(
        store: ArtifactStore, recalled: Artifact, pages: dict[str, Artifact], url_index: Artifact
    ) -> dg.Output[Artifact]:
        write = partial(write_domains, settings=settings.domains, recalled=recalled, pages=pages, url_index=url_index)
        inputs = pages | {"recalled": recalled, "url_index": url_index}
        return described(store.build(f"{group}/domains", write, settings=settings.domains, inputs=inputs, version="3"))

    @dg.asset(
        key_prefix=group,
        group_name=group,
        ins={"domains": mine("domains")},
        kinds={"jsonl"},
        description="URL prefixes judged by a person, a rule or a model, each with who decided and why. A person's verdict wins.",
    )
    def annotations(store: ArtifactStore, domains: Artifact) -> dg.Output[Artifact]:
        decisions = settings.annotations.decisions
        reviewed = decisions.read_text(encoding="utf-8") if decisions is not None and decisions.exists() else ""
        write = partial(write_annotations, settings=settings.annotations, domains=domains, decisions=decisions)
        identity = {"annotations": settings.annotations, "reviewed": reviewed}
        return described(
            store.build(f"{group}/annotations", write, settings=identity, inputs={"domains": domains}, version="2")
        )

    @dg.asset(
        key_prefix=group,
        group_name=group,
        ins={
            "previous": dg.AssetIn(corpus_key(iteration - 1)),
            "recalled": mine("recalled"),
            "annotations": mine("annotations"),
        },
        kinds={"parquet"},
        description="Everything collected so far: the seed, what was recalled, and uncollected pages under accepted prefixes.",
    )
    def corpus(
        store: ArtifactStore,
        previous: Artifact,
        recalled: Artifact,
        annotations: Artifact,
        pages: dict[str, Artifact],
        url_index: Artifact,
    ) -> dg.Output[Artifact]:
        write = partial(
            write_corpus,
            settings=settings.growth,
            previous=previous,
            recalled=recalled,
            annotations=annotations,
            pages=pages,
            url_index=url_index,
            iteration=iteration,
        )
        inputs = pages | {
            "previous": previous,
            "recalled": recalled,
            "annotations": annotations,
            "url_index": url_index,
        }
        artifact = store.build(f"{group}/corpus", write, settings=settings.growth, inputs=inputs, version="2")
        if artifact.facts["rows"] < previous.facts["rows"]:
            raise dg.Failure(
                f"{group}: the corpus shrank from {previous.facts['rows']} pages to {artifact.facts['rows']}"
            )
        if artifact.facts["converged"] and artifact.facts["iteration"] == iteration:
            _say(
                f"converged in iteration {artifact.facts['iteration']}: {artifact.facts['overlap']:.1%} of what it found was "
                "collected before; later iterations do nothing"
            )
        return described(artifact)

    return [domains, annotations, corpus]


def loop_checks(recipe: Recipe) -> list[dg.AssetChecksDefinition]:
    """Whether another iteration would still find pages, for each iteration's corpus."""
    return [still_growing(iteration) for iteration in range(1, recipe.iterations.count + 1)]


def still_growing(iteration: int) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=corpus_key(iteration),
        name="still_growing",
        description="Another iteration would find new pages; the paper stopped when ~98 % were already collected (§2.1).",
    )
    def check(corpus: Artifact) -> dg.AssetCheckResult:
        facts = {key: value for key, value in corpus.facts.items() if isinstance(value, int | float | bool)}
        return dg.AssetCheckResult(
            passed=not corpus.facts["converged"], severity=dg.AssetCheckSeverity.WARN, metadata=facts
        )

    return check


def _say(line: str) -> None:
    """A line for whoever watches the run; `mathsieve run` shows warnings only."""
    dg.get_dagster_logger().warning(line)


def _mine(group: str, name: str) -> dg.AssetIn:
    return dg.AssetIn(dg.AssetKey([group, name]))
