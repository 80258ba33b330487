"""A file of the agent's own: each change whole or not at all, and the next one possible."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tidegate.agent.admitted import open_index
from tidegate.agent.feed_copy import open_copy
from tidegate.agent.sqlite_file import SqliteFile, open_or_begin_anew

SCHEMA = """
CREATE TABLE IF NOT EXISTS said (
    word TEXT PRIMARY KEY,
    answers TEXT REFERENCES said DEFERRABLE INITIALLY DEFERRED);
"""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteFile]:
    with closing(SqliteFile(tmp_path / "made" / "words.sqlite", SCHEMA)) as file:
        yield file


def words(file: SqliteFile) -> list[str]:
    with file.reading():
        return [word for (word,) in file.connection.execute("SELECT word FROM said")]


def test_what_was_kept_is_there_after_a_restart(file: SqliteFile, tmp_path: Path) -> None:
    with file.changing():
        file.connection.execute("INSERT INTO said VALUES ('one', NULL)")
    with closing(SqliteFile(tmp_path / "made" / "words.sqlite", SCHEMA)) as again:
        assert words(again) == ["one"]


def half_a_change(file: SqliteFile) -> None:
    with file.changing():
        file.connection.execute("INSERT INTO said VALUES ('half', NULL)")
        raise ValueError("no other half")


def a_word_said_twice(file: SqliteFile) -> None:
    with file.changing():
        file.connection.execute("INSERT INTO said VALUES ('half', NULL)")
        file.connection.execute("INSERT INTO said VALUES ('half', NULL)")


def an_end_that_is_refused(file: SqliteFile) -> None:
    file.connection.execute("PRAGMA foreign_keys = ON")
    with file.changing():
        file.connection.execute("INSERT INTO said VALUES ('half', 'nobody')")


def an_end_that_sqlite_takes_back(file: SqliteFile) -> None:
    with file.changing():
        file.connection.execute("INSERT INTO said VALUES ('half', NULL)")
        file.connection.execute("INSERT OR ROLLBACK INTO said VALUES ('half', NULL)")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (half_a_change, ValueError),
        (a_word_said_twice, sqlite3.IntegrityError),
        (an_end_that_is_refused, sqlite3.IntegrityError),
        (an_end_that_sqlite_takes_back, sqlite3.IntegrityError),
    ],
)
def test_a_change_that_fails_leaves_nothing_and_stops_nothing(
    file: SqliteFile, change: object, error: type[Exception]
) -> None:
    assert callable(change)
    with pytest.raises(error):
        change(file)
    with file.changing():
        file.connection.execute("INSERT INTO said VALUES ('whole', NULL)")
    assert words(file) == ["whole"]


@pytest.mark.parametrize(
    ("open_one", "name"),
    [
        pytest.param(open_index, "admitted.sqlite", id="index-of-admissions"),
        pytest.param(open_copy, "feed.sqlite", id="feed"),
    ],
)
@pytest.mark.parametrize("damage", ["not-a-database", "broken-pages"])
def test_a_broken_file_keeps_no_agent_from_its_start(
    tmp_path: Path, open_one: object, name: str, damage: str
) -> None:
    assert callable(open_one)
    path = tmp_path / name
    open_one(tmp_path).close()
    whole = path.read_bytes()
    assert len(whole) > 4096
    path.write_bytes(
        b"no database at all" * 1000
        if damage == "not-a-database"
        else whole[:100] + b"\xff" * (len(whole) - 100)
    )
    again = open_one(tmp_path)
    assert again.page("") is None or again.page("").rows == []
    again.close()


def test_a_disk_that_is_full_costs_no_file(tmp_path: Path) -> None:
    path = tmp_path / "words.sqlite"
    with closing(SqliteFile(path, SCHEMA)) as file, file.changing():
        file.connection.execute("INSERT INTO said VALUES ('one', NULL)")

    def on_a_full_disk() -> SqliteFile:
        with closing(SqliteFile(path, SCHEMA)) as file:
            file.connection.execute("PRAGMA max_page_count = 1")
            with file.changing():
                file.connection.execute(
                    "INSERT INTO said VALUES ('more', (SELECT hex(zeroblob(99999))))"
                )
        return file

    with pytest.raises(sqlite3.OperationalError, match="full"):
        open_or_begin_anew(path, on_a_full_disk)
    with closing(SqliteFile(path, SCHEMA)) as again:
        assert words(again) == ["one"]
