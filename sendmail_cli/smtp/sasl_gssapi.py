"""GSSAPI (RFC 4752): a Kerberos ticket signs in, and the server proves itself, too.

The tokens come from a security context that is given, since making one asks the network; here is only what is said.
"""

from __future__ import annotations

from sendmail_cli.errors import RemoteProtocolError
from sendmail_cli.typing import Protocol

NO_SECURITY_LAYER = 1  # RFC 4752 §3.3; TLS is what protects the session
WITHOUT_LAYER = bytes((NO_SECURITY_LAYER, 0, 0, 0))  # and so no size of a protected message


class SecurityContext(Protocol):
    """A client's side of a GSS-API context (RFC 2743 §2.2), with mutual authentication and integrity asked for."""

    @property
    def is_complete(self) -> bool:
        """True when both sides have proved who they are."""
        ...

    def step(self, token: bytes | None) -> bytes:
        """The next token, from the server's; from None the first. b"" where there is nothing more to say.

        Raises `ConfigError` where there is no ticket, `TemporaryError` where nobody gives one just now, and
        `RemoteProtocolError` for a token that no honest server sends. So do the others.
        """
        ...

    def unwrap(self, message: bytes) -> bytes:
        """What the server's protected `message` says."""
        ...

    def wrap(self, message: bytes) -> bytes:
        """`message`, protected against change."""
        ...


class GSSAPI:
    """One sign-in. `user` is whom to act as; "" is whom the ticket names."""

    name = "GSSAPI"
    why = ""
    is_token_rejected = False

    def __init__(self, user: str, context: SecurityContext) -> None:
        self._user = user
        self._context = context
        self._first = context.step(None)
        self._is_begun = self._is_agreed = False

    def initial_response(self) -> bytes | None:
        return self._first

    def respond(self, challenge: bytes) -> bytes:
        if not self._is_begun and not challenge:  # the first token was too long for the line of AUTH
            self._is_begun = True
            return self._first
        self._is_begun = True
        if not self._context.is_complete:
            return self._context.step(challenge)
        if self._is_agreed:
            raise RemoteProtocolError("the server goes on after the end of GSSAPI")
        layers = self._context.unwrap(challenge)
        if len(layers) != len(WITHOUT_LAYER) or not layers[0] & NO_SECURITY_LAYER:
            raise RemoteProtocolError("the server takes GSSAPI only with a layer of its own below SMTP; TLS is ours")
        self._is_agreed = True
        return self._context.wrap(WITHOUT_LAYER + self._user.encode())

    def secrets(self) -> tuple[str, ...]:
        return ()

    def check_end(self) -> None:
        """The server's proof is what makes it worth more than a password; without it a yes is no yes."""
        if not self._is_agreed:
            raise RemoteProtocolError("the server accepted GSSAPI without proving who it is, as an impostor would")
