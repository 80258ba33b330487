"""Advisories into the index, from a file, a folder, a ZIP archive or an https address.

One bad record never stops the rest: it is named and counted. What is past a limit of the whole
source ends the import, and the index stays as it was.
"""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import error as zlib_error

import httpx2

from tidegate.advisories.index import AdvisoryIndex, IndexWriter, Outcome
from tidegate.advisories.osv import MAX_RECORD_BYTES, parse_advisory
from tidegate.domain.errors import InvalidAdvisoryError, LimitExceededError, UnavailableError

Progress = Callable[[int, int], None]
"""Called with records read so far and records in all; 0 for "not known"."""


@dataclass(frozen=True, slots=True)
class ImportLimits:
    """Bounds of one import; past one of them nothing is imported."""

    max_record_bytes: int = MAX_RECORD_BYTES
    """One record; a larger one is rejected by name, the others are read."""
    max_entries: int = 1_000_000
    """Records of one source; OSV's largest dump (npm) has about 200,000."""
    max_total_bytes: int = 16 * 2**30
    """All records unpacked."""
    max_ratio: int = 200
    """Unpacked to packed size of one entry above 1 MiB; JSON packs about 10 to 1."""
    max_download_bytes: int = 4 * 2**30
    """What is read from an address."""
    read_timeout_s: float = 60.0
    """Silence of a server that ends a download."""
    max_named_rejections: int = 1000
    """Rejected records kept by name; all are counted."""


@dataclass(slots=True)
class ImportResult:
    """What one import did."""

    imported: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    rejected_count: int = 0
    rejected: list[tuple[str, str]] = field(default_factory=list)
    """Name and reason of rejected records, the first of them where there are many."""

    @property
    def read_count(self) -> int:
        """Records looked at."""
        return self.imported + self.unchanged + self.withdrawn + self.rejected_count


class _RejectedEntryError(Exception):
    """One entry that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    read: Callable[[], bytes]


def import_advisories(
    index: AdvisoryIndex,
    source: str,
    *,
    now: datetime,
    limits: ImportLimits = ImportLimits(),
    progress: Progress | None = None,
    client: httpx2.Client | None = None,
) -> ImportResult:
    """Import OSV records from `source` (FILE, DIR, ZIP or https URL) into `index`.

    Raises:
        InvalidAdvisoryError: nothing there, or nothing that could be a record.
        LimitExceededError: more than `limits` allow; the index is unchanged.
        UnavailableError: the address did not answer.
    """
    if "://" in source:
        with _downloaded(source, limits, client) as path:
            return _import_path(index, path, _shown(source), now, limits, progress)
    return _import_path(index, Path(source), source, now, limits, progress)


def _import_path(
    index: AdvisoryIndex,
    path: Path,
    source: str,
    now: datetime,
    limits: ImportLimits,
    progress: Progress | None,
) -> ImportResult:
    result = ImportResult()
    with _entries(path, source, limits) as entries:
        if not entries:
            raise InvalidAdvisoryError(
                f"{source}: no file named *.json in it; want OSV records, one a file"
            )
        with index.writing(source, now) as writer:
            for position, entry in enumerate(_bounded(entries, limits), start=1):
                _import_entry(writer, entry, result, limits)
                if progress is not None:
                    progress(position, len(entries))
    return result


def _import_entry(
    writer: IndexWriter, entry: tuple[str, bytes | str], result: ImportResult, limits: ImportLimits
) -> None:
    name, body = entry
    if isinstance(body, str):
        _reject(result, name, body, limits)
        return
    try:
        outcome = writer.put(parse_advisory(body), body)
    except InvalidAdvisoryError as error:
        _reject(result, name, str(error), limits)
        return
    match outcome:
        case Outcome.IMPORTED:
            result.imported += 1
        case Outcome.UNCHANGED:
            result.unchanged += 1
        case Outcome.WITHDRAWN:
            result.withdrawn += 1


def _reject(result: ImportResult, name: str, why: str, limits: ImportLimits) -> None:
    result.rejected_count += 1
    if len(result.rejected) < limits.max_named_rejections:
        result.rejected.append((name, why))


def _bounded(entries: list[_Entry], limits: ImportLimits) -> Iterator[tuple[str, bytes | str]]:
    """Yield each entry's name and its bytes, or the reason why they cannot be had."""
    total = 0
    for entry in entries:
        try:
            body = entry.read()
        except _RejectedEntryError as error:
            yield entry.name, str(error)
            continue
        total += len(body)
        if total > limits.max_total_bytes:
            raise LimitExceededError(
                f"records of more than {limits.max_total_bytes} bytes in all; nothing was imported"
            )
        yield entry.name, body


