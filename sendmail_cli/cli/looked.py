"""What there is to look at before a message is sent: the message itself, its envelope, and what receivers punish."""

from __future__ import annotations

from sendmail_cli import service
from sendmail_cli.message.anatomy import anatomy_of
from sendmail_cli.message.linting.letter import letter_of
from sendmail_cli.message.linting.rules import lint
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.cli.options import Talk
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.message.linting.finding import Finding
    from sendmail_cli.message.linting.letter import Letter
    from sendmail_cli.request import Request
    from sendmail_cli.submission import Submission


class Looked(NamedTuple):
    """A request made ready, and what is to be said of the message."""

    settings: Settings
    submission: Submission
    letter: Letter
    findings: tuple[Finding, ...]  # the worst first
    has_server: bool  # False: none is set up, and the settings name a stand-in


def looked_at(request: Request, talking: Talk) -> Looked:
    """What `send` would send, read once as its receivers would, and what they might punish. Raises `MailError`."""
    settings, submission = service.preview(request, talking.environment, talking.output.note, talking.output.warn)
    envelope = submission.envelope
    letter = letter_of(
        anatomy_of(submission.content.chunks()),
        envelope.reverse_path.address,
        tuple(recipient.path.address for recipient in envelope.recipients),
        submission.content.size,
        talking.environment.now(),
    )
    has_server = request.flags.names_server or _is_set_up(settings)
    return Looked(settings, submission, letter, lint(letter), has_server)


def _is_set_up(settings: Settings) -> bool:
    """True when a profile or variables name the server."""
    origins = [settings.origins[name] for name in ("server", "pipe") if name in settings.origins]
    return any(origin.kind != "flag" for origin in origins)
