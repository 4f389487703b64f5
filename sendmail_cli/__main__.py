"""`python -m sendmail_cli` and the console script."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would load enum, for --version too
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # what `typing` would load takes longer than all that --version does
    from typing import NoReturn


GARBAGE_THRESHOLD = 50_000  # objects; a start makes 16,000 to 25,000, and hardly one of them is garbage
NAMES = {"sendmail": "sendmail", "mailq": "mailq", "newaliases": "newaliases", "mail": "mailx", "mailx": "mailx"}


def main() -> None:
    """Run the command line; ends the process with an exit code of the table."""
    # Until there is somebody who can say it well, Ctrl-C just ends us: an exception could get lost in an import.
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    _occupy_standard_descriptors()
    if sys.argv[1:] == ["--version"]:  # asked for by scripts: answered before click is loaded
        _say_version()
        return
    import gc

    gc.set_threshold(GARBAGE_THRESHOLD)  # by Python's 700 the start is looked through over and over, for 2 ms
    name = os.path.basename(sys.argv[0])  # a symlink's
    if name in NAMES:
        _stand_in(NAMES[name], sys.argv[1:])
    if sys.argv[1:2] in (["sendmail"], ["mailx"]):
        _stand_in(sys.argv[1], sys.argv[2:])
    from sendmail_cli.cli.app import app

    try:
        app.main(prog_name="sendmail-cli")
    except SystemExit as ended:
        _leave(ended.code)


def _stand_in(name: str, arguments: list[str]) -> NoReturn:
    """For sendmail(1) or mail(1): without click, since cron waits for it, and PHP's visitors."""
    if name == "mailx":
        from sendmail_cli.cli import mailx

        _leave(mailx.main(arguments))
    from sendmail_cli.cli import sendmail

    _leave(sendmail.main(name, arguments))


def _leave(code: object) -> NoReturn:
    """End at once: taking the interpreter apart costs 8 ms, and nothing is left to be done.

    Everything was flushed where it was written; whatever isn't could only fail now, and change the exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # broken, closed, or none at all
            continue
    os._exit(code if isinstance(code, int) else 0 if code is None else 70)


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
