"""msmtp's configuration (msmtprc): accounts, each with the defaults and the accounts that it inherits from."""

from __future__ import annotations

import re

from sendmail_cli.config.importing.findings import (
    Findings,
    ImportedProfile,
    Remark,
    Setting,
    in_order,
    quoted,
    refuse,
    shown_name,
    valid_name,
)
from sendmail_cli.config.importing.msmtp_settings import HANDLERS, LEFT, is_on, value_of
from sendmail_cli.config.importing.profile_builder import IMPLICIT_PORT, Endpoint, ProfileBuilder
from sendmail_cli.config.importing.text_file import read_text
from sendmail_cli.config.toml_lines import Place
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.environment import Environment

FORMAT = "msmtp"
DEFAULT_ACCOUNT = "default"
PLACES = ("~/.msmtprc", "$XDG_CONFIG_HOME/msmtp/config", "/etc/msmtprc")
_OLD = {"tls_nostarttls": ("tls_starttls", "off"), "tls_nocertcheck": ("tls_certcheck", "off")}
_SERVER = ("host", "port", "protocol", "socket", "tls", "tls_starttls")
_BY_SERVER = frozenset((*_SERVER, "proxy_host", "proxy_port"))


class Account(NamedTuple):
    """One account: all that holds in it, and of that what it says itself or inherits from another account."""

    name: str
    place: Place
    settings: dict[str, Setting]
    own: dict[str, Setting]


def read_msmtp(path: str, environment: Environment) -> Findings:
    """What the msmtprc at `path` says. Raises `InputError` for a file that can't be read, `ConfigError` for a mistake
    after which nothing can be told of the rest."""
    remarks: list[Remark] = []
    read = _Reader(path, remarks)
    for setting in settings_of(path, read_text(path)):
        read.take(setting)
    names: dict[str, str] = {}
    profiles: list[ImportedProfile] = []
    for account in read.accounts.values():
        if _is_alias(account, read.accounts.get(read.default_of)):
            continue
        names[account.name] = valid_name(account.name, FORMAT, names.values())
        profile = _convert(account, names[account.name], remarks, environment)
        if profile is not None:
            profiles.append(profile)
    seen = {(remark.place, remark.setting) for remark in remarks}
    remarks += [
        Remark(setting.place, setting.name, None, "no account uses it, or a later line replaces it")
        for setting in read.all
        if (setting.place, setting.name) not in seen
    ]
    default = names.get(DEFAULT_ACCOUNT, names.get(read.default_of))
    taken = {profile.name for profile in profiles}
    return Findings(FORMAT, (path,), tuple(profiles), default if default in taken else None, in_order(remarks))


def settings_of(path: str, text: str) -> Iterator[Setting]:
    """Each line that is neither empty nor a comment: a command and its argument, without quotes round all of it."""
    for number, line in enumerate(text.split("\n"), 1):
        name, _, argument = re.sub("[ \t]", " ", line.strip(" \t\r"), count=1).partition(" ")
        if not name or name.startswith("#"):
            continue
        argument = argument.strip(" \t")
        if len(argument) > 1 and argument[0] == argument[-1] == '"':
            argument = argument[1:-1]
        yield Setting(Place(path, number), name, argument)


def _is_alias(account: Account, base: Account | None) -> bool:
    """True for the account “default” that only gives another one that name."""
    return account.name == DEFAULT_ACCOUNT and base is not None and account.own == base.own


