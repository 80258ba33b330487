"""Writes the first inputs of each target to fuzz/corpus/: `python fuzz/seeds.py`.

Made from the golden cases and from values that our own writers render. What a fuzzer found broken
is put beside them by hand, under a name that says what it was.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from targets.feed import batch_of_everything, header_of_everything
from targets.signed import KEY, SUBJECT
from tidegate.domain.digest import digest_of
from tidegate.domain.evidence import Coverage, EcosystemCoverage
from tidegate.domain.finding import Finding, Location, Rating, VexMark, VexStatus
from tidegate.domain.severity import Severity
from tidegate.trust.bundle import MEDIA_TYPE as BUNDLE_MEDIA_TYPE
from tidegate.trust.dsse import sign_envelope
from tidegate.trust.simplesigning import sign_artifact
from tidegate.wire.feed_v1 import render_batch, render_snapshot
from tidegate.wire.oci_v1 import OCI_INDEX, OCI_MANIFEST, Descriptor, Manifest, Platform
from tidegate.wire.oci_v1 import render_manifest as rendered
from tidegate.wire.statement_v1 import (
    MEDIA_TYPE,
    ReportOrigin,
    ScannerIdentity,
    Statement,
    render_statement,
)

FOLDER = Path(__file__).parent
GOLDEN = FOLDER.parent / "tests" / "golden"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DIGEST = "sha256:" + "ab" * 32


def compact(document: object) -> bytes:
    """Return JSON without spaces."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def reviews() -> dict[str, bytes]:
    """Return the golden reviews, without what nothing here reads."""
    found = {}
    for path in sorted(GOLDEN.glob("*/review.json")):
        review = json.loads(path.read_bytes())
        for side in ("object", "oldObject"):
            (review["request"].get(side) or {}).get("metadata", {}).pop("managedFields", None)
        found[path.parent.name] = compact(review)
    return found


def policies() -> dict[str, bytes]:
    """Return an object with every field of a rule, and the golden ones that differ from it."""
    rule = {
        "name": "every field", "enabled": True, "action": "deny", "description": "d",
        "scopeName": "s",
        "scope": [
            {"matcherType": "pod", "anyOf": ["*gate*"]},
            {"matcherType": "namespace", "anyOf": ["a", "b"], "operator": "NotIn"},
        ],
        "configuration": {
            "maxAllowedSeverities": {"critical": 0, "high": 0, "medium": 1, "low": 2, "unknown": 3},
            "blockUnscannedImages": True, "onStale": "violate", "onUnavailable": "violate",
            "maximumVaFileAge": "365d", "forbiddenCves": ["CVE-2024-3094"],
            "ignoredCves": ["CVE-1234-56789"],
            "exemptions": [
                {
                    "type": "timeBased", "value": "CVE-2022-42004", "reason": "fix scheduled",
                    "timeBound": {"endDate": "2026-12-03"}, "addedBy": "someone",
                },
                {"type": "permanent", "matcherType": "namespace", "value": "kube-*"},
            ],
            "unsupportedRegistries": ["docker.io"],
        },
    }  # fmt: skip
    spec = {
        "vulnerabilityAssessmentGatedDeployment": [rule],
        "priority": 10,
        "evaluationMode": "Strictest",
        "gating": "Off",
    }
    head = {"apiVersion": "tidegate.io/v1alpha1", "kind": "SecurityArtifactPolicy"}
    full = {**head, "metadata": {"name": "p", "generation": 3}, "spec": spec}
    golden = {
        f"golden-{path.parent.name}": compact(json.loads(path.read_bytes()))
        for path in sorted(GOLDEN.glob("*/policy.json"))
    }
    texts = {text: name for name, text in reversed(golden.items())}
    return {"every-field": compact(full), **{name: text for text, name in texts.items()}}


