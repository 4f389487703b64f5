"""`explain` reads a report of delivery: ours, and those that other servers write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.command import Runner

POSTFIX = b"""From: MAILER-DAEMON@mail.example.org
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system at host mail.example.org.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org
X-Postfix-Queue-ID: 4ABCD

Final-Recipient: rfc822; bob@example.com
Original-Recipient: rfc822;bobby@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 550 5.1.1 <bob@example.com>: Recipient address
    rejected: User unknown

Final-Recipient: rfc822; eve@example.com
Action: delayed
Status: 4.4.1
Diagnostic-Code: X-Postfix; connect to mx.example.com: timed out

--b
Content-Type: text/rfc822-headers

Subject: the report

--b--
"""


def test_each_recipient_is_explained(run: Runner) -> None:
    out = run("explain", stdin=POSTFIX).out.decode()

    assert out.startswith("a report by mail.example.org about \u201cthe report\u201d\n")
    assert "bobby@example.org: failed by mx.example.com: 550 5.1.1 <bob@example.com>: Recipient address rejected" in out
    assert "eve@example.com: delayed: X-Postfix; connect to mx.example.com: timed out\n" in out
    assert out.count("(") >= 2, "each has the source of its explanation"


def test_the_subject_is_shown_as_it_is_read(run: Runner) -> None:
    octets = POSTFIX.replace(b"the report", b"=?utf-8?q?Gr=C3=BC=C3=9Fe=1B=5B2J?=")
    assert "about \u201cGrüße\\x1b[2J\u201d\n" in run("explain", stdin=octets).out.decode()


def test_json_has_it_all(run: Runner) -> None:
    found = run("explain", "--json", stdin=POSTFIX).json

    assert (found["reporter"], found["subject"]) == ("mail.example.org", "the report")
    assert [each["status"] for each in found["recipients"]] == ["5.1.1", "4.4.1"]
    assert found["recipients"][0]["explanation"]["meaning"]


@pytest.mark.parametrize("octets", [b"Subject: hello\n\nhi\n", b"\xff\x00\r\n", POSTFIX[:250]], ids=str)
def test_anything_else_is_refused(run: Runner, octets: bytes) -> None:
    done = run("explain", stdin=octets)

    assert done.code == 65
    assert "no report of delivery" in done.err


def test_nothing_in_a_report_steers_the_terminal(run: Runner) -> None:
    hostile = POSTFIX.replace(b"User unknown", b"\x1b[2Jgone")

    assert b"\x1b" not in run("explain", stdin=hostile).out


def test_good_news(run: Runner) -> None:
    report = POSTFIX.partition(b"Diagnostic-Code")[0] + b"Diagnostic-Code: smtp; 250 2.0.0 Ok\n\n--b--\n"
    for old, new in (
        (b"failed\nStatus: 5.1.1", b"relayed\nStatus: 2.0.0"),
        (b"Reporting-MTA", b"Original-Envelope-Id: QQ+1\nReporting-MTA"),
        (b"rfc822;bobby@", rb"utf-8; b\x{FC}ro@"),
    ):
        assert old in report
        report = report.replace(old, new)
    out = run("explain", stdin=report).out.decode()
    assert out.startswith("a report by mail.example.org, sent with the envelope id QQ+1\n")
    assert "b\u00fcro@example.org: relayed by mx.example.com: 250 2.0.0 Ok\n  A server has taken it" in out
    assert run("explain", "--json", stdin=report).json["envelope_id"] == "QQ+1"
