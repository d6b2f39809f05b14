"""Real engines: a Slurm in a folder, and Ray on this machine. Each skips, and says so, where it cannot be had."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from evaluators.executors import RayExecutor, SlurmExecutor
from tests.one_node_slurm import one_node_slurm, require_slurm


@pytest.fixture(scope="session")
def slurm_conf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    require_slurm()
    with one_node_slurm(tmp_path_factory.mktemp("slurm")) as conf:
        yield conf


@pytest.fixture
def slurm(slurm_conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlurmExecutor:
    monkeypatch.setenv("SLURM_CONF", str(slurm_conf))
    return SlurmExecutor(kind="slurm", shared=tmp_path / "shared", partition="main", time="5", memory=0.5)


@pytest.fixture
def ray_executor() -> RayExecutor:
    if find_spec("ray") is None:
        pytest.skip("NO RAY HERE: pip install 'mathsieve[ray]'")
    return RayExecutor(kind="ray", workers=2, memory=0.3)
