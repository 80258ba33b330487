"""One digest has many names: aliases and mirrors. Gate and `check` judge it the same by each."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from support.cli_site import CliSite, running_site
from tidegate.cli.trust_edit import TrustDocument
from tidegate.testing.real_registries import embedded_registry

pytestmark = pytest.mark.integration

ALIASES = ["mirror.example", "cache.example:8443/proxy"]
TAKEN_UP_S = 20
"""Gates look at their trust file every second."""


@dataclass(frozen=True)
class Names:
    """An installation whose registry has other names, and a mirror with a copy of its images."""

    site: CliSite
    mirror: str
    """Empty: nothing here copies findings along."""

    def of(self, tag: str) -> dict[str, str]:
        """Return names of a demo image: by tag and digest, here, by aliases and in the mirror."""
        own = f"{self.site.state.registry}/demo/app"
        digest = self.site.digests[tag]
        named = {
            "tag": f"{own}:{tag}",
            "digest": f"{own}@{digest}",
            "tag and digest": f"{own}:{tag}@{digest}",
            "host": f"mirror.example/demo/app:{tag}",
            "host by digest": f"mirror.example/demo/app@{digest}",
            "host in capitals": f"Mirror.Example/demo/app:{tag}",
            "path": f"cache.example:8443/proxy/demo/app:{tag}",
        }
        return named | ({"mirror": f"{self.mirror}/demo/app@{digest}"} if self.mirror else {})

    def asked(self, image: str) -> tuple[int, str]:
        """Return how the gate answers, without the name."""
        done = self.site.tidegate("run", "gate-test", f"--image={image}", "--dry-run=server")
        return done.returncode, re.sub(r"\S+/demo/app\S*", "IMAGE", done.stderr)

    def checked(self, image: str) -> tuple[str, dict[str, int]]:
        """Return action and counts as `tidegate check` says them."""
        policy = str(self.site.folder.policy / "lab.json")
        done = self.site.tidegate(
            "check", "--image", image, "--name", "gate-test", "--policy", policy, "-o", "json"
        )
        (item,) = json.loads(done.stdout)["items"]
        return item["action"], item["counts"]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Names]:
    folder = tmp_path_factory.mktemp("names")
    (folder / "mirror").mkdir()
    images = frozenset({"critical", "clean"})
    with (
        running_site(folder / "data", demo_images=images) as site,
        embedded_registry(folder / "mirror") as mirror,
    ):
        document = TrustDocument(site.folder.trust)
        (own,) = document.registries
        own["aliases"] = ALIASES
        # The key may sign here alone: by an alias it is the same place, in the mirror another.
        (key,) = document.keys
        key["repositories"] = [f"{site.state.registry}/demo/*", f"{mirror}/demo/*"]
        document.registries.append({"host": mirror, "plainHttp": True, "allowPrivate": True})
        document.save()
        copied = shutil.which("oras") is not None
        for digest in site.digests.values() if copied else ():
            names = [f"{host}/demo/app@{digest}" for host in (site.state.registry, mirror)]
            subprocess.run(
                ["oras", "copy", "-r", "--from-plain-http", "--to-plain-http", *names],
                check=True, capture_output=True, timeout=60,
            )  # fmt: skip
        found = Names(site, mirror if copied else "")
        deadline = time.monotonic() + TAKEN_UP_S
        while found.asked("mirror.example/demo/app:clean")[0]:
            assert time.monotonic() < deadline, "the gate did not take up its trust file"
            time.sleep(0.2)
        yield found


@pytest.mark.parametrize(("tag", "ends"), [("critical", 1), ("clean", 0)])
def test_the_gate_answers_the_same_by_each_name(names: Names, tag: str, ends: int) -> None:
    images = names.of(tag)
    answers = {kind: names.asked(image) for kind, image in images.items()}
    assert set(answers.values()) == {answers["tag"]}, answers
    assert answers["tag"][0] == ends
    if tag == "critical":
        assert "Image contains" in answers["tag"][1]


@pytest.mark.parametrize(("tag", "action"), [("critical", "deny"), ("clean", "allow")])
def test_a_check_says_the_same_by_each_name(names: Names, tag: str, action: str) -> None:
    verdicts = {kind: names.checked(image) for kind, image in names.of(tag).items()}
    assert all(verdict == verdicts["tag"] for verdict in verdicts.values()), verdicts
    assert verdicts["tag"][0] == action


@pytest.mark.parametrize(
    "image",
    [
        pytest.param("mirror.example.evil/demo/app:clean", id="longer-host"),
        pytest.param("cache.example:8443/proxied/demo/app:clean", id="longer-path"),
        pytest.param("cache.example/proxy/demo/app:clean", id="without-port"),
    ],
)
def test_t09_a_name_that_only_looks_like_an_alias_is_another_registry(
    names: Names, image: str
) -> None:
    code, said = names.asked(image)
    assert (code, "not configured" in said) == (1, True), said
