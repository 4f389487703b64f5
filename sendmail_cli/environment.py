"""The world outside, behind one object: clock, randomness, host name, variables, places, streams.

Only this module asks for them; everybody else gets the object or a plain value. Tests put their own here.
"""

from __future__ import annotations

import os
import sys
import time

from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping
    from typing import IO, Any

APPLICATION = "sendmail-cli"
CREDENTIAL_VARIABLE = "SENDMAIL_CLI_PASSWORD"  # "__" and a profile's name in capitals may follow, and then "_FILE"
CLIENT_SECRET_VARIABLES = "SENDMAIL_CLI_CLIENT_SECRET__"  # noqa: S105 # the same for an OAuth client's
PROXY_VARIABLE = "SENDMAIL_CLI_PROXY"  # a URL, which may hold a password
_PR_SET_DUMPABLE = 4  # prctl(2)
HANDED = 3  # the descriptor of a file that a program in the background has from us
CONFIG_VARIABLE = "SENDMAIL_CLI_CONFIG"  # the file of profiles
SPOOL_VARIABLE = "SENDMAIL_CLI_SPOOL"
SERVING_VARIABLE = "SENDMAIL_CLI_SERVING"  # set for a program that is our server
SOCKET_VARIABLE = "SENDMAIL_CLI_SOCKET"
SYSTEM_SOCKET = f"/run/{APPLICATION}/submit"
SYSTEM_SPOOL = f"/var/spool/{APPLICATION}"


