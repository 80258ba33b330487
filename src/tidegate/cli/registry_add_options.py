"""What `tidegate registry add` takes: where a registry is, who asks, how it is looked through."""

from pathlib import Path
from typing import Annotated

import typer

UrlOption = Annotated[
    str, typer.Option(metavar="URL", help="Where its API is, if not at https://HOST.")
]
UsernameOption = Annotated[str, typer.Option(help="User name, or the name of a robot account.")]
PasswordFileOption = Annotated[
    str,
    typer.Option(metavar="FILE", help="File with the password or token; - is standard input."),
]
PasswordStdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
DockerConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--docker-config",
        metavar="FILE",
        dir_okay=False,
        help="Take the credentials from Docker's config.json or a pull secret's file.",
    ),
]
PlainHttpOption = Annotated[
    bool, typer.Option("--plain-http", help="No TLS: the same as --url http://HOST.")
]
AllowPrivateOption = Annotated[
    bool, typer.Option("--allow-private", help="It may have a private or loopback address.")
]
CaFileOption = Annotated[
    str, typer.Option(metavar="FILE", help="Further certificate authorities, PEM.")
]
ClientCertOption = Annotated[
    str, typer.Option(metavar="FILE", help="Certificate that it wants to see, PEM.")
]
ClientKeyOption = Annotated[str, typer.Option(metavar="FILE", help="Its key, PEM.")]
AliasOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Mirror or cache of it, HOST or HOST/PATH; repeatable."),
]
RepositoryOption = Annotated[
    str, typer.Option(help="Repository that the test asks about, and tries a push in.")
]
PollOption = Annotated[
    bool, typer.Option("--poll", help="Look for new tags: it does not tell of pushes.")
]
PollRepositoryOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Look at this one, not at its catalogue; repeatable."),
]
PollEveryOption = Annotated[str, typer.Option(metavar="TIME", help="Such as 5m or 1h.")]
RequestsPerMinuteOption = Annotated[
    int, typer.Option(min=1, max=60_000, help="Most that looking costs the registry.")
]
