"""What the client of `sendmail -bs` is answered, for each thing that can become of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendmail_cli import service
from sendmail_cli.addressees import LocalName
from sendmail_cli.addresses import AddrSpec, Mailbox
from sendmail_cli.config.profiles import Profiles
from sendmail_cli.config.queue_keys import QueueSettings
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.environment import Environment
from sendmail_cli.errors import ConfigError, ConnectFailed, DataError, MailError, MailLoop, SpoolError
from sendmail_cli.intake import Intake
from sendmail_cli.message.source import MemorySource
from sendmail_cli.queue.choice import QueueMode
from sendmail_cli.report import Action, RecipientOutcome, Report
from sendmail_cli.serving import ReceivedMail
from sendmail_cli.smtp.asked import Hello, RecipientNamed, SenderNamed, SignInAsked
from sendmail_cli.smtp.envelope import ReversePath
from sendmail_cli.status import ExitCode
from tests.support.command import Machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sendmail_cli.config.settings import Settings
    from sendmail_cli.request import Request

ACCEPTED = RecipientOutcome("bob@example.org", Action.RELAYED, ExitCode.OK, 250, None, "2.0.0 kept as 1")
REFUSED = RecipientOutcome("eve@example.org", Action.FAILED, ExitCode.NOUSER, 550, None, "5.1.1 nobody")
DELAYED = RecipientOutcome("eve@example.org", Action.DELAYED, ExitCode.TEMPFAIL, 451, None, "4.3.0 later")
QUEUED = RecipientOutcome("eve@example.org", Action.QUEUED, ExitCode.OK, text="waits in the queue as 7")
DOUBTFUL = RecipientOutcome("bob@example.org", Action.DELAYED, ExitCode.IN_DOUBT, is_in_doubt=True)


NO_PROFILES = Profiles({}, None, None, allow_insecure_keyring=False, paths=())
SETTINGS = resolve_settings(ServerFlags(server="mx.example.org"), NO_PROFILES, Environment({}))


class Sent:
    """In place of `service.send`: one outcome after the other."""

    def __init__(self, *outcomes: Report | MailError) -> None:
        self.outcomes = list(outcomes)
        self.settings = SETTINGS
        self.requests: list[Request] = []

    def __call__(self, request: Request, *_: object, on_settings: Callable[[Settings], None], **__: object) -> Report:
        self.requests.append(request)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, MailError):
            raise outcome
        on_settings(self.settings)
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
        (Report("<1>", "mx", (ACCEPTED,)), "250 2.0.0 2.0.0 kept as 1"),
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
    assert not intake.offer(is_secured=False).offers("DSN")


def test_for_whom_it_was_refused_while_others_have_it_the_queue_gives_up(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Sent(Report("<1>", "mx", (ACCEPTED, REFUSED)), Report("<1>", "", (QUEUED,), queue_id=7))
    monkeypatch.setattr(service, "send", sent)
    assert intake.take(mail("ada@example.org", "bob@example.org", "eve@example.org")).code == 250
    assert sent.requests[1].to == (Mailbox("", AddrSpec("eve", "example.org")),)
    assert sent.requests[1].queueing.mode is QueueMode.ALWAYS


@pytest.mark.parametrize("queue", ["never", None])
def test_without_a_queue_the_client_is_told_who_has_it(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, queue: str | None
) -> None:
    sent = Sent(Report("<1>", "mx", (ACCEPTED, REFUSED)), SpoolError("the disk is full"))
    sent.settings = SETTINGS._replace(queue=QueueSettings(queue))
    monkeypatch.setattr(service, "send", sent)
    answer = intake.take(mail("ada@example.org", "bob@example.org", "eve@example.org"))
    assert str(answer.text) == "Sent to all but eve@example.org: do not send it to the others again"
    assert answer.code == 554
