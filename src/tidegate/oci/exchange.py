"""Tokens of cloud registries: one exchange at a time, bounded, and kept for as long as it is good.

Each cloud hands out a password for its own registries against an identity that Kubernetes projects
into a file, or a key. An identity goes to the cloud's own token services and registries, by exact
names: what a registry answers plays no part (THREATS row 8).
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from tidegate.domain.errors import (
    LimitExceededError,
    RegistryRefusesError,
    RegistryUnavailableError,
)
from tidegate.oci.keychain import Credentials
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig
from tidegate.oci.transport import Call, Headers, Transport
from tidegate.wire.json_depth import json_depth

T = TypeVar("T")

KEPT_S = 2700.0
"""Every cloud's token is good for an hour at least: 45 minutes leave room for a slow scan."""

TIMEOUT_S = 10.0
MAX_FILE_BYTES = 64 * 2**10
FORM = ("Content-Type", "application/x-www-form-urlencoded")

_LIMITS = RegistryLimits()


@dataclass(slots=True)
class Held:
    """What was fetched last."""

    credentials: Credentials | None = None
    until_s: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, kw_only=True)
class CloudKeychain(ABC):
    """Fetches credentials when there are none that hold."""

    host: str
    """The registry that they are for."""
    clock_s: Callable[[], float] = field(default=time.time, compare=False)
    held: Held = field(default_factory=Held, compare=False, repr=False)

    async def credentials(
        self, stale: Credentials | None, repository: str = ""
    ) -> Credentials | None:
        """Return credentials that hold; those that were just refused do not.

        Raises:
            RegistryUnavailableError: the cloud gives none, or the identity cannot be read.
        """
        del repository  # clouds give them for a whole registry
        async with self.held.lock:
            kept = self.held.credentials
            if kept is None or kept == stale or self.clock_s() >= self.held.until_s:
                kept = await self._fetch()
                self.held.credentials, self.held.until_s = kept, self.clock_s() + KEPT_S
            return kept

    @abstractmethod
    async def _fetch(self) -> Credentials:
        """Return new credentials."""

    def _read(self, path: Path) -> str:
        """Return an identity, which Kubernetes renews in its file."""
        try:
            with path.open("rb") as file:
                body = file.read(MAX_FILE_BYTES + 1)
            if len(body) > MAX_FILE_BYTES:
                raise self._refusal(f"{path} is larger than {MAX_FILE_BYTES} bytes")
            return body.decode("ascii").strip()
        except OSError as error:
            raise self._refusal(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise self._refusal(f"{path} holds no token") from error

    def _refusal(self, why: str) -> RegistryUnavailableError:
        return RegistryUnavailableError(f"credentials of {self.host}: {why}")


async def post(  # a request has these parts
    service: RegistryConfig, path: str, headers: Headers, body: bytes, answer: type[T]
) -> T:
    """Return what a token service answers; never shows what was sent or came.

    Raises:
        RegistryRefusesError: 400, 401 or 403: the identity is not accepted.
        RegistryUnavailableError: no answer of this form.
    """
    what = f"asking {service.authority} for a token"
    call = Call(what, "POST", f"{service.origin}{path}", headers, body)
    transport = Transport(service, _LIMITS)
    try:
        async with asyncio.timeout(TIMEOUT_S), transport.open(call, TIMEOUT_S) as reply:
            if reply.status != 200:
                refused = reply.status in {400, 401, 403}
                raise (RegistryRefusesError if refused else RegistryUnavailableError)(
                    f"{what}: HTTP {reply.status}, want 200; check the identity and its rights",
                    rate_limited=reply.status == 429,
                )
            content = await reply.read(_LIMITS.max_token_bytes)
    except TimeoutError as error:
        raise RegistryUnavailableError(f"{what}: no whole answer within {TIMEOUT_S:g} s") from error
    finally:
        await transport.aclose()
    if json_depth(content) > 16:
        raise LimitExceededError(f"{what}: nested deeper than 16 levels")
    try:
        return msgspec.json.decode(content, type=answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RegistryUnavailableError(f"{what}: the answer is not of the form wanted") from error


def form(**fields: str) -> bytes:
    """Return fields as a form sends them."""
    return urlencode(fields).encode()
