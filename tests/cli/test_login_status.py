"""`login --status`: where the password of each profile comes from, here and under cron."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

    from tests.support.command import Runner

PASSWORD = "hunter2-xyz"
PROFILES = """\
[profile.work]
server = "ada@smtp.example.org"
[profile.plain]
server = "localhost"
[profile.told]
server = "ada@smtp.example.org"
password_command = ["echo", "hunter2-xyz"]
[profile.ticket]
server = "smtp.example.org"
auth = "gssapi"
"""
NOWHERE = "no password is needed: it signs in nowhere"


@pytest.fixture
def unknown_bus(run: Runner) -> Runner:
    run.machine.variables["XDG_RUNTIME_DIR"] = str(run.machine.folder)
    return run


def test_each_profile_is_tried_here_and_as_cron_would(unknown_bus: Runner) -> None:
    run = unknown_bus
    run.machine.configure(PROFILES)
    run.machine.variables["SENDMAIL_CLI_PASSWORD__WORK"] = PASSWORD
    done = run("login", "--status")

    lines = done.out.decode().splitlines()
    assert done.code == 78
    assert lines[0] == "work    here  SENDMAIL_CLI_PASSWORD__WORK"
    assert lines[1].startswith(
        "        cron  FAILS: there is no password for “ada” at smtp.example.org:465: SENDMAIL_CLI"
    )
    assert "SENDMAIL_CLI_PASSWORD__WORK is not set" in lines[1]
    assert lines[2:] == [
        f"plain   here  {NOWHERE}",
        f"        cron  {NOWHERE}",
        "told    here  password_command “echo”",
        "        cron  password_command “echo”",
        "ticket  here  no password is needed: it signs in by gssapi",
        "        cron  no password is needed: it signs in by gssapi",
    ]
    assert PASSWORD.encode() not in done.out + done.err.encode()


def test_as_json(unknown_bus: Runner) -> None:
    unknown_bus.machine.configure(PROFILES)
    done = unknown_bus("login", "--status", "told", "--json")
    told = {"source": "password_command “echo”", "reason": None, "exit_code": 0}
    assert (done.code, done.json["profiles"]) == (0, [{"name": "told", "here": told, "cron": told}])


def test_here_alone(unknown_bus: Runner, mocker: MockerFixture) -> None:
    unknown_bus.machine.configure(PROFILES)
    started = mocker.patch.object(subprocess, "run")
    done = unknown_bus("login", "--status", "told", "--here")
    assert (done.code, done.out) == (0, "told  here  password_command “echo”\n".encode())
    started.assert_not_called()


def test_what_variables_make_is_not_there_under_cron(unknown_bus: Runner) -> None:
    run = unknown_bus
    run.machine.variables.update({"SENDMAIL_CLI_SERVER": "ada@smtp.example.org", "SENDMAIL_CLI_PASSWORD": PASSWORD})
    done = run("login", "--status", "--json")
    (profile,) = done.json["profiles"]
    assert (done.code, profile["here"]["source"]) == (78, "SENDMAIL_CLI_PASSWORD")
    assert "no profile is set up" in profile["cron"]["reason"]


def test_a_file_that_cron_is_not_told_of(unknown_bus: Runner) -> None:
    run = unknown_bus
    path = run.machine.configure(PROFILES)
    path = path.rename(path.with_name("mine.toml"))
    run.machine.configure('[profile.other]\nserver = "localhost"\n')
    run.machine.variables["SENDMAIL_CLI_CONFIG"] = str(path)
    done = run("login", "--status", "--json")
    assert {each["cron"]["reason"] for each in done.json["profiles"]} == {
        f"there is no profile “{name}”" for name in ("work", "plain", "told", "ticket")
    }


def test_nothing_is_set_up(run: Runner) -> None:
    done = run("login", "--status")
    assert (done.code, "no profile is set up" in done.err) == (78, True)


@pytest.mark.parametrize("option", ["--here", "--json"])
def test_options_of_it_alone(run: Runner, option: str) -> None:
    run.machine.configure(PROFILES)
    assert run("login", "work", option).code == 64


@pytest.mark.parametrize(
    ("outcome", "code", "words"),
    [
        (subprocess.TimeoutExpired("x", 1), 75, "took longer than 120 seconds"),
        (OSError(2, "No such file"), 71, "can't be tried"),
        (b"rubbish", 71, "can't be tried"),
        (json.dumps({"error": {"message": "it is broken"}, "exit_code": 70}).encode(), 70, "it is broken"),
    ],
)
def test_a_trial_that_fails(run: Runner, mocker: MockerFixture, outcome: Any, code: int, words: str) -> None:
    run.machine.configure(PROFILES)
    answer = subprocess.CompletedProcess([], 0, outcome) if isinstance(outcome, bytes) else None
    mocker.patch("subprocess.run", return_value=answer, side_effect=None if answer else outcome)
    done = run("login", "--status", "told")
    assert done.code == code
    assert words in done.out.decode()
