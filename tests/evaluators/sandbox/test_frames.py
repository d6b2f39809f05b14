"""Whatever arrives on a session's channel, the outcome is one frame, a breach or patience, and never an exception."""

from __future__ import annotations

import random

import pytest

from evaluators.sandbox.frames import SETUP, STATUSES, Frames, Reply
from evaluators.sandbox.server.agent import EXIT, NONCE_BYTES, OK, READY, REPLY, SETUP_FAILED

NONCE = bytes(range(NONCE_BYTES))
RUNNING = frozenset(STATUSES)


def parsed(data: bytes, expected: frozenset[int] = RUNNING) -> object:
    frames = Frames(value_chars=100)
    frames.feed(data)
    return frames.reply(NONCE, expected)


@pytest.mark.parametrize("status", range(256))
def test_a_running_block_answers_with_one_of_its_own_statuses_or_breaks_the_rules(status: int) -> None:
    answer = parsed(REPLY.pack(NONCE, status, 1, 2) + b"7no")
    if OK <= status <= EXIT:
        assert answer == Reply(status=status, value="7", error="no")
    else:
        assert answer == "protocol"


def test_only_a_session_without_a_block_may_say_that_it_is_ready() -> None:
    ready = REPLY.pack(NONCE, READY, -1, 0)
    assert parsed(ready, SETUP) == Reply(status=READY, value=None, error="")
    assert parsed(ready, RUNNING) == "protocol"
    assert parsed(REPLY.pack(NONCE, SETUP_FAILED, -1, 0), RUNNING) == "protocol"
    assert parsed(REPLY.pack(NONCE, OK, -1, 0), SETUP) == "protocol"


@pytest.mark.parametrize(
    "lengths", [(-2, 0), (-(1 << 31), 0), ((1 << 31) - 1, 0), (0, (1 << 32) - 1), (0, 1 << 24), (1 << 24, 1 << 24)]
)
def test_lengths_that_no_value_has_break_the_rules_at_once(lengths: tuple[int, int]) -> None:
    assert parsed(REPLY.pack(NONCE, OK, *lengths)) == "protocol"


def test_a_frame_in_pieces_is_waited_for_and_one_with_more_after_it_is_a_breach() -> None:
    frames, whole = Frames(value_chars=100), REPLY.pack(NONCE, OK, 2, 1) + "é!".encode()
    for byte in whole[:-1]:
        frames.feed(bytes([byte]))
        assert frames.reply(NONCE, RUNNING) is None
    frames.feed(whole[-1:])
    assert frames.reply(NONCE, RUNNING) == Reply(status=OK, value="é", error="!")
    assert parsed(whole + b"x") == "protocol"


def test_random_bytes_are_a_breach_and_random_changes_of_a_frame_are_never_an_exception() -> None:
    chance = random.Random(0)
    for _ in range(2000):
        assert parsed(chance.randbytes(REPLY.size + chance.randrange(40))) == "protocol"
        frame = bytearray(REPLY.pack(NONCE, OK, 4, 4) + b"\xff\xfe\x00a\xf0\x9f\xa6\x00")
        for _ in range(chance.randrange(1, 4)):
            frame[chance.randrange(len(frame))] = chance.randrange(256)
        answer = parsed(bytes(frame[: chance.randrange(len(frame) + 1)]))
        assert answer is None or answer == "protocol" or isinstance(answer, Reply)
