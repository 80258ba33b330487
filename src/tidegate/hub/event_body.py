"""What is done to an event before it is kept: every string bounded, the whole bounded.

Strings from outside are kept as they are up to their bound and never interpreted; whoever shows
them encodes them for where they are shown.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from tidegate.domain.errors import InputError
from tidegate.hub.clock import parse_instant, render_instant
from tidegate.wire.event_v1 import AdmissionEventV1, render_event

MAX_STRING_CHARS = 4096
MAX_EVENT_BYTES = 512 * 1024
MAX_STRING_CHARS_OF_LARGE = 128
MAX_IMAGES_OF_LARGE = 256
"""Rows kept of an event too large for all of them; a gate judges no more images in a review."""
MAX_ID_CHARS = 128
MAX_SEARCH_CHARS = 8192
MAX_KEY_CHARS = 512
MAX_AHEAD = timedelta(minutes=10)
"""As far as a clock may be ahead of ours; an event from further ahead counts as of now."""


def bounded(event: AdmissionEventV1, cluster: str) -> AdmissionEventV1:
    """Return `event` as it is kept: of `cluster`, whatever its body says, and within bounds.

    What is too large is made smaller, least important things first, rather than refused: an event
    that the hub never takes would stand at the head of an agent's spool for ever.

    Raises:
        InputError: its id is empty or too long.
    """
    if not 0 < len(event.id) <= MAX_ID_CHARS:
        raise InputError(
            f"an event has an id of {len(event.id)} characters; want 1 to {MAX_ID_CHARS}: "
            "the uid of its review"
        )
    if len(render_event(event)) <= MAX_STRING_CHARS:  # so is each of its strings
        return msgspec.structs.replace(event, cluster=cluster)
    kept = _with_strings_cut(event, MAX_STRING_CHARS)
    kept.cluster = cluster
    for count in (50, 10, 3, 0):
        if len(render_event(kept)) > MAX_EVENT_BYTES:
            _keep_findings(kept, count)
    if len(render_event(kept)) > MAX_EVENT_BYTES:
        for row in kept.images:
            row.rule_configuration = None
    if len(render_event(kept)) > MAX_EVENT_BYTES:
        kept = _with_strings_cut(kept, MAX_STRING_CHARS_OF_LARGE)
        kept.images = kept.images[:MAX_IMAGES_OF_LARGE]
    return kept


def instant_of(event: AdmissionEventV1, now: datetime) -> str:
    """Return the instant by which the event is sorted; `now` where its own cannot be right."""
    moment = parse_instant(event.time)
    if moment is None or moment > now + MAX_AHEAD:
        moment = now
    return render_instant(moment)


def search_text(event: AdmissionEventV1) -> str:
    """Return what a search looks at, in lower case."""
    return column_text("\n".join(_searched(event)).lower()[:MAX_SEARCH_CHARS])


def column_text(text: str) -> str:
    """Return `text` as a database column takes it: PostgreSQL has no NUL in text."""
    return text.replace("\0", "\ufffd")


def key_text(text: str) -> str:
    """Return `text` as an indexed column takes it: PostgreSQL refuses entries over 2,704 bytes."""
    return column_text(text)[:MAX_KEY_CHARS]


def _searched(event: AdmissionEventV1) -> Iterator[str]:
    yield from (event.name, event.kind, event.namespace, event.cluster, event.user)
    yield from (event.top_owner, event.id)
    for row in event.images:
        yield from (row.image, row.digest, row.rule, row.reason, row.violation)
        yield from (finding.id for finding in row.findings[:20])


def _with_strings_cut(event: AdmissionEventV1, most: int) -> AdmissionEventV1:
    return msgspec.convert(_cut_strings(msgspec.to_builtins(event), most), AdmissionEventV1)


def _cut_strings(value: Any, most: int) -> Any:  # noqa: ANN401  # decoded JSON
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[:most]}…"
    if isinstance(value, list):
        return [_cut_strings(item, most) for item in value]
    if isinstance(value, dict):
        return {key: _cut_strings(item, most) for key, item in value.items()}
    return value


def _keep_findings(event: AdmissionEventV1, count: int) -> None:
    for row in event.images:
        row.findings_omitted += max(len(row.findings) - count, 0)
        row.findings = row.findings[:count]
        row.exempted_omitted += max(len(row.exempted) - count, 0)
        row.exempted = row.exempted[:count]
        row.not_affected_omitted += max(len(row.not_affected) - count, 0)
        row.not_affected = row.not_affected[:count]
