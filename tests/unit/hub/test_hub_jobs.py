"""Scan jobs: queued once, leased to one worker, tried again, and their results kept."""

import asyncio
import dataclasses
import uuid
from datetime import timedelta

import msgspec
import pytest
from litestar import Litestar

from support.hub_world import TOKENS, World, until
from tidegate.domain.errors import ConflictError, InputError, NotFoundError
from tidegate.domain.rule import EvaluationMode
from tidegate.hub.jobs.pruning import prune
from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.hub_v1 import ImageV1, JobV1, PlatformReportV1, ScanRequestV1, SettingsV1

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
A, B, C = ("sha256:" + letter * 64 for letter in "abc")


def scan(digest: str = A, tags: list[str] | None = None) -> ScanRequestV1:
    return ScanRequestV1("registry.example", "shop/web", digest, tags or [])


def report(digest: str = A, **changes: object) -> PlatformReportV1:
    made = PlatformReportV1(
        digest, "linux/amd64", "2026-11-23T09:00:00Z", "tidegate", CountsV1(high=2), complete=True
    )
    return msgspec.structs.replace(made, **changes)


def push(digest: str = A, **changes: object) -> dict[str, object]:
    target = {"mediaType": IMAGE, "digest": digest, "repository": "shop/web", "tag": "1"}
    return {
        "id": uuid.uuid4().hex,
        "action": "push",
        "target": {**target, **changes},
        "request": {"host": "Registry.example", "method": "PUT"},
    }


async def notify(world: World, *events: object) -> dict[str, int]:
    client = world.raw(TOKENS["registry"])
    answer = await client.post(
        "/api/v1/registries/notifications",
        content=msgspec.json.encode({"events": events}),
        headers={"Content-Type": "application/vnd.docker.distribution.events.v1+json"},
    )
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def leased(world: World, worker: str = "w1") -> JobV1:
    job = await world.scanner.lease_job(worker)
    assert job is not None
    return job


async def image(world: World, digest: str = A) -> ImageV1:
    return await world.reader.get_image("registry.example", "shop/web", digest)


async def test_a_push_is_scanned_and_its_report_kept(world: World) -> None:
    assert await notify(world, push()) == {"queued": 1, "skipped": 0}
    assert (await image(world)).status == "queued"
    job = await leased(world)
    assert (job.registry, job.repository, job.digest) == ("registry.example", "shop/web", A)
    assert (job.tags, job.attach, job.attempt) == (["1"], True, 1)
    assert (await image(world)).status == "scanning"
    await world.scanner.complete_job(job, [report()])
    kept = await image(world)
    assert (kept.status, kept.reports) == ("scanned", [report()])
    assert (await world.reader.list_jobs()).counts == {
        "queued": 0,
        "leased": 0,
        "done": 1,
        "failed": 0,
    }


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({**push(), "action": "pull"}, id="pull"),
        pytest.param(push(mediaType="application/octet-stream"), id="blob"),
        pytest.param(push(tag="sha256-" + "a" * 64), id="fallback-tag"),
        pytest.param(push(tag="sha256-" + "a" * 64 + ".sig"), id="signature"),
        pytest.param(push(tag="sha512-" + "a" * 64), id="fallback-tag-of-sha512"),
        pytest.param(push(digest="sha256:abc"), id="no-digest"),
        pytest.param(push(repository="../etc"), id="no-repository"),
        pytest.param(push(tag="-x"), id="no-tag"),
        pytest.param({**push(), "request": {"host": "a b"}}, id="no-host"),
        pytest.param({**push(), "request": {"host": "user:pw@host/x"}}, id="host-with-more"),
        pytest.param({**push(), "request": {}}, id="host-unknown"),
    ],
)
async def test_what_is_no_images_push_is_skipped(world: World, event: object) -> None:
    assert await notify(world, event, push(B)) == {"queued": 1, "skipped": 1}
    assert [i.digest for i in (await world.reader.list_images()).items] == [B]


