"""How artifacts travel between assets: an asset returns an Artifact, the next one receives it as an argument.

Only a reference is stored per asset and partition (`<root>/refs/...json`); the bytes lie in the content-addressed
store. Materializing an asset whose artifact exists already therefore costs milliseconds and says so.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import dagster as dg

from pipelines.storage import Artifact, Json, References, Store

LARGEST_EMBEDDED_PLOT = 400_000
"""Bytes; Dagster keeps metadata in its event log, so larger plots are linked by path only."""

LONGEST_CHART = 30
"""Bars; more cannot be read at a glance."""


class ArtifactReferences(dg.ConfigurableIOManager):
    """Hands Artifacts from asset to asset by reference; a partitioned input arrives as a mapping by partition key."""

    root: str

    def handle_output(self, context: dg.OutputContext, obj: Artifact | Mapping[str, Artifact]) -> None:
        if not context.has_asset_partitions:
            self._write(reference_name(context.asset_key), obj)
            return
        by_key = obj if isinstance(obj, Mapping) else {context.asset_partition_key: obj}
        for key, artifact in by_key.items():
            self._write(reference_name(context.asset_key, key), artifact)

    def load_input(self, context: dg.InputContext) -> Artifact | dict[str, Artifact]:
        if not context.has_asset_partitions:
            return self.read(context.asset_key)
        return {key: self.read(context.asset_key, key) for key in sorted(context.asset_partition_keys)}

    def read(self, key: dg.AssetKey, partition: str | None = None) -> Artifact:
        """The artifact that an asset (partition) made last. Raises StorageError where it was never made or is gone."""
        return References(Store(self.root)).read(reference_name(key, partition))

    def _write(self, name: str, artifact: object) -> None:
        if not isinstance(artifact, Artifact):
            raise TypeError(f"{name}: expected the asset to return an Artifact, found {type(artifact).__name__}")
        References(Store(self.root)).write(name, artifact)


def reference_name(key: dg.AssetKey, partition: str | None = None) -> str:
    """As a run names an artifact: `iteration_1/corpus`, `pages/CC-MAIN-2024-10`, `base/grades/gsm8k.cot`."""
    return "/".join([*key.path, *([partition.replace("|", ".")] if partition is not None else [])])


def described(artifact: Artifact) -> dg.Output[Artifact]:
    """An asset's output with what a person wants to see of it: where it lies, how large it is, its figures and plots."""
    return dg.Output(artifact, metadata=metadata_of(artifact), data_version=dg.DataVersion(artifact.content))


def described_partitions(
    context: dg.AssetExecutionContext, by_key: Mapping[str, Artifact]
) -> dg.Output[dict[str, Artifact]]:
    """The same for a step that makes many partitions at once: each gets its own figures."""
    for key, artifact in by_key.items():
        context.add_asset_metadata(metadata_of(artifact), asset_key=context.asset_key, partition_key=key)
    contents = "".join(sorted({artifact.content for artifact in by_key.values()}))
    version = contents if len(contents) == 64 else hashlib.sha256(contents.encode()).hexdigest()
    return dg.Output(dict(by_key), data_version=dg.DataVersion(version))


def metadata_of(artifact: Artifact) -> dict[str, dg.MetadataValue[Any]]:
    """Facts, path, size and plots of an artifact as Dagster metadata."""
    shown: dict[str, dg.MetadataValue[Any]] = {"path": dg.MetadataValue.path(artifact.location)}
    shown["megabytes"] = dg.MetadataValue.float(round(artifact.size / 1e6, 3))
    rows = artifact.facts.get("rows", _rows_of(artifact))
    if rows is not None:
        shown["dagster/row_count"] = dg.MetadataValue.int(rows)
    for key, value in artifact.facts.items():
        if key != "rows":
            shown[key] = _metadata_value(value)
        if isinstance(value, Mapping) and len(value) > 1 and all(_is_count(count) for count in value.values()):
            shown[f"plot: {key.replace('_', ' ')}"] = dg.MetadataValue.md(_bars(value))
    for name in ("report.html", "README.md"):
        if name in artifact.names("*"):
            shown[name] = dg.MetadataValue.path(f"{artifact.location}/{name}")
    for plot in artifact.files("**/*.png"):
        if plot.stat().st_size <= LARGEST_EMBEDDED_PLOT:
            encoded = base64.b64encode(plot.read_bytes()).decode()
            shown[f"plot: {plot.stem.replace('_', ' ')}"] = dg.MetadataValue.md(
                f"![{plot.stem}](data:image/png;base64,{encoded})"
            )
    return shown


def _rows_of(artifact: Artifact) -> int | None:
    """Rows of its Parquet tables, the ledger's aside; None where it holds none."""
    tables = [name for name in artifact.names("**/*.parquet") if "ledger" not in name.split("/")[:-1]]
    return sum(_rows_of_table(artifact, name) for name in tables) if tables else None


def _rows_of_table(artifact: Artifact, name: str) -> int:
    import pyarrow.parquet as pq

    with artifact.open(name) as table:  # of an object store only the footer is read
        return int(pq.read_metadata(table).num_rows)


def _is_count(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _bars(counts: Mapping[str, float]) -> str:
    """A bar chart in text: Dagster shows Markdown beside an asset without a file to keep."""
    shown = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:LONGEST_CHART]
    largest = max(value for _, value in shown) or 1
    width = max(len(name) for name, _ in shown)
    lines = [f"{name:<{width}}  {'█' * round(40 * value / largest):<40}  {value:,}" for name, value in shown]
    left = len(counts) - len(shown)
    return "\n".join(["```", *lines, *([f"... and {left} more"] if left else []), "```"])


def _metadata_value(value: Json) -> dg.MetadataValue[Any]:
    if isinstance(value, bool):
        return dg.MetadataValue.bool(value)
    if isinstance(value, int):
        return dg.MetadataValue.int(value)
    if isinstance(value, float):
        return dg.MetadataValue.float(value)
    if isinstance(value, str):
        return dg.MetadataValue.md(value) if "\n" in value else dg.MetadataValue.text(value)
    return dg.MetadataValue.json(value)
