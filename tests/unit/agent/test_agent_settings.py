from pathlib import Path

import pytest

from tidegate.agent.settings import Settings, read_settings
from tidegate.domain.errors import ConfigurationError

P = "TIDEGATE_AGENT_"
HUB = {f"{P}HUB_URL": "http://127.0.0.1:1", f"{P}TOKEN_FILE": "/t", f"{P}CLUSTER": "c"}


def test_without_settings_the_agent_serves_gitops_in_its_pod() -> None:
    assert read_settings({}) == Settings()


def test_what_up_sets_is_read() -> None:
    environ = HUB | {
        f"{P}KUBECONFIG": "/k",
        f"{P}PORT": "7",
        f"{P}METRICS_PORT": "8",
        f"{P}GATE_TOKEN_FILE": "/g",
    }
    settings = read_settings(environ)
    assert (settings.hub_url, settings.cluster, settings.port) == ("http://127.0.0.1:1", "c", 7)
    assert settings.metrics_port == 8
    assert (settings.kubeconfig, settings.gate_token_file) == (Path("/k"), Path("/g"))


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        pytest.param({f"{P}HUB": "x"}, "TIDEGATE_AGENT_HUB", id="unknown"),
        pytest.param({f"{P}HUB_URL": "http://h"}, "TOKEN_FILE is not set", id="no-token"),
        pytest.param(HUB | {f"{P}TOKEN_SECRET": "s"}, "in one place", id="two-places"),
        pytest.param(
            {f"{P}POLICY_DIR": "/d", f"{P}TOKEN_SECRET": "s"}, "without a cluster", id="no-secrets"
        ),
        pytest.param(HUB | {f"{P}CLUSTER": ""}, "CLUSTER is not set", id="no-cluster"),
        pytest.param(HUB | {f"{P}HUB_URL": "ftp://h"}, "no http", id="scheme"),
        pytest.param(HUB | {f"{P}HUB_URL": "http://u:secret@h"}, "no http", id="credentials"),
        pytest.param(HUB | {f"{P}PORT": "65536"}, "65535", id="port"),
        pytest.param(HUB | {f"{P}PORT": "x"}, "'x'", id="port-word"),
        pytest.param(HUB | {f"{P}METRICS_PORT": "-1"}, "METRICS_PORT is '-1'", id="metrics-port"),
        pytest.param(HUB | {f"{P}LOG_LEVEL": "loud"}, "debug, info", id="level"),
        pytest.param(
            HUB | {f"{P}KUBECONFIG": "/k", f"{P}POLICY_DIR": "/d"}, "unset one", id="both"
        ),
        pytest.param({f"{P}POLICY_DIR": "/d"}, "nothing", id="nothing-to-do"),
        pytest.param(
            {f"{P}WEBHOOK_FILE": "/w", f"{P}WEBHOOK_CONFIG_MAP": "w"},
            "in one place",
            id="webhook-twice",
        ),
        pytest.param(
            {f"{P}POLICY_DIR": "/d", f"{P}GATE_SERVICE": "g"},
            "GATE_SERVICE is set without a cluster",
            id="certificate-without-cluster",
        ),
    ],
)
def test_settings_that_cannot_work_are_named(environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=P) as refused:
        read_settings(environ)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)
