"""Google Artifact Registry by a service account's key: a signed assertion → an access token.

Protocols: Google, "Using OAuth 2.0 for server to server applications" (RFC 7523); Artifact
Registry, "Set up authentication for Docker", access token.
"""

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tidegate.domain.errors import ConfigurationError
from tidegate.oci.exchange import FORM, CloudKeychain, form, post
from tidegate.oci.keychain import Credentials
from tidegate.oci.registries import RegistryConfig

TOKEN_USER = "oauth2accesstoken"  # noqa: S105 - a user's name
AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LIFE_S = 3600

_HOST = re.compile(r"(?:[a-z0-9-]+-docker\.pkg\.dev|(?:[a-z]+\.)?gcr\.io)")
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class _Key(msgspec.Struct):
    client_email: str
    private_key: str
    private_key_id: str = ""


class _Token(msgspec.Struct):
    access_token: str


@dataclass(frozen=True, kw_only=True)
class ArtifactRegistryKeychain(CloudKeychain):
    """A service account's key, for one registry.

    Raises:
        ConfigurationError: the host is none of Google's registries.
    """

    key_file: Path
    service: RegistryConfig = field(default_factory=lambda: RegistryConfig("oauth2.googleapis.com"))
    """Who hands out tokens, whatever the key's file says; tests have their own."""

    def __post_init__(self) -> None:
        if _HOST.fullmatch(self.host) is None:
            raise ConfigurationError(
                f"registry {self.host}: want LOCATION-docker.pkg.dev or gcr.io for Google's key"
            )

    async def _fetch(self) -> Credentials:
        assertion = self._assertion()
        body = form(grant_type=_GRANT, assertion=assertion)
        given = await post(self.service, "/token", (FORM,), body, _Token)
        return Credentials(TOKEN_USER, given.access_token)

    def _assertion(self) -> str:
        try:
            found = msgspec.json.decode(self._read(self.key_file), type=_Key)
            key = load_pem_private_key(found.private_key.encode(), password=None)
        except (msgspec.MsgspecError, ValueError, TypeError):
            # Not chained: the error's words may quote the key.
            raise self._refusal(f"{self.key_file}: want a service account's key in JSON") from None
        if not isinstance(key, RSAPrivateKey):
            raise self._refusal(f"{self.key_file}: a key of another kind; want RSA")
        now = int(self.clock_s())
        header = {"alg": "RS256", "typ": "JWT", "kid": found.private_key_id}
        claims = {
            "iss": found.client_email,
            "scope": SCOPE,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + LIFE_S,
        }
        signed = f"{_encoded(msgspec.json.encode(header))}.{_encoded(msgspec.json.encode(claims))}"
        signature = key.sign(signed.encode(), PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"


def _encoded(body: bytes) -> str:
    """RFC 7515 section 2: base64url without padding."""
    return base64.urlsafe_b64encode(body).decode().rstrip("=")
