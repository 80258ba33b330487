import io
import json
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from tidegate.advisories.importer import ImportResult, import_advisories
from tidegate.advisories.index import AdvisoryIndex
from tidegate.advisories.records import ImportLimits
from tidegate.domain.errors import InvalidAdvisoryError, LimitExceededError, UnavailableError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def index() -> Iterator[AdvisoryIndex]:
    with AdvisoryIndex.open(None) as opened:
        yield opened


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return body.getvalue()


def test_one_bad_record_never_stops_the_rest(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(
        zipped(
            {
                "A-1.json": record("A-1"),
                "bad.json": b"{broken",
                "W-1.json": record("W-1", withdrawn="2024-02-01T00:00:00Z"),
                "README.md": b"no record",
                "A-2.json": record("A-2"),
            }
        )
    )
    seen: list[tuple[int, int]] = []
    result = import_advisories(
        index, str(path), now=NOW, progress=lambda *position: seen.append(position)
    )
    assert (result.imported, result.withdrawn, result.rejected_count) == (2, 1, 1)
    assert result.rejected[0][0] == "bad.json"
    assert "no OSV record" in result.rejected[0][1]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    again = import_advisories(index, str(path), now=NOW)
    assert (again.imported, again.unchanged, again.rejected_count) == (0, 3, 1)


def test_a_folder_and_a_file_are_read_like_an_archive(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "A-1.json").write_bytes(record("A-1"))
    (tmp_path / "A-2.json").write_bytes(record("A-2"))
    assert import_advisories(index, str(tmp_path), now=NOW).imported == 2
    assert import_advisories(index, str(tmp_path / "A-2.json"), now=NOW).unchanged == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("missing.zip", None, id="no-such-file"),
        pytest.param("empty.zip", zipped({}), id="empty-archive"),
        pytest.param("other.zip", zipped({"a.txt": b"x"}), id="nothing-that-could-be-a-record"),
    ],
)
def test_a_source_without_records_is_said(
    index: AdvisoryIndex, tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidAdvisoryError, match=name):
        import_advisories(index, str(tmp_path / name), now=NOW)
    assert index.sources() == ()


