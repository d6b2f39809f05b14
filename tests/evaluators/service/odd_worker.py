"""A worker for tests: gives back what it is sent, unless that says otherwise. Run by `evaluators.service.workers`."""

from __future__ import annotations

import os
import time

from evaluators.service.checker_process import begin_work
from evaluators.service.frames import Frames, pack


def main() -> None:
    with begin_work() as channel:
        channel.sendall(pack(0, {"status": 100}))
        frames = Frames()
        while data := channel.recv(1 << 16):
            for frame in frames.feed(data):
                if frame.body == b"die":
                    os._exit(7)
                if frame.body == b"hang":
                    time.sleep(600)
                if frame.body.startswith(b"wait"):
                    time.sleep(float(frame.body[4:]))
                channel.sendall(pack(frame.number, {"status": 200, "pid": os.getpid()}, frame.body))
