"""Group evaluation: each model's completions, grades and scores, by benchmark and form of reasoning.

One chain of assets per model, so that lineage runs from a checkpoint to its own numbers. All partitions of a model are
sampled in one step: they share one vLLM server, which takes longer to start than a small benchmark takes to answer.
"""

from functools import partial
from typing import Any

import dagster as dg

from assets.artifacts import ArtifactStore, described, described_partitions
from assets.partitions import by_benchmark, by_benchmark_and_form
from assets.training import ACCELERATOR
from evaluators.contamination import write_contamination
from evaluators.evaluate import completions_file, write_completions
from evaluators.grading import write_grades
from evaluators.scores import write_scores
from pipelines.recipe import Recipe
from pipelines.storage import Artifact


def evaluation_assets(recipe: Recipe) -> list[dg.AssetsDefinition]:
    """The chains of every model that the recipe evaluates."""
    chains = [chain for model in recipe.evaluation.models for chain in model_assets(recipe, model)]
    return [contained_asset(recipe), *chains]


def contained_asset(recipe: Recipe) -> dg.AssetsDefinition:
    settings = recipe.evaluation.contamination

    @dg.asset(
        partitions_def=by_benchmark(list(recipe.benchmarks)),
        group_name="evaluation",
        kinds={"json"},
        description="Which benchmark problems the corpus or the training mixture contains; scores are given with and without them.",
    )
    def contained_problems(
        context: dg.AssetExecutionContext,
        store: ArtifactStore,
        problems: dict[str, Artifact],
        math_corpus: Artifact,
        sft_mixture: Artifact,
    ) -> dg.Output[Artifact]:
        table = problems[context.partition_key]
        tables = {"corpus": math_corpus.files("data/*.parquet"), "mixture": sft_mixture.files()}
        write = partial(write_contamination, settings=settings, problems=table.file("problems.parquet"), tables=tables)
        inputs = {"problems": table, "corpus": math_corpus, "mixture": sft_mixture}
        return described(
            store.build(
                f"contained_problems/{context.partition_key}", write, settings=settings, inputs=inputs, version="2"
            )
        )

    return contained_problems


def model_assets(recipe: Recipe, model: str) -> list[dg.AssetsDefinition]:
    """Completions, grades and scores of one model."""
    settings = recipe.evaluation
    partitions = by_benchmark_and_form(list(recipe.benchmarks), recipe.evaluation.forms)

    @dg.asset(
        key_prefix=model,
        group_name="evaluation",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"checkpoint": dg.AssetIn(f"{model}_model")},
        kinds={"vllm"},
        pool=ACCELERATOR,
        description=f"What the {model} model answers: chain of thought, and reasoning with programs that the sandbox runs.",
    )
    def completions(
        context: dg.AssetExecutionContext, store: ArtifactStore, checkpoint: Artifact, problems: dict[str, Artifact]
    ) -> dg.Output[dict[str, Artifact]]:
        keys = [parts_of(key) for key in context.partition_keys]
        tasks = [(part["name"], part["form"], problems[part["name"]].file("problems.parquet")) for part in keys]
        write = partial(
            write_completions,
            settings=settings.sampling,
            model_dir=checkpoint.path,
            server_settings=settings.server,
            tasks=tasks,
            cache=recipe.home / "generations.sqlite",
        )
        identity = {
            "sampling": settings.sampling.model_dump(exclude={"profiles"}),
            "tasks": [task[:2] for task in tasks],
        }
        inputs = {"model": checkpoint, **{part["name"]: problems[part["name"]] for part in keys}}
        artifact = store.build(f"{model}/completions", write, settings=identity, inputs=inputs, version="2")
        return described_partitions(context, dict.fromkeys(context.partition_keys, artifact))

    @dg.asset(
        key_prefix=model,
        group_name="evaluation",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"completions": dg.AssetIn([model, "completions"])},
        kinds={"sympy"},
        description="One grade for every completion and profile of the answer checker; nothing is generated.",
    )
    def grades(
        context: dg.AssetExecutionContext,
        store: ArtifactStore,
        completions: dict[str, Artifact],
        problems: dict[str, Artifact],
    ) -> dg.Output[dict[str, Artifact]]:
        made = {}
        for key in context.partition_keys:
            part = parts_of(key)
            sampled, table = completions[key], problems[part["name"]]
            write = partial(
                write_grades,
                settings=settings.sampling,
                completions=sampled.file(completions_file(**part)),
                problems=table.file("problems.parquet"),
            )
            inputs = {"completions": sampled, "problems": table}
            made[key] = store.build(
                f"{model}/grades/{_name(key)}", write, settings=settings.sampling.profiles, inputs=inputs
            )
        return described_partitions(context, made)

    @dg.asset(
        key_prefix=model,
        group_name="evaluation",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"completions": dg.AssetIn([model, "completions"]), "grades": dg.AssetIn([model, "grades"])},
        kinds={"json"},
        description="Accuracy with its interval, maj@k, pass@k, program accuracy, and the breakdowns.",
    )
    def scores(
        context: dg.AssetExecutionContext,
        store: ArtifactStore,
        completions: dict[str, Artifact],
        grades: dict[str, Artifact],
        problems: dict[str, Artifact],
        contained_problems: dict[str, Artifact],
    ) -> dg.Output[dict[str, Artifact]]:
        made = {}
        for key in context.partition_keys:
            part = parts_of(key)
            inputs = {
                "problems": problems[part["name"]],
                "completions": completions[key],
                "grades": grades[key],
                "contamination": contained_problems[part["name"]],
            }
            write = partial(
                write_scores,
                settings=settings.scores,
                problems=inputs["problems"].file("problems.parquet"),
                completions=inputs["completions"].file(completions_file(**part)),
                grades=inputs["grades"].file("grades.parquet"),
                contamination=inputs["contamination"].file("contamination.json"),
            )
            made[key] = store.build(f"{model}/scores/{_name(key)}", write, settings=settings.scores, inputs=inputs)
        return described_partitions(context, made)

    return [completions, grades, scores]


def parts_of(key: str) -> dict[str, Any]:
    """`gsm8k|cot` as the benchmark's name and the form; Dagster joins dimensions in alphabetical order."""
    benchmark, form = key.split("|")
    return {"name": benchmark, "form": form}


def _name(key: str) -> str:
    return key.replace("|", ".")
