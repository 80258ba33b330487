"""Ports on loopback that stay the same over restarts."""

import asyncio
import random
import socket
from collections.abc import Collection, Iterable, Mapping

LISTEN_RANGE = (20000, 32767)
"""Below Linux's range for outgoing connections (net.ipv4.ip_local_port_range, 32768 to 60999): a
port kept from there may be some client's own port when it is wanted again."""

FREE_S = 5.0
"""How long a port may stay taken: killed processes give theirs back with a delay."""


def choose_ports(names: Iterable[str], avoid: Collection[int] = ()) -> dict[str, int]:
    """Return a free port for each of `names`, no two the same, none of `avoid`."""
    low, high = LISTEN_RANGE
    shuffled = random.sample(range(low, high + 1), k=high - low + 1)
    candidates = (port for port in shuffled if port not in avoid and is_free(port))
    return {name: next(candidates) for name in names}


async def wait_free(ports: Mapping[str, int]) -> dict[str, int]:
    """Return those of `ports` that are still taken after `FREE_S`; at once when all are free."""
    deadline = asyncio.get_running_loop().time() + FREE_S
    while True:
        taken = {name: port for name, port in ports.items() if not is_free(port)}
        if not taken or asyncio.get_running_loop().time() > deadline:
            return taken
        await asyncio.sleep(0.05)


def is_free(port: int) -> bool:
    """Whether one may listen on `port` of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
