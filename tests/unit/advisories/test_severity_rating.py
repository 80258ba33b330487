from collections.abc import Callable

import pytest

from tidegate.advisories.osv import parse_advisory
from tidegate.advisories.severity import rate
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
    advisory = parse_advisory(record(severity=severities, database_specific={"severity": word}))
    assert rate(advisory, advisory.affected).severity is expected


def test_a_packages_own_severity_overrides_the_records(record: Callable[..., bytes]) -> None:
    affected = [{"package": {"ecosystem": "PyPI", "name": "a"}, "severity": [V3_MEDIUM]}]
    advisory = parse_advisory(record(severity=[V3_CRITICAL], affected=affected))
    assert rate(advisory, advisory.affected).severity is Severity.MEDIUM


def test_every_rating_is_kept(record: Callable[..., bytes]) -> None:
    advisory = parse_advisory(
        record(severity=[V2_HIGH, V3_CRITICAL], database_specific={"severity": "HIGH"})
    )
    assert set(rate(advisory, advisory.affected).ratings) == {
        Rating("CVSS_V3", V3_CRITICAL["score"], "Critical", "3.1"),
        Rating("CVSS_V2", V2_HIGH["score"], "High", "2.0"),
        Rating("GitHub", "", "HIGH"),
    }


def test_debians_urgency_is_a_word(record: Callable[..., bytes]) -> None:
    affected = [
        {
            "package": {"ecosystem": "Debian:12", "name": "a"},
            "ecosystem_specific": {"urgency": "unimportant"},
        }
    ]
    advisory = parse_advisory(record(affected=affected))
    assert rate(advisory, advisory.affected).severity is Severity.LOW
