"""A stratified sample of a crawl's pages for readers: every site, language, score band and tier has its share.

A sample of what is kept says nothing of what was lost, and a plain random one holds little of either. So strata are
drawn from with the square root of their size, at least one page each: small ones are heard, large ones are not read
to death. Score bands far from the border have fewer, since there hardly a page surprises (Neyman 1934: by the spread
within a stratum). Each page says how many it stands for, so that figures of the whole crawl can be had from the sample.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from evaluators.records import Settings

READABLE = 1_500
"""Characters of a page that a reader is shown: about a minute's reading."""
HEAD, MIDDLE = 0.5, 0.25
"""Shares of the head and the middle; the tail has the rest."""
GAP = "\n[...]\n"


class SampleSettings(Settings):
    """How many pages, and how fine the strata."""

    count: int = Field(default=640, gt=0)  # 1.6 points of standard error at a share of 80 %
    draw: int = 0  # another number draws another sample
    bands: tuple[float, ...] = (-4.0, -1.0, 1.0, 4.0)  # log-odds between the score bands; the border is around 0
    band_weights: tuple[float, ...] = (0.4, 1.0, 1.0, 1.0, 0.7)  # ours; one for each band, lowest first
    small: int = Field(default=20, ge=1)  # pages, below which sites, and languages of a site, are drawn from together

    def model_post_init(self, _: object) -> None:
        if len(self.band_weights) != len(self.bands) + 1:
            raise ValueError(
                f"expected a weight for each of {len(self.bands) + 1} bands; found {len(self.band_weights)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A page that may be drawn, without its text."""

    url: str
    """Canonical."""
    digest: str
    site: str
    """Registered domain or, in a crawl of few, its host."""
    language: str
    margin: float | None
    """The last classifier's log-odds; None where it was not scored."""
    tier: str
    """`left` where the corpus does not keep it, else `kept` or its tier."""
    place: tuple[str, int] = ("", 0)
    """Shard and row, where its text is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A page of the sample."""

    page: Candidate
    stratum: str
    stands_for: float
    """Pages of its stratum for each one drawn."""

    @property
    def id(self) -> str:
        return hashlib.sha256(f"{self.page.url} {self.page.digest}".encode("utf-8", "replace")).hexdigest()[:16]


def draw_sample(candidates: Iterable[Candidate], settings: SampleSettings) -> list[Drawn]:
    """The same pages whatever the order of the candidates, mixed so that readers meet no site in a row."""
    pages = list(candidates)
    sites = Counter(page.site for page in pages)
    spoken = Counter((page.site, page.language) for page in pages)
    strata: defaultdict[Stratum, list[Candidate]] = defaultdict(list)
    for page in pages:
        site = page.site if sites[page.site] >= settings.small else "small sites"
        few = site == page.site and spoken[page.site, page.language] < settings.small
        strata[site, "others" if few else page.language, _band(page, settings), page.tier].append(page)
    quotas = _quotas({name: len(members) for name, members in strata.items()}, settings)
    drawn = []
    for name, quota in quotas.items():
        chosen = sorted(strata[name], key=lambda page: _lot(page, settings.draw))[:quota]
        told = " | ".join(map(str, name))
        drawn += [Drawn(page=page, stratum=told, stands_for=len(strata[name]) / quota) for page in chosen]
    return sorted(drawn, key=lambda one: _lot(one.page, settings.draw + 1))


def _band(page: Candidate, settings: SampleSettings) -> int:
    """Of the score; a page without one is vouched for by its prefix alone, and its band is the middle one."""
    if page.margin is None:
        return len(settings.bands) // 2
    return sum(page.margin >= edge for edge in settings.bands)


def _lot(page: Candidate, draw: int) -> bytes:
    return hashlib.blake2b(f"{draw} {page.url} {page.digest}".encode("utf-8", "replace"), digest_size=8).digest()


Stratum = tuple[str, str, int, str]
"""Site, language, score band, tier."""


def _quotas(sizes: Mapping[Stratum, int], settings: SampleSettings) -> dict[Stratum, int]:
    """Pages to draw of each stratum: one, then by the square root of its size, never more than it holds."""
    if settings.count >= sum(sizes.values()):
        return dict(sizes)
    wanted = {name: settings.band_weights[name[2]] * math.sqrt(size) for name, size in sizes.items()}
    first = sorted(sizes, key=lambda name: (-sizes[name], name))[: settings.count]
    quotas = dict.fromkeys(first, 1)
    while sum(quotas.values()) < settings.count:
        open_ones = [name for name in quotas if quotas[name] < sizes[name]]
        quotas[max(open_ones, key=lambda name: (wanted[name] / quotas[name], name))] += 1
    return dict(sorted(quotas.items()))


def readable(text: str, length: int = READABLE) -> str:
    """Head, middle and tail of a page that is longer: what comes first is often its frame."""
    text = text.strip()
    if len(text) <= length:
        return text
    head, middle = int(length * HEAD), int(length * MIDDLE)
    tail = length - head - middle
    begin = (len(text) - middle) // 2
    return GAP.join((text[:head], text[max(head, begin) : begin + middle], text[-tail:]))


def batches(sample: list[Drawn], size: int) -> Iterator[list[Drawn]]:
    """The sample in portions for readers."""
    for first in range(0, len(sample), size):
        yield sample[first : first + size]
