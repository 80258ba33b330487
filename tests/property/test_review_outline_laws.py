"""A review read by its outline means what it means when it is read as a whole, or is not so read.

A space before a review is no JSON that an API server writes: such a one is read as a whole.
"""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.golden import FOLDER
from tidegate.domain.errors import MalformedReviewError
from tidegate.wire.admission_v1 import AdmissionRequest, parse_review, request_by_outline

RECORDED = {
    path.parent.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*/review.json"))
}
VALUES = (
    "", "a", "<b>&", "\u2028", '"kube-api-access-abcde', "kube-api-access-?????", "é", "\ud7ff",
    None, True, 0, -1.5, [], {}, ["a"], {"a": 1}, "DELETE", "CONNECT", "UPDATE", "Pod", "Job",
)  # fmt: skip
recorded = st.sampled_from(sorted(RECORDED))
randoms = st.integers(0, 2**32).map(Random)


class Twice(dict[str, Any]):
    """An object one of whose keys is written twice."""


def compact(value: Any, *, ascii_only: bool = True) -> bytes:  # noqa: ANN401 any JSON
    return _text(value, ascii_only=ascii_only).encode()


def _text(value: Any, *, ascii_only: bool) -> str:  # noqa: ANN401 any JSON
    if isinstance(value, list):
        return f"[{','.join(_text(each, ascii_only=ascii_only) for each in value)}]"
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=ascii_only)
    pairs = list(value.items())
    if isinstance(value, Twice) and pairs:
        pairs.append(pairs[len(pairs) // 2])
    fields = [f"{json.dumps(k)}:{_text(v, ascii_only=ascii_only)}" for k, v in pairs]
    return f"{{{','.join(fields)}}}"


def places(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 any JSON
    """Return every list and object in `value` with each of its keys."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        place = waiting.pop()
        keys = list(place) if isinstance(place, dict) else range(len(place))
        found += [(place, key) for key in keys]
        waiting += [place[key] for key in keys if isinstance(place[key], dict | list)]
    return found


def changed(value: Any, random: Random) -> Any:  # noqa: ANN401 any JSON
    """Return `value` with up to three changes anywhere."""
    value = json.loads(json.dumps(value))
    for _ in range(random.randrange(4)):
        place, key = random.choice(places(value))
        match random.randrange(4):
            case 0:
                place[key] = random.choice(VALUES)
            case 1:
                del place[key]
            case 2 if isinstance(place, dict):
                place[str(random.choice(VALUES))] = random.choice(VALUES)
            case _ if isinstance(place, dict):
                place[key] = place.pop(key)  # at the end now
    return value


def said(body: bytes) -> AdmissionRequest | None:
    try:
        return parse_review(body)
    except MalformedReviewError:
        return None


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_what_api_servers_send_is_read_by_its_outline(name: str) -> None:
    body = compact(RECORDED[name])
    assert request_by_outline(body) == parse_review(b" " + body)


@given(recorded, randoms)
def test_the_outline_says_what_the_whole_says(name: str, random: Random) -> None:
    body = compact(changed(RECORDED[name], random), ascii_only=random.random() < 0.3)
    whole = said(b" " + body)
    assert request_by_outline(body) in (None, whole)
    assert said(body) == whole


@given(recorded, randoms)
def test_a_key_that_stands_twice_anywhere_is_refused(name: str, random: Random) -> None:
    review = json.loads(json.dumps(RECORDED[name]))
    said(compact(review))  # its parts are known
    nested = [(place, key) for place, key in places(review) if isinstance(place[key], dict)]
    place, key = random.choice(nested)
    if not place[key]:
        place[key] = {"a": 1}
    place[key] = Twice(place[key])
    assert said(compact(review)) is None
