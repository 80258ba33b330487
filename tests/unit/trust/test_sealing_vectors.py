"""What a browser seals (`portal/src/lib/sealing.ts`) opens here: both read the same examples."""

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tidegate.trust.sealing import public_sealing_pem, sealing_fingerprint, unseal
from tidegate.wire.registries_v1 import ConnectionV1, CredentialsV1, sealing_info

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "golden/sealing/vectors.json").read_text()
)
KEY = X25519PrivateKey.from_private_bytes(base64.b64decode(VECTORS["privateKey"]))


def test_the_key_is_known_by_the_same_fingerprint() -> None:
    assert public_sealing_pem(KEY) == VECTORS["publicKey"]
    assert sealing_fingerprint(VECTORS["publicKey"]) == VECTORS["fingerprint"]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=[case["name"] for case in VECTORS["cases"]])
def test_what_a_browser_sealed_opens(case: dict[str, Any]) -> None:
    info = sealing_info(case["host"], msgspec.convert(case["connection"], ConnectionV1))
    assert base64.b64encode(info).decode() == case["info"]
    opened = unseal(KEY, info, base64.b64decode(case["sealedByBrowser"]))
    wanted = msgspec.convert(VECTORS["credentials"], CredentialsV1)
    assert msgspec.json.decode(opened, type=CredentialsV1) == wanted
