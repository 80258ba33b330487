"""Azure, AWS and Google hand out credentials, played by servers that follow their documents.

None of these was tried against a cloud: what their documents say is what is held here.
"""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from tidegate.domain.errors import (
    ConfigurationError,
    InvalidTrustError,
    RegistryRefusesError,
    RegistryUnavailableError,
)
from tidegate.evidence.trust_file import registry_configs
from tidegate.oci.acr import AcrKeychain
from tidegate.oci.artifact_registry import ArtifactRegistryKeychain
from tidegate.oci.ecr import EcrKeychain
from tidegate.oci.exchange import KEPT_S
from tidegate.oci.keychain import Credentials
from tidegate.oci.registries import RegistryConfig
from tidegate.oci.sigv4 import AwsKeys, Target, signed_headers
from tidegate.testing.hostile_registry import HostileRegistry, ScriptedAnswer, SeenRequest
from tidegate.trust.configuration import parse_trust_configuration

ACR, ECR = "lab12.azurecr.io", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
GOOGLE = "europe-docker.pkg.dev"
ROLE = "arn:aws:iam::123456789012:role/tidegate"
NOW_S = 1_440_938_160.0  # 2015-08-30T12:36:00Z


@pytest.fixture
async def server() -> AsyncIterator[HostileRegistry]:
    async with HostileRegistry() as running:
        yield running


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("projected.jwt\n")
    return path


def at(server: HostileRegistry) -> RegistryConfig:
    return RegistryConfig(server.authority, plain_http=True, allow_private=True)


def fields(request: SeenRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def answer(value: object) -> ScriptedAnswer:
    return ScriptedAnswer(body=json.dumps(value).encode())


# --- Azure ----------------------------------------------------------------------------------------


def acr(server: HostileRegistry, token_file: Path, clock: list[float] | None = None) -> AcrKeychain:
    now = clock or [NOW_S]
    return AcrKeychain(
        host=ACR, tenant_id="tenant-1", client_id="client-1", token_file=token_file,
        login=at(server), at=at(server), clock_s=lambda: now[0],
    )  # fmt: skip


def play_azure(server: HostileRegistry) -> None:
    server.scripts |= {
        "/tenant-1/oauth2/v2.0/token": answer({"access_token": "entra", "expires_in": 3599}),
        "/oauth2/exchange": answer({"refresh_token": "refresh"}),
    }


async def test_azure_exchanges_the_projected_token_twice(
    server: HostileRegistry, token_file: Path
) -> None:
    play_azure(server)
    found = await acr(server, token_file).credentials(None)
    assert found == Credentials("00000000-0000-0000-0000-000000000000", "refresh")
    entra, exchange = map(fields, server.seen)
    assert entra == {
        "client_id": "client-1",
        "scope": "https://containerregistry.azure.net/.default",
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "projected.jwt",
    }
    assert exchange == {
        "grant_type": "access_token",
        "service": ACR,
        "tenant": "tenant-1",
        "access_token": "entra",
    }


async def test_a_token_is_kept_until_it_ends_or_is_refused(
    server: HostileRegistry, token_file: Path
) -> None:
    play_azure(server)
    clock = [NOW_S]
    chain = acr(server, token_file, clock)
    found = await chain.credentials(None)
    assert await chain.credentials(None) == found
    assert len(server.seen) == 2
    await chain.credentials(found)
    assert len(server.seen) == 4
    clock[0] += KEPT_S
    await chain.credentials(None)
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    "host",
    [
        "r.example",
        "lab12.azurecr.io.evil.example",
        "evil-azurecr.io",
        "lab12.azurecr.io:444",
        "localhost",
    ],
)
def test_t08_an_entra_token_goes_to_azures_registries_alone(host: str, token_file: Path) -> None:
    with pytest.raises(ConfigurationError, match="Entra token"):
        AcrKeychain(host=host, tenant_id="t", client_id="c", token_file=token_file)


# --- AWS ------------------------------------------------------------------------------------------


