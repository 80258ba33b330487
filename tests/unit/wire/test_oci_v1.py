import json
from typing import Any

import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import InvalidManifestError
from tidegate.wire.json_depth import json_depth
from tidegate.wire.oci_v1 import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    Platform,
    parse_manifest,
    platforms,
    render_manifest,
)

DIGEST = digest_of(b"{}")
CONFIG = {"mediaType": OCI_EMPTY, "digest": DIGEST, "size": 2}
ENTRY = {"mediaType": OCI_MANIFEST, "digest": DIGEST, "size": 2}
ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}


def image(**changes: object) -> bytes:
    return json.dumps({"schemaVersion": 2, "config": CONFIG, "layers": [], **changes}).encode()


def index(*entries: dict[str, Any], **changes: object) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": list(entries), **changes}).encode()


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        pytest.param(image(), OCI_MANIFEST, id="without-own-type"),
        pytest.param(image(mediaType=OCI_MANIFEST), OCI_MANIFEST, id="with-own-type"),
        pytest.param(image(mediaType=OCI_MANIFEST), "", id="nothing-announced"),
        pytest.param(image(), f"{OCI_MANIFEST}; charset=utf-8", id="with-parameter"),
        pytest.param(image(mediaType=DOCKER_MANIFEST), DOCKER_MANIFEST, id="docker"),
        pytest.param(image(layers=None), OCI_MANIFEST, id="null-list-of-a-go-program"),
        pytest.param(image(somethingNew={"a": [1]}), OCI_MANIFEST, id="unknown-field"),
    ],
)
def test_an_image_manifest_is_read(body: bytes, media_type: str) -> None:
    manifest = parse_manifest(body, media_type)
    assert not manifest.is_index
    assert manifest.config == Descriptor(OCI_EMPTY, DIGEST, 2)
    assert manifest.layers == ()
    assert manifest.kind == OCI_EMPTY


@pytest.mark.parametrize(
    ("body", "media_type", "error"),
    [
        pytest.param(b"", OCI_MANIFEST, "truncated", id="empty"),
        pytest.param(b"\xff\xfe", OCI_MANIFEST, "malformed", id="no-json"),
        pytest.param(b"[]", OCI_MANIFEST, "object", id="list"),
        pytest.param(b"{}", OCI_MANIFEST, "schemaVersion", id="no-version"),
        pytest.param(image(schemaVersion=1), OCI_MANIFEST, "schemaVersion", id="docker-schema-1"),
        pytest.param(image() + b"{}", OCI_MANIFEST, "trailing", id="trailing-bytes"),
        pytest.param(image(), "", "type ''", id="no-type-at-all"),
        pytest.param(image(), "application/json", "current client", id="other-type"),
        pytest.param(
            image(mediaType=OCI_MANIFEST), DOCKER_MANIFEST, "announced", id="types-differ"
        ),
        pytest.param(image(mediaType=OCI_INDEX), OCI_MANIFEST, "announced", id="confused"),
        pytest.param(image(manifests=[]), OCI_MANIFEST, "`manifests`", id="image-and-index"),
        pytest.param(index(config=CONFIG), OCI_INDEX, "config or layers", id="index-and-image"),
        pytest.param(index(layers=[]), DOCKER_LIST, "config or layers", id="list-with-layers"),
        pytest.param(image(config=None), OCI_MANIFEST, "without a config", id="no-config"),
        pytest.param(image(layers=[{**CONFIG, "size": -1}]), OCI_MANIFEST, "size", id="negative"),
        pytest.param(image(layers=[{**CONFIG, "size": 2**63}]), OCI_MANIFEST, "size", id="huge"),
        pytest.param(image(layers=[{**CONFIG, "size": "2"}]), OCI_MANIFEST, "size", id="text-size"),
        pytest.param(
            image(layers=[{**CONFIG, "digest": f"{DIGEST}\n"}]),
            OCI_MANIFEST,
            "digest",
            id="digest-with-line-end",
        ),
        pytest.param(
            image(layers=[{**CONFIG, "digest": "sha256:../../x"}]),
            OCI_MANIFEST,
            "digest",
            id="digest-as-path",
        ),
        pytest.param(
            image(subject={**ENTRY, "digest": "md5:0"}), OCI_MANIFEST, "subject", id="weak-subject"
        ),
        pytest.param(index({"digest": DIGEST, "size": 1}), OCI_INDEX, "mediaType", id="no-type"),
        pytest.param(image(annotations={"a": 1}), OCI_MANIFEST, "annotations", id="annotation"),
    ],
)
def test_what_is_no_manifest_is_refused(body: bytes, media_type: str, error: str) -> None:
    with pytest.raises(InvalidManifestError, match=error):
        parse_manifest(body, media_type)


