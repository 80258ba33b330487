"""Laws of everything that reads a registry's words."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import InvalidManifestError
from tidegate.oci.challenge import parse_challenges
from tidegate.oci.links import ForeignLinkError, parse_next_query
from tidegate.oci.urls import parse_named_url
from tidegate.wire.json_depth import json_depth
from tidegate.wire.oci_v1 import (
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    Platform,
    parse_manifest,
    render_manifest,
)

ASKED = "https://r.example/v2/app/referrers/x"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from('[]{}"\\'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=20,
)
names = st.text("abcxyz0189._-/", min_size=1, max_size=20)
descriptors = st.builds(
    Descriptor,
    names,
    st.binary(max_size=4).map(digest_of),
    st.integers(0, 2**63 - 1),
    artifact_type=st.just("") | names,
    platform=st.none() | st.builds(Platform, names, names, st.just("") | names),
    annotations=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
fields = {"artifact_type": st.just("") | names, "subject": st.none() | descriptors}
lists = st.lists(descriptors, max_size=4).map(tuple)
manifests = st.builds(Manifest, config=descriptors, layers=lists, **fields) | st.builds(
    Manifest, media_type=st.just(OCI_INDEX), manifests=lists, **fields
)


def depth_of(value: object) -> int:
    match value:
        case list():
            return 1 + max(map(depth_of, value), default=0)
        case dict():
            return 1 + max(map(depth_of, value.values()), default=0)
        case _:
            return 0


@given(manifests)
def test_what_is_rendered_is_read_back(manifest: Manifest) -> None:
    assert parse_manifest(render_manifest(manifest), manifest.media_type) == manifest


@given(json_values)
def test_depth_is_that_of_the_value(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert json_depth(text.encode()) == depth_of(value)


@given(
    st.binary(max_size=200) | json_values.map(lambda v: json.dumps(v).encode()),
    st.sampled_from(["", OCI_MANIFEST, OCI_INDEX]) | st.text(max_size=20),
)
def test_t03_any_bytes_are_a_manifest_or_refused(body: bytes, media_type: str) -> None:
    with contextlib.suppress(InvalidManifestError):
        parse_manifest(body, media_type)


@given(manifests, st.data())
def test_t03_a_cut_manifest_is_refused(manifest: Manifest, data: st.DataObject) -> None:
    body = render_manifest(manifest)
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    with contextlib.suppress(InvalidManifestError):
        raise AssertionError(parse_manifest(cut, manifest.media_type))


@given(st.text(max_size=200) | st.text('Basic,="\\ \t', max_size=60))
def test_t08_any_challenge_is_read_without_an_error(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme == challenge.scheme.lower() != ""


@given(st.text(max_size=60) | st.text("/.?#:@<>;\\[]htps", max_size=40))
def test_t02_a_followed_link_stays_where_the_list_is(target: str) -> None:
    with contextlib.suppress(ForeignLinkError):
        query = parse_next_query(f'<{target}>; rel="next"', ASKED)
        assert query is None or query.isprintable()


@given(st.text(max_size=60) | st.text("/.?#:@\\[]htps01", max_size=40))
def test_t09_a_named_url_has_a_host_and_no_user(target: str) -> None:
    parts = parse_named_url(target, ASKED)
    if parts is not None:
        assert parts.scheme in {"http", "https"}
        assert parts.hostname
        assert parts.username is None
        assert parse_named_url(parts.geturl()) == parts
