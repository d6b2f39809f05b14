"""Near-deduplication beside datatrove's MinHash on the same pages: time, and the pairs above 0.8 that each finds.

python -m bench.near_duplicates                      600 pages, invented, some of them edited copies of others
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evaluators.executors import LocalExecutor
from pipelines.corpus.near_duplicates import NearDuplicateSettings, write_near_duplicates
from pipelines.corpus.shingles import overlap, shingle_hashes
from pipelines.records import EXTRACTED
from pipelines.storage import Artifact


def invented_pages(count: int, words: int = 700) -> list[str]:
    """A third are copies of the page before with up to 6 % of their words changed: Jaccard of 5-grams from 0.5 to 1."""
    draw = np.random.default_rng(3)
    vocabulary = np.array([_word(n) for n in range(20_000)])
    pages: list[list[str]] = []
    for number in range(count):
        if number % 3 == 2:
            copy = list(pages[-1])
            for place in draw.choice(len(copy), int(draw.uniform(0, 0.06) * len(copy)), replace=False):
                copy[place] = _word(20_000 + 1_000 * number + int(place))
            pages.append(copy)
        else:
            pages.append(list(vocabulary[np.minimum(draw.zipf(1.3, words) - 1, 19_999)]))
    return [". ".join(" ".join(page[i : i + 14]) for i in range(0, len(page), 14)) for page in pages]


def _word(number: int) -> str:
    """A word of letters alone: datatrove takes all numbers for one."""
    letters = ""
    while number:
        number, digit = divmod(number, 26)
        letters += chr(ord("a") + digit)
    return f"w{letters}"


def ours(texts: list[str], folder: Path) -> tuple[float, dict[int, int]]:
    """CPU seconds, and the cluster of each page."""
    source, target = folder / "extracted", folder / "ours"
    source.mkdir()
    target.mkdir()
    rows = [{"url_key": str(n), "url": str(n), "text": text} for n, text in enumerate(texts)]
    pq.write_table(pa.Table.from_pylist(rows, schema=EXTRACTED), source / "extracted-00000.parquet")
    extracted = Artifact(name="extracted", place=source, content="")
    started = time.process_time()
    write_near_duplicates(target, NearDuplicateSettings(), extracted=extracted, executor=LocalExecutor(workers=1))
    spent = time.process_time() - started
    found = pq.read_table(next(target.glob("clusters-*.parquet"))).to_pylist()
    return spent, {row["row"]: row["cluster"] for row in found}


def datatroves(texts: list[str], folder: Path) -> tuple[float, dict[int, int]] | None:
    """Its four steps with its default settings (14 x 8 hashes of 5-grams); None where it or its tokenizer is missing."""
    try:
        import xxhash
        from datatrove.data import Document
        from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
        from datatrove.pipeline.dedup.minhash import MinhashConfig
    except ImportError as error:
        print(f"datatrove is left out: {error}", file=sys.stderr)
        return None
    config = MinhashConfig()
    names = [str(folder / name) for name in ("signatures", "buckets", "clusters")]
    documents = [Document(text=text, id=str(n)) for n, text in enumerate(texts)]
    started = time.process_time()
    try:
        signing = MinhashDedupSignature(names[0], config)
        signing._hash_func = lambda words: xxhash.xxh64_intdigest(words.encode())  # xxhash 4 takes no str; it gives one
        signing.run(iter(documents), 0, 1)
    except ImportError as error:
        print(f"datatrove's MinHash is left out: {error}", file=sys.stderr)
        return None
    for bucket in range(config.num_buckets):
        MinhashDedupBuckets(names[0], names[1], config=config).run(None, bucket, config.num_buckets)
    MinhashDedupCluster(names[1], names[2], config=config, save_cluster_id=True).run(None, 0, 1)
    spent = time.process_time() - started
    clusters = {n: n for n in range(len(texts))}
    for name in Path(names[2]).rglob("*.clusters"):
        for document, cluster in np.fromfile(name, dtype="<u4").reshape(-1, 2).astype(int):
            clusters[document] = -1 - cluster
    return spent, clusters


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=600)
    texts = invented_pages(parser.parse_args().pages)
    shingles = [shingle_hashes(text, 5) for text in texts]
    similar = {
        (a, b)
        for a, b in itertools.combinations(range(len(texts)), 2)
        if b - a < 3 and overlap(shingles[a], shingles[b]).jaccard >= 0.8
    }
    print("| way | CPU ms for a page | times faster | pairs above 0.8 found | pairs below it joined |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        results = {"mathsieve": ours(texts, Path(scratch)), "datatrove": datatroves(texts, Path(scratch))}
    slowest = max(result[0] for result in results.values() if result is not None)
    for name, result in results.items():
        if result is not None:
            spent, clusters = result
            found = sum(clusters[a] == clusters[b] for a, b in similar)
            others = sum(clusters[n] == clusters[n + 1] for n in range(len(texts) - 1) if (n, n + 1) not in similar)
            per_page = 1000 * spent / len(texts)
            print(f"| {name} | {per_page:.2f} | {slowest / spent:.1f}x | {found} of {len(similar)} | {others} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
