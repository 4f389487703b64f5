"""The command lines of mail(1) that real callers write, and what each asks for."""

from __future__ import annotations

from shlex import split

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.cli.mailx_grammar import MailxCall, parse_mailx
from sendmail_cli.errors import UsageError
from sendmail_cli.printable import printable


def parse(line: str) -> MailxCall:
    return parse_mailx(split(line), lambda path: path == "report.pdf")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-s 'SMART error' root", MailxCall(recipients=("root",), subject="SMART error")),
        ("-s subject a@x b@x", MailxCall(recipients=("a@x", "b@x"), subject="subject")),
        ("-r from@x -s subject to@x", MailxCall(recipients=("to@x",), subject="subject", from_="from@x")),
        ("-E 'set escape' -s subject root", MailxCall(recipients=("root",), subject="subject")),
        ("-E -s subject root", MailxCall(recipients=("root",), subject="subject", skips_empty=True)),
        ("-Es subject root", MailxCall(recipients=("root",), subject="subject", skips_empty=True)),
        ("-ssubject root", MailxCall(recipients=("root",), subject="subject")),
        ("root -s subject", MailxCall(recipients=("root",), subject="subject")),
        ("-c a@x,b@x -c c@x -b d@x root", MailxCall(recipients=("root",), cc=("a@x,b@x", "c@x"), bcc=("d@x",))),
        ("-a 'X-Job: nightly' root", MailxCall(recipients=("root",), headers=("X-Job: nightly",))),
        ("-a 'Content-Type: text/html; charset=UTF-8' root",
         MailxCall(recipients=("root",), content_type="text/html; charset=UTF-8")),
        ("-a 'MIME-Version: 1.0' root", MailxCall(recipients=("root",))),
        ("-a 'From: Bob <bob@x>' root", MailxCall(recipients=("root",), from_="Bob <bob@x>")),
        ("-a 'Reply-To: bob@x' -a 'Cc: eve@x' -a 'Bcc: joe@x' root",
         MailxCall(recipients=("root",), reply_to=("bob@x",), cc=("eve@x",), bcc=("joe@x",))),
        ("-a report.pdf root", MailxCall(recipients=("root",), attachments=("report.pdf",))),
        ("-A report.pdf -a gone.pdf root",
         MailxCall(recipients=("root",), attachments=("report.pdf", "gone.pdf"))),
        ("-S from=bob@x -S replyto=eve@x -S sendwait root",
         MailxCall(recipients=("root",), from_="bob@x", reply_to=("eve@x",))),
        ("-S skipemptybody root", MailxCall(recipients=("root",), skips_empty=True)),
        ("-n -i -v root", MailxCall(recipients=("root",), is_verbose=True)),
        ("-t", MailxCall(is_header_read=True)),
        ("-M text/html -q body.html root",
         MailxCall(recipients=("root",), content_type="text/html", body_file="body.html")),
        ("--subject=x --append='X-A: b' --attach=f --return-address a@x --quiet root",
         MailxCall(recipients=("root",), subject="x", headers=("X-A: b",), attachments=("f",), from_="a@x")),
        ("-s x root -- -f bounce@x -F Backup -odb", MailxCall(recipients=("root",), subject="x", from_="bounce@x",
                                                              full_name="Backup")),
        ("-s x -- -strange root -- -fbounce@x eve@x",
         MailxCall(recipients=("-strange", "root", "eve@x"), subject="x", from_="bounce@x")),
        ("root -- -Xlog", MailxCall(recipients=("root",),
                                    warnings=("-X names a file, and none is used that way: ignored",))),
        ("--help", MailxCall(wants_help=True)),
        ("-h", MailxCall(wants_help=True)),
        ("-h 3 root", MailxCall(recipients=("root",))),
        ("--profile work --debug -- -strange", MailxCall(recipients=("-strange",), profile="work", is_debugging=True)),
    ],
)  # fmt: skip
def test_what_real_callers_write(line: str, expected: MailxCall) -> None:
    assert parse(line) == expected


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("-Z root", "-Z"),
        ("root -s", "-s"),
        ("--never root", "--never"),
        ("root --subject", "--subject"),
        ("-S smtp=host root", "smtp"),
    ],
)
def test_what_is_unknown_is_told_and_not_fatal(line: str, word: str) -> None:
    call = parse(line)
    assert call.recipients == ("root",)
    assert word in " ".join(call.warnings)


@pytest.mark.parametrize("line", ["-f", "-H", "-e", "-u ada"])
def test_reading_mail_is_not_ours(line: str) -> None:
    with pytest.raises(UsageError, match="reads mail"):
        parse(line)


@given(st.lists(st.text(), max_size=8))
def test_any_arguments_are_understood_or_refused_in_words(arguments: list[str]) -> None:
    try:
        call = parse_mailx(arguments, lambda _: False)
    except UsageError:
        return
    assert all(recipient in arguments for recipient in call.recipients)
    assert all(printable(warning) == warning for warning in call.warnings)
