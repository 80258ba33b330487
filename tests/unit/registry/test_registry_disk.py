import errno
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import ConfigurationError
from tidegate.registry.records import SCHEMA_VERSION
from tidegate.registry.settings import Settings
from tidegate.registry.store import Store, open_store
from tidegate.registry.uploads import Upload

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "registry.md"


def leave_orphan(store: Store, tmp_path: Path) -> Digest:
    """Do what a kill between renaming a blob's file and recording it leaves."""
    (tmp_path / "whole").write_bytes(b"orphan")
    store.content.adopt(digest_of(b"orphan"), tmp_path / "whole")
    return digest_of(b"orphan")


async def push(store: Store, body: bytes) -> Digest:
    async def chunks() -> AsyncIterator[bytes]:
        yield body

    upload = store.uploads.start("a")
    await store.uploads.append(upload, chunks(), None)
    await store.uploads.seal(upload, digest_of(body))
    await store.add_blob("a", digest_of(body), upload)
    return digest_of(body)


async def test_a_blob_file_without_a_record_is_removed_at_start(
    store: Store, tmp_path: Path
) -> None:
    kept = await push(store, b"kept")
    leave_orphan(store, tmp_path)
    assert store.remove_orphans() == 1
    assert list(store.content.digests()) == [kept]


def test_without_any_record_no_file_is_removed(store: Store, tmp_path: Path) -> None:
    orphan = leave_orphan(store, tmp_path)
    assert store.remove_orphans() == 0
    assert list(store.content.digests()) == [orphan]


async def test_a_full_disk_is_said_and_leaves_the_upload_as_it_was(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = (await client.post("/v2/a/blobs/uploads/")).headers["location"]
    await client.patch(location, content=b"0123")
    with monkeypatch.context() as full:

        def no_space(upload: Upload, block: bytes) -> None:
            raise OSError(errno.ENOSPC, "no space", upload.path, None, len(block))

        full.setattr(Upload, "write", no_space)
        answer = await client.patch(location, content=b"4567")
    assert (answer.status_code, "disk is full" in answer.text) == (507, True)
    ended = await client.put(location, params={"digest": digest_of(b"0123")})
    assert ended.status_code == 201


async def test_a_fault_of_our_own_is_an_error_that_tells_nothing(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("secret detail")

    monkeypatch.setattr(Store, "manifest", broken)
    answer = await client.get("/v2/a/manifests/v1")
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["code"] == "UNKNOWN"
    assert "secret" not in answer.text


def test_records_of_a_newer_version_are_left_alone(
    open_app: Callable[[], tuple[Store, httpx2.AsyncClient]], tmp_path: Path
) -> None:
    open_app()
    connection = sqlite3.connect(tmp_path / "data" / "records.sqlite")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(ConfigurationError, match="schema 2"):
        open_app()


def test_damaged_records_are_named(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(ConfigurationError, match="not readable"), open_store(tmp_path):
        pass


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="data folder"), open_store(tmp_path / "file"):
        pass


@pytest.mark.parametrize("field", Settings.__dataclass_fields__)
def test_every_setting_is_documented(field: str) -> None:
    assert f"`{field.upper()}`" in DOCS.read_text()
