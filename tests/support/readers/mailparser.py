"""npm's mailparser, the reader behind many programs of Node.js; `mailparser.js` is the program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.postfix import CLEAN_ENVIRONMENT
from tests.support.readers.reading import read_by_program
from tests.support.servers.npm import MODULES, missing_package

if TYPE_CHECKING:
    from tests.support.readers.reading import Reading

PROGRAM = Path(__file__).with_suffix(".js")


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return missing_package("mailparser")


def read(folder: Path, count: int) -> list[Reading]:
    """The messages `0.eml` and so on in `folder`."""
    return read_by_program(["node", PROGRAM], folder, count, {**CLEAN_ENVIRONMENT, "NODE_PATH": str(MODULES)})
