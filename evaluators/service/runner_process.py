"""The process that runs programs for the server: one sandbox, many tasks at once.

As checker_process.py it ends when its socket closes; its sandbox, and every session, ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from evaluators.sandbox import Sandbox, SandboxError, SandboxSettings
from evaluators.service.checker_process import begin_work, parsed
from evaluators.service.errors import BadRequest, NotFound, ServiceError, WorkerLost
from evaluators.service.execution import OpenSession, replay, run_program
from evaluators.service.frames import Frame, Frames, pack
from evaluators.service.records import (
    Code,
    CodeWithReference,
    SessionBlock,
    SessionStart,
    Trajectory,
    as_row,
)


class Runner:
    """Answers tasks that need the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._sessions: dict[str, OpenSession] = {}
        self._answers: dict[str, Callable[[dict[str, Any], bytes], Awaitable[object]]] = {
            "run": self._run,
            "execute": self._execute,
            "replay": self._replay,
            "open": self._open,
            "block": self._block,
            "close": self._close,
        }

    async def answer(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            told = await self._answers[head["op"]](head, body)
        except ServiceError as error:
            return {"status": error.status}, error.body()
        except ValueError as error:  # what the request asks for cannot be had: limits, a text without a program
            refused = BadRequest(str(error))
            return {"status": refused.status}, refused.body()
        except SandboxError as error:
            lost = WorkerLost(f"the sandbox failed: {error}", remedy="No verdict on the program; send it again.")
            return {"status": lost.status}, lost.body()
        return {"status": 200}, json.dumps(told, separators=(",", ":")).encode()

    async def _run(self, head: dict[str, Any], body: bytes) -> object:
        return as_row(await run_program(self._sandbox, parsed(Code, body)))

    async def _execute(self, head: dict[str, Any], body: bytes) -> object:
        return as_row(await run_program(self._sandbox, parsed(CodeWithReference, body)))

    async def _replay(self, head: dict[str, Any], body: bytes) -> object:
        text, programs = await replay(self._sandbox, parsed(Trajectory, body))
        return {"text": text, "programs": [as_row(program) for program in programs]}

    async def _open(self, head: dict[str, Any], body: bytes) -> object:
        asked = parsed(SessionStart, body)
        self._sessions[head["session"]] = await OpenSession.open(self._sandbox, asked)
        return {"session": head["session"], "ttl_seconds": asked.ttl_seconds}

    async def _block(self, head: dict[str, Any], body: bytes) -> object:
        session = self._sessions.get(head["session"])
        if session is None:
            raise NotFound(f"session {head['session']}: no such session; it ended", remedy="Open another.")
        asked = parsed(SessionBlock, body)
        return as_row(await session.run(asked.code, asked.text))

    async def _close(self, head: dict[str, Any], body: bytes) -> object:
        session = self._sessions.pop(head["session"], None)
        if session is not None:
            await session.close()
        return {"closed": session is not None}


async def serve(channel: socket.socket, settings: SandboxSettings) -> None:
    """Answer tasks until the other end closes. Raises TierRefused where no tier can be had."""
    reader, writer = await asyncio.open_unix_connection(sock=channel)
    async with Sandbox(settings) as sandbox:
        runner = Runner(sandbox)
        writer.write(pack(0, {"status": 100, "tier": sandbox.tier}))
        tasks: set[asyncio.Task[None]] = set()

        async def work(frame: Frame) -> None:
            writer.write(pack(frame.number, *await runner.answer(frame.head, frame.body)))

        frames = Frames()
        with contextlib.suppress(ConnectionResetError):
            while data := await reader.read(1 << 20):
                for frame in frames.feed(data):
                    task = asyncio.create_task(work(frame))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
        for task in tasks:
            task.cancel()
    writer.close()


def main() -> None:
    channel = begin_work()
    try:
        asyncio.run(serve(channel, SandboxSettings.model_validate_json(sys.argv[2])))
    except SandboxError as error:
        print(f"mathsieve serve: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(4)
