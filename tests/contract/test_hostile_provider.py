"""What an OpenID provider may do to the hub: nothing but sign somebody in (THREATS row 25)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from tidegate.domain.errors import ProviderUnavailableError
from tidegate.hub.oidc import fetch
from tidegate.hub.oidc.fetch import Fetcher
from tidegate.hub.oidc.flow import begin
from tidegate.hub.oidc.id_token import UntrustedTokenError
from tidegate.hub.oidc.provider import Provider, Returned
from tidegate.hub.sign_in_settings import OidcSettings

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
INSIDE = "the secret of an inner service"


class HostileProvider:
    """Answers each path as it was told; counts what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.port = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, path: str, body: object, status: str = "200 OK", headers: str = "") -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
        self.answers[path] = head.encode() + content

    def is_configured(self, **changes: object) -> None:
        endpoints = {
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        body = {"issuer": self.issuer, **endpoints, **changes}
        self.says("/.well-known/openid-configuration", body)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                path = line.split()[1].decode()
                length = 0
                while (header := await reader.readline()).strip():
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                await reader.readexactly(length)
                self.asked.append(path)
                if path not in self.answers:
                    await asyncio.sleep(30)
                writer.write(self.answers[path])
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


Make = Callable[..., Provider]


@pytest.fixture
async def world() -> AsyncIterator[HostileProvider]:
    hostile = HostileProvider()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(hostile.serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    hostile.port = server.sockets[0].getsockname()[1]
    hostile.is_configured()
    yield hostile
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def make(world: HostileProvider) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        def build(**changes: bool) -> Provider:
            allow_private = changes.get("allow_private", True)
            provider = Provider(
                OidcSettings(world.issuer, "tidegate", allow_private=allow_private),
                "http://127.0.0.1",
            )
            stack.push_async_callback(provider.aclose)
            return provider

        yield build


async def refusal(provider: Provider) -> str:
    with pytest.raises(ProviderUnavailableError) as refused:
        await provider.authorization_url(begin("/", START), START, fresh=False)
    assert INSIDE not in str(refused.value)
    return str(refused.value)


async def test_t25_a_private_address_needs_the_operators_word(make: Make) -> None:
    assert "is not contacted" in await refusal(make(allow_private=False))


@pytest.mark.parametrize(
    "issuer",
    ["http://169.254.169.254", "https://[fd00:ec2::254]", "https://[::ffff:169.254.169.254]:8443"],
)
async def test_t25_metadata_services_are_never_contacted(issuer: str) -> None:
    provider = Provider(OidcSettings(issuer, "tidegate", allow_private=True), "https://hub.test")
    assert "is not contacted" in await refusal(provider)
    await provider.aclose()


@pytest.mark.parametrize(
    ("body", "status", "headers", "why"),
    [
        pytest.param(INSIDE.encode(), "200 OK", "", "no JSON object", id="text"),
        pytest.param([INSIDE], "200 OK", "", "no JSON object", id="array"),
        pytest.param({"issuer": INSIDE}, "200 OK", "", "not of the form", id="other-object"),
        pytest.param({"issuer": 1}, "200 OK", "", "not of the form", id="number"),
        pytest.param(INSIDE.encode(), "500 Oops", "", "HTTP 500", id="fault"),
        pytest.param(
            b"", "302 Found", "Location: http://169.254.169.254/\r\n", "HTTP 302", id="redirect"
        ),
        pytest.param(b" " * (2**20 + 1), "200 OK", "", "larger than", id="endless"),
        pytest.param(b"[" * 10_000, "200 OK", "", "no JSON object", id="deep"),
        pytest.param(b'{"issuer": "a", "issuer": "b"}', "200 OK", "", "no JSON object", id="twice"),
    ],
)
async def test_t25_an_answer_that_is_none_is_refused_and_not_shown(
    world: HostileProvider, make: Make, body: object, status: str, headers: str, why: str
) -> None:
    world.says("/.well-known/openid-configuration", body, status, headers)
    assert why in await refusal(make())
    assert world.asked == ["/.well-known/openid-configuration"]


async def test_t25_another_issuer_is_refused(world: HostileProvider, make: Make) -> None:
    world.is_configured(issuer="https://other.test")
    assert "names another issuer" in await refusal(make())


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://x",
        "javascript:alert(1)",
        "https://u:p@x",
        "//x",
        "",
        "http://x:y/",
        "https://x/\r\nA: b",
    ],
)
async def test_t25_endpoints_that_cannot_be_meant_are_refused(
    world: HostileProvider, make: Make, name: str, url: str
) -> None:
    world.is_configured(**{name: url})
    assert name in await refusal(make())


