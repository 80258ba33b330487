"""The registry client against a registry that lies, dawdles, floods and points elsewhere."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import (
    ContentMismatchError,
    InvalidManifestError,
    LimitExceededError,
    RegistryUnavailableError,
    TidegateError,
)
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.oci.client import RegistryClient
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.referrers import fallback_tag
from tidegate.oci.registries import RegistryConfig
from tidegate.testing.hostile_registry import HostileRegistry, ScriptedAnswer, SeenRequest
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    render_manifest,
)

BODY = b"the report"
BLOB = Descriptor("application/json", digest_of(BODY), len(BODY))
EMPTY = Descriptor(OCI_EMPTY, digest_of(EMPTY_BLOB), len(EMPTY_BLOB))
IMAGE_BODY = render_manifest(Manifest(config=EMPTY, layers=(BLOB,)))
SUBJECT = digest_of(IMAGE_BODY)
LAB = {"username": "lab", "password": "secret"}
REPORT = "application/vnd.in-toto+json"

MANIFEST_PATH = "/v2/app/manifests/1"
BLOB_PATH = f"/v2/app/blobs/{BLOB.digest}"
REFERRERS_PATH = f"/v2/app/referrers/{SUBJECT}"
FALLBACK_PATH = f"/v2/app/manifests/{fallback_tag(SUBJECT)}"

LIMITS = RegistryLimits(read_timeout_s=20.0)  # on a loaded machine
IMPATIENT = replace(LIMITS, read_timeout_s=0.3, transfer_idle_s=0.2, transfer_timeout_s=0.4)
SOCKET_BYTES = 16 * 2**20
"""What kernel and event loop may hold of a stream that its reader has left."""


def manifest(body: bytes = IMAGE_BODY, media_type: str = OCI_MANIFEST) -> ScriptedAnswer:
    return ScriptedAnswer(headers=(("Content-Type", media_type),), body=body)


def index(count: int, *, start: int = 0, artifact_type: str = REPORT) -> ScriptedAnswer:
    entries = tuple(
        Descriptor(OCI_MANIFEST, digest_of(str(number).encode()), 9, artifact_type=artifact_type)
        for number in range(start, start + count)
    )
    body = render_manifest(Manifest(media_type=OCI_INDEX, manifests=entries))
    return manifest(body, OCI_INDEX)


def config(hostile: HostileRegistry, **settings: object) -> RegistryConfig:
    return RegistryConfig(hostile.authority, plain_http=True, allow_private=True, **settings)


def client_of(
    hostile: HostileRegistry, limits: RegistryLimits = LIMITS, **settings: object
) -> RegistryClient:
    return RegistryClient([config(hostile, **settings)], limits=limits)


def image_of(hostile: HostileRegistry) -> ImageReference:
    return parse_reference(f"{hostile.authority}/app:1")


@pytest.fixture
async def hostile() -> AsyncIterator[HostileRegistry]:
    async with HostileRegistry() as server:
        yield server


# --- what comes is not what was asked for ---------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(ScriptedAnswer(429), RegistryUnavailableError, id="429"),
        pytest.param(ScriptedAnswer(500), RegistryUnavailableError, id="500"),
        pytest.param(ScriptedAnswer(403), RegistryUnavailableError, id="403"),
        pytest.param(ScriptedAnswer(401), RegistryUnavailableError, id="401-without-challenge"),
        pytest.param(ScriptedAnswer(206), RegistryUnavailableError, id="partial"),
        pytest.param(
            ScriptedAnswer(302, (("Location", "/v2/other/manifests/1"),)),
            RegistryUnavailableError,
            id="manifest-redirected",
        ),
        pytest.param(manifest(media_type="text/html"), RegistryUnavailableError, id="html"),
        pytest.param(
            manifest(media_type="application/vnd.docker.distribution.manifest.v1+prettyjws"),
            InvalidManifestError,
            id="schema-1",
        ),
        pytest.param(ScriptedAnswer(body=IMAGE_BODY), RegistryUnavailableError, id="no-type"),
        pytest.param(manifest(b"{"), InvalidManifestError, id="broken-json"),
        pytest.param(manifest(IMAGE_BODY, OCI_INDEX), InvalidManifestError, id="other-type-inside"),
        pytest.param(manifest(b'{"a":' * 65), InvalidManifestError, id="t03-nested-65-deep"),
        pytest.param(
            replace(manifest(), headers=(*manifest().headers, ("Content-Encoding", "gzip"))),
            RegistryUnavailableError,
            id="t03-compressed",
        ),
        pytest.param(
            replace(manifest(), content_length=len(IMAGE_BODY) + 1),
            RegistryUnavailableError,
            id="truncated",
        ),
        pytest.param(
            replace(manifest(), content_length=2**40), LimitExceededError, id="t03-announced-1-TiB"
        ),
        pytest.param(
            replace(manifest(b""), endless=True), LimitExceededError, id="t03-endless-manifest"
        ),
        pytest.param(ScriptedAnswer(500, endless=True), RegistryUnavailableError, id="t03-error"),
        pytest.param(manifest(b"x" * 10), InvalidManifestError, id="no-json"),
    ],
)
async def test_an_answer_that_settles_nothing_is_an_error(
    hostile: HostileRegistry, answer: ScriptedAnswer, error: type[TidegateError]
) -> None:
    hostile.scripts[MANIFEST_PATH] = answer
    async with client_of(hostile) as client:
        with pytest.raises(error) as raised:
            await client.fetch_manifest(image_of(hostile))
    assert hostile.bytes_sent < LIMITS.max_manifest_bytes + SOCKET_BYTES
    if answer.status == 429:
        assert raised.value.rate_limited
    if answer.status != 200:
        assert f"{hostile.authority}/app:1" in str(raised.value)
        assert "want" in str(raised.value)


async def test_t06_the_digest_of_a_tag_is_computed_and_never_believed(
    hostile: HostileRegistry,
) -> None:
    lie = ("Docker-Content-Digest", digest_of(b"another manifest"))
    answer = manifest()
    hostile.scripts[MANIFEST_PATH] = replace(answer, headers=(*answer.headers, lie))
    async with client_of(hostile) as client:
        fetched = await client.fetch_manifest(image_of(hostile))
    assert fetched is not None
    assert fetched.digest == SUBJECT


async def test_t06_another_manifest_than_the_digest_names_is_refused(
    hostile: HostileRegistry,
) -> None:
    hostile.scripts[f"/v2/app/manifests/{SUBJECT}"] = manifest(IMAGE_BODY + b" ")
    async with client_of(hostile) as client:
        with pytest.raises(ContentMismatchError, match="not believed"):
            await client.fetch_manifest(image_of(hostile).at(SUBJECT))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(ScriptedAnswer(body=b"the ReporT"), ContentMismatchError, id="other-bytes"),
        pytest.param(ScriptedAnswer(body=BODY[:-1]), ContentMismatchError, id="too-short"),
        pytest.param(ScriptedAnswer(body=BODY + b"!"), ContentMismatchError, id="too-long"),
        pytest.param(ScriptedAnswer(body=BODY, endless=True), ContentMismatchError, id="endless"),
        pytest.param(
            ScriptedAnswer(body=BODY[:4], content_length=len(BODY)),
            RegistryUnavailableError,
            id="truncated",
        ),
        pytest.param(
            ScriptedAnswer(body=BODY[:4], endless=True, pause_s=0.15),
            RegistryUnavailableError,
            id="byte-by-byte",
        ),
        pytest.param(ScriptedAnswer(wait_s=5.0), RegistryUnavailableError, id="silent"),
    ],
)
@pytest.mark.parametrize("to_file", [False, True], ids=["fetched", "downloaded"])
async def test_t03_a_blob_is_what_its_descriptor_promised_or_nothing(
    hostile: HostileRegistry,
    tmp_path: Path,
    answer: ScriptedAnswer,
    error: type[TidegateError],
    *,
    to_file: bool,
) -> None:
    hostile.scripts[BLOB_PATH] = answer
    promised = Descriptor("x/y", BLOB.digest, BLOB.size)
    target = tmp_path / "layer"
    limits = IMPATIENT if answer.pause_s or answer.wait_s else LIMITS
    async with client_of(hostile, limits) as client:
        image = image_of(hostile)
        with pytest.raises(error):
            await (
                client.download_blob(image, promised, target, max_bytes=2**20)
                if to_file
                else client.fetch_blob(image, promised)
            )
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
    assert hostile.bytes_sent < SOCKET_BYTES


async def test_t03_a_blob_larger_than_allowed_is_not_even_asked_for(
    hostile: HostileRegistry,
) -> None:
    huge = Descriptor("x/y", BLOB.digest, LIMITS.max_blob_bytes + 1)
    async with client_of(hostile) as client:
        with pytest.raises(LimitExceededError, match="at most"):
            await client.fetch_blob(image_of(hostile), huge)
    assert hostile.seen == []


async def test_a_slow_manifest_is_given_up_in_time(hostile: HostileRegistry) -> None:
    hostile.scripts[MANIFEST_PATH] = replace(manifest(b""), endless=True, pause_s=0.05)
    async with client_of(hostile, IMPATIENT) as client, asyncio.timeout(5.0):
        with pytest.raises(RegistryUnavailableError, match=r"within 0\.3 s"):
            await client.fetch_manifest(image_of(hostile))


async def test_nobody_listening_is_unavailable_and_says_so() -> None:
    async with HostileRegistry() as gone:
        image, client = image_of(gone), client_of(gone)
    async with client:
        with pytest.raises(RegistryUnavailableError, match="no connection"):
            await client.fetch_manifest(image)


# --- lists ----------------------------------------------------------------------------------------


def linked(answer: ScriptedAnswer, target: str) -> ScriptedAnswer:
    return replace(answer, headers=(*answer.headers, ("Link", f'<{target}>; rel="next"')))


async def test_t02_every_page_of_referrers_is_read(hostile: HostileRegistry) -> None:
    def page(request: SeenRequest) -> ScriptedAnswer:
        if request.target.endswith("n=2"):
            return index(1, start=2)
        return linked(index(2), f"{REFERRERS_PATH}?n=2")

    hostile.scripts[REFERRERS_PATH] = page
    async with client_of(hostile) as client:
        listed = await client.list_referrers(image_of(hostile), SUBJECT)
    assert len(listed.descriptors) == 3
    assert listed.source == "api"


@pytest.mark.parametrize("page_size", [10_000, 400], ids=["one-page", "paged"])
async def test_t02_a_flood_of_referrers_is_an_error_and_never_cut(
    hostile: HostileRegistry, page_size: int
) -> None:
    def page(request: SeenRequest) -> ScriptedAnswer:
        start = int(request.target.rpartition("=")[2]) if "=" in request.target else 0
        return linked(index(page_size, start=start), f"?last={start + page_size}")

    hostile.scripts[REFERRERS_PATH] = page
    async with client_of(hostile) as client:
        with pytest.raises(LimitExceededError, match="more than 1000"):
            await client.list_referrers(image_of(hostile), SUBJECT)
    assert len(hostile.seen) <= 3


async def test_t02_ten_thousand_referrers_by_tag_are_an_error(hostile: HostileRegistry) -> None:
    hostile.scripts[FALLBACK_PATH] = index(10_000)
    async with client_of(hostile) as client:
        with pytest.raises(LimitExceededError, match="more than 1000"):
            await client.list_referrers(image_of(hostile), SUBJECT)


async def test_t02_pages_without_end_are_an_error(hostile: HostileRegistry) -> None:
    def page(_: SeenRequest) -> ScriptedAnswer:
        return linked(index(0), f"?last={len(hostile.seen)}")

    hostile.scripts[REFERRERS_PATH] = page
    async with client_of(hostile) as client:
        with pytest.raises(LimitExceededError, match="more than 20 pages"):
            await client.list_referrers(image_of(hostile), SUBJECT)
    assert len(hostile.seen) == LIMITS.max_referrer_pages


async def test_t02_large_pages_are_an_error_before_they_add_up(hostile: HostileRegistry) -> None:
    def page(_: SeenRequest) -> ScriptedAnswer:
        padded = index(1)
        body = padded.body + b" " * 2**20
        return linked(replace(padded, body=body), f"?last={len(hostile.seen)}")

    hostile.scripts[REFERRERS_PATH] = page
    async with client_of(hostile) as client:
        with pytest.raises(LimitExceededError, match="larger than"):
            await client.list_referrers(image_of(hostile), SUBJECT)
    assert len(hostile.seen) == 8


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/v2/app/referrers/x?n=2",
        "//evil.example/?n=2",
        "https://localhost/v2/app?n=2",
        "/v2/other/manifests/1?n=2",
        "/v2/app/referrers/../../other?n=2",
        "file:///etc/passwd",
        "http://[::1?n=2",
        "http://user@localhost/?n=2",
        "",
        "?",
        "#n=2",
        "\\\\evil.example\\?n=2",
        "?n=2 HTTP/1.1",
    ],
)
async def test_t02_a_next_page_elsewhere_is_refused(hostile: HostileRegistry, target: str) -> None:
    hostile.scripts[REFERRERS_PATH] = linked(index(1), target)
    async with client_of(hostile) as client:
        with pytest.raises(RegistryUnavailableError, match="next page is refused"):
            await client.list_referrers(image_of(hostile), SUBJECT)
    assert hostile.paths() == [REFERRERS_PATH]


async def test_t02_pages_in_a_circle_are_an_error(hostile: HostileRegistry) -> None:
    def page(request: SeenRequest) -> ScriptedAnswer:
        return linked(index(1), "?n=1" if request.target.endswith("n=2") else "?n=2")

    hostile.scripts[REFERRERS_PATH] = page
    async with client_of(hostile) as client:
        with pytest.raises(RegistryUnavailableError, match="circle"):
            await client.list_referrers(image_of(hostile), SUBJECT)
    assert len(hostile.seen) == 3


async def test_a_page_that_vanishes_is_an_error_and_not_the_end(hostile: HostileRegistry) -> None:
    def page(request: SeenRequest) -> ScriptedAnswer:
        gone = request.target.endswith("n=2")
        return ScriptedAnswer(404) if gone else linked(index(1), "?n=2")

    hostile.scripts[REFERRERS_PATH] = page
    async with client_of(hostile) as client:
        with pytest.raises(RegistryUnavailableError, match="HTTP 404, want 200"):
            await client.list_referrers(image_of(hostile), SUBJECT)


async def test_referrers_are_filtered_here_where_the_registry_does_not(
    hostile: HostileRegistry,
) -> None:
    mixed = Manifest(
        media_type=OCI_INDEX,
        manifests=tuple(
            Descriptor(OCI_MANIFEST, digest_of(kind.encode()), 1, artifact_type=kind)
            for kind in (REPORT, "x/other", "")
        ),
    )
    hostile.scripts[REFERRERS_PATH] = manifest(render_manifest(mixed), OCI_INDEX)
    async with client_of(hostile) as client:
        listed = await client.list_referrers(image_of(hostile), SUBJECT, REPORT)
    assert [entry.artifact_type for entry in listed.descriptors] == [REPORT, ""]
    assert hostile.seen[0].target.endswith("?artifactType=application%2Fvnd.in-toto%2Bjson")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(manifest(), "want an image index", id="image-manifest"),
        pytest.param(manifest(b"[]", OCI_INDEX), "want an image index", id="list"),
        pytest.param(ScriptedAnswer(500), "HTTP 500, want 200 or 404", id="500"),
        pytest.param(ScriptedAnswer(body=b"<html>"), "want an image index", id="portal"),
    ],
)
async def test_a_referrers_answer_that_is_none_is_never_an_empty_list(
    hostile: HostileRegistry, answer: ScriptedAnswer, error: str
) -> None:
    hostile.scripts[REFERRERS_PATH] = answer
    async with client_of(hostile) as client:
        with pytest.raises(RegistryUnavailableError, match=error):
            await client.list_referrers(image_of(hostile), SUBJECT)


@pytest.mark.parametrize("image", [manifest(), index(2)], ids=["image", "index"])
async def test_a_fallback_tag_that_is_the_image_itself_lists_nothing(
    hostile: HostileRegistry, image: ScriptedAnswer
) -> None:
    subject = digest_of(image.body)
    hostile.scripts[f"/v2/app/manifests/{fallback_tag(subject)}"] = image
    async with client_of(hostile) as client:
        listed = await client.list_referrers(image_of(hostile), subject)
    assert (listed.descriptors, listed.source) == ((), "tag")


async def test_a_fallback_tag_that_is_garbage_is_unavailable(hostile: HostileRegistry) -> None:
    hostile.scripts[FALLBACK_PATH] = manifest(b"{}", OCI_INDEX)
    async with client_of(hostile) as client:
        with pytest.raises(RegistryUnavailableError, match="by tag"):
            await client.list_referrers(image_of(hostile), SUBJECT)


@pytest.mark.parametrize(
    ("body", "tags"),
    [
        pytest.param(b'{"name":"app","tags":["1","2"]}', ("1", "2"), id="tags"),
        pytest.param(b'{"name":"app","tags":null}', (), id="null-of-a-go-program"),
    ],
)
async def test_tags_are_listed(hostile: HostileRegistry, body: bytes, tags: tuple[str]) -> None:
    hostile.scripts["/v2/app/tags/list"] = ScriptedAnswer(body=body)
    async with client_of(hostile) as client:
        assert await client.list_tags(image_of(hostile)) == tags


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(b"[]", RegistryUnavailableError, id="no-object"),
        pytest.param(b'{"tags":["../1"]}', RegistryUnavailableError, id="no-tag"),
        pytest.param(b'{"a":' * 70, LimitExceededError, id="t03-nested"),
        pytest.param(
            json.dumps({"tags": [f"t{number}" for number in range(10_001)]}).encode(),
            LimitExceededError,
            id="t02-too-many",
        ),
    ],
)
async def test_what_is_no_list_of_tags_is_an_error(
    hostile: HostileRegistry, body: bytes, error: type[TidegateError]
) -> None:
    hostile.scripts["/v2/app/tags/list"] = ScriptedAnswer(body=body)
    async with client_of(hostile) as client:
        with pytest.raises(error):
            await client.list_tags(image_of(hostile))


# --- credentials ----------------------------------------------------------------------------------


def bearer(realm: str, service: str = "registry") -> ScriptedAnswer:
    challenge = f'Bearer realm="{realm}",service="{service}",scope="repository:secret:pull,push"'
    return ScriptedAnswer(401, (("WWW-Authenticate", challenge),))


def guard(hostile: HostileRegistry, realm: str, *tokens: str) -> None:
    """Let the manifest be fetched with one of `tokens` only."""

    def answer(request: SeenRequest) -> ScriptedAnswer:
        allowed = request.headers.get("authorization") in {f"Bearer {token}" for token in tokens}
        return manifest() if allowed else bearer(realm)

    hostile.scripts[MANIFEST_PATH] = answer


def token(text: str, expires_in: int = 300) -> ScriptedAnswer:
    body = json.dumps({"token": text, "expires_in": expires_in}).encode()
    return ScriptedAnswer(body=body)


async def test_t08_a_token_is_asked_for_our_own_scope_and_kept(hostile: HostileRegistry) -> None:
    guard(hostile, f"{hostile.url}/token", "t1")
    hostile.scripts["/token"] = token("t1")
    async with client_of(hostile, **LAB) as client:
        for _ in range(3):
            assert await client.fetch_manifest(image_of(hostile)) is not None
    asked = [request for request in hostile.seen if request.path == "/token"]
    assert [request.target for request in asked] == [
        "/token?service=registry&scope=repository%3Aapp%3Apull"
    ]
    assert asked[0].headers["authorization"].startswith("Basic ")
    assert len(hostile.seen) == 5
    assert hostile.connection_count == 1


async def test_concurrent_reads_share_one_token_request(hostile: HostileRegistry) -> None:
    guard(hostile, f"{hostile.url}/token", "t1")
    asked = asyncio.Event()

    def slow_token(_: SeenRequest) -> ScriptedAnswer:
        asked.set()
        return replace(token("t1"), wait_s=0.1)

    hostile.scripts["/token"] = slow_token
    async with client_of(hostile) as client:
        reads = [client.fetch_manifest(image_of(hostile)) for _ in range(8)]
        first = asyncio.create_task(client.fetch_manifest(image_of(hostile)))
        others = asyncio.gather(*reads)
        await asked.wait()
        first.cancel()
        assert all(await others)
    assert hostile.paths().count("/token") == 1


async def test_a_token_is_renewed_before_it_runs_out(hostile: HostileRegistry) -> None:
    guard(hostile, f"{hostile.url}/token", "t1")
    hostile.scripts["/token"] = token("t1", expires_in=100)
    now_s = 0.0
    async with RegistryClient([config(hostile)], clock_s=lambda: now_s) as client:
        counts = []
        for now_s in (0.0, 89.0, 91.0):  # noqa: B007 - read by the clock above
            await client.fetch_manifest(image_of(hostile))
            counts.append(hostile.paths().count("/token"))
    assert counts == [1, 1, 2]


async def test_a_revoked_token_is_replaced(hostile: HostileRegistry) -> None:
    guard(hostile, f"{hostile.url}/token", "t1")
    hostile.scripts["/token"] = token("t1")
    async with client_of(hostile) as client:
        await client.fetch_manifest(image_of(hostile))
        guard(hostile, f"{hostile.url}/token", "t2")
        hostile.scripts["/token"] = token("t2")
        assert await client.fetch_manifest(image_of(hostile)) is not None


@pytest.mark.parametrize(
    "realm",
    [
        "http://evil.example/token",
        "http://localhost:{other}/token",
        "http://127.0.0.1:{port}/token",
        "http://lab:x@localhost:{port}/token",
        "http://localhost:{port}.evil.example/token",
        "http://localhost:{port}\\@evil.example/token",
        "ftp://localhost:{port}/token",
        "localhost:{port}/token",
        "",
        "http://[::1/token",
        "http://localhost:99999/token",
    ],
)
async def test_t08_a_foreign_token_server_sees_nothing(
    hostile: HostileRegistry, realm: str
) -> None:
    async with HostileRegistry({"/token": token("t1")}) as other:
        hostile.scripts[MANIFEST_PATH] = bearer(realm.format(port=hostile.port, other=other.port))
        async with client_of(hostile, **LAB) as client:
            with pytest.raises(RegistryUnavailableError, match="token_realms") as raised:
                await client.fetch_manifest(image_of(hostile))
        assert other.connection_count == 0
    assert hostile.paths() == [MANIFEST_PATH]
    assert "secret" not in str(raised.value)


async def test_t08_a_token_server_that_an_administrator_named_is_used(
    hostile: HostileRegistry,
) -> None:
    async with HostileRegistry({"/token": token("t1")}) as other:
        guard(hostile, f"{other.url}/token", "t1")
        settings = {**LAB, "token_realms": (other.authority,)}
        async with client_of(hostile, **settings) as client:
            assert await client.fetch_manifest(image_of(hostile)) is not None
        assert "authorization" in other.seen[0].headers


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ScriptedAnswer(401), id="credentials-refused"),
        pytest.param(ScriptedAnswer(429), id="429"),
        pytest.param(ScriptedAnswer(body=b"{}"), id="no-token"),
        pytest.param(ScriptedAnswer(body=b'{"token":"a\\r\\nX: y"}'), id="header-injection"),
        pytest.param(ScriptedAnswer(body=b'{"token":' + b"[" * 70), id="t03-nested"),
        pytest.param(ScriptedAnswer(endless=True), id="t03-endless"),
        pytest.param(ScriptedAnswer(302, (("Location", "/elsewhere"),)), id="t08-redirected"),
        pytest.param(token("wrong"), id="token-that-does-not-help"),
    ],
)
async def test_a_token_server_that_gives_none_makes_the_registry_unavailable(
    hostile: HostileRegistry, answer: ScriptedAnswer
) -> None:
    guard(hostile, f"{hostile.url}/token", "right")
    hostile.scripts["/token"] = answer
    async with client_of(hostile, **LAB) as client:
        with pytest.raises((RegistryUnavailableError, LimitExceededError)) as raised:
            await client.fetch_manifest(image_of(hostile))
    assert "secret" not in str(raised.value)
    assert "/elsewhere" not in hostile.paths()


@pytest.mark.parametrize("text", [r"", r"a\r\nX: y", r"a b", r"\u00fc"])
async def test_t08_a_token_that_is_no_header_value_is_refused(
    hostile: HostileRegistry, text: str
) -> None:
    guard(hostile, f"{hostile.url}/token", "right")
    hostile.scripts["/token"] = ScriptedAnswer(body=f'{{"token":"{text}"}}'.encode())
    async with client_of(hostile) as client:
        with pytest.raises(RegistryUnavailableError, match="no token in the answer"):
            await client.fetch_manifest(image_of(hostile))


async def test_t08_basic_credentials_are_sent_only_when_asked_for(
    hostile: HostileRegistry,
) -> None:
    def answer(request: SeenRequest) -> ScriptedAnswer:
        if "authorization" in request.headers:
            return manifest()
        return ScriptedAnswer(401, (("WWW-Authenticate", 'Basic realm="r"'),))

    hostile.scripts[MANIFEST_PATH] = answer
    async with client_of(hostile, **LAB) as client:
        for _ in range(2):
            assert await client.fetch_manifest(image_of(hostile)) is not None
    sent = ["authorization" in request.headers for request in hostile.seen]
    assert sent == [False, True, True]


async def test_a_wrong_password_is_said_and_not_tried_forever(hostile: HostileRegistry) -> None:
    refused = ScriptedAnswer(401, (("WWW-Authenticate", 'Basic realm="r"'),))
    hostile.scripts[MANIFEST_PATH] = refused
    async with client_of(hostile, **LAB) as client:
        for _ in range(2):
            with pytest.raises(RegistryUnavailableError, match="HTTP 401"):
                await client.fetch_manifest(image_of(hostile))
    assert len(hostile.seen) <= 4


# --- redirects and addresses ----------------------------------------------------------------------


def redirect(target: str, status: int = 307) -> ScriptedAnswer:
    return ScriptedAnswer(status, (("Location", target),))


async def test_t08_a_redirected_blob_request_carries_no_credentials(
    hostile: HostileRegistry,
) -> None:
    async with HostileRegistry({"/store": ScriptedAnswer(body=BODY)}) as store:

        def answer(request: SeenRequest) -> ScriptedAnswer:
            if "authorization" not in request.headers:
                return ScriptedAnswer(401, (("WWW-Authenticate", 'Basic realm="r"'),))
            return redirect(f"{store.url}/store?signature=s3cret")

        hostile.scripts[BLOB_PATH] = answer
        settings = {**LAB, "redirect_hosts": (store.authority,)}
        async with client_of(hostile, **settings) as client:
            assert await client.fetch_blob(image_of(hostile), BLOB) == BODY
        assert ["authorization" in request.headers for request in store.seen] == [False]


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://localhost:{other}/store",
        "http://127.0.0.1:{other}/store",
        "http://[::ffff:127.0.0.1]:{other}/store",
        "http://0.0.0.0:{other}/store",
        "http://2130706433:{other}/store",
        "file:///etc/passwd",
        "http://lab:x@localhost:{other}/store",
        "http://[::1",
        "\\\\localhost:{other}\\store",
        "",
    ],
)
async def test_t09_a_redirect_to_a_private_or_odd_place_is_refused(
    hostile: HostileRegistry, target: str
) -> None:
    async with HostileRegistry({"/store": ScriptedAnswer(body=BODY)}) as other:
        hostile.scripts[BLOB_PATH] = redirect(target.format(other=other.port))
        async with client_of(hostile) as client:
            with pytest.raises(RegistryUnavailableError):
                await client.fetch_blob(image_of(hostile), BLOB)
        assert other.connection_count == 0


async def test_a_redirect_within_the_registry_is_followed_to_a_limit(
    hostile: HostileRegistry,
) -> None:
    hostile.scripts[BLOB_PATH] = redirect("/a")
    hostile.scripts |= {"/a": redirect("/b"), "/b": redirect("/c")}
    hostile.scripts["/c"] = ScriptedAnswer(body=BODY)
    async with client_of(hostile) as client:
        assert await client.fetch_blob(image_of(hostile), BLOB) == BODY
        hostile.scripts["/c"] = redirect("/a")
        with pytest.raises(RegistryUnavailableError, match="more than 3 redirects"):
            await client.fetch_blob(image_of(hostile), BLOB)


async def test_t09_a_private_registry_needs_the_administrators_word(
    hostile: HostileRegistry,
) -> None:
    async with RegistryClient([RegistryConfig(hostile.authority, plain_http=True)]) as client:
        with pytest.raises(RegistryUnavailableError, match="allow_private"):
            await client.fetch_manifest(image_of(hostile))
    assert hostile.connection_count == 0


async def test_t09_urls_of_a_descriptor_are_never_visited(hostile: HostileRegistry) -> None:
    async with HostileRegistry({"/layer": ScriptedAnswer(body=BODY)}) as other:
        foreign = json.loads(IMAGE_BODY)
        foreign["layers"][0] |= {"urls": [f"{other.url}/layer"], "data": "bm90IGl0"}
        hostile.scripts[MANIFEST_PATH] = manifest(json.dumps(foreign).encode())
        hostile.scripts[BLOB_PATH] = ScriptedAnswer(body=BODY)
        async with client_of(hostile) as client:
            fetched = await client.fetch_manifest(image_of(hostile))
            assert fetched is not None
            blob = await client.fetch_blob(image_of(hostile), fetched.manifest.layers[0])
        assert blob == BODY
        assert other.connection_count == 0


async def test_an_endpoint_stands_in_for_the_name_of_the_registry(
    hostile: HostileRegistry,
) -> None:
    hostile.scripts[MANIFEST_PATH] = manifest()
    named = RegistryConfig(
        "registry.lab", plain_http=True, allow_private=True, endpoint=hostile.authority
    )
    async with RegistryClient([named]) as client:
        assert await client.fetch_manifest(parse_reference("registry.lab/app:1")) is not None
    assert hostile.seen[0].headers["host"] == hostile.authority


# --- pushing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "location",
    ["http://evil.example/upload", "//evil.example/upload", "http://[::1/upload", "\\\\evil\\u"],
)
async def test_t08_a_blob_is_not_pushed_elsewhere(hostile: HostileRegistry, location: str) -> None:
    hostile.scripts["/v2/app/blobs/uploads/"] = redirect(location, 202)
    async with client_of(hostile) as client:
        with pytest.raises(RegistryUnavailableError):
            await client.push_blob(image_of(hostile), BODY)
    assert all(request.method != "PUT" for request in hostile.seen)


async def test_a_fallback_tag_that_somebody_else_uses_is_not_overwritten(
    hostile: HostileRegistry,
) -> None:
    report = Manifest(
        artifact_type=REPORT, config=EMPTY, subject=Descriptor(OCI_MANIFEST, SUBJECT, 1)
    )
    body = render_manifest(report)
    hostile.scripts[f"/v2/app/manifests/{digest_of(body)}"] = ScriptedAnswer(201)
    hostile.scripts[FALLBACK_PATH] = manifest()
    async with client_of(hostile) as client:
        with pytest.raises(RegistryUnavailableError, match="want the index of referrers"):
            await client.push_referrer(image_of(hostile), body, OCI_MANIFEST)
    assert [request.method for request in hostile.seen] == ["PUT", "GET"]


async def test_t18_a_list_that_others_keep_overwriting_is_an_error(
    hostile: HostileRegistry,
) -> None:
    report = Manifest(config=EMPTY, subject=Descriptor(OCI_MANIFEST, SUBJECT, 1))
    body = render_manifest(report)
    hostile.scripts[f"/v2/app/manifests/{digest_of(body)}"] = ScriptedAnswer(201)

    def forgets(request: SeenRequest) -> ScriptedAnswer:
        return ScriptedAnswer(201) if request.method == "PUT" else index(1)

    hostile.scripts[FALLBACK_PATH] = forgets
    async with client_of(hostile) as client:
        with pytest.raises(RegistryUnavailableError, match="push it again"):
            await client.push_referrer(image_of(hostile), body, OCI_MANIFEST)


async def test_t18_what_others_listed_stays_as_they_wrote_it(hostile: HostileRegistry) -> None:
    report = Manifest(config=EMPTY, subject=Descriptor(OCI_MANIFEST, SUBJECT, 1))
    body = render_manifest(report)
    hostile.scripts[f"/v2/app/manifests/{digest_of(body)}"] = ScriptedAnswer(201)
    theirs = {"mediaType": OCI_MANIFEST, "digest": SUBJECT, "size": 1, "theirs": {"a": [1]}}
    stored = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [theirs]})
    lists = [stored.encode()]

    def keeps(request: SeenRequest) -> ScriptedAnswer:
        if request.method == "PUT":
            lists.append(request.body)
            return ScriptedAnswer(201)
        return manifest(lists[-1], OCI_INDEX)

    hostile.scripts[FALLBACK_PATH] = keeps
    async with client_of(hostile) as client:
        await client.push_referrer(image_of(hostile), body, OCI_MANIFEST)
    first, second = json.loads(lists[-1])["manifests"]
    assert first == theirs
    assert second["digest"] == digest_of(body)


# --- connections ----------------------------------------------------------------------------------


async def test_three_reads_by_digest_take_three_requests_on_one_connection(
    hostile: HostileRegistry,
) -> None:
    hostile.scripts[REFERRERS_PATH] = index(1)
    hostile.scripts[f"/v2/app/manifests/{SUBJECT}"] = manifest()
    hostile.scripts[BLOB_PATH] = ScriptedAnswer(body=BODY)
    image = image_of(hostile).at(SUBJECT)
    async with client_of(hostile) as client:
        await client.list_referrers(image, SUBJECT)
        await client.fetch_manifest(image)
        await client.fetch_blob(image, BLOB)
    assert len(hostile.seen) == 3
    assert hostile.connection_count == 1


async def test_a_404_keeps_the_connection(hostile: HostileRegistry) -> None:
    async with client_of(hostile) as client:
        for _ in range(3):
            assert await client.fetch_manifest(image_of(hostile)) is None
    assert hostile.connection_count == 1


async def test_a_connection_closed_while_idle_is_opened_again(hostile: HostileRegistry) -> None:
    hostile.scripts[MANIFEST_PATH] = replace(manifest(), hang_up=True)
    async with client_of(hostile) as client:
        for _ in range(3):
            assert await client.fetch_manifest(image_of(hostile)) is not None


async def test_connections_that_died_together_while_idle_fail_no_read(
    hostile: HostileRegistry,
) -> None:
    hostile.scripts[MANIFEST_PATH] = replace(manifest(), wait_s=0.1)
    async with client_of(hostile) as client:
        await asyncio.gather(*(client.fetch_manifest(image_of(hostile)) for _ in range(4)))
        assert hostile.connection_count == 4
        answers = iter([ScriptedAnswer(lost=True)] * 4)
        hostile.scripts[MANIFEST_PATH] = lambda _: next(answers, manifest())
        assert await client.fetch_manifest(image_of(hostile)) is not None


async def test_a_registry_that_never_answers_is_asked_twice(hostile: HostileRegistry) -> None:
    hostile.scripts[MANIFEST_PATH] = ScriptedAnswer(lost=True)
    async with client_of(hostile) as client:
        with pytest.raises(RegistryUnavailableError):
            await client.fetch_manifest(image_of(hostile))
    assert len(hostile.seen) == 2


async def test_a_given_up_read_leaves_no_connection_taken(hostile: HostileRegistry) -> None:
    hostile.scripts[BLOB_PATH] = ScriptedAnswer(wait_s=5.0)
    hostile.scripts[MANIFEST_PATH] = manifest()
    async with client_of(
        hostile, replace(IMPATIENT, read_timeout_s=1.0, max_connections=2)
    ) as client:
        reads = [client.fetch_blob(image_of(hostile), BLOB) for _ in range(6)]
        given_up = await asyncio.gather(*reads, return_exceptions=True)
        assert all(isinstance(error, RegistryUnavailableError) for error in given_up)
        assert await client.fetch_manifest(image_of(hostile)) is not None


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for `localhost`, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "tls.crt", folder / "tls.key"
    certificate_file.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_file, key_file


@pytest.fixture
async def secure(certificate: tuple[Path, Path]) -> AsyncIterator[HostileRegistry]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    async with HostileRegistry(tls=context) as server:
        yield server


async def test_a_private_authority_is_trusted_when_it_is_named(
    secure: HostileRegistry, certificate: tuple[Path, Path]
) -> None:
    secure.scripts[MANIFEST_PATH] = manifest()
    image = image_of(secure)
    named = RegistryConfig(secure.authority, allow_private=True, ca_file=str(certificate[0]))
    async with RegistryClient([named]) as client:
        assert await client.fetch_manifest(image) is not None
    unnamed = RegistryConfig(secure.authority, allow_private=True)
    async with RegistryClient([unnamed]) as client:
        with pytest.raises(RegistryUnavailableError, match="certificate"):
            await client.fetch_manifest(image)


async def test_t08_a_tls_registry_cannot_lead_to_plain_http(
    secure: HostileRegistry, hostile: HostileRegistry, certificate: tuple[Path, Path]
) -> None:
    secure.scripts[BLOB_PATH] = redirect(f"{hostile.url}/store")
    secure.scripts[MANIFEST_PATH] = bearer(f"http://{secure.authority}/token")
    settings = RegistryConfig(
        secure.authority,
        allow_private=True,
        ca_file=str(certificate[0]),
        token_realms=(hostile.authority,),
        redirect_hosts=(hostile.authority,),
    )
    async with RegistryClient([settings]) as client:
        with pytest.raises(RegistryUnavailableError, match="not followed"):
            await client.fetch_blob(image_of(secure), BLOB)
        with pytest.raises(RegistryUnavailableError, match="token_realms"):
            await client.fetch_manifest(image_of(secure))
    assert hostile.connection_count == 0


async def test_plain_http_spoken_to_a_tls_port_is_unavailable(secure: HostileRegistry) -> None:
    async with client_of(secure) as client:
        with pytest.raises(RegistryUnavailableError):
            await client.fetch_manifest(image_of(secure))


async def test_tls_spoken_to_a_plain_port_is_unavailable(hostile: HostileRegistry) -> None:
    settings = RegistryConfig(hostile.authority, allow_private=True)
    async with RegistryClient([settings], limits=IMPATIENT) as client:
        with pytest.raises(RegistryUnavailableError):
            await client.fetch_manifest(image_of(hostile))


async def test_t03_a_handshake_that_is_given_up_leaves_no_connection() -> None:
    closed = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        closed.set()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        host = f"localhost:{server.sockets[0].getsockname()[1]}"
        registry = RegistryConfig(host, allow_private=True)
        async with RegistryClient([registry], limits=LIMITS) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await client.fetch_manifest(parse_reference(f"{host}/app:1"))
            async with asyncio.timeout(5.0):
                await closed.wait()
