"""When advisories change: exactly the affected images are matched again, in order, and none twice."""

import dataclasses
from datetime import timedelta

import msgspec
import pytest
from litestar import Litestar
from sqlalchemy import insert, select, text
from sqlalchemy.dialects import sqlite

from support.hub_world import TOKENS, World
from support.image_world import HOST, REPOSITORY, index, manifest, report, statement, upload
from tidegate.domain.digest import Digest
from tidegate.domain.errors import ConflictError, InputError, NotFoundError, NotPermittedError
from tidegate.hub.clock import render_instant
from tidegate.hub.jobs.rematching import compact, renew, try_again
from tidegate.hub.settings import JobLimits
from tidegate.hub.store import image_sets
from tidegate.hub.store.advisory_pass import packages_after
from tidegate.hub.store.database import Turn
from tidegate.hub.store.due import Due, add
from tidegate.hub.store.schema import packages
from tidegate.wire.event_v1 import AdmissionEventV1, CountsV1, ImageRowV1
from tidegate.wire.hub_data_v1 import OpinionV1, PackageV1, RunningImageV1
from tidegate.wire.hub_v1 import JobV1, ScanRequestV1
from tidegate.wire.package_list_v1 import PackageListV1
from tidegate.wire.rematch_v1 import (
    AdvisoriesToldV1,
    DistinctPackageV1,
    FindingsUploadV1,
    SaidV1,
    Standing,
)

OLD, NEW = "1" * 64, "2" * 64
AT = "2026-11-23T09:00:00Z"


async def tell(
    world: World,
    state: str,
    names: list[str] | None = None,
    *,
    worker: str = "w1",
    rank: str = "",
    since: str = OLD,
) -> Standing:
    told = AdvisoriesToldV1(state, rank or state[:1], since if names is not None else "", names)
    return await world.scanner.tell_advisories(worker, told)


def listed(digest: str, *packages: tuple[str, str]) -> dict[str, object]:
    """Return what a worker tells of packages (name, version)."""
    found = [PackageV1(f"pkg:pypi/{n}@{v}", n, v, "PyPI") for n, v in packages]
    body = PackageListV1(digest, "application/x", 10, "linux/amd64", AT, found)
    return {
        "packages": [],
        "package_list": msgspec.json.encode(body).decode(),
        "package_list_signature": "c2lnbmVk",
        "opinions": [OpinionV1("PyPI", n, v) for n, v in packages],
    }


async def complete(world: World, job: JobV1, digest: str, **changes: object) -> None:
    given = {"artifact": "sha256:" + "f" * 64, "attached_at": AT, **changes}
    made = msgspec.structs.replace(report(digest, high=1), **given)
    await world.scanner.complete_job(job, [made])


async def scan(
    world: World, name: str, *packages: tuple[str, str], state: str = OLD, asked: bool = True
) -> Digest:
    """Push, scan and tell of an image with these packages."""
    body, digest = manifest(name)
    if asked:
        await world.admin.request_scan(ScanRequestV1(HOST, REPOSITORY, digest, [name]))
    job = await world.scanner.lease_job("w1")
    assert job is not None
    assert (job.kind, job.digest) == ("scan", digest)
    detail = upload(body, digest, **listed(digest, *packages), advisories_state=state)
    await world.scanner.put_detail(job.id, msgspec.structs.replace(detail, lease=job.lease))
    await complete(world, job, digest)
    return digest


async def match(world: World, *bad: tuple[str, str], state: str = NEW) -> list[DistinctPackageV1]:
    """Match all pages, `bad` packages with a new opinion; return what was handed out."""
    handed: list[DistinctPackageV1] = []
    while (page := await world.scanner.lease_packages(state)) is not None:
        handed += page.packages
        said = [
            SaidV1(each.id, "bad" if (each.name, each.version) in bad else "")
            for each in page.packages
        ]
        await world.scanner.put_packages(page.lease, said)
    return handed


async def rematch(world: World, state: str = NEW) -> JobV1 | None:
    job = await world.scanner.lease_job("w1", advisories_state=state)
    assert job is None or job.kind == "rematch"
    return job


