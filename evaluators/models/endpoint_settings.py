"""Where an OpenAI-compatible server is, and the manners towards it."""

from __future__ import annotations

import ipaddress
import re

from pydantic import Field, field_validator

from evaluators.models.bodies import PATHS, Kind
from evaluators.records import Settings
from evaluators.stages.fields import HowItRuns

WITHOUT_SCHEME = re.compile(r"(?:localhost|[\w.-]+:\d+|[\w-]+(?:\.[\w-]+)+(?=/v1))(?:/\S*)?")
"""What reads as the address of a server, where a model may also be named by a folder or a repository."""


def usable_base_url(text: str) -> str:
    """The address of an API, as it is to be written. Raises ValueError that names the remedy where it cannot be one."""
    url = text.strip().rstrip("/")
    if not re.match(r"^https?://", url):
        scheme = "http" if _is_local(url) else "https"
        raise ValueError(f"expected an address with http:// or https://; found {text!r}. Write {scheme}://{url}")
    if not re.match(r"^https?://[^/\s?#]+", url):
        raise ValueError(f"expected the name of a host after the scheme; found {text!r}. Write http://host:port/v1")
    for path in sorted(PATHS.values(), key=len, reverse=True):  # /chat/completions ends in /completions
        if url.endswith(path):
            raise ValueError(f"expected the address of the API; found {text!r}. Write {url.removesuffix(path)}")
    return url


class EndpointSettings(Settings):
    """An OpenAI-compatible server that somebody else runs, or the manners towards our own."""

    base_url: str = "http://127.0.0.1:8000/v1"
    replicas: HowItRuns[tuple[str, ...]] = ()
    """Addresses of further servers of the same model: requests are shared out among all."""
    model: str = "model"
    """The name the server knows it by, that of a LoRA adapter too; with `base_url` and `revision`, its identity in the cache."""
    revision: str = ""
    kind: Kind = "completions"
    """`chat`: the server applies its own template; the answer is continued as the assistant's unfinished turn.
    `responses`: the same over /responses, whose answers hold the thinking of more models."""
    api_key_variable: HowItRuns[str | None] = None
    """Name of the environment variable that holds the key, so that no recipe holds one."""
    vllm_extensions: bool = False
    """Whether `add_special_tokens` and the like may be sent; other servers refuse unknown fields."""
    context: int | None = Field(default=None, gt=0)
    """Tokens of prompt and answer together, where the server does not tell."""
    stream: HowItRuns[bool] = False
    """Ask for answers in pieces: for gateways that end a connection which is silent while a model thinks."""
    samples_per_request: HowItRuns[int] = Field(default=16, ge=1)  # ours: §4's 64 samples are four requests
    """Of one problem, where the server allows it: the prompt is then read, and paid for, once."""
    request_timeout: HowItRuns[float] = Field(default=600.0, gt=0)  # ours: 1,024 tokens at 2 tokens/s
    connect_timeout: HowItRuns[float] = Field(default=10.0, gt=0)
    attempts: HowItRuns[int] = Field(default=6, ge=1)  # ours: with the delays below, some 40 s of an endpoint's absence
    first_delay: HowItRuns[float] = Field(default=0.5, ge=0)
    """Seconds before the second attempt; doubled, with jitter, up to `longest_delay`."""
    longest_delay: HowItRuns[float] = Field(default=20.0, ge=0)
    overload_patience: HowItRuns[float] = Field(default=300.0, ge=0)  # ours: limits on requests a minute pass in that
    """Seconds for which a request waits in all while the server says that it is asked too much; no attempt is lost by it."""

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return usable_base_url(url)

    @field_validator("replicas")
    @classmethod
    def _are_addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(usable_base_url(url) for url in urls)


def _is_local(url: str) -> bool:
    host = re.split(r"[:/]", url, maxsplit=1)[0]
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host
