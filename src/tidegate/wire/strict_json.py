"""JSON that can be read in one way only.

RFC 8259 section 4 leaves open what a repeated key means, and readers differ: msgspec keeps the
last, others the first. What is signed must say one thing to everybody, so a repeated key is
refused, as are NaN and Infinity (not JSON), encodings other than UTF-8 (section 8.1) and nesting
deeper than anything we read. All checks are linear in the size of the text.
"""

import json

from tidegate.wire.json_depth import MAX_JSON_DEPTH, json_depth


class NotStrictError(ValueError):
    """JSON that is malformed, or that readers may understand differently."""


def require_strict_json(body: bytes, *, max_depth: int = MAX_JSON_DEPTH) -> None:
    """Return when `body` is one unambiguous JSON text.

    Raises:
        NotStrictError: it is not; says why.
    """
    depth = json_depth(body)  # first: the scanner below recurses
    if depth > max_depth:
        raise NotStrictError(f"nested {depth} deep, want at most {max_depth}")
    try:
        json.loads(
            body.decode(), object_pairs_hook=_refuse_repeated_keys, parse_constant=_refuse_constant
        )
    except NotStrictError:
        raise
    except ValueError as error:
        raise NotStrictError(f"no JSON in UTF-8: {error}") from error


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
