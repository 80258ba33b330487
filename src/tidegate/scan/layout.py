"""One platform of an image, from its registry into a local OCI layout that a scanner reads.

Every byte is checked against its digest by the registry client. Content that stands elsewhere than
in the registry (`urls` of a descriptor) is refused: fetching it would let an image choose whom we
contact, and leaving it out would call unseen files clean.

Scanners know no digests but sha256. Content that the image names otherwise stands in the layout
under its sha256, in a manifest that says so: the same config and layers by other names.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tidegate.domain.digest import Digest, algorithm_of, digest_of, encoded_part
from tidegate.domain.errors import InvalidManifestError, LimitExceededError
from tidegate.domain.reference import ImageReference
from tidegate.wire.oci_v1 import (
    OCI_CONFIG,
    OCI_INDEX,
    Descriptor,
    Manifest,
    render_manifest,
)

_SHA256 = "sha256"
_IMAGE_CONFIGS = frozenset({OCI_CONFIG, "application/vnd.docker.container.image.v1+json"})
"""Config types by which a manifest says that it is an image that can run."""


@dataclass(frozen=True, slots=True)
class LayoutLimits:
    """Bounds on what is fetched of one platform."""

    max_layers: int = 512
    """Docker makes at most 127; builders that squash nothing stay far below this."""
    max_total_bytes: int = 10 * 2**30
    """All layers, as they are packed in the registry."""
    max_config_bytes: int = 8 * 2**20
    """The image config, with its history."""


DEFAULT_LIMITS = LayoutLimits()


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout on disk, with what its image says of itself."""

    path: Path
    manifest: Digest
    """Of the manifest in the layout, sha256: the image's own unless its digests were others."""
    config: Digest
    """The ImageID that a scanner of this layout must report; sha256."""
    layers: tuple[str, ...]
    """Digests in the layout, then diffIDs, of the layers in order."""
    platform: str
    """`linux/amd64`, from the config."""


class FetchedImage(Protocol):
    """A manifest whose bytes have the digest."""

    @property
    def digest(self) -> Digest:
        """Computed from `body`."""

    @property
    def body(self) -> bytes:
        """The manifest as it came."""

    @property
    def manifest(self) -> Manifest:
        """The manifest, parsed."""


class BlobSource(Protocol):
    """Fetches blobs, verified against their descriptors."""

    async def fetch_blob(
        self, reference: ImageReference, descriptor: Descriptor, *, max_bytes: int | None = None
    ) -> bytes:
        """Return a blob held in memory."""

    async def download_blob(
        self, reference: ImageReference, descriptor: Descriptor, path: Path, *, max_bytes: int
    ) -> None:
        """Write a blob to `path`, which appears only when it is whole."""


class _Link(msgspec.Struct):
    urls: list[str] | None = None


class _Links(msgspec.Struct):
    config: _Link | None = None
    layers: list[_Link] | None = None


class _RootFs(msgspec.Struct):
    diff_ids: list[str] = []


class _Config(msgspec.Struct):
    os: str = ""
    architecture: str = ""
    variant: str = ""
    rootfs: _RootFs = msgspec.field(default_factory=_RootFs)


def is_image(manifest: Manifest) -> bool:
    """Whether `manifest` is an image of one platform, not an index and not another artifact."""
    config = manifest.config
    return not manifest.is_index and config is not None and config.media_type in _IMAGE_CONFIGS


async def write_layout(
    client: BlobSource,
    reference: ImageReference,
    fetched: FetchedImage,
    folder: Path,
    *,
    limits: LayoutLimits,
    progress: Callable[[str], None],
) -> Layout:
    """Fetch all of the image `fetched` into `folder`, made here, and return what is there.

    Raises:
        InvalidManifestError: no image, or content outside its registry.
        LimitExceededError: more or larger layers than `limits`.
        UnavailableError, ContentMismatchError: as the client says.
    """
    config, layers = _wanted(fetched, limits)
    body = await client.fetch_blob(reference, config, max_bytes=limits.max_config_bytes)
    description = _parse_config(body, config.digest)
    _write(folder, config.digest, body)
    names = {config.digest: await asyncio.to_thread(_named, folder, config.digest)}
    for position, layer in enumerate(layers, start=1):
        progress(f"fetching layer {position} of {len(layers)} ({layer.size} bytes)")
        path = _blob_path(folder, layer.digest)
        await client.download_blob(reference, layer, path, max_bytes=limits.max_total_bytes)
        names[layer.digest] = await asyncio.to_thread(_named, folder, layer.digest)
    digests = [str(names[layer.digest]) for layer in fetched.manifest.layers]
    words = (description.os, description.architecture, description.variant)
    return Layout(
        path=folder,
        manifest=_write_manifest(folder, fetched, names),
        config=names[config.digest],
        layers=(*digests, *description.rootfs.diff_ids),
        platform="/".join(filter(None, words))[:128],
    )


