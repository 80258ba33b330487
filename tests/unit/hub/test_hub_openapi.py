"""The OpenAPI document describes all that is served, in a form that generators take."""

import re
from typing import Any

import pytest
from litestar import Litestar

from support.hub_world import World

Document = dict[str, Any]


@pytest.fixture
async def document(world: World) -> Document:
    answer = await world.raw().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def operations(document: Document) -> dict[tuple[str, str], Document]:
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(references(item) for item in value))
    return set()


def test_every_path_served_is_described(document: Document, routed: Litestar) -> None:
    served = {
        (method, route.path_format)
        for route in routed.routes
        for method in getattr(route, "methods", ())
        if method not in ("OPTIONS", "HEAD")
    }
    assert set(operations(document)) == served - {("GET", "/api/v1/openapi.json")}


def test_operations_have_unique_ids_a_summary_and_a_description(document: Document) -> None:
    ids = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(ids)) == len(ids)
    assert "createRule" in ids
    for operation in operations(document).values():
        assert operation["summary"]
        assert operation["description"].endswith(".")


def test_every_body_may_be_too_large(document: Document) -> None:
    for operation in operations(document).values():
        assert ("413" in operation["responses"]) == ("requestBody" in operation)


def test_every_reference_is_defined_and_every_schema_name_plain(document: Document) -> None:
    schemas = document["components"]["schemas"]
    assert references(document) == {f"#/components/schemas/{name}" for name in schemas}
    assert [name for name in schemas if not re.fullmatch(r"[A-Za-z0-9._-]+", name)] == []
    assert document["openapi"] == "3.1.0"


def test_path_parameters_are_described(document: Document) -> None:
    for (method, path), operation in operations(document).items():
        named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert (named, method, path) == (set(re.findall(r"\{(\w+)\}", path)), method, path)


def test_refusals_are_problem_details(document: Document) -> None:
    for (_, path), operation in operations(document).items():
        if not path.startswith("/api/"):
            continue
        assert {"400", "401", "403"} <= set(operation["responses"])
        for status, response in operation["responses"].items():
            if status >= "400":
                assert set(response["content"]) == {"application/problem+json"}, (path, status)


def test_bodies_are_the_wire_types(document: Document) -> None:
    body = operations(document)["POST", "/api/v1/rules"]["requestBody"]
    assert references(body) == {"#/components/schemas/RuleWriteV1"}
    rule = document["components"]["schemas"]["RuleV1"]
    assert {"name", "action", "configuration", "scopeName"} <= set(rule["properties"])


@pytest.mark.parametrize(
    "path", ["/nope", "/api/v1", "/api/v1/nope", "/api/v1/rules/a/b/c", "/schema", "/%2e%2e/x"]
)
async def test_unknown_paths_answer_in_our_form_with_our_headers(world: World, path: str) -> None:
    answer = await world.raw().get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_wrong_method_names_the_right_ones(world: World) -> None:
    answer = await world.raw().request("PATCH", "/api/v1/rules")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"


async def test_health_and_metrics_need_no_token(world: World) -> None:
    client = world.raw()
    assert (await client.get("/healthz")).text == "ok"
    assert (await client.get("/readyz")).text == "ok"
    metrics = await client.get("/metrics")
    assert (metrics.status_code, "tidegate_hub_jobs" in metrics.text) == (200, True)


async def test_a_database_that_does_not_answer_is_not_ready_and_says_no_more(world: World) -> None:
    async with world.hub.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE organisation RENAME TO gone")
    answer = await world.raw().get("/readyz")
    assert answer.status_code == 503
    assert "gone" not in answer.text
    assert "organisation" not in answer.text
    broken = await world.raw("admin-" + "t" * 40).get("/api/v1/settings")
    assert broken.status_code == 503
    assert "another schema than this version of the hub" in broken.json()["detail"]
    assert "organisation" not in broken.text


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/audit", "/api/v1/events/export"])
async def test_all_filters_of_a_list_fit_one_request_line(world: World, path: str) -> None:
    document = (await world.raw().get("/api/v1/openapi.json")).json()
    texts = [
        parameter["schema"].get("maxLength", 0)
        for parameter in document["paths"][path]["get"]["parameters"]
        if parameter["in"] == "query"
    ]
    assert 9 * sum(texts) < 32 * 1024  # three bytes of UTF-8, three characters for each
