"""Manifests as people write them (YAML or JSON, one or several), read strictly.

Differences to YAML 1.1: only `true` and `false` are booleans (so a bare `On` stays text), dates
stay text, a key given twice and references (`&`, `*`) are refused: the first hides a condition,
the second can blow up a small file.
"""

import json
import re
from collections.abc import Hashable
from typing import Any, NoReturn

import yaml

from tidegate.domain.errors import InvalidPolicyError

MAX_FILE_BYTES = 2 * 2**20
"""Largest file read; four full policy objects."""

MAX_DOCUMENTS = 200
MAX_DEPTH = 64


def parse_manifests(body: bytes, name: str) -> list[dict[str, Any]]:
    """Return the documents of file `name`; the items of a `List` stand for themselves.

    Raises:
        InvalidPolicyError: too large, no UTF-8, no YAML or JSON, or documents that are no mappings.
    """
    if len(body) > MAX_FILE_BYTES:
        raise InvalidPolicyError(f"{name}: {len(body)} bytes, want at most {MAX_FILE_BYTES}")
    try:
        text = body.decode()
        documents = _parse(text)
    except (UnicodeDecodeError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise InvalidPolicyError(f"{name}: {_one_line(error)}") from error
    flat: list[dict[str, Any]] = []
    for document in documents:
        if not isinstance(document, dict):
            raise InvalidPolicyError(f"{name}: {type(document).__name__}, want mappings")
        items = document.get("items") if str(document.get("kind", "")).endswith("List") else None
        flat.extend(items if isinstance(items, list) else [document])
    if any(not isinstance(document, dict) for document in flat):
        raise InvalidPolicyError(f"{name}: a List holds something else than mappings")
    return flat


def _parse(text: str) -> list[Any]:
    if text.lstrip().startswith("{"):
        try:
            return [json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)]
        except json.JSONDecodeError:
            pass  # YAML's flow style begins like JSON
    _refuse_tricks(text)
    documents = yaml.load_all(text, Loader=_StrictLoader)
    return [document for document in documents if document is not None]


def _refuse_tricks(text: str) -> None:
    """Look at the events before anything is built: references, depth, number of documents."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_StrictLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError(f"a reference (*name) {_place(event)}; write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > MAX_DEPTH or documents > MAX_DOCUMENTS:
            raise ValueError(
                f"more than {MAX_DOCUMENTS} documents or {MAX_DEPTH} levels of nesting"
            )


def _place(event: yaml.Event) -> str:
    return f"in line {event.start_mark.line + 1}" if event.start_mark else ""


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe, without references and repeated keys, with JSON's scalars only."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        keys = [key.value for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"key given twice: {', '.join(twice)}", node.start_mark
            )
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"true|false", "tf"),
    ("tag:yaml.org,2002:null", r"null|~|", ("n", "~", "")),
    ("tag:yaml.org,2002:int", r"-?(?:0|[1-9][0-9]{0,18})", "-0123456789"),
    ("tag:yaml.org,2002:float", r"-?(?:0|[1-9][0-9]{0,18})\.[0-9]{1,18}", "-0123456789"),
):
    _StrictLoader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), list(_first))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key given twice: {next(key for key in keys if keys.count(key) > 1)}")
    return mapping


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
