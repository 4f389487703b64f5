"""The course that `setup` takes: find, agree, sign in, keep, write, try. Nothing is kept before the server said yes."""

from __future__ import annotations

import re
from contextlib import suppress

from sendmail_cli import service
from sendmail_cli.addresses import Mailbox, parse_mailbox
from sendmail_cli.cli.headline import headline
from sendmail_cli.cli.json_fields import error_fields
from sendmail_cli.cli.setup_search import Looking
from sendmail_cli.cli.setup_sign_in import SignIn
from sendmail_cli.cli.setup_view import Board, finding_fields, rows_of
from sendmail_cli.config import profile_file
from sendmail_cli.config.credential_settings import password_variable
from sendmail_cli.config.profile_keys import check_name
from sendmail_cli.config.profiles import BUILT_IN, SANDBOX, load_profiles
from sendmail_cli.config.settings import ServerFlags
from sendmail_cli.errors import ConfigError, InternalError, MailError, UsageError
from sendmail_cli.request import Request
from sendmail_cli.status import ExitCode
from sendmail_cli.steps import Verdict
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.cli.asking import Asker
    from sendmail_cli.cli.options import Talk
    from sendmail_cli.cli.setup_sign_in import Accepted
    from sendmail_cli.cli.setup_wishes import Wishes
    from sendmail_cli.config.discovery.search import Finding
    from sendmail_cli.config.profiles import Profiles

NOT_A_NAME = re.compile("[^A-Za-z0-9._-]+")
TOO_COMMON = frozenset((SANDBOX, "smtp", "www", ""))  # to call a profile by
ELSEWHERE = ("password_file", "password_command")  # keys of a profile whose password is not in the keyring
SUBJECT = "It works"
TEXT = "sendmail-cli sent this from the profile that was just set up, to its own address.\n"


