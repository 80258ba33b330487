"""Advisories into the index, from a file, a folder, a ZIP archive or an https address.

One bad record never stops the rest: it is named and counted. What is past a limit of the whole
source ends the import, and the index stays as it was. Only what changed is read and written: a
record whose bytes the index holds is passed over, an older one than held is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx2

from tidegate.advisories.download import downloaded, shown
from tidegate.advisories.ecosystems import ECOSYSTEMS
from tidegate.advisories.index import AdvisoryIndex
from tidegate.advisories.index_writer import IndexWriter, Outcome
from tidegate.advisories.osv import parse_advisory
from tidegate.advisories.records import DEFAULT_LIMITS, ImportLimits, RecordFile, open_records
from tidegate.domain.errors import InvalidAdvisoryError

Progress = Callable[[int, int], None]
"""Called with records read so far and records in all; 0 for "not known"."""


@dataclass(slots=True)
class ImportResult:
    """What one import did."""

    imported: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    removed: int = 0
    """Records that a whole dump does not have any more."""
    rejected_count: int = 0
    rejected: list[tuple[str, str]] = field(default_factory=list)
    """Name and reason of rejected records, the first of them where there are many."""

    @property
    def read_count(self) -> int:
        """Records looked at."""
        return self.imported + self.unchanged + self.withdrawn + self.rejected_count


def import_advisories(  # noqa: PLR0913 - independent choices, all but two by name
    index: AdvisoryIndex,
    source: str,
    *,
    now: datetime,
    whole: str = "",
    limits: ImportLimits = DEFAULT_LIMITS,
    progress: Progress | None = None,
    client: httpx2.Client | None = None,
) -> ImportResult:
    """Import OSV records from `source` (FILE, DIR, ZIP or https URL) into `index`.

    `whole` names the ecosystem of which `source` is a whole dump: its other records are removed.

    Raises:
        InvalidAdvisoryError: nothing there, or nothing that could be a record.
        LimitExceededError: more than `limits` allow; the index is unchanged.
        UnavailableError: the address did not answer.
    """
    if whole and whole not in ECOSYSTEMS:
        raise InvalidAdvisoryError(
            f"ecosystem {whole[:80]!r}; want one of {', '.join(sorted(ECOSYSTEMS))}"
        )
    task = _Import(index, now, whole, limits, progress)
    if "://" not in source:
        return task.run(Path(source), source)
    with downloaded(source, limits, client) as path:
        return task.run(path, shown(source))


@dataclass(frozen=True, slots=True)
class _Import:
    index: AdvisoryIndex
    now: datetime
    whole: str
    limits: ImportLimits
    progress: Progress | None

    def run(self, path: Path, source: str) -> ImportResult:
        result = ImportResult()
        refused: set[str] = set()
        with (
            open_records(path, source, self.limits) as (count, records),
            self.index.writing(source, self.now, self.whole) as writer,
        ):
            for position, record in enumerate(records, start=1):
                if why := _put(writer, record, result):
                    refused.add(record.stem)
                    _reject(result, record.name, why, self.limits)
                if self.progress is not None:
                    self.progress(position, count)
            if self.whole:
                # A record that cannot be read is not gone: the copy that is held stays.
                result.removed = writer.remove_absent(self.whole, spared=refused)
        return result


def _put(writer: IndexWriter, record: RecordFile, result: ImportResult) -> str:
    """Store one record; return why it cannot be, empty for a stored one."""
    if record.refused:
        return record.refused
    if writer.holds(record.body):
        result.unchanged += 1
        return ""
    try:
        outcome = writer.put(parse_advisory(record.body), record.body)
    except InvalidAdvisoryError as error:
        return str(error)
    match outcome:
        case Outcome.IMPORTED:
            result.imported += 1
        case Outcome.UNCHANGED:
            result.unchanged += 1
        case Outcome.WITHDRAWN:
            result.withdrawn += 1
    return ""


def _reject(result: ImportResult, name: str, why: str, limits: ImportLimits) -> None:
    result.rejected_count += 1
    if len(result.rejected) < limits.max_named_rejections:
        result.rejected.append((name, why))
