"""OSV records in the forms of anchore/vunnel, from which Grype's own code builds its database.

Distributions go the way of vunnel's `os` schema, languages that of GitHub's advisories. The Go
database and AlmaLinux's updates go as they are: Grype has a reader of its own for these two.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from osv_records import (
    LEVELS,
    Record,
    cves_of,
    module_of,
    release_of,
    score_of,
    spans_of,
    system_of,
)

UPDATED = "2026-11-01T00:00:00Z"
LANGUAGES = {
    "Maven": "java",
    "NuGet": "dotnet",
    "Packagist": "composer",
    "PyPI": "python",
    "RubyGems": "ruby",
    "crates.io": "rust",
    "npm": "npm",
}
SYSTEMS = {
    "Alpine": ("alpine", "alpine:{}", "apk"),
    "Chainguard": ("chainguard", "chainguard:rolling", "apk"),
    "Debian": ("debian", "debian:{}", "dpkg"),
    "Red Hat": ("rhel", "rhel:{}", "rpm"),
    "SUSE": ("sles", "sles:{}", "rpm"),
    "Ubuntu": ("ubuntu", "ubuntu:{}", "dpkg"),
    "Wolfi": ("wolfi", "wolfi:rolling", "apk"),
}
"""Provider, namespace and how versions are compared."""

AS_THEY_ARE = {"AlmaLinux": "alma", "Go": "govulndb"}
"""Whose records Grype reads in OSV's form, and the provider that brings them."""

OS_SCHEMA = ("os/schema-1.0.3", 1)
GITHUB_SCHEMA = ("github-security-advisory/schema-1.0.3", 2)
OSV_SCHEMA = ("osv/schema-1.7.3", 1)

Provider = tuple[str, tuple[str, int], dict[str, Any]]
"""Name, schema with its version, and items by identifier."""


def providers_of(records: Iterable[Record]) -> Iterator[Provider]:
    """Yield the providers that have something to say about `records`."""
    known = list(records)
    by_provider: dict[str, dict[str, Any]] = defaultdict(dict)
    for record in known:
        for affected in record["affected"]:
            system, _ = system_of(affected)
            if system in SYSTEMS and not record.get("withdrawn"):
                _add_system(by_provider, record, affected)
    for name, items in by_provider.items():
        yield name, OS_SCHEMA, items
    if github := _joined(filter(None, map(_github, known))):
        yield "github", GITHUB_SCHEMA, github
    for system, name in AS_THEY_ARE.items():
        own = {r["id"]: r for r in known if any(system_of(a)[0] == system for a in r["affected"])}
        if own:
            yield name, OSV_SCHEMA, own


def _joined(items: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return advisories by id; of several records about one, the packages are joined."""
    joined: dict[str, Any] = {}
    for item in items:
        first = joined.setdefault(item["Advisory"]["ghsaId"], item)
        if first is not item:
            first["Advisory"]["FixedIn"] += item["Advisory"]["FixedIn"]
    return joined


def _add_system(by_provider: dict[str, dict[str, Any]], record: Record, affected: Record) -> None:
    system, release = system_of(affected)
    provider, pattern, form = SYSTEMS[system]
    namespace = pattern.format(_release(system, release))
    for cve in cves_of(record):
        item = by_provider[provider].setdefault(f"{namespace}/{cve.lower()}", None)
        if item is None:
            item = _vulnerability(record, cve, namespace)
            by_provider[provider][f"{namespace}/{cve.lower()}"] = item
        for start, fixed, _ in spans_of(affected):
            item["Vulnerability"]["FixedIn"].append(
                {
                    "Name": affected["package"]["name"],
                    "NamespaceName": namespace,
                    "Version": fixed or "None",
                    "VersionFormat": form,
                    "VulnerableRange": f">= {start}, < {fixed}" if start != "0" and fixed else "",
                    "Module": (module_of(record, fixed) or None) if form == "rpm" else None,
                    "VendorAdvisory": {"AdvisorySummary": [], "NoAdvisory": False},
                }
            )


def _release(system: str, release: str) -> str:
    """Return a namespace's release; updates with support of their own are a channel of it."""
    if system == "Red Hat":
        product, number = release.split(":")[:2]
        return number if product == "enterprise_linux" else f"{number}+{product.split('_')[-1]}"
    return release_of(system, release).replace("-ESM", "+esm")


def _vulnerability(record: Record, cve: str, namespace: str) -> dict[str, Any]:
    link = "https://security-tracker.debian.org/tracker/" if namespace[:6] == "debian" else ""
    return {
        "Vulnerability": {
            "Name": cve,
            "NamespaceName": namespace,
            "Description": record.get("summary", ""),
            "Severity": LEVELS[score_of(record)[2]],
            "Link": f"{link or 'https://nvd.nist.gov/vuln/detail/'}{cve}",
            "FixedIn": [],
            "CVSS": [],
            "Metadata": {},
        }
    }


def _github(record: Record) -> dict[str, Any] | None:
    """Return a record about languages' packages as an advisory of GitHub's; None for others."""
    kinds = {system_of(affected)[0] for affected in record["affected"]} & LANGUAGES.keys()
    if not kinds:
        return None
    ids = (record["id"], *record.get("aliases", []))
    ghsa = next((i for i in ids if i.startswith("GHSA-")), record["id"])
    language = LANGUAGES[min(kinds)]
    vector, score, level = score_of(record)
    cves = [i for i in cves_of(record) if i.startswith("CVE-")]
    return {
        "Advisory": {
            "ghsaId": ghsa,
            "CVE": cves,
            "Metadata": {"CVE": cves},
            "namespace": f"github:{language}",
            "Severity": LEVELS[level],
            "Summary": record.get("summary", ""),
            "Classification": "GENERAL",
            "url": f"https://github.com/advisories/{ghsa}",
            "FixedIn": list(_fixes(record)),
            "CVSS": {
                "version": "3.1",
                "vector_string": vector,
                "base_metrics": {"base_score": score, "base_severity": LEVELS[level]},
            }
            if vector
            else None,
            "published": UPDATED,
            "updated": UPDATED,
            "withdrawn": record.get("withdrawn"),
        },
        "Vulnerability": {},
    }


def _fixes(record: Record) -> Iterator[dict[str, str]]:
    for affected in record["affected"]:
        system, _ = system_of(affected)
        if system not in LANGUAGES:
            continue
        language, name = LANGUAGES[system], affected["package"]["name"]
        common = {"name": name, "ecosystem": language, "namespace": f"github:{language}"}
        spans = list(spans_of(affected))
        for start, fixed, last in spans:
            lower = f">= {start}" if start != "0" else ""
            upper = f"< {fixed}" if fixed else f"<= {last}" if last else ""
            yield {**common, "identifier": fixed, "range": " ".join(filter(None, [lower, upper]))}
        for version in () if spans else affected.get("versions", []):
            yield {**common, "identifier": "", "range": f"= {version}"}
