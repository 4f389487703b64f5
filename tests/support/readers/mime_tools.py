"""MIME::Tools, the reader behind many programs of Perl, with Email::Address::XS; `mime_tools.pl` is the program."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.postfix import CLEAN_ENVIRONMENT
from tests.support.readers.reading import read_by_program

if TYPE_CHECKING:
    from tests.support.readers.reading import Reading

PROGRAM = Path(__file__).with_suffix(".pl")


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return missing_modules("MIME::Parser", "Email::Address::XS")


def missing_modules(*modules: str) -> str:
    """A sentence with what Perl says where it can't load one; "" when it loads all."""
    argv = ["perl", *(f"-M{module}" for module in modules), "-e", "1"]
    try:
        done = subprocess.run(argv, env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"perl can't be run: {error} (.ci/servers installs it)"
    return f"{done.stderr.splitlines()[0]} (.ci/servers installs it)" if done.returncode else ""


def read(folder: Path, count: int) -> list[Reading]:
    """The messages `0.eml` and so on in `folder`."""
    return read_by_program(["perl", PROGRAM], folder, count, CLEAN_ENVIRONMENT)
