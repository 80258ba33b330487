"""What Trivy's database holds of OSV records, in schema version 2 of aquasecurity/trivy-db.

Where Trivy's own builder reads another source than OSV (trackers, OVAL, CVRF), the records are put
into the form that it makes of that one.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from osv_records import (
    Record,
    cves_of,
    module_of,
    release_of,
    score_of,
    spans_of,
    system_of,
)

from tidegate.advisories.versions import IncomparableVersionError, highest, parse_version

Entry = tuple[list[str], str, Any]
"""Buckets, key and value."""

Joined = dict[tuple[str, str, str], dict[str, Any]]
"""Values by bucket, package and vulnerability."""

LANGUAGES = {
    "Go": "go",
    "Maven": "maven",
    "NuGet": "nuget",
    "Packagist": "composer",
    "PyPI": "pip",
    "RubyGems": "rubygems",
    "crates.io": "cargo",
    "npm": "npm",
}
_TITLES = {
    "Maven": "Maven", "Go": "Go", "NuGet": "Nuget", "Packagist": "Composer", "PyPI": "Pip",
    "RubyGems": "RubyGems", "crates.io": "Rust", "npm": "Npm",
}  # fmt: skip
SYSTEMS = {
    "AlmaLinux": ("alma {}", "alma", "AlmaLinux Product Errata"),
    "Alpine": ("alpine {}", "alpine", "Alpine Secdb"),
    "Chainguard": ("chainguard", "chainguard", "Chainguard Security Data"),
    "Debian": ("debian {}", "debian", "Debian Security Tracker"),
    "Rocky Linux": ("rocky {}", "rocky", "Rocky Linux updateinfo"),
    "SUSE": ("SUSE Linux Enterprise {}", "suse-cvrf", "SUSE CVRF"),
    "Ubuntu": ("ubuntu {}", "ubuntu", "Ubuntu CVE Tracker"),
    "Wolfi": ("wolfi", "wolfi", "Wolfi Secdb"),
    "openSUSE": ("openSUSE Leap {}", "suse-cvrf", "SUSE CVRF"),
}
"""Bucket, and the data source that Trivy names."""

_REPOSITORIES = {
    f"rhel-{major}-for-x86_64-{repository}-rpms": f"enterprise_linux:{major}::{repository}"
    for major in (8, 9, 10)
    for repository in ("baseos", "appstream")
}
"""What Trivy takes an image of Red Hat's for that does not name its repositories."""


def entries_of(records: Iterable[Record]) -> Iterator[Entry]:
    """Yield all entries; what several records say of one package and vulnerability is joined."""
    joined: Joined = {}
    products = sorted(_REPOSITORIES.values())
    for record in records:
        if not record.get("withdrawn"):
            for identifier in {record["id"], *cves_of(record)}:
                yield ["vulnerability"], identifier, _detail(record)
            for affected in record["affected"]:
                yield from _of_package(record, affected, joined, products)
    for (bucket, name, identifier), value in joined.items():
        yield [bucket, name], identifier, value
    for index, product in enumerate(products):
        yield ["Red Hat CPE", "cpe"], str(index), f"cpe:/o:redhat:{product}"
    for repository, product in _REPOSITORIES.items():
        yield ["Red Hat CPE", "repository"], repository, [products.index(product)]


def _of_package(
    record: Record, affected: Record, joined: Joined, products: list[str]
) -> list[Entry]:
    """Add what a record says of one package; return where it comes from."""
    system, _ = system_of(affected)
    if system in LANGUAGES:
        return _of_language(record, affected, joined)
    if system == "Red Hat":
        return _of_red_hat(record, affected, joined, products)
    return _of_system(record, affected, joined) if system in SYSTEMS else []


def _detail(record: Record) -> dict[str, Any]:
    vector, score, level = score_of(record)
    detail: dict[str, Any] = {
        "Title": record.get("summary", ""),
        "CweIDs": record.get("database_specific", {}).get("cwe_ids", []),
        "References": [reference["url"] for reference in record.get("references", [])],
    }
    if level:
        detail["VendorSeverity"] = {"nvd": level}
    if vector:
        detail["CVSS"] = {"nvd": {"V3Vector": vector, "V3Score": score}}
    return detail


