"""Which page made a request, and which machine sent it."""

import pytest

from tidegate.hub.origin import is_loopback_host, is_own_origin, source_address


@pytest.mark.parametrize(
    ("origin", "host", "public_url", "own"),
    [
        pytest.param("", "hub.test", "", True, id="none"),
        pytest.param("https://hub.test", "hub.test", "", True, id="asked-host"),
        pytest.param("http://127.0.0.1:8080", "127.0.0.1:8080", "", True, id="loopback"),
        pytest.param("http://127.0.0.1:8081", "127.0.0.1:8080", "", False, id="other-port"),
        pytest.param("null", "null", "", False, id="null"),
        pytest.param("https://", "", "", False, id="no-host"),
        pytest.param("https://hub.test", "inner:8080", "https://hub.test", True, id="proxied"),
        pytest.param("http://hub.test", "hub.test", "https://hub.test", False, id="downgraded"),
        pytest.param("https://evil.test", "evil.test", "https://hub.test", False, id="rebound"),
    ],
)
def test_own_origin(origin: str, host: str, public_url: str, *, own: bool) -> None:
    assert is_own_origin(origin, host, public_url) == own


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("localhost:8080", True),
        ("127.0.0.1:1", True),
        ("[::1]:8080", True),
        ("localhost.evil.test", False),
        ("127.0.0.1.evil.test", False),
        ("10.0.0.1", False),
        ("", False),
        ("[", False),
    ],
)
def test_loopback_host(host: str, *, loopback: bool) -> None:
    assert is_loopback_host(host) == loopback


PROXIES = ("10.0.0.0/8", "127.0.0.1/32")


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        pytest.param("203.0.113.5", "", "203.0.113.5", id="direct"),
        pytest.param("203.0.113.5", "1.2.3.4", "203.0.113.5", id="stranger-claims"),
        pytest.param("10.0.0.1", "1.2.3.4", "1.2.3.4", id="one-proxy"),
        pytest.param("10.0.0.1", "9.9.9.9, 1.2.3.4", "1.2.3.4", id="client-claims"),
        pytest.param("127.0.0.1", "1.2.3.4, 10.0.0.7", "1.2.3.4", id="two-proxies"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="proxy-itself"),
        pytest.param("10.0.0.1", "1.2.3.4, nonsense", "nonsense", id="nonsense-is-nobodys"),
        pytest.param("10.0.0.1", "1.2.3.4" + ", 10.0.0.2" * 99, "10.0.0.2", id="endless"),
    ],
)
def test_source_address(peer: str, forwarded: str, expected: str) -> None:
    assert source_address(peer, forwarded, PROXIES) == expected
