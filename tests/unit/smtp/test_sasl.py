"""Mechanisms: what each answers, and which is used."""

import pytest

from sendmail_cli.errors import ConfigError
from sendmail_cli.secret import Secret
from sendmail_cli.smtp.sasl import MECHANISMS, Login, Plain, select_mechanisms


def test_plain_says_all_at_once() -> None:
    plain = Plain("ada", Secret("pä ss"))
    message = "\0ada\0pä ss".encode()
    assert plain.initial_response() == plain.respond(b"") == message
    assert plain.secrets() == ("\0ada\0pä ss", "pä ss")


def test_login_answers_two_challenges_and_then_nothing() -> None:
    login = Login("ada", Secret("pä ss"))
    assert login.initial_response() is None
    assert [login.respond(b"whatever") for _ in range(3)] == [b"ada", "pä ss".encode(), b""]
    assert login.secrets() == ("pä ss",)


@pytest.mark.parametrize("kind", MECHANISMS.values())
@pytest.mark.parametrize(("bad", "words"), [("a\0b", "NUL"), ("a\udc80", "UTF-8")])
def test_what_neither_user_nor_password_can_hold(kind: type[Plain | Login], bad: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        kind("ada", Secret(f"hunter2{bad}"))
    assert "hunter2" not in repr(caught.value)
    with pytest.raises(ConfigError, match=words):
        kind(bad, Secret("hunter2"))


@pytest.mark.parametrize("kind", MECHANISMS.values())
def test_trap21_a_mechanism_does_not_show_its_password(kind: type[Plain | Login]) -> None:
    assert "hunter2" not in repr(kind("ada", Secret("hunter2")))


@pytest.mark.parametrize(
    ("wanted", "offered", "expected"),
    [
        ("auto", ("LOGIN", "PLAIN"), ("PLAIN", "LOGIN")),
        ("Auto", ("LOGIN",), ("LOGIN",)),
        ("auto", ("GSSAPI",), ()),
        ("plain", ("LOGIN", "PLAIN"), ("PLAIN",)),
        ("LOGIN", ("LOGIN", "PLAIN"), ("LOGIN",)),
        ("login", ("PLAIN",), ()),
        ("gssapi", ("GSSAPI",), ()),
    ],
)
def test_which_are_tried(wanted: str, offered: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert select_mechanisms(wanted, offered) == expected
