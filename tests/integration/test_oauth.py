"""Tokens from a real provider, for a real submission server, kept in a real keyring: signing in, sending, going on.

oidc-provider replaces the refresh token at each use and ends the whole sign-in when one is used twice.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import COMMAND as BROWSER
from tests.support.browser import Browser, is_answer
from tests.support.command import COMMAND, wait_for_line
from tests.support.patience import PATIENCE, wait_until
from tests.support.servers import dovecot_introspecting, oidc_provider
from tests.support.servers.kind import Way
from tests.support.servers.oidc_provider import MACHINE, PUBLIC, SECRETIVE, SECRETS
from tests.support.servers.running import USER
from tests.support.unix_smtp import UnixSMTP

if TYPE_CHECKING:
    from tests.support.leaks import Leaks
    from tests.support.secret_service import SecretService
    from tests.support.servers.oidc_provider import Provider
    from tests.support.servers.running import Running

pytestmark = pytest.mark.real_server

SEND = ("send", "bob@example.org", "-m", "hi")
AT_ONCE = 6  # processes


@dataclass(frozen=True)
class Done:
    """What a run left."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with the profile `work`, whose server takes tokens."""

    provider: Provider
    server: Running
    secrets: SecretService
    leaks: Leaks

    def configure(self, client: str = PUBLIC, *, grant: str = "authorization-code", more: str = "") -> None:
        folder = Path(self.secrets.environment["XDG_CONFIG_HOME"], "sendmail-cli")
        folder.mkdir(exist_ok=True)
        file = folder / "profiles.toml"
        file.write_text(
            f'[profile.work]\nfrom = "{USER}"\nuser = "{USER}"\nca_file = "{self.server.ca_file}"\n'
            f'server = "smtps://localhost:{self.server.ports[Way.IMPLICIT]}"\n'
            f'[profile.work.oauth]\nissuer = "{self.provider.issuer}"\nclient_id = "{client}"\n'
            f'grant = "{grant}"\n{more}'
        )
        file.chmod(0o600)

    def run(self, *arguments: str, stdin: bytes = b"", **variables: str) -> Done:
        done = subprocess.run(
            [COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            env=self.variables(**variables),
            timeout=PATIENCE,
            check=False,
        )
        if arguments[0] != "token":
            self.leaks.see(done.stdout, done.stderr)
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def started(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.variables(**variables),
        )

    def variables(self, **more: str) -> dict[str, str]:
        measuring = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        return self.leaks.variables(measuring | self.secrets.environment | more)

    def sign_in(self, person: str = USER) -> Done:
        done = self.run("login", BROWSER=f"{BROWSER} {person} %s")
        for name in ("access token", "sign-in"):
            record = json.loads((self.secrets.get("sendmail-cli/work/oauth", f"{USER}: {name}") or "={}")[1:])
            self.leaks.secret(*(text for key, text in record.items() if key.endswith("_token")))
        return done

    def token(self) -> str:
        return self.run("token").out.strip()

    def grants(self, kind: str) -> int:
        return len(self.provider.told("grant.success", kind))


@pytest.fixture
def user(provider: Provider, server: Running, secret_service: SecretService, leaks: Leaks) -> User:
    leaks.secret(*SECRETS.values())
    leaks.search(Path(secret_service.environment["HOME"]))
    found = User(provider, server, secret_service, leaks)
    found.configure()
    return found


def test_programs_without_oauth_send_by_the_relay(user: User, tmp_path: Path) -> None:
    """Django's side knows a socket and nothing else."""
    user.sign_in()
    path = tmp_path / "mail.sock"
    with user.started("relay", "--unix", str(path)) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"listening on ")
            with UnixSMTP(str(path), 25) as client:
                client.sendmail(USER, ["bob@example.org"], b"Subject: order\r\n\r\nThanks.\r\n")
            wait_until(lambda: any(b"Subject: order" in each.octets for each in user.server.delivered()))
        finally:
            process.terminate()


