"""Every damage to a root is told where it is used, or by `mathsieve verify`, with the remedy; repaired, it is made again."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from assets.command_line import main
from pipelines.storage import MANIFEST, Artifact, References, StorageError, Store
from pipelines.storage.cache import COMPARED
from pipelines.storage.leases import Holder
from pipelines.storage.roots import FolderRoot
from pipelines.storage.verification import verify

LINES = Path(__file__).with_name("faults.jsonl").read_text(encoding="utf-8").splitlines()
CASES: list[dict[str, Any]] = [json.loads(line) for line in LINES[1:]]
IDENTITIES: dict[str, dict[str, Any]] = {
    "up": {"name": "up", "version": "1", "settings": {"k": 1}, "inputs": {}},
    "down": {"name": "down", "version": "1", "settings": None, "inputs": {"up": "known"}},
}


def write_up(folder: Path) -> dict[str, int]:
    (folder / "a.txt").write_text("hello")
    (folder / "b").mkdir(exist_ok=True)
    (folder / "b" / "c.txt").write_text("world")
    return {"rows": 1}


def write_down(folder: Path) -> dict[str, int]:
    (folder / "d.txt").write_text("world")
    return {}


class Planted:
    """A root with two artifacts and their references, on which a case works."""

    def __init__(self, location: str) -> None:
        self.store = Store(location)
        self.references = References(self.store)
        self.make()

    def make(self) -> None:
        """As a run does: what is whole is found."""
        made = {
            "up": self.store.build(IDENTITIES["up"], write_up),
            "down": self.store.build(IDENTITIES["down"], write_down),
        }
        self.keys = {name: self.store.key(artifact) for name, artifact in made.items()}
        self.references.write("up", made["up"])
        self.references.write("iteration_1/down", made["down"])

    def named(self, text: str) -> str:
        fingerprint = self.keys["down"].rpartition("/")[2]
        return text.replace("{up}", self.keys["up"]).replace("{down}", self.keys["down"]).replace(
            "{down_fingerprint}", fingerprint
        )  # fmt: skip

    def damage(self, fault: list[Any]) -> None:
        root, kind, key, rest = self.store.root, fault[0], self.named(fault[1]), fault[2:]
        if kind == "remove":
            root.remove([key])
        elif kind == "write":
            root.replace(key, rest[0].encode())
        elif kind == "bytes":
            root.replace(key, bytes.fromhex(rest[0]))
        elif kind == "copy":
            root.replace(self.named(rest[0]), root.read(key))
        elif kind == "edit":
            root.replace(key, json.dumps({**json.loads(root.read(key)), rest[0]: rest[1]}).encode())
        else:
            assert kind == "lease"
            root.replace(f"{key}.lease/00001.json", replace(Holder.here(), pid=2**22 + 1).as_bytes())

    def told(self, use: str, capsys: pytest.CaptureFixture[str]) -> str:
        """What a use says; empty where it is silent."""
        uses: dict[str, Callable[[], object]] = {
            "open": lambda: self.store.open(self.keys["up"]),
            "find": lambda: self.store.find(IDENTITIES["up"]),
            "reference": lambda: self.references.read("up"),
        }
        if use in uses:
            try:
                uses[use]()
            except StorageError as error:
                return str(error)
            return ""
        if use == "build":
            self.make()
            return capsys.readouterr().err
        found = verify(self.store.root.location, deep=use == "deep")
        return "\n".join(found.remarks if use == "remark" else map(str, found.faults))


@pytest.fixture
def planted(root: str) -> Planted:
    return Planted(root)


@pytest.fixture
def planted_in(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planted:
    """Of a kind of storage: fsspec's objects in memory meet all of a bucket's code but the requests."""
    if request.param == "s3":
        request.getfixturevalue("s3")
    else:
        monkeypatch.setenv("MATHSIEVE_CACHE", str(tmp_path / "cache"))
    name = f"{tmp_path.parent.name}-{tmp_path.name}"
    places = {"folder": str(tmp_path / "root"), "memory": f"memory://{name}", "s3": f"s3://bucket/{name}"}
    return Planted(places[request.param])


def test_a_root_as_it_was_written_has_no_faults(planted: Planted) -> None:
    found = verify(planted.store.root.location, deep=True)
    assert (found.artifacts, found.files, found.size, found.faults, found.remarks) == (2, 3, 15, [], [])


def test_there_are_as_many_kinds_as_promised() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(
    ("planted_in", "case"),
    [
        pytest.param(kind, case, id=f"{kind}-{case['name'].replace(' ', '_')}")
        for kind in ("folder", "memory", "s3")
        for case in CASES
        if kind != "s3" or case.get("s3")
    ],
    indirect=["planted_in"],
)
def test_every_damage_is_told_with_its_remedy(
    planted_in: Planted, case: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    for fault in case["fault"]:
        planted_in.damage(fault)
    in_folder = case.get("told_in_folder", {}) if isinstance(planted_in.store.root, FolderRoot) else {}
    for use, words in [*case["told"].items(), *in_folder.items()]:
        if use != "build":
            said = planted_in.told(use, capsys)
            assert planted_in.named(words) in said, use
            assert case["remedy"] in said, use
    if "build" in case["told"]:
        assert case["told"]["build"] in planted_in.told("build", capsys)
        assert planted_in.told("verify", capsys) == ""
    if case["heals"]:
        verify(planted_in.store.root.location, deep=True, repair=True)
        assert verify(planted_in.store.root.location, deep=True).faults == []
        planted_in.make()
        assert planted_in.told("deep", capsys) == ""


@pytest.mark.parametrize("named", [["--data"], []], ids=["as an option", "by itself"])
def test_the_command_tells_each_fault_and_repairs_it(
    named: list[str], planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    location = planted.store.root.location
    planted.damage(["write", "{up}/a.txt", "he"])
    planted.damage(["remove", "{down}/d.txt"])
    assert main(["verify", *named, location]) == 1
    said = capsys.readouterr().out.splitlines()
    places = (f"{planted.keys['down']}/d.txt", f"{planted.keys['up']}/a.txt")
    assert [line.partition(": expected 5 bytes")[0] for line in said[:2]] == [f"{location}/{place}" for place in places]
    assert said[2].startswith(f"{location}: 2 artifacts, 3 files, 0.000 GB; 2 faults")
    assert main(["verify", *named, location, "--deep", "--repair"]) == 0
    assert "0 faults, 2 repaired: run the recipe again" in capsys.readouterr().out
    planted.make()
    assert main(["verify", *named, location, "--deep"]) == 0


class TestReadersOfDamage:
    """`table` is made from `up`: from all its files, or from those of one partition; `total` is made from `table`."""

    @pytest.fixture(params=["*", "a.*"])
    def pattern(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def test_what_read_rotten_bytes_is_set_aside_with_them_and_made_again(self, planted: Planted, pattern: str) -> None:
        location = planted.store.root.location
        rot(planted, "a.txt", b"hellp")
        false = build_readers(planted, pattern)
        assert [one.file("a.txt").read_text() for one in false] == ["hellp!", "hellp!!"]
        found = verify(location, deep=True, repair=True)
        told = [fault.where for fault in found.faults if "was published with" in fault.what]
        assert told == [false[0].location]
        assert verify(location, deep=True).faults == []
        planted.make()
        true = build_readers(planted, pattern)
        assert [one.file("a.txt").read_text() for one in true] == ["hello!", "hello!!"]

    def test_what_was_made_before_a_file_was_written_over_stays(self, planted: Planted, pattern: str) -> None:
        build_readers(planted, pattern)
        planted.damage(["write", "{up}/a.txt", "hellp"])
        found = verify(planted.store.root.location, deep=True)
        readers = [fault for fault in found.faults if "was published with" in fault.what]
        in_a_folder = isinstance(planted.store.root, FolderRoot)  # objects have no times that could tell
        assert len(readers) == (0 if in_a_folder else 1)

    def test_times_of_a_copied_root_acquit_no_reader(self, planted: Planted, pattern: str, tmp_path: Path) -> None:
        if not isinstance(planted.store.root, FolderRoot):
            pytest.skip("objects have no times that could tell")
        rot(planted, "a.txt", b"hellp")
        false, _ = build_readers(planted, pattern)
        copied, key = tmp_path / "copied", planted.store.key(false)
        shutil.copytree(Path(false.location), copied / key)
        time.sleep(0.02)
        up = planted.keys["up"]
        shutil.copytree(planted.store.root.path, copied, dirs_exist_ok=True, ignore=shutil.ignore_patterns("table"))
        whole = (copied / up / "b" / "c.txt").stat()  # copied after the manifest, as rsync does by name
        os.utime(copied / up / "b" / "c.txt", ns=(whole.st_atime_ns, time.time_ns()))
        told = [fault.where for fault in verify(copied, deep=True).faults if "was published with" in fault.what]
        assert told == [str(copied / key)]

    def test_a_reader_of_another_partition_stays(self, planted: Planted, pattern: str) -> None:
        rot(planted, "b/c.txt", b"WORLD")
        build_readers(planted, pattern)
        found = verify(planted.store.root.location, deep=True)
        readers = [fault for fault in found.faults if "was published with" in fault.what]
        assert len(readers) == (1 if pattern == "*" else 0)


def build_readers(planted: Planted, pattern: str) -> tuple[Artifact, Artifact]:
    """Each writes what it read, as it lies there, and one sign more."""
    store = planted.store
    up = store.build(IDENTITIES["up"], write_up)
    read = {"up": store.content_of(up, pattern)}
    table = store.build({"name": "table", "version": "1", "inputs": read}, partial(write_copy, source=up))
    read = {"table": table.content}
    total = store.build({"name": "total", "version": "1", "inputs": read}, partial(write_copy, source=table))
    planted.references.write("table", table)
    planted.references.write("total", total)
    return table, total


def write_copy(folder: Path, *, source: Artifact) -> dict[str, int]:
    (folder / "a.txt").write_text(source.file("a.txt").read_text() + "!")
    return {}


def rot(planted: Planted, name: str, content: bytes) -> None:
    """Damage that no time tells of: in a folder, or in this machine's copy of what lies in a bucket."""
    artifact = planted.references.read("up")
    path = artifact.file(name)
    path.write_bytes(content)
    os.utime(path, ns=(COMPARED, COMPARED))
    if isinstance(
        planted.store.root, FolderRoot
    ):  # nobody can set a time of status back: the manifest gets a later one
        later = time.time_ns() + 10**7
        os.utime(path.parent.joinpath(*[".."] * name.count("/"), MANIFEST), ns=(later, later))
        time.sleep(0.02)