class Environment:
    """What a command may know of the machine it runs on."""

    def __init__(
        self,
        variables: MutableMapping[str, str] | None = None,
        *,
        stdin: IO[bytes] | None = None,
        stdout: IO[str] | None = None,
        stderr: IO[str] | None = None,
    ) -> None:
        self.variables: MutableMapping[str, str] = os.environ if variables is None else variables
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self._started: list[int] = []  # processes in the background that may have ended since

    def child_variables(self) -> dict[str, str]:
        """The variables for a program that we start (an editor, a server's program): all but those with secrets."""
        secret = (CREDENTIAL_VARIABLE, CLIENT_SECRET_VARIABLES, PROXY_VARIABLE)
        return {name: value for name, value in self.variables.items() if not name.startswith(secret)}

    @property
    def program(self) -> str:
        """The file that runs, by its own name and not a link's."""
        return os.path.realpath(sys.argv[0])

    @property
    def is_root(self) -> bool:
        """True when nothing on this machine is forbidden to us."""
        return os.name == "posix" and os.geteuid() == 0

    # Streams are looked up when asked for, so that a test runner which swaps them is seen.
    @property
    def stdin(self) -> IO[bytes] | None:
        """Standard input as bytes; None when the caller closed it."""
        if self._stdin is not None:
            return self._stdin
        return None if sys.stdin is None else sys.stdin.buffer

    @property
    def stdout(self) -> IO[str]:
        """Where the answer goes that was asked for."""
        return sys.stdout if self._stdout is None else self._stdout

    @property
    def stderr(self) -> IO[str]:
        """Where everything else goes."""
        return sys.stderr if self._stderr is None else self._stderr

    def is_terminal(self, stream: IO[bytes] | IO[str] | None) -> bool:
        """True when a person sits at `stream`."""
        try:
            return stream is not None and stream.isatty()
        except ValueError:  # closed
            return False

    def ask_secret(self, prompt: str) -> str | None:
        """What a person types at the terminal of this process, unseen; None where there is none (cron, a service)."""
        try:
            os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        except (OSError, AttributeError):  # no such device here, or no such flag on this platform
            return None
        import getpass

        try:
            return getpass.getpass(prompt)
        except EOFError:
            return ""

    def guard_memory(self) -> None:
        """Let no core be written of this process, and close its /proc to other programs of its user, on Linux.

        To be called before a secret is read. Programs that we start are as open as ever; so are we to root.
        """
        if sys.platform != "linux":
            return
        import ctypes
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

    def now(self) -> float:
        """Seconds since the epoch. It may leap: for durations use `monotonic`."""
        return time.time()

    def local_time(self, moment: float) -> time.struct_time:
        """`moment` in the user's time zone."""
        return time.localtime(moment)

    def monotonic(self) -> float:
        """Seconds on a clock that never leaps."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def random_bytes(self, count: int) -> bytes:
        """`count` unpredictable bytes."""
        return os.urandom(count)

    def hostname(self) -> str:
        """This machine's own name as it is set, without asking any name server."""
        if hasattr(os, "uname"):
            return os.uname().nodename
        import socket

        return socket.gethostname()

    @property
    def user_name(self) -> str:
        """Who runs this, as the system knows them; the number of one whom it doesn't know."""
        if os.name != "posix":
            return self.variables.get("USERNAME", "")
        import pwd

        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container's made-up user
            return str(os.getuid())

    def locale_charset(self) -> str:
        """The charset of the user's locale (LC_ALL, LC_CTYPE, LANG): "UTF-8", "ISO-8859-15", …"""
        import locale

        return locale.getencoding() if not sys.flags.utf8_mode else _charset_of(self.variables)

    @property
    def user_config_folder(self) -> str:
        """Where this user's `profiles.toml` is: `$XDG_CONFIG_HOME/sendmail-cli`, or the platform's place."""
        return self._place("XDG_CONFIG_HOME", ".config", "user_config_dir")

    @property
    def user_state_folder(self) -> str:
        """Where what we keep between runs is: `$XDG_STATE_HOME/sendmail-cli`, or the platform's place."""
        return self._place("XDG_STATE_HOME", ".local/state", "user_state_dir")

    @property
    def has_own_profiles(self) -> bool:
        """True when this user has a `profiles.toml`, and so a way for mail that is not the machine's."""
        return bool(self.variables.get(CONFIG_VARIABLE)) or os.path.exists(f"{self.user_config_folder}/profiles.toml")

    @property
    def spool_folder(self) -> str:
        """Where mail waits: `$SENDMAIL_CLI_SPOOL`, the machine's place for root, or the user's own state folder.

        Where the machine's is that of its service, root's mail by profiles of root's own is not for that to send.
        """
        chosen = self.variables.get(SPOOL_VARIABLE, "")
        if chosen:
            return chosen
        system = self.system_spool_folder
        if self.is_root and not (self.has_own_profiles and _belongs_to_another(system)):
            return system
        return os.path.join(self.user_state_folder, "spool")

    @property
    def system_spool_folder(self) -> str:
        """Where the mail of the machine waits: root's, or that of the service where there is one."""
        return SYSTEM_SPOOL

    @property
    def service_socket(self) -> str:
        """Where the machine's own service takes mail: `$SENDMAIL_CLI_SOCKET` ("" is nowhere), or its usual place."""
        return self.variables.get(SOCKET_VARIABLE, SYSTEM_SOCKET)

    @property
    def system_log_socket(self) -> str:
        """Where syslogd or journald listens."""
        return "/var/run/syslog" if sys.platform == "darwin" else "/dev/log"

    @property
    def system_config_folder(self) -> str:
        """Where the machine's `profiles.toml` is."""
        if os.name == "posix":
            return f"/etc/{APPLICATION}"
        import platformdirs

        return platformdirs.site_config_dir(APPLICATION, appauthor=False)

    @property
    def system_aliases_file(self) -> str:
        """Where the machine's aliases(5) stand, those of every other mail program on it."""
        return "/etc/aliases"

    def has_account(self, name: str) -> bool:
        """True when `name` is a user of this machine."""
        if os.name != "posix":
            return name.lower() == self.variables.get("USERNAME", "").lower()
        import pwd

        try:
            pwd.getpwnam(name)
        except (KeyError, ValueError):  # ValueError: a character that no user's name has
            return False
        return True

    def account_name(self, uid: int) -> str:
        """The name of the user with that number, or the number as a name where there is none."""
        import pwd

        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return f"uid{uid}"

    def _place(self, variable: str, below_home: str, platform_function: str) -> str:
        if sys.platform in {"darwin", "win32"}:
            import platformdirs

            return str(getattr(platformdirs, platform_function)(APPLICATION, appauthor=False))
        # The XDG rule in three lines: platformdirs would cost 14 ms of every start, more than all the rest.
        folder = self.variables.get(variable, "")
        if not os.path.isabs(folder):  # the specification: a relative path is to be ignored
            folder = os.path.join(self.home, below_home)
        return os.path.join(folder, APPLICATION)

    def start_detached(self, arguments: tuple[str, ...], handed: int) -> None:
        """Run our own program with these arguments, in the background, by nobody's terminal and of nobody's waiting.

        `handed` is an open file of ours that it has, too, as its descriptor `HANDED`; it has no other. Raises OSError
        where no process can be had.
        """
        import fcntl
        import signal

        self._started = [child for child in self._started if _is_running(child)]
        kept = fcntl.fcntl(handed, fcntl.F_DUPFD_CLOEXEC, HANDED + 1)  # dup2 of a descriptor to itself would do nothing
        try:
            actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_CLOSE, number) for number in _inheritable()]
            actions += [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(HANDED)]
            child = os.posix_spawn(
                sys.executable,
                # -P: the folder we are in is no place to look for modules.
                (sys.executable, "-P", "-m", "sendmail_cli", *arguments),
                dict(self.variables),
                file_actions=[*actions, (os.POSIX_SPAWN_DUP2, kept, HANDED)],
                setsid=True,
                setsigdef=(signal.SIGINT, signal.SIGTERM),  # who has said all that is to be said ignores them
            )
        finally:
            os.close(kept)
        self._started.append(child)

    def leave_folder(self, *variables: str) -> None:
        """Be in no folder that somebody may want to unmount. Paths that `variables` hold lead where they led."""
        for name in variables:
            if path := self.variables.get(name):
                self.variables[name] = os.path.abspath(path)
        os.chdir("/")

    @property
    def home(self) -> str:
        """The user's home folder."""
        return self.variables.get("HOME") or os.path.expanduser("~")


def _inheritable() -> list[int]:
    """The files beyond the three streams that a program would have from us: those we have from who started us."""
    from contextlib import suppress

    try:
        numbers: Iterable[int] = map(int, os.listdir("/dev/fd"))
    except OSError:  # in a chroot without /proc
        numbers = range(os.sysconf("SC_OPEN_MAX"))
    found = []
    for number in numbers:
        with suppress(OSError):  # none, or the one by which the list was read
            if number >= HANDED and os.get_inheritable(number):
                found.append(number)
    return found


def _is_running(child: int) -> bool:
    """False for a process of ours that has ended; the kernel then forgets it."""
    try:
        return os.waitpid(child, os.WNOHANG)[0] == 0
    except ChildProcessError:  # somebody else has waited for it
        return False


def _belongs_to_another(folder: str) -> bool:
    try:
        return os.lstat(folder).st_uid != os.geteuid()
    except OSError:
        return False


def _charset_of(variables: MutableMapping[str, str]) -> str:
    """The charset that the locale names, where Python itself was told to use UTF-8 whatever the locale says."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = variables.get(name)
        if value:
            return value.partition(".")[2].partition("@")[0] or "ISO-8859-1"
    return "ISO-8859-1"
