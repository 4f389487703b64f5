"""The man page and the completions are what the commands make them, and they work where readers and shells use them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from completions import generate as completions
from man import generate as man
from sendmail_cli.cli.app import app
from sendmail_cli.cli.groups import SectionedGroup, option
from sendmail_cli.config.profiles import parse_profiles
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "man/sendmail-cli.1"
SECONDS = 60  # for a shell to start and complete, on a machine that does much else


def needed(program: str) -> str:
    """The path of `program`; without it the test is skipped, but fails in .ci/run, whose .ci/servers installs it."""
    path = shutil.which(program)
    if path is None:
        if os.environ.get("SENDMAIL_CLI_REAL_SERVERS") == "required":
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")
    return path


def read_page() -> str:
    """The page as a reader finds it: roff's commands and escapes taken out."""
    text = PAGE.read_text()
    for roff, plain in {r"\-": "-", r"\(rs": "\\", r"\(aq": "'", r"\(dq": '"', r"\(ti": "~", r"\(ga": "`"}.items():
        text = text.replace(roff, plain)
    return re.sub(r"\\f[BIR]", "", text)


def paths_of(generator: ModuleType) -> list[Path]:
    return [man.PAGE] if generator is man else [ROOT / "completions" / name for name in completions.SHELLS]


class TestDrift:
    @pytest.mark.parametrize("generator", ["man", "completions"])
    def test_what_is_committed_is_what_would_be_written(self, generator: str) -> None:
        result = subprocess.run(
            [sys.executable, ROOT / generator / "generate.py", "--check"], capture_output=True, text=True, check=False
        )

        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")

    @pytest.mark.parametrize("generator", [man, completions], ids=["man", "completions"])
    def test_a_changed_or_missing_file_is_named(
        self,
        generator: ModuleType,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        copies = tmp_path / "copies"
        copies.mkdir()
        monkeypatch.setattr(generator, "ROOT", tmp_path, raising=True)
        monkeypatch.setattr(generator, "FOLDER", copies)
        monkeypatch.setattr(generator, "PAGE", copies / "sendmail-cli.1", raising=False)
        names = [path.name for path in paths_of(generator)]
        (tmp_path / "CHANGELOG.md").write_bytes((ROOT / "CHANGELOG.md").read_bytes())

        assert generator.main(["--check"]) == 1
        assert capsys.readouterr().err.count(" is not up to date: run python ") == len(names)
        assert generator.main([]) == 0
        assert generator.main(["--check"]) == 0
        (copies / names[0]).write_text("changed by hand")
        assert generator.main(["--check"]) == 1
        assert capsys.readouterr().err.startswith(f"copies/{names[0]} is not up to date: run python ")


class TestManPage:
    @pytest.mark.parametrize("context", man.contexts(app), ids=lambda context: context.command_path)
    def test_has_the_command_with_each_of_its_options_and_examples(self, context: click.Context) -> None:
        page = read_page()
        name = context.command_path.partition(" ")[2]
        section = page.partition(f'.SS "{name}"\n')[2].partition("\n.S")[0] if name else page
        shown = [each for each in context.command.get_params(context) if isinstance(each, click.Option)]

        assert section
        for each in shown:
            if not each.hidden and (not name or "--help" not in each.opts):
                for each_name in each.opts:
                    assert re.search(rf"^(.*, )?{re.escape(each_name)}(,| |$)", section, re.MULTILINE), each_name
        for example in man.sectioned(context).examples:
            assert example in section

    def test_has_every_command(self) -> None:
        headings = [name for name in re.findall(r'^\.SS "(.+)"$', read_page(), re.MULTILINE) if " " not in name]

        assert headings == list(app.table)

    def test_has_the_whole_table_of_exit_codes(self) -> None:
        section = read_page().partition(".SH EXIT STATUS\n")[2].partition("\n.SH ")[0]

        assert re.findall(r"^\.TP\n(\d+)\n\w", section, re.MULTILINE) == [str(int(code)) for code in ExitCode]

    def test_has_the_variables_that_the_program_looks_at_and_no_other(self) -> None:
        source = "\n".join(path.read_text() for path in (ROOT / "sendmail_cli").rglob("*.py"))
        ours = {name.partition("__")[0] for name in re.findall(r"\bSENDMAIL_CLI_[A-Z_]+", source)}
        bound = {
            variable
            for context in man.contexts(app)
            for each in context.command.params
            for variable in ([each.envvar] if isinstance(each.envvar, str) else each.envvar or [])
        }
        section = read_page().partition(".SH ENVIRONMENT\n")[2].partition("\n.SH ")[0]

        named = {name.partition("__")[0] for name in re.findall(r"\bSENDMAIL_CLI_[A-Z_]+", section)}
        assert named == ours
        assert {name for name in bound if name not in section} == set()

    def test_its_example_of_profiles_can_be_loaded(self) -> None:
        text = man.PROFILES.read_text()

        assert list(parse_profiles("profiles.toml", text).profiles) == ["work", "other", "office", "local"]
        assert text in read_page()

    def test_groff_has_nothing_to_complain_about(self) -> None:
        command = [needed("groff"), "-man", "-ww", "-Tutf8", "-rCHECKSTYLE=1", "-z", str(PAGE)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)

        assert (result.returncode, result.stderr) == (0, "")

    def test_mandoc_has_nothing_to_complain_about(self) -> None:
        mandoc = shutil.which("mandoc") or pytest.skip("mandoc is not installed; groff has looked already")
        command = [mandoc, "-T", "lint", "-W", "warning", str(PAGE)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)

        complaints = result.stdout.splitlines()
        if '.TH SENDMAIL\\-CLI 1 ""' in PAGE.read_text():  # before the first release there is no date to give
            complaints = [line for line in complaints if "missing date" not in line]
        assert complaints == []

    def test_a_reader_sees_commands_that_can_be_copied(self) -> None:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANROFFOPT": "-c"}
        command = [needed("man"), "-P", "cat", "-l", str(PAGE)]
        result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)

        for example in man.sectioned(man.contexts(app)[0]).examples:
            assert example in result.stdout
        assert "\u2010" not in result.stdout  # the hyphen of a word that was cut at the end of a line
        assert "\u2212" not in result.stdout  # a minus that no shell takes for one


