"""The password shows nowhere: not in arguments, output, trace, JSON or traceback, not even if the server echoes it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command import finish, wait_for_line
from tests.support.small_servers import PASSWORD, QUIT, SIGN_IN, USER, forms_of, server

if TYPE_CHECKING:
    from tests.support.command import Done, Installed
    from tests.support.leaks import Leaks
    from tests.support.scripted_server import ScriptedServer

PLAIN = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
ENCODED = base64.b64encode(PASSWORD.encode()).decode()
EVERYWHERE = ("-v", "--debug")
ACCEPTED = "C? AUTH\nS: 235 2.7.0 Ok\n"
LOGIN = "C? AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC=\nS: 334 UGFzc3dvcmQ6\nC=\n"
BY_LOGIN = SIGN_IN.replace("AUTH PLAIN LOGIN", "AUTH LOGIN") + "C? AUTH LOGIN\n"
ECHOES = {
    "refused with it": SIGN_IN + f"C? AUTH\nS: 535 5.7.8 no: {PASSWORD} {ENCODED} {PLAIN}\n" + QUIT,
    "refused with it in capitals": SIGN_IN + f"C? AUTH\nS: 535 5.7.8 no: {PASSWORD.upper()}\n" + QUIT,
    "refused on several lines": SIGN_IN + f"C? AUTH\nS: 535-{PASSWORD}\nS: 535-{ENCODED}\nS: 535 {PLAIN}\n" + QUIT,
    "no reply at all": SIGN_IN + f"C? AUTH\nS: {PASSWORD} {PLAIN}\nC~\n",
    "asked again and again": SIGN_IN + "C? AUTH\n" + f"S: 334 {ENCODED}\nC?\n" * 21 + "C~\n",
    "said later": SIGN_IN + ACCEPTED + f"C? MAIL\nS: 550 5.7.1 not with {PASSWORD} or {PLAIN}\n" + QUIT,
    "said when it is sent": SIGN_IN + ACCEPTED
    + f"C? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? DATA\nS: 354 {PASSWORD}\nC.\nS: 250 {PASSWORD} {ENCODED}\n" + QUIT,
    "cut off": SIGN_IN + f"C? AUTH\nS= 535 {PASSWORD}\nS! close\n",
    "by LOGIN": BY_LOGIN + f"S: 334 VXNlcm5hbWU6\nC?\nS: 334 UGFzc3dvcmQ6\nC?\nS: 535 {ENCODED} {PASSWORD}\n" + QUIT,
}  # fmt: skip


@pytest.fixture
def command(command: Installed, leaks: Leaks) -> Installed:
    """All that it says, writes and starts is looked at."""
    leaks.secret(PASSWORD)
    leaks.keeps(command.home / "secret")
    return leaks.watch(command)


def configure(command: Installed, mx: ScriptedServer, source: str) -> dict[str, str]:
    """A profile whose password comes from `source`; gives the variables that it needs."""
    more = ""
    if source == "command":
        (command.home / "secret").write_text(PASSWORD)
        more = f'password_command = ["cat", "{command.home}/secret"]\n'
    command.configure(
        f'[profile.work]\nfrom = "{USER}"\nserver = "localhost:{mx.port}"\nuser = "{USER}"\ntls = "none"\n{more}'
    )
    return {"SENDMAIL_CLI_PASSWORD__WORK": PASSWORD} if source == "variable" else {}


def check_hidden(done: Done) -> None:
    said = done.out + done.err.encode()
    assert [form for form in forms_of(PASSWORD) if form.lower() in said.lower()] == []
    assert PASSWORD.casefold() not in said.decode().casefold()


@pytest.mark.parametrize("source", ["variable", "command"])
@pytest.mark.parametrize("echo", ECHOES)
def test_a_server_that_echoes_it(command: Installed, echo: str, source: str) -> None:
    with server(ECHOES[echo]) as mx:
        variables = configure(command, mx, source)
        words = ("send", "bob@example.org", "-m", "hi", *EVERYWHERE)
        said = command(*words, variables=variables)
        told = command(*words, "--json", variables=variables)

    for done in (said, told):
        check_hidden(done)
        assert "***" in done.err
        assert "Traceback" not in done.err
    assert [bool(played.received) for played in mx.connections] == [True, True]
    sent = bytes(mx.connections[0].received)
    assert any(form in sent for form in forms_of(PASSWORD)), "it was not even sent"


@pytest.mark.parametrize("words", [["check"], ["check", "--json"], ["profile", "show"], ["login", "--no-check"]])
@pytest.mark.parametrize("source", ["variable", "command"])
def test_other_commands(command: Installed, words: list[str], source: str) -> None:
    with server(SIGN_IN + ACCEPTED + QUIT) as mx:
        variables = configure(command, mx, source)
        done = command(*words, *EVERYWHERE, stdin=PASSWORD.encode(), variables=variables)

    assert done.code == (0 if words[0] != "login" else 78)  # there is no keyring here
    check_hidden(done)


@pytest.mark.parametrize("place", ["sendmail_cli.smtp.sasl.Plain.respond", "sendmail_cli.smtp.commands.auth"])
def test_a_fault_while_it_is_in_hand(command: Installed, place: str) -> None:
    """The traceback names lines of the program, and no values."""
    module, _, name = place.rpartition(".")
    owner, _, attribute = module.rpartition(".") if module[-5:] == "Plain" else (module, "", name)
    code = (
        f"import {owner} as module\nimport sendmail_cli.session\n"
        "def fail(*words): raise ValueError(*words[:0])\n"
        + (f"module.Plain.{name} = module.Plain.initial_response = fail\n" if module.endswith("Plain")
           else f"module.{attribute} = fail\n")
    )  # fmt: skip
    with server(SIGN_IN + "C~\n") as mx:
        variables = configure(command, mx, "variable") | command.inject(code)
        done = command("send", "bob@example.org", "-m", "hi", *EVERYWHERE, variables=variables)

    assert done.code == 70
    assert "Traceback (most recent call last):" in done.lines
    check_hidden(done)


def test_a_password_that_can_not_be_sent(command: Installed) -> None:
    with server(SIGN_IN + QUIT) as mx:
        variables = configure(command, mx, "variable")
        done = command(
            "send", "bob@example.org", "-m", "hi", *EVERYWHERE,
            variables=variables | {"SENDMAIL_CLI_PASSWORD__WORK": PASSWORD + "\nQUIT"},
        )  # fmt: skip

    assert done.code == 78
    check_hidden(done)


def test_it_is_in_no_argument_and_in_no_childs_environment(command: Installed) -> None:
    """The program that gives the password sees its parent's arguments, and its own environment."""
    spy = command.home / "spy"
    spy.write_text(f'#!/bin/sh\ntr "\\0" " " < /proc/$PPID/cmdline > "{spy}.argv"\nenv > "{spy}.env"\nexit 1\n')
    spy.chmod(0o755)
    with server(SIGN_IN + QUIT) as mx:
        command.configure(
            f'[profile.work]\nfrom = "{USER}"\nserver = "{USER}@localhost:{mx.port}"\ntls = "none"\n'
            f'password_command = ["{spy}"]\n[profile.other]\nfrom = "{USER}"\nserver = "localhost"\n'
        )
        done = command(
            "send", "-p", "work", "bob@example.org", "-m", "hi", variables={"SENDMAIL_CLI_PASSWORD__OTHER": PASSWORD}
        )

    assert done.code == 78
    assert "send -p work" in Path(f"{spy}.argv").read_text()
    assert PASSWORD not in Path(f"{spy}.argv").read_text() + Path(f"{spy}.env").read_text()


def test_the_argument_list_of_the_running_command_has_none(command: Installed) -> None:
    with server(SIGN_IN + "C? AUTH\nS! stall\n") as mx:
        variables = configure(command, mx, "command")
        with command.started("send", "bob@example.org", "-v", "-m", "hi", variables=variables) as process:
            wait_for_line(process, b"AUTH PLAIN ***")
            argv = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            process.terminate()
            done = finish(process)

    assert PASSWORD.encode() not in argv
    assert done.code == 143
    check_hidden(done)