class TestSigningIn:
    def test_in_a_browser(self, user: User) -> None:
        done = user.sign_in()
        assert done.code == 0, done
        assert "accepted it; stored in the keyring for profile work" in done.err
        assert user.run(*SEND).code == 0
        assert user.server.delivered()

    def test_at_a_server_with_nothing_but_xoauth2(self, user: User, tmp_path: Path) -> None:
        with dovecot_introspecting.start(tmp_path, user.provider, mechanisms=("XOAUTH2",)) as older:
            there = User(user.provider, older, user.secrets, user.leaks)
            there.configure()
            assert there.sign_in().code == 0
            user.provider.end(there.token())
            done = there.run(*SEND, "-v")
        assert done.code == 0
        assert done.err.count("AUTH XOAUTH2 ***") == 2

    def test_without_a_browser_the_final_address_is_pasted(self, user: User) -> None:
        with user.started("login", "--no-browser") as process:
            wait_for_line(process, b"Open this address")
            address = wait_for_line(process, b"http://")[-1].decode().strip()
            answer = Browser().sign_in(address, until=is_answer)
            _, err = process.communicate(f"{answer}\n".encode(), PATIENCE)
        assert process.returncode == 0, err
        assert user.run(*SEND).code == 0

    def test_another_sign_ins_address_is_refused(self, user: User) -> None:
        with user.started("login", "--no-browser") as process:
            _, err = process.communicate(b"http://127.0.0.1:1/?code=abc&state=def\n", PATIENCE)
        assert process.returncode == 65
        assert b"this is not the answer to this sign-in" in err

    @pytest.mark.parametrize("words", [["login", "--device"], ["login"]])
    def test_by_a_code_on_another_device(self, user: User, words: list[str]) -> None:
        user.configure(grant="device" if len(words) == 1 else "authorization-code")
        with user.started(*words) as process:
            line = wait_for_line(process, b"or open ")[-1].decode()
            Browser().sign_in(line.removeprefix("or open ").strip())
            _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        assert user.run(*SEND).code == 0

    def test_a_client_with_a_secret(self, user: User) -> None:
        user.configure(SECRETIVE)
        done = user.run("login", BROWSER=f"{BROWSER} %s", SENDMAIL_CLI_CLIENT_SECRET__WORK=SECRETS[SECRETIVE])
        assert done.code == 0, done
        user.provider.end(user.token())
        assert user.run(*SEND).code == 0  # the secret is kept: it takes one to refresh

    def test_a_refused_sign_in_keeps_nothing(self, user: User) -> None:
        done = user.sign_in("bob@example.test")
        assert done.code == 77
        assert user.run(*SEND).code == 78
        assert "nobody has signed in" in user.run(*SEND).err

    def test_nobody_signs_in_for_a_machine(self, user: User) -> None:
        user.configure(MACHINE, grant="client-credentials")
        assert "there is no client secret" in user.run(*SEND).err
        secret = f"{SECRETS[MACHINE]}\n".encode()
        assert user.run("login", stdin=secret).code == 0
        assert user.run(*SEND).code == 0

    def test_a_machine_needs_no_keyring(self, user: User, tmp_path: Path) -> None:
        user.configure(MACHINE, grant="client-credentials")
        file = tmp_path / "secret"
        file.write_text(SECRETS[MACHINE] + "\n")
        done = user.run(
            *SEND,
            DBUS_SESSION_BUS_ADDRESS="",
            XDG_RUNTIME_DIR=str(tmp_path),
            SENDMAIL_CLI_CLIENT_SECRET__WORK_FILE=str(file),
        )
        assert done.code == 0, done


