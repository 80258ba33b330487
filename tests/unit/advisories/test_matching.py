from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tidegate.advisories.demo import AdvisorySet
from tidegate.advisories.match import match_packages
from tidegate.advisories.osv import parse_advisory
from tidegate.advisories.package import Package
from tidegate.domain.finding import Location
from tidegate.domain.severity import Severity

CRITICAL = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
EXAMPLE = Package("PyPI", "Example", "1.0", "pkg:pypi/example@1.0")


def advisories(*bodies: bytes) -> AdvisorySet:
    return AdvisorySet("test", map(parse_advisory, bodies))


def affecting(
    *, fixed: str = "2.0", name: str = "example", ecosystem: str = "PyPI"
) -> list[dict[str, object]]:
    events = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
    package = {"ecosystem": ecosystem, "name": name}
    return [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]


def test_records_of_one_cve_make_one_finding_with_the_highest_severity(
    record: Callable[..., bytes],
) -> None:
    matched = match_packages(
        [EXAMPLE],
        advisories(
            record("GHSA-1", aliases=["CVE-2024-0001"], database_specific={"severity": "LOW"}),
            record("PYSEC-1", aliases=["CVE-2024-0001"], severity=CRITICAL),
        ),
    )
    (finding,) = matched.findings
    assert finding.vulnerability_id == "CVE-2024-0001"
    assert finding.aliases == {"GHSA-1", "PYSEC-1"}
    assert finding.severity is Severity.CRITICAL
    assert len(finding.ratings) == 2


def test_severity_comes_also_from_a_record_that_names_no_package_of_the_image(
    record: Callable[..., bytes],
) -> None:
    matched = match_packages(
        [EXAMPLE],
        advisories(
            record("PYSEC-1", aliases=["CVE-2024-0001"]),
            record("CVE-2024-0001", affected=[], severity=CRITICAL),
        ),
    )
    assert matched.findings[0].severity is Severity.CRITICAL


def test_severity_is_joined_over_one_hop_only(record: Callable[..., bytes]) -> None:
    """A record of another CVE that shares an alias says nothing about this one."""
    matched = match_packages(
        [EXAMPLE],
        advisories(
            record("PYSEC-1", aliases=["CVE-2024-0001", "GHSA-shared"]),
            record("X-1", aliases=["CVE-2024-0002", "GHSA-shared"], affected=[], severity=CRITICAL),
        ),
    )
    assert matched.findings[0].severity is Severity.UNKNOWN


def test_related_and_upstream_records_do_not_raise_the_severity(
    record: Callable[..., bytes],
) -> None:
    matched = match_packages(
        [EXAMPLE],
        advisories(
            record("PYSEC-1", related=["CVE-2024-0009"], upstream=["CVE-2024-0009"]),
            record("CVE-2024-0009", affected=[], severity=CRITICAL),
        ),
    )
    assert [(f.vulnerability_id, f.severity) for f in matched.findings] == [
        ("PYSEC-1", Severity.UNKNOWN)
    ]


def test_a_record_that_names_several_cves_is_several_findings(record: Callable[..., bytes]) -> None:
    body = record("DSA-1", aliases=["CVE-2024-0001", "CVE-2024-0002"])
    findings = match_packages([EXAMPLE], advisories(body)).findings
    assert [f.vulnerability_id for f in findings] == ["CVE-2024-0001", "CVE-2024-0002"]
    assert [f.canonical_ids for f in findings] == [("CVE-2024-0001",), ("CVE-2024-0002",)]
    assert all(f.aliases == {"DSA-1"} for f in findings)


def test_a_record_without_cve_goes_by_that_of_a_record_it_names(
    record: Callable[..., bytes],
) -> None:
    matched = match_packages(
        [EXAMPLE],
        advisories(
            record("PYSEC-1", aliases=["GHSA-1"]),
            record("GHSA-1", aliases=["CVE-2024-0001"]),
        ),
    )
    assert [f.vulnerability_id for f in matched.findings] == ["CVE-2024-0001"]


def test_records_that_name_each_other_without_a_cve_are_one_finding(
    record: Callable[..., bytes],
) -> None:
    matched = match_packages(
        [EXAMPLE],
        advisories(record("PYSEC-1", aliases=["GHSA-1"]), record("GHSA-1", aliases=["PYSEC-1"])),
    )
    assert [f.vulnerability_id for f in matched.findings] == ["GHSA-1"]


