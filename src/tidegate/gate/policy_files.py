"""Policy objects from a directory of YAML and JSON files, for a gate without a cluster."""

import asyncio
import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from tidegate.domain.errors import InputError, InvalidPolicyError
from tidegate.gate.policy import PolicyStore
from tidegate.wire.last_good import MAX_COPY_BYTES, parse_copy, render_copy
from tidegate.wire.policy_merge import Candidate, LoadReason, PolicyObject, load_candidate
from tidegate.wire.policy_v1alpha1 import KIND
from tidegate.wire.strict_yaml import load_documents

POLL_S = 0.2
"""How often the directory is looked at: a change is in force well within a second."""

SUFFIXES = (".yaml", ".yml", ".json")
MAX_FILES = 1000
MAX_FILE_BYTES = 2 * 2**20
"""Largest file read: four full policy objects."""

log = structlog.get_logger()

Signature = tuple[tuple[str, int, int, int], ...]
"""Name, mtime in ns, size and inode of each file: one of them changes with every usual edit."""


class DirectoryCopies:
    """Last good copies as files: one object each, replaced as a whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> tuple[PolicyObject, ...]:
        """Return all copies that can be used; the others are named in the log."""
        found = []
        for path in sorted(self._folder.glob("*.zlib")):
            try:
                with path.open("rb") as file:
                    found.append(parse_copy(file.read(MAX_COPY_BYTES + 1)))
            except (InvalidPolicyError, OSError) as error:
                log.warning("last good copy unusable", path=str(path), why=str(error))
        return tuple(found)

    def keep(self, name: str, copy: bytes) -> None:
        """Write the copy of object `name` durably."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path(name)
        written = path.with_suffix(".new")
        with written.open("wb") as file:
            file.write(copy)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)

    def forget(self, name: str) -> None:
        """Remove the copy of object `name`, which was deleted."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()}.zlib"


@dataclass(slots=True)
class _Reading:
    """What one look at the files found."""

    candidates: dict[str, Candidate] = field(default_factory=dict)
    copies: dict[str, bytes] = field(default_factory=dict)
    """Of the candidates that parse."""


class DirectorySource:
    """Feeds a store from the files of one directory; `copies` keeps their last good versions."""

    def __init__(self, store: PolicyStore, folder: Path, copies: DirectoryCopies) -> None:
        self._store = store
        self._folder = folder
        self._copies = copies
        self._kept: dict[str, PolicyObject] = {}
        self._seen: Signature | None = None
        self._settled = False

    async def run(self) -> None:
        """Read the directory and follow it until cancelled."""
        await self.restore()
        while True:
            await self.poll()
            await asyncio.sleep(POLL_S)

    async def restore(self) -> None:
        """Offer the copies that an earlier run kept; comes before the first look."""
        kept = await asyncio.to_thread(self._copies.load)
        self._kept = {copy.name: copy for copy in kept}
        self._store.offer_copies(kept)

    async def poll(self) -> None:
        """Look once: read all files when one changed since the last look, and once after that.

        The second reading catches an edit that came within the file system's clock tick.
        """
        try:
            signature = await asyncio.to_thread(_signature, self._folder)
            if signature == self._seen and self._settled:
                return
            self._settled = signature == self._seen
            reading = await asyncio.to_thread(self._read, signature)
        except OSError as error:
            self._seen = None
            self._store.lose(f"directory {self._folder}: {error.strerror or error}")
            return
        self._seen = signature
        self._store.replace(reading.candidates.values())
        await asyncio.to_thread(self._save, reading.copies)

    def _read(self, signature: Signature) -> _Reading:
        reading = _Reading()
        for name, *_ in signature:
            self._read_file(name, reading)
        return reading

    def _read_file(self, file_name: str, reading: _Reading) -> None:
        try:
            with (self._folder / file_name).open("rb") as file:
                body = file.read(MAX_FILE_BYTES + 1)
            objects = _objects(load_documents(body, file_name, MAX_FILE_BYTES), file_name)
        except FileNotFoundError:
            return  # removed since it was listed; the next look sees that
        except InputError as error:
            for name in self._names_from(file_name) or (file_name,):
                reading.candidates.setdefault(name, Candidate(name, None, str(error)))
            return
        for item in objects:
            if item.get("kind") == KIND:
                self._take(load_candidate(item, file_name), item, reading)

    def _take(self, candidate: Candidate, body: Mapping[str, Any], reading: _Reading) -> None:
        other = reading.candidates.get(candidate.name)
        if other is not None:
            problem = "an object of this name is given twice; the first one by file name counts"
            name = f"{candidate.name} (again)"
            reading.candidates[name] = Candidate(name, None, problem)
            return
        if candidate.parsed is not None:
            reading.copies[candidate.name] = render_copy(body, candidate.parsed.origin)
        reading.candidates[candidate.name] = candidate

    def _names_from(self, file_name: str) -> tuple[str, ...]:
        """Return the objects that `file_name` held when it could last be read."""
        return tuple(name for name, copy in self._kept.items() if copy.origin == file_name)

    def _save(self, copies: Mapping[str, bytes]) -> None:
        states = self._store.merged.states
        in_force = {s.name: s.in_force for s in states if s.reason is LoadReason.LOADED}
        for name, version in in_force.items():
            if version is not None and self._kept.get(name) != version:
                self._copies.keep(name, copies[name])
                self._kept[name] = version
        for name in self._kept.keys() - {state.name for state in states}:
            self._copies.forget(name)
            del self._kept[name]


def _objects(documents: list[Any], file_name: str) -> list[dict[str, Any]]:
    """Return the objects in `documents`; the items of a `…List` stand for themselves."""
    found: list[Any] = []
    for document in documents:
        is_list = isinstance(document, dict) and str(document.get("kind", "")).endswith("List")
        items = document.get("items") if is_list else [document]
        found.extend(items if isinstance(items, list) else [items])
    if any(not isinstance(item, dict) for item in found):
        raise InvalidPolicyError(f"{file_name}: holds something else than Kubernetes objects")
    return found


def _signature(folder: Path) -> Signature:
    facts = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIXES) and not entry.name.startswith("."):
                with suppress(FileNotFoundError):
                    status = entry.stat()  # follows links: mounted ConfigMaps are made of them
                    facts.append((entry.name, status.st_mtime_ns, status.st_size, status.st_ino))
    if len(facts) > MAX_FILES:
        raise OSError(f"{len(facts)} policy files, want at most {MAX_FILES}")
    return tuple(sorted(facts))
