import pytest
from packageurl import PackageURL

from tidegate.advisories.ecosystems import (
    ECOSYSTEMS,
    covering_names,
    extended_updates,
    is_matched,
    matched_names,
    normalize_name,
    release_key,
)
from tidegate.advisories.purls import ecosystem_of_purl, name_of_purl
from tidegate.advisories.versions import COVERED


def test_what_is_named_is_compared() -> None:
    assert set(ECOSYSTEMS) == COVERED


@pytest.mark.parametrize(
    ("written", "key"),
    [
        pytest.param("Debian:12", "Debian:12", id="debian"),
        pytest.param("Ubuntu:22.04:LTS", "Ubuntu:22.04:LTS", id="ubuntu-lts"),
        pytest.param("Ubuntu:22.04", "Ubuntu:22.04:LTS", id="ubuntu-lts-not-said"),
        pytest.param("Ubuntu:23.10", "Ubuntu:23.10", id="ubuntu-interim"),
        pytest.param("Ubuntu:21.04", "Ubuntu:21.04", id="ubuntu-april-of-an-odd-year"),
        pytest.param("Ubuntu:Pro:18.04:LTS", "Ubuntu:Pro:18.04:LTS", id="ubuntu-pro"),
        pytest.param("Ubuntu:Pro:FIPS:20.04:LTS", "Ubuntu:Pro:FIPS:20.04:LTS", id="ubuntu-fips"),
        pytest.param("Alpine:v3.18", "Alpine:v3.18", id="alpine"),
        pytest.param("Rocky Linux:9", "Rocky Linux:9", id="rocky"),
        pytest.param("Rocky Linux:8.5", "Rocky Linux:8", id="rocky-minor"),
        pytest.param("AlmaLinux:9", "AlmaLinux:9", id="alma"),
        pytest.param(
            "Red Hat:enterprise_linux:9::baseos", "Red Hat:enterprise_linux:9", id="rhel-baseos"
        ),
        pytest.param(
            "Red Hat:enterprise_linux:9::appstream", "Red Hat:enterprise_linux:9", id="rhel-apps"
        ),
        pytest.param("Red Hat:enterprise_linux:10.1", "Red Hat:enterprise_linux:10", id="rhel-10"),
        pytest.param("Red Hat:rhel_eus:9.2::baseos", "Red Hat:rhel_eus:9.2", id="rhel-eus"),
        pytest.param("Red Hat:rhel_e4s:9.2::appstream", "Red Hat:rhel_eus:9.2", id="rhel-e4s"),
        pytest.param("Red Hat:rhel_aus:8.4::baseos", "Red Hat:rhel_eus:8.4", id="rhel-aus"),
        pytest.param("Red Hat:rhel_tus:8.6::baseos", "Red Hat:rhel_eus:8.6", id="rhel-tus"),
        pytest.param("Red Hat:enterprise_linux_eus:10.0", "Red Hat:rhel_eus:10.0", id="rhel10-eus"),
        pytest.param("Red Hat:openshift:4::el9", "Red Hat:openshift:4::el9", id="rhel-product"),
        pytest.param(
            "SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise 15 SP5", id="sles"
        ),
        pytest.param(
            "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
            "SUSE:Linux Enterprise 15 SP5",
            id="sles-module",
        ),
        pytest.param(
            "SUSE:Linux Enterprise Server 12 SP5-LTSS",
            "SUSE:Linux Enterprise 12 SP5",
            id="sles-long-term",
        ),
        pytest.param(
            "SUSE:Linux Enterprise Server 16.0", "SUSE:Linux Enterprise 16.0", id="sles16"
        ),
        pytest.param(
            "SUSE:Linux Enterprise Micro 5.5", "SUSE:Linux Enterprise Micro 5.5", id="sle-micro"
        ),
        pytest.param("openSUSE:Leap 15.5", "openSUSE:Leap 15.5", id="leap"),
        pytest.param("PyPI", "PyPI", id="language"),
        pytest.param("Red Hat:enterprise_linuxX", "Red Hat:enterprise_linuxX", id="unknown-form"),
    ],
)
def test_a_release_has_one_key_however_it_is_written(written: str, key: str) -> None:
    assert release_key(written) == key
    assert release_key(key) == key


