"""`tidegate artifact`: the findings artifacts of an image, as they lie in the registry."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.artifact_tree import ReferrerNode, read_tree, tree_data, tree_lines
from tidegate.cli.context import world_of
from tidegate.cli.output import (
    Format,
    OutputOption,
    print_data,
    print_line,
    print_note,
    render_json,
    write_text,
)
from tidegate.cli.platforms import PlatformOption, select_platform
from tidegate.cli.registries import (
    ReferenceArgument,
    TrustOption,
    ask_registries,
    load_trust,
)
from tidegate.domain.digest import Digest, parse_digest
from tidegate.domain.errors import InputError, NotInRegistryError, UnavailableError
from tidegate.domain.evidence import Report, Unavailable
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.evidence.verify_image import ImageChecks, verify_image
from tidegate.oci.client import RegistryClient
from tidegate.wire.statement_v1 import MAX_STATEMENT_BYTES, MEDIA_TYPE, parse_statement

app = verb.group("Findings artifacts in the registry: show, fetch.")


@app.command("show")
def show(
    context: typer.Context,
    reference: ReferenceArgument,
    trust: TrustOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show what refers to an image, and what refers to that: artifacts and their signatures.

    It shows what lies there; `tidegate verify` says what of it counts.
    """
    image = parse_reference(reference)
    trusted = load_trust(world_of(context), trust)

    async def read(client: RegistryClient) -> ReferrerNode:
        return await read_tree(client, image)

    root = ask_registries(trusted, read)
    if output is not Format.TABLE:
        print_data(tree_data(root), output)
        return
    for line in tree_lines(root):
        print_line(line)


@app.command("fetch")
def fetch(
    context: typer.Context,
    reference: ReferenceArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Default: standard output.")
    ] = None,
    platform: PlatformOption = "",
    artifact: Annotated[
        str, typer.Option(metavar="DIGEST", help="This artifact, whether it verifies or not.")
    ] = "",
    trust: TrustOption = None,
) -> None:
    """Print the statement of the newest verified report as JSON."""
    image = parse_reference(reference)
    world = world_of(context)
    trusted = load_trust(world, trust)
    now = world.now()
    wanted = parse_digest(artifact) if artifact else None

    async def read(client: RegistryClient) -> bytes:
        if wanted is not None:
            return await fetch_statement(client, image.at(wanted))
        checks = await verify_image(client, trusted, image, now)
        return await fetch_statement(client, image.at(newest_artifact(image, checks, platform)))

    body = ask_registries(trusted, read)
    text = render_json(json.loads(body))
    if wanted is not None:
        print_note("Warning: printed as it lies there; whether it counts says `tidegate verify`")
    write_text(text, out)


def newest_artifact(image: ImageReference, checks: ImageChecks, platform: str) -> Digest:
    """Return the artifact of the newest report that verifies.

    Raises:
        InputError: no such platform, several of them, or no verified report.
        UnavailableError: that could not be found out.
    """
    chosen = select_platform(checks.platforms, platform)
    evidence = chosen.found.evidence
    if isinstance(evidence, Unavailable):
        raise UnavailableError(f"{image}: {evidence.reason.value} {evidence.detail}".rstrip())
    if not isinstance(evidence, Report):
        raise NotInRegistryError(
            f"{image}: no verified report ({evidence.reason.value}); `tidegate verify {image}` "
            "says why"
        )
    newest = max(chosen.found.verified, key=lambda each: each.report.scanned_at)
    return newest.artifact


async def fetch_statement(client: RegistryClient, reference: ImageReference) -> bytes:
    """Return the statement in the findings artifact `reference`.

    Raises:
        InputError: no such artifact, or one of another kind.
    """
    fetched = await client.fetch_manifest(reference)
    if fetched is None:
        raise NotInRegistryError(f"{reference}: no such artifact")
    layers = [layer for layer in fetched.manifest.layers if layer.media_type == MEDIA_TYPE]
    if len(layers) != 1:
        raise InputError(f"{reference}: {len(layers)} layers of {MEDIA_TYPE}, want exactly one")
    body = await client.fetch_blob(reference, layers[0], max_bytes=MAX_STATEMENT_BYTES)
    parse_statement(body)
    return body
