"""Reports of delivery and addresses beyond ASCII, as real clients ask for them, through us to real servers."""

from __future__ import annotations

import os
import smtplib
import subprocess
import time
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from tests.support.command import COMMAND, Installed
from tests.support.patience import PATIENCE
from tests.support.relaying import port_of, relaying
from tests.support.required import skip_if
from tests.support.servers import smtp_sink
from tests.support.servers.kind import Way
from tests.support.servers.npm import MODULES, missing_package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

    from tests.support.postfix import Postfix
    from tests.support.servers.kind import RealServer

pytestmark = pytest.mark.real_server

PROFILE = """\
[profile.here]
from = "Ada <ada@example.org>"
server = "smtps://localhost:{port}"
user = "{user}"
ca_file = "{ca_file}"
"""
MESSAGE = b"From: Ada <ada@example.org>\r\nSubject: order\r\n\r\nThanks.\r\n"
FIRST = "rfc822;Bob+2B1@first.example"

NODE = """\
const [port, from, to] = process.argv.slice(1);
const transport = require('nodemailer').createTransport({host: '127.0.0.1', port, ignoreTLS: true});
const dsn = {id: 'QQ+1', return: 'headers', notify: ['success', 'failure'], recipient: 'Bob+1@first.example'};
transport.sendMail({envelope: {from, to}, to, subject: 'order', text: 'Thanks.', dsn})
  .then(() => process.exit(0), error => { console.error(error); process.exit(1); });
"""


@pytest.fixture
def here(tmp_path: Path, postfix: Postfix) -> Installed:
    here = Installed(tmp_path / "home")
    here.variables["SENDMAIL_CLI_PASSWORD__HERE"] = postfix.password
    here.configure(PROFILE.format(port=postfix.submissions_port, user=postfix.user, ca_file=postfix.ca_file))
    return here


def report_to(sender: str, postfix: Postfix) -> tuple[Message, Message, bytes]:
    """What Postfix says about the message, and about its recipient; and all that it wrote."""
    [octets] = postfix.delivered(sender)
    status = next(part for part in message_from_bytes(octets).walk() if part.get_content_type().endswith("-status"))
    about, recipient = cast("list[Message]", status.get_payload())
    return about, recipient, octets


def assert_delivered(sender: str, recipient: str, postfix: Postfix) -> None:
    """Postfix, which is the last server here, tells the sender so, under the names that the client gave."""
    about, told, octets = report_to(sender, postfix)
    assert about["Original-Envelope-Id"] == "QQ+1"
    assert (told["Action"], told["Original-Recipient"]) == ("delivered", "rfc822;Bob+1@first.example")
    assert recipient in str(told["Final-Recipient"])
    assert b"Thanks." not in octets


def test_smtplib_and_a_server_with_dsn(here: Installed, postfix: Postfix) -> None:
    sender, recipient = postfix.fresh_recipient(), postfix.fresh_recipient()
    with relaying(here, "--port", "0", "--no-auth") as (_, place), smtplib.SMTP("127.0.0.1", port_of(place)) as client:
        asked = ["NOTIFY=SUCCESS,FAILURE", f"ORCPT={FIRST}"]
        client.sendmail(sender, [recipient], MESSAGE, ["RET=HDRS", "ENVID=QQ+2B1"], asked)
        assert_delivered(sender, recipient, postfix)


