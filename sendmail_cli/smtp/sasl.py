"""SASL mechanisms (RFC 4422): what each answers, what each gives away, and which to use.

A mechanism is used once. The order and the rules against being talked down to a weaker one are in `select_mechanisms`.
"""

from __future__ import annotations

from enum import Enum
from functools import partial

from sendmail_cli.errors import ConfigError, RemoteProtocolError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sendmail_cli.secret import Secret
    from sendmail_cli.smtp.sasl_gssapi import SecurityContext

MAX_WHY = 300  # characters
TOKEN_REJECTED = ("invalid_token", "401")  # RFC 7628 §3.2.2; what Google and Dovecot say by XOAUTH2
BY_TOKEN = ("OAUTHBEARER", "XOAUTH2")  # the standard before what was there before it


class Mechanism(Protocol):
    """One sign-in by one mechanism."""

    name: str
    why: str  # what a challenge said of a refusal, printable; "" for nothing
    is_token_rejected: bool  # where the server says no: another token may do

    def initial_response(self) -> bytes | None:
        """What goes along with AUTH; None where the server speaks first."""

    def respond(self, challenge: bytes) -> bytes:
        """The answer to a challenge. Raises `RemoteProtocolError` for one that no honest server sends."""

    def secrets(self) -> tuple[str, ...]:
        """Texts that must never be shown, whoever says them; their base64 forms are understood."""

    def check_end(self) -> None:
        """Called when the server has said yes. Raises `RemoteProtocolError` where it had to prove itself and didn't."""


class _Password:
    """What mechanisms with user and password have in common."""

    name = ""
    why = ""
    is_token_rejected = False

    def __init__(self, user: str, password: Secret) -> None:
        self._user = _checked(user)
        self._password = _checked(password.reveal())

    def initial_response(self) -> bytes | None:
        return None

    def secrets(self) -> tuple[str, ...]:
        return (self._password,)

    def check_end(self) -> None:
        return


class Plain(_Password):
    """PLAIN (RFC 4616): user and password in one line."""

    name = "PLAIN"

    def initial_response(self) -> bytes | None:
        return self._message.encode()

    def respond(self, challenge: bytes) -> bytes:
        return self._message.encode()

    def secrets(self) -> tuple[str, ...]:
        return (self._message, self._password)

    @property
    def _message(self) -> str:
        return f"\0{self._user}\0{self._password}"


class Login(_Password):
    """LOGIN (never a standard; draft-murchison-sasl-login): the server asks for user, then for password."""

    name = "LOGIN"

    def __init__(self, user: str, password: Secret) -> None:
        super().__init__(user, password)
        self._answers = [self._user.encode(), self._password.encode()]

    def respond(self, challenge: bytes) -> bytes:
        return self._answers.pop(0) if self._answers else b""


class CramMD5(_Password):
    """CRAM-MD5 (RFC 2195): a digest of challenge and password. Better than nothing, where nothing better is."""

    name = "CRAM-MD5"

    def respond(self, challenge: bytes) -> bytes:
        import hmac

        digest = hmac.new(self._password.encode(), challenge, "md5").hexdigest()
        return f"{self._user} {digest}".encode()


class Scram(_Password):
    """SCRAM (RFC 5802, RFC 7677): the password never crosses the wire, and the server has to know it too."""

    MIN_ITERATIONS = 4096  # RFC 7677 §4
    MAX_ITERATIONS = 10_000_000  # some seconds of work; more is an attack on our time
    MAX_CHALLENGE = 4096  # octets; honest ones have some hundred, and our answer repeats half of it in one line

    def __init__(self, name: str, user: str, password: Secret) -> None:
        from scramp import ScramClient, ScramException

        super().__init__(user, password)
        self.name = name
        self._failure = ScramException
        self._stages = 0
        try:
            self._client = ScramClient([name], self._user, self._password)
        except ScramException as error:
            raise ConfigError(f"this user name or password can't be used with {name}: {error}") from None

    def initial_response(self) -> bytes | None:
        first: str = self._client.get_client_first()
        return first.encode()

    def respond(self, challenge: bytes) -> bytes:
        self._stages += 1
        if len(challenge) > self.MAX_CHALLENGE:
            raise RemoteProtocolError(f"the server's part of {self.name} is not right: it has no end")
        try:
            if self._stages == 1:
                return self._final(challenge.decode())
            if self._stages == 2:
                self._client.set_server_final(challenge.decode())
                return b""
        except (self._failure, ValueError) as error:
            raise RemoteProtocolError(f"the server's part of {self.name} is not right: {error}") from None
        raise RemoteProtocolError(f"the server goes on after the end of {self.name}")

    def check_end(self) -> None:
        """The proof that the server knows the password is what makes SCRAM safe: without it a yes is no yes."""
        if self._stages < 2:
            raise RemoteProtocolError(
                f"the server accepted {self.name} without proving that it knows the password, as an impostor would"
            )

    def _final(self, server_first: str) -> bytes:
        fields = dict(field.partition("=")[::2] for field in server_first.split(","))
        iterations = fields.get("i", "")
        if not (iterations.isascii() and iterations.isdigit() and len(iterations) < 10):
            raise ValueError("no iteration count")
        if not self.MIN_ITERATIONS <= int(iterations) <= self.MAX_ITERATIONS:
            raise ValueError(f"{iterations} iterations are not between {self.MIN_ITERATIONS} and {self.MAX_ITERATIONS}")
        self._client.set_server_first(server_first)
        final: str = self._client.get_client_final()
        return final.encode()