async def rematched(world: World, state: str = NEW) -> list[str]:
    """Do all jobs of matching again; return their images in order."""
    digests = []
    while (job := await rematch(world, state)) is not None:
        digests.append(job.digest)
        await complete(world, job, job.digest)
    return digests


async def test_exactly_the_images_with_an_affected_version_are_matched_again(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("jinja2", "2.10"), ("zlib", "1"))
    await scan(world, "b", ("jinja2", "3.1"), ("zlib", "1"))
    await scan(world, "c", ("zlib", "1"))
    d = await scan(world, "d", ("jinja2", "2.10"))
    assert await tell(world, NEW, ["jinja2", "unheard-of"]) == "current"
    handed = await match(world, ("jinja2", "2.10"))
    # Each version once, however many images carry it, and no package of another name.
    assert sorted((p.name, p.version, p.ecosystem) for p in handed) == [
        ("jinja2", "2.10", "PyPI"),
        ("jinja2", "3.1", "PyPI"),
    ]
    assert sorted(await rematched(world)) == sorted([a, d])
    status = await world.reader.get_rematch()
    assert (status.state, status.packages_matched, status.packages_changed) == (NEW, 2, 1)
    assert (status.images_affected, status.images_due, status.whole) == (2, 0, False)
    assert status.finished_at


