"""Whatever stands in a report: it is read as what it says, or refused by one of our errors."""

import json
import resource
from collections.abc import Callable
from contextlib import suppress

import pytest

from support.report_documents import (
    IMAGE_DIGEST,
    MADE,
    Json,
    body,
    cosign_vuln,
    cyclonedx,
    grype,
    grype_match,
    in_toto_vulns,
    openvex,
    openvex_statement,
    sarif,
    statement,
    trivy,
    trivy_finding,
)
from tidegate.domain.errors import InputError, LimitExceededError, MalformedReportError
from tidegate.formats import reading
from tidegate.formats.documents import read_document
from tidegate.plugins import load_formats

FORMATS = load_formats()


def parse(name: str, document: bytes) -> Json:
    return FORMATS[name].parse(document)


@pytest.mark.parametrize("name", MADE)
def test_t03_a_report_beyond_the_size_is_refused_unread(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_REPORT_BYTES", 1000)
    with pytest.raises(LimitExceededError, match="1001 bytes, want at most 1000"):
        parse(name, b"{" + b" " * 1000)


@pytest.mark.parametrize("name", MADE)
def test_t03_deep_nesting_is_refused_before_it_is_decoded(name: str) -> None:
    bomb = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(MalformedReportError, match="nested more than 64 deep"):
        parse(name, bomb)


@pytest.mark.parametrize("name", MADE)
def test_t03_very_many_values_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_VALUES", 5000)
    with pytest.raises(MalformedReportError, match="more than 5000 values"):
        parse(name, b'{"a":[' + b"0," * 6000 + b"0]}")


def many(count: int) -> dict[str, Json]:
    """Return documents with more findings than a statement holds, by format."""
    return {
        "trivy": trivy(
            Results=[{"Class": "lang-pkgs", "Vulnerabilities": [trivy_finding()] * count}]
        ),
        "grype": grype(matches=[grype_match()] * count),
        "openvex": openvex(statements=[openvex_statement()] * count),
        "in-toto-vulns": in_toto_vulns(
            scanner={"uri": "x/trivy", "result": [{"id": "CVE-2022-1"}] * count}
        ),
    }


@pytest.mark.parametrize("name", many(0))
def test_t03_more_findings_than_a_statement_holds_are_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_FINDINGS", 20)
    with pytest.raises(LimitExceededError, match="21 findings, want at most 20"):
        parse(name, body(many(21)[name]))


def test_t03_a_bomb_of_small_values_stays_within_memory() -> None:
    # 16 MiB of the densest JSON that is still read: its parts are dropped as they are checked.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(InputError):
        parse("trivy", b'{"SchemaVersion":2,"Results":[' + b"{}," * 1_300_000 + b"{}]}")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 768 * 1024, f"{grown} KiB"


@pytest.mark.parametrize("name", MADE)
def test_t17_a_repeated_key_in_a_report_is_refused(name: str) -> None:
    text = body(MADE[name]())
    first = json.loads(text)
    key = next(iter(first))
    twice = text[:-1] + b"," + body({key: first[key]})[1:]
    with pytest.raises(MalformedReportError, match="stands twice in one object"):
        parse(name, twice)


@pytest.mark.parametrize("name", MADE)
def test_t17_a_number_that_is_none_is_refused(name: str) -> None:
    text = body(MADE[name]() | {"x": 0}).replace(b'"x": 0', b'"x": NaN')
    with pytest.raises(MalformedReportError, match="NaN"):
        parse(name, text)


ODD_IDS = [
    "",
    "CVE-2022-1\x1b[2J",
    "CVE-2022-1\nCVE-2022-2",
    "CVE 2022 1",
    "\u216dVE-2022-1",
    "C" * 257,
]

WITH_ID: dict[str, Callable[[str], Json]] = {
    "trivy": lambda i: trivy(
        Results=[{"Class": "lang-pkgs", "Vulnerabilities": [trivy_finding(VulnerabilityID=i)]}]
    ),
    "grype": lambda i: grype(matches=[grype_match(vulnerability={"id": i, "severity": "High"})]),
    "sarif": lambda i: sarif(
        runs=[{"tool": {"driver": {"name": "Trivy"}}, "results": [{"ruleId": i}]}]
    ),
    "cyclonedx": lambda i: cyclonedx(vulnerabilities=[{"id": i, "affects": [{"ref": "django"}]}]),
    "openvex": lambda i: openvex(statements=[openvex_statement(vulnerability={"name": i})]),
    "in-toto-vulns": lambda i: in_toto_vulns(scanner={"uri": "x/trivy", "result": [{"id": i}]}),
    "cosign-vuln": lambda i: cosign_vuln(WITH_ID["trivy"](i)),
}


@pytest.mark.parametrize("name", WITH_ID)
@pytest.mark.parametrize(
    "odd", ODD_IDS, ids=["empty", "escape", "line", "space", "look-alike", "long"]
)
def test_t24_an_id_that_no_database_uses_is_refused(name: str, odd: str) -> None:
    with pytest.raises(MalformedReportError, match="vulnerability id") as refused:
        parse(name, body(WITH_ID[name](odd)))
    assert "\x1b" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_t24_control_characters_in_texts_are_dropped_and_in_versions_refused() -> None:
    texts = trivy_finding(
        PrimaryURL="https://example.test/\x1b]8;;x", CweIDs=["CWE-1\u202e"], PkgPath="app\x07"
    )
    (found,) = parse(
        "trivy", body(trivy(Results=[{"Class": "lang-pkgs", "Vulnerabilities": [texts]}]))
    ).findings
    assert "\x1b" not in repr(found.references)
    assert found.cwe_ids == ("CWE-1",)
    assert found.locations[0].path == "app"
    for field in ("InstalledVersion", "PkgName"):
        odd = trivy_finding(**{field: "1.0\x1b[31m"})
        with pytest.raises(MalformedReportError, match="control character"):
            parse("trivy", body(trivy(Results=[{"Class": "lang-pkgs", "Vulnerabilities": [odd]}])))


@pytest.mark.parametrize(
    "path", ["../../../etc/passwd", "/proc/self/environ", "file:///etc/shadow", "\\\\host\\share"]
)
def test_t19_a_path_in_a_report_is_text_and_nothing_is_opened(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr("builtins.open", refuse)
    document = body(
        trivy(Results=[{"Class": "lang-pkgs", "Vulnerabilities": [trivy_finding(PkgPath=path)]}])
    )
    (found,) = parse("trivy", document).findings
    assert found.locations[0].path == path
    location = {"physicalLocation": {"artifactLocation": {"uri": path}}}
    result = {"ruleId": "CVE-2022-1", "locations": [location]}
    run = {"tool": {"driver": {"name": "Trivy"}}, "results": [result]}
    (found,) = parse("sarif", body(sarif(runs=[run]))).findings
    assert found.locations[0].path == path


@pytest.mark.parametrize("name", MADE)
def test_t05_another_predicate_type_is_never_read_as_this_one(name: str) -> None:
    for kind in FORMATS[name].predicate_types:
        wrong = body(statement(f"{kind}x", MADE[name]()))
        with pytest.raises(MalformedReportError, match=r"predicateType .* is not known; known:"):
            read_document(wrong, FORMATS)


def test_t05_a_statement_about_nothing_is_refused() -> None:
    empty = statement("https://openvex.dev/ns", openvex(), subject=[])
    with pytest.raises(MalformedReportError, match="subject"):
        read_document(body(empty), FORMATS)
    sha1 = statement("https://openvex.dev/ns", openvex(), subject=[{"digest": {"sha1": "ab" * 20}}])
    assert read_document(body(sha1), FORMATS).subjects == frozenset()
    assert read_document(
        body(statement("https://openvex.dev/ns", openvex())), FORMATS
    ).subjects == {IMAGE_DIGEST}
