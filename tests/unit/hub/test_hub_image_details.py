"""What a worker uploads about an image, and what people see of it."""

import json
import zlib
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from support.hub_world import TOKENS, World
from support.image_world import (
    AT,
    HOST,
    REPOSITORY,
    findings,
    index,
    lease,
    manifest,
    report,
    scanned,
    statement,
    tell,
    upload,
)
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import ConflictError, InputError, NotFoundError
from tidegate.domain.evidence import Coverage, EcosystemCoverage
from tidegate.domain.finding import VexMark, VexStatus
from tidegate.hub.packed import DamagedRowError, pack, unpack
from tidegate.wire.hub_data_v1 import ImageDetailV1, PackageV1, ReferrerV1, VexMarkV1
from tidegate.wire.hub_v1 import RuleWriteV1
from tidegate.wire.oci_v1 import OCI_INDEX
from tidegate.wire.policy_v1alpha1 import RuleV1
from tidegate.wire.statement_v1 import (
    ReportOrigin,
    ScannerIdentity,
    Statement,
    render_statement,
)

HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m\0\"'--; DROP TABLE images"
D = Digest("sha256:" + "d" * 64)


async def image(world: World, digest: str) -> ImageDetailV1:
    return await world.reader.get_image(HOST, REPOSITORY, digest)


async def test_an_image_shows_what_the_worker_saw(world: World) -> None:
    body, digest = manifest()
    job = await lease(world, digest)
    signature = ReferrerV1(D, "sig", "signature", verified_by=["evidence"])
    text = '{"layers": []}'
    artifact = ReferrerV1(
        digest_of(text.encode()), "application/vnd.in-toto+json", "artifact", 9, "2026",
        {"a": "b"}, ["evidence"], manifest=text, referrers=[signature],
    )  # fmt: skip
    await tell(world, job, upload(body, digest, referrers=[artifact]))
    await world.scanner.complete_job(job, [report(digest, high=1)])
    found = await image(world, digest)
    assert (found.manifest, found.media_type) == (
        body,
        "application/vnd.oci.image.manifest.v1+json",
    )
    assert found.size == len(body) + 10 + 1000
    assert found.referrers == [artifact]
    assert found.config is not None
    assert (found.config.os, found.config.layers) == ("linux", ["sha256:x"])
    (platform,) = found.platforms
    assert (platform.platform, platform.digest, platform.report) == (
        "linux/amd64",
        digest,
        report(digest, high=1),
    )
    (scan,) = found.scans
    assert (scan.scanner, scan.counts.high, scan.digest) == ("Tidegate", 1, digest)


async def test_the_statement_comes_back_byte_for_byte(world: World) -> None:
    digest = await scanned(world)
    stored = await world.reader.get_statement(HOST, REPOSITORY, digest)
    assert stored.decode() == statement(digest)
    answer = await world.raw(TOKENS["reader"]).get(
        "/api/v1/images/statement",
        params={"registry": HOST, "repository": REPOSITORY, "digest": digest},
    )
    assert answer.headers["content-type"] == "application/vnd.in-toto+json"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_findings_are_listed_worst_first(world: World) -> None:
    digest = await scanned(world)
    found = (await world.reader.list_findings(HOST, REPOSITORY, digest)).items
    assert [f.severity for f in found] == ["critical", "high", "low"]
    assert (found[0].id, found[0].name, found[0].fixed_version) == (
        "CVE-2024-10001", "package1", "2.0",
    )  # fmt: skip
    assert found[0].locations[0].path == "app/package1"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param({"severity": "high"}, 3, id="severity"),
        pytest.param({"fixed": "true"}, 5, id="fixed"),
        pytest.param({"fixed": "false"}, 5, id="not-fixed"),
        pytest.param({"search": "PACKAGE7"}, 1, id="search"),
        pytest.param({"search": HOSTILE}, 0, id="hostile"),
    ],
)
async def test_findings_can_be_filtered(world: World, filters: dict[str, str], found: int) -> None:
    body, digest = manifest()
    job = await lease(world, digest)
    await tell(world, job, upload(body, digest, statement=statement(digest, findings(10))))
    assert len((await world.reader.list_findings(HOST, REPOSITORY, digest, **filters)).items) == (
        found
    )


