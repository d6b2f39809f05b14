"""Namespaces, and a root that holds only what an interpreter reads. Needs no privilege, and uses root's where it has it."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

from evaluators.sandbox.server import syscalls
from evaluators.sandbox.server.syscalls import call, mount, unmount

HOME = "/sandbox"
HOST_NAME = b"sandbox"
INNER_ID = 1000
"""User and group id that a session sees."""
TEMPORARY = "/tmp"
"""Programs write there without asking; it leads to their own folder."""
_STAGE = "/tmp"
"""Where the new root is put together: a mount point in this mount namespace only."""


class Refused(Exception):
    """A wall cannot be built here: which item, why, and what would help."""

    def __init__(self, item: str, found: object, remedy: str) -> None:
        super().__init__(f"{item}: {found}. {remedy}")


def enter(outer_id: int) -> None:
    """Move into new namespaces of every kind that matters. Where root may give ids away, `outer_id` becomes the
    sessions' own id outside; anybody else can only map itself."""
    privileged = may_change_ids(outer_id)
    if privileged:
        os.setgroups([])
        users, groups = f"0 0 1\n{INNER_ID} {outer_id} 1\n", f"0 {os.getegid()} 1\n{INNER_ID} {outer_id} 1\n"
    else:
        users, groups = f"{INNER_ID} {os.geteuid()} 1\n", f"{INNER_ID} {os.getegid()} 1\n"
    ours, helpers = os.pipe(), os.pipe()
    target = os.getpid()
    helper = os.fork()
    if helper == 0:  # stays in the parent namespace, where alone more than one id can be mapped
        os.close(ours[1])
        os.read(ours[0], 1)
        os.write(helpers[1], _write_maps(target, users, groups, deny_groups=not privileged))
        os._exit(0)
    try:
        for item, flag in (
            ("user namespace", syscalls.CLONE_NEWUSER),
            ("mount namespace", syscalls.CLONE_NEWNS),
            ("pid namespace", syscalls.CLONE_NEWPID),
            ("network namespace", syscalls.CLONE_NEWNET),
            ("ipc namespace", syscalls.CLONE_NEWIPC),
            ("uts namespace", syscalls.CLONE_NEWUTS),
            ("cgroup namespace", syscalls.CLONE_NEWCGROUP),
        ):
            _unshare(item, flag)
        call("sethostname", HOST_NAME, len(HOST_NAME))
        os.write(ours[1], b"1")
        os.close(helpers[1])
        answer = os.read(helpers[0], 4096).decode()
    finally:
        os.close(ours[1])
        os.waitpid(helper, 0)
    for descriptor in (ours[0], helpers[0]):
        os.close(descriptor)
    if answer != "done":
        raise Refused(
            "id mapping", answer or "no answer", "Grant CAP_SETUID and CAP_SETGID, or run as an ordinary user."
        )


def may_change_ids(to: int) -> bool:
    """Whether this is a root that may take another id, tried in a child: some containers give root no CAP_SETUID."""
    if os.geteuid() != 0:
        return False
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(to, to, to)
            os.setresuid(to, to, to)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def enter_for_session(proc: int) -> None:
    """A user namespace of the session's own, so that RLIMIT_NPROC counts its threads alone, and a mount namespace."""
    call("unshare", syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{INNER_ID} {INNER_ID} 1"),
        ("gid_map", f"{INNER_ID} {INNER_ID} 1"),
    ):
        handle = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        try:
            os.write(handle, text.encode())
        finally:
            os.close(handle)


def _unshare(item: str, flag: int) -> None:
    try:
        call("unshare", flag)
    except OSError as error:
        remedy = (
            "Allow unprivileged user namespaces (kernel.unprivileged_userns_clone=1, user.max_user_namespaces > 0, "
            "kernel.apparmor_restrict_unprivileged_userns=0; in a container a seccomp profile that permits unshare), "
            "or use the landlock tier."
        )
        raise Refused(item, error, remedy) from error


