"""The profile that mutt's settings of sending make."""

from __future__ import annotations

import re

from sendmail_cli.config.importing.findings import ImportedProfile, Remark, Setting
from sendmail_cli.config.importing.profile_builder import NO_CHECK, PIN_ADVICE, Endpoint, ProfileBuilder
from sendmail_cli.config.profile_keys import AUTH_CHOICES
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendmail_cli.config.importing.mutt_syntax import Word
    from sendmail_cli.config.toml_lines import Place

    State = Mapping[str, tuple[Place, Word]]

_URL = re.compile(r"(smtps?)://(?:(?P<user>.*)@)?(?P<host>\[[^\]]*\]|[^:/@]*)(?::(?P<port>[0-9]{1,5}))?/?", re.DOTALL)
_ESCAPE = re.compile(b"%([0-9A-Fa-f]{2})")
_OAUTH = ("oauthbearer", "xoauth2")
_NO = frozenset(("no", "0", "off"))

# What has no counterpart, or goes by itself: why, and what to do instead.
IGNORED: dict[str, tuple[str, str]] = {
    "sendmail": (
        "the program takes mail as sendmail does, and a profile's server speaks SMTP",
        "If it is msmtp: sendmail-cli profile import --from msmtp",
    ),
    "sendmail_wait": ("a send waits for the server's answer", ""),
    "use_envelope_from": ("the envelope has the From of the message", "sendmail-cli send -f ADDRESS"),
    "envelope_from": ("the envelope has the From of the message", "sendmail-cli send -f ADDRESS"),
    "envelope_from_address": ("the envelope has the From of the message", "sendmail-cli send -f ADDRESS"),
    "certificate_file": (
        "single certificates are trusted by their pin",
        PIN_ADVICE,
    ),
    "ssl_ciphers": ("ciphers are the system's", ""),
    "ssl_usesystemcerts": ("the system's authorities are trusted", ""),
    "ssl_use_sslv2": ("SSL is broken, and not spoken", ""),
    "ssl_use_sslv3": ("SSL is broken, and not spoken", ""),
    "ssl_use_tlsv1": ("TLS 1.2 is the oldest that is spoken", ""),
    "ssl_use_tlsv1_1": ("TLS 1.2 is the oldest that is spoken", ""),
    "ssl_use_tlsv1_3": ("TLS 1.3 is spoken where it is offered", ""),
    "connect_timeout": (
        "it is for the connection alone",
        "sendmail-cli profile set {name} --timeout TIME, for each phase",
    ),
    "dsn_notify": ("it is asked for with each message", "sendmail-cli send --notify …"),
    "dsn_return": ("it is asked for with each message", "sendmail-cli send --ret …"),
    "reverse_name": ("a profile has one From", ""),
    "use_from": ("a profile's From stands in each message", ""),
    "record": ("its folders are mutt's", "sendmail-cli profile set {name} --fcc FILE keeps a copy of what was sent."),
    "tunnel": ("it is for IMAP and POP", ""),
    "smtp_user": ("it stands in smtp_url, or is the user's name there", ""),
}
SENDING = frozenset((
    "smtp_url", "smtp_pass", "smtp_authenticators", "smtp_oauth_refresh_command", "from", "realname", "hostname",
    "ssl_starttls", "ssl_force_tls", "ssl_verify_host", "ssl_verify_dates", "ssl_verify_partial_chains",
    "ssl_ca_certificates_file", "ssl_client_cert", "ssl_use_tlsv1_2", "signature",
))  # fmt: skip


def make_profile(name: str, state: State, remarks: list[Remark]) -> ImportedProfile | None:
    """The profile `name`; None where `state` has no server to send by. `remarks` gets one for each setting."""
    if "smtp_url" not in state:
        for key in sorted(state.keys() & {*SENDING, *IGNORED}):
            reason = IGNORED.get(key, ("without smtp_url there is no server to send by", ""))
            remarks.append(Remark(state[key][0], key, None, *reason))
        return None
    return _Profile(name, state, remarks).make()


