"""What registries are known to do beside the specification, played by a scripted one.

| registry | quirk |
|---|---|
| GHCR | no referrers API; 303 to a page for browsers |
| GitLab | the fallback tag resolves to the image itself |
| Harbor, proxy cache | serves images of afar under a prefix, without what refers to them, and takes no push |
| zot 1.4 | the API of a release candidate: the config's type for the artifact's, also as a filter |
| cosign, as a writer | the fallback index has `oci.empty` for a type and no annotations |
| many | `Link` relative or absolute, 429 with and without `Retry-After`, blobs on another host |
"""

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
    ConfigurationError,
    LimitExceededError,
    RegistryNotConfiguredError,
    RegistryRefusesError,
    RegistryUnavailableError,
)
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.oci.client import RegistryClient
from tidegate.oci.keychain import Credentials
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.probe import probe
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

EMPTY = Descriptor(OCI_EMPTY, digest_of(EMPTY_BLOB), len(EMPTY_BLOB))
IMAGE = render_manifest(Manifest(config=EMPTY, layers=(EMPTY,)))
SUBJECT = digest_of(IMAGE)
REPORT = "application/vnd.in-toto+json"
LIMITS = RegistryLimits(read_timeout_s=20.0)  # on a loaded machine
REFERRERS = f"/v2/app/referrers/{SUBJECT}"
THEN, LATER = "Sun, 01 Mar 2015 23:59:00 GMT", "Mon, 02 Mar 2015 00:00:30 GMT"
"""By a server whose clock is far off ours."""
FALLBACK = f"/v2/app/manifests/{fallback_tag(SUBJECT)}"


def manifest(body: bytes, media_type: str = OCI_MANIFEST) -> ScriptedAnswer:
    return ScriptedAnswer(headers=(("Content-Type", media_type),), body=body)


def index(*digests: str, artifact_type: str = REPORT) -> ScriptedAnswer:
    entries = tuple(
        Descriptor(OCI_MANIFEST, digest, 9, artifact_type=artifact_type)  # type: ignore[arg-type]  # digests of this test
        for digest in digests
    )
    return manifest(render_manifest(Manifest(media_type=OCI_INDEX, manifests=entries)), OCI_INDEX)


def config(server: HostileRegistry, **settings: object) -> RegistryConfig:
    return RegistryConfig(server.authority, plain_http=True, allow_private=True, **settings)  # type: ignore[arg-type]  # of these tests


def client_of(server: HostileRegistry, **settings: object) -> RegistryClient:
    return RegistryClient([config(server, **settings)], limits=LIMITS)


def image_of(server: HostileRegistry) -> ImageReference:
    return parse_reference(f"{server.authority}/app:1")


@pytest.fixture
async def server() -> AsyncIterator[HostileRegistry]:
    async with HostileRegistry() as running:
        yield running


ONE = digest_of(b"report")


# --- referrers ------------------------------------------------------------------------------------


async def test_ghcr_without_the_api_is_read_by_its_fallback_tag(server: HostileRegistry) -> None:
    away = f"https://github.example/-/v2/packages/app/referrers/{SUBJECT}"
    server.scripts[REFERRERS] = ScriptedAnswer(303, (("Location", away),))
    server.scripts[FALLBACK] = index(ONE)
    async with client_of(server) as client:
        found = await client.list_referrers(image_of(server), SUBJECT, REPORT)
    assert ([d.digest for d in found.descriptors], found.source) == ([ONE], "tag")


@pytest.mark.parametrize("status", [301, 302, 307, 400, 405, 429, 500, 503])
async def test_other_answers_do_not_say_that_there_is_no_api(
    server: HostileRegistry, status: int
) -> None:
    headers = (("Location", "/elsewhere"),)
    server.scripts[REFERRERS] = ScriptedAnswer(status, headers)
    server.scripts[FALLBACK] = index(ONE)
    async with client_of(server) as client:
        with pytest.raises(RegistryUnavailableError):
            await client.list_referrers(image_of(server), SUBJECT, REPORT)


