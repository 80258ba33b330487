"""The histogram of the hot path says what prometheus_client's says."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Histogram as Reference

from tidegate.gate.histogram import Histogram

BUCKETS = (0.5, 1, 10)
values = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, 2.0, 10.0, 11.0])


@given(st.lists(st.tuples(values, st.integers(1, 3))))
def test_it_says_what_the_reference_says(seen: list[tuple[float, int]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    one = Histogram("t_seconds", "Help.", buckets=BUCKETS, registry=ours)
    other = Reference("t_seconds", "Help.", buckets=BUCKETS, registry=theirs)
    for value, times in seen:
        one.observe(value, times)
        for _ in range(times):
            other.observe(value)
    expected = [line for line in generate_latest(theirs).splitlines() if b"_created" not in line]
    assert generate_latest(ours).splitlines() == expected
