import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.wire.json_depth import json_depth
from tidegate.wire.strict_json import (
    SHORT_BYTES,
    TOO_LARGE,
    NotStrictError,
    read_strict_json,
    require_strict_json,
)

texts = st.text('[]{}"\\a', max_size=6)
"""Strings full of what could be taken for structure."""

values = st.recursive(
    st.none() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)
names = st.sampled_from(["a", "b", "<", "&\\", '"', "\u2028", "ä"])
objects = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(names, inner), max_size=3),
    max_leaves=20,
)
"""Values whose objects are lists of pairs, so that a key may stand twice."""

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


def as_go_writes(text: str) -> str:
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def written(value: object, *, go: bool) -> str:
    """Return `value` as JSON; lists of pairs are objects."""
    if isinstance(value, list) and value and all(isinstance(each, tuple) for each in value):
        pairs = (f"{written(key, go=go)}:{written(inner, go=go)}" for key, inner in value)
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(written(each, go=go) for each in value)}]"
    text = json.dumps(value, ensure_ascii=False)
    return as_go_writes(text) if go else text


def judged(body: bytes) -> bool:
    try:
        require_strict_json(body)
    except NotStrictError:
        return False
    return True


def read(body: bytes) -> tuple[bool, object]:
    try:
        return True, read_strict_json(body, max_values=SHORT_BYTES)
    except NotStrictError:
        return False, None


@given(objects, st.booleans(), st.sampled_from(["", "\n", " ", "x"]))
def test_what_is_read_at_once_is_refused_exactly_when_the_careful_look_refuses(
    value: object,
    go: bool,  # noqa: FBT001 drawn
    ending: str,
) -> None:
    body = (written(value, go=go) + ending).encode()
    accepted, meaning = read(body)
    assert accepted is judged(body)
    if accepted:
        assert meaning == json.loads(body)


@given(objects, st.booleans(), st.data())
def test_no_change_of_a_text_is_read_at_once_and_refused_by_the_careful_look(
    value: object,
    go: bool,  # noqa: FBT001 drawn
    data: st.DataObject,
) -> None:
    body = bytearray(written(value, go=go).encode())
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(body))] * 2)))
    part = data.draw(st.sampled_from([b"", bytes(body[start:end]) * 2, b"\\u003c", b"\\", b"["]))
    body[start:end] = part
    accepted, meaning = read(bytes(body))
    assert accepted is judged(bytes(body))
    if accepted:
        assert meaning == json.loads(bytes(body))


@pytest.mark.parametrize("depth", [10, 16, 17, 18, 63, 64, 65, 66])
@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_depth_is_judged_alike_wherever_the_quick_look_ends(depth: int, pair: str) -> None:
    inside = '"a":' if pair == "{}" else ""
    text = "1"
    for _ in range(depth):
        text = f"{pair[0]}{inside}{text}{pair[1]}"
    assert read(text.encode())[0] is judged(text.encode()) is (depth <= 64)


def test_a_text_too_large_to_be_held_is_judged_and_not_held() -> None:
    body = b'{"a":"' + b"x" * SHORT_BYTES + b'"}'
    assert read_strict_json(body) is TOO_LARGE
    with pytest.raises(NotStrictError):
        read_strict_json(body[:-1] + b',"a":1}')
