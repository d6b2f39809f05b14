"""The embedded crawl: Common-Crawl-style WARC files whose every page is known, for the demo, for tests and for bench/.

    <folder>/<snapshot>/CC-MAIN-...-00000.warc.gz     what a crawler would have stored
    <folder>/seed_urls.txt                            the pages that the loop starts from, one URL a line
    <folder>/truth.jsonl                              what each capture is; only measurements may read it

It holds what makes the recall loop hard: mathematics that does not look like the seed (Chinese, forums, word problems
without any markup) on sites that are linked to it only by their domain, look-alikes full of digits and dollar signs,
mirrors, new versions and URL variants of pages, leaks of the benchmark `templated`, and broken records.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from pydantic import Field, model_validator

from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.crawl.planted_formulas import Markup
from pipelines.crawl.planted_leaks import Leak, draw_leaks, leaking
from pipelines.crawl.planted_pages import MATH_KINDS, TAGGED_KINDS, Content, compose, edited, to_html
from pipelines.crawl.planted_sites import Mirror, Section, Site, page_path, read_sites
from pipelines.crawl.planted_warc import BROKEN, READABLE, Capture, break_capture, write_warc
from pipelines.storage import Json, atomic_file
from pipelines.urls import registered_domain

TRACKING = ("?utm_source=feed&utm_medium=rss", "#section-2", "?fbclid=IwAR0abc", "?utm_campaign=spring#top")


class PlantedSettings(Settings):
    """How much of the embedded crawl is written, and from which seed."""

    seed: int = 11
    snapshots: tuple[str, ...] = Field(
        default=("CC-MAIN-2025-05", "CC-MAIN-2025-08", "CC-MAIN-2025-13"), min_length=1
    )  # names in Common Crawl's form: year and week
    scale: float = Field(default=1.0, gt=0)  # pages per section relative to sites.yaml: 1.0 is about 900 captures
    files_per_snapshot: int = Field(default=2, ge=1)  # two, so that work over files can be seen to be shared
    leaks: int = Field(default=24, ge=0)  # test problems copied into pages: enough for each disguise in each benchmark
    leaked_rows: int = Field(
        default=20, ge=1
    )  # of the first rows of each, so that a benchmark cut short holds them too
    leaked_benchmarks: tuple[str, ...] = ("templated", "templated_zh", "templated_easy", "templated_easy_zh")
    recrawled: float = Field(default=0.08, ge=0, le=1)  # share of pages with a newer version in a later snapshot
    variants: float = Field(default=0.05, ge=0, le=1)  # share of pages also fetched under another spelling of the URL
    duplicates: float = Field(default=0.04, ge=0, le=1)  # share of pages with an edited copy elsewhere on the site
    broken: bool = True  # plant each kind of broken record once per snapshot

    @model_validator(mode="after")
    def _has_problems_to_leak(self) -> PlantedSettings:
        if self.leaks > self.leaked_rows * len(self.leaked_benchmarks):
            raise ValueError(
                f"leaks: expected at most {self.leaked_rows * len(self.leaked_benchmarks)}, from {self.leaked_rows} rows of "
                f"{len(self.leaked_benchmarks)} benchmarks; found {self.leaks}. Raise leaked_rows or lower leaks."
            )
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedPage:
    """One page of one site, before it is fetched."""

    url: str
    site: Site
    section: Section
    content: Content
    markup: Markup | None
    skin: str
    leaks: tuple[Leak, ...] = ()
    group: str | None = None
    """Names the near-duplicate group; None for pages with no copies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a capture is: one line of truth.jsonl."""

    url: str
    canonical_url: str
    snapshot: str
    warc_file: str
    warc_offset: int
    kind: str
    domain: str
    language: str
    charset: str
    title: str
    math: bool
    seed: bool
    markup: str | None
    formulas: tuple[str, ...]
    group: str | None
    leaks: tuple[Mapping[str, str], ...]
    version: int
    newest: bool
    """Whether no later readable capture of the same canonical URL exists."""
    broken: str | None
    readable: bool


def write_planted_crawl(folder: Path, settings: PlantedSettings) -> dict[str, Json]:
    """Writes the crawl and its truth; the same settings give the same bytes."""
    sites, mirrors = read_sites()
    pages = _leaked(list(_pages(sites, mirrors, settings)), settings)
    fetched = _schedule(pages, settings)
    truths: list[Truth] = []
    for index, snapshot in enumerate(settings.snapshots):
        captures = [item for item in fetched if item.snapshot == index]
        captures += _broken(pages, index, settings) if settings.broken else []
        truths += _write_snapshot(folder / snapshot, snapshot, captures, settings)
    truths = _mark_newest(truths)
    with atomic_file(folder / "truth.jsonl") as temporary, temporary.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(asdict(truth), ensure_ascii=False) + "\n" for truth in truths)
    seeds = sorted({truth.canonical_url for truth in truths if truth.seed and truth.readable})
    with atomic_file(folder / "seed_urls.txt") as temporary:
        temporary.write_text("".join(f"{url}\n" for url in seeds), encoding="utf-8")
    return _facts(truths)


PLANTED_CRAWL = Stage(
    name="planted_crawl",
    version="1",
    write=write_planted_crawl,
    settings=PlantedSettings,
    description="The embedded crawl: Common-Crawl-style WARC files that this project generates, with the truth about each page.",
    kinds=("commoncrawl",),
)


def _pages(sites: Sequence[Site], mirrors: Sequence[Mirror], settings: PlantedSettings) -> Iterator[PlantedPage]:
    by_domain: dict[str, list[PlantedPage]] = {}
    for site in sites:
        number = 0
        for position, section in enumerate(site.sections):
            draw = random.Random(f"{settings.seed}/{site.domain}/{position}")
            for _ in range(max(1, round(section.pages * settings.scale))):
                number += 1
                page = _page(site, section, number, draw)
                by_domain.setdefault(site.domain, []).append(page)
                if draw.random() < settings.duplicates:
                    number += 1
                    by_domain[site.domain][-1] = page = replace(page, group=page.url)
                    copy = edited(page.content, draw)
                    url = f"https://{site.domain}{page_path(section, number, 'print', draw)}"
                    by_domain[site.domain].append(replace(page, url=url, content=copy))
    for mirror in mirrors:
        draw = random.Random(f"{settings.seed}/{mirror.domain}")
        originals = by_domain[mirror.of]
        where = draw.sample(range(len(originals)), min(len(originals), max(1, round(mirror.pages * settings.scale))))
        for index in sorted(where):
            original = originals[index] = replace(
                originals[index], group=originals[index].group or originals[index].url
            )
            url = original.url.replace(mirror.of, mirror.domain)
            home = replace(original.site, domain=mirror.domain, name=mirror.name, seed=False)
            by_domain.setdefault(mirror.domain, []).append(replace(original, url=url, site=home, skin=mirror.skin))
    for domain in by_domain:
        yield from by_domain[domain]


def _page(site: Site, section: Section, number: int, draw: random.Random) -> PlantedPage:
    language = section.language or site.language
    content = compose(section.kind, language, draw)
    path = page_path(section, number, content.title, draw)
    markup = cast(Markup, draw.choice(section.markup)) if section.markup else None
    url = f"https://{site.domain}{path}"
    return PlantedPage(url=url, site=site, section=section, content=content, markup=markup, skin=site.skin)


def _leaked(pages: list[PlantedPage], settings: PlantedSettings) -> list[PlantedPage]:
    """Plants each leak in a mathematical page of its language that is neither seed nor anybody's copy."""
    draw = random.Random(f"{settings.seed}/leaks")
    for leak in draw_leaks(settings.leaks, settings.leaked_benchmarks, settings.leaked_rows, draw):
        fits = [
            index
            for index, page in enumerate(pages)
            if page.section.kind in MATH_KINDS
            and not (page.site.seed or page.group or page.leaks)
            and page.content.language == leak.language
        ]
        if not fits:
            break
        chosen = draw.choice(fits)
        page = pages[chosen]
        pages[chosen] = replace(page, content=leaking(page.content, leak, draw), leaks=(leak,))
    return pages


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetch:
    """A page as it is fetched once."""

    page: PlantedPage
    snapshot: int
    url: str
    version: int = 1
    broken: str | None = None


