"""GSSAPI: what is said around the tokens. Real tickets are in tests/integration."""

import pytest

from sendmail_cli.errors import ConfigError, RemoteProtocolError
from sendmail_cli.smtp.sasl import MECHANISMS
from sendmail_cli.smtp.sasl_gssapi import GSSAPI


class Context:
    """Is complete after two tokens of the server's; what it protects stands in angle brackets."""

    def __init__(self) -> None:
        self.heard: list[bytes | None] = []

    @property
    def is_complete(self) -> bool:
        return len(self.heard) > 2

    def step(self, token: bytes | None) -> bytes:
        self.heard.append(token)
        return b"" if self.is_complete else b"token %d" % len(self.heard)

    def unwrap(self, message: bytes) -> bytes:
        return message[1:-1]

    def wrap(self, message: bytes) -> bytes:
        return b"<" + message + b">"


def test_tokens_then_no_security_layer_and_whom_to_act_as() -> None:
    context = Context()
    mechanism = MECHANISMS["GSSAPI"].make("ada", context)
    assert mechanism.name == "GSSAPI"
    assert mechanism.initial_response() == b"token 1"
    assert mechanism.respond(b"one") == b"token 2"
    assert mechanism.respond(b"two") == b""
    assert mechanism.respond(b"<\x07\0\x10\0>") == b"<\x01\0\0\0ada>"
    assert context.heard == [None, b"one", b"two"]
    assert mechanism.secrets() == ()
    mechanism.check_end()


def test_the_first_token_may_be_too_long_for_the_line_of_auth() -> None:
    mechanism = GSSAPI("", Context())
    assert mechanism.respond(b"") == b"token 1"
    assert mechanism.respond(b"one") == b"token 2"
    assert mechanism.respond(b"") == b""  # a token, from now on
    assert mechanism.respond(b"<\x01\0\0\0>") == b"<\x01\0\0\0>"


def test_the_first_token_is_said_once() -> None:
    context = Context()
    mechanism = GSSAPI("", context)
    assert [mechanism.respond(b"") for _ in range(2)] == [b"token 1", b"token 2"]
    assert context.heard == [None, b""]


def begun() -> GSSAPI:
    mechanism = GSSAPI("", Context())
    for token in (b"one", b"two"):
        mechanism.respond(token)
    return mechanism


@pytest.mark.parametrize("layers", [b"\x06\0\x10\0", b"\0\0\0\0", b"", b"\x01\0\0", b"\x01\0\0\0\0"])
def test_a_server_that_wants_a_layer_of_its_own(layers: bytes) -> None:
    with pytest.raises(
        RemoteProtocolError, match=r"^the server takes GSSAPI only with a layer of its own below SMTP; TLS is ours$"
    ):
        begun().respond(b"<" + layers + b">")


def test_a_server_that_goes_on_after_the_end() -> None:
    mechanism = begun()
    mechanism.respond(b"<\x01\0\0\0>")
    with pytest.raises(RemoteProtocolError, match=r"^the server goes on after the end of GSSAPI$"):
        mechanism.respond(b"<\x01\0\0\0>")


def test_a_yes_without_the_servers_proof_is_no_yes() -> None:
    for mechanism in (GSSAPI("", Context()), begun()):
        with pytest.raises(
            RemoteProtocolError, match=r"^the server accepted GSSAPI without proving who it is, as an impostor would$"
        ):
            mechanism.check_end()


def test_a_user_with_nul_can_not_be_said() -> None:
    with pytest.raises(ConfigError, match="NUL"):
        MECHANISMS["GSSAPI"].make("a\0b", Context())
