"""A root that cannot be used is refused in one line before anything is made; what was made before it failed is kept."""

from __future__ import annotations

import errno
import http.client
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelines.storage import References, StorageError, Store, check_writable
from pipelines.storage.verification import verify
from tests.s3_server import S3Server

Rule = Callable[[str, str], tuple[int, str] | None]
"""(method, path) -> the status and code of a refusal; None lets a request through."""


class Gate(ThreadingHTTPServer):
    """Stands before the S3 server, and refuses what its rule names, in S3's own words."""

    daemon_threads = True

    def __init__(self, behind: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.behind = behind
        self.rule: Rule = lambda method, path: None
        self.asked: list[str] = []


class _Passing(BaseHTTPRequestHandler):
    server: Gate
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(f"{self.command} {self.path}")
        refused = self.server.rule(self.command, self.path)
        if refused is not None:
            status, code = refused
            said = f"<Error><Code>{code}</Code><Message>it said {code}</Message></Error>".encode()
            self._answer(status, [("Content-Type", "application/xml")], said)
            return
        behind = http.client.HTTPConnection("127.0.0.1", self.server.behind)
        behind.request(self.command, self.path, body, dict(self.headers))
        answer = behind.getresponse()
        kept = [
            (k, v)
            for k, v in answer.getheaders()
            if k.lower() not in ("transfer-encoding", "content-length", "connection")
        ]
        content = answer.read()
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self._answer(answer.status, kept, content, length)
        behind.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, length: str | None = None) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def gate(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    import s3fs

    with Gate(s3.port) as standing:
        thread = threading.Thread(target=standing.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{standing.server_port}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        s3fs.S3FileSystem.clear_instance_cache()
        yield standing
        s3fs.S3FileSystem.clear_instance_cache()
        standing.shutdown()
        thread.join()


def write(folder: Path) -> dict[str, int]:
    (folder / "a.txt").write_text("hello")
    return {"rows": 1}


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (403, "AccessDenied", r"found access denied\. Ask for permission to read, write, list and delete there"),
        (400, "ExpiredToken", r"found an expired credential\. Export AWS_ACCESS_KEY_ID"),
        (403, "InvalidAccessKeyId", r"found a credential that the store does not know\. Export AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", r"found a secret key that is not that of the access key"),
        (403, "RequestTimeTooSkewed", r"found a clock that differs .* Set this machine's clock"),
        (404, "NoSuchBucket", r"found no such bucket\. Make the bucket first"),
        (507, "XMinioStorageFull", r"found a full store\. Free some space"),
        (400, "InvalidBucketName", r"found a bucket name that is none\. Check the name"),
        (405, "MethodNotAllowed", r"it said MethodNotAllowed|MethodNotAllowed"),
    ],
)
def test_a_bucket_that_refuses_to_be_written_is_told_before_anything_is_made(
    gate: Gate, status: int, code: str, told: str
) -> None:
    gate.rule = lambda method, path: (status, code) if method == "PUT" else None
    with pytest.raises(StorageError, match=rf"s3://bucket/x: expected a root that can be written; .*{told}") as refused:
        check_writable("s3://bucket/x")
    assert "\n" not in str(refused.value)


def test_a_bucket_that_does_not_let_leases_be_removed_is_refused(gate: Gate) -> None:
    gate.rule = lambda method, path: (403, "AccessDenied") if method in ("DELETE", "POST") else None
    with pytest.raises(StorageError, match="read, write, list and delete"):
        check_writable("s3://bucket/x")


def test_a_store_that_replaces_what_it_should_only_create_is_refused(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "pipelines.storage.roots.ObjectRoot.create", lambda root, key, content: root.replace(key, content) is None
    )
    with pytest.raises(
        StorageError, match=r"expected storage that creates an object only where none is \(If-None-Match\)"
    ):
        check_writable("s3://bucket/x")


