"""Debian's order of versions, beside dpkg's own."""

import shutil
import subprocess
from random import Random

import pytest

from tidegate.advisories.deb import deb_key

pytestmark = pytest.mark.integration

if shutil.which("dpkg") is None:
    pytest.skip("no dpkg: its order of versions is not compared", allow_module_level=True)


def versions(random: Random) -> str:
    middle = "".join(random.choices("0019.+~ab-", k=random.randint(1, 6)))
    return f"{random.choice(['', '1:', '0:'])}1{middle}{random.choice(['', '-1', '-0', '-1~bpo'])}"


def test_the_order_is_dpkgs() -> None:
    random = Random(20261123)  # noqa: S311 - cases, the same every time
    compared = 0
    for _ in range(150):
        one, other = versions(random), versions(random)
        for operator, ours in (
            ("lt", deb_key(one) < deb_key(other)),
            ("eq", deb_key(one) == deb_key(other)),
        ):
            done = subprocess.run(
                ["dpkg", "--compare-versions", one, operator, other],
                capture_output=True,
                check=False,
            )
            if b"error" in done.stderr:
                continue  # dpkg takes one of them for no version
            assert (done.returncode == 0) is ours, (one, operator, other)
            compared += 1
    assert compared > 200
