"""One key for the spellings under which a crawler meets one page."""

import pytest

from pipelines.urls import address, canonical_url

SAME = [
    ("http://Example.COM/a", "https://example.com/a"),
    ("https://www.example.com/a/", "https://example.com/a"),
    ("https://example.com:443/a", "http://example.com:80/a"),
    ("https://example.com/a#part", "https://example.com/a"),
    ("https://example.com/a?utm_source=x&b=1&fbclid=q", "https://example.com/a?b=1"),
    ("https://example.com/a?b=1&a=2", "https://example.com/a?a=2&b=1"),
    ("https://example.com", "https://example.com/"),
    ("https://example.com/x/index.html", "https://example.com/x/"),
    ("https://example.com/%7euser/%e4%b8%ad", "https://example.com/~user/中"),
    ("https://example.com/a/./b/../c", "https://example.com/a/c"),
    ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    ("https://example.com./a", "https://example.com/a"),
    ("https://user:pw@example.com/a", "https://example.com/a"),
    ("https://example.com/a;jsessionid=0123456789ABCDEF", "https://example.com/a"),
    ("https://example.com/a?sid=0123456789abcdef0123", "https://example.com/a"),
    (" https://example.com/a\n", "https://example.com/a"),
    ("https://example.com/a b?q=c d", "https://example.com/a%20b?q=c%20d"),
]
DIFFERENT = [
    ("https://example.com/a b", "https://example.com/ab"),
    ("https://example.com/A", "https://example.com/a"),
    ("https://example.com/a?id=1", "https://example.com/a?id=2"),
    ("https://example.com:8080/a", "https://example.com/a"),
    ("https://example.com/story?sid=42", "https://example.com/story?sid=43"),
    ("https://example.com/a%2Fb", "https://example.com/a/b"),
    ("https://math.example.com/", "https://example.com/"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_page_share_a_key(one, other):
    assert canonical_url(one) == canonical_url(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_pages_keep_different_keys(one, other):
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize(
    ("url", "host", "domain"),
    [
        ("https://www.maths.example.co.uk/a", "www.maths.example.co.uk", "example.co.uk"),
        ("http://127.0.0.1:8000/", "127.0.0.1", "127.0.0.1"),
        ("http://localhost/", "localhost", "localhost"),
        ("https://someone.github.io/x", "someone.github.io", "someone.github.io"),
        ("https://例え.jp/", "xn--r8jz45g.jp", "xn--r8jz45g.jp"),
    ],
)
def test_registered_domains_follow_the_public_suffix_list(url, host, domain):
    found = address(url)
    assert (found.host, found.domain) == (host, domain)


@pytest.mark.parametrize(
    "url", ["", "ftp://example.com/", "dns:example.com", "http:///path", "https://[::1", "https://x.org/" + "a" * 9_000]
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(ValueError):
        address(url)


def test_a_lone_surrogate_does_not_reach_the_table():
    assert address("https://example.com/\ud800").url == "https://example.com/?"
