"""The sandbox as a client meets it: smtplib and bare sockets, nothing of ours on the other side."""

from __future__ import annotations

import contextlib
import errno
import os
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import OutputError, ResourceError
from sendmail_cli.sandbox import Received, Sandbox
from sendmail_cli.status import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_mock import MockerFixture

CONTENT = b"Subject: dots\r\n\r\n.one\r\n..two\r\n\r\n.\x80\xff \t \r\nGr\xc3\xbc\xc3\x9fe\r\n"


@pytest.fixture
def received() -> list[Received]:
    return []


@pytest.fixture
def sandbox(tmp_path: Path, received: list[Received], capfd: pytest.CaptureFixture[str]) -> Iterator[Sandbox]:
    """A running sandbox that never says a word to the terminal, whatever its clients do."""
    with Sandbox(str(tmp_path / "mail"), on_message=received.append) as sandbox:
        yield sandbox
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(sandbox.host, sandbox.port, local_hostname="client.example", timeout=20) as client:
        yield client


@contextlib.contextmanager
def bare_connection(sandbox: Sandbox) -> Iterator[tuple[socket.socket, socket.SocketIO]]:
    """A connection on which the greeting was read."""
    with (
        socket.create_connection((sandbox.host, sandbox.port), timeout=20) as connection,
        connection.makefile("rb", buffering=0) as replies,
    ):
        assert replies.readline().startswith(b"220 ")
        yield connection, replies


def files(folder: str) -> list[str]:
    """Every file below `folder`, relative to it."""
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def say(client: smtplib.SMTP, line: str) -> str:
    code, text = client.docmd(line)
    return f"{code} {text.decode()}"


