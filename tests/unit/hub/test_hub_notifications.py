"""Push notifications: Docker distribution, Harbor and Azure, by whatever header they can send.

The bodies of Harbor and Azure are written after their documents; neither can be run here. Docker's
are sent by the real program in tests/contract/test_push_notifications.py.
"""

import base64
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from support.hub_world import TOKENS, World
from tidegate.hub.jobs.pruning import prune
from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.hub_v1 import JobV1, PlatformReportV1
from tidegate.wire.rematch_v1 import AdvisoriesToldV1
from tidegate.wire.told_push import ToldPush, event_key

A, B, F = ("sha256:" + letter * 64 for letter in "abf")
IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"
STATE = "1" * 64
"""Of the advisories of the one worker."""

PATH = "/api/v1/registries/notifications"
Body = dict[str, Any]


def distribution(digest: str = A, tag: str = "1", event_id: str = "e1") -> Body:
    target = {"mediaType": IMAGE, "digest": digest, "repository": "shop/web", "tag": tag}
    request = {"host": "r.example", "addr": "10.0.0.1"}
    event = {"id": event_id, "action": "push", "target": target, "request": request}
    return {"events": [event]}


def harbor(digest: str = A, tag: str = "1", kind: str = "PUSH_ARTIFACT") -> Body:
    url = f"r.example/shop/web:{tag}"
    return {
        "type": kind,
        "occur_at": 1586922308,
        "operator": "admin",
        "event_data": {
            "resources": [{"digest": digest, "tag": tag, "resource_url": url}],
            "repository": {
                "date_created": 1586922308,
                "name": "web",
                "namespace": "shop",
                "repo_full_name": "shop/web",
                "repo_type": "private",
            },
            "custom_attributes": {"a field of": "a later version"},
        },
    }


def harbor_cloud(digest: str = A, tag: str = "1") -> Body:
    plain = harbor(digest, tag)
    return {
        "specversion": "1.0",
        "id": "4b2f89a6-548d-4c12-9993-a1f5790b97d2",
        "requestid": "9e7ac5d1-f3d8-4a2a-a5a7-1d3b5f1f7c21",
        "source": "/projects/1/webhook/policies/3",
        "type": "harbor.artifact.pushed",
        "datacontenttype": "application/json",
        "time": "2023-04-03T06:56:12Z",
        "operator": "admin",
        "data": plain["event_data"],
    }


def acr(digest: str = A, tag: str = "1", action: str = "push") -> Body:
    return {
        "id": "cb8c3971-9adc-488b-bdd8-43cbb4974ff5",
        "timestamp": "2017-11-17T16:52:01.343145347Z",
        "action": action,
        "target": {
            "mediaType": IMAGE,
            "size": 524,
            "digest": digest,
            "length": 524,
            "repository": "shop/web",
            "tag": tag,
        },
        "request": {
            "id": "3cbb6949-7549-4fa1-86cd-a6d5451dffc7",
            "host": "r.example",
            "method": "PUT",
            "useragent": "docker/17.09.0-ce",
        },
    }


def event_grid(digest: str = A, tag: str = "1") -> list[Body]:
    return [
        {
            "id": "831e1650-001e-001b-66ab-eeb76e069631",
            "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r",
            "subject": f"shop/web:{tag}",
            "eventType": "Microsoft.ContainerRegistry.ImagePushed",
            "eventTime": "2018-04-25T21:39:47.6549614Z",
            "data": acr(digest, tag),
            "dataVersion": "1.0",
            "metadataVersion": "1",
        }
    ]


def cloud_event(digest: str = A, tag: str = "1", event: Body | None = None) -> Body:
    (event,) = event_grid(digest, tag) if event is None else (event,)
    return {
        "specversion": "1.0",
        "type": event["eventType"],
        "source": event["topic"],
        "id": event["id"],
        "time": event["eventTime"],
        "subject": event["subject"],
        "data": event["data"],
    }


