import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.wire.json_depth import json_depth
from tidegate.wire.strict_json import NotStrictError, require_strict_json

texts = st.text('[]{}"\\a', max_size=6)
"""Strings full of what could be taken for structure."""

values = st.recursive(
    st.none() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)
spacings = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])


@given(values, spacings, st.integers(0, 6))
def test_json_is_refused_exactly_from_the_depth_that_is_too_much(
    value: object, separators: tuple[str, str], max_depth: int
) -> None:
    body = json.dumps(value, separators=separators).encode()
    if json_depth(body) <= max_depth:
        require_strict_json(body, max_depth=max_depth)
    else:
        with pytest.raises(NotStrictError, match=f"more than {max_depth} deep"):
            require_strict_json(body, max_depth=max_depth)