async def test_a_captive_portal_that_redirects_everything_settles_nothing(
    server: HostileRegistry,
) -> None:
    away = ScriptedAnswer(303, (("Location", "https://login.example/"),))
    server.scripts |= {REFERRERS: away, FALLBACK: away}
    async with client_of(server) as client:
        with pytest.raises(RegistryUnavailableError):
            await client.list_referrers(image_of(server), SUBJECT, REPORT)


async def test_gitlabs_fallback_tag_that_is_the_image_lists_nothing(
    server: HostileRegistry,
) -> None:
    server.scripts[FALLBACK] = manifest(IMAGE)
    async with client_of(server) as client:
        found = await client.list_referrers(image_of(server), SUBJECT, REPORT)
    assert (found.descriptors, found.source) == ((), "tag")


@pytest.mark.parametrize("word", ["references", "referrers"])
async def test_what_an_early_api_filtered_out_is_asked_for_unfiltered(
    server: HostileRegistry, word: str
) -> None:
    """zot 1.4 knows artifacts by their config's type, and says that it filtered in the list."""

    def early(request: SeenRequest) -> ScriptedAnswer:
        if "artifactType" not in request.target:
            return index(ONE, artifact_type=OCI_EMPTY)
        said = {f"org.opencontainers.{word}.filtersApplied": "artifactType"}
        empty = Manifest(media_type=OCI_INDEX, annotations=said)
        return manifest(render_manifest(empty), OCI_INDEX)

    server.scripts[REFERRERS] = early
    async with client_of(server) as client:
        found = await client.list_referrers(image_of(server), SUBJECT, REPORT)
    assert [(d.digest, d.artifact_type) for d in found.descriptors] == [(ONE, "")]
    assert len(server.seen) == 2


async def test_a_list_that_a_registry_filtered_by_the_specification_is_asked_for_once(
    server: HostileRegistry,
) -> None:
    answer = index()
    applied = ("OCI-Filters-Applied", "artifactType")
    server.scripts[REFERRERS] = replace(answer, headers=(*answer.headers, applied))
    async with client_of(server) as client:
        found = await client.list_referrers(image_of(server), SUBJECT, REPORT)
    assert (found.descriptors, len(server.seen)) == ((), 1)


async def test_an_index_that_cosign_wrote_is_not_filtered(server: HostileRegistry) -> None:
    server.scripts[FALLBACK] = index(ONE, artifact_type=OCI_EMPTY)
    async with client_of(server) as client:
        found = await client.list_referrers(image_of(server), SUBJECT, REPORT)
    assert [d.digest for d in found.descriptors] == [ONE]


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("{path}?n=1&last=x", id="relative"),
        pytest.param("http://{authority}{path}?n=1&last=x", id="absolute"),
        pytest.param("?n=1&last=x", id="query-alone"),
    ],
)
@pytest.mark.parametrize("parameter", ['rel="next"', "rel=next", 'title="x"; rel="next"'])
async def test_the_next_page_is_found_however_it_is_written(
    server: HostileRegistry, target: str, parameter: str
) -> None:
    two = digest_of(b"second")

    def pages(request: SeenRequest) -> ScriptedAnswer:
        if "last=x" in request.target:
            return index(two)
        link = target.format(path=REFERRERS, authority=server.authority)
        first = index(ONE)
        return replace(first, headers=(*first.headers, ("Link", f"<{link}>; {parameter}")))

    server.scripts[REFERRERS] = pages
    async with client_of(server) as client:
        found = await client.list_referrers(image_of(server), SUBJECT, REPORT)
    assert [d.digest for d in found.descriptors] == [ONE, two]


async def test_t02_ten_thousand_referrers_are_an_error_within_bounded_memory(
    server: HostileRegistry,
) -> None:
    def pages(request: SeenRequest) -> ScriptedAnswer:
        start = int(request.target.partition("last=")[2] or "0")
        page = index(*(digest_of(str(n).encode()) for n in range(start, start + 100)))
        link = f'<{REFERRERS}?last={start + 100}>; rel="next"'
        return replace(page, headers=(*page.headers, ("Link", link)))

    server.scripts[REFERRERS] = pages
    async with client_of(server) as client:
        with pytest.raises(LimitExceededError):
            await client.list_referrers(image_of(server), SUBJECT, REPORT)
    # What the limits allow and one page more is all that was ever asked for.
    assert len(server.seen) <= LIMITS.max_referrer_pages
    assert server.bytes_sent < LIMITS.max_referrer_bytes + 2**20


