"""Blobs: read no further than promised, verified while they come; pushed from memory or a file."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

from tidegate.domain.digest import Digest, algorithm_of, digest_of, encoded_part
from tidegate.domain.errors import (
    ContentMismatchError,
    LimitExceededError,
    NotInRegistryError,
    RegistryUnavailableError,
)
from tidegate.domain.reference import ImageReference
from tidegate.oci.manifests import pull_scope, push_scope
from tidegate.oci.session import Ask, Session
from tidegate.oci.urls import parse_named_url
from tidegate.wire.oci_v1 import Descriptor

PIECE_BYTES = 2**20
"""Read from and written to files at a time: a few system calls a second at any usual speed."""

_OCTETS = ("Content-Type", "application/octet-stream")


async def fetch_blob(
    session: Session, reference: ImageReference, descriptor: Descriptor, max_bytes: int | None
) -> bytes:
    """Return the blob that `descriptor` promises, held in memory.

    Raises:
        LimitExceededError: larger than `max_bytes`; not asked for.
        ContentMismatchError: another size or digest than promised; the rest was not read.
        NotInRegistryError: it is certain that the registry does not hold it.
        RegistryUnavailableError: the question is not settled.
    """
    limits = session.limits
    what = f"fetching blob {descriptor.digest} of {reference.name}"
    _require_size(what, descriptor, limits.max_blob_bytes if max_bytes is None else max_bytes)
    body = bytearray()
    async with (
        session.turn(what, limits.read_timeout_s),
        _open_blob(session, reference, descriptor, what, limits.read_timeout_s) as pieces,
    ):
        async for piece in pieces:
            body += piece
    return bytes(body)


async def download_blob(
    session: Session, reference: ImageReference, descriptor: Descriptor, path: Path, max_bytes: int
) -> None:
    """Write the blob that `descriptor` promises to `path`, which appears only when it is whole.

    Raises:
        As `fetch_blob`; OSError: the file cannot be written.
    """
    limits = session.limits
    what = f"downloading blob {descriptor.digest} of {reference.name}"
    _require_size(what, descriptor, max_bytes)
    partial = path.with_name(f".{path.name}.{os.urandom(8).hex()}.partial")
    try:
        async with (
            session.within(what, limits.transfer_timeout_s),
            _open_blob(session, reference, descriptor, what, limits.transfer_idle_s) as pieces,
        ):
            await _write(partial, pieces)
        await asyncio.to_thread(partial.replace, path)
    finally:
        partial.unlink(missing_ok=True)


async def has_blob(session: Session, reference: ImageReference, digest: Digest) -> bool:
    """Whether the repository of `reference` holds `digest`."""
    ask = Ask(
        f"looking for blob {digest} of {reference.name}",
        "HEAD",
        f"/v2/{reference.repository}/blobs/{digest}",
        pull_scope(reference),
        wanted=(200, 302, 307, 404),  # a redirect to the store comes only for what is there
    )
    return (await session.read(ask, 0)).status != 404


async def push_blob(session: Session, reference: ImageReference, body: bytes) -> Descriptor:
    """Push `body` unless it is there; return what to put into a manifest."""
    digest = digest_of(body)
    if not await has_blob(session, reference, digest):
        await _upload(session, reference, digest, body, len(body))
    return Descriptor(_OCTETS[1], digest, len(body))


async def upload_blob(
    session: Session, reference: ImageReference, path: Path, digest: Digest
) -> None:
    """Push the file at `path`, whose digest is `digest`, unless it is there."""
    if await has_blob(session, reference, digest):
        return
    file = await asyncio.to_thread(path.open, "rb")
    with file:
        size = os.fstat(file.fileno()).st_size
        await _upload(session, reference, digest, _FilePieces(file), size)


async def _upload(
    session: Session,
    reference: ImageReference,
    digest: Digest,
    body: bytes | AsyncIterable[bytes],
    size: int,
) -> None:
    """distribution-spec, "Pushing a blob monolithically", by POST then PUT."""
    what = f"pushing blob {digest} to {reference.name}"
    limits = session.limits
    start = f"/v2/{reference.repository}/blobs/uploads/"
    scope = push_scope(reference)
    begun = await session.read(Ask(what, "POST", start, scope, (202,)), limits.max_error_bytes)
    target = _upload_target(session, what, start, begun.headers.get("location", ""), digest)
    ask = Ask(what, "PUT", target, scope, (201,), (_OCTETS,), body, size)
    async with (
        session.within(what, limits.transfer_timeout_s),
        session.open(ask, limits.transfer_idle_s) as answer,
    ):
        await answer.drain()


def _upload_target(session: Session, what: str, start: str, location: str, digest: Digest) -> str:
    """Return where to put the bytes: always on this registry, whatever scheme it believes in."""
    target = parse_named_url(location, f"{session.registry.origin}{start}")
    if target is None or target.netloc.lower() != session.registry.authority:
        raise RegistryUnavailableError(
            f"{what}: the registry wants the bytes elsewhere; want a Location of its own"
        )
    query = "&".join(filter(None, (target.query, urlencode({"digest": digest}))))
    return f"{target.path}?{query}"


def _require_size(what: str, descriptor: Descriptor, max_bytes: int) -> None:
    if descriptor.size > max_bytes:
        raise LimitExceededError(
            f"{what}: its descriptor says {descriptor.size} bytes, want at most {max_bytes}"
        )


@asynccontextmanager
async def _open_blob(
    session: Session, reference: ImageReference, descriptor: Descriptor, what: str, idle_s: float
) -> AsyncIterator[AsyncIterator[bytes]]:
    path = f"/v2/{reference.repository}/blobs/{descriptor.digest}"
    ask = Ask(what, "GET", path, pull_scope(reference), wanted=(200, 404))
    async with session.open_following(ask, idle_s) as answer:
        if answer.status == 404:
            await answer.drain()
            raise NotInRegistryError(f"{what}: HTTP 404, the registry does not hold it")
        async with aclosing(answer.pieces()) as pieces:
            yield _verified(what, pieces, descriptor)


async def _verified(
    what: str, pieces: AsyncIterator[bytes], descriptor: Descriptor
) -> AsyncIterator[bytes]:
    hashed = hashlib.new(algorithm_of(descriptor.digest))
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > descriptor.size:
            raise _mismatch(what, "more bytes", f"{descriptor.size} bytes")
        hashed.update(piece)
        yield piece
    if size != descriptor.size:
        raise _mismatch(what, f"{size} bytes", f"{descriptor.size} bytes")
    if hashed.hexdigest() != encoded_part(descriptor.digest):
        raise _mismatch(what, f"content of digest {hashed.hexdigest()}", "the digest asked for")


def _mismatch(what: str, came: str, wanted: str) -> ContentMismatchError:
    return ContentMismatchError(f"{what}: {came}, want {wanted}; it is not believed")


async def _write(path: Path, pieces: AsyncIterator[bytes]) -> None:
    file = await asyncio.to_thread(path.open, "xb")
    with file:
        held = bytearray()
        async for piece in pieces:
            held += piece
            if len(held) >= PIECE_BYTES:
                await asyncio.to_thread(file.write, held)
                held = bytearray()
        await asyncio.to_thread(file.write, held)


class _FilePieces:
    """A file as a body, from its start whenever it is sent; an iterator, so nothing stays open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __aiter__(self) -> "_FilePieces":
        self._file.seek(0)
        return self

    async def __anext__(self) -> bytes:
        piece = await asyncio.to_thread(self._file.read, PIECE_BYTES)
        if not piece:
            raise StopAsyncIteration
        return piece