@pytest.mark.parametrize(
    ("purl", "ecosystem"),
    [
        # As Trivy 0.76 writes them about each distribution's own files.
        pytest.param("pkg:deb/debian/a@1?distro=debian-12.11", "Debian:12", id="debian"),
        pytest.param("pkg:deb/debian/a@1?distro=debian-trixie%2Fsid", "Debian:trixie/sid", id="sid"),
        pytest.param("pkg:deb/debian/a@1", "Debian", id="debian-of-no-release"),
        pytest.param("pkg:deb/ubuntu/a@1?distro=ubuntu-22.04", "Ubuntu:22.04:LTS", id="ubuntu"),
        pytest.param("pkg:deb/ubuntu/a@1?distro=ubuntu-23.10", "Ubuntu:23.10", id="ubuntu-interim"),
        pytest.param("pkg:apk/alpine/a@1?distro=3.18.4", "Alpine:v3.18", id="alpine"),
        pytest.param("pkg:apk/alpine/a@1?distro=3.22_alpha20250108", "Alpine:edge", id="alpine-edge"),
        pytest.param("pkg:apk/wolfi/a@1?distro=20230201", "Wolfi", id="wolfi"),
        pytest.param("pkg:apk/chainguard/a@1?distro=20230214", "Chainguard", id="chainguard"),
        pytest.param("pkg:rpm/alma/a@1?distro=alma-8.9", "AlmaLinux:8", id="alma"),
        pytest.param("pkg:rpm/rocky/a@1?distro=rocky-9.3", "Rocky Linux:9", id="rocky"),
        pytest.param("pkg:rpm/redhat/a@1?distro=redhat-9.3", "Red Hat:enterprise_linux:9", id="rhel"),
        pytest.param("pkg:rpm/redhat/a@1", "Red Hat", id="rhel-of-no-release"),
        pytest.param("pkg:rpm/suse/a@1?distro=sles-15.5", "SUSE:Linux Enterprise 15 SP5", id="sles"),
        pytest.param("pkg:rpm/sles/a@1?distro=sles-15.5", "SUSE:Linux Enterprise 15 SP5", id="sles-of-syft"),
        pytest.param("pkg:rpm/suse/a@1?distro=sles-15", "SUSE:Linux Enterprise 15", id="sles-first"),
        pytest.param("pkg:rpm/suse/a@1?distro=sles-16.0", "SUSE:Linux Enterprise 16.0", id="sles16"),
        pytest.param(
            "pkg:rpm/suse/a@1?distro=slem-5.5", "SUSE:Linux Enterprise Micro 5.5", id="sle-micro"
        ),
        pytest.param("pkg:rpm/suse/a@1?distro=sl-micro-6.0", "SUSE:Linux Micro 6.0", id="sl-micro"),
        pytest.param(f"pkg:rpm/suse/a@1?distro=sles-{'9' * 30}", f"SUSE:Linux Enterprise {'9' * 30}", id="sles-absurd"),
        pytest.param(
            "pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5", "openSUSE:Leap 15.5", id="leap"
        ),
        pytest.param(
            "pkg:rpm/opensuse/a@1?distro=opensuse-tumbleweed-20240101",
            "openSUSE:Tumbleweed",
            id="tumbleweed",
        ),
        pytest.param(
            "pkg:rpm/centos-stream/a@1?distro=centos-stream-9", "centos-stream:9", id="centos-stream"
        ),
        pytest.param("pkg:rpm/fedora/a@1?distro=fedora-40", "fedora:40", id="fedora"),
        pytest.param("pkg:golang/stdlib@v1.21.0", "Go", id="go"),
        pytest.param("pkg:cargo/a@1", "crates.io", id="cargo"),
        pytest.param("pkg:gem/a@1", "RubyGems", id="gem"),
        pytest.param("pkg:nuget/a@1", "NuGet", id="nuget"),
        pytest.param("pkg:composer/a/b@1", "Packagist", id="composer"),
        pytest.param("pkg:conan/zlib@1.3", "conan", id="unknown-type"),
        pytest.param(f"pkg:deb/debian/a@1?distro=debian-{'9' * 99}", f"Debian:{'9' * 57}", id="long"),
    ],
)  # fmt: skip
def test_a_package_url_tells_the_release(purl: str, ecosystem: str) -> None:
    assert ecosystem_of_purl(PackageURL.from_string(purl)) == ecosystem


