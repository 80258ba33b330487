"""Registries configured in the hub: sealed credentials, tests and looks by workers, what is new."""

from datetime import timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from support.hub_world import TOKENS, World, database_bytes
from tidegate.domain.errors import ConflictError, InputError, NotFoundError
from tidegate.hub.clock import parse_instant, render_instant
from tidegate.trust.sealing import public_sealing_pem, sealing_fingerprint
from tidegate.wire.hub_data_v1 import WorkerHeartbeatV1
from tidegate.wire.hub_v1 import ScanRequestV1, SettingsV1
from tidegate.wire.registries_v1 import (
    ConnectionV1,
    ObservedTagV1,
    ObservedV1,
    PollingV1,
    PollStateV1,
    RegistryRecordV1,
    RegistryTestV1,
    RegistryWriteV1,
    SealedV1,
    TurnEndV1,
    TurnV1,
)

HOST = "registry.example:5000"
A, B, C = ("sha256:" + letter * 64 for letter in "abc")
KEY = "f" * 64
SEALED = SealedV1(KEY, "c2VhbGVk")
EVERY_MINUTE = PollingV1(enabled=True, interval_s=60, repositories=["shop/web"])


def write(polling: PollingV1 | None = None, **settings: object) -> RegistryWriteV1:
    return RegistryWriteV1(polling=polling or PollingV1(), **settings)


def seen(digest: str = A, tag: str = "1", repository: str = "shop/web") -> ObservedTagV1:
    return ObservedTagV1(repository, tag, digest)


async def ask(world: World, *hosts: str, worker: str = "w1") -> TurnV1 | None:
    """Ask for a turn as a worker that goes by the newest settings."""
    told = await world.scanner.fetch_registries()
    assert told is not None
    return await world.scanner.lease_turn(worker, hosts, told.generation)


async def take(world: World, *hosts: str) -> TurnV1:
    found = await ask(world, *(hosts or (HOST,)))
    assert found is not None
    return found


async def record(world: World) -> RegistryRecordV1:
    return await world.reader.get_registry(HOST)


async def looking(world: World, polling: PollingV1 = EVERY_MINUTE) -> TurnV1:
    """Return the turn of a registry that was tested and is looked through."""
    await world.admin.put_registry(HOST, write(polling))
    test = await take(world)
    assert test.kind == "test"
    await world.scanner.end_turn(HOST, TurnEndV1(test.lease, test=answered(world)))
    turn = await take(world)
    assert turn.kind == "poll"
    return turn


def answered(world: World) -> RegistryTestV1:
    return RegistryTestV1(render_instant(world.now()), "w1", reachable=True, referrers="tag")


# --- settings -------------------------------------------------------------------------------------


async def test_a_registry_is_kept_shown_changed_and_forgotten(world: World) -> None:
    connection = ConnectionV1(url="http://10.0.0.5:5000", allow_private=True)
    made = await world.admin.put_registry(
        "Registry.example:5000", RegistryWriteV1(connection, EVERY_MINUTE, sealed=[SEALED])
    )
    assert (made.host, made.connection, made.credentials_for) == (HOST, connection, [KEY])
    assert made.testing
    (listed,) = (await world.reader.list_registries()).items
    assert (listed.host, listed.image_count, listed.access) == (HOST, 0, "NotConfigured")
    assert listed.configured == await record(world) == made
    await world.admin.delete_registry(HOST)
    with pytest.raises(NotFoundError, match="registry add"):
        await record(world)
    entries = (await world.admin.list_audit()).items
    assert [e.action for e in entries if e.target == f"registry/{HOST}"] == [
        "registry.delete",
        "registry.create",
    ]


async def test_credentials_stay_until_they_are_taken_away(world: World) -> None:
    await world.admin.put_registry(HOST, write(sealed=[SEALED]))
    assert (await world.admin.put_registry(HOST, write())).credentials_for == [KEY]
    assert (await world.admin.put_registry(HOST, write(sealed=[]))).credentials_for == []