async def test_advisories_that_say_the_same_match_no_image(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    await scan(world, "a", ("jinja2", "2.10"))
    await tell(world, NEW, ["jinja2"])
    assert len(await match(world)) == 1
    assert await rematched(world) == []


async def test_what_is_not_known_to_have_changed_is_all_matched(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("jinja2", "2.10"), ("zlib", "1"))
    await tell(world, NEW, ["jinja2"], since="9" * 64)  # names since a state that nobody knows
    assert len(await match(world, ("zlib", "1"))) == 2
    assert (await world.reader.get_rematch()).whole
    assert await rematched(world) == [a]


async def test_a_withdrawn_advisory_takes_its_finding_away(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("jinja2", "2.10"))
    await tell(world, NEW, ["jinja2"])
    await match(world, ("jinja2", "2.10"))
    job = await rematch(world)
    assert job is not None
    await complete(world, job, a)
    third = "3" * 64
    await tell(world, third, ["jinja2"], since=NEW)
    await match(world, state=third)
    job = await rematch(world, third)
    assert job is not None
    found = FindingsUploadV1(job.lease, a, statement(a, ()), [], third)
    await world.scanner.put_findings(job, found)
    await complete(world, job, a, counts=CountsV1())
    page = await world.reader.list_findings(HOST, REPOSITORY, a)
    image = await world.reader.get_image(HOST, REPOSITORY, a)
    assert (page.items, image.reports[0].counts) == ([], CountsV1())


async def test_a_name_of_any_ecosystem_is_looked_at(world: World) -> None:
    """Which ecosystem's advisories judge which packages is the worker's to know."""
    await tell(world, OLD)
    await match(world, state=OLD)
    _, digest = manifest("a")
    debian = {"opinions": [OpinionV1("Debian:12", "zlib", "1"), OpinionV1("PyPI", "zlib", "1")]}
    body, _ = manifest("a")
    await world.admin.request_scan(ScanRequestV1(HOST, REPOSITORY, digest))
    job = await world.scanner.lease_job("w1")
    assert job is not None
    detail = upload(body, digest, **{**listed(digest), **debian}, advisories_state=OLD)
    await world.scanner.put_detail(job.id, msgspec.structs.replace(detail, lease=job.lease))
    await complete(world, job, digest)
    await tell(world, NEW, ["zlib"])
    assert {p.ecosystem for p in await match(world)} == {"Debian:12", "PyPI"}


async def test_an_image_whose_report_was_deleted_gets_a_new_one_without_being_pulled(
    world: World,
) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    digest = await scan(world, "a", ("jinja2", "2.10"))
    target = {"digest": "sha256:" + "f" * 64, "repository": REPOSITORY}
    event = {"action": "delete", "target": target, "request": {"host": HOST}}
    client = world.raw(TOKENS["registry"])
    path = "/api/v1/registries/notifications"
    answer = await client.post(path, content=msgspec.json.encode({"events": [event]}))
    assert answer.json() == {"queued": 1, "skipped": 0}
    assert await rematched(world, OLD) == [digest]


# Whose advisories count


async def test_only_a_worker_with_the_advisories_that_count_matches_again(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    await scan(world, "a", ("jinja2", "2.10"))
    await tell(world, NEW, ["jinja2"])
    assert await world.scanner.lease_packages(OLD) is None
    await match(world, ("jinja2", "2.10"))
    assert await world.scanner.lease_job("w2", advisories_state=OLD) is None
    assert await world.scanner.lease_job("old-worker") is None
    assert await rematch(world) is not None


async def test_older_advisories_wait_while_a_worker_with_newer_ones_is_there(world: World) -> None:
    assert await tell(world, NEW, worker="w1") == "current"
    assert await tell(world, OLD, worker="w2") == "superseded"
    assert (await world.reader.get_rematch()).state == NEW
    world.later(301)
    # Nobody has the newer ones any more: better the older ones than none.
    assert await tell(world, OLD, worker="w2") == "current"
    assert await tell(world, NEW, worker="w1") == "current"


async def test_two_workers_with_different_advisories_do_not_take_turns_for_ever(
    world: World,
) -> None:
    await tell(world, OLD, worker="w1", rank="5")
    states = [await tell(world, NEW, worker="w2", rank="5") for _ in range(3)]
    assert states == ["superseded"] * 3


async def test_a_scan_by_older_advisories_is_matched_again_by_those_that_count(
    world: World,
) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    await scan(world, "a", ("jinja2", "2.10"))
    await tell(world, NEW, ["jinja2"])
    await match(world, ("jinja2", "2.10"))
    await rematched(world)
    b = await scan(world, "b", ("jinja2", "2.10"), state=OLD)
    assert await rematched(world) == [b]
    c = await scan(world, "c", ("click", "7"), state="")  # a package that nobody has judged yet
    assert await rematched(world) == [c]


async def test_advisories_that_change_during_a_pass_add_to_it(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    await scan(world, "a", ("jinja2", "2.10"), ("zlib", "1"))
    await tell(world, NEW, ["jinja2"])
    lost = await world.scanner.lease_packages(NEW)
    assert lost is not None
    third = "3" * 64
    await tell(world, third, ["zlib"], since=NEW)
    with pytest.raises(ConflictError, match="not leased"):
        await world.scanner.put_packages(lost.lease, [])
    assert {p.name for p in await match(world, state=third)} == {"jinja2", "zlib"}


# Crashes


async def test_a_killed_workers_page_is_taken_up_again(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("jinja2", "2.10"))
    await tell(world, NEW, ["jinja2"])
    page = await world.scanner.lease_packages(NEW)
    assert page is not None
    assert await world.scanner.lease_packages(NEW) is None
    world.later(61)
    again = await world.scanner.lease_packages(NEW)
    assert again is not None
    assert again.packages == page.packages
    with pytest.raises(ConflictError):
        await world.scanner.put_packages(page.lease, [SaidV1(page.packages[0].id, "bad")])
    await world.scanner.put_packages(again.lease, [SaidV1(again.packages[0].id, "bad")])
    assert await rematched(world) == [a]


async def test_a_killed_workers_image_is_taken_up_again(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("jinja2", "2.10"))
    await tell(world, NEW, ["jinja2"])
    await match(world, ("jinja2", "2.10"))
    assert await rematch(world) is not None
    assert await rematch(world) is None
    world.later(61)
    job = await rematch(world)
    assert job is not None
    assert (job.digest, job.attempt) == (a, 2)
    # Its findings are shown meanwhile: the image was scanned, and is no less so now.
    assert (await world.reader.get_image(HOST, REPOSITORY, a)).status == "scanned"


# What a job hands out


async def test_a_job_hands_out_what_was_signed_byte_for_byte(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("jinja2", "2.10"))
    await tell(world, NEW, ["jinja2"])
    await match(world, ("jinja2", "2.10"))
    job = await rematch(world)
    assert job is not None
    (stored,) = await world.scanner.take_package_lists(job)
    assert stored.body == listed(a, ("jinja2", "2.10"))["package_list"]
    assert (stored.digest, stored.signature) == (a, "c2lnbmVk")
    assert stored.artifact == "sha256:" + "f" * 64


async def test_t20_packages_and_findings_are_of_leased_images_alone(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("jinja2", "2.10"))
    b = await scan(world, "b", ("zlib", "1"))
    await tell(world, NEW, ["jinja2"])
    await match(world, ("jinja2", "2.10"))
    job = await rematch(world)
    assert job is not None
    stolen = msgspec.structs.replace(job, lease="x" * 43)
    with pytest.raises(ConflictError):
        await world.scanner.take_package_lists(stolen)
    with pytest.raises(NotFoundError):
        await world.scanner.take_package_lists(msgspec.structs.replace(job, id="other"))
    of_another = FindingsUploadV1(job.lease, b, statement(b), [], NEW)
    with pytest.raises(InputError, match="neither the leased image"):
        await world.scanner.put_findings(job, of_another)
    mixed = FindingsUploadV1(job.lease, a, statement(b), [], NEW)
    with pytest.raises(InputError, match="it is about"):
        await world.scanner.put_findings(job, mixed)
    with pytest.raises(NotPermittedError):
        await world.c1.lease_packages(NEW)
    with pytest.raises(NotPermittedError):
        await world.client(TOKENS["registry"]).tell_advisories("w", AdvisoriesToldV1("x", "y"))


async def test_an_image_whose_packages_do_not_serve_is_scanned(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("jinja2", "2.10"))
    await tell(world, NEW, ["jinja2"])
    await match(world, ("jinja2", "2.10"))
    job = await rematch(world)
    assert job is not None
    await world.scanner.fail_job(job, "not signed by a key of mine", retry=True, rescan=True)
    assert (await world.reader.get_job(job.id)).kind == "scan"
    await scan(world, "a", ("jinja2", "2.10"), asked=False)
    assert (await world.reader.get_image(HOST, REPOSITORY, a)).status == "scanned"


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"packages": [PackageV1("pkg:pypi/a@1", "a", "1", "PyPI")]}, id="old-worker"),
        pytest.param("unsigned", id="unsigned"),
        pytest.param("truncated", id="truncated"),
    ],
)
async def test_what_cannot_be_matched_again_is_scanned_when_advisories_change(
    world: World, told: object
) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    body, digest = manifest("a")
    given = listed(digest, ("a", "1")) if isinstance(told, str) else told
    assert isinstance(given, dict)
    if told == "unsigned":
        given = {**given, "package_list_signature": ""}
    if told == "truncated":
        text = str(given["package_list"]).replace('"truncated":false', '"truncated":true')
        given = {**given, "package_list": text}
    await world.admin.request_scan(ScanRequestV1(HOST, REPOSITORY, digest))
    job = await world.scanner.lease_job("w1")
    assert job is not None
    detail = upload(body, digest, **given)
    await world.scanner.put_detail(job.id, msgspec.structs.replace(detail, lease=job.lease))
    await complete(world, job, digest)
    shown = await world.reader.list_packages(HOST, REPOSITORY, digest)
    assert [package.name for package in shown.items] == ["a"]
    await tell(world, NEW, [])
    job = await world.scanner.lease_job("w1", advisories_state=NEW)
    assert job is not None
    assert (job.kind, job.digest, job.attach) == ("scan", digest, True)


