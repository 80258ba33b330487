"""One image matched again: what is told, what is attached, and what sends it to a scan instead."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from support.report_documents import body, openvex, openvex_statement, statement
from tidegate.advisories.package import Package
from tidegate.domain.digest import Digest
from tidegate.domain.errors import RegistryUnavailableError
from tidegate.domain.finding import Location
from tidegate.hubclient.client import HubClient
from tidegate.oci.client import RegistryClient
from tidegate.plugins import load_formats
from tidegate.scan.attach import own_evidence_key
from tidegate.scan.attest import attach_envelope
from tidegate.scan.borrower import Borrower
from tidegate.scan.foreign import Borrowing
from tidegate.scan.judge import Judge
from tidegate.scan.package_list import PackageList, SignedList
from tidegate.scan.publish import Publisher
from tidegate.scan.rematch import Rematcher, ScanNeededError
from tidegate.testing.evidence_world import NOON, EvidenceWorld, evidence_key
from tidegate.trust.configuration import Accepted, EvidenceKey, TrustedSource
from tidegate.trust.keys import fingerprint, generate_key
from tidegate.wire.hub_v1 import JobV1
from tidegate.wire.rematch_v1 import FindingsUploadV1, StoredListV1
from tidegate.wire.statement_v1 import parse_statement

OPENVEX = "https://openvex.dev/ns"
LISTED_AT = datetime(2026, 1, 1, tzinfo=UTC)
JINJA = Package("PyPI", "Jinja2", "2.10", "pkg:pypi/jinja2@2.10", locations=(Location("app"),))


@dataclass
class Hub:
    """What the worker asks of a hub for one job."""

    lists: list[StoredListV1] = field(default_factory=list)
    told: list[FindingsUploadV1] = field(default_factory=list)

    async def take_package_lists(self, _: JobV1) -> list[StoredListV1]:
        return self.lists

    async def put_findings(self, _: JobV1, body: FindingsUploadV1) -> None:
        self.told.append(body)


class Site:
    """A registry with one image, a hub that keeps its packages, and a worker's key."""

    def __init__(self, folder: Path) -> None:
        self.world = EvidenceWorld()
        self.image = self.world.push_image()
        self.hub = Hub()
        self.listed = PackageList(self.image, "linux/amd64", LISTED_AT, (JINJA,), ())
        self.keep(self.listed.sealed(self.world.key))
        client = cast("RegistryClient", self.world.registry)
        self.publisher = Publisher(client, self.world.key, timedelta(days=182))
        self.rematcher = Rematcher(
            cast("HubClient", self.hub), client, self.publisher,
            Judge(folder / "advisories.sqlite"), self.world.key, (), lambda: NOON,
        )  # fmt: skip

    def keep(self, signed: SignedList, artifact: str = "") -> None:
        stored = StoredListV1(self.image.digest, signed.body, signed.signature, artifact)
        self.hub.lists = [stored]

    def job(self, *, attach: bool = True) -> JobV1:
        repository = self.world.repository
        return JobV1(
            "1", "lease", repository.registry, repository.repository, self.image.digest, [],
            attach=attach, attempt=1, lease_expires_at="", kind="rematch",
        )  # fmt: skip

    async def artifacts(self) -> list[Digest]:
        found = await self.world.registry.list_referrers(self.world.repository, self.image.digest)
        return [entry.digest for entry in found.descriptors]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    yield site
    await site.publisher.aclose()
    await site.world.gatherer.aclose()


async def test_the_report_has_its_own_time_and_says_when_the_image_was_looked_into(
    site: Site,
) -> None:
    done = await site.rematcher.rematch(site.job())
    (report,) = done.reports
    assert [report.artifact] == await site.artifacts()
    assert report.counts.high + report.counts.critical > 0
    (told,) = site.hub.told
    told_statement = parse_statement(told.statement.encode())
    assert (told_statement.finished_at, told_statement.listed_at) == (NOON, LISTED_AT)
    assert {finding.locations for finding in told_statement.findings} == {JINJA.locations}
    assert [(o.name, o.version, bool(o.said)) for o in told.opinions] == [("jinja2", "2.10", True)]
    assert told.advisories_state
    assert told.referrers is not None
    assert [node.kind for node in told.referrers] == ["artifact"]


