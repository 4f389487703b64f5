"""Messages of every kind arrive byte for byte: sent by the installed command, parsed by the standard library.

`Deliveries` holds what is true of any server; here it is run against aiosmtpd, which knows no PIPELINING, and in
`test_real_postfix` against three ways into Postfix.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import re
import socket
import ssl
import struct
import subprocess
import sys
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

COMMAND = Path(sys.executable).with_name("sendmail-cli")
TIMEOUT = 60.0  # seconds; what takes longer hangs
MEGABYTE = 1_000_000
FROM = "Zoë Ångström <zoe@example.org>"
TEXT = (
    "Grüße aus 東京.\n\n.a dot\n..two\n.\nFrom a line that begins like a new message\ttab \t \n" + "ü" * 700 + "\nend"
)
ASCII_TEXT = "All is well.\n.a dot\n.\n-- \nFrom here on it is plain.\n"
HTML = '<!doctype html>\n<p style="color: green">Grüße &amp; <b>bold</b>\n.\n</p>\n'
SUBJECT = "Übersicht: 100 % der Züge nach 東京 fahren – und zwar heute, morgen und am übernächsten Donnerstag um 8 ☕"
NAMED = "Übersicht – 日本語.pdf"
USER, PASSWORD = "zoe@example.org", 'correct "horse" = stäple'

RAW = (
    "Return-Receipt: x\nFrom: Ada <ada@example.org>\nTo: {to}\nBcc: {bcc}\nSubject: ready,\n\tand folded\n"
    "Date: Mon, 23 Nov 2026 10:00:00 +0100\nMessage-ID: <ready@example.org>\nX-Own:  two  spaces \n"
    "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    ".dot\n\n..\nGrüße \t\nlast\n"
)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to send, and to look at what arrived."""

    run: Callable[..., subprocess.CompletedProcess[bytes]]  # run("send", …, stdin=b"…")
    fresh_recipient: Callable[[], str]
    delivered: Callable[[str], list[bytes]]  # waits until there is one
    refused: str  # a recipient whom the server does not know
    deferred: tuple[str, ...] = ()  # recipients whom it takes later, perhaps
    large_file: int = 5 * MEGABYTE  # octets

    def send(self, *arguments: str | Path, stdin: bytes = b"") -> None:
        """Sends, and sees that there was nothing to say about it."""
        done = self.run("send", *arguments, stdin=stdin)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

    def arrived(self, recipient: str) -> EmailMessage:
        """The one message for this recipient, as the standard library reads it."""
        [message] = self.delivered(recipient)
        parsed: Any = message_from_bytes(message, policy=policy.default)
        assert not [defect for part in parsed.walk() for defect in part.defects]
        return parsed  # type: ignore[no-any-return]  # the default policy makes EmailMessage


