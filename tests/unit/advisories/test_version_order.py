"""How each ecosystem orders versions: the cases that its own documentation or tool decides."""

from itertools import pairwise

import pytest

from tidegate.advisories.versions import IncomparableVersionError, parse_version

SEMVER = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0"

ASCENDING = [
    # semver.org, clause 11
    pytest.param("npm", SEMVER, id="npm-spec"),
    pytest.param("crates.io", SEMVER, id="crates-spec"),
    pytest.param("Go", SEMVER, id="go-spec"),
    pytest.param("npm", "1.9.0 1.10.0 1.11.0 2.0.0-0 2.0.0", id="npm-numbers"),
    pytest.param("crates.io", "0.0.1-2 0.0.1-10 0.0.1-10a 0.0.1-A 0.0.1-a 0.0.1", id="crates-ascii"),
    # go.dev/ref/mod, "Pseudo-versions": before the release that follows, after the one before
    pytest.param(
        "Go",
        "v0.0.0-20180830191138-d8f796af33cc v0.0.0-20200101000000-aaaaaaaaaaaa v0.0.1",
        id="go-pseudo-without-a-tag",
    ),
    pytest.param(
        "Go",
        "v1.1.1 v1.1.2-0.20180830191138-d8f796af33cc v1.1.2",
        id="go-pseudo-after-a-release",
    ),
    pytest.param(
        "Go",
        "v1.2.0-rc.1 v1.2.0-rc.1.0.20200101000000-aaaaaaaaaaaa v1.2.0",
        id="go-pseudo-after-a-candidate",
    ),
    pytest.param("Go", "1.20.14 1.21.0-0 go1.21beta1 go1.21rc2 go1.21rc10 go1.21 1.21.1", id="go-itself"),
    pytest.param(
        "Go",
        "v1.0.0-rc10 v1.0.0-rc8 v1.0.0-rc8.0.20190930145003-cad42f6e0932 v1.0.0-rc9 v1.0.0-rc92",
        id="go-module-candidates-are-words",
    ),
    pytest.param("Go", "v2.0.0+incompatible v3.0.0", id="go-incompatible"),
    # learn.microsoft.com/nuget/concepts/package-versioning
    pytest.param("NuGet", "1.0.1-alpha.2 1.0.1-alpha.10 1.0.1-open 1.0.1-rc 1.0.1-zzz 1.0.1", id="nuget-labels"),
    pytest.param("NuGet", "1.0.0 1.0.0.1 1.0.0.2-beta 1.0.0.2 1.0.1", id="nuget-fourth-part"),
    # apk-tools, test/version.data, in our own cases
    pytest.param("Alpine", "1.2 1.2.0 1.2.1 1.2.10", id="apk-numbers"),
    pytest.param("Alpine", "1.0_alpha 1.0_alpha2 1.0_beta 1.0_pre 1.0_rc1 1.0", id="apk-before"),
    pytest.param("Alpine", "1.0 1.0_cvs 1.0_svn 1.0_git20230717 1.0_hg 1.0_p1 1.0_p2", id="apk-after"),
    pytest.param("Alpine", "1.1.1 1.1.1a 1.1.1b 1.1.1w", id="apk-letters"),
    pytest.param("Alpine", "3.1.4-r0 3.1.4-r1 3.1.4-r9 3.1.4-r10 3.1.5-r0", id="apk-revisions"),
    pytest.param("Alpine", "1.2.4_git20230717-r4 1.2.4_git20230717-r5 1.2.5-r0", id="apk-snapshot"),
    pytest.param("Alpine", "1.0.01 1.0.02 1.0.1 1.0.10", id="apk-leading-zero"),
    pytest.param("Wolfi", "3.1.4-r0 3.1.4-r5 3.2.0-r0", id="wolfi"),
    pytest.param("Chainguard", "8.0.0_rc1-r0 8.0.0-r0", id="chainguard"),
    # rpm.org, "rpm-version(7)", and rpm's tests/rpmvercmp.at, in our own cases
    pytest.param("Red Hat", "0:1.0~rc1-1 0:1.0~rc2-1 0:1.0-1 0:1.0^git1-1 0:1.0^git1.1-1 0:1.0.1-1 1:0.5-1", id="rpm-signs"),
    pytest.param("Red Hat", "8.7p1-8.el9 8.7p1-38.el9 8.7p1-38.el9_4.1 8.7p1-38.el9_4.4", id="rpm-revisions"),
    pytest.param("Rocky Linux", "1.a 1.b 1.1 1.2 1.10", id="rpm-letters-before-numbers"),
    pytest.param("AlmaLinux", "5.14.0-362.8.1.el9_3 5.14.0-362.18.1.el9_3 5.14.0-427.el9", id="rpm-kernel"),
    pytest.param("SUSE", "3.0.8-150500.3.1 3.0.8-150500.5.27.1 3.1.4-150600.2.19", id="rpm-suse"),
    pytest.param("openSUSE", "1.9 1.10 1.10a 1.10.1", id="rpm-opensuse"),
    # Debian policy 5.6.12, deb-version(7)
    pytest.param("Debian", "1.0~~ 1.0~~a 1.0~ 1.0 1.0-1 1.0a 1.0+b1 1.0.1-1 1:0.1-1", id="deb-signs"),
    pytest.param(
        "Ubuntu",
        "3.0.2-0ubuntu1 3.0.2-0ubuntu1.9 3.0.2-0ubuntu1.10 3.0.2-0ubuntu1.10+esm1 3.0.2-1",
        id="deb-ubuntu",
    ),
    # guides.rubygems.org, "Pre-release gems"; Gem::Version
    pytest.param("RubyGems", "0.9 1.0.a.2 1.0.a10 1.0.b1 1.0 1.0.1 1.0.10", id="gem"),
    pytest.param("RubyGems", "6.1.7 6.1.7.1 7.0.0.rc1 7.0.0", id="gem-rails"),
    # getcomposer.org/doc/articles/versions.md; PHP's version_compare
    pytest.param(
        "Packagist",
        "1.0.0-dev 1.0.0-alpha1 1.0.0-alpha2 1.0.0-beta1 1.0.0-RC1 1.0.0 1.0.0-patch1 1.0.0.1 1.0.1",
        id="composer-stages",
    ),
    pytest.param("Packagist", "v5.4.9 v5.4.10 5.4.20 6.0.0-BETA1 6.0.0", id="composer-symfony"),
    pytest.param("Packagist", "1.9.9 1.x-dev 2.0.0", id="composer-branch-alias"),
    # PEP 440
    pytest.param("PyPI", "1.0.dev1 1.0a1.dev1 1.0a1 1.0b1 1.0rc1 1.0 1.0+local 1.0.post1 1.1 1!0.1", id="pypi"),
    # Maven's ComparableVersion
    pytest.param("Maven", "1-alpha1 1-beta1 1-milestone1 1-rc1 1-SNAPSHOT 1 1-sp1 1-1 1.1", id="maven"),
    pytest.param("Maven", "5.2.0.M1 5.2.0.RC1 5.2.0.RELEASE 5.2.1.RELEASE", id="maven-spring"),
]  # fmt: skip