def test_references_that_are_lost_are_told_and_written_again(
    planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    location = planted.store.root.location
    planted.store.root.remove(["refs/up.json", "refs/iteration_1/down.json"])
    assert main(["verify", location]) == 0
    said = capsys.readouterr().out
    assert f"{location}/up: no reference names it, so that reports do not find it. Run `mathsieve run` again" in said
    assert f"{location}/down: no reference names it" in said
    planted.make()
    assert main(["verify", location]) == 0
    assert "no reference" not in capsys.readouterr().out


def test_the_folder_above_runs_is_refused_and_nothing_in_it_is_moved(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    planted = Planted(f"{root}/run")
    before = planted.store.root.sizes()
    assert main(["verify", root, "--repair"]) == 2
    assert "expected a run's folder with refs/ in it" in capsys.readouterr().err
    planted.store.root.remove(["refs/up.json", "refs/iteration_1/down.json"])
    assert main(["verify", root, "--repair"]) == 1
    assert "or a folder above a run's. Nothing reads it" in capsys.readouterr().out
    assert planted.store.root.sizes() == {key: size for key, size in before.items() if not key.startswith("refs/")}


def test_a_folder_that_is_no_runs_is_refused(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--data", root]) == 2
    assert (
        capsys.readouterr().err
        == f"{root}: expected a run's folder with refs/ in it; found none. Run `mathsieve run` first.\n"
    )


class TestCopies:
    """This machine's copies of what lies in a bucket."""

    @pytest.fixture
    def fetched(self, s3: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Planted, Path]:
        """A root made elsewhere, and this machine's empty cache."""
        planted = Planted(f"s3://bucket/{tmp_path.parent.name}-{tmp_path.name}")
        monkeypatch.setenv("MATHSIEVE_CACHE", str(tmp_path / "here"))
        return planted, tmp_path / "here"

    def test_only_the_file_that_is_asked_for_is_fetched(self, fetched: tuple[Planted, Path]) -> None:
        planted, cache = fetched
        artifact = planted.references.read("up")
        assert artifact.names("**/*") == ["a.txt", "b/c.txt"]
        assert not cache.exists()
        assert artifact.file("a.txt").read_text() == "hello"
        assert [path.name for path in cache.rglob("*.txt")] == ["a.txt"]
        assert sorted(path.name for path in artifact.path.rglob("*") if path.is_file()) == ["a.txt", "c.txt"]

    def test_a_copy_of_another_size_is_fetched_again(self, fetched: tuple[Planted, Path]) -> None:
        artifact = fetched[0].references.read("up")
        artifact.file("a.txt").write_text("he")
        assert artifact.file("a.txt").read_text() == "hello"

    def test_a_copy_that_was_written_to_is_fetched_again(self, fetched: tuple[Planted, Path]) -> None:
        artifact = fetched[0].references.read("up")
        artifact.file("a.txt").write_text("hellp")
        assert artifact.file("a.txt").read_text() == "hello"

    def test_a_copy_that_was_only_touched_is_not_fetched_again(self, fetched: tuple[Planted, Path]) -> None:
        planted, _ = fetched
        artifact = planted.references.read("up")
        copy = artifact.file("a.txt")
        os.utime(copy)  # as those are that versions before fetched
        planted.damage(["remove", "{up}/a.txt"])
        assert artifact.file("a.txt").read_text() == "hello"
        assert copy.stat().st_mtime_ns == COMPARED

    def test_a_copy_with_other_bytes_is_told_by_deep_and_removed_by_repair(self, fetched: tuple[Planted, Path]) -> None:
        planted, _ = fetched
        artifact = planted.references.read("up")
        copy = artifact.file("a.txt")
        copy.write_text("hellp")
        os.utime(copy, ns=(COMPARED, COMPARED))  # the disk's own damage leaves the times as they were
        (fault,) = verify(planted.store.root.location, deep=True, repair=True).faults
        assert "expected a copy of s3://" in fault.what
        assert artifact.file("a.txt").read_text() == "hello"

    def test_other_bytes_in_the_bucket_are_found_when_they_come(self, fetched: tuple[Planted, Path]) -> None:
        planted, cache = fetched
        artifact = planted.references.read("up")
        planted.damage(["write", "{up}/a.txt", "hellp"])
        with pytest.raises(
            StorageError, match=r"expected the bytes whose digest its manifest holds.*verify --deep --repair"
        ):
            artifact.file("a.txt")
        assert [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".use"] == []

    def test_a_file_that_goes_while_it_is_used_is_named(self, fetched: tuple[Planted, Path]) -> None:
        planted, _ = fetched
        artifact = planted.references.read("up")
        planted.damage(["remove", "{up}/a.txt"])
        with pytest.raises(StorageError, match=r"a\.txt: expected 5 bytes, as its manifest says; found none"):
            artifact.file("a.txt")

    def test_older_copies_make_room_for_what_is_fetched(
        self, fetched: tuple[Planted, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        planted, cache = fetched
        monkeypatch.setenv("MATHSIEVE_CACHE_GB", "0.000000012")
        (cache / ("e" * 64)).mkdir(parents=True)
        (cache / ("e" * 64) / "old.txt").write_text("old copies")
        artifact = planted.references.read("up")
        assert artifact.path.joinpath("b", "c.txt").read_text() == "world"
        assert sorted(path.name for path in cache.rglob("*.txt")) == ["a.txt", "c.txt"]