async def test_t25_an_https_issuer_has_https_endpoints_alone() -> None:
    fetcher = Fetcher(OidcSettings("https://id.test", "tidegate"))
    assert fetcher.require_endpoint("jwks_uri", "https://keys.test/k") == "https://keys.test/k"
    with pytest.raises(ProviderUnavailableError, match="jwks_uri is not an https"):
        fetcher.require_endpoint("jwks_uri", "http://keys.test/k")
    await fetcher.aclose()


async def test_t25_a_token_endpoint_inside_is_not_contacted(
    world: HostileProvider, make: Make
) -> None:
    world.is_configured(token_endpoint=f"http://127.0.0.2:{world.port}/token")
    with pytest.raises(ProviderUnavailableError, match="is not contacted"):
        await make().redeem(begin("/", START), Returned("code", ""), lambda: START)


async def test_a_provider_that_says_nothing_is_given_up(
    world: HostileProvider, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "DEADLINE_S", 0.1)
    del world.answers["/.well-known/openid-configuration"]
    assert "no answer in" in await refusal(make())


class Keys:
    """Keys that the provider signs with, one after the other."""

    def __init__(self, world: HostileProvider) -> None:
        self._world = world
        self.now = START

    def rotate(self, name: str) -> ECKey:
        key = ECKey.generate_key("P-256", {"kid": name})
        self._world.says("/keys", KeySet([key]).as_dict(private=False))
        return key

    async def sign_in(self, provider: Provider, key: ECKey) -> str:
        flow = begin("/", self.now)
        at = int(self.now.timestamp())
        claims = {"iss": self._world.issuer, "aud": "tidegate", "sub": "ada", "nonce": flow.nonce}
        header = {"alg": "ES256", "kid": key.kid}
        token = jwt.encode(header, {**claims, "iat": at, "exp": at + 60}, key)
        self._world.says("/token", {"id_token": token})
        return (await provider.redeem(flow, Returned("code", ""), lambda: self.now)).subject


async def test_new_keys_are_fetched_when_a_token_needs_them(
    world: HostileProvider, make: Make
) -> None:
    provider, keys = make(), Keys(world)
    first = keys.rotate("first")
    assert [await keys.sign_in(provider, first) for _ in range(3)] == ["ada"] * 3
    assert world.asked.count("/keys") == 1
    second = keys.rotate("second")
    keys.now += timedelta(seconds=31)
    assert await keys.sign_in(provider, second) == "ada"
    with pytest.raises(UntrustedTokenError):
        await keys.sign_in(provider, first)
    assert world.asked.count("/keys") == 2


async def test_tokens_of_unknown_keys_cause_no_flood_of_requests(
    world: HostileProvider, make: Make
) -> None:
    provider, keys = make(), Keys(world)
    await keys.sign_in(provider, keys.rotate("known"))
    forged = ECKey.generate_key("P-256", {"kid": "forged"})
    for _ in range(5):
        with pytest.raises(UntrustedTokenError):
            await keys.sign_in(provider, forged)
    assert world.asked.count("/keys") == 1


async def test_keys_that_are_none_are_refused(world: HostileProvider, make: Make) -> None:
    provider, keys = make(), Keys(world)
    key = keys.rotate("good")
    for bad in ({}, {"keys": []}, {"keys": "x"}, {"keys": [{"kty": "EC"}]}, {"keys": [INSIDE]}):
        world.says("/keys", bad)
        with pytest.raises(ProviderUnavailableError, match="keys cannot be read") as refused:
            await keys.sign_in(provider, key)
        assert INSIDE not in str(refused.value)
