"""The attacks once more without privileges: where the tests run as root, as the user nobody in a process of its own.

The interpreter may lie beneath a folder that only root may enter (pyenv as root). In a mount namespace of its own, the
rerun sees that folder as an empty one that all may enter, with the interpreter, the packages and this checkout in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
NOBODY = 65534
SHOW = """
set -eu
number=10
for path in "$@"; do eval "exec $number<\\"\\$path\\""; number=$((number + 1)); done
for hidden in $HIDDEN; do mount -t tmpfs -o mode=755 tmpfs "$hidden"; done
number=10
for path in "$@"; do
    if [ ! -e "$path" ]; then mkdir -p "$path"; mount --no-canonicalize --bind "/proc/self/fd/$number" "$path"; fi
    number=$((number + 1))
done
cd "$CHECKOUT"
exec setpriv --reuid=$ID --regid=$ID --clear-groups --inh-caps=-all --bounding-set=-all -- $COMMAND
"""


def as_nobody(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of this interpreter as nobody. A tool that is missing fails the test: root must be tested too."""
    needed = [Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), CHECKOUT]
    private = {
        next((parent for parent in reversed(path.parents) if not parent.stat().st_mode & 0o001), None)
        for path in needed
    }
    environment = {
        "HIDDEN": " ".join(str(path) for path in private if path is not None),
        "CHECKOUT": str(CHECKOUT),
        "ID": str(NOBODY),
        "COMMAND": " ".join([sys.executable, *command]),
        "PATH": os.environ["PATH"],
        "HOME": "/",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "bash", "-c", SHOW, "bash", *map(str, needed)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="already an ordinary user: test_attacks.py is this test")
def test_every_attack_fails_for_an_ordinary_user_too() -> None:
    assert shutil.which("unshare") is not None, "expected util-linux (unshare, setpriv)"
    attacks = str(Path(__file__).with_name("test_attacks.py").relative_to(CHECKOUT))

    done = as_nobody("-m", "pytest", attacks, "-q", "-p", "no:cacheprovider", "--no-header", "-rN")

    summary = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr
    assert re.fullmatch(r"\d{3} passed in .*", summary), done.stdout[-6000:] + done.stderr[-2000:]
