"""What a server says of itself, and what the first small request taught about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

LOOKING = 5.0
"""Seconds for a look at what the server lists; it may list nothing, which is no fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What GET /models and /version tell."""

    server: str = ""
    version: str = ""
    models: tuple[str, ...] = ()
    context: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One endpoint as it was found: kept beside its completions, and told in the report."""

    model: str
    kind: str
    server: str = ""
    version: str = ""
    context: int | None = None
    dropped: Mapping[str, str] = field(default_factory=dict)
    """Field that is not sent -> what the server said about it."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    model_defaults: Mapping[str, Any] = field(default_factory=dict)
    """What the model's generation_config.json would change; it does where sampling.unset is `model`."""


async def look_at(client: aiohttp.ClientSession, base_url: str, model: str) -> Listing:
    """What the server lists of itself; an empty Listing where it lists nothing."""
    found = await _get(client, f"{base_url}/models")
    entries = found.get("data") if isinstance(found, Mapping) else None
    models = [one for one in entries if isinstance(one, Mapping)] if isinstance(entries, list) else []
    own: Mapping[str, Any] = next((one for one in models if one.get("id") == model), {})
    server = str(own.get("owned_by") or "")
    version: Any = await _get(client, f"{base_url.removesuffix('/v1')}/version") if server == "vllm" else None
    sizes = [own.get(name) for name in ("max_model_len", "context_length", "context_window", "max_context_length")]
    return Listing(
        server=server,
        version=str(version.get("version", "")) if isinstance(version, Mapping) else "",
        models=tuple(str(one.get("id")) for one in models),
        context=next((size for size in sizes if isinstance(size, int) and size > 0), None),
    )


async def suggest_base_url(client: aiohttp.ClientSession, base_url: str) -> str:
    """A sentence with the address that was meant, where /v1 was left away."""
    if base_url.endswith("/v1") or await _get(client, f"{base_url}/v1/models") is None:
        return ""
    return f" {base_url}/v1 answers: write that."


async def _get(client: aiohttp.ClientSession, url: str) -> Any:
    try:
        async with asyncio.timeout(LOOKING), client.get(url, allow_redirects=False) as response:
            return json.loads(await response.read()) if response.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        return None
