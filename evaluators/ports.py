"""Who listens on a port of this machine, from /proc."""

from __future__ import annotations

import re
from pathlib import Path

from evaluators.launch import descendants

LISTENING = "0A"
"""TCP_LISTEN of <linux/tcp_states.h>, as /proc/net/tcp shows it."""


def listens_below(root: int, port: int) -> bool | None:
    """Whether a process, or one that it started, listens on this port; None where the machine does not say."""
    inodes = _listening_inodes(port)
    if inodes is None:
        return None
    return any(not inodes.isdisjoint(_socket_inodes(pid)) for pid in (root, *descendants(root)))


def _listening_inodes(port: int) -> set[str] | None:
    found, readable = set(), False
    for name in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", name).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        readable = True
        for fields in map(str.split, lines):
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found if readable else None


def _socket_inodes(pid: int) -> set[str]:
    try:
        links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:  # it ended, or closed one meanwhile
        return set()
    return {match[1] for match in map(re.compile(r"socket:\[(\d+)\]").fullmatch, links) if match}
