"""Put benchmarks to a model and write the report, without the rest of the graph.

MODEL is a model of the hub (OWNER/MODEL, or OWNER/MODEL@COMMIT), a folder with safetensors and tokenizer, a .gguf file, or
the URL of a server that speaks OpenAI's API. Several models stand in one table. Weights are served by vLLM here; a URL is
asked as it is. What was answered is kept: the same command goes on where a killed one stopped, and with more samples,
benchmarks or models asks only what is new.

  mathsieve evaluate Qwen/Qwen2.5-Math-1.5B-Instruct --benchmarks gsm8k,math500,aime24 --forms cot,tir --samples 4
  mathsieve evaluate http://127.0.0.1:8000/v1 --benchmarks gsm8k --limit 100
  mathsieve evaluate checkpoints/sft checkpoints/grpo --benchmarks gsm8k=data/gsm8k/test.jsonl --set server.dtype=float32
  mathsieve compare evaluations/a evaluations/b            two evaluations, problem by problem
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluators.benchmarks import BenchmarkSettings
    from pipelines.evaluation import EvaluationRecipe
    from pipelines.steps import Key, Maker
    from pipelines.storage import Artifact

    Artifacts = Mapping[tuple[Key, str | None], Artifact]
    """(asset, partition) -> what was made."""

STOPPED = "stopped; the same command goes on from here"
TEMPERATURE = 0.7
"""Of several samples, where none is given: what DeepSeekMath's figure 7 samples maj@k and pass@k at."""
ABOUT = Path("mathsieve evaluate")
"""In place of a recipe's file in messages."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("models", nargs="+", metavar="MODEL", help="a hub id, a folder, a .gguf file or a URL; also as NAME=MODEL")
    add("--benchmarks", required=True, metavar="LIST", help="gsm8k,math500,aime24, ...; also as NAME=FILE_OR_FOLDER")
    add("--data", metavar="FOLDER", help="where benchmarks lie (default: MATHSIEVE_REAL_DATA/benchmarks, or the hub)")
    add("--limit", type=int, metavar="N", help="only the first N problems of each")
    add("--forms", default="cot", metavar="LIST", help="cot, tir (programs that run here), tools; default cot")
    add("--samples", type=int, default=1, metavar="K", help="answers to each problem (default 1)")
    add("--temperature", type=float, metavar="T", help=f"default 0 for one sample, {TEMPERATURE} for several")
    add("--max-tokens", type=int, metavar="N", help="new tokens of each call")
    add("--prompt", choices=("chat", "deepseek", "few_shot"), help="default: chat where the model has a template")
    add("--system", metavar="TEXT", help="a system prompt")
    add("--model", metavar="NAME", help="the model's name at a URL, where the server has several")
    add("--api-key-variable", metavar="VARIABLE", help="the environment variable that holds the key of a URL")
    add("--runs", type=int, default=1, metavar="N", help="repeat it all N times, to see the spread from run to run")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="any key of a recipe's `evaluation`")
    add("--baseline", metavar="NAME", help="the model that others are compared with (default: the first)")
    add("--out", type=Path, metavar="FOLDER", help="where report and scores go (default: evaluations/<first model>)")
    add("--json", action="store_true", help="print the table as JSON")


def has_workers(arguments: argparse.Namespace) -> bool:
    return True


def run(arguments: argparse.Namespace) -> int:
    settings, benchmarks = pinned(evaluation_of(arguments)), benchmarks_of(arguments)
    out = arguments.out or Path("evaluations") / settings.models[0].name
    out.mkdir(parents=True, exist_ok=True)  # first: a place that cannot be written to is told before anything is asked
    artifacts = make_all(evaluation_maker(settings, benchmarks), _say)
    publish(out, artifacts, settings)
    report = artifacts[("benchmark_report",), None]
    for alarm in report.facts["alarms"]:
        print(f"WARNING: {alarm}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(report.facts["table"], ensure_ascii=False, indent=1))
        return 0
    for row in report.facts["table"]:
        low, high = row["interval"]
        named = f"{row['model']}  {row['benchmark']}  {row['form']}  {row['profile']}"
        print(f"{named}  {row['accuracy']:.1f} ({low:.1f} to {high:.1f})")
    for sentence in report.facts["findings"]:
        print(sentence)
    print(f"\nreport: {out.absolute() / 'report.html'}")
    return 0


def _say(name: str) -> None:
    print(f"{name} ...", file=sys.stderr, flush=True)


def evaluation_of(arguments: argparse.Namespace) -> EvaluationRecipe:
    """What the arguments ask for, as a recipe's `evaluation` would say it. Raises RecipeError."""
    from pipelines.evaluation import EvaluationRecipe
    from pipelines.recipe_file import validate

    temperature = arguments.temperature
    if temperature is None and arguments.samples > 1:
        temperature = TEMPERATURE
        print(f"{arguments.samples} samples: at temperature {temperature}, since none is given", file=sys.stderr)
    sampling = {
        "samples": arguments.samples,
        "temperature": temperature,
        "max_new_tokens": arguments.max_tokens,
        "prompt": arguments.prompt,
        "system": arguments.system,
    }
    content: dict[str, Any] = {
        "models": [_entry(text, arguments) for text in arguments.models],
        "forms": _listed(arguments.forms),
        "runs": arguments.runs,
        "sampling": {name: value for name, value in sampling.items() if value is not None},
        "report": {"title": "Evaluation", "baseline": arguments.baseline},
    }
    for assignment in arguments.set:
        _assign(content, assignment)
    settings: EvaluationRecipe = validate(ABOUT, content, EvaluationRecipe)
    return settings


