"""`tidegate registry`: which registries this installation contacts, in its trust configuration."""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tidegate.cli import verb
from tidegate.cli.context import world_of
from tidegate.cli.files import read_bytes
from tidegate.cli.output import (
    Format,
    OutputOption,
    print_items,
    print_line,
    print_note,
    print_table,
)
from tidegate.cli.registries import PATIENCE, TrustOption, load_trust, quieten_logs
from tidegate.cli.trust_edit import TrustDocument
from tidegate.domain.errors import InputError, NotFoundError
from tidegate.domain.reference import normalize_host
from tidegate.local.data_folder import write_private
from tidegate.oci.probe import Probe, probe
from tidegate.oci.registries import RegistryConfig

MAX_PASSWORD_BYTES = 64 * 1024
RESTART = "The gate takes this up by itself; restart `tidegate up` for the scan worker."

app = verb.group("Registries that may be contacted: list, add, remove.")

HostArgument = Annotated[
    str, typer.Argument(metavar="HOST", help="As image references name it, with its port.")
]


@app.command("list")
def list_registries(
    context: typer.Context, trust: TrustOption = None, output: OutputOption = Format.TABLE
) -> None:
    """List the registries that may be contacted."""
    registries = load_trust(world_of(context), trust).registries
    if output is not Format.TABLE:
        print_items(
            [
                {
                    "host": each.host,
                    "plainHttp": each.plain_http,
                    "allowPrivate": each.allow_private,
                    "credentials": bool(each.username_file),
                }
                for each in registries
            ],
            output,
        )
        return
    print_table(
        ("HOST", "TLS", "PRIVATE ADDRESSES", "CREDENTIALS"),
        (
            (
                each.host,
                "no" if each.plain_http else "yes",
                "allowed" if each.allow_private else "refused",
                each.username_file or "none",
            )
            for each in registries
        ),
    )


@app.command("add")
def add_registry(
    context: typer.Context,
    host: HostArgument,
    username: Annotated[str, typer.Option(help="User name, or the name of a robot account.")] = "",
    password_file: Annotated[
        str,
        typer.Option(metavar="FILE", help="File with the password or token; - is standard input."),
    ] = "",
    plain_http: Annotated[bool, typer.Option("--plain-http", help="No TLS.")] = False,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="It may have a private or loopback address.")
    ] = False,
    ca_file: Annotated[
        str, typer.Option(metavar="FILE", help="Further certificate authorities, PEM.")
    ] = "",
    repository: Annotated[
        str, typer.Option(help="Repository that the test asks about; it need not exist.")
    ] = "tidegate/probe",
) -> None:
    """Test a registry, then let gate and worker contact it.

    Nothing is kept unless it answers and takes the credentials. Says whether it lists referrers by
    the API or by the fallback tag alone.
    """
    folder = world_of(context).folder()
    document = TrustDocument(folder.trust)
    name = normalize_host(host)
    if any(each.host == name for each in document.configuration.registries):
        raise InputError(f"registry {name} is configured already; remove it first")
    password = _password(username, password_file)
    config = RegistryConfig(
        host=name,
        plain_http=plain_http,
        username=username,
        password=password,
        ca_file=ca_file,
        allow_private=allow_private,
    )
    _tell(name, _probe(config, repository))
    entry: dict[str, Any] = {"host": name}
    flags = {"plainHttp": plain_http, "allowPrivate": allow_private, "caFile": ca_file}
    entry |= {key: value for key, value in flags.items() if value}
    if username:
        entry |= _keep_credentials(folder.root, name, username, password)
    document.registries.append(entry)
    document.save()
    print_line(f"registry {name} added")
    print_note(RESTART)


@app.command("remove")
def remove_registry(context: typer.Context, host: HostArgument) -> None:
    """Contact a registry no more; its images are judged as missing from now on."""
    folder = world_of(context).folder()
    document = TrustDocument(folder.trust)
    name = normalize_host(host)
    kept = [entry for entry in document.registries if normalize_host(entry["host"]) != name]
    if len(kept) == len(document.registries):
        known = ", ".join(entry["host"] for entry in document.registries) or "none"
        raise NotFoundError(f"registry {name} is not configured; there are: {known}")
    document.registries[:] = kept
    document.save()
    for path in _credential_files(folder.root, name):
        path.unlink(missing_ok=True)
    print_line(f"registry {name} removed")
    print_note(RESTART)


def _probe(config: RegistryConfig, repository: str) -> Probe:
    quieten_logs()
    return asyncio.run(probe(config, repository, PATIENCE, time.monotonic))


def _tell(name: str, found: Probe) -> None:
    print_line(f"registry {name} answers and takes the credentials")
    if found.referrers == "api":
        print_line("referrers: by the API")
        return
    print_line("referrers: by the fallback tag")
    print_note(
        "Warning: without the referrers API, whoever may push there can hide findings; see "
        "docs/reference/registries.md"
    )


def _password(username: str, password_file: str) -> str:
    if bool(username) != bool(password_file):
        raise InputError("want both --username and --password-file, or neither")
    if not password_file:
        return ""
    try:
        password = read_bytes(password_file, MAX_PASSWORD_BYTES).decode().strip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{password_file}: want a password in UTF-8") from error
    if not password:
        raise InputError(f"{password_file}: is empty; want the password")
    return password


def _keep_credentials(root: Path, host: str, username: str, password: str) -> dict[str, str]:
    user_file, password_file = _credential_files(root, host)
    write_private(user_file, username.encode())
    write_private(password_file, password.encode())
    return {"usernameFile": str(user_file), "passwordFile": str(password_file)}


def _credential_files(root: Path, host: str) -> tuple[Path, Path]:
    folder = root / "registries" / host.replace(":", "_").replace("/", "_")
    return folder / "username", folder / "password"