MADE = r""".TP
\fB\-\-help\fR
Show this message and exit.
.SS "run"
\fBtool run\fR [\fIOPTIONS\fR] [\fIFILES\fR]...
.PP
Run it.
.PP
.RS 4
.EX
kept
  as it is
.EE
.RE
.PP
\&.dot in front
.PP
\fBSpeed\fR
.TP
\fB\-f\fR, \fB\-s\fR, \fB\-\-fast\fR, \fB\-\-slow\fR
\&.5 is fast \[u2013] \[u201C]very\[u201D].
.PP
\fBSize\fR
.TP
\fB\-\-size\fR \fIBYTES\fR
Take this. [default: 5]
.PP
\fBExamples\fR
.RS 4
.EX
# why
\&.tool run \-\-fast \(rs
    \(ti/\(dqx\(dq \(gay\(ga
.EE
.RE
.PP
\fBExit codes\fR: 0, 64.
"""


class TestMakingAPage:
    """With a command of its own, whose texts hold what roff is easily confused by."""

    def make(self, template: str = "@OPTIONS@\n@COMMANDS@") -> str:
        @click.group("tool", cls=SectionedGroup, help="A tool.", examples=["tool 'x'"])
        def tool() -> None:
            pass

        @tool.command("run", exit_codes=[0, 64], examples=['# why\n.tool run --fast \\\n    ~/"x" `y`'])
        @option("-f/-s", "--fast/--slow", section="Speed", help=".5 is fast – “very”.")
        @option("--size", type=int, metavar="BYTES", section="Size", default=5, show_default=True, help="Take this.")
        @option("--secret", hidden=True)
        @click.argument("files", nargs=-1)
        def run(**_: object) -> None:
            """Run it.

            \b
            kept
              as it is

            .dot in front
            """

        return man.make_page(tool, template)

    def test_shows_all_of_it(self) -> None:
        assert self.make() == MADE

    def test_a_place_that_nothing_fills_is_refused(self) -> None:
        with pytest.raises(KeyError, match="NONSENSE"):
            self.make("@NONSENSE@")

    @pytest.mark.parametrize(
        ("changelog", "date"),
        [
            ("## [Unreleased]\n\n## [1.2.0] - 2031-02-03\n\n## [1.1.0] - 2030-01-01\n", r"2031\-02\-03"),
            ("## [Unreleased]\n\n- A thing, see 2030-01-01.\n", ""),
        ],
    )
    def test_is_dated_by_the_newest_release(
        self, changelog: str, date: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "CHANGELOG.md").write_text(changelog)
        monkeypatch.setattr(man, "ROOT", tmp_path)

        assert man.title().startswith(f'.TH SENDMAIL\\-CLI 1 "{date}" "sendmail\\-cli ')