@pytest.mark.parametrize(
    ("entry", "is_platform"),
    [
        pytest.param({"platform": {"architecture": "arm64", "os": "linux"}}, True, id="plain"),
        pytest.param({}, True, id="without-platform"),
        pytest.param(
            {
                "platform": {"architecture": "unknown", "os": "unknown"},
                "annotations": ATTESTATION,
            },
            False,
            id="attestation",
        ),
        pytest.param(
            {"platform": {"architecture": "arm64", "os": "linux"}, "annotations": ATTESTATION},
            True,
            id="t07-runnable-platform-annotated-as-attestation",
        ),
        pytest.param({"annotations": ATTESTATION}, True, id="t07-no-platform-but-annotated"),
        pytest.param(
            {"platform": {"architecture": "unknown", "os": "unknown"}},
            True,
            id="t07-unknown-without-annotation",
        ),
    ],
)
def test_only_what_says_twice_that_it_is_an_attestation_is_no_platform(
    entry: dict[str, Any], *, is_platform: bool
) -> None:
    parsed = parse_manifest(index({**ENTRY, **entry}), OCI_INDEX)
    assert len(platforms(parsed)) == is_platform


def test_a_platform_reads_as_docker_writes_it() -> None:
    assert str(Platform("arm", "linux", "v7")) == "linux/arm/v7"
    assert str(Platform("amd64", "linux")) == "linux/amd64"


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(Manifest(config=Descriptor(OCI_EMPTY, DIGEST, 2)), id="image"),
        pytest.param(Manifest(media_type=OCI_INDEX), id="empty-index"),
        pytest.param(
            Manifest(
                media_type=OCI_INDEX,
                manifests=(
                    Descriptor(
                        OCI_MANIFEST, DIGEST, 2, platform=Platform("amd64", "windows", "", "10.0")
                    ),
                ),
                annotations={"a": "ü"},
            ),
            id="index",
        ),
    ],
)
def test_a_rendered_manifest_is_read_back(manifest: Manifest) -> None:
    assert parse_manifest(render_manifest(manifest), manifest.media_type) == manifest


@pytest.mark.parametrize(
    ("body", "depth"),
    [
        (b"", 0),
        (b"1", 0),
        (b"[]", 1),
        (b'{"a":[{}]}', 3),
        (b'"[[[["', 0),
        (b'["\\"[[["]', 1),
        (b'["[[[[', 1),
        (b"[" * 100, 100),
        (b"[]" * 100, 1),
        (b"]]]]", 0),
    ],
)
def test_depth_counts_what_is_open_at_once(body: bytes, depth: int) -> None:
    assert json_depth(body) == depth


@pytest.mark.timeout(5)
@pytest.mark.parametrize("piece", [b"[", b"[]", b'"', b'"\\', b'\\"', b'{"a":', b'"a\\"['])
def test_t03_depth_of_a_hostile_text_costs_linear_time(piece: bytes) -> None:
    json_depth((piece * 2**22)[: 2**22])


def test_t03_a_manifest_nested_too_deeply_is_refused_before_it_is_decoded() -> None:
    body = image(a=json.loads("[" * 64 + "]" * 64))
    with pytest.raises(InvalidManifestError, match="deeper than 64"):
        parse_manifest(body, OCI_MANIFEST)


def test_depth_is_carried_from_stretch_to_stretch() -> None:
    body = b'["a",' * 5000 + b"1" + b"]" * 5000
    assert json_depth(body) == 5000
