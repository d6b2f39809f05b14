"""Drawing outputs inside a training process: from the policy as it is, or from the one training began with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pipelines.training.rows import Row, row_of
from pipelines.training.run_settings import SamplingSettings
from pipelines.training.samples import (
    Draw,
    Question,
    Reward,
    Sample,
    exploration_file,
    judged,
    questions_of,
    read_groups,
    write_groups,
)

Score = Callable[[Sequence[Row]], list[list[float]]]
"""Log-probability of each scored token of rows of one example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explorer:
    """Gives each step its groups: reads them where they were drawn already, draws them otherwise.

    All processes draw a share of the questions; the first one stores the whole, in the order of the questions.
    """

    folder: Path
    questions: Sequence[Question]
    questions_per_step: int
    seed: int
    explorations: int | None
    """How many there are in all, drawn before training (RFT, DPO); None: one each step, from the current policy."""
    draw: Draw
    decode: Callable[[Sequence[int]], str]
    reward: Reward
    cut_outputs: str
    """Of SamplingSettings."""
    before_draw: Callable[[], None] | None = None
    """Called in every process before any draws: gathers a sharded policy."""
    steps: bool = False
    """Whether the ends of reasoning steps are wanted, which process supervision rewards."""
    updates: int = 1
    """How many steps learn from one exploration."""
    score: Score | None = None
    """Log-probabilities of rows under the policy that draws; needed where more than one step learns from an exploration."""
    accelerator: Any

    def groups(self, step: int) -> list[list[Sample]]:
        exploration = step // self.updates if self.explorations is None else step % self.explorations
        groups = self._groups(exploration)
        return groups[self.accelerator.process_index :: self.accelerator.num_processes]

    def draw_all(self) -> None:
        """Draw what an offline method needs, before the policy changes."""
        for exploration in range(self.explorations or 0):
            self._groups(exploration)

    def _groups(self, exploration: int) -> list[list[Sample]]:
        path = exploration_file(self.folder, exploration)
        if not path.exists():
            self._explore(exploration, path)
        return read_groups(path)

    def _explore(self, exploration: int, path: Path) -> None:
        from accelerate.utils import gather_object

        chosen = questions_of(self.questions, exploration, self.questions_per_step, self.seed)
        process, processes = self.accelerator.process_index, self.accelerator.num_processes
        mine = chosen[process::processes]
        seeds = [hash_seed(self.seed, exploration, i) for i in range(len(chosen))][process::processes]
        if self.before_draw is not None:
            self.before_draw()
        outputs = self.draw(mine, seeds) if mine else []
        groups = [
            judged(q, o, self.decode, self.reward, cut_outputs=self.cut_outputs, steps=self.steps)
            for q, o in zip(mine, outputs, strict=True)
        ]
        if self.score is not None:
            groups = with_log_probs(groups, self.score)
        numbered = [(process + processes * i, group) for i, group in enumerate(groups)]
        everything = gather_object(numbered) if processes > 1 else numbered
        if self.accelerator.is_main_process:
            write_groups(path, [group for _, group in sorted(everything, key=lambda pair: pair[0])])
        self.accelerator.wait_for_everyone()


def with_log_probs(groups: Sequence[Sequence[Sample]], score: Score) -> list[list[Sample]]:
    """Each sample with the log-probabilities of its tokens."""
    samples = [sample for group in groups for sample in group]
    scored = score([row_of(sample.prompt_ids, sample.output_ids) for sample in samples])
    known = iter([replace(sample, log_probs=found) for sample, found in zip(samples, scored, strict=True)])
    return [[next(known) for _ in group] for group in groups]


def hash_seed(*parts: int) -> int:
    """One 31-bit seed from several numbers, the same on every machine."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big") >> 1


def transformers_draw(model: Any, settings: SamplingSettings, *, end: int, autocast: Any) -> Draw:
    """Ancestral sampling with `generate`, `rows_per_call` outputs at a time. `model` is the bare Hugging Face model.

    The chances of an output come from its question's seed and its number alone: it is the same whatever process draws it,
    and whatever is drawn beside it, but for rounding.
    """
    device = next(model.parameters()).device

    def draw(questions: Sequence[Question], seeds: Sequence[int]) -> list[list[tuple[Sequence[int], str]]]:
        size = settings.group_size
        rows = [
            (q.prompt_ids, hash_seed(seed, k)) for q, seed in zip(questions, seeds, strict=True) for k in range(size)
        ]
        outputs: list[tuple[Sequence[int], str]] = []
        training = model.training
        model.eval()
        with torch.no_grad(), autocast():
            for start in range(0, len(rows), settings.rows_per_call):
                outputs += _generate(model, rows[start : start + settings.rows_per_call], settings, end, device)
        model.train(training)
        return [outputs[i : i + size] for i in range(0, len(outputs), size)]

    return draw


def inverse_sampling(chances: torch.Tensor, width: int, temperature: float) -> Callable[..., torch.Tensor]:
    """A logits processor for `generate`: row i takes the token at which its cumulative probability passes its chance.

    `chances` are uniform, [rows, tokens]; outputs begin at column `width`. The whole distribution is drawn from (no top-p
    nor top-k), since the gradient is an expectation under the policy itself.
    """

    def take(input_ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        cumulative = (logits.float() / temperature).softmax(dim=-1).cumsum(dim=-1)
        chance = chances[:, input_ids.shape[1] - width, None] * cumulative[:, -1:]  # rounding leaves the sum beside 1
        token = torch.searchsorted(cumulative, chance, right=True).clamp(max=logits.shape[-1] - 1)
        return torch.full_like(logits, -torch.inf).scatter(1, token, 0.0)

    return take


def _generate(
    model: Any, rows: Sequence[tuple[Sequence[int], int]], settings: SamplingSettings, end: int, device: torch.device
) -> list[tuple[Sequence[int], str]]:
    prompts = [prompt for prompt, _ in rows]
    draws = [torch.rand(settings.max_new_tokens, generator=torch.Generator().manual_seed(seed)) for _, seed in rows]
    width = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), width), end, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):  # padded on the left, so that all outputs begin in one column
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    generated = model.generate(
        input_ids=ids.to(device),
        attention_mask=mask.to(device),
        do_sample=False,  # the processor leaves one token
        logits_processor=[inverse_sampling(torch.stack(draws).to(device), width, settings.temperature)],
        max_new_tokens=settings.max_new_tokens,
        eos_token_id=end,
        pad_token_id=end,
    )
    outputs: list[tuple[Sequence[int], str]] = []
    for row in generated[:, width:].tolist():
        stop = row.index(end) if end in row else None
        outputs.append((row, "length") if stop is None else (row[: stop + 1], "stop"))
    return outputs