# --- pauses, rights and tokens --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        pytest.param((("Retry-After", "17"),), 17.0, id="told"),
        pytest.param((), 0.0, id="untold"),
        pytest.param((("Retry-After", "soon"),), 0.0, id="odd"),
        pytest.param((("Retry-After", "9" * 40),), 7 * 86_400.0, id="t02-for-ever"),
        pytest.param((("Retry-After", LATER), ("Date", THEN)), 90.0, id="date"),
        pytest.param((("Retry-After", THEN), ("Date", LATER)), 0.0, id="date-gone-by"),
        pytest.param((("Retry-After", LATER), ("Date", "now")), 0.0, id="date-against-none"),
    ],
)
@pytest.mark.parametrize("where", ["registry", "token-server"])
async def test_a_pause_that_is_asked_for_is_told_on(
    server: HostileRegistry, headers: tuple[tuple[str, str], ...], wait_s: float, where: str
) -> None:
    path = "/v2/app/manifests/1"
    limited = ScriptedAnswer(429, headers)
    if where == "registry":
        server.scripts[path] = limited
    else:
        challenge = f'Bearer realm="{server.url}/token",service="r"'
        server.scripts[path] = ScriptedAnswer(401, (("WWW-Authenticate", challenge),))
        server.scripts["/token"] = limited
    async with client_of(server) as client:
        with pytest.raises(RegistryUnavailableError) as refused:
            await client.fetch_manifest(image_of(server))
    assert (refused.value.rate_limited, refused.value.retry_after_s) == (True, wait_s)


@pytest.mark.parametrize("status", [401, 403])
async def test_rights_that_are_missing_are_told_from_a_registry_that_is_away(
    server: HostileRegistry, status: int
) -> None:
    server.scripts["/v2/app/manifests/1"] = ScriptedAnswer(
        status, (("WWW-Authenticate", 'Basic realm="r"'),)
    )
    async with client_of(server) as client:
        with pytest.raises(RegistryRefusesError):
            await client.fetch_manifest(image_of(server))


class Rotating:
    """A keychain whose credentials change when they are refused."""

    def __init__(self, *passwords: str) -> None:
        self.passwords = list(passwords)
        self.asked_with: list[Credentials | None] = []

    async def credentials(
        self, stale: Credentials | None, repository: str = ""
    ) -> Credentials | None:
        assert repository in {"app", "other"}
        self.asked_with.append(stale)
        if stale is not None and len(self.passwords) > 1:
            self.passwords.pop(0)
        return Credentials("ann", self.passwords[0])


def wants(password: str, scheme: str, url: str) -> "dict[str, object]":
    pair = Credentials("ann", password)
    import base64  # noqa: PLC0415 - beside its use

    basic = f"Basic {base64.b64encode(f'{pair.username}:{pair.password}'.encode()).decode()}"

    def protected(request: SeenRequest) -> ScriptedAnswer:
        accepted = {"basic": basic, "bearer": "Bearer good"}[scheme]
        if request.headers.get("authorization") == accepted:
            return manifest(IMAGE)
        realm = {"basic": 'Basic realm="r"', "bearer": f'Bearer realm="{url}/token"'}[scheme]
        return ScriptedAnswer(401, (("WWW-Authenticate", realm),))

    def token(request: SeenRequest) -> ScriptedAnswer:
        good = request.headers.get("authorization") == basic
        return ScriptedAnswer(200 if good else 401, body=b'{"token":"good"}')

    return {"/v2/app/manifests/1": protected, "/token": token}


