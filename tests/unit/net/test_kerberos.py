"""What Kerberos' library says, as errors of ours. Real tickets are in tests/integration."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sendmail_cli.errors import ConfigError, ConnectFailed, CredentialMissing, MailError, RemoteProtocolError
from sendmail_cli.net.kerberos import security_context


class GSSError(Exception):
    """As the package's."""

    def __init__(self, code: int = 0) -> None:
        super().__init__()
        self.min_code = code

    def get_all_statuses(self, code: int, is_major: bool) -> list[str]:  # the package's signature
        return [f"code {code}", f"major: {is_major}\x1b"]


class Library(ModuleType):
    """In place of the package: each call fails with `error` when there is one."""

    def __init__(self) -> None:
        super().__init__("gssapi")
        self.error: GSSError | None = None
        self.asked: dict[str, Any] = {}
        self.is_name_refused = False
        self.complete = False
        self.NameType = SimpleNamespace(hostbased_service="host-based service")
        self.RequirementFlag = SimpleNamespace(mutual_authentication=2, integrity=32)
        self.MechType = SimpleNamespace(kerberos="kerberos")

    def Name(self, name: str, kind: str) -> str:  # noqa: N802 # the package's name
        if self.is_name_refused:
            raise GSSError
        return f"{kind} {name}"

    def SecurityContext(self, **asked: Any) -> Library:  # noqa: N802 # the package's name
        self.asked = asked
        return self

    def step(self, token: bytes | None) -> bytes | None:
        self.fail()
        return b"first" if token is None else None

    def wrap(self, message: bytes, *, encrypt: bool) -> SimpleNamespace:
        self.fail()
        return SimpleNamespace(message=b"secret" if encrypt else b"<" + message + b">")

    def unwrap(self, message: bytes) -> SimpleNamespace:
        self.fail()
        return SimpleNamespace(message=message[1:-1])

    def fail(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    library, raw = Library(), ModuleType("gssapi.raw")
    raw.GSSError = GSSError  # type: ignore[attr-defined] # a module made here
    monkeypatch.setitem(sys.modules, "gssapi", library)
    monkeypatch.setitem(sys.modules, "gssapi.raw", raw)
    return library


def test_a_context_with_the_mail_service_of_the_host(library: Library) -> None:
    context = security_context("mx.example.org")
    assert library.asked == {
        "name": "host-based service smtp@mx.example.org",
        "mech": "kerberos",
        "flags": 2 | 32,
        "usage": "initiate",
    }
    assert (context.step(None), context.step(b"x")) == (b"first", b"")
    for is_complete in (False, True):
        library.complete = is_complete
        assert context.is_complete == is_complete
    assert (context.wrap(b"x"), context.unwrap(b"<x>")) == (b"<x>", b"x")


@pytest.mark.parametrize(
    ("code", "kind", "exit_code", "words"),
    [
        (2529639053, CredentialMissing, 78, "no Kerberos ticket to sign in with at mx: code 2529639053"),
        (2529638944, CredentialMissing, 78, "no Kerberos ticket"),
        (2529639107, CredentialMissing, 78, "no Kerberos ticket"),
        (2529639068, ConnectFailed, 75, "nobody gives a Kerberos ticket for mx just now"),
        (2529638919, ConfigError, 78, r"knows no mail service on mx \(smtp/mx\)"),
        (1, ConfigError, 78, r"gives no ticket for mx: code 1; major: False\\x1b"),
    ],
)
def test_why_there_is_no_ticket(library: Library, code: int, kind: type[MailError], exit_code: int, words: str) -> None:
    library.error = GSSError(code)
    with pytest.raises(kind, match=words) as caught:
        security_context("mx").step(None)
    assert caught.value.exit_code == exit_code
    assert (caught.value.hint == "Get one with: kinit") == (kind is CredentialMissing)


def test_what_no_honest_server_says(library: Library) -> None:
    context = security_context("mx")
    library.error = GSSError(7)
    for act in (context.step, context.wrap, context.unwrap):
        with pytest.raises(RemoteProtocolError, match="the server's part of GSSAPI is not right: code 7"):
            act(b"x")


def test_a_name_that_kerberos_does_not_take(library: Library) -> None:
    library.is_name_refused = True
    with pytest.raises(ConfigError, match="takes no mx for the name of a host"):
        security_context("mx")


def test_a_socket_has_no_ticket() -> None:
    with pytest.raises(ConfigError, match="a ticket is for a named host"):
        security_context("")


def test_without_the_package_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)
    with pytest.raises(ConfigError, match="needs the Python package gssapi") as caught:
        security_context("mx")
    assert "pip install 'sendmail-cli[gssapi]'" in caught.value.hint
    assert caught.value.exit_code == 78
