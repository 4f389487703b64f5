"""The first half of `setup`: which server it is, and whether the person agrees with that."""

from __future__ import annotations

from sendmail_cli.cli.setup_view import rows_of
from sendmail_cli.config.discovery.candidates import Source, candidates_at, candidates_of, domain_of
from sendmail_cli.config.discovery.search import Finding, Search
from sendmail_cli.config.providers import BY_NAME, Credential, provider_of_domain
from sendmail_cli.config.server_url import parse_server_url
from sendmail_cli.errors import ConfigError, MailError, UsageError
from sendmail_cli.server import Server
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.addresses import AddrSpec
    from sendmail_cli.cli.setup_view import Board
    from sendmail_cli.cli.setup_wishes import Wishes
    from sendmail_cli.config.providers import Provider
    from sendmail_cli.config.server_url import ServerURL


class Looking:
    """Finds a server for `address`, and asks the person until they agree with one."""

    def __init__(self, address: AddrSpec, wishes: Wishes, board: Board) -> None:
        self.address = address
        self.wishes = wishes
        self.board = board
        self.asker = board.asker
        base = Server("", 0, ca_file=wishes.ca_file, tls_pin=wishes.tls_pin)
        is_foreign_taken = wishes.is_foreign_taken or (board.asker.may_ask and not wishes.is_show)
        self._search = Search(address, base, board.environment, board.attempt, is_foreign_taken=is_foreign_taken)

    def agreed(self) -> Finding:
        """What was found, agreed on. Raises `MailError` where nothing was, and nobody can name another."""
        while True:
            try:
                finding = self.found()
            except MailError as error:
                if not self.asker.may_ask:
                    raise
                self.board.say()
                self.board.output.explain(error)
            else:
                if self._is_agreed_on(finding):
                    return finding
            self._ask_for_another()

    def found(self) -> Finding:
        """What there is for the options. Raises `MailError`."""
        finding = self._found()
        if self.wishes.oauth is None:
            return finding
        return finding._replace(candidate=finding.candidate._replace(credential=Credential.OAUTH))

    def _found(self) -> Finding:
        wishes = self.wishes
        if wishes.is_offline:
            return self._known_offline()
        self.board.say(f"Looking for the server that takes mail from {self.address}")
        self.board.say()
        if wishes.server is not None:
            finding = self._search.tried(Source.GIVEN, candidates_at(wishes.server, wishes.tls), "")
            if finding is None:
                raise self._search.errors[0]
            return finding
        if wishes.provider is not None:
            return self._search.of_provider(wishes.provider, self._region(wishes.provider))
        return self._search.run()

    def _known_offline(self) -> Finding:
        wishes = self.wishes
        if wishes.server is not None:
            return Finding(candidates_at(wishes.server, wishes.tls)[0])
        domain = domain_of(self.address)
        provider = wishes.provider or (None if domain is None else provider_of_domain(domain))
        if provider is None:
            raise ConfigError(
                f"nothing is known of {self.address.domain}, and nobody is asked (--offline)",
                hint="Name the server: --server HOST[:PORT].",
            )
        return Finding(candidates_of(provider, Source.PROVIDER, self._region(provider))[0])

    def _region(self, provider: Provider) -> str | None:
        if not provider.regions:
            return None
        usual = ", ".join(provider.regions)
        if self.wishes.region is not None:
            return parse_region(self.wishes.region)
        if not self.asker.may_ask:
            raise UsageError(f"{provider.title} has a server in each region", hint=f"Name it: --region, {usual}, …")
        return self.asker.text(f"Region of {provider.title} ({usual}, …)", parse_region, default=provider.regions[0])

    def _is_agreed_on(self, finding: Finding) -> bool:
        """What was found is shown; the person's own word needs no second one."""
        candidate = finding.candidate
        self.board.say()
        for name, value in rows_of(finding, self.address, self.wishes.user):
            self.board.fact(name, value)
        self.board.say()
        if not self.asker.may_ask or (candidate.source is Source.GIVEN and finding.pin is None):
            return True
        if candidate.is_foreign:
            self.board.say(
                f"{candidate.host} is not in {self.address.domain}, and the DNS that leads there is not signed: "
                "somebody on the way could have changed it. Your password would go there."
            )
        is_sure = not candidate.is_foreign or candidate.provider is not None
        return self.asker.confirms("Use this server?", default=is_sure)

    def _ask_for_another(self) -> None:
        def parse(text: str) -> tuple[Provider | None, ServerURL | None]:
            provider = BY_NAME.get(text.lower())
            return (provider, None) if provider is not None else (None, given_server(text))

        provider, server = self.asker.text("Your mail server, as your provider names it (Ctrl-C leaves)", parse)
        self.wishes = self.wishes._replace(provider=provider, server=server)


def given_server(text: str) -> ServerURL:
    """The server that a person names. Raises `UsageError` for one that `setup` has nothing to do with."""
    url = parse_server_url(text)
    if url.socket_path is not None or url.is_lmtp:
        raise UsageError(
            "setup is for mail servers on a network",
            hint="sendmail-cli profile add NAME --from ADDRESS --server SERVER takes every kind.",
        )
    return url


def parse_region(text: str) -> str:
    """The name of a region as it stands in a host's. Raises `UsageError`."""
    region = text.strip().lower()
    if not (region.isascii() and region.replace("-", "").isalnum()):
        raise UsageError("a region is a name such as eu-west-1")
    return region
