"""Changed inputs of every fuzz target keep its laws; `make fuzz` tries millions, guided."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutations import dictionary, mutated
from targets import TARGETS

FUZZ = Path(__file__).parents[2] / "fuzz"
WORDS = dictionary(FUZZ / "dictionary.txt")


@pytest.mark.parametrize("name", TARGETS)
@given(st.data())
def test_a_changed_input_keeps_the_laws(name: str, data: st.DataObject) -> None:
    inputs = sorted((FUZZ / "corpus" / name).iterdir())
    chosen = data.draw(st.sampled_from(inputs)).read_bytes()
    random = Random(data.draw(st.integers(0, 2**32)))  # noqa: S311 - to be repeatable
    TARGETS[name].run(mutated(chosen, random, WORDS))


def test_the_dictionary_has_words() -> None:
    assert len(WORDS) > 50
    assert b"sha256:" in WORDS
