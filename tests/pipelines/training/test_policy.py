"""RFT, Online RFT, DPO and GRPO on a tiny model whose reward is easy to earn: a vowel in its output."""

import math
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import processors
from transformers import AutoTokenizer

from evaluators.models.prompting import beginning_ids
from evaluators.records import Problem
from pipelines.storage import Artifact
from pipelines.training.entry import make_accelerator
from pipelines.training.exploration import Explorer, inverse_sampling, transformers_draw
from pipelines.training.language_model import load_policy
from pipelines.training.methods import method_named
from pipelines.training.methods.online_rft import OnlineRftSettings, choose_right
from pipelines.training.methods.rft import RftSettings, choose_distinct_right
from pipelines.training.objectives import MethodObjective, Reference, SampledGroups
from pipelines.training.run_settings import MachineSettings, OptimiserSettings, SamplingSettings
from pipelines.training.samples import (
    Judgement,
    Question,
    Sample,
    checker_reward,
    exploration_file,
    judged,
    questions_of,
    read_groups,
    read_problems,
    read_questions,
)
from pipelines.training.trainer import make_run, train
from pipelines.training.training_log import read_log

MACHINE = MachineSettings(device="cpu", precision="float32", checkpoint_every=100, log_every=100)
SAMPLING = SamplingSettings(group_size=8, max_new_tokens=6)
GROUPS = 4


def letter_reward(problem: Problem, text: str) -> Judgement:
    right = any(vowel in text for vowel in "aeiou")
    return Judgement(reward=float(right), outcome="correct" if right else "incorrect", reason="letter")


def run_method(method: str, model: Path, problems: Artifact, folder: Path, steps: int) -> list[dict[str, float]]:
    """Train as pipelines.training.entry does, with the reward and the starting model given here."""
    optimiser = OptimiserSettings(learning_rate=1e-2, steps=steps, weight_decay=0.0)
    accelerator = make_accelerator(MACHINE)
    run = make_run(accelerator, load_policy(model, MACHINE), optimiser, MACHINE, folder)
    tokenizer = AutoTokenizer.from_pretrained(model)
    questions, _ = read_questions(read_problems(problems.files()), tokenizer, 200)
    source = Explorer(
        folder=folder,
        questions=questions,
        questions_per_step=GROUPS,
        seed=1,
        explorations=2 if method in ("rft", "dpo") else None,
        draw=transformers_draw(run.policy.model, SAMPLING, end=2, autocast=accelerator.autocast),
        decode=lambda ids: str(tokenizer.decode(ids, skip_special_tokens=True)),
        reward=letter_reward,
        cut_outputs="judged",  # a model this small hardly ever ends by itself
        accelerator=accelerator,
    )
    if method in ("rft", "dpo"):
        source.draw_all()
    reference = Reference(model=load_policy(model, MACHINE, trained=False), autocast=accelerator.autocast)
    found = method_named(method)
    settings = found.settings(machine=MACHINE, sampling=SAMPLING)
    objective = MethodObjective(
        method=found,
        settings=settings,
        source=SampledGroups(source=source, method=found, settings=settings),
        reference=reference if found.measured_by == "start" else None,
    )
    train(run, objective)
    return read_log(folder)


@pytest.mark.parametrize("method", ["online_rft", "grpo"])
def test_an_online_policy_earns_more_as_it_learns(
    method: str, tiny_model: Path, problems: Artifact, tmp_path: Path
) -> None:
    log = run_method(method, tiny_model, problems, tmp_path, steps=16)
    first, last = (sum(line["reward"] for line in part) / 4 for part in (log[:4], log[-4:]))
    assert first < 0.3
    assert last > first + 0.3
    assert len(list((tmp_path / "samples").iterdir())) == 16


def test_rft_draws_before_it_trains_and_only_then(tiny_model: Path, problems: Artifact, tmp_path: Path) -> None:
    log = run_method("rft", tiny_model, problems, tmp_path, steps=8)
    assert len(list((tmp_path / "samples").iterdir())) == 2
    assert [line["reward"] for line in log] == [log[0]["reward"], log[1]["reward"]] * 4  # the same samples again
    assert log[-1]["loss"] < log[1]["loss"]


def test_dpo_begins_at_indifference_and_widens_the_margin(tiny_model: Path, problems: Artifact, tmp_path: Path) -> None:
    log = run_method("dpo", tiny_model, problems, tmp_path, steps=8)
    pairs = [0, 0]
    for index in (0, 1):
        for group in read_groups(exploration_file(tmp_path, index)):
            pairs[index] += {0.0, 1.0} == {sample.reward for sample in group}
    assert [line["sequences"] for line in log[:2]] == pairs
    first, last = next(line for line in log if line["sequences"]), log[-1]
    assert (first["loss"], first["margin"], first["preference_accuracy"]) == (pytest.approx(math.log(2)), 0, 0)
    assert last["loss"] < math.log(2) < math.log(2) + last["margin"]
    assert last["preference_accuracy"] > 0.5


