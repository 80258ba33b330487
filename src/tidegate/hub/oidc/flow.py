"""One sign-in on its way: sealed into a cookie, so that strangers cannot fill the hub's memory."""

import base64
import hashlib
import secrets
from datetime import datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tidegate.domain.errors import InputError

LIFETIME = timedelta(minutes=10)
MAX_COOKIE_CHARS = 4096
MAX_NEXT_CHARS = 2048
_NONCE_BYTES = 12


class Flow(msgspec.Struct, array_like=True):
    """What the hub must know again when the browser comes back."""

    state: str
    nonce: str
    verifier: str
    next: str
    """Path of the page to show afterwards."""
    ends_at: float

    @property
    def challenge(self) -> str:
        """The verifier's S256 challenge (RFC 7636, section 4.2)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def begin(next_path: str, now: datetime) -> Flow:
    """Return a new flow with fresh secrets."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Flow(state, nonce, verifier, next_path, (now + LIFETIME).timestamp())


def require_own_path(path: str) -> str:
    """Return `path` if it leads to a page of this hub.

    Raises:
        InputError: a browser could take it for another site.
    """
    own = path.startswith("/") and not path.startswith("//")
    # Browsers read a backslash as a slash and drop tabs and line ends (WHATWG URL, 4.1).
    plain = path.isascii() and path.isprintable() and "\\" not in path and " " not in path
    if not own or not plain or len(path) > MAX_NEXT_CHARS:
        raise InputError(
            f"next is {path[:80]!r}; want a path of this hub like /rules, percent-encoded"
        )
    return path


class Seal:
    """Seals flows with a key made of the client's secret, which all hubs of it share.

    Without one the key is this process's own: a restart ends the flows on their way.
    """

    def __init__(self, client_secret: str = "") -> None:
        secret = client_secret.encode() or secrets.token_bytes(32)
        key = HKDF(hashes.SHA256(), length=32, salt=None, info=b"tidegate sign-in").derive(secret)
        self._cipher = AESGCM(key)

    def seal(self, flow: Flow) -> str:
        """Return the cookie's value."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, msgspec.json.encode(flow), None)
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, cookie: str, now: datetime) -> Flow | None:
        """Return the flow in a cookie; None: it is not ours, or has taken too long."""
        if not cookie.isascii() or len(cookie) > MAX_COOKIE_CHARS:
            return None
        try:
            sealed = base64.urlsafe_b64decode(cookie)
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (ValueError, InvalidTag):
            return None
        flow = msgspec.json.decode(plain, type=Flow)
        return flow if now.timestamp() < flow.ends_at else None