def _write_maps(target: int, users: str, groups: str, *, deny_groups: bool) -> bytes:
    try:
        if deny_groups:
            Path(f"/proc/{target}/setgroups").write_text("deny")
        Path(f"/proc/{target}/uid_map").write_text(users)
        Path(f"/proc/{target}/gid_map").write_text(groups)
    except OSError as error:
        return str(error).encode()
    return b"done"


def pivot(named: Iterable[str], devices: Iterable[str]) -> None:
    """Change the root to a read-only tmpfs with these paths bound into it read-only, and let go of everything else.

    Symbolic links on the way to a path are made again, so that each path works as it was named. Sources are opened
    before privileges go: they may lie beneath a directory that only root may enter.
    """
    mount("none", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
    plan = _plan(named)
    sources = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in (*plan.bound, *devices)}
    mount("tmpfs", _STAGE, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "size=1m,mode=755")
    for link, destination in plan.links:
        place = Path(_STAGE + link)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(destination)
    for path, source in sources.items():
        target = Path(_STAGE + path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISDIR(os.fstat(source).st_mode):
            target.mkdir(exist_ok=True)
        else:
            target.touch()
        mount(f"/proc/self/fd/{source}", str(target), "", syscalls.MS_BIND | syscalls.MS_REC)
        os.close(source)
        _make_read_only(str(target), device=path.startswith("/dev/"))
    Path(_STAGE + HOME).mkdir()
    if not Path(_STAGE + TEMPORARY).exists():  # it does where the interpreter lies below it
        Path(_STAGE + TEMPORARY).symlink_to(HOME)
    os.chdir(_STAGE)
    call("pivot_root", b".", b".")
    unmount(".", syscalls.MNT_DETACH)
    os.chdir("/")
    mount("none", "/", "", syscalls.MS_REMOUNT | syscalls.MS_RDONLY | syscalls.MS_NOSUID | syscalls.MS_NODEV)


def mount_home(megabytes: int, files: int) -> None:
    """A session's own writable folder. It goes when the session's mount namespace does: with the session."""
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    mount("tmpfs", HOME, "tmpfs", flags, f"size={megabytes}m,nr_inodes={files + 1},mode=700")


class _Plan:
    """Which real paths to bind, and which symbolic links lead to them."""

    def __init__(self) -> None:
        self.bound: list[str] = []
        self.links: list[tuple[str, str]] = []


def _plan(named: Iterable[str]) -> _Plan:
    plan = _Plan()
    named = [path for path in named if os.path.exists(path)]  # noqa: PTH110 - plain strings throughout this module
    real = sorted({os.path.realpath(path) for path in named})
    plan.bound = [path for path in real if not any(path.startswith(other + "/") for other in real)]
    for path in named:
        _follow(path, plan)
    return plan


def _follow(path: str, plan: _Plan) -> None:
    """Note every symbolic link met while walking `path`, up to where a bound directory takes over."""
    rest, here = [part for part in path.split("/") if part], ""
    while rest:
        here += "/" + rest.pop(0)
        if any(here == bound or here.startswith(bound + "/") for bound in plan.bound):
            return
        if os.path.islink(here):  # noqa: PTH114
            target = os.readlink(here)  # noqa: PTH115
            if (here, target) not in plan.links:
                plan.links.append((here, target))
            joined = os.path.normpath(os.path.join(os.path.dirname(here), target))  # noqa: PTH118, PTH120
            rest, here = [part for part in joined.split("/") if part] + rest, ""


def _make_read_only(path: str, *, device: bool) -> None:
    """A device can still be written to where its mount is read-only; its mode and times cannot be changed."""
    wanted = syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_RDONLY
    if not device:
        wanted |= syscalls.MOUNT_ATTR_NODEV
    attributes = struct.pack("QQQQ", wanted, 0, 0, 0)
    call("mount_setattr", syscalls.AT_FDCWD, path.encode(), syscalls.AT_RECURSIVE, attributes, len(attributes))
