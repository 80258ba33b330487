"""An agent gets its cluster's token once, keeps it, and wastes no one-time token."""

import asyncio
import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from lightkube import ApiError
from lightkube.resources.core_v1 import Secret

from tidegate.agent.enrolment import FilePlace, SecretPlace, obtain_token
from tidegate.agent.settings import Settings
from tidegate.domain.errors import (
    ConfigurationError,
    HubUnavailableError,
    MissingSettingError,
    NotPermittedError,
)
from tidegate.wire.hub_v1 import ClusterEnrolledV1, EnrolV1


class Hub:
    """Enrols whoever comes with a token it gave, after being away for some questions."""

    def __init__(self, away: int = 0) -> None:
        self.away = away
        self.asked: list[EnrolV1] = []
        self.granted = ""

    async def enrol(self, body: EnrolV1) -> ClusterEnrolledV1:
        self.asked.append(body)
        if len(self.asked) <= self.away:
            raise HubUnavailableError("hub: no answer")
        if self.granted:
            raise NotPermittedError("refused, and an administrator is told")
        self.granted = f"cluster-token-{len(self.asked)}"
        return ClusterEnrolledV1(body.cluster, self.granted)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "one-time").write_text("tgt_once\n")
    return Settings(
        hub_url="http://hub",
        cluster="prod",
        token_file=tmp_path / "kept" / "token",
        enrol_token_file=tmp_path / "one-time",
    )


def place(settings: Settings) -> FilePlace:
    assert settings.token_file is not None
    return FilePlace(settings.token_file)


async def test_a_one_time_token_is_exchanged_once_and_kept(settings: Settings) -> None:
    hub = Hub()
    assert await obtain_token(settings, place(settings), hub) == "cluster-token-1"
    assert settings.token_file is not None
    assert settings.token_file.read_text() == "cluster-token-1"
    assert settings.token_file.stat().st_mode & 0o077 == 0
    assert await obtain_token(settings, place(settings), hub) == "cluster-token-1"
    (asked,) = hub.asked
    assert (asked.token, asked.cluster) == ("tgt_once", "prod")


async def test_a_hub_that_is_away_is_asked_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.agent.enrolment.RETRY_S", (0.0, 0.0))
    hub = Hub(away=3)
    async with asyncio.timeout(5):
        assert await obtain_token(settings, place(settings), hub) == "cluster-token-4"


async def test_t26_a_refusal_ends_the_agent_with_the_hubs_words(settings: Settings) -> None:
    hub = Hub()
    hub.granted = "somebody else's"
    with pytest.raises(ConfigurationError, match="an administrator is told"):
        await obtain_token(settings, place(settings), hub)
    assert len(hub.asked) == 1


async def test_a_place_that_cannot_be_written_uses_no_token_up(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    hub = Hub()
    with pytest.raises(ConfigurationError, match=r"TOKEN_FILE .*(written|directory)"):
        await obtain_token(settings, place(settings), hub)
    assert hub.asked == []


async def test_without_any_token_the_agent_says_how_to_get_one(tmp_path: Path) -> None:
    settings = Settings(hub_url="http://hub", cluster="prod", token_file=tmp_path / "token")
    with pytest.raises(MissingSettingError, match="tidegate cluster enrol"):
        await obtain_token(settings, place(settings), Hub())


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"], ids=["empty", "blank", "binary"])
async def test_a_file_without_a_token_is_refused(settings: Settings, content: bytes) -> None:
    assert settings.enrol_token_file is not None
    settings.enrol_token_file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="ENROL_TOKEN_FILE"):
        await obtain_token(settings, place(settings), Hub())


class Secrets:
    """An API server with one Secret; it is away for some calls, or has something against all."""

    def __init__(self, *, away: int = 0, away_after: int = 0, refuses: int = 0) -> None:
        self.data: dict[str, str] = {}
        self.away_for, self.away_after, self.refuses = away, away_after, refuses
        self.calls: list[str] = []

    def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self.refuses:
            raise refusal(self.refuses)
        if self.away_after < len(self.calls) <= self.away_after + self.away_for:
            if len(self.calls) % 3 == 0:
                raise httpx2.ConnectError("connection refused")
            raise refusal(403 if len(self.calls) % 3 == 1 else 503)  # no rights are read yet

    async def get(self, _kind: object, _name: str, *, namespace: str) -> Any:  # noqa: ANN401 as lightkube
        assert namespace == "tidegate"
        self._answer("get")
        return Secret.from_dict({"data": dict(self.data)})

    async def patch(
        self, _kind: object, _name: str, body: dict[str, Any], *, dry_run: bool, **_: object
    ) -> None:
        self._answer("try" if dry_run else "patch")
        if not dry_run:
            self.data |= body["data"]


def refusal(code: int) -> ApiError:
    body = {"kind": "Status", "code": code, "message": f"no, {code}"}
    return ApiError(response=httpx2.Response(code, json=body))


@pytest.mark.parametrize(
    ("away_after", "calls"),
    [
        pytest.param(0, ["get", "get", "get", "get", "try", "patch"], id="at the start"),
        pytest.param(1, ["get", "try", "try", "try", "try", "patch"], id="before the exchange"),
        pytest.param(2, ["get", "try", "patch", "patch", "patch", "patch"], id="after it"),
    ],
)
async def test_an_api_server_that_is_away_is_waited_for_and_no_token_is_lost(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, away_after: int, calls: list[str]
) -> None:
    monkeypatch.setattr("tidegate.agent.enrolment.RETRY_S", (0.0, 0.0))
    settings = replace(settings, token_file=None, token_secret="agent")  # noqa: S106 its name
    server, hub = Secrets(away=3, away_after=away_after), Hub()
    kept = SecretPlace(server, "agent", "tidegate")  # type: ignore[arg-type] # all of it that is used
    async with asyncio.timeout(5):
        assert await obtain_token(settings, kept, hub) == "cluster-token-1"
    assert server.calls == calls
    assert len(hub.asked) == 1
    assert base64.b64decode(server.data["token"]) == b"cluster-token-1"


async def test_a_secret_that_is_not_there_ends_the_agent(settings: Settings) -> None:
    kept = SecretPlace(Secrets(refuses=404), "agent", "tidegate")  # type: ignore[arg-type]
    hub = Hub()
    with pytest.raises(ConfigurationError, match="create secret generic agent"):
        await obtain_token(settings, kept, hub)
    assert hub.asked == []
