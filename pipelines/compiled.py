"""The loops of pipelines are compiled as those of evaluators are."""

from evaluators.compiled import HERE as HERE
from evaluators.compiled import compiled as compiled
from evaluators.compiled import inlined as inlined
