"""`tidegate verify`: what is attached to an image, and why each file counts or does not."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from tidegate.cli import verb
from tidegate.cli.context import world_of
from tidegate.cli.exit_codes import ExitCode
from tidegate.cli.moments import render_moment
from tidegate.cli.output import Format, OutputOption, print_data, print_line
from tidegate.cli.registries import (
    ReferenceArgument,
    TrustOption,
    ask_registries,
    load_trust,
)
from tidegate.cli.verdict_words import counts_data, counts_line, coverage_data
from tidegate.domain.evidence import Report, Unavailable
from tidegate.domain.reference import parse_reference
from tidegate.evidence.verify import VerifiedReport
from tidegate.evidence.verify_image import ImageChecks, PlatformChecks, verify_image

app = verb.command()


@app.command()
def verify(
    context: typer.Context,
    reference: ReferenceArgument,
    trust: TrustOption = None,
    refused: Annotated[
        bool, typer.Option("--refused/--no-refused", help="Name each file that does not count.")
    ] = True,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show each platform's verified reports, and every attached file that was refused.

    Exit code 0: each platform has a verified report; 1: one has none; 3: could not find out.
    """
    world = world_of(context)
    image = parse_reference(reference)
    trusted = load_trust(world, trust)
    now = world.now()
    checks = ask_registries(trusted, lambda client: verify_image(client, trusted, image, now))
    if output is Format.TABLE:
        for line in _lines(str(image), checks, refused=refused):
            print_line(line)
    else:
        print_data(_data(str(image), checks), output)
    code = exit_code(checks)
    if code is not ExitCode.ALLOWED:
        raise typer.Exit(code)


def exit_code(checks: ImageChecks) -> ExitCode:
    """Return whether every platform has a verified report; what is certain outweighs the rest."""
    found = [each.found.evidence for each in checks.platforms]
    if not found or any(not isinstance(e, Report | Unavailable) for e in found):
        return ExitCode.DENIED
    if any(isinstance(evidence, Unavailable) for evidence in found):
        return ExitCode.COULD_NOT_FIND_OUT
    return ExitCode.ALLOWED


def _lines(image: str, checks: ImageChecks, *, refused: bool) -> Iterator[str]:
    yield f"{image}"
    yield f"  digest: {checks.digest}"
    if not checks.platforms:
        yield "  lists no platform that could run"
    for each in checks.platforms:
        yield from _platform_lines(each, refused=refused)


def _platform_lines(checks: PlatformChecks, *, refused: bool) -> Iterator[str]:
    yield ""
    yield f"{checks.platform or 'image'} {checks.digest}"
    evidence = checks.found.evidence
    counting = _counting(evidence)
    for report in _newest_first(checks.found.verified):
        yield from _report_lines(report, counts=report.artifact in counting)
    if not isinstance(evidence, Report):
        detail = f" ({evidence.detail})" if evidence.detail else ""
        yield f"  no verified report: {evidence.reason.value}{detail}"
    if refused:
        yield from (f"  refused: {each}" for each in checks.found.refused)


def _report_lines(verified: VerifiedReport, *, counts: bool) -> Iterator[str]:
    report = verified.report
    yield f"  report {verified.artifact}{'' if counts else ' (superseded by a newer one)'}"
    yield f"    signed by:  {', '.join(key.name for key in verified.signers)}"
    yield f"    scanner:    {verified.scanner}"
    yield f"    scanned at: {render_moment(report.scanned_at)}"
    yield f"    counts:     {counts_line(report.counts)}"
    for entry in report.coverage.ecosystems:
        source = entry.source or "no advisory source"
        dated = f" of {render_moment(entry.source_updated_at)}" if entry.source_updated_at else ""
        yield f"    covered:    {entry.ecosystem}, packages: {entry.package_count}, {source}{dated}"
    for gap in report.coverage.gaps:
        yield f"    incomplete: {gap}"


def _newest_first(verified: Sequence[VerifiedReport]) -> list[VerifiedReport]:
    return sorted(verified, key=lambda each: each.report.scanned_at, reverse=True)


def _counting(evidence: object) -> frozenset[str]:
    """Return the artifacts that the evidence is made of."""
    if not isinstance(evidence, Report):
        return frozenset()
    return frozenset(str(source.artifact) for source in evidence.sources)


def _data(image: str, checks: ImageChecks) -> dict[str, Any]:
    return {
        "image": image,
        "digest": checks.digest,
        "platforms": [_platform_data(each) for each in checks.platforms],
    }


def _platform_data(checks: PlatformChecks) -> dict[str, Any]:
    evidence = checks.found.evidence
    counting = _counting(evidence)
    return {
        "platform": checks.platform,
        "digest": checks.digest,
        "verified": isinstance(evidence, Report),
        "reason": "" if isinstance(evidence, Report) else evidence.reason.value,
        "reports": [
            _report_data(r, counts=r.artifact in counting)
            for r in _newest_first(checks.found.verified)
        ],
        "refused": [
            {"artifact": each.artifact, "reason": each.reason} for each in checks.found.refused
        ],
    }


def _report_data(verified: VerifiedReport, *, counts: bool) -> dict[str, Any]:
    report = verified.report
    return {
        "artifact": verified.artifact,
        "counts": counts_data(report.counts),
        "inForce": counts,
        "signers": [key.name for key in verified.signers],
        "scanner": verified.scanner,
        "scannedAt": render_moment(report.scanned_at),
        "complete": report.coverage.complete,
        "gaps": list(report.coverage.gaps),
        "coverage": coverage_data(report.coverage),
    }
