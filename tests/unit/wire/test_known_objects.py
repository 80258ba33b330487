import json

import pytest

from support.golden import FOLDER
from tidegate.wire.admission_v1 import parse_review, request_by_outline
from tidegate.wire.known_texts import OVERHEAD_BYTES, KnownTexts, without_token_suffix

POD = (FOLDER / "pod-of-deployment" / "review.json").read_text()


def body(text: str) -> bytes:
    return json.dumps(json.loads(text), separators=(",", ":")).encode()


def test_pods_of_one_controller_are_one_but_for_their_names() -> None:
    first = parse_review(body(POD))
    second = parse_review(
        body(POD.replace("kube-api-access-abcde", "kube-api-access-x2vb9").replace("-abcde", "-z"))
    )
    assert first.object is not None
    assert second.object is not None
    assert first.object.name != second.object.name
    assert first.object.pod is second.object.pod


def test_pods_with_other_labels_have_their_own() -> None:
    for label in ("a", "b", "a"):
        request = parse_review(body(POD.replace('"app": "web"', f'"app": "{label}"')))
        assert request.object is not None
        assert request.object.pod.labels["app"] == label


@pytest.mark.parametrize("suffix", ["abcde", "?????"])
def test_a_volume_that_is_judged_keeps_its_name(suffix: str) -> None:
    review = json.loads(POD)
    volume = {"name": f"kube-api-access-{suffix}", "image": {"reference": "r.example/data:1"}}
    review["request"]["object"]["spec"]["volumes"].append(volume)
    text = body(json.dumps(review))
    assert request_by_outline(text) in (None, parse_review(b" " + text))
    request = parse_review(text)
    assert request.object is not None
    assert [each.name for each in request.object.pod.image_volumes] == [volume["name"]]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(b'{"a":"b"}', b'{"a":"b"}', id="none"),
        pytest.param(
            b'["kube-api-access-ab2de","kube-api-access-ab2de"]',
            b'["kube-api-access-?????","kube-api-access-?????"]',
            id="each",
        ),
        pytest.param(
            b'["kube-api-access-ab2de","kube-api-access-ab2df"]',
            b'["kube-api-access-?????","kube-api-access-ab2df"]',
            id="of the first name",
        ),
        pytest.param(b'"kube-api-access-ab2d"', b'"kube-api-access-ab2d"', id="too short"),
        pytest.param(b'"kube-api-access-ab2def"', b'"kube-api-access-ab2def"', id="too long"),
        pytest.param(b'"kube-api-access-a\\"de"', b'"kube-api-access-a\\"de"', id="a quote in it"),
        pytest.param(b'"kube-api-access-', b'"kube-api-access-', id="cut"),
    ],
)
def test_the_random_end_of_a_token_volume_is_taken_away(spec: bytes, expected: bytes) -> None:
    assert without_token_suffix(spec) == expected


def test_what_is_known_is_bounded_and_the_oldest_goes_first() -> None:
    asked: list[bytes] = []
    known = KnownTexts(lambda text: asked.append(text) or True, max_bytes=3 * OVERHEAD_BYTES)
    for text in (b"1", b"2", b"3", b"2"):
        assert known.meaning(text)
    assert (len(known), asked) == (2, [b"1", b"2", b"3"])
    assert known.meaning(b"1")
    assert asked[-1] == b"1"


@pytest.mark.parametrize("text", [b'{"a":1,"a":1}', b'{ "a":1}', b"[NaN]", b"[" * 99, b""])
def test_only_plain_json_is_known(text: bytes) -> None:
    known = KnownTexts(lambda _: True, max_bytes=2**20)
    assert known.meaning(text) is None
    assert len(known) == 0
