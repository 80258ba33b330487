"""How deeply a JSON text nests, without building anything from it.

A parser's own recursion is bounded by the interpreter's stack, far above what any format here
needs; a text that is refused for its depth has cost one linear pass and little memory (THREATS
row 3).
"""

import re
from itertools import accumulate

MAX_JSON_DEPTH = 64
"""Deepest nesting read from a stranger; an image manifest needs 4 (THREATS, "Limits")."""

# The closing quote is optional: a string without end is passed once, not once per quote in it.
_STRING = rb'"(?:[^"\\]++|\\.)*+"?'
_STRINGS = re.compile(_STRING, re.DOTALL)
# A stretch ends between strings; stretches keep the memory small that a text of many strings costs.
_STRETCH = re.compile(rb'(?:[^"]++|%b){1,4096}+' % _STRING, re.DOTALL)
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS = bytes(set(range(256)) - set(_STEP))


def json_depth(body: bytes) -> int:
    """Return how many arrays and objects are open at once in `body`, at most; 0 for a scalar."""
    deepest = depth = 0
    for stretch in _STRETCH.finditer(body):
        brackets = _STRINGS.sub(b"", stretch[0]).translate(None, _NOT_BRACKETS)
        deepest = max(deepest, depth + max(accumulate(map(_STEP.__getitem__, brackets)), default=0))
        depth += sum(map(_STEP.__getitem__, brackets))
    return deepest
