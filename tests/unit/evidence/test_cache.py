from datetime import UTC, datetime, timedelta

from tidegate.domain.digest import digest_of
from tidegate.domain.evidence import Coverage, Missing, MissingReason, Report, ReportSource
from tidegate.evidence.cache import EvidenceCache, SubjectKey
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.verify import VerifiedReport
from tidegate.testing.evidence_world import finding

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NO_REPORT = Missing(MissingReason.NO_REPORT)


def _key(name: str = "image", generation: str = "1") -> SubjectKey:
    return SubjectKey(generation, "r.example/app", digest_of(name.encode()))


def _report(findings: int = 0) -> Report:
    return Report(
        digest_of(b"image"),
        tuple(finding(f"CVE-{n}") for n in range(findings)),
        Coverage(()),
        (ReportSource("Tidegate", "scan", NOON),),
    )


def _cache(**limits: float) -> EvidenceCache:
    cache = EvidenceCache(EvidenceLimits(**limits))
    cache.use_generation("1")
    return cache


def test_the_memory_of_reports_is_bounded() -> None:
    cache = _cache(max_cached_bytes=100_000)
    for n in range(100):
        verified = VerifiedReport(digest_of(b"%d" % n), _report(10), ())
        cache.keep_report(_key(str(n)), verified)
        assert 0 < cache.estimated_bytes <= 100_000
    assert cache.report(_key("0"), digest_of(b"0")) is None
    assert cache.report(_key("99"), digest_of(b"99")) is not None


def test_a_report_larger_than_the_whole_cache_is_not_kept() -> None:
    cache = _cache(max_cached_bytes=10_000)
    artifact = digest_of(b"a")
    cache.keep_report(_key(), VerifiedReport(artifact, _report(100), ()))
    assert cache.report(_key(), artifact) is None
    assert cache.estimated_bytes == 0


def test_the_number_of_reports_is_bounded() -> None:
    cache = _cache(max_cached_reports=2)
    for name in ("1", "2"):
        cache.keep_state(_key(name), _report(), NOON)
    assert cache.last_report(_key("1")) is not None  # used last
    cache.keep_state(_key("3"), _report(), NOON)
    assert cache.last_report(_key("2")) is None
    assert cache.last_report(_key("1")) is not None


def test_t14_another_trust_configuration_drops_everything() -> None:
    cache = _cache()
    artifact = digest_of(b"a")
    cache.keep_report(_key(), VerifiedReport(artifact, _report(), ()))
    cache.keep_state(_key(), _report(), NOON)
    cache.use_generation("2")
    assert cache.estimated_bytes == 0
    assert cache.last_report(_key()) is None
    cache.keep_report(_key(), VerifiedReport(artifact, _report(), ()))  # a flight of before
    cache.keep_state(_key(), _report(), NOON)
    assert cache.report(_key(), artifact) is None
    assert cache.last_report(_key()) is None


def test_freshness_is_a_matter_of_seconds_and_of_kind() -> None:
    cache = _cache(fresh_s=5, negative_s=2)
    cache.keep_state(_key("report"), _report(), NOON)
    cache.keep_state(_key("none"), NO_REPORT, NOON)
    table = [(0, True, True), (1.9, True, True), (2, True, False), (4.9, True, False)]
    for seconds, report, none in [*table, (5, False, False), (-1, False, False)]:
        now = NOON + timedelta(seconds=seconds)
        assert (cache.fresh(_key("report"), now) is not None) is report, seconds
        assert (cache.fresh(_key("none"), now) is not None) is none, seconds
    assert cache.last_report(_key("report")) is not None
    assert cache.last_report(_key("none")) is None


def test_each_answer_has_a_moment_of_its_own_at_which_it_is_asked_for_anew() -> None:
    cache = _cache(fresh_s=10, refresh_ahead=0.4)
    moments = set()
    for number in range(200):
        key = _key(str(number))
        cache.keep_state(key, _report(), NOON)
        moment = cache.ask_again_at(key)
        assert moment is not None
        assert timedelta(seconds=6) < moment - NOON <= timedelta(seconds=8)
        moments.add(moment)
    assert len(moments) > 64
    assert cache.ask_again_at(_key("unknown")) is None