async def test_the_public_name_of_the_registry_comes_from_the_setting(
    world: World, routed: Litestar
) -> None:
    settings = dataclasses.replace(world.hub.settings, notify_registry="localhost:5000")
    routed.state.hub = dataclasses.replace(world.hub, settings=settings)
    await notify(world, push())
    assert (await leased(world)).registry == "localhost:5000"


async def test_broken_notification_is_refused(world: World) -> None:
    client = world.raw(TOKENS["registry"])
    for body in (b"", b"{", b'{"events": 3}', b'{"events":[{"action":"push"}]}', b"[" * 100_000):
        answer = await client.post("/api/v1/registries/notifications", content=body)
        assert (answer.status_code, body[:30]) == (400, body[:30])


async def test_a_digest_has_one_unfinished_job(world: World) -> None:
    first = await world.admin.request_scan(scan())
    assert (await world.admin.request_scan(scan())).id == first.id
    job = await leased(world)
    again = await world.admin.request_scan(scan(tags=["2"]))
    assert (again.id, again.state, (await image(world)).status) == (first.id, "leased", "scanning")
    await world.scanner.complete_job(job, [report()])
    assert (await world.admin.request_scan(scan())).id != first.id
    assert (await image(world)).tags == ["2"]


async def test_a_tag_points_to_the_digest_pushed_last(world: World) -> None:
    await notify(world, push(A), push(B))
    assert ((await image(world, A)).tags, (await image(world, B)).tags) == ([], ["1"])


async def test_no_job_is_leased_twice(world: World) -> None:
    for letter in "0123456789":
        await world.admin.request_scan(scan("sha256:" + letter * 64))
    taken = await asyncio.gather(*(world.scanner.lease_job(f"w{n}") for n in range(25)))
    jobs = [job for job in taken if job is not None]
    assert len(jobs) == len({job.id for job in jobs}) == 10


async def test_waiting_worker_gets_a_job_at_once(world: World) -> None:
    assert await world.scanner.lease_job("w1") is None
    waiting = asyncio.create_task(world.scanner.lease_job("w1", wait_s=10))
    await until(lambda: world.hub.signals.jobs.waiting == 1)
    await notify(world, push())
    async with asyncio.timeout(1):
        assert await waiting is not None


async def test_an_expired_lease_is_taken_again_and_its_results_refused(world: World) -> None:
    await world.admin.request_scan(scan())
    slow = await leased(world, "slow")
    world.later(59)
    await world.scanner.report_progress(slow)
    world.later(59)
    assert await world.scanner.lease_job("w2") is None
    world.later(2)
    for call in (
        world.scanner.report_progress(slow),
        world.scanner.complete_job(slow, [report()]),
        world.scanner.fail_job(slow, "x", retry=True),
    ):
        with pytest.raises(ConflictError, match="lost"):
            await call
    fresh = await leased(world, "fresh")
    assert (fresh.id, fresh.attempt, fresh.lease != slow.lease) == (slow.id, 2, True)
    with pytest.raises(ConflictError, match="lost"):
        await world.scanner.complete_job(slow, [report()])
    await world.scanner.complete_job(fresh, [report()])


async def test_failures_are_tried_again_with_doubled_backoff_then_kept(world: World) -> None:
    await world.admin.request_scan(scan())
    for attempt, backoff_s in ((1, 5), (2, 10)):
        job = await leased(world)
        assert job.attempt == attempt
        await world.scanner.fail_job(job, f"registry down {attempt}", retry=True)
        world.later(backoff_s - 1)
        assert await world.scanner.lease_job("w1") is None
        world.later(1)
    await world.scanner.fail_job(await leased(world), "registry down 3", retry=True)
    world.later(3600)
    assert await world.scanner.lease_job("w1") is None
    failed = await image(world)
    assert (failed.status, failed.error) == ("failed", "registry down 3")
    (record,) = (await world.reader.list_jobs(state="failed")).items
    assert (record.attempt, record.max_attempts, record.error) == (3, 3, "registry down 3")


