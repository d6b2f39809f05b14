"""RFT, Online RFT, DPO and GRPO on a tiny model whose reward is easy to earn: the letter `a` in its output."""

from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from evaluators.records import Problem
from pipelines.storage import Artifact
from pipelines.training.entry import make_accelerator, prompt_encoder
from pipelines.training.exploration import Explorer, transformers_draw
from pipelines.training.language_model import load_policy
from pipelines.training.objectives import GroupRelative, PreferencePairs, RightOutputs
from pipelines.training.samples import (
    Judgement,
    exploration_file,
    questions_of,
    read_groups,
    read_problems,
    read_questions,
)
from pipelines.training.settings import MachineSettings, OptimiserSettings, SamplingSettings
from pipelines.training.trainer import Objective, make_run, train
from pipelines.training.training_log import read_log

MACHINE = MachineSettings(device="cpu", precision="float32", checkpoint_every=100, log_every=100)
SAMPLING = SamplingSettings(group_size=8, max_new_tokens=6)
GROUPS = 4


def letter_reward(problem: Problem, text: str) -> Judgement:
    return Judgement(reward=float("a" in text), outcome="correct" if "a" in text else "incorrect", reason="letter")


def run_method(method: str, model: Path, problems: Artifact, folder: Path, steps: int) -> list[dict[str, float]]:
    """Train as pipelines.training.entry does, with the reward and the starting model given here."""
    settings = OptimiserSettings(learning_rate=1e-2, steps=steps, weight_decay=0.0)
    accelerator = make_accelerator(MACHINE)
    run = make_run(accelerator, load_policy(model, MACHINE), settings, MACHINE, folder)
    tokenizer = AutoTokenizer.from_pretrained(model)
    questions, _ = read_questions(read_problems(problems.files()), prompt_encoder(tokenizer), 200)
    source = Explorer(
        folder=folder,
        questions=questions,
        questions_per_step=GROUPS,
        seed=1,
        explorations=2 if method in ("rft", "dpo") else None,
        draw=transformers_draw(run.policy.model, SAMPLING, end=2, autocast=accelerator.autocast),
        decode=lambda ids: str(tokenizer.decode(ids, skip_special_tokens=True)),
        reward=letter_reward,
        accelerator=accelerator,
    )
    if method in ("rft", "dpo"):
        source.draw_all()
    reference = load_policy(model, MACHINE, trained=False)
    objectives: dict[str, Objective] = {
        "rft": RightOutputs(source=source),
        "online_rft": RightOutputs(source=source),
        "dpo": PreferencePairs(
            source=source, reference=reference, beta=0.1, length_normalised=True, autocast=accelerator.autocast
        ),
        "grpo": GroupRelative(source=source, reference=reference, beta=0.04, autocast=accelerator.autocast),
    }
    train(run, objectives[method])
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


def test_dpo_begins_at_indifference_and_widens_the_gap(tiny_model: Path, problems: Artifact, tmp_path: Path) -> None:
    log = run_method("dpo", tiny_model, problems, tmp_path, steps=8)
    pairs = [0, 0]
    for index in (0, 1):
        for group in read_groups(exploration_file(tmp_path, index)):
            pairs[index] += {0.0, 1.0} == {sample.reward for sample in group}
    assert [line["sequences"] for line in log[:2]] == pairs
    # GC starts at beta * sigma(0) = beta/2 and falls as right and wrong move apart, and the gradient with it.
    assert log[-1]["grad_norm"] < log[1]["grad_norm"]


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
    encode = prompt_encoder(AutoTokenizer.from_pretrained(tiny_model))
    questions, left_out = read_questions(read_problems(problems.files()), encode, 200)
    asked = [q.problem.id for step in range(3) for q in questions_of(questions, step, 4, seed=5)]
    assert left_out == 0
    assert sorted(asked[:6]) == sorted(asked[6:]) == sorted(q.problem.id for q in questions)
    assert asked[:6] != asked[6:]


def test_a_question_longer_than_the_limit_is_left_out_and_counted(tiny_model: Path) -> None:
    encode = prompt_encoder(AutoTokenizer.from_pretrained(tiny_model))
    short = Problem(id="a", benchmark="b", question="1+1", reference="2")
    questions, left_out = read_questions(iter([short, replace(short, id="c", question="1" * 300)]), encode, 200)
    assert ([q.problem.id for q in questions], left_out) == (["a"], 1)
    assert questions[0].prompt_ids[0] == 1  # the beginning-of-sequence token
