"""Every attack of attacks.yaml in every tier: none gets out, each ends with the status it should, none hurts the next.

Run as whoever runs the tests; test_ordinary_user.py runs this file again without privileges.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluators.sandbox import Result, SandboxSettings, Tier
from evaluators.sandbox.servers import Servers

CASES = yaml.safe_load(Path(__file__).with_name("attacks.yaml").read_text(encoding="utf-8"))
ATTACKS: dict[str, dict[str, Any]] = {attack["name"]: attack for attack in CASES["attacks"]}
SECRET = "planted-secret-7f3a"
WORKERS = 4
LIMITS: dict[str, Any] = {"wall_seconds": 20, "memory_mb": 512}
"""Roomy in time, since other tests may hold the cores; attacks that are meant to reach a limit set their own."""


class Field:
    """All attacks of one tier, run at once on one server, beside a file that they must not touch."""

    def __init__(self, tier: Tier, folder: Path) -> None:
        self.tier: Tier = tier
        self.secret = folder / "secret.txt"
        self.secret.write_text(SECRET)
        self.secret.chmod(0o644)
        self._servers = Servers(SandboxSettings(tier=tier, **LIMITS))
        self._servers.start()
        self._pool = ThreadPoolExecutor(WORKERS)
        self.results: dict[str, Future[Result]] = {
            name: self._pool.submit(self.run, self._program(attack), attack.get("settings", {}))
            for name, attack in ATTACKS.items()
        }

    def _program(self, attack: dict[str, Any]) -> str:
        if "raw" in attack:
            return str(attack["raw"])
        if "repeat" in attack:
            text, times, end = attack["repeat"]
            return str(text * times + end)
        code: str = CASES["prelude"] + "\n" + attack["code"]
        places = {"{secret}": str(self.secret), "{owner}": str(os.getpid()), "{source}": __file__}
        for name, place in places.items():
            code = code.replace(name, place)
        return code

    def run(self, code: str, limits: dict[str, Any]) -> Result:
        settings = SandboxSettings(tier=self.tier, **LIMITS | limits)
        session = self._servers.open_session(settings)
        try:
            return session.run(code, settings.wall_seconds)
        finally:
            self._servers.close_session(session)

    def close(self) -> None:
        self._pool.shutdown()
        self._servers.close()


@pytest.fixture(scope="module", params=["strict", "landlock"])
def field(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, open_folder: Callable[[Path], Path]
) -> Iterator[Field]:
    os.environ["MATHSIEVE_PLANTED"] = SECRET
    folder = open_folder(tmp_path_factory.mktemp("outside"))
    field = Field(request.param, folder)
    yield field
    field.close()
    del os.environ["MATHSIEVE_PLANTED"]


def expected(attack: dict[str, Any], tier: Tier) -> dict[str, Any]:
    merged = {**attack, **attack.get(tier, {})}
    if tier == "landlock" and os.geteuid() != 0:
        merged |= attack.get("ordinary_user_landlock", {})
    return merged


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_ends_as_it_should(field: Field, name: str) -> None:
    wanted = expected(ATTACKS[name], field.tier)
    result = field.results[name].result(timeout=900)

    statuses = wanted.get("status", "ok")
    assert result.status in ([statuses] if isinstance(statuses, str) else statuses), result
    if not wanted.get("prints_any"):
        assert result.output.strip() == wanted.get("prints", "denied"), result
    assert wanted.get("absent", SECRET) not in result.output
    assert result.tier == field.tier
    if "value" in wanted:
        assert result.value == wanted["value"]
    if "value_length" in wanted:
        assert len(result.value or "") == wanted["value_length"]
    if "lost" in wanted:
        assert result.state_lost is wanted["lost"]
    if "signal" in wanted:
        assert result.signal == wanted["signal"]
    assert len(result.output) <= wanted.get("longest", 8 << 20)
    assert result.seconds >= wanted.get("longer", 0.0)


def test_nothing_outside_changed_and_the_next_session_is_clean(field: Field) -> None:
    for future in field.results.values():
        future.exception(timeout=900)

    assert field.secret.read_text() == SECRET
    assert field.secret.stat().st_mode & 0o777 == 0o644
    after = field.run(
        "import json, sympy, os\nprint(json.dumps([6 * 7, str(sympy.sqrt(8))]), len(os.environ) < 15)\nrepr(1)", {}
    )
    assert (after.status, after.output, after.value) == ("ok", '[42, "2*sqrt(2)"] True\n', "'1'")


def test_loopback_is_out_of_reach_although_somebody_listens(field: Field) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 5).send(b'x')"
        result = field.run(code, {})

    assert result.status == "error"
    assert "PermissionError" in result.error


def test_sessions_cannot_see_each_other(field: Field) -> None:
    started = threading.Event()

    def victim() -> Result:
        started.set()
        return field.run("import time; time.sleep(1.0); print('alive')", {})

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(victim)
        started.wait()
        code = (
            "import os\nhit = []\nfor pid in range(1, 5000):\n    if pid != os.getpid():\n        try: os.kill(pid, 9); "
            "hit.append(pid)\n        except OSError: pass\nhit"
        )
        assert field.run(code, {}).value == "[]"
        assert running.result().output == "alive\n"
