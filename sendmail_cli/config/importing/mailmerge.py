"""mailmerge's configuration (mailmerge_server.conf): one section, one server. From stands in its templates."""

from __future__ import annotations

import configparser
import re

from sendmail_cli.addresses import parse_mailbox
from sendmail_cli.config.importing.findings import Findings, Remark, Setting, in_order, refuse, shown_name
from sendmail_cli.config.importing.profile_builder import IMPLICIT_PORT, Endpoint, ProfileBuilder
from sendmail_cli.config.importing.text_file import read_text
from sendmail_cli.config.toml_lines import Place
from sendmail_cli.errors import MailError
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.environment import Environment

FORMAT = "mailmerge"
PLACES = ("./mailmerge_server.conf",)
SECTION = "smtp_server"
_KEYS = ("host", "port", "security", "username", "ratelimit")
_SECURITY = {"ssl/tls": "implicit", "starttls": "starttls", "xoauth": "starttls", "plain": "none", "": "none"}


def read_mailmerge(path: str, environment: Environment) -> Findings:
    """What the mailmerge_server.conf at `path` says. Raises `InputError` for a file that can't be read, `ConfigError`
    for one that is none."""
    settings = _settings_of(path, read_text(path))
    remarks: list[Remark] = []
    builder = ProfileBuilder(FORMAT, remarks)
    security = settings.get("security")
    word = security.value.strip().lower() if security is not None else ""
    word = "" if word in {"never", "none"} else word
    _take_server(builder, path, settings, word)
    user = settings.get("username")
    if user is not None and user.value and word:
        builder.take(user, "user", user.value)
        _take_from(builder, user)
    elif user is not None:
        builder.leave(user, "without “security” mailmerge doesn't sign in")
    if word == "xoauth" and security is not None:
        builder.take(security, "auth", "xoauth2")
    limit = settings.get("ratelimit")
    if limit is not None and limit.value.strip() in {"", "0"}:
        builder.leave(limit, "without a limit the key is left out")
    elif limit is not None:
        builder.take(limit, "limits", f"{limit.value.strip()}/m")
    for name, setting in settings.items():
        if name not in _KEYS:
            builder.leave(setting._replace(name=shown_name(name, _KEYS)), "mailmerge has no such key")
    profile = builder.finish(security or settings.get("host"))
    if profile is None:
        remarks.append(Remark(Place(path, 1), f"[{SECTION}]", None, f"it makes no profile: {builder.flaw}"))
    profiles = () if profile is None else (profile,)
    return Findings(FORMAT, (path,), profiles, FORMAT if profiles else None, in_order(remarks))


def _settings_of(path: str, text: str) -> dict[str, Setting]:
    """The settings of the section, each with its line. Raises `ConfigError`, which repeats nothing of the text."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
        section = dict(parser[SECTION])
    except KeyError:
        raise refuse(Place(path, 1), f"there is no section [{SECTION}]") from None
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next((number for number, _ in getattr(error, "errors", ())), 1)
        raise refuse(Place(path, line), "that is no “key = value”, or it stands there twice") from None
    places: dict[str, int] = {}
    current = ""
    for number, line in enumerate(text.split("\n"), 1):
        header = re.match(r"\[([^\]]+)\]", line)
        key = re.match(r"([^\s#;=:][^=:]*?)\s*[=:]", line)
        if header is not None:
            current = header[1]
        elif key is not None and current in {SECTION, parser.default_section}:
            places[key[1].lower()] = number
    return {name: Setting(Place(path, places.get(name, 1)), name, value) for name, value in section.items()}


def _take_server(builder: ProfileBuilder, path: str, settings: dict[str, Setting], word: str) -> None:
    named = [settings[name] for name in ("host", "port", "security") if name in settings]
    port = settings["port"].value.strip() if "port" in settings else ""
    tls = _SECURITY.get(word)
    if tls is None:
        builder.flaw = "its security is none of SSL/TLS, STARTTLS, PLAIN and XOAUTH"
    elif port and not re.fullmatch("[0-9]{1,5}", port):
        builder.flaw = "its port is no number"
    if "host" not in settings:
        builder.flaw = "no host is named"
    if builder.flaw or tls is None:
        return
    number = int(port or 0) or (IMPLICIT_PORT if tls == "implicit" else 25)
    builder.take_server(named, Endpoint(settings["host"].value, number, tls))


def _take_from(builder: ProfileBuilder, user: Setting) -> None:
    """mailmerge's templates say From. Where the user's name is an address it will do."""
    try:
        parse_mailbox(user.value)
    except MailError:
        return
    builder.take(user, "from", user.value, "for messages that name no other; mailmerge's templates do")
