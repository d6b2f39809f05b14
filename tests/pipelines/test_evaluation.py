"""The steps of an evaluation: which model each reads, who answers for it, and what a change of its serving costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from evaluators.benchmarks import BenchmarkSettings
from evaluators.models.sampling import SMALLEST_CALL
from evaluators.models.source import ModelSource, ModelSourceError, model_folder
from pipelines.evaluate_command import evaluation_maker, make_all
from pipelines.evaluation import EvaluationRecipe, model_steps
from pipelines.steps import Step

FAKE_VLLM = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

words = sys.argv
port, name = int(words[words.index("--port") + 1]), words[words.index("--served-model-name") + 1]

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send({"data": [{"id": name}]})
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with Path("LOG").open("a") as log:
            log.write(json.dumps([body["max_tokens"], body.get("n", 1)]) + "\\n")
        choices = [{"index": i, "text": " \\\\boxed{7}", "finish_reason": "stop"} for i in range(body.get("n", 1))]
        self.send({"choices": choices, "usage": {"prompt_tokens": 9, "completion_tokens": 5 * len(choices)}})
    def send(self, content):
        raw = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def steps(ours: tuple[str, ...] = ("base", "sft"), **evaluation: Any) -> dict[str, Step]:
    settings = EvaluationRecipe.model_validate(evaluation)
    found = [step for model in settings.models for step in model_steps(model, settings, cache=Path("c"), ours=ours)]
    return {step.name: step for step in found}


def asked(step: Step) -> Any:
    return step.settings


def test_a_model_of_the_graph_is_read_and_served_here() -> None:
    step = steps(models=["sft"])["sft/completions"]
    assert step.reads["model"] == ("sft_model",)
    assert asked(step).endpoint is None
    assert asked(step).server is not None


def test_an_endpoint_answers_for_the_graphs_models_under_their_names() -> None:
    found = steps(models=["base", "sft"], endpoint={"base_url": "http://x/v1"})
    told = {name: asked(found[f"{name}/completions"]) for name in ("base", "sft")}
    assert {name: one.endpoint.model for name, one in told.items()} == {"base": "base", "sft": "sft"}
    assert all(one.server is None for one in told.values())
    assert found["sft/completions"].reads["model"] == ("sft_model",)  # still what its answers depend on
    named = steps(models=["sft"], endpoint={"base_url": "http://x/v1", "model": "m"})["sft/completions"]
    assert asked(named).endpoint.model == "m"


def test_published_models_stand_beside_ours_with_settings_of_their_own() -> None:
    published = {
        "name": "qwen",
        "source": "hub:Qwen/Qwen2.5-Math-1.5B",
        "revision": "abc",
        "by_template": True,
        "sampling": {"max_new_tokens": 4096},
        "server": {"max_model_len": 8192},
    }
    models = ["base", published, {"name": "big", "endpoint": {"base_url": "http://x/v1", "model": "m"}}]
    found = steps(models=models, sampling={"temperature": 0.5}, endpoint={"base_url": "http://y/v1"})
    qwen, big = asked(found["qwen/completions"]), asked(found["big/completions"])
    assert (qwen.sampling.max_new_tokens, qwen.sampling.temperature, qwen.server.max_model_len) == (4096, 0.5, 8192)
    assert qwen.source == ModelSource(source="hub:Qwen/Qwen2.5-Math-1.5B", revision="abc")
    assert qwen.endpoint is None  # the endpoint of the graph's models does not have it
    assert big.endpoint.base_url == "http://x/v1"
    assert "model" not in found["qwen/completions"].reads
    assert "model" not in found["big/completions"].reads


def test_an_address_given_where_ours_is_filled_in_is_refused_with_the_key_to_use() -> None:
    with pytest.raises(ValidationError, match=r"For a server that runs already give evaluation\.endpoint"):
        EvaluationRecipe.model_validate({"server": {"endpoint": {"base_url": "http://x/v1"}}})


def test_manners_towards_our_server_are_no_part_of_how_it_serves() -> None:
    usual = EvaluationRecipe().server
    patient = EvaluationRecipe.model_validate({"server": {"endpoint": {"attempts": 9}}}).server
    assert patient.endpoint.vllm_extensions == usual.endpoint.vllm_extensions


def test_each_run_has_seeds_of_its_own() -> None:
    found = steps(models=["sft"], runs=3, sampling={"seed": 5})
    seeds = {name: asked(step).sampling.seed for name, step in found.items() if name.endswith("/completions")}
    assert seeds == {"sft/completions": 5, "sft_run2/completions": 1_000_005, "sft_run3/completions": 2_000_005}


def model_at(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_a_folder_that_holds_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelSourceError, match=r"expected a model folder with config.json.*hub:OWNER/MODEL"):
        model_folder(ModelSource(source=str(tmp_path)))


def test_a_model_in_the_hubs_cache_is_found_at_its_commit(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--org--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c0ffee", encoding="utf-8")
    (repository / "snapshots").mkdir()
    model_at(repository / "snapshots" / "c0ffee")
    code = (
        "from evaluators.models.source import ModelSource, model_folder\n"
        "print(model_folder(ModelSource(source='hub:org/tiny')).name)"
    )
    env = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "c0ffee", done.stderr


def run_of(model: Path, fake: Path, **server: Any) -> tuple[int, list[str]]:
    """(generations that a vLLM of ours was asked for, assets that were made)."""
    settings = EvaluationRecipe.model_validate(
        {
            "models": [{"name": "m", "source": str(model)}],
            "forms": ["cot"],
            "sampling": {"profiles": ["strict"]},
            "server": {"environment": {"PYTHONPATH": str(fake)}, **server},
        }
    )
    benchmarks: Mapping[str, BenchmarkSettings] = {"templated_easy": BenchmarkSettings(name="templated_easy", limit=4)}
    said: list[str] = []
    make_all(evaluation_maker(settings, benchmarks), said.append)
    log = fake / "log"
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    log.unlink(missing_ok=True)
    return sum(count for limit, count in lines if limit != SMALLEST_CALL), said  # that only finds out what is taken


def test_what_serves_the_model_is_asked_again_when_it_changes_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATHSIEVE_HOME", str(tmp_path / "home"))
    fake, model = tmp_path / "fake", model_at(tmp_path / "model")
    module = fake / "vllm" / "entrypoints" / "openai"
    module.mkdir(parents=True)
    for package in (module, module.parent, module.parent.parent):
        (package / "__init__.py").touch()
    (module / "api_server.py").write_text(FAKE_VLLM.replace("LOG", str(fake / "log")), encoding="utf-8")
    again = ["m/completions", "m/grades/templated_easy.cot", "m/scores/templated_easy.cot", "benchmark_report"]
    assert run_of(model, fake) == (4, ["problems/templated_easy", *again])
    assert run_of(model, fake) == (0, [])
    assert run_of(model, fake, restarts=5, start_timeout=60.0) == (0, [])
    assert run_of(model, fake, dtype="float16") == (4, again)
    assert run_of(model, fake, extra_arguments=("--quantization", "fp8")) == (4, again)
    (model / "model.safetensors").write_bytes(b"other weights")
    assert run_of(model, fake) == (4, again)