def test_nodemailer_and_a_server_with_dsn(here: Installed, postfix: Postfix) -> None:
    skip_if(missing_package("nodemailer"))
    sender, recipient = postfix.fresh_recipient(), postfix.fresh_recipient()
    with relaying(here, "--port", "0", "--no-auth") as (_, place):
        done = subprocess.run(
            ["node", "-e", NODE, str(port_of(place)), sender, recipient],
            env={"PATH": os.environ["PATH"], "NODE_PATH": str(MODULES)},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done
        assert_delivered(sender, recipient, postfix)


def test_in_bs_and_by_sendmails_flags(here: Installed, postfix: Postfix, tmp_path: Path) -> None:
    program = tmp_path / "sendmail"
    program.symlink_to(COMMAND)
    for flags in (["-bs"], ["-N", "success,failure", "-R", "hdrs", "-V", "QQ+1"]):
        sender, recipient = postfix.fresh_recipient(), postfix.fresh_recipient()
        said = b"Subject: order\n\nThanks.\n"
        if flags == ["-bs"]:
            said = (
                f"EHLO here\r\nMAIL FROM:<{sender}> RET=HDRS ENVID=QQ+2B1\r\n"
                f"RCPT TO:<{recipient}> NOTIFY=SUCCESS ORCPT={FIRST}\r\nDATA\r\n\r\nThanks.\r\n.\r\nQUIT\r\n"
            ).encode()
        else:
            flags += ["-f", sender, recipient]
        done = subprocess.run(
            [program, *flags], input=said, env=here.variables, capture_output=True, timeout=PATIENCE, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        about, told, octets = report_to(sender, postfix)
        assert (about["Original-Envelope-Id"], told["Action"]) == ("QQ+1", "delivered")
        assert b"Thanks." not in octets


def test_an_address_beyond_ascii_and_a_server_with_smtputf8(here: Installed, postfix: Postfix) -> None:
    recipient = "b\u00fcro-" + postfix.fresh_recipient()
    with relaying(here, "--port", "0", "--no-auth") as (_, place), smtplib.SMTP("127.0.0.1", port_of(place)) as client:
        client.sendmail("ada@example.org", [recipient], "Subject: Gr\u00fc\u00dfe\r\n\r\nx\r\n".encode(), ["SMTPUTF8"])
        [message] = postfix.delivered(recipient)
    assert b"with UTF8SMTP;" in message
    assert b"Subject: =?utf-8?" in message


@pytest.fixture
def older(tmp_path: Path) -> Iterator[RealServer]:
    """A server that knows neither."""
    skip_if(smtp_sink.missing())
    folder = tmp_path / "older"
    folder.mkdir()
    with smtp_sink.start(folder, "-N") as server:
        yield server


def test_smtplib_and_a_server_without_either(here: Installed, older: RealServer) -> None:
    server = f"127.0.0.1:{older.ports[Way.PLAIN]}"
    here.configure(f'[profile.here]\nfrom = "Ada <ada@example.org>"\nserver = "{server}"\nbounce = "mail"\n')
    with relaying(here, "--port", "0", "--no-auth") as (_, place), smtplib.SMTP("127.0.0.1", port_of(place)) as client:
        asked = ["NOTIFY=SUCCESS", f"ORCPT={FIRST}"]
        refused = client.sendmail("eve@example.org", ["bob@example.org"], MESSAGE, ["ENVID=QQ+2B1"], asked)
        assert refused == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"5\.6\.7"):
            client.sendmail("eve@example.org", ["b\u00fcro@example.org"], MESSAGE, ["SMTPUTF8"])
        end = time.monotonic() + PATIENCE
        while here("queue", "list").out:  # the message, and then the report on it
            assert time.monotonic() < end
    mail, report = older.delivered()
    assert mail.octets.endswith(b"Thanks.\n")
    assert (report.mail_from, report.rcpt_to) == ("", ("ada@example.org",))
    assert b"Action: relayed\n" in report.octets
    assert b"Original-Envelope-Id: QQ+1\n" in report.octets
    assert b"Original-Recipient: rfc822; Bob+1@first.example\n" in report.octets
    assert b"Thanks." not in report.octets
    explained = here("explain", stdin=Path(here.home, "spool/relayed.mbox").read_bytes().partition(b"\n")[2])
    assert b"sent with the envelope id QQ+1" in explained.out
    assert b"Bob+1@first.example: relayed" in explained.out
