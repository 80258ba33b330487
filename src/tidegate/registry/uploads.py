"""Blobs on their way in: hashed while they are received, appended whole or not at all.

An upload is a file named after its repository and its id, so that an id is of no use under another
repository. What memory knows of it (size, running hash) is made again from the file after a
restart, so that a client may go on with `PATCH`.
"""

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tidegate.domain.digest import Digest, algorithm_of, encoded_part
from tidegate.registry.refusals import RefusedError, invalid_digest

BLOCK_BYTES = 2**20
"""Hashed and written at a time, in a thread: large beside the cost of the hop."""

_ID = re.compile(r"[0-9a-f]{32}")


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...
    def copy(self) -> "_Hash": ...


@dataclass(slots=True)
class Upload:
    """One blob on its way; whoever changes it holds `lock`."""

    id: str
    path: Path
    size: int = 0
    """Bytes received and hashed."""
    sha256: _Hash = field(default_factory=hashlib.sha256)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended: bool = False
    """Finished or cancelled while another request waited for the lock."""

    def write(self, block: bytes) -> None:
        """Append `block`."""
        with self.path.open("r+b") as file:
            file.seek(self.size)
            file.write(block)
        self.sha256.update(block)
        self.size += len(block)

    def cut_back(self, size: int, sha256: _Hash) -> None:
        """Return to an earlier state."""
        os.truncate(self.path, size)
        self.size, self.sha256 = size, sha256

    def seal(self, digest: Digest) -> bool:
        """Flush the file to disk; return whether its content has this digest."""
        with self.path.open("r+b") as file:
            if algorithm_of(digest) == "sha256":
                encoded = self.sha256.hexdigest()
            else:  # known only now, when the client names the digest
                encoded = hashlib.file_digest(file, algorithm_of(digest)).hexdigest()
            os.fsync(file.fileno())
        return encoded == encoded_part(digest)


class Uploads:
    """The folder of uploads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[Path, Upload] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, repository: str) -> Upload:
        """Begin an upload to `repository`."""
        upload_id = secrets.token_hex(16)
        upload = Upload(upload_id, self._path(repository, upload_id))
        upload.path.touch(exist_ok=False)
        self._open[upload.path] = upload
        return upload

    async def find(self, repository: str, upload_id: str) -> Upload | None:
        """Return the upload of this id to `repository`, also one from before a restart."""
        if _ID.fullmatch(upload_id) is None:
            return None
        path = self._path(repository, upload_id)
        if path not in self._open and path.is_file():
            found = await asyncio.to_thread(_read_back, upload_id, path)
            self._open.setdefault(path, found)  # another request may have been quicker
        return self._open.get(path)

    async def append(
        self, upload: Upload, chunks: AsyncIterator[bytes], announced_bytes: int | None
    ) -> None:
        """Add `chunks` to the upload: all of them or, if they break off, none.

        Raises:
            RefusedError: their length is not what was announced.
        """
        size, sha256 = upload.size, upload.sha256.copy()
        try:
            async for block in _blocks(chunks):
                await asyncio.to_thread(upload.write, block)
            _require_length(upload.size - size, announced_bytes)
        except BaseException:
            upload.cut_back(size, sha256)
            raise

    async def seal(self, upload: Upload, digest: Digest) -> None:
        """Make the upload ready to become the blob `digest`; one that is not ends here.

        Raises:
            RefusedError: the content has another digest.
        """
        if not await asyncio.to_thread(upload.seal, digest):
            self.cancel(upload)
            raise invalid_digest(
                f"blob: want {digest}, got {upload.size} bytes of sha256:"
                f"{upload.sha256.hexdigest()}; the upload is removed, start again"
            )

    def cancel(self, upload: Upload) -> None:
        """Forget the upload and what came of it; also after it became a blob."""
        upload.ended = True
        self._open.pop(upload.path, None)
        upload.path.unlink(missing_ok=True)

    def remove_older_than(self, unix_time: float) -> int:
        """Remove uploads that nothing was added to since; return how many."""
        removed = 0
        for path in self._folder.iterdir():
            upload = self._open.get(path)
            busy = upload is not None and upload.lock.locked()
            if not busy and path.stat().st_mtime < unix_time:
                self._open.pop(path, None)
                path.unlink()
                removed += 1
        return removed

    def _path(self, repository: str, upload_id: str) -> Path:
        owner = hashlib.sha256(repository.encode()).hexdigest()[:32]
        return self._folder / f"{owner}-{upload_id}"


def _require_length(received: int, announced: int | None) -> None:
    if announced is not None and received != announced:
        raise RefusedError(
            400, "SIZE_INVALID", f"chunk: announced {announced} bytes, sent {received}"
        )


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    gathered: list[bytes] = []
    length = 0
    async for chunk in chunks:
        gathered.append(chunk)
        length += len(chunk)
        if length >= BLOCK_BYTES:
            yield b"".join(gathered)
            gathered, length = [], 0
    if gathered:
        yield b"".join(gathered)


def _read_back(upload_id: str, path: Path) -> Upload:
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            sha256.update(block)
        return Upload(upload_id, path, file.tell(), sha256)
