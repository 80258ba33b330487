"""Where cosign keeps what it says of a manifest, and that a sha512 digest has no such place."""

import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.reference import is_tag, parse_reference
from tidegate.evidence.attestations import attestation_tag
from tidegate.evidence.signatures import fetch_signature_tag, signature_tag
from tidegate.oci.referrers import fallback_tag
from tidegate.testing.memory_registry import MemoryRegistry

SHORT, LONG = digest_of(b"x"), digest_of(b"x", "sha512")


def test_a_sha256_digest_has_cosigns_tags() -> None:
    hexadecimal = SHORT.partition(":")[2]
    assert signature_tag(SHORT) == f"sha256-{hexadecimal}.sig"
    assert attestation_tag(SHORT) == f"sha256-{hexadecimal}.att"


def test_a_sha512_digest_has_no_tag_of_cosigns_and_a_fallback_tag_cut_short() -> None:
    assert (signature_tag(LONG), attestation_tag(LONG)) == ("", "")
    assert fallback_tag(LONG) == f"sha512-{LONG.partition(':')[2][:64]}"


@pytest.mark.parametrize("digest", [SHORT, LONG], ids=["sha256", "sha512"])
def test_no_tag_is_longer_than_a_registry_takes(digest: str) -> None:
    tags = (signature_tag(digest), attestation_tag(digest), fallback_tag(digest))  # type: ignore[arg-type]  # digests of this test
    assert all(is_tag(tag) for tag in tags if tag)


async def test_where_there_can_be_no_tag_the_registry_is_not_asked() -> None:
    registry = MemoryRegistry()
    reference = parse_reference("registry.example/app:1")
    assert await fetch_signature_tag(registry, reference, LONG) is None
    assert not registry.reads
