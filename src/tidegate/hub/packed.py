"""Large JSON bodies as the database keeps them: compressed, bounded again when read."""

import zlib
from typing import TypeVar

import msgspec

T = TypeVar("T")

LEVEL = 3
"""A statement of 32 MiB takes half a second; higher levels take many for a few percent."""

MAX_UNPACKED_BYTES = 256 * 2**20
"""Of what this program itself stored; an altered database cannot fill the memory."""


class DamagedRowError(Exception):
    """What is stored is not what was stored: a fault of the database, HTTP 500."""


def pack(body: bytes) -> bytes:
    """Return `body` compressed."""
    return zlib.compress(body, LEVEL)


def unpack(stored: bytes, max_bytes: int = MAX_UNPACKED_BYTES) -> bytes:
    """Return what was packed, `max_bytes` of it at most.

    Raises:
        DamagedRowError: it was not packed here, or is larger.
    """
    try:
        reader = zlib.decompressobj()
        body = reader.decompress(stored, max_bytes)
    except zlib.error as error:
        raise DamagedRowError(f"a stored body cannot be read: {error}") from error
    if not reader.eof:
        raise DamagedRowError("a stored body is cut off or larger than any that is stored")
    return body


def pack_json(value: object) -> bytes:
    """Return `value` as compressed JSON."""
    return pack(msgspec.json.encode(value))


def unpack_json(stored: bytes, form: type[T]) -> T:
    """Return the value that was packed."""
    return msgspec.json.decode(unpack(stored), type=form)
