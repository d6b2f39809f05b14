"""Duplicates of pages that do not enter the corpus: of those the best stay, as far as they are not duplicates of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.corpus.near_duplicates import NearDuplicateSettings
from pipelines.storage import Json


def duplicates_among(pages: Sequence[Mapping[str, Json]], settings: NearDuplicateSettings) -> dict[int, int]:
    """Place of each page that is a duplicate of a better one that stays -> the place of that. Pages as rows of EXTRACTED."""
    from pipelines.corpus.duplicate_candidates import rank_of
    from pipelines.corpus.duplicate_pairs import is_series
    from pipelines.corpus.shingles import overlap, shingle_hashes

    order = sorted(range(len(pages)), key=lambda place: (-rank_of(pages[place]), place))
    shingles = [shingle_hashes(page["text"] or "", settings.shingle) for page in pages]
    stay: list[int] = []
    found: dict[int, int] = {}
    for place in order:
        for other in stay:
            one = overlap(shingles[other], shingles[place])
            alike = one.jaccard >= settings.threshold or one.contained >= settings.contained
            if alike and not is_series(one, settings.shingle, settings.series_numbers, settings.series_share):
                found[place] = other
                break
        else:
            stay.append(place)
    return found