def _source(bucket: str, identifier: str, name: str, url: str = "https://osv.dev") -> list[Entry]:
    return [(["data-source"], bucket, {"ID": identifier, "Name": name, "URL": url})]


def _of_language(record: Record, affected: Record, joined: Joined) -> list[Entry]:
    system, _ = system_of(affected)
    prefix = LANGUAGES[system]
    if system == "Go":
        title, source = "The Go Vulnerability Database", "govulndb"
    else:
        title, source = f"GitHub Security Advisory {_TITLES[system]}", "ghsa"
    bucket = f"{prefix}::{title}"
    vulnerable, patched = [], []
    for start, fixed, last in spans_of(affected):
        end = f"<{fixed}" if fixed else f"<={last}" if last else ""
        # Zero is left out as trivy-db does: Go's versions of commits, `0.0.0-…`, sort before it.
        begin = f">={start}" if start != "0" or not end else ""
        vulnerable.append(", ".join(filter(None, (begin, end))))
        patched += [fixed] if fixed else []
    listed = affected.get("versions") or ()
    vulnerable += [f"={version}" for version in listed if not _is_within(system, affected, version)]
    name = _normalized(system, affected["package"]["name"])
    for identifier in cves_of(record):
        value = joined.setdefault(
            (bucket, name, identifier),
            {"VulnerableVersions": [], "PatchedVersions": [], "VendorIDs": []},
        )
        value["VulnerableVersions"] += vulnerable
        value["PatchedVersions"] += patched
        ids = (record["id"], *record.get("aliases", []))
        value["VendorIDs"] += [i for i in ids if i.startswith("GHSA-")]
    return _source(bucket, source, title, "https://github.com/advisories")


def _is_within(system: str, affected: Record, version: str) -> bool:
    """Whether a range holds a listed version; trivy-db leaves those out."""
    try:
        own = parse_version(system, version)
        return any(
            (start == "0" or own >= parse_version(system, start))
            and (not fixed or own < parse_version(system, fixed))
            and (not last or own <= parse_version(system, last))
            for start, fixed, last in spans_of(affected)
        )
    except IncomparableVersionError:
        return False


def _normalized(system: str, name: str) -> str:
    """Return a package's name as trivy-db keys it (`NormalizePkgName`)."""
    if system == "Go":
        return name
    return name.lower().replace("_", "-") if system == "PyPI" else name.lower()


def _of_system(record: Record, affected: Record, joined: Joined) -> list[Entry]:
    system, release = system_of(affected)
    pattern, source, title = SYSTEMS[system]
    bucket = pattern.format(release_of(system, release))
    by_update = source == "suse-cvrf"  # Trivy names SUSE's updates, not what they fix
    for identifier in [record["id"]] if by_update else cves_of(record):
        for _, fixed, _ in spans_of(affected):
            module = module_of(record, fixed)
            name = f"{module}::{affected['package']['name']}" if module else ""
            key = (bucket, name or affected["package"]["name"], identifier)
            known = joined.setdefault(key, {})
            _raise_fix(known, fixed, system)
    return _source(bucket, source, title)


def _raise_fix(known: dict[str, Any], fixed: str, system: str) -> None:
    """Keep the highest fix: one package and vulnerability has one in this database."""
    versions = [v for v in (known.get("FixedVersion", ""), fixed) if v]
    if versions:
        known["FixedVersion"] = highest(system, versions)


def _of_red_hat(
    record: Record, affected: Record, joined: Joined, products: list[str]
) -> list[Entry]:
    _, product = system_of(affected)
    if product not in products:
        products.append(product)
    for _, fixed, _ in spans_of(affected):
        module = module_of(record, fixed)
        name = affected["package"]["name"]
        key = ("Red Hat", f"{module}::{name}" if module else name, record["id"])
        entry = {
            "FixedVersion": fixed,
            "Cves": [{"ID": cve} for cve in cves_of(record)],
            "Affected": [products.index(product)],
        }
        joined.setdefault(key, {"Entries": []})["Entries"].append(entry)
    return _source("Red Hat", "redhat", "Red Hat OVAL v2")
