"""Runs a command of ours in a process below this one, so that none of its workers outlives it, however it ends.

Pools hold both ends of their own pipes: when the process that feeds them is killed by SIGKILL, their workers wait for
ever. Here it has a supervisor between it and this process, which ends all that is left when either is gone. What one
sees at the terminal is the same: input, output and exit status are the command's, Ctrl-C, Ctrl-Z and SIGTERM reach it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from evaluators.launch import Launched, adopt_orphans, descendants, end_all

CHECKOUT = Path(__file__).resolve().parent.parent
PATIENCE = 5.0  # seconds; ours: an orderly end takes one or two, and a person at the terminal waits for no more
GRACE = 5.0  # seconds; vLLM and training have supervisors of their own, which are told at once
PASSED_ON = (signal.SIGINT, signal.SIGTERM)


def run_below(words: Sequence[str], *, stopped: str) -> int:
    """Run `mathsieve WORDS...` below this process. Returns its exit status, as a shell counts: 128 + N after signal N.

    `stopped` is told where a signal had to end it before it could tell anything itself.
    """
    start = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); from assets.command_line import main"
    command = [sys.executable, "-P", "-c", f"{start}; sys.exit(main(sys.argv[1:]))", *words]
    asked: list[int] = []
    adopt_orphans()  # of the supervisor, if it is killed
    signal.pthread_sigmask(signal.SIG_BLOCK, (*PASSED_ON, signal.SIGTSTP))
    running = Launched.start(command, stdin=None, patience=PATIENCE, grace=GRACE, orphans="ended")

    def pass_on(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        end_all([running.pid], number)

    def pause(number: int, frame: FrameType | None) -> None:
        below = descendants(running.pid)
        end_all(below, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        end_all(below, signal.SIGCONT)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    signal.signal(signal.SIGTSTP, pause)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*PASSED_ON, signal.SIGTSTP))
    status = running.wait()
    end_all(descendants(os.getpid()), signal.SIGKILL)
    if status >= 0:
        return status
    if asked:
        print(f"\n{stopped}", file=sys.stderr)
        return 128 + asked[0]
    print(
        f"\nended by signal {-status}, most often because memory ran out. Lower the number of workers, or close other "
        "programs, and run the same command again.",
        file=sys.stderr,
    )
    return 128 - status
