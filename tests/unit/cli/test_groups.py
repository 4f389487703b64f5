from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from sendmail_cli.cli.exit_codes import EXIT_CODE_MEANINGS
from sendmail_cli.cli.groups import LazyCommand, LazyGroup, SectionedCommand, SectionedGroup, option
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

POST = """
import click
from sendmail_cli.cli.groups import SectionedCommand, SectionedGroup

@click.command("post", cls=SectionedCommand)
def post():
    "Post a letter."
    click.echo("posted")

@click.group("office", cls=SectionedGroup)
def office():
    "Run the office."

@office.command("open")
def open_office():
    "Open the doors."
    click.echo("open")

answer = 42
"""


def lazy_group(*rows: tuple[str, str, str]) -> LazyGroup:
    return LazyGroup("app", help="Everything about letters.", table=[LazyCommand(*row) for row in rows])


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LazyGroup:
    """A group of two commands that can be loaded and one that can't."""
    (tmp_path / "letters_for_test.py").write_text(POST)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "letters_for_test", raising=False)
    return lazy_group(
        ("post", "Post a letter.", "letters_for_test:post"),
        ("office", "Run the office.", "letters_for_test:office"),
        ("broken", "Never loaded.", "no_such_module_for_test:command"),
    )


def completions(command: click.Command, words: str) -> dict[str, str | None]:
    args = words.split(" ")
    shell = BashComplete(command, {}, "app", "_APP_COMPLETE")
    return {item.value: item.help for item in shell.get_completions(args[:-1], args[-1])}


class TestLazyGroup:
    def test_runs_the_command_that_is_named(self, app: LazyGroup) -> None:
        result = CliRunner().invoke(app, ["post"], catch_exceptions=False)

        assert result.output == "posted\n"

    def test_runs_a_command_of_a_group_inside(self, app: LazyGroup) -> None:
        result = CliRunner().invoke(app, ["office", "open"], catch_exceptions=False)

        assert result.output == "open\n"

    def test_help_lists_the_commands_in_the_tables_order_and_loads_none(self, app: LazyGroup) -> None:
        result = CliRunner().invoke(app, ["--help"], catch_exceptions=False)

        assert result.output.split("Commands:\n")[1] == (
            "  post    Post a letter.\n"
            "  office  Run the office.\n"
            "  broken  Never loaded.\n"
        )  # fmt: skip
        assert "letters_for_test" not in sys.modules

    def test_completes_names_with_their_help_and_loads_none(self, app: LazyGroup) -> None:
        assert completions(app, "") == {
            "post": "Post a letter.",
            "office": "Run the office.",
            "broken": "Never loaded.",
        }
        assert completions(app, "of") == {"office": "Run the office."}
        assert "letters_for_test" not in sys.modules

    def test_completes_its_own_options(self, app: LazyGroup) -> None:
        assert list(completions(app, "--he")) == ["--help"]

    def test_completes_inside_a_command(self, app: LazyGroup) -> None:
        assert completions(app, "office o") == {"open": "Open the doors."}

    def test_says_which_command_may_have_been_meant(self, app: LazyGroup) -> None:
        result = CliRunner().invoke(app, ["psot"])

        assert result.exit_code == 2  # the root of sendmail-cli makes 64 of it
        assert "No such command 'psot'. Did you mean 'post'?" in result.stderr

    def test_an_unknown_option_is_not_taken_for_a_command(self, app: LazyGroup) -> None:
        result = CliRunner().invoke(app, ["--no-such"])

        assert "No such option '--no-such'" in result.stderr

    def test_a_wrong_module_in_the_table_is_not_hidden(self, app: LazyGroup) -> None:
        with pytest.raises(ModuleNotFoundError, match="no_such_module_for_test"):
            CliRunner().invoke(app, ["broken"], catch_exceptions=False)

    def test_something_else_than_a_command_in_the_table_is_named(self, app: LazyGroup) -> None:
        group = lazy_group(("answer", "No command.", "letters_for_test:answer"))

        with pytest.raises(TypeError, match="letters_for_test:answer is no command but 42"):
            CliRunner().invoke(group, ["answer"], catch_exceptions=False)

    def test_a_command_that_is_not_in_the_table_is_none(self, app: LazyGroup) -> None:
        assert app.get_command(click.Context(app), "nothing") is None