class TestWhatIsKept:
    def test_a_message_byte_for_byte_behind_its_envelope(
        self, client: smtplib.SMTP, sandbox: Sandbox, received: list[Received]
    ) -> None:
        client.sendmail("ada@example.org", ["bob@example.org", "eve@example.com"], CONTENT, ["BODY=8BITMIME"])

        [message] = received
        trace, found, content = Path(message.path).read_bytes().partition(b"Subject: dots")
        assert found + content == CONTENT
        lines = trace.decode().split("\r\n")
        assert lines[:5] == [
            "Return-Path: <ada@example.org>",
            "Delivered-To: bob@example.org",
            "Delivered-To: eve@example.com",
            "Received: from client.example ([127.0.0.1])",
            "\tby localhost with ESMTP;",
        ]
        assert lines[5].endswith(" +0000")
        assert lines[6:] == [""]
        assert message[1:] == ("ada@example.org", ("bob@example.org", "eve@example.com"), len(CONTENT))
        assert files(sandbox.folder) == [f"ca-{sandbox.port}.pem", f"new/{Path(message.path).name}"]

    def test_the_null_sender(self, client: smtplib.SMTP, received: list[Received]) -> None:
        client.sendmail("", ["bob@example.org"], CONTENT)

        assert received[0].envelope_from == ""
        assert Path(received[0].path).read_bytes().startswith(b"Return-Path: <>\r\n")

    def test_an_empty_message(self, client: smtplib.SMTP, received: list[Received]) -> None:
        client.sendmail("ada@example.org", ["bob@example.org"], b"")

        assert received[0].size == len(b"\r\n")  # smtplib ends every message with a line

    def test_addresses_in_utf_8(self, client: smtplib.SMTP, received: list[Received]) -> None:
        client.sendmail("дда@пример.рф", ["josé@example.org"], CONTENT, ["SMTPUTF8", "BODY=8BITMIME"])

        text = Path(received[0].path).read_bytes()
        assert received[0].recipients == ("josé@example.org",)
        assert "Return-Path: <дда@пример.рф>\r\nDelivered-To: josé@example.org\r\n".encode() in text
        assert b" with UTF8SMTP;" in text

    def test_two_messages_in_one_connection(self, client: smtplib.SMTP, received: list[Received]) -> None:
        client.sendmail("ada@example.org", ["bob@example.org"], b"one")
        client.sendmail("eve@example.org", ["joe@example.org"], b"two")

        assert [message.recipients for message in received] == [("bob@example.org",), ("joe@example.org",)]
        assert received[0].path != received[1].path

    def test_a_large_message(self, client: smtplib.SMTP, received: list[Received]) -> None:
        content = (b"0123456789" * 7 + b"\r\n") * 50_000

        client.sendmail("ada@example.org", ["bob@example.org"], content)

        assert Path(received[0].path).read_bytes().endswith(b" +0000\r\n" + content)

    def test_the_name_of_the_client_adds_no_header(self, sandbox: Sandbox, received: list[Received]) -> None:
        with bare_connection(sandbox) as (connection, replies):
            connection.sendall(b"HELO evil\rInjected: yes\x1b[2J\r\n")
            assert replies.readline().startswith(b"500 ")
            for line in (b"HELO evil", b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.org>"):
                connection.sendall(line + b"\r\n")
                assert replies.readline().startswith(b"250 ")
            connection.sendall(b"DATA\r\n")
            assert replies.readline().startswith(b"354 ")
            connection.sendall(b"\r\nhello\r\n.\r\n")
            assert replies.readline().startswith(b"250 2.6.0 ")

        text = Path(received[0].path).read_bytes()
        assert b"Received: from evil ([127.0.0.1])" in text
        assert b" with SMTP;" in text

    def test_only_the_owner_can_read_it(self, client: smtplib.SMTP, sandbox: Sandbox, received: list[Received]) -> None:
        client.sendmail("ada@example.org", ["bob@example.org"], CONTENT)

        folders = [Path(sandbox.folder), *(Path(sandbox.folder, part) for part in ("cur", "new", "tmp"))]
        assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700] * 4
        assert Path(received[0].path).stat().st_mode & 0o777 == 0o600

    def test_is_on_the_disk_before_the_client_is_told(
        self, client: smtplib.SMTP, received: list[Received], mocker: MockerFixture
    ) -> None:
        fsync = mocker.patch("os.fsync", wraps=os.fsync)
        rename = mocker.patch("os.rename", wraps=os.rename)
        steps = mocker.Mock()
        steps.attach_mock(fsync, "fsync")
        steps.attach_mock(rename, "rename")

        client.sendmail("ada@example.org", ["bob@example.org"], CONTENT)

        assert [name for name, _, _ in steps.mock_calls] == ["fsync", "rename", "fsync"]  # file, its name, folder
        assert len(received) == 1

    def test_a_full_disk_is_a_temporary_refusal_that_leaves_nothing(
        self, client: smtplib.SMTP, sandbox: Sandbox, received: list[Received], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_space(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", no_space)

        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail("ada@example.org", ["bob@example.org"], CONTENT)

        assert caught.value.args == (452, b"4.3.1 Can't keep the message: No space left on device")
        assert received == []
        assert files(sandbox.folder) == [f"ca-{sandbox.port}.pem"]


class TestWhatItSpeaks:
    def test_ehlo_offers_what_it_can_do(self, client: smtplib.SMTP) -> None:
        assert client.ehlo() == (
            250,
            b"localhost\nPIPELINING\n8BITMIME\nSMTPUTF8\nDSN\nENHANCEDSTATUSCODES\nSTARTTLS\nSIZE 104857600",
        )

    @pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
    def test_its_certificate_stands_the_strictest_check(
        self, client: smtplib.SMTP, sandbox: Sandbox, name: str
    ) -> None:
        context = ssl.create_default_context(cafile=sandbox.ca_file)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        client._host = name  # type: ignore[attr-defined]  # the name that smtplib asks TLS for

        client.starttls(context=context)

        assert client.ehlo()[1] == (
            b"localhost\nPIPELINING\n8BITMIME\nSMTPUTF8\nDSN\nENHANCEDSTATUSCODES\nSIZE 104857600"
        )

    def test_a_message_under_tls(self, client: smtplib.SMTP, sandbox: Sandbox, received: list[Received]) -> None:
        client.starttls(context=ssl.create_default_context(cafile=sandbox.ca_file))
        client.sendmail("ada@example.org", ["bob@example.org"], CONTENT)

        assert b"\tby localhost with ESMTPS;\r\n" in Path(received[0].path).read_bytes()

    def test_a_client_that_does_not_trust_it_disturbs_nobody(self, client: smtplib.SMTP, sandbox: Sandbox) -> None:
        with pytest.raises(ssl.SSLCertVerificationError):
            client.starttls(context=ssl.create_default_context())
        client.close()

        with smtplib.SMTP(sandbox.host, sandbox.port, timeout=20) as next_client:
            assert next_client.noop()[0] == 250

    @pytest.mark.parametrize(
        ("line", "reply"),
        [
            ("NOOP", "250 2.0.0 Ok"),
            ("VRFY bob", "252 2.5.0 Send it and see"),
            ("EXPN all", "500 5.5.2 Command not recognized"),
            ("RCPT TO:<bob@example.org>", "503 5.5.1 Bad sequence of commands"),
            ("MAIL FROM:<a@b> SIZE=104857601", "552 5.3.4 Larger than 104857600 octets"),
            ("MAIL FROM:<a@b> BY=5;R", "555 5.5.4 The parameter BY is not offered"),
            ("MAIL FROM:<@>", "553 5.1.3 “@” is no valid address: expected an address"),
            ("MAIL FROM:<root>", "250 2.0.0 Ok"),
            ("FROB", "500 5.5.2 Command not recognized"),
            ("HELO client.example", "250 localhost"),
            ("QUIT", "221 2.0.0 Bye"),
        ],
    )
    def test_replies_carry_enhanced_codes(self, client: smtplib.SMTP, line: str, reply: str) -> None:
        client.ehlo()

        assert say(client, line) == reply

    def test_nobody_needs_a_password(self, client: smtplib.SMTP, sandbox: Sandbox) -> None:
        client.starttls(context=ssl.create_default_context(cafile=sandbox.ca_file))
        client.ehlo()

        assert say(client, "AUTH PLAIN AGFkYQBzZWNyZXQ=") == "504 5.5.4 This mechanism is not offered"


class TestStartAndStop:
    def test_listens_on_loopback_alone(self, sandbox: Sandbox) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.2", sandbox.port))  # were it on 0.0.0.0, this address would be taken

    def test_a_port_in_use_is_said_so(self, tmp_path: Path, sandbox: Sandbox) -> None:
        with pytest.raises(ResourceError) as caught:
            Sandbox(str(tmp_path / "other"), port=sandbox.port).start()

        assert str(caught.value) == f"can't listen on port {sandbox.port} of this machine: Address already in use"
        assert caught.value.exit_code == ExitCode.OSERR

    def test_a_folder_that_can_not_be_made_is_said_so(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        sandbox = Sandbox(str(tmp_path / "file" / "mail"))

        with pytest.raises(OutputError) as caught:
            sandbox.start()

        assert str(caught.value) == f"can't write to the folder {tmp_path}/file/mail: Not a directory"
        assert caught.value.exit_code == ExitCode.CANTCREAT
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((sandbox.host, sandbox.port), timeout=20)

    def test_listens_no_more_after_stop_and_can_have_its_port_again(self, tmp_path: Path) -> None:
        with Sandbox(str(tmp_path)) as sandbox:
            pass
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((sandbox.host, sandbox.port), timeout=20)

        with Sandbox(str(tmp_path), port=sandbox.port) as again, smtplib.SMTP(again.host, again.port) as client:
            assert client.noop()[0] == 250

    def test_stop_hangs_up_on_a_client_in_the_middle_of_a_message(self, tmp_path: Path) -> None:
        sandbox = Sandbox(str(tmp_path))
        sandbox.start()
        with bare_connection(sandbox) as (connection, replies):
            connection.sendall(b"HELO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nhalf a mess")
            for code in (b"250", b"250", b"250", b"354"):
                assert replies.readline()[:3] == code

            sandbox.stop()

            with contextlib.suppress(ConnectionResetError):
                assert replies.readline() == b""
        assert files(sandbox.folder) == []
        assert "sandbox" not in {thread.name for thread in threading.enumerate()}

    def test_stop_hangs_up_on_a_client_under_tls(self, tmp_path: Path) -> None:
        sandbox = Sandbox(str(tmp_path))
        sandbox.start()
        client = smtplib.SMTP(sandbox.host, sandbox.port, timeout=20)
        client.starttls(context=ssl.create_default_context(cafile=sandbox.ca_file))

        sandbox.stop()

        with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
            client.noop()
        client.close()

    def test_stop_hangs_up_on_a_client_that_shakes_no_hand(self, tmp_path: Path) -> None:
        sandbox = Sandbox(str(tmp_path))
        sandbox.start()
        with bare_connection(sandbox) as (connection, replies):
            connection.sendall(b"STARTTLS\r\n")
            assert replies.readline() == b"220 2.0.0 Ready to start TLS\r\n"

            sandbox.stop()

            with contextlib.suppress(ConnectionResetError):
                assert replies.read() == b""

    def test_stop_twice_and_stop_without_start_do_no_harm(self, tmp_path: Path) -> None:
        sandbox = Sandbox(str(tmp_path))
        sandbox.stop()
        sandbox.start()
        sandbox.stop()
        sandbox.stop()

    def test_no_key_is_ever_left_on_the_disk_and_no_certificate_afterwards(self, tmp_path: Path) -> None:
        with Sandbox(str(tmp_path)) as sandbox:
            assert files(sandbox.folder) == [f"ca-{sandbox.port}.pem"]
            assert "PRIVATE KEY" not in Path(sandbox.ca_file).read_text()
        assert files(sandbox.folder) == []

    def test_two_share_a_folder(self, tmp_path: Path) -> None:
        with Sandbox(str(tmp_path)) as one, Sandbox(str(tmp_path)) as other:
            for each in (one, other):
                with smtplib.SMTP("localhost", each.port, timeout=20) as client:
                    client.starttls(context=ssl.create_default_context(cafile=each.ca_file))
                    client.sendmail("ada@example.org", ["bob@example.org"], CONTENT)

        assert len(files(str(tmp_path / "new"))) == 2

    def test_wait_ends_with_stop(self, tmp_path: Path) -> None:
        with Sandbox(str(tmp_path)) as sandbox:
            timer = threading.Timer(0.01, sandbox.stop)
            timer.start()
            sandbox.wait()
            timer.join()

    def test_a_fault_of_the_listener_is_raised_by_wait_and_costs_no_message(self, tmp_path: Path) -> None:
        def broken(_: Received) -> None:
            raise BrokenPipeError("nobody reads what we print")

        with Sandbox(str(tmp_path), on_message=broken) as sandbox:
            with smtplib.SMTP(sandbox.host, sandbox.port, timeout=20) as client:
                assert client.sendmail("ada@example.org", ["bob@example.org"], CONTENT) == {}
            with pytest.raises(BrokenPipeError, match="nobody reads"):
                sandbox.wait()
        assert len(files(str(tmp_path / "new"))) == 1


class TestInAProgramOfItsOwn:
    """Where no test runner has set up logging or loaded modules."""

    def run(self, program: str, *arguments: str) -> str:
        result = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, *arguments], check=False, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        return result.stdout

    def test_loads_nothing_heavy_before_it_starts(self) -> None:
        program = "import sys, sendmail_cli.sandbox; print({'asyncio', 'cryptography', 'ssl'} & {*sys.modules})"

        assert self.run(program) == "set()\n"

    def test_a_client_that_talks_nonsense_makes_no_noise(self, tmp_path: Path) -> None:
        program = """
import smtplib, sys
from sendmail_cli.sandbox import Sandbox
with Sandbox(sys.argv[1]) as sandbox, smtplib.SMTP(sandbox.host, sandbox.port) as client:
    print(client.docmd("FROB")[0])
"""
        assert self.run(program, str(tmp_path)) == "500\n"
