from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.glob import (
    GENERATED_CHARS,
    compile_globs,
    glob_matches,
    glob_matches_extensions,
)

patterns = st.text("ab-*", max_size=8)
texts = st.text("ab-", max_size=10)
suffixes = st.text("".join(sorted(GENERATED_CHARS)), max_size=6)


def matches_by_definition(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return matches_by_definition(pattern[1:], text) or (
            bool(text) and matches_by_definition(pattern, text[1:])
        )
    return text[:1] == pattern[0] and matches_by_definition(pattern[1:], text[1:])


@given(patterns, texts)
def test_a_glob_matches_as_its_definition_says(pattern: str, text: str) -> None:
    assert glob_matches(pattern, text) is matches_by_definition(pattern, text)


@given(st.lists(patterns, max_size=4), texts)
def test_globs_match_together_what_any_of_them_matches(globs: list[str], text: str) -> None:
    assert compile_globs(globs)(text) is any(glob_matches(glob, text) for glob in globs)


@given(patterns, texts, suffixes)
def test_what_is_said_of_all_extensions_holds_for_each(
    pattern: str, prefix: str, suffix: str
) -> None:
    answer = glob_matches_extensions(pattern, prefix)
    if answer is not None:
        assert glob_matches(pattern, prefix + suffix) is answer
