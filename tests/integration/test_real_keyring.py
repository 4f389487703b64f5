"""Passwords in a real gnome-keyring: kept, found, missing, locked, and nobody there to ask. Nothing ever hangs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.test_aiosmtpd import COMMAND, run_command
from tests.support.patience import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.leaks import Leaks
    from tests.support.postfix import Postfix
    from tests.support.secret_service import LockedSecretService, SecretService

pytestmark = pytest.mark.real_server

AT_ONCE = 10.0  # seconds on a busy machine; a client that waits for a prompt or a service waits longer
BUS = "DBUS_SESSION_BUS_ADDRESS"
SERVICE = "sendmail-cli/work"
UNLOCK = b"Unlock it in your desktop's session"

# A backend such as people install, that writes what it gets to a file as it is.
PLAINTEXT = """
import os
from pathlib import Path
from keyring.backend import KeyringBackend

class Plaintext(KeyringBackend):
    priority = {priority}
    file = Path(os.environ["HOME"], "plaintext")

    def get_password(self, service, username):
        return self.file.read_text() if self.file.exists() else None

    def set_password(self, service, username, password):
        self.file.write_text(password)

    def delete_password(self, service, username):
        self.file.unlink()
"""
ENTRY_POINT = "[keyring.backends]\nplaintext = {module}\n"

# A session bus that starts no services.
BARE_BUS = """\
<busconfig>
  <type>session</type>
  <listen>{address}</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"""

# The installed command, less patient with the person at the prompt.
IMPATIENT = """
import sys
from sendmail_cli.config import secret_service
from sendmail_cli.__main__ import main
secret_service.PROMPT_TIMEOUT = 1.0
sys.argv = ["sendmail-cli", *sys.argv[1:]]
main()
"""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with the profile `work`, whose server wants a password."""

    postfix: Postfix
    environment: dict[str, str]
    leaks: Leaks

    def run(
        self, *arguments: str, stdin: bytes = b"", environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        chosen = self.environment if environment is None else environment
        watched = self.leaks.variables(chosen)
        done = run_command(*arguments, environment=watched, stdin=stdin, timeout=AT_ONCE)
        self.leaks.see(done.stdout, done.stderr)
        return done

    def store(self, password: str | None = None) -> subprocess.CompletedProcess[bytes]:
        stdin = f"{password or self.postfix.password}\n".encode()
        return self.run("login", "--no-check", "work", stdin=stdin)

    def sign_in(self, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
        return self.run("check", "-q", "-p", "work", environment=environment)  # what fails is on standard error

    def without(self, *names: str, **others: str) -> dict[str, str]:
        return {name: value for name, value in self.environment.items() if name not in names} | others


@pytest.fixture
def user(postfix: Postfix, secret_service: SecretService, leaks: Leaks) -> User:
    return watched_user(postfix, secret_service, leaks)


@pytest.fixture
def locked_user(postfix: Postfix, locked_secret_service: LockedSecretService, leaks: Leaks) -> User:
    """The password is there; the keyring is locked, and its prompter never answers."""
    locked_secret_service.set(SERVICE, postfix.user, postfix.password)
    return watched_user(postfix, locked_secret_service, leaks)


class TestUnlocked:
    @pytest.mark.parametrize("password", ["s3cret", "süß und 長い " * 30])
    def test_keeps_what_login_is_given(self, user: User, secret_service: SecretService, password: str) -> None:
        done = user.store(password)
        assert done.returncode == 0
        assert b"stored without a check in the keyring for profile work" in done.stderr
        assert secret_service.get(SERVICE, user.postfix.user) == password
        assert password.encode() not in done.stderr + done.stdout

    def test_shows_it_to_other_clients_under_a_name_that_people_know(self, user: User) -> None:
        user.store("s3cret")
        argv = ["secret-tool", "lookup", "service", SERVICE, "username", user.postfix.user]
        assert subprocess.check_output(argv, env=user.environment) == b"s3cret"

    def test_takes_the_last_word(self, user: User, secret_service: SecretService) -> None:
        user.store("old")
        user.store("new")
        assert secret_service.get(SERVICE, user.postfix.user) == "new"

    def test_gives_what_another_client_has_stored(self, user: User, secret_service: SecretService) -> None:
        secret_service.set(SERVICE, user.postfix.user, user.postfix.password)
        assert user.sign_in().returncode == 0

    def test_has_nothing_for_another_user(self, user: User, secret_service: SecretService) -> None:
        secret_service.set(SERVICE, "bob@example.org", user.postfix.password)
        assert user.sign_in().returncode == 78

    def test_names_each_source_when_there_is_no_password(self, user: User) -> None:
        done = user.sign_in()
        assert done.returncode == 78
        for words in (
            "SENDMAIL_CLI_PASSWORD__WORK is not set",
            "the profile has no password_command",
            f"the keyring has no entry for “{user.postfix.user}” under “{SERVICE}”",
            "sendmail-cli login work",
        ):
            assert words in done.stderr.decode()

    def test_has_nothing_to_take_out_twice(self, user: User, secret_service: SecretService) -> None:
        user.store()
        assert user.run("logout", "work").returncode == 0
        again = user.run("logout", "work")
        assert secret_service.get(SERVICE, user.postfix.user) is None
        assert again.returncode == 78
        assert again.stderr.count(b"\n") == 1


class TestLocked:
    COMMANDS = pytest.mark.parametrize(
        ("arguments", "stdin"),
        [
            (("send", "-p", "work", "-m", "hello", "bob@example.org"), b""),
            (("login", "--no-check", "work"), b"s3cret\n"),
            (("logout", "work"), b""),
        ],
        ids=["send", "login", "logout"],
    )

    @COMMANDS
    def test_fails_for_now(
        self, user: User, secret_service: SecretService, arguments: tuple[str, ...], stdin: bytes
    ) -> None:
        secret_service.set(SERVICE, user.postfix.user, user.postfix.password)
        secret_service.lock()
        assert_locked(user.run(*arguments, stdin=stdin))

    @COMMANDS
    def test_asks_nobody_where_a_prompter_would_never_answer(
        self, locked_user: User, locked_secret_service: LockedSecretService, arguments: tuple[str, ...], stdin: bytes
    ) -> None:
        assert_locked(locked_user.run(*arguments, stdin=stdin))
        assert not locked_secret_service.was_asked_to_prompt
        assert locked_secret_service.is_locked()
        assert locked_secret_service.get(SERVICE, locked_user.postfix.user) == locked_user.postfix.password

    @pytest.mark.parametrize("quiet", ["--no-input", "SENDMAIL_CLI_NO_INPUT=1"])
    def test_asks_nobody_on_a_terminal_where_that_is_forbidden(
        self, locked_user: User, locked_secret_service: LockedSecretService, quiet: str
    ) -> None:
        argv: list[str | Path] = ["env", quiet, COMMAND, "check"] if "=" in quiet else [COMMAND, "check", quiet]
        status, said = on_a_terminal(argv, locked_user.environment)
        assert (status, UNLOCK in said) == (75, True)
        assert not locked_secret_service.was_asked_to_prompt

    def test_asks_a_person_once_and_not_for_ever(
        self, locked_user: User, locked_secret_service: LockedSecretService
    ) -> None:
        with counted_prompts(locked_secret_service.address) as count:
            status, said = on_a_terminal([sys.executable, "-c", IMPATIENT, "check"], locked_user.environment)
            assert count() == 1
        assert status == 75
        assert b"nobody unlocked it within 1 second" in b" ".join(said.split())

    def test_lets_a_person_go_who_presses_ctrl_c_at_the_prompt(
        self, locked_user: User, locked_secret_service: LockedSecretService
    ) -> None:
        def interrupt(process: subprocess.Popen[bytes]) -> None:
            wait_until(lambda: locked_secret_service.was_asked_to_prompt)
            process.send_signal(signal.SIGINT)

        status, said = on_a_terminal([COMMAND, "check"], locked_user.environment, meanwhile=interrupt)
        assert status == 130
        assert b"interrupted" in said


class TestWhereTheBusIs:
    def test_nobody_answers_at_its_address(self, user: User, tmp_path: Path) -> None:
        user.store()
        done = user.sign_in(user.without(**{BUS: f"unix:path={tmp_path}/gone"}))
        assert done.returncode == 75
        assert b"can't be reached" in done.stderr

    def test_there_is_none(self, user: User, tmp_path: Path) -> None:
        done = user.sign_in(user.without(BUS, XDG_RUNTIME_DIR=str(tmp_path)))
        assert done.returncode == 78
        assert b"there is no session bus" in done.stderr

    def test_login_without_any_says_so(self, user: User, tmp_path: Path) -> None:
        environment = user.without(BUS, XDG_RUNTIME_DIR=str(tmp_path))
        done = user.run("login", "--no-check", "work", stdin=b"s3cret\n", environment=environment)
        assert done.returncode == 78
        assert b"there is no session bus" in done.stderr

    def test_nobody_on_it_keeps_passwords(self, user: User, tmp_path: Path) -> None:
        with bare_bus(tmp_path) as address:
            done = user.sign_in(user.without(**{BUS: address}))
        assert done.returncode == 78
        assert b"no Secret Service" in done.stderr
        assert b"sendmail-cli login work" in done.stderr

    def test_in_the_runtime_folder(self, user: User) -> None:
        user.store()
        assert user.sign_in(user.without(BUS)).returncode == 0


SEND = ("send", "-p", "work", "-s", "disks", "-m", "hello", "bob@example.org")


class TestCron:
    """In a namespace where /run/user is ours; cron gives HOME and PATH, and nothing of a session."""

    @staticmethod
    def run(user: User, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        place = f"/run/user/{os.getuid()}"
        bind = f'mount -t tmpfs none /run && mkdir -p {place} && mount --bind "$1" {place}'
        script = f'{bind} && shift && exec env -i HOME="$HOME" PATH="$PATH" "$@"'
        argv = ["unshare", "--mount", "sh", "-euc", script, "sh", user.environment["XDG_RUNTIME_DIR"]]
        command = [*argv, str(COMMAND), *arguments]
        done = subprocess.run(command, env=user.environment, capture_output=True, timeout=2 * AT_ONCE, check=False)
        user.leaks.see(done.stdout, done.stderr)
        return done

    def test_sends_with_the_keyrings_secret(self, user: User) -> None:
        user.store()
        done = self.run(user, *SEND)
        assert (done.returncode, done.stderr) == (0, b"")

    def test_says_so_when_it_is_locked(self, user: User, secret_service: SecretService) -> None:
        user.store()
        secret_service.lock()
        assert_locked(self.run(user, *SEND))

    def test_says_so_when_the_bus_is_gone(self, user: User) -> None:
        user.store()
        Path(user.environment["XDG_RUNTIME_DIR"], "bus").unlink()
        done = self.run(user, *SEND)
        assert done.returncode == 78
        assert f"there is no session bus, and so no keyring: {BUS} is not set, and /run/user/".encode() in done.stderr

    def test_says_so_when_only_its_socket_is_left(self, user: User) -> None:
        bus = Path(user.environment["XDG_RUNTIME_DIR"], "bus")
        bus.unlink()
        with closing(socket.socket(socket.AF_UNIX)) as deaf:
            deaf.bind(str(bus))  # and nobody listens
            done = self.run(user, *SEND)
        assert done.returncode == 75
        assert b"can't be reached: Connection refused" in done.stderr

    def test_trusts_no_socket_of_another_user(self, user: User) -> None:
        user.store()
        os.chown(Path(user.environment["XDG_RUNTIME_DIR"], "bus"), 4711, -1)
        assert self.run(user, *SEND).returncode == 78

    def test_status_tells_what_it_would_find(self, user: User, secret_service: SecretService) -> None:
        user.store()
        found = f"the keyring, “{user.postfix.user}” under “{SERVICE}”"
        done = self.run(user, "login", "--status")
        assert (done.returncode, done.stdout.decode()) == (0, f"work  here  {found}\n      cron  {found}\n")
        secret_service.lock()
        done = self.run(user, "login", "--status")
        assert done.returncode == 75
        assert done.stdout.count(b"FAILS: the keyring can't be used now: it is locked") == 2


class TestPlaintext:
    @pytest.mark.parametrize("command", ["login", "check"])
    @pytest.mark.parametrize(
        ("module", "priority"), [("plaintext_keyring", 0.5), ("keyrings.alt.file", 5)], ids=["by priority", "by name"]
    )
    def test_is_refused(self, user: User, tmp_path: Path, command: str, module: str, priority: float) -> None:
        name = install_plaintext(tmp_path, module, priority)
        environment = user.without(PYTHON_KEYRING_BACKEND=name, PYTHONPATH=str(tmp_path))
        stdin = f"{user.postfix.password}\n".encode()
        done = user.run(command, *(["work"] if command == "login" else ["-q"]), stdin=stdin, environment=environment)
        assert done.returncode == 78
        assert b"does not guard what it keeps" in done.stderr
        assert not plaintext_file(user).exists()

    def test_is_not_fallen_back_to_where_there_is_no_bus(self, user: User, tmp_path: Path) -> None:
        install_plaintext(tmp_path, "keyrings.alt.file", 5)
        environment = user.without(BUS, XDG_RUNTIME_DIR=str(tmp_path), PYTHONPATH=str(tmp_path))
        done = user.run("login", "--no-check", "work", stdin=b"s3cret\n", environment=environment)
        assert done.returncode == 78
        assert not plaintext_file(user).exists()

    def test_is_used_where_the_user_says_so(self, user: User, tmp_path: Path) -> None:
        name = install_plaintext(tmp_path, "keyrings.alt.file", 5)
        environment = user.without(PYTHON_KEYRING_BACKEND=name, PYTHONPATH=str(tmp_path))
        config = Path(user.environment["XDG_CONFIG_HOME"], "sendmail-cli/profiles.toml")
        config.write_text(f"allow_insecure_keyring = true\n{config.read_text()}")
        stdin = f"{user.postfix.password}\n".encode()
        assert user.run("login", "work", stdin=stdin, environment=environment).returncode == 0
        assert plaintext_file(user).read_text() == user.postfix.password
        assert user.sign_in(environment).returncode == 0


def watched_user(postfix: Postfix, service: SecretService, leaks: Leaks) -> User:
    leaks.secret(postfix.password)
    leaks.search(Path(service.environment["XDG_CONFIG_HOME"]), Path(service.environment["XDG_STATE_HOME"]))
    return with_profile(User(postfix, service.environment, leaks))


def with_profile(user: User) -> User:
    server = f"localhost:{user.postfix.submission_port}"
    settings = ("--from", "ada@example.org", "--server", server, "--user", user.postfix.user)
    assert user.run("profile", "add", "work", *settings, "--ca-file", str(user.postfix.ca_file)).returncode == 0
    return user


def assert_locked(done: subprocess.CompletedProcess[bytes]) -> None:
    assert done.returncode == 75
    assert b"it is locked, and nobody is there to unlock it" in done.stderr
    assert UNLOCK in done.stderr
    assert b"password_command" in done.stderr


def install_plaintext(folder: Path, module: str, priority: float) -> str:
    """Puts the backend where Python finds it, registered as pip would do; gives its name."""
    path = folder.joinpath(*module.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PLAINTEXT.format(priority=priority))
    metadata = folder / "plaintext-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plaintext\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINT.format(module=module))
    return f"{module}.Plaintext"


def plaintext_file(user: User) -> Path:
    return Path(user.environment["HOME"], "plaintext")


@contextmanager
def bare_bus(folder: Path) -> Iterator[str]:
    """The address of a bus that nobody else is on."""
    address = f"unix:path={folder}/bus"
    (folder / "bus.conf").write_text(BARE_BUS.format(address=address))
    argv = ["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile", "--print-address=1"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as daemon:
        try:
            assert daemon.stdout is not None
            assert daemon.stdout.readline()  # it listens
            yield address
        finally:
            daemon.terminate()


def on_a_terminal(
    argv: Sequence[str | Path], environment: dict[str, str], meanwhile: Any = lambda _: None
) -> tuple[int, bytes]:
    """The exit code and what was shown, of a program that a person seems to have started."""
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)
        try:
            meanwhile(process)
            status = process.wait(AT_ONCE)
        finally:
            process.kill()
            process.wait()
        return status, read_screen(screen.fileno())


def read_screen(descriptor: int) -> bytes:
    shown = b""
    try:
        while octets := os.read(descriptor, 4096):
            shown += octets
    except OSError:  # EIO: nobody has the other side open any more
        pass
    return shown


@contextmanager
def counted_prompts(address: str) -> Iterator[Any]:
    """A function that tells how often the keyring has begun to prompt; it listens to the bus as a monitor."""
    from jeepney import HeaderFields, MatchRule  # type: ignore[import-untyped]  # ships no types
    from jeepney.bus_messages import Monitoring  # type: ignore[import-untyped]  # the same
    from jeepney.io.blocking import Proxy, open_dbus_connection  # type: ignore[import-untyped]  # the same

    def count() -> int:
        seen = 0
        try:
            while True:
                fields = connection.receive(timeout=0.5).header.fields
                seen += fields.get(HeaderFields.member) == "BeginPrompting"  # else: the bus greets its monitor
        except TimeoutError:
            return seen

    with closing(open_dbus_connection(address)) as connection:
        rule = MatchRule(type="method_call", member="BeginPrompting")
        Proxy(Monitoring(), connection).BecomeMonitor([rule.serialise()])
        yield count
