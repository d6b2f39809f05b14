"""What a model's own generation_config.json would do to its answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

READ_BY_VLLM = {  # parameter -> the value at which it changes nothing; vLLM 0.32 takes these, and no others, from the file
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "temperature": 1.0,
    "top_k": 0,
    "top_p": 1.0,
    "min_p": 0.0,
    "max_new_tokens": None,
}


def generation_defaults(model_dir: Path) -> dict[str, Any]:
    """Parameter -> value of those in the file that would change an answer for which nobody set them."""
    try:
        found = json.loads((model_dir / "generation_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, Mapping):
        return {}
    return {
        name: found[name]
        for name, neutral in READ_BY_VLLM.items()
        if found.get(name) is not None and found[name] != neutral
    }
