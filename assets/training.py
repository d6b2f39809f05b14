"""Group training: from the base model to SFT, RFT, Online RFT, DPO and GRPO checkpoints (DeepSeekMath §3 to §5).

Every method is one launched process group (`accelerate launch`); the pool keeps one job at a time on the accelerator.
"""

from functools import partial
from typing import Any

import dagster as dg

from assets.artifacts import ArtifactStore, described
from assets.iterations import corpus_key
from pipelines.recipe import Recipe
from pipelines.storage import Artifact
from pipelines.training.base_model import write_base_model
from pipelines.training.policy import write_policy_model
from pipelines.training.proxy import write_proxy_models
from pipelines.training.sft import write_sft_model

ACCELERATOR = "accelerator"
"""The pool of assets that need the accelerator; dagster.yaml limits it to one at a time."""

DESCRIPTIONS = {
    "rft": "Fine-tuned on right outputs that the SFT model gave, drawn once (rejection sampling, §5.2.1).",
    "online_rft": "Fine-tuned on right outputs of the policy as it is at each step (§5.2.1).",
    "dpo": "Taught by pairs of a right and a wrong output of the SFT model to prefer the right one (A.1.4).",
    "grpo": "Group relative policy optimisation: outputs of one question are judged against each other (§4).",
}


def training_assets(recipe: Recipe) -> list[dg.AssetsDefinition]:
    """The base model, and each model that the recipe asks for."""
    assets = [base_asset(recipe), sft_asset(recipe)]
    assets += [policy_asset(recipe, method) for method in recipe.training.policies]
    if recipe.training.proxy is not None:
        assets.append(proxy_asset(recipe))
    return assets


def base_asset(recipe: Recipe) -> dg.AssetsDefinition:
    settings = recipe.training.base_model

    @dg.asset(
        group_name="training",
        kinds={"huggingface"},
        description="The model that training starts from, as one Hugging Face folder.",
    )
    def base_model(store: ArtifactStore) -> dg.Output[Artifact]:
        return described(store.build("base_model", partial(write_base_model, settings=settings), settings=settings))

    return base_model


def sft_asset(recipe: Recipe) -> dg.AssetsDefinition:
    settings = recipe.training.sft

    @dg.asset(
        group_name="training",
        kinds={"pytorch"},
        pool=ACCELERATOR,
        description="The base model after supervised fine-tuning on the packed mixture (§3.2).",
    )
    def sft_model(store: ArtifactStore, base_model: Artifact, packed_mixture: Artifact) -> dg.Output[Artifact]:
        write = partial(write_sft_model, settings=settings, base=base_model, packed=packed_mixture)
        inputs = {"base": base_model, "packed": packed_mixture}
        return described(store.build("sft_model", write, settings=settings, inputs=inputs))

    return sft_model


def policy_asset(recipe: Recipe, method: str) -> dg.AssetsDefinition:
    settings = recipe.training.policies[method]

    @dg.asset(
        name=f"{method}_model",
        group_name="training",
        kinds={"pytorch"},
        pool=ACCELERATOR,
        description=DESCRIPTIONS[settings.method],
    )
    def policy_model(store: ArtifactStore, sft_model: Artifact, sft_mixture: Artifact) -> dg.Output[Artifact]:
        # The questions are the mixture's (§4.2), so that what was kept out of it as contaminated stays out.
        write = partial(write_policy_model, settings=settings, policy=sft_model, problems=sft_mixture)
        inputs = {"policy": sft_model, "problems": sft_mixture}
        return described(store.build(f"{method}_model", write, settings=settings, inputs=inputs))

    return policy_model


def proxy_asset(recipe: Recipe) -> dg.AssetsDefinition:
    settings = recipe.training.proxy
    assert settings is not None
    names = ["seed", *(f"iteration_{i}" for i in range(1, recipe.iterations.count + 1))]
    read = {name: dg.AssetIn(corpus_key(i)) for i, name in enumerate(names)}
    asked = {"problems": dg.AssetIn("problems")} if settings.benchmark is not None else {}

    @dg.asset(
        ins={**read, **asked},
        group_name="training",
        kinds={"pytorch"},
        pool=ACCELERATOR,
        description="One small model, trained on equal token budgets of each corpus and of random pages: which corpus is better (§2.2, Table 1)?",
    )
    def proxy_models(
        store: ArtifactStore, base_model: Artifact, pages: dict[str, Artifact], **inputs: Any
    ) -> dg.Output[Artifact]:
        problems = inputs.get("problems", {}).get(settings.benchmark)
        corpora = {name: inputs[name] for name in names}
        write = partial(
            write_proxy_models,
            settings=settings,
            base=base_model,
            corpora=corpora,
            baseline=[pages[snapshot] for snapshot in sorted(pages)],
            problems=problems,
        )
        used = {"base": base_model, **corpora, **{f"pages/{snapshot}": table for snapshot, table in pages.items()}}
        used |= {} if problems is None else {"problems": problems}
        return described(store.build("proxy_models", write, settings=settings, inputs=used, version="2"))

    return proxy_models