@pytest.mark.slow
async def test_ten_thousand_findings_and_packages_are_paged_whole(world: World) -> None:
    body, digest = manifest()
    job = await lease(world, digest)
    packages = [PackageV1(f"pkg:pypi/p{n}@1", f"p{n:05}", "1", "PyPI") for n in range(10_000)]
    many = upload(body, digest, statement=statement(digest, findings(10_000)), packages=packages)
    await tell(world, job, many)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await world.reader.list_findings(
            HOST, REPOSITORY, digest, cursor=cursor, limit="500"
        )
        seen += [finding.id for finding in page.items]
        cursor = page.next
    assert len(set(seen)) == len(seen) == 10_000
    (found,) = (await world.reader.list_packages(HOST, REPOSITORY, digest, search="p09999")).items
    assert found == packages[-1]


async def test_an_index_shows_all_platforms_and_each_by_itself(world: World) -> None:
    (amd, amd_digest), (arm, arm_digest) = manifest("amd"), manifest("arm")
    body, digest = index(("amd64", amd_digest), ("arm64", arm_digest))
    job = await lease(world, digest)
    whole = upload(body, digest, media_type=OCI_INDEX, platform="", config=None, statement="")
    await tell(world, job, whole)
    await tell(world, job, upload(amd, amd_digest))
    other = statement(arm_digest, findings(1))
    await tell(world, job, upload(arm, arm_digest, platform="linux/arm64", statement=other))
    reports = [report(amd_digest, high=1), report(arm_digest, "linux/arm64", critical=2)]
    await world.scanner.complete_job(job, reports)
    found = await image(world, digest)
    assert [p.platform for p in found.platforms] == ["linux/amd64", "linux/arm64"]
    assert (found.config, len(found.scans)) == (None, 2)
    own = await image(world, arm_digest)
    assert (own.digest, own.manifest, own.tags) == (arm_digest, arm, ["v1"])
    assert ([p.platform for p in own.platforms], len(own.scans)) == (["linux/arm64"], 1)
    listed = world.reader.list_findings
    assert len((await listed(HOST, REPOSITORY, digest)).items) == 3, "the first platform's"
    assert len((await listed(HOST, REPOSITORY, digest, platform=arm_digest)).items) == 1
    assert len((await listed(HOST, REPOSITORY, arm_digest)).items) == 1
    (repository,) = (await world.reader.list_repositories()).items
    assert (repository.worst.critical, repository.worst.high) == (2, 0)


async def test_platforms_that_the_next_scan_does_not_name_are_forgotten(world: World) -> None:
    (amd, amd_digest), (arm, arm_digest) = manifest("amd"), manifest("arm")
    body, digest = index(("amd64", amd_digest), ("arm64", arm_digest))
    job = await lease(world, digest)
    await tell(world, job, upload(body, digest, media_type=OCI_INDEX, config=None, statement=""))
    await tell(world, job, upload(amd, amd_digest))
    await tell(world, job, upload(arm, arm_digest))
    await world.scanner.complete_job(job, [report(amd_digest)])
    assert [p.digest for p in (await image(world, digest)).platforms] == [amd_digest]
    with pytest.raises(NotFoundError):
        await image(world, arm_digest)


async def test_before_a_worker_told_the_image_is_shown_without(world: World) -> None:
    _, digest = manifest()
    await lease(world, digest)
    found = await image(world, digest)
    assert (found.status, found.manifest, found.platforms) == ("scanning", "", [])
    with pytest.raises(NotFoundError, match="ask for a scan"):
        await world.reader.list_findings(HOST, REPOSITORY, digest)


def _other_image() -> dict[str, object]:
    other, other_digest = manifest("other")
    return {"manifest": other, "digest": other_digest}


def _other_subject() -> dict[str, object]:
    return {"statement": statement(D)}


