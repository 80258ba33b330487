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


def distribution(
    ecosystem: str, *, fixed: str, name: str = "openssl", purl: str = ""
) -> list[dict[str, object]]:
    (entry,) = affecting(fixed=fixed, name=name, ecosystem=ecosystem)
    return [{**entry, "package": {"ecosystem": ecosystem, "name": name, "purl": purl}}]


@pytest.mark.parametrize(
    ("package", "written", "fixed", "found"),
    [
        pytest.param(
            Package("Ubuntu:22.04:LTS", "libssl3", "3.0.2-0ubuntu1.9", "p", "openssl", "3.0.2-0ubuntu1.9"),
            "Ubuntu:22.04:LTS", "3.0.2-0ubuntu1.10", True, id="ubuntu-by-source",
        ),
        pytest.param(
            Package("Ubuntu:18.04:LTS", "openssl", "1.1.1-1ubuntu2.1~18.04.23", "p", "openssl", "1.1.1-1ubuntu2.1~18.04.23"),
            "Ubuntu:Pro:18.04:LTS", "1.1.1-1ubuntu2.1~18.04.23+esm3", True, id="ubuntu-fixed-for-pro-only",
        ),
        pytest.param(
            Package("Alpine:v3.18", "libcrypto3", "3.1.4-r0", "p", "openssl", "3.1.4-r0"),
            "Alpine:v3.18", "3.1.4-r1", True, id="alpine-by-origin",
        ),
        pytest.param(
            Package("Alpine:v3.18", "libcrypto3", "3.1.4-r1", "p", "openssl", "3.1.4-r1"),
            "Alpine:v3.18", "3.1.4-r1", False, id="alpine-fixed",
        ),
        pytest.param(
            Package("Red Hat:enterprise_linux:9", "openssl", "1:3.0.7-24.el9", "p"),
            "Red Hat:enterprise_linux:9::baseos", "1:3.0.7-25.el9_3", True, id="red-hat-any-repository",
        ),
        pytest.param(
            Package("Red Hat:enterprise_linux:9", "openssl", "1:3.0.7-24.el9", "p"),
            "Red Hat:rhel_eus:9.2::baseos", "1:3.0.7-25.el9_2", False, id="red-hat-another-product",
        ),
        pytest.param(
            Package("Rocky Linux:9", "openssl-libs", "1:3.0.7-24.el9", "p", "openssl", "1:3.0.7-24.el9"),
            "Rocky Linux:9", "1:3.0.7-25.el9_3", True, id="rocky-by-source",
        ),
        pytest.param(
            Package("AlmaLinux:9", "openssl-libs", "1:3.0.7-24.el9", "p"),
            "AlmaLinux:9", "1:3.0.7-25.el9_3", False, id="alma-names-each-binary",
        ),
        pytest.param(
            Package("SUSE:Linux Enterprise 15 SP5", "libopenssl3", "3.0.8-150500.5.24.1", "p", "openssl", "3.0.8-150500.5.24.1"),
            "SUSE:Linux Enterprise Module for Basesystem 15 SP5", "3.0.8-150500.5.27.1", True, id="suse-by-module",
        ),
        pytest.param(
            Package("SUSE:Linux Enterprise 15 SP5", "libopenssl3", "3.0.8-150500.5.24.1", "p", "openssl", "3.0.8-150500.5.24.1"),
            "SUSE:Linux Enterprise Server 15 SP6", "3.1.4-150600.2.1", False, id="suse-another-pack",
        ),
        pytest.param(
            Package("openSUSE:Leap 15.5", "libopenssl3", "3.0.8-150500.5.24.1", "p", "openssl", "3.0.8-150500.5.24.1"),
            "openSUSE:Leap 15.5", "3.0.8-150500.5.27.1", True, id="leap",
        ),
    ],
)  # fmt: skip
def test_a_distributions_package_meets_the_records_of_its_release(
    record: Callable[..., bytes], package: Package, written: str, fixed: str, *, found: bool
) -> None:
    body = record("CVE-2024-0001", affected=distribution(written, fixed=fixed))
    assert bool(match_packages([package], advisories(body)).findings) is found


def test_pro_says_nothing_where_the_release_itself_is_named(record: Callable[..., bytes]) -> None:
    affected = [
        *distribution("Ubuntu:22.04:LTS", fixed="3.0.2-0ubuntu1.10"),
        *distribution("Ubuntu:Pro:22.04:LTS", fixed="3.0.2-0ubuntu1.10+Fips1"),
    ]
    package = Package("Ubuntu:22.04:LTS", "openssl", "3.0.2-0ubuntu1.10", "p")
    assert match_packages([package], advisories(record(affected=affected))).findings == ()


