"""The domains of the embedded crawl (planted_grammar/sites.yaml) and how their URLs are spelled."""

from __future__ import annotations

import random
import re
import unicodedata
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Pages of one kind under one URL path."""

    path: str
    kind: str
    pages: int
    markup: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One host."""

    domain: str
    name: str
    language: str
    skin: str
    sections: tuple[Section, ...]
    charset: str = "utf-8"
    seed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """A host that copies some pages of another, under the same paths and in another template."""

    domain: str
    name: str
    skin: str
    of: str
    pages: int


def read_sites() -> tuple[list[Site], list[Mirror]]:
    """All sites and mirrors, in the file's order."""
    text = files("pipelines.crawl").joinpath("planted_grammar", "sites.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    sites = [Site(**{**row, "sections": tuple(_section(part) for part in row["sections"])}) for row in content["sites"]]
    return sites, [Mirror(**row) for row in content["mirrors"]]


def _section(row: dict[str, Any]) -> Section:
    return Section(**{**row, "markup": tuple(row.get("markup", ()))})


def page_path(section: Section, number: int, title: str, draw: random.Random) -> str:
    """The path of a section's page: `/notes/12-the-chain-rule.html`, `/thread.php?id=4812`, `/questions/4812/why-is`."""
    identifier = 1000 + 37 * number + draw.randint(0, 30)  # steps of 37: no two pages share one
    if "?" in section.path:
        return f"{section.path}{identifier}"
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain)[:5]) or "p"
    if section.kind.startswith("forum"):
        return f"{section.path}{identifier}/{slug}"
    return f"{section.path}{identifier}-{slug}.html"
