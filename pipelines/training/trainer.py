"""The one training loop: it descends the surrogate loss of any method, on a CPU or on every GPU there is.

A method gives an Objective: the units of a step, and the gradient coefficient of each of their tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from evaluators.errors import MathsieveError
from pipelines.storage import Json
from pipelines.training.batches import Batch, batch_of, micro_batches
from pipelines.training.checkpoints import latest_checkpoint, save_checkpoint
from pipelines.training.gradient import surrogate_loss, token_weights
from pipelines.training.language_model import LanguageModel
from pipelines.training.master_weights import MasterWeights
from pipelines.training.rows import IGNORED, Row, StepData, Unit
from pipelines.training.run_settings import MachineSettings, OptimiserSettings
from pipelines.training.sharding import load_shards, save_shards, shard, whole_state
from pipelines.training.training_log import TrainingLog
from pipelines.training.view import View


class TrainingError(MathsieveError):
    """Training cannot go on; the message says where, and what to change."""


class Objective(Protocol):
    """A method of pipelines.training.methods with its data."""

    @property
    def figure_names(self) -> Sequence[str]:
        """Of `figures`, in one order in every process."""
        ...

    def data(self, step: int) -> StepData:
        """The work of step 0, 1, ...; the same for the same step, however often the run was stopped."""
        ...

    def view(self, units: Sequence[Unit], batch: Batch, log_probs: Tensor) -> View:
        """What is known of each scored token of a batch made of these units."""
        ...

    def coefficients(self, view: View) -> Tensor:
        """The gradient coefficient of each scored token."""
        ...

    def objective(self, view: View) -> Tensor:
        """What is maximised, a value for each token; its gradient are the coefficients."""
        ...

    def figures(self, view: View) -> dict[str, Tensor]:
        """For the log, each the mean over all elements of its tensor."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training run: what is trained, how, and where its checkpoints and its log go."""

    accelerator: Any
    policy: Any
    """A LanguageModel, prepared by the accelerator."""
    optimiser: Any
    settings: OptimiserSettings
    machine: MachineSettings
    folder: Path
    kept: dict[str, nn.Module] = field(default_factory=dict)
    """Modules beside the policy that change as it learns, so that checkpoints hold them."""
    masters: MasterWeights | None = None
    """float32 copies of a bfloat16 policy's weights, which the optimiser then works on."""

    @property
    def sharded(self) -> bool:
        return self.machine.sharding == "fsdp" and self.accelerator.num_processes > 1


