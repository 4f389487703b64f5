"""The search for the server of an address: who is asked, in which order, and what was found.

Known providers by their domains, then SRV, the domain's autoconfig, mail exchangers of known providers, and at last
the usual names. The first server that answers with a certificate that holds is the one.
"""

from __future__ import annotations

from functools import partial

from sendmail_cli.config.discovery.autoconfig import MAX_OCTETS, Autoconfig, autoconfig_urls, parse_autoconfig
from sendmail_cli.config.discovery.candidates import Candidate, Source, candidates_of, domain_of
from sendmail_cli.config.discovery.fetch import fetch
from sendmail_cli.config.discovery.name_records import (
    ServiceAnswer,
    candidates_in,
    look_up_exchangers,
    look_up_services,
    refusals_in,
)
from sendmail_cli.config.discovery.probe import Probed, probe_all
from sendmail_cli.config.errand import Errand
from sendmail_cli.config.providers import (
    BOTH,
    FACTS_DATE,
    PROVIDERS,
    Provider,
    provider_of_domain,
    provider_of_exchanger,
)
from sendmail_cli.errors import ConfigError, HostNotFound, MailError, NotOffered, TemporaryError
from sendmail_cli.printable import printable
from sendmail_cli.steps import Verdict
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sendmail_cli.addresses import AddrSpec
    from sendmail_cli.environment import Environment
    from sendmail_cli.server import Server

LOOKUP_SECONDS = 10.0  # for the DNS, and for the domain's autoconfig
GUESSES = ("smtp", "mail")


class Attempt(NamedTuple):
    """One place where was looked, and what came of it."""

    source: Source
    verdict: Verdict
    text: str


class Finding(NamedTuple):
    """The server, and what it showed of itself; None where it wasn't tried."""

    candidate: Candidate
    probed: Probed | None = None

    @property
    def pin(self) -> str | None:
        """The certificate to hold on to, where nobody vouches for it: a bridge on this machine has one of its own."""
        provider = self.candidate.provider
        is_bridge = provider is not None and provider.is_bridge
        return self.probed.fingerprint if is_bridge and self.probed is not None else None


class _File(NamedTuple):
    url: str
    errand: Errand[Autoconfig]


