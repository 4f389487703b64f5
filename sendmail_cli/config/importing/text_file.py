"""Reading a configuration that is moved from: a regular file, ours or root's, in UTF-8, of no more than 1 MiB.

Its commands will run and its servers get passwords, so what others may write is not trusted.
"""

from __future__ import annotations

import os

from sendmail_cli.config.trusted_file import read_trusted_text
from sendmail_cli.errors import ConfigError, InputError
from sendmail_cli.printable import printable


def read_text(path: str, wanted_by: str = "") -> str:
    """The text of `path`, its lines ended by a line feed; `wanted_by` is the place that names it.

    Raises `InputError` with the place for a file that is missing, may not be read, or is no text.
    """
    where = f"{wanted_by}: " if wanted_by else ""
    try:
        text = read_trusted_text(path)
    except PermissionError as error:
        raise InputError(f"{where}{printable(path)} can't be read: {error.strerror}") from None
    except ConfigError as error:
        hint = error.hint if error.hint.startswith("chmod") else "Only a text in UTF-8, yours or root's, is read."
        raise InputError(f"{where}{error.sentence}", hint=hint) from None
    if text is None:
        raise InputError(f"{where}there is no file {printable(path)}")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{where}{printable(path)}, line {line}: a NUL stands there: that is no text")
    return text.replace("\r\n", "\n")


def path_from(named: str, file: str, home: str) -> str:
    """The path that `file` names as `named`: "~/" is the home folder, a relative one is beside `file`."""
    if named.startswith("~/"):
        return os.path.join(home, named.removeprefix("~/"))
    return os.path.join(os.path.dirname(file), named)
