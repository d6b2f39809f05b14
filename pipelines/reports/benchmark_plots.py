"""Plots of the benchmark report, as inline SVG: no library in the page, sharp at any size, same bytes every time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

COLOURS = ("#2563a8", "#c2571a", "#2f7d4f", "#8a3ea3", "#a8842c", "#5a6472", "#b03060", "#1f8a8a")
WIDTH = 760
LABELS = 300  # pixels for the names on the left
ROW = 26
AXIS = 34


def forest(rows: Sequence[Mapping[str, Any]]) -> str:
    """Every accuracy with its interval on one axis, a line for each model, benchmark, form and profile."""
    if not rows:
        return ""
    low, high = _range([bound for row in rows for bound in row["interval"]])
    height = ROW * len(rows) + AXIS
    colours = _colours(row["model"] for row in rows)
    parts = [_frame(low, high, ROW * len(rows))]
    for index, row in enumerate(rows):
        y = index * ROW + ROW / 2
        label = f"{row['model']} · {row['title']} {row['form']} · {row['profile']}"
        parts.append(_label(label, y))
        parts.append(_interval(row, y, low, high, colours[row["model"]], label))
    return _svg(height, "".join(parts), "Accuracies with 95 % intervals")


def bars(name: str, parts: Sequence[Mapping[str, Any]], everybody: Iterable[str]) -> str:
    """Accuracy of each value of a property, one mark with its interval for each model.

    `everybody`: all models of the report in its order, so that each has one colour and place in all plots.
    """
    found = {part["model"] for part in parts}
    colours = {model: colour for model, colour in _colours(everybody).items() if model in found}
    models = list(colours)
    values = list(dict.fromkeys(part["value"] for part in parts))
    low, high = _range([bound for part in parts for bound in part["interval"]])
    step = max(ROW, 14 * len(models) + 8)
    drawn = [_frame(low, high, step * len(values))]
    for index, value in enumerate(values):
        own = {part["model"]: part for part in parts if part["value"] == value}
        count = next(iter(own.values()))["problems"]
        drawn.append(_label(f"{str(value).replace('_', ' ')} (n={count})", index * step + step / 2))
        for place, model in enumerate(model for model in models if model in own):
            y = index * step + step / 2 + (place - (len(own) - 1) / 2) * 14
            drawn.append(_interval(own[model], y, low, high, colours[model], f"{model}, {value}"))
    return _legend(colours) + _svg(step * len(values) + AXIS, "".join(drawn), name)


def growth(curves: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy over training steps, one small plot for each benchmark and form, a line for each run."""
    plots = []
    for title, form in dict.fromkeys((curve["title"], curve["form"]) for curve in curves):
        own = [curve for curve in curves if (curve["title"], curve["form"]) == (title, form)]
        plots.append(f"<h3>{escape(title)}, {escape(form)}</h3>" + _curves(own))
    return "".join(plots)


def _curves(curves: Sequence[Mapping[str, Any]]) -> str:
    height, left = 260, 50
    points = [point for curve in curves for point in curve["points"]]
    low, high = _range([bound for point in points for bound in point["interval"]])
    first: int = min(p["step"] for p in points)
    last: int = max(p["step"] for p in points)
    colours = _colours(curve["family"] for curve in curves)

    def x(step: float) -> float:
        span: float = max(1, last - first)
        return left + (step - first) / span * (WIDTH - left - 30) + 10

    def y(value: float) -> float:
        return 10 + (high - value) / (high - low) * (height - 20)

    parts = []
    for tick in _ticks(low, high):
        parts.append(f'<line class="grid" x1="{left}" x2="{WIDTH}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text class="tick" x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for step in sorted({point["step"] for point in points}):
        parts.append(f'<text class="tick" x="{x(step):.1f}" y="{height + 16}" text-anchor="middle">{step}</text>')
    for curve in curves:
        colour = colours[curve["family"]]
        path = " ".join(f"{x(p['step']):.1f},{y(p['accuracy']):.1f}" for p in curve["points"])
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        for p in curve["points"]:
            tip = escape(
                f"{p['model']}, step {p['step']}: {p['accuracy']:.2f} ({p['interval'][0]:.2f} to {p['interval'][1]:.2f})"
            )
            centre = x(p["step"])
            parts.append(
                f'<g stroke="{colour}" fill="{colour}"><title>{tip}</title><line x1="{centre:.1f}" x2="{centre:.1f}" '
                f'y1="{y(p["interval"][0]):.1f}" y2="{y(p["interval"][1]):.1f}"/>'
                f'<circle cx="{centre:.1f}" cy="{y(p["accuracy"]):.1f}" r="4"/></g>'
            )
    return _legend(colours) + _svg(height + AXIS, "".join(parts), "Accuracy over training steps")


def _interval(row: Mapping[str, Any], y: float, low: float, high: float, colour: str, label: str) -> str:
    left, right, centre = (_x(value, low, high) for value in (*row["interval"], row["accuracy"]))
    tip = escape(
        f"{label}: {row['accuracy']:.2f} ({row['interval'][0]:.2f} to {row['interval'][1]:.2f}), n={row['problems']}"
    )
    return (
        f'<g stroke="{colour}" fill="{colour}"><title>{tip}</title>'
        f'<line stroke-width="2" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<line x1="{left:.1f}" x2="{left:.1f}" y1="{y - 4:.1f}" y2="{y + 4:.1f}"/>'
        f'<line x1="{right:.1f}" x2="{right:.1f}" y1="{y - 4:.1f}" y2="{y + 4:.1f}"/>'
        f'<circle cx="{centre:.1f}" cy="{y:.1f}" r="4"/></g>'
    )


def _frame(low: float, high: float, height: float) -> str:
    parts = []
    for tick in _ticks(low, high):
        x = _x(tick, low, high)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height:.1f}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height + 18:.1f}" text-anchor="middle">{tick:g} %</text>')
    return "".join(parts)


def _label(text: str, y: float) -> str:
    shown = text if len(text) <= 40 else f"{text[:15]}…{text[-24:]}"  # the end tells benchmark, form and grader
    return f'<text class="label" x="{LABELS - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(shown)}<title>{escape(text)}</title></text>'


def _x(value: float, low: float, high: float) -> float:
    return LABELS + (value - low) / (high - low) * (WIDTH - LABELS - 24)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """A range of tens around the values, at least ten points wide, within 0 to 100."""
    low, high = 10 * math.floor(min(values) / 10), 10 * math.ceil(max(values) / 10)
    return float(max(0, low)), float(min(100, high) if high > low else low + 10)


def _ticks(low: float, high: float) -> list[float]:
    step = 10 if high - low > 20 else 5 if high - low > 10 else 2
    return [low + step * index for index in range(round((high - low) / step) + 1)]


def _colours(names: Iterable[str]) -> dict[str, str]:
    return {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(dict.fromkeys(names))}


def _legend(colours: Mapping[str, str]) -> str:
    items = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in colours.items()
    )
    return f'<p class="legend">{items}</p>'


def _svg(height: float, inside: str, title: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">{inside}</svg>'
