"""Whatever answers, the client says what it means: an error of the right kind, never a guess."""

import httpx2
import pytest

from tidegate.domain.errors import (
    ConflictError,
    HubUnavailableError,
    InputError,
    LimitExceededError,
    NotFoundError,
    NotPermittedError,
    PreconditionFailedError,
    PreconditionRequiredError,
    TidegateError,
)
from tidegate.hubclient import HubClient, transport
from tidegate.wire.hub_v1 import JobV1

PROBLEM = b'{"title": "No", "status": 400, "detail": "the reason", "field": "rule.name"}'


def client_of(response: httpx2.Response) -> HubClient:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return response

    return HubClient("http://hub.test", "secret-token", transport=httpx2.MockTransport(answer))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InputError),
        (401, NotPermittedError),
        (403, NotPermittedError),
        (404, NotFoundError),
        (409, ConflictError),
        (412, PreconditionFailedError),
        (413, InputError),
        (428, PreconditionRequiredError),
        (429, HubUnavailableError),
        (500, HubUnavailableError),
        (503, HubUnavailableError),
    ],
)
@pytest.mark.parametrize("body", [PROBLEM, b"<html>proxy</html>", b"", b"\xff"])
async def test_refusals_have_their_kind(
    status: int, kind: type[TidegateError], body: bytes
) -> None:
    async with client_of(httpx2.Response(status, content=body)) as client:
        with pytest.raises(TidegateError) as refused:
            await client.get_rule("x")
    assert type(refused.value) is kind
    assert ("rule.name: the reason" in str(refused.value)) == (body == PROBLEM)
    assert "secret-token" not in str(refused.value)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[]", b"", b'{"id": 3}', b"\xff"])
async def test_an_answer_of_another_form_is_no_hub(body: bytes) -> None:
    async with client_of(httpx2.Response(200, content=body)) as client:
        with pytest.raises(HubUnavailableError, match="is this the address of a Tidegate hub"):
            await client.get_rule("x")


async def test_redirects_are_not_followed() -> None:
    response = httpx2.Response(302, headers={"Location": "http://evil.test/"})
    async with client_of(response) as client:
        with pytest.raises(HubUnavailableError):
            await client.get_rule("x")


async def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1000)
    async with client_of(httpx2.Response(200, content=b"x" * 2000)) as client:
        with pytest.raises(LimitExceededError, match="more than 1000 bytes"):
            await client.get_rule("x")


async def test_no_hub_is_unavailable() -> None:
    async with HubClient("http://127.0.0.1:1", "t") as client:
        with pytest.raises(HubUnavailableError, match=r"hub http://127.0.0.1:1: no answer to GET"):
            await client.list_rules()


async def test_ids_cannot_leave_their_place_in_the_path() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.raw_path.decode())
        return httpx2.Response(204)

    job = JobV1(
        "../rules?x=1#y", "l", "r", "a", "d", [], attach=True, attempt=1, lease_expires_at=""
    )
    async with HubClient("http://h", "t", transport=httpx2.MockTransport(answer)) as client:
        await client.report_progress(job)
    assert seen == ["/api/v1/jobs/..%2Frules%3Fx%3D1%23y/progress"]


async def test_tail_gives_each_event_its_cursor() -> None:
    event = b'{"id":"e1","time":"","action":"deny","kind":"Pod","name":"p","images":[]}'
    stream = (
        b": events follow\r\nid: a\r\n\r\nid: b\r\nevent: admission\r\ndata: " + event + b"\r\n\r\n"
    )
    async with client_of(httpx2.Response(200, content=stream)) as client:
        found = [tailed async for tailed in client.tail_events()]
    assert [(tailed.cursor, tailed.event.id) for tailed in found] == [("b", "e1")]
