import pytest

from tidegate.wire.strict_json import NotStrictError, require_strict_json


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"1",
        b'{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}',
        b'{"[{": "]}[[[["}',
        b'"\\""',
        '{"ä": "€"}'.encode(),
        b"[" * 64 + b"]" * 64,
    ],
)
def test_plain_json_passes(body: bytes) -> None:
    require_strict_json(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"", "no JSON", id="empty"),
        pytest.param(b'{"a":1,"a":2}', "'a' stands twice", id="t17-repeated"),
        pytest.param(b'{"a":1,"\\u0061":2}', "'a' stands twice", id="t17-repeated-escaped"),
        pytest.param(b'{"x":[{"a":1,"b":{"c":1,"c":1}}]}', "'c' stands twice", id="t17-inside"),
        pytest.param(b"[NaN]", "NaN", id="t17-nan"),
        pytest.param(b"[-Infinity]", "-Infinity", id="t17-infinity"),
        pytest.param(b"[" * 65 + b"]" * 65, "more than 64 deep", id="t03-deep"),
        pytest.param(b"[" * 1_000_000, "more than 64 deep", id="t03-very-deep"),
        pytest.param(b'"' + b"\\" * 200_000, "no JSON", id="t03-backslashes"),
        pytest.param(b"1" * 10_000, "no JSON", id="t03-long-number"),
        pytest.param("{}".encode("utf-16"), "no JSON", id="utf-16"),
        pytest.param(b"\xef\xbb\xbf{}", "no JSON", id="byte-order-mark"),
        pytest.param(b'"\xff"', "no JSON", id="not-utf-8"),
        pytest.param(b"{}{}", "no JSON", id="two-texts"),
    ],
)
def test_what_readers_may_understand_differently_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(NotStrictError, match=said):
        require_strict_json(body)


@pytest.mark.timeout(10)
def test_t16_finding_a_repeated_key_is_linear_in_the_size() -> None:
    keys = ",".join(f'"k{n}":1' for n in range(100_000))
    with pytest.raises(NotStrictError, match="'k99999' stands twice"):
        require_strict_json(f'{{{keys},"k99999":1}}'.encode())
