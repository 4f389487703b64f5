"""mutt reads the same in a file of aliases as we do, and what we keep in an mbox."""

from __future__ import annotations

import mailbox
import os
import shutil
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addressees import parse_addressees
from sendmail_cli.config.alias_files import parse_mutt_aliases
from sendmail_cli.environment import Environment
from sendmail_cli.message.store import Copy, keep

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


def test_it_reads_our_mailboxes(tmp_path: Path) -> None:
    """It copies each message of an mbox that we wrote to a Maildir of its own."""
    if shutil.which("mutt") is None:
        pytest.skip("mutt is not installed")
    texts = (b"From here\r\n\r\nFrom there\r\n", b"two\r\n")
    for number, text in enumerate(texts):
        header = b"From: ada@example.org\r\nSubject: %d\r\n\r\n" % number
        keep(Copy("ada@example.org", b"Bcc: eve@example.org\r\n", [header, text]), f"{tmp_path}/sent", Environment({}))
    keys = f"<tag-pattern>~A<enter><tag-prefix><copy-message>{tmp_path}/read<enter><exit>"
    (tmp_path / "muttrc").write_text(
        f'set mbox_type=Maildir nomove quit=yes noconfirmappend noconfirmcreate folder={tmp_path}\npush "{keys}"\n'
    )

    ours, theirs = os.openpty()
    with open(ours, "rb"), open(theirs, "rb") as terminal:
        command = ["mutt", "-n", "-F", str(tmp_path / "muttrc"), "-R", "-f", str(tmp_path / "sent")]
        variables = os.environ | {"TERM": "xterm", "HOME": str(tmp_path)}
        subprocess.run(command, stdin=terminal, stdout=terminal, stderr=terminal, env=variables, timeout=60, check=True)

    with closing(mailbox.Maildir(tmp_path / "read", create=False)) as box:
        read = sorted((str(each["Subject"]), str(each["Bcc"]), each.get_payload(decode=True)) for each in box)
    assert [each[:2] for each in read] == [("0", "eve@example.org"), ("1", "eve@example.org")]
    assert [each[2] for each in read] == [b">From here\n\n>From there\n", b"two\n"]  # mutt leaves the quotes