async def test_what_trusted_statements_clear_stays_cleared_when_an_image_is_matched_again(
    site: Site,
) -> None:
    vendor = generate_key()
    source = TrustedSource(
        EvidenceKey("vendor", vendor.public_key(), fingerprint(vendor)), frozenset({Accepted.VEX})
    )
    borrower = Borrower(
        site.rematcher.registries, site.publisher,
        lambda: Borrowing((source,), load_formats()), lambda: NOON,
    )  # fmt: skip
    rematcher = replace(site.rematcher, borrower=borrower)
    before = (await rematcher.rematch(site.job(attach=False))).reports[0].counts
    claim = openvex_statement(
        vulnerability={"name": "CVE-2019-10906"}, products=[{"@id": site.image.digest}]
    )
    about = body(statement(OPENVEX, openvex(statements=[claim]), site.image.digest))
    await attach_envelope(
        site.world.registry, site.world.repository, about, OPENVEX, vendor, subject=site.image
    )
    after = (await rematcher.rematch(site.job())).reports[0].counts
    assert (before.high - after.high, before.medium) == (1, after.medium)
    told = parse_statement(site.hub.told[-1].statement.encode())
    cleared = {f.vulnerability_id: f.not_affected for f in told.findings if f.not_affected}
    assert list(cleared) == ["CVE-2019-10906"]


async def test_an_image_that_is_gone_gets_no_report_and_is_looked_for_by_a_scan(site: Site) -> None:
    site.world.registry.manifests.pop(site.image.digest)
    with pytest.raises(ScanNeededError, match="is gone from its registry"):
        await site.rematcher.rematch(site.job())
    assert await site.artifacts() == []


async def test_where_nothing_is_to_be_attached_no_registry_is_asked(site: Site) -> None:
    before = dict(site.world.registry.reads)
    done = await site.rematcher.rematch(site.job(attach=False))
    assert dict(site.world.registry.reads) == before
    assert (done.reports[0].artifact, done.not_attached) == ("", "")
    assert site.hub.told[0].referrers is None


async def test_a_registry_that_takes_nothing_keeps_no_finding_from_the_hub(site: Site) -> None:
    site.world.registry.fail_on("push", RegistryUnavailableError("registry.example: HTTP 503"))
    done = await site.rematcher.rematch(site.job())
    assert "HTTP 503" in done.not_attached
    assert done.reports[0].artifact == ""
    assert done.reports[0].counts.high + done.reports[0].counts.critical > 0
    assert len(site.hub.told) == 1


@pytest.mark.parametrize(
    ("limits", "believed"),
    [
        pytest.param({}, True, id="named-in-the-trust-file"),
        pytest.param({"repositories": ("other.example/*",)}, False, id="for-other-repositories"),
        pytest.param({"scanners": ("Grype",)}, False, id="for-other-scanners"),
    ],
)
async def test_t21_another_workers_list_counts_as_its_reports_would(
    site: Site, limits: dict[str, tuple[str, ...]], *, believed: bool
) -> None:
    other = generate_key()
    known = replace(own_evidence_key(other), name="other", **limits)
    rematcher = replace(site.rematcher, keys=(known,))
    site.keep(site.listed.sealed(other))
    if believed:
        assert (await rematcher.rematch(site.job())).reports
        return
    with pytest.raises(ScanNeededError, match="not signed by an evidence key"):
        await rematcher.rematch(site.job())
    assert await site.artifacts() == []


async def test_t21_no_report_is_made_of_what_cannot_be_believed(site: Site) -> None:
    signed = site.listed.sealed(site.world.key)
    empty = replace(signed, body=signed.body.replace("Jinja2", "ninja2"))
    cut = replace(site.listed, truncated=True).sealed(site.world.key)
    other = replace(site.listed, subject=site.world.push_image("other")).sealed(site.world.key)
    for kept in (empty, cut, other):
        site.keep(kept)
        with pytest.raises(ScanNeededError):
            await site.rematcher.rematch(site.job())
    site.hub.lists = []
    with pytest.raises(ScanNeededError, match="keeps no packages"):
        await site.rematcher.rematch(site.job())
    assert (await site.artifacts(), site.hub.told) == ([], [])


async def test_a_list_that_an_older_key_signed_gets_our_signature_as_well(site: Site) -> None:
    old = generate_key()
    site.keep(site.listed.sealed(old))
    rematcher = replace(site.rematcher, keys=(evidence_key(old, "old"),))
    await rematcher.rematch(site.job())
    (told,) = site.hub.told
    (kept,) = site.hub.lists
    ours = (evidence_key(site.world.key),)
    assert SignedList(kept.body, told.package_list_signature).is_by(ours)
    site.keep(SignedList(kept.body, told.package_list_signature))
    await site.rematcher.rematch(site.job())
    assert site.hub.told[-1].package_list_signature == ""
