"""Package lists: all that matching needs goes out signed and comes back the same, or not at all."""

import base64
from dataclasses import fields, replace
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.advisories.package import Package
from tidegate.domain.digest import digest_of
from tidegate.domain.errors import (
    LimitExceededError,
    MalformedReportError,
    SubjectMismatchError,
    UntrustedSignerError,
)
from tidegate.domain.finding import Location
from tidegate.scan.attach import own_evidence_key
from tidegate.scan.package_list import PackageList, SignedList
from tidegate.trust.dsse import pre_authentication_encoding
from tidegate.trust.keys import generate_key, sign
from tidegate.wire.hub_data_v1 import MAX_PACKAGES
from tidegate.wire.oci_v1 import OCI_MANIFEST, Descriptor
from tidegate.wire.package_list_v1 import MAX_LIST_BYTES, parse_package_list

KEY = generate_key()
KEYS = (own_evidence_key(KEY),)
SUBJECT = Descriptor(OCI_MANIFEST, digest_of(b"image"), 500)
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
PACKAGE = Package("PyPI", "jinja2", "2.10", "pkg:pypi/jinja2@2.10", locations=(Location("app"),))
LIST = PackageList(SUBJECT, "linux/amd64", AT, (PACKAGE,), ("2 archives without coordinates",))

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
packages = st.builds(
    Package,
    **{field.name: words for field in fields(Package) if field.name != "locations"},
    locations=st.lists(st.builds(Location, words, words), max_size=3).map(tuple),
)


@given(st.lists(packages, max_size=6))
def test_every_field_of_a_package_comes_back(given_packages: list[Package]) -> None:
    listed = replace(LIST, packages=tuple(given_packages))
    back = PackageList.opened(listed.sealed(KEY), KEYS, SUBJECT.digest)
    assert set(back.packages) == set(given_packages)
    assert replace(back, packages=()) == replace(listed, packages=())


def other_key(_: SignedList) -> SignedList:
    return LIST.sealed(generate_key())


def other_content(signed: SignedList) -> SignedList:
    return replace(signed, body=signed.body.replace("2.10", "3.1.4"))


def no_signature(signed: SignedList) -> SignedList:
    return replace(signed, signature="")


def no_base64(signed: SignedList) -> SignedList:
    return replace(signed, signature="é")


def other_purpose(signed: SignedList) -> SignedList:
    raw = sign(KEY, pre_authentication_encoding("application/json", signed.body.encode()))
    return replace(signed, signature=base64.b64encode(raw).decode())


@pytest.mark.parametrize(
    "change", [other_key, other_content, no_signature, no_base64, other_purpose]
)
def test_t21_what_no_evidence_key_signed_is_not_believed(change: object) -> None:
    assert callable(change)
    with pytest.raises(UntrustedSignerError):
        PackageList.opened(change(LIST.sealed(KEY)), KEYS, SUBJECT.digest)


def test_t21_another_images_packages_are_refused() -> None:
    with pytest.raises(SubjectMismatchError):
        PackageList.opened(LIST.sealed(KEY), KEYS, digest_of(b"other"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "listed",
    [
        pytest.param(replace(LIST, packages=(PACKAGE,) * (MAX_PACKAGES + 1)), id="many-packages"),
        pytest.param(replace(LIST, packages=(replace(PACKAGE, name="n" * 600),)), id="long-name"),
        pytest.param(replace(LIST, not_understood=("x",) * 1001), id="many-gaps"),
        pytest.param(replace(LIST, truncated=True), id="cut-before"),
        pytest.param(
            replace(
                LIST,
                packages=tuple(
                    replace(
                        PACKAGE,
                        version=str(n),
                        locations=tuple(Location(f"{m}" + "p" * 4000) for m in range(50)),
                    )
                    for n in range(200)
                ),
            ),
            id="many-long-places",
        ),
    ],
)
def test_a_list_that_is_not_whole_says_so(listed: PackageList) -> None:
    signed = listed.sealed(KEY)
    assert len(signed.body.encode()) <= MAX_LIST_BYTES
    assert PackageList.opened(signed, KEYS, SUBJECT.digest).truncated


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(b"[]", MalformedReportError, id="no-object"),
        pytest.param(b'{"subject":"a","subject":"b"}', MalformedReportError, id="twice"),
        pytest.param(b" " * (MAX_LIST_BYTES + 1), LimitExceededError, id="large"),
        pytest.param(
            msgspec.json.encode({"subject": "a", "extra": 1}), MalformedReportError, id="unknown"
        ),
    ],
)
def test_what_is_no_list_is_refused(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_package_list(body)
