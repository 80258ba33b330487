"""The calls about people: sessions, users, tokens, and the log of what they changed."""

from urllib.parse import quote

from tidegate.hubclient.transport import Params, Transport
from tidegate.wire.hub_v1 import AuditEntryV1, Page, TokenCreatedV1, TokenCreateV1, TokenV1
from tidegate.wire.sign_in_v1 import (
    SessionV1,
    SignInV1,
    UserCreateV1,
    UserPasswordV1,
    UserV1,
    UserWriteV1,
)


class PeopleCalls:
    """Part of `HubClient`."""

    _http: Transport

    async def sign_in(self, username: str, password: str) -> SessionV1:
        """Open a session, in which all later calls of a client without a token are made."""
        opened = await self._http.post("session", SignInV1(username, password), SessionV1)
        self._http.speak_in_session(opened.csrf_token)
        return opened

    async def sign_out(self) -> None:
        """End the session."""
        await self._http.call("DELETE", "session")

    async def list_users(self) -> list[UserV1]:
        """Return all users by name."""
        return await self._http.list_all("users", UserV1)

    async def create_user(self, body: UserCreateV1) -> UserPasswordV1:
        """Make a local user; the initial password is in the answer and nowhere else."""
        return await self._http.post("users", body, UserPasswordV1)

    async def put_user(self, name: str, body: UserWriteV1) -> UserV1:
        """Set role and name of a user, or disable it."""
        _, answer = await self._http.call("PUT", f"users/{_part(name)}", body=body)
        return self._http.decode(answer, UserV1)

    async def delete_user(self, name: str) -> None:
        """Forget a user; the sessions end at once."""
        await self._http.call("DELETE", f"users/{_part(name)}")

    async def reset_user(self, name: str) -> UserPasswordV1:
        """Give a user a new initial password; the sessions end at once."""
        return await self._http.post(f"users/{_part(name)}/reset", None, UserPasswordV1)

    async def create_token(self, body: TokenCreateV1) -> TokenCreatedV1:
        """Make a token; it is in the answer and nowhere else."""
        return await self._http.post("tokens", body, TokenCreatedV1)

    async def list_tokens(self) -> list[TokenV1]:
        """Return all tokens by name, without the secrets."""
        return await self._http.list_all("tokens", TokenV1)

    async def delete_token(self, token_id: str) -> None:
        """Revoke a token at once."""
        await self._http.call("DELETE", f"tokens/{_part(token_id)}")

    async def list_audit(
        self, *, cursor: str = "", limit: int = 50, **filters: str
    ) -> Page[AuditEntryV1]:
        """Return a page of the audit log, newest first.

        Filters: `actor`, `action`, `object`, `search`, `since`, `until`.
        """
        params: Params = {**filters, "cursor": cursor, "limit": limit}
        return await self._http.get("audit", Page[AuditEntryV1], params)


def _part(text: str) -> str:
    """Return `text` as one part of a path."""
    return quote(text, safe="")
