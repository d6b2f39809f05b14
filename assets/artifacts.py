"""How artifacts travel between assets: an asset returns an Artifact, the next one receives it as an argument.

Only a reference is stored per asset and partition (`<root>/refs/...json`); the bytes lie in the content-addressed
store. Materializing an asset whose artifact exists already therefore costs milliseconds and says so.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.storage import Artifact, Json, StorageError, Store, atomic_file

LARGEST_EMBEDDED_PLOT = 400_000
"""Bytes; Dagster keeps metadata in its event log, so larger plots are linked by path only."""

LONGEST_CHART = 30
"""Bars; more cannot be read at a glance."""


class ArtifactStore(dg.ConfigurableResource[None]):
    """The store of one recipe, as a resource."""

    root: str

    def build(
        self,
        name: str,
        write: Callable[[Path], Mapping[str, Json]],
        *,
        settings: object = None,
        inputs: Mapping[str, Artifact] | None = None,
        version: str = "1",
    ) -> Artifact:
        """As `Store.build`."""
        return Store(self.root).build(name, write, settings=settings, inputs=inputs, version=version)


class ArtifactReferences(dg.ConfigurableIOManager):
    """Hands Artifacts from asset to asset by reference; a partitioned input arrives as a mapping by partition key."""

    root: str

    def handle_output(self, context: dg.OutputContext, obj: Artifact | Mapping[str, Artifact]) -> None:
        if not context.has_asset_partitions:
            self._write(self._path(context.asset_key), obj)
            return
        by_key = obj if isinstance(obj, Mapping) else {context.asset_partition_key: obj}
        for key, artifact in by_key.items():
            self._write(self._path(context.asset_key, key), artifact)

    def load_input(self, context: dg.InputContext) -> Artifact | dict[str, Artifact]:
        if not context.has_asset_partitions:
            return self.read(context.asset_key)
        return {key: self.read(context.asset_key, key) for key in sorted(context.asset_partition_keys)}

    def read(self, key: dg.AssetKey, partition: str | None = None) -> Artifact:
        """The artifact that an asset (partition) made last. Raises StorageError where it was never made or is gone."""
        path = self._path(key, partition)
        try:
            reference = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            where = f"{key.to_user_string()}" + (f" of partition {partition}" if partition else "")
            raise StorageError(
                f"{where} was never materialized. Materialize it first, or run `mathsieve run` on the recipe."
            ) from error
        return Store(self.root).open(Path(self.root, reference["path"]))

    def _path(self, key: dg.AssetKey, partition: str | None = None) -> Path:
        folder = Path(self.root, "refs", *key.path)
        return (
            folder.with_name(folder.name + ".json")
            if partition is None
            else folder / f"{partition.replace('|', '.')}.json"
        )

    def _write(self, path: Path, artifact: object) -> None:
        if not isinstance(artifact, Artifact):
            raise TypeError(f"{path.stem}: expected the asset to return an Artifact, found {type(artifact).__name__}")
        path.parent.mkdir(parents=True, exist_ok=True)
        reference = {
            "name": artifact.name,
            "path": artifact.path.relative_to(self.root).as_posix(),
            "content": artifact.content,
        }
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(reference, indent=1), encoding="utf-8")


def described(artifact: Artifact) -> dg.Output[Artifact]:
    """An asset's output with what a person wants to see of it: where it lies, how large it is, its figures and plots."""
    return dg.Output(artifact, metadata=metadata_of(artifact))


def described_partitions(
    context: dg.AssetExecutionContext, by_key: Mapping[str, Artifact]
) -> dg.Output[dict[str, Artifact]]:
    """The same for a step that makes many partitions at once: each gets its own figures."""
    for key, artifact in by_key.items():
        context.add_asset_metadata(metadata_of(artifact), asset_key=context.asset_key, partition_key=key)
    return dg.Output(dict(by_key))


def metadata_of(artifact: Artifact) -> dict[str, dg.MetadataValue[Any]]:
    """Facts, path, size and plots of an artifact as Dagster metadata."""
    shown: dict[str, dg.MetadataValue[Any]] = {"path": dg.MetadataValue.path(str(artifact.path))}
    size = sum(p.stat().st_size for p in artifact.path.rglob("*") if p.is_file())
    shown["megabytes"] = dg.MetadataValue.float(round(size / 1e6, 3))
    rows = artifact.facts.get("rows", _rows_of(artifact))
    if rows is not None:
        shown["dagster/row_count"] = dg.MetadataValue.int(rows)
    for key, value in artifact.facts.items():
        if key != "rows":
            shown[key] = _metadata_value(value)
        if isinstance(value, Mapping) and len(value) > 1 and all(_is_count(count) for count in value.values()):
            shown[f"plot: {key.replace('_', ' ')}"] = dg.MetadataValue.md(_bars(value))
    for name in ("report.html", "README.md"):
        if (artifact.path / name).exists():
            shown[name] = dg.MetadataValue.path(str(artifact.path / name))
    for plot in sorted(artifact.path.rglob("*.png")):
        if plot.stat().st_size <= LARGEST_EMBEDDED_PLOT:
            encoded = base64.b64encode(plot.read_bytes()).decode()
            shown[f"plot: {plot.stem.replace('_', ' ')}"] = dg.MetadataValue.md(
                f"![{plot.stem}](data:image/png;base64,{encoded})"
            )
    return shown


def _rows_of(artifact: Artifact) -> int | None:
    """Rows of its Parquet tables, the ledger's aside; None where it holds none."""
    import pyarrow.parquet as pq

    tables = [path for path in artifact.files("**/*.parquet") if path.parent.name != "ledger"]
    return sum(pq.read_metadata(path).num_rows for path in tables) if tables else None


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