@pytest.fixture(scope="module")
def path_variable() -> str:
    """PATH with the installed program, which the scripts ask for what fits."""
    program = Path(sys.executable).with_name("sendmail-cli")
    if not program.exists():
        pytest.skip("sendmail-cli is not installed beside this Python")
    return f"{program.parent}:{os.environ['PATH']}"


class TestCompletions:
    """Each shell reads the committed script and completes."""

    def run(self, command: list[str], path: str, home: Path) -> list[str]:
        environment = {"PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8"}
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=SECONDS, cwd=ROOT
        )
        assert result.stderr == ""
        return result.stdout.splitlines()

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("pro", ["profile"]),
            ("profile sh", ["show"]),
            ("send --attach-a", ["--attach-as"]),
            ("send --tls o", ["opportunistic"]),
        ],
    )
    def test_bash(self, words: str, expected: list[str], path_variable: str, tmp_path: Path) -> None:
        script = """
source completions/sendmail-cli.bash
complete -p sendmail-cli >/dev/null || exit
COMP_WORDS=(sendmail-cli $1) COMP_CWORD=$(wc -w <<<"$1") COMP_LINE="sendmail-cli $1" COMP_POINT=${#COMP_LINE}
_sendmail_cli_completion sendmail-cli
printf '%s\\n' "${COMPREPLY[@]}"
"""
        bash = [needed("bash"), "--norc", "-c", script, "bash", words]

        assert self.run(bash, path_variable, tmp_path) == expected

    def test_bash_completion_finds_it_by_the_name_it_is_installed_under(
        self, path_variable: str, tmp_path: Path
    ) -> None:
        library = Path("/usr/share/bash-completion/bash_completion")
        if not library.exists():
            pytest.skip("bash-completion is not installed")
        folder = tmp_path / "share/bash-completion/completions"
        folder.mkdir(parents=True)
        shutil.copy(ROOT / "completions/sendmail-cli.bash", folder / "sendmail-cli")
        script = f"""
export XDG_DATA_HOME={tmp_path}/share
source {library}
_completion_loader sendmail-cli
complete -p sendmail-cli
"""
        [line] = self.run([needed("bash"), "--norc", "-c", script], path_variable, tmp_path)

        assert line.endswith(" -F _sendmail_cli_completion sendmail-cli")

    def test_fish(self, path_variable: str, tmp_path: Path) -> None:
        script = "source completions/sendmail-cli.fish; complete --do-complete 'sendmail-cli pro'"

        assert self.run([needed("fish"), "--no-config", "-c", script], path_variable, tmp_path) == [
            "profile\tAdd, list, show, set and remove profiles."
        ]

    def test_zsh(self, path_variable: str, tmp_path: Path) -> None:
        (tmp_path / "functions").mkdir()
        shutil.copy(ROOT / "completions/_sendmail-cli", tmp_path / "functions")
        # Two Tabs, since zsh loads the function on the first; “r""an” is not in what the terminal echoes.
        script = r"""
zmodload zsh/zpty
zpty terminal zsh -f -i
zpty -w terminal "fpath=($1 $fpath); autoload -U compinit; compinit -u -D"
zpty -w terminal 'sendmail-cli() { echo "r""an: $*." }'
zpty -w terminal $'sendmail-cli pro\tsh\t'
zpty -r terminal shown '*ran: *.*'
print -r -- $shown
"""
        zsh = [needed("zsh"), "-f", "-c", script, "zsh", str(tmp_path / "functions")]

        assert "ran: profile show." in self.run(zsh, path_variable, tmp_path)
