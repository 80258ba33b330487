"""Admission events as CSV (RFC 4180), a line for each image, for people with spreadsheets."""

import csv
import io
from collections.abc import Iterable

from tidegate.wire.event_v1 import AdmissionEventV1

COLUMNS = (
    "time", "action", "cluster", "namespace", "kind", "name", "topOwner", "user", "image", "digest",
    "platform", "imageAction", "rule", "reason", "violation", "message", "critical", "high",
    "medium", "low", "unknown", "scannedAt", "operation", "origin", "id",
)  # fmt: skip

_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that spreadsheets compute (OWASP, "CSV Injection")."""


def csv_header() -> str:
    """Return the first line."""
    return _lines([COLUMNS])


def csv_lines(event: AdmissionEventV1) -> str:
    """Return the lines of `event`; one also where it names no image."""
    where = (event.cluster, event.namespace, event.kind, event.name)
    common = (event.time, event.action, *where, event.top_owner, event.user)
    last = (event.operation, event.origin, event.id)
    empty = ("",) * (len(COLUMNS) - len(common) - len(last))
    rows = [
        (
            *common,
            *(row.image, row.digest, row.platform, row.action, row.rule, row.reason),
            *(row.violation, row.message),
            *(str(getattr(row.counts, name)) for name in row.counts.__struct_fields__),
            row.scanned_at,
            *last,
        )
        for row in event.images
    ]
    return _lines(rows or [(*common, *empty, *last)])


def harmless(cell: str) -> str:
    """Return `cell` so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(_ACTIVE) else cell


def _lines(rows: Iterable[tuple[str, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([harmless(cell).replace("\0", "\ufffd") for cell in row])
    return text.getvalue()
