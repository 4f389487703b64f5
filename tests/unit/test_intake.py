"""What the client of `sendmail -bs` is answered, for each thing that can become of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli import service, way_out
from sendmail_cli.addressees import LocalName
from sendmail_cli.addresses import AddrSpec, Mailbox
from sendmail_cli.config.profiles import Profiles
from sendmail_cli.config.queue_keys import QueueSettings
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.environment import Environment
from sendmail_cli.errors import ConfigError, ConnectFailed, DataError, MailError, MailLoop, SpoolError
from sendmail_cli.intake import Intake
from sendmail_cli.message.source import MemorySource
from sendmail_cli.queue.claims import Claims
from sendmail_cli.queue.contents import StoredContent
from sendmail_cli.queue.spool import Spool
from sendmail_cli.report import Action, RecipientOutcome, Report
from sendmail_cli.serving import ReceivedMail
from sendmail_cli.smtp.asked import Hello, RecipientNamed, SenderNamed, SignInAsked
from sendmail_cli.smtp.capabilities import Capabilities
from sendmail_cli.smtp.envelope import Demands, Envelope, ForwardPath, Notify, Recipient, Reporting, ReversePath
from sendmail_cli.status import EnhancedStatusCode, ExitCode
from sendmail_cli.submission import Submission
from tests.support.command import Machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sendmail_cli.config.settings import Settings
    from sendmail_cli.request import Request

ACCEPTED = RecipientOutcome(
    "bob@example.org", Action.RELAYED, ExitCode.OK, 250, EnhancedStatusCode(2, 6, 0), "2.6.0 kept as 1"
)
REFUSED = RecipientOutcome("eve@example.org", Action.FAILED, ExitCode.NOUSER, 550, None, "5.1.1 nobody")
DELAYED = RecipientOutcome("eve@example.org", Action.DELAYED, ExitCode.TEMPFAIL, 451, None, "4.3.0 later")
QUEUED = RecipientOutcome("eve@example.org", Action.QUEUED, ExitCode.OK, text="waits in the queue as 7")
DOUBTFUL = RecipientOutcome("bob@example.org", Action.DELAYED, ExitCode.IN_DOUBT, is_in_doubt=True)


TWO = tuple(
    Recipient(ForwardPath(AddrSpec(name, "example.org")), (Notify.SUCCESS,), f"rfc822;{name}@first.example")
    for name in ("bob", "eve")
)
CONTENT = StoredContent(MemorySource(b"Subject: x\r\n\r\nx\r\n", "x"), is_7bit=True, has_utf8_header=False, seal="")
SUBMISSION = Submission(Envelope(ReversePath(None), TWO), CONTENT, "<1>")
NO_PROFILES = Profiles({}, None, None, allow_insecure_keyring=False, paths=())
SETTINGS = resolve_settings(ServerFlags(server="mx.example.org"), NO_PROFILES, Environment({}))


class Sent:
    """In place of `service.send`: one outcome after the other."""

    def __init__(self, *outcomes: Report | MailError) -> None:
        self.outcomes = list(outcomes)
        self.settings = SETTINGS
        self.requests: list[Request] = []

    def __call__(
        self,
        request: Request,
        *_: object,
        on_settings: Callable[[Settings], None],
        on_submission: Callable[[Submission], None],
        **__: object,
    ) -> Report:
        self.requests.append(request)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, MailError):
            raise outcome
        on_settings(self.settings)
        on_submission(SUBMISSION)
        return outcome


def mail(sender: str = "ada@example.org", *recipients: str) -> ReceivedMail:
    named = tuple(RecipientNamed(path, {}) for path in recipients or ("bob@example.org",))
    return ReceivedMail(
        Hello("here", is_extended=True), SenderNamed(sender, {}), named, MemorySource(b"x", "x"), is_secured=False
    )


@pytest.fixture
def intake(tmp_path: Path) -> Intake:
    return Intake(Machine(tmp_path), ServerFlags(profile="work"))


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Report("<1>", "mx", (ACCEPTED,)), "250 2.6.0 kept as 1"),
        (Report("<1>", "mx", (REFUSED,)), "550 5.1.1 nobody"),
        (Report("<1>", "mx", (QUEUED,), queue_id=7), "250 2.0.0 waits in the queue as 7"),
        (MailLoop("round and round"), "554 5.4.6 round and round"),
        (Report("<1>", "mx", (DELAYED,)), "451 4.3.0 later"),
        (Report("<1>", "mx", (DOUBTFUL,)), "451 4.4.2 mx was lost after the message; it may have been delivered"),
        (Report("<1>", "mx", (), ConnectFailed("no route")), "451 4.3.0 no route"),
        (Report("<1>", "mx", (REFUSED._replace(code=None),)), "451 4.3.0 Not sent"),
        (ConnectFailed("no route"), "451 4.3.0 no route"),
        (ConfigError("no profile"), "451 4.3.0 no profile"),
        (DataError("a NUL"), "554 5.6.0 a NUL"),
        (MailError("a fault"), "554 5.3.0 a fault"),
    ],
)
def test_the_answer_to_the_dot(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, outcome: Report | MailError, expected: str
) -> None:
    monkeypatch.setattr(service, "send", Sent(outcome))
    assert bytes(intake.take(mail())).decode() == f"{expected}\r\n"


@pytest.mark.parametrize(
    ("path", "reverse_path", "name"),
    [
        ("ada@example.org", ReversePath(AddrSpec("ada", "example.org")), None),
        ("", ReversePath(None), None),
        ("www-data", None, LocalName("", "www-data")),
    ],
)
def test_the_envelope_is_passed_on(
    intake: Intake,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    reverse_path: ReversePath | None,
    name: LocalName | None,
) -> None:
    sent = Sent(Report("<1>", "mx", (ACCEPTED,)))
    monkeypatch.setattr(service, "send", sent)
    intake.take(mail(path, "bob@example.org", "root"))
    [request] = sent.requests
    assert request.envelope_from == reverse_path
    assert request.local is not None
    assert request.local.sender == name
    assert request.to == (Mailbox("", AddrSpec("bob", "example.org")), LocalName("", "root"))
    assert request.flags.profile == "work"


@pytest.mark.parametrize(
    ("path", "code"),
    [("bob@example.org", 250), ("root", 250), ("a@b, c@d", 553), ("team: a@b;", 553), ("a@", 553), ("|cat", 553)],
)
def test_who_is_an_address(intake: Intake, path: str, code: int) -> None:
    assert intake.recipient(RecipientNamed(path, {})).code == code
    assert intake.sender(SenderNamed(path, {})).code == code


def test_the_null_sender_and_no_sign_in(intake: Intake) -> None:
    assert intake.sender(SenderNamed("", {})).code == 250
    assert intake.sign_in(SignInAsked("ada", b"x")).code == 535


PROFILE = '[profile.here]\nfrom = "ada@example.org"\nserver = "mx.example.org"\nqueue = "{queue}"\n'


class There:
    """In place of a session, with a server that offers this; or of none."""

    def __init__(self, *offered: str, is_away: bool = False) -> None:
        self.capabilities = Capabilities("mx.example.org", tuple((keyword, ()) for keyword in offered))
        self.is_away = is_away
        self.asked = self.left = 0

    def begin(self, *_: object) -> There:
        self.asked += 1
        if self.is_away:
            raise ConnectFailed("no route")
        return self

    def quit(self) -> None:
        self.left += 1


def intake_to(there: There, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queue: str = "on-failure") -> Intake:
    monkeypatch.setattr(way_out, "begin_session", there.begin)
    machine = Machine(tmp_path)
    machine.configure(PROFILE.format(queue=queue))
    return Intake(machine, ServerFlags())


@pytest.mark.parametrize("offered", [[], ["DSN"], ["DSN", "SMTPUTF8"], ["SMTPUTF8"]])
def test_without_a_queue_no_more_is_offered_than_the_server_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offered: list[str]
) -> None:
    there = There(*offered)
    offer = intake_to(there, tmp_path, monkeypatch, "never").offer(is_secured=False)
    assert [keyword for keyword in ("DSN", "SMTPUTF8") if offer.offers(keyword)] == offered
    assert there.asked == there.left == 1


@pytest.mark.parametrize(("queue", "expected"), [("never", False), ("on-failure", True), ("always", True)])
def test_what_is_offered_while_the_server_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queue: str, expected: bool
) -> None:
    offer = intake_to(There(is_away=True), tmp_path, monkeypatch, queue).offer(is_secured=False)
    assert {offer.offers("DSN"), offer.offers("SMTPUTF8")} == {expected}


@pytest.mark.parametrize("profile", [None, "sandbox"])
def test_nothing_is_promised_where_there_is_no_server_yet(tmp_path: Path, profile: str | None) -> None:
    offer = Intake(Machine(tmp_path), ServerFlags(profile=profile)).offer(is_secured=False)
    assert not offer.offers("DSN")
    assert not offer.offers("SMTPUTF8")


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (There("DSN"), "553 5.6.7 mx.example.org takes no local part beyond ASCII (no SMTPUTF8)"),
        (There("SMTPUTF8"), "250 2.0.0 Ok"),
        (There(is_away=True), "250 2.0.0 Ok"),
    ],
)
def test_the_server_is_asked_about_a_local_part_beyond_ascii(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: There, expected: str
) -> None:
    """Once for all recipients, and not at all for a domain, which every server takes."""
    intake = intake_to(there, tmp_path, monkeypatch)
    assert intake.recipient(RecipientNamed("bob@b\u00fccher.example", {})).code == 250
    assert there.asked == 0
    answers = [intake.recipient(RecipientNamed("b\u00fcro@example.org", {})) for _ in range(2)]
    answers.append(intake.sender(SenderNamed("b\u00fcro@example.org", {})))
    assert {bytes(answer).decode() for answer in answers} == {f"{expected}\r\n"}
    assert there.asked == 1


def test_what_reports_are_asked_for_is_passed_on(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(*[Report("<1>", "mx", (ACCEPTED,))] * 2)
    monkeypatch.setattr(service, "send", sent)
    demands = Demands(envid="x", are_reports_ours=True)
    named = (
        RecipientNamed("bob@example.org", {}, Reporting((Notify.NEVER,))),
        RecipientNamed("root", {}, Reporting((), "rfc822;Root@x")),
    )
    asked = mail()._replace(sender=SenderNamed("ada@example.org", {}, demands), recipients=named)
    intake.take(asked)
    intake.take(mail())
    assert sent.requests[0].demands == demands
    assert sent.requests[0].reporting == (Reporting((Notify.NEVER,)), Reporting((), "rfc822;Root@x"))
    assert sent.requests[1].reporting == ()


def test_for_whom_it_was_refused_while_others_have_it_the_queue_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was sent, and with the reports that were asked for."""
    monkeypatch.setattr(service, "send", Sent(Report("<1>", "mx", (ACCEPTED, REFUSED))))
    machine = Machine(tmp_path)
    assert (
        Intake(machine, ServerFlags()).take(mail("ada@example.org", "bob@example.org", "eve@example.org")).code == 250
    )
    with Spool(machine) as spool, Claims(spool) as claims:
        [lane] = claims.look()
        [claimed] = claims.claim(lane, (), None)
        assert [each.recipient for each in claimed.recipients] == [TWO[1]]
        assert b"".join(spool.content(claimed.id).chunks()) == b"Subject: x\r\n\r\nx\r\n"


@pytest.mark.parametrize("queue", ["never", None])
def test_without_a_queue_the_client_is_told_who_has_it(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, queue: str | None
) -> None:
    def full(*_: object) -> None:
        raise SpoolError("the disk is full")

    monkeypatch.setattr(Spool, "add", full)
    sent = Sent(Report("<1>", "mx", (ACCEPTED, REFUSED)))
    sent.settings = SETTINGS._replace(queue=QueueSettings(queue))
    monkeypatch.setattr(service, "send", sent)
    answer = intake.take(mail("ada@example.org", "bob@example.org", "eve@example.org"))
    assert str(answer.text) == "Sent to all but eve@example.org: do not send it to the others again"
    assert answer.code == 554
