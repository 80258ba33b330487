"""What Grype's database is taken to cover: only what Grype asks it about."""

import json

import pytest

from tidegate.scan.scanners.grype import covered_ecosystems


@pytest.mark.parametrize(
    ("provider", "covered"),
    [
        pytest.param("alma", set(), id="alma-takes-back-only"),
        pytest.param("alpine", {"Alpine"}, id="alpine"),
        pytest.param("chainguard", {"Chainguard"}, id="chainguard"),
        pytest.param("debian", {"Debian"}, id="debian"),
        pytest.param("govulndb", {"Go"}, id="go"),
        pytest.param("nvd", set(), id="cpe-alone"),
        pytest.param("rhel", {"AlmaLinux", "Red Hat", "Rocky Linux"}, id="red-hat-family"),
        pytest.param("sles", {"SUSE"}, id="sles-not-opensuse"),
        pytest.param("ubuntu", {"Ubuntu"}, id="ubuntu"),
        pytest.param("wolfi", {"Wolfi"}, id="wolfi"),
    ],
)
def test_a_provider_covers_what_grype_matches_by_it(provider: str, covered: set[str]) -> None:
    assert covered_ecosystems(_report(provider)) == covered


def test_githubs_advisories_cover_languages() -> None:
    covered = covered_ecosystems(_report("github", "debian"))
    assert {"Debian", "Go", "Maven", "PyPI", "npm"} <= covered
    assert "Ubuntu" not in covered


def _report(*providers: str) -> bytes:
    known = {name: {"captured": "2026-11-01T00:00:00Z"} for name in providers}
    return json.dumps({"descriptor": {"name": "grype", "db": {"providers": known}}}).encode()
