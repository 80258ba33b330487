"""Everything the registry keeps, and what may become visible when.

Laws: a blob is visible only when its file is whole and on disk; a manifest is visible only when
every blob of it is. They hold through crashes, because the order on disk is file, then record; and
through concurrent requests, because every change runs in one thread, one after another. Reading
needs no such order: it happens on the caller's thread from committed state.

Blobs that no manifest uses stay until they are deleted: somebody's push may be about to name them.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypeVar

from tidegate.domain.digest import Digest
from tidegate.domain.errors import ConfigurationError
from tidegate.registry.content import Content
from tidegate.registry.manifest import Manifest, render_descriptor
from tidegate.registry.records import (
    ManifestRow,
    OutboxRow,
    Records,
    Referrer,
    StoredManifest,
    open_records,
)
from tidegate.registry.refusals import (
    RefusedError,
    invalid_manifest,
    unknown_blob,
    unknown_manifest,
    unknown_name,
)
from tidegate.registry.uploads import Upload, Uploads

T = TypeVar("T")

MAX_REFERRERS_BYTES = 4 * 2**20
"""Largest page of referrers: what clients must accept of a manifest (distribution-spec, "Pushing
Manifests"); a page of large annotations is shorter than its count allows."""


class Store:
    """The registry's folder, open; made by `open_store`."""

    def __init__(
        self, content: Content, uploads: Uploads, reader: Records, writer: Records
    ) -> None:
        self.content = content
        self.uploads = uploads
        self._read = reader
        self._write = writer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="registry-writer")

    def close(self) -> None:
        """End after the change that is under way."""
        self._thread.shutdown()

    # Blobs

    def blob_size(self, repository: str, digest: Digest) -> int:
        """Return the size of a blob.

        Raises:
            RefusedError: this repository does not hold it.
        """
        size = self._read.blob_size(repository, digest)
        if size is None:
            raise unknown_blob(repository, digest)
        return size

    async def add_blob(self, repository: str, digest: Digest, upload: Upload) -> None:
        """Make a sealed upload a blob of the repository."""

        def change() -> None:
            self.content.adopt(digest, upload.path)
            with self._write.transaction():
                self._write.add_blob(repository, digest, upload.size)

        await self._change(change)

    async def mount_blob(self, repository: str, digest: Digest, source: str) -> bool:
        """Let the repository hold a blob of the repository `source`; return whether it could."""

        def change() -> bool:
            size = self._write.blob_size(source, digest)
            if size is None or self.content.size_of(digest) != size:
                return False
            with self._write.transaction():
                self._write.add_blob(repository, digest, size)
            return True

        return await self._change(change)

    async def remove_blob(self, repository: str, digest: Digest) -> None:
        """Delete a blob from the repository, and its file with the last repository.

        Raises:
            RefusedError: not held, or part of a manifest, which would be served broken.
        """

        def change() -> None:
            if self._write.blob_size(repository, digest) is None:
                raise unknown_blob(repository, digest)
            manifest = self._write.manifest_with(repository, digest)
            if manifest is not None:
                raise RefusedError(
                    405,
                    "DENIED",
                    f"blob {digest} is part of manifest {manifest}; delete that first",
                )
            with self._write.transaction():
                self._write.remove_blob(repository, digest)
            if not self._write.holds_anywhere(digest):
                self.content.remove(digest)

        await self._change(change)

    # Manifests

    def manifest(self, repository: str, reference: str) -> StoredManifest:
        """Return the manifest by tag or digest.

        Raises:
            RefusedError: this repository does not hold it.
        """
        by_digest = ":" in reference  # which no tag contains
        digest = reference if by_digest else self._read.tagged_digest(repository, reference)
        found = None if digest is None else self._read.manifest(repository, digest)
        if found is None:
            raise unknown_manifest(repository, reference)
        return found

    async def put_manifest(
        self,
        repository: str,
        stored: StoredManifest,
        manifest: Manifest,
        *,
        tag: str,
        event: bytes | None,
    ) -> None:
        """Keep a manifest, point `tag` (where not empty) to it and put `event` into the outbox.

        Raises:
            RefusedError: a blob of it is not there, or not of the size it says.
        """
        descriptor = render_descriptor(manifest, stored.digest, len(stored.body))
        row = ManifestRow(
            repository,
            stored.digest,
            manifest.media_type,
            manifest.subject,
            manifest.artifact_type,
            descriptor,
            stored.body,
        )

        def change() -> None:
            with self._write.transaction():
                self._require_blobs(repository, manifest)
                self._write.add_manifest(row, [blob.digest for blob in manifest.blobs])
                if tag:
                    self._write.set_tag(repository, tag, stored.digest)
                if event is not None:
                    self._write.add_event(repository, stored.digest, tag, event)

        await self._change(change)

    def _require_blobs(self, repository: str, manifest: Manifest) -> None:
        for blob in manifest.blobs:
            size = self._write.blob_size(repository, blob.digest)
            # The file is asked too: somebody may have tidied the folder by hand.
            if size is None or self.content.size_of(blob.digest) != size:
                raise RefusedError(
                    404,
                    "MANIFEST_BLOB_UNKNOWN",
                    f"manifest: repository {repository} holds no blob {blob.digest}; push it first",
                )
            if size != blob.size:
                raise invalid_manifest(
                    f"says that blob {blob.digest} has {blob.size} bytes, it has {size}"
                )

    async def remove_manifest(
        self, repository: str, digest: Digest, *, event: bytes | None = None
    ) -> None:
        """Delete a manifest and its tags, and put `event` into the outbox.

        Raises:
            RefusedError: this repository does not hold it.
        """

        def change() -> bool:
            with self._write.transaction():
                removed = self._write.remove_manifest(repository, digest)
                if removed and event is not None:
                    self._write.add_event(repository, digest, "", event)
                return removed

        if not await self._change(change):
            raise unknown_manifest(repository, digest)

    async def remove_tag(self, repository: str, tag: str) -> None:
        """Delete a tag; its manifest stays.

        Raises:
            RefusedError: there is no such tag.
        """

        def change() -> bool:
            with self._write.transaction():
                return self._write.remove_tag(repository, tag)

        if not await self._change(change):
            raise unknown_manifest(repository, tag)

    # Lists

    def tags(self, repository: str, after: str, limit: int) -> list[str]:
        """Return tags in order.

        Raises:
            RefusedError: nothing was pushed to this repository.
        """
        if not self._read.knows_repository(repository):
            raise unknown_name(repository)
        return self._read.tags(repository, after, limit)

    def repositories(self, after: str, limit: int) -> list[str]:
        """Return repositories in order."""
        return self._read.repositories(after, limit)

    def referrers(
        self, repository: str, subject: Digest, artifact_type: str, after: int, limit: int
    ) -> tuple[list[Referrer], bool]:
        """Return one page of what refers to `subject`, and whether there is more."""
        page: list[Referrer] = []
        left = MAX_REFERRERS_BYTES
        for referrer in self._read.referrers(repository, subject, artifact_type, after):
            left -= len(referrer.descriptor)
            if len(page) == limit or (page and left < 0):
                return page, True
            page.append(referrer)
        return page, False

    # Outbox

    def events(self, limit: int) -> list[OutboxRow]:
        """Return the oldest undelivered events."""
        return self._read.events(limit)

    async def remove_events(self, seqs: list[int]) -> None:
        """Forget delivered events."""

        def change() -> None:
            with self._write.transaction():
                self._write.remove_events(seqs)

        await self._change(change)

    def remove_orphans(self) -> int:
        """Remove blob files that a crash left without a record; return how many.

        Only at start, before anything is received. Without any record at all nothing is removed:
        then the records are lost, not the files.
        """
        if self._write.is_empty():
            return 0
        orphans = [d for d in self.content.digests() if not self._write.holds_anywhere(d)]
        for digest in orphans:
            self.content.remove(digest)
        return len(orphans)

    async def _change(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """Open the registry's folder for one process.

    Raises:
        ConfigurationError: another process has it open, or it cannot be read.
    """
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_locked(folder / "lock"))
            content = Content(folder / "blobs")
            uploads = Uploads(folder / "uploads")
        except OSError as error:
            raise ConfigurationError(f"{folder}: cannot be used as data folder: {error}") from error
        reader, writer = (
            Records(stack.enter_context(closing(open_records(folder / "records.sqlite"))))
            for _ in range(2)
        )
        store = Store(content, uploads, reader, writer)
        stack.callback(store.close)
        yield store


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"{path.parent}: another registry runs on this folder; stop it, or choose another"
            ) from error
        yield
    finally:
        os.close(descriptor)
