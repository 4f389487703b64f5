"""Settings by variable alone, as in a container: no file, no home, nothing that can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.small_servers import PASSWORD, QUIT, SIGN_IN, USER, server

if TYPE_CHECKING:
    from tests.support.command import Installed
    from tests.support.leaks import Leaks
    from tests.support.sink import Sink

SENT = "C? AUTH\nS: 235 ok\nC? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? DATA\nS: 354 go on\nC.\nS: 250 ok\n" + QUIT


@pytest.mark.parametrize("home", [None, "/nonexistent", "/proc/1"])
def test_no_home_is_needed(command: Installed, sink: Sink, home: str | None) -> None:
    del command.variables["HOME"]
    if home is not None:
        command.variables["HOME"] = home
    command.variables |= {"SENDMAIL_CLI_SERVER": f"127.0.0.1:{sink.port}", "SENDMAIL_CLI_FROM": "ada@example.org"}
    done = command("send", "bob@example.org", "-m", "hi")
    assert (done.code, done.err) == (0, "")
    assert b"From: ada@example.org" in sink.received


@pytest.mark.parametrize(
    "how", ["SENDMAIL_CLI_PASSWORD", "SENDMAIL_CLI_PASSWORD_FILE", "SENDMAIL_CLI_PASSWORD_COMMAND"]
)
def test_the_password_of_the_variables(command: Installed, leaks: Leaks, how: str) -> None:
    leaks.secret(PASSWORD)
    secret = command.home / "secret"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o444)
    leaks.keeps(secret)
    value = {"SENDMAIL_CLI_PASSWORD": PASSWORD, "SENDMAIL_CLI_PASSWORD_FILE": str(secret)}.get(how, f"cat {secret}")
    user = USER.replace("@", "%40")
    with server(SIGN_IN + SENT) as mx:
        done = leaks.watch(command)(
            "send", "bob@example.org", "-m", "hi", "-v", "--debug",
            variables={
                "SENDMAIL_CLI_SERVER": f"smtp://{user}@127.0.0.1:{mx.port}", "SENDMAIL_CLI_FROM": USER,
                "SENDMAIL_CLI_TLS": "none", how: value,
            },
        )  # fmt: skip
    assert done.code == 0, done.err
    assert "AUTH PLAIN ***" in done.err
    assert f"({how})" in done.err


def test_a_password_in_the_url_is_refused_and_not_shown(command: Installed, leaks: Leaks) -> None:
    leaks.secret(PASSWORD)
    done = leaks.watch(command)(
        "send", "bob@example.org", "-m", "hi", "--debug",
        variables={"SENDMAIL_CLI_SERVER": f"smtps://ada:{PASSWORD}@127.0.0.1", "SENDMAIL_CLI_FROM": USER},
    )  # fmt: skip
    assert done.code == 78
    assert "SENDMAIL_CLI_SERVER: a password never stands in a server's address" in done.err
    assert "SENDMAIL_CLI_PASSWORD_FILE" in done.err
