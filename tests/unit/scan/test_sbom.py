import json

import pytest

from tidegate.domain.errors import LimitExceededError, MalformedReportError
from tidegate.domain.finding import Location
from tidegate.scan import sbom
from tidegate.scan.sbom import parse_sbom

DEBIAN = {"type": "operating-system", "name": "debian", "version": "12.11"}


def document(*components: dict[str, object], system: dict[str, str] | None = DEBIAN) -> bytes:
    listed = [*([system] if system else []), *components]
    image = {"properties": [{"name": "aquasecurity:trivy:ImageID", "value": "sha256:aa"}]}
    body = {"bomFormat": "CycloneDX", "metadata": {"component": image}, "components": listed}
    return json.dumps(body).encode()


def library(purl: str, version: str = "1.0", **facts: str) -> dict[str, object]:
    properties = [{"name": f"aquasecurity:trivy:{k}", "value": v} for k, v in facts.items()]
    name = purl.rpartition("/")[2].partition("@")[0]
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": purl,
        "properties": properties,
    }


LOGIN = library(
    "pkg:deb/debian/login@4.13%2Bdfsg1-1%2Bdeb12u2?arch=amd64&distro=debian-12.11&epoch=1",
    "1:4.13+dfsg1-1+deb12u2",
    SrcName="shadow",
    SrcVersion="4.13+dfsg1",
    SrcRelease="1+deb12u2",
    SrcEpoch="1",
    PkgType="debian",
    LayerDigest="sha256:l1",
)
BSDUTILS = library(
    "pkg:deb/debian/bsdutils@2.38.1-5?arch=amd64&distro=debian-12.11&epoch=1",
    "1:2.38.1-5",
    SrcName="util-linux",
    SrcVersion="2.38.1",
    SrcRelease="5",
)
NATIVE = library(
    "pkg:deb/debian/base-files@12.4?distro=debian-12.11",
    "12.4",
    SrcName="base-files",
    SrcVersion="12.4",
)
NO_SOURCE = library("pkg:deb/debian/odd@1.0-1?distro=debian-12.11", "1.0-1")


@pytest.mark.parametrize(
    ("component", "ecosystem", "name", "version"),
    [
        pytest.param(LOGIN, "Debian:12", "shadow", "1:4.13+dfsg1-1+deb12u2", id="source-epoch"),
        pytest.param(BSDUTILS, "Debian:12", "util-linux", "2.38.1-5", id="binary-epoch-only"),
        pytest.param(NATIVE, "Debian:12", "base-files", "12.4", id="native-without-revision"),
        pytest.param(NO_SOURCE, "Debian:12", "odd", "1.0-1", id="no-source-named"),
        pytest.param(library("pkg:pypi/django@3.2", "3.2"), "PyPI", "django", "3.2", id="pypi"),
        pytest.param(library("pkg:npm/lodash@4.17.15"), "npm", "lodash", "1.0", id="npm"),
        pytest.param(
            library("pkg:npm/%40babel/core@7.0.0"), "npm", "@babel/core", "1.0", id="npm-scope"
        ),
        pytest.param(
            library("pkg:maven/com.google.code.gson/gson@2.8.6"),
            "Maven",
            "com.google.code.gson:gson",
            "1.0",
            id="maven",
        ),
        pytest.param(
            library("pkg:golang/github.com/a/b@v1.0.0"), "Go", "github.com/a/b", "1.0", id="go"
        ),
        pytest.param(
            library(
                "pkg:apk/alpine/libcrypto3@3.1.4-r0?distro=3.18.4",
                "3.1.4-r0",
                SrcName="openssl",
                SrcVersion="3.1.4-r0",
            ),
            "Alpine:v3.18",
            "openssl",
            "3.1.4-r0",
            id="alpine-by-origin",
        ),
        pytest.param(
            library(
                "pkg:rpm/rocky/openssl-libs@3.0.7-24.el9?distro=rocky-9.3&epoch=1",
                "1:3.0.7-24.el9",
                SrcName="openssl",
                SrcVersion="3.0.7",
                SrcRelease="24.el9",
                SrcEpoch="1",
            ),
            "Rocky Linux:9",
            "openssl",
            "1:3.0.7-24.el9",
            id="rocky-by-source",
        ),
        pytest.param(
            library(
                "pkg:rpm/alma/openssl-libs@3.0.7-24.el9?distro=alma-9.3&epoch=1",
                "1:3.0.7-24.el9",
                SrcName="openssl",
                SrcVersion="3.0.7",
            ),
            "AlmaLinux:9",
            "openssl-libs",
            "1:3.0.7-24.el9",
            id="alma-by-binary",
        ),
        pytest.param(
            library("pkg:deb/ubuntu/bash@5.1?distro=ubuntu-22.04"),
            "Ubuntu:22.04:LTS",
            "bash",
            "1.0",
            id="ubuntu",
        ),
        pytest.param(
            library("pkg:deb/debian/bash@5.1"), "Debian", "bash", "1.0", id="debian-of-no-release"
        ),
        pytest.param(library("pkg:conan/zlib@1.3"), "conan", "zlib", "1.0", id="unknown-type"),
    ],
)
def test_a_component_is_compared_as_its_ecosystem_does(
    component: dict[str, object], ecosystem: str, name: str, version: str
) -> None:
    (package,) = parse_sbom(document(component)).packages
    assert (package.ecosystem, package.compared_name, package.compared_version) == (
        ecosystem,
        name,
        version,
    )