@pytest.mark.parametrize("scheme", ["bearer"])
async def test_a_keychain_is_asked_again_when_its_credentials_have_run_out(
    server: HostileRegistry, scheme: str
) -> None:
    server.scripts |= wants("new", scheme, server.url)  # type: ignore[arg-type]  # scripts by path
    chain = Rotating("old", "new")
    async with client_of(server, keychain=chain) as client:
        assert await client.fetch_manifest(image_of(server)) is not None
    assert chain.asked_with == [None, Credentials("ann", "old")]


async def test_a_password_that_ran_out_is_renewed_from_any_repository(
    server: HostileRegistry,
) -> None:
    """What one repository was opened with is good for all, and is refused for all."""
    server.scripts |= wants("old", "basic", server.url)  # type: ignore[arg-type]  # scripts by path
    chain = Rotating("old", "new")
    async with client_of(server, keychain=chain) as client:
        assert await client.fetch_manifest(image_of(server)) is not None
        renewed = wants("new", "basic", server.url)["/v2/app/manifests/1"]
        server.scripts["/v2/other/manifests/1"] = renewed  # type: ignore[assignment]  # as above
        other = parse_reference(f"{server.authority}/other:1")
        assert await client.fetch_manifest(other) is not None
    assert chain.asked_with == [None, Credentials("ann", "old")]


async def test_a_keychain_that_gives_the_same_again_is_not_asked_for_ever(
    server: HostileRegistry,
) -> None:
    server.scripts |= wants("other", "bearer", server.url)  # type: ignore[arg-type]  # as above
    chain = Rotating("old")
    async with client_of(server, keychain=chain) as client:
        with pytest.raises(RegistryRefusesError):
            await client.fetch_manifest(image_of(server))
    assert len(chain.asked_with) == 2


# --- aliases --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("mirror.example/app", id="mirror"),
        pytest.param("Harbor.example:8443/proxy/app", id="proxy-cache"),
        pytest.param("{own}/app", id="own-name"),
    ],
)
async def test_the_same_digest_is_read_by_any_name(server: HostileRegistry, name: str) -> None:
    server.scripts[f"/v2/app/manifests/{SUBJECT}"] = manifest(IMAGE)
    server.scripts[REFERRERS] = index(ONE)
    aliases = ("mirror.example", "harbor.example:8443/proxy")
    image = parse_reference(f"{name.format(own=server.authority)}@{SUBJECT}")
    async with client_of(server, aliases=aliases) as client:
        assert client.canonical(image).name == f"{server.authority}/app"
        assert (await client.fetch_manifest(image)) is not None
        found = await client.list_referrers(image, SUBJECT, REPORT)
    assert [d.digest for d in found.descriptors] == [ONE]
    assert {request.headers["host"] for request in server.seen} == {server.authority}


async def test_harbors_proxy_cache_hides_reports_until_it_is_an_alias_of_its_source(
    server: HostileRegistry,
) -> None:
    """The cache has the image and lists nothing; named as an alias, its source is read instead."""
    server.scripts[f"/v2/app/manifests/{SUBJECT}"] = manifest(IMAGE)
    server.scripts[REFERRERS] = index(ONE)
    refusal = ScriptedAnswer(405, body=b'{"errors":[{"code":"METHOD_NOT_ALLOWED"}]}')
    cached = {
        f"/v2/proxy/app/manifests/{SUBJECT}": manifest(IMAGE),
        f"/v2/proxy/app/referrers/{SUBJECT}": index(),
        "/v2/proxy/app/blobs/uploads/": refusal,
    }
    async with HostileRegistry(cached) as harbor:
        image = parse_reference(f"{harbor.authority}/proxy/app@{SUBJECT}")
        async with RegistryClient([config(harbor)], limits=LIMITS) as client:
            assert (await client.fetch_manifest(image)) is not None
            assert (await client.list_referrers(image, SUBJECT, REPORT)).descriptors == ()
            with pytest.raises(RegistryUnavailableError, match="HTTP 405"):
                await client.push_blob(image, b"report")
        harbor.seen.clear()
        source = config(server, aliases=(f"{harbor.authority}/proxy",))
        async with RegistryClient([config(harbor), source], limits=LIMITS) as client:
            found = await client.list_referrers(image, SUBJECT, REPORT)
        assert ([d.digest for d in found.descriptors], harbor.seen) == ([ONE], [])


