"""Passwords as a command gets them: typed without being shown, or a line of standard input.

Never an option: what stands in a command line is seen by every process of the machine, and stays in
the shell's history.
"""

import getpass
import sys

from tidegate.domain.errors import InputError

MAX_CHARS = 1024
"""As the hub takes."""


def read_password(prompt: str, *, from_stdin: bool) -> str:
    """Return the password.

    Raises:
        InputError: there is none, or nobody who could type it.
    """
    if from_stdin:
        return _usable(sys.stdin.readline(MAX_CHARS + 2).rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise InputError(
            "a password is needed, and standard input is no terminal to ask on; give it there "
            "with --password-stdin"
        )
    try:
        return _usable(getpass.getpass(prompt))
    except EOFError:
        return _usable("")


def _usable(password: str) -> str:
    if not password:
        raise InputError("no password was given; want one line with it")
    if len(password) > MAX_CHARS:
        raise InputError(f"the password has more than {MAX_CHARS} characters; it is nobody's")
    return password
