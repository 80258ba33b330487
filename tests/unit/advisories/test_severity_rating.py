from collections.abc import Callable

import pytest

from tidegate.advisories.osv import parse_advisory
from tidegate.advisories.severity import Rated, rate
from tidegate.domain.finding import Rating
from tidegate.domain.severity import Severity

V2_HIGH = {"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"}
V3_CRITICAL = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
V3_MEDIUM = {"type": "CVSS_V3", "score": "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"}
V4_LOW = {
    "type": "CVSS_V4",
    "score": "CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N",
}
BROKEN = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:Z"}


def rated(*bodies: bytes, ecosystem: str = "PyPI") -> Rated:
    parsed = map(parse_advisory, bodies)
    return rate([(advisory, advisory.affected) for advisory in parsed], ecosystem)


@pytest.mark.parametrize(
    ("severities", "word", "expected"),
    [
        pytest.param([V3_CRITICAL], "", Severity.CRITICAL, id="v3"),
        pytest.param([V2_HIGH], "", Severity.HIGH, id="v2"),
        pytest.param([V3_MEDIUM, V2_HIGH], "", Severity.MEDIUM, id="v3-before-v2"),
        pytest.param([V3_CRITICAL, V4_LOW], "", Severity.LOW, id="v4-before-v3"),
        pytest.param([V3_MEDIUM], "CRITICAL", Severity.MEDIUM, id="vector-before-word"),
        pytest.param([], "MODERATE", Severity.MEDIUM, id="word"),
        pytest.param([BROKEN], "HIGH", Severity.HIGH, id="broken-vector-leaves-the-word"),
        pytest.param([BROKEN], "", Severity.UNKNOWN, id="broken-vector-alone"),
        pytest.param([{"type": "Ubuntu", "score": "high"}], "", Severity.HIGH, id="other-scheme"),
        pytest.param([], "not yet assigned", Severity.UNKNOWN, id="no-word-we-know"),
        pytest.param([], "", Severity.UNKNOWN, id="nothing"),
    ],
)
def test_the_severity_is_the_newest_vectors_else_the_word(
    record: Callable[..., bytes], severities: list[dict[str, str]], word: str, expected: Severity
) -> None:
    body = record(severity=severities, database_specific={"severity": word})
    assert rated(body).severity is expected


def test_a_packages_own_severity_overrides_the_records(record: Callable[..., bytes]) -> None:
    affected = [{"package": {"ecosystem": "PyPI", "name": "a"}, "severity": [V3_MEDIUM]}]
    body = record(severity=[V3_CRITICAL], affected=affected)
    assert rated(body).severity is Severity.MEDIUM


def test_of_several_entries_the_worst_counts(record: Callable[..., bytes]) -> None:
    package = {"ecosystem": "PyPI", "name": "a"}
    affected = [
        {"package": package, "severity": [V3_MEDIUM]},
        {"package": package, "severity": [V4_LOW, V3_CRITICAL], "versions": ["1"]},
    ]
    assert rated(record(affected=affected)).severity is Severity.MEDIUM


def test_every_rating_is_kept_and_the_one_that_counts_stands_first(
    record: Callable[..., bytes],
) -> None:
    body = record(severity=[V2_HIGH, V3_CRITICAL], database_specific={"severity": "HIGH"})
    assert rated(body).ratings == (
        Rating("CVSS_V3", V3_CRITICAL["score"], "Critical", "3.1", leading=True, source="GitHub"),
        Rating("CVSS_V2", V2_HIGH["score"], "High", "2.0", source="GitHub"),
        Rating("GitHub", "", "HIGH"),
    )


def of(ecosystem: str, **fields: object) -> list[dict[str, object]]:
    return [{"package": {"ecosystem": ecosystem, "name": "a"}, "versions": ["1"], **fields}]


