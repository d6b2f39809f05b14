"""The answer checker: extract a final answer, parse it, compare it. A library that depends on nothing else here.

    >>> check(r"\\frac{1}{2}", "0.5").verdict
    'correct'
    >>> check("12 cm", "12 m").reason
    '12 m is not 12 cm'

Profiles: `strict` (right), `reward` (harder to fool), `deepseek` (as DeepSeekMath's published grader).
"""

from evaluators.answers.front import check, check_output, extract, same_answer
from evaluators.answers.profiles import PROFILES, Profile
from evaluators.answers.verdicts import Extraction, Outcome, Verdict

OutputVerdict = Verdict

__all__ = [
    "PROFILES",
    "Extraction",
    "Outcome",
    "OutputVerdict",
    "Profile",
    "Verdict",
    "check",
    "check_output",
    "extract",
    "same_answer",
]
