"""One broken record never loses the next, and every record's fate is told."""

import gzip
import zlib
from collections import Counter

import pytest
import zstandard

from pipelines.crawl.settings import CrawlError
from pipelines.crawl.warc import Capture, Passed, captures_at, open_warc, read_captures, read_warc
from pipelines.crawl.warc_repair import RecordReader

HTML = b"Content-Type: text/html; charset=utf-8\r\n"


def record(name, body=None, *, kind="response", length=None, headers="", http=b"HTTP/1.1 200 OK\r\n" + HTML):
    message = http + b"\r\n" + (name.encode() * 500 if body is None else body)
    length = len(message) if length is None else length
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://{name}.example/\r\n"
        f"WARC-Date: 2024-01-01T00:00:00Z\r\n{headers}Content-Length: {length}\r\n\r\n"
    )
    return head.encode() + message + b"\r\n\r\n"


A, B, C, D = map(record, "abcd")
GZ = [gzip.compress(part, mtime=0) for part in (A, B, C, D)]


@pytest.fixture
def read(tmp_path):
    def reading(data, **options):
        path = tmp_path / "x.warc.gz"
        path.write_bytes(data)
        fates = list(read_warc(str(path), **options))
        return [fate.url[7:8] if isinstance(fate, Capture) else fate.reason for fate in fates]

    return reading


def packed(data):
    return gzip.compress(data, mtime=0)


FLIPPED = GZ[1][:30] + bytes([GZ[1][30] ^ 0xFF, GZ[1][31] ^ 0xFF]) + GZ[1][32:]
DAMAGE = {
    "one member a record": (b"".join(GZ), ["a", "b", "c", "d"]),
    "uncompressed": (A + B + C, ["a", "b", "c"]),
    "one member for all": (packed(A + B + C), ["a", "b", "c"]),
    "members of one and of two records": (GZ[0] + packed(B + C) + GZ[3], ["a", "b", "c", "d"]),
    "compressed and plain records": (GZ[0] + B + GZ[2] + D, ["a", "b", "c", "d"]),
    "flipped bytes in a member": (GZ[0] + FLIPPED + GZ[2] + GZ[3], ["a", "broken gzip member", "c", "d"]),
    "wrong checksum": (GZ[0] + GZ[1][:-8] + b"\0" * 8 + GZ[2], ["a", "broken gzip member", "c"]),
    "text between members": (GZ[0] + b"garbage" + GZ[1], ["a", "bytes between records", "b"]),
    "text between plain records": (A + b"garbage\r\n\r\n" + B + C, ["a", "bytes between records", "b", "c"]),
    "zeros between members": (GZ[0] + b"\0" * 5000 + GZ[1], ["a", "b"]),
    "an empty member": (GZ[0] + packed(b"") + GZ[2], ["a", "empty gzip member", "c"]),
    "no WARC header": (GZ[0] + packed(b"WRC/1.0\r\nx: y\r\n\r\n") + GZ[2], ["a", "broken record: no WARC header", "c"]),
    "no number for a length": (
        GZ[0] + packed(B.replace(b"Content-Length: ", b"Content-Length: x")) + GZ[2],
        ["a", "b", "c"],
    ),
    "a negative length": (GZ[0] + packed(record("b", length=-5)) + GZ[2], ["a", "b", "c"]),
    "a length too large": (GZ[0] + packed(record("b", length=90_000)) + GZ[2] + GZ[3], ["a", "b", "c", "d"]),
    "a length too small": (GZ[0] + packed(record("b", length=100)) + GZ[2] + GZ[3], ["a", "b", "c", "d"]),
    "a plain length too large": (A + record("b", length=900) + C + D, ["a", "b", "c", "d"]),
    "a plain length too small": (A + record("b", length=100) + C + D, ["a", "b", "c", "d"]),
    "bare line feeds": (GZ[0] + packed(B.replace(b"\r\n", b"\n")) + GZ[2], ["a", "b", "c"]),
    "no status line": (
        GZ[0] + packed(record("b", http=b"<html>no header</html>")) + GZ[2],
        ["a", "broken record: no HTTP status line", "c"],
    ),
    "the file cut in a member": (GZ[0] + GZ[1][:60], ["a", "cut short"]),
    "zstd frames": (b"".join(zstandard.compress(part) for part in (A, B, C)), ["a", "b", "c"]),
    "a page that quotes a WARC header": (
        GZ[0] + packed(record("n", b"<p>x\r\n\r\nWARC/1.0\r\nWARC-Type: response\r\n\r\ny")) + GZ[2],
        ["a", "n", "c"],
    ),
    "an empty file": (b"", ["empty file"]),
    "a byte order mark first": (b"\xef\xbb\xbf" + A + B, ["bytes between records", "a", "b"]),
    "blank lines before the first record": (packed(b"\r\n\r\n" + A) + GZ[1], ["a", "b"]),
    "a zstd frame to be skipped": (
        b"\x5a\x2a\x4d\x18\x04\0\0\0abcd" + zstandard.compress(A) + zstandard.compress(B),
        ["a", "b"],
    ),
    "a header without an end": (
        packed(b"WARC/1.0\r\nWARC-Type: response\r\n" + b"X: y\r\n" * 100_000) + GZ[1],
        ["broken record: no WARC header", "b"],
    ),
    "no WARC-Type": (
        GZ[0] + packed(B.replace(b"WARC-Type: response\r\n", b"")) + GZ[2],
        ["a", "broken record: no WARC header", "c"],
    ),
    "brackets around the URL": (packed(A.replace(b"http://a.example/", b"<http://a.example/>")) + GZ[1], ["a", "b"]),
    "a header given twice, after damage": (
        b"garbage" + record("a", headers="WARC-Target-URI: http://z.example/\r\n") + B,
        ["bytes between records", "a", "b"],
    ),
    "a header given twice": (packed(record("a", headers="WARC-Target-URI: http://z.example/\r\n")) + GZ[1], ["a", "b"]),
}


