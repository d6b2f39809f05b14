"""A Slurm of one node on loopback, in a folder, without systemd: munged, slurmctld and slurmd as children of the tests.

Needs root, and Debian's slurm-wlm and munge.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CONF = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0
MinJobAge=86400
MaxArraySize=1001
RebootProgram=/bin/false
ReturnToService=2
SlurmdTimeout=0
KillWait=2
CompleteWait=0
OverTimeLimit=0
PropagateResourceLimitsExcept=ALL
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
PartitionName=short Nodes=ALL MaxTime=10 State=UP OverSubscribe=NO
"""
CGROUP = "CgroupPlugin=cgroup/v1\nIgnoreSystemd=yes\n"


def require_slurm() -> None:
    """Skip the test, saying what is missing, where no Slurm can be started."""
    missing = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if shutil.which(name, path=_path()) is None]
    if missing:
        pytest.skip(f"NO SLURM HERE: {', '.join(missing)} missing; apt-get install slurm-wlm munge")
    if os.getuid():
        pytest.skip("NO SLURM HERE: its daemons start as root only")


@contextmanager
def one_node_slurm(folder: Path) -> Iterator[Path]:
    """Its slurm.conf, which SLURM_CONF is to name. The daemons end with the block."""
    folder.chmod(0o755)
    for name in ("state", "spool", "log", "munge"):
        (folder / name).mkdir()
    (folder / "munge").chmod(0o711)  # others may go through to the socket
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    memory = int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 0.8) >> 20
    conf = folder / "slurm.conf"
    conf.write_text(
        CONF.format(
            host=socket.gethostname().partition(".")[0],
            controller=_free_port(),
            node=_free_port(),
            folder=folder,
            cpus=os.cpu_count(),
            memory=memory,
        )
    )
    (folder / "cgroup.conf").write_text(CGROUP)
    environment = {**os.environ, "SLURM_CONF": str(conf), "PATH": _path()}
    munge = [
        f"--{name}={folder}/munge/{name.partition('-')[0]}" for name in ("key-file", "socket", "pid-file", "seed-file")
    ]
    commands = [
        ["munged", "--foreground", "--force", "--num-threads=2", *munge, f"--log-file={folder}/log/munged.log"],
        ["slurmctld", "-D", "-i", "-f", str(conf)],
        ["slurmd", "-D", "-f", str(conf)],
    ]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            running.append(
                subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            if command[0] == "munged":
                _wait_until(lambda: (folder / "munge" / "socket").exists(), 10, folder)
        _wait_until(lambda: _node_state(environment) == "idle", 30, folder)
        yield conf
    finally:
        for process in reversed(running):
            process.terminate()
        for process in reversed(running):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _node_state(environment: dict[str, str]) -> str:
    asked = subprocess.run(["sinfo", "-h", "-p", "main", "-o", "%T"], env=environment, capture_output=True, text=True)
    return asked.stdout.strip()


def _wait_until(holds: object, seconds: float, folder: Path) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        if time.monotonic() > deadline:
            logs = "\n".join(path.read_text()[-2000:] for path in sorted((folder / "log").iterdir()))
            pytest.skip(f"NO SLURM HERE: it did not start within {seconds:g} s:\n{logs}")
        time.sleep(0.1)


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