def play_aws(server: HostileRegistry, token: str = "AWS:ecr-password") -> None:  # noqa: S107 - played
    keys = {
        "AccessKeyId": "AKIDEXAMPLE",
        "SecretAccessKey": "secret",
        "SessionToken": "session",
        "Expiration": 1.44e9,
    }
    assumed = {"AssumeRoleWithWebIdentityResult": {"Credentials": keys}}
    given = {"authorizationToken": base64.b64encode(token.encode()).decode(), "expiresAt": 1.44e9}

    def aws(request: SeenRequest) -> ScriptedAnswer:
        if "x-amz-target" in request.headers:
            return answer({"authorizationData": [given]})
        return answer({"AssumeRoleWithWebIdentityResponse": assumed})

    server.scripts["/"] = aws


def ecr(server: HostileRegistry, token_file: Path) -> EcrKeychain:
    return EcrKeychain(
        host=ECR, role_arn=ROLE, token_file=token_file,
        sts=at(server), ecr=at(server), clock_s=lambda: NOW_S,
    )  # fmt: skip


async def test_aws_gives_keys_for_a_role_and_a_password_for_keys(
    server: HostileRegistry, token_file: Path
) -> None:
    play_aws(server)
    found = await ecr(server, token_file).credentials(None)
    assert found == Credentials("AWS", "ecr-password")
    assumed, asked = server.seen
    assert fields(assumed) == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "tidegate",
        "WebIdentityToken": "projected.jwt",
    }
    assert json.loads(asked.body) == {"registryIds": ["123456789012"]}
    assert asked.headers["x-amz-security-token"] == "session"
    assert asked.headers["x-amz-date"] == "20150830T123600Z"
    signed = signed_headers(
        AwsKeys("AKIDEXAMPLE", "secret", "session"),
        Target(server.authority, "eu-west-1", "ecr"),
        {name: asked.headers[name] for name in ("content-type", "x-amz-target")},
        asked.body,
        NOW_S,
    )
    assert asked.headers["authorization"] == signed["authorization"]


