"""A denial is told on what people look at: the object, or the controller above it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from lightkube import AsyncClient, KubeConfig
from lightkube.config.models import Cluster, User

from tidegate.agent.kube_events import Note
from tidegate.agent.object_events import ObjectEvents
from tidegate.wire.event_v1 import AdmissionEventV1, ImageRowV1, OwnerV1

REPLICA_SET = OwnerV1("apps/v1", "ReplicaSet", "web-1", "rs-uid")
DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d-uid",
    "controller": True, "blockOwnerDeletion": True,
}  # fmt: skip


def event(uid: str = "e1", **changes: Any) -> AdmissionEventV1:  # noqa: ANN401, fields of an event
    row = ImageRowV1("r/app", "spec", "deny", "PolicyEvaluation", "r/app: 3 CVEs", rule="R")
    given = {
        "id": uid, "time": "2026-11-23T09:00:00Z", "action": "deny", "kind": "Pod", "name": "web-1-x",
        "images": [row], "namespace": "shop", "operation": "CREATE", "object_uid": f"pod-{uid}",
        "owner": REPLICA_SET,
    }  # fmt: skip
    return AdmissionEventV1(**(given | changes))


class Told:
    """Takes notes in the place of an API server."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.asked: list[str] = []
        self.replica_set: dict[str, Any] | None = {
            "metadata": {"name": "web-1", "uid": "rs-uid", "ownerReferences": [DEPLOYMENT]}
        }

    def tell(self, note: Note) -> None:
        self.notes.append(note)

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.path)
        if self.replica_set is None:
            return httpx2.Response(404, json={"message": "gone", "code": 404})
        return httpx2.Response(200, json={"spec": {"selector": {}}, **self.replica_set})


@contextlib.asynccontextmanager
async def telling(told: Told) -> AsyncIterator[ObjectEvents]:
    config = KubeConfig.from_one(cluster=Cluster(server="http://api"), user=User(token="t"))  # noqa: S106, of this test
    client = AsyncClient(config=config, transport=httpx2.MockTransport(told.answer))
    objects = ObjectEvents(client, told)  # type: ignore[arg-type] # what is told is all that counts
    task = asyncio.create_task(objects.run())
    try:
        yield objects
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


async def notes_of(told: Told, *events: AdmissionEventV1) -> list[Note]:
    """Return what is told of `events` and of a last one that is always told."""
    last = event("last", owner=None, kind="Job", name="last")
    async with telling(told) as objects:
        objects.take([*events, last])
        async with asyncio.timeout(5):
            while not told.notes or told.notes[-1].about.name != "last":
                await asyncio.sleep(0)
    return told.notes[:-1]


async def test_pods_that_a_deployment_tries_are_told_on_it_in_the_same_words() -> None:
    told = Told()
    first, second = await notes_of(told, event("e1"), event("e2", name="web-1-y"))
    assert first == second  # so that it is one Event that counts
    assert (first.about.kind, first.about.name, first.about.uid) == ("Deployment", "web", "d-uid")
    assert first.message == 'Pod was refused: r/app: 3 CVEs, rule "R"'
    assert len(told.asked) == 1


@pytest.mark.parametrize(
    "replica_set",
    [
        pytest.param(None, id="gone"),
        pytest.param({"metadata": {"uid": "another", "ownerReferences": [DEPLOYMENT]}}, id="uid"),
        pytest.param({"metadata": {"uid": "rs-uid"}}, id="no-owner"),
        pytest.param(
            {
                "metadata": {
                    "uid": "rs-uid",
                    "ownerReferences": [DEPLOYMENT | {"controller": False}],
                }
            },
            id="no-controller",
        ),
    ],
)
async def test_what_does_not_fit_is_not_followed(replica_set: dict[str, Any] | None) -> None:
    told = Told()
    told.replica_set = replica_set
    (note,) = await notes_of(told, event())
    assert (note.about.kind, note.about.name) == ("ReplicaSet", "web-1")


@pytest.mark.parametrize(
    ("changes", "uid"),
    [
        pytest.param({}, "", id="refused-on-creation"),
        pytest.param({"operation": "UPDATE"}, "pod-e1", id="refused-change"),
        pytest.param({"action": "audit"}, "pod-e1", id="let-in"),
    ],
)
async def test_an_object_of_its_own_is_told_by_what_it_is(
    changes: dict[str, Any], uid: str
) -> None:
    (note,) = await notes_of(Told(), event(owner=None, **changes))
    assert (note.about.kind, note.about.uid) == ("Pod", uid)


async def test_what_is_not_to_be_told_is_not() -> None:
    known = event("again", owner=None)
    told = await notes_of(
        Told(),
        event("a", action="allow"),
        event("b", origin="rejudged"),
        event("c", origin="direct"),
        event("d", owner=None, kind="Widget"),
        known,
        known,
    )
    assert len(told) == 1