class Course:
    """One set-up, from an address to what was written."""

    def __init__(self, mailbox: Mailbox, wishes: Wishes, talking: Talk, asker: Asker) -> None:
        self.mailbox = mailbox
        self.wishes = wishes
        self.talking = talking
        self.asker = asker
        self.environment = talking.environment
        self.board = Board(talking, asker)
        self.looking = Looking(mailbox.address, wishes, self.board)
        self.finding: Finding | None = None
        self.user: str | None = None
        self.name: str | None = None
        self.path: str | None = None  # of the file, once the profile is in it
        self.is_default = False
        self.kept: str | None = None  # where the password is
        self.next: str | None = None

    def run(self) -> ExitCode:
        """Take the course to its end, and say what came of it."""
        output = self.talking.output
        try:
            exit_code = self._run()
        except InternalError:
            raise
        except MailError as error:
            if output.is_json:
                output.answer_json(self._fields(error.exit_code, error))
            self.board.say()
            output.explain(error)
            if not self.wishes.is_show:
                self.board.say(f"  {self._left_behind()}")
            return error.exit_code
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(self._left_behind())
            raise
        if output.is_json:
            output.answer_json(self._fields(exit_code, None))
        return exit_code

    def _run(self) -> ExitCode:
        profiles = load_profiles(self.environment)  # what is wrong in it is said before anything is asked
        self.wishes = self.wishes._replace(is_insecure_keyring_allowed=profiles.allow_insecure_keyring)
        if self.wishes.is_show:
            return self._show()
        if self.wishes.name is not None and not self._may_be_called(self.wishes.name, profiles):
            raise _taken(self.wishes.name)
        if self.wishes.name_shown is not None:
            self.mailbox = _mailbox(self.wishes.name_shown, self.mailbox)
        self.finding = finding = self.looking.agreed()
        self.mailbox = self._named()
        self.name = name = self._profile_name(finding, profiles)
        sign_in = SignIn(self.mailbox, finding, name, self.wishes, self.board)
        accepted = None if self.wishes.is_offline else sign_in.run()
        self.user = sign_in.user
        self._write(sign_in.values(), accepted, profiles)
        exit_code = self._try_out(accepted)
        self._conclude()
        return exit_code

    def _show(self) -> ExitCode:
        """Only what there is: the answer that was asked for."""
        self.finding = finding = self.looking.found()
        self.board.say()
        if not self.talking.output.is_json:
            for name, value in rows_of(finding, self.mailbox.address, self.wishes.user):
                self.talking.output.answer(f"{name:12}{value}")
        return ExitCode.OK

    # What the profile is called, and whom its mail is from

    def _named(self) -> Mailbox:
        """Who sends, with a name that nobody was asked for twice."""
        if self.mailbox.name or self.wishes.name_shown is not None or not self.asker.may_ask:
            return self.mailbox
        question = "Your name, as readers see it (may be empty)"
        return self.asker.text(question, lambda text: _mailbox(text, self.mailbox), default="")

    def _profile_name(self, finding: Finding, profiles: Profiles) -> str:
        name = self.wishes.name or self._suggestion(finding)
        while not self._may_be_called(name, profiles):
            if not self.asker.may_ask:
                raise _taken(name)
            whose = profiles.get(name).from_
            of = "" if whose is None else f", of {whose.address}"
            if self.asker.confirms(f"There is a profile “{name}” already{of}. Replace it?", default=False):
                self.wishes = self.wishes._replace(is_replacing=True)
            else:
                name = self.asker.text("What to call the new profile", _checked_name)
        return name

    def _may_be_called(self, name: str, profiles: Profiles) -> bool:
        """False for a name that is taken; before anything was found, a person can still be asked about that."""
        _checked_name(name)
        return name not in profiles.names or self.wishes.is_replacing or (self.asker.may_ask and self.finding is None)

    def _suggestion(self, finding: Finding) -> str:
        provider = finding.candidate.provider
        if provider is not None:
            return provider.name
        domain = self.mailbox.address.domain
        label = NOT_A_NAME.sub("-", domain.partition(".")[0]).strip("-")
        return "mail" if label.lower() in TOO_COMMON else label

    # Keep and write

    def _write(self, values: dict[str, Any], accepted: Accepted | None, profiles: Profiles) -> None:
        """Secret and profile, or neither."""
        name = self.name or ""
        is_first = not profiles.names
        is_kept = accepted is not None and self.wishes.is_kept and self._keep(accepted)
        try:
            self.path = profile_file.save_profiles(
                self.environment,
                {name: values},
                default=name if is_first or self.wishes.is_default else None,
                replaceable=(name,) if self.wishes.is_replacing else (),
            )
        except BaseException:
            if accepted is not None and is_kept:
                with suppress(MailError):
                    accepted.undo()
            raise
        if self.wishes.is_default and not is_first:
            profile_file.set_default(self.environment, name)
        elsewhere = next((key.rpartition("_")[2] for key in ELSEWHERE if key in values), None)
        self.kept = "keyring" if is_kept else elsewhere
        self.is_default = is_first or self.wishes.is_default or profiles.default == name
        default = ", the default" if self.is_default else ""
        self.board.step("profile", Verdict.OK, f"“{name}” is in {_at_home(self.path, self.environment.home)}{default}")

    def _keep(self, accepted: Accepted) -> bool:
        """Put it into the keyring; False where there is none, and the person goes on without. Raises `MailError`."""
        try:
            accepted.keep()
        except MailError as error:
            variable = password_variable(self.name or "")
            if not self.asker.may_ask:
                error.hint = (
                    "Let it come from a program (--password-command) or a file that only you can read "
                    f"(--password-file); or write the profile all the same (--no-store), and set {variable}."
                )
                raise
            self.board.step("keyring", Verdict.WARNING, error.sentence)
            self.board.fact(
                "",
                "Without one it can come from a program (password_command), a file that only you can read "
                f"(password_file), or the variable {variable}.",
            )
            if not self.asker.confirms("Write the profile without keeping it?", default=False):
                raise
            return False
        self.board.step("keyring", Verdict.OK, f"it is kept there, under “sendmail-cli/{self.name}”")
        return True

    # Try and conclude

    def _try_out(self, accepted: Accepted | None) -> ExitCode:
        """A mail to oneself, if that is wanted; what went wrong with it is said, and the profile stays."""
        is_wanted = self.wishes.is_test_sent
        if self.wishes.is_offline:
            is_wanted = False
        elif is_wanted is None and self.asker.may_ask:
            self.board.say()
            question = f"Send a mail to {self.mailbox.address}, to see it arrive?"
            is_wanted = self.asker.confirms(question, default=True)
            self.board.answered()
        if not is_wanted:
            return ExitCode.OK
        request = Request(flags=ServerFlags(profile=self.name), to=(self.mailbox,), subject=SUBJECT, text=TEXT)
        report = service.send(
            request,
            self.environment,
            on_event=self.talking.on_event,
            may_ask=self.talking.may_ask,
            password=None if accepted is None else accepted.secret,
        )
        is_sent = report.exit_code is ExitCode.OK
        self.board.step("test mail", Verdict.OK if is_sent else Verdict.FAILED, headline(report))
        if not is_sent:
            self.talking.output.report(report)
        return report.exit_code

    def _conclude(self) -> None:
        """The next command to type."""
        chosen = "" if self.is_default else f" -p {self.name}"
        self.next = f'sendmail-cli send{chosen} -s Hello -m "How are you?" friend@example.org'
        if self.wishes.is_offline and self.user is not None and self.kept is None:
            self.next = f"sendmail-cli login {self.name}"
        self.board.say()
        self.board.say("Ready. Next:")
        self.board.say(f"  {self.next}")

    def _left_behind(self) -> str:
        return "nothing was written" if self.path is None else f"the profile “{self.name}” is set up"

    def _fields(self, exit_code: ExitCode, error: MailError | None) -> dict[str, Any]:
        address, finding = self.mailbox.address, self.finding
        return {
            "address": str(address),
            "exit_code": int(exit_code),
            "error": None if error is None else error_fields(error),
            "steps": self.board.rows,
            "server": None if finding is None else finding_fields(finding, address, self.user or self.wishes.user),
            "profile": None if self.path is None else self.name,
            "path": self.path,
            "is_default": self.is_default,
            "password": self.kept,
            "next": self.next,
        }


def _mailbox(name: str, mailbox: Mailbox) -> Mailbox:
    """`mailbox` with this `name`. Raises `AddressError` for one that no header can carry."""
    return parse_mailbox(str(Mailbox(name, mailbox.address)))


def _at_home(path: str, home: str) -> str:
    """`path` with the home folder written as `~`."""
    folder = home.rstrip("/") + "/"
    return f"~/{path.removeprefix(folder)}" if path.startswith(folder) else path


def _checked_name(name: str) -> str:
    if name == SANDBOX:
        raise UsageError(BUILT_IN)
    try:
        return check_name(name)
    except ConfigError as error:
        raise UsageError(error.sentence, hint=error.hint) from None


def _taken(name: str) -> UsageError:
    return UsageError(f"there is a profile “{name}” already", hint="--replace replaces it; --name gives another name.")
