"""The feed on the gate's disk: what is verified again at the next start, before it is ready.

```
feed/cursor                      where to go on at the agent
feed/<fingerprint>/header        envelope of the held snapshot
feed/<fingerprint>/body-<sha256> its body; `.part` while it is fetched
feed/<fingerprint>/batches       a JSON string for each batch since: its envelope
```

Nothing here is believed: a line that a crash cut off does not verify. A file of batches is only
appended to, or replaced as a whole. Blocking, so the follower calls it in a thread; one at a time.
"""

import os
import shutil
from collections.abc import Container, Iterator
from pathlib import Path

import msgspec

Place = tuple[str, int]
"""Chain and epoch of a batch."""


class FeedFolder:
    """Headers, bodies and batches of each key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._places: dict[str, list[Place | None]] = {}
        """Of the lines of each file of batches; None: one that is of no use."""

    def fingerprints(self) -> tuple[str, ...]:
        """Return the keys that something is kept of."""
        return tuple(sorted(each.name for each in self.folder.iterdir() if each.is_dir()))

    def header(self, fingerprint: str) -> bytes | None:
        """Return the envelope of the kept snapshot; None: there is none."""
        try:
            return (self._of(fingerprint) / "header").read_bytes()
        except FileNotFoundError:
            return None

    def body(self, fingerprint: str, sha256: str) -> Path:
        """Return where the body with that digest is, or is to be."""
        return self._of(fingerprint) / f"body-{sha256}"

    def part(self, fingerprint: str, sha256: str) -> Path:
        """Return where the body is fetched to; parts of others are deleted."""
        wanted = self.body(fingerprint, sha256).with_suffix(".part")
        wanted.parent.mkdir(exist_ok=True, mode=0o700)
        for other in wanted.parent.glob("body-*.part"):
            if other != wanted:
                other.unlink()
        return wanted

    def batches(self, fingerprint: str) -> Iterator[bytes]:
        """Yield the envelopes in their order; what is no line of ours comes as it is."""
        try:
            file = (self._of(fingerprint) / "batches").open("rb")
        except FileNotFoundError:
            return
        with file:
            for line in file:
                try:
                    yield _LINE.decode(line).encode()
                except (msgspec.MsgspecError, UnicodeError):
                    yield line

    def loaded(self, fingerprint: str, places: list[Place | None]) -> None:
        """Take note of what the lines of a key's file are, as reading them showed."""
        self._places[fingerprint] = places

    def append(self, fingerprint: str, place: Place, envelope: bytes) -> None:
        """Keep the envelope of a batch.

        Raises:
            OSError: the disk.
        """
        folder = self._of(fingerprint)
        folder.mkdir(exist_ok=True, mode=0o700)
        # It begins with a line end, because the crash before it may have left half a line.
        body = b"\n" + msgspec.json.encode(envelope.decode()) + b"\n"
        descriptor = os.open(folder / "batches", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            begin = file.seek(0, os.SEEK_END)
            if file.write(body) != len(body):
                file.truncate(begin)
                raise OSError(f"{folder / 'batches'}: no room for a batch of {len(body)} bytes")
        self._places.setdefault(fingerprint, []).extend((None, place))

    def adopt(self, fingerprint: str, sha256: str, envelope: bytes, kept: Container[Place]) -> None:
        """Take the body that is in its place by now for the snapshot; keep the batches `kept`.

        Raises:
            OSError: the disk; the snapshot before is in force at the next start.
        """
        folder = self._of(fingerprint)
        _replace(folder / "header", envelope)
        for other in folder.glob("body-*"):
            if other != self.body(fingerprint, sha256):
                other.unlink()
        self._drop_batches(fingerprint, kept)

    def forget(self, fingerprint: str) -> None:
        """Keep nothing of a key."""
        self._places.pop(fingerprint, None)
        shutil.rmtree(self._of(fingerprint), ignore_errors=True)

    @property
    def cursor(self) -> str:
        """Where to go on at the agent; empty: from the begin."""
        try:
            return (self.folder / "cursor").read_text("utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    @cursor.setter
    def cursor(self, cursor: str) -> None:
        _replace(self.folder / "cursor", cursor.encode())

    def _of(self, fingerprint: str) -> Path:
        return self.folder / fingerprint

    def _drop_batches(self, fingerprint: str, kept: Container[Place]) -> None:
        path = self._of(fingerprint) / "batches"
        places = self._places.pop(fingerprint, [])
        partial = path.with_name(".batches.partial")
        remaining: list[Place | None] = []
        with partial.open("wb") as target:
            if any(place in kept for place in places if place is not None):
                with path.open("rb") as source:
                    for place, line in zip(places, source, strict=False):
                        if place is not None and place in kept:
                            target.write(line)
                            remaining.append(place)
        partial.chmod(0o600)
        partial.replace(path)
        self._places[fingerprint] = remaining


def _replace(path: Path, body: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(body)
    partial.chmod(0o600)
    partial.replace(path)


_LINE = msgspec.json.Decoder(str)
