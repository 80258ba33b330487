"""Passwords: what is taken as one, and their argon2id hashes.

Rules after NIST SP 800-63B section 5.1.1.2: a length, no rules of composition, no expiry.
"""

import asyncio
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from tidegate.domain.errors import InputError

MIN_CHARS = 12
INITIAL_BYTES = 15
"""120 random bits of an initial password: 20 characters of base64."""

CONCURRENT_HASHES = 2
"""One takes 64 MiB and a core; more at a time would let strangers fill the memory."""


def require_acceptable(password: str, name: str) -> None:
    """Refuse what is no fit password for the user `name`.

    Raises:
        InputError: it is too short, or the name.
    """
    if len(password) < MIN_CHARS:
        raise InputError(
            f"the new password has {len(password)} characters; want at least {MIN_CHARS}, of any "
            "kind: several words are easy to remember"
        )
    if not password.casefold().replace(name.casefold(), ""):
        raise InputError("the new password is the user's name; want one that is not known already")


def initial_password() -> str:
    """Return a random password for a first sign-in."""
    return secrets.token_urlsafe(INITIAL_BYTES)


class Passwords:
    """Hashes and compares passwords, a few at a time, off the event loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()  # RFC 9106, 4: 64 MiB, 3 passes, 4 lanes
        self._slots = asyncio.Semaphore(CONCURRENT_HASHES)
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def matches(self, stored: str, password: str) -> bool:
        """Whether `stored` was made of `password`; takes its time when `stored` is empty too.

        So a name that nobody has cannot be told from a wrong password by the clock.
        """
        if not self._nobody:
            self._nobody = await self.hash(secrets.token_urlsafe())
        async with self._slots:
            right = await asyncio.to_thread(self._verify, stored or self._nobody, password)
        return right and bool(stored)

    def is_outdated(self, stored: str) -> bool:
        """Whether `stored` was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, _normal(password))
        except (VerifyMismatchError, InvalidHashError):
            return False


def _normal(password: str) -> str:
    """Return one form for texts that look the same: keyboards differ in how they compose 'é'."""
    return unicodedata.normalize("NFC", password)
