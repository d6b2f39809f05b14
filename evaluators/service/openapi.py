"""The OpenAPI document, made of the records themselves."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any, Literal

from pydantic import TypeAdapter

from evaluators.answers import Verdict
from evaluators.service.records import (
    MOST_ITEMS,
    Code,
    CodeWithReference,
    ExecutedAnswer,
    Output,
    Pair,
    ProgramRun,
    SessionBlock,
    SessionStart,
    Trajectory,
    TrajectoryVerdict,
)

_REF = "#/components/schemas/{model}"
_RECORDS: tuple[Any, ...] = (
    Pair, Output, Code, SessionStart, SessionBlock, Trajectory, CodeWithReference,
    Verdict, ProgramRun, TrajectoryVerdict, ExecutedAnswer,
)  # fmt: skip
_ROUTES: tuple[tuple[str, str, str, Any, Any], ...] = (
    ("post", "/v1/check", "Compare a prediction with its reference.", "Pair", "Verdict"),
    ("post", "/v1/check/many", "Compare many.", ("pairs", "Pair"), ("verdicts", "Verdict")),
    ("post", "/v1/judge", "Find the answer in a whole output, and compare it.", "Output", "Verdict"),
    ("post", "/v1/judge/many", "Judge many outputs.", ("outputs", "Output"), ("verdicts", "Verdict")),
    ("post", "/v1/run", "Run a program in a fresh session.", "Code", "ProgramRun"),
    ("post", "/v1/run/many", "Run many programs, each in a fresh session.", ("programs", "Code"), ("runs", "ProgramRun")),
    ("post", "/v1/trajectories", "Run a trajectory's programs, and judge it.", "Trajectory", "TrajectoryVerdict"),
    ("post", "/v1/execute-and-check", "Run a program, and check what it answers.", "CodeWithReference", "ExecutedAnswer"),
    ("post", "/v1/sessions", "Open a session.", "SessionStart", None),
    ("post", "/v1/sessions/{session}/run", "Run a block in a session.", "SessionBlock", "ProgramRun"),
    ("delete", "/v1/sessions/{session}", "Close a session.", None, None),
    ("get", "/v1/info", "Version, tier and limits.", None, None),
)  # fmt: skip
_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "retryable"],
            "properties": {
                **{name: {"type": "string"} for name in ("code", "message", "expected", "found", "remedy")},
                "retryable": {"type": "boolean"},
                "retry_after_seconds": {"type": "number"},
            },
        }
    },
}
_REFUSALS = {
    "401": "no token, or a web page",
    "404": "no such session",
    "409": "an idempotency key used for another request",
    "413": "too many bytes",
    "422": "the request cannot be used; the message names the field",
    "429": "too much waits: see Retry-After",
    "503": "draining, or a worker was lost",
}


@cache
def document() -> dict[str, Any]:
    """The document that /openapi.json serves."""
    adapters: list[tuple[Any, Literal["validation"], TypeAdapter[Any]]]
    adapters = [(record, "validation", TypeAdapter(record)) for record in _RECORDS]
    _, schemas = TypeAdapter.json_schemas(adapters, ref_template=_REF)
    paths: dict[str, Any] = {}
    for method, path, summary, asked, told in _ROUTES:
        paths.setdefault(path, {})[method] = _operation(path, summary, asked, told)
    return {
        "openapi": "3.1.0",
        "info": {"title": "mathsieve: the judge", "version": version("mathsieve")},
        "paths": paths,
        "components": {
            "schemas": {**schemas["$defs"], "Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


def _operation(path: str, summary: str, asked: Any, told: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": summary, "responses": {"200": _answer(told)}}
    if "{session}" in path:
        place = {"name": "session", "in": "path", "required": True, "schema": {"type": "string"}}
        operation["parameters"] = [place]
    if asked is not None:
        operation.setdefault("parameters", []).append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}
        )
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(asked)}}}
    for status, meaning in _REFUSALS.items():
        operation["responses"][status] = {
            "description": meaning,
            "content": {"application/json": {"schema": {"$ref": _REF.format(model="Error")}}},
        }
    return operation


def _answer(told: Any) -> dict[str, Any]:
    if told is None:
        return {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {"description": "the answer", "content": {"application/json": {"schema": _schema(told)}}}


def _schema(kind: Any) -> dict[str, Any]:
    if isinstance(kind, str):
        return {"$ref": _REF.format(model=kind)}
    name, item = kind
    listed = {"type": "array", "items": _schema(item), "maxItems": MOST_ITEMS}
    return {"type": "object", "required": [name], "properties": {name: listed}}
