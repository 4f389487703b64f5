"""`python -m sendmail_cli` and the console script."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130  # `status` knows it too, and loads slower


def main() -> None:
    """Run the command line; ends the process with an exit code of the table."""
    _occupy_standard_descriptors()
    if sys.argv[1:] == ["--version"]:  # asked for by scripts: answered before click is loaded
        _say_version()
        return
    try:
        from sendmail_cli.cli.app import app
    except KeyboardInterrupt:  # so early that there is nobody yet to say it well
        os._exit(INTERRUPTED)
    app.main(prog_name="sendmail-cli")


def _say_version() -> None:
    from sendmail_cli import __version__

    try:
        if sys.stdout is not None:
            sys.stdout.write(f"sendmail-cli {__version__}\n")
            sys.stdout.flush()
    except OSError as error:  # such as a full disk; a reader who left is none
        os._exit(0 if isinstance(error, BrokenPipeError) else 73)


def _occupy_standard_descriptors() -> None:
    """Open /dev/null in the place of each standard stream that the caller closed.

    The next file or socket would get its number, and what a library says to standard error would go to the server.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one


if __name__ == "__main__":
    main()
