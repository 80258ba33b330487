"""Evidence keys that stay in a cloud's key service or a hardware token, through securesystemslib.

A key is opened once: its public part is asked for, and one signature is tried, so that a worker
that may not sign says so when it starts and not at its first report. Every signature is verified
here before anybody sees it: a service that signs with another key by now (an alias that was moved)
must not leave reports that nobody believes. Calls block; who signs in an event loop does so in a
thread.
"""

import importlib
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from tidegate.domain.errors import ConfigurationError, InvalidKeyError, KeyUnavailableError
from tidegate.trust.keys import PublicKey, load_public_key, sign, signature_verifies

Secret = Callable[[], str]
"""Returns the PIN or passphrase when it is needed."""

_SCHEME = "ecdsa-sha2-nistp256"
_PROBE = b"tidegate: may this key be used?"
MAX_ERROR_CHARS = 400

FORMS = {
    "awskms": "awskms:KEY-ID, awskms:alias/NAME or awskms:ARN",
    "azurekms": "azurekms://VAULT.vault.azure.net/keys/NAME",
    "gcpkms": "gcpkms:projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V",
    "hsm": "hsm:ID or hsm:ID?label=TOKEN",
}
"""Schemes of keys that are kept elsewhere, each with the form of its URIs."""


class KeptKey:
    """A `SigningKey` that is kept elsewhere; one signature at a time."""

    def __init__(self, uri: str, signer: Any, public_key: PublicKey) -> None:  # noqa: ANN401 - a securesystemslib Signer, where it is installed
        self._uri, self._signer, self._public_key = uri, signer, public_key
        # A token knows one login per process, not one per thread (PKCS #11 v2.40, 2.5 "C_Login").
        self._turn = threading.Lock()

    def public_key(self) -> PublicKey:
        """Return its public part, as it was when the key was opened."""
        return self._public_key

    def sign(self, data: bytes, _: ec.ECDSA, /) -> bytes:
        """Return the DER signature of `data`, ECDSA with SHA-256.

        Raises:
            KeyUnavailableError: it is not signed, or with another key.
        """
        try:
            with self._turn:
                signature = bytes.fromhex(self._signer.sign(data).signature)
        except Exception as error:
            # Each vendor's library has errors of its own, and they are loaded only where used.
            raise _unavailable(self._uri, "does not sign", error) from error
        if not signature_verifies(self._public_key, signature, data):
            raise KeyUnavailableError(
                f"{self._uri}: signs with another key than when it was opened; start again with "
                "the key that it has now, once clusters trust that one"
            )
        return signature


def open_kept_key(uri: str, secret: Secret) -> KeptKey:
    """Return the key that `uri` names, after one signature by it.

    Raises:
        InvalidKeyError: no such URI, no such key, or no ECDSA P-256 key.
        ConfigurationError: the library for it is not installed.
        KeyUnavailableError: whoever keeps it does not answer, or refuses to sign.
    """
    scheme = uri.partition(":")[0]
    signers = _signers(scheme)
    try:
        found, described = _describe(signers, scheme, uri, secret)
        signer = signers.Signer.from_priv_key_uri(found, described, lambda _: secret())
        public_key = load_public_key(described.keyval["public"].encode())
    except (InvalidKeyError, ConfigurationError) as error:
        raise type(error)(f"{uri}: {error}") from error
    except Exception as error:
        if type(error).__name__ == "UnsupportedLibraryError":
            raise _not_installed(scheme, str(error)) from error
        if type(error).__name__ in {"UnsupportedAlgorithmError", "UnsupportedKeyType"}:
            raise InvalidKeyError(f"{uri}: {_short(error)}; want an ECDSA P-256 key") from error
        if isinstance(error, ValueError):
            raise InvalidKeyError(f"{uri}: {_short(error)}; want {FORMS[scheme]}") from error
        raise _unavailable(uri, "does not give its public key", error) from error
    key = KeptKey(uri, signer, public_key)
    sign(key, _PROBE)
    return key


def _signers(scheme: str) -> Any:  # noqa: ANN401 - a module that may not be installed
    try:
        return importlib.import_module("securesystemslib.signer")
    except ImportError as error:
        raise _not_installed(scheme, "securesystemslib is missing") from error


def _describe(signers: Any, scheme: str, uri: str, secret: Secret) -> tuple[str, Any]:  # noqa: ANN401 - securesystemslib's
    """Return the URI in securesystemslib's own form, and its description of the public key."""
    parts = urlsplit(uri)
    described: tuple[str, Any]
    match scheme:
        case "awskms":
            described = signers.AWSSigner.import_(_required(parts.path), _SCHEME)
        case "gcpkms":
            described = signers.GCPSigner.import_(_required(parts.path))
        case "azurekms":
            vault = parts.netloc.removesuffix(".vault.azure.net")
            names = parts.path.strip("/").split("/")
            if vault == parts.netloc or len(names) != 2 or names[0] != "keys":
                raise ValueError("no vault and key; the key's newest version is the one used")
            described = signers.AzureSigner.import_(vault, names[1])
        case _:
            label = dict(parse_qsl(parts.query)).get("label")
            number = int(parts.path) if parts.path else None
            described = signers.HSMSigner.import_(number, label, lambda _: secret())
    return described


def _required(name: str) -> str:
    if not name.strip("/"):
        raise ValueError("it names no key")
    return name


def _not_installed(scheme: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"keys of {scheme}: need a library that is not installed ({why}); install "
        f"tidegate[{scheme}]"
    )


def _unavailable(uri: str, what: str, error: Exception) -> KeyUnavailableError:
    return KeyUnavailableError(
        f"{uri}: {what}: {_short(error)}; check that it is reachable from here, and that these "
        "credentials may read the public key and sign"
    )


def _short(error: Exception) -> str:
    said = " ".join(str(error).split())[:MAX_ERROR_CHARS]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
