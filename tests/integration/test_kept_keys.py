"""Evidence keys that stay elsewhere: AWS KMS (moto's server) and PKCS #11 (SoftHSM), for real.

Both have keys of their own and are asked by their own protocol: HTTP with boto3, and the C library
of the token. What they sign is verified by our reader and by stock cosign. Google's and Azure's
services have no such stand-in: of those only the words are tested, in `tests/unit/scan`.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from conftest import RunningRegistry
from support.softhsm import LABEL, PIN, make_token
from tidegate.cli.__main__ import main
from tidegate.domain.errors import ConfigurationError, InvalidKeyError, KeyUnavailableError
from tidegate.domain.evidence import Report
from tidegate.domain.reference import parse_reference
from tidegate.evidence.verify_image import verify_image
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig
from tidegate.scan.attach import attach_report
from tidegate.scan.key_source import load_signing_key
from tidegate.testing.evidence_world import NOON, evidence_key, statement
from tidegate.trust.configuration import TrustConfiguration
from tidegate.trust.keys import SigningKey, fingerprint, load_public_key, public_pem, sign
from tidegate.wire.oci_v1 import OCI_MANIFEST, Descriptor
from tidegate.wire.statement_v1 import render_statement

pytestmark = pytest.mark.integration

boto3 = pytest.importorskip("boto3", reason="boto3 is not installed: AWS KMS NOT tested")
moto_keys = pytest.importorskip("moto.kms.utils", reason="moto is not installed: NOT tested")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed: KMS NOT tested")

Aws = Any
"""A client of boto3's: made at run time."""

MotoKey = Any

REGION = "eu-central-1"


def nobody() -> str:
    raise AssertionError("asked for a passphrase that is not needed")


