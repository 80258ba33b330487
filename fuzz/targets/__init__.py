"""What is fuzzed: one function for each kind of bytes that strangers hand to Tidegate.

A target takes any bytes and returns, or raises: an `AssertionError` where a law does not hold, and
whatever else it was that no caller expects. The documented errors of a parser are caught inside.
`fuzz/run.py` gives targets many millions of inputs, `tests/unit/test_fuzz_corpus.py` those that are
kept, `tests/property/test_mutated_inputs.py` some changes of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from targets import feed, http, policy, registry, review, signed, text


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of bytes."""

    run: Callable[[bytes], None]
    max_bytes: int
    """Longest input that is tried; each has a limit of its own far above, which is tested apart."""


TARGETS = {
    "review": Target(review.check_review, 16384),
    "policy": Target(policy.check_policy, 8192),
    "reference": Target(text.check_reference, 1100),
    "statement": Target(signed.check_statement, 8192),
    "feed": Target(feed.check_feed, 8192),
    "snapshot": Target(feed.check_snapshot, 96),
    "envelope": Target(signed.check_envelope, 4096),
    "bundle": Target(signed.check_bundle, 4096),
    "signature": Target(signed.check_signature, 2048),
    "manifest": Target(registry.check_manifest, 8192),
    "answers": Target(registry.check_answers, 2048),
    "http": Target(http.check_http, 4096),
    "headers": Target(text.check_headers, 1024),
}