async def test_a_name_that_only_begins_like_an_alias_is_another_registry(
    server: HostileRegistry,
) -> None:
    aliases = ("mirror.example", "harbor.example/proxy")
    async with client_of(server, aliases=aliases) as client:
        for name in (
            "mirror.example.evil/app",
            "harbor.example/proxyapp",
            "harbor.example/other/a",
        ):
            with pytest.raises(RegistryNotConfiguredError):
                await client.fetch_manifest(parse_reference(f"{name}:1"))
    assert server.seen == []


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(RegistryConfig("b.example", aliases=("a.example",)), id="own-name"),
        pytest.param(RegistryConfig("b.example", aliases=("m.example",)), id="twice"),
    ],
)
def test_an_alias_means_one_registry(second: RegistryConfig) -> None:
    first = RegistryConfig("a.example", aliases=("m.example",))
    with pytest.raises(ConfigurationError, match="means"):
        RegistryClient([first, second])


@pytest.mark.parametrize("alias", ["", "https://m.example", "m.example/", "m.example/Upper", "u@m"])
def test_an_alias_that_is_no_name_is_refused(alias: str) -> None:
    with pytest.raises(ConfigurationError):
        RegistryConfig("a.example", aliases=(alias,))


# --- other settings while it runs -----------------------------------------------------------------


async def test_other_registries_are_used_without_losing_what_stays(
    server: HostileRegistry,
) -> None:
    server.scripts["/v2/app/manifests/1"] = manifest(IMAGE)
    stays = config(server)
    async with RegistryClient([stays, RegistryConfig("gone.example")], limits=LIMITS) as client:
        await client.fetch_manifest(image_of(server))
        (old,) = client.use([stays, RegistryConfig("new.example")])
        assert old.registry.host == "gone.example"
        assert client.hosts == (server.authority, "new.example")
        await client.fetch_manifest(image_of(server))
        await old.aclose()
        with pytest.raises(ConfigurationError):
            client.use([stays, stays])
        assert client.hosts == (server.authority, "new.example")
    assert server.connection_count == 1


# --- what a registry can do -----------------------------------------------------------------------


def capable(
    server: HostileRegistry, *, push: int = 202, delete: int = 404, catalog: int = 200
) -> None:
    uploads = ScriptedAnswer(push, (("Location", "/v2/app/blobs/uploads/u1?state=x"),))
    server.scripts |= {
        "/v2/app/tags/list": ScriptedAnswer(body=b'{"tags":["1"]}'),
        "/v2/_catalog": ScriptedAnswer(catalog, body=b'{"repositories":["app"]}'),
        "/v2/app/blobs/uploads/": uploads,
        "/v2/app/blobs/uploads/u1": ScriptedAnswer(204),
        f"/v2/app/manifests/{digest_of(b'a subject that nobody pushes')}": ScriptedAnswer(delete),
    }


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        pytest.param({}, (True, "yes", "yes"), id="all"),
        pytest.param({"push": 403}, (True, "no", "yes"), id="no-push"),
        pytest.param({"push": 405}, (True, "no", "yes"), id="read-only"),
        pytest.param({"delete": 405}, (True, "yes", "no"), id="no-delete"),
        pytest.param({"delete": 403}, (True, "yes", "no"), id="no-right-to-delete"),
        pytest.param({"delete": 500}, (True, "yes", ""), id="delete-unsaid"),
        pytest.param({"catalog": 401}, (False, "yes", "yes"), id="catalogue-closed"),
        pytest.param({"catalog": 404}, (False, "yes", "yes"), id="no-catalogue"),
    ],
)
async def test_a_test_finds_out_what_a_registry_can_do(
    server: HostileRegistry, settings: dict[str, int], wanted: tuple[bool, str, str]
) -> None:
    capable(server, **settings)
    found = await probe(config(server), "app", LIMITS, lambda: 0.0)
    assert (found.catalogue, found.push, found.delete) == wanted
    assert (found.tags, found.referrers) == (1, "tag")
    began = settings.get("push", 202) == 202
    cancelled = ("DELETE", "/v2/app/blobs/uploads/u1?state=x")
    assert (cancelled in {(r.method, r.target) for r in server.seen}) == began


