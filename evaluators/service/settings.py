"""How a server is set up."""

from __future__ import annotations

import ipaddress
import os

from pydantic import Field

from evaluators.records import Settings
from evaluators.sandbox import SandboxSettings
from evaluators.service.errors import ServiceError

PORT = 8517  # ours: unassigned at IANA, and no default of vLLM, Ray, TensorBoard, Jupyter or Dagster


class SettingsError(ServiceError):
    """The server cannot be started as it was asked to."""


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ServiceSettings(Settings):
    """Where the server listens, how many work for it, and what it refuses."""

    host: str = "127.0.0.1"
    port: int = Field(default=PORT, ge=0, le=65535)
    """0 takes a free one, which the first line of output names."""
    token: str | None = Field(default=None, min_length=16)
    """Asked of every request but health. Without one only this machine is served."""
    checkers: int = Field(default_factory=usable_cores, ge=1)
    """Processes that check answers, each one after the other."""
    waiting: int = Field(default=2048, ge=1)
    """Requests that may wait for each kind of worker; further ones get 429. Eight for each of 256 clients."""
    request_bytes: int = Field(default=16 << 20, ge=1024)
    """Of one request: a thousand outputs of 16 kB."""
    sessions: int = Field(default=128, ge=1)
    """Sessions that callers may hold; half of the sandbox's, so that programs in fresh sessions never wait for them."""
    drain_seconds: float = Field(default=30.0, ge=0)
    """After SIGTERM, for what is at work; orchestrators kill 30 s after it by default."""
    replies_seconds: float = Field(default=600.0, gt=0)
    replies_bytes: int = Field(default=64 << 20, ge=0)
    """For how long, and how many bytes of, answers are kept for clients that ask again with the same key."""
    checker_patience: float = Field(default=20.0, gt=2)
    """Seconds for one check, which ends itself after two, before its process is taken for hung."""
    sandbox: SandboxSettings = SandboxSettings()
    """Limits of programs, also the highest that a request may ask for."""

    @property
    def runner_patience(self) -> float:
        """A sandbox that has programs and says nothing for so long is hung: its longest block, queued six times over."""
        return 6 * self.sandbox.wall_seconds + 60

    def check_exposure(self) -> None:
        """Raises SettingsError where others than this machine could have code run without a token."""
        if self.token is None and not is_loopback(self.host):
            raise SettingsError(
                "--host",
                expected="a loopback address such as 127.0.0.1, or a token",
                found=f"{self.host!r} and none",
                remedy="This server runs programs for whoever reaches it: put a token of 16 characters or more in a file "
                "and name it with --token-file, or set MATHSIEVE_SERVE_TOKEN.",
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on that host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
