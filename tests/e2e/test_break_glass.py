"""Break-glass under the gate of `tidegate up`: who may, what gets in, and what is told of it."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from support.installation import Ground, until

pytestmark = pytest.mark.e2e


def glass(name: str, ground: Ground, digest: str, **changes: str) -> dict[str, Any]:
    spec = {
        "namespace": ground.namespace,
        "digest": digest,
        "reason": "checkout is down, fix is on its way",
        "duration": "2h",
    }
    return {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "BreakGlass",
        "metadata": {"name": name},
        "spec": spec | changes,
    }


@pytest.fixture
def name(ground: Ground) -> Iterator[str]:
    name = f"incident-{secrets.token_hex(3)}"
    yield name
    ground(f"delete breakglass {name} --ignore-not-found")


def digest_of(ground: Ground, image: str) -> str:
    """Return what the gate says `image` is: its event shows it."""
    ground.denied(f"run asked --image={image}")
    ground.saw(("deny", "Pod", "asked", "CREATE"))
    (event,) = ground.site.events(ground.namespace)
    return str(event["images"][0]["digest"])


def test_a_denied_image_is_let_in_with_a_warning_and_an_event_until_it_ends(
    ground: Ground, name: str
) -> None:
    rule = ground.rule("deny")
    image = ground.site.image("critical")
    digest = digest_of(ground, image)

    ground.works("apply -f -", stdin=glass(name, ground, digest))
    said = until(lambda: ground(f"run urgent --image={image}"), lambda said: said.code == 0)
    assert "Image contains 40 high or higher CVEs" in said.err
    assert f'rule "{rule}" (deny), break-glass {name}' in said.err

    ground.saw(("deny", "Pod", "asked", "CREATE"), ("audit", "Pod", "urgent", "CREATE"))
    (event,) = [e for e in ground.site.events(ground.namespace) if e["name"] == "urgent"]
    (row,) = event["images"]
    assert (row["action"], row["reason"]) == ("audit", "BreakGlass")
    assert f"by break-glass {name}: checkout is down, fix is on its way" in row["message"]

    other = ground.site.image("high")
    assert ground(f"run other --image={other}").code == 1

    ground.works(f"delete breakglass {name}")
    until(
        lambda: ground(f"run later --image={image} --dry-run=server"), lambda said: said.code == 1
    )


def test_t10_it_opens_one_namespace_only(ground: Ground, name: str) -> None:
    ground.rule("deny")
    image = ground.site.image("critical")
    digest = digest_of(ground, image)
    elsewhere = f"{ground.namespace}-next"
    ground.works("apply -f -", stdin=glass(name, ground, digest, namespace=elsewhere))
    mine = glass(f"{name}-mine", ground, digest)
    ground.works("apply -f -", stdin=mine)
    try:
        until(lambda: ground(f"run in --image={image} --dry-run=server"), lambda s: s.code == 0)
        ground.works(f"delete breakglass {name}-mine")
        # The first object is in force as the second one was; it opens nothing here.
        until(lambda: ground(f"run out --image={image} --dry-run=server"), lambda s: s.code == 1)
    finally:
        ground(f"delete breakglass {name}-mine --ignore-not-found")


def test_the_api_server_refuses_a_longer_time_and_every_change(ground: Ground, name: str) -> None:
    digest = "sha256:" + "ab" * 32
    said = ground("apply -f -", stdin=glass(name, ground, digest, duration="25h"))
    assert said.code == 1
    assert "spec.duration" in said.err
    ground.works("apply -f -", stdin=glass(name, ground, digest, duration="1h"))
    said = ground("apply -f -", stdin=glass(name, ground, digest, duration="2h"))
    assert said.code == 1
    assert "a BreakGlass is never changed; delete it and make another one" in said.err


def test_t10_who_rules_a_namespace_alone_may_not_make_one(ground: Ground) -> None:
    account = f"system:serviceaccount:{ground.namespace}:default"
    ground.works(
        f"create rolebinding rules-it --clusterrole=admin "
        f"--serviceaccount={ground.namespace}:default"
    )
    assert ground(f"auth can-i create pods --as={account}").out.strip() == "yes"
    assert ground(f"auth can-i create breakglasses.tidegate.io --as={account}").out.strip() == "no"
