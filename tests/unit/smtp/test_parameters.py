"""What goes after MAIL and RCPT, and what may be asked for."""

import pytest

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.errors import AddressError, NotOffered, UsageError
from sendmail_cli.smtp.capabilities import Capabilities, Limits
from sendmail_cli.smtp.envelope import (
    Demands,
    ForwardPath,
    Notify,
    Recipient,
    Ret,
    ReversePath,
    envelope_of,
    fitting,
)
from sendmail_cli.smtp.parameters import (
    mail_parameters,
    original_recipient,
    parse_envid,
    parse_notify,
    parse_parameter,
    parse_ret,
    rcpt_parameters,
    xtext,
)

ADA = AddrSpec("ada", "example.org")
BUERO = AddrSpec("büro", "example.org")


def offering(*extensions: str) -> Capabilities:
    return Capabilities("mx", tuple((line.split()[0], tuple(line.split()[1:])) for line in extensions))


def mail(demands: Demands, *extensions: str, sender: AddrSpec = ADA, is_secured: bool = True) -> tuple[str, ...]:
    envelope = envelope_of(ReversePath(sender), (ADA,), demands=demands)
    capabilities = offering(*extensions)
    return mail_parameters(envelope, capabilities, size=1, is_7bit=True, has_utf8_header=False, is_secured=is_secured)


def test_everything_at_once_in_the_order_of_the_rfcs() -> None:
    demands = Demands(Ret.FULL, "a=b", require_tls=True, mail_parameters=("BY=60;N",))
    offered = ("SIZE", "DSN", "REQUIRETLS", "DELIVERBY")
    assert mail(demands, *offered) == ("SIZE=1", "REQUIRETLS", "RET=FULL", "ENVID=a+3Db", "BY=60;N")


@pytest.mark.parametrize(
    ("demands", "words"),
    [
        (Demands(ret=Ret.FULL), "DSN"),
        (Demands(envid="x"), "DSN"),
        (Demands(require_tls=True), "REQUIRETLS"),
        (Demands(mail_parameters=("XVERP",)), "XVERP"),
        (Demands(mail_parameters=("by=60;N",)), "DELIVERBY"),
    ],
)
def test_what_is_demanded_and_not_offered_is_69_and_says_so(demands: Demands, words: str) -> None:
    with pytest.raises(NotOffered, match=words) as caught:
        mail(demands, "PIPELINING")
    assert caught.value.exit_code == 69
    assert "Nothing was sent" in caught.value.hint


def test_duty30_requiretls_needs_tls_whatever_the_server_offers() -> None:
    with pytest.raises(NotOffered, match="this connection has none"):
        mail(Demands(require_tls=True), "REQUIRETLS", is_secured=False)


def test_duty14_the_address_that_needs_smtputf8_is_named() -> None:
    with pytest.raises(AddressError, match=r"the address büro@example\.org is beyond ASCII"):
        mail(Demands(), sender=BUERO)


def test_a_recipient_asks_for_nothing_unless_told() -> None:
    assert rcpt_parameters(Recipient(ForwardPath(ADA)), offering("DSN")) == ()


def test_a_recipient_with_reports_and_parameters_of_ones_own() -> None:
    recipient = Recipient(ForwardPath(ADA), (Notify.NEVER,))
    assert rcpt_parameters(recipient, offering("DSN", "RRVS"), ("RRVS=x",)) == (
        "NOTIFY=NEVER",
        "ORCPT=rfc822;ada@example.org",
        "RRVS=x",
    )


def test_an_original_recipient_that_is_too_long_to_name_is_left_out() -> None:
    recipient = Recipient(ForwardPath(AddrSpec("ü" * 32, "a" * 63 + ".example.org")), (Notify.DELAY,))
    assert len(original_recipient(recipient.path.address)) < 500
    longer = Recipient(ForwardPath(AddrSpec("𝔞" * 64, "example.org")), (Notify.DELAY,))
    assert rcpt_parameters(longer, offering("DSN")) == ("NOTIFY=DELAY",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain!*,-<>-~", "plain!*,-<>-~"), ("a+b=c d", "a+2Bb+3Dc+20d"), ("", "")],
)
def test_xtext(text: str, expected: str) -> None:
    assert xtext(text) == expected


