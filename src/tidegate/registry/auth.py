"""Passwords: a file of `user:scrypt$n$r$p$salt$hash` lines, and HTTP Basic (RFC 7617)."""

import asyncio
import base64
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from tidegate.domain.errors import ConfigurationError
from tidegate.registry.refusals import RefusedError

# OWASP's password storage advice for scrypt (2^17 in memory-rich services; 2^14, r 8, p 5 is the
# listed equivalent that takes 16 MiB): about 0.2 s a guess.
_N, _R, _P = 2**14, 8, 5
_MAX_MEMORY_BYTES = 64 * 2**20
_MAX_FILE_BYTES = 2**20
_MAX_REMEMBERED = 1024

_USER = re.compile(r"[^:\s\x00-\x1f]{1,128}")

CHALLENGE = (("WWW-Authenticate", 'Basic realm="tidegate registry", charset="UTF-8"'),)


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A scrypt hash with its parameters."""

    n: int
    r: int
    p: int
    salt: bytes
    key: bytes

    def matches(self, password: str) -> bool:
        """Whether `password` is the one that was hashed."""
        return hmac.compare_digest(_scrypt(password, self.salt, self.n, self.r, self.p), self.key)

    def __str__(self) -> str:
        return f"scrypt${self.n}${self.r}${self.p}${_to_text(self.salt)}${_to_text(self.key)}"


def hash_password(password: str) -> PasswordHash:
    """Return a new hash of `password`."""
    salt = secrets.token_bytes(16)
    return PasswordHash(_N, _R, _P, salt, _scrypt(password, salt, _N, _R, _P))


def parse_users(text: str, source: str) -> dict[str, PasswordHash]:
    """Return the users of a password file; empty lines and `#` comments are skipped.

    Raises:
        ConfigurationError: a line that is no user, or no users at all.
    """
    users: dict[str, PasswordHash] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, _, hashed = line.strip().partition(":")
        if _USER.fullmatch(user) is None or user in users:
            raise ConfigurationError(f"{source}:{number}: want a user name that occurs once")
        users[user] = _parse_hash(hashed, f"{source}:{number}")
    if not users:
        raise ConfigurationError(f"{source}: no users; add lines of `hash-password`")
    return users


def _parse_hash(text: str, where: str) -> PasswordHash:
    try:
        kind, n, r, p, salt, key = text.split("$")
        parsed = PasswordHash(int(n), int(r), int(p), _to_bytes(salt), _to_bytes(key))
    except ValueError as error:
        raise ConfigurationError(f"{where}: want scrypt$n$r$p$salt$hash") from error
    affordable = 128 * parsed.n * parsed.r <= _MAX_MEMORY_BYTES // 2 and 1 <= parsed.p <= 16
    is_power_of_two = parsed.n > 1 and parsed.n & (parsed.n - 1) == 0
    if kind != "scrypt" or not (affordable and is_power_of_two and parsed.r > 0):
        raise ConfigurationError(f"{where}: want scrypt with parameters up to 32 MiB")
    return parsed


class Users:
    """Who may do what; the file is read again when it changes."""

    def __init__(self, path: Path, *, anonymous_pull: bool) -> None:
        self._path = path
        self._anonymous_pull = anonymous_pull
        self._one_at_a_time = asyncio.Semaphore(1)  # guessing must not take every core
        self._memory_key = secrets.token_bytes(32)
        self._remembered: set[bytes] = set()
        self._stamp = (0, 0, 0)
        self._users: dict[str, PasswordHash] = {}
        self._reload()

    async def authorize(self, authorization: str, *, writes: bool) -> str:
        """Return the user's name; empty for an anonymous reader.

        Raises:
            RefusedError: a password is needed, or the one given is wrong.
        """
        # skopeo without credentials answers the challenge of the root with an empty pair.
        user, password = _basic(authorization) if authorization else ("", "")
        if not user and not password:
            if writes or not self._anonymous_pull:
                raise _unauthorized("a password is needed; log in to this registry")
            return ""
        self._reload()
        proof = hmac.digest(self._memory_key, f"{user}:{password}".encode(), "sha256")
        if proof not in self._remembered:
            async with self._one_at_a_time:
                if not await asyncio.to_thread(self._is_right, user, password):
                    raise _unauthorized("user name or password is wrong")
            if len(self._remembered) < _MAX_REMEMBERED:
                self._remembered.add(proof)
        return user

    def _is_right(self, user: str, password: str) -> bool:
        known = self._users.get(user)
        if known is None:
            hash_password(password)  # as slow as for a known user: names are not to be guessed
            return False
        return known.matches(password)

    def _reload(self) -> None:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp == self._stamp:
                return
            if found.st_size > _MAX_FILE_BYTES:
                raise ConfigurationError(f"{self._path}: more than {_MAX_FILE_BYTES} bytes")
            users = parse_users(self._path.read_text("utf-8"), os.fspath(self._path))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{self._path}: cannot be read: {error}") from error
        self._users, self._stamp = users, stamp
        self._remembered.clear()


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _unauthorized("Authorization: want Basic; log in to this registry")
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except ValueError as error:
        raise _unauthorized("Authorization: want Basic with base64 of user:password") from error
    user, _, password = text.partition(":")
    return user, password


def _unauthorized(message: str) -> RefusedError:
    return RefusedError(401, "UNAUTHORIZED", message, CHALLENGE)


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=n, r=r, p=p, maxmem=_MAX_MEMORY_BYTES, dklen=32
    )


def _to_text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _to_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
