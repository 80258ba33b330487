"""Where the credentials of a registry come from when nobody wrote them down.

A keychain is asked whenever a registry asks for credentials; what it fetched it keeps for as long
as that is good. Two keychains are equal when they would give the same answer.
"""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password, or a token in the place of one."""

    username: str
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    """In the place of both: a token server gives access tokens for it (OAuth 2 refresh token)."""
    shared: bool = True
    """Good for every repository of the registry; False: for the one that was asked for."""


class Keychain(Protocol):
    """Gives the credentials of one registry."""

    async def credentials(
        self, stale: Credentials | None, repository: str = ""
    ) -> Credentials | None:
        """Return credentials for `repository`, None where there are none.

        Args:
            stale: credentials that were just refused.
            repository: without its registry; empty: for what is asked of no repository.

        Raises:
            RegistryUnavailableError: whoever hands them out does not, or not now.
        """
