from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tidegate.advisories.demo import SOURCE, demo_records, demo_set, with_demo_set
from tidegate.advisories.index import AdvisoryIndex
from tidegate.advisories.match import match_packages
from tidegate.advisories.osv import parse_advisory
from tidegate.advisories.package import Package
from tidegate.advisories.severity import score_of
from tidegate.domain.finding import Finding
from tidegate.domain.severity import Severity

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
JACKSON = "com.fasterxml.jackson.core:jackson-databind"
LOG4J = "org.apache.logging.log4j:log4j-core"
GSON = "com.google.code.gson:gson"

BOTH_SIDES = [
    # ecosystem, package, CVE, last affected, first fixed (or just before introduced), severity
    ("PyPI", "django", "CVE-2022-28346", "3.2.12", "3.2.13", "critical"),
    ("PyPI", "django", "CVE-2022-28346", "2.2", "2.1.15", "critical"),
    ("PyPI", "django", "CVE-2022-28347", "4.0.3", "4.0.4", "critical"),
    ("PyPI", "django", "CVE-2022-34265", "3.2.13", "3.2.14", "critical"),
    ("PyPI", "django", "CVE-2022-36359", "3.2.14", "3.2.15", "high"),
    ("PyPI", "django", "CVE-2022-41323", "4.1.1", "4.1.2", "high"),
    ("PyPI", "django", "CVE-2023-31047", "4.1.8", "4.1.9", "critical"),
    ("PyPI", "django", "CVE-2024-24680", "3.2.23", "3.2.24", "high"),
    ("PyPI", "django", "CVE-2024-42005", "4.2.14", "3.2.25", "critical"),
    ("PyPI", "pillow", "CVE-2022-22817", "8.4.0", "9.0.0", "critical"),
    ("PyPI", "pillow", "CVE-2022-24303", "9.0.0", "9.0.1", "critical"),
    ("PyPI", "pillow", "CVE-2022-45199", "9.2.0", "9.1.1", "high"),
    ("PyPI", "pillow", "CVE-2023-4863", "10.0.0", "10.0.1", "high"),
    ("PyPI", "pillow", "CVE-2024-28219", "10.2.0", "10.3.0", "medium"),
    ("PyPI", "jinja2", "CVE-2019-10906", "2.10", "2.10.1", "high"),
    ("PyPI", "jinja2", "CVE-2024-34064", "3.1.3", "3.1.4", "medium"),
    ("PyPI", "jinja2", "CVE-2024-56201", "3.1.4", "2.11.3", "high"),
    ("PyPI", "requests", "CVE-2018-18074", "2.19.1", "2.20.0", "high"),
    ("PyPI", "requests", "CVE-2023-32681", "2.30.0", "2.31.0", "medium"),
    ("PyPI", "urllib3", "CVE-2021-28363", "1.26.3", "1.25.11", "medium"),
    ("PyPI", "urllib3", "CVE-2023-43804", "2.0.5", "1.26.17", "high"),
    ("PyPI", "urllib3", "CVE-2023-45803", "1.26.17", "1.26.18", "medium"),
    ("PyPI", "flask", "CVE-2023-30861", "2.3.1", "2.2.5", "high"),
    ("PyPI", "werkzeug", "CVE-2023-23934", "2.2.2", "2.2.3", "low"),
    ("PyPI", "werkzeug", "CVE-2023-46136", "3.0.0", "2.3.8", "high"),
    ("npm", "lodash", "CVE-2020-8203", "4.17.18", "4.17.19", "high"),
    ("npm", "lodash", "CVE-2019-10744", "4.17.11", "4.17.12", "critical"),
    ("npm", "lodash", "CVE-2021-23337", "4.17.20", "4.17.21", "high"),
    ("npm", "axios", "CVE-2023-45857", "1.5.1", "0.28.0", "medium"),
    ("npm", "axios", "CVE-2024-39338", "1.7.3", "1.3.1", "high"),
    ("npm", "minimist", "CVE-2021-44906", "1.2.5", "1.2.6", "critical"),
    ("npm", "minimist", "CVE-2020-7598", "1.2.2", "0.2.1", "medium"),
    ("Maven", LOG4J, "CVE-2021-44228", "2.14.1", "2.15.0", "critical"),
    ("Maven", LOG4J, "CVE-2021-44228", "2.0-beta9", "2.12.2", "critical"),
    ("Maven", LOG4J, "CVE-2021-45046", "2.15.0", "2.16.0", "critical"),
    ("Maven", LOG4J, "CVE-2021-45105", "2.16.0", "2.17.0", "medium"),
    ("Maven", LOG4J, "CVE-2021-44832", "2.17.0", "2.17.1", "medium"),
    ("Maven", JACKSON, "CVE-2018-7489", "2.9.4", "2.9.5", "critical"),
    ("Maven", JACKSON, "CVE-2022-42003", "2.13.4.1", "2.12.7.1", "high"),
    ("Maven", JACKSON, "CVE-2022-42004", "2.12.7", "2.12.7.1", "high"),
    ("Maven", GSON, "CVE-2022-25647", "2.8.8", "2.8.9", "high"),
    ("Debian:11", "openssl", "CVE-2022-0778", "1.1.1k-1+deb11u1", "1.1.1k-1+deb11u2", "high"),
    ("Debian:11", "openssl", "CVE-2022-1292", "1.1.1n-0+deb11u1", "1.1.1n-0+deb11u2", "critical"),
    ("Debian:12", "openssl", "CVE-2024-0727", "3.0.11-1~deb12u2", "3.0.13-1~deb12u1", "medium"),
    ("Debian:11", "zlib", "CVE-2022-37434", "1:1.2.11.dfsg-2", "1:1.2.13.dfsg-1", "critical"),
    ("Debian:12", "glibc", "CVE-2023-4911", "2.36-9+deb12u2", "2.36-9+deb12u3", "high"),
    ("Debian:12", "util-linux", "CVE-2024-28085", "2.38.1-5", "2.38.1-5+deb12u1", "low"),
]