async def test_a_scan_that_is_asked_for_takes_the_place_of_matching_again(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("jinja2", "2.10"))
    await tell(world, NEW, ["jinja2"])
    await match(world, ("jinja2", "2.10"))
    job = await rematch(world)
    assert job is not None
    record = await world.admin.request_scan(ScanRequestV1(HOST, REPOSITORY, a))
    assert (record.id, record.kind, record.state, record.priority) == (job.id, "scan", "queued", 0)
    with pytest.raises(ConflictError):
        await complete(world, job, a)
    await scan(world, "a", ("jinja2", "2.10"), state=NEW, asked=False)


# Order and budget


async def test_what_somebody_waits_for_is_first_then_what_runs_then_the_newest(
    world: World,
) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    names = ("old", "running", "waited", "new")
    digests = {}
    for name in names:
        digests[name] = await scan(world, name, ("jinja2", "2.10"))
        world.later(90_000 if name == "old" else 60)
    inventory = [RunningImageV1(f"{HOST}/{REPOSITORY}:running", digests["running"])]
    await world.c1.send_inventory("c1", inventory)
    await world.c1.post_events([denial(world, digests["waited"])])
    await tell(world, NEW, ["jinja2"])
    await match(world, ("jinja2", "2.10"))
    order = ("waited", "running", "new", "old")
    assert await rematched(world) == [digests[name] for name in order]
    jobs = (await world.reader.list_jobs()).items
    done = {job.digest: job.priority for job in jobs if job.kind == "rematch"}
    assert [done[digests[name]] for name in order] == [0, 1, 2, 3]


