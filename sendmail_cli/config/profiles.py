"""Profiles: who sends, through which server. Read from `profiles.toml`, a user's file above the machine's.

    default = "work"

    [profile.work]
    from = "Ada Lovelace <ada@example.org>"
    server = "smtps://smtp.example.org"
    user = "ada@example.org"

The file is checked as a whole: each mistake is a `ConfigError` with file, line and key. `profile_file` writes it.
"""

from __future__ import annotations

from types import MappingProxyType

from sendmail_cli.addresses import AddrSpec, Mailbox
from sendmail_cli.config.profile_contradictions import refuse_contradictions
from sendmail_cli.config.profile_keys import (
    KEYS,
    check_header,
    check_name,
    check_switch,
    check_value,
    nearest_of,
    refuse_key,
)
from sendmail_cli.config.toml_lines import read_toml
from sendmail_cli.config.trusted_file import read_trusted_text
from sendmail_cli.environment import CONFIG_VARIABLE
from sendmail_cli.errors import ConfigError, MailError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, NoReturn

    from sendmail_cli.addresses import Address
    from sendmail_cli.config.oauth.table import OAuthTable
    from sendmail_cli.config.sender_rules import AddressPattern
    from sendmail_cli.config.server_url import ServerURL
    from sendmail_cli.config.toml_lines import KeyPath, Place, TomlLines
    from sendmail_cli.environment import Environment
    from sendmail_cli.secret import Secret
    from sendmail_cli.server import TLSMode

SERVER_VARIABLES = ("SENDMAIL_CLI_SERVER", "SENDMAIL_CLI_PIPE")  # with one of them no file is needed
SANDBOX = "sandbox"
FIRST_STEPS = "Set one up: sendmail-cli setup you@example.org\nOr try it without a server first: add --profile sandbox"
BUILT_IN = "the profile “sandbox” is built in and stays as it is; take another name"
_TOP_KEYS = ("default", "profile", "allow_insecure_keyring")
FIELDS = {
    "from": "from_",
    "server": "servers",
    "credential": "credential_source",
}  # of a Profile, where they are not called as the key is


class Profile(NamedTuple):
    """One profile as its file has it; what the file doesn't say is None. `places` knows where each key stands."""

    name: str
    place: Place | None = None  # None: built in
    places: Mapping[str, Place] = MappingProxyType({})
    from_: Mailbox | None = None
    servers: tuple[ServerURL, ...] = ()  # the later ones are for when those before can't be had
    user: str | None = None
    tls: TLSMode | None = None
    auth: str | None = None
    ehlo: str | None = None
    ca_file: str | None = None
    tls_min: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_pin: str | None = None
    timeout: float | None = None
    password_command: tuple[str, ...] | None = None
    allow_insecure_keyring: bool | None = None
    headers: tuple[tuple[str, str], ...] = ()
    pipe: tuple[str, ...] | None = None  # in place of servers
    proxy: Secret | None = None
    bind: str | None = None
    pipelining: str | None = None
    chunking: str | None = None
    qualify: str | None = None
    password_file: str | None = None
    credential_source: str | None = None
    oauth: OAuthTable | None = None
    fcc: str | None = None
    signature: str | None = None
    signature_file: str | None = None
    queue: str | None = None
    in_doubt: str | None = None
    bounce: str | None = None
    limits: tuple[tuple[int, float], ...] | None = None  # messages, and in how many seconds
    connections: int | None = None
    log: float | None = None  # seconds that it is kept
    syslog: bool | None = None
    match: tuple[AddressPattern, ...] = ()  # senders for whom it is chosen
    force_from: bool | None = None
    allow_from: tuple[AddressPattern, ...] = ()
    bcc: tuple[Address, ...] = ()
    variables: Mapping[str, str] = MappingProxyType({})  # key → variable that says it in place of the file

    @property
    def login(self) -> str | None:
        """Who signs in: `user`, or the one before “@” in a server."""
        return next((user for user in (self.user, *(url.user for url in self.servers)) if user is not None), None)

    @property
    def has_server(self) -> bool:
        """True when it says where mail goes; the sandbox does."""
        return bool(self.servers or self.pipe or self.name == SANDBOX)

    def place_of(self, key: str) -> Place | None:
        """Where `key` stands ("headers.Organization" is one); where the profile does if it has no such key.

        None for what a variable says.
        """
        if key in self.variables:
            return None
        return self.places.get(key, self.place)

    def said_at(self, key: str) -> str:
        """Where `key` is said, for the beginning of a sentence about it."""
        variable = self.variables.get(key)
        return f"{self.place_of(key)}: profile.{self.name}.{key}" if variable is None else variable