class Deliveries:
    """What arrives, whichever way it went. Subclasses bring the fixture `way`."""

    def test_text(self, way: Way) -> None:
        recipient = way.fresh_recipient()
        way.send("-f", FROM, "-s", "text", "-m", TEXT, recipient)
        message = way.arrived(recipient)
        assert message.get_content_type() == "text/plain"
        assert text_of(message) == f"{TEXT}\n"

    def test_text_in_ascii(self, way: Way) -> None:
        recipient = way.fresh_recipient()
        way.send("-f", FROM, "-m", ASCII_TEXT, recipient)
        assert text_of(way.arrived(recipient)) == ASCII_TEXT

    def test_text_and_html(self, way: Way) -> None:
        recipient = way.fresh_recipient()
        way.send("-f", FROM, "-m", TEXT, "--html", HTML, recipient)
        message = way.arrived(recipient)
        assert message.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        assert [text_of(part) for part in message.iter_parts()] == [f"{TEXT}\n", HTML]

    def test_a_pdf_and_a_png(self, way: Way, tmp_path: Path) -> None:
        recipient = way.fresh_recipient()
        files = {tmp_path / "report.pdf": make_pdf(), tmp_path / "green.png": make_png()}
        for path, octets in files.items():
            path.write_bytes(octets)
        way.send("-f", FROM, "-m", TEXT, "-a", tmp_path / "report.pdf", "-a", tmp_path / "green.png", recipient)
        message = way.arrived(recipient)
        assert types_of(message) == ["application/pdf", "image/png"]
        assert attachments_of(message) == {path.name: digest(octets) for path, octets in files.items()}
        assert text_of(message.get_body(("plain",))) == f"{TEXT}\n"

    def test_a_file_whose_name_is_not_ascii(self, way: Way, tmp_path: Path) -> None:
        recipient = way.fresh_recipient()
        (tmp_path / NAMED).write_bytes(make_pdf())
        way.send("-f", FROM, "-m", "see there\n", "-a", tmp_path / NAMED, recipient)
        assert attachments_of(way.arrived(recipient)) == {NAMED: digest(make_pdf())}

    def test_a_large_file(self, way: Way, tmp_path: Path) -> None:
        recipient = way.fresh_recipient()
        octets = random.Random(20).randbytes(way.large_file)
        (tmp_path / "large.bin").write_bytes(octets)
        way.send("-f", FROM, "-m", "large\n", "-a", tmp_path / "large.bin", recipient)
        assert attachments_of(way.arrived(recipient)) == {"large.bin": digest(octets)}

    def test_standard_input_as_body(self, way: Way) -> None:
        recipient = way.fresh_recipient()
        way.send("-f", FROM, "-s", "piped", recipient, stdin=TEXT.encode())
        assert text_of(way.arrived(recipient)) == TEXT

    def test_standard_input_as_attachment(self, way: Way) -> None:
        recipient = way.fresh_recipient()
        octets = gzip.compress(
            random.Random(21).randbytes(MEGABYTE + MEGABYTE // 2), mtime=0
        )  # more than stays in memory
        way.send("-f", FROM, "-m", TEXT, "--attach-as", "läden.sql.gz", "-", recipient, stdin=octets)
        message = way.arrived(recipient)
        assert attachments_of(message) == {"läden.sql.gz": digest(octets)}
        assert text_of(message.get_body(("plain",))) == f"{TEXT}\n"

    @pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
    def test_a_ready_message(self, way: Way, line_end: str) -> None:
        recipient, hidden = way.fresh_recipient(), way.fresh_recipient()
        ready = RAW.format(to=recipient, bcc=hidden).replace("\n", line_end).encode()
        way.send("--raw", "-", stdin=ready)
        for address in (recipient, hidden):
            [message] = way.delivered(address)
            expected = RAW.format(to=recipient, bcc=hidden).replace(f"Bcc: {hidden}\n", "").encode()
            assert with_lf(message).endswith(expected)

    def test_subject_and_names_that_are_not_ascii(self, way: Way) -> None:
        to, cc = way.fresh_recipient(), way.fresh_recipient()
        way.send("-f", FROM, "-t", f'"Müller, Jürgen" <{to}>', "-c", f"渡辺 <{cc}>", "-s", SUBJECT, "-m", "hello\n")
        message = way.arrived(to)
        assert message["subject"] == SUBJECT
        assert [str(field.addresses[0].display_name) for field in (message["from"], message["to"], message["cc"])] == [
            "Zoë Ångström",
            "Müller, Jürgen",
            "渡辺",
        ]
        assert [message[name].addresses[0].addr_spec for name in ("from", "to", "cc")] == ["zoe@example.org", to, cc]
        assert way.arrived(cc)["subject"] == SUBJECT

    def test_the_others_get_it_when_some_are_refused(self, way: Way) -> None:
        first, last = way.fresh_recipient(), way.fresh_recipient()
        done = way.run("send", "-f", FROM, "-m", "hello\n", first, way.refused, *way.deferred, last)
        said = done.stderr.decode()
        assert (done.returncode, done.stdout) == (80, b"")
        assert f"accepted 2 of {3 + len(way.deferred)} recipients" in said
        assert re.search(rf"refused +{re.escape(way.refused)}: 55\d ", said)
        assert all(re.search(rf"not now +{re.escape(address)}: 45\d ", said) for address in way.deferred)
        assert [text_of(way.arrived(address)) for address in (first, last)] == ["hello\n"] * 2

    def test_nobody_sees_bcc(self, way: Way) -> None:
        seen, hidden = way.fresh_recipient(), way.fresh_recipient()
        way.send("-f", FROM, "-t", seen, "-b", f"Hidden <{hidden}>", "-m", "hello\n")
        [message] = way.delivered(seen)
        assert hidden.encode() not in message
        assert way.arrived(seen)["bcc"] is None
        assert way.arrived(hidden)["bcc"] is None
        assert b"Hidden" not in way.delivered(hidden)[0]


def run_command(
    *arguments: str | Path, environment: dict[str, str], stdin: bytes = b"", timeout: float = TIMEOUT
) -> subprocess.CompletedProcess[bytes]:
    """The installed command, as a shell runs it."""
    argv = [COMMAND, *arguments]
    return subprocess.run(argv, env=environment, input=stdin, capture_output=True, timeout=timeout, check=False)


def text_of(part: Any) -> str:
    """The text of a part as it was typed: line ends are a matter of transport."""
    assert part.get_content_maintype() == "text"
    return with_lf(part.get_payload(decode=True)).decode(part.get_content_charset())


def with_lf(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n")


def types_of(message: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in message.iter_attachments()]


def attachments_of(message: EmailMessage) -> dict[str | None, str]:
    """The SHA-256 of each attachment by its name."""
    parts: list[Any] = list(message.iter_attachments())
    assert all(part.get_content_disposition() == "attachment" for part in parts)
    return {part.get_filename(): digest(part.get_payload(decode=True)) for part in parts}


def digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def make_pdf() -> bytes:
    """One empty page, with the table of contents that readers insist on."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Resources << >> >>",
    ]
    pdf, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    table = b"xref\n0 4\n0000000000 65535 f \n" + entries
    return pdf + table + b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(pdf)


def make_png() -> bytes:
    """A green square of 8 × 8."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    rows = (b"\0" + b"\x00\xa0\x20" * 8) * 8
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@dataclass(frozen=True, slots=True)
class Keeper:
    """aiosmtpd's handler: keeps what comes, refuses one recipient for good and one for now."""

    kept: dict[str, list[bytes]] = field(default_factory=dict)
    refused: str = "nobody-here@example.org"
    deferred: str = "later@example.org"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if address == self.refused:
            return "550 5.1.1 No such user here"
        if address == self.deferred:
            return "450 4.2.1 Mailbox busy"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if re.search(rb"(?<!\r)\n|\r(?!\n)", envelope.content):
            return "550 5.5.2 bare CR or LF"
        for address in envelope.rcpt_tos:
            self.kept.setdefault(address, []).append(envelope.content)
        return "250 2.0.0 Kept"


class Server(Controller):
    """aiosmtpd on a port of the system's choice, in a thread."""

    def __init__(self, handler: Keeper, **options: Any) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        super().__init__(handler, hostname="127.0.0.1", port=port, data_size_limit=10 * MEGABYTE, **options)

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.listener)


@contextmanager
def running(handler: Keeper, **options: Any) -> Iterator[int]:
    """Its port."""
    server = Server(handler, **options)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS, and the file of the authority that vouches for it."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return context, tmp_path / "ca.pem"


@pytest.fixture
def in_the_clear(keeper: Keeper, environment: dict[str, str]) -> Iterator[Way]:
    """A server on this machine that wants nothing of its clients."""
    with running(keeper) as port:
        environment["SENDMAIL_CLI_CONFIG"] = write_profile(environment, f'server = "localhost:{port}"')
        yield way_to(keeper, environment)


@pytest.fixture
def signed_in(keeper: Keeper, environment: dict[str, str], certified: tuple[ssl.SSLContext, Path]) -> Iterator[Way]:
    """A server that takes nothing before STARTTLS and AUTH."""
    context, ca_file = certified
    options = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": authenticate}
    with running(keeper, **options) as port:
        lines = f'server = "localhost:{port}"\ntls = "starttls"\nuser = "{USER}"\nca_file = "{ca_file}"'
        environment["SENDMAIL_CLI_CONFIG"] = write_profile(environment, lines)
        environment["SENDMAIL_CLI_PASSWORD__AIO"] = PASSWORD
        yield way_to(keeper, environment)


@pytest.fixture(params=["in_the_clear", "signed_in"])
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.getfixturevalue(request.param)
    return chosen


class TestAiosmtpd(Deliveries):
    pass


@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_signs_in_by_each_mechanism(signed_in: Way, environment: dict[str, str], mechanism: str) -> None:
    config = Path(environment["SENDMAIL_CLI_CONFIG"])
    config.write_text(f'{config.read_text()}auth = "{mechanism}"\n')
    recipient = signed_in.fresh_recipient()
    signed_in.send("-f", FROM, "-m", "hello\n", recipient)
    assert text_of(signed_in.arrived(recipient)) == "hello\n"


def test_a_wrong_password_is_explained(signed_in: Way, environment: dict[str, str]) -> None:
    environment["SENDMAIL_CLI_PASSWORD__AIO"] = "wr0ng-passw0rd"
    done = signed_in.run("send", "-v", "-f", FROM, "-m", "hello\n", signed_in.fresh_recipient())
    assert done.returncode == 77
    assert b"The user name or the password is wrong" in done.stderr
    assert b"wr0ng-passw0rd" not in done.stderr


def test_sends_group_by_group_where_no_pipelining_is_offered(in_the_clear: Way) -> None:
    recipient = in_the_clear.fresh_recipient()
    done = in_the_clear.run("send", "-v", "-f", FROM, "-m", "hello\n", recipient)
    marks = re.findall(r"(->|<-) (MAIL|RCPT|DATA|250 OK|250 2.1.5|354)", done.stderr.decode())
    assert [word for _, word in marks] == ["MAIL", "250 OK", "RCPT", "250 2.1.5", "DATA", "354"]


def write_profile(environment: dict[str, str], lines: str) -> str:
    path = Path(environment["HOME"]) / "profiles.toml"
    path.write_text(f"[profile.aio]\n{lines}\n")
    path.chmod(0o600)
    return str(path)


def way_to(keeper: Keeper, environment: dict[str, str]) -> Way:
    def run(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return run_command(*arguments, environment=environment, stdin=stdin)

    return Way(
        run=run,
        fresh_recipient=lambda: f"r-{uuid4().hex}@example.org",
        delivered=lambda recipient: keeper.kept.get(recipient, []),  # it replies when it has kept it
        refused=keeper.refused,
        deferred=(keeper.deferred,),
    )


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=is_right)
