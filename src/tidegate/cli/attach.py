"""`tidegate attach`: a report made elsewhere onto its image, signed with the evidence key."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.context import World, world_of
from tidegate.cli.files import read_bytes
from tidegate.cli.output import print_line
from tidegate.cli.registries import ReferenceArgument, TrustOption, ask_registries, load_trust
from tidegate.domain.digest import Digest
from tidegate.domain.errors import (
    MalformedStatementError,
    NotInRegistryError,
    SubjectMismatchError,
)
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.oci.client import RegistryClient
from tidegate.scan.attach import attach_attestation, attach_report
from tidegate.trust.keys import MAX_PEM_BYTES, PrivateKey, load_private_key
from tidegate.wire.oci_v1 import Descriptor, platforms
from tidegate.wire.statement_v1 import MAX_STATEMENT_BYTES, parse_statement

app = verb.command()

KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        dir_okay=False,
        help="Private evidence key. Default: the installation's.",
    ),
]


@app.command()
def attach(
    context: typer.Context,
    reference: ReferenceArgument,
    report: Annotated[
        str,
        typer.Option(
            "--report",
            metavar="STATEMENT",
            help="A findings statement, as `tidegate scan -o statement` prints; - is standard "
            "input. Other scanners' formats are not read.",
        ),
    ],
    attestation: Annotated[
        bool,
        typer.Option(
            "--attestation", help="Also add it to the image's cosign attestations, for others."
        ),
    ] = False,
    key: KeyOption = None,
    trust: TrustOption = None,
) -> None:
    """Attach a findings statement to the image that it is about, and sign it."""
    image = parse_reference(reference)
    world = world_of(context)
    statement = _read_statement(report)
    subject = parse_statement(statement).subject
    signing = load_evidence_key(world, key)

    async def push(client: RegistryClient) -> None:
        descriptor = await find_subject(client, image, subject)
        attached = await attach_report(client, image, statement, signing, subject=descriptor)
        print_line(f"artifact:    {attached.artifact}")
        print_line(f"signature:   {attached.signature}")
        if attestation:
            digest = await attach_attestation(client, image, statement, signing, subject=descriptor)
            print_line(f"attestation: {digest}")

    ask_registries(load_trust(world, trust), push)


def load_evidence_key(world: World, path: Path | None) -> PrivateKey:
    """Return the private evidence key in `path`, or that of the installation.

    Raises:
        InputError: it cannot be read, or is no such key.
    """
    file = path if path is not None else world.folder().evidence_key
    return load_private_key(read_bytes(str(file), MAX_PEM_BYTES))


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


def _read_statement(path: str) -> bytes:
    body = read_bytes(path, MAX_STATEMENT_BYTES)
    try:
        parse_statement(body)
    except MalformedStatementError as error:
        raise MalformedStatementError(
            f"{path}: {error}; want a findings statement as `tidegate scan -o statement` prints "
            "(reports in other scanners' formats are not read)"
        ) from error
    return body
