"""Last good copies: a policy object compressed, so that a restart keeps it in force.

In a cluster a copy is a ConfigMap of Tidegate's namespace, without one a file; both hold the same
bytes: zlib (RFC 1950) over the object's JSON without what the API server owns.
"""

import base64
import hashlib
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from tidegate.domain.errors import InvalidPolicyError
from tidegate.wire.policy_merge import ORIGIN_ANNOTATION, PolicyObject, load_object
from tidegate.wire.policy_v1alpha1 import MAX_OBJECT_BYTES

COPY_LABEL = "tidegate.io/last-good"
"""Label, with the value `true`, by which gates list the copies."""

DATA_KEY = "object.json.zlib"
NAME_PREFIX = "tidegate-last-good-"
MAX_COPY_BYTES = 3 * MAX_OBJECT_BYTES
"""Largest copy once unpacked; more is refused, so that no copy is a bomb."""

MAX_NAME_CHARS = 253
"""Longest object name in Kubernetes (RFC 1123 subdomain)."""


def render_copy(body: Mapping[str, Any], origin: str = "") -> bytes:
    """Return the copy of the decoded policy object `body`."""
    metadata = body["metadata"]
    kept: dict[str, Any] = {
        key: metadata[key] for key in ("name", "creationTimestamp", "generation") if key in metadata
    }
    if origin:
        kept["annotations"] = {ORIGIN_ANNOTATION: origin}
    copy = {key: body[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": kept}
    return zlib.compress(msgspec.json.encode(copy), 9)


def parse_copy(copy: bytes) -> PolicyObject:
    """Return the policy object in `copy`.

    Raises:
        InvalidPolicyError: it does not unpack, is too large, or does not parse (any more).
    """
    unpacker = zlib.decompressobj()
    try:
        body = unpacker.decompress(copy, MAX_COPY_BYTES)
    except zlib.error as error:
        raise InvalidPolicyError(f"last good copy: {error}") from error
    if not unpacker.eof:
        raise InvalidPolicyError(
            f"last good copy: cut short, or more than {MAX_COPY_BYTES} bytes once unpacked"
        )
    return load_object(body)


def copy_name(object_name: str) -> str:
    """Return the name of the ConfigMap that keeps the copy of `object_name`."""
    name = NAME_PREFIX + object_name
    if len(name) <= MAX_NAME_CHARS:
        return name
    return NAME_PREFIX + hashlib.sha256(object_name.encode()).hexdigest()


def render_config_map(object_name: str, copy: bytes, namespace: str) -> dict[str, Any]:
    """Return the ConfigMap that keeps `copy`."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": copy_name(object_name),
            "namespace": namespace,
            "labels": {COPY_LABEL: "true"},
        },
        "binaryData": {DATA_KEY: base64.b64encode(copy).decode()},
    }


def parse_config_map(binary_data: Mapping[str, str] | None) -> PolicyObject:
    """Return the policy object in a ConfigMap's `binaryData`.

    Raises:
        InvalidPolicyError: it is not a copy that can be used.
    """
    try:
        copy = base64.b64decode((binary_data or {})[DATA_KEY], validate=True)
    except (KeyError, ValueError) as error:
        raise InvalidPolicyError(f"last good copy: no base64 in {DATA_KEY}: {error}") from error
    return parse_copy(copy)