async def test_credentials_do_not_stay_for_another_connection(world: World) -> None:
    await world.admin.put_registry(HOST, write(sealed=[SEALED]))
    moved = write(connection=ConnectionV1(url="https://mirror.example"))
    answer = await world.raw(TOKENS["admin"]).put(
        f"/api/v1/registries/configured/{HOST}", content=msgspec.json.encode(moved)
    )
    assert (answer.status_code, answer.json()["field"]) == (400, "sealed")
    kept = await record(world)
    assert (kept.connection, kept.credentials_for) == (ConnectionV1(), [KEY])
    moved.sealed = []
    assert (await world.admin.put_registry(HOST, moved)).credentials_for == []


async def test_t21_only_workers_are_told_what_is_sealed(world: World) -> None:
    await world.admin.put_registry(HOST, write(sealed=[SEALED]))
    told = await world.scanner.fetch_registries()
    assert told is not None
    assert [each.sealed for each in told.registries] == [[SEALED]]
    assert await world.scanner.fetch_registries(told.generation) is None
    for role in ("admin", "reader"):
        client = world.raw(TOKENS[role])
        for path in ("registries", f"registries/configured/{HOST}", "audit"):
            shown = await client.get(f"/api/v1/{path}")
            assert SEALED.ciphertext not in shown.text


async def test_t21_the_hub_holds_no_password(world: World) -> None:
    body = {"username": "robot", "password": "hunter2-hunter2", "connection": {}}
    answer = await world.raw(TOKENS["admin"]).put(
        f"/api/v1/registries/configured/{HOST}", content=msgspec.json.encode(body)
    )
    assert answer.status_code == 400
    assert b"hunter2" not in database_bytes(world.hub.settings.database_url)


async def test_sealing_keys_are_those_of_workers_heard_of(world: World) -> None:
    pem = public_sealing_pem(X25519PrivateKey.generate())
    beat = WorkerHeartbeatV1("1", "", "", sealing_key=pem)
    await world.scanner.put_worker("w1", beat)
    await world.scanner.put_worker("w2", WorkerHeartbeatV1("1", "", ""))
    assert [(k.worker, k.public_key) for k in await world.admin.list_sealing_keys()] == [
        ("w1", pem)
    ]
    await world.scanner.put_worker("w3", WorkerHeartbeatV1("1", "", "", sealing_key="no key"))
    shown = [(w.sealing_fingerprint, w.present) for w in await world.reader.list_workers()]
    assert shown == [(sealing_fingerprint(pem), True), ("", True), ("", True)]
    world.later(301)
    assert await world.admin.list_sealing_keys() == []
    assert [worker.present for worker in await world.reader.list_workers()] == [False] * 3


