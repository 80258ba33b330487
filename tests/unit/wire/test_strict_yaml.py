"""YAML read in one way only (THREATS 17)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.errors import InputError
from tidegate.wire.strict_yaml import load_documents


def load(text: str | bytes) -> list[object]:
    return load_documents(text.encode() if isinstance(text, str) else text, "file.yaml", 10_000)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("On", "On"), ("yes", "yes"), ("true", True), ("False", False), ("~", None), ("", None),
        ("2026-12-03", "2026-12-03"), ("010", "010"), ("10", 10), ("-3", -3), ("1.5", 1.5),
        ("1e3", 1000.0), ("12:30:45", "12:30:45"), ("0x10", "0x10"), ("'1'", "1"), ("1_000", "1_000"),
        ("=", "="), (".5", 0.5), ("365d", "365d"), ("!!str 5", "5"),
    ],
)  # fmt: skip
def test_plain_words_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert load(f"key: {text}") == [{"key": value}]


def test_documents_and_json() -> None:
    assert load('a: 1\n---\n---\n{"b": [1, null]}\n') == [{"a": 1}, {"b": [1, None]}]
    assert load(b"\xef\xbb\xbfa: 1") == [{"a": 1}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("a: &x 1\nb: *x", "line 2, column 4: alias", id="t17-alias"),
        pytest.param(
            "a: 1\nb: 2\na: 3", "line 3, column 1: key 'a' stands twice", id="t17-repeated-key"
        ),
        pytest.param('{"a": 1, "a": 2}', "stands twice", id="t17-repeated-json-key"),
        pytest.param("x: {a: 1, 'a': 2}", "stands twice", id="t17-repeated-quoted-key"),
        pytest.param("<<: {a: 1}", "stands twice, or is no plain word", id="merge-key"),
        pytest.param("? [a]\n: 1", "no plain word", id="list-as-key"),
        pytest.param("[" * 70, "nested deeper than 64", id="deep"),
        pytest.param(
            "a: !!python/object/apply:os.system [ls]", "tags are refused", id="python-tag"
        ),
        pytest.param("a: !!binary aGk=", "tags are refused", id="binary-tag"),
        pytest.param("a: !local x", "tags are refused", id="local-tag"),
        pytest.param("a: [", "expected", id="cut-off"),
        pytest.param("---\n" * 1, "", id="nothing"),
        pytest.param(b"\xff\xfe", "utf-8", id="no-utf8"),
        pytest.param("a: \x07", "control characters", id="control-character"),
        pytest.param("a: " + "x" * 10_000, "want at most 10000", id="too-large"),
    ],
)
def test_what_can_be_read_in_two_ways_or_explodes_is_refused(text: str | bytes, why: str) -> None:
    if not why:
        assert load(text) == []
        return
    with pytest.raises(InputError, match=why) as refused:
        load(text)
    assert str(refused.value).startswith("file.yaml: ")
    assert "\n" not in str(refused.value)


def test_many_documents_are_refused_before_they_are_built() -> None:
    with pytest.raises(InputError, match="more than 10000 documents"):
        load_documents(b"--- 1\n" * 10_001, "f", 1_000_000)


@given(st.text(alphabet="ab:-{}[]&*!?|>'\"#%,\n \t1.~<", max_size=60))
def test_hostile_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        load(text)
