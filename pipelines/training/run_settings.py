"""Settings that all methods of training share: the optimiser, the machine, how outputs are sampled.

"§" is a section of DeepSeekMath (arXiv 2402.03300), "LLM" is DeepSeek LLM (arXiv 2401.02954). Where neither gives a
value, the comment says whose it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from evaluators.records import Settings
from evaluators.stages.fields import HowItRuns


class OptimiserSettings(Settings):
    """How one gradient becomes one update; the same for every method."""

    learning_rate: float = Field(gt=0)
    steps: int = Field(gt=0)
    schedule: Literal["constant", "cosine", "linear"] = "constant"  # §3.2: "a constant learning rate of 5e-5"
    warmup_steps: int = Field(default=0, ge=0)
    final_learning_rate_ratio: float = Field(default=0.1, ge=0, le=1)  # LLM §2.3: the decay ends at 10 % of the peak
    betas: tuple[float, float] = (0.9, 0.95)  # LLM §2.3: AdamW, beta1 = 0.9, beta2 = 0.95
    weight_decay: float = Field(default=0.1, ge=0)  # LLM §2.3: weight_decay = 0.1
    gradient_clipping: float = Field(default=1.0, gt=0)  # LLM §2.3: gradient clipping 1.0
    average: Literal["sequence", "token"] = "sequence"
    """A.1: 1/|o| within each sequence, then the mean over sequences; `token` weighs long answers more."""


NO_SHARDS = (
    "machine: expected at least two processes with sharding fsdp, which divides the model between them; found {found}. Set "
    "machine.processes, or sharding: none."
)


class MachineSettings(Settings):
    """How the work is laid on the machine. None of it changes what is computed, but for rounding."""

    device: Literal["auto", "cpu"] = "auto"
    """`auto`: every visible GPU, one process each; a CPU run is one process."""
    processes: int | None = Field(default=None, gt=0)
    """On this machine; None: one a GPU, or one on a CPU."""
    precision: Literal["auto", "float32", "autocast", "bfloat16"] = "auto"
    """`autocast`: float32 weights, bfloat16 matrix products. `auto`: this on GPUs and on CPUs that multiply bfloat16 (AMX;
    AVX-512 BF16, where it trains SmolLM2-135M at 1.6 times the speed); `float32` on others, where it takes 0.6 of the time.
    `bfloat16`: bfloat16 throughout, with float32 copies of the weights in the optimiser; faster on a CPU. The optimiser's
    state is float32 always."""
    tokens_per_micro_batch: int = Field(default=4096, gt=0)  # a row of §3.1: "a maximum context length of 4K tokens"
    attention: Literal["sdpa", "flash_attention_2", "eager"] = "sdpa"
    gradient_checkpointing: bool = False
    trainable_layers: int | None = Field(default=None, gt=0)
    """Train only this many of the uppermost decoder layers (None: all weights, as the paper). For the demo's CPU."""
    sharding: Literal["none", "fsdp"] = "none"
    """`fsdp`: each process holds a share of weights, gradients and optimiser (PyTorch's FSDP2), of the reference model too;
    outputs are drawn from a whole copy. `none`: each holds them all (DDP)."""
    accelerate_config: Path | None = None
    """A file of `accelerate config`, for several machines or DeepSpeed; it replaces our launch flags. What it says may change
    rounding, so its content counts; where it lies does not."""
    checkpoint_every: HowItRuns[int] = Field(default=50, gt=0)
    log_every: HowItRuns[int] = Field(default=1, gt=0)
    cpu_threads: int | None = Field(default=None, gt=0)
    """Threads of a CPU run. Sums depend on it in the last digit; None leaves it to torch (all cores)."""

    @model_validator(mode="after")
    def _sharded_weights_stay_float32(self) -> Self:
        if self.sharding == "fsdp" and self.precision == "bfloat16":
            raise ValueError(
                "machine: expected precision autocast or float32 with sharding fsdp, which keeps float32 shards of the "
                "weights itself; found bfloat16. Set precision: autocast."
            )
        return self

    @model_validator(mode="after")
    def _shards_have_processes(self) -> Self:
        if (
            self.sharding == "fsdp"
            and self.device == "cpu"
            and (self.processes or 1) < 2
            and not self.accelerate_config
        ):
            raise ValueError(NO_SHARDS.format(found="one, as device: cpu starts"))
        return self


class SamplingSettings(Settings):
    """How outputs are drawn from a policy."""

    group_size: int = Field(default=64, gt=0)  # §4.2: "for each question, we sample 64 outputs"
    temperature: float = Field(default=1.0, gt=0)  # the objective samples from pi_old itself (§4.1.1)
    max_new_tokens: int = Field(default=1024, gt=0)  # §4.2: "the max length is set to 1024"
    max_prompt_tokens: int = Field(default=1024, gt=0)  # ours: longer questions are skipped and counted
    engine: Literal["transformers", "vllm"] = "transformers"
    """`vllm`: a server draws everything before training, so for RFT and DPO only; the others draw as they learn."""
    rows_per_call: int = Field(default=64, gt=0)  # ours: outputs generated at once by `transformers`
    checker_profile: Literal["strict", "reward", "deepseek"] = "reward"  # ours: the profile that is hard to hack
    cut_outputs: Literal["wrong", "masked", "judged"] = "wrong"
    """What becomes of an output that reached `max_new_tokens`. `wrong`: it earns nothing, even where it boxed the right
    answer before, since a reward would teach to go on after the answer. `masked`: it is judged, counts in its group, and
    takes no loss (DAPO's overlong filtering). `judged`: as one that ended."""
    questions_from: tuple[str, ...] = ()
    """Sources whose questions are asked, as `gsm8k` and `math` in §4.2; none named: those of the whole mixture."""


class PolicySettings(Settings):
    """What the settings of every method that learns from a policy's own outputs have."""

    method: str
    seed: int = 42
    questions_per_step: int = Field(default=16, gt=0)  # §4.2: "the training batch size is 1024" of 64 outputs each
    optimiser: OptimiserSettings = OptimiserSettings(learning_rate=1e-6, steps=500)  # §4.2: "1e-6"; steps ours
    machine: MachineSettings = MachineSettings()
    sampling: SamplingSettings = SamplingSettings()
    updates_per_exploration: int = Field(default=1, gt=0)  # §4.2: "a single update following each exploration stage"

    HAS_RATIO: ClassVar[bool] = False
    """Whether the coefficient holds pi_theta/pi_old, without which a second update on the same outputs is another method."""

    @model_validator(mode="after")
    def _updates_have_a_ratio(self) -> Self:
        if self.updates_per_exploration > 1 and not self.HAS_RATIO:
            raise ValueError(
                f"{self.method}: expected updates_per_exploration 1, since its coefficient has no ratio of the policy to the "
                f"one that drew; found {self.updates_per_exploration}. Set 1, or use grpo, which clips that ratio."
            )
        return self


class OnlineSettings(PolicySettings):
    """Of methods that draw from the policy as it is at each step."""

    @model_validator(mode="after")
    def _draws_as_it_learns(self) -> Self:
        if self.sampling.engine != "transformers":
            raise ValueError(
                f"{self.method}: expected sampling.engine transformers, since the policy changes at every step; found "
                f"{self.sampling.engine}. Set engine: transformers, or use the method rft or dpo."
            )
        return self
