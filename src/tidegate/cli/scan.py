"""`tidegate scan`: scan an image here, and attach the findings where asked."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tidegate.advisories.demo import with_demo_set
from tidegate.advisories.index import INDEX_FILE, AdvisoryIndex
from tidegate.cli import verb
from tidegate.cli.context import World, world_of
from tidegate.cli.evidence_key import KeyOption, load_evidence_key
from tidegate.cli.moments import render_moment
from tidegate.cli.output import (
    Format,
    print_items,
    print_line,
    print_note,
    print_table,
    render_json,
    write_text,
)
from tidegate.cli.platforms import PlatformOption, select_platform
from tidegate.cli.progress import progress_lines
from tidegate.cli.registries import ReferenceArgument, TrustOption, ask_registries, load_trust
from tidegate.cli.verdict_words import counts_data, counts_line, coverage_data
from tidegate.domain.errors import InputError, ScannerUnavailableError, TidegateError
from tidegate.domain.explain import describe_mark
from tidegate.domain.finding import Finding
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.tally import count, units_of
from tidegate.oci.client import RegistryClient
from tidegate.plugins import load_formats
from tidegate.scan.attach import Attached, attach_report
from tidegate.scan.foreign import Borrowing, ImageFacts, clear, take_over
from tidegate.scan.pipeline import (
    Platform,
    PlatformScan,
    ScanSetup,
    list_platforms,
    scan_platform,
)
from tidegate.scan.reports import FailedPlatform, describe_failures
from tidegate.scan.scanner import load_scanner
from tidegate.trust.keys import SigningKey
from tidegate.wire.statement_v1 import render_statement

SCANNER = "builtin"
"""The entry point used here; a worker's setting chooses another."""

app = verb.command()


class ScanFormat(StrEnum):
    """What `-o` takes here."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    STATEMENT = "statement"


@app.command()
def scan(
    context: typer.Context,
    reference: ReferenceArgument,
    attach: Annotated[
        bool, typer.Option("--attach", help="Sign the findings and attach them to the image.")
    ] = False,
    platform: PlatformOption = "",
    scanner: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="What looks: builtin, trivy, grype, syft, or another plug-in."
        ),
    ] = SCANNER,
    scanner_db: Annotated[
        Path | None,
        typer.Option(
            "--scanner-db",
            metavar="DIR",
            file_okay=False,
            help="Database of the scanners trivy and grype, as their own tool keeps it.",
        ),
    ] = None,
    key: KeyOption = "",
    trust: TrustOption = None,
    output: Annotated[
        ScanFormat,
        typer.Option("--output", "-o", help="statement: as it is attached, for `tidegate attach`."),
    ] = ScanFormat.TABLE,
) -> None:
    """List an image's packages and what is known to be wrong with them, platform by platform."""
    image = parse_reference(reference)
    world = world_of(context)
    trusted = load_trust(world, trust)
    signing = load_evidence_key(world, key) if attach else None
    borrowing = Borrowing(trusted.sources, load_formats())
    with _setup(world, scanner, scanner_db) as (setup, say):

        async def work(client: RegistryClient) -> _Worked:
            fetched = await client.fetch_manifest(image)
            # What a tag means is settled once, for all that is asked of it.
            pinned = image if fetched is None else image.at(fetched.digest)
            found, failed = await _scan(client, pinned, platform, setup, say)
            scans = [await _cleared(client, pinned, each, borrowing, setup, say) for each in found]
            attached = await _attach(client, image, scans, signing, say) if signing else []
            return _Worked(scans, attached, failed)

        worked = ask_registries(trusted, work)
    _print(worked.scans, output)
    for each in worked.attached:
        print_note(f"attached {each.artifact}, signature {each.signature}")
    if worked.failed:
        why = describe_failures(worked.failed, [scan.platform for scan in worked.scans])
        raise ScannerUnavailableError(f"not every platform could be scanned: {why}")


@dataclass(frozen=True, slots=True)
class _Worked:
    """What became of an image's platforms."""

    scans: list[PlatformScan]
    attached: list[Attached]
    failed: list[FailedPlatform]


async def _scan(
    client: RegistryClient,
    image: ImageReference,
    platform: str,
    setup: ScanSetup,
    say: Callable[[str], None],
) -> tuple[list[PlatformScan], list[FailedPlatform]]:
    """Scan what is wanted; a platform that fails does not keep others from being looked at."""
    found = await list_platforms(client, image)
    wanted = [_select(found, platform)] if platform else found
    scans, failed = list[PlatformScan](), list[FailedPlatform]()
    for each in wanted:
        say(f"scanning {each.name or image}")
        try:
            scans.append(await scan_platform(client, each, setup))
        except TidegateError as error:
            if len(wanted) == 1:
                raise
            failed.append(FailedPlatform(each.name, error))
    return scans, failed