def _schedule(pages: Sequence[PlantedPage], settings: PlantedSettings) -> list[_Fetch]:
    """Which snapshot sees which page, which are seen again later in a newer version, and under which other URLs."""
    draw, last, fetched = random.Random(f"{settings.seed}/schedule"), len(settings.snapshots) - 1, []
    for page in pages:
        first = draw.randint(0, last)
        fetched.append(_Fetch(page=page, snapshot=first, url=page.url))
        if first < last and draw.random() < settings.recrawled:
            newer = replace(page, content=edited(page.content, draw))
            fetched.append(_Fetch(page=newer, snapshot=draw.randint(first + 1, last), url=page.url, version=2))
        elif draw.random() < settings.variants:
            fetched.append(_Fetch(page=page, snapshot=draw.randint(first, last), url=_variant(page.url, draw)))
    return fetched


def _variant(url: str, draw: random.Random) -> str:
    """Another spelling of a URL that leads to the same page."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    spellings = [
        f"{scheme}://{host}:443{slash}{path}",
        f"{scheme}://{host.upper()}{slash}{path}",
        f"http://{host}{slash}{path}",
    ]
    tracking = draw.choice(TRACKING)
    spellings.append(url + (tracking.replace("?", "&") if "?" in path else tracking))
    return draw.choice(spellings)


def _broken(pages: Sequence[PlantedPage], snapshot: int, settings: PlantedSettings) -> list[_Fetch]:
    """One capture of each kind of damage, at URLs of their own; those to be cut come last in their file."""
    draw = random.Random(f"{settings.seed}/broken/{snapshot}")
    whole = [page for page in pages if not (page.leaks or page.group or page.site.seed)]
    gbk = [page for page in whole if page.site.charset == "gbk"]
    fetched = []
    for how in BROKEN:
        page = draw.choice(gbk if how == "lying_charset" else whole)
        separator = "&" if "?" in page.url else "?"
        url = f"{page.url}{separator}copy={snapshot}{how}"
        fetched.append(_Fetch(page=page, snapshot=snapshot, url=url, broken=how))
    return fetched


def _write_snapshot(
    folder: Path, snapshot: str, fetched: Sequence[_Fetch], settings: PlantedSettings
) -> Iterator[Truth]:
    folder.mkdir(parents=True, exist_ok=True)
    year, week = snapshot.split("-")[2:4]
    start = datetime.fromisocalendar(int(year), int(week), 1).replace(tzinfo=UTC)
    ordered = list(fetched)
    random.Random(f"{settings.seed}/{snapshot}").shuffle(ordered)
    ordered.sort(key=lambda item: item.broken == "cut_gzip")
    for number in range(settings.files_per_snapshot):
        mine = ordered[number :: settings.files_per_snapshot]
        mine.sort(key=lambda item: item.broken == "cut_gzip")
        stamps = [start + timedelta(hours=number, seconds=37 * index) for index in range(len(mine))]
        name = f"CC-MAIN-{start:%Y%m%d%H%M%S}-{start + timedelta(hours=3):%Y%m%d%H%M%S}-{number:05d}.warc.gz"
        captures = [_capture(item, stamp) for item, stamp in zip(mine, stamps, strict=True)]
        places = write_warc(folder / name, captures, date=f"{start:%Y-%m-%dT%H:%M:%SZ}")
        for item, (offset, _) in zip(mine, places, strict=True):
            yield _truth(item, snapshot, name, offset)


def _capture(item: _Fetch, stamp: datetime) -> Capture:
    page, charset = item.page, item.page.site.charset
    text = to_html(page.content, site=page.site.name, skin=page.skin, markup=page.markup, charset=charset)
    # A character the charset lacks is written as a reference, as browsers' forms and most servers do.
    body = text.encode(charset, errors="xmlcharrefreplace")
    # Half of the sites declare their charset in the HTTP header, the others only in the page.
    declared = f"text/html; charset={charset}" if len(page.site.domain) % 2 else "text/html"
    capture = Capture(url=item.url, date=f"{stamp:%Y-%m-%dT%H:%M:%SZ}", body=body, content_type=declared)
    return capture if item.broken is None else break_capture(capture, item.broken)


def _truth(item: _Fetch, snapshot: str, name: str, offset: int) -> Truth:
    page = item.page
    kind = page.section.kind
    return Truth(
        url=item.url,
        canonical_url=item.url if item.broken else page.url,
        snapshot=snapshot,
        warc_file=name,
        warc_offset=offset,
        kind=kind,
        domain=registered_domain(page.site.domain),
        language=page.content.language,
        charset=page.site.charset,
        title=page.content.title,
        math=kind in MATH_KINDS,
        seed=page.site.seed and kind in MATH_KINDS and item.broken is None,
        markup=page.markup if kind in TAGGED_KINDS else None,
        formulas=tuple(page.content.tex()),
        group=page.group,
        leaks=tuple(
            {"problem_id": leak.problem_id, "part": leak.part, "disguise": leak.disguise} for leak in page.leaks
        ),
        version=item.version,
        newest=True,
        broken=item.broken,
        readable=item.broken is None or item.broken in READABLE,
    )


def _mark_newest(truths: Sequence[Truth]) -> list[Truth]:
    last: dict[str, int] = {}
    for index, truth in enumerate(truths):
        before = last.get(truth.canonical_url)
        if truth.readable and (before is None or truths[before].snapshot < truth.snapshot):
            last[truth.canonical_url] = index
    return [replace(truth, newest=last.get(truth.canonical_url) == index) for index, truth in enumerate(truths)]


def _facts(truths: Sequence[Truth]) -> dict[str, Json]:
    readable = [truth for truth in truths if truth.readable]
    pages = {truth.canonical_url: truth for truth in readable}.values()
    return {
        "rows": len(truths),
        "readable": len(readable),
        "pages": len(pages),
        "math_pages": sum(truth.math for truth in pages),
        "domains": len({truth.domain for truth in pages}),
        "languages": dict(sorted(Counter(truth.language for truth in pages).items())),
        "kinds": dict(sorted(Counter(truth.kind for truth in pages).items())),
        "leaks": sum(len(truth.leaks) for truth in pages),
        "near_duplicate_groups": len({truth.group for truth in pages if truth.group}),
        "broken": dict(sorted(Counter(truth.broken for truth in truths if truth.broken).items())),
    }
