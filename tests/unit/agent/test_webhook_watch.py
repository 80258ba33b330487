"""The agent's look at its webhook, against an API server in memory that keeps versions."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube import ApiError

from tidegate.agent.alarms import Alarms
from tidegate.agent.drift import DriftLog
from tidegate.agent.kube_events import Note
from tidegate.agent.reasons import Reason
from tidegate.agent.webhook_source import WebhookConfigMap, WebhookFile, parse_chosen
from tidegate.agent.webhook_watch import WebhookWatch
from tidegate.domain.errors import ClusterUnavailableError, ConfigurationError
from tidegate.kube.watch import Changed
from tidegate.wire.webhook import service_client, webhook_configuration

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def configuration(timeout_s: int) -> dict[str, Any]:
    return webhook_configuration(
        service_client("tidegate-gate", "Q0E="), "Fail", timeout_s=timeout_s
    )


def refusal(code: int) -> ApiError:
    import httpx2  # noqa: PLC0415 beside its one use

    answer = httpx2.Response(
        code,
        json={"kind": "Status", "code": code, "message": f"no, {code}"},
        headers={"content-type": "application/json"},
    )
    return ApiError(response=answer)


class Server:
    """What the agent may do at an API server: get one ConfigMap, patch one webhook."""

    def __init__(self) -> None:
        self.hook = configuration(10)
        self.hook["metadata"]["resourceVersion"] = "1"
        self.chosen: str | None = yaml.safe_dump(configuration(10))
        self.refuses: int = 0
        self.patches = 0
        self.before_patch: Callable[[], None] = lambda: None

    def write_hook(self, timeout_s: int) -> None:
        version = str(int(self.hook["metadata"]["resourceVersion"]) + 1)
        self.hook = configuration(timeout_s)
        self.hook["metadata"]["resourceVersion"] = version

    def upgrade(self, timeout_s: int) -> None:
        """What a chart writes, in its order."""
        self.chosen = yaml.safe_dump(configuration(timeout_s))
        self.write_hook(timeout_s)

    @property
    def timeout_s(self) -> int:
        return int(self.hook["webhooks"][0]["timeoutSeconds"])

    async def get(self, _kind: object, name: str, *, namespace: str) -> Any:  # noqa: ANN401 as lightkube
        assert (name, namespace) == ("tidegate-webhook", "tidegate")
        if self.refuses or self.chosen is None:
            raise refusal(self.refuses or 404)
        from lightkube.resources.core_v1 import ConfigMap  # noqa: PLC0415 beside its one use

        return ConfigMap.from_dict({"data": {"webhook.yaml": self.chosen}})

    async def patch(self, _kind: object, _name: str, body: dict[str, Any], **_: object) -> Any:  # noqa: ANN401
        self.before_patch()
        version = body.get("metadata", {}).get("resourceVersion")
        if version not in (None, self.hook["metadata"]["resourceVersion"]):
            raise refusal(409)
        self.patches += 1
        self.write_hook(10)
        self.hook["webhooks"] = deepcopy(body["webhooks"])
        return deepcopy(self.hook)


class Told:
    """Takes what the agent tells in the cluster."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def tell(self, note: Note) -> None:
        self.notes.append(note)


class Watched:
    """An agent's watch of a server, looking when told to."""

    def __init__(self) -> None:
        self.server = Server()
        self.told = Told()
        self.alarms = Alarms(lambda: NOON, self.told.tell)
        self.watch = WebhookWatch(
            self.server,  # type: ignore[arg-type] # all of it that is used
            WebhookConfigMap(self.server, "tidegate-webhook", "tidegate"),  # type: ignore[arg-type]
            self.alarms,
            self.told,  # type: ignore[arg-type] # all of it that is used
            DriftLog(lambda: NOON),
        )

    async def look(self) -> None:
        """Take what the API server has, as the watch would bring it, and look."""
        self.watch.take(Changed(deepcopy(self.server.hook)))
        await self.watch.look()

    @property
    def standing(self) -> list[str]:
        return [alarm.kind for alarm in self.alarms.standing]


async def test_an_upgrade_is_not_undone_by_who_saw_the_webhook_first() -> None:
    watched = Watched()
    await watched.look()
    watched.server.upgrade(7)
    await watched.look()
    assert (watched.server.timeout_s, watched.server.patches) == (7, 0)
    assert watched.watch.state == "as wanted"
    assert watched.told.notes == []


