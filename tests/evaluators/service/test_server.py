"""The server as whoever calls it sees it: routes, refusals, sessions, keys, metrics."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from typing import Any

import pytest

from evaluators.service.openapi import document

JSON = {"Content-Type": "application/json"}


class Caller:
    """Plain HTTP to a server: (status, answer, headers)."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(
        self, method: str, path: str, asked: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        body = asked if isinstance(asked, bytes) else None if asked is None else json.dumps(asked).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {**JSON, **(headers or {})})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        try:
            return response.status, json.loads(content), response.headers
        except ValueError:
            return response.status, content.decode(), response.headers

    def post(self, path: str, asked: Any) -> Any:
        status, told, _ = self("POST", path, asked)
        assert status == 200, told
        return told

    def refused(self, path: str, asked: Any, headers: dict[str, str] | None = None) -> tuple[int, str]:
        status, told, _ = self("POST", path, asked, headers)
        return status, told["error"]["message"]


@pytest.fixture(scope="module")
def call(served: Any) -> Caller:
    return Caller(served.port)


def test_a_pair_and_an_output_are_judged(call: Caller) -> None:
    assert call.post("/v1/check", {"reference": "1/2", "prediction": "0.5"})["verdict"] == "correct"
    wrong = call.post("/v1/check", {"reference": "12 cm", "prediction": "12 m"})
    assert (wrong["verdict"], wrong["reason"]) == ("incorrect", "12 m is not 12 cm")
    judged = call.post("/v1/judge", {"reference": "3", "output": "So it is \\boxed{3}."})
    assert (judged["verdict"], judged["prediction"], judged["method"]) == ("correct", "3", "boxed")


def test_profile_and_problem_decide_as_in_the_library(call: Caller) -> None:
    product = {"reference": "12", "prediction": "3*4"}
    verdicts = [call.post("/v1/check", {**product, "profile": name})["verdict"] for name in ("strict", "reward")]
    assert verdicts == ["correct", "incorrect"]
    option = {"reference": "B", "prediction": "7", "problem": "How many? (A) 5 (B) 7 (C) 9"}
    assert call.post("/v1/check", option)["verdict"] == "correct"


def test_many_verdicts_come_in_the_order_asked_however_they_are_shared_out(call: Caller) -> None:
    pairs = [{"reference": str(n), "prediction": str(n if n % 3 else n + 1)} for n in range(700)]
    verdicts = call.post("/v1/check/many", {"pairs": pairs})["verdicts"]
    assert [verdict["verdict"] == "correct" for verdict in verdicts] == [bool(n % 3) for n in range(700)]
    assert call.post("/v1/check/many", {"pairs": []}) == {"verdicts": []}


def test_programs_run_each_in_a_fresh_session(call: Caller) -> None:
    told = call.post("/v1/run", {"code": "print(6 * 7)", "protocol": "deepseekmath"})
    assert (told["result"]["status"], told["shown"], told["block"]) == ("ok", "42", "\n```output\n42\n```\n")
    runs = call.post("/v1/run/many", {"programs": [{"code": "x = 1\nx"}, {"code": "x"}]})["runs"]
    assert [run["result"]["status"] for run in runs] == ["ok", "error"]


def test_limits_may_be_lower_than_the_servers_and_not_higher(call: Caller) -> None:
    slow = call.post("/v1/run", {"code": "import time\ntime.sleep(20)", "limits": {"wall_seconds": 0.3}})
    assert (slow["result"]["status"], slow["result"]["seconds"] < 10) == ("timeout", True)
    status, message = call.refused("/v1/run", {"code": "1", "limits": {"wall_seconds": 31}})
    assert (status, message) == (422, "limits.wall_seconds: expected at most 30.0; found 31.0")


def test_a_session_keeps_its_variables_and_runs_what_a_model_wrote(call: Caller) -> None:
    name = call.post("/v1/sessions", {"protocol": "tora"})["session"]
    call.post(f"/v1/sessions/{name}/run", {"code": "x = 6"})
    told = call.post(f"/v1/sessions/{name}/run", {"text": "So:\n```python\nprint(x * 7)\n```"})
    assert told["block"] == "\n```output\n42\n```\n"
    assert call.refused(f"/v1/sessions/{name}/run", {"text": "no program"})[0] == 422
    assert call("DELETE", f"/v1/sessions/{name}")[0] == 200
    status, message = call.refused(f"/v1/sessions/{name}/run", {"code": "x"})
    assert status == 404
    assert "no such session" in message