def test_the_image_id_is_what_the_scanner_looked_at() -> None:
    assert parse_sbom(document()).image_id == "sha256:aa"


def test_one_package_in_several_places_is_one_package_located_in_layer_order() -> None:
    def seen(path: str, layer: str) -> dict[str, object]:
        return library("pkg:npm/a@1.0", FilePath=path, LayerDigest=layer)

    parsed = parse_sbom(
        document(seen("z", "sha256:l2"), seen("a", "sha256:l2"), seen("m", "sha256:l1")),
        layers=["sha256:l1", "sha256:l2"],
    )
    assert parsed.packages[0].locations == (
        Location("m", "sha256:l1"),
        Location("a", "sha256:l2"),
        Location("z", "sha256:l2"),
    )


def test_packages_of_the_system_lie_in_its_database() -> None:
    assert parse_sbom(document(LOGIN)).packages[0].locations == (
        Location("var/lib/dpkg", "sha256:l1"),
    )


@pytest.mark.parametrize(
    ("component", "said"),
    [
        pytest.param(
            {"type": "library", "name": "login", "version": "1"},
            "1 components without a package URL: login 1",
            id="no-purl",
        ),
        pytest.param(
            library("pkg:"), "1 components whose package URL cannot be read", id="bad-purl"
        ),
        pytest.param(
            library("pkg:npm/a", ""), "1 components without a version: a", id="no-version"
        ),
        pytest.param(
            library("pkg:npm/a@1", "1" * 300),
            "1 components with overlong names or versions",
            id="overlong",
        ),
    ],
)
def test_what_is_not_understood_is_named_never_dropped(
    component: dict[str, object], said: str
) -> None:
    parsed = parse_sbom(document(component))
    assert parsed.packages == ()
    assert parsed.not_understood[0].startswith(said)


@pytest.mark.parametrize(
    "system",
    [
        pytest.param(None, id="none"),
        pytest.param({"type": "operating-system", "name": "none"}, id="called-none"),
        pytest.param({"type": "operating-system", "name": ""}, id="without-name"),
    ],
)
def test_an_image_without_a_known_system_is_never_complete(system: dict[str, str] | None) -> None:
    parsed = parse_sbom(document(library("pkg:npm/a@1.0"), system=system))
    assert parsed.not_understood == (
        "no operating system was recognised, so its packages were not judged",
    )


def test_java_archives_that_gave_no_component_are_named() -> None:
    parsed = parse_sbom(
        document(
            library("pkg:maven/a/a@1", FilePath="opt/known.jar"),
            library("pkg:maven/b/b@1", FilePath="opt/fat.WAR/WEB-INF/lib/b.jar"),
        ),
        archives=["opt/known.jar", "opt/fat.WAR", "opt/hash-only.jar"],
    )
    assert parsed.not_understood == (
        "1 Java archives without Maven coordinates: opt/hash-only.jar",
    )


def test_long_lists_of_names_are_counted() -> None:
    unknown = [{"type": "library", "name": f"p{n}", "version": "1"} for n in range(12)]
    (sentence,) = parse_sbom(document(*unknown)).not_understood
    assert sentence.startswith("12 components without a package URL: p0 1, ")
    assert sentence.endswith("p9 1 and 2 more")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        pytest.param(b"", MalformedReportError, id="empty"),
        pytest.param(b"\xff", MalformedReportError, id="no-text"),
        pytest.param(b'{"bomFormat": "SPDX"}', MalformedReportError, id="other-format"),
        pytest.param(b'{"components": []}', MalformedReportError, id="no-format"),
        pytest.param(
            b'{"bomFormat": "CycloneDX", "components": {}}', MalformedReportError, id="no-list"
        ),
        pytest.param(
            b'{"bomFormat": "CycloneDX", "x": ' + b"[" * 100_000, LimitExceededError, id="t03-deep"
        ),
    ],
)
def test_t19_a_hostile_document_is_refused(body: bytes, wanted: type[Exception]) -> None:
    with pytest.raises(wanted):
        parse_sbom(body)


def test_t03_more_components_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sbom, "MAX_COMPONENTS", 1)
    with pytest.raises(LimitExceededError, match="2 components, want at most 1"):
        parse_sbom(document(LOGIN))