def _deep() -> dict[str, object]:
    node = ReferrerV1(D, "x", "other")
    for _ in range(5):
        node = ReferrerV1(D, "x", "other", referrers=[node])
    return {"referrers": [node]}


def _many() -> dict[str, object]:
    leaf = ReferrerV1(D, "x", "other")
    return {"referrers": [ReferrerV1(D, "x", "other", referrers=[leaf] * 300)] * 2}


def _long_manifests() -> dict[str, object]:
    text = "x" * 60_000
    node = ReferrerV1(digest_of(text.encode()), "x", "other", manifest=text)
    return {"referrers": [node] * 18}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"manifest": manifest()[0] + " "}, "do not have the digest", id="wrong-bytes"),
        pytest.param(_other_image(), "send the leased manifest first", id="another-image"),
        pytest.param(_other_subject(), "it is about sha256:dddd", id="another-subject"),
        pytest.param({"statement": "{}"}, "_type is", id="no-statement"),
        pytest.param({"media_type": "text/html"}, "announced as", id="other-type"),
        pytest.param({"digest": "sha256:short"}, "want sha256", id="no-digest"),
        pytest.param(_deep(), "deeper than 4 levels", id="deep-referrers"),
        pytest.param(_many(), "more than 500", id="many-referrers"),
        pytest.param(
            {"referrers": [ReferrerV1("../../etc", "x", "other")]},
            "want sha256",
            id="odd-referrer",
        ),
        pytest.param(
            {"referrers": [ReferrerV1(D, "x", "other", manifest="{}")]},
            "does not have that digest",
            id="other-manifest-of-referrer",
        ),
        pytest.param(
            {"referrers": [ReferrerV1("", "x", "other", note="gone", manifest="{}")]},
            "want sha256",
            id="manifest-of-no-digest",
        ),
        pytest.param(_long_manifests(), "together", id="long-manifests-of-referrers"),
        pytest.param({"platform": "x" * 129}, "length", id="long-platform"),
    ],
)
async def test_t20_details_that_do_not_belong_are_refused(
    world: World, change: dict[str, object], why: str
) -> None:
    body, digest = manifest()
    job = await lease(world, digest)
    detail = msgspec.structs.replace(upload(body, digest), **change)
    with pytest.raises(InputError, match=why):
        await tell(world, job, detail)
    assert (await image(world, digest)).manifest == ""


async def test_t20_a_platform_counts_only_if_the_leased_index_lists_it(world: World) -> None:
    _, listed = manifest("listed")
    body, digest = index(("amd64", listed))
    job = await lease(world, digest)
    await tell(world, job, upload(body, digest, media_type=OCI_INDEX, config=None, statement=""))
    stranger, stranger_digest = manifest("stranger")
    with pytest.raises(InputError, match="nor listed by it"):
        await tell(world, job, upload(stranger, stranger_digest))


async def test_t20_details_count_only_under_a_lease_that_holds(world: World) -> None:
    body, digest = manifest()
    job = await lease(world, digest)
    world.later(61)
    with pytest.raises(ConflictError, match="lease"):
        await tell(world, job, upload(body, digest))
    with pytest.raises(ConflictError, match="lease"):
        await world.scanner.put_detail(job.id, upload(body, digest, lease="guess"))


async def test_t03_an_upload_beyond_the_cap_is_refused_unread(world: World) -> None:
    _, digest = manifest()
    job = await lease(world, digest)
    client = world.raw(TOKENS["scanner"], **{"Content-Type": "application/json"})
    answer = await client.put(
        f"/api/v1/jobs/{job.id}/detail", content=b"{", headers={"Content-Length": str(97 * 2**20)}
    )
    assert answer.status_code == 413


def test_t03_a_stored_body_that_was_tampered_with_does_not_fill_the_memory() -> None:
    bomb = zlib.compress(b"\0" * 1025)
    with pytest.raises(DamagedRowError, match="larger than any"):
        unpack(bomb, max_bytes=1024)
    with pytest.raises(DamagedRowError, match="cannot be read"):
        unpack(b"no zlib")
    with pytest.raises(DamagedRowError, match="cut off"):
        unpack(pack(b"whole")[:-3])


