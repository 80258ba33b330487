"""What the hub's REST API speaks about people: sessions, users and how they may sign in."""

from typing import Annotated, Literal

from msgspec import Meta

from tidegate.wire.hub_v1 import Wire

UserRole = Literal["admin", "reader"]

Secret = Annotated[str, Meta(max_length=1024)]
"""A password or token on its way in; longer ones are nobody's."""
DisplayName = Annotated[str, Meta(max_length=128)]


class ProviderV1(Wire):
    """An OpenID provider that people may sign in with."""

    name: str
    """As the button says it."""


class AuthV1(Wire):
    """How people may sign in here."""

    local: bool
    """With a name and password, or with an API token."""
    oidc: ProviderV1 | None = None


class SignInV1(Wire):
    """Body that signs in: `username` and `password`, or `token` alone."""

    username: Annotated[str, Meta(max_length=128)] = ""
    password: Secret = ""
    token: Secret = ""


class SignedInUserV1(Wire):
    """Who is signed in."""

    name: str
    display_name: str
    role: UserRole
    must_change_password: bool
    """True: nothing but changing it is answered."""


class SessionV1(Wire):
    """A session, as the one who holds its cookie sees it."""

    user: SignedInUserV1
    csrf_token: str
    """Sent as `X-Tidegate-CSRF` with every request of the session that changes something."""


class PasswordChangeV1(Wire):
    """Body that changes one's own password."""

    current: Secret
    new: Secret


class UserV1(Wire):
    """A person who may sign in."""

    name: str
    display_name: str
    role: UserRole
    source: Literal["local", "oidc"]
    """oidc: name and role are the provider's word, renewed at each sign-in."""
    enabled: bool
    must_change_password: bool
    created_at: str
    last_sign_in_at: str = ""


class UserCreateV1(Wire):
    """Body that makes a local user."""

    name: Annotated[
        str, Meta(min_length=1, max_length=128, pattern=r"^[a-z0-9][a-z0-9._@-]*$(?!\n)")
    ]
    role: UserRole
    display_name: DisplayName = ""


class UserWriteV1(Wire):
    """Body that changes a user."""

    role: UserRole
    display_name: DisplayName = ""
    enabled: bool = True
    """False: sessions end, and no sign-in succeeds."""


class UserPasswordV1(Wire):
    """A user's initial password, shown this once; the first sign-in must change it."""

    user: UserV1
    password: str