def test_a_response_cut_in_its_body_is_told_by_its_url_and_a_request_is_not(tmp_path):
    """Its fate must be found under its URL; the bytes of the body do not compress, so that half of them are body."""
    noise = bytes(n * n * 7919 % 251 for n in range(3000))
    told = []
    for kind in ("response", "request"):
        whole = packed(record("b", noise, kind=kind))
        path = tmp_path / f"{kind}.warc.gz"
        path.write_bytes(GZ[0] + whole[: len(whole) // 2] + GZ[2])
        told.append([(type(fate).__name__, fate.url) for fate in read_warc(str(path))])
    kept = [("Capture", "http://a.example/"), ("Capture", "http://c.example/")]
    assert told[0] == [kept[0], ("Passed", "http://b.example/"), kept[1]]
    assert told[1] == [kept[0], ("Passed", ""), kept[1]]


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_surrounds_the_damage_is_read(read, damage):
    data, expected = DAMAGE[damage]
    assert read(data) == expected


def test_every_third_member_broken_loses_only_those(read):
    assert Counter(read((GZ[0] + FLIPPED + GZ[2]) * 40)) == {"a": 40, "broken gzip member": 40, "c": 40}


def test_offset_and_length_are_those_of_the_stored_record(tmp_path):
    path = tmp_path / "x.warc.gz"
    path.write_bytes(b"".join(GZ))
    found = list(read_warc(str(path)))
    assert [(fate.offset, fate.length) for fate in found] == [
        (sum(map(len, GZ[:place])), len(GZ[place])) for place in range(4)
    ]


def shared_dictionary():
    samples = [record(f"{number}", f"<p>page {number} of many</p>".encode() * 9) for number in range(300)]
    return zstandard.train_dictionary(4_000, samples)


@pytest.mark.parametrize("stored", [bytes, zstandard.compress])
def test_records_that_share_a_zstd_dictionary_are_read(tmp_path, stored):
    dictionary = shared_dictionary()
    frame = stored(dictionary.as_bytes())
    compress = zstandard.ZstdCompressor(dict_data=dictionary).compress
    path = tmp_path / "x.warc.zst"
    path.write_bytes(b"\x5d\x2a\x4d\x18" + len(frame).to_bytes(4, "little") + frame + compress(A) + compress(B))
    captures = [fate for fate in read_warc(str(path)) if isinstance(fate, Capture)]
    assert [capture.body for capture in captures] == [b"a" * 500, b"b" * 500]
    source = open_warc(str(path))
    assert [found.body for _, found in captures_at(source, [captures[1].offset]) if found] == [b"b" * 500]
    source.close()


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_capture_is_found_again_by_its_offset(tmp_path, damage):
    path = tmp_path / "x.warc.gz"
    path.write_bytes(DAMAGE[damage][0])
    captures = {fate.offset: fate for fate in read_warc(str(path)) if isinstance(fate, Capture)}
    source = open_warc(str(path))
    again = {offset: found.body for offset, found in captures_at(source, list(captures)) if found is not None}
    source.close()
    assert again == {offset: capture.body for offset, capture in captures.items()}


def test_other_records_are_counted_by_type(tmp_path):
    path = tmp_path / "x.warc"
    path.write_bytes(
        record("a", kind="request") + record("b") + record("c", kind="revisit") + record("d", kind="metadata")
    )
    outcomes: Counter[str] = Counter()
    assert [capture.url for capture in read_captures(str(path), outcomes)] == ["http://b.example/"]
    assert outcomes == {"record type request": 1, "record type revisit": 1, "record type metadata": 1}


def test_other_statuses_types_and_empty_bodies_are_counted(read):
    data = (
        record("a", http=b"HTTP/1.1 404 Not Found\r\n" + HTML)
        + record("b", http=b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n")
        + record("c", b" \n ")
        + record("d", http=b"HTTP/2 200\r\nContent-Type: application/xhtml+xml\r\n")
    )
    assert read(data) == ["HTTP status 404", "not HTML", "empty body", "d"]


def test_a_page_without_a_content_type_is_known_by_its_first_bytes(read):
    bare = b"HTTP/1.1 200 OK\r\n"
    data = record("a", b"<!DOCTYPE html><p>x", http=bare) + record("b", b"%PDF-1.4", http=bare)
    assert read(data) == ["a", "not HTML"]


def test_of_an_http_header_given_twice_the_first_counts(read):
    twice = b"HTTP/1.1 200 OK\r\n" + HTML + b"Content-Type: application/pdf\r\n"
    assert read(record("a", http=twice)) == ["a"]


def test_truncation_is_told(tmp_path):
    path = tmp_path / "x.warc"
    path.write_bytes(record("a", headers="WARC-Truncated: time\r\n") + record("b") + record("c", length=9_000))
    assert [fate.truncated for fate in read_warc(str(path))] == ["time", None, "unspecified"]


def test_a_folded_header_is_one(tmp_path):
    path = tmp_path / "x.warc"
    path.write_bytes(b"garbage" + record("a", headers="WARC-Truncated: dis\r\n connect\r\n"))
    assert [fate.truncated for fate in read_warc(str(path)) if isinstance(fate, Capture)] == ["dis connect"]


def test_a_record_with_bare_line_feeds_at_the_end_of_a_file_is_whole(tmp_path):
    path = tmp_path / "x.warc"
    message = b"HTTP/1.1 200 OK\n" + HTML.replace(b"\r\n", b"\n") + b"\n" + b"b" * 500
    path.write_bytes(A + record("b", length=len(message)).replace(b"\r\n", b"\n"))
    assert [(fate.url[7:8], len(fate.body), fate.truncated) for fate in read_warc(str(path))] == [
        ("a", 500, None),
        ("b", 500, None),
    ]


def test_a_record_of_which_more_is_there_than_its_length_says_keeps_to_that_length(tmp_path):
    path = tmp_path / "x.warc.gz"
    path.write_bytes(GZ[0] + packed(record("b", length=100)) + GZ[2])
    message = b"HTTP/1.1 200 OK\r\n" + HTML + b"\r\n"
    assert [len(fate.body) for fate in read_warc(str(path))] == [500, 100 - len(message), 500]


def test_no_more_of_a_record_is_in_memory_than_was_asked_for(tmp_path):
    path = tmp_path / "x.warc.gz"
    path.write_bytes(packed(record("b", b"x" * 3_000_000)))
    source = open_warc(str(path))
    (found,) = RecordReader(source, 0, 100_000)
    source.close()
    assert (len(found.block), found.trouble) == (100_000, None)


def test_a_member_that_inflates_without_end_is_given_up_and_the_next_is_read(read, monkeypatch):
    monkeypatch.setattr("pipelines.crawl.warc_repair.LARGEST_SKIP", 1 << 20)
    bomb = packed(record("b", b" " * 5_000_000, length=100))
    assert read(b"?" + bomb + GZ[2], largest=100_000) == ["bytes between records", "record too large", "c"]


def test_a_record_larger_than_the_limit_is_cut_and_the_next_is_read(tmp_path):
    path = tmp_path / "x.warc.gz"
    path.write_bytes(GZ[0] + packed(record("b", b"x" * 30_000_000)) + GZ[2])
    fates = list(read_warc(str(path), largest=100_000))
    assert [(fate.url[7:8], len(fate.body), fate.truncated) for fate in fates] == [
        ("a", 500, None),
        ("b", 100_000, "length"),
        ("c", 500, None),
    ]


CODED = b"<html>" + b"coded " * 100


def gzipped(content: bytes) -> bytes:
    """Without the time of packing: it would stand in the names of tests, which every worker must collect alike."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzipped(CODED)),
        ("x-gzip", gzipped(CODED)),
        ("deflate", zlib.compress(CODED)),
        ("deflate", zlib.compress(CODED)[2:-4]),  # raw, as some servers send it
        ("zstd", zstandard.compress(CODED)),
        ("gzip, gzip", gzipped(gzipped(CODED))),
        ("gzip", gzipped(CODED[:99]) + gzipped(CODED[99:])),  # RFC 1952: members follow each other
        ("gzip", CODED),  # decoded by the crawler, header left
        ("gzip", zlib.compress(CODED)),
        ("deflate", gzipped(CODED)),
        ("br", zstandard.compress(CODED)),
        ("identity", gzipped(CODED)),  # packed once more than was said
    ],
)
def test_content_encodings_are_undone(tmp_path, coding, body):
    path = tmp_path / "x.warc"
    path.write_bytes(record("a", body, http=b"HTTP/1.1 200 OK\r\n" + HTML + f"Content-Encoding: {coding}\r\n".encode()))
    assert [fate.body for fate in read_warc(str(path))] == [CODED]


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "aws-chunked"])
def test_a_text_under_the_header_of_an_encoding_is_taken_as_it_is(tmp_path, coding):
    path = tmp_path / "x.warc"
    body = "Grüße: a page that begins with words.".encode()
    path.write_bytes(record("a", body, http=b"HTTP/1.1 200 OK\r\n" + HTML + f"Content-Encoding: {coding}\r\n".encode()))
    assert [fate.body for fate in read_warc(str(path))] == [body]


def test_a_broken_content_encoding_is_counted(read):
    assert read(
        record("a", b"\x1f\x8b nonsense", http=b"HTTP/1.1 200 OK\r\n" + HTML + b"Content-Encoding: gzip\r\n")
    ) == ["unreadable Content-Encoding"]


def test_chunks_are_joined(tmp_path):
    path = tmp_path / "x.warc"
    chunked = b"HTTP/1.1 200 OK\r\n" + HTML + b"Transfer-Encoding: chunked\r\n"
    path.write_bytes(
        record("a", b"6\r\n<html>\r\n5;x=y\r\nhello\r\n0\r\n\r\n", http=chunked) + record("b", CODED, http=chunked)
    )
    assert [fate.body for fate in read_warc(str(path))] == [b"<html>hello", CODED]


def test_an_encoding_that_inflates_without_end_is_cut(tmp_path):
    path = tmp_path / "x.warc"
    bomb = gzip.compress(b"<p>" + b" " * 50_000_000 + b"x")
    path.write_bytes(record("a", bomb + b"", http=b"HTTP/1.1 200 OK\r\n" + HTML + b"Content-Encoding: gzip\r\n"))
    (fate,) = read_warc(str(path), largest=1_000_000)
    assert isinstance(fate, Capture) and len(fate.body) == 1_000_000 and fate.truncated == "length"


@pytest.mark.parametrize("data", [b"<html>hello</html>" * 100, packed(b"<html>hello</html>")])
def test_a_file_that_is_no_warc_is_refused(read, data):
    with pytest.raises(CrawlError, match="Is it a WARC file"):
        read(data)


def test_a_missing_file_is_named():
    with pytest.raises(CrawlError, match="nowhere"):
        list(read_warc("nowhere/x.warc.gz"))


def test_what_was_passed_over_keeps_its_url(tmp_path):
    path = tmp_path / "x.warc"
    path.write_bytes(record("a", http=b"HTTP/1.1 301 Moved\r\n"))
    assert list(read_warc(str(path))) == [Passed(reason="HTTP status 301", url="http://a.example/", offset=0)]
