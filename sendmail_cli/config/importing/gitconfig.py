"""git's configuration: what `git send-email` sends by. [sendemail] is one profile, and each identity one more."""

from __future__ import annotations

import os
import re

from sendmail_cli.config.importing.findings import Findings, ImportedProfile, Remark, Setting, in_order, valid_name
from sendmail_cli.config.importing.git_syntax import parse_git
from sendmail_cli.config.importing.profile_builder import IMPLICIT_PORT, Endpoint, ProfileBuilder
from sendmail_cli.config.importing.text_file import path_from, read_text
from sendmail_cli.config.profile_keys import AUTH_CHOICES
from sendmail_cli.errors import ConfigError
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment

FORMAT = "git"
PLACES = ("~/.gitconfig", "$XDG_CONFIG_HOME/git/config")
MAX_FILES = 100
SECTION = "sendemail."
_SMTP_PROGRAMS = frozenset(("sendmail", "sendmail.postfix", "sendmail.sendmail", "exim", "exim4", "postfix"))
_TLS = {"ssl": "implicit", "tls": "starttls"}

_ENVELOPE = ("the envelope has the From of the message", "sendmail-cli send -f ADDRESS")
_LEFT: dict[str, tuple[str, str]] = {
    "sendmailcmd": ("the program takes mail as sendmail does, and a profile's server speaks SMTP", ""),
    "smtpserveroption": ("it is for a sendmail program", ""),
    "envelopesender": _ENVELOPE,
    "smtpbatchsize": ("messages go by one connection", ""),
    "smtprelogindelay": ("messages go by one connection", ""),
    "smtpssl": ("it is old; git takes smtpEncryption", ""),
}
_MESSAGE = ("it is about each message, not about the way it goes", "")

Settings = dict[str, Setting]


def read_git(path: str, environment: Environment) -> Findings:
    """What the git configuration at `path` says of sending, with the files that it includes.

    Raises `InputError` for a file that can't be read, `ConfigError` for one that isn't git's or includes itself.
    """
    run = _Run(environment)
    run.file(path)
    sections = run.sections
    general = sections.get("", {})
    identities = {name: {**general, **own} for name, own in sections.items() if name and _is_ours(own)}
    accounts = {"": general} if _is_ours(general) else {}
    profiles: list[ImportedProfile] = []
    names: dict[str, str] = {}
    for identity, settings in (accounts | identities).items():
        if not identity and identities and "sendemail.smtpserver" not in settings:
            continue  # what all identities share, and no server
        names[identity] = valid_name(identity, FORMAT, names.values())
        profile = _Account(names[identity], settings, run.remarks).make()
        if profile is not None:
            profiles.append(profile)
    chosen = general.get("sendemail.identity")
    default = names.get(chosen.value if chosen is not None else "")
    is_there = any(profile.name == default for profile in profiles)
    return Findings(FORMAT, tuple(run.files), tuple(profiles), default if is_there else None, in_order(run.remarks))


def _is_ours(settings: Settings) -> bool:
    return any(name.startswith(SECTION) for name in settings)


