"""Reads a report file for `tidegate attach`, and finds the manifest that it is about."""

from dataclasses import dataclass

from tidegate.cli.platforms import select_platform
from tidegate.domain.digest import Digest
from tidegate.domain.errors import (
    InputError,
    InvalidManifestError,
    MalformedReportError,
    MalformedStatementError,
    NotInRegistryError,
    SubjectMismatchError,
)
from tidegate.domain.reference import ImageReference
from tidegate.formats.documents import AUTO, ReadDocument, read_document, require_subject
from tidegate.formats.report import require_about
from tidegate.oci.client import RegistryClient
from tidegate.plugins import BUILT_IN_FORMATS, load_formats
from tidegate.scan.foreign import ImageFacts
from tidegate.scan.pipeline import list_platforms
from tidegate.wire.oci_v1 import Descriptor
from tidegate.wire.statement_v1 import MAX_STATEMENT_BYTES, Statement, parse_statement

STATEMENT = "statement"
"""Our own findings statement, which needs no format."""


@dataclass(frozen=True, slots=True)
class Target:
    """The manifest that a report is about."""

    descriptor: Descriptor
    facts: ImageFacts
    platform: str
    asked: Digest
    """What the reference names: the manifest, or the index that lists it."""


def read_report(body: bytes, path: str, wanted: str) -> Statement | ReadDocument:
    """Return what a report file says: our own statement, or another tool's document.

    Raises:
        InputError: of no format known, or not readable as the one wanted; names the file.
    """
    problem = ""
    if wanted == STATEMENT or (wanted == AUTO and len(body) <= MAX_STATEMENT_BYTES):
        try:
            return parse_statement(body)
        except MalformedStatementError as error:
            problem = str(error)
    if wanted == STATEMENT:
        raise MalformedStatementError(
            f"{path}: {problem}; want a findings statement as `tidegate scan -o statement` prints"
        )
    names = BUILT_IN_FORMATS if wanted in (AUTO, *BUILT_IN_FORMATS) else (wanted,)
    try:
        return read_document(body, load_formats(names), wanted)
    except MalformedReportError as error:
        raise MalformedReportError(f"{path}: {error}") from error


async def find_target(
    client: RegistryClient, image: ImageReference, document: ReadDocument, platform: str
) -> Target:
    """Return the manifest of `image` that the document is about.

    Where the document does not say, the image has one platform or `platform` names it.

    Raises:
        NotInRegistryError: there is no such image.
        SubjectMismatchError: it is about none of the image's platforms.
        InputError: it does not say which of several it is about.
    """
    fetched = await client.fetch_manifest(image)
    if fetched is None:
        raise NotInRegistryError(f"{image}: there is no such image; check the name and the tag")
    found = [
        await _target(client, each.reference, each.name, fetched.digest)
        for each in await list_platforms(client, image.at(fetched.digest))
    ]
    named = [select_platform(found, platform)] if platform else found
    fitting, mismatch = [], None
    for target in named:
        try:
            require_subject(document, target.descriptor.digest)
            require_about(document.report.subject, target.descriptor.digest, target.facts.config)
        except SubjectMismatchError as error:
            mismatch = error
        else:
            fitting.append(target)
    if not fitting and mismatch is not None:
        raise SubjectMismatchError(f"{image}: {mismatch}") from mismatch
    return _only(fitting)


def _only(fitting: list[Target]) -> Target:
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(target.platform or "(unnamed)" for target in fitting)
    raise InputError(
        "the report does not say which platform it is about; choose with --platform one of: "
        f"{known or 'none'}"
    )


async def _target(
    client: RegistryClient, reference: ImageReference, platform: str, asked: Digest
) -> Target:
    fetched = await client.fetch_manifest(reference)
    if fetched is None:
        raise NotInRegistryError(f"{reference}: no such manifest in the registry")
    config = fetched.manifest.config
    if config is None:
        raise InvalidManifestError(f"{reference} has no config, so it is no image")
    return Target(
        descriptor=Descriptor(fetched.media_type, fetched.digest, len(fetched.body)),
        facts=ImageFacts(reference, fetched.digest, config.digest),
        platform=platform,
        asked=asked,
    )