def learning_rate(step: int, settings: OptimiserSettings) -> float:
    """Of step 0, 1, ...: linear warm-up, then constant, or falling to the final ratio by line or cosine."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    if settings.schedule == "constant":
        return settings.learning_rate
    passed = (step - settings.warmup_steps) / max(settings.steps - settings.warmup_steps, 1)
    share = 0.5 * (1 + math.cos(math.pi * passed)) if settings.schedule == "cosine" else 1 - passed
    floor = settings.final_learning_rate_ratio
    return settings.learning_rate * (floor + (1 - floor) * share)


def make_optimiser(parameters: Iterable[Tensor], settings: OptimiserSettings) -> torch.optim.AdamW:
    """AdamW; weight decay on matrices only, since shrinking norms and biases regularises nothing."""
    trained = [p for p in parameters if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [g for g in groups if g["params"]], lr=settings.learning_rate, betas=settings.betas, fused=True
    )


def train(run: Run, objective: Objective) -> None:
    """Every step that is still to do, from the last checkpoint on. Raises TrainingError where the loss is not finite."""
    start = _resume(run)
    total = run.settings.steps
    log = None
    if run.accelerator.is_main_process:
        log = TrainingLog(run.folder, done=start, total=total, every=run.machine.log_every)
    for step in range(start, total):
        data = objective.data(step)
        figures, processed = _step(run, objective, step, data)
        if log is not None:
            log.step(figures, processed=processed)
        if (step + 1) % run.machine.checkpoint_every == 0 or step + 1 == total:
            save_checkpoint(run.folder, step + 1, run.accelerator, also=partial(_save_shards, run))
    if log is not None:
        log.close()


def make_run(
    accelerator: Any, model: LanguageModel, optimiser: OptimiserSettings, machine: MachineSettings, folder: Path
) -> Run:
    """Lay a model on the machine: its precision, its optimiser, its processes."""
    if machine.sharding == "fsdp" and accelerator.num_processes > 1:
        policy = shard(model, accelerator)
        return Run(
            accelerator=accelerator,
            policy=policy,
            optimiser=make_optimiser(policy.parameters(), optimiser),
            settings=optimiser,
            machine=machine,
            folder=folder,
        )
    masters = None
    if machine.precision == "bfloat16":
        model.to(torch.bfloat16)
        masters = MasterWeights(model.parameters())
        accelerator.register_for_checkpointing(masters)
    trained = masters.parameters() if masters is not None else model.parameters()
    policy, prepared = accelerator.prepare(model, make_optimiser(trained, optimiser))
    return Run(
        accelerator=accelerator,
        policy=policy,
        optimiser=prepared,
        settings=optimiser,
        machine=machine,
        folder=folder,
        masters=masters,
    )


def _save_shards(run: Run, folder: Path) -> None:
    if run.sharded:
        save_shards(folder, run.policy, run.optimiser, run.kept)


def whole_policy(run: Run) -> dict[str, Tensor]:
    """All weights of the policy; of a sharded one in the main process alone. All processes must call it."""
    state: dict[str, Tensor] = whole_state(run.policy) if run.sharded else run.accelerator.get_state_dict(run.policy)
    return state


def _resume(run: Run) -> int:
    if run.kept and not run.sharded:
        run.accelerator.register_for_checkpointing(*run.kept.values())
    found = latest_checkpoint(run.folder)
    if found is None:
        return 0
    step, path = found
    run.accelerator.load_state(str(path))
    if run.sharded:
        load_shards(path, run.policy, run.optimiser, run.kept)
    if run.accelerator.is_main_process:
        run.accelerator.print(f"continuing after step {step}")
    return step


def _step(run: Run, objective: Objective, step: int, data: StepData) -> tuple[dict[str, Json], int]:
    """One update. Returns what the log keeps of it, and how many tokens went through the model."""
    accelerator = run.accelerator
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate(step, run.settings)
    groups = micro_batches([unit.joined for unit in data.units], run.machine.tokens_per_micro_batch)
    sums = _over_processes(accelerator, [data.sequences, data.tokens, len(groups)], "sum")
    if sums[2] == 0:  # nothing in the whole batch has a coefficient: there is no gradient
        return _figures(accelerator, step, data, sums, {"loss": 0.0, "grad_norm": 0.0}), 0
    shown, processed = Shown(objective.figure_names, accelerator.device), 0
    count = int(_over_processes(accelerator, [len(groups)], "max")[0])
    for index in range(count):
        # A process with fewer groups repeats one with no weight: sharded models need equal numbers of passes.
        units = [data.units[i] for i in groups[index % len(groups)]] if groups else [_EMPTY]
        with _synchronised(accelerator, run.policy, index + 1 == count):
            processed += _backward(run, objective, units, sums if index < len(groups) else None, shown)
    if run.masters is not None:
        run.masters.take_gradients()
    trained = run.masters.parameters() if run.masters is not None else run.policy.parameters()
    norm = accelerator.clip_grad_norm_(trained, run.settings.gradient_clipping)
    norm = float(norm.full_tensor() if isinstance(norm, DTensor) else norm)
    figures = shown.over_processes(accelerator) | {"grad_norm": norm}
    _require_finite(step, figures, run.settings)
    run.optimiser.step()
    run.optimiser.zero_grad(set_to_none=True)
    if run.masters is not None:
        run.masters.give_weights()
    return _figures(accelerator, step, data, sums, figures), processed * accelerator.num_processes


_EMPTY = Unit(rows=(Row(input_ids=(0, 0), labels=(IGNORED, 0), position_ids=(0, 1)),))


class Shown:
    """What a step shows of itself, added up over its micro-batches: the objective, and the means of the method's figures."""

    def __init__(self, names: Sequence[str], device: torch.device) -> None:
        self._names = names
        self._loss = torch.zeros((), device=device)
        self._totals, self._counts = torch.zeros(len(names), device=device), [0] * len(names)

    def add(self, loss: Tensor, figures: Mapping[str, Tensor]) -> None:
        self._loss += loss
        for index, name in enumerate(self._names):
            self._totals[index] += figures[name].sum()
            self._counts[index] += figures[name].numel()

    def over_processes(self, accelerator: Any) -> dict[str, float]:
        loss, *sums = _over_processes(accelerator, [float(self._loss), *self._totals.tolist(), *self._counts], "sum")
        size = len(self._names)
        means = (total / max(count, 1) for total, count in zip(sums[:size], sums[size:], strict=True))
        return {"loss": loss} | dict(zip(self._names, means, strict=True))