@contextmanager
def _entries(path: Path, source: str, limits: ImportLimits) -> Iterator[list[_Entry]]:
    try:
        if path.is_dir():
            yield _checked([_file_entry(p, path, limits) for p in _json_files(path)], limits)
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield _checked([_zip_entry(archive, i, limits) for i in _members(archive)], limits)
        else:
            yield [_file_entry(path, path.parent, limits)] if path.is_file() else _absent(source)
    except (zipfile.BadZipFile, OSError) as error:
        raise InvalidAdvisoryError(f"{source}: cannot be read: {error}") from error


def _absent(source: str) -> list[_Entry]:
    raise InvalidAdvisoryError(
        f"{source}: no such file or folder; want an OSV record (.json), a folder or ZIP archive "
        "of them, or an https address"
    )


def _checked(entries: list[_Entry], limits: ImportLimits) -> list[_Entry]:
    if len(entries) > limits.max_entries:
        raise LimitExceededError(
            f"{len(entries)} records; want at most {limits.max_entries}; nothing was imported"
        )
    return entries


def _json_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.json") if p.is_file() and not p.is_symlink())


def _file_entry(path: Path, folder: Path, limits: ImportLimits) -> _Entry:
    def read() -> bytes:
        try:
            with path.open("rb") as file:
                return _capped(file.read(limits.max_record_bytes + 1), limits)
        except OSError as error:
            raise _RejectedEntryError(f"cannot be read: {error.strerror}") from error

    return _Entry(str(path.relative_to(folder)), read)


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [i for i in archive.infolist() if not i.is_dir() and i.filename.endswith(".json")]


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: ImportLimits) -> _Entry:
    def read() -> bytes:
        # The directory's sizes are claims: they refuse early, the read itself is capped as well.
        if info.file_size > 2**20 and info.file_size > limits.max_ratio * max(
            info.compress_size, 1
        ):
            raise _RejectedEntryError(
                f"unpacks {info.compress_size} to {info.file_size} bytes; want at most "
                f"{limits.max_ratio} to 1"
            )
        try:
            with archive.open(info) as file:
                return _capped(file.read(limits.max_record_bytes + 1), limits)
        except (
            zipfile.BadZipFile,
            zlib_error,
            EOFError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise _RejectedEntryError(f"cannot be unpacked: {error}") from error

    return _Entry(info.filename, read)


def _capped(body: bytes, limits: ImportLimits) -> bytes:
    if len(body) > limits.max_record_bytes:
        raise _RejectedEntryError(f"larger than {limits.max_record_bytes} bytes")
    return body


@contextmanager
def _downloaded(url: str, limits: ImportLimits, client: httpx2.Client | None) -> Iterator[Path]:
    if not url.startswith("https://"):
        raise InvalidAdvisoryError(f"{_shown(url)}: want an address that starts with https://")
    own = client or httpx2.Client(timeout=limits.read_timeout_s, trust_env=False)
    try:
        with TemporaryDirectory(prefix="tidegate-advisories-") as folder:
            path = Path(folder) / ("advisories.zip" if url.endswith(".zip") else "advisory.json")
            _download(own, url, path, limits)
            yield path
    finally:
        if client is None:
            own.close()


def _download(client: httpx2.Client, url: str, path: Path, limits: ImportLimits) -> None:
    size = 0
    try:
        with client.stream("GET", url, follow_redirects=False) as response, path.open("wb") as file:
            if response.status_code != 200:
                raise UnavailableError(
                    f"reading {_shown(url)}: HTTP {response.status_code}, want 200 (redirects are "
                    "not followed: give the final address)"
                )
            for chunk in response.iter_raw():
                size += len(chunk)
                if size > limits.max_download_bytes:
                    raise LimitExceededError(
                        f"{_shown(url)}: more than {limits.max_download_bytes} bytes; nothing was "
                        "imported"
                    )
                file.write(chunk)
    except httpx2.HTTPError as error:
        raise UnavailableError(f"reading {_shown(url)}: {type(error).__name__}") from error


def _shown(url: str) -> str:
    """Return `url` as messages and the index may keep it: without user, password and query."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
