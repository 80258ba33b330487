"""OCI image manifests and indexes, and Docker's schema 2 forms of them.

One type holds both kinds: `manifests` belongs to an index, `config` and `layers` to an image; a
body with parts of both is refused, because two readers could take it for two different things.
Unknown fields are ignored, as image-spec asks ("Extensibility"); `urls` and `data` of descriptors
are never read (THREATS row 9). Digests and sizes are checked here, so a
`Descriptor` is well formed.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tidegate.domain.digest import Digest
from tidegate.domain.errors import InvalidManifestError
from tidegate.wire.json_depth import MAX_JSON_DEPTH, json_depth

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"

INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST}) | INDEX_TYPES

EMPTY_BLOB = b"{}"
"""image-spec, "Guidance for an Empty Descriptor"."""

ATTESTATION_ANNOTATION = "vnd.docker.reference.type"
ATTESTATION_VALUE = "attestation-manifest"

DigestText = Annotated[Digest, Meta(pattern=r"^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})\Z")]
Size = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # image-spec, "Descriptors": int64
MediaType = Annotated[str, Meta(min_length=1, max_length=255)]  # RFC 6838 section 4.2, both parts


class Platform(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an index entry runs on; names as in Go's GOARCH and GOOS."""

    architecture: str
    os: str
    variant: str = ""
    os_version: str = msgspec.field(default="", name="os.version")

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Points at content by digest."""

    media_type: MediaType
    digest: DigestText
    size: Size
    artifact_type: str = ""
    platform: Platform | None = None
    annotations: dict[str, str] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """An image manifest or an image index."""

    media_type: str = OCI_MANIFEST
    artifact_type: str = ""
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    annotations: dict[str, str] = {}

    @property
    def is_index(self) -> bool:
        """Whether this lists other manifests."""
        return self.media_type in INDEX_TYPES

    @property
    def kind(self) -> str:
        """What a referrers list calls this: its artifactType, else the type of its config.

        distribution-spec, "Listing Referrers".
        """
        return self.artifact_type or (self.config.media_type if self.config is not None else "")


class _Body(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A manifest as it stands in JSON; Go programs write an empty list as null."""

    schema_version: Literal[2]
    media_type: str = ""
    artifact_type: str = ""
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] | None = None
    manifests: tuple[Descriptor, ...] | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] = {}


def parse_manifest(body: bytes, media_type: str, *, max_depth: int = MAX_JSON_DEPTH) -> Manifest:
    """Return the manifest in `body`, which was announced as `media_type`.

    Raises:
        InvalidManifestError: no manifest, deeper than `max_depth`, of a type that is not read here,
            or its own mediaType differs from `media_type`.
    """
    announced = media_type.partition(";")[0].strip().lower()
    if json_depth(body) > max_depth:
        raise InvalidManifestError(f"manifest: nested deeper than {max_depth} levels")
    try:
        written = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidManifestError(f"manifest ({_short(announced)}): {error}") from error
    effective = _effective_type(written.media_type, announced)
    _refuse_two_faces(written, is_index=effective in INDEX_TYPES)
    return Manifest(
        media_type=effective,
        artifact_type=written.artifact_type,
        config=written.config,
        layers=written.layers or (),
        manifests=written.manifests or (),
        subject=written.subject,
        annotations=written.annotations,
    )


def _effective_type(own: str, announced: str) -> str:
    effective = own or announced
    if announced and effective != announced:
        raise InvalidManifestError(
            f"manifest announced as {_short(announced)}, but its mediaType is {_short(effective)}"
        )
    if effective not in MANIFEST_TYPES:
        raise InvalidManifestError(
            f"manifest of type {_short(effective)}: want an OCI manifest or index or Docker's "
            "schema 2 forms; push the image again with a current client"
        )
    return effective


def _refuse_two_faces(written: _Body, *, is_index: bool) -> None:
    if is_index and (written.config is not None or written.layers is not None):
        raise InvalidManifestError("index with config or layers: want an index or an image")
    if not is_index and written.manifests is not None:
        raise InvalidManifestError("image manifest with `manifests`: want an index or an image")
    if not is_index and written.config is None:
        raise InvalidManifestError("image manifest without a config: want one")


def render_manifest(manifest: Manifest) -> bytes:
    """Return `manifest` as compact JSON, with the list that its kind requires."""
    return msgspec.json.encode(
        _Body(
            schema_version=2,
            media_type=manifest.media_type,
            artifact_type=manifest.artifact_type,
            config=manifest.config,
            layers=None if manifest.is_index else manifest.layers,
            manifests=manifest.manifests if manifest.is_index else None,
            subject=manifest.subject,
            annotations=manifest.annotations,
        )
    )


def platforms(index: Manifest) -> tuple[Descriptor, ...]:
    """Return the entries of `index` that a node may run; an entry without a platform may.

    Only what says twice that it is an attestation is left out: an annotation alone, on a platform
    that runs, would hide that platform from the verdict.
    """
    return tuple(entry for entry in index.manifests if not is_attestation(entry))


def is_attestation(entry: Descriptor) -> bool:
    """Whether an index entry is a build attestation: annotated so and for unknown/unknown."""
    return (
        entry.annotations.get(ATTESTATION_ANNOTATION) == ATTESTATION_VALUE
        and entry.platform is not None
        and (entry.platform.os, entry.platform.architecture) == ("unknown", "unknown")
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")


_DECODER = msgspec.json.Decoder(_Body)
