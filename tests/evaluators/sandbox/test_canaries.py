"""The self-test judges by what it printed, and by nothing else."""

from __future__ import annotations

from evaluators.sandbox import Result, SandboxSettings, canaries
from evaluators.sandbox.servers import Servers


def in_unsafe(code: str) -> Result:
    servers = Servers(SandboxSettings(tier="unsafe", preload=()))
    servers.start()
    session = servers.open_session()
    try:
        return session.run(code, 60)
    finally:
        servers.close_session(session)
        servers.close()


def test_every_line_but_the_last_is_a_failure() -> None:
    assert canaries.judge("strict", "all passed\n", "") is None
    told = canaries.judge("strict", "internet (no internet socket)\nall passed\n", "") or ""
    assert told.startswith("strict: the self-test failed: internet (no internet socket). Where an import failed")


def test_a_self_test_that_broke_off_is_a_failure() -> None:
    told = canaries.judge("landlock", "", "ModuleNotFoundError: No module named '_decimal'\n") or ""
    assert "No module named '_decimal'" in told
    assert "make the interpreter's folders readable" in told


def test_without_walls_the_self_test_finds_them_missing() -> None:
    code = canaries._PRELUDE + "print(denied(reads, '/etc/passwd'), denied(_s.socket, 2, 1), imports('decimal'))"
    assert in_unsafe(code).output == "False False True\n"
