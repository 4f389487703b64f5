"""SASL mechanisms (RFC 4422) for passwords: what each answers, and which to use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sendmail_cli.errors import ConfigError

if TYPE_CHECKING:
    from sendmail_cli.secret import Secret


class Mechanism(Protocol):
    """One sign-in by one mechanism; used once."""

    name: str

    def initial_response(self) -> bytes | None:
        """What goes along with AUTH; None where the server speaks first."""

    def respond(self, challenge: bytes) -> bytes:
        """The answer to a challenge."""

    def secrets(self) -> tuple[str, ...]:
        """Texts that must never be shown, whoever says them; their base64 forms are understood."""


class Plain:
    """PLAIN (RFC 4616): user and password in one line."""

    name = "PLAIN"

    def __init__(self, user: str, password: Secret) -> None:
        self._message = f"\0{_checked(user)}\0{_checked(password.reveal())}"
        self._password = password

    def initial_response(self) -> bytes | None:
        return self._message.encode()

    def respond(self, challenge: bytes) -> bytes:
        return self._message.encode()

    def secrets(self) -> tuple[str, ...]:
        return (self._message, self._password.reveal())


class Login:
    """LOGIN (never a standard; draft-murchison-sasl-login): the server asks for user, then for password."""

    name = "LOGIN"

    def __init__(self, user: str, password: Secret) -> None:
        self._answers = [_checked(user).encode(), _checked(password.reveal()).encode()]
        self._password = password

    def initial_response(self) -> bytes | None:
        return None

    def respond(self, challenge: bytes) -> bytes:
        return self._answers.pop(0) if self._answers else b""

    def secrets(self) -> tuple[str, ...]:
        return (self._password.reveal(),)


MECHANISMS: dict[str, type[Plain | Login]] = {"PLAIN": Plain, "LOGIN": Login}  # in the order they are preferred


def select_mechanisms(wanted: str, offered: tuple[str, ...]) -> tuple[str, ...]:
    """The mechanisms to try, best first. `wanted` is "auto" or a mechanism's name in any case.

    More than one matters only where the server says that it doesn't take the first after all (504): after a refused
    password no other is tried, since a few wrong sign-ins lock an account.
    """
    if wanted.lower() != "auto":
        return tuple(name for name in MECHANISMS if name == wanted.upper() and name in offered)
    return tuple(name for name in MECHANISMS if name in offered)


def _checked(text: str) -> str:
    if "\0" in text:
        raise ConfigError("user name and password can't hold a NUL character (RFC 4616 §2)")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ConfigError("user name and password must be UTF-8 (RFC 4616 §2)")
    return text
