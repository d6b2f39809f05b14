"""What answers took, whether longer ones are right more often, and what makes a score say little of its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.reports.benchmark import Scored

DOUBTFUL = {  # ours: a tenth of the answers moves an accuracy by more than most differences between models
    "truncated": (0.1, "were cut by a limit of tokens", "Raise sampling.max_new_tokens, or server.max_model_len."),
    "empty": (0.1, "are empty", "Look at some of them below: the prompt or the endpoint may not fit the model."),
    "refused": (0.1, "are refusals", "Read them below: the prompt may trip a filter."),
    "filtered": (0.02, "were held back by the endpoint's filter", "They count as wrong. Ask another endpoint."),
    "failed": (0.0, "failed after every retry", "They count as wrong. Run again: only those are asked again."),
}
"""Share of the completions above which a score is doubtful -> in words, and what to do."""


def score_alarms(scored: Sequence[Scored]) -> list[str]:
    """A sentence for each model and each way in which too many of its answers are unfit to tell how able it is."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in scored:
        figures = one.scores["sampling"]
        # what was cut while it thought has no text either, and is told as that
        counts = {**figures, "empty": figures.get("empty", 0) - figures.get("cut_in_thinking", 0)}
        for name in DOUBTFUL:
            count, most = counts.get(name, 0), DOUBTFUL[name][0] * figures["completions"]
            if count > most:
                where = f"{one.scores['title']} {one.scores['form']} {count} of {figures['completions']}"
                found.setdefault((one.model, name), []).append(where)
    return [
        f"{model}: many answers {DOUBTFUL[name][1]} ({', '.join(places)}), so the score tells little of the model. "
        f"{DOUBTFUL[name][2]}"
        for (model, name), places in found.items()
    ]


def spent_rows(scored: Sequence[Scored], profile: str) -> list[dict[str, Any]]:
    """Tokens and cost of right and wrong answers, and of each way to end; one row for each model, benchmark and outcome."""
    rows = []
    for one in scored:
        for kind, spent in (
            ("outcome", one.scores["profiles"][profile].get("spent_by_outcome", {})),
            ("finish", one.scores["sampling"].get("spent_by_finish", {})),
        ):
            if kind == "finish" and len(spent) == 1:
                continue  # the outcomes say as much
            rows += [{**_named(one), "kind": kind, "name": name, **figures} for name, figures in spent.items()]
    return rows


def length_rows(scored: Sequence[Scored], profile: str) -> list[dict[str, Any]]:
    """Accuracy by length of thinking (of the whole answer, where no thinking is told apart)."""
    return [
        {
            **_named(one),
            "measure": own["length_measure"],
            "bins": own["lengths"],
            "same_problem": own["lengths_same_problem"],
        }
        for one in scored
        if (own := one.scores["profiles"][profile]).get("lengths")
    ]


def length_plots(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """`GSM8K cot, by tokens of thinking` -> what a plot of accuracies shows: one mark a model and bin, the shortest first."""
    plots: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        name = f"{row['title']} {row['form']}, by {row['measure']}"
        plots.setdefault(name, []).extend(
            {
                "model": row["model"],
                "value": f"{one['low']:,} to {one['high']:,}",
                "problems": one["completions"],
                "low": one["low"],
                "accuracy": one["accuracy"],
                "interval": one["interval"],
            }
            for one in row["bins"]
        )
    return {name: sorted(parts, key=lambda part: part["low"]) for name, parts in plots.items()}


def length_sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Right against wrong answers of the same problems, which leaves the problems' difficulty out."""
    found = []
    for row in rows:
        both = row["same_problem"]
        if both is not None:
            found.append(
                f"{row['model']}, {row['title']} {row['form']}: on the {both['problems']} problems with right and wrong answers "
                f"the right ones took {both['right']:,.0f} {row['measure']} on average, the wrong ones {both['wrong']:,.0f}."
            )
    return found


def _named(one: Scored) -> dict[str, Any]:
    return {"model": one.model, "title": one.scores["title"], "form": one.scores["form"]}
