"""What can go wrong with the judge as a service, and how that is written on the wire.

ServiceError
├── BadRequest        the request cannot be used as it stands; the message names the item and the remedy
│   └── TooLarge      more bytes than the server takes
├── NotAllowed        the token is missing or wrong, or the request comes from a web page
├── NotFound          no such route, or no such session: it ended, or the process that held it did
├── Conflict          an idempotency key was used for another request
├── Busy              the queues are full, or the server is draining: the same request later
├── WorkerLost        the process that worked on the request ended, twice
└── Unreachable       no answer from the server, after every retry (raised by clients)
"""

from __future__ import annotations

import json
from typing import Any

from evaluators.errors import MathsieveError


class ServiceError(MathsieveError):
    """Base of the service's errors. `expected`, `found` and `remedy` are told apart for programs that read them."""

    status = 500
    code = "internal"
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        expected: str = "",
        found: str = "",
        remedy: str = "",
        retry_after: float | None = None,
    ) -> None:
        said = message
        if expected:
            said += f": expected {expected}; found {found}"
        if remedy:
            said = f"{said}. {remedy}"
        super().__init__(said)
        self.message, self.expected, self.found, self.remedy = message, expected, found, remedy
        self.retry_after = retry_after
        """Seconds after which the same request may succeed."""

    def body(self) -> bytes:
        """The JSON object of an error response."""
        error: dict[str, Any] = {"code": self.code, "message": str(self), "retryable": self.retryable}
        for name in ("expected", "found", "remedy"):
            if getattr(self, name):
                error[name] = getattr(self, name)
        if self.retry_after is not None:
            error["retry_after_seconds"] = self.retry_after
        return json.dumps({"error": error}).encode()


class BadRequest(ServiceError):
    status, code = 422, "bad_request"


class TooLarge(BadRequest):
    status, code = 413, "too_large"


class NotAllowed(ServiceError):
    status, code = 401, "not_allowed"


class NotFound(ServiceError):
    status, code = 404, "not_found"


class Conflict(ServiceError):
    status, code = 409, "conflict"


class Busy(ServiceError):
    status, code, retryable = 429, "busy", True


class Draining(Busy):
    status, code = 503, "draining"


class WorkerLost(ServiceError):
    status, code, retryable = 503, "worker_lost", True


class Unreachable(ServiceError):
    status, code, retryable = 503, "unreachable", True


_BY_CODE: dict[str, type[ServiceError]] = {
    kind.code: kind
    for kind in (
        ServiceError,
        BadRequest,
        TooLarge,
        NotAllowed,
        NotFound,
        Conflict,
        Busy,
        Draining,
        WorkerLost,
        Unreachable,
    )
}


def error_of(status: int, content: bytes) -> ServiceError:
    """The error that a response tells; an answer of something else than our server is Unreachable."""
    try:
        told = json.loads(content)["error"]
        kind = _BY_CODE.get(told["code"], ServiceError)
        error = kind(told["message"], retry_after=told.get("retry_after_seconds"))
    except (ValueError, KeyError, TypeError):
        shown = content[:200].decode("utf-8", "backslashreplace")
        return Unreachable(f"HTTP {status} that is no answer of a judge: {shown!r}", remedy="Check the URL.")
    error.expected, error.found = told.get("expected", ""), told.get("found", "")
    error.remedy = told.get("remedy", "")
    return error