async def test_a_pushed_image_that_runs_goes_before_one_that_does_not(world: World) -> None:
    b = await scan(world, "b", ("zlib", "1"))
    await world.c1.send_inventory("c1", [RunningImageV1(f"{HOST}/{REPOSITORY}:b", b)])
    client = world.raw(TOKENS["registry"])
    _, fresh = manifest("fresh")
    for digest in (fresh, b):
        target = {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest,
            "repository": REPOSITORY,
        }
        event = {"action": "push", "target": target, "request": {"host": HOST}}
        await client.post("/api/v1/registries/notifications", json={"events": [event]})
    job = await world.scanner.lease_job("w1")
    assert job is not None
    assert job.digest == b


@pytest.fixture
def slow_registry(world: World, routed: Litestar) -> World:
    limits = JobLimits(lease_s=60, max_attempts=3, backoff_s=5, attach_per_minute=2)
    settings = dataclasses.replace(world.hub.settings, jobs=limits)
    world.hub = dataclasses.replace(world.hub, settings=settings)
    routed.state.hub = world.hub
    return world


async def test_reports_beyond_the_write_budget_wait_but_findings_do_not(
    slow_registry: World,
) -> None:
    world = slow_registry
    await tell(world, OLD)
    await match(world, state=OLD)
    digests = [await scan(world, name, ("jinja2", "2.10")) for name in "abcde"]
    await tell(world, NEW, ["jinja2"])
    await match(world, ("jinja2", "2.10"))
    attached, shown = [], []
    while (job := await rematch(world)) is not None:
        (attached if job.attach else shown).append(job.digest)
        changes = {"counts": CountsV1(critical=1)}
        await complete(
            world,
            job,
            job.digest,
            **changes if job.attach else changes | {"artifact": "", "attached_at": ""},
        )
    assert (len(attached), sorted(attached + shown)) == (2, sorted(digests))
    for digest in digests:
        image = await world.reader.get_image(HOST, REPOSITORY, digest)
        assert image.reports[0].counts == CountsV1(critical=1)
        assert image.reports[0].artifact  # the one before is still there
    assert (await world.reader.get_rematch()).images_to_attach == 3
    for expected in (2, 1, 0):
        world.later(61)
        jobs = [job for _ in range(5) if (job := await rematch(world)) is not None]
        assert [job.attach for job in jobs] == [True] * expected
        for job in jobs:
            await complete(world, job, job.digest)
    assert (await world.reader.get_rematch()).images_to_attach == 0


async def test_a_report_that_its_registry_did_not_take_is_tried_again_and_shown_meanwhile(
    world: World,
) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("jinja2", "2.10"))
    await tell(world, NEW, ["jinja2"])
    await match(world, ("jinja2", "2.10"))
    job = await rematch(world)
    assert job is not None
    found = msgspec.structs.replace(report(a), counts=CountsV1(critical=1))
    await world.scanner.complete_job(job, [found], "registry.example: HTTP 503")
    image = await world.reader.get_image(HOST, REPOSITORY, a)
    assert image.reports[0].counts == CountsV1(critical=1)
    assert (await world.reader.get_job(job.id)).error == "registry.example: HTTP 503"
    assert await rematched(world) == []
    assert (await world.reader.get_rematch()).images_to_retry == 1
    assert await try_again(world.hub.database) == 1
    assert await rematched(world) == [a]
    assert (await world.reader.get_rematch()).images_to_retry == 0


