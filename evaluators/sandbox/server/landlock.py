"""Landlock: which paths a session may open, enforced by the kernel for a process and never lifted again."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable

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


def restrict(readable: Iterable[str], writable: Iterable[str], devices: Iterable[str]) -> None:
    """Leave this process these paths alone. Needs no_new_privs. All TCP and (from ABI 6) signals out are refused too."""
    abi = version()
    handled = FIRST_ABI_RIGHTS | (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0)
    handled |= IOCTL_DEV if abi >= 5 else 0
    network = 0b11 if abi >= 4 else 0  # bind and connect of TCP: no port is granted
    scopes = 0b11 if abi >= 6 else 0  # abstract UNIX sockets, and signals to processes outside
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = syscalls.call("landlock_create_ruleset", struct.pack("QQQ", handled, network, scopes), size, 0)
    try:
        for path in readable:
            _grant(ruleset, path, handled & (READ_FILE | READ_DIR))
        for path in writable:
            _grant(ruleset, path, handled & ~(EXECUTE | MAKE_CHAR | MAKE_BLOCK | MAKE_SOCK | MAKE_FIFO | IOCTL_DEV))
        for path in devices:
            _grant(ruleset, path, handled & (READ_FILE | WRITE_FILE | TRUNCATE))
        syscalls.call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _grant(ruleset: int, path: str, rights: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= ON_FILES
        syscalls.call("landlock_add_rule", ruleset, RULE_PATH_BENEATH, struct.pack("=Qi", rights, handle), 0)
    finally:
        os.close(handle)