def references() -> dict[str, bytes]:
    """Return a reference of each form."""
    return {
        "short": b"nginx",
        "tag": b"team/app:1.2-rc_3",
        "host": b"registry.example:5000/team/app:1.0",
        "digest": f"r.example/app@{DIGEST}".encode(),
        "tag-and-digest": f"r.example/app:1@sha512:{'0f' * 64}".encode(),
        "localhost": b"localhost/app",
        "ipv6": b"[2001:db8::1]:5000/app",
        "upper-case-host": b"R.Example/app",
        "hub": b"index.docker.io/library/busybox",
        "separators": b"r.example/a__b/c-d/e.f---g:x",
    }


def statements() -> dict[str, bytes]:
    """Return a statement with every field, and one without findings."""
    finding = Finding(
        vulnerability_id="CVE-2022-42004",
        severity=Severity.CRITICAL,
        package="pkg:maven/org.example/app@2.9.5",
        version="2.9.5",
        fixed_version="2.12.7.1",
        aliases=frozenset({"GHSA-aaaa-bbbb-cccc"}),
        ratings=(Rating("CVSS_V3", "9.8", "Critical", "3.1", source="NVD"),),
        cwe_ids=("CWE-502",),
        locations=(Location("app.jar", "sha256:00"),),
        references=("https://r.example/1",),
        not_affected=(
            VexMark(VexStatus.NOT_AFFECTED, "component_not_present", "Example Inc", "vendor", NOON),
        ),
    )
    scanner = ScannerIdentity("Tidegate", "0.1", "u", "tidegate:demo", "v1", NOON)
    coverage = Coverage((EcosystemCoverage("Maven", 3, "demo", NOON),), ("2 jars by hash",))
    origin = ReportOrigin("trivy", digest_of(b"report"), "source", digest_of(b"artifact"))
    full = Statement(SUBJECT, (finding,), coverage, scanner, NOON, NOON, "r.example/app", origin)
    clean = Statement(SUBJECT, (), coverage, scanner, NOON, NOON)
    return {"every-field": render_statement(full), "clean": render_statement(clean)}


def carriers() -> dict[str, dict[str, bytes]]:
    """Return envelopes, bundles and signature payloads."""
    # Signed by the key of one run: to any later run a signature by a stranger.
    envelope = sign_envelope(KEY, MEDIA_TYPE, b'{"_type":"x"}')
    stranger = {"unsigned": b'{"payload":"e30=","payloadType":"%b","signatures":[{"sig":"AA=="}]}'}
    head = b'{"mediaType":"%b",' % BUNDLE_MEDIA_TYPE.encode()
    payload, _ = sign_artifact(KEY, SUBJECT, "r.example/app")
    unsigned = stranger["unsigned"] % MEDIA_TYPE.encode()
    return {
        "envelope": {
            "unsigned": unsigned,
            "by-a-stranger": envelope,
            "to-be-signed": b'+{"_type":"x"}',
        },
        "bundle": {
            "unsigned": head + b'"dsseEnvelope":%b}' % unsigned,
            "by-a-stranger": head
            + b'"verificationMaterial":{"publicKey":{"hint":""}},"dsseEnvelope":%b}' % envelope,
            "message-signature": head + b'"messageSignature":{"signature":"AA=="}}',
        },
        "signature": {
            "findings": payload,
            "image": payload.replace(b'"findings"', b'"image"'),
            "of-another": payload.replace(SUBJECT.encode(), DIGEST.encode()),
        },
    }


def manifests() -> dict[str, bytes]:
    """Return an image, an artifact and an index, each announced as what it is."""
    config = Descriptor("application/vnd.oci.image.config.v1+json", digest_of(b"{}"), 2)
    entry = Descriptor(OCI_MANIFEST, digest_of(b"m"), 7, platform=Platform("arm64", "linux", "v8"))
    built = Descriptor(
        OCI_MANIFEST, digest_of(b"a"), 7, platform=Platform("unknown", "unknown"),
        annotations={"vnd.docker.reference.type": "attestation-manifest"},
    )  # fmt: skip
    image = Manifest(config=config, layers=(Descriptor("application/x", digest_of(b"l"), 9),))
    artifact = Manifest(config=config, artifact_type=MEDIA_TYPE, subject=entry)
    index = Manifest(media_type=OCI_INDEX, manifests=(entry, built), annotations={"a": "b"})
    return {
        "image": b"\x01" + rendered(image),
        "artifact": b"\x01" + rendered(artifact),
        "index": b"\x02" + rendered(index),
        "null-lists": b'\x00{"schemaVersion":2,"mediaType":"%b","manifests":null}'
        % OCI_INDEX.encode(),
    }


