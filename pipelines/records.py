"""The tables that stages leave for each other. Stages of pipelines/ meet through these, not through imports.

Each is a folder of zstd Parquet shards in an artifact (see storage.py); the schema is the contract. Row order within
a table is part of its bytes and is fixed by the writer: (snapshot, WARC file, offset) for pages, rank for scores.
"""

from __future__ import annotations

import pyarrow as pa

PAGES = pa.schema(
    [
        ("url", pa.string()),  # as crawled
        ("url_key", pa.string()),  # canonical form (pipelines.urls), unique within a pages table
        ("host", pa.string()),
        ("domain", pa.string()),  # registered domain: example.co.uk
        ("path", pa.string()),  # path and query
        ("snapshot", pa.string()),
        ("fetched", pa.string()),  # WARC-Date, ISO 8601 UTC
        ("warc_file", pa.string()),
        ("warc_offset", pa.int64()),  # byte offset of the record in the WARC file as stored (compressed)
        ("warc_length", pa.int64()),  # bytes; 0 where unknown
        ("digest", pa.string()),  # sha256 of the decoded HTML bytes, first 32 hex digits
        ("truncated", pa.string()),  # WARC-Truncated: length, time, disconnect ...; null where whole
        ("charset", pa.string()),
        ("language", pa.string()),  # ISO 639-1
        ("title", pa.string()),
        ("text", pa.large_string()),  # cheap text; null where the route is `counted`
        ("markers", pa.int32()),  # count of math markers in the raw HTML
        ("words", pa.bool_()),  # whether its sentences use the words of mathematics; null where there is no text
        ("route", pa.string()),  # kept | sampled (no math evidence, kept whole as a negative) | counted (facts only)
    ]
)

SCORES = pa.schema(
    [
        ("url_key", pa.string()),
        ("domain", pa.string()),
        ("language", pa.string()),
        ("margin", pa.float32()),  # log-odds of `math`, natural log
        ("tokens", pa.int32()),  # estimated tokens of the cheap text
        ("witnessed", pa.bool_()),  # formulas in its HTML or words of mathematics in its text, which no classifier saw
        ("row", pa.int32()),  # of the shard of pages that this shard's number names
    ]
)

COLLECTED = pa.schema(
    [
        ("url_key", pa.string()),
        ("url", pa.string()),
        ("domain", pa.string()),
        ("path", pa.string()),
        ("snapshot", pa.string()),
        ("language", pa.string()),
        ("margin", pa.float32()),  # null for pages that came from the seed
        ("tokens", pa.int32()),
        ("origin", pa.string()),  # seed | recalled | annotated
        ("text", pa.large_string()),  # cheap text: what the next classifier learns from
        ("warc_file", pa.string()),  # null for pages that came from the seed
        ("warc_offset", pa.int64()),
        ("digest", pa.string()),  # as in PAGES, as are the two below: with the URL they decide what is extracted
        ("charset", pa.string()),
        ("truncated", pa.string()),
    ]
)

EXTRACTED = pa.schema(
    [
        ("url_key", pa.string()),
        ("url", pa.string()),
        ("title", pa.string()),
        (
            "text",
            pa.large_string(),
        ),  # exact, math-preserving extraction; the seed's own text where no WARC holds the page
        ("formulas", pa.int32()),
        ("domain", pa.string()),
        ("language", pa.string()),
        ("margin", pa.float32()),
        ("tokens", pa.int32()),
        ("iteration", pa.int32()),  # that collected it first; null where the corpus does not say
        ("snapshot", pa.string()),
        ("warc_file", pa.string()),
        ("warc_offset", pa.int64()),
        ("digest", pa.string()),  # sha256 of the decoded HTML bytes, first 32 hex digits; null for the seed's text
        ("truncated", pa.string()),  # WARC-Truncated; null where whole
        ("charset", pa.string()),  # in which its bytes were read; null for the seed's text
    ]
)

WORTH = pa.schema(
    [
        ("url_key", pa.string()),
        ("mathematics", pa.float32()),  # log-odds that the page is mathematics, natural log
        ("teaching", pa.float32()),  # how much it teaches, 0 to 5 (docs/labels.md)
        ("tier", pa.int32()),  # 1 mathematics, 2 good, 3 best; 0 where it is none
        ("tokens", pa.int32()),  # estimated
    ]
)

