import pytest

from tidegate.registry.refusals import RefusedError
from tidegate.registry.routes import Kind, Route, parse_route


@pytest.mark.parametrize(
    ("path", "route"),
    [
        pytest.param("/v2/", Route(Kind.ROOT), id="root"),
        pytest.param("/v2", Route(Kind.ROOT), id="root-without-slash"),
        pytest.param("/v2/_catalog", Route(Kind.CATALOG), id="catalog"),
        pytest.param("/v2/a/tags/list", Route(Kind.TAGS, "a"), id="tags"),
        pytest.param("/v2/a/b/manifests/v1", Route(Kind.MANIFEST, "a/b", "v1"), id="manifest"),
        pytest.param("/v2/a/blobs/x", Route(Kind.BLOB, "a", "x"), id="blob"),
        pytest.param("/v2/a/blobs/uploads/", Route(Kind.UPLOADS, "a"), id="uploads"),
        pytest.param("/v2/a/blobs/uploads", Route(Kind.UPLOADS, "a"), id="uploads-bare"),
        pytest.param("/v2/a/blobs/uploads/1", Route(Kind.UPLOAD, "a", "1"), id="upload"),
        pytest.param("/v2/a/referrers/x", Route(Kind.REFERRERS, "a", "x"), id="referrers"),
        pytest.param(
            "/v2/a/blobs/uploads/manifests/x",
            Route(Kind.MANIFEST, "a/blobs/uploads", "x"),
            id="name-of-api-words",
        ),
        pytest.param("/v2/tags/list/tags/list", Route(Kind.TAGS, "tags/list"), id="name-tags-list"),
    ],
)
def test_a_path_names_one_route(path: str, route: Route) -> None:
    assert parse_route(path) == route


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param("/", "UNSUPPORTED", id="nothing"),
        pytest.param("/v1/a/tags/list", "UNSUPPORTED", id="v1"),
        pytest.param("/v2/a/b/c", "UNSUPPORTED", id="no-word"),
        pytest.param("/v2//tags/list", "NAME_INVALID", id="empty-name"),
        pytest.param("/v2/tags/list", "NAME_INVALID", id="no-name"),
        pytest.param("/v2/../etc/manifests/x", "NAME_INVALID", id="parent"),
        pytest.param("/v2/a/../b/manifests/x", "NAME_INVALID", id="parent-inside"),
        pytest.param("/v2/A/manifests/x", "NAME_INVALID", id="upper-case"),
        pytest.param("/v2/a\x00/manifests/x", "NAME_INVALID", id="nul"),
        pytest.param("/v2/a\n/manifests/x", "NAME_INVALID", id="newline"),
        pytest.param(f"/v2/{'a' * 256}/manifests/x", "NAME_INVALID", id="too-long"),
    ],
)
def test_any_other_path_is_refused(path: str, code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_route(path)
    assert refused.value.code == code