def answers() -> dict[str, bytes]:
    """Return a token, a page of tags, a page of repositories and a Docker configuration."""
    return {
        "token": b'\x00{"token":"abc","expires_in":300,"issued_at":"2026-11-23T12:00:00Z"}',
        "access-token": b'\x00{"access_token":"abc"}',
        "tags": b'\x01{"name":"app","tags":["1.0","latest"]}',
        "repositories": b'\x02{"repositories":["team/app","nginx"]}',
        "docker-config": b'\x03{"auths":{"https://r.example/v2/":{"auth":"dXNlcjpwYXNz"},'
        b'"*.example/team":{"username":"u","password":"p"}},"credsStore":"x"}',
        "dockercfg": b'\x03{"r.example":{"identitytoken":"t"}}',
        "credential-helpers": b'\x03{"credHelpers":{"r.example":"ecr-login"}}',
    }


def headers() -> dict[str, bytes]:
    """Return headers of each kind."""
    return {
        "link": b'\x00</v2/app/referrers/sha256:00?n=1&last=2>; rel="next"',
        "links": b'\x00<https://r.example/x>; rel=prev, <?n=1&last=%2F>; title="a"; rel=next',
        "challenge": b'\x01Bearer realm="https://r.example/token",service="r",scope="a:b:c"',
        "challenges": b'\x01Basic realm="x \\" y", Bearer realm="https://r.example:443/t"',
        "retry-after": b"\x02120",
        "retry-after-date": b"\x02Mon, 23 Nov 2026 12:00:30 GMT\nMon, 23 Nov 2026 12:00:00 GMT",
        "location": b"\x03https://blobs.example/x?sig=%2B#f",
        "location-relative": b"\x03../blobs/uploads/1",
    }


def requests() -> dict[str, bytes]:
    """Return HTTP requests, each behind the step in which it arrives."""
    post = b"POST /admit?timeout=10s HTTP/1.1\r\nHost: gate\r\n"
    get = b"GET /healthz HTTP/1.1\r\n\r\n"
    return {
        "length": b"\x07" + post + b"Content-Length: 2\r\n\r\n{}" + get,
        "chunked": b"\x03" + post + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + get,
        "trailer": b"\x05" + post
        + b"Transfer-Encoding: chunked\r\n\r\n1;a=b\r\n1\r\n0\r\nx: y\r\n\r\n",
        "both-lengths": b"\x09" + post
        + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get,
        "expects": b"\x0b" + post + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n1",
        "upgrade": b"\x02" + post + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "http-1.0": b"\x01HEAD /readyz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get,
        "waits": b"\x04" + b"POST /wait HTTP/1.1\r\nContent-Length: 1\r\n\r\n1" + get * 2,
    }  # fmt: skip


def feeds() -> dict[str, bytes]:
    """Return a batch and a header with every field, and a batch without rows."""
    batch = batch_of_everything()
    return {
        "every-field": render_batch(batch),
        "heartbeat": render_batch(replace(batch, rows=(), images=())),
        "header": render_snapshot(header_of_everything()),
    }


def snapshots() -> dict[str, bytes]:
    """Return changes of a snapshot's file: none, and some of numbers and places in it."""
    return {
        "whole": b"",
        "other-format": b"\x00\x08\x02",
        "more-subjects": b"\x00\x10\x07",
        "later-end": b"\x00\x39\xff",
        "some": bytes(range(90)),
    }


SEEDS = {
    "feed": feeds(),
    "snapshot": snapshots(),
    "review": reviews(),
    "policy": policies(),
    "reference": references(),
    "statement": statements(),
    **carriers(),
    "manifest": manifests(),
    "answers": answers(),
    "http": requests(),
    "headers": headers(),
}

if __name__ == "__main__":
    for target, inputs in SEEDS.items():
        folder = FOLDER / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in inputs.items():
            (folder / name).write_bytes(data)