FORMATS = [
    pytest.param("", distribution, id="distribution"),
    pytest.param("/harbor", harbor, id="harbor"),
    pytest.param("/harbor", harbor_cloud, id="harbor-cloudevents"),
    pytest.param("/acr", acr, id="acr-webhook"),
    pytest.param("/acr", event_grid, id="acr-event-grid"),
    pytest.param("/acr", cloud_event, id="acr-cloudevents"),
    pytest.param("/acr", lambda *of: [cloud_event(*of)], id="acr-cloudevents-batch"),
]


def distribution_gone(digest: str) -> Body:
    """A deletion as Docker's registry tells it: without type and size."""
    target = {"digest": digest, "repository": "shop/web"}
    return {"events": [{"id": "e9", "action": "delete", "target": target,
                        "request": {"host": "r.example"}}]}  # fmt: skip


def grid_gone(digest: str) -> Body:
    kind = "Microsoft.ContainerRegistry.ImageDeleted"
    return {**event_grid()[0], "eventType": kind, "data": acr(digest, "", "delete")}


DELETIONS = [
    pytest.param("", distribution_gone, id="distribution"),
    pytest.param("/harbor", lambda of: harbor(of, kind="DELETE_ARTIFACT"), id="harbor"),
    pytest.param(
        "/harbor",
        lambda of: {**harbor_cloud(of), "type": "harbor.artifact.deleted"},
        id="harbor-cloudevents",
    ),
    pytest.param("/acr", lambda of: acr(of, "", "delete"), id="acr-webhook"),
    pytest.param("/acr", lambda of: [grid_gone(of)], id="acr-event-grid"),
    pytest.param("/acr", lambda of: cloud_event(event=grid_gone(of)), id="acr-cloudevents"),
]


async def tell(world: World, path: str, body: object, status: int = 202) -> Body:
    client = world.raw(TOKENS["registry"])
    answer = await client.post(f"{PATH}{path}", content=msgspec.json.encode(body))
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def lease(world: World) -> JobV1:
    job = await world.scanner.lease_job("w", advisories_state=STATE)
    assert job is not None
    return job


async def counted(world: World, kind: str, result: str) -> float:
    (metric,) = world.hub.metrics.notifications.collect()
    return sum(
        sample.value
        for sample in metric.samples
        if sample.labels == {"format": kind, "result": result} and sample.name.endswith("_total")
    )


@pytest.mark.parametrize(("path", "make"), FORMATS)
async def test_a_push_is_queued_in_every_format(world: World, path: str, make: Any) -> None:  # noqa: ANN401  # one of the table's
    assert await tell(world, path, make()) == {"queued": 1, "skipped": 0}
    job = await lease(world)
    assert (job.registry, job.repository, job.digest) == ("r.example", "shop/web", A)
    assert job.tags == ["1"]


@pytest.mark.parametrize(("path", "make"), FORMATS)
async def test_an_event_that_is_told_again_changes_nothing(
    world: World,
    path: str,
    make: Any,  # noqa: ANN401  # one of the table's
) -> None:
    await tell(world, path, make())
    await world.scanner.complete_job(await lease(world), [])
    await tell(world, "", distribution(B, "1", "later"))
    assert await tell(world, path, make()) == {"queued": 0, "skipped": 1}
    assert [(i.digest, i.tags) for i in (await world.reader.list_images()).items] == [(B, ["1"])]
    kind = path.removeprefix("/") or "distribution"
    assert await counted(world, kind, "repeated") == 1


async def scanned(world: World) -> None:
    """Have the index A scanned, with a report of its platform B attached."""
    pushed = distribution()
    pushed["events"][0]["target"]["mediaType"] = INDEX
    await tell(world, "", pushed)
    await world.scanner.tell_advisories("w", AdvisoriesToldV1(STATE, "1", "", None))
    counts = CountsV1()
    report = PlatformReportV1(B, "linux/amd64", "", "Tidegate", counts, complete=True, artifact=F)
    await world.scanner.complete_job(await lease(world), [report])