@click.command("send", cls=SectionedCommand, examples=["# a text\nsend ada@example.org < text"], exit_codes=(0, 64, 80))
@click.argument("recipients", nargs=-1, help="Who gets it.")
@option("--to", section="Who", help="A recipient.")
@option("--subject", section="What", help="The subject.")
@option("--cc", section="Who", help="Who gets a copy.")
@option("--server-with-a-long-name", metavar="HOST", help="The server.")
@option("--secret", section="Hidden", hidden=True, help="Nobody sees this.")
def send(**_: object) -> None:
    """Send a message.

    The text is standard input.
    """


HELP = """\
Usage: send [OPTIONS] [RECIPIENTS]...

  Send a message.

  The text is standard input.

Arguments:
  [RECIPIENTS]...               Who gets it.

Who:
  --to TEXT                     A recipient.
  --cc TEXT                     Who gets a copy.

What:
  --subject TEXT                The subject.

Other options:
  --server-with-a-long-name HOST
                                The server.
  --help                        Show this message and exit.

Examples:
  # a text
  send ada@example.org < text

Exit codes:
  0   success; a message was accepted for every recipient
  64  wrong flags, or no recipients
  80  partly delivered: some recipients accepted, some refused
"""


class TestSectionedCommand:
    def test_help_shows_sections_examples_and_exit_codes(self) -> None:
        assert CliRunner().invoke(send, ["--help"], catch_exceptions=False).output == HELP

    def test_without_sections_the_heading_is_options(self) -> None:
        command = SectionedCommand("plain", help="Do nothing.")

        assert CliRunner().invoke(command, ["--help"], catch_exceptions=False).output == (
            "Usage: plain [OPTIONS]\n\n  Do nothing.\n\nOptions:\n  --help  Show this message and exit.\n"
        )

    def test_a_long_example_is_never_wrapped(self) -> None:
        line = "send " + "--to ada@example.org " * 10 + "\\"
        command = SectionedCommand("send", examples=[line])

        assert f"\n  {line}\n" in CliRunner().invoke(command, ["--help"], catch_exceptions=False).output

    def test_what_the_man_page_needs_can_be_read(self) -> None:
        assert send.examples == ("# a text\nsend ada@example.org < text",)
        assert send.exit_codes == (ExitCode.OK, ExitCode.USAGE, ExitCode.PARTIAL)
        assert {
            section: [each.opts[0] for each in options]
            for section, options in send.option_sections(click.Context(send)).items()
        } == {"Who": ["--to", "--cc"], "What": ["--subject"], "Other options": ["--server-with-a-long-name", "--help"]}

    def test_an_exit_code_that_is_none_of_ours_is_refused(self) -> None:
        with pytest.raises(ValueError, match="72"):
            SectionedCommand("send", exit_codes=(0, 72))


class TestSectionedGroup:
    def test_its_commands_are_sectioned_and_listed_as_added(self) -> None:
        group = SectionedGroup("profile", help="Manage profiles.", examples=["profile show work"])

        @group.command("show", exit_codes=[78])
        def show() -> None:
            """Show one."""

        @group.command("add")
        def add() -> None:
            """Add one."""

        @group.group("default")
        def default() -> None:
            """The default."""

        output = CliRunner().invoke(group, ["--help"], catch_exceptions=False).output

        assert "Commands:\n  show     Show one.\n  add      Add one.\n  default  The default.\n" in output
        assert output.endswith("Examples:\n  profile show work\n")
        assert isinstance(show, SectionedCommand)
        assert isinstance(default, SectionedGroup)


def test_every_exit_code_has_a_meaning_that_fits_a_line() -> None:
    assert list(EXIT_CODE_MEANINGS) == list(ExitCode)
    assert max(len(f"  130  {text}") for text in EXIT_CODE_MEANINGS.values()) <= 78


def test_an_option_that_may_stand_once_is_not_overridden_without_a_word() -> None:
    @click.command(cls=SectionedCommand)
    @option("-m", "--body", once=True)
    @option("--server")
    def command(**values: str | None) -> None:
        click.echo(values)

    assert "--body is given twice" in CliRunner().invoke(command, ["-m", "a", "--body", "b"]).output
    assert CliRunner().invoke(command, ["--server", "a", "--server", "b", "-m", "c"]).exit_code == 0
