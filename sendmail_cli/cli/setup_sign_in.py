"""The middle of `setup`: who signs in, with which secret, and whether the server takes it."""

from __future__ import annotations

from functools import partial

from sendmail_cli import service
from sendmail_cli.cli.asking import piped_password, usable_password
from sendmail_cli.cli.output import advice
from sendmail_cli.cli.setup_view import known_user, signs_in
from sendmail_cli.config.os_keyring import KeyringEntry, delete_password, get_password, set_password
from sendmail_cli.config.profile_file import toml_of
from sendmail_cli.config.profiles import merge_profiles, parse_profiles
from sendmail_cli.config.providers import Credential
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.errors import AuthenticationFailed, InternalError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.server import TLSMode
from sendmail_cli.status import ExitCode
from sendmail_cli.steps import Verdict
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sendmail_cli.addresses import Mailbox
    from sendmail_cli.cli.setup_view import Board
    from sendmail_cli.cli.setup_wishes import Wishes
    from sendmail_cli.config.discovery.search import Finding
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.secret import Secret

TRIES = 3  # more lock accounts


class Accepted(NamedTuple):
    """What the server took, how it is kept, and how the keyring comes back to what was in it before."""

    secret: Secret
    keep: Callable[[], None]
    undo: Callable[[], object]


