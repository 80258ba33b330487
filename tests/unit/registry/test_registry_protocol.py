import asyncio
import json
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import httpx2
import msgspec
import pytest

from tidegate.domain.digest import digest_of
from tidegate.registry.manifest import OCI_INDEX, OCI_MANIFEST
from tidegate.registry.store import Store
from tidegate.wire.distribution_v2 import NotificationV2, read_events

MAX_BLOB_BYTES = 2**21  # as in conftest
MAX_MANIFEST_BYTES = 2**16
UNKNOWN = digest_of(b"nobody pushed this")
BLOB = bytes(range(256)) * 40


async def push_blob(client: httpx2.AsyncClient, body: bytes, repository: str = "a") -> str:
    digest = digest_of(body)
    answer = await client.post(
        f"/v2/{repository}/blobs/uploads/", params={"digest": digest}, content=body
    )
    assert answer.status_code == 201, answer.text
    return digest


def image(layer: bytes = b"", **more: object) -> bytes:
    config = {"mediaType": "text/plain", "digest": digest_of(b"{}"), "size": 2}
    layers = [{"mediaType": "text/plain", "digest": digest_of(layer), "size": len(layer)}]
    content = {"schemaVersion": 2, "config": config, "layers": layers if layer else []}
    return json.dumps(content | more).encode()


async def put(
    client: httpx2.AsyncClient, body: bytes, reference: str = "", media_type: str = OCI_MANIFEST
) -> httpx2.Response:
    return await client.put(
        f"/v2/a/manifests/{reference or digest_of(body)}",
        content=body,
        headers={"Content-Type": media_type},
    )


async def push_image(client: httpx2.AsyncClient, reference: str = "", **more: object) -> str:
    await push_blob(client, b"{}")
    answer = await put(client, image(**more), reference)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["docker-content-digest"])


def code(answer: httpx2.Response) -> str:
    return str(answer.json()["errors"][0]["code"])


def referring_to(subject: str, artifact_type: str = "t/t", **annotations: str) -> dict[str, object]:
    return {
        "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1},
        "artifactType": artifact_type,
        "annotations": annotations,
    }


# Blobs


async def test_a_blob_pushed_whole_is_pulled_whole(client: httpx2.AsyncClient) -> None:
    digest = await push_blob(client, BLOB)
    answer = await client.get(f"/v2/a/blobs/{digest}")
    assert answer.content == BLOB
    assert answer.headers["docker-content-digest"] == digest
    head = await client.head(f"/v2/a/blobs/{digest}")
    assert (head.headers["content-length"], head.content) == (str(len(BLOB)), b"")


@pytest.mark.parametrize(
    ("wanted", "status", "part", "content_range"),
    [
        pytest.param("bytes=0-9", 206, BLOB[:10], "bytes 0-9/10240", id="first"),
        pytest.param("bytes=10-", 206, BLOB[10:], "bytes 10-10239/10240", id="from"),
        pytest.param("bytes=-5", 206, BLOB[-5:], "bytes 10235-10239/10240", id="last"),
        pytest.param("bytes=-99999", 206, BLOB, "bytes 0-10239/10240", id="more-than-all"),
        pytest.param("bytes=5-99999", 206, BLOB[5:], "bytes 5-10239/10240", id="past-end"),
        pytest.param("bytes=10240-", 416, None, "bytes */10240", id="beyond"),
        pytest.param("bytes=9-3", 416, None, "bytes */10240", id="backwards"),
        pytest.param("bytes=-0", 416, None, "bytes */10240", id="none"),
        pytest.param("bytes=0-1,3-4", 200, BLOB, None, id="several-are-ignored"),
        pytest.param("items=0-1", 200, BLOB, None, id="other-unit-is-ignored"),
        pytest.param("bytes=-", 200, BLOB, None, id="nonsense-is-ignored"),
    ],
)
async def test_range_of_a_blob(
    client: httpx2.AsyncClient,
    wanted: str,
    status: int,
    part: bytes | None,
    content_range: str | None,
) -> None:
    digest = await push_blob(client, BLOB)
    answer = await client.get(f"/v2/a/blobs/{digest}", headers={"Range": wanted})
    assert answer.status_code == status
    assert answer.headers.get("content-range") == content_range
    assert part is None or answer.content == part