class _Reader:
    """Goes through the lines; knows the defaults so far and the account it is in."""

    def __init__(self, path: str, remarks: list[Remark]) -> None:
        self.path = path
        self.remarks = remarks
        self.defaults: dict[str, Setting] = {}
        self.accounts: dict[str, Account] = {}
        self.current: Account | None = None
        self.default_of = ""  # the account that `account default : x` names
        self.all: list[Setting] = []

    def take(self, setting: Setting) -> None:
        """Take the next line. Raises `ConfigError` for an account that can't be told from another."""
        name, value = _OLD.get(setting.name, (setting.name, setting.value))
        if name == "defaults":
            self.current = None
        elif name == "account":
            self.begin(setting)
        elif name == "eval":
            self.leave(setting, "what it would print is not known: no program is run", "Write the line itself.")
        elif name not in HANDLERS and name not in _BY_SERVER and name not in LEFT:
            known = (*HANDLERS, *_BY_SERVER, *LEFT)
            self.leave(setting._replace(name=shown_name(name, known)), "msmtp has no such command")
        else:
            self.put(Setting(setting.place, name, value))

    def put(self, setting: Setting) -> None:
        self.all.append(setting)
        if self.current is None:
            self.defaults[setting.name] = setting
        else:
            self.current.settings[setting.name] = self.current.own[setting.name] = setting

    def begin(self, setting: Setting) -> None:
        """A new account, with the defaults so far and then all that its bases say."""
        name, colon, bases = (part.strip(" \t") for part in setting.value.partition(":"))
        if not name:
            raise refuse(setting.place, "an account has a name")
        if name in self.accounts:
            raise refuse(setting.place, f"there is an account {quoted(name)} already")
        account = Account(name, setting.place, dict(self.defaults), {})
        for base in (each.strip(" \t") for each in bases.split(",")) if colon else ():
            if base not in self.accounts:
                word = base.split()[0] if base else ""  # what follows it may be another setting, with a password
                raise refuse(setting.place, f"there is no account {quoted(word)} before this line")
            account.settings.update(self.accounts[base].own)
            account.own.update(self.accounts[base].own)
            if name == DEFAULT_ACCOUNT:
                self.default_of = base
        self.accounts[name] = self.current = account

    def leave(self, setting: Setting, text: str, advice: str = "") -> None:
        self.remarks.append(Remark(setting.place, setting.name, None, text, advice))


def _convert(account: Account, name: str, remarks: list[Remark], environment: Environment) -> ImportedProfile | None:
    settings = account.settings
    account_setting = Setting(account.place, "account", "")
    if not any(value_of(settings, each) for each in ("host", "socket")):
        remarks.append(
            Remark(account.place, "account", None, f"{quoted(account.name)} names no host: others inherit from it")
        )
        return None
    builder = ProfileBuilder(name, remarks)
    _take_server(builder, settings)
    _take_proxy(builder, settings)
    for setting in settings.values():
        if setting.name.startswith("tls_") and setting.name not in _SERVER and builder.values.get("tls") == "none":
            builder.leave(setting, "TLS is off")
        elif setting.name in LEFT:
            builder.leave(setting, *LEFT[setting.name])
        elif setting.name in HANDLERS:
            HANDLERS[setting.name](builder, setting, settings, environment)
    profile = builder.finish(settings.get("tls") or settings.get("host"))
    if profile is None:
        builder.leave(account_setting, f"{quoted(account.name)} can't be a profile: {builder.flaw}")
    else:
        renamed = "" if name == account.name else f"{quoted(account.name)} is called {name}"
        builder.took(account_setting, f"profile {name}", renamed)
    return profile


def _take_server(builder: ProfileBuilder, settings: dict[str, Setting]) -> None:
    is_tls = "tls" in settings and is_on(settings["tls"])
    is_starttls = "tls_starttls" not in settings or is_on(settings["tls_starttls"])
    tls = "none" if not is_tls else "starttls" if is_starttls else "implicit"
    is_lmtp = value_of(settings, "protocol") == "lmtp"
    port = value_of(settings, "port")
    default_port = 24 if is_lmtp else IMPLICIT_PORT if tls == "implicit" else 25
    number = default_port if not port else int(port) if re.fullmatch("[0-9]{1,5}", port) else -1
    if number == -1:
        builder.flaw = "its port is no number"
    if is_lmtp and tls == "implicit":
        builder.flaw = "LMTP with TLS from the first byte is not spoken here"
    named = [settings[name] for name in _SERVER if name in settings]
    socket = value_of(settings, "socket")
    endpoint = Endpoint(value_of(settings, "host"), number, tls, is_lmtp, socket)
    if builder.flaw:
        for setting in named:
            builder.leave(setting, builder.flaw)
    else:
        builder.take_server([each for each in named if not socket or each.name not in {"host", "port"}], endpoint)


def _take_proxy(builder: ProfileBuilder, settings: dict[str, Setting]) -> None:
    """msmtp's proxies are SOCKS 5, and look up names themselves."""
    host = value_of(settings, "proxy_host")
    if not host or value_of(settings, "socket"):
        return
    port = value_of(settings, "proxy_port") or "1080"
    url = f"socks5h://[{host}]:{port}" if ":" in host else f"socks5h://{host}:{port}"
    if not builder.take(settings["proxy_host"], "proxy", url):
        builder.flaw = "without its proxy it would go another way"
    elif "proxy_port" in settings:
        builder.took(settings["proxy_port"], "proxy")