class TestGoingOn:
    def test_a_token_that_ended_is_renewed_over_the_same_connection(self, user: User) -> None:
        user.sign_in()
        user.provider.end(user.token())
        done = user.run(*SEND, "-v")
        assert done.code == 0, done
        said = [line.split(maxsplit=3)[2:] for line in done.err.splitlines()]
        codes = [
            words[-1][:3] for words in said if words[:1] == ["<~"] and words[-1][:3] in {"220", "334", "535", "235"}
        ]
        assert codes == ["220", "334", "535", "235"]
        assert user.token() not in done.err

    @pytest.mark.parametrize("how", ["rejected", "missing"])
    def test_six_processes_refresh_once(self, user: User, how: str) -> None:
        user.sign_in()
        if how == "rejected":
            user.provider.end(user.token())
        else:
            user.secrets.set("sendmail-cli/work/oauth", f"{USER}: access token", "=gone")
        before = user.grants("refresh_token")
        running = [user.started(*SEND) for _ in range(AT_ONCE)]
        done = [process.communicate(timeout=PATIENCE * 3) for process in running]

        assert [process.returncode for process in running] == [0] * AT_ONCE, done
        assert user.grants("refresh_token") == before + 1
        user.provider.end(user.token())
        assert user.run(*SEND).code == 0  # the sign-in lives on

    def test_a_sign_in_that_ended_says_what_to_type(self, user: User) -> None:
        user.sign_in()
        twice = user.secrets.get("sendmail-cli/work/oauth", f"{USER}: sign-in")
        assert twice is not None
        user.provider.end(user.token())
        assert user.run(*SEND).code == 0
        user.secrets.set("sendmail-cli/work/oauth", f"{USER}: sign-in", twice)  # a thief's, or a backup's
        user.provider.end(user.token())
        done = user.run(*SEND)
        assert done.code == 77
        assert "sendmail-cli login work" in done.err
        assert "invalid_grant" in done.err

    def test_a_provider_that_is_down_is_for_later(self, user: User, tmp_path: Path) -> None:
        with oidc_provider.start(tmp_path) as other:
            passing = User(other, user.server, user.secrets, user.leaks)
            passing.configure()
            assert passing.run("login", "--no-check", BROWSER=f"{BROWSER} %s").code == 0
        user.secrets.set("sendmail-cli/work/oauth", f"{USER}: access token", "=gone")
        done = passing.run(*SEND)
        assert done.code == 75
        assert "no connection to 127.0.0.1" in done.err

    def test_tokens_of_another_client_are_not_used(self, user: User) -> None:
        user.sign_in()
        user.configure(SECRETIVE)
        assert "nobody has signed in" in user.run(*SEND).err


class TestStatus:
    def test_is_a_token_that_is_really_fetched(self, user: User) -> None:
        user.sign_in()
        user.secrets.set("sendmail-cli/work/oauth", f"{USER}: access token", "=gone")
        before = user.grants("refresh_token")
        done = user.run("login", "--status", "--here")
        assert (done.code, done.out) == (0, f"work  here  the sign-in at {user.provider.issuer}\n")
        assert user.grants("refresh_token") == before + 1

    def test_says_what_to_type_where_nobody_has_signed_in(self, user: User) -> None:
        done = user.run("login", "--status", "--here")
        assert done.code == 78
        assert "work  here  FAILS: nobody has signed in at" in done.out


class TestToken:
    def test_is_printed_with_its_end(self, user: User) -> None:
        user.sign_in()
        told = json.loads(user.run("token", "work", "--json").out)
        assert told["access_token"] == user.token()
        assert told["token_type"] == "Bearer"
        assert 3500 < told["expires_in"] <= 3600

    def test_is_gone_after_logout_here_and_there(self, user: User) -> None:
        user.sign_in()
        before = len(user.provider.told("grant.revoked"))
        done = user.run("logout")
        assert done.code == 0
        assert f"{user.provider.issuer} takes them no more" in done.err
        assert len(user.provider.told("grant.revoked")) == before + 1
        assert user.run("token").code == 78
        assert user.run("logout").code == 78
