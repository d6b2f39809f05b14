"""Drawing all outputs of an offline method (RFT, DPO) from a vLLM server, before training starts.

The policy does not change while it is drawn from, so one server serves the whole draw; the training process then finds
the explorations stored and draws nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evaluators.models.endpoint import Endpoint
from evaluators.models.sampling import Request, Sampler, SamplingError
from evaluators.models.vllm_server import VLLM_LOG, ServerSettings, VllmServer, model_hash
from evaluators.progress import report_progress
from evaluators.records import Problem
from pipelines.training.run_settings import PolicySettings, SamplingSettings
from pipelines.training.samples import (
    Question,
    Reward,
    checker_reward,
    exploration_file,
    explorations_of,
    judged,
    questions_of,
    read_questions,
    write_groups,
)


def draw_from_server(folder: Path, settings: PolicySettings, policy: Path, problems: Sequence[Problem]) -> None:
    """Start a server for the policy and store every exploration that is not stored yet."""
    with VllmServer(policy, ServerSettings(), log=folder / VLLM_LOG) as server:
        endpoint = Endpoint(settings=server.endpoint, identity=model_hash(policy), alive=server.watch)

        async def draw() -> None:
            async with endpoint:
                await draw_explorations(folder, settings, policy, problems, endpoint)

        asyncio.run(draw())


async def draw_explorations(
    folder: Path,
    settings: PolicySettings,
    policy: Path,
    problems: Sequence[Problem],
    sampler: Sampler,
    reward: Reward | None = None,
) -> None:
    """Store the explorations, one after the other; within one, all requests are under way at once."""
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(policy, local_files_only=True)
    questions, _ = read_questions(iter(problems), tokenizer, settings.sampling.max_prompt_tokens)
    judge = reward or checker_reward(settings.sampling.checker_profile)
    decode: Callable[[Sequence[int]], str] = lambda ids: str(tokenizer.decode(ids, skip_special_tokens=True))  # noqa: E731 - a parameter, not a function of its own
    for exploration in report_progress(range(explorations_of(settings, len(questions))), desc="explorations"):
        path = exploration_file(folder, exploration)
        if path.exists():
            continue
        chosen = questions_of(questions, exploration, settings.questions_per_step, settings.seed)
        outputs = await asyncio.gather(
            *(_group(sampler, question, settings.sampling, settings.seed) for question in chosen)
        )
        write_groups(
            path,
            [
                judged(q, o, decode, judge, cut_outputs=settings.sampling.cut_outputs)
                for q, o in zip(chosen, outputs, strict=True)
            ],
        )


async def _group(
    sampler: Sampler, question: Question, settings: SamplingSettings, seed: int
) -> list[tuple[Sequence[int], str]]:
    """One question's outputs as the token ids that were sampled: their text may be made of other ones (7 of 72 outputs of
    SmolLM2 were), which the policy never drew."""
    requests = [
        Request(
            prompt=question.prompt,  # the server begins it as the tokenizer does, which is `question.prompt_ids`
            max_tokens=settings.max_new_tokens,
            temperature=settings.temperature,
            top_p=1.0,
            seed=_seed(seed, question.problem.id, number),
            extra_body={"return_token_ids": True},
        )
        for number in range(settings.group_size)
    ]
    outputs: list[tuple[Sequence[int], str]] = []
    for generation in await asyncio.gather(*(sampler.generate(request) for request in requests)):
        if not generation.token_ids:
            raise SamplingError(
                "sampling: expected the token ids of an output beside its text; the server gave none. Use a vLLM that knows "
                "`return_token_ids` (0.10.2 and later), or set sampling.engine: transformers."
            )
        outputs.append((generation.token_ids, generation.finish))
    return outputs


def _seed(seed: int, problem: str, number: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{problem}/{number}".encode()).digest()[:4], "big") >> 1
