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
    password: str = field(repr=False)


class Keychain(Protocol):
    """Gives the credentials of one registry."""

    async def credentials(self, stale: Credentials | None) -> Credentials | None:
        """Return credentials, None where there are none; `stale` were just refused.

        Raises:
            RegistryUnavailableError: whoever hands them out does not, or not now.
        """
