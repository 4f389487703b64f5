"""Every class of error through the installed command: its exit code and its message.

A class without a case fails `test_every_class_has_a_case`.
"""

from __future__ import annotations

import socket
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sendmail_cli import errors
from sendmail_cli.config.oauth.token_requests import TokenRefused
from sendmail_cli.config.server_url import PasswordInURL
from sendmail_cli.errors import MailError
from tests.support.certificates import Kind, server_context
from tests.support.scripted_server import ScriptedServer, parse_script
from tests.support.small_servers import EHLO, GREETING, MAIL, PASSWORD, QUIT, REFUSED_SIGN_IN, SIGN_IN, refusing

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.support.command import Done, Installed

BY_PROFILE = ("send", "bob@example.org", "-m", "hi")
SEND = (*BY_PROFILE, "-f", "ada@example.org")
PROFILE = '[profile.work]\nfrom = "ada@example.org"\nserver = "ada@example.org@localhost:{port}"\ntls = "none"\n'
BROKEN = "from sendmail_cli import service\ndef send(*_, **__): raise ZeroDivisionError\nservice.send = send\n"
IMPATIENT = "from sendmail_cli.config import password_command\npassword_command.TIMEOUT = 0.1\n"


class Case(NamedTuple):
    """One way to bring about an error of `kind`. In arguments and texts `{port}` is the server's."""

    kind: type[MailError]
    code: int
    message: str
    words: tuple[str, ...] = SEND
    script: str | None = None  # what the server plays; then -S names it, unless there is a profile
    is_tls: bool = False
    profiles: str | None = None
    variables: tuple[tuple[str, str], ...] = ()
    injected: str | None = None
    stdin: bytes = b""
    has_json: bool = True  # the command knows --json, which tells the class

    def __str__(self) -> str:
        return f"{self.kind.__name__}-{self.code}"


