"""Bytes of strangers are a report or refused by one of our own errors, whatever stands in them."""

from collections.abc import Iterator
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from support.report_documents import MADE, Json, body
from tidegate.domain.errors import InputError, LimitExceededError
from tidegate.plugins import load_formats

FORMATS = load_formats()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(MADE)), st.data())
def test_t17_any_value_in_a_report_is_read_or_refused(name: str, data: st.DataObject) -> None:
    document = MADE[name]()
    places = list(_places(document))
    container, key = data.draw(st.sampled_from(places))
    container[key] = data.draw(json_values)
    with suppress(InputError, LimitExceededError):
        FORMATS[name].parse(body(document))


@given(st.sampled_from(sorted(MADE)), st.binary(max_size=64), st.integers(0, 2000))
def test_t17_any_bytes_in_a_report_are_read_or_refused(name: str, noise: bytes, place: int) -> None:
    text = body(MADE[name]())
    place = min(place, len(text))
    with suppress(InputError, LimitExceededError):
        FORMATS[name].parse(text[:place] + noise + text[place:])


def _places(value: Json) -> Iterator[tuple[Json, Json]]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)
