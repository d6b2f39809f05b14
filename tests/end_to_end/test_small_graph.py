"""The command a user types, on a small recipe: real Dagster, real WARC files, a real model behind a real vLLM server."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.storage import Artifact, Store
from pipelines.urls import canonical_url

CHECKOUT = Path(__file__).resolve().parents[2]
RECIPE = Path(__file__).parent / "small.yaml"
CORPUS_AND_MIXTURE = 'key:"math_corpus" or key:"sft_mixture"'


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "assets.command_line", "run", str(RECIPE), *words]


def environment(home: Path) -> dict[str, str]:
    """Artifacts and Dagster's history apart from those of the checkout."""
    home.mkdir(parents=True, exist_ok=True)
    settings = (CHECKOUT / "dagster.yaml").read_text(encoding="utf-8").replace("data/dagster", str(home / "dagster"))
    (home / "dagster.yaml").write_text(settings, encoding="utf-8")
    return {**os.environ, "MATHSIEVE_HOME": str(home), "DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1"}


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), cwd=CHECKOUT, env=environment(home), capture_output=True, text=True, check=False, timeout=1200
    )


def artifact(home: Path, reference: str) -> Artifact:
    folder = home / "small"
    path = json.loads((folder / "refs" / f"{reference}.json").read_text(encoding="utf-8"))["path"]
    return Store(folder).open(folder / path)


def manifests(home: Path) -> dict[str, float]:
    return {str(path.relative_to(home)): path.stat().st_mtime for path in (home / "small").rglob("manifest.json")}


def stopped_at(home: Path, said: str, number: int) -> int:
    """Exit status of a run that meets a signal a little after its standard error has said something."""
    home.mkdir(exist_ok=True)
    told = home.with_suffix(".stderr")
    with told.open("wb") as errors:
        process = subprocess.Popen(
            command("--select", CORPUS_AND_MIXTURE), cwd=CHECKOUT, env=environment(home), stderr=errors
        )
    deadline = time.monotonic() + 120
    while said not in told.read_text(encoding="utf-8") and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)  # the stage has started its workers, most often
    process.send_signal(number)
    return process.wait(60)


