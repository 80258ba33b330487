import pytest

from tidegate.oci.challenge import Challenge, parse_challenges


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        pytest.param(
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
            'scope="repository:library/nginx:pull"',
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:library/nginx:pull",
                    },
                )
            ],
            id="docker-hub",
        ),
        pytest.param('basic REALM="a b"', [Challenge("basic", {"realm": "a b"})], id="case"),
        pytest.param("Negotiate", [Challenge("negotiate", {})], id="without-parameters"),
        pytest.param(
            'Basic realm="x", Bearer realm="y" , error=invalid_token',
            [
                Challenge("basic", {"realm": "x"}),
                Challenge("bearer", {"realm": "y", "error": "invalid_token"}),
            ],
            id="two-in-one-header",
        ),
        pytest.param(r'Bearer realm="a\"b\\"', [Challenge("bearer", {"realm": 'a"b\\'})], id="esc"),
        pytest.param(
            'Bearer realm="a", realm="b"', [Challenge("bearer", {"realm": "a"})], id="twice"
        ),
        pytest.param(
            'Bearer realm="a', [Challenge("bearer", {}), Challenge("realm", {})], id="cut"
        ),
        pytest.param('realm="a"', [], id="no-scheme"),
        pytest.param("", [], id="empty"),
        pytest.param('"', [], id="quote"),
        pytest.param(", ,\t,", [], id="commas"),
    ],
)
def test_challenges_are_read(header: str, challenges: list[Challenge]) -> None:
    assert list(parse_challenges(header)) == challenges


@pytest.mark.timeout(5)
@pytest.mark.parametrize("piece", ['"', "\\", 'a="', 'a=b,"\\', "a ", "= ", 'a="\\'])
def test_t03_a_hostile_challenge_costs_linear_time(piece: str) -> None:
    for prefix in ("", 'Bearer realm="'):
        parse_challenges(prefix + piece * 1_000_000)
