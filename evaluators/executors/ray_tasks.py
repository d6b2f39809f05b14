"""Shards as tasks of Ray: on a cluster that runs, or on one that is started here and ends with the work."""

from __future__ import annotations

import os
import pickle
import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evaluators.executors.local import resident_bytes
from evaluators.executors.outcomes import SHORT_OF_MEMORY, Job, Outcome, attempt, describe_excess
from evaluators.executors.settings import RayExecutor
from evaluators.executors.shards import ShardError

MEMORY_LOOK = 0.5  # seconds between looks at a task's memory
LOOK = 5.0  # seconds; how long a wait for the next task may take before the cluster is looked at again
ROOT = Path(__file__).resolve().parents[2]
ANSWER = 10.0  # seconds in which a cluster is to answer
STARTS = 3  # attempts at a cluster of our own
STORE = 80 * 2**20  # bytes of Ray's object store: it is given a shard's name at most
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
PATIENT = {"RAY_worker_register_timeout_seconds": "600", "RAY_raylet_start_wait_time_s": "600"}
"""Ray gives a worker 60 seconds to start, then starts another, for ever: a machine that is busy needs longer."""


def run_ray(job: Job, executor: RayExecutor) -> Generator[tuple[int, Outcome]]:
    """The outcome of each shard, as they end. Closed early, it ends its tasks."""
    require_ray()
    if executor.address is None and "ray" not in sys.modules:
        _set_up_environment()
    import ray

    _join(executor)
    _require_room(executor)
    work = ray.put(pickle.dumps(job.work))
    task = ray.remote(num_cpus=executor.cpus, memory=int(executor.memory * 2**30), max_retries=0)(_attempt)
    waiting = list(job.shards)[::-1]
    running: dict[Any, int] = {}
    most = executor.workers or 2 * max(1, int(ray.cluster_resources().get("CPU", 1)) // executor.cpus)
    try:
        while waiting or running:
            while waiting and len(running) < most:
                number = waiting.pop()
                running[task.remote(work, pickle.dumps(job.shards[number]), executor.memory)] = number
            ended, _ = ray.wait(list(running), num_returns=1, timeout=LOOK)
            for reference in ended:
                yield running.pop(reference), _outcome(reference)
    finally:
        for reference in running:
            ray.cancel(reference, force=True)


def require_ray() -> None:
    """Raises ShardError where it is not installed."""
    if find_spec("ray") is None:
        raise ShardError(
            "ray: expected Ray in this environment; found none. Install it, pip install 'mathsieve[ray]', or choose another "
            "executor: {kind: local}, {kind: slurm, ...}."
        )


def _set_up_environment() -> None:
    """Of a cluster of our own; read when Ray is imported. Some of its servers listen on every interface: whoever speaks to
    them has to know the token."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    for name, value in {**QUIET, **PATIENT, **token}.items():
        os.environ.setdefault(name, value)


class _OverMemory(BaseException):
    """No Exception: what the work catches it must not catch."""


def _attempt(work: bytes, shard: bytes, memory: float) -> bytes:
    """On whichever machine takes it. Ray reserves a task's memory and lets it take more: that is for us to see."""
    try:
        with _hold_to(memory):
            return pickle.dumps(attempt(pickle.loads(work), pickle.loads(shard)))
    except _OverMemory as error:
        return pickle.dumps(Outcome(kind="refused", said=str(error)))


@contextmanager
def _hold_to(gib: float) -> Iterator[None]:
    """Raises _OverMemory in this thread, the process's first, when the process takes more."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(MEMORY_LOOK):
            if resident_bytes(os.getpid()) > gib * 2**30:
                signal.pthread_kill(first, signal.SIGUSR1)
                return

    def give_up(*_: object) -> None:
        raise _OverMemory(describe_excess(resident_bytes(os.getpid()), gib))

    first, watcher = threading.get_ident(), threading.Thread(target=watch, daemon=True)
    before = signal.signal(signal.SIGUSR1, give_up)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        signal.signal(signal.SIGUSR1, before)


def _outcome(reference: Any) -> Outcome:
    import ray

    try:
        outcome: Outcome = pickle.loads(ray.get(reference))
    except ray.exceptions.OutOfMemoryError:
        return Outcome(kind="lost", said="Ray ended its worker: the machine's memory was short")
    except ray.exceptions.WorkerCrashedError:
        return Outcome(kind="lost", said=f"its process was killed, {SHORT_OF_MEMORY} (signal 9: SIGKILL)")
    except (ray.exceptions.NodeDiedError, ray.exceptions.ObjectLostError) as error:
        return Outcome(kind="lost", said=f"its machine is gone ({type(error).__name__})")
    except ray.exceptions.RayTaskError as error:  # before the work began: it cannot be read there
        return Outcome(kind="raised", said=f"{type(error.cause).__name__}: {error.cause}", trace=str(error))
    return outcome


def _join(executor: RayExecutor) -> None:
    """Be part of a cluster from now on; one that is started here ends with this process."""
    import ray

    if ray.is_initialized():
        return
    _knock(executor.address)
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    own: dict[str, Any] = {"address": executor.address}
    if executor.address is None:
        cpus = executor.workers * executor.cpus if executor.workers else len(os.sched_getaffinity(0))
        own = {
            "address": "local",
            "num_cpus": cpus,
            "object_store_memory": STORE,
            "include_dashboard": False,
            "_node_ip_address": "127.0.0.1",
            "_temp_dir": str(Path(tempfile.gettempdir()) / "ray"),
        }
    for attempt_number in range(1, STARTS + 1):
        try:
            ray.init(
                **own, log_to_driver=False, configure_logging=False, runtime_env={"env_vars": {"PYTHONPATH": paths}}
            )
            return
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise _no_cluster(executor.address or "this machine", error) from error
        except Exception as error:  # Ray raises just that where what it started is not up within 30 seconds
            if "timed out" not in str(error):
                raise
            if attempt_number == STARTS:
                raise ShardError(
                    f"executor: expected Ray to start on this machine; found {STARTS} times: {error} Run again when the "
                    "machine is less busy, start one (`ray start --head`) and name its address, or choose {kind: local}."
                ) from error


def _knock(address: str | None) -> None:
    """Raises ShardError where nobody listens at HOST:PORT: Ray would try again for minutes, and tell of each attempt."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(str(address), error) from error


def _no_cluster(place: str, error: Exception) -> ShardError:
    return ShardError(
        f"executor.address: expected a Ray cluster at {place}; found: {error}. Start one (`ray start --head`) and name its "
        "address, or leave it out."
    )


def _require_room(executor: RayExecutor) -> None:
    """Raises ShardError where no machine of the cluster could ever take a task: Ray would wait for one for ever."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(
        node.get("CPU", 0) >= executor.cpus and node.get("memory", 0) >= executor.memory * 2**30 for node in nodes
    ):
        largest: dict[str, float] = max(nodes, key=lambda node: node.get("memory", 0), default={})
        raise ShardError(
            f"executor: expected a machine with {executor.cpus} CPUs and {executor.memory:g} GiB for a task; the largest of Ray's "
            f"has {largest.get('CPU', 0):g} CPUs and {largest.get('memory', 0) / 2**30:.1f} GiB. Lower executor.cpus or "
            "executor.memory."
        )