def left_of(home: Path, within: float) -> list[str]:
    """Command lines of processes that hold the run's MATHSIEVE_HOME, as soon as there are none or time is up."""
    mark = f"MATHSIEVE_HOME={home}".encode()
    deadline = time.monotonic() + within
    while True:
        left = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended, or is not ours
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    left.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The home of a run of the whole graph, and what it said."""
    home = tmp_path_factory.mktemp("whole")
    done = run(home)
    assert done.returncode == 0, done.stderr[-3000:]
    return home, done


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_the_bytes_of_one_that_was_not(
    whole: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    stops = [("] pages", signal.SIGKILL), ("] pages", signal.SIGTERM), ("/classifier", signal.SIGKILL)]
    for said, number in stops:
        assert stopped_at(killed, said, number) == (130 if number == signal.SIGTERM else -signal.SIGKILL)
        assert left_of(killed, within=30) == []
    assert run(killed, "--select", CORPUS_AND_MIXTURE).returncode == 0
    for name in ("math_corpus", "sft_mixture"):
        assert artifact(killed, name).content == artifact(whole[0], name).content
    assert artifact(killed, "math_corpus").facts["rows"] > 0


def assert_one_fate_each(home: Path) -> None:
    """Each URL of the crawl whose record is whole: dropped, never collected, exported, or dropped after extraction."""
    truth = (artifact(home, "planted_crawl").path / "truth.jsonl").read_text(encoding="utf-8")
    crawled = {row["url"] for row in map(json.loads, truth.splitlines()) if not row["broken"]}
    tables = [artifact(home, f"pages/{snapshot}").path for snapshot in ("CC-MAIN-2025-05", "CC-MAIN-2025-08")]
    pages = {key for table in tables for key in keys(table, "pages")}
    assert {canonical_url(url) for url in crawled} <= pages
    corpus = artifact(home, "math_corpus").path
    exported, dropped = keys(corpus / "data"), keys(corpus / "ledger")
    collected = keys(artifact(home, "iteration_2/corpus").path)
    assert len(collected) == len(set(collected)) > 0
    assert set(collected) <= pages
    assert sorted(exported + dropped) == sorted(collected)


def keys(folder: Path, name: str = "") -> list[str]:
    return [
        key
        for path in sorted(folder.rglob(f"{name}*.parquet"))
        for key in pq.read_table(path, columns=["url_key"])["url_key"].to_pylist()
    ]


@pytest.mark.slow
def test_the_whole_graph_runs_and_a_second_run_makes_nothing(
    whole: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    home, first = whole
    page = artifact(home, "benchmark_report").file("report.html")
    assert str(page) in first.stdout
    text = page.read_text(encoding="utf-8")
    assert "Templated-easy" in text
    assert "http" not in text.partition("<body")[0].replace("http-equiv", "").replace("http://www.w3.org", "")
    scores = json.loads(artifact(home, "sft/scores/templated_easy.cot").file("scores.json").read_text(encoding="utf-8"))
    assert scores["problems"] == 6
    rows = {row["corpus"]: row for row in artifact(home, "proxy_models").facts["compared"]}
    assert set(rows) == {"no_math_training", "seed", "iteration_1", "iteration_2", "random_pages"}
    grown = artifact(home, "corpus_report").file("report.html").read_text(encoding="utf-8")
    for row in rows.values():
        assert row["asked"] == 2
        assert f">{row['bits_per_byte']:.3f}<" in grown
    assert_one_fate_each(home)
    before, memory = manifests(home), home / "small" / "history.json"
    remembered = memory.stat().st_mtime_ns
    second = run(home)
    assert second.returncode == 0
    assert manifests(home) == before
    (made,) = re.findall(r"(\d+) assets in", first.stderr)
    assert f"{made} assets, all there" in second.stderr
    assert memory.stat().st_mtime_ns == remembered  # Dagster was not asked


def test_a_terminal_sees_progress_with_the_time_that_is_left(tmp_path: Path) -> None:
    terminal, side = os.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))  # rows, columns; 0 x 0 would hide bars
    words = command("--select", "key:url_index")
    process = subprocess.Popen(words, cwd=CHECKOUT, env=environment(tmp_path), stdout=side, stderr=side)
    os.close(side)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: the other side is closed
        while part := os.read(terminal, 65536):
            shown += part
    os.close(terminal)
    text = shown.decode()
    assert process.wait() == 0, text
    assert re.search(r"pages CC-MAIN-2025-05: +\d+%\|.*\[\d\d:\d\d<", text)
    assert re.findall(r"\[(\d)/4\]", text) == ["1", "2", "3", "4"]
    assert "Traceback" not in text


def test_a_bad_recipe_stops_before_anything_runs(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(RECIPE.read_text(encoding="utf-8").replace("count: 2", "cuont: 2"), encoding="utf-8")
    words = [sys.executable, "-m", "assets.command_line", "run", str(bad)]
    done = subprocess.run(
        words,
        cwd=CHECKOUT,
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.strip() == f"{bad}: iterations.cuont: unknown key. Did you mean count?"
    assert not (tmp_path / "home" / "small").exists()


def test_an_empty_crawl_folder_is_told_with_its_remedy(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    recipe = tmp_path / "recipe.yaml"
    text = RECIPE.read_text(encoding="utf-8")
    recipe.write_text(
        "\n".join(line for line in text.splitlines() if not line.startswith("planted"))
        + f"\ncrawl: {{folder: {empty}}}\n",
        encoding="utf-8",
    )
    words = [sys.executable, "-m", "assets.command_line", "run", str(recipe)]
    done = subprocess.run(
        words,
        cwd=CHECKOUT,
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert str(empty) in done.stderr
    assert "found none" in done.stderr
    assert "Traceback" not in done.stderr
