"""`python -m sendmail_cli` and the console script."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; ends the process with an exit code of the table."""
    if sys.argv[1:] == ["--version"]:  # asked for by scripts: answered before click is loaded
        from sendmail_cli import __version__

        sys.stdout.write(f"sendmail-cli {__version__}\n")
        return
    from sendmail_cli.cli.app import app

    app.main(prog_name="sendmail-cli")


if __name__ == "__main__":
    main()