NO_PROFILE = Profile("")
SANDBOX_PROFILE = Profile(SANDBOX, from_=Mailbox("", AddrSpec("sandbox", "sandbox.invalid")))


class ProfileFile(NamedTuple):
    """What one file says."""

    path: str
    profiles: Mapping[str, Profile]
    default: str | None = None
    default_place: Place | None = None
    allow_insecure_keyring: bool | None = None


class Profiles(NamedTuple):
    """The merged view of all files. A user's profile replaces the machine's of that name as a whole."""

    by_name: Mapping[str, Profile]  # in the order of the files; the built-in one is not among them
    default: str | None
    default_place: Place | None
    allow_insecure_keyring: bool
    paths: tuple[str, ...]  # that were looked for; changes go to the first
    unreadable: tuple[str, ...] = ()  # paths that this user may not read

    @property
    def are_matched(self) -> bool:
        """True when the sender of a message may choose one of them."""
        return any(profile.match for profile in self.by_name.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The profiles that were set up, in the order of the files."""
        return tuple(self.by_name)

    def get(self, name: str) -> Profile:
        """The profile `name`, the built-in sandbox too. Raises `ConfigError` with the nearest name and the list."""
        if name == SANDBOX:
            return SANDBOX_PROFILE
        found = self.by_name.get(name)
        if found is not None:
            return found
        if not self.by_name:
            raise ConfigError(f"there is no profile “{printable(name, 80)}”: {self.nothing()}", hint=FIRST_STEPS)
        raise ConfigError(no_such_profile(name, self.names) + self._unread())

    def nothing(self) -> str:
        """Says that no profile is set up, and which files were looked for."""
        where = " or ".join(map(printable, self.paths))
        return f"no profile is set up in {where}{self._unread()}"

    def _unread(self) -> str:
        return "".join(f" ({printable(path)} may not be read by this user)" for path in self.unreadable)


def load_profiles(environment: Environment) -> Profiles:
    """All profiles that are set up; none is no error.

    Where a variable names the server, files that may not be read are passed over: HOME is seldom one's own in a
    container. Raises `ConfigError` for any mistake in the files, and for a file that isn't trusted.
    """
    paths = config_paths(environment)
    is_needless = any(environment.variables.get(name) for name in SERVER_VARIABLES)
    files: list[ProfileFile] = []
    unreadable: list[str] = []
    for path in paths:
        try:
            text = read_trusted_text(path)
        except PermissionError as error:
            if path == paths[0] and not is_needless:
                raise ConfigError(f"{printable(path)} can't be read: {error.strerror}") from None
            unreadable.append(path)
            continue
        if text is not None:
            files.append(parse_profiles(path, text))
    return merge_profiles(files, paths)._replace(unreadable=tuple(unreadable))


def config_paths(environment: Environment) -> tuple[str, ...]:
    """Where profiles are read from, the more important first: SENDMAIL_CLI_CONFIG alone, else user's and machine's."""
    chosen = environment.variables.get(CONFIG_VARIABLE)
    if chosen:
        return (chosen,)
    return (f"{environment.user_config_folder}/profiles.toml", f"{environment.system_config_folder}/profiles.toml")


def merge_profiles(files: Iterable[ProfileFile], paths: tuple[str, ...]) -> Profiles:
    """The view of `files`, the more important first. Raises `ConfigError` when `default` names no profile."""
    by_name: dict[str, Profile] = {}
    default: str | None = None
    default_place: Place | None = None
    is_insecure_allowed: bool | None = None
    for file in files:
        for name, profile in file.profiles.items():
            by_name.setdefault(name, profile)
        if default is None:
            default, default_place = file.default, file.default_place
        if is_insecure_allowed is None:
            is_insecure_allowed = file.allow_insecure_keyring
    if default is not None and default != SANDBOX and default not in by_name:
        raise ConfigError(f"{default_place}: default: {no_such_profile(default, tuple(by_name))}")
    return Profiles(by_name, default, default_place, is_insecure_allowed is True, paths)


def parse_profiles(path: str, text: str) -> ProfileFile:
    """What `text`, the content of the file `path`, says. Raises `ConfigError` with file, line and key."""
    document, lines = read_toml(path, text)
    for key, value in document.items():
        if key not in _TOP_KEYS:
            _refuse_top_key(key, value, lines)
    default = document.get("default")
    if default is not None and not isinstance(default, str):
        raise ConfigError(f"{lines.place(('default',))}: default: expected the name of a profile in quotes")
    profiles = document.get("profile", {})
    if not isinstance(profiles, dict):
        raise ConfigError(f"{lines.place(('profile',))}: profile: expected tables, [profile.NAME]")
    switch = document.get("allow_insecure_keyring")
    return ProfileFile(
        path,
        {name: _parse_profile(name, values, lines) for name, values in profiles.items()},
        default,
        lines.place(("default",)) if default is not None else None,
        None if switch is None else _located(lines, ("allow_insecure_keyring",), check_switch, switch),
    )


def _parse_profile(name: str, values: object, lines: TomlLines) -> Profile:
    path = ("profile", name)
    _located(lines, path, check_name, name)
    if name == SANDBOX:
        raise ConfigError(f"{lines.place(path)}: {_dotted(path)}: {BUILT_IN}")
    if not isinstance(values, dict):
        raise ConfigError(f"{lines.place(path)}: {_dotted(path)}: expected a table, [profile.{name}]")
    places = {key: lines.place((*path, key)) for key in values}
    for key in _subkeys(values, "credential"):
        places[f"credential.{key}"] = lines.place((*path, "credential", key))
    for header, value in _subkeys(values, "headers").items():
        _located(lines, (*path, "headers", header), check_header, header, value)
        places[f"headers.{header}"] = lines.place((*path, "headers", header))
    for key, value in _subkeys(values, "oauth").items():
        _located(lines, (*path, "oauth", key), _check_oauth, key, value)
        places[f"oauth.{key}"] = lines.place((*path, "oauth", key))
    checked: dict[str, Any] = {
        str(FIELDS.get(key, key)): _located(lines, (*path, key), check_value, key, values[key]) for key in values
    }
    profile = Profile(name, lines.place(path), places, **checked)
    refuse_contradictions(profile)
    return profile


def _subkeys(values: dict[str, Any], key: str) -> dict[str, Any]:
    """What stands in the table `key`; another value than a table is refused where it is checked."""
    table = values.get(key)
    return table if isinstance(table, dict) else {}


def _check_oauth(key: str, value: object) -> None:
    from sendmail_cli.config.oauth.table import check_oauth_value

    check_oauth_value(key, value)


def _located(lines: TomlLines, path: KeyPath, check: Callable[..., Any], *arguments: object) -> Any:
    """What `check` makes of its arguments, which stand at `path`; its errors get the place."""
    try:
        return check(*arguments)
    except MailError as error:
        sentence = f"{lines.place(path)}: {_dotted(path)}: {error.sentence}"
        raise ConfigError(sentence, hint=error.hint) from None


def _refuse_top_key(key: str, value: object, lines: TomlLines) -> NoReturn:
    place, shown = lines.place((key,)), printable(key, 80)
    if key in KEYS:
        raise ConfigError(f"{place}: {shown}: this key belongs in a profile, below a line such as [profile.work]")
    nearest = "profile" if key == "profiles" else nearest_of(key, _TOP_KEYS)
    if nearest is not None:
        raise ConfigError(f"{place}: {shown}: there is no such key; did you mean “{nearest}”?")
    if isinstance(value, dict):
        raise ConfigError(f"{place}: {shown}: there is no such table; a profile is written [profile.{shown}]")
    try:
        refuse_key(key, value)
    except ConfigError as error:
        raise ConfigError(f"{place}: {shown}: {error.sentence}", hint=error.hint) from None


def no_such_profile(name: str, names: tuple[str, ...]) -> str:
    """Says that `names` has no `name`, which of them is the nearest, and what there is."""
    nearest = nearest_of(name, names)
    meant = f"; did you mean “{nearest}”?" if nearest else "."
    there_is = ", ".join((*map(printable, names), SANDBOX))
    return f"there is no profile “{printable(name, 80)}”{meant} There is {there_is}"


def _dotted(path: KeyPath) -> str:
    return printable(".".join(path), 120)