def sign_digest(key: MotoKey, message: bytes, signing_algorithm: str) -> bytes:
    """Sign as AWS does for `MessageType: DIGEST`, which moto 5.2 lacks: it hashes once more."""
    assert signing_algorithm == "ECDSA_SHA_256"
    made = key.private_key.sign(message, ec.ECDSA(Prehashed(hashes.SHA256())))
    return bytes(made)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """Return a client of a KMS that `boto3` finds by the environment, as a worker would."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(moto_keys.ECDSAPrivateKey, "sign", sign_digest)
        for name, value in {
            "AWS_ENDPOINT_URL_KMS": f"http://{host}:{port}",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_MAX_ATTEMPTS": "1",
        }.items():
            patched.setenv(name, value)
        yield boto3.client("kms")
    server.stop()


def make_kms_key(client: Aws, alias: str, spec: str = "ECC_NIST_P256") -> str:
    made = client.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    number = str(made["KeyMetadata"]["KeyId"])
    client.create_alias(AliasName=f"alias/{alias}", TargetKeyId=number)
    return number


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        make_token(tmp_path_factory.mktemp("softhsm"), patched)
        yield


@pytest.fixture(params=["aws", "hsm"])
def kept(request: pytest.FixtureRequest) -> SigningKey:
    """Return a key that signs without ever being here."""
    if request.param == "aws":
        alias = f"evidence-{os.urandom(4).hex()}"
        make_kms_key(request.getfixturevalue("aws"), alias)
        return load_signing_key(f"awskms:alias/{alias}", nobody, {})
    request.getfixturevalue("token")
    return load_signing_key(f"hsm:1?label={LABEL}", lambda: PIN, {})


@pytest.fixture
async def client(registry: RunningRegistry) -> AsyncIterator[RegistryClient]:
    config = RegistryConfig(registry.host, plain_http=True, allow_private=True)
    async with RegistryClient([config]) as made:
        yield made


def verify(program: str, public_key: Path, artifact: str) -> None:
    subprocess.run(
        [
            program, "verify", "--key", str(public_key), "--insecure-ignore-tlog=true",
            "--allow-http-registry", artifact,
        ],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip


async def test_findings_that_a_kept_key_signs_count_and_cosign_agrees(
    kept: SigningKey, client: RegistryClient, registry: RunningRegistry, tmp_path: Path
) -> None:
    image = parse_reference(f"{registry.host}/kept/{os.urandom(4).hex()}:1")
    empty = await client.push_blob(image, os.urandom(16))
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "a/b", "digest": empty.digest, "size": empty.size},
            "layers": [],
        }
    ).encode()
    pushed = await client.push_manifest(image, manifest, OCI_MANIFEST)
    subject = Descriptor(OCI_MANIFEST, pushed.digest, len(manifest))
    body = render_statement(statement(pushed.digest, []))
    attached = await attach_report(client, image, body, kept, subject=subject)

    trust = TrustConfiguration(keys=(evidence_key(kept),), generation="1")
    checks = await verify_image(client, trust, image.at(pushed.digest), NOON)
    found = checks.platforms[0].found
    assert isinstance(found.evidence, Report), found.refused

    (tmp_path / "evidence.pub").write_bytes(public_pem(kept))
    for program in filter(shutil.which, ("cosign", "cosign-3")):
        artifact = str(image.at(attached.artifact))
        await asyncio.to_thread(verify, program, tmp_path / "evidence.pub", artifact)


def test_the_public_part_of_a_kept_key_is_shown_for_the_trust_file(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    make_kms_key(aws, "shown")
    assert main(["key", "show", "awskms:alias/shown", "-o", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    key = load_signing_key("awskms:alias/shown", nobody, {})
    assert shown["sha256"] == fingerprint(key)
    assert fingerprint(load_public_key(shown["publicKey"].encode())) == fingerprint(key)


def test_an_alias_that_was_moved_signs_nothing_until_the_key_is_opened_again(aws: Aws) -> None:
    make_kms_key(aws, "moved")
    key = load_signing_key("awskms:alias/moved", nobody, {})
    sign(key, b"findings")
    other = aws.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    aws.update_alias(AliasName="alias/moved", TargetKeyId=other["KeyMetadata"]["KeyId"])
    with pytest.raises(KeyUnavailableError, match="signs with another key"):
        sign(key, b"findings")
    sign(load_signing_key("awskms:alias/moved", nobody, {}), b"findings")


def test_a_service_that_went_away_is_no_refusal_of_the_key(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_kms_key(aws, "away")
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
        with pytest.raises(KeyUnavailableError, match="check that it is reachable"):
            load_signing_key("awskms:alias/away", nobody, {})
    with pytest.raises(KeyUnavailableError, match="alias/nobody-made-this"):
        load_signing_key("awskms:alias/nobody-made-this", nobody, {})


@pytest.mark.parametrize("spec", ["ECC_NIST_P384", "RSA_2048"])
def test_a_kms_key_of_another_kind_is_refused_when_it_is_opened(aws: Aws, spec: str) -> None:
    number = make_kms_key(aws, f"other-{spec.lower()}", spec)
    with pytest.raises(InvalidKeyError, match="want an ECDSA P-256 key"):
        load_signing_key(f"awskms:{number}", nobody, {})


@pytest.mark.parametrize(
    ("uri", "pin", "error", "said"),
    [
        pytest.param("hsm:1", "9999", KeyUnavailableError, "PinIncorrect", id="pin"),
        pytest.param("hsm:7", PIN, InvalidKeyError, "could not find ECDSA key", id="no-key"),
        pytest.param("hsm:1?label=other", PIN, InvalidKeyError, "No PKCS#11 token", id="no-token"),
        pytest.param("hsm:2", PIN, InvalidKeyError, "want an ECDSA P-256 key", id="other-curve"),
    ],
)
@pytest.mark.usefixtures("token")
def test_what_a_token_does_not_do_is_said_when_it_is_opened(
    uri: str, pin: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        load_signing_key(uri, lambda: pin, {})


@pytest.mark.usefixtures("token")
def test_a_token_without_its_library_says_which_variable_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYKCS11LIB")
    with pytest.raises((InvalidKeyError, ConfigurationError), match="PYKCS11LIB"):
        load_signing_key(f"hsm:1?label={LABEL}", lambda: PIN, {})


@pytest.mark.usefixtures("token")
def test_threads_sign_by_one_token_in_turn() -> None:
    """A login is the process's, not the thread's: signing at once would fail."""
    key = load_signing_key(f"hsm:1?label={LABEL}", lambda: PIN, {})
    with ThreadPoolExecutor(8) as pool:
        signed = list(pool.map(lambda n: sign(key, b"%d" % n), range(64)))
    assert len(set(signed)) == 64