class XOAuth2(_Password):
    """XOAUTH2 (Google, Microsoft): a token in place of the password. An error comes as a challenge in JSON."""

    name = "XOAUTH2"
    is_token_rejected = True  # a refusal without any challenge (Microsoft's 535 5.7.3) doesn't say that it is not that

    def initial_response(self) -> bytes | None:
        return self._message.encode()

    def respond(self, challenge: bytes) -> bytes:
        self._hear(challenge)
        return b""  # asks for the refusal itself

    def secrets(self) -> tuple[str, ...]:
        return (self._message, self._password)

    def _hear(self, challenge: bytes) -> None:
        """The challenge says why not: {"status": "invalid_token", …}, or 401 by XOAUTH2."""
        self.why = printable(challenge.decode("utf-8", "backslashreplace"), MAX_WHY)
        self.is_token_rejected = _status_of(challenge) in TOKEN_REJECTED

    @property
    def _message(self) -> str:
        return f"user={self._user}\1auth=Bearer {self._password}\1\1"


class OAuthBearer(XOAuth2):
    """OAUTHBEARER (RFC 7628)."""

    name = "OAUTHBEARER"

    def respond(self, challenge: bytes) -> bytes:
        self._hear(challenge)
        return b"\1"  # RFC 7628 §3.2.3

    @property
    def _message(self) -> str:
        user = self._user.replace("=", "=3D").replace(",", "=2C")  # RFC 5801 §4
        return f"n,a={user},\1auth=Bearer {self._password}\1\1"


class External:
    """EXTERNAL (RFC 4422 appendix A): the certificate that we showed in TLS says who we are.

    What is said here is only whom we want to act as; nothing, where that follows from the certificate.
    """

    name = "EXTERNAL"
    why = ""
    is_token_rejected = False

    def __init__(self, user: str) -> None:
        self._user = _checked(user)

    def initial_response(self) -> bytes | None:
        return self._user.encode()

    def respond(self, challenge: bytes) -> bytes:
        return self._user.encode()

    def secrets(self) -> tuple[str, ...]:
        return ()

    def check_end(self) -> None:
        return


class Proof(Enum):
    """What a mechanism proves with who we are."""

    PASSWORD = "a password"  # noqa: S105 # or a token: a `Secret`
    CERTIFICATE = "a certificate"  # shown in TLS already: None
    TICKET = "a ticket"  # a `SecurityContext` of `sasl_gssapi`


class Choice(NamedTuple):
    """A mechanism one can choose."""

    make: Callable[[str, Any], Mechanism]  # from the user, and what `proof` says
    needs_tls: bool  # without it, whoever listens gets the secret, or enough to guess it at leisure
    is_automatic: bool  # "auto" may take it for a password
    proof: Proof = Proof.PASSWORD
    advice: str = ""  # what to do after a refusal; "": what the reply says goes for it


def _gssapi(user: str, context: SecurityContext) -> Mechanism:
    from sendmail_cli.smtp.sasl_gssapi import GSSAPI

    return GSSAPI(_checked(user), context)


# In the order they are preferred. SCRAM-SHA-256 comes first, since the server never sees the password; PLAIN before the
# rest, since TLS protects it and the others rest on broken digests.
MECHANISMS: dict[str, Choice] = {
    "SCRAM-SHA-256": Choice(partial(Scram, "SCRAM-SHA-256"), needs_tls=False, is_automatic=True),
    "PLAIN": Choice(Plain, needs_tls=True, is_automatic=True),
    "LOGIN": Choice(Login, needs_tls=True, is_automatic=True),
    "SCRAM-SHA-1": Choice(partial(Scram, "SCRAM-SHA-1"), needs_tls=False, is_automatic=True),
    "CRAM-MD5": Choice(CramMD5, needs_tls=True, is_automatic=True),
    "OAUTHBEARER": Choice(OAuthBearer, needs_tls=True, is_automatic=False),
    "XOAUTH2": Choice(XOAuth2, needs_tls=True, is_automatic=False),
    "EXTERNAL": Choice(
        lambda user, _: External(user),
        needs_tls=True,
        is_automatic=False,
        proof=Proof.CERTIFICATE,
        advice="The server takes our certificate (tls_cert) for nobody it knows, or not for the profile's user.",
    ),
    "GSSAPI": Choice(
        _gssapi,
        needs_tls=False,
        is_automatic=False,
        proof=Proof.TICKET,
        advice="The server knows the ticket's owner (klist) for none of its users, or not for the profile's user.",
    ),
}


def select_mechanisms(wanted: str, offered: tuple[str, ...]) -> tuple[str, ...]:
    """The mechanisms to try, best first. `wanted` is "auto", "oauth" for a token, or a mechanism's name in any case.

    More than one matters only where the server says that it doesn't take the first after all (504): after a refused
    password no other is tried, since a few wrong sign-ins lock an account.
    """
    if wanted.lower() == "auto":
        return tuple(name for name, choice in MECHANISMS.items() if choice.is_automatic and name in offered)
    if wanted.lower() == "oauth":
        return tuple(name for name in BY_TOKEN if name in offered)
    return tuple(name for name in MECHANISMS if name == wanted.upper() and name in offered)


def _status_of(challenge: bytes) -> str:
    """The status that a refusal of a token has (RFC 7628 §3.2.2); "" where it says none."""
    import json

    try:
        found = json.loads(challenge)
    except (ValueError, RecursionError):
        return ""
    return str(found.get("status", "")) if isinstance(found, dict) else ""


def _checked(text: str) -> str:
    if "\0" in text:
        raise ConfigError("user name and password can't hold a NUL character (RFC 4616 §2)")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ConfigError("user name and password must be UTF-8 (RFC 4616 §2)")
    return text
