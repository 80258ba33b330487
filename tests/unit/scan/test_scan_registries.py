"""Which registries a worker contacts: its file's and the hub's, followed while it runs."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tidegate.domain.errors import ContentMismatchError
from tidegate.evidence.trust_file import TrustFile
from tidegate.scan.registries import ScanRegistries, config_of
from tidegate.trust.sealing import public_sealing_pem, seal, sealing_fingerprint
from tidegate.wire.registries_v1 import (
    ConnectionV1,
    CredentialsV1,
    PollingV1,
    SealedV1,
    WorkerRegistriesV1,
    WorkerRegistryV1,
    sealing_info,
)

HOST = "r.example:5000"
CONNECTION = ConnectionV1(url="http://10.0.0.5:5000", allow_private=True, aliases=["m.example"])
ANN = CredentialsV1("ann", "secret", "CERT", "KEY")


@dataclass
class TellingHub:
    registries: list[WorkerRegistryV1] = field(default_factory=list)
    asked: int = 0

    async def fetch_registries(self, generation: str = "") -> WorkerRegistriesV1 | None:
        self.asked += 1
        now = str(hash(msgspec.json.encode(self.registries)))
        return None if now == generation else WorkerRegistriesV1(now, list(self.registries))


def sealed_for(
    key: X25519PrivateKey, connection: ConnectionV1 = CONNECTION, host: str = HOST
) -> SealedV1:
    pem = public_sealing_pem(key)
    box = seal(pem, sealing_info(host, connection), msgspec.json.encode(ANN))
    return SealedV1(sealing_fingerprint(pem), base64.b64encode(box).decode())


def told(
    *sealed: SealedV1, connection: ConnectionV1 = CONNECTION, host: str = HOST
) -> WorkerRegistryV1:
    return WorkerRegistryV1(host, connection, PollingV1(), list(sealed))


def test_a_registry_of_the_hub_is_used_as_it_is_configured(tmp_path: Path) -> None:
    key = X25519PrivateKey.generate()
    config = config_of(told(sealed_for(key)), key, tmp_path)
    assert (config.host, config.origin) == (HOST, "http://10.0.0.5:5000")
    assert (config.username, config.password, config.aliases) == ("ann", "secret", ("m.example",))
    held = {
        Path(p): Path(p).stat().st_mode & 0o077
        for p in (config.client_cert_file, config.client_key_file)
    }
    assert [path.read_text() for path in held] == ["CERT", "KEY"]
    assert set(held.values()) == {0}
    assert config == config_of(told(sealed_for(key)), key, tmp_path)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(
            ConnectionV1(url="http://evil.example", allow_private=True, aliases=["m.example"]),
            id="url",
        ),
        pytest.param(
            ConnectionV1(
                url="http://10.0.0.5:5000",
                allow_private=True,
                aliases=["m.example"],
                token_realms=["evil.example"],
            ),
            id="realm",
        ),
    ],
)
def test_t21_a_hub_that_was_taken_over_gets_no_credentials_sent_elsewhere(
    tmp_path: Path, changed: ConnectionV1
) -> None:
    key = X25519PrivateKey.generate()
    with pytest.raises(ContentMismatchError):
        config_of(told(sealed_for(key), connection=changed), key, tmp_path)
    with pytest.raises(ContentMismatchError):
        config_of(told(sealed_for(key), host="evil.example"), key, tmp_path)


def test_credentials_for_other_workers_are_not_left_out_in_silence(tmp_path: Path) -> None:
    key, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    with pytest.raises(ContentMismatchError, match="other workers' keys"):
        config_of(told(sealed_for(other)), key, tmp_path)
    both = config_of(told(sealed_for(other), sealed_for(key)), key, tmp_path)
    assert both.username == "ann"


def write(path: Path, *hosts: str) -> None:
    path.write_text(json.dumps({"registries": [{"host": host} for host in hosts]}))


async def until(registries: ScanRegistries, *hosts: str) -> None:
    async with asyncio.timeout(20):
        while set(registries.hosts) != set(hosts):
            await registries.changed.wait()
            registries.changed.clear()


async def test_both_are_followed_and_the_file_counts_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.scan.registries.FILE_EVERY_S", 0.01)
    monkeypatch.setattr("tidegate.scan.registries.HUB_EVERY_S", 0.01)
    key, file, hub = X25519PrivateKey.generate(), tmp_path / "registries.yaml", TellingHub()
    write(file, "own.example")
    registries = ScanRegistries(TrustFile(file), key, tmp_path)
    client = registries.client
    assert registries.hosts == ("own.example",)
    following = asyncio.create_task(registries.follow(hub))
    hub.registries = [
        told(sealed_for(key)),
        told(sealed_for(X25519PrivateKey.generate()), host="x"),
    ]
    await until(registries, "own.example", HOST)
    assert registries.client is client
    found = registries.config("R.example:5000")
    assert found is not None
    assert found.username == "ann"
    write(file, "own.example", HOST)
    async with asyncio.timeout(20):
        while (found := registries.config(HOST)) is None or found.username:
            await asyncio.sleep(0.01)
    assert found.origin == f"https://{HOST}"
    file.write_text("registries: [")
    asked = hub.asked
    async with asyncio.timeout(20):
        while hub.asked < asked + 3:  # the file was looked at as often
            await asyncio.sleep(0.01)
    assert set(registries.hosts) == {"own.example", HOST}
    hub.registries = []
    write(file)
    await until(registries)
    assert not client.configured("own.example")
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await registries.aclose()


async def test_settings_that_do_not_go_together_leave_the_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.scan.registries.FILE_EVERY_S", 0.01)
    monkeypatch.setattr("tidegate.scan.registries.HUB_EVERY_S", 0.01)
    file, hub = tmp_path / "registries.yaml", TellingHub()
    write(file, "m.example")  # which the hub's registry has for an alias
    hub.registries = [told()]
    registries = ScanRegistries(TrustFile(file), X25519PrivateKey.generate(), tmp_path)
    following = asyncio.create_task(registries.follow(hub))
    async with asyncio.timeout(20):
        while hub.asked < 3:
            await asyncio.sleep(0.01)
    assert registries.hosts == ("m.example",)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await registries.aclose()
