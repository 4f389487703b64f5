"""Commands as the octets that go over the wire (RFC 5321 §4.1). What could break a line never becomes one."""

from __future__ import annotations

from sendmail_cli.errors import LocalProtocolError
from sendmail_cli.printable import printable
from sendmail_cli.secret import MASK
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.smtp.envelope import ForwardPath, ReversePath

MAX_COMMAND_LINE = 512  # octets with CR LF; RFC 5321 §4.5.3.1.4; parameters of extensions come on top
MAX_AUTH_LINE = 12288  # octets; RFC 4954 §4


class Command(NamedTuple):
    """One command line. `line` ends in CR LF; `payload` are the octets of a chunk that follow it (RFC 3030)."""

    verb: str
    line: bytes
    masked: str | None = None  # what a trace may show of a line that holds a secret
    payload: bytes = b""

    @property
    def shown(self) -> str:
        """What a trace may show of it, printable."""
        return printable(self.line[:-2].decode()) if self.masked is None else self.masked


def _command(verb: str, argument: str = "", parameters: tuple[str, ...] = ()) -> Command:
    line = _octets(f"{verb} {argument}" if argument else verb)
    if len(line) > MAX_COMMAND_LINE - len("\r\n"):
        raise LocalProtocolError(f"the command “{_start(line)}” is longer than {MAX_COMMAND_LINE} octets")
    if parameters:
        line = b" ".join([line, *map(_octets, parameters)])
    return Command(verb.partition(" ")[0], line + b"\r\n")


def _octets(text: str) -> bytes:
    if text.isprintable() and text.isascii():  # nearly always
        return text.encode("ascii")
    if any(character < " " or character == "\x7f" for character in text):
        raise LocalProtocolError(f"“{printable(text, 60)}” holds a control character and can't be part of a command")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise LocalProtocolError(f"“{printable(text, 60)}” is not valid Unicode") from None


def _start(line: bytes) -> str:
    return printable(line.decode(), 60)


def ehlo(name: str) -> Command:
    """EHLO (RFC 5321 §4.1.1.1)."""
    return _command("EHLO", name)


def helo(name: str) -> Command:
    """HELO, for servers that don't know EHLO."""
    return _command("HELO", name)


def lhlo(name: str) -> Command:
    """LHLO: what LMTP says in place of EHLO (RFC 2033 §4.1)."""
    return _command("LHLO", name)


def mail(path: ReversePath, parameters: tuple[str, ...] = ()) -> Command:
    """MAIL (RFC 5321 §4.1.1.2) with its extension parameters, `SIZE=42` for one."""
    return _command("MAIL", f"FROM:{path}", parameters)


def rcpt(path: ForwardPath, parameters: tuple[str, ...] = ()) -> Command:
    """RCPT (RFC 5321 §4.1.1.3)."""
    return _command("RCPT", f"TO:{path}", parameters)


def last_chunk(octets: bytes) -> Command:
    """BDAT … LAST (RFC 3030 §2) with the octets of the whole content."""
    return _command("BDAT", f"{len(octets)} LAST")._replace(payload=octets)


def auth(mechanism: str, initial_response: bytes | None) -> Command:
    """AUTH (RFC 4954 §4). An empty initial response is a "="; None is none at all.

    One that makes the line longer than a command may be is left out, as the RFC demands; the server asks for it.
    """
    bare = _command("AUTH", mechanism)
    if initial_response is None:
        return bare
    line = b"%b %b\r\n" % (bare.line[:-2], _base64(initial_response) or b"=")
    return bare._replace(line=line, masked=f"{bare.shown} {MASK}") if len(line) <= MAX_COMMAND_LINE else bare


def response(octets: bytes) -> Command:
    """The answer to a 334 challenge."""
    line = _base64(octets) + b"\r\n"
    if len(line) > MAX_AUTH_LINE:
        raise LocalProtocolError(f"the sign-in needs a line longer than {MAX_AUTH_LINE} octets")
    return Command("RESPONSE", line, MASK)


def verbatim(text: str) -> Command:
    """A command as a person typed it. Raises `LocalProtocolError` where it can't be one line."""
    verb, _, argument = text.strip().partition(" ")
    if not verb:
        raise LocalProtocolError("an empty line is no command")
    command = _command(verb.upper(), argument)
    if command.verb == "AUTH" and " " in argument:  # what follows the mechanism is a secret
        command = command._replace(masked=f"AUTH {printable(argument.partition(' ')[0])} {MASK}")
    return command


def _base64(octets: bytes) -> bytes:
    from binascii import b2a_base64

    return b2a_base64(octets, newline=False)


STARTTLS = _command("STARTTLS")
DATA = _command("DATA")
RSET = _command("RSET")
NOOP = _command("NOOP")
QUIT = _command("QUIT")
CANCEL = Command("RESPONSE", b"*\r\n")
END_OF_CONTENT = Command("CONTENT", b".\r\n")
