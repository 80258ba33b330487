"""What runs is judged again when its report, the advisories or the rules change; nobody touches it.

The advisories here are Alpine's: no other test's image is one, so the session's others stay as
they are.
"""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.distributions import apk, system
from support.installation import Ground, until
from tidegate.local.images import CLEAN_DEBIAN, BuiltImage, DemoImage, build_image, debian_files
from tidegate.wire.oci_v1 import OCI_MANIFEST

pytestmark = pytest.mark.e2e

WITHIN_S = 60
"""What the product promises (PRODUCT, "Beyond the reference")."""

STRICT = {"maxAllowedSeverities": {"high": 0}, "blockUnscannedImages": True}


def demo_image(built: BuiltImage, tag: str) -> DemoImage:
    return DemoImage("demo/app", tag, ((built.manifest, OCI_MANIFEST),), built.blobs)


def test_a_running_pod_is_judged_again_by_a_new_report_and_by_new_rules(ground: Ground) -> None:
    ground.rule("audit", **STRICT)
    marker = {"etc/made-for": ground.namespace.encode()}
    image = demo_image(build_image([debian_files(CLEAN_DEBIAN), marker]), "rejudged")
    name = f"{ground.site.state['registry']}/demo/app@{image.digest}"

    ground.works(f"run early --image={name}")
    ground.saw(("audit", "Pod", "early", "CREATE"))
    ground.site.push(image, "rejudged")
    until(ground.rejudged, lambda seen: seen == [("allow", "early")], WITHIN_S)

    critical = ground.site.image("critical")
    ground.works(f"run risky --image={critical}")
    ground.rule("deny", **STRICT)
    wanted = [("allow", "early"), ("deny", "risky")]
    until(lambda: sorted(ground.rejudged()), lambda seen: seen == wanted, WITHIN_S)
    assert ground.get("pod risky")["metadata"]["name"] == "risky"
    event = next(e for e in ground.site.events(ground.namespace) if e["action"] == "deny")
    told = ground.site.tidegate(f"explain {event['id']}")
    assert "it runs already, and nothing was refused" in told.out, told.err


def record(package: str, *, day: int, withdrawn: bool = False) -> str:
    """Return an OSV record of Alpine's about a package, as it was on a day."""
    at = f"2026-02-{day:02}T00:00:00Z"
    events = [{"introduced": "0"}, {"fixed": "99-r0"}]
    affected = {
        "package": {"ecosystem": "Alpine:v3.18", "name": package},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    body = {
        "id": f"ALPINE-CVE-2026-7{len(package):03}",
        "modified": at,
        "database_specific": {"severity": "CRITICAL"},
        "affected": [affected],
        **({"withdrawn": at} if withdrawn else {}),
    }
    return json.dumps(body)


def test_a_running_pod_is_judged_again_when_advisories_are_imported(
    ground: Ground, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    def import_record(text: str) -> None:
        (tmp_path / "record.json").write_text(text)
        said = ground.site.tidegate(f"advisories import {tmp_path}")
        assert said.code == 0, said.err

    import_record(record("another-package", day=1))  # from now on, Alpine 3.18 has advisories
    alpine = system("alpine", "3.18.4", **{"alpine-release": "3.18.4\n"})
    files = {path: text.encode() for path, text in alpine.items()}
    marker = {"etc/made-for": ground.namespace.encode()}
    image = demo_image(build_image([files | apk("libcrypto3", "3.1.4-r0") | marker]), "advised")
    ground.site.push(image, "advised")
    ground.rule("audit", **STRICT)
    name = f"{ground.site.state['registry']}/demo/app@{image.digest}"
    ground.works(f"run advised --image={name}")
    ground.saw(("allow", "Pod", "advised", "CREATE"))

    seconds, wanted = list[float](), list[tuple[str, str]]()
    for day, action in enumerate(("audit", "allow", "audit"), start=2):
        began = time.monotonic()
        import_record(record("openssl", day=day, withdrawn=action == "allow"))
        wanted.append((action, "advised"))
        until(ground.rejudged, lambda seen: seen == wanted, WITHIN_S)
        seconds.append(time.monotonic() - began)
    measured(
        "`tidegate advisories import` to the event about what runs, both commands included: "
        f"{len(seconds)} imports, median {statistics.median(seconds):.2f} s, "
        f"longest {max(seconds):.2f} s"
    )


UNANSWERED = 'tidegate_hub_rejudged_images_total{result="unanswered"}'
SAME = 'tidegate_hub_rejudged_images_total{result="same"}'


def test_t14_a_registry_that_is_away_changes_no_verdict_about_what_runs(ground: Ground) -> None:
    """An image without a report is let in; could it not be read, it would be refused."""
    built = build_image([debian_files(CLEAN_DEBIAN), {"etc/made-for": ground.namespace.encode()}])
    image = demo_image(built, "away")
    ground.rule("deny")
    site = ground.site
    with site.attaching_nothing():
        site.push(image, "away")
        ground.works(f"run early --image={site.state['registry']}/demo/app@{image.digest}")
        ground.saw(("allow", "Pod", "early", "CREATE"))
        with site.silent("registry"):
            before = site.metric(UNANSWERED)
            ground.rule("deny")  # so that what runs is judged again
            until(lambda: site.metric(UNANSWERED), lambda count: count > before, WITHIN_S)
        before = site.metric(SAME)
        ground.rule("deny")
        until(lambda: site.metric(SAME), lambda count: count > before, WITHIN_S)
    assert ground.rejudged() == []
