"""Every input that a fuzzer starts from, or that once broke something, keeps the laws."""

import tracemalloc
from pathlib import Path

import pytest

from targets import TARGETS

CORPUS = Path(__file__).parents[2] / "fuzz" / "corpus"
INPUTS = sorted(path for path in CORPUS.rglob("*") if path.is_file())

BYTES_PER_BYTE = 200
"""Memory that one byte of input may cost at most while it is read: `[` in JSON becomes a list."""
ANY_INPUT_BYTES = 2 * 2**20
"""What reading costs whatever the input: patterns compiled and tables made at first use."""


def test_every_target_has_inputs_and_every_input_a_target() -> None:
    assert {path.relative_to(CORPUS).parts[0] for path in INPUTS} == TARGETS.keys()


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: str(path.relative_to(CORPUS)))
def test_an_input_keeps_the_laws_in_bounded_memory(path: Path) -> None:
    data = path.read_bytes()
    tracemalloc.start()
    try:
        TARGETS[path.relative_to(CORPUS).parts[0]].run(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < ANY_INPUT_BYTES + BYTES_PER_BYTE * len(data)
