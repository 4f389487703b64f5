"""A Kerberos ticket for a mail server, by the package `gssapi`: an extra, loaded only where GSSAPI is named.

libkrb5 finds ticket, realm and KDC itself (KRB5CCNAME, krb5.conf) and has its own deadlines for the KDC.
"""

from __future__ import annotations

from sendmail_cli.errors import ConfigError, ConnectFailed, CredentialMissing, MailError, RemoteProtocolError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

EXTRA = "pip install 'sendmail-cli[gssapi]'"
# Minor codes of MIT's krb5 (krb5_err.et), which are negative, as GSS-API gives them: in 32 bits without a sign.
KDC_UNREACHABLE, SERVICE_UNKNOWN = 2529639068, 2529638919
NO_TICKET = frozenset((2529639107, 2529639053, 2529638944))  # no cache, nothing fitting in it, expired


def security_context(host: str) -> KerberosContext:
    """A context with the mail service of `host`, for the ticket that the user has. Raises `ConfigError`."""
    if not host:
        raise ConfigError("a ticket is for a named host, and a unix socket or a command has none")
    try:
        import gssapi
        from gssapi.raw import GSSError
    except ImportError:
        raise ConfigError(
            "sign-in by GSSAPI needs the Python package gssapi, which is not installed", hint=f"Install it: {EXTRA}"
        ) from None
    flags = gssapi.RequirementFlag.mutual_authentication | gssapi.RequirementFlag.integrity
    try:
        name = gssapi.Name(f"smtp@{host}", gssapi.NameType.hostbased_service)
        context = gssapi.SecurityContext(name=name, mech=gssapi.MechType.kerberos, flags=flags, usage="initiate")
    except GSSError as error:
        raise ConfigError(f"Kerberos takes no {host} for the name of a host: {_words(error)}") from None
    return KerberosContext(context, GSSError, host)


class KerberosContext:
    """`smtp.sasl_gssapi.SecurityContext` over that of the package."""

    def __init__(self, context: Any, failure: type[Exception], host: str) -> None:
        self._context = context
        self._failure = failure
        self._host = host

    @property
    def is_complete(self) -> bool:
        return bool(self._context.complete)

    def step(self, token: bytes | None) -> bytes:
        try:
            return bytes(self._context.step(token) or b"")
        except self._failure as error:
            raise self._no_ticket(error) if token is None else _no_token(error) from None

    def unwrap(self, message: bytes) -> bytes:
        return self._protect(lambda: self._context.unwrap(message).message)

    def wrap(self, message: bytes) -> bytes:
        return self._protect(lambda: self._context.wrap(message, encrypt=False).message)

    def _protect(self, act: Callable[[], bytes]) -> bytes:
        try:
            return act()
        except self._failure as error:
            raise _no_token(error) from None

    def _no_ticket(self, error: Exception) -> MailError:
        code, why = getattr(error, "min_code", 0), _words(error)
        if code in NO_TICKET:
            return CredentialMissing(
                f"there is no Kerberos ticket to sign in with at {self._host}: {why}", hint="Get one with: kinit"
            )
        if code == KDC_UNREACHABLE:
            return ConnectFailed(f"nobody gives a Kerberos ticket for {self._host} just now: {why}")
        if code == SERVICE_UNKNOWN:
            return ConfigError(
                f"Kerberos knows no mail service on {self._host} (smtp/{self._host}): {why}",
                hint="Name the server as its administrator has registered it.",
            )
        return ConfigError(f"Kerberos gives no ticket for {self._host}: {why}")


def _no_token(error: Exception) -> MailError:
    return RemoteProtocolError(f"the server's part of GSSAPI is not right: {_words(error)}")


def _words(error: Exception) -> str:
    """What the library says of the mechanism's own error, which tells more than that of GSS-API."""
    get = getattr(error, "get_all_statuses", None)
    texts = get(getattr(error, "min_code", 0), False) if get is not None else [str(error)]
    return printable("; ".join(texts), 300)
