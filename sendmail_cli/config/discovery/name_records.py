"""What the DNS says of a domain's mail: SRV records of submission (RFC 6186, RFC 8314) and mail exchangers.

Only the domain is ever asked about, never what stands before the “@”. dnspython is imported here and nowhere else.
"""

from __future__ import annotations

from sendmail_cli.config.discovery.candidates import Candidate, Source, is_within, known, public_host
from sendmail_cli.errors import TemporaryError
from sendmail_cli.printable import printable
from sendmail_cli.server import TLSMode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dns.resolver import Answer

LOOKUP_SECONDS = 8.0  # for each question, every server and repetition included
SERVICES = {"_submissions._tcp": TLSMode.IMPLICIT, "_submission._tcp": TLSMode.STARTTLS}  # the better first
NOT_OFFERED = "."  # as a target: the service is decidedly not there (RFC 2782)
MAX_RECORDS = 20


class ServiceRecord(NamedTuple):
    """One SRV record of a service (RFC 2782)."""

    service: str
    priority: int
    weight: int
    port: int
    target: str  # absolute; "." says that the service is not offered


class ServiceAnswer(NamedTuple):
    """The records of all services, and whether DNSSEC vouches for every one."""

    records: tuple[ServiceRecord, ...]
    is_signed: bool = False


def look_up_services(domain: str) -> ServiceAnswer:
    """The SRV records of `domain`; none is no error. Raises `TemporaryError` where no name server answers."""
    records: list[ServiceRecord] = []
    is_signed = True
    for service in SERVICES:
        answer = _resolve(f"{service}.{domain}.", "SRV")
        if answer is None:
            continue
        is_signed = is_signed and _is_signed(answer)
        records += [
            ServiceRecord(service, each.priority, each.weight, each.port, each.target.to_text()) for each in answer
        ]
    return ServiceAnswer(tuple(records[:MAX_RECORDS]), is_signed and bool(records))


def look_up_exchangers(domain: str) -> tuple[str, ...]:
    """The mail exchangers of `domain`, the preferred first. Raises `TemporaryError` where no name server answers."""
    answer = _resolve(f"{domain}.", "MX")
    found = [] if answer is None else [(each.preference, each.exchange.to_text()) for each in answer]
    return tuple(host.removesuffix(".") for _, host in sorted(found))


def candidates_in(answer: ServiceAnswer, domain: str) -> tuple[Candidate, ...]:
    """The servers that `answer` names, the preferred first; names that can't be a server's are left out.

    Priorities decide across both services; among equals TLS from the first octet goes first (RFC 8314 §5.1), then
    weight, which is meant for sharing load among many clients and is taken as an order by the one that sets up.
    """
    order = list(SERVICES)
    ranked = sorted(answer.records, key=lambda each: (each.priority, order.index(each.service), -each.weight))
    found = [_candidate(each, domain, is_signed=answer.is_signed) for each in ranked]
    return tuple(dict.fromkeys(each for each in found if each is not None))


def refusals_in(answer: ServiceAnswer) -> tuple[str, ...]:
    """What is said not to be offered, and which targets can't be a server's."""
    return tuple(
        f"{each.service}: not offered" if each.target == NOT_OFFERED else f"{printable(each.target, 80)}: no host name"
        for each in answer.records
        if _host(each) is None
    )


def _candidate(record: ServiceRecord, domain: str, *, is_signed: bool) -> Candidate | None:
    host = _host(record)
    if host is None:
        return None
    is_foreign = not is_signed and not is_within(host, domain)
    return known(Candidate(host, record.port, SERVICES[record.service], Source.SRV, is_foreign=is_foreign))


def _host(record: ServiceRecord) -> str | None:
    return public_host(record.target.removesuffix(".")) if record.port else None


def _resolve(name: str, kind: str) -> Answer | None:
    """The answer; None where there is no such name or record."""
    import dns.exception
    import dns.flags
    import dns.resolver

    try:
        resolver = dns.resolver.Resolver()
        resolver.flags = dns.flags.RD | dns.flags.AD  # AD: say whether it was validated (RFC 6840 §5.7)
        return resolver.resolve(name, kind, lifetime=LOOKUP_SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None
    except dns.resolver.LifetimeTimeout:
        raise TemporaryError("no name server answered in time") from None
    except dns.resolver.NoResolverConfiguration:
        raise TemporaryError("this machine knows no name server") from None
    except (dns.exception.DNSException, OSError) as error:
        raise TemporaryError(f"the name servers gave no answer: {type(error).__name__}") from None


def _is_signed(answer: Answer) -> bool:
    """True when a validating name server on this machine vouches for it: the way to any other can be tampered with."""
    import dns.flags

    nameserver = str(answer.nameserver)
    is_here = nameserver.startswith("127.") or nameserver == "::1"
    return is_here and bool(answer.response.flags & dns.flags.AD)
