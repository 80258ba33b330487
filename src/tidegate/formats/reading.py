"""Hostile JSON to typed values: capped, strict, decoded once; and text made fit to keep.

Every format goes through `decode`: size, depth and number of values are bounded before anything is
built, and a repeated key is refused, because two readers could see two reports in it.
"""

import re
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from tidegate.domain.errors import LimitExceededError, MalformedReportError
from tidegate.domain.text import printable
from tidegate.formats.report import Head
from tidegate.wire.json_depth import MAX_JSON_DEPTH
from tidegate.wire.statement_v1 import MAX_FINDINGS
from tidegate.wire.strict_json import NotStrictError, require_strict_json

MAX_REPORT_BYTES = 64 * 2**20
"""Largest report read. Trivy writes some 2 KiB for a finding: 30,000 of them fit."""

MAX_VALUES = 4_000_000
"""Commas and brackets in one report; each value costs some 60 bytes when it is decoded."""

MAX_ID_CHARS = 256
MAX_WORD_CHARS = 512
MAX_TEXT_CHARS = 4_096
MAX_REFERENCES = 20
"""References kept of one finding."""

MAX_HEAD_CHARS = 4_096
"""Longest top-level text that `head_of` shows; a kind or a version has a few."""

T = TypeVar("T")

_ID = re.compile(r"[!-~]{1,256}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_FRACTION = re.compile(r"(\.[0-9]{6})[0-9]+")
_RAW_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def require_readable(body: bytes, what: str) -> None:
    """Return when `body` is strict JSON within the limits; `what` names it in errors.

    Raises:
        LimitExceededError, MalformedReportError: it is not.
    """
    if len(body) > MAX_REPORT_BYTES:
        raise LimitExceededError(f"{what}: {len(body)} bytes, want at most {MAX_REPORT_BYTES}")
    try:
        require_strict_json(body, max_depth=MAX_JSON_DEPTH, max_values=MAX_VALUES)
    except NotStrictError as error:
        raise MalformedReportError(f"{what}: {error}") from error


def decode(body: bytes, decoder: "msgspec.json.Decoder[T]", what: str) -> T:
    """Return `body`, strict JSON, as the decoder's type.

    Raises:
        MalformedReportError: not strict JSON, or a field is missing, of another type or too long.
        LimitExceededError: larger than is read.
    """
    require_readable(body, what)
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedReportError(f"{what}: {error}") from error


def head_of(body: bytes) -> Head:
    """Return the top level of `body`, which `require_readable` accepted; empty for no object."""
    try:
        raw = _RAW_OBJECT.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return {key: _scalar(bytes(value)) for key, value in raw.items()}


def _scalar(text: bytes) -> object:
    if text[:1] in (b"{", b"[") or len(text) > MAX_HEAD_CHARS:
        return None
    return msgspec.json.decode(text)


def unknown_version(what: str, found: object, known: str) -> MalformedReportError:
    """Return the refusal of a version: what came, and which are known."""
    return MalformedReportError(
        f"{what} {printable(str(found))[:80]!r} is not known; known: {known}. Have the report "
        "written in a known version, or update Tidegate"
    )


def require_id(text: str, what: str) -> str:
    """Return a vulnerability id, or refuse it: printable ASCII without spaces, as all of them are.

    Raises:
        MalformedReportError: empty, too long, or with characters that no database uses.
    """
    if _ID.fullmatch(text) is None:
        raise MalformedReportError(
            f"{what}: vulnerability id {printable(text)[:80]!r}; want 1 to {MAX_ID_CHARS} "
            "characters of printable ASCII without spaces"
        )
    return text


def id_or_none(text: str) -> str | None:
    """Return an alias where it can be one; other text cannot name a vulnerability."""
    return text if _ID.fullmatch(text) is not None else None


def require_count(count: int, what: str) -> None:
    """Return when a report has no more findings than a statement can carry.

    Raises:
        LimitExceededError: it has more.
    """
    if count > MAX_FINDINGS:
        raise LimitExceededError(f"{what}: {count} findings, want at most {MAX_FINDINGS}")


def word(text: str) -> str:
    """Return short text without control characters; longer text is cut and marked so."""
    return _cut(printable(text), MAX_WORD_CHARS)


def prose(text: str) -> str:
    """Return longer text without control characters; line breaks become spaces."""
    return _cut(printable(" ".join(text.split())), MAX_TEXT_CHARS)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def exact(text: str, what: str) -> str:
    """Return a version or package name as it is; one that is cut or cleaned would be another.

    Raises:
        MalformedReportError: overlong, or with control characters.
    """
    if len(text) > MAX_WORD_CHARS or printable(text) != text:
        raise MalformedReportError(
            f"{what} is {printable(text)[:80]!r} of {len(text)} characters; want at most "
            f"{MAX_WORD_CHARS}, none of them a control character"
        )
    return text


def links(urls: "list[str] | None") -> tuple[str, ...]:
    """Return the first references, each once; data for people, never followed."""
    kept = (_cut(printable(url), MAX_TEXT_CHARS) for url in (urls or ()) if url)
    return tuple(dict.fromkeys(kept))[:MAX_REFERENCES]


def digest_or_none(text: str) -> str | None:
    """Return the digest that `text` is or ends in (`name@sha256:…`); None where there is none."""
    candidate = text.rpartition("@")[2]
    return candidate if _DIGEST.fullmatch(candidate) is not None else None


def instant(text: str, what: str) -> datetime | None:
    """Return the instant in `text`, UTC; None for no text. Go writes nanoseconds.

    Raises:
        MalformedReportError: no RFC 3339 time with a zone.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", text[:64]))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise MalformedReportError(
        f"{what} is {printable(text)[:80]!r}; want a time with zone like 2026-11-23T09:00:00Z"
    )
