"""Metrics of several processes as those of one."""

from prometheus_client.parser import text_string_to_metric_families

from tidegate.gate.siblings import join_metrics

ONE = b"""\
# HELP tidegate_gate_reviews_total Reviews.
# TYPE tidegate_gate_reviews_total counter
tidegate_gate_reviews_total{answer="allow",origin="api-server"} 3.0
# HELP tidegate_gate_ready Ready.
# TYPE tidegate_gate_ready gauge
tidegate_gate_ready 1.0
# HELP tidegate_gate_spool_bytes Bytes.
# TYPE tidegate_gate_spool_bytes gauge
tidegate_gate_spool_bytes 10.0
# HELP tidegate_gate_feed_age_seconds Age.
# TYPE tidegate_gate_feed_age_seconds gauge
tidegate_gate_feed_age_seconds 5.0
# HELP tidegate_gate_review_seconds Time.
# TYPE tidegate_gate_review_seconds histogram
tidegate_gate_review_seconds_bucket{le="0.1"} 1.0
tidegate_gate_review_seconds_bucket{le="+Inf"} 3.0
tidegate_gate_review_seconds_count 3.0
tidegate_gate_review_seconds_sum 0.5
"""
OTHER = (
    ONE.replace(b"_ready 1.0", b"_ready 0.0")
    .replace(b"_age_seconds 5.0", b"_age_seconds 50.0")
    .replace(
        b"# HELP tidegate_gate_ready",
        b'tidegate_gate_reviews_total{answer="deny",origin="x # y {z} 1"} 1.0\n'
        b"# HELP tidegate_gate_ready",
    )
)


def samples(text: bytes) -> dict[tuple[str, str], float]:
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_counters_are_added_and_gauges_joined_as_they_mean() -> None:
    joined = join_metrics([ONE, OTHER])
    assert samples(joined) == {
        ("tidegate_gate_reviews_total", "allowapi-server"): 6.0,
        ("tidegate_gate_reviews_total", "denyx # y {z} 1"): 1.0,
        ("tidegate_gate_ready", ""): 0.0,
        ("tidegate_gate_spool_bytes", ""): 20.0,
        ("tidegate_gate_feed_age_seconds", ""): 50.0,
        ("tidegate_gate_review_seconds_bucket", "0.1"): 2.0,
        ("tidegate_gate_review_seconds_bucket", "+Inf"): 6.0,
        ("tidegate_gate_review_seconds_count", ""): 6.0,
        ("tidegate_gate_review_seconds_sum", ""): 1.0,
    }
    assert joined.count(b"# TYPE") == 5


def test_one_process_says_what_it_says() -> None:
    assert samples(join_metrics([ONE])) == samples(ONE)
