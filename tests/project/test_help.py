"""The help of every command: complete, in one style, and readable on a terminal of 80 columns."""

from __future__ import annotations

import click
import pytest

from man.generate import contexts, sectioned
from sendmail_cli.cli.app import app
from sendmail_cli.cli.exit_codes import EXIT_CODE_MEANINGS
from sendmail_cli.status import ExitCode

COMMANDS = contexts(app)
every_command = pytest.mark.parametrize("context", COMMANDS, ids=[context.command_path for context in COMMANDS])


def options_of(context: click.Context) -> list[click.Option]:
    parameters = context.command.get_params(context)
    return [each for each in parameters if isinstance(each, click.Option) and not each.hidden]


@every_command
def test_fits_a_terminal_of_80_columns(context: click.Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert [line for line in context.get_help().splitlines() if len(line) > 80] == []


@every_command
def test_shows_sections_examples_and_exit_codes(context: click.Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    command = sectioned(context)
    text = context.get_help()

    assert "\nExamples:\n" in text
    assert "\nExit codes:\n" in text
    for section in command.option_sections(context):
        assert f"\n{section}:\n" in text


@every_command
def test_has_a_line_that_says_what_it_is_for(context: click.Context) -> None:
    line = context.command.get_short_help_str(limit=1000)

    assert line.endswith(".")
    assert line[0].isupper()
    assert len(line) <= 66  # so that the list of commands is one line each
    assert context.command.help


@every_command
def test_has_an_example_that_names_it(context: click.Context) -> None:
    examples = sectioned(context).examples
    words = context.command_path.removeprefix("sendmail-cli ")

    assert examples
    assert any(f"sendmail-cli {words}" in example or words == "sendmail-cli" for example in examples)


@every_command
def test_names_its_exit_codes_in_order(context: click.Context) -> None:
    codes = sectioned(context).exit_codes

    assert list(codes) == sorted(set(codes))
    assert {ExitCode.OK, ExitCode.USAGE} <= {*codes} <= {*EXIT_CODE_MEANINGS}


@every_command
def test_explains_every_option(context: click.Context) -> None:
    for each in options_of(context):
        assert (each.help or "").endswith("."), each.opts


@pytest.mark.parametrize("name", app.table)
def test_the_table_says_what_the_command_says(name: str) -> None:
    command = app.table[name].load()

    assert command.name == name
    assert command.get_short_help_str(limit=1000) == app.table[name].help