async def test_t08_a_test_cancels_no_upload_elsewhere(server: HostileRegistry) -> None:
    async with HostileRegistry() as other:
        capable(server)
        away = ScriptedAnswer(202, (("Location", f"{other.url}/upload"),))
        server.scripts["/v2/app/blobs/uploads/"] = away
        assert (await probe(config(server), "app", LIMITS, lambda: 0.0)).push == "yes"
        assert other.connection_count == 0


async def test_no_push_is_tried_in_a_repository_that_nobody_named(
    server: HostileRegistry,
) -> None:
    found = await probe(config(server), "", LIMITS, lambda: 0.0)
    assert found.push == ""
    assert {request.method for request in server.seen} == {"GET", "DELETE"}


# --- client certificates --------------------------------------------------------------------------


class Authority:
    """Issues certificates for localhost and for clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
        self.file = folder / "ca.pem"
        ca = self._build(self.name, self.key.public_key(), ca=True)
        self.file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        built = self._build(subject, key.public_key(), ca=False)
        cert_file, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert_file.write_bytes(built.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return str(cert_file), str(key_file)

    def _build(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder(self.name, subject, key, x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(self.key, hashes.SHA256())
        )


async def test_a_registry_that_wants_a_certificate_gets_ours(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server"))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    cert_file, key_file = authority.issue("worker")
    async with HostileRegistry({"/v2/app/manifests/1": manifest(IMAGE)}, tls=context) as secure:
        shown = RegistryConfig(
            secure.authority, allow_private=True, ca_file=str(authority.file),
            client_cert_file=cert_file, client_key_file=key_file,
        )  # fmt: skip
        async with RegistryClient([shown], limits=LIMITS) as client:
            assert await client.fetch_manifest(image_of(secure)) is not None
        hidden = RegistryConfig(secure.authority, allow_private=True, ca_file=str(authority.file))
        async with RegistryClient([hidden], limits=LIMITS) as client:
            with pytest.raises(RegistryUnavailableError):
                await client.fetch_manifest(image_of(secure))


def test_a_certificate_that_cannot_be_shown_is_refused_at_start(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert_file, _ = authority.issue("worker")
    _, other_key = authority.issue("other")
    with pytest.raises(ConfigurationError, match="client certificate"):
        RegistryClient(
            [RegistryConfig("r.example", client_cert_file=cert_file, client_key_file=other_key)]
        )
    with pytest.raises(ConfigurationError, match="or neither"):
        RegistryConfig("r.example", client_cert_file=cert_file)


async def test_t08_a_client_certificate_is_shown_to_no_other_host(tmp_path: Path) -> None:
    """The blob store of a redirect gets TLS by the same authorities, and no certificate."""
    authority = Authority(tmp_path)
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    asking.load_cert_chain(*authority.issue("store"))
    asking.load_verify_locations(authority.file)
    asking.verify_mode = ssl.CERT_REQUIRED
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    plain.load_cert_chain(*authority.issue("server"))
    cert_file, key_file = authority.issue("worker")
    body = b"layer"
    async with (
        HostileRegistry({"/store": ScriptedAnswer(body=body)}, tls=asking) as store,
        HostileRegistry(tls=plain) as registry,
    ):
        target = (("Location", f"{store.url}/store"),)
        registry.scripts[f"/v2/app/blobs/{digest_of(body)}"] = ScriptedAnswer(307, target)
        shown = RegistryConfig(
            registry.authority, allow_private=True, ca_file=str(authority.file),
            client_cert_file=cert_file, client_key_file=key_file,
            redirect_hosts=(store.authority,),
        )  # fmt: skip
        async with RegistryClient([shown], limits=LIMITS) as client:
            with pytest.raises(RegistryUnavailableError):
                await client.fetch_blob(
                    image_of(registry), Descriptor("x/y", digest_of(body), len(body))
                )
        assert store.seen == []
