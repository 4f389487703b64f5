"""A client's secret out of a variable, or out of the file that one names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.oauth.client_secret import client_secret, secret_variable, usable_secret
from sendmail_cli.errors import ConfigError, CredentialMissing
from sendmail_cli.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.config.oauth.conftest import World

VARIABLE = "SENDMAIL_CLI_CLIENT_SECRET__MY_WORK"


def test_a_variable_is_gone_once_it_was_read(world: World) -> None:
    assert secret_variable("my.work") == VARIABLE
    assert client_secret("my.work", (), world) is None
    world.variables[VARIABLE] = "s3cret"
    assert VARIABLE not in world.child_variables()
    assert client_secret("my.work", (), world) == Secret("s3cret")
    assert VARIABLE not in world.variables


def test_a_file_has_one_line(world: World, tmp_path: Path) -> None:
    world.variables[f"{VARIABLE}_FILE"] = str(tmp_path / "secret")
    with pytest.raises(CredentialMissing, match="can't be read"):
        client_secret("my.work", (), world)
    (tmp_path / "secret").write_text("s3cret\n")
    assert client_secret("my.work", (), world) == Secret("s3cret")


def test_a_variable_of_two_profiles_is_refused(world: World) -> None:
    world.variables[VARIABLE] = "s3cret"
    with pytest.raises(ConfigError, match=r"my.work, my-work"):
        client_secret("my.work", ("my-work",), world)


@pytest.mark.parametrize("text", ["a\nb", "sécret", "\x1b", "x" * 4097])
def test_what_is_no_secret(text: str) -> None:
    with pytest.raises(ConfigError, match="the client secret from the test is none") as caught:
        usable_secret(text, "the test")
    assert text not in str(caught.value)