async def test_t24_strings_from_outside_come_back_as_they_are(world: World) -> None:
    body, digest = manifest()
    job = await lease(world, digest)
    node = ReferrerV1(D, HOSTILE, "other", annotations={HOSTILE: HOSTILE}, note=HOSTILE)
    packages = [PackageV1(HOSTILE, HOSTILE, HOSTILE, HOSTILE)]
    await tell(world, job, upload(body, digest, referrers=[node], packages=packages))
    found = await image(world, digest)
    assert found.referrers == [node]
    assert (await world.reader.list_packages(HOST, REPOSITORY, digest)).items == packages


async def test_a_second_scan_replaces_the_first_and_both_are_history(world: World) -> None:
    await scanned(world, high=1)
    world.later(60)
    digest = await scanned(world, critical=1)
    found = await image(world, digest)
    assert [(s.counts.critical, s.counts.high) for s in found.scans] == [(1, 0), (0, 1)]
    assert len(found.platforms) == 1


async def test_what_turns_out_to_be_no_image_leaves_nothing(world: World) -> None:
    body, digest = manifest()
    job = await lease(world, digest)
    await tell(world, job, upload(body, digest))
    await world.scanner.complete_job(job, [])
    async with world.hub.database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT count(*) FROM image_details")
        assert rows.scalar() == 0


async def test_a_job_can_be_followed_to_its_end(world: World) -> None:
    body, digest = manifest()
    job = await lease(world, digest)
    assert (await world.reader.get_job(job.id)).state == "leased"
    await world.scanner.complete_job(job, [report(digest)])
    assert (await world.reader.get_job(job.id)).state == "done"
    with pytest.raises(NotFoundError, match="no job"):
        await world.reader.get_job("nope")
    assert json.loads(body)


@pytest.mark.parametrize("path", ["findings", "packages", "statement", "report", "lookup"])
async def test_unknown_and_malformed_images_are_told_apart(world: World, path: str) -> None:
    client = world.raw(TOKENS["reader"])
    params = {"registry": HOST, "repository": REPOSITORY, "digest": D}
    for change, status in (
        ({}, 404),
        ({"digest": "latest"}, 400),
        ({"repository": "../etc"}, 400),
        ({"registry": HOSTILE}, 400),
    ):
        answer = await client.get(f"/api/v1/images/{path}", params={**params, **change})
        assert (answer.status_code, path, change) == (status, path, change)


async def test_what_a_trusted_statement_clears_is_listed_with_who_says_why(world: World) -> None:
    body, digest = manifest()
    mark = VexMark(
        VexStatus.NOT_AFFECTED, "component_not_present", "Example Inc", "vendor", AT, "x"
    )
    first, *rest = findings(3)
    job = await lease(world, digest)
    cleared = statement(digest, (replace(first, not_affected=(mark,)), *rest))
    await tell(world, job, upload(body, digest, statement=cleared))
    listed = (await world.reader.list_findings(HOST, REPOSITORY, digest)).items
    marks = {found.id: found.not_affected for found in listed}
    assert marks.pop(first.vulnerability_id) == [
        VexMarkV1(
            "not_affected",
            "component_not_present",
            "Example Inc",
            "vendor",
            "2026-11-23T09:00:00Z",
            "x",
        )
    ]
    assert list(marks.values()) == [[], []]