async def test_an_image_whose_matching_failed_each_time_is_not_forgotten(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("jinja2", "2.10"))
    await tell(world, NEW, ["jinja2"])
    await match(world, ("jinja2", "2.10"))
    for _ in range(3):
        job = await rematch(world)
        assert job is not None
        await world.scanner.fail_job(job, "fault of the worker", retry=True)
        world.later(60)
    assert await rematch(world) is None
    assert (await world.reader.get_image(HOST, REPOSITORY, a)).status == "scanned"
    await try_again(world.hub.database)
    assert await rematched(world) == [a]


# Age


@pytest.mark.slow
async def test_reports_are_renewed_before_half_of_the_smallest_age_spread_in_time(
    world: World,
) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    digests = {await scan(world, f"i{n}", ("zlib", "1")) for n in range(12)}
    day, renewed = 24 * 3600, dict[str, int]()
    for number in range(1, 190):  # the default rule's maximum is 365 days
        world.later(day)
        await tell(world, OLD, [])
        await renew(world.hub.database, world.now())
        while (job := await rematch(world, OLD)) is not None:
            assert job.attach
            assert timedelta(seconds=job.renew_after_s) <= timedelta(days=number)
            renewed.setdefault(job.digest, number)
            await complete(world, job, job.digest, attached_at=world.now().isoformat())
    assert set(renewed) == digests
    assert min(renewed.values()) >= 0.8 * 182.5
    assert max(renewed.values()) <= 183
    assert len(set(renewed.values())) > 6


