"""Which judge an adapter asks: the server that MATHSIEVE_JUDGE names, or this process where none is named."""

from __future__ import annotations

import atexit
import os
import threading

from evaluators.service import Client, Judge, LocalJudge

VARIABLE = "MATHSIEVE_JUDGE"
_guard = threading.Lock()
_known: dict[tuple[int, str | None], Client | LocalJudge] = {}


def judge_from_environment() -> Client | LocalJudge:
    """One judge a process: a trainer's forked workers each have their own."""
    url = os.environ.get(VARIABLE)
    with _guard:
        found = _known.get((os.getpid(), url))
        if found is None:
            found = _known[os.getpid(), url] = Client(url) if url else LocalJudge()
            atexit.register(found.close)
        return found


def chosen(judge: Judge | None) -> Judge:
    return judge if judge is not None else judge_from_environment()


def text_of(completion: object) -> str:
    """The text of a completion: as it stands, or the assistant's messages of a conversation."""
    if isinstance(completion, str):
        return completion
    if isinstance(completion, list):
        said = [str(turn.get("content") or "") for turn in completion if turn.get("role", "assistant") == "assistant"]
        return "\n".join(said)
    raise TypeError(f"completion: expected a string or a list of messages; found {type(completion).__name__}")
