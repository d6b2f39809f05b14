"""The code location: what Dagster loads, and how fast and light it must be."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from assets.definitions import definitions_of
from pipelines.recipe import Recipe, RecipeError, load_recipe
from pipelines.recipe_graph import lineage, steps_of

CHECKOUT = Path(__file__).resolve().parents[2]
PAPERS_VARIABLES = (
    "OPENWEBMATH", "SFT_SOURCES", "TEACHER_URL", "TEACHER_MODEL", "BASE_MODEL_REVISION", "BELLE_REVISION", "OSS_REVISION",
    "EVOL_REVISION",
)  # fmt: skip
DEMO = CHECKOUT / "recipes" / "demo.yaml"

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


@pytest.fixture(scope="module")
def demo() -> Recipe:
    return load_recipe(DEMO)


@pytest.fixture(scope="module")
def definitions(demo: Recipe) -> dg.Definitions:
    return definitions_of(demo)


def test_definitions_load_without_the_heavy_modules() -> None:
    program = (
        "import sys; from assets.definitions import defs; import dagster as dg\n"
        "heavy = {'torch', 'vllm', 'fasttext', 'matplotlib', 'transformers', 'datasets', 'scipy', 'sympy'} & set(sys.modules)\n"
        "sys.exit(f'imported: {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()[-300:]) == (0, "")


def test_the_location_of_the_workspace_is_loadable(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_the_graph_has_the_groups_of_the_paper(definitions: dg.Definitions) -> None:
    groups = {spec.group_name for spec in definitions.resolve_all_asset_specs()}
    loop = {"iteration_1", "iteration_2"}
    assert groups == {"crawl", "seed", "corpus", "benchmarks", "mixtures", "training", "evaluation", "reports"} | loop


def test_every_asset_says_what_it_is_and_of_what_kind(definitions: dg.Definitions) -> None:
    for spec in definitions.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.kinds, spec.key


def test_the_loop_is_unrolled_from_the_seed(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    classifier = dg.AssetKey(["iteration_2", "classifier"])
    assert dg.AssetKey(["iteration_1", "corpus"]) in graph.get(classifier).parent_keys
    assert dg.AssetKey("seed_corpus") in graph.get(dg.AssetKey(["iteration_1", "classifier"])).parent_keys


def test_scores_of_a_model_depend_on_its_checkpoint_and_on_no_other(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    upstream = dg.AssetSelection.assets(dg.AssetKey(["base", "scores"])).upstream().resolve(graph)
    assert dg.AssetKey("base_model") in upstream
    assert dg.AssetKey("sft_model") not in upstream


def test_evaluation_and_decontamination_read_one_table_of_problems(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for reader in ("contamination", "sft_mixture", "contained_problems"):
        assert dg.AssetKey("problems") in graph.get(dg.AssetKey(reader)).parent_keys
    assert dg.AssetKey("problems") in graph.get(dg.AssetKey(["sft", "grades"])).parent_keys


@pytest.mark.parametrize("path", sorted((CHECKOUT / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_of_the_project_gives_a_graph(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("MATHSIEVE_REAL_DATA", *PAPERS_VARIABLES):
        monkeypatch.setenv(variable, "http://set-for-the-test")
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    dg.Definitions.validate_loadable(definitions_of(recipe))


def test_the_papers_recipe_has_the_papers_values(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in PAPERS_VARIABLES:
        monkeypatch.setenv(variable, "http://set-for-the-test")
    recipe = load_recipe(CHECKOUT / "recipes" / "deepseekmath.yaml")
    classifier, sft, grpo = recipe.iterations.classifier, recipe.training.sft, recipe.training.policies["grpo"]
    budgets = [recipe.iterations.recall_of(i).token_budget for i in range(1, 6)]
    assert budgets == [40 * 10**9, 80 * 10**9, 120 * 10**9, 120 * 10**9, 120 * 10**9]  # §2.1: 40 B first, 120 B at last
    assert (recipe.iterations.count, recipe.iterations.recall_of(1).threshold) == (4, None)
    assert (classifier.positives, classifier.negatives) == (500_000, 500_000)  # §2.1
    assert recipe.iterations.domains.candidate_share == 0.1  # §2.1: "more than 10 %"
    assert recipe.iterations.growth.converged_overlap == 0.98  # §2.1
    assert (classifier.dim, classifier.learning_rate, classifier.ngrams, classifier.least_count, classifier.epochs) == (
        256,
        0.1,
        3,
        3,
        3,
    )
    assert (sft.batch_rows, sft.optimiser.steps, sft.optimiser.learning_rate, sft.optimiser.schedule) == (
        256,
        500,
        5e-5,
        "constant",
    )
    assert (recipe.mixture.packing.context, recipe.mixture.packing.strategy) == (4096, "random")  # §3.1, §3.2
    assert (grpo.beta, grpo.optimiser.learning_rate, grpo.sampling.group_size) == (0.04, 1e-6, 64)  # §4.2
    assert (grpo.questions_per_step * grpo.sampling.group_size, grpo.sampling.max_new_tokens) == (1024, 1024)  # §4.2
    assert grpo.sampling.questions_from == ("gsm8k", "math")  # §4.2
    sampling = recipe.evaluation.sampling
    assert (sampling.temperature, sampling.max_new_tokens, sampling.max_calls) == (0.0, 1024, 2)  # §4 and its harness
    table_5, agieval = (
        ["gsm8k", "math", "mgsm_zh", "cmath"],
        ["sat_math", "aqua_rat", "math", "gaokao_mathcloze", "gaokao_mathqa"],
    )
    assert list(recipe.benchmarks) == [*table_5, *(f"agieval_{name}" for name in agieval)]  # Table 5, and §2.1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            "templated_pot: 0.1}->templated_pot: 0.03}",
            "must sum to 1.0; found 0.93",
        ),
        (
            "templated_pot: 0.1}->gsm8k: 0.1}",
            "mixture.mixing.weights: expected a weight for each source (templated, templated_pot, templated_zh); "
            "found gsm8k, which is no source and none for templated_pot",
        ),
        ("models: [base, sft]->models: [sft, sft]", "evaluation.models: expected each once; found sft again"),
        ("crawl: [{prefix->colour: [{prefix", "seed.colour: unknown key"),
        ("name: demo->name: demo\ncrawl: {folder: x}", "crawl: expected one source of pages"),
        (
            "training:->training:\n  policies: {base: {method: grpo}}",
            "training.policies: expected other names than base",
        ),
        ("models: [base, sft]->models: [base, grpo]", "evaluation.models: expected some of base, sft; found grpo"),
        ("  count: 2->  cuont: 2", "iterations.cuont: unknown key. Did you mean count?"),
        ("  count: 2->  count: two", "iterations.count: expected"),
    ],
)
def test_a_mistake_in_a_recipe_is_told_before_anything_runs(tmp_path: Path, change: str, complaint: str) -> None:
    before, after = change.split("->")
    text = DEMO.read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "demo.yaml").write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path / "demo.yaml")
    assert complaint in str(caught.value)
    assert "demo.yaml: " in str(caught.value)


def test_the_mixture_is_charged_to_the_models_that_were_trained_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in PAPERS_VARIABLES:
        monkeypatch.setenv(variable, "http://set-for-the-test")
    scores = {
        step.key[0]: step
        for step in steps_of(load_recipe(CHECKOUT / "recipes" / "deepseekmath.yaml"))
        if step.key[-1] == "scores" and step.group == "evaluation"
    }
    seen = {model: step.given(["gsm8k|cot"])["seen"] for model, step in scores.items()}
    assert seen == {"base": [], "sft": ["mixture"], "grpo": ["mixture"]}


def test_the_report_draws_growth_from_the_base_through_sft_to_each_policy(
    demo: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [lineage(demo, model) for model in ("base", "sft")] == [
        {"sft": 0},
        {"sft": demo.training.sft.optimiser.steps},
    ]
    for variable in PAPERS_VARIABLES:
        monkeypatch.setenv(variable, "http://set-for-the-test")
    paper = load_recipe(CHECKOUT / "recipes" / "deepseekmath.yaml")
    steps = 500 + paper.training.policies["grpo"].optimiser.steps  # §3.2: 500 steps of SFT
    assert [lineage(paper, model) for model in paper.evaluation.names] == [{"grpo": 0}, {"grpo": 500}, {"grpo": steps}]
