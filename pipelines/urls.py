"""Canonical URLs: one key for the spellings under which a crawler meets one page (RFC 3986 §6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

DEFAULT_PORTS = {"http": "80", "https": "443"}
TRACKING = re.compile(
    r"(?:utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|mc_[ce]id|igshid|_ga|_gl|_hs\w+|vero_\w+|"
    r"ref_src|spm|mkt_tok|pk_(?:campaign|kwd|source|medium)|piwik_\w+|wt_mc|trk|ocid|cmpid)(?:=|$)",
    re.I,
)
"""Parameters that say where a visitor came from, never which page it is."""
SESSION = re.compile(
    r"(?:phpsessid|jsessionid|aspsessionid\w*|session_?id|sessid|sid|cfid|cftoken)=[0-9a-z_.-]{16,}$", re.I
)
"""A visitor's session; a short `sid=42` may well name the page."""
SESSION_PATH = re.compile(r";(?:jsessionid|phpsessid)=[^/?#]*", re.I)
INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", re.I)
PORT = re.compile(r":\d*$")
ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
UNSAFE = re.compile(r"[^!-~]")
"""What a URL holds only in escapes: a space, and everything beyond ASCII."""
LONGEST_URL = 8_000  # characters; ours: browsers and servers stop near there, and a longer one is data, not an address


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL taken apart for the pages table."""

    url: str
    """As crawled, without what UTF-8 cannot hold."""
    key: str
    host: str
    domain: str
    """Registered domain (Public Suffix List), or the host itself for an IP address or an unknown suffix."""
    path: str
    """Path and query as crawled."""


def canonical_url(url: str) -> str:
    """The URL's key: scheme and `www.` dropped, host in lower case, no default port, fragment, tracking or last slash.

    Escapes in one spelling, dot segments resolved, parameters sorted. Raises ValueError where no host can be read.
    """
    parts = urlsplit(CONTROL.sub("", url).strip())
    host = _host(parts.netloc, parts.scheme)
    path = resolved_path(SESSION_PATH.sub("", parts.path) if ";" in parts.path else parts.path)
    path = INDEX.sub("/", path).rstrip("/") or "/"
    query = ""
    if parts.query:
        pieces = [part for part in parts.query.replace("&amp;", "&").split("&") if part]
        kept = sorted(_escaped(part) for part in pieces if not TRACKING.match(part) and not SESSION.match(part))
        query = f"?{'&'.join(kept)}" if kept else ""
    return f"{host.removeprefix('www.')}{path}{query}"


def address(url: str) -> Address:
    """Everything the pages table says about a URL. Raises ValueError where it is not an http(s) URL with a host."""
    clean = url.strip().encode("utf-8", "replace").decode("utf-8")
    if len(clean) > LONGEST_URL:
        raise ValueError(f"expected a URL of at most {LONGEST_URL} characters; found {len(clean)}")
    parts = urlsplit(CONTROL.sub("", clean).strip())
    if parts.scheme.lower() not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"expected an http(s) URL; found {clean[:200]!r}")
    host = _ascii_host(parts.hostname.rstrip("."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(url=clean, key=canonical_url(clean), host=host, domain=registered_domain(host), path=path)


@lru_cache(maxsize=200_000)
def registered_domain(host: str) -> str:
    """`example.co.uk` of `www.maths.example.co.uk`."""
    return _suffixes()(host).top_domain_under_public_suffix or host


@lru_cache(maxsize=50_000)
def _host(netloc: str, scheme: str) -> str:
    host = netloc.rpartition("@")[2]
    name, colon, port = host.rpartition(":")
    if colon and "]" not in port and (not port or port == DEFAULT_PORTS.get(scheme.lower())):
        host = name
    return _ascii_host(host.rstrip("."))


def _ascii_host(host: str) -> str:
    """Lower case, and international names as DNS writes them (xn--...)."""
    host = host.lower()
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:  # no valid name, but still one spelling of it
        return quote(host, safe="[]:")


def resolved_path(path: str) -> str:
    """A path with its escapes in one spelling, dot segments resolved and no empty segments."""
    path = _escaped(path)
    if "/." in path:
        path = _without_dots(path)
    return re.sub(r"/{2,}", "/", path)


def host_of(netloc: str) -> str:
    """The host of `user@host:port`, as the pages table has it: lower case, international names as DNS writes them."""
    name = netloc.rpartition("@")[2]
    return _ascii_host(PORT.sub("", name).rstrip("."))


def place_of(url: str) -> str:
    """Host and path of a URL without scheme, port, `www.`, fragment and last slash: where two spellings agree."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # a malformed IPv6 host
        return url.strip()
    host = host_of(parts.netloc).removeprefix("www.")
    path = resolved_path(parts.path).rstrip("/")
    if parts.query:
        path = f"{path or '/'}?{parts.query}"
    return f"{host}{path}" if host else url.strip()


@lru_cache(maxsize=10_000)
def place_of_prefix(prefix: str) -> str:
    """A prefix spelled like the places below it, however a person wrote it."""
    return place_of(prefix if "://" in prefix else f"https://{prefix}") if prefix else ""


def _escaped(text: str) -> str:
    if UNSAFE.search(text):
        text = quote(text, safe="%/;:@&=+$,!~*'()?[]")
    return ESCAPE.sub(_one_spelling, text) if "%" in text else text


def _one_spelling(found: re.Match[str]) -> str:
    character = chr(int(found.group(1), 16))
    return character if character in UNRESERVED else f"%{found.group(1).upper()}"


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4."""
    kept: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            if len(kept) > 1:
                kept.pop()
        elif part != ".":
            kept.append(part)
    return "/".join(kept) + ("/" if parts[-1] in (".", "..") else "")


@cache
def _suffixes() -> Any:
    import tldextract

    # No network: the list that the package carries.
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