@pytest.mark.parametrize(
    ("ecosystem", "fields", "severity", "method"),
    [
        pytest.param(
            "Debian:12",
            {"affected": of("Debian:12", ecosystem_specific={"urgency": "unimportant"})},
            Severity.LOW,
            "Debian",
            id="debian-urgency",
        ),
        pytest.param(
            "Debian:12",
            {"affected": of("Debian:12", ecosystem_specific={"urgency": "not yet assigned"})},
            Severity.CRITICAL,
            "CVSS_V3",
            id="debian-says-nothing",
        ),
        pytest.param(
            "Ubuntu:22.04:LTS",
            {
                "affected": of("Ubuntu:22.04:LTS"),
                "severity": [V3_CRITICAL, {"type": "Ubuntu", "score": "medium"}],
            },
            Severity.MEDIUM,
            "Ubuntu",
            id="ubuntu-priority",
        ),
        pytest.param(
            "Ubuntu:22.04:LTS",
            {
                "affected": of("Ubuntu:22.04:LTS", ecosystem_specific={"ubuntu_priority": "low"}),
                "severity": [V3_CRITICAL],
            },
            Severity.LOW,
            "Ubuntu",
            id="ubuntu-priority-of-the-package",
        ),
        pytest.param(
            "AlmaLinux:9",
            {"affected": of("AlmaLinux:9"), "summary": "Moderate: a security update"},
            Severity.MEDIUM,
            "AlmaLinux",
            id="alma-title",
        ),
        pytest.param(
            "Rocky Linux:9",
            {"affected": of("Rocky Linux:9"), "summary": "Important: a security update"},
            Severity.HIGH,
            "Rocky Linux",
            id="rocky-title",
        ),
        pytest.param(
            "Red Hat:enterprise_linux:9",
            {"affected": of("Red Hat:enterprise_linux:9::baseos"), "severity": [V3_MEDIUM]},
            Severity.CRITICAL,
            "CVSS_V3",
            id="a-vector-is-nobodys-own-word",
        ),
        pytest.param(
            "PyPI",
            {"affected": of("PyPI"), "database_specific": {"severity": "LOW"}},
            Severity.CRITICAL,
            "CVSS_V3",
            id="no-distribution-the-highest-counts",
        ),
        pytest.param(
            "PyPI",
            {"affected": of("Debian:12", ecosystem_specific={"urgency": "unimportant"})},
            Severity.CRITICAL,
            "CVSS_V3",
            id="another-ecosystems-distribution",
        ),
        pytest.param(
            "Debian:12",
            {"affected": of("Debian:12", ecosystem_specific={"urgency": "low"}) + of("PyPI")},
            Severity.CRITICAL,
            "CVSS_V3",
            id="a-record-that-is-not-the-distributions-own",
        ),
    ],
)
def test_the_distributions_own_word_comes_before_any_other(
    record: Callable[..., bytes],
    ecosystem: str,
    fields: dict[str, object],
    severity: Severity,
    method: str,
) -> None:
    elsewhere = parse_advisory(record("CVE-2024-0001", severity=[V3_CRITICAL]))
    own = parse_advisory(record("X-CVE-2024-0001", **fields))
    found = rate([(own, own.affected)], ecosystem, [elsewhere])
    assert (found.severity, found.ratings[0].method) == (severity, method)
    assert [rating.leading for rating in found.ratings] == [
        True,
        *[False] * (len(found.ratings) - 1),
    ]
    assert "CVSS_V3" in {rating.method for rating in found.ratings}, "every opinion is kept"


def test_what_is_said_of_another_package_is_not_the_distributions_word_on_this_one(
    record: Callable[..., bytes],
) -> None:
    held = parse_advisory(record("DSA-1-1", affected=of("Debian:12")))
    other = parse_advisory(
        record(
            "CVE-2024-0001",
            severity=[V3_CRITICAL],
            affected=of("Debian:12", ecosystem_specific={"urgency": "unimportant"}),
        )
    )
    found = rate([(held, held.affected)], "Debian:12", [other])
    assert (found.severity, found.ratings[0].method) == (Severity.CRITICAL, "CVSS_V3")
