"""Whose signatures stand on a findings artifact.

Signatures are looked for where cosign puts them: the tag `sha256-<hex>.sig` first (one round
trip), then manifests that refer to the artifact, in every layer of each. What stands there can be
written by anyone who may push, so nothing found there is more than a claim until a key verifies
it, and nothing unreadable there is worse than absent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tidegate.domain.digest import Digest, algorithm_of, encoded_part
from tidegate.domain.errors import (
    ContentMismatchError,
    InputError,
    LimitExceededError,
    NotInRegistryError,
    UntrustedError,
)
from tidegate.domain.reference import ImageReference, is_tag
from tidegate.evidence.ports import Fetched, RegistryReader
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.simplesigning import (
    MAX_PAYLOAD_BYTES,
    PAYLOAD_MEDIA_TYPE,
    SIGNATURE_ANNOTATION,
    SIGNATURE_ARTIFACT_TYPE,
    verify_artifact_signature,
)
from tidegate.wire.oci_v1 import Descriptor, Manifest

MAX_SIGNATURES = 64
"""Signatures looked at per manifest, and manifests per artifact; people sign a few times."""

Verify = Callable[[Iterable[EvidenceKey], bytes, str, Digest], EvidenceKey]
"""From keys, payload, signature and digest to the signer, where all of them fit."""


@dataclass(frozen=True, slots=True)
class SignatureFindings:
    """What a search for signatures found."""

    signers: tuple[EvidenceKey, ...]
    refusals: tuple[str, ...] = ()
    """Why each other signature was refused."""
    exceeded: str = ""
    """A limit that hid some signatures; empty where all were looked at."""

    def __add__(self, other: "SignatureFindings") -> "SignatureFindings":
        return SignatureFindings(
            tuple(dict.fromkeys((*self.signers, *other.signers))),
            self.refusals + other.refusals,
            self.exceeded or other.exceeded,
        )


def signature_tag(artifact: Digest) -> str:
    """Return the tag that cosign keeps signatures of `artifact` at; empty: there is none."""
    return cosign_tag(artifact, "sig")


def cosign_tag(subject: Digest, kind: str) -> str:
    """Return cosign's tag of `subject`; empty for sha512, whose hex would make it longer than one.

    distribution-spec, "Pulling manifests": a tag has 128 characters at most.
    """
    tag = f"{algorithm_of(subject)}-{encoded_part(subject)}.{kind}"
    return tag if is_tag(tag) else ""


async def fetch_signature_tag(
    client: RegistryReader, reference: ImageReference, artifact: Digest
) -> Manifest | None:
    """Return the manifest at the signature tag; None where none can be read there.

    Raises:
        RegistryUnavailableError: the registry did not answer.
    """
    tag = signature_tag(artifact)
    if not tag:
        return None
    tagged = ImageReference(reference.registry, reference.repository, tag)
    fetched = await _fetch_claim(client, tagged)
    return fetched.manifest if fetched is not None else None


async def verify_signatures(
    client: RegistryReader,
    reference: ImageReference,
    artifact: Digest,
    manifest: Manifest | None,
    keys: Iterable[EvidenceKey],
    verify: Verify = verify_artifact_signature,
) -> SignatureFindings:
    """Return which of `keys` signed `artifact` by the layers of `manifest`.

    `verify` says what such a signature has to be.

    Raises:
        RegistryUnavailableError: the registry did not answer.
    """
    layers = [] if manifest is None else [x for x in manifest.layers if _may_be_signature(x)]
    exceeded = ""
    if len(layers) > MAX_SIGNATURES:
        exceeded = f"{len(layers)} signatures on {artifact}, want at most {MAX_SIGNATURES}"
        layers = layers[:MAX_SIGNATURES]
    signers: dict[str, EvidenceKey] = {}
    refusals: list[str] = []
    known = tuple(keys)
    for layer in layers:
        try:
            payload = await client.fetch_blob(reference, layer, max_bytes=MAX_PAYLOAD_BYTES)
            signature = layer.annotations[SIGNATURE_ANNOTATION]
            key = verify(known, payload, signature, artifact)
        except (UntrustedError, NotInRegistryError, LimitExceededError) as refusal:
            refusals.append(str(refusal))
            continue
        signers.setdefault(key.fingerprint, key)
    return SignatureFindings(tuple(signers.values()), tuple(refusals), exceeded)


async def search_referring_signatures(
    client: RegistryReader,
    reference: ImageReference,
    artifact: Digest,
    keys: Iterable[EvidenceKey],
    verify: Verify = verify_artifact_signature,
) -> SignatureFindings:
    """Return which of `keys` signed `artifact` by manifests that refer to it.

    Raises:
        RegistryUnavailableError: the registry did not answer.
        LimitExceededError: more referrers than are listed at all.
    """
    listed = await client.list_referrers(reference, artifact)
    # The fallback index carries types of the writer's choice: only the manifests tell.
    entries = [d for d in listed.descriptors if listed.source == "tag" or _may_hold_signatures(d)]
    found = SignatureFindings(())
    if len(entries) > MAX_SIGNATURES:
        words = f"{len(entries)} signature manifests on {artifact}, want at most {MAX_SIGNATURES}"
        found = SignatureFindings((), exceeded=words)
    known = tuple(keys)
    for entry in entries[:MAX_SIGNATURES]:
        fetched = await _fetch_claim(client, reference.at(entry.digest))
        manifest = fetched.manifest if fetched is not None else None
        found += await verify_signatures(client, reference, artifact, manifest, known, verify)
    return found


async def _fetch_claim(client: RegistryReader, reference: ImageReference) -> Fetched | None:
    """Return a manifest that anyone may have put there; garbage is as good as nothing."""
    try:
        return await client.fetch_manifest(reference)
    except (InputError, LimitExceededError, ContentMismatchError, NotInRegistryError):
        return None


def _may_hold_signatures(descriptor: Descriptor) -> bool:
    # cosign 2 with `--registry-referrers-mode` says it by the config's type; registries list both
    # alike. An entry that does not say what it is has to be opened.
    return descriptor.artifact_type in {"", SIGNATURE_ARTIFACT_TYPE}


def _may_be_signature(layer: Descriptor) -> bool:
    return layer.media_type == PAYLOAD_MEDIA_TYPE and SIGNATURE_ANNOTATION in layer.annotations
