"""Which format a document has, and what it says: a bare report, or one inside an in-toto statement.

A statement's subject joins what the report says about itself: both have to fit the image.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.errors import MalformedReportError, SubjectMismatchError
from tidegate.domain.text import printable
from tidegate.formats.reading import decode, head_of, require_readable, unknown_version
from tidegate.formats.report import ForeignReport, Format

STATEMENT_TYPES = ("https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1")
AUTO = "auto"

MAX_SUBJECTS = 100

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document that was understood."""

    format: str
    report: ForeignReport
    subjects: frozenset[str] | None
    """Digests of the in-toto statement around it; None where there is none."""
    predicate_type: str = ""
    """Of that statement."""


class _Subject(msgspec.Struct):
    digest: dict[str, str] = {}


class _Statement(msgspec.Struct, rename="camel"):
    type_: str = msgspec.field(name="_type")
    predicate_type: str
    predicate: msgspec.Raw
    subject: Annotated[list[_Subject], Meta(min_length=1, max_length=MAX_SUBJECTS)]


_STATEMENT = msgspec.json.Decoder(_Statement)


def read_document(body: bytes, formats: Mapping[str, Format], wanted: str = AUTO) -> ReadDocument:
    """Return what `body` says, read by the format `wanted`, by default the one it has.

    Raises:
        MalformedReportError: of no format known, of another than wanted, or not readable as it.
        LimitExceededError: larger, deeper or longer than is read.
    """
    require_readable(body, "report")
    head = head_of(body)
    if "_type" in head and "predicateType" in head:
        return read_statement(body, formats, wanted)
    name = wanted if wanted != AUTO else _recognised(head, formats)
    chosen = formats.get(name)
    if chosen is None:
        raise _unknown(name, formats)
    return ReadDocument(name, chosen.parse(body), None)


def read_statement(body: bytes, formats: Mapping[str, Format], wanted: str = AUTO) -> ReadDocument:
    """Return what an in-toto statement says; its predicate is the document.

    Raises:
        MalformedReportError: another statement version, a predicate type that no format reads,
            or a predicate that it cannot read.
        LimitExceededError: larger, deeper or longer than is read.
    """
    statement = decode(body, _STATEMENT, "in-toto statement")
    if statement.type_ not in STATEMENT_TYPES:
        raise unknown_version(
            "in-toto statement: _type", statement.type_, " and ".join(STATEMENT_TYPES)
        )
    readers = {kind: f for f in formats.values() for kind in f.predicate_types}
    reader = readers.get(statement.predicate_type)
    if reader is None:
        raise unknown_version(
            "in-toto statement: predicateType", statement.predicate_type, ", ".join(sorted(readers))
        )
    if wanted not in (AUTO, reader.name):
        raise MalformedReportError(
            f"the statement holds {reader.name}, not {wanted}; give --format {reader.name} or auto"
        )
    subjects = _digests(statement.subject)
    report = reader.parse(bytes(statement.predicate))
    return ReadDocument(reader.name, report, subjects, statement.predicate_type)


def require_subject(document: ReadDocument, digest: str) -> None:
    """Return when the statement around the report, if any, is about the manifest `digest`.

    Raises:
        SubjectMismatchError: it is about others.
    """
    if document.subjects is not None and digest not in document.subjects:
        shown = ", ".join(sorted(document.subjects)[:3]) or "nothing with a digest"
        raise SubjectMismatchError(f"the statement is about {shown}; want {digest}")


def _digests(subjects: Iterable[_Subject]) -> frozenset[str]:
    named = (f"{name}:{text}" for subject in subjects for name, text in subject.digest.items())
    return frozenset(digest for digest in named if _DIGEST.fullmatch(digest))


def _recognised(head: Mapping[str, object], formats: Mapping[str, Format]) -> str:
    found = [name for name, each in sorted(formats.items()) if each.recognises(head)]
    if len(found) == 1:
        return found[0]
    if found:
        raise MalformedReportError(
            f"report: could be {' or '.join(found)}; say which with --format"
        )
    keys = ", ".join(printable(key)[:40] for key in list(head)[:6]) or "no JSON object"
    raise MalformedReportError(
        f"report: of no format known ({keys}); known: {', '.join(sorted(formats))}"
    )


def _unknown(name: str, formats: Mapping[str, Format]) -> MalformedReportError:
    return MalformedReportError(
        f"report: no format {printable(name)[:80]!r}; known: {', '.join(sorted(formats))}"
    )
