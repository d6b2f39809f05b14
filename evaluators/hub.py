"""Whether the hub of data sets and models can be asked at all, so that nobody waits half a minute to learn that it cannot."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit


def hub_answers() -> bool:
    """Whether the hub's name can be looked up; behind a proxy nobody but the proxy looks it up."""
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True
    address = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    try:
        socket.getaddrinfo(address.hostname, address.port or 443)
    except OSError:
        return False
    return True
