"""What a stage is, and what decides what it makes.

stage.py      the declaration that stands beside each `write_x`
fields.py     settings that only say how a stage runs, and settings that name files
content.py    digests of files and folders, remembered while nothing about a file changes
identity.py   settings, files, inputs and version as one JSON mapping, which the store hashes
facts.py      the figures of an artifact as a typed record
"""

from evaluators.stages.content import ContentDigests as ContentDigests
from evaluators.stages.facts import Facts as Facts
from evaluators.stages.facts import Stored as Stored
from evaluators.stages.fields import HowItRuns as HowItRuns
from evaluators.stages.fields import NamesFiles as NamesFiles
from evaluators.stages.stage import Stage as Stage
