"""The names of measures that stand beside their values without a colon: length 8, width 5."""

from __future__ import annotations

from evaluators.answers.patterns import lazy_pattern

NAMES = (
    r"(?:(?:local|absolute|global)\s+)?(?:maximum|minimum|max|min)|length|width|height|depth|mean|median|mode|range|area|perimeter|circumference|"
    r"radius|diameter|volume|slope|[xy]-intercept|variance|standard\s+deviation"
)
MEASURES = lazy_pattern(rf"(?<![A-Za-z])(?:{NAMES})(?![A-Za-z])(?:\s+value)?\s*(?:is|are|was|of|:|=)?\s*[-+$\\(\d]")
"""What a text with such names holds; named.py cuts it."""