def test_the_fix_satisfies_every_record_that_states_one(record: Callable[..., bytes]) -> None:
    matched = match_packages(
        [EXAMPLE],
        advisories(
            record("A-1", aliases=["CVE-2024-0001"], affected=affecting(fixed="1.9")),
            record("A-2", aliases=["CVE-2024-0001"], affected=affecting(fixed="1.10")),
            record("A-3", aliases=["CVE-2024-0001"], affected=affecting(fixed="")),
        ),
    )
    assert matched.findings[0].fixed_version == "1.10"


def test_debian_is_compared_by_source_package_and_source_version(
    record: Callable[..., bytes],
) -> None:
    """The binary's epoch is not its source's: 1:2.38.1-5 of util-linux 2.38.1-5."""
    body = record(
        "CVE-2024-28085",
        affected=affecting(ecosystem="Debian:12", name="util-linux", fixed="2.38.1-5+deb12u1"),
    )
    bsdutils = Package(
        "Debian:12",
        "bsdutils",
        "1:2.38.1-5",
        "pkg:deb/debian/bsdutils@2.38.1-5?epoch=1",
        source_name="util-linux",
        source_version="2.38.1-5",
    )
    (finding,) = match_packages([bsdutils], advisories(body)).findings
    assert (finding.version, finding.fixed_version) == ("1:2.38.1-5", "2.38.1-5+deb12u1")


def test_another_release_is_not_affected_by_a_releases_record(record: Callable[..., bytes]) -> None:
    body = record("A-1", affected=affecting(ecosystem="Debian:11", name="a"))
    package = Package("Debian:12", "a", "1", "pkg:deb/debian/a@1")
    assert match_packages([package], advisories(body)).findings == ()


def test_a_record_for_several_releases_is_judged_by_the_packages_own(
    record: Callable[..., bytes],
) -> None:
    old = affecting(ecosystem="Debian:11", name="a", fixed="2")
    new = affecting(ecosystem="Debian:12", name="a", fixed="1")
    known = advisories(record("A-1", affected=[*old, *new]))
    package = Package("Debian:12", "a", "1.5", "pkg:deb/debian/a@1.5")
    assert match_packages([package], known).findings == ()


def test_locations_travel_with_the_finding(record: Callable[..., bytes]) -> None:
    place = Location("usr/lib/example/METADATA", "sha256:aa")
    package = Package("PyPI", "example", "1.0", "pkg:pypi/example@1.0", locations=(place,))
    assert match_packages([package], advisories(record())).findings[0].locations == (place,)


def test_an_incomparable_version_is_reported_and_never_clean(record: Callable[..., bytes]) -> None:
    package = Package("PyPI", "example", "2004d-x", "pkg:pypi/example@2004d-x")
    matched = match_packages([package], advisories(record()))
    assert matched.findings == ()
    assert matched.coverage.not_understood == (
        "PyPI packages whose version cannot be compared: example 2004d-x",
    )
    assert not matched.coverage.complete


def test_ecosystems_without_a_source_or_a_comparison_leave_a_gap(
    record: Callable[..., bytes],
) -> None:
    hex_ = Package("Hex", "m", "1.0.0", "pkg:hex/m@1.0.0")
    npm = Package("npm", "lodash", "4.17.15", "pkg:npm/lodash@4.17.15")
    held = advisories(record(), record("EEF-1", affected=affecting(ecosystem="Hex")))
    coverage = match_packages([EXAMPLE, hex_, npm], held, ["seen, not judged"]).coverage
    assert [(e.ecosystem, e.source) for e in coverage.ecosystems] == [
        ("Hex", ""),
        ("PyPI", "test"),
        ("npm", ""),
    ]
    assert coverage.gaps == (
        "1 Hex packages without an advisory source",
        "1 npm packages without an advisory source",
        "seen, not judged",
    )


def test_a_source_tells_in_the_coverage_how_old_it_is(record: Callable[..., bytes]) -> None:
    coverage = match_packages([EXAMPLE], advisories(record())).coverage
    assert coverage.ecosystems[0].source_updated_at == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("version", ["2.0", "2.0.1", "10"])
def test_a_fixed_version_has_no_finding(record: Callable[..., bytes], version: str) -> None:
    package = Package("PyPI", "example", version, f"pkg:pypi/example@{version}")
    matched = match_packages([package], advisories(record()))
    assert matched.findings == ()
    assert matched.coverage.complete
