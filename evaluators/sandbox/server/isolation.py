"""The walls around sessions: what the server prepares once, then what each session gives up for good.

strict    the server enters new user, mount, pid, net, ipc, uts and cgroup namespaces and pivots into a read-only
          root that holds the interpreter, its libraries and four devices, and nothing else. Each session adds a
          user and a mount namespace with a small tmpfs, then Landlock, seccomp and rlimits.
landlock  no namespace (most pods refuse them): Landlock, seccomp and rlimits, a folder of the session's own, and,
          where the server is a root that may change ids, a uid of its own for each session. Threads only with one.
unsafe    rlimits only.
"""

from __future__ import annotations

import os
import resource
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGKILL

from evaluators.sandbox.server import landlock, namespaces, seccomp, syscalls
from evaluators.sandbox.server.agent import SPARE_ADDRESS_SPACE
from evaluators.sandbox.server.namespaces import HOME, INNER_ID, Refused
from evaluators.sandbox.server.syscalls import call, prctl

SYSTEM_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")
SYSTEM_FILES = ("/etc/ld.so.cache",)
LOADER = "/lib64/ld-linux-x86-64.so.2"
"""What the kernel starts a dynamically linked program by."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
FIRST_UID, UID_SLOTS = 61184, 4096
"""Ids that systemd keeps free for such use (systemd.io/UIDS-GIDS, DynamicUser=: 61184 to 65519): no account has them."""
WARMTH_MB, WARMTH_FILES = 16, 1000
"""For what packages write as they are preloaded: Matplotlib its list of fonts. Sessions mount their own above it."""
STACK_BYTES = 64 << 20
"""Of the main thread. Deeper recursion in C ends in SIGSEGV, which is that session's own."""
SESSION_DESCRIPTORS = 64
_ALIAS_BASE = 200
"""Descriptor numbers of directories reached through /proc/self/fd: above what RLIMIT_NOFILE lets a session open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walls:
    """What the server prepared and every session needs."""

    tier: str
    readable: tuple[str, ...]
    aliases: Mapping[str, str]
    """Real directory -> the /proc/self/fd path by which a session without root's rights reaches it."""
    proc: int
    """The machine's /proc, opened before the root changed. Closed in sessions."""
    own_uids: bool
    """Whether each session changes to a uid of its own."""
    binary: str | None
    """The one program that hosts of the interpreter tier may start."""
    rules: landlock.Ruleset | None
    host_rules: landlock.Ruleset | None
    filters: Mapping[str, bytes]
    """By what a session may make: nothing, threads, or, a host, the interpreter's process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is one session's own."""

    uid: int
    keep: int
    """The one descriptor above 2 that stays open."""
    server: int
    """Pid of the process whose death ends this one."""
    folder: str | None
    """A writable folder, made for it; None in the strict tier, which has a file system of its own, or where none can be."""
    hosts: bool = False
    """Whether it starts the program of the interpreter tier."""


def build(tier: str, directories: list[str], slot: int, *, abi: int, binary: str | None = None) -> Walls:
    """Put the walls of this tier around the calling process, which must have one thread.

    In `strict` the process forks: the copy in the new pid namespace returns, the other waits for it outside and then
    exits. `abi`: the newest version of Landlock to make use of. Raises Refused, naming the item that is missing.
    """
    abi = min(abi, landlock.version())
    named = [*directories, *SYSTEM_LIBRARIES, *SYSTEM_FILES, *([binary] if binary else [])]
    if tier == "strict":
        _require_machine()
        _require_kernel(abi)
        namespaces.enter(FIRST_UID + slot % UID_SLOTS)
        _fork_inside()
        proc = _open_proc()
        try:
            namespaces.pivot(named, _existing(DEVICES))
            _become_inner_user()
            namespaces.mount_home(WARMTH_MB, WARMTH_FILES)
        except OSError as error:
            raise Refused(
                "private root", error, "Use the landlock tier, or a container that permits mounts."
            ) from error
        walls = _walls(tier, abi, _existing(named), {}, proc=proc, own_uids=False)
        return _with_host(walls, binary, abi) if binary else walls
    aliases: dict[str, str] = {}
    own_uids = False
    if tier == "landlock":
        _require_machine()
        _require_kernel(abi)
        own_uids = namespaces.may_change_ids(FIRST_UID)
        aliases = _alias_private(directories) if own_uids else {}
    return _walls(tier, abi, _existing(named), aliases, proc=_open_proc(), own_uids=own_uids)