async def _cleared(
    client: RegistryClient,
    image: ImageReference,
    scan: PlatformScan,
    borrowing: Borrowing,
    setup: ScanSetup,
    say: Callable[[str], None],
) -> PlatformScan:
    """Return `scan` with what VEX statements of trusted sources clear marked so."""
    index = image.digest if image.digest != scan.subject.digest else None
    facts = ImageFacts(image, scan.subject.digest, scan.config, index)
    foreign = await take_over(client, facts, borrowing, setup.now())
    for refusal in foreign.refused:
        say(f"not taken over: {refusal}")
    return clear(scan, foreign)


async def _attach(
    client: RegistryClient,
    image: ImageReference,
    scans: Sequence[PlatformScan],
    key: SigningKey,
    say: Callable[[str], None],
) -> list[Attached]:
    attached = []
    for each in scans:
        say(f"attaching to {each.subject.digest}")
        body = render_statement(each.statement)
        attached.append(await attach_report(client, image, body, key, subject=each.subject))
    return attached


def _select(found: Sequence[Platform], wanted: str) -> Platform:
    for each in found:
        if each.name == wanted:
            return each
    known = ", ".join(each.name or "(unnamed)" for each in found)
    raise InputError(f"--platform is {wanted[:80]!r}; the image has: {known}")


@contextmanager
def _setup(
    world: World, scanner: str, scanner_db: Path | None
) -> Iterator[tuple[ScanSetup, Callable[[str], None]]]:
    """Give the scanner, the installation's advisories, and a folder to work in."""
    with (
        AdvisoryIndex.open(_index_file(world)) as index,
        tempfile.TemporaryDirectory(prefix="tidegate-scan-") as workdir,
        progress_lines() as say,
    ):
        setup = ScanSetup(
            scanner=load_scanner(scanner, _database(world, scanner_db)),
            advisories=with_demo_set(index),
            now=world.now,
            workdir=Path(workdir),
            progress=say,
        )
        yield setup, say


def _database(world: World, given: Path | None) -> Path:
    """Return the folder with a scanner's own database."""
    if given is not None:
        return given.absolute()
    root = world.folder().root if world.has_folder() else Path()
    return (root / "scan" / "scanner-db").absolute()


def _index_file(world: World) -> Path | None:
    """Return the installation's advisory index; None where there is none yet."""
    if not world.has_folder():
        return None
    file = world.folder().root / "scan" / INDEX_FILE
    return file if file.exists() else None


def _print(scans: Sequence[PlatformScan], output: ScanFormat) -> None:
    match output:
        case ScanFormat.TABLE:
            for each in scans:
                _print_scan(each)
        case ScanFormat.STATEMENT:
            if len(scans) != 1:
                select_platform(scans, "")
            body = render_statement(scans[0].statement)
            write_text(render_json(json.loads(body), indent=None), None)
        case ScanFormat.JSON | ScanFormat.YAML:
            print_items([_data(each) for each in scans], Format(output.value))


def _print_scan(scan: PlatformScan) -> None:
    statement = scan.statement
    print_line(f"{scan.platform or 'image'} {scan.subject.digest}")
    counted = [finding for finding in statement.findings if not finding.not_affected]
    rows = [_row(finding) for finding in _worst_first(counted)]
    if rows:
        print_table(("VULNERABILITY", "SEVERITY", "PACKAGE", "VERSION", "FIXED IN"), rows)
    print_line(f"vulnerabilities: {counts_line(count(units_of(statement.findings)))}")
    for cleared in statement.findings:
        for mark in cleared.not_affected:
            print_line(f"not affected: {', '.join(cleared.canonical_ids)}, {describe_mark(mark)}")
    for entry in statement.coverage.ecosystems:
        source = entry.source or "no advisory source"
        print_line(f"covered: {entry.ecosystem}, packages: {entry.package_count}, {source}")
    for gap in statement.coverage.gaps:
        print_line(f"incomplete: {gap}")
    for refused in scan.refused:
        print_note(f"Warning: the scanner was not fully confined: {refused}")


def _worst_first(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (-f.severity, f.canonical_ids, f.package))


def _row(finding: Finding) -> tuple[str, ...]:
    return (
        ", ".join(finding.canonical_ids),
        finding.severity.word,
        finding.package_name,
        finding.version,
        finding.fixed_version or "no fix",
    )


def _data(scan: PlatformScan) -> dict[str, Any]:
    statement = scan.statement
    return {
        "platform": scan.platform,
        "digest": scan.subject.digest,
        "scannedAt": render_moment(statement.finished_at),
        "counts": counts_data(count(units_of(statement.findings))),
        "complete": statement.coverage.complete,
        "gaps": list(statement.coverage.gaps),
        "coverage": coverage_data(statement.coverage),
        "findings": [_finding_data(finding) for finding in _worst_first(statement.findings)],
    }


def _finding_data(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.vulnerability_id,
        "vulnerabilities": list(finding.canonical_ids),
        "aliases": sorted(finding.aliases),
        "severity": finding.severity.word,
        "package": finding.package,
        "name": finding.package_name,
        "version": finding.version,
        "fixedVersion": finding.fixed_version,
        "paths": [location.path for location in finding.locations],
        "notAffected": list(map(describe_mark, finding.not_affected)),
    }
