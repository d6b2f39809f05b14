"""Landlock: which paths a session may open, enforced by the kernel for a process and never lifted again."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from evaluators.sandbox.server import syscalls

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_CHAR, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK = 1 << 6, 1 << 9, 1 << 10, 1 << 11
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
FIRST_ABI_RIGHTS = (1 << 13) - 1
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""The rights that may be granted beneath a path that is no directory."""

CREATE_RULESET_VERSION, RULE_PATH_BENEATH = 1, 1


def version() -> int:
    """The kernel's Landlock ABI; 0 where Landlock is not built in or not switched on."""
    try:
        return syscalls.call("landlock_create_ruleset", 0, 0, CREATE_RULESET_VERSION)
    except OSError:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """What every session may open, noted once: the paths by handle, so that no session looks them up again."""

    handled: int
    network: int
    scopes: int
    size: int
    grants: tuple[tuple[int, int], ...]
    """(handle, rights)"""


def ruleset(readable: Iterable[str], devices: Iterable[str], programs: Iterable[str] = (), *, abi: int) -> Ruleset:
    """The rules of a kernel that knows this ABI. The handles stay open.

    All TCP (from ABI 4) and signals out (from ABI 6) are refused too; what an older one cannot judge, seccomp.py refuses.
    """
    handled = FIRST_ABI_RIGHTS | (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0)
    handled |= IOCTL_DEV if abi >= 5 else 0
    grants = [_grant(path, handled & (READ_FILE | READ_DIR)) for path in readable]
    grants += [_grant(path, handled & (READ_FILE | WRITE_FILE | TRUNCATE)) for path in devices]
    grants += [_grant(path, handled & (READ_FILE | EXECUTE)) for path in programs]
    return Ruleset(
        handled=handled,
        network=0b11 if abi >= 4 else 0,  # bind and connect of TCP: no port is granted
        scopes=0b11 if abi >= 6 else 0,  # abstract UNIX sockets, and signals to processes outside
        size=24 if abi >= 6 else 16 if abi >= 4 else 8,
        grants=tuple(grants),
    )


def restrict(rules: Ruleset, writable: Iterable[str]) -> None:
    """Leave this process these paths alone, and all rights but a program's or device's in `writable`. Needs
    no_new_privs."""
    attributes = struct.pack("QQQ", rules.handled, rules.network, rules.scopes)
    made = syscalls.call("landlock_create_ruleset", attributes, rules.size, 0)
    own = rules.handled & ~(EXECUTE | MAKE_CHAR | MAKE_BLOCK | MAKE_SOCK | MAKE_FIFO | IOCTL_DEV)
    for handle, rights in (*rules.grants, *[_grant(path, own) for path in writable]):
        syscalls.call("landlock_add_rule", made, RULE_PATH_BENEATH, struct.pack("=Qi", rights, handle), 0)
    syscalls.call("landlock_restrict_self", made, 0)


def _grant(path: str, rights: int) -> tuple[int, int]:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    if not stat.S_ISDIR(os.fstat(handle).st_mode):
        rights &= ON_FILES
    return handle, rights
