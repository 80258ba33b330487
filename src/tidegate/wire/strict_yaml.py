"""YAML that can be read in one way only, as YAML 1.2 reads it.

Aliases are refused (a few lines of them expand to gigabytes), as are keys that stand twice (readers
differ in which they keep) and nesting deeper than anything we read. Plain words are what YAML 1.2
says they are: `On` and `yes` are words, not booleans, and a date stays the text that it is.

Not done here: what the documents mean.
"""

import re
from typing import Any

import yaml

from tidegate.domain.errors import InputError
from tidegate.wire.json_depth import MAX_JSON_DEPTH

MAX_DOCUMENTS = 10_000

_TAGS = frozenset({None, "!", "tag:yaml.org,2002:str"})
"""Tags that a node may carry: none, or "this is text" (`!` is what a quoted word has)."""

_LIBYAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml reads 4 MiB in a second, the loader in Python in half a minute."""


def load_documents(body: bytes, source: str, max_bytes: int) -> list[Any]:
    """Return the documents of the YAML or JSON text `body`, empty ones left out.

    Raises:
        InputError: not strict YAML in UTF-8, or beyond the limits; names `source` and the line.
    """
    if len(body) > max_bytes:
        raise InputError(f"{source}: {len(body)} bytes, want at most {max_bytes}")
    try:
        text = body.decode("utf-8-sig")
        _refuse_bombs(text)
        loaded = yaml.load_all(text, Loader=_StrictLoader)
        return [document for document in loaded if document is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{source}: {' '.join(str(error).split())[:500]}") from error


def _refuse_bombs(text: str) -> None:
    """Refuse aliases, tags, deep nesting and too many documents before anything is built."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_LIBYAML):
        if isinstance(event, yaml.AliasEvent):
            raise _refusal(f"alias *{event.anchor}: aliases are refused; write it out", event)
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) not in _TAGS:
            raise _refusal("tags are refused; write plain YAML", event)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > MAX_JSON_DEPTH:
            raise _refusal(f"nested deeper than {MAX_JSON_DEPTH}", event)
        if documents > MAX_DOCUMENTS:
            raise _refusal(f"more than {MAX_DOCUMENTS} documents", event)


def _refusal(problem: str, place: yaml.Event | yaml.Node) -> ValueError:
    mark = place.start_mark
    where = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
    return ValueError(f"{where}{problem}")


class _StrictLoader(_LIBYAML):  # type: ignore[misc, valid-type] # libyaml where it is built in
    """A safe loader with the plain words of YAML 1.2 that refuses keys that stand twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's way to own resolvers

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: ARG002, FBT001, FBT002 - as the base class
    ) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen or key.value == "<<":
                what = f"key {key.value[:80]!r}" if isinstance(key, yaml.ScalarNode) else "a key"
                raise _refusal(f"{what} stands twice, or is no plain word", key)
            seen.add(key.value)
        # Keys are words in everything we read; `1:` and `true:` are the words "1" and "true".
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


# YAML 1.2, section 10.3.2, "Tag Resolution" of the core schema; hexadecimal and octal left out.
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
        "-+.0123456789",
    ),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
):
    _StrictLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), [*_first, ""]
    )
