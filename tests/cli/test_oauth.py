"""What is typed of OAuth: the options that make the table, the secret that is asked for, and the token that is printed.

How one signs in is tested in tests/system and, at a real provider, in tests/integration.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli.cli import oauth_options, sign_in
from sendmail_cli.config.oauth import device, providers, store, tokens
from sendmail_cli.config.oauth.endpoints import Endpoints
from sendmail_cli.config.oauth.token_requests import Client, Granted
from sendmail_cli.secret import Secret

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

    from tests.support.command import Runner

WORK = (
    "profile",
    "add",
    "work",
    "--from",
    "ada@example.org",
    "--user",
    "ada@example.org",
    "--server",
    "smtp.example.org",
)
LATER = 1e12  # seconds since the epoch


@pytest.fixture
def keyring(mocker: MockerFixture) -> dict[str, str]:
    kept: dict[str, str] = {}
    mocker.patch.object(
        store, "get_password", lambda entry, *_, **__: Secret(kept[entry.user]) if entry.user in kept else None
    )
    mocker.patch.object(
        store, "set_password", lambda entry, secret, *_, **__: kept.update({entry.user: secret.reveal()})
    )
    return kept


@pytest.fixture
def asked(mocker: MockerFixture) -> list[Client]:
    """Who asked the provider for a token; it gives one to everybody."""
    clients: list[Client] = []

    def give(_: Endpoints, client: Client, *__: object) -> Granted:
        clients.append(client)
        return Granted(Secret("t0ken"), LATER)

    for module in (tokens, device):
        mocker.patch.object(module, "request_token", give)
    return clients


def table(run: Runner) -> dict[str, Any]:
    with open(Path(run.machine.user_config_folder) / "profiles.toml", "rb") as file:
        found = tomllib.load(file)["profile"]["work"].get("oauth", {})
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (["--oauth", "google", "--client-id", "id"], {"provider": "google", "client_id": "id"}),
        (["--oauth", "https://x/realm", "--scope", "a b"], {"issuer": "https://x/realm", "scope": "a b"}),
        (["--oauth", "microsoft", "--tenant", "x.org", "--grant", "device"],
         {"provider": "microsoft", "tenant": "x.org", "grant": "device"}),
        (["--oauth", "google", "--grant", "service-account", "--key-file", "~/k.json"],
         {"provider": "google", "grant": "service-account", "key_file": "~/k.json"}),
        (["--oauth", "google", "--grant", "service-account", "--key-file", "k.json"],
         {"provider": "google", "grant": "service-account", "key_file": os.path.abspath("k.json")}),
    ],
)  # fmt: skip
def test_the_table_is_made_of_options(run: Runner, words: list[str], written: dict[str, str]) -> None:
    assert run(*WORK, *words).code == 0
    assert table(run) == written


def test_values_are_changed_one_by_one(run: Runner) -> None:
    run(*WORK, "--oauth", "google", "--scope", "a")
    assert run("profile", "set", "work", "--client-id", "id", "--unset", "oauth.scope").code == 0
    assert table(run) == {"provider": "google", "client_id": "id"}
    assert run("profile", "set", "work", "--unset", "oauth").code == 0
    assert table(run) == {}


def test_a_password_of_no_use_is_refused(run: Runner) -> None:
    run(*WORK, "--oauth", "google", "--client-id", "id")
    done = run("login", "--password-fd", "0", stdin=b"hunter2\n")
    assert done.code == 64
    assert "--password-fd: the profile work signs in by OAuth" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--oauth", "gogle"], "“gogle” is none of google"),
        (["--oauth", "http://x"], "an issuer is an https:// address"),
        (["--client-id", "id"], "say who gives the token"),
        (["--oauth", "google", "--auth", "plain"], "“plain” is no sign-in with a token"),
    ],
)
def test_what_is_wrong_is_not_written(run: Runner, words: list[str], message: str) -> None:
    done = run(*WORK, *words)
    assert (done.code in {64, 78}, message in done.err) == (True, True), done
    assert not (Path(run.machine.user_config_folder) / "profiles.toml").exists()


def test_is_shown_with_its_place(run: Runner) -> None:
    run(*WORK, "--oauth", "google", "--client-id", "id")
    shown = run("profile", "show").out.decode()
    assert "google, authorization-code, client id" in shown
    assert any(line.split()[:2] == ["auth", "oauth"] for line in shown.splitlines())
    assert any(line.split()[:3] == ["password", "a", "token"] for line in shown.splitlines())


def test_a_key_file_is_beside_the_profiles_file(run: Runner) -> None:
    run.machine.configure(
        '[profile.work]\nfrom = "a@b.org"\nuser = "a"\nserver = "x"\n[profile.work.oauth]\n'
        'provider = "google"\ngrant = "service-account"\nkey_file = "k.json"\n'
    )
    done = run("token")
    assert (done.code, f"{run.machine.user_config_folder}/k.json can't be read" in done.err) == (78, True)


def test_every_grant_can_be_typed() -> None:
    assert oauth_options.GRANTS == providers.GRANTS


def test_a_table_needs_a_user(run: Runner) -> None:
    done = run("profile", "add", "x", "--from", "a@b.org", "--server", "x", "--oauth", "google")
    assert done.code == 0
    done = run("check")
    assert (done.code, "profile.x.oauth: signing in needs a user" in done.err) == (78, True)


@pytest.mark.parametrize(
    ("words", "prompt", "typed"),
    [
        ("--oauth microsoft --grant client-credentials --tenant t", "Client secret of work at Microsoft", "s3cret"),
        ("--oauth https://x --grant device", "Client secret of work at https://x (Enter for none)", ""),
        ("--oauth https://x --grant device", "Client secret of work at https://x (Enter for none)", "s3cret"),
    ],
)
def test_a_person_types_the_clients_secret(
    run: Runner,
    keyring: dict[str, str],
    asked: list[Client],
    mocker: MockerFixture,
    *,
    words: str,
    prompt: str,
    typed: str,
) -> None:
    run(*WORK, "--client-id", "id", *words.split())
    run.machine.terminals = {"stdin", "stderr"}
    prompting = mocker.patch("click.prompt", return_value=typed)
    mocker.patch("sendmail_cli.config.oauth.table.discover", return_value=Endpoints("https://x/token"))
    mocker.patch.object(
        sign_in,
        "begin_device",
        lambda _, endpoints, *__: device.Device(endpoints, Secret("d"), "CODE", "https://x/", None, 60.0, 0.01),
    )
    done = run("login", "--no-check")
    assert done.code == 0, done
    assert prompting.call_args.args == (prompt,)
    assert prompting.call_args.kwargs["hide_input"]
    assert asked == [Client("id", Secret(typed) if typed else None)]
    if "device" in words:
        assert "gave no refresh token" in done.err
        assert "type the code CODE" in done.err
    assert typed == "" or typed in str(keyring)


@pytest.mark.parametrize("terminals", [{"stdin", "stderr"}, set()])
def test_nobody_is_asked_for_it_where_nobody_is(run: Runner, keyring: dict[str, str], terminals: set[str]) -> None:
    run(*WORK, "--client-id", "id", "--oauth", "microsoft", "--grant", "client-credentials", "--tenant", "t")
    run.machine.terminals = terminals
    done = run("login", "--no-input")
    assert (done.code, "nobody gives the client secret of profile work" in done.err) == (64, True)
    run.machine.terminals = set()
    run.machine.is_stdin_closed = True
    assert run("login").code == 64


def test_a_secret_that_is_none_is_not_repeated(run: Runner, keyring: dict[str, str]) -> None:
    run(*WORK, "--client-id", "id", "--oauth", "microsoft", "--grant", "client-credentials", "--tenant", "t")
    done = run("login", stdin="sécret\n".encode())
    assert (done.code, "sécret" in done.err) == (78, False)


def test_the_way_follows_from_where_one_sits(run: Runner) -> None:
    assert sign_in.way_for(run.machine) is sign_in.Way.PASTE
    run.machine.variables["WAYLAND_DISPLAY"] = "wayland-0"
    assert sign_in.way_for(run.machine) is sign_in.Way.BROWSER