@pytest.mark.parametrize(
    ("host", "body", "said"),
    [
        pytest.param("no host", write(), "want a host name", id="host"),
        pytest.param("ann@r.example", write(), "want a host name", id="user-in-host"),
        pytest.param(HOST, write(PollingV1(repositories=["Shop"])), "Shop", id="repository"),
        pytest.param(HOST, write(test_repository="../x"), "../x", id="test-repository"),
        pytest.param(HOST, write(connection=ConnectionV1(aliases=[HOST])), "own name", id="itself"),
        pytest.param(
            HOST, write(connection=ConnectionV1(aliases=["a.example/B"])), "HOST/PATH", id="alias"
        ),
        pytest.param(HOST, write(connection=ConnectionV1(url="r.example")), "url", id="url"),
        pytest.param(
            HOST,
            write(connection=ConnectionV1(url="https://u:p@r.example/x")),
            "url",
            id="url-path",
        ),
    ],
)
async def test_what_no_worker_could_use_is_refused(
    world: World, host: str, body: RegistryWriteV1, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        await world.admin.put_registry(host, body)
    assert (await world.reader.list_registries()).items == []


# --- turns ----------------------------------------------------------------------------------------


async def test_a_registry_is_tested_once_by_one_worker(world: World) -> None:
    await world.admin.put_registry(HOST, write())
    turn = await take(world)
    assert (turn.host, turn.kind) == (HOST, "test")
    assert await ask(world, HOST, worker="w2") is None
    await world.scanner.end_turn(HOST, TurnEndV1(turn.lease, test=answered(world)))
    kept = await record(world)
    assert (kept.testing, kept.test) == (False, answered(world))
    assert await ask(world, HOST, worker="w2") is None
    assert (await world.admin.test_registry(HOST)).testing
    assert (await take(world)).kind == "test"


async def test_only_who_may_contact_a_registry_gets_it(world: World) -> None:
    await world.admin.put_registry(HOST, write())
    assert await ask(world, "other.example") is None
    assert await ask(world) is None


async def test_a_worker_that_was_killed_loses_its_turn(world: World) -> None:
    await world.admin.put_registry(HOST, write())
    lost = await take(world)
    world.later(61)
    again = await take(world)
    assert again.kind == "test"
    with pytest.raises(ConflictError, match="lease"):
        await world.scanner.end_turn(HOST, TurnEndV1(lost.lease, test=answered(world)))
    await world.scanner.end_turn(HOST, TurnEndV1(again.lease, test=answered(world)))


async def test_a_change_of_settings_ends_what_goes_by_the_old_ones(world: World) -> None:
    turn = await looking(world)
    await world.admin.put_registry(HOST, write(EVERY_MINUTE))
    with pytest.raises(ConflictError):
        await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, [seen()]))
    assert (await world.reader.list_images()).items == []


async def test_a_worker_that_goes_by_older_settings_gets_no_turn(world: World) -> None:
    await world.admin.put_registry(HOST, write(sealed=[SEALED]))
    old = await world.scanner.fetch_registries()
    assert old is not None
    await world.admin.delete_registry(HOST)
    await world.admin.put_registry(HOST, write(sealed=[SealedV1(KEY, "bWVuZGVk")]))
    for generation in (old.generation, ""):
        assert await world.scanner.lease_turn("w1", [HOST], generation) is None
    assert (await take(world)).kind == "test"


async def test_registry_access_off_ends_it_all(world: World) -> None:
    await world.admin.put_registry(HOST, write())
    settings = await world.admin.get_settings()
    off = msgspec.structs.replace(settings, registry_access="Off")
    assert isinstance(off, SettingsV1)
    await world.admin.put_settings(off)
    with pytest.raises(ConflictError, match="switched off"):
        await ask(world, HOST)


async def test_what_is_new_is_queued_and_what_is_known_is_not(world: World) -> None:
    turn = await looking(world)
    tags = [seen(A, "1"), seen(A, "latest"), seen(B, "2")]
    assert await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, tags, "shop/web")) == 2
    assert await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, tags)) == 0
    found = {i.digest: (i.tags, i.status) for i in (await world.reader.list_images()).items}
    assert found == {A: (["1", "latest"], "queued"), B: (["2"], "queued")}


async def test_what_lay_there_before_waits_behind_what_is_pushed(world: World) -> None:
    turn = await looking(world)
    await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, [seen(A)], "shop/web"))
    await world.scanner.end_turn(HOST, TurnEndV1(turn.lease))
    world.later(67)
    again = await take(world)
    await world.scanner.tell_observed(HOST, ObservedV1(again.lease, [seen(B, "2")]))
    leased = [await world.scanner.lease_job(f"w{n}") for n in range(2)]
    assert [job.digest for job in leased if job is not None] == [B, A]


async def test_a_moved_tag_is_seen(world: World) -> None:
    turn = await looking(world)
    await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, [seen(A), seen(B, "2")]))
    await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, [seen(B)]))
    assert {i.digest: i.tags for i in (await world.reader.list_images()).items} == {
        A: [],
        B: ["1", "2"],
    }
    assert await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, [seen(C)])) == 1


