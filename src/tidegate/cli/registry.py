"""`tidegate registry`: which registries are contacted, what they can do, how they are looked at.

An installation on this machine keeps them in its trust configuration, for its gate and its worker.
The hub keeps them for all workers, remembers what tests said, and has the workers look through
those that do not tell of pushes. A cluster elsewhere has a trust configuration of its own.
"""

from typing import Annotated, TypeVar

import typer

from tidegate.cli import registry_hub, registry_local, verb
from tidegate.cli.context import HubOption, world_of
from tidegate.cli.hub import ask_hub
from tidegate.cli.output import (
    Format,
    OutputOption,
    print_data,
    print_items,
    print_line,
    print_table,
)
from tidegate.cli.registries import TrustOption, load_trust
from tidegate.cli.registry_add import Added, add_here, add_to_hub, of_hub, tell
from tidegate.cli.registry_add_options import (
    AliasOption,
    AllowPrivateOption,
    CaFileOption,
    ClientCertOption,
    ClientKeyOption,
    DockerConfigOption,
    PasswordFileOption,
    PasswordStdinOption,
    PlainHttpOption,
    PollEveryOption,
    PollOption,
    PollRepositoryOption,
    RepositoryOption,
    RequestsPerMinuteOption,
    UrlOption,
    UsernameOption,
)
from tidegate.cli.registry_options import (
    absolute,
    parse_endpoint,
    parse_seconds,
    read_password_file,
)
from tidegate.cli.registry_words import RegistryRow, record_lines
from tidegate.domain.errors import (
    InputError,
    NotFoundError,
    RegistryUnavailableError,
)
from tidegate.domain.reference import normalize_host
from tidegate.hubclient.client import HubClient
from tidegate.oci.config_file import DockerConfigKeychain
from tidegate.oci.keychain import Credentials
from tidegate.oci.registries import RegistryConfig
from tidegate.wire.registries_v1 import (
    PollingV1,
    RegistryTestV1,
)

T = TypeVar("T")

app = verb.group("Registries that may be contacted: list, show, add, test, remove.")

HostArgument = Annotated[
    str, typer.Argument(metavar="HOST", help="As image references name it, with its port.")
]
HostsOption = typer.Option(metavar="HOST", help="Repeatable.")


@app.command("list")
def list_registries(
    context: typer.Context,
    trust: TrustOption = None,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """List the registries that may be contacted, with what the hub knows of them."""
    world = world_of(context)
    own = load_trust(world, trust).registries if trust or world.is_own_hub(hub) else ()
    known = {each.host: each for each in of_hub(world, hub, registry_hub.every) or []}
    local = {each.host: each for each in own}
    hosts = [*local, *(host for host in known if host not in local and known[host].configured)]
    rows = [RegistryRow(host, local.get(host), known.get(host)) for host in hosts]
    if output is not Format.TABLE:
        print_items([row.data() for row in rows], output)
        return
    print_table(RegistryRow.HEADER, (row.cells() for row in rows))


@app.command("show")
def show_registry(
    context: typer.Context,
    host: HostArgument,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Show a registry of the hub: settings, what its test said, how looking through it goes."""
    name = normalize_host(host)
    record = ask_hub(world_of(context), hub, lambda client: client.get_registry(name))
    if output is not Format.TABLE:
        print_data(record, output)
        return
    for line in record_lines(record):
        print_line(line)


@app.command("add")
def add_registry(
    context: typer.Context,
    host: HostArgument,
    url: UrlOption = "",
    username: UsernameOption = "",
    password_file: PasswordFileOption = "",
    password_stdin: PasswordStdinOption = False,
    docker_config: DockerConfigOption = None,
    plain_http: PlainHttpOption = False,
    allow_private: AllowPrivateOption = False,
    ca_file: CaFileOption = "",
    client_cert: ClientCertOption = "",
    client_key: ClientKeyOption = "",
    token_realm: Annotated[list[str] | None, HostsOption] = None,
    redirect_host: Annotated[list[str] | None, HostsOption] = None,
    alias: AliasOption = None,
    repository: RepositoryOption = "",
    poll: PollOption = False,
    poll_repository: PollRepositoryOption = None,
    poll_every: PollEveryOption = "5m",
    requests_per_minute: RequestsPerMinuteOption = 120,
    hub: HubOption = "",
) -> None:
    """Test a registry, then let it be contacted.

    On the machine of an installation, its gate and its worker contact it; the hub has all workers
    do so. Nothing is kept unless it answers and takes the credentials.
    """
    world = world_of(context)
    name = normalize_host(host)
    if docker_config is not None:
        docker_config = docker_config.absolute()
    if docker_config is not None and (username or password_file or password_stdin):
        raise InputError("credentials by --docker-config and by --username; want one of them")
    password = read_password_file(username, "-" if password_stdin else password_file)
    credentials = Credentials(username, password) if username else None
    config = RegistryConfig(
        host=name,
        plain_http=plain_http or url.startswith("http://"),
        username=username,
        password=password,
        ca_file=absolute(ca_file),
        allow_private=allow_private,
        token_realms=tuple(token_realm or ()),
        redirect_hosts=tuple(redirect_host or ()),
        endpoint=parse_endpoint(name, url),
        aliases=tuple(alias or ()),
        client_cert_file=absolute(client_cert),
        client_key_file=absolute(client_key),
        keychain=None if docker_config is None else DockerConfigKeychain(docker_config, name),
    )
    polling = PollingV1(
        enabled=poll,
        interval_s=parse_seconds(poll_every),
        repositories=list(poll_repository or ()),
        requests_per_minute=requests_per_minute,
    )
    added = Added(config, polling, repository, credentials, docker_config)
    if world.is_own_hub(hub):
        add_here(world, added)
    else:
        add_to_hub(world, hub, added)


@app.command("test")
def try_registry(
    context: typer.Context,
    host: HostArgument,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Have a worker test a registry of the hub again; 3: it does not work."""
    name = normalize_host(host)

    async def test(client: HubClient) -> RegistryTestV1:
        await client.test_registry(name)
        return await registry_hub.wait_tested(client, name)

    found = ask_hub(world_of(context), hub, test)
    if output is not Format.TABLE:
        print_data(found, output)
    else:
        tell(name, found)
    if not found.reachable:
        raise RegistryUnavailableError(found.error)


@app.command("remove")
def remove_registry(context: typer.Context, host: HostArgument, hub: HubOption = "") -> None:
    """Contact a registry no more; its images are judged as missing from now on."""
    world, name = world_of(context), normalize_host(host)

    async def forget(client: HubClient) -> bool:
        if await registry_hub.find(client, name) is None:
            return False
        await client.delete_registry(name)
        return True

    here = world.is_own_hub(hub) and registry_local.forget(world.folder(), name)
    there = bool(of_hub(world, hub, forget))
    if not here and not there:
        known = "`tidegate registry list` shows those that are"
        raise NotFoundError(f"registry {name} is not configured; {known}")
    print_line(f"registry {name} removed")
