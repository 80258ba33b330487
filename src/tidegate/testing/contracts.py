"""What every plug-in has to hold to: the checks that Tidegate's own run through, for yours too.

```python
def test_my_format() -> None:
    check_format(MyFormat(), document=SAMPLE.read_bytes(), name="mine")

async def test_my_scanner(tmp_path: Path) -> None:
    await check_scanner(MyScanner(), tmp_path)
```

Each raises `AssertionError` with a sentence about what does not hold.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from pathlib import Path

from tidegate.advisories.demo import demo_set
from tidegate.domain.digest import Digest
from tidegate.domain.errors import (
    ContentMismatchError,
    InputError,
    LimitExceededError,
    ScannerUnavailableError,
)
from tidegate.formats.reading import MAX_REPORT_BYTES, head_of
from tidegate.formats.report import ForeignReport, Format
from tidegate.local.images import DemoImage, build_demo_images
from tidegate.scan.answer import Answered, Scanned, judge_answer
from tidegate.scan.scanner import Scanner
from tidegate.wire.oci_v1 import OCI_MANIFEST, parse_manifest
from tidegate.wire.statement_v1 import Statement, parse_statement, render_statement

_SUBJECT = Digest("sha256:" + "0" * 64)


def check_format(made: Format, document: bytes, name: str) -> ForeignReport:
    """Return what `made` reads in `document`, a good one of its format; check what all formats do.

    Raises:
        AssertionError: it does not keep to the protocol.
    """
    _require(made.name == name, f"name is {made.name!r}, its entry point {name!r}")
    for kinds in (made.media_types, made.predicate_types):
        _require(isinstance(kinds, frozenset), "media_types and predicate_types are frozen sets")
    report = made.parse(document)
    _require(
        report == made.parse(document), "the same bytes give the same report: no state, no clock"
    )
    _require(not made.recognises({}), "an empty object is no document of any format")
    if made.recognises(head_of(document)):
        _require(not made.recognises({"unrelated": "value"}), "it recognises what is not its own")
    else:
        _require(made.predicate_types, "nothing finds a format that recognises nothing")
    _check_refusals(made, document)
    _check_report(report)
    return report


def _check_refusals(made: Format, document: bytes) -> None:
    """Check that strangers' bytes are read or refused by errors of ours, and large ones unread."""
    for hostile in (b"", b"null", b"[]", b"{}", b"\xff", document.rstrip()[:-1], b"[" * 10_000):
        _must_refuse(made, hostile)
    first = json.loads(document)
    key = next(iter(first))
    repeated = document.rstrip()[:-1] + b"," + json.dumps({key: first[key]}).encode()[1:]
    _must_refuse(made, repeated)
    _must_refuse(made, document + b" " * (MAX_REPORT_BYTES + 1 - len(document)))
    for place in first:
        odd_values: tuple[object, ...] = (None, [], {}, "", -1, True)
        for odd in odd_values:
            with suppress(InputError, LimitExceededError):
                made.parse(json.dumps(first | {place: odd}).encode())


def _must_refuse(made: Format, body: bytes) -> None:
    try:
        made.parse(body)
    except (InputError, LimitExceededError):
        return
    raise AssertionError(f"{made.name}: read {len(body)} bytes that are none of its documents")


def _check_report(report: ForeignReport) -> None:
    """Check that the report can be stated, and says why what clears a finding does so."""
    for moment in (report.scanned_at, report.started_at):
        _require(moment is None or moment.tzinfo is UTC, "times are in UTC")
    _require(
        not any(f.not_affected for f in report.findings), "a report clears no finding by itself"
    )
    for claim in report.claims:
        _require(claim.ids, "a claim names a vulnerability")
        _require(claim.justification or not claim.status.clears, "a claim that clears says why")
    if report.scanner is None:
        return
    if not report.packages:
        _require(not report.coverage.complete, "a report that names no package covered none")
    moment = report.scanned_at
    if moment is None:
        return
    stated = Statement(
        subject=_SUBJECT,
        findings=report.findings,
        coverage=report.coverage,
        scanner=report.scanner,
        started_at=moment,
        finished_at=moment,
    )
    read = parse_statement(render_statement(stated))
    _require(read == stated, "what it found cannot be stated whole")


async def check_scanner(
    scanner: Scanner, folder: Path, *, tag: str = "high", deadline_s: float = 120.0
) -> Answered:
    """Return what `scanner` makes of a demo image; check what all scanners do.

    Raises:
        AssertionError: it does not keep to the protocol.
        ScannerUnavailableError: its program or database is missing.
    """
    image = next(each for each in build_demo_images() if each.tag == tag)
    other = next(each for each in build_demo_images() if each.tag == "clean")
    layout, workdir = folder / "layout", folder / "work"
    write_layout(image, layout)
    before = _tree(layout)
    output = await scanner.scan(layout, workdir, deadline_s)
    _require(_tree(layout) == before, "the layout is not the scanner's to change")
    _require(_names(folder) <= {"layout", "work"}, "it wrote elsewhere")
    judged = judge_answer(output, _scanned(image), demo_set())
    _require(judged.packages, "no package was found in an image with some")
    _require(judged.findings, "nothing was found in an image with known vulnerabilities")
    _require(judged.scanner.name, "a report has its scanner's name")
    try:
        judge_answer(output, _scanned(other), demo_set())
    except ContentMismatchError:
        return judged
    raise AssertionError("its answer was taken for another image's")


async def check_unavailable(make: Callable[[], Scanner], folder: Path, said: str) -> None:
    """Check that a scanner without its program or database says so, in `said`'s words.

    Raises:
        AssertionError: it does not.
    """
    write_layout(build_demo_images()[0], folder / "layout")
    try:
        await make().scan(folder / "layout", folder / "work", 30.0)
    except ScannerUnavailableError as error:
        told = str(error)
    else:
        raise AssertionError("it gave an answer without what it needs")
    _require(said in told, f"{told}; want it to say {said!r}")


def write_layout(image: DemoImage, folder: Path) -> None:
    """Write an image of one platform as an OCI layout."""
    body, media_type = image.manifests[-1]
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for digest, content in {**image.blobs, image.digest: body}.items():
        (blobs / digest.removeprefix("sha256:")).write_bytes(content)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    entry = {"mediaType": media_type, "digest": image.digest, "size": len(body)}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def _scanned(image: DemoImage) -> Scanned:
    manifest = parse_manifest(image.manifests[-1][0], OCI_MANIFEST)
    if manifest.config is None:
        raise ValueError(f"demo image {image.tag} has no config")
    return Scanned(
        image.digest, manifest.config.digest, tuple(layer.digest for layer in manifest.layers)
    )


def _require(holds: object, sentence: str) -> None:
    if not holds:
        raise AssertionError(sentence)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
