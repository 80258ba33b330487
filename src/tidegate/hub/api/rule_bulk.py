"""Security rules as a whole: their order in one save, and taking over a file's."""

import asyncio
from typing import Annotated

from litestar import Response, get, post, put
from litestar.params import HeaderParameter, JSONBody

from tidegate.domain.errors import InputError
from tidegate.hub.api.access import READERS, TheCaller, TheHub, allow
from tidegate.hub.api.problems import documented
from tidegate.hub.store import rule_import, rule_order
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_rules_v1 import (
    MAX_CONTENT_CHARS,
    RuleImportResultV1,
    RuleImportV1,
    RuleOrderV1,
)
from tidegate.wire.rule_files import RuleFile, read_rule_file

MAX_IMPORT_BYTES = 9 * 2**20
"""A file of 4 MiB as a JSON string, in which every quote and line end takes two bytes."""

IfMatch = Annotated[
    str,
    HeaderParameter(name="If-Match", description="ETag of the order as you read it, or `*`."),
]


@get(
    "/rules/order",
    guards=allow(*READERS),
    summary="Show the order of the rules",
    responses=documented(),
)
async def get_order(hub: TheHub) -> Response[RuleOrderV1]:
    """Return the ids of all rules, highest priority first; the ETag is what If-Match wants."""
    async with hub.database.read() as connection:
        # In this order: an order that is newer than its ETag costs a conflict, never a change.
        etag = await rule_order.etag_of(connection)
        return _tagged(await rule_order.ids_of(connection), etag)


@put(
    "/rules/order",
    guards=allow(Role.ADMIN),
    summary="Put all rules into an order",
    responses=documented(412, 428),
)
async def put_order(
    hub: TheHub, caller: TheCaller, data: JSONBody[RuleOrderV1], if_match: IfMatch = ""
) -> Response[RuleOrderV1]:
    """Save the order of all rules at once, unless it was changed since it was read."""
    async with hub.database.write() as connection:
        await rule_order.save(connection, data.ids, if_match, hub.author(caller))
        etag = await rule_order.etag_of(connection)
    hub.signals.policy.ring()
    return _tagged(data.ids, etag)


@post(
    "/rules/import",
    guards=allow(Role.ADMIN),
    status_code=200,
    request_max_body_size=MAX_IMPORT_BYTES,
    summary="Take over the rules of a file",
    responses=documented(412),
)
async def import_rules(
    hub: TheHub, caller: TheCaller, data: JSONBody[RuleImportV1]
) -> RuleImportResultV1:
    """Create or update a file's rules by name, all or none, or say what would become of each.

    Takes SecurityArtifactPolicy objects of `tidegate.io/v1alpha1` and of
    `defender.microsoft.com/v1alpha3`, in YAML or JSON, single or as lists. New rules stand
    directly above the default rule; updated ones keep their place and cloud scope.
    """
    author = hub.author(caller)
    # Megabytes of YAML take a second, for which nobody else shall wait.
    file = await asyncio.to_thread(_read, data.content)
    if data.dry_run:
        async with hub.database.read() as connection:
            planned = await rule_import.plan(connection, file, author)
    else:
        async with hub.database.write() as connection:
            planned = await rule_import.save(connection, file, data, author)
        hub.signals.policy.ring()
    return RuleImportResultV1(
        saved=not data.dry_run, rules=planned, warnings=file.warnings, evaluation_mode=file.mode
    )


def _read(content: str) -> RuleFile:
    try:
        return read_rule_file(content.encode(), "file", 4 * MAX_CONTENT_CHARS)
    except InputError as error:
        raise InputError(str(error), field="content") from error


def _tagged(ids: list[str], etag: str) -> Response[RuleOrderV1]:
    return Response(RuleOrderV1(ids), headers={"ETag": f'"{etag}"'})


HANDLERS = (get_order, put_order, import_rules)