class Search:
    """One search. `base` has what holds for every server (CA file, pin, time-out); `tell` hears of each attempt.

    A server that unsigned DNS names in another domain is passed over unless `is_foreign_taken`.
    """

    def __init__(
        self,
        address: AddrSpec,
        base: Server,
        environment: Environment,
        tell: Callable[[Attempt], None],
        *,
        is_foreign_taken: bool,
    ) -> None:
        self.address = address
        self.base = base
        self.environment = environment
        self.tell = tell
        self.is_foreign_taken = is_foreign_taken
        self.foreign: Candidate | None = None  # the first that was passed over
        self.errors: list[MailError] = []
        self.is_dns_silent = False
        self._deadline = environment.monotonic() + LOOKUP_SECONDS + 1  # a moment more than those who are asked have

    def run(self) -> Finding:
        """What was found. Raises `MailError`: nothing, or a known provider that can't be reached."""
        domain = domain_of(self.address)
        if domain is None:
            raise ConfigError(
                f"nobody can be asked for the server of {self.address}: {self.address.domain} is no domain of mail",
                hint="Name it: --server HOST[:PORT].",
            )
        provider = provider_of_domain(domain)
        if provider is not None:
            return self.of_provider(provider)
        self._tell(Source.PROVIDER, Verdict.SKIPPED, f"{domain} is none of the {len(PROVIDERS)} providers known here")
        for finding in self._asked(domain):
            if finding is not None:
                return finding
        raise self._nothing(domain)

    def of_provider(self, provider: Provider, region: str | None = None) -> Finding:
        """The server of a known provider. Raises why it can't be reached."""
        text = f"{provider.title}, facts of {FACTS_DATE}"
        candidates = candidates_of(provider, Source.PROVIDER, region)
        finding = self.tried(Source.PROVIDER, candidates, text)
        if finding is None:
            raise self.errors[0]
        return finding

    def tried(self, source: Source, candidates: Sequence[Candidate], where: str) -> Finding | None:
        """The first of `candidates` that stands; where none does, `errors` knows why."""
        outcomes = probe_all([self._server(each) for each in candidates], self.environment)
        self.errors = [each for each in outcomes if isinstance(each, MailError)]
        for candidate, outcome in zip(candidates, outcomes, strict=True):
            if isinstance(outcome, Probed):
                tls = f", {outcome.version}" if outcome.version else ""
                verdict = Verdict.WARNING if candidate.is_foreign else Verdict.OK
                self._tell(source, verdict, f"{candidate}{tls}: {where}" if where else f"{candidate}{tls}")
                return Finding(candidate, outcome)
        self._tell_failures(source, candidates, outcomes)
        return None

    def _tell_failures(
        self, source: Source, candidates: Sequence[Candidate], outcomes: Sequence[Probed | MailError]
    ) -> None:
        """Each in a row; a host that isn't there once, whatever the ports."""
        absent: set[str] = set()
        for candidate, outcome in zip(candidates, outcomes, strict=True):
            if not isinstance(outcome, HostNotFound):
                self._tell(source, Verdict.FAILED, f"{candidate}: {outcome}")
            elif candidate.host not in absent:
                absent.add(candidate.host)
                self._tell(source, Verdict.SKIPPED, f"{candidate.host}: no such host")

    def _server(self, candidate: Candidate) -> Server:
        is_bridge = candidate.provider is not None and candidate.provider.is_bridge
        is_verified = not (is_bridge and self.base.tls_pin is None)
        return self.base._replace(host=candidate.host, port=candidate.port, tls=candidate.tls, is_verified=is_verified)

    def _asked(self, domain: str) -> Iterator[Finding | None]:
        """All who can be asked are asked at once; what they say is looked at in their order."""
        services = Errand(lambda: look_up_services(domain))
        exchangers = Errand(lambda: look_up_exchangers(domain))
        files = [_File(url, Errand(partial(self._autoconfig, url))) for url in autoconfig_urls(self.address)]
        yield self._by_services(services, files, domain)
        yield self._by_autoconfig(files)
        yield self._by_exchangers(exchangers)
        guesses = [Candidate(f"{name}.{domain}", port, tls, Source.GUESS) for port, tls in BOTH for name in GUESSES]
        yield self.tried(Source.GUESS, guesses, "")

    def _by_services(self, services: Errand[ServiceAnswer], files: Sequence[_File], domain: str) -> Finding | None:
        try:
            answer = services.result(self._left())
        except MailError as error:
            self.is_dns_silent = True
            self._tell(Source.SRV, Verdict.FAILED, str(error))
            return None
        for refusal in refusals_in(answer):
            self._tell(Source.SRV, Verdict.SKIPPED, refusal)
        candidates = candidates_in(answer, domain)
        if not answer.records:
            self._tell(Source.SRV, Verdict.SKIPPED, f"the DNS of {domain} names no server for submission")
            return None
        if any(each.is_foreign for each in candidates):  # the domain's own file, by https, may vouch for them
            vouched = {each.host for file in files for each in self._read(file)}
            candidates = tuple(
                each._replace(is_foreign=each.is_foreign and each.host not in vouched) for each in candidates
            )
        taken = tuple(each for each in candidates if not each.is_foreign or self.is_foreign_taken)
        for each in candidates:
            if each not in taken:
                self.foreign = self.foreign or each
                self._tell(
                    Source.SRV, Verdict.WARNING, f"{each} is in another domain, and nobody signed that: passed over"
                )
        is_foreign = any(each.is_foreign for each in taken)
        where = "signed by DNSSEC" if answer.is_signed else "in another domain" if is_foreign else ""
        return self.tried(Source.SRV, taken, where)

    def _by_autoconfig(self, files: Sequence[_File]) -> Finding | None:
        for file in files:
            where = file.url.split("/")[2]
            try:
                found = file.errand.result(self._left())
            except MailError as error:
                verdict = Verdict.SKIPPED if isinstance(error, NotOffered) else Verdict.FAILED
                self._tell(Source.AUTOCONFIG, verdict, f"{where}: {error}")
                continue
            for refusal in found.refusals:
                self._tell(Source.AUTOCONFIG, Verdict.WARNING, refusal)
            if not found.candidates:
                self._tell(Source.AUTOCONFIG, Verdict.SKIPPED, f"{where} names no server that can be used")
            finding = self.tried(Source.AUTOCONFIG, found.candidates, where)
            if finding is not None:
                return finding
        return None

    def _by_exchangers(self, exchangers: Errand[tuple[str, ...]]) -> Finding | None:
        try:
            hosts = exchangers.result(self._left())
        except MailError as error:
            self.is_dns_silent = True
            self._tell(Source.MX, Verdict.FAILED, str(error))
            return None
        provider = next(filter(None, map(provider_of_exchanger, hosts)), None)
        if provider is None:
            shown = ", ".join(printable(host, 80) for host in hosts[:2])
            text = f"{shown}: of no provider known here" if hosts else "the domain has none"
            self._tell(Source.MX, Verdict.SKIPPED, text)
            return None
        return self.tried(Source.MX, candidates_of(provider, Source.MX), f"mail is received by {provider.title}")

    def _autoconfig(self, url: str) -> Autoconfig:
        return parse_autoconfig(fetch(url, MAX_OCTETS, LOOKUP_SECONDS, self.environment), self.address)

    def _read(self, file: _File) -> tuple[Candidate, ...]:
        """What the file names; nothing where it can't be had."""
        try:
            return file.errand.result(self._left()).candidates
        except MailError:
            return ()

    def _left(self) -> float:
        return self._deadline - self.environment.monotonic()

    def _nothing(self, domain: str) -> MailError:
        """What to say in the end."""
        hint = (
            "Ask your provider for the name of its server for outgoing mail (SMTP), and name it: --server HOST[:PORT]."
        )
        if self.foreign is not None:
            return ConfigError(
                f"the DNS of {domain} leads to {self.foreign}, which is in another domain, and nobody signed that",
                hint=f"If that is right: --server {self.foreign.url}, or --accept-server for whatever is found.",
            )
        if self.is_dns_silent:
            return TemporaryError(
                f"no server for {domain} was found, and the name servers did not answer",
                hint=f"Is this machine on line? {hint}",
            )
        return ConfigError(f"no server for mail from {domain} was found", hint=hint)

    def _tell(self, source: Source, verdict: Verdict, text: str) -> None:
        self.tell(Attempt(source, verdict, text))
