#!/usr/bin/env bash
# The guess: a Parquet file with one bit of a page flipped cannot be read, since the format has a checksum for each page.
# What happens: pyarrow writes no checksums unless told to, and verifies none unless told to. Of 200 single flipped bits in
# the pages of an uncompressed table most are read without a word, as other texts and other numbers. With
# write_page_checksum=True and page_checksum_verification=True every one of them is an error.
# pyarrow 26.0.1; source: run here; the field `crc` of PageHeader in the format's parquet.thrift is optional.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"; "$folder/v/bin/pip" -q --disable-pip-version-check install "pyarrow==26.0.1" 2>/dev/null
cd "$folder"; "$folder/v/bin/python" - <<'PY'
import random
import pyarrow as pa, pyarrow.parquet as pq

print("pyarrow", pa.__version__)
rows = pa.table({"text": [f"sentence number {n} of a page" for n in range(2000)], "score": list(range(2000))})
random.seed(0)


def silent(checked):
    pq.write_table(rows, "t.parquet", compression="none", use_dictionary=False, write_page_checksum=checked)
    clean = open("t.parquet", "rb").read()
    start = clean.index(b"sentence number 0 of")
    changed = refused = 0
    for _ in range(200):
        damaged = bytearray(clean)
        damaged[random.randrange(start, start + 40_000)] ^= 1 << random.randrange(8)
        open("d.parquet", "wb").write(damaged)
        try:
            changed += not pq.ParquetFile("d.parquet", page_checksum_verification=checked).read().equals(rows)
        except Exception:
            refused += 1
    return changed, refused


as_it_comes, with_checksums = silent(False), silent(True)
print("by default:      read as another table %d, refused %d of 200" % as_it_comes)
print("with checksums:  read as another table %d, refused %d of 200" % with_checksums)
assert as_it_comes[0] > 150 and with_checksums == (0, 200)
PY
