"""A tiny random model: what is scored, and that examples packed into one row never see each other."""

from pathlib import Path

import pytest
import torch

from pipelines.training.batches import batch_of, micro_batches
from pipelines.training.language_model import LanguageModel, load_policy
from pipelines.training.rows import IGNORED, Row, row_of
from pipelines.training.run_settings import MachineSettings

EXAMPLES = [([1, 60, 61], [70, 71, 2]), ([1, 90], [91, 92, 93, 94, 2]), ([1, 40, 41, 42], [2])]


def packed(examples: list[tuple[list[int], list[int]]]) -> Row:
    rows = [row_of(prompt, output) for prompt, output in examples]
    return Row(
        input_ids=[i for row in rows for i in row.input_ids],
        labels=[i for row in rows for i in row.labels],
        position_ids=[i for row in rows for i in row.position_ids],
    )


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LanguageModel:
    return load_policy(tiny_model, MachineSettings())


def scores(model: LanguageModel, rows: list[Row], *, flat: bool = False) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(batch_of(rows, flat=flat))
    return found


@pytest.mark.parametrize("flat", [False, True])
def test_packed_examples_score_as_if_they_were_alone(model: LanguageModel, flat: bool) -> None:
    alone = torch.cat([scores(model, [row_of(*example)]) for example in EXAMPLES])
    together = scores(model, [packed(EXAMPLES[:2]), packed(EXAMPLES[2:])], flat=flat)
    assert torch.allclose(together, alone, atol=1e-5)
    assert len(alone) == 3 + 5 + 1


def test_an_example_does_not_see_the_one_before_it(model: LanguageModel) -> None:
    changed = ([1, 200, 201], [210, 211, 2])
    before, after = scores(model, [packed(EXAMPLES)]), scores(model, [packed([changed, *EXAMPLES[1:]])])
    assert torch.allclose(before[3:], after[3:], atol=1e-5)
    assert not torch.allclose(before[:3], after[:3], atol=1e-2)


def test_without_position_ids_that_restart_they_would(model: LanguageModel) -> None:
    """The control: the test above can fail."""
    row = packed(EXAMPLES)
    joined = Row(input_ids=row.input_ids, labels=row.labels, position_ids=range(len(row.input_ids)))
    assert not torch.allclose(scores(model, [joined])[3:], scores(model, [row])[3:], atol=1e-2)


def test_scores_are_those_of_transformers_own_loss(model: LanguageModel) -> None:
    prompt, output = EXAMPLES[1]
    ids = torch.tensor([prompt + output])
    labels = torch.tensor([[IGNORED] * len(prompt) + output])
    with torch.no_grad():
        loss = model.model(input_ids=ids, labels=labels).loss
    assert -scores(model, [row_of(prompt, output)]).mean().item() == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize("temperature", [0.7, 1.6])
def test_scores_at_a_temperature_are_those_of_the_policy_that_draws_at_it(
    model: LanguageModel, temperature: float
) -> None:
    prompt, output = EXAMPLES[1]
    with torch.no_grad():
        logits = model.model(input_ids=torch.tensor([prompt + output])).logits[0, len(prompt) - 1 : -1]
    expected = (logits / temperature).log_softmax(-1).gather(1, torch.tensor(output)[:, None]).squeeze(1)
    tempered = LanguageModel(model.model, temperature=temperature)
    assert torch.allclose(scores(tempered, [row_of(prompt, output)]), expected, atol=1e-5)


def test_an_architecture_that_rescales_its_logits_takes_its_own_forward_pass(model: LanguageModel) -> None:
    rescaling = LanguageModel(model.model)
    rescaling.whole_forward = True
    rows = [packed(EXAMPLES[:2]), packed(EXAMPLES[2:])]
    assert torch.allclose(scores(rescaling, rows), scores(model, rows), atol=1e-5)


def test_only_the_upper_layers_are_trained_where_it_is_asked(tiny_model: Path) -> None:
    trained = {
        name
        for name, parameter in load_policy(tiny_model, MachineSettings(trainable_layers=1)).named_parameters()
        if parameter.requires_grad
    }
    assert any("layers.1." in name for name in trained)
    assert not any("layers.0." in name or "embed" in name for name in trained)


def test_the_first_token_of_an_example_is_never_scored() -> None:
    row = Row(input_ids=[5, 6, 7, 8], labels=[5, 6, 7, 8], position_ids=[0, 1, 0, 1])
    batch = batch_of([row])
    assert batch.scored.tolist() == [1, 3]
    assert batch.sequence.tolist() == [0, 1]
    assert batch.sequences == 2


def test_an_example_without_loss_is_no_sequence() -> None:
    row = Row(input_ids=[1, 5, 1, 6], labels=[IGNORED, IGNORED, IGNORED, 6], position_ids=[0, 1, 0, 1])
    batch = batch_of([row])
    assert (batch.scored.tolist(), batch.sequence.tolist(), batch.sequences) == ([3], [0], 1)


def test_micro_batches_keep_to_their_budget_with_padding_counted() -> None:
    rows = [row_of([1] * length, []) for length in (2, 9, 3, 4, 20)]
    groups = micro_batches(rows, 12)
    assert groups == [[4], [1], [3, 2, 0]]  # 20 is over the budget and goes alone; 3 rows of 4 are 12
