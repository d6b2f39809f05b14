"""Attacks of the sandbox's own table, sent as requests: a caller's program gets no further than a script's."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluators.service import Client
from evaluators.service.records import Code, Limits

TABLE = Path(__file__).resolve().parents[1] / "sandbox" / "attacks.yaml"
SECRET = "planted-secret-7f3a"


def program(cases: dict[str, Any], attack: dict[str, Any], secret: Path) -> str:
    if "raw" in attack:
        return str(attack["raw"])
    if "repeat" in attack:
        text, times, end = attack["repeat"]
        return str(text * times + end)
    code = f"{cases['prelude']}\n{attack['code']}"
    for name, place in (("{secret}", str(secret)), ("{owner}", str(os.getpid())), ("{source}", __file__)):
        code = code.replace(name, place)
    return code


def usable(attack: dict[str, Any]) -> bool:
    """Whether a request can ask for its limits, and its program is no longer than this server takes."""
    settings = attack.get("settings", {})
    return settings.keys() <= Limits.model_fields.keys() and settings.get("wall_seconds", 0) <= 2


WHOLE_PROGRAM = {"atexit": {"prints": "now\nLATE"}}
"""What ends otherwise where a program runs whole, as here: its exit functions are a part of it, as in CPython."""


def test_attacks_end_as_they_should_and_the_server_goes_on(served: Any, tmp_path: Path) -> None:
    cases = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    with Client(served.url) as judge:
        tier = judge.info()["tier"]
        attacks = [attack for attack in cases["attacks"] if usable(attack)]
        codes = [(attack, program(cases, attack, secret)) for attack in attacks]
        codes = [(attack, code) for attack, code in codes if len(code) < 90_000 and "\ud800" not in code]
        limits = {"wall_seconds": 20, "memory_mb": 512}

        def run(item: tuple[dict[str, Any], str]) -> Any:
            asked = Code(code=item[1], limits=Limits(**{**limits, **item[0].get("settings", {})}))
            return judge.run_many([asked])[0].result

        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(run, codes))
        assert judge.run("6 * 7").result.value == "42"
    assert len(codes) > 60
    for (attack, _), result in zip(codes, results, strict=True):
        wanted = {**attack, **attack.get(tier, {}), **WHOLE_PROGRAM.get(attack["name"], {})}
        if tier == "landlock" and os.geteuid() != 0:
            wanted |= attack.get("ordinary_user_landlock", {})
        statuses = wanted.get("status", "ok")
        assert result.status in ([statuses] if isinstance(statuses, str) else statuses), (attack["name"], result)
        if not wanted.get("prints_any"):
            assert result.output.strip() == wanted.get("prints", "denied"), attack["name"]
        assert SECRET not in result.output
    assert secret.read_text() == SECRET


def test_hostile_requests_leave_the_server_as_it_was(served: Any) -> None:
    deep = "[" * 20_000
    with Client(served.url, patience=0) as judge:
        verdicts = [
            judge.check("1", text).verdict
            for text in (deep, "(" * 20_000 + "1", "9" * 90_000, "\ud800", "\x00", "9^" * 9000)
        ]
        assert "correct" not in verdicts
        assert judge.check("9**9**9**9", "1").verdict != "correct"
        assert judge.check("1/2", "0.5").correct
        with pytest.raises(Exception, match="expected JSON"):
            judge._ask(_raw(("[" * 40_000).encode()))


def _raw(body: bytes) -> Any:
    from evaluators.service.calls import Call

    return Call("POST", "/v1/check/many", body, dict)
