"""JSON that can be read in one way only, and that costs no more to read than its size says.

RFC 8259 section 4 leaves open what a repeated key means, and readers differ: msgspec keeps the
last, others the first; a gate and an API server could then judge and run different things. So a
repeated key is refused, as are NaN and Infinity (not JSON), encodings other than UTF-8 (section
8.1), and nesting or numbers of values beyond anything we read. All checks are linear in the text.
"""

import json
from functools import cache
from typing import Any, Final

import msgspec

from tidegate.wire.json_depth import MAX_JSON_DEPTH

SHORT_BYTES = 2**20
"""Texts up to this size are decoded whole for the quick look; each value costs some 60 bytes."""

SHALLOW_DEPTH = 16
"""How deeply the quick look follows; a pod with its managed fields needs 13."""

TOO_LARGE: Final = object()
"""In the place of what a text means that is longer than `SHORT_BYTES`."""

_NOT_PLAIN: Final = object()
_ESCAPED = ((rb"\u003c", b"<"), (rb"\u003e", b">"), (rb"\u0026", b"&"))
"""What Go's encoder escapes in every string, so that its JSON may stand in HTML."""

_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_MARKS = bytes(c for c in range(256) if c not in b'{}[]"')
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()


class NotStrictError(ValueError):
    """JSON that is malformed, or that readers may understand differently."""


def require_strict_json(
    body: bytes, *, max_depth: int = MAX_JSON_DEPTH, max_values: int = 0
) -> None:
    """Return when `body` is one unambiguous JSON text; `max_values` of 0 sets no limit.

    Raises:
        NotStrictError: it is not; says why.
    """
    _refuse_depth(body, max_depth)  # first: the parsers below recurse
    if max_values:
        _refuse_many_values(body, max_values)
    if len(body) <= SHORT_BYTES and _plain(_DECODER, body) is not _NOT_PLAIN:
        return
    _refuse_ambiguity(body)


def read_strict_json(body: bytes, *, max_depth: int = MAX_JSON_DEPTH, max_values: int = 0) -> Any:  # noqa: ANN401 whatever the text means
    """Return what `body` means, refusing what `require_strict_json` refuses.

    `TOO_LARGE` for a text that is in order, but would take too much memory as a whole.

    Raises:
        NotStrictError: it is not one unambiguous JSON text; says why.
    """
    if len(body) <= min(SHORT_BYTES, max_values or SHORT_BYTES) and max_depth >= SHALLOW_DEPTH:
        # A text that reads back as it was written, by a decoder that goes no deeper, is in order.
        value = _plain(_shallow_decoder(), body)
        if value is not _NOT_PLAIN:
            return value
    require_strict_json(body, max_depth=max_depth, max_values=max_values)
    return _DECODER.decode(body) if len(body) <= SHORT_BYTES else TOO_LARGE


def is_plain_json(text: bytes) -> bool:
    """Whether `text` is strict JSON in the compact form in which encoders write it; quick."""
    return len(text) <= SHORT_BYTES and _plain(_shallow_decoder(), text) is not _NOT_PLAIN


def _refuse_ambiguity(body: bytes) -> None:
    try:
        json.loads(
            body.decode(), object_pairs_hook=_refuse_repeated_keys, parse_constant=_refuse_constant
        )
    except NotStrictError:
        raise
    except ValueError as error:
        raise NotStrictError(f"no JSON in UTF-8: {error}") from error


def _plain(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> Any:  # noqa: ANN401 any JSON
    """Return what `body` means if it is compact JSON as an encoder writes it: with no key twice.

    Decoding and encoding is several times faster than looking at each key, and holds for most of
    what API servers send; of other texts (`_NOT_PLAIN`) it says nothing.
    """
    try:
        value = decoder.decode(body)
        written = _ENCODER.encode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _NOT_PLAIN
    return value if written == body or written == _unescaped(body) else _NOT_PLAIN


def _unescaped(body: bytes) -> bytes:
    """Return `body` as our encoder would write what Go's wrote.

    Where a backslash before the escape makes it mean something else, what comes out is no JSON
    text, and so nothing that our encoder writes.
    """
    text = body.rstrip()
    if rb"\u00" in text:
        for escape, character in _ESCAPED:
            text = text.replace(escape, character)
    return text


@cache
def _shallow_decoder() -> "msgspec.json.Decoder[Any]":
    """Return a decoder that refuses nesting beyond `SHALLOW_DEPTH`, and lists in lists.

    Its type names each level of nesting; with lists in lists, as which Kubernetes' objects have
    none, there would be twice as many of them at each level.
    """
    scalar = str | int | float | bool | None
    in_list: Any = scalar
    anywhere: Any = scalar
    for _ in range(SHALLOW_DEPTH):
        objects = dict[str, anywhere]
        lists = list[in_list]
        in_list, anywhere = scalar | objects, scalar | objects | lists
    return msgspec.json.Decoder(anywhere)


def _refuse_depth(body: bytes, max_depth: int) -> None:
    """Refuse nesting beyond `max_depth`, counting brackets outside strings.

    Brackets and the quotes around strings are kept; two quotes side by side change nothing of what
    stands in a string and what does not. Then each round removes the innermost pairs of brackets;
    of unbalanced text the brackets that stay are counted.
    """
    limit = max_depth
    plain = body.replace(rb"\\", b"").replace(rb"\"", b"") if b"\\" in body else body
    marks = plain.translate(_BRACKETS, _NO_MARKS).replace(b'""', b"")
    nesting = b"".join(marks.split(b'"')[::2])
    for _ in range(max_depth):
        inner = nesting.replace(b"[]", b"")
        if len(inner) == len(nesting):
            break
        nesting = inner
    else:
        max_depth = 0  # as many rounds as may be, and brackets are left
    if nesting.count(b"[") > max_depth:
        raise NotStrictError(f"nested more than {limit} deep, want at most that")


def _refuse_many_values(body: bytes, max_values: int) -> None:
    """Refuse a text that would become more than about `max_values` objects in memory.

    Commas and brackets inside strings count too: nothing real comes near the limit.
    """
    if len(body) > max_values and sum(map(body.count, (b",", b"[", b"{"))) > max_values:
        raise NotStrictError(f"more than {max_values} values, want at most that")


def _refuse_repeated_keys(pairs: list[tuple[str, object]]) -> None:
    """Refuse an object that names a key twice; return nothing, so that nothing is kept."""
    if len(pairs) == len(dict(pairs)):
        return
    seen: set[str] = set()
    for key, _ in pairs:  # once over them: counting each would let a stranger's file take minutes
        if key in seen:
            raise NotStrictError(f"the key {key[:80]!r} stands twice in one object")
        seen.add(key)


def _refuse_constant(name: str) -> None:
    raise NotStrictError(f"{name} is no JSON number")