async def test_an_empty_blob_is_a_blob(client: httpx2.AsyncClient) -> None:
    digest = await push_blob(client, b"")
    assert (await client.get(f"/v2/a/blobs/{digest}")).content == b""


async def test_a_blob_in_chunks(client: httpx2.AsyncClient) -> None:
    started = await client.post("/v2/a/blobs/uploads/")
    assert started.status_code == 202
    location = started.headers["location"]
    for first, last in pairwise((0, 4000, 8000)):
        answer = await client.patch(
            location,
            content=BLOB[first:last],
            headers={"Content-Range": f"{first}-{last - 1}"},
        )
        assert (answer.status_code, answer.headers["range"]) == (202, f"0-{last - 1}")
    status = await client.get(location)
    assert (status.status_code, status.headers["range"]) == (204, "0-7999")
    ended = await client.put(location, params={"digest": digest_of(BLOB)}, content=BLOB[8000:])
    assert (ended.status_code, ended.headers["location"]) == (
        201,
        f"/v2/a/blobs/{digest_of(BLOB)}",
    )
    assert (await client.get(ended.headers["location"])).content == BLOB
    assert code(await client.get(location)) == "BLOB_UPLOAD_UNKNOWN"


@pytest.mark.parametrize(
    ("content_range", "status"),
    [
        pytest.param("0-3", 416, id="again"),
        pytest.param("5-8", 416, id="gap"),
        pytest.param("4-8", 400, id="longer-than-sent"),
        pytest.param("4-6", 400, id="shorter-than-sent"),
        pytest.param("7-4", 400, id="backwards"),
        pytest.param("bytes 4-7/8", 400, id="other-form"),
    ],
)
async def test_a_chunk_out_of_order_or_length_changes_nothing(
    client: httpx2.AsyncClient, content_range: str, status: int
) -> None:
    location = (await client.post("/v2/a/blobs/uploads/")).headers["location"]
    await client.patch(location, content=b"0123", headers={"Content-Range": "0-3"})
    answer = await client.patch(location, content=b"4567", headers={"Content-Range": content_range})
    assert answer.status_code == status
    assert (await client.get(location)).headers["range"] == "0-3"
    ended = await client.put(location, params={"digest": digest_of(b"01234567")}, content=b"4567")
    assert ended.status_code == 201


async def test_a_chunk_that_breaks_off_changes_nothing(
    client: httpx2.AsyncClient, store: Store
) -> None:
    upload = store.uploads.start("a")
    await store.uploads.append(upload, several(b"0123"), None)

    async def breaking() -> AsyncIterator[bytes]:
        yield b"x" * 2**21
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await store.uploads.append(upload, breaking(), None)
    ended = await client.put(
        f"/v2/a/blobs/uploads/{upload.id}", params={"digest": digest_of(b"0123")}
    )
    assert ended.status_code == 201