WITH_PASSWORD = (("SENDMAIL_CLI_PASSWORD__WORK", PASSWORD),)
CASES = (
    Case(errors.UsageError, 64, "no recipients", ("send", "-f", "a@example.org", "-m", "hi", "-S", "localhost:1")),
    Case(
        errors.DataError,
        65,
        "line 1 is no header field: “hello”",
        ("send", "--raw", "-", "-S", "localhost:1"),
        stdin=b"hello\n",
    ),
    Case(
        errors.DataError,
        65,
        "line 1 of the message ends in LF alone; nothing may be changed (--no-fixup)",
        ("send", "--raw", "-", "--no-fixup", "-S", "127.0.0.1:9"),
        stdin=b"From: a@example.org\nTo: b@example.org\n\n\xff\n",
    ),
    Case(errors.AddressError, 65, "recipient: “bob@” is no valid address", ("send", "bob@", "-m", "hi")),
    Case(errors.HeaderError, 65, "the subject must not hold a line break", (*SEND, "-s", "a\nBcc: eve@example.org")),
    Case(
        errors.MessageTooLarge,
        65,
        "octets and the server takes at most 10",
        script=GREETING + "C? EHLO\nS: 250-mx\nS: 250 SIZE 10\n" + QUIT,
    ),
    Case(errors.InputError, 66, "can't read “/no/such/file”: No such file or", (*SEND, "-a", "/no/such/file")),
    Case(
        errors.OutputError,
        73,
        "can't write to the folder /dev/null/",
        (*BY_PROFILE, "-p", "sandbox"),
        variables=(("XDG_STATE_HOME", "/dev/null"),),
    ),
    Case(errors.InputOutputError, 74, "can't read “/proc/self/mem”: Input/output", (*SEND, "-a", "/proc/self/mem")),
    Case(errors.HostNotFound, 68, "there is no host named nosuch.invalid", (*SEND, "-S", "nosuch.invalid")),
    Case(
        errors.NotOffered,
        69,
        "does not offer STARTTLS, so nothing was sent",
        (*SEND, "--tls", "starttls"),
        script=EHLO + QUIT,
    ),
    Case(errors.NotOffered, 69, "offers no sign-in", BY_PROFILE, profiles=PROFILE, script=EHLO + QUIT),
    Case(
        errors.CertificateRejected,
        69,
        "the certificate of localhost is signed by itself",
        (*SEND, "--tls", "implicit"),
        script="S! close\n",
        is_tls=True,
    ),
    Case(errors.InternalError, 70, "this is a fault of sendmail-cli itself: ZeroDivisionError", injected=BROKEN),
    Case(
        errors.LocalProtocolError,
        70,
        "the sign-in needs a line longer than 12288 octets",
        BY_PROFILE,
        profiles=PROFILE,
        script=SIGN_IN + "C? AUTH PLAIN\nS: 334\nC~\n",
        variables=(("SENDMAIL_CLI_PASSWORD__WORK", "x" * 20000),),
    ),
    Case(
        errors.ResourceError,
        71,
        "can't listen on port {port} of this machine: Address already in use",
        ("sandbox", "--port", "{port}"),
        script="S! stall\n",
        has_json=False,
    ),
    Case(
        errors.TemporaryError,
        75,
        "password_command “sleep” took longer than 0.1 seconds",
        BY_PROFILE,
        profiles=PROFILE + 'password_command = ["sleep", "60"]\n',
        script=SIGN_IN + QUIT,
        injected=IMPATIENT,
    ),
    Case(errors.ConnectFailed, 75, "no connection to localhost port 1: connection refused"),
    Case(errors.ConnectionLost, 75, "", script=GREETING + "C? EHLO\nS! close\n"),
    Case(errors.DeadlineExceeded, 75, "within 0.2 seconds", (*SEND, "--timeout", "0.2"), script="S! stall\n"),
    Case(
        errors.KeyringLocked,
        75,
        "the keyring can't be used now: the session bus at unix:path=/nonexistent can't be",
        BY_PROFILE,
        profiles=PROFILE,
        script=SIGN_IN + QUIT,
        variables=(("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent"),),
    ),
    Case(errors.RemoteProtocolError, 76, "this is", script="S: HTTP/1.1 400 Bad Request\nS:\nS! close\n"),
    Case(errors.ReplyTooLong, 75, "the server's reply has no end", script="S= {220-more\\r\\n*5000}\nC~\n"),
    Case(
        errors.TLSHandshakeFailed,
        76,
        "something that is not TLS",
        (*SEND, "--tls", "implicit"),
        script="S: 220 mx ESMTP\nC~\n",
    ),
    Case(errors.CommandRefused, 69, "the server turned us away", script="S: 554 no service here\n" + QUIT),
    Case(
        errors.AuthenticationFailed,
        77,
        "the server did not accept the sign-in by PLAIN",
        BY_PROFILE,
        profiles=PROFILE,
        script=REFUSED_SIGN_IN,
        variables=WITH_PASSWORD,
    ),
    Case(
        errors.AuthenticationFailed,
        75,
        "the server did not accept the sign-in by PLAIN",
        BY_PROFILE,
        profiles=PROFILE,
        script=SIGN_IN + "C? AUTH\nS: 454 4.7.0 not now\n" + QUIT,
        variables=WITH_PASSWORD,
    ),
    Case(
        errors.TokenRejected,
        77,
        "the server did not accept the sign-in by XOAUTH2",
        BY_PROFILE,
        profiles=f'{PROFILE}auth = "xoauth2"\n',
        script=GREETING
        + "C? EHLO\nS: 250-mx\nS: 250 AUTH XOAUTH2\nC? AUTH\nS: 334 eyJzdGF0dXMiOiI0MDEifQ==\nC?\nS: 535 5.7.8 no\n"
        + QUIT,
        variables=WITH_PASSWORD,
    ),
    Case(
        errors.SpoolError,
        75,
        "can't be",
        (*BY_PROFILE, "--queue"),
        profiles=PROFILE.replace("{port}", "2525"),
        variables=(("SENDMAIL_CLI_SPOOL", "/proc/nowhere"),),
    ),
    Case(errors.ConfigError, 78, "profiles.toml, line 1, column 6: not TOML", BY_PROFILE, profiles="this is no TOML\n"),
    Case(errors.ConfigError, 78, "no profile is set up in", BY_PROFILE),
    Case(
        errors.CredentialMissing,
        78,
        "there is no password for “ada@example.org” at localhost:{port}: SENDMAIL_CLI_PASSWORD__WORK is not set; ",
        BY_PROFILE,
        profiles=PROFILE,
        script=SIGN_IN + QUIT,
    ),
)
# Verdicts of a server about a message: no exception, but what stands in the report.
VERDICTS = (
    (refusing(MAIL, "RCPT", "550 5.1.1 nobody"), 67, "550 5.1.1 nobody"),
    (refusing(MAIL, "RCPT", "550 nobody"), 67, "550 nobody"),
    (refusing(MAIL, "RCPT", "550 5.1.2 no such domain"), 68, "550 5.1.2 no such domain"),
    (refusing(MAIL, "RCPT", "550 5.7.1 policy"), 77, "550 5.7.1 policy"),
    (refusing(MAIL, "RCPT", "451 4.7.1 grey"), 75, "451 4.7.1 grey"),
    (refusing(EHLO, "MAIL", "550 5.1.8 your domain"), 65, "550 5.1.8 your domain"),
    (refusing(EHLO, "MAIL", "530 5.7.0 sign in"), 77, "530 5.7.0 sign in"),
    (refusing(EHLO, "MAIL", "503 5.5.1 no"), 76, "503 5.5.1 no"),
)


