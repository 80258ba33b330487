"""Looking through a registry, against a scripted one: budget, order, and what goes wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import ConflictError, HubUnavailableError
from tidegate.evidence.trust_file import TrustFile
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig
from tidegate.scan.registries import ScanRegistries
from tidegate.scan.watch import MAX_FAILED_IN_A_ROW, Budget, Look, Watcher, try_registry
from tidegate.testing.hostile_registry import HostileRegistry, ScriptedAnswer, SeenRequest
from tidegate.wire.oci_v1 import OCI_INDEX, OCI_MANIFEST
from tidegate.wire.registries_v1 import ObservedV1, PollingV1, TurnEndV1, TurnV1

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
A, B = digest_of(b"a"), digest_of(b"b")
FAST = 60_000


@dataclass
class ToldHub:
    """Keeps what a worker tells; refuses when it is told to."""

    observed: list[ObservedV1] = field(default_factory=list)
    ended: list[TurnEndV1] = field(default_factory=list)
    refusal: Exception | None = None

    async def tell_observed(self, host: str, body: ObservedV1) -> int:
        del host
        if self.refusal is not None:
            raise self.refusal
        self.observed.append(body)
        return 0

    async def end_turn(self, host: str, body: TurnEndV1) -> None:
        del host
        self.ended.append(body)

    @property
    def tags(self) -> list[tuple[str, str, str]]:
        return [(t.repository, t.tag, t.digest) for o in self.observed for t in o.tags]

    @property
    def finished(self) -> list[str]:
        return [o.after for o in self.observed if o.after]


@pytest.fixture
async def registry() -> AsyncIterator[HostileRegistry]:
    async with HostileRegistry() as server:
        yield server


def add(server: HostileRegistry, repository: str, **tags: str) -> None:
    listed = json.dumps({"name": repository, "tags": list(tags)}).encode()
    server.scripts[f"/v2/{repository}/tags/list"] = ScriptedAnswer(body=listed)
    for tag, digest in tags.items():
        headers = (("Docker-Content-Digest", digest), ("Content-Type", OCI_MANIFEST))
        server.scripts[f"/v2/{repository}/manifests/{tag}"] = ScriptedAnswer(headers=headers)


def turn(server: HostileRegistry, *repositories: str, after: str = "") -> TurnV1:
    polling = PollingV1(enabled=True, repositories=list(repositories), requests_per_minute=FAST)
    return TurnV1(server.authority, "poll", "lease", "", polling, "", after)


def config_of(server: HostileRegistry) -> RegistryConfig:
    return RegistryConfig(server.authority, plain_http=True, allow_private=True)


async def look(server: HostileRegistry, hub: ToldHub, asked: TurnV1) -> TurnEndV1:
    async with RegistryClient([config_of(server)]) as client:
        return await Look(hub, client, asked).run()


async def test_every_tag_is_told_by_the_registrys_word(registry: HostileRegistry) -> None:
    hub = ToldHub()
    add(registry, "b/app", v1=A, v2=B)
    add(registry, "a/app", v1=A)
    ended = await look(registry, hub, turn(registry, "b/app", "a/app"))
    assert ended == TurnEndV1("lease")
    assert hub.tags == [("a/app", "v1", A), ("b/app", "v1", A), ("b/app", "v2", B)]
    assert hub.finished == ["a/app", "b/app"]
    assert {r.method for r in registry.seen if "/manifests/" in r.path} == {"HEAD"}


async def test_the_catalogue_is_read_to_its_end(registry: HostileRegistry) -> None:
    hub = ToldHub()

    def catalogue(request: SeenRequest) -> ScriptedAnswer:
        if "last=" in request.target:
            return ScriptedAnswer(body=b'{"repositories":["b/app","No/Name"]}')
        link = (("Link", '</v2/_catalog?n=1000&last=a%2Fapp>; rel="next"'),)
        return ScriptedAnswer(headers=link, body=b'{"repositories":["a/app"]}')

    registry.scripts["/v2/_catalog"] = catalogue
    add(registry, "a/app", v1=A)
    add(registry, "b/app", v1=B)
    await look(registry, hub, turn(registry))
    assert hub.finished == ["a/app", "b/app"]


async def test_a_look_goes_on_after_what_was_finished(registry: HostileRegistry) -> None:
    hub = ToldHub()
    for name in ("a/app", "b/app", "c/app"):
        add(registry, name, v1=A)
    await look(registry, hub, turn(registry, "a/app", "b/app", "c/app", after="b/app"))
    assert hub.finished == ["c/app"]


async def test_signatures_are_not_asked_about(registry: HostileRegistry) -> None:
    hub = ToldHub()
    add(registry, "a/app", v1=A, **{f"sha256-{'a' * 64}.sig": B, f"sha512-{'a' * 64}": B})
    await look(registry, hub, turn(registry, "a/app"))
    assert [tag for _, tag, _ in hub.tags] == ["v1"]
    assert not [path for path in registry.paths() if "/manifests/sha" in path]


async def test_a_registry_that_names_no_digest_is_asked_for_the_manifest(
    registry: HostileRegistry,
) -> None:
    hub = ToldHub()
    add(registry, "a/app", v1=A)
    body = b'{"schemaVersion":2,"manifests":[]}'
    registry.scripts["/v2/a/app/manifests/v1"] = ScriptedAnswer(
        headers=(("Content-Type", OCI_INDEX),), body=body
    )
    await look(registry, hub, turn(registry, "a/app"))
    assert hub.tags == [("a/app", "v1", digest_of(body))]


async def test_a_tag_that_vanished_meanwhile_is_left_out(registry: HostileRegistry) -> None:
    hub = ToldHub()
    add(registry, "a/app", v1=A, v2=B)
    registry.scripts["/v2/a/app/manifests/v1"] = ScriptedAnswer(404)
    assert (await look(registry, hub, turn(registry, "a/app"))).error == ""
    assert hub.tags == [("a/app", "v2", B)]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(ScriptedAnswer(403), "HTTP 403", id="closed"),
        pytest.param(ScriptedAnswer(500), "HTTP 500", id="broken"),
        pytest.param(ScriptedAnswer(body=b'{"tags":["../x"]}'), "no list of tags", id="no-tags"),
        pytest.param(ScriptedAnswer(body=b"[" * 99), "nested", id="t03-nested"),
    ],
)
async def test_one_repository_does_not_keep_the_others_back(
    registry: HostileRegistry, answer: ScriptedAnswer, said: str
) -> None:
    hub = ToldHub()
    registry.scripts["/v2/a/app/tags/list"] = answer
    add(registry, "b/app", v1=A)
    ended = await look(registry, hub, turn(registry, "a/app", "b/app"))
    assert said in ended.error
    assert ended.complete
    assert hub.tags == [("b/app", "v1", A)]


async def test_a_registry_that_fails_again_and_again_is_left_alone(
    registry: HostileRegistry,
) -> None:
    hub = ToldHub()
    names = [f"{letter}/app" for letter in "abcdefgh"]
    for name in names:
        registry.scripts[f"/v2/{name}/tags/list"] = ScriptedAnswer(500)
    ended = await look(registry, hub, turn(registry, *names))
    assert (ended.complete, "HTTP 500" in ended.error) == (False, True)
    assert len(registry.seen) == MAX_FAILED_IN_A_ROW


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        pytest.param((("Retry-After", "120"),), 120, id="seconds"),
        pytest.param((("Retry-After", "Fri, 31 Dec 2027 23:59:59 GMT"),), 0, id="date"),
        pytest.param((("Retry-After", "9" * 60),), 7 * 86_400, id="for-ever"),
        pytest.param((("Retry-After", "-1"),), 0, id="negative"),
        pytest.param((), 0, id="unsaid"),
    ],
)
async def test_a_registry_that_asks_for_a_pause_gets_it_at_once(
    registry: HostileRegistry, headers: tuple[tuple[str, str], ...], wait_s: float
) -> None:
    hub = ToldHub()
    add(registry, "a/app", v1=A, v2=B)
    registry.scripts["/v2/a/app/manifests/v2"] = ScriptedAnswer(429, headers)
    add(registry, "b/app", v1=A)
    ended = await look(registry, hub, turn(registry, "a/app", "b/app"))
    assert (ended.complete, ended.retry_after_s) == (False, wait_s)
    assert hub.tags == [("a/app", "v1", A)]
    assert hub.finished == []
    assert not [path for path in registry.paths() if path.startswith("/v2/b/")]


@pytest.mark.parametrize("status", [401, 403, 404, 405, 500])
async def test_a_catalogue_that_is_not_shown_ends_the_look(
    registry: HostileRegistry, status: int
) -> None:
    registry.scripts["/v2/_catalog"] = ScriptedAnswer(status)
    ended = await look(registry, ToldHub(), turn(registry))
    assert not ended.complete
    assert f"HTTP {status}" in ended.error


@pytest.mark.parametrize(
    "refusal", [ConflictError("the lease is lost"), HubUnavailableError("away")]
)
async def test_a_hub_that_refuses_is_no_fault_of_the_registry(
    registry: HostileRegistry, refusal: Exception
) -> None:
    add(registry, "a/app", v1=A)
    with pytest.raises(type(refusal)):
        await look(registry, ToldHub(refusal=refusal), turn(registry, "a/app"))


async def test_a_budget_spreads_requests_evenly() -> None:
    now_s, slept = [100.0], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now_s[0] += seconds

    budget = Budget(30, lambda: now_s[0], sleep)
    for _ in range(3):
        await budget.take()
    assert slept == [2.0, 2.0]
    now_s[0] += 60
    await budget.take()
    assert slept == [2.0, 2.0]  # an idle minute is not saved up for a burst
    await budget.take()
    assert slept == [2.0, 2.0, 2.0]


async def test_every_request_of_a_look_is_in_the_budget(registry: HostileRegistry) -> None:
    class Counted(Budget):
        places = 0

        async def take(self) -> None:
            self.places += 1

    add(registry, "a/app", v1=A, v2=B)
    budget = Counted(60)
    async with RegistryClient([config_of(registry)], traffic=lambda _: budget) as client:
        await Look(ToldHub(), client, turn(registry, "a/app")).run()
    assert budget.places == len(registry.seen) == 3


def watcher(hub: ToldHub, server: HostileRegistry, folder: Path, keep_s: float = 60) -> Watcher:
    file = folder / "registries.yaml"
    entry = {"host": server.authority, "plainHttp": True, "allowPrivate": True}
    file.write_text(json.dumps({"registries": [entry]}))
    registries = ScanRegistries(TrustFile(file), X25519PrivateKey.generate(), folder)
    return Watcher(hub, registries, "w1", keep_s, lambda: NOON)


async def test_a_turn_ends_with_what_was_found(registry: HostileRegistry, tmp_path: Path) -> None:
    hub = ToldHub()
    add(registry, "a/app", v1=A)
    worker = watcher(hub, registry, tmp_path)
    await worker.take(turn(registry, "a/app"))
    assert hub.ended == [TurnEndV1("lease")]
    await worker.registries.aclose()


async def test_a_turn_whose_lease_is_lost_is_abandoned(
    registry: HostileRegistry, tmp_path: Path
) -> None:
    hub = ToldHub(refusal=ConflictError("lost"))
    registry.scripts["/v2/a/app/tags/list"] = ScriptedAnswer(wait_s=30)
    worker = watcher(hub, registry, tmp_path, keep_s=0.01)
    async with asyncio.timeout(10):
        await worker.take(turn(registry, "a/app"))
    assert hub.ended == []
    await worker.registries.aclose()


async def test_a_turn_for_a_registry_that_was_taken_away_is_given_back(
    registry: HostileRegistry, tmp_path: Path
) -> None:
    hub = ToldHub()
    worker = watcher(hub, registry, tmp_path)
    other = TurnV1("gone.example", "poll", "lease", "", PollingV1(), "")
    await worker.take(other)
    assert [(e.complete, "may not contact" in e.error) for e in hub.ended] == [(False, True)]
    await worker.registries.aclose()


async def test_a_test_says_what_does_not_work(registry: HostileRegistry) -> None:
    registry.scripts["/v2/tidegate/probe/tags/list"] = ScriptedAnswer(500)
    found = await try_registry(config_of(registry), "", "w1", NOON)
    assert (found.reachable, "HTTP 500" in found.error) == (False, True)
