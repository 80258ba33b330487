import os
import subprocess
import sys
from pathlib import Path

import pytest

import tidegate

CHURN = """
import ctypes, sys
from tidegate.gate.heap import keep_heap_small

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
if sys.argv[1] == "kept":
    assert keep_heap_small()
size, small = 256 * 1024, 2048
for _ in range(2):  # what the first one that is freed teaches
    libc.free(libc.malloc(size))
held = [(libc.malloc(size), libc.malloc(small)) for _ in range(200)]
for large, _ in held:
    libc.free(large)
for line in open("/proc/self/smaps"):
    if "[heap]" in line:
        first, last = line.split()[0].split("-")
        print(int(last, 16) - int(first, 16))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="HEAP NOT TESTED: wants /proc")
def test_what_connections_took_leaves_no_holes_in_the_heap() -> None:
    def heap_bytes(how: str) -> int:
        return int(output_of(CHURN, how))

    adapted, kept = heap_bytes("adapted"), heap_bytes("kept")
    assert adapted - kept > 100 * 256 * 1024


HOLES = """
import ctypes
from tidegate.gate.heap import keep_heap_small, trim_heap

def resident_bytes():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

assert keep_heap_small()
held = [bytes(60_000) for _ in range(400)]
for number in range(400):
    if number % 20:
        held[number] = b""
before = resident_bytes()
assert trim_heap()
print(before - resident_bytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="HEAP NOT TESTED: wants /proc")
def test_holes_that_bursts_leave_are_given_back() -> None:
    assert int(output_of(HOLES)) > 300 * 56_000


def output_of(program: str, *arguments: str) -> str:
    """Return what a process of its own prints: this one's heap is what all tests left."""
    path = str(Path(tidegate.__file__).parent.parent)
    command = [sys.executable, "-c", program, *arguments]
    environment = {**os.environ, "PYTHONPATH": path}
    ended = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    return ended.stdout
