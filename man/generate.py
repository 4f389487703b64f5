"""Writes man/sendmail-cli.1: the prose of sendmail-cli.1.in, and what the commands say of themselves.

python man/generate.py            write the page
python man/generate.py --check    write nothing; exit with 1 when the page is not what would be written
"""

from __future__ import annotations

import re
import sys
import textwrap
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
PAGE = FOLDER / "sendmail-cli.1"
TEMPLATE = FOLDER / "sendmail-cli.1.in"
PROFILES = FOLDER / "profiles.toml"  # the example under FILES, in a file of its own so that a test can load it

sys.path.insert(0, str(ROOT))  # the checkout's commands, whatever is installed

import click  # noqa: E402

from sendmail_cli import __version__  # noqa: E402
from sendmail_cli.cli.app import app  # noqa: E402
from sendmail_cli.cli.exit_codes import EXIT_CODE_MEANINGS  # noqa: E402
from sendmail_cli.cli.groups import SectionedCommand  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINE = 78  # characters

# Characters that roff takes for something else, or that it would print as a typographic one that can't be copied.
_ESCAPES = str.maketrans(
    {"\\": r"\(rs", "-": r"\-", "'": r"\(aq", '"': r"\(dq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}
)


def main(arguments: list[str]) -> int:
    """Writes or checks; gives the exit code."""
    page = make_page(app, TEMPLATE.read_text(encoding="utf-8"))
    if "--check" not in arguments:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page:
        return 0
    print(f"{PAGE.relative_to(ROOT)} is not up to date: run python man/generate.py", file=sys.stderr)
    return 1


def make_page(command: SectionedCommand, template: str) -> str:
    """`template` with each line `@NAME@` replaced by the lines of that name. Raises KeyError for an unknown one."""
    root = contexts(command)[0]
    parts = {
        "TITLE": [title()],
        "SYNOPSIS": synopsis(command),
        "OPTIONS": list(options(root)),
        "COMMANDS": [line for context in contexts(command)[1:] for line in command_section(context)],
        "EXIT_STATUS": exit_status(),
        "PROFILES": verbatim(PROFILES.read_text(encoding="utf-8").splitlines()),
        "EXAMPLES": verbatim(command.examples),
    }
    lines: list[str] = []
    for line in template.splitlines():
        place = re.fullmatch("@([A-Z_]+)@", line)
        lines += parts[place[1]] if place else [line]
    return "\n".join(lines) + "\n"


def contexts(command: click.Command) -> list[click.Context]:
    """A context for `command` and for each command below it, in the order of help."""

    def walk(context: click.Context) -> Iterator[click.Context]:
        yield context
        if isinstance(context.command, click.Group):
            for name in context.command.list_commands(context):
                below = context.command.get_command(context, name)
                if below is not None and not below.hidden:
                    yield from walk(below.make_context(name, [], context, resilient_parsing=True))

    return list(walk(command.make_context(command.name, [], resilient_parsing=True)))


def sectioned(context: click.Context) -> SectionedCommand:
    """The command of `context`. Raises TypeError when it has no sections and examples to show."""
    if isinstance(context.command, SectionedCommand):
        return context.command
    raise TypeError(f"{context.command_path} is no SectionedCommand")


def title() -> str:
    """The title line with version and, once there is a release, its date."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.search(r"^## \[\d[^]]*\] - (\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)
    date = released[1] if released else ""
    return f'.TH SENDMAIL\\-CLI 1 "{escape(date)}" "sendmail\\-cli {escape(__version__)}" "User Commands"'


def synopsis(command: click.Command) -> list[str]:
    """One usage line for each command that isn't a group."""
    lines = []
    for context in contexts(command):
        if not isinstance(context.command, click.Group):
            lines += [usage(context), ".br"]
    return lines[:-1]


def usage(context: click.Context) -> str:
    """The command in bold, what goes in its place in italics."""
    pieces = " ".join(context.command.collect_usage_pieces(context))
    return f"{bold(context.command_path)} {re.sub(r'[A-Z]+', lambda word: italic(word[0]), escape(pieces))}"


def command_section(context: click.Context) -> Iterator[str]:
    """Everything that a command says of itself, but for its usage and --help, which are said once."""
    command = sectioned(context)
    yield f'.SS "{escape(context.command_path.partition(" ")[2])}"'
    yield usage(context)
    yield from paragraphs(command.help or command.get_short_help_str(LINE))
    yield from options(context)
    if command.examples:
        yield from (".PP", bold("Examples"), *verbatim(command.examples))
    if command.exit_codes:
        codes = ", ".join(str(int(code)) for code in command.exit_codes)
        yield from (".PP", f"{bold('Exit codes')}: {codes}.")


def options(context: click.Context) -> Iterator[str]:
    """Each section of options under its name. --help is an option of the program, not of each command."""
    for section, section_options in sectioned(context).option_sections(context).items():
        shown = [each for each in section_options if context.parent is None or "--help" not in each.opts]
        if shown and context.parent is not None:
            yield from (".PP", bold(section))
        for each in shown:
            yield from option_entry(each, context)


def option_entry(option: click.Option, context: click.Context) -> Iterator[str]:
    """The names of an option and what it does."""
    names = sorted((*option.opts, *option.secondary_opts), key=lambda name: len(name) - len(name.lstrip("-")))
    takes_value = not option.is_flag and not option.count
    yield ".TP"
    yield ", ".join(map(bold, names)) + (f" {italic(option.make_metavar(context))}" if takes_value else "")
    record = option.get_help_record(context)
    yield from wrapped(record[1] if record else "")


def exit_status() -> list[str]:
    """The whole table of exit codes."""
    return [line for code, text in EXIT_CODE_MEANINGS.items() for line in (".TP", bold(str(int(code))), *wrapped(text))]


def paragraphs(text: str) -> Iterator[str]:
    """A docstring as click reads it: blank lines between paragraphs, `\\b` before one that keeps its lines."""
    for paragraph in cleandoc(text).partition("\f")[0].split("\n\n"):
        first, _, rest = paragraph.partition("\n")
        if first.strip() == "\b":
            yield from (".PP", *verbatim(rest.splitlines()))
        else:
            yield from (".PP", *wrapped(paragraph))


def wrapped(text: str) -> list[str]:
    """`text` as lines that roff fills again."""
    words = " ".join(text.split())
    return [escape(line) for line in textwrap.wrap(words, LINE, break_long_words=False, break_on_hyphens=False)]


def verbatim(lines: Iterable[str]) -> list[str]:
    """`lines` just as they are, indented."""
    shown = [escape(line) for text in lines for line in text.splitlines() or [""]]
    return [".RS 4", ".EX", *shown, ".EE", ".RE"]


def bold(text: str) -> str:
    """`text` for what is typed as it stands."""
    return rf"\fB{escape(text)}\fR"


def italic(text: str) -> str:
    """`text` for what something else is typed for."""
    return rf"\fI{escape(text)}\fR"


def escape(text: str) -> str:
    """`text` so that roff prints just that: no character is a command, a typographic variant or outside ASCII."""
    text = "".join(each if each.isascii() else rf"\[u{ord(each):04X}]" for each in text.translate(_ESCAPES))
    return rf"\&{text}" if text.startswith(".") else text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
