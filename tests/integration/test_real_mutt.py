"""mutt reads the same in a file of aliases as we do."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addressees import parse_addressees
from sendmail_cli.config.alias_files import parse_mutt_aliases

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real_server

ALIASES = r"""# friends
alias ada Ada Lovelace <ada@example.org> # since school
alias -group friends -group old bob bob@example.org (Bob), carol
  alias crew "Mark, H." <h@example.org>, \
     Deep "D, E" <d@example.org>
alias again old@example.org
alias AGAIN new@example.org
alias gone gone@example.org
unalias gone
"""


def test_aliases(tmp_path: Path) -> None:
    if shutil.which("mutt") is None:
        pytest.skip("mutt is not installed")
    (tmp_path / "aliases").write_text(ALIASES)
    (tmp_path / "muttrc").write_text(f"set charset=utf-8\nsource {tmp_path}/aliases\n")
    ours = {alias.name: alias.targets for alias in parse_mutt_aliases("aliases", ALIASES)}

    for name in ("ada", "bob", "crew", "AGAIN"):
        assert parse_addressees(_said_by_mutt(name, tmp_path).replace("\n", ", ")) == ours[name], name
    assert _said_by_mutt("gone", tmp_path).strip() == "gone"
    assert "gone" not in ours


def _said_by_mutt(name: str, folder: Path) -> str:
    command = ["mutt", "-F", str(folder / "muttrc"), "-A", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert not done.stderr
    return done.stdout
