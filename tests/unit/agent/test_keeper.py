"""The keeper against a small API server: it writes and repairs its own, and tells of everyone's."""

import asyncio
import contextlib
import copy
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import msgspec
import pytest
from lightkube import AsyncClient, KubeConfig
from lightkube.config.models import Cluster, User

from tidegate.agent import keeper as keeper_module
from tidegate.agent.keeper import ClusterKeeper
from tidegate.agent.objects import Body, render_objects
from tidegate.domain.rule import EvaluationMode, default_rule
from tidegate.kube import watch
from tidegate.wire.hub_v1 import ClusterPolicyV1
from tidegate.wire.last_good import parse_config_map, render_config_map, render_copy
from tidegate.wire.policy_v1alpha1 import HUB_OBJECT_NAME, entry_of

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
POLICIES = "/apis/tidegate.io/v1alpha1/securityartifactpolicies"
COPIES = "/api/v1/namespaces/tidegate/configmaps"
Object = dict[str, Any]


class ApiServer:
    """Objects by path; each change reaches the one watch. `failing` answers nothing but 500."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.events: list[str] = []
        self.failing = False
        self._version = 0
        self._changes: asyncio.Queue[Object | None] = asyncio.Queue()

    def put(self, path: str, body: Object) -> Object:
        known = self.objects.get(path)
        self._version += 1
        kept = {**copy.deepcopy(body)}
        kept["metadata"] = {**kept["metadata"], "resourceVersion": str(self._version)}
        if known and "status" in known:
            kept.setdefault("status", known["status"])
        self.objects[path] = kept
        self._tell(path, "MODIFIED" if known else "ADDED", kept)
        return kept

    def end_watch(self) -> None:
        self._changes.put_nowait(None)

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        path, method = request.url.path.removesuffix("/status"), request.method
        if self.failing:
            return httpx2.Response(500, json={"message": "the disk is full"})
        if method == "GET" and "watch" in request.url.params:
            return httpx2.Response(200, content=self._watch())
        if method == "GET":
            found = [o for p, o in self.objects.items() if p.startswith(f"{path}/")]
            return httpx2.Response(200, json={"metadata": {"resourceVersion": "1"}, "items": found})
        if method == "DELETE":
            gone = self.objects.pop(path)
            self._tell(path, "DELETED", gone)
            return httpx2.Response(200, json={"kind": "Status"})
        body = json.loads(request.content)
        if method == "POST":
            self.events.append(body["message"])
            return httpx2.Response(201, json=body)
        if request.url.path.endswith("/status"):
            body = {**self.objects[path], **body}
        return httpx2.Response(200, json=self.put(path, body))

    def _tell(self, path: str, kind: str, body: Object) -> None:
        if path.startswith(POLICIES):
            self._changes.put_nowait({"type": kind, "object": body})

    async def _watch(self) -> AsyncIterator[bytes]:
        while (change := await self._changes.get()) is not None:
            yield json.dumps(change).encode() + b"\n"


def wanted(*names: str) -> dict[str, Body]:
    default = entry_of(default_rule())
    rules = [msgspec.structs.replace(default, name=name) for name in names]
    return render_objects(
        ClusterPolicyV1("g1", [*rules, default], EvaluationMode.FIRST_MATCH, "On", "2026-11-23")
    )


def foreign(name: str, **changes: Any) -> Object:  # noqa: ANN401, any field
    body = json.loads(json.dumps(wanted("one")[HUB_OBJECT_NAME]))
    body["metadata"] = {"name": name}
    body["spec"] = {**body["spec"], "vulnerabilityAssessmentGatedDeployment": [], **changes}
    return dict(body)


@contextlib.asynccontextmanager
async def keeping(server: ApiServer) -> AsyncIterator[ClusterKeeper]:
    config = KubeConfig.from_one(cluster=Cluster(server="http://api"), user=User(token="t"))  # noqa: S106, of this test
    client = AsyncClient(
        config=config,
        transport=httpx2.MockTransport(server.answer),
        field_manager="tidegate-agent",
    )
    keeper = ClusterKeeper(client, "tidegate", lambda: NOW)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


async def until(seen: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not seen():
            await asyncio.sleep(0.005)


def spec(server: ApiServer, name: str = HUB_OBJECT_NAME) -> Object:
    return dict(server.objects.get(f"{POLICIES}/{name}", {}).get("spec", {}))


def active(server: ApiServer, name: str) -> str:
    status = server.objects[f"{POLICIES}/{name}"].get("status", {})
    return str(status.get("conditions", [{}])[0].get("reason", ""))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "QUIET_S", 0.005)
    monkeypatch.setattr(keeper_module, "RETRY_S", (0.005, 0.01))
    monkeypatch.setattr(watch, "FIRST_PAUSE_S", 0.005)


async def test_what_the_hub_wants_is_written_and_in_force() -> None:
    server = ApiServer()
    async with keeping(server) as keeper:
        objects = wanted("one")
        keeper.want(objects)
        await until(lambda: keeper.in_force)
        assert spec(server) == objects[HUB_OBJECT_NAME]["spec"]
        await until(lambda: active(server, HUB_OBJECT_NAME) == "Loaded")
        assert keeper.problems == ()


async def test_drift_is_repaired() -> None:
    server = ApiServer()
    async with keeping(server) as keeper:
        objects = wanted("one")
        keeper.want(objects)
        await until(lambda: keeper.in_force)
        path = f"{POLICIES}/{HUB_OBJECT_NAME}"
        drifted = copy.deepcopy(server.objects[path])
        drifted["spec"]["gating"] = "Off"
        server.put(path, drifted)
        await until(lambda: spec(server) == objects[HUB_OBJECT_NAME]["spec"])
        await until(lambda: keeper.in_force)


async def test_t21_drift_is_told_and_a_change_of_the_hubs_is_none() -> None:
    server = ApiServer()
    async with keeping(server) as keeper:
        keeper.want(wanted("one"))
        await until(lambda: keeper.in_force)
        keeper.want(wanted("two"))
        await until(lambda: keeper.in_force)
        assert keeper.drift == ()
        path = f"{POLICIES}/{HUB_OBJECT_NAME}"
        for times in ("once", "2 times"):
            drifted = copy.deepcopy(server.objects[path])
            drifted["spec"]["gating"] = "Off"
            server.put(path, drifted)
            await until(lambda times=times: keeper.drift and times in keeper.drift[0])
            await until(lambda: keeper.in_force)
        assert HUB_OBJECT_NAME in keeper.drift[0]
        assert keeper.problems == ()
        put_back = "Changed by somebody else than the hub, and put back: gating Off -> On"
        assert server.events.count(put_back) == 2


async def test_surplus_objects_of_ours_are_deleted() -> None:
    server = ApiServer()
    async with keeping(server) as keeper:
        second = f"{HUB_OBJECT_NAME}-2"
        surplus = json.loads(json.dumps(wanted("two")[HUB_OBJECT_NAME]))
        surplus["metadata"]["name"] = second
        server.put(f"{POLICIES}/{second}", surplus)
        keeper.want(wanted("one"))
        await until(lambda: keeper.in_force)
        await until(lambda: f"{POLICIES}/{second}" not in server.objects)


async def test_objects_of_others_stay() -> None:
    server = ApiServer()
    server.put(f"{POLICIES}/mine", foreign("mine"))
    async with keeping(server) as keeper:
        keeper.want(wanted("one"))
        await until(lambda: keeper.in_force)
        await until(lambda: active(server, "mine") == "Loaded")
        assert spec(server, "mine")["vulnerabilityAssessmentGatedDeployment"] == []


async def test_before_the_hub_spoke_nothing_is_written_or_deleted() -> None:
    server = ApiServer()
    before = wanted("one")[HUB_OBJECT_NAME]
    server.put(f"{POLICIES}/{HUB_OBJECT_NAME}", json.loads(json.dumps(before)))
    async with keeping(server) as keeper:
        await until(lambda: active(server, HUB_OBJECT_NAME) == "Loaded")
        assert not keeper.in_force
        assert spec(server) == before["spec"]


async def test_a_lost_cluster_is_not_in_force() -> None:
    server = ApiServer()
    async with keeping(server) as keeper:
        keeper.want(wanted("one"))
        await until(lambda: keeper.in_force)
        server.failing = True
        server.end_watch()
        await until(lambda: not keeper.in_force)
        await until(lambda: any("the disk is full" in said for said in keeper.problems))
        server.failing = False
        await until(lambda: keeper.in_force)


async def test_a_broken_object_is_told_and_its_copy_stays() -> None:
    server = ApiServer()
    good = foreign("mine")
    server.put(f"{POLICIES}/mine", good)
    async with keeping(server) as keeper:
        copies = f"{COPIES}/tidegate-last-good-mine"
        await until(lambda: copies in server.objects)
        kept = server.objects[copies]["binaryData"]
        server.put(f"{POLICIES}/mine", foreign("mine", maxiumVaFileAge="1d"))
        await until(lambda: active(server, "mine") == "Invalid")
        await until(lambda: server.events)
        assert "last good version" in server.events[0]
        assert server.objects[copies]["binaryData"] == kept
        assert any("mine" in problem for problem in keeper.problems)


async def test_a_copy_of_what_is_gone_is_forgotten() -> None:
    server = ApiServer()
    manifest = render_config_map("old", render_copy(foreign("old")), "tidegate")
    assert parse_config_map(manifest["binaryData"]).name == "old"
    server.put(f"{COPIES}/tidegate-last-good-old", manifest)
    async with keeping(server):
        await until(lambda: not server.objects)
