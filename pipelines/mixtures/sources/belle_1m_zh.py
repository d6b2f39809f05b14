"""BELLE's million (Ji et al. 2023): Chinese instructions of every kind, for the general part of DeepSeek LLM's mixture."""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="belle_1m_zh",
    title="BELLE train_1M_CN",
    licence="GPL-3.0",
    files=("Belle_open_source_1M.json", "*.json", "*.parquet", "*.jsonl"),
    hub=Hub(
        dataset="BelleGroup/train_1M_CN",
        revision="",
        files=("*.json",),
    ),
    rows=917_424,
    note="no commit of it is known here: a recipe names one in `revision`; licence and row count are from memory",
    solutions=by_looking("belle_1m_zh", Known(form="chat", field="general", language="zh")),
    example={"instruction": "用一句话介绍长江。", "input": "", "output": "长江是中国最长的河流。"},
    example_reference="",
)
