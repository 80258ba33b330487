"""What JSON from strangers must not be: nested without end, or ambiguous.

Decoders stop at their own depth and keep one of two equal keys; readers that keep the first and
readers that keep the last would then judge and run different things.
"""

import json
from typing import Any

import msgspec

MAX_DEPTH = 64
"""Nesting that is accepted; a real Pod with managed fields has about 15."""

MAX_VALUES = 500_000
"""Values in one text: each costs a Python object while it is looked at, about 60 bytes."""

_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(c for c in range(256) if c not in b"{}[]")


def refuse_depth(body: bytes, max_depth: int = MAX_DEPTH) -> None:
    """Refuse nesting beyond `max_depth`, counting brackets outside strings, in linear time.

    Each round removes the innermost pairs. What remains of unbalanced text is the decoder's to
    refuse.

    Raises:
        ValueError: nested deeper.
    """
    plain = body.replace(rb"\\", b"").replace(rb"\"", b"") if b"\\" in body else body
    nesting = b"".join(plain.split(b'"')[::2]).translate(_BRACKETS, _NO_BRACKETS)
    for _ in range(max_depth):
        inner = nesting.replace(b"[]", b"")
        if len(inner) == len(nesting):
            return
        nesting = inner
    if nesting:
        raise ValueError(f"JSON is nested more than {max_depth} deep; want at most that")


def refuse_many_values(body: bytes, max_values: int = MAX_VALUES) -> None:
    """Refuse a text that would become more than about `max_values` objects in memory.

    Commas and brackets inside strings count too: nothing real comes near the limit.

    Raises:
        ValueError: there are more.
    """
    if len(body) > max_values and sum(map(body.count, (b",", b"[", b"{"))) > max_values:
        raise ValueError(f"JSON has more than {max_values} values; want at most that")


def refuse_duplicate_keys(body: bytes) -> None:
    """Refuse two equal keys in one object, anywhere in the valid JSON `body`.

    An encoder writes no key twice: compact JSON that survives decoding and encoding byte for byte
    has no duplicates. That is three times faster than looking, and true of most of what API
    servers send; other texts are looked at key by key.

    Raises:
        ValueError: a key stands twice, or the text is no JSON; names the key.
    """
    if _ENCODER.encode(_DECODER.decode(body)) != body.rstrip():
        json.loads(body, object_pairs_hook=_refuse_twice)


def _refuse_twice(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ValueError(f"the key {key[:80]!r} stands twice in one object; want it once")
        seen.add(key)


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()
