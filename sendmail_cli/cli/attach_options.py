"""The options of `send` that attach files: each in its place on the command line, and what others say about it."""

from __future__ import annotations

import click

from sendmail_cli.cli import standard_input
from sendmail_cli.cli.groups import option
from sendmail_cli.cli.options import stack
from sendmail_cli.cli.params import FILE, FILE_CHARSET, text_of
from sendmail_cli.errors import InputError, MailError, UsageError
from sendmail_cli.request import AttachmentRequest
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.message.attachments import Attachment
    from sendmail_cli.message.calendar import Calendar

# What says something about a file; each attaches it where no other option does.
_ABOUT = {"attach_type": "media_type", "attach_charset": "charset", "attach_disposition": "disposition"}
_METAVARS = {"attach_as": "NAME", "attach_type": "TYPE", "attach_charset": "CHARSET", "attach_disposition": "HOW"}

attach_options = stack(
    option(
        "-a",
        "--attach",
        multiple=True,
        ordered=True,
        type=FILE,
        section="Attachments",
        help="Attach this file; - is standard input. Files stand in the message in the order given here.",
    ),
    option(
        "--attach-as",
        multiple=True,
        ordered=True,
        type=(str, FILE),
        metavar="NAME FILE",
        section="Attachments",
        help="Attach the file under this name.",
    ),
    option(
        "--attach-type",
        multiple=True,
        ordered=True,
        type=(str, FILE),
        metavar="TYPE FILE",
        section="Attachments",
        help="Attach the file as this media type, text/csv for one; message/rfc822 makes it a message in the message. "
        "With -a or --attach-as for the same file both apply.",
    ),
    option(
        "--attach-charset",
        multiple=True,
        ordered=True,
        type=(FILE_CHARSET, FILE),
        metavar="CHARSET FILE",
        section="Attachments",
        help="Attach the file as text in this charset; it is not converted.",
    ),
    option(
        "--attach-disposition",
        multiple=True,
        ordered=True,
        type=(click.Choice(("inline", "attachment")), FILE),
        metavar="inline|attachment FILE",
        section="Attachments",
        help="Ask readers to show the file within the message, or to offer it below.",
    ),
    option(
        "--calendar",
        once=True,
        ordered=True,
        type=FILE,
        section="Attachments",
        help="Send this calendar file (RFC 5545) as the invitation, answer or cancellation that its METHOD says, and "
        "attach it; - is standard input.",
    ),
)


def read_calendar(values: dict[str, Any], talking: Talk) -> Calendar | None:
    """The calendar of --calendar. Raises `DataError` for what is none, and `InputError`."""
    path = values["calendar"]
    if path is None:
        return None
    from sendmail_cli.message.calendar import parse_calendar

    return parse_calendar(standard_input.open_input(path, talking.environment, talking.inform))


def attachments(
    values: dict[str, Any], forwarded: tuple[Attachment, ...], calendar: Calendar | None, talking: Talk
) -> tuple[AttachmentRequest | Attachment, ...]:
    """What to attach, in the order of the command line; `forwarded` are the messages of --forward."""
    about = _said_of_files(values)
    attaching = {path for name, path in _files(values) if name not in _ABOUT}
    messages = iter(forwarded)
    found: list[AttachmentRequest | Attachment] = []
    for name, value in values["in_order"]:
        path = value if isinstance(value, str) else value[1]
        if name == "forward":
            found.append(next(messages))
        elif name == "calendar" and calendar is not None:
            found.append(calendar.attached(_name_of_calendar(value)))
        elif name not in _ABOUT:
            shown = text_of(value[0]) if name == "attach_as" else None
            found.append(AttachmentRequest(path, shown, **about.get(path, {})))
        elif path not in attaching:
            attaching.add(path)
            found.append(AttachmentRequest(path, **about[path]))
    for path in values["attach"]:
        _check_not_a_profile(path, talking)
    return tuple(found)


def attach_claims(values: dict[str, Any]) -> list[str]:
    """The options that want standard input for a file."""
    attaching = [name for name, path in _files(values) if path == "-" and name not in _ABOUT]
    about = [name for name, path in _files(values) if path == "-" and name in _ABOUT]
    shown = attaching or about[:1]
    return [" ".join(filter(None, ("--" + name.replace("_", "-"), _METAVARS.get(name), "-"))) for name in shown]


def attach_files(values: dict[str, Any]) -> set[str]:
    """What these options read."""
    return {path for _, path in _files(values)}


def _files(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values["in_order"]:
        if name != "forward":
            yield name, value if isinstance(value, str) else value[1]


def _name_of_calendar(path: str) -> str:
    """The file's own name where a reader knows by it what it is."""
    from sendmail_cli.message.attachments import name_of_file
    from sendmail_cli.message.calendar import FILE_NAME

    return name_of_file(path) if path.lower().endswith(".ics") else FILE_NAME


def _said_of_files(values: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What is said about each file. Raises `UsageError` where that is two things."""
    about: dict[str, dict[str, str]] = {}
    for option_name, key in _ABOUT.items():
        for value, path in values[option_name]:
            said = about.setdefault(path, {})
            if said.setdefault(key, value) != value:
                flag = "--" + option_name.replace("_", "-")
                raise UsageError(f"{flag} says both {said[key]} and {value} of {path}; which of them is meant?")
    return about


def _check_not_a_profile(path: str, talking: Talk) -> None:
    """msmtp's -a names an account; whoever types it means -p."""
    import os.path

    if path == "-" or os.path.exists(path) or "/" in path:
        return
    from sendmail_cli.config.profiles import load_profiles

    try:
        is_profile = path in load_profiles(talking.environment).names
    except MailError:
        return
    if is_profile:
        raise InputError(f"there is no file {path} to attach", hint=f"There is a profile of that name: -p {path}.")
