import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import InputError, LimitExceededError, MalformedStatementError
from tidegate.domain.evidence import Coverage, EcosystemCoverage
from tidegate.domain.finding import Finding, Location, Rating
from tidegate.domain.severity import Severity
from tidegate.wire.statement_v1 import (
    MAX_STATEMENT_BYTES,
    ScannerIdentity,
    Statement,
    parse_statement,
    render_statement,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
JACKSON = Finding(
    vulnerability_id="CVE-2022-42004",
    severity=Severity.CRITICAL,
    package="pkg:maven/com.fasterxml.jackson.core/jackson-databind@2.9.5",
    version="2.9.5",
    fixed_version="2.12.7.1",
    aliases=frozenset({"GHSA-rgv9-q543-rqg4"}),
    ratings=(Rating("CVSS_V3", "9.8", "Critical", "3.1", source="NVD"),),
    cwe_ids=("CWE-502",),
    locations=(Location("app.jar", "sha256:00"),),
    references=("https://example/issue",),
)
STATEMENT = Statement(
    subject=digest_of(b"image"),
    findings=(JACKSON,),
    coverage=Coverage((EcosystemCoverage("Maven", 3, "demo set", NOON),), ("2 jars by hash",)),
    scanner=ScannerIdentity("Tidegate", "0.1", db_uri="tidegate:demo", db_updated_at=NOON),
    started_at=NOON,
    finished_at=NOON,
)


def test_the_statement_has_the_fields_of_the_reference() -> None:
    document = json.loads(render_statement(STATEMENT))
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == "https://in-toto.io/attestation/vulns/v0.2"
    assert document["subject"] == [{"digest": {"sha256": STATEMENT.subject[7:]}}]
    predicate = document["predicate"]
    assert predicate["metadata"] == {
        "scanStartedOn": "2026-11-23T12:00:00Z",
        "scanFinishedOn": "2026-11-23T12:00:00Z",
    }
    assert predicate["scanner"]["db"] == {
        "uri": "tidegate:demo",
        "lastUpdate": "2026-11-23T12:00:00Z",
    }
    assert predicate["scanner"]["result"] == [
        {
            "id": "CVE-2022-42004",
            "vulnerablePackage": "pkg:maven/com.fasterxml.jackson.core/jackson-databind@2.9.5",
            "detectedVersion": "2.9.5",
            "fixVersion": "2.12.7.1",
            "severity": [
                {
                    "method": "CVSS_V3",
                    "score": "9.8",
                    "textualScore": "Critical",
                    "cvssVersion": "3.1",
                    "source": "NVD",
                }
            ],
            "leadingSeverityScore": "Critical",
            "aliases": ["GHSA-rgv9-q543-rqg4"],
            "cweIds": ["CWE-502"],
            "evidence": [{"type": "filePath", "path": "app.jar", "layerId": "sha256:00"}],
            "references": [{"url": "https://example/issue"}],
        }
    ]


def test_what_was_written_is_read_back() -> None:
    assert parse_statement(render_statement(STATEMENT)) == STATEMENT


def test_unknown_severity_stays_unknown_whatever_the_ratings_say() -> None:
    unknown = replace(JACKSON, severity=Severity.UNKNOWN)
    body = render_statement(replace(STATEMENT, findings=(unknown,)))
    assert parse_statement(body).findings[0].severity is Severity.UNKNOWN


def test_an_absent_coverage_is_an_incomplete_report() -> None:
    document = json.loads(render_statement(STATEMENT))
    del document["predicate"]["coverage"]
    assert not parse_statement(json.dumps(document).encode()).coverage.complete


def test_unknown_fields_are_skipped() -> None:
    document = json.loads(render_statement(STATEMENT))
    document["predicate"]["scanner"]["result"][0]["annotations"] = [{"x": [1]}]
    assert parse_statement(json.dumps(document).encode()) == STATEMENT


def _at(*path: str | int, value: object) -> Callable[[dict[Any, Any]], None]:
    def change(document: dict[Any, Any]) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


def _without(*path: str | int) -> Callable[[dict[Any, Any]], None]:
    def change(document: dict[Any, Any]) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return change


_RESULT = ("predicate", "scanner", "result")
_SHA256 = {"sha256": "0" * 64}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(_at("_type", value="https://in-toto.io/Statement/v0.1"), "_type", id="v0.1"),
        pytest.param(_without("_type"), "_type", id="no-type"),
        pytest.param(
            _at("predicateType", value="https://sigstore.dev/cosign/sign/v1"),
            "predicateType",
            id="t05-other-predicate",
        ),
        pytest.param(
            _at("predicateType", value="https://in-toto.io/attestation/vulns/v0.2/"),
            "predicateType",
            id="t05-nearly-that-predicate",
        ),
        pytest.param(_without("predicateType"), "predicateType", id="t05-no-predicate-type"),
        pytest.param(_at("subject", value=[]), "length >= 1", id="t05-no-subject"),
        pytest.param(
            _at("subject", value=[{"digest": _SHA256}, {"digest": _SHA256}]),
            "length <= 1",
            id="t05-two-subjects",
        ),
        pytest.param(_at("subject", 0, "digest", value={}), "exactly one", id="no-digest"),
        pytest.param(
            _at("subject", 0, "digest", value={**_SHA256, "sha512": "0" * 128}),
            "exactly one, sha256 or sha512",
            id="t05-two-digests",
        ),
        pytest.param(
            _at("subject", 0, "digest", "sha256", value="0" * 63), "digest", id="short-digest"
        ),
        pytest.param(_without("predicate"), "predicate", id="no-predicate"),
        pytest.param(_without("predicate", "metadata"), "metadata", id="no-times"),
        pytest.param(
            _at("predicate", "metadata", "scanFinishedOn", value="2026-11-23"),
            "scanFinishedOn",
            id="date-only",
        ),
        pytest.param(
            _at("predicate", "metadata", "scanFinishedOn", value="2026-11-23T12:00:00"),
            "zone",
            id="time-without-zone",
        ),
        pytest.param(
            _at("predicate", "metadata", "scanFinishedOn", value="0001-01-01T00:00:00+14:00"),
            "zone",
            id="time-before-time",
        ),
        pytest.param(_without("predicate", "scanner", "result"), "result", id="no-result"),
        pytest.param(_at(*_RESULT, value=None), "array", id="null-result"),
        pytest.param(_at(*_RESULT, 0, "id", value=""), "length >= 1", id="empty-id"),
        pytest.param(_at(*_RESULT, 0, "id", value="C" * 300), "length <= 256", id="long-id"),
        pytest.param(
            _without(*_RESULT, 0, "leadingSeverityScore"), "leadingSeverity", id="no-severity"
        ),
        pytest.param(
            _at(*_RESULT, 0, "leadingSeverityScore", value="Harmless"), "'Harmless'", id="new-word"
        ),
        pytest.param(
            _at("predicate", "coverage", "ecosystems", 0, "packageCount", value=-1),
            "packageCount",
            id="negative-count",
        ),
    ],
)
def test_another_statement_is_refused_in_words(
    change: Callable[[dict[Any, Any]], None], said: str
) -> None:
    document = json.loads(render_statement(STATEMENT))
    change(document)
    with pytest.raises(MalformedStatementError, match=said):
        parse_statement(json.dumps(document).encode())


