"""How `setup` looks: rows for what was tried, a few lines for what was found, one object for programs."""

from __future__ import annotations

from sendmail_cli.cli.step_view import MARK, MARKS, TITLE
from sendmail_cli.config.discovery.candidates import Source, user_for
from sendmail_cli.config.providers import FACTS_DATE, Credential
from sendmail_cli.printable import printable
from sendmail_cli.server import TLSMode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sendmail_cli.addresses import AddrSpec
    from sendmail_cli.cli.asking import Asker
    from sendmail_cli.cli.options import Talk
    from sendmail_cli.config.discovery.candidates import Candidate
    from sendmail_cli.config.discovery.search import Attempt, Finding
    from sendmail_cli.steps import Verdict

TEXT = MARK + TITLE  # the column where the text of a row begins
TITLES = {
    Source.GIVEN: "server",
    Source.PROVIDER: "provider",
    Source.SRV: "SRV",
    Source.AUTOCONFIG: "autoconfig",
    Source.MX: "MX",
    Source.GUESS: "usual name",
}
WAYS = {
    TLSMode.IMPLICIT: "TLS from the first octet",
    TLSMode.STARTTLS: "TLS by STARTTLS",
    TLSMode.OPPORTUNISTIC: "TLS if it is offered",
    TLSMode.NONE: "without TLS",
}


class Board:
    """Where the person looks at: rows of what happened, which --json gets as one object in the end, and questions."""

    def __init__(self, talking: Talk, asker: Asker) -> None:
        self.talking = talking
        self.asker = asker
        self.output = talking.output
        self.environment = talking.environment
        # Who is asked must see what about, whatever else is to be quiet.
        self._is_shown = asker.may_ask or not (talking.output.is_quiet or talking.output.is_json)
        self._is_apart = True  # below an empty line, or at the top
        self.rows: list[dict[str, str]] = []

    def attempt(self, attempt: Attempt) -> None:
        """A place where was looked."""
        self.step(TITLES[attempt.source], attempt.verdict, attempt.text)

    def step(self, title: str, verdict: Verdict, text: str) -> None:
        """Something that was done, or tried."""
        self.rows.append({"name": title, "verdict": verdict.value, "text": text})
        if self._is_shown:
            self._is_apart = False
            mark, tone = MARKS[verdict]
            self.output.say_row(mark, tone, f"{'':{MARK - len(mark)}}{title:{TITLE}}{text}", TEXT)

    def say(self, text: str = "") -> None:
        """Words between the rows; without, an empty line, and never two."""
        if self._is_shown and (text or not self._is_apart):
            self.output.say_row("", "soft", text, 0)
            self._is_apart = not text

    def answered(self) -> None:
        """A question stands below the last line now."""
        self._is_apart = False

    def fact(self, name: str, value: str) -> None:
        """A line of what was found, in the column of the rows."""
        if self._is_shown:
            self._is_apart = False
            self.output.say_row("", "soft", f"{'':{MARK}}{name:{TITLE}}{value}", TEXT)


def rows_of(finding: Finding, address: AddrSpec, user: str | None) -> Iterator[tuple[str, str]]:
    """What was found, as names and values."""
    candidate = finding.candidate
    yield "server", f"{candidate.host}, port {candidate.port}, {WAYS[candidate.tls]}"
    yield "found by", _origin(candidate, address)
    yield "sign-in", _sign_in(finding, address, user)
    if finding.pin is not None:
        yield "pin", f"{finding.pin}, the certificate that it shows"


def finding_fields(finding: Finding, address: AddrSpec, user: str | None) -> dict[str, Any]:
    """The same for programs."""
    candidate, probed = finding.candidate, finding.probed
    return {
        "host": candidate.host,
        "port": candidate.port,
        "tls": candidate.tls.value,
        "url": str(candidate.url),
        "source": candidate.source.name.lower(),
        "provider": None if candidate.provider is None else candidate.provider.name,
        "user": user or known_user(candidate, address),
        "credential": candidate.credential.value if signs_in(finding) else "none",
        "mechanisms": None if probed is None else list(probed.mechanisms),
        "tls_version": (probed.version or None) if probed is not None else None,
        "tls_pin": finding.pin,
        "is_foreign": candidate.is_foreign,
    }


def _origin(candidate: Candidate, address: AddrSpec) -> str:
    title = "" if candidate.provider is None else candidate.provider.title
    origins = {
        Source.GIVEN: f"your word{f' (it is {title}’s)' if title else ''}",
        Source.PROVIDER: f"what is known of {title} ({FACTS_DATE})",
        Source.SRV: f"the DNS of {address.domain} (SRV){f': {title}' if title else ''}",
        Source.AUTOCONFIG: f"the autoconfig of {address.domain}{f': {title}' if title else ''}",
        Source.MX: f"the DNS of {address.domain}: {title} receives its mail ({FACTS_DATE})",
        Source.GUESS: "its usual name; it answered with a certificate that holds",
    }
    return origins[candidate.source]


def _sign_in(finding: Finding, address: AddrSpec, user: str | None) -> str:
    candidate = finding.candidate
    if not signs_in(finding):
        return "none: the server offers no way to"
    provider = candidate.provider
    name = user or known_user(candidate, address)
    who = printable(name, 120) if name is not None else f"your {provider.user_label if provider else 'user name'}"
    if candidate.credential is Credential.OAUTH:
        return f"{who}, in the browser (OAuth)"
    return f"{who}, with {_article(provider.wants if provider else 'password')}"


def _article(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeio' or noun.startswith('SMTP') else 'a'} {noun}"


def known_user(candidate: Candidate, address: AddrSpec) -> str | None:
    """Who signs in, as far as it is known without the person."""
    return None if candidate.user is None else user_for(candidate.user, address)


def signs_in(finding: Finding) -> bool:
    """False where the server was tried and offers no way to sign in."""
    return finding.probed is None or bool(finding.probed.mechanisms)
