"""What the hub is told of a scanned manifest beside the counts: for people, never for a verdict.

Everything here was read from a registry that others write to: it is bounded, and what cannot be
read is named instead of left out. A gate never sees any of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from tidegate.domain.digest import Digest
from tidegate.domain.errors import InputError, InvalidManifestError, TidegateError
from tidegate.domain.reference import ImageReference
from tidegate.evidence.ports import Fetched, RegistryReader
from tidegate.evidence.signatures import fetch_signature_tag, verify_signatures
from tidegate.scan.layout import is_image
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.simplesigning import SIGNATURE_ARTIFACT_TYPE
from tidegate.wire.hub_data_v1 import (
    MAX_REFERRER_MANIFEST_CHARS,
    MAX_REFERRER_MANIFESTS_CHARS,
    DetailUploadV1,
    ImageConfigV1,
    ReferrerV1,
)
from tidegate.wire.oci_v1 import Manifest
from tidegate.wire.statement_v1 import MAX_STATEMENT_BYTES
from tidegate.wire.statement_v1 import MEDIA_TYPE as STATEMENT_MEDIA_TYPE

MAX_DEPTH = 3
"""Artifact, its signature, and one more."""

MAX_OPENED = 200
"""Referrers opened, three requests each; an image of ours has about ten. A note tells of more."""

MAX_CONFIG_BYTES = 8 * 2**20
MAX_ANNOTATIONS = 50
MAX_TEXT_CHARS = 4096
MAX_WORD_CHARS = 512
MAX_LAYERS = 512
MAX_LOCATIONS = 20
"""Places shown of one package; findings have all of theirs in the statement."""

CREATED = "org.opencontainers.image.created"


class _RootFs(msgspec.Struct):
    diff_ids: list[str] = []


class _Config(msgspec.Struct):
    created: str | None = None
    architecture: str | None = None
    os: str | None = None
    variant: str | None = None
    rootfs: _RootFs | None = None


async def read_detail(
    client: RegistryReader, reference: ImageReference, platform: str, keys: Sequence[EvidenceKey]
) -> DetailUploadV1:
    """Return what is told of the manifest `reference`, a digest; statement and packages are not in.

    Raises:
        TidegateError: the manifest or its config cannot be read.
    """
    fetched = await client.fetch_manifest(reference)
    if fetched is None:
        raise InvalidManifestError(f"{reference}: it is not in the registry any more")
    return DetailUploadV1(
        lease="",
        digest=fetched.digest,
        media_type=fetched.manifest.media_type,
        manifest=_text(fetched),
        platform=platform,
        config=await _config(client, reference, fetched.manifest),
        referrers=await read_referrers(client, reference, fetched.digest, keys),
    )


async def read_statement(
    client: RegistryReader, reference: ImageReference, artifact: Digest
) -> str:
    """Return the statement in one of our own findings artifacts, as it was signed.

    Raises:
        TidegateError: it cannot be read.
    """
    fetched = await client.fetch_manifest(reference.at(artifact))
    if fetched is None or len(fetched.manifest.layers) != 1:
        raise InvalidManifestError(f"{reference}: its findings artifact {artifact} is not there")
    (layer,) = fetched.manifest.layers
    body = await client.fetch_blob(reference, layer, max_bytes=MAX_STATEMENT_BYTES)
    return body.decode(errors="replace")  # the hub reads it strictly


async def read_referrers(
    client: RegistryReader, image: ImageReference, subject: Digest, keys: Sequence[EvidenceKey]
) -> list[ReferrerV1]:
    """Return what refers to the manifest `subject`, and to that; what cannot be read is named."""
    try:
        return await _Tree(client, image, tuple(keys)).below(subject, 1)
    except TidegateError as error:
        return [_unreadable("", f"its referrers could not be listed: {error}")]


def _text(fetched: Fetched) -> str:
    try:
        return fetched.body.decode()
    except UnicodeDecodeError as error:
        raise InvalidManifestError(f"manifest {fetched.digest}: {error}") from error


async def _config(
    client: RegistryReader, reference: ImageReference, manifest: Manifest
) -> ImageConfigV1 | None:
    if manifest.config is None or not is_image(manifest):
        return None
    body = await client.fetch_blob(reference, manifest.config, max_bytes=MAX_CONFIG_BYTES)
    try:
        config = msgspec.json.decode(body, type=_Config)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifestError(f"image config {manifest.config.digest}: {error}") from error
    layers = config.rootfs.diff_ids if config.rootfs else []
    return ImageConfigV1(
        created=(config.created or "")[:MAX_WORD_CHARS],
        architecture=(config.architecture or "")[:MAX_WORD_CHARS],
        os=(config.os or "")[:MAX_WORD_CHARS],
        variant=(config.variant or "")[:MAX_WORD_CHARS],
        layers=[layer[:MAX_WORD_CHARS] for layer in layers[:MAX_LAYERS]],
    )


@dataclass(slots=True)
class _Tree:
    client: RegistryReader
    image: ImageReference
    keys: tuple[EvidenceKey, ...]
    opened: int = field(default=0)
    shown_chars: int = field(default=0)

    async def below(self, subject: Digest, depth: int) -> list[ReferrerV1]:
        """Return what refers to `subject`; a whole list that cannot be had is an error."""
        if depth > MAX_DEPTH:
            return []
        listed = await self.client.list_referrers(self.image.at(subject), subject)
        nodes = list[ReferrerV1]()
        for digest in dict.fromkeys(entry.digest for entry in listed.descriptors):
            if self.opened >= MAX_OPENED:
                nodes.append(_unreadable("", f"more than {MAX_OPENED} referrers: no more are read"))
                break
            self.opened += 1
            nodes.append(await self._node(digest, subject, depth))
        return nodes

    async def _node(self, digest: Digest, subject: Digest, depth: int) -> ReferrerV1:
        try:
            fetched = await self.client.fetch_manifest(self.image.at(digest))
            if fetched is None:
                return _unreadable(digest, "listed, but not there")
            manifest = fetched.manifest
            children = await self.below(digest, depth + 1)
            signers = await self._signers(manifest, digest, subject, children)
            shown = self._shown(fetched)
        except (InputError, TidegateError) as error:
            return _unreadable(digest, f"cannot be read: {error}")
        return ReferrerV1(
            digest=digest,
            artifact_type=manifest.kind[:MAX_WORD_CHARS],
            kind=_kind(manifest),
            size=len(fetched.body),
            created_at=manifest.annotations.get(CREATED, "")[:MAX_WORD_CHARS],
            annotations={
                name[:MAX_WORD_CHARS]: value[:MAX_TEXT_CHARS]
                for name, value in sorted(manifest.annotations.items())[:MAX_ANNOTATIONS]
            },
            verified_by=signers,
            manifest=shown,
            referrers=children,
        )

    def _shown(self, fetched: Fetched) -> str:
        """Return the manifest's text while there is room for it in what the hub takes."""
        text = _text(fetched)
        room = MAX_REFERRER_MANIFESTS_CHARS - self.shown_chars
        if len(text) > min(MAX_REFERRER_MANIFEST_CHARS, room):
            return ""
        self.shown_chars += len(text)
        return text

    async def _signers(
        self, manifest: Manifest, digest: Digest, subject: Digest, children: list[ReferrerV1]
    ) -> list[str]:
        """Return whose signature `manifest` is, or who signed it."""
        if _kind(manifest) == "signature":
            found = await verify_signatures(self.client, self.image, subject, manifest, self.keys)
            return sorted({key.name[:MAX_WORD_CHARS] for key in found.signers})
        if _kind(manifest) != "artifact":
            return []
        tagged = await fetch_signature_tag(self.client, self.image, digest)
        at_tag = await verify_signatures(self.client, self.image, digest, tagged, self.keys)
        names = {key.name[:MAX_WORD_CHARS] for key in at_tag.signers}
        return sorted(names.union(*(child.verified_by for child in children)))


def _kind(manifest: Manifest) -> Literal["artifact", "signature", "other"]:
    if manifest.kind == STATEMENT_MEDIA_TYPE:
        return "artifact"
    return "signature" if manifest.kind == SIGNATURE_ARTIFACT_TYPE else "other"


def _unreadable(digest: str, note: str) -> ReferrerV1:
    return ReferrerV1(digest, "", "other", note=note[:MAX_TEXT_CHARS])