async def several(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_an_upload_goes_on_after_a_restart(
    open_app: Callable[[], tuple[Store, httpx2.AsyncClient]],
) -> None:
    _, before = open_app()
    location = (await before.post("/v2/a/blobs/uploads/")).headers["location"]
    await before.patch(location, content=BLOB[:5000])
    _, after = open_app()
    answer = await after.put(location, params={"digest": digest_of(BLOB)}, content=BLOB[5000:])
    assert answer.status_code == 201


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_content_of_another_digest_is_refused(
    client: httpx2.AsyncClient, store: Store, algorithm: str, method: str
) -> None:
    wanted = digest_of(b"other", algorithm)
    path = "/v2/a/blobs/uploads/"
    if method == "PUT":
        path = (await client.post(path)).headers["location"]
    answer = await client.request(method, path, params={"digest": wanted}, content=BLOB)
    assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")
    assert (await client.head(f"/v2/a/blobs/{wanted}")).status_code == 404
    assert store.uploads.remove_older_than(2**40) == 0


async def test_sha512_is_a_digest_too(client: httpx2.AsyncClient) -> None:
    digest = digest_of(BLOB, "sha512")
    await client.post("/v2/a/blobs/uploads/", params={"digest": digest}, content=BLOB)
    assert (await client.get(f"/v2/a/blobs/{digest}")).content == BLOB
    body = image(config={"mediaType": "text/plain", "digest": digest, "size": len(BLOB)})
    answer = await put(client, body, digest_of(body, "sha512"))
    assert answer.headers["docker-content-digest"] == digest_of(body, "sha512")


async def test_t03_a_blob_above_the_limit_is_refused(
    client: httpx2.AsyncClient, store: Store
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 2**16

    for content in (b"x" * (MAX_BLOB_BYTES + 1), endless()):
        answer = await client.post(
            "/v2/a/blobs/uploads/", params={"digest": UNKNOWN}, content=content
        )
        assert (answer.status_code, code(answer)) == (413, "SIZE_INVALID")
    assert store.uploads.remove_older_than(2**40) == 0


async def test_t03_chunks_together_are_held_to_the_limit(client: httpx2.AsyncClient) -> None:
    location = (await client.post("/v2/a/blobs/uploads/")).headers["location"]
    chunk = b"x" * (MAX_BLOB_BYTES // 2 + 1)
    assert (await client.patch(location, content=chunk)).status_code == 202
    assert (await client.patch(location, content=chunk)).status_code == 413


async def test_an_upload_belongs_to_its_repository(client: httpx2.AsyncClient) -> None:
    location = (await client.post("/v2/a/blobs/uploads/")).headers["location"]
    answer = await client.patch(location.replace("/v2/a/", "/v2/b/"), content=b"x")
    assert (answer.status_code, code(answer)) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_a_cancelled_upload_is_gone(client: httpx2.AsyncClient, store: Store) -> None:
    location = (await client.post("/v2/a/blobs/uploads/")).headers["location"]
    assert (await client.delete(location)).status_code == 204
    assert (await client.delete(location)).status_code == 404
    assert store.uploads.remove_older_than(2**40) == 0


async def test_only_abandoned_uploads_are_removed(store: Store) -> None:
    upload = store.uploads.start("a")
    assert store.uploads.remove_older_than(upload.path.stat().st_mtime - 1) == 0
    assert store.uploads.remove_older_than(upload.path.stat().st_mtime + 1) == 1
    assert await store.uploads.find("a", upload.id) is None


async def test_a_blob_is_mounted_from_another_repository(client: httpx2.AsyncClient) -> None:
    digest = await push_blob(client, BLOB)
    answer = await client.post("/v2/b/blobs/uploads/", params={"mount": digest, "from": "a"})
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v2/b/blobs/{digest}")
    assert (await client.get(f"/v2/b/blobs/{digest}")).content == BLOB


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"mount": UNKNOWN, "from": "a"}, id="unknown-blob"),
        pytest.param({"mount": digest_of(BLOB), "from": "c"}, id="unknown-repository"),
        pytest.param({"mount": digest_of(BLOB)}, id="no-source"),
    ],
)
async def test_what_cannot_be_mounted_is_to_be_uploaded(
    client: httpx2.AsyncClient, query: dict[str, str]
) -> None:
    await push_blob(client, BLOB)
    answer = await client.post("/v2/b/blobs/uploads/", params=query)
    assert answer.status_code == 202
    assert (await client.get(answer.headers["location"])).status_code == 204


async def test_a_blob_is_seen_only_where_it_was_pushed(client: httpx2.AsyncClient) -> None:
    digest = await push_blob(client, BLOB)
    assert (await client.get(f"/v2/b/blobs/{digest}")).status_code == 404