@pytest.mark.parametrize(("ecosystem", "versions"), ASCENDING)
def test_versions_ascend(ecosystem: str, versions: str) -> None:
    parsed = [parse_version(ecosystem, text) for text in versions.split()]
    for lower, higher in pairwise(parsed):
        assert lower < higher
        assert not higher < lower
        assert lower != higher


@pytest.mark.parametrize(
    ("ecosystem", "one", "other"),
    [
        pytest.param("npm", "1.2.3+build.1", "1.2.3+build.2", id="npm-build-says-nothing"),
        pytest.param("npm", "v1.2.3", "=1.2.3", id="npm-prefixes"),
        pytest.param("npm", "1.2.3beta", "1.2.3-beta", id="npm-loose"),
        pytest.param("crates.io", "1.0", "1.0.0", id="crates-short-event"),
        pytest.param("Go", "v2.0.0+incompatible", "2.0.0", id="go-incompatible"),
        pytest.param("Go", "go1.20", "1.20.0", id="go-first-release"),
        pytest.param("Go", "go1.21rc2", "1.21.0-rc.2", id="go-candidate"),
        pytest.param("NuGet", "1.0", "1.0.0.0", id="nuget-zeros"),
        pytest.param("NuGet", "1.00.0-Beta+meta", "1.0.0-beta", id="nuget-case"),
        pytest.param("Packagist", "v1.0", "1.0.0.0", id="composer-zeros"),
        pytest.param("Packagist", "1.0.0-b2", "1.0.0beta2", id="composer-short-stage"),
        pytest.param("Packagist", "1.0.0-stable+sha.1", "1.0.0", id="composer-stable"),
        pytest.param("RubyGems", "1.0", "1.0.0", id="gem-zeros"),
        pytest.param("RubyGems", "1.0.a2", "1.0.a.2", id="gem-stage"),
        pytest.param("Red Hat", "1.0.0-1", "0:1.0.0-1", id="rpm-epoch-zero"),
        pytest.param("Red Hat", "1.05-1", "1.5-1", id="rpm-leading-zero"),
        pytest.param("Debian", "0:1.0-1", "1.0-1", id="deb-epoch-zero"),
        pytest.param("Debian", "1.0", "1.0-0", id="deb-revision-zero"),
        pytest.param("Debian", "2.05-1", "2.5-1", id="deb-leading-zero"),
        pytest.param("Ubuntu", "1.0a", "1.0a0", id="deb-absent-number"),
        pytest.param("Maven", "5.2.0.RELEASE", "5.2.0", id="maven-release"),
        pytest.param("Maven", "1.0.Final", "1", id="maven-final"),
        pytest.param("PyPI", "1.0", "1.0.0", id="pypi-zeros"),
        pytest.param("Alpine", "2.0~abcdef-r1", "2.0~abcdef-r1", id="apk-commit"),
    ],
)
def test_versions_that_mean_the_same_are_equal(ecosystem: str, one: str, other: str) -> None:
    assert parse_version(ecosystem, one) == parse_version(ecosystem, other)


