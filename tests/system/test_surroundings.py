"""cron, `env -i`, locales, umasks, arguments that are not UTF-8: nothing of it makes a difference."""

from __future__ import annotations

import json
import os
import stat
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

from tests.support.command import through_shell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Installed
    from tests.support.sink import Sink

SEND = ("send", "bob@example.org", "-m", "hi")
LOCALES = [{"LANG": "C"}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LANG": "xx_YY.UTF-8"}, {"LANG": ""},
           {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]  # fmt: skip


@pytest.mark.parametrize("locale", LOCALES, ids=str)
def test_arguments_and_input_in_utf_8_whatever_the_locale(here: Installed, sink: Sink, locale: dict[str, str]) -> None:
    who = "Jürgen <bob@example.org>"

    done = here("send", who.encode(), "-s", "Übersicht – 日本語".encode(), stdin="Grüße".encode(), variables=locale)

    assert (done.code, done.err) == (0, "")
    message = message_from_bytes(sink.received, policy=policy.default)
    assert (message["To"], message["Subject"]) == (who, "Übersicht – 日本語")
    assert message.get_content() == "Grüße"


@pytest.mark.parametrize("locale", LOCALES, ids=str)
def test_errors_are_told_whatever_the_locale(here: Installed, locale: dict[str, str]) -> None:
    done = here("send", "Bö\u202e\x1b", "-m", "hi", "--json", variables=locale)

    assert done.code == json.loads(done.out)["exit_code"] == 65
    assert "\x1b" not in done.err
    assert "Traceback" not in done.err


def test_arguments_that_are_not_utf_8_are_read_as_iso_8859_1(here: Installed, sink: Sink, tmp_path: Path) -> None:
    file = os.fsencode(tmp_path) + b"/\xfc.txt"
    with open(file, "wb") as writing:
        writing.write(b"attached")

    done = here("send", b"J\xfcrgen <bob@example.org>", "-m", b"Gr\xfc\xdfe", "-s", b"\xdcber",
                "--attach-as", b"\xfc.txt", file)  # fmt: skip

    assert (done.code, done.err) == (0, "")
    message = message_from_bytes(sink.received, policy=policy.default)
    assert (message["To"], message["Subject"]) == ("Jürgen <bob@example.org>", "Über")
    assert [part.get_filename() for part in message.iter_attachments()] == ["ü.txt"]


def test_a_file_that_is_not_there_and_not_utf_8_is_told(here: Installed) -> None:
    done = here(*SEND, "-a", b"/no/\xff\x1b[2J/such")

    assert done.code == 66
    assert all(line.isprintable() for line in done.lines)


def test_without_any_environment(command: Installed, sink: Sink) -> None:
    words = ("send", "-f", "ada@example.org", "bob@example.org", "-m", "hi", "-S", f"localhost:{sink.port}")

    done = through_shell('exec env -i "$@"', words, command.variables)

    assert (done.code, done.out, done.err) == (0, b"", "")
    assert sink.received != b""


def test_from_cron_success_is_silent(here: Installed, sink: Sink) -> None:
    cron = {"HOME": str(here.home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "LOGNAME": "ada"}

    done = through_shell('cd "$HOME"; echo "disk full" | "$@"', ("send", "-s", "x", "root@example.org"), cron)

    assert (done.code, done.out, done.err) == (0, b"", "")
    assert b"\r\n\r\ndisk full\r\n" in sink.received


def test_from_cron_a_failure_is_told(here: Installed) -> None:
    cron = {"HOME": str(here.home), "PATH": "/usr/bin:/bin"}

    done = through_shell('"$@"', ("send", "-m", "hi", "-S", "localhost:1", "root@example.org"), cron)

    assert done.code == 75
    assert done.lines[0] == "sendmail-cli: no connection to localhost port 1: connection refused"


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_what_is_written_is_the_owners_alone_whatever_the_umask(command: Installed, umask: int) -> None:
    words = ("profile", "add", "work", "--from", "ada@example.org", "--server", "localhost")
    assert command(*words, umask=umask).code == 0
    done = command("send", "-p", "sandbox", "bob@example.org", "-m", "hi", umask=umask)
    assert done.code == 0, done

    files = [path for path in command.home.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".toml"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    folders = {path.parent for path in files}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_the_queue_is_its_owners_whatever_the_umask(here: Installed, umask: int) -> None:
    assert here("send", "--in", "1d", "-m", "x" * 100_000, "bob@example.org", umask=umask).code == 0
    spool = here.home / "spool"
    found = [spool, *spool.rglob("*")]
    assert any(path.is_file() and path.parent.name == "contents" for path in found)
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_dir()} == {0o700}


def test_a_queue_is_named_from_the_root_on(here: Installed) -> None:
    done = here("send", "--queue", "-m", "hi", "bob@example.org", variables={"SENDMAIL_CLI_SPOOL": "mails"})
    assert (done.code, "“mails”" in done.err) == (78, True)


def test_no_user_of_that_number_and_no_home(command: Installed, sink: Sink) -> None:
    del command.variables["HOME"]
    words = ("send", "-f", "ada@example.org", "bob@example.org", "-m", "hi", "-S", f"localhost:{sink.port}")

    assert command(*words).code == 0