async def test_t14_a_deleted_blob_is_gone_here_and_stays_elsewhere(
    client: httpx2.AsyncClient, store: Store
) -> None:
    digest = await push_blob(client, BLOB)
    await push_blob(client, BLOB, "b")
    assert (await client.delete(f"/v2/a/blobs/{digest}")).status_code == 202
    assert (await client.head(f"/v2/a/blobs/{digest}")).status_code == 404
    assert (await client.get(f"/v2/b/blobs/{digest}")).content == BLOB
    assert (await client.delete(f"/v2/b/blobs/{digest}")).status_code == 202
    assert list(store.content.digests()) == []


async def test_a_blob_whose_file_was_damaged_is_not_served(
    client: httpx2.AsyncClient, store: Store
) -> None:
    digest = await push_blob(client, b"{}")
    store.content.path_of(digest_of(b"{}")).write_bytes(b"")
    assert (await client.get(f"/v2/a/blobs/{digest}")).status_code == 404
    assert code(await put(client, image())) == "MANIFEST_BLOB_UNKNOWN"
    await push_blob(client, b"{}")  # which heals it
    assert (await put(client, image())).status_code == 201


# Manifests


async def test_a_manifest_is_pulled_as_it_was_pushed(client: httpx2.AsyncClient) -> None:
    await push_blob(client, b"{}")
    body = image() + b"\n"
    pushed = await put(client, body, "v1")
    assert pushed.headers["location"] == f"/v2/a/manifests/{digest_of(body)}"
    for reference in ("v1", digest_of(body)):
        answer = await client.get(f"/v2/a/manifests/{reference}")
        assert (answer.content, answer.headers["content-type"]) == (body, OCI_MANIFEST)
        head = await client.head(f"/v2/a/manifests/{reference}")
        assert head.headers["docker-content-digest"] == digest_of(body)
        assert head.headers["content-length"] == str(len(body))


async def test_a_manifest_needs_its_blobs_in_its_own_repository(
    client: httpx2.AsyncClient,
) -> None:
    await push_blob(client, b"{}", "b")
    answer = await put(client, image(), "v1")
    assert (answer.status_code, code(answer)) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert (await client.get("/v2/a/manifests/v1")).status_code == 404


async def test_a_manifest_that_lies_about_a_blobs_size_is_refused(
    client: httpx2.AsyncClient,
) -> None:
    await push_blob(client, b"{}")
    config = {"mediaType": "text/plain", "digest": digest_of(b"{}"), "size": 3}
    assert code(await put(client, image(config=config))) == "MANIFEST_INVALID"


async def test_an_index_may_name_manifests_that_are_not_there(client: httpx2.AsyncClient) -> None:
    child = {"mediaType": OCI_MANIFEST, "digest": UNKNOWN, "size": 9}
    body = json.dumps({"schemaVersion": 2, "manifests": [child]}).encode()
    assert (await put(client, body, "v1", OCI_INDEX)).status_code == 201


@pytest.mark.parametrize(
    ("reference", "status", "expected"),
    [
        pytest.param(UNKNOWN, 400, "DIGEST_INVALID", id="other-digest"),
        pytest.param("sha256:abc", 400, "DIGEST_INVALID", id="no-digest"),
        pytest.param("-bad", 400, "MANIFEST_INVALID", id="no-tag"),
        pytest.param("x" * 129, 400, "MANIFEST_INVALID", id="long-tag"),
    ],
)
async def test_a_manifest_under_a_wrong_reference_is_refused(
    client: httpx2.AsyncClient, reference: str, status: int, expected: str
) -> None:
    await push_blob(client, b"{}")
    answer = await put(client, image(), reference)
    assert (answer.status_code, code(answer)) == (status, expected)


async def test_t03_a_manifest_above_the_limit_is_refused(client: httpx2.AsyncClient) -> None:
    at_limit = image() + b" " * (MAX_MANIFEST_BYTES - len(image()))
    await push_blob(client, b"{}")
    assert (await put(client, at_limit, "v1")).status_code == 201
    answer = await put(client, at_limit + b" ", "v1")
    assert (answer.status_code, code(answer)) == (413, "SIZE_INVALID")


