"""What runs where: told by the clusters' agents."""

from litestar import post
from litestar.params import JSONBody

from tidegate.domain.digest import parse_digest
from tidegate.hub.api.access import TheCaller, TheHub, allow, require_own
from tidegate.hub.api.parameters import Id
from tidegate.hub.api.problems import documented
from tidegate.hub.store import clusters, inventory
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_data_v1 import InventoryV1

MAX_INVENTORY_BYTES = 16 * 2**20


@post(
    "/clusters/{name:str}/inventory",
    guards=allow(Role.CLUSTER),
    status_code=204,
    request_max_body_size=MAX_INVENTORY_BYTES,
    summary="Tell which images run in a cluster",
    responses=documented(404),
)
async def post_inventory(
    hub: TheHub, caller: TheCaller, name: Id, data: JSONBody[InventoryV1]
) -> None:
    """Keep all images that run in an agent's own cluster, in the place of those told before.

    One without a digest gets the one that it had when it was last judged there, else its tag's.
    """
    require_own(caller, name)
    for image in data.images:
        if image.digest:
            parse_digest(image.digest)
    async with hub.database.read() as connection:
        await clusters.load(connection, name)
        resolved = await inventory.resolve(connection, name, data.images)
    async with hub.database.write() as connection:
        await inventory.replace(connection, name, data.images, resolved)


HANDLERS = (post_inventory,)