def findings(ecosystem: str, name: str, version: str) -> dict[str, Finding]:
    package = Package(ecosystem, name, version, "pkg:generic/x")
    return {f.vulnerability_id: f for f in match_packages([package], demo_set()).findings}


@pytest.mark.parametrize(
    ("ecosystem", "package", "cve", "affected", "safe", "severity"),
    [pytest.param(*row, id=f"{row[2]}-{row[3]}") for row in BOTH_SIDES],
)
def test_each_fact_holds_on_both_sides_of_its_boundary(
    ecosystem: str, package: str, cve: str, affected: str, safe: str, severity: str
) -> None:
    finding = findings(ecosystem, package, affected)[cve]
    assert finding.severity.word == severity
    assert cve not in findings(ecosystem, package, safe)


def test_what_debian_will_not_fix_has_no_fix_and_its_own_word() -> None:
    finding = findings("Debian:12", "glibc", "2.36-9+deb12u10")["CVE-2019-1010022"]
    assert (finding.fixed_version, finding.severity) == ("", Severity.LOW)


def test_every_record_is_a_cve_with_a_severity_and_a_summary() -> None:
    records = [parse_advisory(body) for body in demo_records()]
    assert len(records) == len({record.id for record in records}) >= 60
    for record in records:
        assert record.id.startswith("CVE-")
        assert record.summary.endswith(".")
        assert record.affected
        assert all(score_of(vector) is not None for vector in record.vectors)
        assert record.vectors or record.affected[0].word


def test_the_demo_set_serves_an_ecosystem_until_something_is_imported_for_it(
    record: Callable[..., bytes],
) -> None:
    django = Package("PyPI", "django", "3.2", "pkg:pypi/django@3.2")
    lodash = Package("npm", "lodash", "4.17.15", "pkg:npm/lodash@4.17.15")
    with AdvisoryIndex.open(None) as index:
        before = match_packages([django, lodash], with_demo_set(index))
        with index.writing("mine", NOW) as writer:
            writer.put(parse_advisory(record("A-1")), record("A-1"))
        after = match_packages([django, lodash], with_demo_set(index))
    assert {e.source for e in before.coverage.ecosystems} == {SOURCE}
    assert [(e.ecosystem, e.source) for e in after.coverage.ecosystems] == [
        ("PyPI", "mine"),
        ("npm", SOURCE),
    ]
    assert {f.package for f in before.findings} == {django.purl, lodash.purl}
    assert {f.package for f in after.findings} == {lodash.purl}


def test_the_demo_set_rates_nothing_of_an_ecosystem_that_was_imported(
    record: Callable[..., bytes],
) -> None:
    body = record("PYSEC-1", aliases=["CVE-2022-28346"])
    with AdvisoryIndex.open(None) as index:
        with index.writing("mine", NOW) as writer:
            writer.put(parse_advisory(body), body)
        example = Package("PyPI", "example", "1.0", "pkg:pypi/example@1.0")
        (finding,) = match_packages([example], with_demo_set(index)).findings
        sources = {s.ecosystem: s.name for s in with_demo_set(index).sources()}
    assert finding.severity is Severity.UNKNOWN
    assert sources == {
        "Debian:11": SOURCE,
        "Debian:12": SOURCE,
        "Maven": SOURCE,
        "PyPI": "mine",
        "npm": SOURCE,
    }
