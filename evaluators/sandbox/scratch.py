"""Writable folders of the landlock tier's sessions, on the machine's disk: they go when their session does.

No kernel limit bounds a folder there, as the tmpfs of the strict tier is bounded: the owner looks how much it holds.
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from pathlib import Path

from evaluators.launch import temporary_folder

FREE_TO_PASS = 0o711
"""Sessions with a uid of their own go through to their own folder, and list nothing."""


class Scratch:
    """A folder for the folders of one server's sessions; `path` is None where none can be had."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.path: Path | None = None
        try:
            path = self._stack.enter_context(temporary_folder())
        except OSError:
            return
        if all(parent.stat().st_mode & 0o001 for parent in path.parents):
            path.chmod(FREE_TO_PASS)
            self.path = path
        else:  # below a folder that only its owner may enter; sessions get none
            self._stack.close()

    def of_session(self, identity: int) -> Path | None:
        return self.path / str(identity) if self.path is not None else None

    def close(self) -> None:
        self._stack.close()


def holds_more(folder: Path, megabytes: int, files: int) -> bool:
    """Whether the files in a folder, and in those below it, are larger together, or more, than they may be."""
    size = count = 0
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if count > files or size > megabytes << 20:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except FileNotFoundError:  # it went meanwhile
            continue
        except OSError:  # too deep, or closed by its program, to be looked into: nobody knows what it holds
            return True
    return False


def bytes_without_name(pid: int) -> int:
    """Bytes of the files that a process holds open after it has removed them; 0 where the machine does not say."""
    size = 0
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                held = entry.stat()
                if held.st_nlink == 0 and stat.S_ISREG(held.st_mode):
                    size += held.st_blocks * 512
    except OSError:
        return size
    return size