async def test_nothing_is_renewed_that_would_not_be_attached(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    await scan(world, "a", ("zlib", "1"))
    await world.admin.put_settings(
        msgspec.structs.replace(await world.admin.get_settings(), security_findings="Off")
    )
    world.later(400 * 24 * 3600)
    assert await renew(world.hub.database, world.now()) == 0


# The sets of images


async def test_sets_say_the_same_before_and_after_they_are_written(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    for n in range(5):
        await scan(world, f"i{n}", ("zlib", "1"), ("click", str(n)))
    await scan(world, "i0", ("click", "0"))  # scanned again: zlib is gone from it
    before = await sets(world)
    assert sorted(map(len, before.values())) == [1, 1, 1, 1, 1, 4]
    assert await compact(world.hub.database, more_than=0) > 0
    assert await sets(world) == before
    assert await compact(world.hub.database, more_than=0) == 0
    await scan(world, "i1", ("click", "1"))
    assert sorted(map(len, (await sets(world)).values())) == [1, 1, 1, 1, 1, 3]


async def test_what_turns_out_to_be_no_image_carries_nothing(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a = await scan(world, "a", ("zlib", "1"))
    await world.admin.request_scan(ScanRequestV1(HOST, REPOSITORY, a))
    job = await world.scanner.lease_job("w1")
    assert job is not None
    await world.scanner.complete_job(job, [])
    assert list((await sets(world)).values()) == [[]]


async def test_platforms_that_an_index_no_longer_has_carry_nothing(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    (body_a, a), (body_b, b) = manifest("a"), manifest("b")
    body, whole = index(("amd64", a), ("arm64", b))
    for kept in ((a, b), (a,)):
        await world.admin.request_scan(ScanRequestV1(HOST, REPOSITORY, whole))
        job = await world.scanner.lease_job("w1")
        assert job is not None
        await world.scanner.put_detail(
            job.id,
            msgspec.structs.replace(
                upload(body, whole, statement="", packages=[], config=None),
                lease=job.lease,
                media_type="application/vnd.oci.image.index.v1+json",
            ),
        )
        for child, digest in ((body_a, a), (body_b, b)):
            if digest in kept:
                detail = upload(
                    child, digest, **listed(digest, ("zlib", digest[7:10])), advisories_state=OLD
                )
                await world.scanner.put_detail(
                    job.id, msgspec.structs.replace(detail, lease=job.lease)
                )
        await world.scanner.complete_job(job, [report(digest) for digest in kept])
    assert sorted(map(len, (await sets(world)).values())) == [0, 1]


def denial(world: World, digest: str) -> AdmissionEventV1:
    row = ImageRowV1(
        image="x", field_path="spec", action="deny", message="", reason="StaleArtifact",
        digest=digest,
    )  # fmt: skip
    return AdmissionEventV1(
        "e1", world.now().isoformat(), "deny", kind="Pod", name="p", images=[row]
    )


async def sets(world: World) -> dict[int, list[int]]:
    async with world.hub.database.read() as connection:
        ids = (await connection.execute(select(packages.c.id))).scalars().all()
        return {i: list(await image_sets.images_with(connection, [i])) for i in ids}


async def test_images_that_are_no_more_are_forgotten(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    async with world.hub.database.write_in_turn(Turn.PACKAGES) as connection:
        await add(connection, Due.REMATCH, image_sets.BitMap([4_000_000]))
    assert await rematch(world, OLD) is None
    assert (await world.reader.get_rematch()).images_due == 0


@pytest.mark.usefixtures("on_sqlite")
async def test_a_page_of_packages_is_read_from_its_place_in_the_index(world: World) -> None:
    query = packages_after("m", 7).compile(
        dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
    )
    async with world.hub.database.read() as connection:
        plan = str((await connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))).all())
    assert "SEARCH packages USING INDEX ix_packages_name_id (name>?)" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("count", [0, 1, 3, 5000])
async def test_rows_are_found_among_ids_however_many_there_are(world: World, count: int) -> None:
    made = [row(f"p{number}") for number in range(3)]
    async with world.hub.database.write() as connection:
        await connection.execute(insert(packages), made)
        every = (await connection.execute(select(packages.c.id))).scalars().all()
        wanted = [*every, *range(10_000, 15_000)][:count]
        mine = image_sets.among(connection, packages.c.id, wanted)
        found = (await connection.execute(select(packages.c.id).where(mine))).scalars().all()
    assert sorted(found) == sorted(every[:count])


def row(name: str) -> dict[str, object]:
    return {"key": name.encode(), "name": name, "version": "1", "ecosystem": "PyPI", "module": ""}


async def test_reports_older_than_a_key_are_made_anew_when_somebody_asks(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    a, b = await scan(world, "a", ("zlib", "1")), await scan(world, "b", ("zlib", "2"))
    world.later(60)
    rotated_at = render_instant(world.now())
    world.later(60)
    await tell(world, OLD, [])
    asked = await world.admin.renew_reports(rotated_at)
    assert (asked.reports, asked.added) == (2, 2)
    again = await world.admin.renew_reports(rotated_at)
    assert (again.reports, again.added) == (2, 0)
    done = []
    while (job := await rematch(world, OLD)) is not None:
        assert job.attach
        assert (await world.admin.renew_reports(rotated_at)).added == 0
        done.append(job.digest)
        await complete(world, job, job.digest, attached_at=render_instant(world.now()))
    assert sorted(done) == sorted([a, b])
    left = await world.admin.renew_reports(rotated_at)
    assert (left.reports, left.added) == (0, 0)
    await world.admin.put_settings(
        msgspec.structs.replace(await world.admin.get_settings(), security_findings="Off")
    )
    with pytest.raises(ConflictError, match="switched off"):
        await world.admin.renew_reports(rotated_at)


async def test_a_renewal_waits_for_no_instant_that_has_not_come(world: World) -> None:
    for before in ("tomorrow", "2999-01-01T00:00:00Z"):
        with pytest.raises(InputError, match="want an instant that has passed"):
            await world.admin.renew_reports(before)
    with pytest.raises(NotPermittedError):
        await world.reader.renew_reports(AT)


async def test_a_package_list_takes_the_signature_of_the_key_that_matched_it(world: World) -> None:
    await tell(world, OLD)
    await match(world, state=OLD)
    digest = await scan(world, "a", ("zlib", "1"))
    await tell(world, NEW, ["zlib"])
    await match(world, ("zlib", "1"))
    job = await rematch(world)
    assert job is not None
    (before,) = await world.scanner.take_package_lists(job)
    sent = FindingsUploadV1(job.lease, digest, statement(digest), [], NEW)
    await world.scanner.put_findings(job, sent)
    assert await world.scanner.take_package_lists(job) == [before]
    await world.scanner.put_findings(
        job, msgspec.structs.replace(sent, package_list_signature="b3VycyBub3c=")
    )
    (after,) = await world.scanner.take_package_lists(job)
    assert (after.body, after.signature) == (before.body, "b3VycyBub3c=")
