"""`sendmail-cli alias`: whom a name without a domain means, and where that stands."""

from __future__ import annotations

import click

from sendmail_cli.addressees import LocalName, parse_addressees
from sendmail_cli.cli.groups import SectionedCommand
from sendmail_cli.cli.options import json_option, output_options, profile_option, talk
from sendmail_cli.cli.params import ALIAS, text_of
from sendmail_cli.config.address_book import Resolver
from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.settings import Home, ServerFlags, choose_profile
from sendmail_cli.errors import AddressError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.config.address_book import AddressBook
    from sendmail_cli.config.alias_files import Alias


@click.command(
    "alias",
    cls=SectionedCommand,
    short_help="Show the address book, or whom a name means.",
    examples=("sendmail-cli alias", "sendmail-cli alias team root"),
    exit_codes=(0, 64, 65, 73, 78),
)
@click.argument("names", nargs=-1, type=ALIAS, metavar="[NAME]...", help="Show whom this name means.")
@profile_option("Whose own address a name without an alias means; without it the default profile's.")
@output_options
@json_option
@click.pass_context
def alias(context: click.Context, /, **values: Any) -> ExitCode:
    """Show whom each NAME means as a recipient, and where that stands; without a NAME, or with `list`, all aliases.

    A recipient without “@” is looked up, whatever its case, in aliases.toml beside the user's profiles.toml, in that
    beside the machine's, each with the files of mutt that it names, and in /etc/aliases. A name without an alias gets
    the domain that the profile's qualify says; without that it is the profile's own address.
    """
    talking = talk(context, values)
    home = _home(values["profile"], talking)
    resolver = Resolver(home, talking.environment, note=talking.output.note)
    names = values["names"]
    if not names or (names == ("list",) and resolver.book.find("list") is None):
        _list(resolver.book, talking)
        return ExitCode.OK
    for name in names:
        _show(_local_name(name), resolver, home, talking)
    return ExitCode.OK


def _home(profile: str | None, talking: Talk) -> Home:
    chosen = choose_profile(ServerFlags(profile=profile), load_profiles(talking.environment), talking.environment)
    return Home() if chosen is None else Home(chosen[0].qualify, chosen[0].from_)


def _local_name(text: str) -> LocalName:
    try:
        found = parse_addressees(text_of(text))
    except AddressError:
        found = ()
    if len(found) != 1 or not isinstance(found[0], LocalName):
        raise UsageError(f"“{printable(text, 80)}” is no name of an alias", hint="An alias has no “@” and no blank.")
    return found[0]


def _list(book: AddressBook, talking: Talk) -> None:
    if talking.output.is_json:
        talking.output.answer_json({"aliases": [_fields(each) for each in book.aliases]})
        return
    if not book.aliases:
        talking.inform(f"there is no alias in {', '.join(map(printable, book.paths))}")
    width = max((len(each.name) for each in book.aliases), default=0)
    for each in book.aliases:
        talking.output.answer(f"{each.name:{width}}  {_targets(each)}  ({each.place})")


def _targets(each: Alias) -> str:
    return f"can't be used: {each.fault}" if each.fault else ", ".join(map(str, each.targets))


def _show(name: LocalName, resolver: Resolver, home: Home, talking: Talk) -> None:
    addresses = [str(address) for address in resolver.resolve((name,))]
    found = resolver.book.find(name.local_part)
    if talking.output.is_json:
        where = {"file": None, "line": None} if found is None else _place(found)
        talking.output.answer_json({"name": name.local_part, "addresses": addresses, **where})
        return
    last = "qualify" if home.qualify is not None else "the profile's own address"
    why = str(found.place) if found is not None else f"no alias; {last}"
    talking.output.answer(f"{name}  {', '.join(addresses)}  ({why})")


def _fields(each: Alias) -> dict[str, Any]:
    targets = [] if each.fault else [str(target) for target in each.targets]
    return {"name": each.name, "targets": targets, "fault": each.fault or None, **_place(each)}


def _place(each: Alias) -> dict[str, Any]:
    return {"file": each.place.file, "line": each.place.line}
