"""A file of the machine's configuration: written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress

from sendmail_cli.errors import OutputError
from sendmail_cli.printable import printable


def write_whole(path: str, octets: bytes, mode: int) -> None:
    """The file holds that from one moment to the next; whom `mode` excludes never sees it. Raises `OutputError`."""
    fresh = f"{path}.new-{os.getpid()}"
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(octets)
                file.flush()
                os.fchmod(descriptor, mode)
                os.fsync(descriptor)
            os.replace(fresh, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(fresh)
            raise
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: str, error: OSError, hint: str = "") -> OutputError:
    """The error of a file that can't be changed."""
    return OutputError(f"{printable(path)} can't be changed: {(error.strerror or str(error)).lower()}", hint=hint)
