import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from tidegate.advisories.importer import import_advisories
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
