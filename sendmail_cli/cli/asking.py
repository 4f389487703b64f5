"""Questions to the person at the terminal: a text, a secret, yes or no. Nobody is asked where nobody can answer."""

from __future__ import annotations

from contextlib import contextmanager

import click

from sendmail_cli.errors import DataError, MailError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.secret import Secret
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    from sendmail_cli.cli.options import Talk
    from sendmail_cli.environment import Environment

    Value = TypeVar("Value")


MAX_PASSWORD = 8192  # octets; an AUTH line takes 12288 (RFC 4954 §4), in base64


class Asker:
    """Asks on the terminal. Each question may be left with Ctrl-C or Ctrl-D, which ends the command."""

    def __init__(self, talking: Talk) -> None:
        self._output = talking.output
        self.may_ask = talking.may_ask and talking.environment.is_terminal(talking.environment.stdin)

    def confirms(self, question: str, *, default: bool) -> bool:
        """True when the person says so."""
        with self._leaving():
            return click.confirm(printable(question), default=default, err=True)

    def text(self, question: str, parse: Callable[[str], Value], *, default: str | None = None) -> Value:
        """The answer, as `parse` takes it; asked again as often as it raises `MailError`. "" is an answer, too."""
        while True:
            with self._leaving():
                shown = {"default": default, "show_default": bool(default)}
                answer = click.prompt(printable(question), err=True, **shown)  # type: ignore[arg-type]
            try:
                return parse(str(answer).strip())
            except MailError as error:
                self._output.explain(error)

    def secret(self, question: str, parse: Callable[[str], Secret]) -> Secret:
        """A secret that is not shown; asked again as `text`."""
        while True:
            with self._leaving():
                answer: Any = click.prompt(printable(question), hide_input=True, err=True)
            try:
                return parse(answer)
            except MailError as error:
                self._output.explain(error)

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        """click's word for an interrupt becomes the interrupt again; SIGTERM stays one."""
        try:
            yield
        except click.Abort as abort:
            self._output.say("")  # the question's line is not ours to write on
            cause = abort.__cause__ or abort.__context__
            raise cause if isinstance(cause, KeyboardInterrupt) else KeyboardInterrupt from None


def piped_password(environment: Environment) -> Secret:
    """The first line of standard input. Raises `UsageError` where there is none, `DataError` for what is none."""
    stdin = environment.stdin
    line = stdin.readline(MAX_PASSWORD + 1) if stdin is not None else b""
    if len(line) > MAX_PASSWORD:
        raise DataError(f"the first line of standard input is longer than {MAX_PASSWORD} octets: no password is")
    password = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
    if not password:
        raise UsageError("no password on standard input", hint="Run it on a terminal to be asked, or pipe in one line.")
    return usable_password(password)


def usable_password(password: str) -> Secret:
    """`password`, if a sign-in can carry it (RFC 4616 §2). Raises `DataError`."""
    try:
        is_usable = b"\0" not in password.encode()
    except UnicodeEncodeError:
        is_usable = False
    if not is_usable:
        raise DataError("the password is not UTF-8 text, and only such can be sent")
    return Secret(password)
