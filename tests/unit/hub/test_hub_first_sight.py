"""Scans that clusters ask for: before all others, for what may be scanned, and bounded."""

from typing import Any

import msgspec
import pytest

from support.hub_world import CLUSTER_TOKENS, TOKENS, World
from tidegate.domain.errors import InputError, NotPermittedError
from tidegate.hub.clock import render_instant
from tidegate.hub.store.due import Priority
from tidegate.hub.store.first_sight import (
    LATELY,
    MAX_URGENT_PER_HOUR,
    MAX_WAITING_PER_CLUSTER,
    MAX_WAITING_PER_NAMESPACE,
)
from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.first_sight_v1 import (
    MAX_WANTED,
    WantedImageV1,
    WantedResultV1,
    WantedScansV1,
)
from tidegate.wire.hub_data_v1 import WorkerHeartbeatV1
from tidegate.wire.hub_v1 import JobRecordV1, PlatformReportV1, ScanRequestV1

QUEUED = WantedResultV1("queued")
HOST = "r.example"


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def image(number: int = 0, *, waiting: bool = True, registry: str = HOST) -> WantedImageV1:
    return WantedImageV1(registry, "app", digest(number), waiting=waiting)


async def heard_of(world: World) -> None:
    await world.scanner.put_worker("w", WorkerHeartbeatV1("1", "", "", registries=[HOST]))


async def ask(
    world: World, *images: WantedImageV1, namespace: str = "shop"
) -> list[WantedResultV1]:
    """Ask for `images` as the agent of c1 does, in as many questions as that takes."""
    results: list[WantedResultV1] = []
    for start in range(0, len(images), MAX_WANTED):
        some = list(images[start : start + MAX_WANTED])
        results += (await world.c1.ask_for_scans(WantedScansV1(namespace, some))).results
    return results


async def queued(world: World) -> list[JobRecordV1]:
    return (await world.reader.list_jobs(state="queued", limit=500)).items


async def test_an_unknown_image_is_queued_before_what_was_only_pushed(world: World) -> None:
    await heard_of(world)
    await world.raw(TOKENS["registry"]).post(
        "/api/v1/registries/notifications",
        json={"events": [pushed(1)]},
    )
    assert await ask(world, image(2, waiting=False), image(3)) == [QUEUED, QUEUED]
    leased = [await world.scanner.lease_job("w") for _ in range(3)]
    assert [job.digest if job else "" for job in leased] == [digest(3), digest(2), digest(1)]
    (found,) = (await world.reader.list_images(search=digest(3))).items
    assert (found.status, found.tags) == ("scanning", [])


def pushed(number: int) -> dict[str, Any]:
    target = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest(number),
        "repository": "app",
        "url": f"https://{HOST}/v2/app/manifests/{digest(number)}",
        "size": 1,
    }
    return {
        "id": str(number),
        "action": "push",
        "target": target,
        "request": {"host": HOST},
        "source": {"addr": HOST},
    }


async def test_what_was_pushed_already_becomes_more_urgent_once(world: World) -> None:
    await heard_of(world)
    await world.raw(TOKENS["registry"]).post(
        "/api/v1/registries/notifications",
        json={"events": [pushed(1)]},
    )
    for _ in range(2):
        assert await ask(world, image(1)) == [QUEUED]
    (job,) = await queued(world)
    assert (job.priority, job.requested_by) == (Priority.WAITED_FOR, "deployments in c1/shop")


async def test_what_a_worker_has_already_is_left_to_it(world: World) -> None:
    await heard_of(world)
    await world.admin.request_scan(ScanRequestV1(HOST, "app", digest(1)))
    job = await world.scanner.lease_job("w")
    assert job is not None
    assert await ask(world, image(1)) == [QUEUED]
    await world.scanner.report_progress(job)


async def test_a_registry_that_no_worker_contacts_is_refused(world: World) -> None:
    await heard_of(world)
    results = await ask(world, image(1, registry="elsewhere.example"), image(2))
    assert results == [
        WantedResultV1("refused", "no scan worker contacts elsewhere.example"),
        QUEUED,
    ]
    assert len(await queued(world)) == 1


@pytest.mark.parametrize("switch", ["registry_access", "security_findings"])
async def test_what_is_switched_off_is_said(world: World, switch: str) -> None:
    await heard_of(world)
    settings = await world.admin.get_settings()
    await world.admin.put_settings(msgspec.structs.replace(settings, **{switch: "Off"}))
    (result,) = await ask(world, image())
    assert (result.state, "switched off" in result.detail) == ("refused", True)
    assert await queued(world) == []


async def scan_ended(world: World, *, error: str = "", artifact: str = "") -> None:
    job = await world.scanner.lease_job("w")
    assert job is not None
    if error:
        await world.scanner.fail_job(job, error, retry=False)
        return
    report = PlatformReportV1(
        job.digest,
        "linux/amd64",
        render_instant(world.now()),
        "Tidegate",
        CountsV1(),
        complete=True,
        artifact=artifact,
    )
    await world.scanner.complete_job(job, [report])