DOCUMENTS = pa.schema(
    [
        ("text", pa.large_string()),  # exact, math-preserving extraction
        ("url", pa.string()),
        ("url_key", pa.string()),
        ("title", pa.string()),
        ("domain", pa.string()),
        ("language", pa.string()),
        ("score", pa.float32()),  # margin of the last classifier
        ("mathematics", pa.float32()),  # log-odds by the page's own worth
        ("teaching", pa.float32()),  # 0 to 5
        ("tier", pa.int32()),  # 1 mathematics, 2 good, 3 best; 0 where it is none
        ("tokens", pa.int32()),
        ("iteration", pa.int32()),  # that collected it first
        ("snapshot", pa.string()),
        ("warc_file", pa.string()),
        ("warc_offset", pa.int64()),
        ("digest", pa.string()),
        ("cluster", pa.int64()),  # near-duplicate cluster, the smallest row number in it
        ("cluster_size", pa.int32()),
    ]
)

LEDGER = pa.schema(
    [
        ("url_key", pa.string()),
        ("stage", pa.string()),  # where it left the pipeline: crawl, recall, extraction, quality, duplicates, ...
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)

PROBLEMS = pa.schema(
    [
        ("id", pa.string()),
        ("benchmark", pa.string()),  # or mixture source
        ("split", pa.string()),
        ("language", pa.string()),
        ("question", pa.string()),
        ("reference", pa.string()),
        ("solution", pa.string()),
        ("subject", pa.string()),
        ("level", pa.string()),
        ("steps", pa.int64()),  # reasoning steps of the solution; null where the source does not tell
    ]
)

MESSAGE = pa.struct(
    [
        ("role", pa.string()),  # system | user | assistant | tool
        ("content", pa.string()),
        ("tool_calls", pa.list_(pa.struct([("name", pa.string()), ("arguments", pa.string())]))),  # arguments: JSON
    ]
)

EXAMPLES = pa.schema(
    [
        ("id", pa.string()),
        ("problem_id", pa.string()),
        ("problem", pa.string()),  # the question alone, without any instruction
        ("messages", pa.list_(MESSAGE)),  # pipelines.example_text makes the text of them that a model is trained on
        ("form", pa.string()),  # cot | pot | tir | chat (conversation and code, of which no answer is asked)
        ("reference", pa.string()),
        ("reference_from", pa.string()),  # benchmark | source | solution (the source's own); null where there is none
        ("language", pa.string()),
        ("field", pa.string()),  # algebra, geometry, ...; null where it is not known, as are topic, subject and level
        ("field_from", pa.string()),  # source | classifier; null where there is no field
        ("topic", pa.string()),  # one of the 76 of pipelines/mixtures/topics.py: linear_equations
        ("topic_from", pa.string()),  # as field_from
        ("subject", pa.string()),  # in the source's own words
        ("level", pa.string()),  # in the source's own words
        ("source", pa.string()),  # its name in the recipe
        ("dataset", pa.string()),  # on the hub, owner/name; null where it came from a path or a program
        ("revision", pa.string()),  # commit of the dataset
        ("licence", pa.string()),
        (
            "verification",
            pa.string(),
        ),  # executed (programs ran, the answer is right) | repaired (so, its outputs replaced) | answer | no_reference; null: unseen
        ("tokens", pa.int32()),  # of the solution, as the source counts them; null where it does not
        ("pass_rate", pa.float32()),  # share of a model's attempts that were right, as the source says; 0 to 1
        (
            "flaws",
            pa.list_(pa.string()),
        ),  # what is wrong with it besides its answer, where the recipe keeps it all the same
    ]
)

PACKED = pa.schema(
    [
        ("input_ids", pa.list_(pa.int32())),
        ("labels", pa.list_(pa.int32())),  # -100 where no loss is taken: prompts and injected program output
        (
            "position_ids",
            pa.list_(pa.int32()),
        ),  # restart at 0 where attention is kept apart: with each example, or never
        ("seq_lengths", pa.list_(pa.int32())),  # tokens of each example of the row, in order; TRL's name for them
    ]
)