def _walls(
    tier: str, abi: int, readable: tuple[str, ...], aliases: Mapping[str, str], *, proc: int, own_uids: bool
) -> Walls:
    rules: landlock.Ruleset | None = None
    filters: dict[str, bytes] = {}
    if tier != "unsafe":
        rules = landlock.ruleset([aliases.get(path, path) for path in readable], _existing(DEVICES), abi=abi)
        own_root = tier == "strict"
        kinds = ("nothing", "threads")
        filters = {kind: seccomp.template(threads=kind == "threads", own_root=own_root) for kind in kinds}
    return Walls(
        tier=tier,
        readable=readable,
        aliases=aliases,
        proc=proc,
        own_uids=own_uids,
        binary=None,
        rules=rules,
        host_rules=None,
        filters=filters,
    )


def _with_host(walls: Walls, binary: str, abi: int) -> Walls:
    """The same walls, and what hosts of the interpreter tier have beyond a session: to start that one program."""
    programs = _existing([binary, LOADER])
    rules = landlock.ruleset(walls.readable, _existing(DEVICES), programs, abi=abi)
    filters = {**walls.filters, "host": seccomp.template(threads=True, own_root=True, starts=True)}
    return replace(walls, binary=binary, host_rules=rules, filters=filters)


def enclose(walls: Walls, limits: Mapping[str, int], place: Place) -> None:
    """Give up, in a freshly forked session, everything but running code: the last act before foreign code."""
    uid = place.uid
    _offer_to_oom_killer(walls.proc)
    if walls.tier == "strict":
        namespaces.enter_for_session(walls.proc)
        namespaces.mount_home(limits["file_mb"], limits["files"])
        os.chdir(HOME)
    elif place.folder is not None:
        os.mkdir(place.folder, 0o700)  # noqa: PTH102
        if walls.own_uids:
            os.chown(place.folder, uid, uid)
        os.chdir(place.folder)
    else:
        os.chdir("/")
    threads = limits["threads"] if walls.tier == "strict" or walls.own_uids else 0
    _limit(limits, threads)
    if walls.own_uids:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    if walls.rules is not None:
        own = HOME if walls.tier == "strict" else place.folder
        rules = walls.host_rules if place.hosts and walls.host_rules is not None else walls.rules
        landlock.restrict(rules, [own] if own is not None else [])
        call("capset", struct.pack("Ii", syscalls.LINUX_CAPABILITY_VERSION_3, 0), bytes(24))
    _close_others(place.keep, walls.aliases)
    prctl(syscalls.PR_SET_DUMPABLE, 0)
    prctl(syscalls.PR_SET_PDEATHSIG, SIGKILL)  # after the change of ids, which clears it
    if os.getppid() != place.server:
        os._exit(0)
    if walls.tier != "unsafe":
        kind = "host" if place.hosts else "threads" if threads else "nothing"
        syscalls.seccomp_filter(seccomp.program(walls.filters[kind], os.getpid()))


def memory_bytes(proc: int) -> tuple[int, int]:
    """Address space and resident memory of this process: its warm libraries are no session's own."""
    handle = os.open("self/statm", os.O_RDONLY, dir_fd=proc)
    try:
        mapped, resident = os.read(handle, 256).split()[:2]
    finally:
        os.close(handle)
    return int(mapped) * resource.getpagesize(), int(resident) * resource.getpagesize()


def _require_machine() -> None:
    found = f"{sys.platform} on {os.uname().machine}"
    if found != "linux on x86_64" or sys.maxsize < 2**32:
        raise Refused("machine", f"found {found}", "The tables of system calls here are those of Linux on x86_64.")