@pytest.mark.parametrize(
    ("module", "version", "title", "found"),
    [
        pytest.param("nodejs:18", "1:18.18.2-1.module+el9.3.0+1+a", "nodejs:18 security update", True, id="its-stream"),
        pytest.param("nodejs:16", "1:16.20.2-1.module+el9.3.0+1+a", "nodejs:18 security update", False, id="another-stream"),
        pytest.param("", "1:16.20.2-1.module+el9.3.0+1+a", "nodejs:18 security update", True, id="stream-not-known"),
        pytest.param("nodejs:16", "1:16.20.2-1.module+el9.3.0+1+a", "security update", True, id="title-says-no-stream"),
        pytest.param("", "1:16.20.2-8.el9_4", "nodejs:18 security update", False, id="not-modular"),
    ],
)  # fmt: skip
def test_streams_of_a_module_are_told_apart(
    record: Callable[..., bytes], module: str, version: str, title: str, *, found: bool
) -> None:
    affected = distribution("AlmaLinux:9", name="nodejs", fixed="1:18.19.1-1.module+el9.3.0+2+b")
    body = record("ALSA-1", summary=f"Important: {title}", affected=affected)
    package = Package("AlmaLinux:9", "nodejs", version, "p", module=module)
    assert bool(match_packages([package], advisories(body)).findings) is found


def test_an_update_that_fixes_several_cves_is_several_findings_under_its_id(
    record: Callable[..., bytes],
) -> None:
    body = record(
        "RHSA-2024:1",
        upstream=["CVE-2024-0001", "CVE-2024-0002"],
        affected=distribution("Red Hat:enterprise_linux:9::baseos", fixed="2"),
    )
    package = Package("Red Hat:enterprise_linux:9", "openssl", "1", "p")
    findings = match_packages([package], advisories(body)).findings
    assert [f.vulnerability_id for f in findings] == ["CVE-2024-0001", "CVE-2024-0002"]
    assert all(f.aliases == {"RHSA-2024:1"} for f in findings)


def test_an_updates_severity_is_not_joined_to_others_by_what_it_fixes(
    record: Callable[..., bytes],
) -> None:
    update = record(
        "RHSA-2024:1",
        upstream=["CVE-2024-0001"],
        severity=CRITICAL,
        affected=distribution("Red Hat:enterprise_linux:9::baseos", fixed="2"),
    )
    library = record("PYSEC-1", aliases=["CVE-2024-0001"])
    (finding,) = match_packages([EXAMPLE], advisories(update, library)).findings
    assert (finding.vulnerability_id, finding.severity) == ("CVE-2024-0001", Severity.UNKNOWN)


@pytest.mark.parametrize(
    ("ecosystem", "named", "covered"),
    [
        pytest.param("Debian:12", ["Debian:12"], True, id="release"),
        pytest.param("Debian:13", ["Debian:12"], False, id="another-release"),
        pytest.param("Debian:13", ["Debian"], False, id="records-of-no-release"),
        pytest.param("Debian", ["Debian", "Debian:12"], False, id="release-not-known"),
        pytest.param("Alpine:edge", ["Alpine:v3.18"], False, id="edge"),
        pytest.param("Ubuntu:18.04:LTS", ["Ubuntu:Pro:18.04:LTS"], True, id="ubuntu-past-support"),
        pytest.param("Red Hat:enterprise_linux:9", ["Red Hat:openshift:4::el9"], False, id="product"),
        pytest.param("SUSE:Linux Enterprise 15 SP5", ["SUSE:Linux Enterprise Module for Basesystem 15 SP5"], True, id="module"),
        pytest.param("centos-stream:9", ["Red Hat:enterprise_linux:9::baseos"], False, id="no-advisories-at-all"),
        pytest.param("Wolfi", ["Wolfi"], True, id="rolling"),
    ],
)  # fmt: skip
def test_an_unknown_release_is_not_covered_and_never_clean(
    record: Callable[..., bytes], ecosystem: str, named: list[str], *, covered: bool
) -> None:
    affected = [entry for name in named for entry in distribution(name, fixed="2", name="other")]
    package = Package(ecosystem, "openssl", "1-1", "p")
    coverage = match_packages([package], advisories(record(affected=affected))).coverage
    assert coverage.complete is covered
    assert coverage.gaps == (
        () if covered else (f"1 {ecosystem} packages without an advisory source",)
    )


def test_a_withdrawn_record_neither_matches_nor_rates(record: Callable[..., bytes]) -> None:
    gone = {"withdrawn": "2024-02-01T00:00:00Z"}
    held = advisories(
        record("PYSEC-1", aliases=["CVE-2024-0001"]),
        record("GHSA-1", aliases=["CVE-2024-0001"], severity=CRITICAL, **gone),
        record("GHSA-2", aliases=["CVE-2024-0002"], **gone),
    )
    (finding,) = match_packages([EXAMPLE], held).findings
    assert finding.severity is Severity.UNKNOWN
    assert finding.aliases == {"PYSEC-1"}