@pytest.mark.parametrize(("path", "make"), DELETIONS)
@pytest.mark.parametrize("gone", [A, B, F], ids=["image", "platform", "report"])
async def test_what_is_deleted_is_looked_at_again(
    world: World,
    path: str,
    make: Any,  # noqa: ANN401  # one of the table's
    gone: str,
) -> None:
    await scanned(world)
    assert await world.scanner.lease_job("w", advisories_state=STATE) is None
    kind = path.removeprefix("/") or "distribution"
    before = await counted(world, kind, "queued")
    assert await tell(world, path, make(gone)) == {"queued": 1, "skipped": 0}
    job = await lease(world)
    assert (job.digest, job.kind, job.attach) == (A, "scan", True)
    assert await counted(world, kind, "queued") == before + 1
    # Told again meanwhile, it waits once.
    await tell(world, path, make(gone))
    assert await world.scanner.lease_job("w", advisories_state=STATE) is None


@pytest.mark.parametrize(("path", "make"), DELETIONS)
async def test_deleting_what_nobody_reported_on_concerns_nobody(
    world: World,
    path: str,
    make: Any,  # noqa: ANN401  # one of the table's
) -> None:
    await scanned(world)
    assert await tell(world, path, make("sha256:" + "e" * 64)) == {"queued": 0, "skipped": 1}
    assert await tell(world, f"{path}?registry=other.example", make(A)) == {
        "queued": 0,
        "skipped": 1,
    }
    assert await tell(world, path, make("latest")) == {"queued": 0, "skipped": 1}
    assert await world.scanner.lease_job("w", advisories_state=STATE) is None


async def test_one_event_twice_in_a_batch_is_one(world: World) -> None:
    twice = {"events": distribution()["events"] * 2}
    assert await tell(world, "", twice) == {"queued": 1, "skipped": 1}


async def test_old_events_are_forgotten_in_time(world: World) -> None:
    await tell(world, "", distribution())
    world.later(10 * 86400)
    assert await prune(world.hub.database, timedelta(days=9), world.hub.now()) == 1
    assert await tell(world, "", distribution()) == {"queued": 1, "skipped": 0}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/harbor", harbor(kind="PULL_ARTIFACT"), id="harbor-pull"),
        pytest.param("/harbor", harbor(kind="SCANNING_COMPLETED"), id="harbor-scan"),
        pytest.param("/harbor", {"type": "PUSH_ARTIFACT"}, id="harbor-without-data"),
        pytest.param(
            "/harbor", {**harbor_cloud(), "type": "harbor.quota.exceeded"}, id="harbor-cloud-other"
        ),
        pytest.param("/harbor", harbor(digest="latest"), id="harbor-no-digest"),
        pytest.param("/harbor", harbor(tag=f"sha256-{'a' * 64}.sig"), id="harbor-signature"),
        pytest.param("/acr", acr(action="delete"), id="acr-delete-of-nothing-known"),
        pytest.param("/acr", {"id": "1", "action": "ping"}, id="acr-ping"),
        pytest.param("/acr", acr(action="chart_push"), id="acr-chart"),
        pytest.param(
            "/acr",
            [{**event_grid()[0], "eventType": "Microsoft.ContainerRegistry.ChartPushed"}],
            id="event-grid-chart",
        ),
        pytest.param("/acr", {**cloud_event(), "data": None}, id="acr-cloud-without-data"),
        pytest.param("/acr", {**cloud_event(), "type": "Other.Event"}, id="acr-cloud-other"),
    ],
)
async def test_what_is_no_images_push_is_counted_and_ignored(
    world: World, path: str, body: object
) -> None:
    assert await tell(world, path, body) == {"queued": 0, "skipped": 1}
    assert await world.scanner.lease_job("w") is None
    assert await counted(world, path.removeprefix("/"), "ignored") == 1


async def test_a_harbor_push_by_digest_has_no_tag(world: World) -> None:
    assert (await tell(world, "/harbor", harbor(tag=A)))["queued"] == 1
    assert (await lease(world)).tags == []


