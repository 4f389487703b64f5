"""Whom a message is from and whom it goes to."""

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.smtp.envelope import ForwardPath, Recipient, ReversePath, envelope_of

ADA = AddrSpec("ada", "example.org")


def test_trap08_the_null_reverse_path_is_a_path() -> None:
    assert str(ReversePath(None)) == "<>"
    assert str(ReversePath(ADA)) == "<ada@example.org>"
    assert envelope_of(ReversePath(None), (ADA,)).reverse_path == ReversePath(None)


def test_a_recipient_named_twice_gets_one_copy() -> None:
    twice = (ADA, AddrSpec("bob", "x"), AddrSpec("ada", "EXAMPLE.org"), AddrSpec("Ada", "example.org"))
    recipients = envelope_of(ReversePath(ADA), twice).recipients
    assert [str(recipient.path) for recipient in recipients] == ["<ada@example.org>", "<bob@x>", "<Ada@example.org>"]
    assert recipients[0] == Recipient(ForwardPath(ADA))


def test_duty14_smtputf8_is_needed_for_any_local_part_beyond_ascii() -> None:
    umlaut = AddrSpec("ädä", "example.org")
    assert envelope_of(ReversePath(None), (ADA,)).is_ascii
    assert envelope_of(ReversePath(ADA), (ADA,)).is_ascii
    assert not envelope_of(ReversePath(umlaut), (ADA,)).is_ascii
    assert not envelope_of(ReversePath(ADA), (ADA, umlaut)).is_ascii