def classes() -> set[type[MailError]]:
    """Every class of the tree below `MailError`."""
    found: set[type[MailError]] = set()
    waiting = [MailError]
    while waiting:
        below = waiting.pop().__subclasses__()
        found.update(below)
        waiting += below
    return {each for each in found if each.__module__.startswith("sendmail_cli.")}


# What only a provider or a relay brings about, or what others make another error of; and the file that tests it.
ELSEWHERE = {
    errors.SignInNeeded: "tests/integration/test_oauth.py",
    errors.MailLoop: "tests/unit/test_relay.py",
    PasswordInURL: "tests/cli/test_profile.py",
    TokenRefused: "tests/unit/config/oauth/test_token_requests.py",
}


def test_every_class_has_a_case() -> None:
    assert classes() - {case.kind for case in CASES} == set(ELSEWHERE)


def test_what_is_tested_elsewhere_has_its_file() -> None:
    root = Path(__file__).parents[2]
    assert [name for name in ELSEWHERE.values() if not (root / name).is_file()] == []


def test_every_case_is_of_its_classes_exit_code() -> None:
    by_reply = (errors.CommandRefused, errors.AuthenticationFailed, errors.TokenRejected)
    assert [case for case in CASES if case.kind not in by_reply and case.code != case.kind.exit_code] == []


def run(case: Case, command: Installed, *options: str) -> tuple[Done, int]:
    """What the command does in this case, and the server's port."""
    playing: AbstractContextManager[ScriptedServer | None] = nullcontext()
    if case.script is not None:
        context = server_context(Kind.SELF_SIGNED) if case.is_tls else None
        playing = ScriptedServer(parse_script(case.script), tls=context)
    variables = dict(case.variables)
    if case.injected is not None:
        variables |= command.inject(case.injected)
    with playing as mx:
        port = 0 if mx is None else mx.port
        words = [word.format(port=port) for word in case.words]
        if case.profiles is not None:
            command.configure(case.profiles.replace("{port}", str(port)))
        elif "-S" not in words and (words[: len(SEND)] == [*SEND] or (mx is not None and words[0] == "send")):
            words += ["-S", f"localhost:{port or 1}"]
        return command(*words, *options, stdin=case.stdin, variables=variables), port


def skip_without_a_resolver(case: Case) -> None:
    if case.kind is not errors.HostNotFound:
        return
    try:
        socket.getaddrinfo("nosuch.invalid", 25)
    except socket.gaierror as error:
        if error.errno != socket.EAI_NONAME:
            pytest.skip(f"no name server says that a name doesn't exist: {error.strerror}")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_exit_code_and_message(case: Case, command: Installed) -> None:
    skip_without_a_resolver(case)

    done, port = run(case, command)

    assert done.code == case.code, done
    assert done.lines[0].startswith("sendmail-cli: ")
    assert case.message.replace("{port}", str(port)) in done.lines[0]
    assert "Traceback" not in done.err
    assert done.out == b""


@pytest.mark.parametrize("case", [case for case in CASES if case.has_json], ids=str)
def test_json_tells_the_class(case: Case, command: Installed) -> None:
    skip_without_a_resolver(case)

    done, port = run(case, command, "--json")

    assert done.json["exit_code"] == done.code == case.code
    assert done.json["error"]["kind"] == case.kind.__name__
    assert case.message.replace("{port}", str(port)) in done.json["error"]["message"]


@pytest.mark.parametrize(("script", "code", "said"), VERDICTS)
def test_verdicts_of_a_server(command: Installed, script: str, code: int, said: str) -> None:
    with ScriptedServer(parse_script(script)) as mx:
        done = command(*SEND, "-S", f"localhost:{mx.port}")

    assert (done.code, done.lines[0]) == (code, "sendmail-cli: not delivered")
    assert said in done.lines[1]
    assert mx.faults == []


def test_debug_shows_where_a_fault_was(command: Installed) -> None:
    done = command(*SEND, "-S", "localhost:1", "--debug", variables=command.inject(BROKEN))

    assert done.code == 70
    assert done.lines[0] == "Traceback (most recent call last):"
    assert "ZeroDivisionError" in done.err
    assert done.lines[-2] == "sendmail-cli: this is a fault of sendmail-cli itself: ZeroDivisionError"


def test_a_connection_that_breaks_is_never_taken_for_a_closed_standard_output(command: Installed) -> None:
    """click makes a silent exit 1 of EPIPE; the socket's must not get there."""
    script = GREETING + "C? EHLO\nS: 250 mx\nC? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? DATA\nS: 354 go on\nS! reset\n"
    with ScriptedServer(parse_script(script)) as mx:
        done = command(
            "send", "-f", "ada@example.org", "bob@example.org", "-S", f"localhost:{mx.port}", stdin=b"x\n" * 3_000_000
        )

    assert done.code == 75
    assert done.lines[0].startswith("sendmail-cli: the ")
    assert "Traceback" not in done.err