class SignIn:
    """Signs `mailbox` in at what was found, as the profile `name` would."""

    def __init__(self, mailbox: Mailbox, finding: Finding, name: str, wishes: Wishes, board: Board) -> None:
        self.mailbox = mailbox
        self.finding = finding
        self.name = name
        self.wishes = wishes
        self.board = board
        self.asker = board.asker
        self.user = self._first_user()
        self.client_id = wishes.client_id
        if self.is_by_token:
            self._refuse_passwords()

    @property
    def is_by_token(self) -> bool:
        """True where the person signs in at the provider, in a browser."""
        is_demanded = self.finding.candidate.credential is Credential.OAUTH
        return (is_demanded and self.wishes.password_command is None) or self.wishes.oauth is not None

    def run(self) -> Accepted | None:
        """Sign in; what the server took, None where nothing is to be kept. Raises `MailError`."""
        if self.user is None:
            self.board.step("sign-in", Verdict.SKIPPED, "the server offers no way to")
            return None
        if not self.is_by_token or self.client_id is not None:
            self.settings()  # what can't be is said before a secret is asked for
        self.board.environment.guard_memory()
        if self.is_by_token:
            return self._by_token()
        if self.wishes.password_command is not None or self.wishes.password_file is not None:
            self._try(None)
            return None
        return self._by_password()

    def values(self) -> dict[str, Any]:
        """The profile, as its file has it."""
        candidate, wishes = self.finding.candidate, self.wishes
        is_plain = candidate.tls in {TLSMode.NONE, TLSMode.OPPORTUNISTIC}
        is_said = is_plain or (candidate.tls is TLSMode.STARTTLS and candidate.url.is_this_machine)
        command = wishes.password_command
        values = {
            "from": str(self.mailbox),
            "server": str(candidate.url),
            "user": self.user,
            "tls": candidate.tls.value if is_said else None,
            "ca_file": wishes.ca_file,
            "tls_pin": wishes.tls_pin or self.finding.pin,
            "password_file": wishes.password_file,
            "password_command": None if command is None else list(command),
            "oauth": self._oauth_table() if self.is_by_token else None,
        }
        return {key: value for key, value in values.items() if value is not None}

    def settings(self) -> Settings:
        """What the profile will mean: it is tried as it will be written."""
        profiles = merge_profiles([parse_profiles("profiles.toml", toml_of({self.name: self.values()}))], ())
        return resolve_settings(ServerFlags(profile=self.name), profiles, self.board.environment)

    def _first_user(self) -> str | None:
        wishes, candidate = self.wishes, self.finding.candidate
        if wishes.user is not None:
            return wishes.user
        if not signs_in(self.finding):
            return None
        user = known_user(candidate, self.mailbox.address)
        if user is not None:
            return user
        label = "user name" if candidate.provider is None else candidate.provider.user_label
        if not self.asker.may_ask:
            raise UsageError(f"nobody may be asked for the {label}", hint="Name it with --user.")
        return self.asker.text(f"{label[0].upper()}{label[1:]}", parse_user)

    # By password

    def _by_password(self) -> Accepted:
        self._explain_secret()
        for attempt in range(1, TRIES + 1):
            secret = self._secret()
            try:
                self._try(secret)
            except AuthenticationFailed as error:
                if attempt == TRIES or not self.asker.may_ask or error.exit_code is not ExitCode.NOPERM:
                    raise
                self._explain_refusal(error, attempt)
            else:
                entry = KeyringEntry(self.name, self.user or "", self.wishes.is_insecure_keyring_allowed)
                return _accepted(secret, entry, self.board.environment, may_ask=self.board.talking.may_ask)
        raise InternalError("a password was tried, and nothing came of it")

    def _explain_secret(self) -> None:
        provider = self.finding.candidate.provider
        if provider is None or not provider.advice or not self.asker.may_ask or self.wishes.password_fd is not None:
            return
        self.board.say(provider.advice.format(title=provider.title))
        if provider.link:
            self.board.say(f"  {provider.link}")
        self.board.say()

    def _secret(self) -> Secret:
        environment, wanted = self.board.environment, self._wanted()
        if self.wishes.password_fd is not None:
            from sendmail_cli.config.credential_sources import DescriptorSource

            return DescriptorSource(self.wishes.password_fd, environment).find()
        if self.asker.may_ask:
            secret = self.asker.secret(f"{wanted[0].upper()}{wanted[1:]} of {self.user}", usable_password)
            self.board.say()
            return secret
        if environment.is_terminal(environment.stdin):
            raise UsageError(
                f"nobody may be asked for the {wanted}",
                hint="Pipe it in on one line, or let a program give it: --password-command COMMAND.",
            )
        return piped_password(environment)

    def _wanted(self) -> str:
        provider = self.finding.candidate.provider
        return "password" if provider is None else provider.wants

    def _explain_refusal(self, error: AuthenticationFailed, attempt: int) -> None:
        """Why it was refused, and what to try; where no provider is known, perhaps as another user."""
        self.board.step("sign-in", Verdict.FAILED, error.server_reply or error.sentence)
        provider = self.finding.candidate.provider
        for line in advice(error)[:1]:
            self.board.fact("", line)
        if provider is not None and provider.link:
            self.board.fact("", f"The {provider.wants} is made at {provider.link}")
        self.board.say()
        self.board.say(f"Once more ({attempt + 1} of {TRIES}); Ctrl-C leaves, and nothing is written.")
        if provider is None and self.wishes.user is None:
            self.user = self.asker.text("User name", parse_user, default=self.user)

    # By token

    def _by_token(self) -> Accepted:
        from sendmail_cli.cli.sign_in import Way, sign_in, way_for

        if not self.asker.may_ask:
            raise UsageError(
                "this provider wants a sign-in in the browser, and nobody may be asked to",
                hint=f"--offline writes the profile; then, with somebody there: sendmail-cli login {self.name}",
            )
        if self.client_id is None:
            self.client_id = self._asked_client_id()
        chosen = Way.DEVICE if self.wishes.is_device else Way.PASTE if self.wishes.is_without_browser else None
        given = sign_in(self.settings(), self.board.talking, chosen or way_for(self.board.environment))
        self._try(given.token)
        store = given.tokens.store
        before = store.sign_in()
        return Accepted(
            given.token, given.keep, store.forget if before is None else partial(store.keep_sign_in, before)
        )

    def _refuse_passwords(self) -> None:
        """Raise `UsageError` for a password that would never be used."""
        for flag, given in (("--password-fd", self.wishes.password_fd), ("--password-file", self.wishes.password_file)):
            if given is not None:
                raise UsageError(
                    f"{flag}: {self.finding.candidate.host} is signed in to in the browser, not with a password",
                    hint=f"Leave {flag} out.",
                )

    def _oauth_table(self) -> dict[str, str]:
        provider = self.finding.candidate.provider
        known = None if provider is None or provider.oauth is None else ("provider", provider.oauth)
        who = self.wishes.oauth or known
        if who is None:
            raise UsageError(
                "nothing is known of a sign-in in the browser for this server",
                hint="Name who gives tokens for it: --oauth PROVIDER.",
            )
        table = dict([who])
        return table if self.client_id is None else {**table, "client_id": self.client_id}

    def _asked_client_id(self) -> str:
        from sendmail_cli.config.oauth.table import PAGE, check_oauth_value, parse_oauth_table

        table = parse_oauth_table(self._oauth_table())
        registration = "" if table.known is None else table.known.registration
        self.board.say(
            f"{table.title} lets in only programs that are registered, and this one is registered by whoever uses it, "
            f"once. {PAGE} says step by step how to get a client id{', at' if registration else '.'}"
        )
        if registration:
            self.board.say(f"  {registration}")
        self.board.say()
        return self.asker.text("Client id", lambda text: check_oauth_value("client_id", text))

    def _try(self, secret: Secret | None) -> None:
        """Go all the way to 235, as a send would."""
        settings, talking = self.settings(), self.board.talking
        what = "token" if self.is_by_token else self._wanted()
        with service.connect(
            settings, talking.environment, password=secret, on_event=talking.on_event, may_ask=talking.may_ask
        ):
            self.board.step("sign-in", Verdict.OK, f"{settings.server} took the {what} of {self.user}")


def _accepted(secret: Secret, entry: KeyringEntry, environment: Environment, *, may_ask: bool) -> Accepted:
    """A password that the server took."""
    before: list[Secret] = []

    def keep() -> None:
        before.extend(filter(None, [get_password(entry, environment, may_ask=may_ask)]))
        set_password(entry, secret, environment, may_ask=may_ask)

    def undo() -> None:
        if before:
            set_password(entry, before[0], environment, may_ask=False)
        else:
            delete_password(entry, environment, may_ask=False)

    return Accepted(secret, keep, undo)


def parse_user(text: str) -> str:
    """A name to sign in with. Raises `UsageError` for none."""
    if not text or printable(text) != text:
        raise UsageError("a user's name is one line of text")
    return text