def pinned(settings: EvaluationRecipe) -> EvaluationRecipe:
    """With the commit of each model of the hub, which is fetched for that: its main branch may move before the next run."""
    from evaluators.models.source import HUB, ModelSource, model_folder

    models = []
    for model in settings.models:
        if model.source is not None and model.source.startswith(HUB) and model.revision is None:
            commit = model_folder(ModelSource(source=model.source)).name
            model = model.model_copy(update={"revision": commit})
        models.append(model)
    return settings.model_copy(update={"models": tuple(models)})


def _entry(text: str, arguments: argparse.Namespace) -> dict[str, Any]:
    from evaluators.models.source import HUB, REPOSITORY
    from pipelines.evaluation import NAME, URL, model_of_text, name_of

    name, given, rest = text.partition("=")
    named = bool(given and re.fullmatch(NAME, name))
    place = rest if named else text
    if not Path(place).exists():
        _must_have_scheme(place)
    is_hubs = bool(REPOSITORY.fullmatch(place.partition("@")[0])) and not Path(place).exists()
    if not URL.match(place) and not place.startswith((HUB, "package:")):
        place = f"{HUB}{place}" if is_hubs else str(Path(place).expanduser().absolute())
    entry = model_of_text(place) | ({"name": name} if named else {})
    if arguments.prompt is not None:
        entry["by_template"] = arguments.prompt == "chat"
    if "endpoint" in entry:
        entry["endpoint"] |= _endpoint(entry["endpoint"]["base_url"], arguments)
        entry["name"] = name if named else name_of(entry["endpoint"]["model"].rpartition("/")[2])
    return entry


def _must_have_scheme(place: str) -> None:
    """Raises UnusableArguments where a server's address lacks its http://."""
    from evaluators.errors import UnusableArguments
    from evaluators.models.endpoint_settings import WITHOUT_SCHEME, usable_base_url

    if WITHOUT_SCHEME.fullmatch(place):
        try:
            usable_base_url(place)
        except ValueError as error:
            raise UnusableArguments(f"MODEL: {error}") from error


