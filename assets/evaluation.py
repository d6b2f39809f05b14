"""Group evaluation: each model's completions, grades and scores, by benchmark and form of reasoning.

One asset chain per model, so that lineage runs from a checkpoint to its own numbers. All partitions of a model are
sampled in one step: they share one vLLM server, which takes longer to start than a small benchmark takes to answer.
"""

from functools import partial

import dagster as dg

from assets.artifacts import ArtifactStore, described_partitions
from assets.partitions import by_benchmark_and_form
from pipelines.recipe import Recipe
from pipelines.storage import Artifact
