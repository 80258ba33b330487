"""Makes small databases for Trivy and Grype from OSV records: `databases.py OSV_DIR OUT PROGRAMS`.

`OUT/trivy` becomes a cache folder for Trivy, `OUT/grype` one for Grype. Both tools fetch theirs
from the internet; with these the real programs run without it, and find what the demo knows.
`PROGRAMS` holds the built `trivydb` and `grypedb`.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cvss import CVSS3

UPDATED = "2026-11-01T00:00:00Z"
TRIVY_LANGUAGES = {
    "PyPI": ("pip", "GitHub Security Advisory Pip"),
    "npm": ("npm", "GitHub Security Advisory Npm"),
    "Maven": ("maven", "GitHub Security Advisory Maven"),
}
GRYPE_LANGUAGES = {"PyPI": "python", "npm": "npm", "Maven": "java"}
LEVELS = ("Unknown", "Low", "Medium", "High", "Critical")
Entry = tuple[list[str], str, Any]


def main(osv: Path, out: Path, programs: Path) -> None:
    """Write both databases."""
    records = [r for file in sorted(osv.glob("*.json")) for r in json.loads(file.read_bytes())]
    trivy = out / "trivy" / "db"
    trivy.mkdir(parents=True)
    entries = json.dumps([entry for record in records for entry in trivy_entries(record)]).encode()
    subprocess.run([programs / "trivydb", trivy / "trivy.db"], input=entries, check=True)  # noqa: S603
    times = {"UpdatedAt": UPDATED, "DownloadedAt": UPDATED, "NextUpdate": "2099-01-01T00:00:00Z"}
    (trivy / "metadata.json").write_text(json.dumps({"Version": 2, **times}))
    providers = out / "providers"
    folders = [
        write_provider(providers / "debian", dict(debian_results(records)), "os/schema-1.0.3", 1),
        write_provider(
            providers / "github",
            dict(github_results(records)),
            "github-security-advisory/schema-1.0.3",
            2,
        ),
    ]
    grype = out / "grype" / "6"
    grype.mkdir(parents=True)
    subprocess.run([programs / "grypedb", grype, *folders], check=True)  # noqa: S603


def score_of(record: dict[str, Any]) -> tuple[str, float, int]:
    """Return CVSS vector, score and level; an empty vector where the record has none."""
    for severity in record.get("severity", []):
        if severity["type"] == "CVSS_V3":
            score = float(CVSS3(severity["score"]).base_score)
            level = 4 if score >= 9 else 3 if score >= 7 else 2 if score >= 4 else 1
            return severity["score"], score, level
    return "", 0.0, 0


def spans_of(affected: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each range as (from, fixed); an empty end where nothing is fixed."""
    for ranges in affected.get("ranges", []):
        start = ""
        for event in ranges["events"]:
            if "introduced" in event:
                start = event["introduced"]
            elif "fixed" in event:
                yield start, event["fixed"]
                start = ""
        if start:
            yield start, ""


def trivy_entries(record: dict[str, Any]) -> Iterator[Entry]:
    """Yield what Trivy's database holds of one record."""
    vector, score, level = score_of(record)
    detail: dict[str, Any] = {
        "Title": record.get("summary", ""),
        "CweIDs": record.get("database_specific", {}).get("cwe_ids", []),
        "References": [reference["url"] for reference in record.get("references", [])],
    }
    if vector:
        detail["VendorSeverity"] = {"nvd": level}
        detail["CVSS"] = {"nvd": {"V3Vector": vector, "V3Score": score}}
    yield ["vulnerability"], record["id"], detail
    for affected in record["affected"]:
        system, _, release = affected["package"]["ecosystem"].partition(":")
        name, spans = affected["package"]["name"], list(spans_of(affected))
        if system == "Debian":
            platform = f"debian {release}"
            source = {
                "ID": "debian",
                "Name": "Debian Security Tracker",
                "URL": "https://www.debian.org/security",
            }
            yield ["data-source"], platform, source
            fixes = [fixed for _, fixed in spans if fixed]
            yield [platform, name], record["id"], {"FixedVersion": fixes[0]} if fixes else {}
        elif system in TRIVY_LANGUAGES:
            prefix, title = TRIVY_LANGUAGES[system]
            platform = f"{prefix}::{title}"
            yield (
                ["data-source"],
                platform,
                {"ID": "ghsa", "Name": title, "URL": "https://github.com/advisories"},
            )
            vulnerable = [f">={start}" + (f", <{fixed}" if fixed else "") for start, fixed in spans]
            advisory = {
                "VulnerableVersions": vulnerable,
                "PatchedVersions": [fixed for _, fixed in spans if fixed],
                "VendorIDs": [i for i in record.get("aliases", []) if i.startswith("GHSA-")],
            }
            yield [platform, name], record["id"], advisory