ENDED = {
    "failed": ({"error": "no such layer"}, "refused", "its last scan failed: no such layer"),
    "attached": ({"artifact": digest(9)}, "scanned", ""),
    "not-attached": ({}, "queued", ""),
}


@pytest.mark.parametrize(("ended", "state", "detail"), ENDED.values(), ids=ENDED)
async def test_a_scan_that_ended_lately_is_not_repeated_at_once(
    world: World, ended: dict[str, str], state: str, detail: str
) -> None:
    await heard_of(world)
    await ask(world, image())
    await scan_ended(world, **ended)
    assert await ask(world, image()) == [WantedResultV1(state, detail)]  # type: ignore[arg-type] # of the table
    world.later(LATELY.total_seconds() + 1)
    await heard_of(world)
    assert await ask(world, image()) == [QUEUED]


async def test_t11_a_namespace_that_floods_leaves_the_queue_to_others(world: World) -> None:
    await heard_of(world)
    results = await ask(world, *map(image, range(MAX_WAITING_PER_NAMESPACE + 5)))
    assert [r.state for r in results].count("queued") == MAX_WAITING_PER_NAMESPACE
    assert results[-1].detail == "20 scans of this namespace wait, the most that may"
    assert await ask(world, image(1)) == [QUEUED], "what is queued is said to be"
    assert await ask(world, image(1000), namespace="other") == [QUEUED]
    await scan_ended(world, artifact=digest(9))
    assert await ask(world, image(2000)) == [QUEUED], "as one ends, another may wait"


@pytest.mark.slow
async def test_t11_many_namespaces_together_are_bounded_too(world: World) -> None:
    await heard_of(world)
    per, count = MAX_WAITING_PER_NAMESPACE, MAX_WAITING_PER_CLUSTER // MAX_WAITING_PER_NAMESPACE
    for number in range(count):
        some = [image(number * per + n) for n in range(per)]
        await ask(world, *some, namespace=f"n{number}")
    (result,) = await ask(world, image(10**6), namespace="another")
    assert result.detail == "200 scans of this cluster wait, the most that may"
    other = WantedScansV1("shop", [image(10**6)])
    assert (await world.c2.ask_for_scans(other)).results == [QUEUED]


@pytest.mark.slow
async def test_t11_what_a_namespace_asks_for_all_the_time_waits_like_a_push(world: World) -> None:
    await heard_of(world)
    for number in range(MAX_URGENT_PER_HOUR):
        assert await ask(world, image(number)) == [QUEUED]
        await scan_ended(world, artifact=digest(9))
    assert await ask(world, image(1000)) == [QUEUED]
    assert [job.priority for job in await queued(world)] == [Priority.PUSHED]
    await scan_ended(world, artifact=digest(9))
    world.later(3601)
    await heard_of(world)
    assert await ask(world, image(2000)) == [QUEUED]
    assert [job.priority for job in await queued(world)] == [Priority.WAITED_FOR]


async def test_t11_what_others_pushed_is_made_urgent_within_the_budget_alone(world: World) -> None:
    await heard_of(world)
    for number in range(MAX_WAITING_PER_NAMESPACE + 5):
        await world.raw(TOKENS["registry"]).post(
            "/api/v1/registries/notifications", json={"events": [pushed(number)]}
        )
        assert await ask(world, image(number)) == [QUEUED]
    urgent = [job for job in await queued(world) if job.priority == Priority.WAITED_FOR]
    assert len(urgent) == MAX_WAITING_PER_NAMESPACE


async def test_t23_the_cluster_is_that_of_the_token_and_no_other_token_asks(world: World) -> None:
    await heard_of(world)
    await ask(world, image())
    assert [job.requested_by for job in await queued(world)] == ["deployments in c1/shop"]
    for client in (world.reader, world.scanner, world.admin):
        with pytest.raises(NotPermittedError):
            await client.ask_for_scans(WantedScansV1("shop", [image()]))


HOSTILE = {
    "no-digest": {"digest": "sha256:xyz"},
    "another-repository": {"repository": "../app"},
    "a-host-with-a-path": {"registry": "r.example/x"},
    "unknown-field": {"tag": "latest"},
    "no-bool": {"waiting": "yes"},
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_question_queues_nothing(world: World, changes: dict[str, Any]) -> None:
    await heard_of(world)
    one = msgspec.to_builtins(image()) | changes
    client = world.raw(CLUSTER_TOKENS["c1"])
    good = msgspec.to_builtins(image(1))
    answer = await client.post("/api/v1/scans", json={"namespace": "shop", "images": [good, one]})
    assert answer.status_code == 400
    assert await queued(world) == []


@pytest.mark.parametrize("namespace", ["", "Shop", "a/b", "a\n", "x" * 64, "shop%"])
async def test_a_namespace_that_is_none_is_refused(world: World, namespace: str) -> None:
    with pytest.raises(InputError):
        await world.c1.ask_for_scans(WantedScansV1(namespace, [image()]))
