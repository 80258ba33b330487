"""Pull secrets that are read through the API, by name."""

import base64
import json
from collections.abc import Mapping

import pytest

from tidegate.domain.errors import (
    ClusterUnavailableError,
    RegistryRefusesError,
    RegistryUnavailableError,
)
from tidegate.oci.keychain import Credentials
from tidegate.oci.pull_secret import BELIEVED_S, PullSecretKeychain

HOST = "r.example"


def held(password: str, key: str = ".dockerconfigjson") -> Mapping[str, bytes]:
    entry = {HOST: {"auth": base64.b64encode(f"ann:{password}".encode()).decode()}}
    return {key: json.dumps({"auths": entry} if "json" in key else entry).encode()}


class Cluster:
    """One Secret, as the API server tells of it."""

    def __init__(self, data: Mapping[str, bytes] | None) -> None:
        self.data = data
        self.away = False
        self.asked: list[str] = []
        self.now_s = 0.0

    async def __call__(self, name: str) -> Mapping[str, bytes] | None:
        self.asked.append(name)
        if self.away:
            raise ClusterUnavailableError("the API server is away")
        return self.data

    def keychain(self) -> PullSecretKeychain:
        return PullSecretKeychain(name="pull", host=HOST, read=self, clock_s=lambda: self.now_s)


@pytest.mark.parametrize("key", [".dockerconfigjson", ".dockercfg"])
async def test_a_pull_secret_of_either_type_is_read_once_a_minute(key: str) -> None:
    cluster = Cluster(held("one", key))
    chain = cluster.keychain()
    for _ in range(3):
        assert await chain.credentials(None, "app") == Credentials("ann", "one")
    assert cluster.asked == ["pull"]
    cluster.data, cluster.now_s = held("two"), BELIEVED_S
    assert await chain.credentials(None) == Credentials("ann", "two")


async def test_credentials_that_were_refused_are_read_anew_at_once() -> None:
    cluster = Cluster(held("old"))
    chain = cluster.keychain()
    stale = await chain.credentials(None)
    cluster.data = held("new")
    assert await chain.credentials(stale) == Credentials("ann", "new")
    # Others that were refused with the old ones take what is known by now.
    assert await chain.credentials(stale) == Credentials("ann", "new")
    assert len(cluster.asked) == 2


async def test_while_the_api_server_is_away_what_was_read_last_goes_on() -> None:
    cluster = Cluster(held("one"))
    chain = cluster.keychain()
    await chain.credentials(None)
    cluster.away, cluster.now_s = True, BELIEVED_S * 10
    assert await chain.credentials(None) == Credentials("ann", "one")
    with pytest.raises(RegistryUnavailableError, match="away"):
        await Cluster.keychain(cluster).credentials(None)


async def test_t15_a_secret_that_is_taken_away_gives_nothing_more() -> None:
    cluster = Cluster(held("one"))
    chain = cluster.keychain()
    await chain.credentials(None)
    cluster.data, cluster.now_s = None, BELIEVED_S
    with pytest.raises(RegistryRefusesError, match="may not get it"):
        await chain.credentials(None)
    cluster.away = True
    with pytest.raises(RegistryUnavailableError, match="away"):
        await chain.credentials(None)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param({"token": b"x"}, "want a pull secret", id="another-type"),
        pytest.param({".dockerconfigjson": b"{"}, "want Docker's config.json", id="no-json"),
        pytest.param({".dockerconfigjson": b"[" * 40}, "nested", id="t03-nested"),
        pytest.param(
            {".dockerconfigjson": b'{"credsStore":"evil"}'}, "no program is run", id="t19-helper"
        ),
        pytest.param(
            {".dockerconfigjson": b'{"auths":{},"credHelpers":{"r.example":"evil"}}'},
            "no program is run",
            id="t19-helper-of-host",
        ),
    ],
)
async def test_what_cannot_be_used_is_said(data: Mapping[str, bytes], said: str) -> None:
    with pytest.raises(RegistryUnavailableError, match=said) as refused:
        await Cluster(data).keychain().credentials(None)
    assert "Secret pull" in str(refused.value)


async def test_a_process_without_a_cluster_says_what_to_do_instead() -> None:
    with pytest.raises(RegistryUnavailableError, match="want dockerConfigFile"):
        await PullSecretKeychain(name="pull", host=HOST, read=None).credentials(None)


def test_keychains_of_one_secret_are_equal_and_hide_what_they_hold() -> None:
    cluster = Cluster(held("one"))
    assert cluster.keychain() != PullSecretKeychain(name="pull", host="o.example", read=cluster)
    one = PullSecretKeychain(name="pull", host=HOST, read=cluster)
    assert one == PullSecretKeychain(name="pull", host=HOST, read=cluster)
    assert "last" not in repr(one)