async def report_of(world: World, digest: str) -> dict[str, Any]:
    params = {"registry": HOST, "repository": REPOSITORY, "digest": digest}
    answer = await world.raw(TOKENS["reader"]).get("/api/v1/images/report", params=params)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_what_findings_rest_on_is_told_without_them(world: World) -> None:
    body, digest = manifest()
    origin = ReportOrigin("trivy", Digest("sha256:" + "b" * 64), "build", "sha256:" + "c" * 64)
    made = Statement(
        subject=digest,
        findings=findings(5),
        coverage=Coverage(
            (EcosystemCoverage("PyPI", 3, "OSV", AT), EcosystemCoverage("Conan", 2, "")),
            ("1 archive known only by its hash",),
        ),
        scanner=ScannerIdentity("Trivy", "0.60", db_version="2", db_updated_at=AT),
        started_at=AT,
        finished_at=AT,
        origin=origin,
        listed_at=AT,
    )
    job = await lease(world, digest)
    signed = render_statement(made).decode()
    await tell(world, job, upload(body, digest, statement=signed))
    at = "2026-11-23T09:00:00Z"
    assert await report_of(world, digest) == {
        "subject": digest,
        "scanner": "Trivy",
        "scannerVersion": "0.60",
        "startedAt": at,
        "finishedAt": at,
        "packagesListedAt": at,
        "database": "2",
        "databaseUpdatedAt": at,
        "origin": {
            "format": "trivy",
            "digest": origin.digest,
            "source": "build",
            "artifact": origin.artifact,
        },
        "ecosystems": [
            {"ecosystem": "PyPI", "packageCount": 3, "source": "OSV", "sourceUpdatedAt": at},
            {"ecosystem": "Conan", "packageCount": 2},
        ],
        "notUnderstood": ["1 archive known only by its hash"],
    }


async def test_without_a_statement_there_is_no_report_of_it(world: World) -> None:
    body, digest = manifest()
    job = await lease(world, digest)
    await tell(world, job, upload(body, digest, statement=""))
    params = {"registry": HOST, "repository": REPOSITORY, "digest": digest}
    answer = await world.raw(TOKENS["reader"]).get("/api/v1/images/report", params=params)
    assert (answer.status_code, "no statement" in answer.json()["detail"]) == (404, True)


def exempting(name: str, *entries: dict[str, object], **rule: object) -> RuleWriteV1:
    body = {
        "name": name,
        "action": "deny",
        "configuration": {"blockUnscannedImages": True, "exemptions": list(entries)},
        **rule,
    }
    return RuleWriteV1(msgspec.convert(body, RuleV1))


def until(value: str, end: str) -> dict[str, object]:
    return {"type": "timeBased", "value": value, "timeBound": {"endDate": end}, "reason": "why"}


@pytest.mark.parametrize(
    ("rules", "marked"),
    [
        pytest.param(
            [exempting("a", until("cve-2024-10000", "2099-01-31"))],
            {"CVE-2024-10000": [("a", "2099-01-31")]},
            id="until-a-day",
        ),
        pytest.param(
            [exempting("a", {"type": "permanent", "value": "GHSA-1", "reason": "r"})],
            {"CVE-2024-10000": [("a", "")]},
            id="by-another-name",
        ),
        pytest.param(
            [exempting("a", {"type": "permanent", "value": "CVE-2024-99999", "reason": "r"})],
            {},
            id="not-by-another-cve-of-the-record",
        ),
        pytest.param([exempting("a", until("CVE-2024-10000", "2026-11-22"))], {}, id="over"),
        pytest.param(
            [exempting("a", until("CVE-2024-10000", "2099-01-31"), enabled=False)],
            {},
            id="disabled",
        ),
        pytest.param(
            [
                exempting("a", until("CVE-2024-10000", "2099-01-31")),
                exempting("b", {"type": "permanent", "value": "CVE-2024-10000", "reason": "r"}),
            ],
            {"CVE-2024-10000": [("a", "2099-01-31"), ("b", "")]},
            id="two-rules",
        ),
    ],
)
async def test_findings_say_which_rules_exempt_them(
    world: World, rules: list[RuleWriteV1], marked: dict[str, list[tuple[str, str]]]
) -> None:
    body, digest = manifest()
    first, *rest = findings(3)
    first = replace(first, aliases=frozenset({"GHSA-1", "CVE-2024-99999"}))
    first = replace(first, vulnerability_id="CVE-2024-10000")
    job = await lease(world, digest)
    await tell(world, job, upload(body, digest, statement=statement(digest, (first, *rest))))
    for each in rules:
        await world.admin.create_rule(each)
    listed = (await world.reader.list_findings(HOST, REPOSITORY, digest)).items
    found = {f.id: [(e.rule, e.end_date) for e in f.exempted] for f in listed if f.exempted}
    assert found == marked