@pytest.mark.parametrize("reference", [".INVALID", "absent", UNKNOWN])
async def test_an_unknown_manifest_is_404(client: httpx2.AsyncClient, reference: str) -> None:
    answer = await client.get(f"/v2/a/manifests/{reference}")
    assert (answer.status_code, code(answer)) == (404, "MANIFEST_UNKNOWN")


async def test_a_deleted_tag_leaves_its_manifest(client: httpx2.AsyncClient) -> None:
    digest = await push_image(client, "v1")
    assert (await client.delete("/v2/a/manifests/v1")).status_code == 202
    assert (await client.delete("/v2/a/manifests/v1")).status_code == 404
    assert (await client.get(f"/v2/a/manifests/{digest}")).status_code == 200


async def test_a_deleted_manifest_takes_its_tags_along(client: httpx2.AsyncClient) -> None:
    digest = await push_image(client, "v1")
    assert (await client.delete(f"/v2/a/manifests/{digest}")).status_code == 202
    assert (await client.get("/v2/a/manifests/v1")).status_code == 404
    assert (await client.delete(f"/v2/a/manifests/{digest}")).status_code == 404


@pytest.mark.parametrize(
    ("tag", "actions"),
    [
        pytest.param("v1", ["push", "delete"], id="by-tag"),
        # What nobody has heard of yet, and is gone, need not be told.
        pytest.param("", ["delete"], id="by-digest"),
    ],
)
async def test_a_deletion_is_told_after_the_push_and_only_where_there_was_one(
    client: httpx2.AsyncClient, store: Store, tag: str, actions: list[str]
) -> None:
    digest = await push_image(client, tag)
    await client.delete(f"/v2/a/manifests/{digest}")
    assert (await client.delete(f"/v2/a/manifests/{digest}")).status_code == 404
    told = [json.loads(row.body) for row in store.events(10)]
    assert [event["action"] for event in told] == actions
    read = read_events(msgspec.convert({"events": told}, NotificationV2))
    (gone,) = read.deletions
    assert (gone.host, gone.repository, gone.digest) == ("r.example", "a", digest)
    assert (len(read.pushes), read.others) == (len(actions) - 1, 0)


async def test_a_blob_of_a_manifest_is_deleted_only_after_it(client: httpx2.AsyncClient) -> None:
    digest = await push_image(client)
    blob = f"/v2/a/blobs/{digest_of(b'{}')}"
    answer = await client.delete(blob)
    assert (answer.status_code, code(answer)) == (405, "DENIED")
    await client.delete(f"/v2/a/manifests/{digest}")
    assert (await client.delete(blob)).status_code == 202


async def test_every_race_of_delete_and_push_leaves_manifests_whole(
    client: httpx2.AsyncClient,
) -> None:
    blob = f"/v2/a/blobs/{digest_of(b'{}')}"
    for _ in range(10):
        await push_blob(client, b"{}")
        pushed, deleted = await asyncio.gather(put(client, image(), "v1"), client.delete(blob))
        assert {pushed.status_code, deleted.status_code} in ({201, 405}, {404, 202})
        if pushed.status_code == 201:
            assert (await client.get(blob)).content == b"{}"
            await client.delete(f"/v2/a/manifests/{digest_of(image())}")