def _require_kernel(abi: int) -> None:
    """Landlock of any version: what the first cannot judge, truncation and sockets, the filter of calls refuses."""
    if abi < 1:
        raise Refused(
            "Landlock", "not in this kernel, or not switched on", "Use a kernel >= 5.13 with landlock in lsm=."
        )
    try:
        call("seccomp", syscalls.SECCOMP_GET_ACTION_AVAIL, 0, struct.pack("I", seccomp.ERRNO))
    except OSError as error:
        remedy = "Use a kernel with CONFIG_SECCOMP_FILTER, and a container whose profile permits seccomp(2)."
        raise Refused("seccomp", error, remedy) from error


def _open_proc() -> int:
    return os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _existing(paths: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Real paths, each once, without those that lie inside another."""
    real = sorted({os.path.realpath(path) for path in paths if Path(path).exists()})
    return tuple(path for path in real if not any(path.startswith(other + "/") for other in real))


def _fork_inside() -> None:
    """Fork into the new pid namespace, whose first process dies with all others in it when it is killed."""
    child = os.fork()
    if child:
        os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])  # the owner sees the end of the inner one
        os.waitpid(child, 0)
        os._exit(0)
    prctl(syscalls.PR_SET_PDEATHSIG, SIGKILL)


def _become_inner_user() -> None:
    """Leave root's id, where the server has it, but keep the capabilities inside the namespace: sessions need mounts."""
    if os.geteuid() == 0:
        prctl(syscalls.PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(INNER_ID, INNER_ID, INNER_ID)
        os.setresuid(INNER_ID, INNER_ID, INNER_ID)
        every = (1 << 32) - 1
        capabilities = struct.pack("6I", every, every, 0, 0x1FF, 0x1FF, 0)
        call("capset", struct.pack("Ii", syscalls.LINUX_CAPABILITY_VERSION_3, 0), capabilities)
        prctl(syscalls.PR_SET_DUMPABLE, 1)  # /proc/self/uid_map of sessions must be writable
    prctl(syscalls.PR_SET_PDEATHSIG, SIGKILL)  # a change of ids clears it
    os.umask(0o077)


def _alias_private(directories: list[str]) -> dict[str, str]:
    """Directories beneath one that only root may enter, opened now, to be reached as /proc/self/fd/N after root goes."""
    aliases: dict[str, str] = {}
    for path in _existing(directories):
        if all(parent.stat().st_mode & 0o001 for parent in Path(path).parents):
            continue
        handle, number = os.open(path, os.O_PATH | os.O_DIRECTORY), _ALIAS_BASE + len(aliases)
        os.dup2(handle, number)
        os.close(handle)
        aliases[path] = f"/proc/self/fd/{number}"
    return aliases


def _offer_to_oom_killer(proc: int) -> None:
    """Should the machine run out of memory, let a session be what the kernel ends, not its owner."""
    try:
        handle = os.open("self/oom_score_adj", os.O_WRONLY, dir_fd=proc)
    except PermissionError:  # some containers mount /proc read-only
        return
    try:
        os.write(handle, b"1000")
    finally:
        os.close(handle)


def _close_others(keep: int, aliases: Mapping[str, str]) -> None:
    first = 3
    for kept in sorted({keep, *(int(alias.rpartition("/")[2]) for alias in aliases.values())}):
        if kept > first:
            os.closerange(first, kept)
        first = kept + 1
    os.closerange(first, 0x7FFFFFFF)


def _limit(limits: Mapping[str, int], threads: int) -> None:
    def limit(name: str, soft: int, hard: int) -> None:
        try:
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (soft, hard))
        except ValueError as error:
            found = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]
            remedy = "Raise it for this user (ulimit -H, limits.conf, a pod's limits), or ask for less of it."
            raise Refused(f"hard limit {name}", f"found {found}, need {hard}", remedy) from error

    address_space, cpu_seconds = limits["address_space"], limits["cpu_seconds"]
    limit("AS", address_space, address_space + SPARE_ADDRESS_SPACE)
    limit("CPU", cpu_seconds, cpu_seconds + 1)  # SIGXCPU, then SIGKILL
    bounds = {"FSIZE": limits["file_mb"] << 20, "STACK": STACK_BYTES, "NOFILE": SESSION_DESCRIPTORS, "CORE": 0}
    bounds |= {"MEMLOCK": 0, "MSGQUEUE": 0, "SIGPENDING": 64}
    if threads:
        bounds["NPROC"] = threads + 1
    for name, value in bounds.items():
        limit(name, value, value)
