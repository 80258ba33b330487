import pytest

from tidegate.oci.links import ForeignLinkError, parse_next_query

ASKED = "https://r.example/v2/app/referrers/sha256:aa?n=1"


@pytest.mark.parametrize(
    ("header", "query"),
    [
        pytest.param("", None, id="no-header"),
        pytest.param('</v2/app/referrers/sha256:aa?n=2>; rel="next"', "n=2", id="path"),
        pytest.param('<?n=2>; rel="next"', "n=2", id="query-only"),
        pytest.param(
            '<https://r.example/v2/app/referrers/sha256:aa?n=2>; rel="next"', "n=2", id="absolute"
        ),
        pytest.param("<?n=2>;rel=next", "n=2", id="token"),
        pytest.param('<?n=2>; title="x"; REL="next"', "n=2", id="after-another-parameter"),
        pytest.param('<?n=0>; rel="prev", <?n=2>; rel="next"', "n=2", id="among-others"),
        pytest.param('<?n=0>; rel="prev"', None, id="only-others"),
        pytest.param("nonsense", None, id="no-link"),
    ],
)
def test_the_next_page_is_found(header: str, query: str | None) -> None:
    assert parse_next_query(header, ASKED) == query


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/v2/app/referrers/sha256:aa?n=2",
        "http://r.example/v2/app/referrers/sha256:aa?n=2",
        "https://r.example:8443/v2/app/referrers/sha256:aa?n=2",
        "https://x@r.example/v2/app/referrers/sha256:aa?n=2",
        "//evil.example?n=2",
        "/v2/app/referrers/sha256:bb?n=2",
        "/v2/app/referrers/sha256:aa/../sha256:bb?n=2",
        "/v2/app/referrers/sha256:aa",
        "?n=1",
        "?n=2\r\nX: y",
        "\\\\evil.example?n=2",
        "https://[::1?n=2",
        "javascript:alert(1)",
        "",
    ],
)
def test_t02_a_next_page_anywhere_else_is_refused(target: str) -> None:
    with pytest.raises(ForeignLinkError):
        parse_next_query(f'<{target}>; rel="next"', ASKED)


def test_t02_a_header_that_is_too_long_is_refused() -> None:
    with pytest.raises(ForeignLinkError, match="at most 8192"):
        parse_next_query("<" * 8193, ASKED)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("piece", ["<", "<>", "<>;", "<>; rel", "<>" + " " * 50])
def test_t03_a_hostile_link_costs_linear_time(piece: str) -> None:
    assert parse_next_query((piece * 8192)[:8192], ASKED) is None