class _Run:
    """Reads a file and those that it includes. `sections` has the settings by subsection; the last one wins."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.sections: dict[str, Settings] = {}
        self.files: list[str] = []
        self.open: list[str] = []
        self.remarks: list[Remark] = []

    def file(self, path: str, wanted_by: str = "") -> None:
        real = os.path.realpath(path)
        if real in self.open:
            raise ConfigError(f"{wanted_by}: the file is being read already: it includes itself, in a circle")
        if len(self.files) >= MAX_FILES:
            raise ConfigError(f"{wanted_by}: more than {MAX_FILES} files are included")
        self.files.append(path)
        self.open.append(real)
        for subsection, setting in parse_git(path, read_text(path, wanted_by)):
            self.take(path, subsection, setting)
        self.open.pop()

    def take(self, path: str, subsection: str, setting: Setting) -> None:
        section = setting.name.partition(".")[0]
        if setting.name == "include.path":
            self.include(path, setting)
        elif section == "includeif":
            text = "whether its condition holds depends on where git runs"
            advice = "sendmail-cli profile import --from git FILE, with the file that it includes"
            self.remarks.append(Remark(setting.place, "includeIf", None, text, advice))
        elif section == "sendemail" or (section == "user" and not subsection):
            settings = self.sections.setdefault(subsection, {})
            replaced = settings.get(setting.name)
            if replaced is not None:
                self.remarks.append(Remark(replaced.place, replaced.name, None, "a later line replaces it"))
            settings[setting.name] = setting

    def include(self, path: str, setting: Setting) -> None:
        included = path_from(setting.value, path, self.environment.home)
        if os.path.exists(included):
            self.file(included, str(setting.place))
        else:  # as git does
            self.remarks.append(Remark(setting.place, "include.path", None, "there is no such file"))


class _Account:
    """One identity's settings, with those that all share."""

    def __init__(self, name: str, settings: Settings, remarks: list[Remark]) -> None:
        self.settings = settings
        self.builder = ProfileBuilder(name, remarks)
        self.used = {"identity"}

    def get(self, key: str) -> Setting | None:
        """The setting sendemail.`key`, if it is not empty."""
        self.used.add(key)
        setting = self.settings.get(SECTION + key)
        return setting if setting is not None and setting.value else None

    def make(self) -> ImportedProfile | None:
        builder = self.builder
        server = self.get("smtpserver")
        encryption = self.get("smtpencryption")
        if server is None:
            builder.flaw = "no smtpServer is set: git looks for a sendmail program"
            self.get("smtpserverport")
        elif os.path.isabs(server.value):
            self.program(server)
        else:
            self.server(server, encryption)
        self.sender()
        if server is not None and "pipe" not in builder.values:
            self.sign_in()
            self.certificates()
        bcc = self.get("bcc")
        if bcc is not None:
            builder.take(bcc, "bcc", bcc.value)
        domain = self.get("smtpdomain")
        if domain is not None:
            builder.take(domain, "ehlo", domain.value)
        for name, setting in self.settings.items():
            key = name.removeprefix(SECTION)
            if name.startswith(SECTION) and key not in self.used:
                builder.leave(setting, *_LEFT.get(key, _MESSAGE))
        profile = builder.finish(encryption or server)
        if profile is None:
            first = server or next(setting for name, setting in self.settings.items() if name.startswith(SECTION))
            builder.leave(first, f"it makes no profile: {builder.flaw}")
        return profile

    def server(self, server: Setting, encryption: Setting | None) -> None:
        word = encryption.value.lower() if encryption is not None else ""
        tls = _TLS.get(word, "none")
        port = self.get("smtpserverport")
        if port is not None and not re.fullmatch("[0-9]{1,5}", port.value):
            self.builder.flaw = "smtpServerPort is no number"
            return
        number = int(port.value) if port is not None else IMPLICIT_PORT if tls == "implicit" else 25
        named = [setting for setting in (server, port, encryption) if setting is not None]
        self.builder.take_server(named, Endpoint(server.value, number, tls))

    def program(self, server: Setting) -> None:
        """A program in a server's place. Those that speak SMTP on their standard input are asked to."""
        name = os.path.basename(server.value)
        if name in _SMTP_PROGRAMS:
            self.builder.take(server, "pipe", [server.value, "-bs"], "it speaks SMTP with -bs")
            return
        advice = "sendmail-cli profile import --from msmtp" if name == "msmtp" else ""
        self.builder.flaw = "the program that is its server speaks no SMTP on its standard input"
        self.builder.leave(server, self.builder.flaw, advice)

    def sender(self) -> None:
        """sendemail.from, else who commits."""
        from_ = self.get("from")
        if from_ is not None:
            self.builder.take(from_, "from", from_.value)
            return
        email, name = self.settings.get("user.email"), self.settings.get("user.name")
        if email is None or not email.value:
            return
        self.builder.take_sender(email, name)

    def sign_in(self) -> None:
        user, password, auth = self.get("smtpuser"), self.get("smtppass"), self.get("smtpauth")
        is_off = auth is not None and auth.value.lower() == "none"
        if user is not None and not is_off:
            self.builder.take(user, "user", user.value)
        elif user is not None:
            self.builder.leave(user, "smtpAuth is none: git doesn't sign in")
        if password is not None and user is not None and not is_off:
            self.builder.take_password(password, password.value)
        elif password is not None:
            self.builder.leave(password, "nobody signs in with it: there is no smtpUser, or smtpAuth is none")
        if auth is None:
            return
        mechanisms = auth.value.lower().split()
        if len(mechanisms) == 1 and mechanisms[0] in AUTH_CHOICES[2:]:
            self.builder.take(auth, "auth", mechanisms[0])
        else:
            self.builder.leave(auth, "auth takes one mechanism, or the best that is offered, as now")

    def certificates(self) -> None:
        self.used.add("smtpsslcertpath")
        path = self.settings.get(f"{SECTION}smtpsslcertpath")
        if path is not None and not path.value:
            self.builder.leave_unchecked(path)
        elif path is not None and os.path.isdir(path.value):
            self.builder.leave(
                path, "ca_file is one file, and this is a folder", "The system's authorities are trusted."
            )
        elif path is not None:
            self.builder.take_file(path, "ca_file")
        for key, ours in (("smtpsslclientcert", "tls_cert"), ("smtpsslclientkey", "tls_key")):
            file = self.get(key)
            if file is not None:
                self.builder.take_file(file, ours)
