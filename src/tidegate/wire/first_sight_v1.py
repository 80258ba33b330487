"""Scans that clusters ask for because a workload names an image without a report.

The same types go from gate to agent (`POST /v1/scans`) and on to the hub (`POST /api/v1/scans`).
"""

from typing import Annotated, Literal

from msgspec import Meta

from tidegate.wire.hub_v1 import Wire

MAX_WANTED = 32
"""Images in one request; what a review names beyond them is asked for with its next try."""

Namespace = Annotated[
    str, Meta(min_length=1, max_length=63, pattern=r"^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$(?!\n)")
]
"""RFC 1123 label, as Kubernetes wants it."""


class WantedImageV1(Wire):
    """One image, or an index of several."""

    registry: Annotated[str, Meta(max_length=261)]
    repository: Annotated[str, Meta(max_length=255)]
    digest: Annotated[str, Meta(max_length=160)]
    waiting: bool
    """Whether a deployment was refused for want of a report; else it runs, or will."""


class WantedScansV1(Wire):
    """Images that workloads of one namespace name."""

    namespace: Namespace
    images: Annotated[list[WantedImageV1], Meta(min_length=1, max_length=MAX_WANTED)]


class WantedResultV1(Wire):
    """What became of one of them."""

    state: Literal["queued", "scanned", "refused"]
    """`scanned`: a moment ago, so the next look finds its report."""
    detail: str = ""
    """Why nothing was queued, for people."""


class WantedScansResultV1(Wire):
    """An answer for each image, in the order in which they were asked for."""

    results: Annotated[list[WantedResultV1], Meta(max_length=MAX_WANTED)]
