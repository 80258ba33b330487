import json

import pytest

from tidegate.domain.digest import digest_of
from tidegate.registry.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    parse_manifest,
    render_descriptor,
)
from tidegate.registry.refusals import RefusedError

CONFIG = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}"), "size": 2}
LAYER = {"mediaType": "text/plain", "digest": digest_of(b"layer"), "size": 5}
SUBJECT = {"mediaType": OCI_MANIFEST, "digest": digest_of(b"subject"), "size": 7}
IMAGE = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": CONFIG, "layers": [LAYER]}
INDEX = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [SUBJECT]}


def bytes_of(content: object) -> bytes:
    return json.dumps(content).encode()


def test_an_image_lists_config_and_layers_as_blobs_that_must_be_there() -> None:
    manifest = parse_manifest(bytes_of(IMAGE), OCI_MANIFEST)
    assert [blob.digest for blob in manifest.blobs] == [CONFIG["digest"], LAYER["digest"]]


def test_an_index_may_be_sparse() -> None:
    assert parse_manifest(bytes_of(INDEX), OCI_INDEX).blobs == ()


def test_a_foreign_layer_need_not_be_there() -> None:
    foreign = LAYER | {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}
    manifest = parse_manifest(bytes_of(IMAGE | {"layers": [foreign]}), OCI_MANIFEST)
    assert [blob.digest for blob in manifest.blobs] == [CONFIG["digest"]]


@pytest.mark.parametrize(
    ("content", "artifact_type"),
    [
        pytest.param(IMAGE | {"artifactType": "a/b"}, "a/b", id="own"),
        pytest.param(IMAGE, CONFIG["mediaType"], id="config"),
        pytest.param(IMAGE | {"artifactType": ""}, CONFIG["mediaType"], id="empty"),
        pytest.param(INDEX, "", id="index-without"),
        pytest.param(INDEX | {"artifactType": "a/b"}, "a/b", id="index-own"),
    ],
)
def test_artifact_type_falls_back_to_the_config(
    content: dict[str, object], artifact_type: str
) -> None:
    assert parse_manifest(bytes_of(content), "").artifact_type == artifact_type


@pytest.mark.parametrize(
    ("stated", "content_type"),
    [
        pytest.param(None, OCI_MANIFEST, id="header-only"),
        pytest.param(OCI_MANIFEST, "", id="body-only"),
        pytest.param(OCI_MANIFEST, f"{OCI_MANIFEST}; charset=utf-8", id="with-parameter"),
        pytest.param(DOCKER_MANIFEST, DOCKER_MANIFEST, id="docker"),
    ],
)
def test_media_type_comes_from_header_or_body(stated: str | None, content_type: str) -> None:
    content = {k: v for k, v in IMAGE.items() if k != "mediaType"}
    body = bytes_of(content | ({"mediaType": stated} if stated else {}))
    assert parse_manifest(body, content_type).media_type in {OCI_MANIFEST, DOCKER_MANIFEST}


def without(key: str) -> dict[str, object]:
    return {k: v for k, v in IMAGE.items() if k != key}


@pytest.mark.parametrize(
    ("body", "content_type", "word"),
    [
        pytest.param(b"", OCI_MANIFEST, "JSON", id="empty"),
        pytest.param(b"[]", OCI_MANIFEST, "object", id="list"),
        pytest.param(bytes_of(IMAGE).decode().encode("utf-16"), OCI_MANIFEST, "UTF-8", id="utf-16"),
        pytest.param(b'{"schemaVersion": NaN}', OCI_MANIFEST, "NaN", id="nan"),
        pytest.param(b"[" * 100_000, OCI_MANIFEST, "deeply", id="nesting"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", OCI_MANIFEST, "JSON", id="number-bomb"),
        pytest.param(bytes_of(IMAGE), OCI_INDEX, "want the same", id="type-disagrees"),
        pytest.param(bytes_of(without("mediaType")), "", "want one of", id="no-type"),
        pytest.param(bytes_of(without("mediaType")), "text/html", "want one of", id="other-type"),
        pytest.param(bytes_of(without("config")), OCI_MANIFEST, "config", id="no-config"),
        pytest.param(bytes_of(without("layers")), OCI_MANIFEST, "layers", id="no-layers"),
        pytest.param(bytes_of(IMAGE | {"schemaVersion": 1}), "", ">= 2", id="schema-1"),
        pytest.param(bytes_of(IMAGE | {"manifests": []}), "", "both", id="cve-2021-41190"),
        pytest.param(
            bytes_of(INDEX | {"mediaType": DOCKER_LIST, "layers": []}), "", "both", id="both-list"
        ),
        pytest.param(bytes_of(IMAGE | {"config": CONFIG | {"size": -1}}), "", ">= 0", id="size"),
        pytest.param(
            bytes_of(IMAGE | {"config": CONFIG | {"digest": "sha256:../../x"}}),
            "",
            "want sha256",
            id="digest",
        ),
        pytest.param(
            bytes_of(INDEX | {"manifests": [SUBJECT | {"digest": "md5:0"}]}),
            "",
            "want sha256",
            id="child-digest",
        ),
        pytest.param(
            bytes_of(IMAGE | {"subject": {"digest": "x"}}), "", "mediaType", id="bad-subject"
        ),
        pytest.param(bytes_of(IMAGE | {"annotations": {"a": 1}}), "", "str", id="annotation"),
    ],
)
def test_what_is_no_manifest_is_refused(body: bytes, content_type: str, word: str) -> None:
    with pytest.raises(RefusedError, match=word) as refused:
        parse_manifest(body, content_type)
    assert (refused.value.status, refused.value.code) == (400, "MANIFEST_INVALID")


def test_t17_a_key_that_occurs_twice_is_refused() -> None:
    text = bytes_of(IMAGE).decode()[:-1]
    twice = f'{text}, "subject": {json.dumps(SUBJECT)}, "subject": {json.dumps(LAYER)}}}'
    with pytest.raises(RefusedError, match="twice"):
        parse_manifest(twice.encode(), OCI_MANIFEST)


def test_t17_a_lone_surrogate_cannot_break_later_lists() -> None:
    body = bytes_of(IMAGE | {"subject": SUBJECT, "annotations": {"a": "\ud800"}})
    manifest = parse_manifest(body, OCI_MANIFEST)
    with pytest.raises(RefusedError, match="surrogate"):
        render_descriptor(manifest, digest_of(body), len(body))
