"""What decides an answer is part of its key; what does not is not; and no secret is in the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluators import sampled
from evaluators.conditions import Conditions, asked, served_by_others, served_by_us, served_identity, template_digest
from evaluators.models.endpoint import EndpointSettings
from evaluators.models.settings import EvaluationSettings
from evaluators.models.vllm_server import ServerSettings
from evaluators.records import Problem
from evaluators.sampled import COMPLETIONS, SampledSettings
from evaluators.sandbox import SandboxSettings
from evaluators.stages.identity import differences

PROBLEM = Problem(id="t/1", benchmark="t", question="?", reference="1")


def ours(model: str = "m", **fields: Any) -> str:
    return served_identity(served_by_us(ServerSettings.model_validate(fields), model, device="cpu"))


def others(told: dict[str, Any] | None = None, **fields: Any) -> str:
    return served_identity(served_by_others(EndpointSettings.model_validate(fields), told))


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "float32"},
        {"extra_arguments": ("--quantization", "fp8")},
        {"environment": {"VLLM_ATTENTION_BACKEND": "TRITON"}},
        {"endpoint": {"kind": "chat"}},
        {"max_model_len": 512},
        {"deterministic": True},
        {"tensor_parallel": 2},
        {"enforce_eager": False},
        {"max_num_seqs": 1},
        {"block_size": 64},
        {"model": "another digest"},
    ],
    ids=str,
)
def test_every_way_of_serving_has_a_key_of_its_own(change: dict[str, Any]) -> None:
    assert ours(**change) != ours()


@pytest.mark.parametrize(
    "change",
    [
        {"port": 8123},
        {"start_timeout": 1.0},
        {"restarts": 5},
        {"cpu_kv_cache_gib": 4},
        {"endpoint": {"attempts": 1, "request_timeout": 5.0}},
    ],
    ids=str,
)
def test_how_a_server_is_run_is_no_part_of_the_key(change: dict[str, Any]) -> None:
    assert ours(**change) == ours()


def test_an_endpoint_is_known_by_its_settings_and_by_what_it_says_of_itself() -> None:
    named = others(base_url="http://a/v1", model="m")
    assert named == others(base_url="http://a/v1", model="m", api_key_variable="KEY", attempts=2)
    for change in ({"kind": "chat"}, {"revision": "2"}, {"model": "n"}, {"base_url": "http://b/v1"}):
        assert others(**{"base_url": "http://a/v1", "model": "m", **change}) != named
    assert others({"root": "org/m@2"}, base_url="http://a/v1", model="m") != named


def test_the_values_of_the_environment_are_told_by_digest_alone() -> None:
    served = served_by_us(ServerSettings(environment={"HF_TOKEN": "hf_secret"}), "m", device="cpu")
    record = Conditions(served=served, asked={}).as_bytes().decode()
    assert "hf_secret" not in record
    assert "HF_TOKEN" in record


def test_the_record_says_how_problems_were_asked(tmp_path: Path) -> None:
    settings = EvaluationSettings(form="tir", temperature=0.7, max_new_tokens=99, concurrency=3)
    shown = asked(settings, [PROBLEM], exemplars=[Problem(id="t/train/4", benchmark="t", question="?", reference="2")])
    assert (shown["temperature"], shown["max_new_tokens"], shown["form"], shown["prompt"]) == (
        0.7,
        99,
        "tir",
        "deepseek",
    )
    assert shown["shots"] == ["t/train/4"]
    assert shown["instruction"] == [
        "Please integrate natural language reasoning with programs to solve the problem above, and put your final answer "
        "within \\boxed{}."
    ]
    assert "concurrency" not in shown
    assert shown == asked(settings.model_copy(update={"concurrency": 1}), [PROBLEM], exemplars=[PROBLEM]) | {
        "shots": ["t/train/4"]
    }


def test_two_templates_have_two_digests_and_a_base_model_none(tmp_path: Path) -> None:
    assert template_digest(tmp_path) is None
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ one }}"}), encoding="utf-8")
    inside = template_digest(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("{{ two }}", encoding="utf-8")
    assert None not in (inside, template_digest(tmp_path))
    assert inside != template_digest(tmp_path)


def test_the_versions_of_this_machine_are_part_of_the_artifacts_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "emulates_bfloat16", lambda: False)
    sampling = EvaluationSettings(sandbox=SandboxSettings(preload=("sympy", "scipy.special")))
    served = SampledSettings(sampling=sampling, server=ServerSettings())
    assert COMPLETIONS.conditions is not None
    chain = COMPLETIONS.conditions(served, tasks=[("gsm8k", "cot")])
    assert set(chain) == {"vllm"}
    with monkeypatch.context() as older_cpu:
        older_cpu.setattr(sampled, "emulates_bfloat16", lambda: True)
        assert COMPLETIONS.conditions(served, tasks=[("gsm8k", "cot")]) == {**chain, "bfloat16": "emulated"}
    programs = COMPLETIONS.conditions(served, tasks=[("gsm8k", "cot"), ("gsm8k", "tir")])
    assert set(programs["sandbox"]) == {"python", "sympy", "scipy"}
    elsewhere = SampledSettings(sampling=sampling, endpoint=EndpointSettings())
    assert COMPLETIONS.conditions(elsewhere, tasks=[("gsm8k", "cot")]) == {}
    told = differences({"conditions": {"vllm": "0.31"}}, {"conditions": {"vllm": "0.32"}})
    assert [str(one) for one in told] == ["conditions.vllm 0.31 -> 0.32"]
