"""The units of the mail service, as they stand in /etc/systemd/system, and systemd, who is to know of them."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial

from sendmail_cli.errors import OutputError
from sendmail_cli.installing import programs
from sendmail_cli.installing.file import unwritable, write_whole
from sendmail_cli.installing.step import Step
from sendmail_cli.printable import printable
from sendmail_cli.queue.timer import unit_word
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = ("sendmail-cli.socket", "sendmail-cli.service")
FOLDER = "/etc/systemd/system"

_RUNNING = "/run/systemd/system"  # sd_booted(3)
_MARK = "# Written by `sendmail-cli install-sendmail --system`"  # how the first line begins


def texts(program: str, profile: str, credential: str) -> dict[str, str]:
    """Each unit's name and text. `credential` is what LoadCredential= gets."""
    command = f"{unit_word(program)} relay --system --profile {profile}"
    found = {}
    for name in UNITS:
        with open(os.path.join(os.path.dirname(__file__), "units", name), encoding="utf-8") as file:
            found[name] = file.read().replace("@COMMAND@", command).replace("@CREDENTIAL@", credential)
    return found


def is_systemd_running() -> bool:
    """True where systemd runs this machine, and not only stands on its disk."""
    return os.path.isdir(_RUNNING)


def steps_to_write(wanted: dict[str, str]) -> Iterator[Step]:
    """What makes the files say that; none where they do. Raises `OutputError` for one that isn't ours."""
    for name, text in wanted.items():
        path = os.path.join(FOLDER, name)
        there = _text(path)
        if there is not None and not there.startswith(_MARK):
            raise OutputError(
                f"{printable(path)} is there already and is not ours", hint="Nothing was changed. Move it elsewhere."
            )
        if there != text:
            yield Step(f"{printable(path)} is written", partial(write_whole, path, text.encode(), 0o644))


def steps_to_start(*, is_changed: bool) -> Iterator[Step]:
    """What has systemd run them, now and after each start of the machine; none where it does, as they are."""
    if not is_systemd_running():
        if not all(_is("is-enabled", unit) for unit in UNITS):
            yield Step("the service is to start with the machine", partial(programs.act, "systemctl", "enable", *UNITS))
    elif is_changed or not all(_is(what, unit) for what in ("is-enabled", "is-active") for unit in UNITS):
        yield Step("the service is started, now and with the machine", _start)


def _start() -> None:
    programs.act("systemctl", "daemon-reload")
    programs.act("systemctl", "enable", *UNITS)
    programs.act("systemctl", "start", UNITS[0])
    programs.act("systemctl", "restart", UNITS[1])


def steps_to_take_away(socket_path: str) -> Iterator[Step]:
    """What ends the service and takes its units away, those that are ours."""
    ours = [unit for unit in UNITS if (_text(os.path.join(FOLDER, unit)) or "").startswith(_MARK)]
    if ours:
        yield Step("the service is stopped, and its units are taken away", partial(_take_away, ours, socket_path))


def _take_away(units: list[str], socket_path: str) -> None:
    now = ("--now",) if is_systemd_running() else ()
    programs.act("systemctl", "disable", *now, *units)
    for unit in units:
        path = os.path.join(FOLDER, unit)
        try:
            os.unlink(path)
        except OSError as error:
            raise unwritable(path, error) from None
    if now:
        programs.act("systemctl", "daemon-reload")
    with suppress(OSError):  # systemd leaves it
        os.unlink(socket_path)
        os.rmdir(os.path.dirname(socket_path))


def _is(what: str, unit: str) -> bool:
    return programs.ask("systemctl", what, "--quiet", unit).returncode == 0


def _text(path: str) -> str | None:
    """None where there is no such file. A link, such as that of a unit that is masked, is nobody's text."""
    try:
        if os.path.islink(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unwritable(path, error) from None