async def test_what_is_chosen_first_is_brought_about_and_is_no_drift() -> None:
    watched = Watched()
    await watched.look()
    watched.server.chosen = yaml.safe_dump(configuration(7))
    await watched.look()
    assert watched.server.timeout_s == 7
    (note,) = watched.told.notes
    assert note.message.startswith("Brought to what is chosen since")


async def test_t13_an_upgrade_between_a_look_and_its_repair_is_not_undone() -> None:
    watched = Watched()
    await watched.look()
    watched.server.write_hook(29)  # somebody else, just before the upgrade
    watched.server.before_patch = lambda: watched.server.upgrade(7)
    await watched.look()
    watched.server.before_patch = lambda: None
    assert (watched.server.timeout_s, watched.server.patches) == (7, 0)
    assert watched.standing == []
    await watched.look()
    assert (watched.server.timeout_s, watched.server.patches) == (7, 0)


async def test_t13_who_writes_all_the_time_is_undone_all_the_same() -> None:
    watched = Watched()
    await watched.look()
    watched.server.write_hook(29)
    watched.server.before_patch = lambda: watched.server.write_hook(28)
    await watched.look()
    await watched.look()
    assert watched.server.patches == 1
    assert watched.server.timeout_s == 10


@pytest.mark.parametrize("code", [403, 404])
async def test_t13_without_what_is_chosen_the_last_is_kept_and_the_alarm_stands(code: int) -> None:
    watched = Watched()
    await watched.look()
    watched.server.refuses = code
    watched.server.write_hook(29)
    await watched.look()
    await watched.look()
    assert watched.server.timeout_s == 10
    assert watched.standing == [Reason.WEBHOOK_NOT_AS_WANTED.value]
    assert "kept as it was chosen before" in watched.alarms.standing[0].message
    raised = [n for n in watched.told.notes if n.reason is Reason.WEBHOOK_NOT_AS_WANTED]
    assert len(raised) == 1  # it stands, it does not come and go
    watched.server.refuses = 0
    await watched.look()
    assert watched.standing == []


async def test_while_nobody_answers_nothing_is_repaired_and_nothing_is_said_to_be_right() -> None:
    watched = Watched()
    await watched.look()
    watched.server.refuses = 503
    watched.server.write_hook(29)
    await watched.look()
    assert (watched.watch.state, watched.server.timeout_s) == ("unknown", 29)
    watched.server.refuses = 0
    await watched.look()
    assert (watched.watch.state, watched.server.timeout_s) == ("as wanted", 10)


async def test_an_agent_that_never_could_read_what_is_chosen_touches_nothing_and_says_so() -> None:
    watched = Watched()
    watched.server.chosen = None
    watched.server.write_hook(29)
    await watched.look()
    assert (watched.watch.state, watched.server.patches) == ("unknown", 0)
    assert watched.standing == [Reason.WEBHOOK_NOT_AS_WANTED.value]
    assert watched.watch.excluded == {"kube-system", "tidegate"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("{", id="no yaml"),
        pytest.param("kind: Pod\nmetadata: {name: tidegate}\nwebhooks: [{}]", id="another kind"),
        pytest.param(json.dumps(configuration(10) | {"webhooks": []}), id="no webhook"),
        pytest.param(json.dumps(configuration(10) | {"webhooks": ["x"]}), id="no object"),
        pytest.param("x: " + "1" * (1024 * 1024), id="too long"),
    ],
)
def test_what_is_no_webhook_configuration_of_ours_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ValidatingWebhookConfiguration"):
        parse_chosen(text.encode(), "here")
    file = tmp_path / "webhook.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"webhook\.yaml"):
        WebhookFile(file)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        pytest.param(404, ConfigurationError, id="gone"),
        pytest.param(403, ConfigurationError, id="no right"),
        pytest.param(500, ClusterUnavailableError, id="fault"),
        pytest.param(429, ClusterUnavailableError, id="busy"),
    ],
)
async def test_who_cannot_answer_now_is_told_apart_from_nothing_there(
    code: int, error: type[Exception]
) -> None:
    server = Server()
    server.refuses = code
    with pytest.raises(error, match="tidegate-webhook"):
        await WebhookConfigMap(server, "tidegate-webhook", "tidegate").read()  # type: ignore[arg-type]