@pytest.mark.parametrize(
    ("ecosystem", "text"),
    [
        pytest.param("Go", "(devel)", id="go-own-build"),
        pytest.param("Go", "v1.2.3.4", id="go-four-parts"),
        pytest.param("npm", "latest", id="npm-tag"),
        pytest.param("npm", "file:../a", id="npm-path"),
        pytest.param("crates.io", "1.0.0-", id="crates-empty-label"),
        pytest.param("crates.io", "1.0.0-a..b", id="crates-empty-identifier"),
        pytest.param("NuGet", "1.0.0.0.0", id="nuget-five-parts"),
        pytest.param("NuGet", "[1.0,2.0)", id="nuget-range"),
        pytest.param("Alpine", "3.1.4-0", id="apk-debian-revision"),
        pytest.param("Alpine", "1.0_foo", id="apk-unknown-suffix"),
        pytest.param("Alpine", "", id="apk-empty"),
        pytest.param("Packagist", "dev-main", id="composer-branch"),
        pytest.param("Packagist", "1.x", id="composer-wildcard"),
        pytest.param("RubyGems", "1.0 beta?", id="gem-no-version"),
        pytest.param("Red Hat", "a:1.0-1", id="rpm-epoch-no-number"),
        pytest.param("Debian", "1.0_1", id="deb-underscore"),
        pytest.param("Maven", "${revision}", id="maven-unexpanded"),
        pytest.param("PyPI", "0.1-bulbasaur", id="pypi-legacy"),
        pytest.param("npm", "9" * 300, id="overlong"),
    ],
)
def test_what_is_no_version_there_is_refused(ecosystem: str, text: str) -> None:
    with pytest.raises(IncomparableVersionError, match=f"is no {ecosystem} version"):
        parse_version(ecosystem, text)
