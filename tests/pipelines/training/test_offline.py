import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from transformers import AutoTokenizer

from evaluators.models.sampling import Generation, Request, SamplingError, ScriptedSampler
from pipelines.storage import Artifact
from pipelines.training.methods.grpo import GrpoSettings
from pipelines.training.methods.rft import RftSettings
from pipelines.training.offline import draw_explorations
from pipelines.training.run_settings import OptimiserSettings, SamplingSettings
from pipelines.training.samples import exploration_file, read_groups, read_problems


def answer(request: Request) -> str:
    """The right answer to n+1, for every second sample; 7 otherwise."""
    number = int(request.prompt.split("User: ")[1].split("+")[0])
    return f" It is $\\boxed{{{number + 1 if request.seed % 2 else 7}}}$."


@dataclass
class Bytes:
    """A server whose tokens are bytes, as the tiny model's; `broken` ones end in half a character, whose text is another's."""

    inner: ScriptedSampler
    tokenizer: Any
    broken: bool = False
    identity: str = "bytes"

    async def generate(self, request: Request) -> Generation:
        assert request.extra_body == {"return_token_ids": True}
        generation = await self.inner.generate(request)
        ids = self.tokenizer(generation.text, add_special_tokens=False)["input_ids"]
        return replace(generation, token_ids=(*ids, *(self.half() if self.broken else []), 2))

    def half(self) -> list[int]:
        """The first of the three bytes of a character."""
        return [self.tokenizer("文", add_special_tokens=False)["input_ids"][0]]


def test_a_server_draws_every_exploration_once_and_the_checker_rewards(
    tiny_model: Path, problems: Artifact, tmp_path: Path
) -> None:
    settings = RftSettings(
        questions_per_step=4,
        optimiser=OptimiserSettings(learning_rate=1e-3, steps=9),
        sampling=SamplingSettings(group_size=8, max_new_tokens=32, engine="vllm"),
    )
    known = list(read_problems(problems.files()))
    sampler = ScriptedSampler(script=answer)
    asyncio.run(
        draw_explorations(
            tmp_path, settings, tiny_model, known, Bytes(sampler, AutoTokenizer.from_pretrained(tiny_model))
        )
    )
    assert len(sampler.requests) == 2 * 4 * 8  # six questions, four at a time, go twice round the table
    samples = [s for e in (0, 1) for group in read_groups(exploration_file(tmp_path, e)) for s in group]
    references = {problem.id: problem.reference for problem in known}
    for sample in samples:
        right = f"{{{references[sample.problem_id]}}}" in sample.text
        assert sample.reward == float(right)
        assert sample.output_ids[-1] == 2  # it stopped by itself
        assert len(sample.output_ids) - 1 == len(sample.text)  # a token for each byte
    assert 0 < sum(sample.reward for sample in samples) < len(samples)
    asyncio.run(
        draw_explorations(
            tmp_path, settings, tiny_model, known, Bytes(sampler, AutoTokenizer.from_pretrained(tiny_model))
        )
    )
    assert len(sampler.requests) == 64


def test_outputs_are_the_tokens_that_were_sampled_not_those_of_their_text(
    tiny_model: Path, problems: Artifact, tmp_path: Path
) -> None:
    settings = RftSettings(
        questions_per_step=1,
        optimiser=OptimiserSettings(learning_rate=1e-3, steps=1),
        sampling=SamplingSettings(group_size=2, max_new_tokens=32, engine="vllm"),
    )
    known = list(read_problems(problems.files()))
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    sampler = Bytes(ScriptedSampler(script=answer), tokenizer, broken=True)
    asyncio.run(draw_explorations(tmp_path, settings, tiny_model, known, sampler))
    for sample in read_groups(exploration_file(tmp_path, 0))[0]:
        assert list(sample.output_ids[-2:]) == [*sampler.half(), 2]
        assert tokenizer(sample.text, add_special_tokens=False)["input_ids"] != list(sample.output_ids[:-1])


def test_a_server_that_gives_no_token_ids_is_refused(tiny_model: Path, problems: Artifact, tmp_path: Path) -> None:
    sampler = ScriptedSampler(script=answer)
    known = list(read_problems(problems.files()))
    with pytest.raises(
        SamplingError, match="expected the token ids of an output beside its text; the server gave none"
    ):
        asyncio.run(draw_explorations(tmp_path, RftSettings(), tiny_model, known, sampler))


def test_a_policy_that_changes_cannot_be_drawn_from_a_server_that_does_not() -> None:
    with pytest.raises(ValidationError, match=r"grpo: expected sampling\.engine transformers"):
        GrpoSettings(sampling=SamplingSettings(engine="vllm"))
