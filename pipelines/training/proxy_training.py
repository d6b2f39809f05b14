"""The training process's side of proxy models: every corpus in one launch, since starting costs more than training."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from pipelines.storage import Json, atomic_file
from pipelines.training.batches import PackedRows, batch_of, micro_batches
from pipelines.training.checkpoints import remove_checkpoints
from pipelines.training.language_model import LanguageModel, load_policy, save_policy
from pipelines.training.launch import Job
from pipelines.training.methods import method_named
from pipelines.training.objectives import MethodObjective, PackedExamples
from pipelines.training.proxy import RESULT, UNTRAINED, ProxySettings, document_encoder
from pipelines.training.rows import Row
from pipelines.training.trainer import make_run, train
from pipelines.training.training_log import read_log

PROMPTS_AT_ONCE = 16


def run_proxy(job: Job, settings: ProxySettings, make_accelerator: Callable[[], Any]) -> None:
    """Train and measure each corpus in turn; a corpus whose result is stored is not trained again."""
    work = job.inputs[0]
    inputs = json.loads((work / "inputs.json").read_text(encoding="utf-8"))
    for path in [None, *sorted((work / "corpora").glob("*.parquet"))]:
        folder = job.folder / (UNTRAINED if path is None else path.stem)
        if (folder / RESULT).exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        accelerator = make_accelerator()
        torch.manual_seed(settings.seed)  # every corpus begins from the same weights
        model = initial_model(job.start, settings)
        policy = model.to(accelerator.device) if path is None else _train(folder, path, settings, accelerator, model)
        if accelerator.is_main_process:
            _measure(folder, job.start, settings, accelerator.unwrap_model(policy), inputs)
            if settings.keep_models and path is not None:
                save_policy(accelerator.unwrap_model(policy), None, job.start, folder)
        remove_checkpoints(folder)
        accelerator.free_memory()


def initial_model(start: Path, settings: ProxySettings) -> LanguageModel:
    """The base model, or a random one of the settings' size with the base model's vocabulary."""
    from transformers import AutoConfig, LlamaConfig, LlamaForCausalLM

    if settings.model.start == "base":
        return load_policy(start, settings.machine)
    base = AutoConfig.from_pretrained(start, local_files_only=True)
    config = LlamaConfig(
        vocab_size=base.vocab_size,
        hidden_size=settings.model.hidden,
        intermediate_size=4 * settings.model.hidden,
        num_hidden_layers=settings.model.layers,
        num_attention_heads=settings.model.heads,
        max_position_embeddings=max(settings.context, 2048),
        bos_token_id=base.bos_token_id,
        eos_token_id=base.eos_token_id,
        tie_word_embeddings=True,
    )
    return LanguageModel(LlamaForCausalLM(config))


def _train(folder: Path, packed: Path, settings: ProxySettings, accelerator: Any, model: LanguageModel) -> Any:
    accelerator.print(f"proxy model on {packed.stem}")
    run = make_run(accelerator, model, settings.optimiser, settings.machine, folder)
    examples = PackedExamples(
        PackedRows([packed]),
        batch_rows=settings.batch_rows,
        seed=settings.seed,
        process=accelerator.process_index,
        processes=accelerator.num_processes,
    )
    train(run, MethodObjective(method=method_named("sft"), settings=settings, source=examples))
    return run.policy


def _measure(folder: Path, start: Path, settings: ProxySettings, policy: LanguageModel, inputs: Json) -> None:
    policy.eval()
    rows = document_rows(document_encoder(start)(inputs["heldout"]), settings.context)
    size = sum(len(text.encode()) for text in inputs["heldout"])
    result = {
        "trained_tokens": sum(line["tokens"] for line in read_log(folder)),
        "bits_per_byte": total_nats(policy, rows, settings.machine.tokens_per_micro_batch) / math.log(2) / size,
        "asked": len(inputs["problems"]),
        "right": count_right(policy, start, settings, inputs["problems"]),
    }
    with atomic_file(folder / RESULT) as temporary:
        temporary.write_text(json.dumps(result), encoding="utf-8")


def document_rows(documents: Sequence[Sequence[int]], context: int) -> list[Row]:
    """Documents in windows of `context` tokens; each window begins with the last token of the one before."""
    rows = []
    for ids in documents:
        for start in range(0, max(len(ids) - 1, 1), context - 1):
            window = ids[start : start + context]
            rows.append(Row(input_ids=window, labels=window, position_ids=range(len(window))))
    return rows


def total_nats(policy: LanguageModel, rows: Sequence[Row], tokens: int) -> float:
    """Negative log-likelihood of all rows, natural logarithm: every token but the first of each document, once."""
    device = next(policy.parameters()).device
    total = 0.0
    with torch.no_grad():
        for group in micro_batches(rows, tokens):
            batch = batch_of([rows[i] for i in group]).to(device)
            total -= float(policy(batch).double().sum())
    return total


def count_right(policy: LanguageModel, start: Path, settings: ProxySettings, problems: Json) -> int:
    """How many problems greedy decoding answers rightly under the strict profile."""
    from transformers import AutoTokenizer

    from evaluators.answers import check_output

    if not problems:
        return 0
    tokenizer = AutoTokenizer.from_pretrained(start, local_files_only=True, padding_side="left")
    begin = tokenizer.bos_token or ""
    device = next(policy.parameters()).device
    right = 0
    for first in range(0, len(problems), PROMPTS_AT_ONCE):
        asked = problems[first : first + PROMPTS_AT_ONCE]
        encoded = tokenizer(
            [begin + one["prompt"] for one in asked], return_tensors="pt", padding=True, add_special_tokens=False
        ).to(device)
        width = encoded["input_ids"].shape[1]
        with torch.no_grad():
            outputs = policy.model.generate(
                input_ids=encoded["input_ids"],
                attention_mask=encoded["attention_mask"],
                do_sample=False,
                max_new_tokens=settings.max_new_tokens,
                pad_token_id=tokenizer.pad_token_id,
            )
        for one, output in zip(asked, outputs[:, width:], strict=True):
            text = tokenizer.decode(output, skip_special_tokens=True)
            answer = text.split("\n\nProblem:")[0].split("\n\n问题：")[0]
            right += check_output(one["reference"], answer, profile="strict", problem=one["question"]).correct
    return right
