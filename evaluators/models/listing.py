"""What a server lists of its models, looked at before anything is asked: the names, and what tells two servings apart."""

from __future__ import annotations

import os
import time
from typing import Any

import httpx

from evaluators.models.endpoint import EndpointSettings
from evaluators.models.sampling import SamplingError

LOOKING = 10.0  # seconds; a list of models takes none
LOOKS = 3
BUSY = (429, 500, 502, 503, 504)
TOLD = ("root", "parent", "max_model_len", "owned_by", "system_fingerprint")
"""Of a listed model what stays while it is served: where its weights came from, and its context. Times of starting do not."""


def listed_models(endpoint: EndpointSettings) -> list[dict[str, Any]]:
    """The models that a server lists, as it describes them. Raises SamplingError where it does not tell."""
    found = _listed(endpoint, endpoint.base_url)
    if isinstance(found, list):
        return found
    remedy = "Is the server up, and is its address whole (http://HOST:PORT/v1)? Or name the model: endpoint.model (or --model)."
    if not endpoint.base_url.endswith("/v1") and isinstance(_listed(endpoint, f"{endpoint.base_url}/v1"), list):
        remedy = f"{endpoint.base_url}/v1 answers: write that."
    raise SamplingError(f"{endpoint.base_url}/models: expected a list of models; found {found}. {remedy}", final=True)


def _listed(endpoint: EndpointSettings, base_url: str) -> list[dict[str, Any]] | str:
    """The list of models under an address, or what is there instead."""
    try:
        answer = _get(endpoint, f"{base_url}/models")
        if answer.status_code != 200:
            return f"HTTP {answer.status_code}"
        return [dict(one) for one in answer.json()["data"] if one["id"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def told_by(endpoint: EndpointSettings) -> dict[str, Any]:
    """What the server says of the model that is asked, as far as it stays the same while that is served; often nothing.

    A server that is not there says nothing either: the first request tells that.
    """
    try:
        own = next((one for one in listed_models(endpoint) if one["id"] == endpoint.model), {})
    except SamplingError:
        return {}
    told = {name: own[name] for name in TOLD if own.get(name) is not None}
    if own.get("owned_by") == "vllm" and (version := _vllm_version(endpoint)) is not None:
        told["version"] = version
    return told


def _vllm_version(endpoint: EndpointSettings) -> str | None:
    try:
        answer = _get(endpoint, f"{endpoint.base_url.removesuffix('/v1')}/version")
        return str(answer.json()["version"]) if answer.status_code == 200 else None
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None


def _get(endpoint: EndpointSettings, url: str) -> httpx.Response:
    """The answer of a server that is there; one that is busy is asked again, for what it says is part of the cache's keys."""
    key = os.environ.get(endpoint.api_key_variable or "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    for _ in range(LOOKS - 1):
        try:
            answer = httpx.get(url, headers=headers, timeout=LOOKING, trust_env=False)
        except httpx.ConnectError:
            raise  # nobody is there
        except httpx.TransportError:
            continue
        if answer.status_code not in BUSY:
            return answer
        time.sleep(1.0)
    return httpx.get(url, headers=headers, timeout=LOOKING, trust_env=False)