def test_a_signature_is_that_of_awss_own_example() -> None:
    """`post-vanilla` of the test suite that AWS published for Signature Version 4."""
    keys = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    target = Target("example.amazonaws.com", "us-east-1", "service")
    assert signed_headers(keys, target, {}, b"", NOW_S)["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )


@pytest.mark.parametrize("token", ["AWS", "AWS:", ""])
async def test_an_answer_without_a_password_is_none(
    server: HostileRegistry, token_file: Path, token: str
) -> None:
    play_aws(server, token)
    with pytest.raises(RegistryUnavailableError, match="no token"):
        await ecr(server, token_file).credentials(None)


@pytest.mark.parametrize(
    ("host", "role"),
    [
        pytest.param("r.example", ROLE, id="t08-other-host"),
        pytest.param(f"{ECR}.evil.example", ROLE, id="t08-suffix"),
        pytest.param("public.ecr.aws", ROLE, id="public"),
        pytest.param(ECR, "tidegate", id="no-role"),
    ],
)
def test_t08_a_role_is_used_for_ecr_alone(host: str, role: str, token_file: Path) -> None:
    with pytest.raises(ConfigurationError):
        EcrKeychain(host=host, role_arn=role, token_file=token_file)


# --- Google ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_file(folder: Path, key: rsa.RSAPrivateKey) -> Path:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "key.json"
    found = {
        "type": "service_account",
        "client_email": "gate@lab.example",
        "private_key_id": "k1",
        "private_key": pem.decode(),
        "token_uri": "https://evil.example/token",
    }
    path.write_text(json.dumps(found))
    return path


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def test_google_gives_a_token_for_a_signed_assertion(
    server: HostileRegistry, tmp_path: Path, key: rsa.RSAPrivateKey
) -> None:
    server.scripts["/token"] = answer({"access_token": "ya29", "expires_in": 3599})
    chain = ArtifactRegistryKeychain(
        host=GOOGLE, key_file=key_file(tmp_path, key), service=at(server), clock_s=lambda: NOW_S
    )
    assert await chain.credentials(None) == Credentials("oauth2accesstoken", "ya29")
    (asked,) = server.seen
    sent = fields(asked)
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    header, claims, signature = sent["assertion"].split(".")
    key.public_key().verify(
        decoded(signature), f"{header}.{claims}".encode(), PKCS1v15(), hashes.SHA256()
    )
    assert json.loads(decoded(header)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert json.loads(decoded(claims)) == {
        "iss": "gate@lab.example",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": int(NOW_S),
        "exp": int(NOW_S) + 3600,
    }


@pytest.mark.parametrize("body", ["", "{}", '{"client_email":"a","private_key":"hunter2"}'])
async def test_a_file_that_is_no_key_is_said_and_not_shown(tmp_path: Path, body: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(body)
    with pytest.raises(RegistryUnavailableError, match="service account's key") as refused:
        await ArtifactRegistryKeychain(host=GOOGLE, key_file=path).credentials(None)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "host", ["r.example", "pkg.dev.evil.example", "evilgcr.io", "docker.pkg.dev"]
)
def test_t08_googles_tokens_are_for_googles_registries(host: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        ArtifactRegistryKeychain(host=host, key_file=tmp_path / "k")


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scripted", "error"),
    [
        pytest.param(
            ScriptedAnswer(401, body=b'{"error":"secret"}'), RegistryRefusesError, id="401"
        ),
        pytest.param(ScriptedAnswer(400), RegistryRefusesError, id="400"),
        pytest.param(ScriptedAnswer(500), RegistryUnavailableError, id="500"),
        pytest.param(
            ScriptedAnswer(302, (("Location", "/x"),)), RegistryUnavailableError, id="t08-redirect"
        ),
        pytest.param(ScriptedAnswer(body=b"{}"), RegistryUnavailableError, id="no-token"),
        pytest.param(ScriptedAnswer(body=b"[" * 99), Exception, id="t03-nested"),
        pytest.param(ScriptedAnswer(endless=True), Exception, id="t03-endless"),
    ],
)
async def test_a_token_service_that_goes_wrong_is_said_without_secrets(
    server: HostileRegistry, token_file: Path, scripted: ScriptedAnswer, error: type[Exception]
) -> None:
    server.scripts["/tenant-1/oauth2/v2.0/token"] = scripted
    with pytest.raises(error) as refused:
        await acr(server, token_file).credentials(None)
    assert "secret" not in str(refused.value)
    assert "projected" not in str(refused.value)


async def test_an_identity_that_cannot_be_read_is_said(
    server: HostileRegistry, tmp_path: Path
) -> None:
    with pytest.raises(RegistryUnavailableError, match="cannot be read"):
        await acr(server, tmp_path / "none").credentials(None)


def configured(entry: str) -> RegistryConfig:
    (found,) = registry_configs(parse_trust_configuration(f"registries:\n- {entry}".encode()))
    return found


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        pytest.param(
            f"{{host: {ACR}, acr: {{tenantId: t, clientId: c, tokenFile: /t}}}}",
            AcrKeychain,
            id="acr",
        ),
        pytest.param(
            f"{{host: {ECR}, ecr: {{roleArn: '{ROLE}', tokenFile: /t}}}}", EcrKeychain, id="ecr"
        ),
        pytest.param(
            f"{{host: {GOOGLE}, artifactRegistry: {{keyFile: /k}}}}",
            ArtifactRegistryKeychain,
            id="google",
        ),
    ],
)
def test_the_trust_configuration_names_an_identity(entry: str, kind: type) -> None:
    assert isinstance(configured(entry).keychain, kind)
    assert configured(entry) == configured(entry)  # connections stay when nothing changed


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param(
            "{host: r.example, acr: {tenantId: t, clientId: c, tokenFile: /t}}",
            "Entra",
            id="t08-host",
        ),
        pytest.param(
            f"{{host: {ACR}, dockerConfigFile: /d, acr: {{tenantId: t, clientId: c, tokenFile: /t}}}}",
            "several sources",
            id="two-sources",
        ),
        pytest.param(f"{{host: {ACR}, acr: {{tenantId: t}}}}", "clientId", id="half"),
    ],
)
def test_an_identity_that_cannot_be_meant_is_refused(entry: str, said: str) -> None:
    with pytest.raises(InvalidTrustError, match=said):
        configured(entry)
