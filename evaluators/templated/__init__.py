"""Mathematics problems made by a program, with exact answers and worked solutions, in English and Chinese.

A template is a function that draws numbers and gives a problem; its file is its field. Which split a problem belongs to
is decided by a hash of the numbers drawn, so train and test cannot share one, whatever is asked of either.
"""

from evaluators.templated._generate import (
    Worked,
    easy_templates,
    generate,
    school_templates,
    split_of,
    template_names,
    topic_of,
)
from evaluators.templated._template import FIELDS, Draw, Template

__all__ = [
    "FIELDS",
    "Draw",
    "Template",
    "Worked",
    "easy_templates",
    "generate",
    "school_templates",
    "split_of",
    "template_names",
    "topic_of",
]
