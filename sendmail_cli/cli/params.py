"""click parameter types wrapped round our own parsers; what they refuse is unusable data (65), not wrong usage (64)."""

from __future__ import annotations

import os
from typing import TypeVar

import click

from sendmail_cli.addressees import Addressee, parse_addressees
from sendmail_cli.addresses import Address, Mailbox, parse_addr_spec, parse_address_list, parse_mailbox
from sendmail_cli.smtp.envelope import Notify, Ret, ReversePath
from sendmail_cli.smtp.parameters import parse_envid, parse_notify, parse_parameter, parse_ret
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from click.shell_completion import CompletionItem

Value = TypeVar("Value")


class _Parsed(click.ParamType[Value]):
    """A type whose values `parse` makes of the text; its `MailError` says which option it was."""

    def __init__(self, name: str, parse: Callable[[str], Value], metavar: str) -> None:
        self.name = name
        self._parse = parse
        self._metavar = metavar

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return self._metavar

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Value:
        from sendmail_cli.errors import MailError

        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # click hands a converted value in again
        try:
            return self._parse(value)
        except MailError as error:
            error.sentence = f"{_label(param)}: {error.sentence}"
            raise


class FileName(click.ParamType[str]):
    """The name of a file, opened by what reads it and never at parse time; "-" is ours to understand."""

    name = "file"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "FILE"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Whatever files the shell finds."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type=self.name)]


class FolderName(FileName):
    """The name of a folder."""

    name = "dir"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "DIR"


class ProfileName(click.ParamType[str]):
    """The name of a profile; the shell completes it."""

    name = "profile"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "PROFILE"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The profiles there are; none when the file can't be read."""
        from click.shell_completion import CompletionItem

        from sendmail_cli.config.profiles import load_profiles
        from sendmail_cli.environment import Environment
        from sendmail_cli.errors import MailError

        try:
            names = load_profiles(Environment()).names
        except (MailError, OSError):
            return []
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _label(param: click.Parameter | None) -> str:
    if isinstance(param, click.Option):
        return max(param.opts, key=len)
    return "recipient" if param is None or param.name == "recipients" else "address"


def _reverse_path(text: str) -> ReversePath:
    """The reverse-path in `text`; "" and "<>" are the null path."""
    bare = text_of(text).strip()
    if bare in {"", "<>"}:
        return ReversePath(None)
    if bare.startswith("<") and bare.endswith(">"):
        bare = bare[1:-1]
    return ReversePath(parse_addr_spec(bare))


def _header(text: str) -> tuple[str, str]:
    from sendmail_cli.message.draft import parse_header

    return parse_header(text_of(text))


def _duration(text: str) -> float:
    from sendmail_cli.config.profile_keys import parse_timeout
    from sendmail_cli.errors import MailError, UsageError

    try:
        return parse_timeout(text)
    except MailError as error:
        raise UsageError(error.sentence, hint=error.hint) from None


class _Addresses(_Parsed[Value]):
    """As in a header: names, commas, groups."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Value:
        if isinstance(value, str) and value.startswith("-") and "@" not in value and isinstance(param, click.Option):
            raise click.BadOptionUsage(param.opts[0], f"{param.opts[0]} needs an address, not “{value}”", ctx)
        return super().convert(value, param, ctx)


class AliasName(click.ParamType[str]):
    """The name of an alias; the shell completes it."""

    name = "alias"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The aliases there are; none when a file can't be read."""
        from click.shell_completion import CompletionItem

        from sendmail_cli.config.address_book import load_address_book
        from sendmail_cli.environment import Environment
        from sendmail_cli.errors import MailError

        try:
            aliases = load_address_book(ctx.find_object(Environment) or Environment()).aliases
        except (MailError, OSError):
            return []
        return [CompletionItem(alias.name) for alias in aliases if alias.name.startswith(incomplete)]


class _Addressees(_Addresses[tuple[Addressee, ...]]):
    """The same with aliases and other names without a domain."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """As `AliasName`."""
        return ALIAS.shell_complete(ctx, param, incomplete)


def _addressees(text: str) -> tuple[Addressee, ...]:
    return parse_addressees(text_of(text))


def _addresses(text: str) -> tuple[Address, ...]:
    return parse_address_list(text_of(text))


def _mailbox(text: str) -> Mailbox:
    return parse_mailbox(text_of(text))


def _mailboxes(text: str) -> tuple[Mailbox, ...]:
    """One mailbox or several, and no group (RFC 5322 §3.6.2)."""
    from sendmail_cli.errors import AddressError

    addresses = _addresses(text)
    if not addresses:
        raise AddressError("an address is missing")
    return tuple(address if isinstance(address, Mailbox) else parse_mailbox(text) for address in addresses)


def _unsubscribe(text: str) -> str:
    from sendmail_cli.message.marks import parse_unsubscribe

    return parse_unsubscribe(text_of(text))


def _charset(text: str) -> str:
    from sendmail_cli.message.charsets import parse_charset

    return parse_charset(text)


def _file_charset(text: str) -> str:
    from sendmail_cli.message.charsets import parse_file_charset

    return parse_file_charset(text)


def text_of(argument: str) -> str:
    """The text of a command-line argument whose bytes may be in another charset than the system's.

    Python keeps undecodable bytes as lone surrogates. Such bytes are read as a body is: UTF-8, else ISO-8859-1.
    """
    try:
        argument.encode()
    except UnicodeEncodeError:
        octets = os.fsencode(argument)
        try:
            return octets.decode()
        except UnicodeDecodeError:
            return octets.decode("iso-8859-1")
    return argument


ADDRESSES: click.ParamType[tuple[Address, ...]] = _Addresses("addresses", _addresses, "ADDRESS")
ADDRESSEES: click.ParamType[tuple[Addressee, ...]] = _Addressees("addresses", _addressees, "ADDRESS")
MAILBOX: click.ParamType[Mailbox] = _Parsed("mailbox", _mailbox, "ADDRESS")
MAILBOXES: click.ParamType[tuple[Mailbox, ...]] = _Parsed("mailboxes", _mailboxes, "ADDRESS")
REVERSE_PATH: click.ParamType[ReversePath] = _Parsed("reverse-path", _reverse_path, "ADDRESS")
HEADER: click.ParamType[tuple[str, str]] = _Parsed("header", _header, "'NAME: VALUE'")
UNSUBSCRIBE: click.ParamType[str] = _Parsed("unsubscribe", _unsubscribe, "URL")
DURATION: click.ParamType[float] = _Parsed("duration", _duration, "TIME")
NOTIFY: click.ParamType[tuple[Notify, ...]] = _Parsed("notify", parse_notify, "WHEN")
RET: click.ParamType[Ret] = _Parsed("ret", parse_ret, "full|headers")
ENVID: click.ParamType[str] = _Parsed("envid", parse_envid, "ID")
CHARSET: click.ParamType[str] = _Parsed("charset", _charset, "CHARSET")
FILE_CHARSET: click.ParamType[str] = _Parsed("charset", _file_charset, "CHARSET")
PARAMETER: click.ParamType[str] = _Parsed("parameter", parse_parameter, "KEY=VALUE")
PROFILE = ProfileName()
ALIAS = AliasName()
TEXT: click.ParamType[str] = _Parsed("text", text_of, "TEXT")
FILE = FileName()
FOLDER = FolderName()
