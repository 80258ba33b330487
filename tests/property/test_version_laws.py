"""Every scheme orders its versions totally, and takes any text without surprise."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.examples import examples
from tidegate.advisories.versions import COVERED, HASHED, IncomparableVersionError, parse_version

NUMBER = st.integers(0, 30).map(str) | st.sampled_from(["00", "01", "010"])
NUMBERS = st.lists(NUMBER, min_size=1, max_size=4).map(".".join)
LABEL = st.lists(st.sampled_from(["alpha", "beta", "rc", "1", "10", "2", "x"]), min_size=1, max_size=3).map(".".join)  # fmt: skip
SEMVER = st.builds(
    "{}.{}.{}{}{}".format,
    st.integers(0, 12), st.integers(0, 12), st.integers(0, 12),
    LABEL.map("-{}".format) | st.just(""), st.sampled_from(["", "+a", "+b.1"]),
)  # fmt: skip
APK = st.builds(
    "{}{}{}{}".format,
    NUMBERS, st.sampled_from(["", "a", "b"]),
    st.lists(st.sampled_from(["_alpha", "_beta2", "_pre", "_rc1", "_git20230101", "_p", "_p1"]), max_size=2).map("".join),
    st.sampled_from(["", "-r0", "-r1", "-r10"]),
)  # fmt: skip
PACKAGED = st.builds(
    "{}{}{}-{}".format,
    st.sampled_from(["", "0:", "1:"]), NUMBERS,
    st.sampled_from(["", "~rc1", "~rc2", "+b1", "a", "p1"]), st.sampled_from(["1", "1.1", "10", "2~1"]),
)  # fmt: skip
RPM = PACKAGED | st.builds("{}^git{}-1".format, NUMBERS, NUMBER)
COMPOSER = st.builds(
    "{}{}{}".format,
    NUMBERS, st.sampled_from(["", "-alpha1", "-beta", "-beta2.1", "-RC1", "-p1", "-stable"]),
    st.sampled_from(["", "-dev"]),
)  # fmt: skip
PYPI = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "1!"]), NUMBERS, st.sampled_from(["", "a1", "b2", "rc1"]),
    st.sampled_from(["", ".post1", ".dev1", ".post1.dev2"]),
)  # fmt: skip
GEM = st.builds("{}{}".format, NUMBERS, st.sampled_from(["", ".a1", ".b", ".rc.2", ".pre.1"]))
MAVEN = st.builds("{}{}".format, NUMBERS, st.sampled_from(["", "-alpha-1", "-beta1", "-RC1", "-SNAPSHOT", ".RELEASE", "-sp1"]))  # fmt: skip

SCHEMES = {
    "Alpine": APK,
    "Debian": PACKAGED,
    "Go": SEMVER | st.builds("go1.{}{}".format, st.integers(0, 30), st.sampled_from(["", "rc1", "beta2", ".3"])),
    "Maven": MAVEN,
    "NuGet": SEMVER | NUMBERS,
    "Packagist": COMPOSER,
    "PyPI": PYPI,
    "Red Hat": RPM,
    "RubyGems": GEM,
    "crates.io": SEMVER,
    "npm": SEMVER,
}  # fmt: skip


@pytest.mark.parametrize("ecosystem", SCHEMES)
def test_versions_are_totally_ordered(ecosystem: str) -> None:
    @settings(max_examples=examples(150), deadline=None)
    @given(st.tuples(*[SCHEMES[ecosystem]] * 3))
    def check(texts: tuple[str, str, str]) -> None:
        a, b, c = (parse_version(ecosystem, text) for text in texts)
        assert a == a  # noqa: PLR0124 - reflexivity is the law
        assert [a < b, a == b, a > b].count(True) == 1, texts
        assert (a < b) == (b > a), texts
        assert (a <= b) == (not b < a), texts
        if a <= b <= c:
            assert a <= c, texts
        if a == b:
            assert (a < c) == (b < c), texts

    check()


@pytest.mark.parametrize("ecosystem", sorted(SCHEMES.keys() & HASHED))
def test_equal_versions_have_equal_hashes_where_they_are_kept_by_them(ecosystem: str) -> None:
    @settings(max_examples=examples(300), deadline=None)
    @given(SCHEMES[ecosystem], SCHEMES[ecosystem])
    def check(one: str, other: str) -> None:
        a, b = parse_version(ecosystem, one), parse_version(ecosystem, other)
        assert a != b or hash(a) == hash(b)

    check()


@pytest.mark.parametrize("ecosystem", sorted(COVERED))
def test_t19_any_text_is_a_version_or_refused(ecosystem: str) -> None:
    @settings(max_examples=examples(60), deadline=None)
    @given(st.text(max_size=60) | st.text("0123456789.-+~^_:vrabcdef", max_size=60))
    def check(text: str) -> None:
        with suppress(IncomparableVersionError):
            assert parse_version(ecosystem, text) == parse_version(ecosystem, text)

    check()
