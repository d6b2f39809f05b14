import asyncio
from pathlib import Path

import pytest
from pydantic import ValidationError

from evaluators.models.sampling import Request, ScriptedSampler
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
    asyncio.run(draw_explorations(tmp_path, settings, tiny_model, known, sampler))
    assert len(sampler.requests) == 2 * 4 * 8  # six questions, four at a time, go twice round the table
    samples = [s for e in (0, 1) for group in read_groups(exploration_file(tmp_path, e)) for s in group]
    references = {problem.id: problem.reference for problem in known}
    for sample in samples:
        right = f"{{{references[sample.problem_id]}}}" in sample.text
        assert sample.reward == float(right)
        assert sample.output_ids[-1] == 2  # it stopped by itself
        assert len(sample.output_ids) - 1 == len(sample.text)  # a token for each byte
    assert 0 < sum(sample.reward for sample in samples) < len(samples)
    asyncio.run(draw_explorations(tmp_path, settings, tiny_model, known, sampler))
    assert len(sampler.requests) == 64


def test_a_policy_that_changes_cannot_be_drawn_from_a_server_that_does_not() -> None:
    with pytest.raises(ValidationError, match=r"grpo: expected sampling\.engine transformers"):
        GrpoSettings(sampling=SamplingSettings(engine="vllm"))