async def test_pushes_of_one_blob_and_tag_at_once_all_succeed(client: httpx2.AsyncClient) -> None:
    digests = set(await asyncio.gather(*(push_blob(client, b"{}") for _ in range(8))))
    assert digests == {digest_of(b"{}")}
    answers = await asyncio.gather(
        *(put(client, image(annotations={"n": str(n)}), "v1") for n in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    tagged = (await client.get("/v2/a/manifests/v1")).headers["docker-content-digest"]
    assert tagged in {answer.headers["docker-content-digest"] for answer in answers}


# Lists


async def names_of(client: httpx2.AsyncClient, path: str, key: str) -> tuple[list[str], int]:
    names: list[str] = []
    pages = 0
    following: str | None = path
    while following is not None:
        answer = await client.get(following)
        pages += 1
        found = answer.json()[key]
        names += [entry["digest"] if isinstance(entry, dict) else entry for entry in found]
        following = answer.links.get("next", {}).get("url")
    return names, pages


async def test_tags_are_listed_in_order_and_pages(client: httpx2.AsyncClient) -> None:
    for tag in ("b", "B", "a", "10", "9", "_x", "z"):
        await push_image(client, tag)
    everything = ["10", "9", "B", "_x", "a", "b", "z"]
    assert await names_of(client, "/v2/a/tags/list", "tags") == (everything, 3)
    assert await names_of(client, "/v2/a/tags/list?n=2", "tags") == (everything, 4)
    assert await names_of(client, "/v2/a/tags/list?n=7&last=B", "tags") == (everything[3:], 2)
    assert (await client.get("/v2/a/tags/list?n=0")).json() == {"name": "a", "tags": []}


async def test_repositories_are_listed_in_pages(client: httpx2.AsyncClient) -> None:
    for repository in ("d/e", "a", "c", "b"):
        await push_blob(client, b"{}", repository)
        path = f"/v2/{repository}/manifests/v1"
        await client.put(path, content=image(), headers={"Content-Type": OCI_MANIFEST})
    listed = await names_of(client, "/v2/_catalog?n=3", "repositories")
    assert listed == (["a", "b", "c", "d/e"], 2)


@pytest.mark.parametrize("n", ["-1", "x", "", "1e3", "9" * 30])
async def test_a_page_size_that_is_no_number_is_refused(client: httpx2.AsyncClient, n: str) -> None:
    answer = await client.get("/v2/_catalog", params={"n": n})
    assert (answer.status_code, code(answer)) == (400, "PAGINATION_NUMBER_INVALID")


async def test_tags_of_an_unknown_repository_are_404(client: httpx2.AsyncClient) -> None:
    assert code(await client.get("/v2/nothing/tags/list")) == "NAME_UNKNOWN"


# Referrers


async def test_a_referrer_is_listed_before_and_after_its_subject_is_pushed(
    client: httpx2.AsyncClient,
) -> None:
    await push_blob(client, b"{}")
    subject = digest_of(image())
    body = image(**referring_to(subject, "t/1", who="me"))
    pushed = await put(client, body)
    assert pushed.headers["oci-subject"] == subject
    expected = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {
                "mediaType": OCI_MANIFEST,
                "digest": digest_of(body),
                "size": len(body),
                "artifactType": "t/1",
                "annotations": {"who": "me"},
            }
        ],
    }
    before = await client.get(f"/v2/a/referrers/{subject}")
    assert (before.json(), before.headers["content-type"]) == (expected, OCI_INDEX)
    assert (await put(client, image())).status_code == 201
    assert (await client.get(f"/v2/a/referrers/{subject}")).json() == expected
    await client.delete(f"/v2/a/manifests/{digest_of(body)}")
    assert (await client.get(f"/v2/a/referrers/{subject}")).json()["manifests"] == []


async def test_a_digest_without_referrers_has_an_empty_list(client: httpx2.AsyncClient) -> None:
    answer = await client.get(f"/v2/never/pushed/referrers/{UNKNOWN}")
    assert (answer.status_code, answer.json()["manifests"]) == (200, [])
    assert "oci-filters-applied" not in answer.headers


async def test_referrers_of_no_digest_are_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v2/a/referrers/latest")
    assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")


async def test_referrers_are_filtered_and_paged_in_the_order_of_pushes(
    client: httpx2.AsyncClient,
) -> None:
    pushed = [
        await push_image(client, **referring_to(UNKNOWN, f"t/{n % 2}+json", n=str(n)))
        for n in range(10)
    ]
    path = f"/v2/a/referrers/{UNKNOWN}"
    assert await names_of(client, path, "manifests") == (pushed, 5)
    filtered = f"{path}?artifactType=t%2F1%2Bjson"
    assert await names_of(client, filtered, "manifests") == (pushed[1::2], 3)
    first = await client.get(filtered)
    assert first.headers["oci-filters-applied"] == "artifactType"
    # What comes and goes while somebody pages makes them skip nothing.
    await client.delete(f"/v2/a/manifests/{pushed[1]}")
    late = await push_image(client, **referring_to(UNKNOWN, "t/1+json", n="late"))
    rest, _ = await names_of(client, first.links["next"]["url"], "manifests")
    assert rest == [*pushed[5::2], late]