class _Profile:
    """Goes through the settings in the order in which one needs another."""

    def __init__(self, name: str, state: State, remarks: list[Remark]) -> None:
        self.state = state
        self.builder = ProfileBuilder(name, remarks)

    def make(self) -> ImportedProfile | None:
        url = self.setting("smtp_url")
        assert url is not None  # noqa: S101  # make_profile looked
        if self.is_known(url):
            self.server(url)
        else:
            self.builder.flaw = "what a program would print is not known: none is run"
        self.sender()
        self.secret()
        self.tls()
        self.rest()
        starttls = self.setting("ssl_force_tls") or self.setting("ssl_starttls") or url
        profile = self.builder.finish(starttls)
        if profile is None:
            self.builder.leave(url, f"it makes no profile: {self.builder.flaw}")
        return profile

    def setting(self, name: str) -> Setting | None:
        if name not in self.state:
            return None
        place, word = self.state[name]
        return Setting(place, name, word.text)

    def is_known(self, setting: Setting) -> bool:
        """False where a program would print a part of the value."""
        return self.state[setting.name][1].is_plain

    def known(self, name: str) -> Setting | None:
        """The setting, if it has a value that no program has a say in; else it is left."""
        setting = self.setting(name)
        if setting is None or not setting.value:
            return None
        if self.is_known(setting):
            return setting
        self.builder.leave(setting, "what a program would print is not known: none is run")
        return None

    def is_no(self, name: str) -> bool:
        setting = self.setting(name)
        return setting is not None and setting.value.lower() in _NO

    def server(self, setting: Setting) -> None:
        builder = self.builder
        match = _URL.fullmatch(setting.value)
        if match is None:
            builder.flaw = "smtp_url is no smtp://[user@]host[:port]"
            return
        is_smtps = match[1] == "smtps"
        port = match["port"]
        number = int(port) if port else 465 if is_smtps else 25
        named = [setting]
        if not is_smtps:
            named += [each for key in ("ssl_starttls", "ssl_force_tls") if (each := self.setting(key)) is not None]
        builder.take_server(named, Endpoint(match["host"], number, "implicit" if is_smtps else self.mode()))
        if match["user"] is None:
            return
        user, colon, password = match["user"].partition(":")
        if user:
            builder.take(setting, "user", _unescaped(user))
        if colon:
            builder.take_password(setting, _unescaped(password))

    def mode(self) -> str:
        """The TLS of smtp://. Mutt's own default is to take what is offered, or to demand it; here it is demanded."""
        if not self.is_no("ssl_force_tls"):
            return "starttls" if self.setting("ssl_force_tls") or not self.is_no("ssl_starttls") else "none"
        return "none" if self.is_no("ssl_starttls") else "opportunistic"

    def sender(self) -> None:
        """From: my_hdr's, or `from` with `realname`."""
        header = self.known("my_hdr from")
        if header is not None:
            self.builder.take(header._replace(name="my_hdr"), "from", header.value.partition(":")[2].strip())
            return
        from_, realname = self.known("from"), self.known("realname")
        if from_ is None:
            return
        if "<" not in from_.value:
            self.builder.take_sender(from_, realname)
        elif self.builder.take(from_, "from", from_.value) and realname is not None:
            self.builder.leave(realname, "From has a name already")

    def secret(self) -> None:
        refresh, password = self.setting("smtp_oauth_refresh_command"), self.setting("smtp_pass")
        mechanisms = self.known("smtp_authenticators")
        names = [each.lower() for each in mechanisms.value.split(":") if each] if mechanisms is not None else []
        oauth = next((each for each in names if each in _OAUTH), None)
        if refresh is not None and self.is_known(refresh) and refresh.value and (oauth or not names):
            self.builder.take_command(refresh, refresh.value)
            self.builder.values["auth"] = oauth or "oauthbearer"
            refresh = None
        elif password is not None and self.builder.password is None:
            self.password(password)
            password = None
        for unused in (refresh, password):
            if unused is not None:
                self.builder.leave(unused, "the other password or token comes before it")
        if mechanisms is not None:
            self.mechanisms(mechanisms, names)

    def password(self, setting: Setting) -> None:
        command = self.state[setting.name][1].command
        if "user" not in self.builder.values:
            self.builder.leave(setting, "nobody signs in with it: smtp_url names no user")
        elif command is not None:
            self.builder.take_command(setting, command)
        elif self.is_known(setting):
            self.builder.take_password(setting, setting.value)
        else:
            self.builder.leave(setting, "only a part of it comes from a program", "sendmail-cli login {name}")

    def mechanisms(self, setting: Setting, names: list[str]) -> None:
        spoken = [name for name in names if name in AUTH_CHOICES[2:]]
        if "auth" in self.builder.values:
            self.builder.took(setting, "auth")
        elif len(names) == len(spoken) == 1:
            self.builder.take(setting, "auth", spoken[0])
        else:
            self.builder.leave(setting, "auth takes one mechanism, or the best that is offered, as now")

    def tls(self) -> None:
        builder = self.builder
        for name in ("ssl_verify_host", "ssl_verify_dates", "ssl_verify_partial_chains"):
            setting = self.setting(name)
            if setting is not None:
                builder.leave(setting, *(NO_CHECK if self.is_no(name) else ("certificates are always checked", "")))
        is_tls = builder.values.get("tls") != "none"
        for name, key in (("ssl_ca_certificates_file", "ca_file"), ("ssl_client_cert", "tls_cert")):
            file = self.known(name)
            if file is not None and is_tls:
                builder.take_file(file, key)
            elif file is not None:
                builder.leave(file, "TLS is off")
        oldest = self.setting("ssl_use_tlsv1_2")
        if oldest is not None and self.is_no("ssl_use_tlsv1_2") and is_tls:
            builder.take(oldest, "tls_min", "1.3")

    def rest(self) -> None:
        hostname = self.known("hostname")
        if hostname is not None:
            self.builder.take(hostname, "ehlo", hostname.value)
        signature = self.known("signature")
        if signature is not None and signature.value.rstrip().endswith("|"):
            self.builder.leave(signature, "what a program would print is not known: none is run")
        elif signature is not None:
            self.builder.take_file(signature, "signature_file")
        for key in self.state:
            if key.startswith("my_hdr ") and key != "my_hdr from":
                self.header(key)
        for key in sorted(self.state.keys() & IGNORED.keys()):
            setting = self.setting(key)
            if setting is not None:
                self.builder.leave(setting, *IGNORED[key])

    def header(self, key: str) -> None:
        setting = self.known(key)
        if setting is None:
            return
        name, _, value = setting.value.partition(":")
        # The table is made anew with each: `take` checks and sets it whole.
        headers = {**self.builder.values.get("headers", {}), name: value.strip()}
        self.builder.take(setting._replace(name="my_hdr"), "headers", headers)


def _unescaped(text: str) -> str:
    """`text` with its % escapes decoded; octets that are no UTF-8 stay visible as what they are not."""
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), text.encode("utf-8", "replace")).decode(
        "utf-8", "replace"
    )
