"""The store: content addressing, resume, and nothing half-written taken for done."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.storage import MANIFEST, StorageError, Store, atomic_file, check_writable


def writer(name: str, content: str, calls: list[str]):
    def write(folder: Path) -> dict[str, int]:
        calls.append(name)
        (folder / name).write_text(content)
        return {"rows": len(content)}

    return write


def finished(root: str) -> list[str]:
    return [key for key in Store(root).root.sizes() if key.endswith(MANIFEST)]


def test_an_artifact_is_built_once_and_found_again(root: str) -> None:
    store, calls = Store(root), []
    first = store.build({"name": "pages", "settings": {"k": 1}}, writer("a.txt", "xyz", calls))
    second = store.build({"settings": {"k": 1}, "name": "pages"}, writer("a.txt", "never", calls))
    assert calls == ["a.txt"]
    assert first == second
    assert second.facts == {"rows": 3}
    assert second.file("a.txt").read_text() == "xyz"


@pytest.mark.parametrize("change", [{"settings": {"k": 2}}, {"version": "2"}, {"name": "other"}])
def test_a_changed_setting_version_or_name_builds_anew(root: str, change: dict[str, object]) -> None:
    store, calls = Store(root), []
    given = {"name": "pages", "settings": {"k": 1}, "version": "1"}
    for identity in (given, given | change):
        store.build(identity, writer("a.txt", "x", calls))
    assert len(calls) == 2


def test_an_input_rebuilt_to_the_same_bytes_rebuilds_nothing_after_it(root: str) -> None:
    store, calls = Store(root), []
    upstream = [store.build({"name": "up", "settings": k}, writer("u.txt", "same", [])) for k in (1, 2)]
    assert upstream[0].location != upstream[1].location
    for artifact in upstream:
        store.build({"name": "down", "inputs": {"up": artifact.content}}, writer("d.txt", "x", calls))
    assert len(calls) == 1


def test_a_failed_writer_publishes_nothing_and_its_finished_files_are_found_by_the_next(root: str) -> None:
    store = Store(root)

    def fails(folder: Path) -> dict[str, int]:
        with atomic_file(folder / "shard-0") as temporary:
            temporary.write_text("whole")
        with atomic_file(folder / "shard-1") as temporary:
            temporary.write_text("half")
            raise RuntimeError("cut")

    def resumes(folder: Path) -> dict[str, int]:
        assert sorted(p.name for p in folder.iterdir()) == ["shard-0"]
        (folder / "shard-1").write_text("now whole")
        return {}

    with pytest.raises(RuntimeError, match="cut"):
        store.build({"name": "x"}, fails)
    assert not finished(root)
    artifact = store.build({"name": "x"}, resumes)
    assert artifact.file("shard-0").read_text() == "whole"
    assert artifact.file("shard-1").read_text() == "now whole"


def test_a_killed_process_leaves_no_artifact_and_no_lock(root: str) -> None:
    program = (
        "import sys, time, pathlib\n"
        "from pipelines.storage import Store\n"
        "def write(folder):\n"
        "    (folder / 'half').write_text('h'); print('begun', flush=True); time.sleep(60)\n"
        "Store(sys.argv[1]).build({'name': 'x'}, write)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, root], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
    assert not finished(root)
    assert Store(root).build({"name": "x"}, writer("half", "whole", [])).file("half").read_text() == "whole"


def test_a_forked_worker_that_outlives_its_killed_owner_does_not_keep_the_next_attempt_waiting(root: str) -> None:
    program = (
        "import os, sys, time; from pipelines.storage import Store\n"
        "def write(folder):\n"
        "    if os.fork() == 0: time.sleep(300)\n"
        "    print('begun', flush=True); time.sleep(60)\n"
        "Store(sys.argv[1]).build({'name': 'x'}, write)\n"
    )
    again = "import sys; from pipelines.storage import Store; Store(sys.argv[1]).build({'name': 'x'}, lambda folder: {'rows': 1})"
    with subprocess.Popen(
        [sys.executable, "-c", program, root], stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        try:
            subprocess.run([sys.executable, "-c", again, root], check=True, timeout=60)
        finally:
            os.killpg(child.pid, signal.SIGKILL)  # the worker
    assert Store(root).build({"name": "x"}, writer("never", "", [])).facts == {"rows": 1}


def test_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    def full(folder: Path) -> dict[str, int]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(
        StorageError,
        match=r"x/.*: expected storage that can be used; found a full disk\. Free some space and run again",
    ):
        Store(tmp_path).build({"name": "x"}, full)


def test_the_manifest_names_inputs_settings_and_every_file(root: str) -> None:
    store = Store(root)
    identity = {"name": "down", "version": "7", "settings": {"rate": 0.5}, "inputs": {"up": "known"}}
    down = store.build(identity, writer("d.txt", "", []))
    manifest = json.loads(store.root.read(f"{store.key(down)}/{MANIFEST}"))
    assert {name: manifest[name] for name in identity} == identity
    # SHA-256 of the empty string (FIPS 180-4 test vector)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert manifest["files"] == {"d.txt": {"size": 0, "sha256": empty}}


@pytest.mark.parametrize("key", ["content", "facts", "files", "seal"])
def test_an_identity_that_its_manifest_would_write_over_is_refused_before_anything_is_made(root: str, key: str) -> None:
    with pytest.raises(ValueError, match=f"other keys than {key}:"):
        Store(root).build({"name": "x", key: []}, lambda folder: pytest.fail("it was made"))


def test_a_folder_without_a_manifest_is_not_an_artifact(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="expected a finished artifact"):
        Store(tmp_path).open(tmp_path)


def test_a_missing_file_is_named_with_what_there_is(root: str) -> None:
    artifact = Store(root).build({"name": "x"}, writer("a.txt", "1", []))
    with pytest.raises(StorageError, match=r"expected a file b\.txt; found a\.txt\. .*mathsieve verify"):
        artifact.file("b.txt")


def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        StorageError, match=r"file/home: expected a root that can be written; found Not a directory.*MATHSIEVE_HOME"
    ):
        check_writable(tmp_path / "file" / "home")
    check_writable(tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == []


def test_two_processes_that_write_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "reference.json"
    other = (
        "import sys; from pathlib import Path; from pipelines.storage import atomic_file\n"
        "with atomic_file(Path(sys.argv[1])) as temporary: temporary.write_text('theirs')"
    )
    with atomic_file(path) as temporary:
        temporary.write_text("ours")
        subprocess.run([sys.executable, "-c", other, str(path)], check=True, timeout=120)
        assert path.read_text() == "theirs"
    assert path.read_text() == "ours"
    assert list(tmp_path.iterdir()) == [path]
