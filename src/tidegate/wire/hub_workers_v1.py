"""What scan workers tell the hub of themselves, and the keys that they sign with."""

from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.wire.hub_bodies_v1 import Wire, Word


class AdvisorySourceV1(Wire):
    """The advisories of one ecosystem that a worker judges by."""

    ecosystem: Word
    source: Word
    records: Annotated[int, Meta(ge=0)]
    updated_at: Annotated[str, Meta(max_length=40)]
    """When the newest record was modified."""
    imported_at: Annotated[str, Meta(max_length=40)] = ""
    """When records were last imported; empty: never, the demo set is in use."""


class WorkerHeartbeatV1(Wire):
    """What a scan worker tells of itself, at its start and every minute."""

    version: Annotated[str, Meta(max_length=128)]
    key_fingerprint: Annotated[str, Meta(max_length=128)]
    public_key: Annotated[str, Meta(max_length=4096)]
    """PEM, of the evidence key that it signs with."""
    key_used_at: Annotated[str, Meta(max_length=40)] = ""
    """When it last signed; empty: not since its start."""
    sealing_key: Annotated[str, Meta(max_length=4096)] = ""
    """PEM, X25519: credentials sealed by it can be read by this worker alone."""
    registries: Annotated[list[Annotated[str, Meta(max_length=261)]], Meta(max_length=1000)] = (
        msgspec.field(default_factory=list)
    )
    """Hosts that it may contact."""
    advisories: Annotated[list[AdvisorySourceV1], Meta(max_length=1000)] = msgspec.field(
        default_factory=list
    )


class WorkerV1(Wire):
    """A scan worker as the hub last heard of it."""

    name: str
    last_seen_at: str
    version: str
    key_fingerprint: str
    """Of the evidence key that it signs with."""
    registries: list[str]
    """Hosts that it may contact."""
    sealing_fingerprint: str = ""
    """Of the key that credentials are sealed by for it; empty: it has none."""
    present: bool = False
    """Whether it was heard of in the last five minutes."""


class EvidenceKeyV1(Wire):
    """A key that signs findings; the hub never holds its private half."""

    name: str
    """The worker that told of it first."""
    fingerprint: str
    public_key: str
    last_used_at: str
    """Empty: a worker has it, but did not sign yet."""
