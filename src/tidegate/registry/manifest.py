"""Bytes to manifest: what the registry must understand of one, and nothing else.

Strict, because another reader must not see another manifest in the same bytes: UTF-8 only, no
duplicate keys, no NaN, no lone surrogates; `mediaType` and `Content-Type` agree. Not judged here:
whether the blobs are present (`store.put_manifest`).
"""

import json
from dataclasses import dataclass
from typing import Annotated, NoReturn

import msgspec
from msgspec import Meta

from tidegate.domain.digest import Digest, parse_digest
from tidegate.domain.errors import InvalidDigestError
from tidegate.registry.refusals import invalid_manifest, shorten

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"

_IMAGES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
_INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})

# Layers that licences keep on the maker's own servers; image-spec, "Non-Distributable Layers".
_FOREIGN = (
    "application/vnd.docker.image.rootfs.foreign.",
    "application/vnd.oci.image.layer.nondistributable.",
)


class _Descriptor(msgspec.Struct, rename="camel"):
    """OCI image-spec, "Descriptor"; unknown fields are other readers' business."""

    media_type: Annotated[str, Meta(min_length=1)]
    digest: str
    size: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class _Common(msgspec.Struct, rename="camel"):
    schema_version: Annotated[int, Meta(ge=2, le=2)]
    media_type: str | None = None
    artifact_type: str | None = None
    subject: _Descriptor | None = None
    annotations: dict[str, str] | None = None


class _Image(_Common, kw_only=True):
    config: _Descriptor
    layers: list[_Descriptor]


class _Index(_Common, kw_only=True):
    manifests: list[_Descriptor]


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob that a manifest consists of."""

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the registry keeps beside a manifest's bytes."""

    media_type: str
    blobs: tuple[Blob, ...]
    """Must be present for the manifest to be accepted; an index has none (it may be sparse)."""
    subject: Digest | None
    artifact_type: str
    """`artifactType`, else the config's media type; empty for an index without one."""
    annotations: dict[str, str]


def parse_manifest(body: bytes, content_type: str) -> Manifest:
    """Return what `body` says as a manifest of media type `content_type` (empty: as it says).

    Raises:
        RefusedError: it is no manifest of a known type.
    """
    content = _strict_json(body)
    media_type = _media_type(content, content_type.partition(";")[0].strip())
    try:
        parsed: _Image | _Index
        if media_type in _IMAGES:
            parsed = msgspec.convert(content, _Image)
        else:
            parsed = msgspec.convert(content, _Index)
    except msgspec.ValidationError as error:
        raise invalid_manifest(str(error)) from error
    described = _descriptors(parsed)
    blobs = [Blob(_digest(d), d.size) for d in described if not d.media_type.startswith(_FOREIGN)]
    return Manifest(
        media_type=media_type,
        blobs=tuple(blobs) if isinstance(parsed, _Image) else (),
        subject=None if parsed.subject is None else _digest(parsed.subject),
        artifact_type=_artifact_type(parsed),
        annotations=parsed.annotations or {},
    )


def _strict_json(body: bytes) -> dict[str, object]:
    try:
        text = body.decode("utf-8")
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise invalid_manifest("nested too deeply") from error
    except ValueError as error:
        raise invalid_manifest(f"not strict JSON in UTF-8: {shorten(str(error))}") from error
    if not isinstance(content, dict):
        raise invalid_manifest(f"want a JSON object, got {type(content).__name__}")
    return content


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _media_type(content: dict[str, object], content_type: str) -> str:
    stated = content.get("mediaType")
    # image-spec, "Image Manifest Property Descriptions": mediaType is optional, but must agree.
    if stated is not None and content_type and stated != content_type:
        raise invalid_manifest(
            f"Content-Type {shorten(content_type)!r} but mediaType {shorten(str(stated))!r}; "
            "want the same"
        )
    media_type = content_type or stated
    if not isinstance(media_type, str) or media_type not in _IMAGES | _INDEXES:
        raise invalid_manifest(
            f"media type {shorten(str(media_type))!r}: want one of "
            + ", ".join(sorted(_IMAGES | _INDEXES))
        )
    # One document that is both an image and an index is read differently by different clients
    # (CVE-2021-41190).
    if ("manifests" in content) if media_type in _IMAGES else ("layers" in content):
        raise invalid_manifest(f"both 'layers' and 'manifests' in one {media_type}")
    return media_type


def _descriptors(parsed: _Image | _Index) -> list[_Descriptor]:
    if isinstance(parsed, _Image):
        return [parsed.config, *parsed.layers]
    for child in parsed.manifests:
        _digest(child)
    return []


def _artifact_type(parsed: _Image | _Index) -> str:
    # distribution-spec, "Listing Referrers": artifactType, and for images without one the config's
    fallback = parsed.config.media_type if isinstance(parsed, _Image) else ""
    return parsed.artifact_type or fallback


def _digest(descriptor: _Descriptor) -> Digest:
    try:
        return parse_digest(descriptor.digest)
    except InvalidDigestError as error:
        raise invalid_manifest(str(error)) from error


def render_descriptor(manifest: Manifest, digest: Digest, size: int) -> bytes:
    """Return the manifest's entry in a list of referrers (distribution-spec).

    Raises:
        RefusedError: an annotation or artifactType that cannot be written as JSON again.
    """
    entry: dict[str, object] = {
        "mediaType": manifest.media_type,
        "digest": digest,
        "size": size,
    }
    if manifest.artifact_type:
        entry["artifactType"] = manifest.artifact_type
    if manifest.annotations:
        entry["annotations"] = manifest.annotations
    try:
        return msgspec.json.encode(entry)
    except UnicodeEncodeError as error:
        # Listed as it is, it would break every later list of this subject.
        raise invalid_manifest("a string with a lone surrogate, want Unicode text") from error