def debian_results(records: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield a result for each record and release of Debian."""
    for record in records:
        releases = defaultdict(list)
        for affected in record["affected"]:
            system, _, release = affected["package"]["ecosystem"].partition(":")
            if system == "Debian":
                releases[release].append(affected)
        for release, entries in releases.items():
            namespace = f"debian:{release}"
            fixed_in = [
                {
                    "Name": affected["package"]["name"],
                    "NamespaceName": namespace,
                    "Version": next((fixed for _, fixed in spans_of(affected) if fixed), "None"),
                    "VersionFormat": "dpkg",
                    "VendorAdvisory": {"AdvisorySummary": [], "NoAdvisory": False},
                }
                for affected in entries
            ]
            yield (
                f"debian-{release}/{record['id'].lower()}",
                {
                    "Vulnerability": {
                        "Name": record["id"],
                        "NamespaceName": namespace,
                        "Description": record.get("summary", ""),
                        "Severity": LEVELS[score_of(record)[2]],
                        "Link": f"https://security-tracker.debian.org/tracker/{record['id']}",
                        "FixedIn": fixed_in,
                        "CVSS": [],
                        "Metadata": {},
                    }
                },
            )


def github_results(records: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield a result for each record about a language's package that has a GitHub id."""
    for record in records:
        ghsa = next((i for i in record.get("aliases", []) if i.startswith("GHSA-")), "")
        kinds = {a["package"]["ecosystem"] for a in record["affected"]} & GRYPE_LANGUAGES.keys()
        if not ghsa or not kinds:
            continue
        language = GRYPE_LANGUAGES[min(kinds)]
        namespace = f"github:{language}"
        vector, score, level = score_of(record)
        fixed_in = [
            {
                "name": affected["package"]["name"],
                "identifier": fixed,
                "ecosystem": language,
                "namespace": namespace,
                "range": " ".join(
                    filter(
                        None, [f">= {start}" if start != "0" else "", f"< {fixed}" if fixed else ""]
                    )
                ),
            }
            for affected in record["affected"]
            for start, fixed in spans_of(affected)
        ]
        yield (
            f"github@{language}/{ghsa.lower()}",
            {
                "Advisory": {
                    "ghsaId": ghsa,
                    "CVE": [record["id"]],
                    "Metadata": {"CVE": [record["id"]]},
                    "namespace": namespace,
                    "Severity": LEVELS[level],
                    "Summary": record.get("summary", ""),
                    "Classification": "GENERAL",
                    "url": f"https://github.com/advisories/{ghsa}",
                    "FixedIn": fixed_in,
                    "CVSS": {
                        "version": "3.1",
                        "vector_string": vector,
                        "base_metrics": {"base_score": score, "base_severity": LEVELS[level]},
                    },
                    "published": UPDATED,
                    "updated": UPDATED,
                    "withdrawn": None,
                },
                "Vulnerability": {},
            },
        )


def write_provider(folder: Path, results: dict[str, Any], schema: str, version: int) -> Path:
    """Write results in the form of anchore/vunnel, and what `grypedb` is told of them."""
    url = (
        f"https://raw.githubusercontent.com/anchore/vunnel/main/schema/vulnerability/{schema}.json"
    )
    for name, item in results.items():
        file = folder / "results" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"schema": url, "identifier": name, "item": item}))
    described = {
        "provider": folder.name,
        "version": version,
        "timestamp": UPDATED,
        "schema": {"version": schema.rpartition("-")[2], "url": url},
    }
    (folder / "provider.json").write_text(json.dumps(described))
    return folder


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
