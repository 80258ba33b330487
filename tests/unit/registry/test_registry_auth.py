import base64
import os
from pathlib import Path

import pytest

from tidegate.domain.errors import ConfigurationError
from tidegate.registry.auth import PasswordHash, Users, hash_password, parse_users
from tidegate.registry.refusals import RefusedError

HASHED = str(hash_password("right"))


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def rewrite(path: Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, ns=(1, 1))  # the first writing may share its clock tick


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text(f"# people\n\nada:{HASHED}\n")
    return path


def test_a_hash_survives_its_text() -> None:
    parsed = parse_users(f"ada:{HASHED}", "users")["ada"]
    assert isinstance(parsed, PasswordHash)
    assert str(parsed) == HASHED
    assert "right" not in HASHED


@pytest.mark.parametrize("anonymous_pull", [True, False])
async def test_a_right_password_writes(users_file: Path, *, anonymous_pull: bool) -> None:
    users = Users(users_file, anonymous_pull=anonymous_pull)
    for _ in range(2):  # the second time from memory
        assert await users.authorize(basic("ada:right"), writes=True) == "ada"


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("", id="nothing"),
        pytest.param(basic(":"), id="empty-pair"),
        pytest.param(basic("ada:wrong"), id="wrong-password"),
        pytest.param(basic("eve:right"), id="unknown-user"),
        pytest.param(basic("ada"), id="no-colon"),
        pytest.param("Basic !!!", id="no-base64"),
        pytest.param("Basic /w==", id="no-utf-8"),
        pytest.param("Basic é", id="no-ascii"),
        pytest.param("Bearer abc", id="other-scheme"),
    ],
)
async def test_anything_else_does_not(users_file: Path, authorization: str) -> None:
    users = Users(users_file, anonymous_pull=True)
    with pytest.raises(RefusedError) as refused:
        await users.authorize(authorization, writes=True)
    assert refused.value.status == 401
    assert dict(refused.value.headers)["WWW-Authenticate"].startswith("Basic ")


async def test_reading_needs_no_password_only_when_set_so(users_file: Path) -> None:
    for nobody in ("", basic(":")):
        assert await Users(users_file, anonymous_pull=True).authorize(nobody, writes=False) == ""
        with pytest.raises(RefusedError):
            await Users(users_file, anonymous_pull=False).authorize(nobody, writes=False)


async def test_a_removed_user_is_out_at_the_next_request(users_file: Path) -> None:
    users = Users(users_file, anonymous_pull=True)
    await users.authorize(basic("ada:right"), writes=True)
    rewrite(users_file, f"bob:{HASHED}\n")
    with pytest.raises(RefusedError):
        await users.authorize(basic("ada:right"), writes=True)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("ada", id="no-hash"),
        pytest.param("ada:$2y$05$bcrypt", id="bcrypt"),
        pytest.param(f"ada:{HASHED}\nada:{HASHED}", id="twice"),
        pytest.param(f":{HASHED}", id="no-name"),
        pytest.param("ada:scrypt$1073741824$8$1$AA==$AA==", id="memory-bomb"),
        pytest.param("ada:scrypt$1000$8$1$AA==$AA==", id="no-power-of-two"),
        pytest.param("ada:scrypt$0$8$1$AA==$AA==", id="zero"),
    ],
)
def test_a_broken_users_file_is_named_at_start(text: str) -> None:
    with pytest.raises(ConfigurationError, match="users"):
        parse_users(text, "users")
