"""The profiles of the checker: how strict a comparison is, and what may count as an answer."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one profile allows. Two readings of an ambiguous text are never a reason to be lenient in `reward`."""

    name: str
    grading: str
    """The module that grades by this profile."""
    relative_tolerance: Fraction
    """A decimal prediction may differ from an exact, non-integer reference by this much, if it is its rounding."""
    rounding_tolerance: Fraction
    """A prediction that rounds to a decimal reference of three or more digits may differ by this much."""
    integer_tolerance: Fraction
    """A decimal prediction may differ from an integer reference by this much: binary floating point noise."""
    unevaluated: bool
    """Whether `3 * 4` is an answer where the reference is the numeral `12`."""
    bare_attributes: bool
    """Whether a percent sign or a base may be left out or added with no problem text that asks for it.

    Never that of 0.5 %, which may as well be a half.
    """
    second_readings: bool
    """Whether `1/2x` may also be read as 1/(2x)."""
    weak_methods: bool
    """Whether an answer may be taken from a program's output or a last number when none was announced."""


STRICT = Profile(
    name="strict",
    grading="judging",
    relative_tolerance=Fraction(1, 1_000_000),  # 0.333333 for 1/3; graders of MATH take 0.9091 for 10/11 as wrong
    rounding_tolerance=Fraction(2, 1_000),  # 27.27 for 27.3 (1.1e-3) is a rounding, 1.2549 for 1.25 (3.9e-3) is not
    integer_tolerance=Fraction(1, 1_000_000_000),  # 2.9999999999996 printed by a program
    unevaluated=True,
    bare_attributes=True,
    second_readings=True,
    weak_methods=True,
)
REWARD = Profile(
    name="reward",
    grading="judging",
    relative_tolerance=Fraction(0),
    rounding_tolerance=Fraction(6, 10_000),  # still takes pi for 3.14 (5.1e-4), no longer 1.251 for 1.25 (8e-4)
    integer_tolerance=Fraction(0),
    unevaluated=False,
    bare_attributes=False,
    second_readings=False,
    weak_methods=False,
)
# Its comparison lives in deepseek.py; where that one falls back on algebra it is as lenient as `strict`.
DEEPSEEK = Profile(
    name="deepseek",
    grading="deepseek",
    relative_tolerance=Fraction(1, 1_000),
    rounding_tolerance=Fraction(1, 1_000),
    integer_tolerance=Fraction(1, 1_000),
    unevaluated=True,
    bare_attributes=True,
    second_readings=True,
    weak_methods=True,
)

PROFILES = {profile.name: profile for profile in (STRICT, REWARD, DEEPSEEK)}


def profile_named(name: str) -> Profile:
    """The profile of that name. Raises ValueError where there is none."""
    try:
        return PROFILES[name]
    except KeyError:
        raise ValueError(f"profile: expected one of {', '.join(PROFILES)}; found {name!r}") from None