async def test_a_failure_that_will_not_pass_is_kept_at_once(world: World) -> None:
    await world.admin.request_scan(scan())
    await world.scanner.fail_job(await leased(world), "no such manifest", retry=False)
    assert (await image(world)).status == "failed"


async def test_reports_of_the_platforms_that_did_not_fail_are_kept(world: World) -> None:
    await notify(world, push(A, mediaType=INDEX))
    await world.scanner.complete_job(
        await leased(world), [report(B), report(C, platform="linux/arm64")]
    )
    await notify(world, push(A, mediaType=INDEX))
    await world.admin.request_scan(scan())
    worse = report(B, counts=CountsV1(critical=1))
    why = "linux/arm64: no such manifest; scanned: linux/amd64"
    job = await leased(world)
    await world.scanner.fail_job(job, why, retry=False, reports=[worse])
    kept = await image(world)
    assert (kept.status, kept.error) == ("failed", why)
    assert kept.reports == [worse, report(C, platform="linux/arm64")]


@pytest.mark.parametrize(
    ("media_type", "digest"),
    [pytest.param(IMAGE, B, id="another-image"), pytest.param(INDEX, "latest", id="no-digest")],
)
async def test_t20_reports_with_a_failure_count_only_for_the_leased_digest(
    world: World, media_type: str, digest: str
) -> None:
    await notify(world, push(A, mediaType=media_type))
    job = await leased(world)
    with pytest.raises(InputError):
        await world.scanner.fail_job(job, "why", retry=False, reports=[report(digest)])
    found = await image(world)
    assert (found.status, found.reports) == ("scanning", [])


async def test_a_worker_that_dies_each_time_fails_the_job(world: World) -> None:
    await world.admin.request_scan(scan())
    for _ in range(3):
        await leased(world, "doomed")
        world.later(61)
    assert await world.scanner.lease_job("w1") is None
    assert (await image(world)).error == "no word from worker doomed after 3 attempts"


async def test_an_artifact_is_forgotten(world: World) -> None:
    await notify(world, push())
    await world.scanner.complete_job(await leased(world), [])
    assert (await world.reader.list_images()).items == []


@pytest.mark.parametrize(
    ("media_type", "reports", "accepted"),
    [
        pytest.param(IMAGE, [report(A)], True, id="itself"),
        pytest.param(IMAGE, [report(B)], False, id="another-image"),
        pytest.param(IMAGE, [report(A), report(B)], False, id="itself-and-another"),
        pytest.param(INDEX, [report(B), report(C)], True, id="platforms-of-an-index"),
        pytest.param(INDEX, [report(B), report(B)], False, id="one-platform-twice"),
        pytest.param(INDEX, [report("latest")], False, id="no-digest"),
    ],
)
async def test_t20_results_count_only_for_the_leased_digest(
    world: World, media_type: str, reports: list[PlatformReportV1], *, accepted: bool
) -> None:
    await notify(world, push(A, mediaType=media_type))
    job = await leased(world)
    if accepted:
        await world.scanner.complete_job(job, reports)
    else:
        with pytest.raises(InputError):
            await world.scanner.complete_job(job, reports)
    assert (await image(world)).reports == (reports if accepted else [])


async def test_t20_another_workers_lease_is_not_enough(world: World) -> None:
    await notify(world, push(A), push(B))
    first, second = await leased(world), await leased(world)
    mixed = msgspec.structs.replace(second, id=first.id)
    with pytest.raises(ConflictError, match="lost"):
        await world.scanner.complete_job(mixed, [report()])
    with pytest.raises(NotFoundError):
        await world.scanner.complete_job(msgspec.structs.replace(first, id="x"), [])


async def test_a_scan_for_the_hub_alone_is_not_attached(world: World) -> None:
    asked = msgspec.structs.replace(scan(), attach=False)
    await world.admin.request_scan(asked)
    await world.admin.request_scan(asked)
    job = await leased(world)
    assert not job.attach
    await world.scanner.complete_job(job, [report()])
    await world.admin.request_scan(scan())
    assert (await leased(world)).attach


