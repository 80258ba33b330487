"""Small documents in every report format, as Python values that tests change."""

import json
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A JSON value, of whatever shape a test wants."""

IMAGE_DIGEST = "sha256:" + "ab" * 32
CONFIG_DIGEST = "sha256:" + "cd" * 32
OTHER_DIGEST = "sha256:" + "ef" * 32
SCANNED = "2026-11-23T08:00:00Z"
DJANGO = "pkg:pypi/django@3.2"


def trivy(**changes: Json) -> dict[str, Json]:
    return {
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.76.0"},
        "CreatedAt": SCANNED,
        "ArtifactName": "app",
        "ArtifactType": "container_image",
        "Metadata": {"ImageID": CONFIG_DIGEST, "OS": {"Family": "debian", "Name": "12.12"}},
        "Results": [
            {
                "Target": "app (debian 12.12)",
                "Class": "os-pkgs",
                "Type": "debian",
                "Packages": [
                    {
                        "Name": "zlib1g",
                        "Version": "1.2.13.dfsg",
                        "Release": "1",
                        "Epoch": 1,
                        "Identifier": {"PURL": "pkg:deb/debian/zlib1g@1.2.13.dfsg-1?epoch=1"},
                    }
                ],
            },
            {
                "Target": "Python",
                "Class": "lang-pkgs",
                "Type": "python-pkg",
                "Packages": [{"Name": "Django", "Version": "3.2", "Identifier": {"PURL": DJANGO}}],
                "Vulnerabilities": [trivy_finding()],
            },
        ],
    } | changes


def trivy_finding(**changes: Json) -> dict[str, Json]:
    return {
        "VulnerabilityID": "CVE-2022-28346",
        "PkgName": "Django",
        "PkgIdentifier": {"PURL": DJANGO},
        "InstalledVersion": "3.2",
        "FixedVersion": "3.2.13",
        "Severity": "CRITICAL",
    } | changes


def grype(**changes: Json) -> dict[str, Json]:
    return {
        "matches": [grype_match()],
        "source": {
            "type": "image",
            "target": {"imageID": CONFIG_DIGEST, "manifestDigest": IMAGE_DIGEST, "repoDigests": []},
        },
        "descriptor": {
            "name": "grype",
            "version": "0.121.0",
            "timestamp": SCANNED,
            "db": {"status": {"schemaVersion": "v6.1.0", "built": "2026-11-01T00:00:00Z"}},
        },
    } | changes


def grype_match(severity: str = "Critical", **changes: Json) -> dict[str, Json]:
    return {
        "vulnerability": {
            "id": "GHSA-2gwj-7jmv-h26r",
            "namespace": "github:language:python",
            "severity": severity,
            "fix": {"versions": ["2.2.28", "3.2.13"], "state": "fixed"},
        },
        "relatedVulnerabilities": [{"id": "CVE-2022-28346", "namespace": "nvd:cpe"}],
        "matchDetails": [{"fix": {"suggestedVersion": "3.2.13"}}],
        "artifact": {"name": "Django", "version": "3.2", "purl": DJANGO},
    } | changes


def sarif(tool: str = "Trivy", **changes: Json) -> dict[str, Json]:
    text = "Package: Django\nInstalled Version: 3.2\nVulnerability CVE-2022-28346\nSeverity: CRITICAL\nFixed Version: 3.2.13"
    rule = {
        "id": "CVE-2022-28346",
        "name": "LanguageSpecificPackageVulnerability",
        "properties": {"security-severity": "9.8"},
    }
    run = {
        "tool": {"driver": {"name": tool, "version": "0.76.0", "rules": [rule]}},
        "results": [{"ruleId": "CVE-2022-28346", "message": {"text": text}}],
        "properties": {"imageID": CONFIG_DIGEST},
    }
    return {"version": "2.1.0", "runs": [run]} | changes


def cyclonedx(**changes: Json) -> dict[str, Json]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {
            "timestamp": SCANNED,
            "tools": {
                "components": [{"type": "application", "name": "trivy", "version": "0.76.0"}]
            },
            "component": {"type": "container", "name": "app", "version": IMAGE_DIGEST},
        },
        "components": [
            {
                "bom-ref": "django",
                "type": "library",
                "name": "django",
                "version": "3.2",
                "purl": DJANGO,
            }
        ],
        "vulnerabilities": [cyclonedx_vulnerability()],
    } | changes


def cyclonedx_vulnerability(**changes: Json) -> dict[str, Json]:
    return {
        "id": "CVE-2022-28346",
        "ratings": [{"severity": "critical", "method": "CVSSv31"}],
        "affects": [{"ref": "django"}],
    } | changes


def openvex(**changes: Json) -> dict[str, Json]:
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.test/vex/1",
        "author": "Example Inc",
        "timestamp": SCANNED,
        "version": 1,
        "statements": [openvex_statement()],
    } | changes


def openvex_statement(**changes: Json) -> dict[str, Json]:
    return {
        "vulnerability": {"name": "CVE-2022-28346"},
        "products": [
            {
                "@id": f"pkg:oci/app@{IMAGE_DIGEST.replace(':', '%3A')}",
                "subcomponents": [{"@id": DJANGO}],
            }
        ],
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
    } | changes


def in_toto_vulns(**changes: Json) -> dict[str, Json]:
    return {
        "scanner": {
            "uri": "pkg:github/aquasecurity/trivy@0.76.0",
            "version": "0.76.0",
            "db": {"uri": "", "version": "2", "lastUpdate": "2026-11-01T00:00:00Z"},
            "result": [
                {"id": "CVE-2022-28346", "severity": [{"method": "nvd", "score": "9.8"}]},
            ],
        },
        "metadata": {"scanStartedOn": SCANNED, "scanFinishedOn": SCANNED},
    } | changes


def cosign_vuln(result: Json = None, **changes: Json) -> dict[str, Json]:
    return {
        "invocation": {"parameters": None, "uri": "", "event_id": "", "builder.id": ""},
        "scanner": {
            "uri": "pkg:github/aquasecurity/trivy@0.76.0",
            "version": "0.76.0",
            "db": {"uri": "", "version": ""},
            "result": trivy() if result is None else result,
        },
        "metadata": {"scanStartedOn": SCANNED, "scanFinishedOn": SCANNED},
    } | changes


MADE = {
    "trivy": trivy,
    "grype": grype,
    "sarif": sarif,
    "cyclonedx": cyclonedx,
    "openvex": openvex,
    "in-toto-vulns": in_toto_vulns,
    "cosign-vuln": cosign_vuln,
}
"""A document for each format that ships."""


def statement(
    predicate_type: str, predicate: Json, digest: str = IMAGE_DIGEST, **changes: Json
) -> dict[str, Json]:
    """Return an in-toto statement about the image `digest`."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app", "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    } | changes


def body(document: Json) -> bytes:
    return json.dumps(document).encode()