async def test_t03_a_page_of_large_annotations_is_shorter_than_its_count(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed = [
        await push_image(client, **referring_to(UNKNOWN, n=str(n), large="x" * 1000))
        for n in range(3)
    ]
    monkeypatch.setattr("tidegate.registry.store.MAX_REFERRERS_BYTES", 1500)
    listed = await names_of(client, f"/v2/a/referrers/{UNKNOWN}", "manifests")
    assert listed == (pushed, 3)


async def test_a_referrer_pushed_again_keeps_its_place(client: httpx2.AsyncClient) -> None:
    pushed = [await push_image(client, **referring_to(UNKNOWN, n=str(n))) for n in (0, 1, 0)]
    listed, _ = await names_of(client, f"/v2/a/referrers/{UNKNOWN}", "manifests")
    assert listed == pushed[:2]


async def test_everything_is_there_after_a_restart(
    open_app: Callable[[], tuple[Store, httpx2.AsyncClient]],
) -> None:
    _, before = open_app()
    subject = await push_image(before, "v1")
    referrer = await push_image(before, **referring_to(subject))
    _, after = open_app()
    assert (await after.get("/v2/a/manifests/v1")).content == image()
    listed, _ = await names_of(after, f"/v2/a/referrers/{subject}", "manifests")
    assert listed == [referrer]


# The rest


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("DELETE", "/v2/", id="root"),
        pytest.param("PUT", "/v2/_catalog", id="catalog"),
        pytest.param("POST", "/v2/a/manifests/v1", id="manifest"),
        pytest.param("PATCH", f"/v2/a/blobs/{UNKNOWN}", id="blob"),
        pytest.param("GET", "/v2/a/blobs/uploads/", id="uploads"),
        pytest.param("DELETE", f"/v2/a/referrers/{UNKNOWN}", id="referrers"),
    ],
)
async def test_other_methods_are_refused(
    client: httpx2.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, code(answer)) == (405, "UNSUPPORTED")


async def test_an_event_tells_of_each_push_once_until_delivered(
    client: httpx2.AsyncClient, store: Store
) -> None:
    digest = await push_image(client, "v1")
    await push_image(client, "v1")
    await push_image(client)
    tagged, untagged = (json.loads(row.body) for row in store.events(10))
    assert tagged["action"] == "push"
    assert tagged["timestamp"] == "2026-11-23T09:00:00Z"
    assert tagged["target"] == {
        "mediaType": OCI_MANIFEST,
        "size": len(image()),
        "digest": digest,
        "length": len(image()),
        "repository": "a",
        "url": f"http://r.example/v2/a/manifests/{digest}",
        "tag": "v1",
    }
    assert tagged["request"]["host"] == "r.example"
    assert "tag" not in untagged["target"]


async def test_t09_the_event_names_the_registrys_own_host_whatever_the_request_says(
    client: httpx2.AsyncClient, store: Store
) -> None:
    await push_blob(client, b"{}")
    await client.put(
        "/v2/a/manifests/v1",
        content=image(),
        headers={"Content-Type": OCI_MANIFEST, "Host": "attacker.example"},
    )
    (row,) = store.events(10)
    assert b"attacker" not in row.body


async def test_a_refused_manifest_makes_no_event(client: httpx2.AsyncClient, store: Store) -> None:
    await put(client, image(), "v1")
    assert store.events(10) == []


async def test_too_many_query_fields_are_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v2/_catalog?" + "&".join(f"n={n}" for n in range(20)))
    assert answer.status_code == 400
