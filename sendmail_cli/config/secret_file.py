"""Reading a file that holds a secret and nothing else: one line, as `password_file`, `…_FILE` and systemd have it."""

from __future__ import annotations

import os
import stat

from sendmail_cli.errors import ConfigError, CredentialMissing
from sendmail_cli.printable import printable
from sendmail_cli.secret import Secret

MAX_SIZE = 1 << 16  # octets; no password or token is longer
_ROOT = 0


def read_private_file(path: str, whence: str) -> Secret:
    """The secret in a file of ours that nobody else can read. `whence` names it in sentences.

    Raises `ConfigError` for one that others could read or have put there, and what `read_provided_file` does.
    """
    return _read(path, whence, stat.S_IRWXG | stat.S_IRWXO)


def read_provided_file(path: str, whence: str) -> Secret:
    """The secret in a file that the system lays down for us: a container's secret, a credential of systemd.

    Who may read it is the system's affair; nobody else may write it. Raises `ConfigError` for one that is not to be
    trusted, and `CredentialMissing` for one that isn't there, can't be read or is empty.
    """
    return _read(path, whence, stat.S_IWGRP | stat.S_IWOTH)


def secret_of(octets: bytes, whence: str) -> Secret:
    """`octets` without one line break at their end. Raises `CredentialMissing` for what is none."""
    if len(octets) > MAX_SIZE:
        raise CredentialMissing(f"{whence} has more than {MAX_SIZE >> 10} KiB: that is no password")
    octets = octets.removesuffix(b"\r\n") if octets.endswith(b"\r\n") else octets.removesuffix(b"\n")
    if not octets:
        raise CredentialMissing(f"{whence} is empty")
    try:
        return Secret(octets.decode())
    except UnicodeDecodeError:
        raise CredentialMissing(f"{whence} is not UTF-8") from None


def _read(path: str, whence: str, refused: int) -> Secret:
    shown = printable(path)
    try:
        link = os.lstat(path)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise CredentialMissing(f"{whence}: {shown} can't be read: {printable(reason)}") from None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise ConfigError(f"{whence}: {shown} is not a regular file")
        if os.name == "posix":
            _refuse_open(shown, whence, link, state, refused)
        with open(descriptor, "rb", closefd=False) as file:
            octets = file.read(MAX_SIZE + 1)
    finally:
        os.close(descriptor)
    return secret_of(octets, f"{whence}: {shown}")


def _refuse_open(shown: str, whence: str, link: os.stat_result, state: os.stat_result, refused: int) -> None:
    """Raise `ConfigError` for a file, or a link to it, that is somebody else's or has one of the bits `refused`."""
    for each, what in ((state, "belongs to"), (link, "is a link of")):
        if each.st_uid not in {_ROOT, os.geteuid()}:
            raise ConfigError(
                f"{whence}: {shown} {what} another user (uid {each.st_uid}), so it is not trusted",
                hint="The file is to be your own, or root's.",
            )
    if state.st_mode & refused:
        can = "read or changed" if refused & stat.S_IRGRP else "changed"
        mode = "600" if refused & stat.S_IRGRP else "go-w"
        raise ConfigError(f"{whence}: {shown} can be {can} by other users", hint=f"chmod {mode} {shown}")
