"""Advice for who was called by another name."""

from __future__ import annotations

import pytest

from sendmail_cli.cli.other_flags import in_other_flags


@pytest.mark.parametrize(
    ("advice", "of_sendmail", "of_mail"),
    [
        (
            "Or try it without a server first: add -p sandbox",
            "Or try it without a server first: add --profile sandbox",
            "Or try it without a server first: add --profile sandbox",
        ),
        (
            "Name one with -p, or make one the default: sendmail-cli profile default NAME",
            "Name one with --profile, or make one the default: sendmail-cli profile default NAME",
            "Name one with --profile, or make one the default: sendmail-cli profile default NAME",
        ),
        ("Add --envelope-from you@example.org.", "Add -f you@example.org.", "Add -r you@example.org."),
        ("Send as yourself with `--from`.", None, "Send as yourself with `-r`."),
        ("Use --tls implicit or --tls starttls.", None, None),
        ("Have them read from the header with -t. --help says more.", ..., None),
        ("Store it: sendmail-cli login --replace", ..., ...),
        ("It needs another argument, or `head -n 1` behind it.", ..., ...),
        ("Try a well-known one - if at all.", ..., ...),
        ("`--tls implicit` may do: sendmail-cli check", None, None),
    ],
)
def test_a_line(advice: str, of_sendmail: object, of_mail: object) -> None:
    for program, expected in (("sendmail", of_sendmail), ("mail", of_mail)):
        wanted = [] if expected is None else [advice if expected is ... else expected]
        assert in_other_flags([advice], program) == wanted