def test_t03_a_bomb_in_an_archive_is_rejected_by_name(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(zipped({"bomb.json": b" " * (4 * 2**20), "A-1.json": record("A-1")}))
    result = import_advisories(index, str(path), now=NOW)
    assert result.imported == 1
    assert "want at most 200 to 1" in dict(result.rejected)["bomb.json"]


def overlapping(size: int, count: int) -> bytes:
    """Many entries of the directory that are one and the same bomb."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    crc, packed = 0, bytearray()
    for _ in range(size // 2**20):
        crc = zlib.crc32(b" " * 2**20, crc)
        packed += packer.compress(b" " * 2**20)
    packed += packer.flush()
    name = b"bomb.json"
    shared = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x5A6B, crc, len(packed), size, len(name), 0)
    local = b"PK\3\4" + shared + name + packed
    one = b"PK\1\2" + struct.pack("<H", 20) + shared + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(one) * count, len(local), 0)
    return local + one * count + b"PK\5\6" + end


BOMBS = {
    "one-large": lambda: overlapping(192 * 2**20, 1),
    "a-thousand-that-overlap": lambda: overlapping(64 * 2**20, 1000),
    "an-archive-in-an-archive": lambda: zipped({"x.json": overlapping(64 * 2**20, 1000)}),
}


@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS)
def test_t03_an_archive_of_bombs_is_never_held_in_memory(
    index: AdvisoryIndex, make: Callable[[], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(make())
    tracemalloc.start()
    try:
        result = import_advisories(index, str(path), now=NOW)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.imported == 0
    assert result.rejected
    assert peak_bytes < 16 * 2**20, f"{peak_bytes / 2**20:.1f} MiB"


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        pytest.param({"max_entries": 2}, "3 records; want at most 2", id="entries"),
        pytest.param({"max_total_bytes": 500}, "more than 500 bytes in all", id="total"),
    ],
)
def test_t03_past_a_limit_of_the_whole_nothing_is_imported(
    index: AdvisoryIndex,
    record: Callable[..., bytes],
    tmp_path: Path,
    limits: dict[str, int],
    said: str,
) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(zipped({f"A-{n}.json": record(f"A-{n}") for n in range(3)}))
    with pytest.raises(LimitExceededError, match=said):
        import_advisories(index, str(path), now=NOW, limits=replace(ImportLimits(), **limits))
    assert index.affecting("PyPI", "example") == ()
    assert index.sources() == ()


def test_t03_an_entry_that_lies_about_its_size_is_rejected(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    path = tmp_path / "all.zip"
    body = bytearray(zipped({"A-1.json": record("A-1") + b" " * 3000}))
    central = body.rindex(b"PK\x01\x02")
    body[central + 24 : central + 28] = (10).to_bytes(4, "little")  # uncompressed size
    path.write_bytes(bytes(body))
    result = import_advisories(index, str(path), now=NOW)
    assert (result.imported, result.rejected_count) == (0, 1)


def test_t03_a_record_beyond_the_limit_is_rejected_by_name(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    path = tmp_path / "A-1.json"
    path.write_bytes(record("A-1") + b" " * 2000)
    limits = ImportLimits(max_record_bytes=1000)
    result = import_advisories(index, str(path), now=NOW, limits=limits)
    assert result.rejected == [("A-1.json", "larger than 1000 bytes")]


def test_rejections_beyond_the_named_ones_are_counted(index: AdvisoryIndex, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(zipped({f"{n}.json": b"x" for n in range(5)}))
    result = import_advisories(
        index, str(path), now=NOW, limits=ImportLimits(max_named_rejections=2)
    )
    assert (len(result.rejected), result.rejected_count) == (2, 5)


def served(status: int, body: bytes) -> httpx2.Client:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            status, content=iter([body]), headers={"Location": "http://elsewhere/"}
        )

    return httpx2.Client(transport=httpx2.MockTransport(answer))


def test_an_archive_is_read_from_an_https_address_whose_secrets_are_not_kept(
    index: AdvisoryIndex, record: Callable[..., bytes]
) -> None:
    address = "https://user:secret@osv.example/PyPI/all.zip?token=secret"
    with served(200, zipped({"A-1.json": record("A-1")})) as client:
        assert import_advisories(index, address, now=NOW, client=client).imported == 1
    assert index.sources()[0].name == "https://osv.example/PyPI/all.zip"


@pytest.mark.parametrize(
    ("address", "status", "wanted", "said"),
    [
        pytest.param("http://o.example/a", 200, InvalidAdvisoryError, "https://", id="http"),
        pytest.param("file:///etc/passwd", 200, InvalidAdvisoryError, "https://", id="file"),
        pytest.param("https://o.example/a", 302, UnavailableError, "HTTP 302", id="t09-redirect"),
        pytest.param("https://o.example/a", 404, UnavailableError, "HTTP 404", id="missing"),
    ],
)
def test_other_addresses_and_answers_are_refused(
    index: AdvisoryIndex, address: str, status: int, wanted: type[Exception], said: str
) -> None:
    with served(status, b"{}") as client, pytest.raises(wanted, match=said):
        import_advisories(index, address, now=NOW, client=client)


def test_t03_a_download_beyond_the_limit_ends(index: AdvisoryIndex) -> None:
    limits = ImportLimits(max_download_bytes=1000)
    with served(200, b" " * 5000) as client, pytest.raises(LimitExceededError, match="1000 bytes"):
        import_advisories(index, "https://o.example/a", now=NOW, limits=limits, client=client)


def imported(index: AdvisoryIndex, path: Path, bodies: list[bytes], **options: str) -> ImportResult:
    path.write_bytes(zipped({f"{json.loads(body)['id']}.json": body for body in bodies}))
    return import_advisories(index, str(path), now=NOW, **options)


def held(index: AdvisoryIndex, ecosystem: str = "PyPI") -> list[str]:
    return [advisory.id for advisory in index.affecting(ecosystem, "example")]


def of(*ecosystems: str) -> list[dict[str, object]]:
    return [
        {"package": {"ecosystem": name, "name": "example"}, "versions": ["1"]}
        for name in ecosystems
    ]


def test_a_whole_dump_removes_what_it_lacks_of_its_ecosystem_alone(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    first = [record("A-1"), record("A-2"), record("N-1", affected=of("npm"))]
    imported(index, tmp_path / "a.zip", first)
    result = imported(index, tmp_path / "b.zip", [record("A-1")], whole="PyPI")
    assert (result.unchanged, result.removed) == (1, 1)
    assert (held(index), held(index, "npm")) == (["A-1"], ["N-1"])
    assert index.naming("A-2") == ()
    assert [(s.ecosystem, s.record_count) for s in index.sources()] == [("PyPI", 1), ("npm", 1)]


def test_a_dump_that_is_not_called_whole_removes_nothing(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    imported(index, tmp_path / "a.zip", [record("A-1"), record("A-2")])
    assert imported(index, tmp_path / "b.zip", [record("A-1")]).removed == 0
    assert held(index) == ["A-1", "A-2"]


def test_a_whole_dump_of_a_distribution_has_all_its_releases(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    old = [record(f"D-{n}", affected=of(f"Debian:{n}")) for n in (11, 12)]
    imported(index, tmp_path / "a.zip", old)
    result = imported(index, tmp_path / "b.zip", old[1:], whole="Debian")
    assert result.removed == 1
    assert [s.ecosystem for s in index.sources()] == ["Debian:12"], "no records: no source"
    assert index.source("Debian:11") is None


def test_a_record_of_two_ecosystems_stays_for_the_other_and_comes_back(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    both = record("GHSA-1", affected=of("PyPI", "npm"))
    imported(index, tmp_path / "a.zip", [both, record("A-1")])
    imported(index, tmp_path / "b.zip", [record("A-1")], whole="PyPI")
    assert (held(index), held(index, "npm")) == (["A-1"], ["GHSA-1"])
    assert imported(index, tmp_path / "c.zip", [both]).imported == 1
    assert held(index) == ["A-1", "GHSA-1"]


def test_a_record_that_cannot_be_read_is_not_gone(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    imported(index, tmp_path / "a.zip", [record("A-1"), record("A-2")])
    path = tmp_path / "b.zip"
    path.write_bytes(zipped({"x/A-2.json": b"{broken", "x/A-1.json": record("A-1")}))
    result = import_advisories(index, str(path), now=NOW, whole="PyPI")
    assert (result.rejected_count, result.removed) == (1, 0)
    assert held(index) == ["A-1", "A-2"]


def test_a_withdrawn_record_stays_withdrawn_though_a_whole_dump_lacks_it(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    withdrawn = record("A-2", withdrawn="2024-02-01T00:00:00Z", modified="2024-02-01T00:00:00Z")
    imported(index, tmp_path / "a.zip", [record("A-1"), withdrawn])
    imported(index, tmp_path / "b.zip", [record("A-1")], whole="PyPI")
    assert imported(index, tmp_path / "c.zip", [record("A-2")]).unchanged == 1
    assert held(index) == ["A-1"]


def test_a_dump_that_lacks_too_much_is_no_whole_one(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    bodies = [record(f"A-{n}") for n in range(40)]
    imported(index, tmp_path / "a.zip", bodies)
    assert imported(index, tmp_path / "b.zip", bodies[10:], whole="PyPI").removed == 10
    with pytest.raises(LimitExceededError, match="11 of 30 records of PyPI are not in it"):
        imported(index, tmp_path / "c.zip", bodies[21:], whole="PyPI")
    assert len(held(index)) == 30


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        pytest.param("npm", "no record of ecosystem 'npm' in it", id="another-ecosystem"),
        pytest.param("pypi", "want one of AlmaLinux", id="no-ecosystem"),
    ],
)
def test_a_dump_is_whole_only_of_what_is_in_it(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path, whole: str, said: str
) -> None:
    with pytest.raises(InvalidAdvisoryError, match=said):
        imported(index, tmp_path / "a.zip", [record("A-1")], whole=whole)
    assert index.sources() == ()


def test_only_what_changed_is_written(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    imported(index, tmp_path / "a.zip", [record("A-1"), record("A-2"), record("A-3")])
    newer = record("A-2", modified="2024-03-01T00:00:00Z", aliases=["CVE-2024-0001"])
    older = record("A-3", modified="2023-03-01T00:00:00Z", aliases=["CVE-2024-0002"])
    result = imported(index, tmp_path / "b.zip", [record("A-1"), newer, older])
    assert (result.imported, result.unchanged) == (1, 2)
    assert [a.aliases for a in index.affecting("PyPI", "example")] == [(), ("CVE-2024-0001",), ()]


def test_t03_an_archive_whose_directory_is_too_large_is_refused_before_it_is_read(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(zipped({f"A-{n}.json": record(f"A-{n}") for n in range(20)}))
    with pytest.raises(LimitExceededError, match="a ZIP directory of"):
        import_advisories(index, str(path), now=NOW, limits=ImportLimits(max_directory_bytes=1000))
    assert import_advisories(index, str(path), now=NOW).imported == 20


def test_t03_the_size_of_a_zip64_directory_counts_too(
    index: AdvisoryIndex, record: Callable[..., bytes], tmp_path: Path
) -> None:
    body = zipped({"A-1.json": record("A-1")})
    end = bytearray(body[-22:])
    size, at = struct.unpack_from("<2L", end, 12)
    claimed = 2**40
    record_64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, claimed, at)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at + size, 1)
    struct.pack_into("<2L", end, 12, 0xFFFFFFFF, 0xFFFFFFFF)
    path = tmp_path / "all.zip"
    path.write_bytes(body[:-22] + record_64 + locator + bytes(end))
    with pytest.raises(LimitExceededError, match=f"a ZIP directory of {claimed} bytes"):
        import_advisories(index, str(path), now=NOW)
