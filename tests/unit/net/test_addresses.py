from ipaddress import ip_address

import pytest

from tidegate.net.addresses import is_reachable

NEVER = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "224.0.0.1",
    "ff02::1",
]
PRIVATE = [
    "127.0.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "0.0.0.0",  # noqa: S104 - an address to refuse, nothing binds to it
    "::",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "fd00::1",
    "::ffff:10.0.0.1",
    "2002:0a00:0001::1",
    "192.0.2.1",
    "255.255.255.255",
]
PUBLIC = ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("allow_private", [False, True])
def test_t09_link_local_and_metadata_addresses_are_never_reached(
    address: str, *, allow_private: bool
) -> None:
    assert not is_reachable(ip_address(address), allow_private=allow_private)


@pytest.mark.parametrize("address", PRIVATE)
def test_t09_private_addresses_need_the_administrators_word(address: str) -> None:
    assert not is_reachable(ip_address(address), allow_private=False)
    assert is_reachable(ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert is_reachable(ip_address(address), allow_private=False)
