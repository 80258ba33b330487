import subprocess
import sys

import pytest

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
        command = [sys.executable, "-c", CHURN, how]
        return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    adapted, kept = heap_bytes("adapted"), heap_bytes("kept")
    assert adapted - kept > 100 * 256 * 1024
