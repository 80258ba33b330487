"""A real registry that asks for a password: `python tests/support/private_registry.py FOLDER`.

Debian's docker-registry where it is installed, else the embedded one. Prints where it is and who may
use it, as JSON, and ends when its input does.
"""

import json
import sys
from pathlib import Path

from tidegate.registry.auth import hash_password
from tidegate.testing.real_registries import (
    docker_registry,
    embedded_registry,
    has_docker_registry,
)

USERNAME, PASSWORD = "robot", "let the robots in"

# docker-registry knows bcrypt alone, which Python has not: the hash of PASSWORD.
HTPASSWD = f"{USERNAME}:$2y$05$abcdefghijklmnopqrstuuhh0lAOxXL5MtViXtsJrIWie4P.CArg2\n"


def main() -> None:
    """Serve until nobody reads any more."""
    folder = Path(sys.argv[1])
    users = folder / "users"
    if has_docker_registry():
        users.write_text(HTPASSWD)
        running = docker_registry(folder, f"auth: {{htpasswd: {{realm: r, path: {users}}}}}\n")
    else:
        users.write_text(f"{USERNAME}:{hash_password(PASSWORD)}\n")
        settings = {"USERS_FILE": users, "ANONYMOUS_PULL": "false"}
        running = embedded_registry(
            folder, *(f"TIDEGATE_REGISTRY_{name}={value}" for name, value in settings.items())
        )
    with running as host:
        sys.stdout.write(json.dumps({"host": host, "username": USERNAME, "password": PASSWORD}))
        sys.stdout.write("\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