async def test_an_image_that_was_scanned_before_is_not_scanned_for_a_tag(world: World) -> None:
    await world.admin.request_scan(ScanRequestV1(HOST, "shop/web", A))
    turn = await looking(world)
    assert await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, [seen(A)])) == 0
    assert (await world.reader.get_image(HOST, "shop/web", A)).tags == ["1"]


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(seen(tag=f"sha256-{'a' * 64}"), id="fallback-tag"),
        pytest.param(seen(tag=f"sha256-{'a' * 64}.sig"), id="signature"),
        pytest.param(seen(tag="-x"), id="no-tag"),
        pytest.param(seen(repository="../x"), id="no-repository"),
    ],
)
async def test_what_is_no_image_is_left_out(world: World, odd: ObservedTagV1) -> None:
    turn = await looking(world)
    told = ObservedV1(turn.lease, [odd, seen(B)])
    assert await world.scanner.tell_observed(HOST, told) == 1


async def test_an_interrupted_look_goes_on_where_it_was(world: World) -> None:
    turn = await looking(world)
    await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, [seen()], "shop/web"))
    world.later(61)
    again = await take(world)
    assert (again.kind, again.after) == ("poll", "shop/web")
    await world.scanner.end_turn(HOST, TurnEndV1(again.lease))
    state = (await record(world)).poll
    assert (state.tags, state.found, state.worker, state.error) == (1, 1, "", "")
    world.later(67)
    assert (await take(world)).after == ""


async def test_telling_extends_the_lease(world: World) -> None:
    turn = await looking(world)
    for _ in range(3):
        world.later(59)
        await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, []))
    world.later(61)
    with pytest.raises(ConflictError):
        await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, []))


@pytest.mark.parametrize(
    ("failures", "retry_after_s", "least_s", "most_s"),
    [
        pytest.param(0, 0, 54, 66, id="well"),
        pytest.param(1, 0, 54, 66, id="first-failure"),
        pytest.param(2, 0, 108, 132, id="second-failure"),
        pytest.param(4, 0, 432, 528, id="fourth-failure"),
        pytest.param(20, 0, 3240, 3960, id="an-hour-at-most"),
        pytest.param(1, 7200, 7200, 7200, id="as-long-as-the-registry-asks"),
    ],
)
async def test_the_next_look_waits(
    world: World, failures: int, retry_after_s: float, least_s: float, most_s: float
) -> None:
    turn = await looking(world)
    for count in range(max(failures, 1)):
        if count:
            world.later(8000)
            turn = await take(world)
        error = "HTTP 429" if failures else ""
        end = TurnEndV1(turn.lease, error=error, complete=not failures, retry_after_s=retry_after_s)
        await world.scanner.end_turn(HOST, end)
    state = (await record(world)).poll
    next_at = parse_instant(state.next_at)
    assert next_at is not None
    assert timedelta(seconds=least_s) <= next_at - world.now() <= timedelta(seconds=most_s)
    assert (state.failures, bool(state.error)) == (failures, failures > 0)
    assert bool(state.last_complete_at) == (failures == 0)


async def test_a_look_that_found_a_repository_closed_is_whole(world: World) -> None:
    turn = await looking(world)
    await world.scanner.tell_observed(HOST, ObservedV1(turn.lease, [], "shop/web"))
    await world.scanner.end_turn(HOST, TurnEndV1(turn.lease, error="shop/a: HTTP 403"))
    state = (await record(world)).poll
    assert (state.error, state.failures, state.last_complete_at) == (
        "shop/a: HTTP 403",
        0,
        state.last_ended_at,
    )
    world.later(67)
    assert (await take(world)).after == ""


async def test_a_registry_that_is_not_to_be_looked_through_is_not(world: World) -> None:
    turn = await looking(world)
    await world.admin.put_registry(HOST, write(PollingV1(enabled=False)))
    test = await take(world)
    await world.scanner.end_turn(HOST, TurnEndV1(test.lease, test=answered(world)))
    world.later(100_000)
    assert await ask(world, HOST) is None
    assert turn.polling == EVERY_MINUTE
    assert isinstance((await record(world)).poll, PollStateV1)
