"""One profile in the making: each setting is taken, through the checks of `profile_keys`, or left with a reason."""

from __future__ import annotations

import os

from sendmail_cli.addresses import Mailbox, parse_addr_spec
from sendmail_cli.config.importing.findings import ImportedProfile, Remark
from sendmail_cli.config.importing.shell_words import argv_of, said, says_it_itself
from sendmail_cli.config.profile_keys import SAFE_IN_THE_CLEAR, check_value
from sendmail_cli.config.profiles import merge_profiles, parse_profiles
from sendmail_cli.config.server_url import ServerURL, parse_server_url
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.environment import Environment
from sendmail_cli.errors import ConfigError, MailError
from sendmail_cli.secret import Secret
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sendmail_cli.config.importing.findings import Setting

IMPLICIT_PORT = 465  # RFC 8314 §3.3
PIN_ADVICE = "sendmail-cli profile set {name} --tls-pin sha256:…, which sendmail-cli check -p {name} shows"
NO_CHECK = (
    "certificates are always checked: without that anybody on the way could read the password",
    f"Where the server's can't be checked, pin it: {PIN_ADVICE}",
)


class Endpoint(NamedTuple):
    """Where a server is, before it is checked. `tls` is a word of the key; `socket` comes before the host."""

    host: str = ""
    port: int | None = None
    tls: str = "starttls"
    is_lmtp: bool = False
    socket: str = ""


class ProfileBuilder:
    """What a profile has so far. `remarks` is the list of all profiles of one import."""

    def __init__(self, name: str, remarks: list[Remark]) -> None:
        self.name = name
        self.remarks = remarks
        self.values: dict[str, Any] = {}
        self.password: Secret | None = None
        self.flaw = ""  # why it can't become a profile

    def take(self, setting: Setting, key: str, value: object, text: str = "") -> bool:
        """Put `value` under `key`. False, and a remark with the reason, where the key can't hold it."""
        try:
            check_value(key, value)
        except MailError as error:
            self.leave(setting, f"as {key}: {error.sentence}", error.hint)
            return False
        self.values[key] = value
        self.took(setting, key, text)
        return True

    def took(self, setting: Setting, key: str, text: str = "") -> None:
        """Note that `setting` is in `key`."""
        self.remarks.append(Remark(setting.place, setting.name, key, text))

    def leave(self, setting: Setting, text: str, advice: str = "") -> None:
        """Note that `setting` is not taken, and why."""
        advice = advice.replace("{name}", self.name)
        self.remarks.append(Remark(setting.place, setting.name, None, text, advice))

    def leave_unchecked(self, setting: Setting) -> None:
        """Refuse to leave certificates unchecked."""
        self.leave(setting, *NO_CHECK)

    def take_server(self, settings: Sequence[Setting], endpoint: Endpoint) -> None:
        """The server that `settings` say together; the first one names it."""
        try:
            url = _url_of(endpoint)
        except MailError as error:
            self.flaw = f"{settings[0].name} names no server: {error.sentence}"
            for setting in settings:
                self.leave(setting, self.flaw)
            return
        self.values["server"] = str(url)
        if not url.is_smtps:
            self.values["tls"] = endpoint.tls
        for setting in settings:
            self.took(setting, "tls" if "tls" in setting.name and not url.is_smtps else "server")

    def take_sender(self, address: Setting, name: Setting | None) -> None:
        """From, of an address and a display name that stands by itself."""
        if name is None or not name.value:
            self.take(address, "from", address.value)
            return
        try:
            sender = str(Mailbox(name.value, parse_addr_spec(address.value)))
        except MailError as error:
            self.leave(address, f"as from: {error.sentence}", error.hint)
            return
        if self.take(address, "from", sender):
            self.took(name, "from")

    def take_file(self, setting: Setting, key: str) -> None:
        """A file's name. A relative one is left: it is relative to something else here."""
        path = setting.value
        if not path.startswith("~/") and not os.path.isabs(path):
            self.leave(setting, "the path is relative, and here would be to another folder", f"Give it whole as {key}.")
        else:
            self.take(setting, key, path)

    def take_password(self, setting: Setting, text: str) -> None:
        """Keep a password that stood in the clear: for the keyring, never for the file."""
        if not text:
            self.leave(setting, "it is empty")
            return
        self.password = Secret(text)
        self.leave(
            setting,
            "a password never stands in profiles.toml",
            "It goes into the keyring with --store-passwords, or by sendmail-cli login {name}.",
        )

    def take_command(self, setting: Setting, command: str) -> None:
        """A command for a shell, that prints the password."""
        if not says_it_itself(command):
            argv = argv_of(command)
            text = "it needs a shell, and so is given to sh" if argv[:2] == ["sh", "-c"] else ""
            self.take(setting, "password_command", argv, text)
            return
        password = said(command)
        if password is not None:
            self.take_password(setting, password)
        else:
            self.leave(setting, "the command holds the password itself", "Store it: sendmail-cli login {name}.")

    def finish(self, tls_setting: Setting | None = None) -> ImportedProfile | None:
        """The profile, checked as a whole; None where it has a flaw, which is then a sentence."""
        if not self.flaw and not self.values.keys() & {"server", "pipe"}:
            self.flaw = "no server is named"
        if self.flaw:
            return None
        self._protect_password(tls_setting)
        try:
            self._resolve()
        except MailError as error:
            self.flaw = error.sentence
            return None
        return ImportedProfile(self.name, self.values, self.password)

    def _protect_password(self, tls_setting: Setting | None) -> None:
        """STARTTLS where the password would have gone over a network in the clear: a profile can't say that."""
        values = self.values
        if "user" not in values or values.get("tls") not in {"none", "opportunistic"}:
            return
        auth = values.get("auth", "auto")
        is_here = parse_server_url(values["server"]).is_this_machine and "proxy" not in values
        if is_here or auth in SAFE_IN_THE_CLEAR:
            return
        values["tls"] = "starttls"
        if tls_setting is not None:
            self.leave(
                tls_setting,
                "a password never leaves this machine in the clear: STARTTLS is demanded instead",
                "If the server has no TLS, sign-in by it is refused.",
            )

    def _resolve(self) -> None:
        """Raise `MailError` where the values contradict one another."""
        import tomlkit

        file = parse_profiles("the new profile", tomlkit.dumps({"profile": {self.name: self.values}}))
        resolve_settings(ServerFlags(profile=self.name), merge_profiles([file], ()), Environment({"HOME": "/"}))


def _url_of(endpoint: Endpoint) -> ServerURL:
    """Raises `MailError` for a host that is none."""
    scheme = "lmtp" if endpoint.is_lmtp else "smtps" if endpoint.tls == "implicit" else None
    if endpoint.socket:
        return parse_server_url(f"{'lmtp' if endpoint.is_lmtp else 'unix'}:{endpoint.socket}")
    host = endpoint.host.strip().removeprefix("[").removesuffix("]")
    if "@" in host:  # it would become a user's name
        raise ConfigError("a host stands there alone")
    bare = parse_server_url(f"[{host}]" if ":" in host else host)
    port = endpoint.port if (scheme, endpoint.port) != ("smtps", IMPLICIT_PORT) else None
    return parse_server_url(str(bare._replace(scheme=scheme, port=port)))
