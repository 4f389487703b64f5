"""Any octets from a server, made up by atheris: `python -m bench.fuzz_replies [SECONDS] [CORPUS]` (600 seconds).

What the client makes of them must be values, `RemoteProtocolError` or `ConnectionLost`, nothing else, and nothing of
them may steer a terminal. The first octet of an input says what the rest is: the greeting, a list of extensions,
challenges to one of the mechanisms, or the replies from MAIL to QUIT, by DATA or by BDAT. Ends with 1 when there is a
finding: the input and where it struck are shown then. With CORPUS, a folder, a later run goes on where this one ended.

It needs atheris (`pip install atheris`) and shows the figures of libFuzzer: executions, edges (cov) and features (ft).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import category

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.errors import ConnectionLost, RemoteProtocolError
from sendmail_cli.secret import Secret
from sendmail_cli.smtp import commands, sasl
from sendmail_cli.smtp.connection import Connection, State
from sendmail_cli.smtp.envelope import ForwardPath, ReversePath
from sendmail_cli.smtp.replies import ReplyParser

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.smtp.replies import Reply

SECONDS = 600
HANG = 20  # seconds for one input
MAX_INPUT = 16384  # octets: more than the longest line there may be
ADA = AddrSpec("ada", "example.org")
HELLO = b"220 hi\r\n250-mx\r\n250-PIPELINING\r\n250 AUTH " + " ".join(sasl.MECHANISMS).encode() + b"\r\n"
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode's categories of controls, direction marks and line ends
NONCE = b"NONCE"  # in a challenge it stands for the client's own, which no fuzzer guesses

SEEDS = (
    b"220 mx.example.org ESMTP\r\n",
    b"220-mx\r\n220-welcome\r\n220 go\r\n",
    b"421 4.3.2 too busy\r\n",
    b"250-mx\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-AUTH=LOGIN PLAIN\r\n250-LIMITS RCPTMAX=10\r\n250 DSN\r\n",
    b"250 mx\r\n250-x\r\n",
    b"r=NONCEabc,s=MTIzNDU2Nzg5MDEy,i=4096\nv=MTIzNA==",
    b"r=NONCEabc,s=MTIzNDU2Nzg5MDEy,i=4096\ne=unknown-user",
    b"m=x,r=NONCEabc,s=MTIzNDU2Nzg5MDEy,i=10000000",
    b"r=NONCE" + b"x" * 9100 + b",s=MTIzNDU2Nzg5MDEy,i=4096",  # the answer to it has no room in a line
    b"<1896.697170952@postoffice.example.org>",
    b'{"status":"401","schemes":"bearer","scope":"mail"}',
    b"token\n\x01\0\0\0",
    b"VXNlcm5hbWU6\nUGFzc3dvcmQ6",
    b"334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 2.7.0 ok\r\n",
    b"250 ok\r\n250 ok\r\n550 5.1.1 who?\r\n354 go\r\n250 2.0.0 queued\r\n221 bye\r\n",
    b"250 ok\r\n450 4.2.1 later\r\n450-4.2.1 later\r\n450 4.2.1 still\r\n354 go\r\n554 5.6.0 no\r\n",
)


def greeting(octets: bytes) -> None:
    """The first reply, in pieces; and what a parser alone makes of them."""
    connection = Connection()
    parser = ReplyParser()
    for piece in pieces(octets):
        parser.feed(piece)
        while (reply := parser.next_reply()) is not None:
            look_at(reply)
    connection.receive_data(octets)
    replies(connection, 1)
    connection.check_nothing_unasked()


def extensions(octets: bytes) -> None:
    """The answer to EHLO."""
    connection = Connection()
    connection.receive_data(b"220 hi\r\n")
    connection.next_reply()
    connection.send(commands.ehlo("x"))
    connection.receive_data(octets)
    replies(connection, 1)
    offered = connection.capabilities
    assert offered.size_limit is None or offered.size_limit > 0
    assert all(limit is None or limit > 0 for limit in offered.limits)
    for mechanism in offered.auth_mechanisms:
        assert mechanism == mechanism.upper()
        sasl.select_mechanisms(mechanism, offered.auth_mechanisms)
    for keyword, _ in offered.extensions:
        assert offered.offers(keyword)
        offered.parameters(keyword)


def challenges(name: str) -> Callable[[bytes], None]:
    """Challenges to one mechanism, a line each: as they are, and as replies."""

    def answer(octets: bytes) -> None:
        lines = octets.split(b"\n")[:5]
        for are_encoded in (True, False):
            connection = ready()
            mechanism = begun(name)
            initial = mechanism.initial_response()
            nonce = (initial or b"").rpartition(b"r=")[2]
            connection.send(commands.auth(name, initial))
            for line in lines:
                challenge = line.replace(NONCE, nonce)
                reply = b"334 " + b64encode(challenge) + b"\r\n" if are_encoded else line + b"\n"
                connection.receive_data(reply)
                for said in replies(connection, 1):
                    answer_to(said, connection, mechanism)
            look_at_text(mechanism.why)

    return answer


class AnyTicket:
    """A GSS-API context that believes every token and protects nothing: what is left is what we say."""

    is_complete = False

    def step(self, token: bytes | None) -> bytes:
        self.is_complete = token is not None
        return b"token"

    def unwrap(self, message: bytes) -> bytes:
        return message

    def wrap(self, message: bytes) -> bytes:
        return message


def begun(name: str) -> sasl.Mechanism:
    """A sign-in by this mechanism."""
    choice = sasl.MECHANISMS[name]
    return choice.make("ada", AnyTicket() if choice.proof is sasl.Proof.TICKET else Secret("hunter2"))


def answer_to(reply: Reply, connection: Connection, mechanism: sasl.Mechanism) -> None:
    """What `Session` says to a challenge, or makes of the end."""
    if reply.code == 334:
        challenge = reply.challenge()
        connection.send(commands.CANCEL if challenge is None else commands.response(mechanism.respond(challenge)))
    elif reply.is_positive:
        mechanism.check_end()
        raise RemoteProtocolError("enough")
    else:
        raise RemoteProtocolError("refused")


def transaction(octets: bytes) -> None:
    """The replies from MAIL to QUIT, which come in two flights."""
    connection = ready()
    for command in (commands.mail(ReversePath(ADA)), *[commands.rcpt(ForwardPath(ADA))] * 2, commands.DATA):
        connection.send(command)
    connection.receive_data(octets)
    answered = len(replies(connection, 4))
    if connection.state is State.CONTENT:
        connection.send(commands.END_OF_CONTENT)
        connection.send(commands.QUIT)
        answered += len(replies(connection, 2)) - 2
    connection.receive_data(b"")
    replies(connection, 4 - answered)


def chunked(octets: bytes) -> None:
    """The replies to a whole session in one flight, the content by BDAT."""
    connection = ready()
    flight = (
        *(commands.mail(ReversePath(ADA)), commands.rcpt(ForwardPath(ADA)), commands.last_chunk(b"x")),
        *(commands.RSET, commands.QUIT),
    )
    for command in flight:
        connection.send(command)
    connection.receive_data(octets)
    answered = len(replies(connection, len(flight)))
    connection.receive_data(b"")
    replies(connection, len(flight) - answered)


TARGETS = (greeting, extensions, *map(challenges, sasl.MECHANISMS), transaction, chunked)


def ready() -> Connection:
    """A connection that has said EHLO to a server which offers every mechanism."""
    connection = Connection()
    connection.receive_data(HELLO)
    connection.next_reply()
    connection.send(commands.ehlo("x"))
    connection.next_reply()
    return connection


def replies(connection: Connection, count: int) -> list[Reply]:
    """The next `count` replies, or as many as have come; none comes after a 421."""
    found: list[Reply] = []
    while len(found) < count and not connection.is_closing and (reply := connection.next_reply()) is not None:
        look_at(reply)
        found.append(reply)
    return found


def look_at(reply: Reply) -> None:
    """All that the rest of the program asks of a reply."""
    look_at_text(str(reply))
    assert 100 <= reply.code <= 599
    assert reply.enhanced is None or reply.enhanced.class_ == reply.code // 100
    reply.challenge()
    reply.redacted(lambda text: text.replace("a", "***"))


def pieces(octets: bytes) -> list[bytes]:
    size = octets[0] % 16 + 1 if octets else 1
    return [octets[start : start + size] for start in range(0, len(octets), size)]


def check(octets: bytes) -> None:
    """One input. Raises whatever must not be."""
    if not octets:
        return
    try:
        TARGETS[octets[0] % len(TARGETS)](octets[1:])
    except (RemoteProtocolError, ConnectionLost) as error:
        look_at_text(error.sentence)
        look_at_text(error.server_reply)


def look_at_text(text: str) -> None:
    """Nothing in it steers a terminal."""
    assert STEERING.isdisjoint(map(category, text)), text
    text.encode()


def fuzz(argv: list[str]) -> None:
    """In a process of its own: libFuzzer never gives the control back."""
    import atheris

    sasl.Scram.MAX_ITERATIONS = 5000  # each is work; what is above is refused alike
    atheris.instrument_all()
    atheris.Setup(argv, check)
    atheris.Fuzz()


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else folder / "corpus"
        corpus.mkdir(exist_ok=True)
        for target in range(len(TARGETS)):
            for number, seed in enumerate(SEEDS):
                (corpus / f"seed-{target}-{number}").write_bytes(bytes([target]) + seed)
        limits = (f"-max_total_time={seconds}", f"-timeout={HANG}", f"-max_len={MAX_INPUT}", "-print_final_stats=1")
        argv = [sys.executable, "-m", "bench.fuzz_replies", "--inside", f"-artifact_prefix={name}/", *limits]
        done = subprocess.run([*argv, str(corpus)], check=False)
        findings = [path for path in folder.iterdir() if path.is_file()]
        for path in findings:
            print(f"{path.name}: {path.read_bytes()!r}")
        print(f"{len(findings)} findings, {len(list(corpus.iterdir()))} inputs in the corpus")
        return int(bool(findings) or done.returncode != 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        fuzz([sys.argv[0], *sys.argv[2:]])
    sys.exit(main())
