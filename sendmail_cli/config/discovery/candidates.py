"""A server that mail may be submitted to, and who says so."""

from __future__ import annotations

from enum import Enum

from sendmail_cli.addresses import encode_domain
from sendmail_cli.config.providers import (
    ADDRESS,
    BOTH,
    LOCAL_PART,
    SMTPS,
    SUBMISSION,
    Credential,
    Provider,
    provider_of_host,
)
from sendmail_cli.config.server_url import ServerURL, parse_server_url
from sendmail_cli.errors import MailError
from sendmail_cli.server import TLSMode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.addresses import AddrSpec


class Source(Enum):
    """Where a candidate comes from."""

    GIVEN = "given"
    PROVIDER = "known provider"
    SRV = "SRV"
    AUTOCONFIG = "autoconfig"
    MX = "MX"
    GUESS = "usual names"


class Candidate(NamedTuple):
    """One server, one port, one way to TLS.

    `is_foreign` says that unsigned DNS leads to another domain than the address's: a person must agree (RFC 6186 §6).
    """

    host: str  # in A-labels, lower case
    port: int
    tls: TLSMode
    source: Source
    user: str | None = ADDRESS  # a pattern or a literal; None: only the person knows
    provider: Provider | None = None
    is_foreign: bool = False
    credential: Credential = Credential.PASSWORD

    @property
    def url(self) -> ServerURL:
        """The server as a profile has it."""
        is_smtps = self.tls is TLSMode.IMPLICIT
        port = None if is_smtps and self.port == 465 else self.port
        return ServerURL(self.host, port, "smtps" if is_smtps else None)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def candidates_of(provider: Provider, source: Source, region: str | None = None) -> tuple[Candidate, ...]:
    """The servers of `provider`, the better first."""
    host = provider.host_in(region)
    return tuple(
        Candidate(host, port, tls, source, provider.user, provider, credential=provider.credential)
        for port, tls in provider.ports
    )


def candidates_at(url: ServerURL, tls: TLSMode | None) -> tuple[Candidate, ...]:
    """The servers that a person means by `url`, and perhaps a way to TLS; without a port the usual ones."""
    provider = provider_of_host(url.host)
    if provider is not None and url.port is None and url.scheme is None and tls is None:
        return tuple(each._replace(host=url.host) for each in candidates_of(provider, Source.GIVEN))
    chosen = TLSMode.IMPLICIT if url.is_smtps else tls
    if url.port is not None:
        ports: tuple[tuple[int, TLSMode], ...] = ((url.port, chosen or _usual_tls(url)),)
    elif chosen is TLSMode.IMPLICIT:
        ports = (SMTPS,)
    elif chosen is not None or url.scheme is not None:
        ports = ((SUBMISSION[0], chosen or TLSMode.STARTTLS),)
    else:
        ports = ((25, TLSMode.NONE),) if url.is_this_machine else BOTH
    return tuple(known(Candidate(url.host, port, mode, Source.GIVEN)) for port, mode in ports)


def _usual_tls(url: ServerURL) -> TLSMode:
    if url.port == SMTPS[0]:
        return TLSMode.IMPLICIT
    return TLSMode.NONE if url.is_this_machine else TLSMode.STARTTLS


def known(candidate: Candidate) -> Candidate:
    """`candidate` with what is known of the provider whose host it is."""
    provider = provider_of_host(candidate.host)
    if provider is None:
        return candidate
    return candidate._replace(provider=provider, user=provider.user, credential=provider.credential)


def public_host(text: str) -> str | None:
    """The name in `text` as a host out there; None for what is no name, an IP address, or this machine."""
    try:
        url = parse_server_url(text)
    except MailError:
        return None
    is_name = url == ServerURL(url.host) and ":" not in url.host and not url.host.rpartition(".")[2].isdigit()
    return url.host if is_name and "." in url.host and not url.is_this_machine else None


def is_within(host: str, domain: str) -> bool:
    """True when `host` is `domain` or below it."""
    return host == domain or host.endswith(f".{domain}")


def domain_of(address: AddrSpec) -> str | None:
    """The domain to ask about, in A-labels; None where nobody can be asked: an address literal, a bare name."""
    try:
        domain = encode_domain(address.domain).lower()
    except MailError:
        return None
    return public_host(domain)


def user_for(pattern: str, address: AddrSpec) -> str:
    """The user's name that `pattern` makes of `address`."""
    return pattern.replace(ADDRESS, str(address)).replace(LOCAL_PART, address.local_part)
