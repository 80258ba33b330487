"""`tidegate attach`: a report made elsewhere onto its image, signed with the evidence key.

Whoever holds the evidence key decides whose findings count, and signs here. Everyone else signs
with a key of their own (`--source-key`) and hands the report to a worker, which takes it over when
its trust file names that key.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.context import HubOption, World, world_of
from tidegate.cli.evidence_key import KeyOption, load_evidence_key
from tidegate.cli.files import read_bytes
from tidegate.cli.foreign_report import Target, find_target, read_report
from tidegate.cli.hub import ask_hub
from tidegate.cli.output import print_line, print_note
from tidegate.cli.platforms import PlatformOption
from tidegate.cli.registries import ReferenceArgument, TrustOption, ask_registries, load_trust
from tidegate.cli.verdict_words import counts_line
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import (
    InputError,
    MissingSettingError,
    NotInRegistryError,
    SubjectMismatchError,
)
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.tally import count, units_of
from tidegate.evidence.attestations import attestation_tag
from tidegate.formats.documents import AUTO, ReadDocument
from tidegate.formats.reading import MAX_REPORT_BYTES, instant
from tidegate.oci.client import RegistryClient
from tidegate.scan.attach import attach_report
from tidegate.scan.attest import attach_attestation
from tidegate.scan.foreign import state_report
from tidegate.scan.hand_over import hand_over
from tidegate.wire.hub_v1 import ScanRequestV1
from tidegate.wire.oci_v1 import Descriptor, platforms
from tidegate.wire.statement_v1 import ReportOrigin, Statement, render_statement

app = verb.command()

ReportOption = Annotated[
    str,
    typer.Option(
        "--report",
        metavar="FILE",
        help="A scanner's report, a VEX document, or a findings statement as `tidegate scan "
        "-o statement` prints; - is standard input.",
    ),
]
FormatNameOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="NAME",
        help="Its format, as `tidegate plugins` lists them. Default: the one it has.",
    ),
]
ScannedAtOption = Annotated[
    str,
    typer.Option(
        "--scanned-at",
        metavar="TIME",
        help="When the image was scanned, of a report that "
        "does not say it (SARIF): 2026-11-23T09:00:00Z.",
    ),
]
AttestationOption = Annotated[
    bool,
    typer.Option(
        "--attestation", help="Also add it to the image's cosign attestations, for others."
    ),
]
SourceKeyOption = Annotated[
    str,
    typer.Option(
        "--source-key",
        metavar="KEY",
        help="Hand it to a worker instead, signed by this private key, which `sources` of "
        "the worker's trust file names.",
    ),
]


@app.command()
def attach(
    context: typer.Context,
    reference: ReferenceArgument,
    report: ReportOption,
    format_name: FormatNameOption = AUTO,
    scanned_at: ScannedAtOption = "",
    platform: PlatformOption = "",
    attestation: AttestationOption = False,
    key: KeyOption = "",
    source_key: SourceKeyOption = "",
    trust: TrustOption = None,
    hub: HubOption = "",
) -> None:
    """Attach a report made elsewhere to the image that it is about, and sign it."""
    image = parse_reference(reference)
    world = world_of(context)
    body = read_bytes(report, MAX_REPORT_BYTES)
    read = read_report(body, report, format_name)
    if scanned_at:
        read = _at(read, instant(scanned_at, "--scanned-at"))
    if source_key:
        _hand_over(world, image, body, read, platform, source_key, trust, hub)
        return
    signing = load_evidence_key(world, key)

    async def push(client: RegistryClient) -> None:
        made, statement, descriptor = await _statement(client, image, body, read, platform, world)
        attached = await attach_report(client, image, statement, signing, subject=descriptor)
        print_line(f"artifact:    {attached.artifact}")
        print_line(f"signature:   {attached.signature}")
        if attestation:
            await attach_attestation(client, image, statement, signing, subject=descriptor)
            print_line(f"attestation: {attestation_tag(descriptor.digest)}")
        _tell(made)

    ask_registries(load_trust(world, trust), push)


async def find_subject(
    client: RegistryClient, image: ImageReference, subject: Digest
) -> Descriptor:
    """Return the manifest of `image` that `subject` names: itself, or one of its platforms.

    Raises:
        NotInRegistryError: there is no such image.
        SubjectMismatchError: neither the image nor one of its platforms is `subject`.
    """
    fetched = await client.fetch_manifest(image)
    if fetched is None:
        raise NotInRegistryError(f"{image}: there is no such image; check the name and the tag")
    if fetched.digest == subject:
        return Descriptor(fetched.media_type, fetched.digest, len(fetched.body))
    listed = platforms(fetched.manifest) if fetched.manifest.is_index else ()
    for entry in listed:
        if entry.digest == subject:
            return Descriptor(entry.media_type, entry.digest, entry.size)
    raise SubjectMismatchError(
        f"the statement is about {subject}; {image} is {fetched.digest}"
        + (" and lists no such platform" if listed else "")
    )


async def _statement(
    client: RegistryClient,
    image: ImageReference,
    body: bytes,
    read: Statement | ReadDocument,
    platform: str,
    world: World,
) -> tuple[Statement, bytes, Descriptor]:
    """Return what is attached: the statement, its bytes, and the manifest that it is about."""
    if isinstance(read, Statement):
        return read, body, await find_subject(client, image, read.subject)
    target: Target = await find_target(client, image, read, platform)
    origin = ReportOrigin(read.format, digest_of(body), source="")
    made = state_report(read.report, target.facts, origin, world.now())
    return made, render_statement(made), target.descriptor


def _hand_over(
    world: World,
    image: ImageReference,
    body: bytes,
    read: Statement | ReadDocument,
    platform: str,
    source_key: str,
    trust: Path | None,
    hub: str,
) -> None:
    if isinstance(read, Statement):
        raise InputError(
            "this is a findings statement of Tidegate's own; attach it with the evidence key "
            "(--key), a worker takes over other tools' reports"
        )
    signing = load_evidence_key(world, source_key)

    async def push(client: RegistryClient) -> Target:
        target = await find_target(client, image, read, platform)
        digest = await hand_over(client, image, body, read, signing, subject=target.descriptor)
        print_line(f"attestation: {digest}")
        print_line(f"about:       {target.descriptor.digest}")
        return target

    target = ask_registries(load_trust(world, trust), push)
    request = ScanRequestV1(image.registry, image.repository, target.asked)
    try:
        job = ask_hub(world, hub, lambda client: client.request_scan(request))
    except MissingSettingError as error:
        print_note(f"a worker takes it over at its next scan of the image ({error})")
    else:
        print_line(f"job:         {job.id} (a worker takes it over)")


def _at(read: Statement | ReadDocument, moment: datetime | None) -> Statement | ReadDocument:
    """Return a report that does not say when it was made, with the time that the caller gives."""
    if isinstance(read, Statement) or read.report.scanned_at is not None:
        raise InputError("--scanned-at: the report says itself when the image was scanned")
    return replace(read, report=replace(read.report, scanned_at=moment))


def _tell(made: Statement) -> None:
    if made.origin is None:
        return
    print_line(f"scanner:     {made.scanner.name} {made.scanner.version}".rstrip())
    print_line(f"found:       {counts_line(count(units_of(made.findings)))}")
    for gap in made.coverage.gaps:
        print_line(f"incomplete:  {gap}")
