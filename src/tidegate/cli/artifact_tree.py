"""What refers to an image, and what refers to that, read from the registry as a tree."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tidegate.domain.digest import Digest
from tidegate.domain.errors import InputError, NotInRegistryError, TidegateError
from tidegate.domain.reference import ImageReference
from tidegate.oci.client import RegistryClient
from tidegate.wire.oci_v1 import Manifest, platforms

MAX_NODES = 500
"""Referrers opened; an image of ours has about ten."""

MAX_DEPTH = 3
"""Image, artifact, signature; what refers to signatures is nobody's that we know."""

CREATED = "org.opencontainers.image.created"


@dataclass(frozen=True, slots=True)
class ReferrerNode:
    """A manifest and what refers to it."""

    digest: Digest
    kind: str
    """artifactType; for an image `image` or `index`, for an index entry its platform."""
    annotations: dict[str, str]
    children: "tuple[ReferrerNode, ...]" = ()
    note: str = ""
    """What else is to be said, as why it could not be read."""
    title: str = ""
    """Shown instead of kind and digest."""


@dataclass(slots=True)
class _Reader:
    client: RegistryClient
    image: ImageReference
    opened: int = 0

    async def children(self, subject: Digest, depth: int) -> tuple[ReferrerNode, ...]:
        if depth > MAX_DEPTH:
            return ()
        listed = await self.client.list_referrers(self.image.at(subject), subject)
        return tuple(
            [
                await self._referrer(d, depth)
                for d in dict.fromkeys(e.digest for e in listed.descriptors)
            ]
        )

    async def _referrer(self, digest: Digest, depth: int) -> ReferrerNode:
        self.opened += 1
        if self.opened > MAX_NODES:
            return ReferrerNode(digest, "", {}, note=f"more than {MAX_NODES} referrers, not opened")
        try:
            fetched = await self.client.fetch_manifest(self.image.at(digest))
        except InputError as error:
            return ReferrerNode(digest, "", {}, note=f"cannot be read: {error}")
        if fetched is None:
            return ReferrerNode(digest, "", {}, note="listed, but not there")
        manifest = fetched.manifest
        children = await self.children(digest, depth + 1)
        return ReferrerNode(digest, manifest.kind, manifest.annotations, children)


async def read_tree(client: RegistryClient, image: ImageReference) -> ReferrerNode:
    """Return `image` with everything that refers to it; an index with its platforms.

    Raises:
        NotInRegistryError: there is no such image.
        TidegateError: the registry is not configured, or did not answer.
    """
    fetched = await client.fetch_manifest(image)
    if fetched is None:
        raise NotInRegistryError(f"{image}: there is no such image; check the name and the tag")
    reader = _Reader(client, image)
    children = await reader.children(fetched.digest, 1)
    entries = await _platform_nodes(reader, fetched.manifest)
    kind = "index" if fetched.manifest.is_index else "image"
    title = str(image.at(fetched.digest))
    return ReferrerNode(fetched.digest, kind, {}, (*entries, *children), title=title)


async def _platform_nodes(reader: _Reader, manifest: Manifest) -> tuple[ReferrerNode, ...]:
    if not manifest.is_index:
        return ()
    nodes = []
    for entry in platforms(manifest):
        kind = str(entry.platform or "platform unknown")
        try:
            children = await reader.children(entry.digest, 1)
            nodes.append(ReferrerNode(entry.digest, kind, {}, children))
        except TidegateError as error:
            nodes.append(ReferrerNode(entry.digest, kind, {}, note=f"cannot be read: {error}"))
    return tuple(nodes)


def tree_lines(root: ReferrerNode) -> Iterator[str]:
    """Yield the tree as lines."""
    yield root.title
    yield from _child_lines(root, "")
    if not root.children:
        yield "(nothing refers to it)"


def _child_lines(node: ReferrerNode, indent: str) -> Iterator[str]:
    for child in node.children:
        is_last = child is node.children[-1]
        yield f"{indent}{'└── ' if is_last else '├── '}{_label(child)}"
        yield from _child_lines(child, f"{indent}{'    ' if is_last else '│   '}")


def _label(node: ReferrerNode) -> str:
    facts = [node.annotations[k] for k in ("scanner", CREATED) if node.annotations.get(k)]
    told = f" ({', '.join(facts)})" if facts else ""
    return (
        f"{node.kind or 'unknown type'} {node.digest}{told}{f': {node.note}' if node.note else ''}"
    )


def tree_data(root: ReferrerNode) -> dict[str, Any]:
    """Return the tree as data."""
    return {
        "digest": root.digest,
        "kind": root.kind,
        "annotations": root.annotations,
        **({"note": root.note} if root.note else {}),
        **({"reference": root.title} if root.title else {}),
        "referrers": [tree_data(child) for child in root.children],
    }