def test_samples_are_found_again_and_not_drawn_twice(tiny_model: Path, problems: Artifact, tmp_path: Path) -> None:
    whole, again = tmp_path / "whole", tmp_path / "again"
    for folder in (whole, again):
        folder.mkdir()
    run_method("grpo", tiny_model, problems, whole, steps=2)
    path = exploration_file(again, 0)
    path.parent.mkdir()
    path.write_bytes(exploration_file(whole, 0).read_bytes())
    stamp = path.stat().st_mtime_ns
    run_method("grpo", tiny_model, problems, again, steps=2)
    assert path.stat().st_mtime_ns == stamp
    assert exploration_file(again, 1).read_bytes() == exploration_file(whole, 1).read_bytes()


def test_every_epoch_asks_every_question_once(tiny_model: Path, problems: Artifact) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    questions, left_out = read_questions(read_problems(problems.files()), tokenizer, 200)
    asked = [q.problem.id for step in range(3) for q in questions_of(questions, step, 4, seed=5)]
    assert left_out == 0
    assert sorted(asked[:6]) == sorted(asked[6:]) == sorted(q.problem.id for q in questions)
    assert asked[:6] != asked[6:]


def test_a_question_longer_than_the_limit_is_left_out_and_counted(tiny_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    short = Problem(id="a", benchmark="b", question="1+1", reference="2")
    questions, left_out = read_questions(iter([short, replace(short, id="c", question="1" * 300)]), tokenizer, 200)
    assert ([q.problem.id for q in questions], left_out) == (["a"], 1)


def sample(text: str, reward: float = 1.0) -> Sample:
    return Sample(
        problem_id="p",
        sample=0,
        prompt="",
        text=text,
        prompt_ids=[1],
        output_ids=[*text.encode(), 2],
        finish="stop",
        reward=reward,
        outcome="",
        reason="",
    )


def test_rejection_sampling_trains_on_distinct_outputs_and_online_rft_on_every_draw() -> None:
    group = [sample("It is 4."), sample("It is  4.\n"), sample("So 4."), sample("5", 0.0), sample("5", 0.0)]
    data = choose_distinct_right([group], RftSettings())
    assert [bytes(unit.rows[0].input_ids[1:-1]).decode() for unit in data.units] == ["It is 4.", "So 4."]
    assert data.sequences == 3  # with the wrong one, whose coefficient is 0
    every = choose_right([group], OnlineRftSettings())
    assert (len(every.units), every.sequences) == (3, 5)


@pytest.mark.parametrize(("cut_outputs", "earned"), [("wrong", [1.0, 0.0]), ("judged", [1.0, 1.0])])
def test_an_output_that_was_cut_earns_nothing_whatever_it_boxed(cut_outputs: str, earned: list[float]) -> None:
    question = Question(problem=Problem(id="a", benchmark="b", question="1+1", reference="2"), prompt="", prompt_ids=())
    text = b" \\boxed{2} and now"
    group = judged(
        question,
        [([*text, 2], "stop"), (list(text), "length")],
        lambda ids: bytes(ids).decode(),
        checker_reward("reward"),
        cut_outputs=cut_outputs,
    )
    assert [one.reward for one in group] == earned
    assert group[1].reason.startswith(f"cut at {len(text)} tokens") == (cut_outputs == "wrong")


@pytest.mark.parametrize("begins", [False, True])
def test_a_prompt_has_the_same_ids_in_packing_in_rl_and_on_a_server(
    begins: bool, tmp_path: Path, tiny_model: Path
) -> None:
    """The tiny model's tokenizer names <s> and puts nothing before a text, as SmolLM2's does."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    if begins:
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", 1)]
        )
    questions, _ = read_questions(
        iter([Problem(id="a", benchmark="b", question="1+1", reference="2")]), tokenizer, limit=200
    )
    assert list(questions[0].prompt_ids) == tokenizer(questions[0].prompt)["input_ids"]  # as vLLM encodes a prompt
    assert (questions[0].prompt_ids[0] == 1) is begins
    assert beginning_ids(tokenizer) == ([1] if begins else [])  # what packing puts before an example


def test_a_chance_takes_the_token_at_which_the_cumulative_probability_passes_it() -> None:
    logits = torch.tensor([[0.5, 0.25, 0.25]]).log().expand(4, 3)
    chances = torch.tensor([[0.0], [0.49], [0.51], [0.76]])
    taken = inverse_sampling(chances, 0, 1.0)(torch.zeros(4, 0), logits)
    assert taken.argmax(-1).tolist() == [0, 0, 1, 2]
    # At temperature 1/2 probabilities are squared: 4/6, 1/6 and 1/6.
    assert inverse_sampling(chances, 0, 0.5)(torch.zeros(4, 0), logits).argmax(-1).tolist() == [0, 0, 0, 1]


def test_an_output_is_the_same_whatever_is_drawn_beside_it(tiny_model: Path, problems: Artifact) -> None:
    questions, _ = read_questions(read_problems(problems.files()), AutoTokenizer.from_pretrained(tiny_model), 200)
    draw = transformers_draw(load_policy(tiny_model, MACHINE).model, SAMPLING, end=2, autocast=nullcontext)
    together = draw(questions[:3], [7, 8, 9])
    assert together[1:2] == draw(questions[1:2], [8])
    assert together[1] != draw(questions[1:2], [5])[0]