def _wanted(
    fetched: FetchedImage, limits: LayoutLimits
) -> tuple[Descriptor, tuple[Descriptor, ...]]:
    """Return config and distinct layers of an image that may be fetched."""
    manifest, config = fetched.manifest, fetched.manifest.config
    if config is None or not is_image(manifest):
        raise InvalidManifestError(
            f"{fetched.digest} is no image: its config is of type {manifest.kind[:80]!r}"
        )
    if len(manifest.layers) > limits.max_layers:
        raise LimitExceededError(
            f"{fetched.digest}: {len(manifest.layers)} layers, want at most {limits.max_layers}"
        )
    layers = tuple({layer.digest: layer for layer in manifest.layers}.values())
    total = sum(layer.size for layer in layers)
    if total > limits.max_total_bytes:
        raise LimitExceededError(
            f"{fetched.digest}: layers of {total} bytes, want at most {limits.max_total_bytes}"
        )
    _refuse_urls(fetched)
    return config, layers


def _refuse_urls(fetched: FetchedImage) -> None:
    links = msgspec.json.decode(fetched.body, type=_Links)  # parsed before, so JSON it is
    if any(link is not None and link.urls for link in (links.config, *(links.layers or ()))):
        raise InvalidManifestError(
            f"{fetched.digest}: a descriptor has urls, content outside the registry, which is "
            "never fetched; push the image with all its layers"
        )


def _parse_config(body: bytes, digest: Digest) -> _Config:
    try:
        return msgspec.json.decode(body, type=_Config)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifestError(f"image config {digest}: {error}") from error


def _named(folder: Path, digest: Digest) -> Digest:
    """Return the sha256 digest of a blob that is in `folder`, under which it stands from now on."""
    if algorithm_of(digest) == _SHA256:
        return digest
    path = _blob_path(folder, digest)
    with path.open("rb") as stream:
        own = Digest(f"{_SHA256}:{hashlib.file_digest(stream, _SHA256).hexdigest()}")
    path.replace(_blob_path(folder, own))
    return own


def _write_manifest(folder: Path, fetched: FetchedImage, names: Mapping[Digest, Digest]) -> Digest:
    """Write the manifest, and the index that names it; return its digest in the layout."""
    digest, body = fetched.digest, fetched.body
    if any(name != digest for digest, name in names.items()):
        body = _renamed(fetched.body, names)
    if body is not fetched.body or algorithm_of(digest) != _SHA256:
        digest = digest_of(body)
    _write(folder, digest, body)
    _write_index(folder, Descriptor(fetched.manifest.media_type, digest, len(body)))
    return digest


def _renamed(body: bytes, names: Mapping[Digest, Digest]) -> bytes:
    """Return the manifest `body`, parsed before, with its content by other names."""
    manifest = msgspec.json.decode(body, type=dict[str, Any])
    for descriptor in (manifest["config"], *manifest["layers"]):
        descriptor["digest"] = names[descriptor["digest"]]
    return msgspec.json.encode(manifest)


def _write_index(folder: Path, entry: Descriptor) -> None:
    index = Manifest(media_type=OCI_INDEX, manifests=(entry,))
    (folder / "index.json").write_bytes(render_manifest(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


def _write(folder: Path, digest: Digest, body: bytes) -> None:
    _blob_path(folder, digest).write_bytes(body)


def _blob_path(folder: Path, digest: Digest) -> Path:
    path = folder / "blobs" / algorithm_of(digest) / encoded_part(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