@pytest.mark.parametrize(
    ("named", "found"),
    [
        pytest.param(
            "Ubuntu:20.04:LTS", ["CVE-2024-0001", "CVE-2024-0002"], id="own-record-agrees"
        ),
        pytest.param("Ubuntu:22.04:LTS", ["CVE-2024-0001"], id="own-record-names-another-release"),
    ],
)
def test_of_what_an_update_of_several_releases_fixes_the_distributions_own_records_decide(
    record: Callable[..., bytes], named: str, found: list[str]
) -> None:
    releases = ("Ubuntu:20.04:LTS", "Ubuntu:22.04:LTS")
    update = record(
        "USN-1-1",
        upstream=["UBUNTU-CVE-2024-0001", "CVE-2024-0001", "CVE-2024-0002"],
        affected=[entry for name in releases for entry in distribution(name, fixed="2")],
    )
    own = record(
        "UBUNTU-CVE-2024-0002",
        upstream=["CVE-2024-0002"],
        affected=distribution(named, fixed="2"),
    )
    package = Package("Ubuntu:20.04:LTS", "openssl", "1", "p")
    findings = match_packages([package], advisories(update, own)).findings
    assert [finding.vulnerability_id for finding in findings] == found


@pytest.mark.parametrize(
    ("version", "named", "fixed", "cves", "found"),
    [
        pytest.param("3-46.el9_0", "rhel_eus:9.0::baseos", "3-46.el9_0", ["CVE-2024-0001"], False, id="fixed"),
        pytest.param("3-46.el9_0.3", "rhel_eus:9.0::baseos", "3-46.el9_0", ["CVE-2024-0001"], False, id="later"),
        pytest.param("3-46.el9_0", "rhel_e4s:9.0::baseos", "3-46.el9_0", ["CVE-2024-0001"], False, id="another-plan"),
        pytest.param("3-45.el9_0", "rhel_eus:9.0::baseos", "3-46.el9_0", ["CVE-2024-0001"], True, id="before-the-fix"),
        pytest.param("3-46.el9_0", "rhel_eus:9.1::baseos", "3-45.el9_1", ["CVE-2024-0001"], True, id="another-minor-release"),
        pytest.param("3-46.el9", "rhel_eus:9.0::baseos", "3-46.el9_0", ["CVE-2024-0001"], True, id="the-main-stream"),
        pytest.param("3-46.el9_0", "rhel_eus:9.0::baseos", "3-46.el9_0", ["CVE-2024-0002"], True, id="another-cve"),
        pytest.param("3-46.el9_0", "openshift:4::el9", "3-46.el9_0", ["CVE-2024-0001"], True, id="another-product"),
    ],
)  # fmt: skip
def test_what_extended_updates_fixed_is_not_reported_by_the_main_streams_version(
    record: Callable[..., bytes],
    version: str,
    named: str,
    fixed: str,
    cves: list[str],
    *,
    found: bool,
) -> None:
    main = record(
        "RHSA-2024:1",
        upstream=["CVE-2024-0001"],
        affected=distribution("Red Hat:enterprise_linux:9::baseos", fixed="3-47.el9_1"),
    )
    extended = record(
        "RHSA-2024:2", upstream=cves, affected=distribution(f"Red Hat:{named}", fixed=fixed)
    )
    package = Package("Red Hat:enterprise_linux:9", "openssl", version, "p")
    findings = match_packages([package], advisories(main, extended)).findings
    assert [f.fixed_version for f in findings] == (["3-47.el9_1"] if found else [])


def test_of_two_extended_updates_about_one_flaw_the_later_decides(
    record: Callable[..., bytes],
) -> None:
    key = "Red Hat:enterprise_linux:9::baseos"
    held = [
        record(f"RHSA-2024:{n}", upstream=["CVE-2024-0001"], affected=distribution(name, fixed=fix))
        for n, (name, fix) in enumerate(
            [(key, "3-49.el9_1"), ("Red Hat:rhel_eus:9.0::baseos", "3-46.el9_0"),
             ("Red Hat:rhel_eus:9.0::appstream", "3-48.el9_0")]
        )
    ]  # fmt: skip
    package = Package("Red Hat:enterprise_linux:9", "openssl", "3-46.el9_0", "p")
    assert match_packages([package], advisories(*held)).findings


def test_an_alias_is_not_denied_by_a_distributions_record(record: Callable[..., bytes]) -> None:
    """Only an update's list is: a record about the CVE itself stands beside the other."""
    held = record(
        "DSA-1-1", aliases=["CVE-2024-0001"], affected=distribution("Debian:12", fixed="2")
    )
    own = record("DEBIAN-CVE-2024-0001", affected=distribution("Debian:11", fixed="2"))
    package = Package("Debian:12", "openssl", "1", "p")
    (finding,) = match_packages([package], advisories(held, own)).findings
    assert finding.vulnerability_id == "CVE-2024-0001"