def _backward(run: Run, objective: Objective, units: Sequence[Unit], sums: Sequence[float] | None, shown: Shown) -> int:
    """Gradient of one micro-batch, added to the others'; what it shows goes to `shown`. Returns its tokens."""
    rows = [row for unit in units for row in unit.rows]
    batch = batch_of(rows, flat=run.machine.attention == "flash_attention_2").to(run.accelerator.device)
    with run.accelerator.autocast():
        log_probs = run.policy(batch)
    view = objective.view(units, batch, log_probs.detach())
    if sums is None:  # a pass for the others' sake
        coefficients = weights = torch.zeros_like(view.log_probs)
    else:
        coefficients = objective.coefficients(view)
        weights = token_weights(
            batch.sequence, average=run.settings.average, sequences=int(sums[0]), tokens=int(sums[1])
        )
        shown.add(-(weights * objective.objective(view)).sum(), objective.figures(view))
    loss = surrogate_loss(log_probs, coefficients, weights)
    run.accelerator.backward(loss * run.accelerator.num_processes)  # gradients are averaged over processes
    return int(batch.input_ids.numel())


def score_rows(run: Run, rows: Sequence[Row]) -> list[list[float]]:
    """Log-probability of each scored token of single-example rows under the policy as it is. All processes must call it."""
    scores: list[list[float]] = [[] for _ in rows]
    groups = micro_batches(rows, run.machine.tokens_per_micro_batch)
    count = int(_over_processes(run.accelerator, [len(groups)], "max")[0])
    for index in range(count):
        mine = groups[index] if index < len(groups) else []
        batch = batch_of([rows[i] for i in mine] or _EMPTY.rows, flat=run.machine.attention == "flash_attention_2")
        batch = batch.to(run.accelerator.device)
        with torch.no_grad(), run.accelerator.autocast():
            found = run.policy(batch)
        for i, values in zip(mine, found.split(torch.bincount(batch.sequence).tolist()), strict=bool(mine)):
            scores[i] = values.tolist()
    return scores


def _synchronised(accelerator: Any, policy: Any, last: bool) -> AbstractContextManager[None]:
    """Gradients travel between processes with the last micro-batch only."""
    context: AbstractContextManager[None] = nullcontext() if last else accelerator.no_sync(policy)
    return context


def _over_processes(accelerator: Any, values: Sequence[float], reduction: str) -> list[float]:
    if accelerator.num_processes == 1:
        return [float(value) for value in values]
    mine = torch.tensor([values], dtype=torch.float64, device=accelerator.device)
    all_of_them = accelerator.gather(mine)
    joined = all_of_them.sum(dim=0) if reduction == "sum" else all_of_them.amax(dim=0)
    return [float(value) for value in joined.tolist()]


def _figures(
    accelerator: Any, step: int, data: StepData, sums: Sequence[float], figures: Mapping[str, float]
) -> dict[str, Json]:
    """What the log keeps of a step: its number, loss, gradient norm, the method's own figures, and sizes."""
    names = sorted(data.figures)
    outputs, *totals = _over_processes(accelerator, [data.outputs, *(data.figures[name] for name in names)], "sum")
    means = {name: total / max(outputs, 1) for name, total in zip(names, totals, strict=True)}
    return {"step": step + 1, **figures, **means, "sequences": int(sums[0]), "tokens": int(sums[1])}


def _require_finite(step: int, figures: Mapping[str, float], settings: OptimiserSettings) -> None:
    if not all(math.isfinite(value) for value in figures.values()):
        raise TrainingError(
            f"step {step + 1}: expected a finite loss and gradient; found loss {figures['loss']}, gradient norm "
            f"{figures['grad_norm']}. Lower optimiser.learning_rate ({settings.learning_rate:g}), raise warmup_steps, or "
            "set machine.precision to float32; the last checkpoint is kept, and a changed setting starts anew."
        )