def test_an_endpoint_that_is_down_is_told(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as gone:
        port = gone.server_port
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(StorageError, match=r"found no answer .* Check the network and AWS_ENDPOINT_URL"):
        check_writable("s3://bucket/x")


def test_a_missing_credential_is_told(gate: Gate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import s3fs

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(StorageError, match=r"found no credential .* Export AWS_ACCESS_KEY_ID"):
        check_writable("s3://bucket/x")


@pytest.mark.parametrize(
    ("root", "told"),
    [
        ("s3://", r"s3://: expected s3://bucket/prefix; found no bucket\. Name one"),
        ("s3:/bucket", r"Did you mean s3://bucket\?"),
        (
            "nothing://x/y",
            r"nothing://x/y: expected a root that can be written; found Protocol not known: nothing\. s3:// is",
        ),
        ("github://x/y", r"github://x/y: expected a root that can be written; found .*'org' and 'repo'\. s3:// is"),
    ],
)
def test_a_root_that_is_none_is_told(root: str, told: str) -> None:
    with pytest.raises(StorageError, match=told):
        check_writable(root)


def test_a_credential_that_expires_while_an_artifact_is_made_costs_nothing_that_was_made(
    gate: Gate, root_url: str
) -> None:
    made: list[int] = []

    def slow(folder: Path) -> dict[str, int]:
        made.append(1)
        gate.rule = lambda method, path: (400, "ExpiredToken") if "a.txt" in path or method == "DELETE" else None
        return write(folder)

    with pytest.raises(StorageError, match=r"found an expired credential"):
        Store(root_url).build({"name": "x"}, slow)
    gate.rule = lambda method, path: None
    artifact = Store(root_url).build({"name": "x"}, slow)
    assert made == [1]
    assert artifact.file("a.txt").read_text() == "hello"
    assert verify(root_url, deep=True).faults == []


def test_an_upload_that_breaks_off_publishes_nothing_and_goes_on(gate: Gate, root_url: str) -> None:
    def two(folder: Path) -> dict[str, int]:
        (folder / "b.txt").write_text("world")
        return write(folder)

    gate.rule = lambda method, path: (403, "AccessDenied") if method == "PUT" and "b.txt" in path else None
    with pytest.raises(StorageError, match="access denied"):
        Store(root_url).build({"name": "x"}, two)
    assert [key for key in Store(root_url).root.sizes() if key.endswith("manifest.json")] == []
    gate.rule = lambda method, path: None
    assert Store(root_url).build({"name": "x"}, two).names("*") == ["a.txt", "b.txt"]
    assert verify(root_url, deep=True).faults == []


def test_what_waits_for_its_upload_and_was_written_over_is_made_again(gate: Gate, root_url: str) -> None:
    folders = []

    def once(folder: Path) -> dict[str, int]:
        folders.append(folder)
        return {} if (folder / "a.txt").exists() else write(folder)

    gate.rule = lambda method, path: (400, "ExpiredToken") if method == "PUT" and "a.txt" in path else None
    with pytest.raises(StorageError, match="an expired credential"):
        Store(root_url).build({"name": "x"}, once)
    (folders[0] / "a.txt").write_text("hellp")
    gate.rule = lambda method, path: None
    assert Store(root_url).build({"name": "x"}, once).file("a.txt").read_text() == "hello"
    assert verify(root_url, deep=True).faults == []


def test_reading_needs_no_permission_to_write(gate: Gate, root_url: str) -> None:
    made = Store(root_url).build({"name": "x"}, write)
    References(Store(root_url)).write("x", made)
    gate.rule = lambda method, path: (403, "AccessDenied") if method in ("PUT", "DELETE") else None
    assert References(Store(root_url)).read("x").file("a.txt").read_text() == "hello"
    assert Store(root_url).build({"name": "x"}, write).content == made.content


@pytest.fixture
def root_url(tmp_path: Path) -> str:
    return f"s3://bucket/{os.getpid()}-{tmp_path.name}"


SYSTEM_FAULTS = [
    (errno.ENOSPC, "found a full disk. Free some space"),
    (errno.EDQUOT, "found a full disk. Free some space"),
    (errno.EROFS, "found a file system that is read-only. Mount it for writing"),
    (errno.EACCES, "found Permission denied. Change its permissions"),
    (errno.EPERM, "found Operation not permitted. Change its permissions"),
    (errno.EIO, "found Input/output error. The disk or its connection fails"),
    (errno.ENAMETOOLONG, "found File name too long. Check the path"),
    (errno.ESTALE, "found Stale file handle. Check the path"),
]


@pytest.mark.parametrize(("number", "told"), SYSTEM_FAULTS, ids=lambda value: errno.errorcode.get(value, ""))
def test_a_folder_that_cannot_be_written_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("pipelines.storage.roots.os.link", fails)
    with pytest.raises(StorageError) as refused:
        check_writable(tmp_path / "root")
    assert f"{tmp_path}/root: expected a root that can be written; {told}" in str(refused.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_disk_that_fails_while_an_artifact_is_made_keeps_what_was_finished(root: str, number: int) -> None:
    begun: list[list[str]] = []

    def fails_once(folder: Path) -> dict[str, int]:
        begun.append(sorted(path.name for path in folder.iterdir()))
        (folder / "a.txt").write_text("hello")
        if len(begun) == 1:
            raise OSError(number, os.strerror(number))
        return {}

    with pytest.raises(StorageError, match="expected storage that can be used"):
        Store(root).build({"name": "x"}, fails_once)
    assert Store(root).build({"name": "x"}, fails_once).file("a.txt").read_text() == "hello"
    assert begun == [[], ["a.txt"]]


def test_a_file_in_the_way_of_a_root_or_of_an_artifact_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"file/root: expected a root that can be written; found Not a directory"):
        check_writable(tmp_path / "file" / "root")
    (tmp_path / "x").write_text("in the way")
    with pytest.raises(
        StorageError, match=r"/x/.*: expected storage that can be used; found (Not a directory|File exists)"
    ):
        Store(tmp_path).build({"name": "x"}, write)
