"""That the grep for secrets finds them: else all tests with it would prove nothing."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.support.leaks import Leaks
from tests.support.small_servers import QUIT, SIGN_IN, USER, server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Installed

SECRET = "hunter2-Pässwörd"


@pytest.fixture
def own(tmp_path: Path) -> Leaks:
    """One that is not looked at again when the test ends."""
    own = Leaks(tmp_path)
    own.secret(SECRET)
    return own


@pytest.mark.parametrize(
    "text",
    [
        f"535 no: {SECRET}",
        SECRET.upper(),
        "{'password': " + repr(SECRET) + "}",
        '{"password": "hunter2-P\\u00e4ssw\\u00f6rd"}',
        "https://ada:hunter2-P%C3%A4ssw%C3%B6rd@host",
        *(base64.b64encode(b"x" * before + SECRET.encode() + b"yz").decode() for before in range(4)),
    ],
)
def test_it_finds_each_form(own: Leaks, text: str) -> None:
    own.see("nothing here")
    own.check()
    own.see(text)
    with pytest.raises(AssertionError, match="a secret shows"):
        own.check()


def test_it_finds_files_and_their_names(own: Leaks, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    own.search(tmp_path / "logs")
    log = tmp_path / "logs/log"
    log.write_text(f"AUTH {SECRET}")
    with pytest.raises(AssertionError, match=r"in .*/logs/log"):
        own.check()
    own.keeps(log)
    own.check()
    (tmp_path / "logs" / SECRET).touch()
    with pytest.raises(AssertionError, match="the name"):
        own.check()


def test_it_finds_what_children_get(own: Leaks, command: Installed, tmp_path: Path) -> None:
    """In their arguments; in an environment, by a fault that is put in for it."""
    fault = "import sendmail_cli.environment as e\ne.Environment.child_variables = lambda self: dict(self.variables)\n"
    variables = {"SENDMAIL_CLI_PASSWORD__OTHER": SECRET}
    watched = own.watch(command)
    with server(SIGN_IN + QUIT) as mx:
        command.configure(
            f'[profile.work]\nfrom = "{USER}"\nserver = "{USER}@localhost:{mx.port}"\ntls = "none"\n'
            f'password_command = ["{own.spy("x")}"]\n'
        )
        watched("check", variables=variables)
        own.check()
        assert str(own.spy()) in own.started
        watched("check", variables=variables | command.inject(fault))
    with pytest.raises(AssertionError, match="/started"):
        own.check()
