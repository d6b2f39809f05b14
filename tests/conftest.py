"""What every test may count on, however the suite was started."""

from __future__ import annotations

import os
import signal
import tempfile
from contextlib import ExitStack
from multiprocessing.util import Finalize
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as properties

from evaluators.launch import temporary_folder

properties.register_profile("any_load", deadline=None, suppress_health_check=[HealthCheck.too_slow])
properties.load_profile("any_load")  # the machine may be busy: a slow example is no fault


def pytest_configure() -> None:
    """Signals as in a foreground shell: a job in the background starts with SIGINT ignored, Dagster then copies that to
    SIGTERM, and worker processes that a test tells to end never would. What tests kill leaves its temporary files where
    they go with the session; those of `tmp_path` stay, for who looks into a failure."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    session = ExitStack()
    os.environ["TMPDIR"] = tempfile.tempdir = str(session.enter_context(temporary_folder()))
    Finalize(None, session.close, exitpriority=-200)  # after multiprocessing's own folder in it, which has -100
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def make_tokenizer(folder: Path) -> None:
    """One token for each byte, after <pad>, <s> and </s>."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<pad>": 0, "<s>": 1, "</s>": 2} | {letter: i + 3 for i, letter in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in ("<pad>", "<s>", "</s>")])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    fast.save_pretrained(folder)


def make_model(folder: Path, *, seed: int = 0, layers: int = 2, tied: bool = True) -> None:
    """A tiny random Llama; its tokenizer knows bytes."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=260,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        tie_word_embeddings=tied,
        initializer_range=0.1,  # far enough from uniform that a wrong mask or shift shows in the loss
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    make_tokenizer(folder)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny_model")
    make_model(folder)
    return folder