async def test_event_grid_hears_that_its_events_are_wanted(world: World) -> None:
    asked = {
        "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
        "topic": "/subscriptions/s",
        "subject": "",
        "data": {
            "validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6",
            "validationUrl": "https://x",
        },
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": "2018-01-25T22:12:19.4556811Z",
        "metadataVersion": "1",
        "dataVersion": "1",
    }
    answer = await tell(world, "/acr", [asked], 200)
    assert answer == {"validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}
    client = world.raw()
    offered = await client.options(
        f"{PATH}/acr", headers={"WebHook-Request-Origin": "eventgrid.azure.net"}
    )
    assert offered.status_code == 200
    assert offered.headers["webhook-allowed-origin"] == "eventgrid.azure.net"


@pytest.mark.parametrize("path", ["", "/harbor", "/acr"])
async def test_the_administrator_names_the_registry(world: World, path: str) -> None:
    make = {"": distribution, "/harbor": harbor, "/acr": acr}[path]
    await tell(world, f"{path}?registry=Mirror.example:5000", make())
    assert (await lease(world)).registry == "mirror.example:5000"
    await tell(world, f"{path}?registry=no%20host", make(B), 400)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/harbor", b"", id="harbor-empty"),
        pytest.param("/harbor", b'{"event_data": {}}', id="harbor-without-type"),
        pytest.param("/harbor", b'{"type":"a","type":"b"}', id="t17-harbor-key-twice"),
        pytest.param("/harbor", b'{"type":"a","x":' + b"[" * 100_000, id="t03-harbor-nested"),
        pytest.param("/harbor", b'{"type":3}', id="harbor-type-number"),
        pytest.param("/acr", b"[3]", id="acr-no-event"),
        pytest.param("/acr", b'{"target":[]}', id="acr-target-list"),
        pytest.param("/acr", b'{"id":"a","id":"b"}', id="t17-acr-key-twice"),
    ],
)
async def test_a_body_that_cannot_be_meant_is_refused(world: World, path: str, body: bytes) -> None:
    answer = await world.raw(TOKENS["registry"]).post(f"{PATH}{path}", content=body)
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["", "/harbor", "/acr"])
async def test_t03_a_body_beyond_the_limit_is_refused(world: World, path: str) -> None:
    body = b'{"type":"' + b"x" * (5 * 2**20) + b'"}'
    answer = await world.raw(TOKENS["registry"]).post(f"{PATH}{path}", content=body)
    assert answer.status_code == 413


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        pytest.param(f"Bearer {TOKENS['registry']}", 202, id="bearer"),
        pytest.param(f"bearer  {TOKENS['registry']}", 202, id="bearer-in-small-letters"),
        pytest.param(basic("anybody", TOKENS["registry"]), 202, id="basic"),
        pytest.param(TOKENS["registry"], 202, id="bare"),
        pytest.param("", 401, id="none"),
        pytest.param("Bearer ", 401, id="empty"),
        pytest.param(basic("anybody", "wrong"), 401, id="wrong-password"),
        pytest.param(basic(TOKENS["registry"], ""), 401, id="token-as-user"),
        pytest.param("Basic !!!", 401, id="no-base64"),
        pytest.param("Basic " + base64.b64encode(b"\xff:\xff").decode(), 401, id="no-utf-8"),
        pytest.param("x" * 10_000, 401, id="long"),
        pytest.param(f"Digest {TOKENS['registry']}", 401, id="other-scheme"),
    ],
)
async def test_a_registry_shows_its_token_in_the_way_it_can(
    world: World, header: str, status: int
) -> None:
    answer = await world.raw(Authorization=header).post(f"{PATH}/acr", json=acr())
    assert answer.status_code == status


@pytest.mark.parametrize("role", ["admin", "reader", "scanner"])
async def test_t20_other_tokens_are_bearer_tokens_alone(world: World, role: str) -> None:
    for header in (basic("x", TOKENS[role]), TOKENS[role]):
        answer = await world.raw(Authorization=header).get("/api/v1/jobs")
        assert (answer.status_code, role) == (401, role)


def test_an_event_key_depends_on_every_part() -> None:
    keys = {event_key("a", "b"), event_key("ab"), event_key("a", "b", ""), event_key("a", "c")}
    assert len(keys) == 4
    assert ToldPush("h", "r", A).event_key == ""