async def test_who_asks_for_an_artifact_gets_one(world: World) -> None:
    await world.admin.request_scan(msgspec.structs.replace(scan(), attach=False))
    waiting = await world.admin.request_scan(scan())
    await world.admin.request_scan(msgspec.structs.replace(scan(), attach=False))
    job = await leased(world)
    assert (job.id, job.attach) == (waiting.id, True)


async def test_a_push_during_a_scan_for_the_hub_alone_starts_it_anew(world: World) -> None:
    await world.admin.request_scan(msgspec.structs.replace(scan(), attach=False))
    without = await leased(world)
    await notify(world, push(A))
    with pytest.raises(ConflictError, match="lost"):
        await world.scanner.complete_job(without, [report()])
    again = await leased(world)
    assert (again.id, again.attach, again.attempt) == (without.id, True, 1)


async def test_findings_switched_off_are_not_attached(world: World) -> None:
    await world.admin.put_settings(SettingsV1(EvaluationMode.FIRST_MATCH, "Off"))
    await world.admin.request_scan(scan())
    assert (await leased(world)).attach is False


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(ScanRequestV1("", "a", A), "registry", id="no-registry"),
        pytest.param(ScanRequestV1("a b", "a", A), "registry", id="bad-registry"),
        pytest.param(ScanRequestV1("r.example", "A", A), "repository", id="upper-case"),
        pytest.param(ScanRequestV1("r.example", "a", "latest"), "digest", id="tag-as-digest"),
        pytest.param(ScanRequestV1("r.example", "a", A, ["a b"]), "tag", id="bad-tag"),
        pytest.param(ScanRequestV1("r.example/x", "a", A), "registry", id="path-in-registry"),
    ],
)
async def test_a_scan_of_nothing_is_refused(world: World, body: ScanRequestV1, why: str) -> None:
    with pytest.raises(InputError, match=why):
        await world.admin.request_scan(body)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param({}, [B, A], id="none"),
        pytest.param({"tag": "1"}, [A], id="tag"),
        pytest.param({"status": "failed"}, [], id="status"),
        pytest.param({"search": "SHOP"}, [B, A], id="search"),
        pytest.param({"search": "b" * 10}, [B], id="search-digest"),
        pytest.param({"repository": "shop"}, [], id="repository-is-whole"),
        pytest.param({"registry": "registry.example"}, [B, A], id="registry"),
    ],
)
async def test_image_filters(world: World, filters: dict[str, str], found: list[str]) -> None:
    await notify(world, push(A))
    world.later(1)
    await notify(world, push(B, tag="2"))
    assert [i.digest for i in (await world.reader.list_images(**filters)).items] == found


async def test_image_pages_cover_all_once(world: World) -> None:
    digests = ["sha256:" + letter * 64 for letter in "01234"]
    await notify(world, *(push(digest) for digest in digests))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await world.reader.list_images(cursor=cursor, limit=2)
        seen += [found.digest for found in page.items]
        cursor = page.next
    assert seen == digests[::-1]


async def test_job_pages_are_newest_first(world: World) -> None:
    await notify(world, push(A), push(B), push(C))
    first = await world.reader.list_jobs(limit=2)
    second = await world.reader.list_jobs(limit=2, cursor=first.next or "")
    assert [j.digest for j in [*first.items, *second.items]] == [C, B, A]
    assert second.next is None


async def test_finished_jobs_are_pruned_unfinished_ones_stay(world: World) -> None:
    await notify(world, push(A), push(B))
    await world.scanner.complete_job(await leased(world), [report()])
    world.later(100 * 86400)
    await prune(world.hub.database, timedelta(days=90), world.now())
    assert [j.digest for j in (await world.reader.list_jobs()).items] == [B]
    assert (await image(world)).status == "scanned"
