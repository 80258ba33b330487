"""How deeply a JSON text nests, without building anything from it.

A parser's own recursion is bounded by the interpreter's stack, far above what any format here
needs; a text that is refused for its depth has cost one linear pass (THREATS row 3).
"""

import re
from itertools import accumulate

MAX_JSON_DEPTH = 64
"""Deepest nesting read from a stranger; an image manifest needs 4 (THREATS, "Limits")."""

# Possessive repeats: an unterminated string costs one pass, not one per backslash.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS = bytes(set(range(256)) - set(_STEP))


def json_depth(body: bytes) -> int:
    """Return how many arrays and objects are open at once in `body`, at most; 0 for a scalar."""
    brackets = _STRING.sub(b"", body).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)
