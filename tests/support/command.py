"""The command line under test: in this process by click's runner, or as installed in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from click.testing import CliRunner

from sendmail_cli.cli.app import app
from sendmail_cli.environment import Environment
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

COMMAND = Path(sys.executable).with_name("sendmail-cli")
Argument = str | bytes | Path


@dataclass(frozen=True)
class Done:
    """What a run left."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        assert self.out.count(b"\n") == 1, self
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def lines(self) -> list[str]:
        """What was said, a line each."""
        return self.err.splitlines()


class Machine(Environment):
    """An environment with a home of its own, and terminals where the test says so."""

    def __init__(self, folder: Path) -> None:
        super().__init__({"HOME": str(folder / "home"), "PATH": os.environ["PATH"]})
        self.folder = folder
        self.terminals: set[str] = set()  # of "stdin", "stdout", "stderr"
        self.charset = "UTF-8"
        self.is_stdin_closed = False
        self.started: list[tuple[str, ...]] = []  # what was to run in the background
        self.typed: str | None = None  # at the terminal, unseen; None where there is none
        self.prompts: list[str] = []
        self.log_socket = str(folder / "nobody-listens")

    def piped(self, stdin: IO[bytes] | None, stdout: IO[str], stderr: IO[str]) -> Self:
        """The same machine, with these streams; without `stdin` it is that of the process."""
        other = copy(self)
        other._stdin, other._stdout, other._stderr = stdin, stdout, stderr
        return other

    @property
    def stdin(self) -> IO[bytes] | None:
        return None if self.is_stdin_closed else super().stdin

    @property
    def system_config_folder(self) -> str:
        return str(self.folder / "etc")

    @property
    def service_socket(self) -> str:
        return str(self.folder / "submit")

    @property
    def system_aliases_file(self) -> str:
        return str(self.folder / "etc" / "aliases")

    @property
    def system_log_socket(self) -> str:
        return self.log_socket

    def has_account(self, name: str) -> bool:
        return name == "daemon"

    @property
    def spool_folder(self) -> str:
        return str(self.folder / "spool")

    @property
    def system_spool_folder(self) -> str:
        return str(self.folder / "system-spool")

    @property
    def program(self) -> str:
        return str(COMMAND)

    @property
    def is_root(self) -> bool:
        return False

    def start_detached(self, arguments: tuple[str, ...], handed: int) -> None:
        self.started.append(arguments)

    def leave_folder(self, *variables: str) -> None:
        """The process of the tests stays where it is."""

    def is_terminal(self, stream: IO[bytes] | IO[str] | None) -> bool:
        return any(stream is getattr(self, name) for name in self.terminals)

    def locale_charset(self) -> str:
        return self.charset

    def ask_secret(self, prompt: str) -> str | None:
        """No test reaches the terminal that it is started from."""
        self.prompts.append(prompt)
        return self.typed

    def guard_memory(self) -> None:
        """The process of the tests stays as it is."""

    @property
    def state(self) -> Path:
        """Where we keep what is ours."""
        return Path(self.user_state_folder)

    def configure(self, text: str) -> Path:
        """`text` is the user's profiles.toml."""
        path = Path(self.user_config_folder) / "profiles.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path


class Runner:
    """Runs the command line in this process, on `machine`."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def __call__(self, *arguments: Argument, stdin: bytes = b"") -> Done:
        words = [os.fsdecode(argument) for argument in arguments]
        with signals_as_before():
            result = CliRunner().invoke(app, words, input=stdin, obj=self.machine, prog_name="sendmail-cli")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Done(result.exit_code, result.stdout_bytes, result.stderr)


class Caller:
    """Calls us as another program, with a message: in this process, without click."""

    def __init__(
        self, machine: Machine, main: Callable[[str, list[str], Environment], int], name: str, message: bytes
    ) -> None:
        """`main` is what is called, under `name` and with `message` where a call has no others."""
        self.machine = machine
        self.out = StringIO()
        self.err = StringIO()
        self._main, self._name, self._message = main, name, message

    def __call__(self, *arguments: str, stdin: bytes | None = None, name: str = "") -> int:
        given = BytesIO(self._message if stdin is None else stdin)
        with signals_as_before():
            return self._main(name or self._name, list(arguments), self.machine.piped(given, self.out, self.err))

    @property
    def said(self) -> str:
        """All that was said by now."""
        return self.out.getvalue() + self.err.getvalue()


@contextmanager
def signals_as_before() -> Iterator[None]:
    """After the block Ctrl-C and SIGTERM are heard as before."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@dataclass
class Installed:
    """Runs the installed command with a HOME of its own and next to nothing else in its environment."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        # A bus that isn't there: no desktop's keyring is ever asked.
        measuring = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        usual = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}
        self.variables = measuring | usual | self.variables
        self.variables["XDG_RUNTIME_DIR"] = str(self.home)
        self.variables["SENDMAIL_CLI_SOCKET"] = ""
        self.variables["SENDMAIL_CLI_SPOOL"] = str(self.home / "spool")  # root's would be the machine's

    def __call__(
        self,
        *arguments: Argument,
        stdin: bytes | IO[bytes] | int = b"",
        stdout: IO[bytes] | int = subprocess.PIPE,
        stderr: IO[bytes] | int = subprocess.PIPE,
        umask: int = -1,
        variables: Mapping[str, str] | None = None,
    ) -> Done:
        """`stdin` is what is piped in, or a file; `variables` come on top of the usual ones."""
        with subprocess.Popen(
            [COMMAND, *arguments],
            stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin,
            stdout=stdout,
            stderr=stderr,
            env={**self.variables, **(variables or {})},
            umask=umask,
        ) as process:
            out, err = process.communicate(stdin if isinstance(stdin, bytes) else None, timeout=PATIENCE)
        return Done(process.returncode, out or b"", (err or b"").decode("utf-8", "surrogateescape"))

    @contextmanager
    def started(
        self, *arguments: Argument, stdin: int = subprocess.DEVNULL, variables: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The command, running; it is gone when the block ends."""
        with subprocess.Popen(
            [COMMAND, *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.variables, **(variables or {})},
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def configure(self, text: str) -> Path:
        """`text` is the user's profiles.toml."""
        path = self.home / ".config/sendmail-cli/profiles.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    def inject(self, code: str) -> dict[str, str]:
        """Variables with which the command runs `code` before it starts: for faults that nothing else brings about."""
        folder = self.home / "injected"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(code)
        return {"PYTHONPATH": str(folder)}


def wait_for_line(process: subprocess.Popen[bytes], text: bytes) -> list[bytes]:
    """Read standard error until a line holds `text`; gives the lines until then."""
    assert process.stderr is not None
    lines: list[bytes] = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"{text!r} never came: {lines}")


def finish(process: subprocess.Popen[bytes]) -> Done:
    """Wait for its end; what it said from here on."""
    out, err = process.communicate(timeout=PATIENCE)
    return Done(process.returncode, out, err.decode())


def through_shell(script: str, arguments: Sequence[Argument], variables: dict[str, str]) -> Done:
    """`script` in sh, where "$@" is the installed command with `arguments`."""
    done = subprocess.run(
        ["sh", "-c", script, "sh", COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=variables,
        timeout=PATIENCE,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr.decode("utf-8", "surrogateescape"))
