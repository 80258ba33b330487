"""What runs is judged again when its report or the rules change; it is not touched."""

import pytest

from support.installation import Ground, until
from tidegate.local.images import CLEAN_DEBIAN, DemoImage, build_image, debian_files
from tidegate.wire.oci_v1 import OCI_MANIFEST

pytestmark = pytest.mark.e2e

WITHIN_S = 60
"""What the product promises (PRODUCT, "Beyond the reference")."""


def test_a_running_pod_is_judged_again_by_a_new_report_and_by_new_rules(ground: Ground) -> None:
    strict = {"maxAllowedSeverities": {"high": 0}, "blockUnscannedImages": True}
    ground.rule("audit", **strict)
    marker = {"etc/made-for": ground.namespace.encode()}
    built = build_image([debian_files(CLEAN_DEBIAN), marker])
    image = DemoImage("demo/app", "rejudged", ((built.manifest, OCI_MANIFEST),), built.blobs)
    name = f"{ground.site.state['registry']}/demo/app@{image.digest}"

    ground.works(f"run early --image={name}")
    ground.saw(("audit", "Pod", "early", "CREATE"))
    ground.site.push(image, "rejudged")
    until(ground.rejudged, lambda seen: seen == [("allow", "early")], WITHIN_S)

    critical = ground.site.image("critical")
    ground.works(f"run risky --image={critical}")
    ground.rule("deny", **strict)
    wanted = [("allow", "early"), ("deny", "risky")]
    until(lambda: sorted(ground.rejudged()), lambda seen: seen == wanted, WITHIN_S)
    assert ground.get("pod risky")["metadata"]["name"] == "risky"
    event = next(e for e in ground.site.events(ground.namespace) if e["action"] == "deny")
    told = ground.site.tidegate(f"explain {event['id']}")
    assert "it runs already, and nothing was refused" in told.out, told.err


UNANSWERED = 'tidegate_hub_rejudged_images_total{result="unanswered"}'
SAME = 'tidegate_hub_rejudged_images_total{result="same"}'


def test_t14_a_registry_that_is_away_changes_no_verdict_about_what_runs(ground: Ground) -> None:
    """An image without a report is let in; could it not be read, it would be refused."""
    built = build_image([debian_files(CLEAN_DEBIAN), {"etc/made-for": ground.namespace.encode()}])
    image = DemoImage("demo/app", "away", ((built.manifest, OCI_MANIFEST),), built.blobs)
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
