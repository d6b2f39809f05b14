"""Canonical URLs: one key for the spellings under which a crawler meets one page (RFC 3986 §6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": "80", "https": "443"}
TRACKING = re.compile(
    r"^(?:utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|mc_[ce]id|igshid|_ga|_gl|_hs\w+|vero_\w+|ref_src|spm|"
    r"phpsessid|jsessionid|sessionid|sid)$",
    re.I,
)
"""Parameters that say where a visitor came from, never which page it is."""
SESSION_PATH = re.compile(r";jsessionid=[^/?#]*", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL taken apart for the pages table."""

    key: str
    host: str
    domain: str
    """Registered domain (Public Suffix List), or the host itself for an IP address or an unknown suffix."""
    path: str
    """Path and query as crawled."""


def canonical_url(url: str) -> str:
    """The URL's key: scheme and `www.` dropped, host in lower case, no default port, fragment, tracking or last slash."""
    parts = urlsplit(url.strip())
    host = _host(parts.netloc, parts.scheme)
    path = SESSION_PATH.sub("", parts.path) or "/"
    path = re.sub(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", "/", re.sub(r"/{2,}", "/", path), flags=re.I)
    if len(path) > 1:
        path = path.rstrip("/") or "/"
    kept = sorted(part for part in parts.query.split("&") if part and not TRACKING.match(part.split("=", 1)[0]))
    return f"{host.removeprefix('www.')}{path}" + (f"?{'&'.join(kept)}" if kept else "")


def address(url: str) -> Address:
    """Everything the pages table says about a URL. Raises ValueError where it is not an http(s) URL with a host."""
    parts = urlsplit(url.strip())
    if parts.scheme.lower() not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"expected an http(s) URL; found {url[:200]!r}")
    host = parts.hostname.lower().rstrip(".")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(key=canonical_url(url), host=host, domain=registered_domain(host), path=path)


@lru_cache(maxsize=200_000)
def registered_domain(host: str) -> str:
    """`example.co.uk` of `www.maths.example.co.uk`."""
    return _suffixes()(host).top_domain_under_public_suffix or host


def _host(netloc: str, scheme: str) -> str:
    host = netloc.rpartition("@")[2].lower()
    name, colon, port = host.rpartition(":")
    if colon and (not port or port == DEFAULT_PORTS.get(scheme.lower())):
        host = name
    return host.rstrip(".")


@cache
def _suffixes() -> Any:
    import tldextract

    # No network: the list that the package carries.
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