def _endpoint(url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """What the arguments say of a server; it is asked for the name of its model where they do not. Raises EvaluationError."""
    from evaluators.models.endpoint import EndpointSettings
    from evaluators.sampled import ONLY_MODEL, with_model_name
    from pipelines.recipe_file import validate

    key = arguments.api_key_variable
    content = {"base_url": url, "model": arguments.model or ONLY_MODEL, "api_key_variable": key}
    asked: EndpointSettings = validate(ABOUT, content, EndpointSettings)
    kind = "completions" if arguments.prompt in ("deepseek", "few_shot") else "chat"
    return {"model": with_model_name(asked).model, "api_key_variable": key, "kind": kind}


def _assign(content: dict[str, Any], assignment: str) -> None:
    """`server.dtype=float32` into the nested mapping; the value is YAML, and a number names an entry of a list."""
    import yaml

    from evaluators.errors import UnusableArguments

    key, given, value = assignment.partition("=")
    if not given:
        raise UnusableArguments(
            f"--set {assignment}: expected KEY=VALUE, as in --set server.dtype=float32; found no '='."
        )
    place: Any = content
    *parents, last = key.split(".")
    try:
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place.setdefault(parent, {})
        place[last] = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise UnusableArguments(
            f"--set {assignment}: expected a key of a recipe's `evaluation` and a value in YAML; found {error}."
        ) from error


def benchmarks_of(arguments: argparse.Namespace) -> dict[str, BenchmarkSettings]:
    """The benchmarks by name, each from a place of its own, the common one, or the hub. Raises BenchmarkError."""
    from evaluators.benchmarks import BenchmarkSettings, check_benchmark
    from pipelines.recipe_file import validate

    found = {}
    for text in _listed(arguments.benchmarks):
        name, _, own = text.partition("=")
        content = {"name": name, "path": _place(own or arguments.data), "limit": arguments.limit}
        settings: BenchmarkSettings = validate(ABOUT, content, BenchmarkSettings)
        check_benchmark(settings)
        found[name] = settings
    return found


def _place(given: str | None) -> str | None:
    real = os.environ.get("MATHSIEVE_REAL_DATA")
    common = str(Path(real) / "benchmarks") if real and (Path(real) / "benchmarks").is_dir() else None
    return common if given is None else str(Path(given).expanduser().absolute())


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def make_all(maker: Maker, said: Callable[[str], None] = lambda name: None) -> Artifacts:
    """Every artifact of an evaluation, found or made; `said` hears the name of each before it is made. Raises what its stages raise."""
    from pipelines.standing import named

    artifacts: dict[tuple[Key, str | None], Artifact] = {}
    for step in maker.graph.steps.values():
        for unit in maker.graph.units(step):
            artifact = maker.store.find(maker.identity(step, unit, lambda *place: artifacts[place]))
            if artifact is None:
                said(step.name if step.together else step.reference(unit[0] if unit else None))
                artifact = maker.make(step, unit, lambda *place: artifacts[place])
            artifacts.update({(step.key, partition): artifact for partition in named(unit)})
    return artifacts


def evaluation_maker(settings: EvaluationRecipe, benchmarks: Mapping[str, BenchmarkSettings]) -> Maker:
    """What makes them: problems, then each model's answers, grades and scores, then the report."""
    from evaluators.benchmarks import PROBLEMS_STAGE
    from evaluators.executors import LOCAL
    from evaluators.stages import ContentDigests
    from pipelines.evaluation import model_steps, report_reads, runs_of
    from pipelines.reports.benchmark import BENCHMARK_REPORT
    from pipelines.steps import Graph, Maker, Step
    from pipelines.storage import Store, local_folder

    home = store_location()
    workspace = local_folder(home)
    workspace.mkdir(parents=True, exist_ok=True)
    steps = [Step(stage=PROBLEMS_STAGE, key=("problems",), group="benchmarks", settings=benchmarks, cut="benchmark")]
    for model in settings.models:
        steps += model_steps(model, settings, cache=workspace / "generations.sqlite")
    report = Step(
        stage=BENCHMARK_REPORT,
        key=("benchmark_report",),
        group="reports",
        settings=settings.report,
        reads=report_reads(settings),
        given=lambda partitions: {"lineage": {}, "runs": runs_of(settings)},
    )
    pairs = [f"{name}|{form}" for name in benchmarks for form in settings.forms]
    graph = Graph(
        steps={step.key: step for step in [*steps, report]},
        partitions={"benchmark": list(benchmarks), "benchmark_and_form": pairs},
    )
    return Maker(graph=graph, store=Store(home), digests=ContentDigests(workspace / "digests.sqlite"), executor=LOCAL)


def store_location() -> str:
    """Where answers are kept: beside the recipes' artifacts, or in the working folder where there is no project."""
    from pipelines.storage import StorageError, home_location

    try:
        return f"{home_location()}/evaluate"
    except StorageError:
        return str(Path.cwd() / "data" / "evaluate")


def publish(out: Path, artifacts: Artifacts, settings: EvaluationRecipe) -> None:
    """Lay down the report, and of each model its scores and tables, as `mathsieve compare` reads them."""
    report = artifacts[("benchmark_report",), None]
    for name in ("report.html", "report.md", "report.json"):
        shutil.copyfile(report.file(name), out / name)
    for model, task, files in _tables(artifacts, settings):
        folder = out / model / task.replace("|", ".")
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in files.items():
            shutil.copyfile(file, folder / name)


def _tables(artifacts: Artifacts, settings: EvaluationRecipe) -> Iterator[tuple[str, str, Mapping[str, Path]]]:
    from evaluators.evaluate import completions_file
    from pipelines.evaluation import run_names

    models: Sequence[str] = [run for model in settings.names for run in run_names(model, settings.runs)]
    for (key, task), scores in artifacts.items():
        if key[-1] != "scores" or task is None or key[0] not in models:
            continue
        benchmark, _, form = task.partition("|")
        completions = artifacts[(key[0], "completions"), task]
        yield (
            key[0],
            task,
            {
                "scores.json": scores.file("scores.json"),
                "grades.parquet": artifacts[(key[0], "grades"), task].file("grades.parquet"),
                "completions.parquet": completions.file(completions_file(benchmark, form)),  # type: ignore[arg-type]
                "problems.parquet": artifacts[("problems",), benchmark].file("problems.parquet"),
            },
        )
