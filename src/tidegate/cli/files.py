"""Files that commands are given: read whole, size-capped, `-` being standard input."""

import sys
from pathlib import Path
from typing import Any

from tidegate.domain.errors import InputError
from tidegate.wire.rule_files import objects_of
from tidegate.wire.strict_yaml import load_documents

MAX_MANIFEST_BYTES = 4 * 2**20
"""Largest YAML or JSON file read: eight full policy objects, or thousands of workloads."""

STDIN = "-"


def read_bytes(path: str, max_bytes: int) -> bytes:
    """Return the content of `path`.

    Raises:
        InputError: it cannot be read, or is larger than `max_bytes`.
    """
    try:
        if path == STDIN:
            body = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with Path(path).open("rb") as file:
                body = file.read(max_bytes + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if len(body) > max_bytes:
        raise InputError(f"{path}: more than {max_bytes} bytes; give a smaller file")
    return body


def read_objects(path: str) -> list[dict[str, Any]]:
    """Return the Kubernetes objects in the YAML or JSON file `path`; lists are taken apart.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    body = read_bytes(path, MAX_MANIFEST_BYTES)
    objects = []
    for document in load_documents(body, path, MAX_MANIFEST_BYTES):
        objects.extend(objects_of(document, path))
    if not objects:
        raise InputError(f"{path}: holds no object; want Kubernetes objects in YAML or JSON")
    return objects