@pytest.mark.parametrize(
    ("ecosystem", "covering"),
    [
        pytest.param("Debian:12", ("Debian:12",), id="release"),
        pytest.param("Debian", (), id="no-release-is-never-covered"),
        pytest.param("Red Hat", (), id="red-hat-without-release"),
        pytest.param("Wolfi", ("Wolfi",), id="rolling"),
        pytest.param("PyPI", ("PyPI",), id="language"),
        pytest.param("conan", ("conan",), id="unknown"),
        pytest.param(
            "Ubuntu:18.04:LTS", ("Ubuntu:18.04:LTS", "Ubuntu:Pro:18.04:LTS"), id="ubuntu-and-pro"
        ),
    ],
)
def test_only_a_known_release_can_be_covered(ecosystem: str, covering: tuple[str, ...]) -> None:
    assert covering_names(ecosystem) == covering
    assert set(covering) <= set(matched_names(ecosystem))


def test_records_that_name_no_release_concern_all() -> None:
    assert matched_names("Debian:12") == ("Debian:12", "Debian")
    assert "SUSE:Linux Enterprise 12" in matched_names("SUSE:Linux Enterprise 12 SP5")


@pytest.mark.parametrize(
    ("key", "matched"),
    [
        ("Red Hat:enterprise_linux:9", True),
        ("Red Hat:openshift:4.12::el8", False),
        ("SUSE:Linux Enterprise 15 SP5", True),
        ("SUSE:Manager Server 4.3", False),
        ("SUSE:Linux Micro 6.0", True),
        ("Ubuntu:Pro:18.04:LTS", True),
        ("Ubuntu:Pro:FIPS:20.04:LTS", False),
        ("PyPI", True),
        ("Android", False),
    ],
)
def test_layered_products_meet_no_package(key: str, *, matched: bool) -> None:
    assert is_matched(key) is matched


@pytest.mark.parametrize(
    ("purl", "shown", "name"),
    [
        pytest.param("pkg:npm/JSONStream@1.3.5", "JSONStream", "JSONStream", id="npm-keeps-case"),
        pytest.param("pkg:npm/%40babel/core@7", "@babel/core", "@babel/core", id="npm-scope"),
        pytest.param("pkg:npm/%40babel/core@7", "core", "@babel/core", id="npm-scope-not-shown"),
        pytest.param("pkg:npm/a@1", "other", "a", id="another-name-counts-for-nothing"),
        pytest.param("pkg:maven/g/a@1", "a", "g:a", id="maven"),
        pytest.param("pkg:golang/github.com/a/b@v1", "", "github.com/a/b", id="go"),
        pytest.param("pkg:golang/stdlib@v1", "stdlib", "stdlib", id="go-itself"),
        pytest.param(
            "pkg:composer/symfony/http-kernel@5", "", "symfony/http-kernel", id="composer"
        ),
    ],
)
def test_a_name_is_written_as_advisories_write_it(purl: str, shown: str, name: str) -> None:
    assert name_of_purl(PackageURL.from_string(purl), shown) == name


@pytest.mark.parametrize(
    ("ecosystem", "name", "normalized"),
    [
        ("Go", "github.com/BurntSushi/toml", "github.com/burntsushi/toml"),
        ("NuGet", "Newtonsoft.Json", "newtonsoft.json"),
        ("Packagist", "Symfony/HTTP-Kernel", "symfony/http-kernel"),
        ("RubyGems", "RedCloth", "RedCloth"),
        ("Rocky Linux:9", "NetworkManager", "NetworkManager"),
    ],
)
def test_case_counts_where_it_tells_packages_apart(
    ecosystem: str, name: str, normalized: str
) -> None:
    assert normalize_name(ecosystem, name) == normalized


@pytest.mark.parametrize(
    ("ecosystem", "version", "stream"),
    [
        pytest.param("Red Hat:enterprise_linux:9", "1:3.0.1-46.el9_0", "Red Hat:rhel_eus:9.0", id="minor"),
        pytest.param("Red Hat:enterprise_linux:9", "8.7p1-30.el9_2.4", "Red Hat:rhel_eus:9.2", id="respun"),
        pytest.param("Red Hat:enterprise_linux:8", "2-1.module+el8.6.0+1+a", "", id="module"),
        pytest.param("Red Hat:enterprise_linux:9", "8.7p1-38.el9", "", id="major"),
        pytest.param("Red Hat:enterprise_linux:9", "1.el9_0-2", "", id="not-in-the-release"),
        pytest.param("AlmaLinux:9", "1:3.0.1-46.el9_0", "", id="another-distribution"),
    ],
)  # fmt: skip
def test_the_extended_updates_that_a_build_may_come_from(
    ecosystem: str, version: str, stream: str
) -> None:
    assert extended_updates(ecosystem, version) == stream
