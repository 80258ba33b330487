"""How the C library keeps memory that was freed.

TLS takes 256 KiB for each connection. Where glibc may, it learns from the first one that is closed
to take such pieces from its heap (mallopt(3), M_MMAP_THRESHOLD), between small ones that stay: over
an hour of connections that come and go, the heap grows by a third. Mapped by themselves they are
gone when they are freed, and of each only what was used is memory.

Bursts leave holes in the heap all the same, each a little higher than the last one. `keep_trimmed`
gives the pages in them back: for a gate that does little else, this is a millisecond a minute.
"""

import asyncio
import ctypes

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
MAPPED_FROM_BYTES = 256 * 1024
"""What TLS takes, and nothing that a review takes."""

KEPT_BYTES = 16 * 2**20
"""At the heap's end: glibc's 128 KiB, which it would raise itself, are given back and taken again
with every batch of events."""

TRIM_EVERY_S = 60.0

MAX_ARENAS = 2
"""A gate has one thread for reviews and one for its spool."""


def keep_heap_small() -> bool:
    """Fix what glibc would adapt; return whether that was done (another library has no need)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = {
        M_MMAP_THRESHOLD: MAPPED_FROM_BYTES,
        M_TRIM_THRESHOLD: KEPT_BYTES,
        M_ARENA_MAX: MAX_ARENAS,
    }
    done = [mallopt(name, value) for name, value in wanted.items()]  # each, whatever comes of one
    return all(done)


def trim_heap() -> bool:
    """Give back all pages of the heap that nothing lies in; return whether there were any."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(0))


async def keep_trimmed() -> None:
    """Give back what is free every minute; does not return."""
    while True:
        await asyncio.sleep(TRIM_EVERY_S)
        trim_heap()
