"""Writes the completions for bash, zsh and fish, as click makes them but for two mends.

    python completions/generate.py            write them
    python completions/generate.py --check    write nothing; exit with 1 when a file is not what would be written

They ask the installed program for what fits, so they change only when click's own scripts do.
"""

from __future__ import annotations

import sys
from pathlib import Path

from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
PROGRAM = "sendmail-cli"
VARIABLE = "_SENDMAIL_CLI_COMPLETE"  # click's name for it

sys.path.insert(0, str(ROOT))  # the checkout's commands, whatever is installed

from sendmail_cli.cli.app import app  # noqa: E402

SHELLS: dict[str, type[ShellComplete]] = {  # the names that each shell looks for
    "sendmail-cli.bash": BashComplete,
    "_sendmail-cli": ZshComplete,
    "sendmail-cli.fish": FishComplete,
}


def main(arguments: list[str]) -> int:
    """Writes or checks; gives the exit code."""
    scripts = {FOLDER / name: make_script(name, shell) for name, shell in SHELLS.items()}
    if "--check" not in arguments:
        for path, script in scripts.items():
            path.write_text(script, encoding="utf-8")
        return 0
    stale = [path for path, script in scripts.items() if not path.exists() or path.read_text("utf-8") != script]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is not up to date: run python completions/generate.py", file=sys.stderr)
    return 1 if stale else 0


def make_script(name: str, shell: type[ShellComplete]) -> str:
    """The script for `shell`, which is kept in a file called `name`."""
    complete = shell(app, {}, PROGRAM, VARIABLE)
    template, values = complete.source_template, complete.source_vars()  # `source()` would run bash to ask its age
    if shell is ZshComplete:
        # zsh loads the file as the function of its name, and goes on calling that. Were the function in it called
        # something else, the second Tab of a session would complete nothing.
        values["complete_func"] = name
    if shell is FishComplete:
        # The help after the value may hold commas; it would be cut at the first.
        template = template.replace('string split ","', 'string split --max 1 ","')
    return template % values


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
