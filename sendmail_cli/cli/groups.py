"""How our commands differ from click's: loaded when they are asked for, with options in named sections.

A `LazyGroup` knows its commands from a table, so that `--help` and the completion of a command name load none of
them. A `SectionedCommand` shows its options under headings and ends its help with examples and exit codes; the
generator of the man page reads the same attributes.
"""

from __future__ import annotations

from importlib import import_module

import click

from sendmail_cli.cli.exit_codes import EXIT_CODE_MEANINGS
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, TypeVar

    from click.shell_completion import CompletionItem

    Decorated = TypeVar("Decorated", bound="Callable[..., Any] | click.Command")


MAX_TERM_COLUMN = 28  # characters; an option that is longer gets a line to itself


class SectionedOption(click.Option):
    """An option that help and man page show under the heading `section`, or with the rest when that is None.

    With `once` it is wrong to give it twice: the last would win, and what the first said be lost without a word. Where
    any is `ordered`, the command gets `in_order` too: name and value of each of these as the command line has them.
    """

    def __init__(
        self,
        param_decls: Sequence[str] | None = None,
        *,
        section: str | None = None,
        once: bool = False,
        ordered: bool = False,
        **attributes: Any,
    ) -> None:
        super().__init__(param_decls, **attributes)
        self.section = section
        self.once = once
        self.ordered = ordered


def option(*param_decls: str, section: str | None = None, **attributes: Any) -> Callable[[Decorated], Decorated]:
    """`click.option` with a `section`."""
    return click.option(*param_decls, cls=SectionedOption, section=section, **attributes)


class SectionedCommand(click.Command):
    """A command whose help has its options in sections, then examples and exit codes.

    Each of `examples` is a command line, if need be after lines of explanation that begin with `#`. `exit_codes` are
    the numbers that this command may end with; their texts stand in `EXIT_CODE_MEANINGS`. Raises ValueError for a
    number that isn't one of ours.
    """

    def __init__(
        self, name: str | None, *, examples: Iterable[str] = (), exit_codes: Iterable[int] = (), **attributes: Any
    ) -> None:
        super().__init__(name, **attributes)
        self.examples = tuple(examples)
        self.exit_codes = tuple(ExitCode(code) for code in exit_codes)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's. Raises UsageError for an option that was given twice and may be given once."""
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        for parameter in order:
            if getattr(parameter, "once", False) and order.count(parameter) > 1:
                raise click.UsageError(f"{max(parameter.opts, key=len)} is given twice; which of them is meant?", ctx)
        rest = super().parse_args(ctx, args)
        if any(map(_is_ordered, self.params)) and not ctx.resilient_parsing:
            ctx.params["in_order"] = _in_order(ctx.params, filter(_is_ordered, order))
        return rest

    def option_sections(self, ctx: click.Context) -> dict[str, list[click.Option]]:
        """The visible options by heading, in order of first appearance; those without a section come last."""
        sections: dict[str, list[click.Option]] = {}
        others = []
        for parameter in self.get_params(ctx):
            if not isinstance(parameter, click.Option) or parameter.hidden:
                continue
            section = getattr(parameter, "section", None)
            if section is None:
                others.append(parameter)
            else:
                sections.setdefault(section, []).append(parameter)
        if others:
            sections["Other options" if sections else "Options"] = others
        return sections

    def format_arguments(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Written with the options, so that all texts begin in one column."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes arguments and options, one heading a section."""
        rows = {}
        arguments = [parameter for parameter in self.get_params(ctx) if isinstance(parameter, click.Argument)]
        if any(argument.help for argument in arguments):
            rows["Arguments"] = [argument.get_help_record(ctx) for argument in arguments]
        for section, options in self.option_sections(ctx).items():
            rows[section] = [record for each in options if (record := each.get_help_record(ctx)) is not None]
        _write_tables(formatter, rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes examples, exit codes and what the command says at its end."""
        if self.examples:
            with formatter.section("Examples"):
                indent = " " * formatter.current_indent
                for line in "\n".join(self.examples).splitlines():
                    formatter.write(f"{indent}{line}\n")  # as it is: a wrapped command line can't be copied
        if self.exit_codes:
            with formatter.section("Exit codes"):
                formatter.write_dl([(str(int(code)), EXIT_CODE_MEANINGS[code]) for code in self.exit_codes])
        super().format_epilog(ctx, formatter)


def _is_ordered(parameter: click.Parameter) -> bool:
    return getattr(parameter, "ordered", False)


def _in_order(values: dict[str, Any], order: Iterable[click.Parameter]) -> tuple[tuple[str, Any], ...]:
    """The name and the value of each time that an option was given, in `order`."""
    in_order = []
    given: dict[str, Iterator[Any]] = {}
    for parameter in order:
        name = str(parameter.name)
        if name not in given:
            given[name] = iter(values[name] if parameter.multiple else (values[name],))
        in_order.append((name, next(given[name])))
    return tuple(in_order)


class SectionedGroup(SectionedCommand, click.Group):
    """A group of sectioned commands, all at hand; its `command` and `group` decorators make sectioned ones."""

    command_class = SectionedCommand
    group_class: type[click.Group | type] | None = type  # a group in a group is of the same class

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order in which they were added: that of their use, not of the alphabet."""
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


class LazyCommand(NamedTuple):
    """A line of a `LazyGroup`'s table: what is known of a command before it is loaded."""

    name: str
    help: str
    target: str  # "package.module:attribute"

    def load(self) -> click.Command:
        """The command itself. Raises ImportError, AttributeError or TypeError when the table is wrong."""
        module, _, attribute = self.target.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.target} is no command but {command!r}")
        return command


class LazyGroup(SectionedGroup):
    """A group whose commands are imported when one of them is run, and by nothing else.

    click's own group loads every command for its help and for the completion of a name.
    """

    group_class = SectionedGroup

    def __init__(self, name: str | None, *, table: Iterable[LazyCommand], **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self.table = {command.name: command for command in table}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, loaded now; None when there is none of that name."""
        return self.table[cmd_name].load() if cmd_name in self.table else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names. Raises NoSuchCommand with the nearest names."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:  # click looks for near names in `self.commands`, which is empty
            raise click.NoSuchCommand(error.command_name, possibilities=self.table, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes names and one-line helps from the table."""
        _write_tables(formatter, {"Commands": [(command.name, command.help) for command in self.table.values()]})

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin with `incomplete`, from the table; else the group's own options."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(command.name, help=command.help)
            for command in self.table.values()
            if command.name.startswith(incomplete)
        ]
        # Past click.Group, which would load every command to ask for its help.
        return names + click.Command.shell_complete(self, ctx, incomplete)


def _write_tables(formatter: click.HelpFormatter, tables: dict[str, list[tuple[str, str]]]) -> None:
    """Writes each table under its heading; the second column begins at the same place in all of them."""
    terms = [term for rows in tables.values() for term, _ in rows]
    column = min(max(map(len, terms), default=0), MAX_TERM_COLUMN)
    for heading, rows in tables.items():
        if rows:
            with formatter.section(heading):
                formatter.write_dl([(term.ljust(column), text) for term, text in rows], col_max=column)