def test_an_original_recipient_beyond_ascii() -> None:
    assert original_recipient(AddrSpec("bü\\o+", "example.org")) == r'utf-8;"b\x{FC}\x{5C}\x{5C}o\x{2B}"@example.org'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("never", (Notify.NEVER,)),
        ("success,Failure, delay", (Notify.SUCCESS, Notify.FAILURE, Notify.DELAY)),
        ("delay,delay", (Notify.DELAY,)),
        ("never,NEVER", (Notify.NEVER,)),
    ],
)
def test_notify(text: str, expected: tuple[Notify, ...]) -> None:
    assert parse_notify(text) == expected


@pytest.mark.parametrize("text", ["", "always", "success,", "never,delay", "success failure"])
def test_what_is_no_notify(text: str) -> None:
    with pytest.raises(UsageError):
        parse_notify(text)


def test_ret() -> None:
    assert [parse_ret(text) for text in ("full", "Headers", "HDRS")] == [Ret.FULL, Ret.HEADERS, Ret.HEADERS]
    with pytest.raises(UsageError, match="neither full nor headers"):
        parse_ret("half")


def test_an_envelope_id_has_100_octets_as_it_is_sent() -> None:
    assert parse_envid("x" * 100) == "x" * 100
    assert parse_envid("=" * 33) == "=" * 33
    for text in ("x" * 101, "=" * 34, "", "ü", "a\tb", "a\r\nRCPT TO:<eve@example.net>"):
        with pytest.raises(UsageError):
            parse_envid(text)


@pytest.mark.parametrize("text", ["BY=60;N", "XVERP", "MT-PRIORITY=-3", "x=+3D"])
def test_a_parameter(text: str) -> None:
    assert parse_parameter(text) == text


@pytest.mark.parametrize(
    "text", ["", "=x", "-A=1", "A=", "A=1=2", "A=1 B=2", "A=ü", "A=1\r\nRSET", "A\x00", "A_B=1", " A=1"]
)
def test_duty50_what_is_no_parameter(text: str) -> None:
    with pytest.raises(UsageError, match="is no parameter"):
        parse_parameter(text)


@pytest.mark.parametrize(
    ("text", "option"), [("size=1", "this program"), ("RET=FULL", "--ret"), ("notify=NEVER", "--notify")]
)
def test_a_parameter_that_has_an_option_is_refused(text: str, option: str) -> None:
    with pytest.raises(UsageError, match=option):
        parse_parameter(text)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), [0, 1, 2, 3]),
        (Limits(rcpt_max=2), [0, 1]),
        (Limits(rcpt_domain_max=1), [0, 2]),
        (Limits(rcpt_domain_max=2, rcpt_max=3), [0, 1, 2]),
    ],
)
def test_duty12_what_fits_into_one_transaction(limits: Limits, expected: list[int]) -> None:
    domains = ("a.example", "b.example", "A.example", "c.example")
    recipients = [Recipient(ForwardPath(AddrSpec("x", domain))) for domain in domains]
    assert fitting(recipients, limits) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("LIMITS RCPTMAX=10 MAILMAX=2 RCPTDOMAINMAX=1", Limits(10, 1, 2)),
        ("LIMITS rcptmax=10", Limits(10)),
        ("LIMITS RCPTMAX=0 MAILMAX=-1 RCPTDOMAINMAX=1234567", Limits()),
        ("LIMITS RCPTMAX=١ MAILMAX RCPTDOMAINMAX=", Limits()),
        ("SIZE", Limits()),
    ],
)
def test_duty12_limits_that_a_server_names(line: str, expected: Limits) -> None:
    assert offering(line).limits == expected
