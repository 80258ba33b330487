import pytest

from tidegate.domain.errors import InvalidPolicyError
from tidegate.wire.manifest_file import MAX_FILE_BYTES, parse_manifests


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("---\n---\na: 1\n", [{"a": 1}], id="empty-documents-vanish"),
        pytest.param("gating: On\nno: yes", [{"gating": "On", "no": "yes"}], id="on-is-text"),
        pytest.param("d: 2026-12-03", [{"d": "2026-12-03"}], id="dates-are-text"),
        pytest.param(
            "a: true\nb: -1\nc: 1.5\nd:", [{"a": True, "b": -1, "c": 1.5, "d": None}], id="json"
        ),
        pytest.param('{"a": [1]}', [{"a": [1]}], id="json-file"),
        pytest.param("{a: 1}", [{"a": 1}], id="flow-yaml"),
        pytest.param("kind: PodList\nitems: [{a: 1}, {b: 2}]", [{"a": 1}, {"b": 2}], id="list"),
        pytest.param("a: 1\n---\nb: 2", [{"a": 1}, {"b": 2}], id="several"),
    ],
)
def test_manifests_as_people_write_them(text: str, expected: list[dict[str, object]]) -> None:
    assert parse_manifests(text.encode(), "f.yaml") == expected


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"a: 1\na: 2", "given twice: a", id="yaml-duplicate-key"),
        pytest.param(b'{"a": {"b": 1, "b": 2}}', "given twice: b", id="json-duplicate-key"),
        pytest.param(b"a: &x [1]\nb: *x", "a reference", id="alias"),
        pytest.param(b"[" * 100 + b"]" * 100, "64 levels", id="deep-yaml"),
        pytest.param(b"{a: " * 100_000 + b"}" * 100_000, "64 levels", id="very-deep-yaml"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "recursion", id="deep-json"),
        pytest.param(b"a: 1\n---\n" * 201, "200 documents", id="many-documents"),
        pytest.param(b"\xff\xfe", "utf-8", id="no-utf-8"),
        pytest.param(b"a: !!python/object:os.system x", "constructor", id="python-tag"),
        pytest.param(b'{"a": NaN}', "NaN", id="nan"),
        pytest.param(b"- 1", "list, want mappings", id="a-list"),
        pytest.param(b"kind: List\nitems: [1]", "List holds", id="list-of-numbers"),
        pytest.param(b"a" * (MAX_FILE_BYTES + 1), "want at most", id="large"),
        pytest.param(b"a: [", "f.yaml", id="unclosed"),
    ],
)
def test_t17_tricks_are_refused_in_words(body: bytes, said: str) -> None:
    with pytest.raises(InvalidPolicyError, match=r"f\.yaml") as refused:
        parse_manifests(body, "f.yaml")
    assert said in str(refused.value)
