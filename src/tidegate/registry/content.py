"""Blobs on disk, one file per digest: a file is there whole or not at all.

`adopt` flushes the file, renames it into place and flushes the folder, in this order, so that
neither a kill nor a power cut leaves a name with half a content. Names are digests that
`parse_digest` accepted: nothing a client writes reaches a path in any other form.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from tidegate.domain.digest import Digest, algorithm_of, encoded_part


class Content:
    """The folder of blobs; shared by all repositories."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path_of(self, digest: Digest) -> Path:
        """Return where the blob is, or would be."""
        encoded = encoded_part(digest)
        return self._folder / algorithm_of(digest) / encoded[:2] / encoded

    def size_of(self, digest: Digest) -> int | None:
        """Return the blob's size in bytes; None where there is no such blob."""
        try:
            return self.path_of(digest).stat().st_size
        except FileNotFoundError:
            return None

    def adopt(self, digest: Digest, source: Path) -> None:
        """Move `source`, flushed to disk and of this digest, to its place.

        A blob that is there already is replaced: open readers keep the old file, and a copy that
        the disk damaged is healed by the next push.
        """
        target = self.path_of(digest)
        self._make_folder(target.parent)
        source.replace(target)
        flush_folder(target.parent)

    def remove(self, digest: Digest) -> None:
        """Remove the blob; without effect where there is none."""
        self.path_of(digest).unlink(missing_ok=True)

    def digests(self) -> Iterator[Digest]:
        """Yield the digest of every blob."""
        for path in self._folder.glob("sha*/??/*"):
            yield Digest(f"{path.parent.parent.name}:{path.name}")

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        folder.mkdir(parents=True, exist_ok=True)
        flush_folder(folder.parent)
        flush_folder(folder.parent.parent)


def flush_folder(folder: Path) -> None:
    """Make renames within `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
