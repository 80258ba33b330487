"""Scans that clusters ask for: their gates saw an image that has no report."""

from litestar import post
from litestar.params import JSONBody

from tidegate.hub.api.access import TheCaller, TheHub, allow
from tidegate.hub.api.images import subject_of
from tidegate.hub.api.problems import documented
from tidegate.hub.store import first_sight
from tidegate.hub.store.database import Turn
from tidegate.hub.store.first_sight import Asker
from tidegate.hub.store.tokens import Role
from tidegate.wire.first_sight_v1 import WantedScansResultV1, WantedScansV1

MAX_BODY_BYTES = 64 * 1024


@post(
    "/scans",
    guards=allow(Role.CLUSTER),
    status_code=200,
    request_max_body_size=MAX_BODY_BYTES,
    summary="Ask for scans of images that workloads name",
    responses=documented(),
)
async def ask_for_scans(
    hub: TheHub, caller: TheCaller, data: JSONBody[WantedScansV1]
) -> WantedScansResultV1:
    """Queue a scan of each image, before all others where a deployment waits for it.

    An answer for each says whether one is queued, or why not: no worker contacts its registry, it
    failed lately, or the namespace has enough waiting. The cluster is that of the token.
    """
    wanted = [
        (subject_of(image.registry, image.repository, image.digest), image.waiting)
        for image in data.images
    ]
    asker = Asker(caller.cluster, data.namespace)
    async with hub.database.write_in_turn(Turn.IMAGES) as connection:
        results = await first_sight.ask(connection, asker, wanted, hub.now())
    if any(result.state == "queued" for result in results):
        hub.signals.jobs.ring()
    return WantedScansResultV1(results)


HANDLERS = (ask_for_scans,)