def test_a_session_that_nobody_uses_ends_and_makes_room(call: Caller) -> None:
    for _ in range(4):
        call.post("/v1/sessions", {"ttl_seconds": 0.5})
    status, told, headers = call("POST", "/v1/sessions", {})
    assert (status, told["error"]["code"], headers["Retry-After"]) == (429, "busy", "1")
    deadline = time.monotonic() + 20
    while call("POST", "/v1/sessions", {"ttl_seconds": 0.5})[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_trajectory_is_judged_by_what_its_programs_give_not_by_what_it_claims(call: Caller) -> None:
    claimed = "```python\nx = 9 * 2\nprint(x)\n```\n```output\n19\n```\nThen:\n```python\nprint(x + 1)\n```\n```output\n19\n```\n"
    told = call.post("/v1/trajectories", {"text": claimed + "It is \\boxed{19}.", "reference": "19"})
    assert [(one["output"], one["recorded"], one["reproduced"]) for one in told["programs"]] == [
        ("18", "19", False),
        ("19", "19", True),
    ]
    assert (told["verdict"]["verdict"], told["program_verdict"]["verdict"]) == ("correct", "correct")
    open_ended = call.post("/v1/trajectories", {"text": "```python\nprint(4)\n```", "reference": "4"})
    assert open_ended["text"].endswith("```\n```output\n4\n```\n")
    assert open_ended["programs"][0]["reproduced"] is None
    assert call.post("/v1/trajectories", {"text": "\\boxed{4}", "reference": "4"})["program_verdict"] is None


def test_a_program_is_executed_and_its_answer_checked(call: Caller) -> None:
    right = call.post("/v1/execute-and-check", {"code": "print('so')\nprint(1/4)", "reference": "1/4"})
    assert right["verdict"]["verdict"] == "correct"
    value = call.post(
        "/v1/execute-and-check", {"code": "from fractions import *\nFraction(1, 4) * 4", "reference": "2"}
    )
    assert value["verdict"]["verdict"] == "incorrect"
    raised = call.post("/v1/execute-and-check", {"code": "1/0", "reference": "0"})
    assert raised["verdict"]["verdict"] == "no_answer"
    assert "ZeroDivisionError" in raised["verdict"]["reason"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (b"{", "invalid JSON"),
        ({"reference": "1"}, "prediction: expected a field 'prediction'"),
        ({"reference": 1, "prediction": "1"}, "reference: expected a valid string; found 1"),
        ({"reference": "1", "prediction": "1", "profil": "x"}, "profil: expected only known fields"),
        ({"reference": "1", "prediction": "1", "profile": "lax"}, "profile: expected 'strict', 'reward' or 'deepseek'"),
    ],
)
def test_a_request_that_cannot_be_used_names_the_field(call: Caller, asked: Any, message: str) -> None:
    status, told = call.refused("/v1/check", asked)
    assert status == 422
    assert message in told


def test_an_item_of_many_is_named_by_its_place(call: Caller) -> None:
    pairs: list[Any] = [{"reference": "1", "prediction": "1"}] * 100
    pairs[70] = {"reference": "1", "prediction": None}
    status, message = call.refused("/v1/check/many", {"pairs": pairs})
    assert (status, message.startswith("pairs[70].prediction: expected a valid string; found None")) == (422, True)
    assert call.refused("/v1/check/many", {"pairs": [0] * 1001})[0] == 422
    assert call.refused("/v1/check/many", {"pair": []})[0] == 422


def test_sizes_and_kinds_of_content_are_bounded(call: Caller) -> None:
    status, message = call.refused("/v1/check", {"reference": "1", "prediction": "1" * 100_000})
    assert (status, message.startswith("the request: expected at most 100000 bytes")) == (413, True)
    assert call.refused("/v1/check", {}, {"Content-Type": "text/plain"})[0] == 422
    assert call("GET", "/v1/nothing")[0] == 404


def test_web_pages_are_refused(call: Caller) -> None:
    pair = {"reference": "1", "prediction": "1"}
    assert call.refused("/v1/check", pair, {"Origin": "http://example.org"})[0] == 401
    assert call.refused("/v1/check", pair, {"Host": "example.org"})[0] == 401
    assert call("POST", "/v1/check", pair, {"Host": "localhost:1"})[0] == 200


def test_a_block_sent_again_with_its_key_runs_once(call: Caller) -> None:
    name = call.post("/v1/sessions", {})["session"]
    path = f"/v1/sessions/{name}/run"
    call.post(path, {"code": "x = 0"})
    again = [call("POST", path, {"code": "x += 1\nx"}, {"Idempotency-Key": "a"}) for _ in range(3)]
    assert [told["result"]["value"] for _, told, _ in again] == ["1", "1", "1"]
    assert [headers["Idempotent-Replayed"] for _, _, headers in again] == [None, "true", "true"]
    assert call.refused(path, {"code": "x"}, {"Idempotency-Key": "a"})[0] == 409
    call("DELETE", f"/v1/sessions/{name}")


def test_metrics_count_requests_and_verdicts(call: Caller) -> None:
    def verdicts() -> float:
        lines = call("GET", "/metrics")[1].splitlines()
        named = [line for line in lines if line.startswith('mathsieve_verdicts_total{outcome="incorrect"}')]
        return float(named[0].split()[1]) if named else 0.0

    before = verdicts()
    call.post("/v1/check/many", {"pairs": [{"reference": "1", "prediction": "2"}] * 5})
    assert verdicts() == before + 5
    told = call("GET", "/metrics")[1]
    assert 'mathsieve_request_seconds_bucket{le="0.1",route="check_many"}' in told
    assert 'mathsieve_workers{kind="runner"} 1.0' in told


def test_health_and_readiness(call: Caller) -> None:
    assert call("GET", "/healthz")[:2] == (200, "ok\n")
    assert call("GET", "/readyz")[:2] == (200, "ready\n")
    assert call("GET", "/v1/info")[1]["limits"]["wall_seconds"] == 30.0


def test_every_route_of_the_document_answers(call: Caller) -> None:
    told = call("GET", "/openapi.json")[1]
    assert told == json.loads(json.dumps(document()))
    for path, operations in told["paths"].items():
        for method in operations:
            status, answer, _ = call(
                method.upper(), path.replace("{session}", "none"), {} if method == "post" else None
            )
            assert status in (200, 404, 422)
            assert "no such route" not in str(answer)


def test_without_a_token_only_this_machine_is_served() -> None:
    command = [sys.executable, "-m", "assets.command_line", "serve", "--port", "0", "--host", "0.0.0.0"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert "expected a loopback address such as 127.0.0.1, or a token; found '0.0.0.0' and none" in ended.stderr
