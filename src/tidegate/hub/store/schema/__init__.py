"""The tables. Instants are RFC 3339 text in UTC of a fixed width: they sort as they are.

Bodies (rules, events, reports) are kept as the JSON that the API speaks, with the columns that
are searched and sorted beside them. A module for each subject; all are known here.
"""

from tidegate.hub.store.schema.access import (
    access_changes,
    clusters,
    enrolments,
    sessions,
    sign_in_failures,
    tokens,
    users,
)
from tidegate.hub.store.schema.conventions import metadata
from tidegate.hub.store.schema.events import event_groups, event_images, event_tallies, events
from tidegate.hub.store.schema.feed import (
    feed_batches,
    feed_heads,
    feed_order,
    feed_snapshot_parts,
    feed_snapshots,
)
from tidegate.hub.store.schema.images import (
    image_details,
    image_tags,
    images,
    package_changes,
    package_images,
    packages,
    running_images,
    running_verdicts,
    scans,
)
from tidegate.hub.store.schema.organisation import ORGANISATION_ID, audit, organisation, rules
from tidegate.hub.store.schema.work import (
    advisory_pass,
    advisory_workers,
    evidence_keys,
    images_due,
    jobs,
    notices,
    registry_settings,
    workers,
)

__all__ = [
    "ORGANISATION_ID",
    "access_changes",
    "advisory_pass",
    "advisory_workers",
    "audit",
    "clusters",
    "enrolments",
    "event_groups",
    "event_images",
    "event_tallies",
    "events",
    "evidence_keys",
    "feed_batches",
    "feed_heads",
    "feed_order",
    "feed_snapshot_parts",
    "feed_snapshots",
    "image_details",
    "image_tags",
    "images",
    "images_due",
    "jobs",
    "metadata",
    "notices",
    "organisation",
    "package_changes",
    "package_images",
    "packages",
    "registry_settings",
    "rules",
    "running_images",
    "running_verdicts",
    "scans",
    "sessions",
    "sign_in_failures",
    "tokens",
    "users",
    "workers",
]
