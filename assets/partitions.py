"""How the graph is cut: by crawl snapshot, and by benchmark and form of reasoning."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg


def by_snapshot(recipe: str) -> dg.DynamicPartitionsDefinition:
    """Crawl snapshots, which appear month by month (`assets.automation`). One history may hold several recipes, each with its own."""
    return dg.DynamicPartitionsDefinition(name=f"{recipe}_snapshots")


def by_grown_snapshot(recipe: str) -> dg.DynamicPartitionsDefinition:
    """Those that the recipe names to grow its loop on. Dynamic, since Dagster maps no fixed partitions to dynamic ones."""
    return dg.DynamicPartitionsDefinition(name=f"{recipe}_grown_snapshots")


def by_fresh_snapshot(recipe: str) -> dg.DynamicPartitionsDefinition:
    """All others, where it names some."""
    return dg.DynamicPartitionsDefinition(name=f"{recipe}_fresh_snapshots")


def by_benchmark(names: Sequence[str]) -> dg.StaticPartitionsDefinition:
    return dg.StaticPartitionsDefinition(list(names))


def by_benchmark_and_form(names: Sequence[str], forms: Sequence[str]) -> dg.MultiPartitionsDefinition:
    return dg.MultiPartitionsDefinition(
        {"benchmark": by_benchmark(names), "form": dg.StaticPartitionsDefinition(list(forms))}
    )