def test_t17_a_repeated_key_is_refused_wherever_it_stands() -> None:
    body = render_statement(STATEMENT)
    for again in (b'"result":[]', b'"subject":[]', b'"leadingSeverityScore":"Low"', b'"id":"X"'):
        key = again.partition(b":")[0]
        doubled = body.replace(key, again + b"," + key, 1)
        with pytest.raises(MalformedStatementError, match="stands twice"):
            parse_statement(doubled)


def test_t03_an_oversized_statement_is_refused_unread() -> None:
    with pytest.raises(LimitExceededError, match="at most"):
        parse_statement(b" " * (MAX_STATEMENT_BYTES + 1))


def test_t03_too_many_findings_are_refused() -> None:
    result = b'{"id":"A","vulnerablePackage":"p","detectedVersion":"","leadingSeverityScore":"Low"}'
    before, after = render_statement(replace(STATEMENT, findings=())).split(b'"result":[]')
    body = before + b'"result":[' + b",".join([result] * 100_001) + b"]" + after
    with pytest.raises(MalformedStatementError, match="length <= 100000"):
        parse_statement(body)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(replace(STATEMENT, finished_at=NOON.replace(tzinfo=None)), id="no-zone"),
        pytest.param(
            replace(STATEMENT, findings=(replace(JACKSON, vulnerability_id=""),)), id="no-id"
        ),
    ],
)
def test_what_could_not_be_read_is_not_written(statement: Statement) -> None:
    with pytest.raises(InputError):
        render_statement(statement)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_subject_is_named_by_its_own_algorithm(algorithm: str) -> None:
    about = replace(STATEMENT, subject=digest_of(b"", algorithm))
    body = render_statement(about)
    assert list(json.loads(body)["subject"][0]["digest"]) == [algorithm]
    assert parse_statement(body).subject == about.subject


def test_t05_a_digest_by_an_algorithm_that_nobody_registered_is_refused() -> None:
    body = render_statement(STATEMENT).replace(b'"sha256":', b'"sha1":', 1)
    with pytest.raises(InputError):
        parse_statement(body)


def test_the_rating_that_counts_is_marked() -> None:
    rated = replace(
        JACKSON, ratings=(Rating("Debian", "", "low", leading=True), Rating("NVD", "9.8"))
    )
    body = render_statement(replace(STATEMENT, findings=(rated,)))
    (result,) = json.loads(body)["predicate"]["scanner"]["result"]
    assert [entry.get("leading", False) for entry in result["severity"]] == [True, False]
    assert parse_statement(body).findings == (rated,)
