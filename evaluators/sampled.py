"""The stage of a model's answers: which model, served by whom, and asked how."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluators.benchmarks import problems_file
from evaluators.conditions import vllm_version
from evaluators.evaluate import write_completions
from evaluators.models.endpoint import EndpointSettings
from evaluators.models.listing import listed_models
from evaluators.models.settings import EvaluationSettings
from evaluators.models.source import ModelSource, model_folder
from evaluators.models.trajectory import EvaluationError
from evaluators.models.vllm_server import ServerSettings, emulates_bfloat16
from evaluators.records import Form, Settings
from evaluators.sandbox.packages import package_versions
from evaluators.stages import Stage, Stored

ONLY_MODEL = ""
"""In place of a served model's name: the one that the server lists."""


class SampledSettings(Settings):
    """What decides the answers of a model: how it is asked, and how it is served. How they are judged does not."""

    sampling: EvaluationSettings
    server: ServerSettings | None = None
    """Of our own vLLM; None where an endpoint answers."""
    endpoint: EndpointSettings | None = None
    """A server that somebody else runs."""
    source: ModelSource | None = None
    """A model that no stage made."""
    by_template: bool = False
    """Ask in the model's own chat template where it has one, whatever `sampling.prompt` says; an endpoint applies its own."""

    def asking(self, folder: Path | None) -> EvaluationSettings:
        """How the model of a folder, or of the endpoint, is asked."""
        templated = self.endpoint is not None or (folder is not None and has_chat_template(folder))
        return self.sampling.model_copy(update={"prompt": "chat"}) if self.by_template and templated else self.sampling


def _of_artifacts(
    settings: SampledSettings,
    *,
    problems: Mapping[str, Stored],
    tasks: Sequence[tuple[str, Form]],
    model: Stored | None = None,
    cache: Path | None = None,
) -> dict[str, Any]:
    served = settings.server if settings.endpoint is None else with_model_name(settings.endpoint)
    if served is None:
        raise EvaluationError("expected a server of ours or an endpoint to ask; found neither. Give one of them.")
    folder = model.path if model is not None else None
    if settings.source is not None:
        folder = model_folder(settings.source)
    return {
        "settings": settings.asking(folder),
        "server_settings": served,
        "model_dir": folder,
        "tasks": [(name, form, problems_file(problems[name])) for name, form in tasks],
        "cache": cache,
    }


def _of_this_machine(settings: SampledSettings, *, tasks: Sequence[tuple[str, Form]], **_: Any) -> dict[str, Any]:
    """What decides the answers and can be known before anything runs: the server's version, the sandbox's packages."""
    found: dict[str, Any] = {} if settings.endpoint is not None else {"vllm": vllm_version()}
    if settings.endpoint is None and emulates_bfloat16():
        found["bfloat16"] = "emulated"  # what `dtype: auto` becomes depends on it
    if any(form != "cot" for _, form in tasks):
        packages = package_versions(settings.sampling.sandbox.preload)
        found["sandbox"] = {"python": platform.python_version(), **packages}
    return found


COMPLETIONS = Stage(
    name="completions",
    version="7",
    write=write_completions,
    arguments=_of_artifacts,
    settings=SampledSettings,
    inputs=("model?", "problems/*"),
    description="What a model answers: chain of thought, and reasoning with programs that the sandbox runs.",
    kinds=("vllm",),
    conditions=_of_this_machine,
    part=lambda partition: f"{partition.replace('|', '.')}.*",
)


def has_chat_template(folder: Path) -> bool:
    """Whether a model folder says how a conversation is written, as base models' folders do not."""
    if any(folder.glob("chat_template*")):
        return True
    try:
        configuration = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(isinstance(configuration, dict) and configuration.get("chat_template"))


def with_model_name(endpoint: EndpointSettings) -> EndpointSettings:
    """The settings with the name of the only model that the server lists, where they name none. Raises EvaluationError, SamplingError."""
    if endpoint.model != ONLY_MODEL:
        return endpoint
    names = [one["id"] for one in listed_models(endpoint)]
    if len(names) != 1:
        raise EvaluationError(
            f"{endpoint.base_url}: expected a server of one model, or the name of one; it lists {', '.join(names) or 'none'}. "
            "Name it: endpoint.model (or --model)."
        )
    return endpoint.model_copy(update={"model": names[0]})
