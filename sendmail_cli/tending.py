"""Who runs the queue: a single run, one that goes on, the runner in the background; and what its user should know."""

from __future__ import annotations

import os

from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.queue_keys import KEEP
from sendmail_cli.config.settings import ServerFlags, resolve_settings
from sendmail_cli.environment import CONFIG_VARIABLE, HANDED
from sendmail_cli.errors import ConfigError, MailError, UsageError
from sendmail_cli.printable import printable
from sendmail_cli.queue.entry import Lane
from sendmail_cli.queue.ownership import is_anothers
from sendmail_cli.queue.schedule import NEGLECT, Limit
from sendmail_cli.queue.spool import Spool
from sendmail_cli.report import Action
from sendmail_cli.secret import Secret
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.addresses import Mailbox
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.environment import Environment
    from sendmail_cli.opening import CredentialGiver
    from sendmail_cli.queue.entry import Claimed
    from sendmail_cli.queue.runner import Runner, Way
    from sendmail_cli.report import RecipientOutcome, Report
    from sendmail_cli.trace import TraceEvent

IN_BACKGROUND = ("queue", "run", "--in-background", str(HANDED))
_FILES = ("ca_file", "tls_cert", "tls_key")


def lane_of(flags: ServerFlags, settings: Settings) -> Lane:
    """The way as it was asked for, so that it is found again; a file by its whole name, and never a secret."""
    if isinstance(flags.proxy, Secret):
        raise UsageError("a proxy with a password can't be kept in the queue; put it into SENDMAIL_CLI_PROXY")
    said = {name: value for name, value in flags._asdict().items() if value not in {None, False}}
    for name in ("from_", "profile", "password_fd"):
        said.pop(name, None)
    for name in _FILES:
        if name in said:
            said[name] = os.path.abspath(said[name])
    if "pipe" in said:
        from sendmail_cli.config.profile_keys import parse_pipe

        program, *arguments = parse_pipe(said["pipe"])
        said["pipe"] = [os.path.abspath(program) if "/" in program else program, *arguments]
    if "tls" in said:
        said["tls"] = getattr(said["tls"], "value", said["tls"])
    import json

    return Lane(settings.profile_name, json.dumps(said, sort_keys=True))


def flags_of(lane: Lane) -> ServerFlags:
    """What was asked for."""
    import json

    said = json.loads(lane.way)
    if "pipe" in said:
        said["pipe"] = tuple(said["pipe"])
    return ServerFlags(profile=lane.profile, **said)


def way_of(lane: Lane, environment: Environment, credential_of: Callable[[Settings], CredentialGiver]) -> Way:
    """How the mails of a lane get to their server, as it is set up now. Raises `MailError`."""
    from sendmail_cli.queue.runner import Way

    profiles = load_profiles(environment)
    settings = resolve_settings(flags_of(lane), profiles, environment)

    def on_report(report: Report, sender: str) -> None:
        if settings.queue.syslog:
            from sendmail_cli.system_log import log_report

            log_report(report, sender, environment, lambda _: None)  # nobody listens to a runner

    return Way(
        settings.server,
        credential_of(settings),
        settings.fallbacks,
        tuple(Limit(*limit) for limit in settings.queue.limits),
        settings.queue.connections,
        reports_go_to(settings),
        on_report,
    )


def reports_go_to(settings: Settings) -> Mailbox | None:
    """Who gets our reports as mails: the profile's own address, where its user asked for that, and nobody else ever."""
    return settings.from_ if settings.profile_name is not None and settings.queue.bounce == "mail" else None


def start_runner(spool: Spool) -> bool:
    """Have somebody run the queue. False where no process can be had for that.

    The runner has its lock from us: nobody starts another while it loads. That of somebody else, root's to look into,
    is run by the machine's service, which starts when it is called.
    """
    if spool.place.is_anothers:
        return spool.place.has_runner or _call_service(spool.environment)
    lock = spool.place.take_runner()
    if lock is None:
        return True
    try:
        spool.environment.start_detached(IN_BACKGROUND, lock.descriptor)
    except OSError:
        return False
    finally:
        lock.release()
    return True


def _call_service(environment: Environment) -> bool:
    import socket

    with socket.socket(socket.AF_UNIX) as caller:
        return caller.connect_ex(environment.service_socket) == 0


def leave_to_owner(environment: Environment) -> bool:
    """True where the queue is not ours to run, though we are root: its owner does, who has the secrets for it.

    Raises `ConfigError` where nobody does.
    """
    folder = environment.spool_folder
    if not is_anothers(folder):
        return False
    with Spool(environment) as spool:
        if not start_runner(spool):
            raise ConfigError(
                f"the spool {printable(folder)} belongs to another user, and nobody runs it",
                hint="If it is that of the machine's mail service: systemctl start sendmail-cli.socket",
            )
    return True


def look_after(environment: Environment) -> list[str]:
    """Start a runner where something is due; gives what the user should know of the queue. Never raises `MailError`."""
    try:
        with Spool(environment) as spool:
            remarks = spool.untold()
            due = spool.oldest_due()
            if due is None or spool.place.has_runner:
                return remarks
            if environment.now() - due > NEGLECT:
                remarks.append(
                    "mail has been waiting for more than an hour and nobody ran the queue; "
                    "sendmail-cli queue install has it run regularly"
                )
            start_runner(spool)
            return remarks
    except MailError as error:
        return [error.sentence]


class Ran(NamedTuple):
    """What a run brought."""

    sent: int  # recipients
    given_up: int


class RunCallers(NamedTuple):
    """What a run needs of whoever starts it."""

    credential_of: Callable[[Settings], CredentialGiver]
    say: Callable[[str], None]  # what is given up
    rest: Callable[[str], bool]  # what stands still; True where somebody heard, else who comes next is told
    on_event: Callable[[TraceEvent], None] | None = None


def run_once(environment: Environment, callers: RunCallers) -> Ran:
    """Try what is due, until nothing is. Raises `SpoolError` where the spool can't be used."""
    return _run(environment, callers, lambda runner, _: runner.run())


def run_on(environment: Environment, callers: RunCallers) -> Ran:
    """The same for ever, until somebody interrupts it."""
    return _run(environment, callers, lambda runner, _: runner.stay())


def run_in_background(environment: Environment, callers: RunCallers, handed: int) -> Ran:
    """The same as long as something waits, and for an hour at most.

    `handed` is the descriptor of the lock that `start_runner` took. Raises `UsageError` where it is not.
    """
    from sendmail_cli.queue.schedule import SHIFT

    with Spool(environment) as spool:
        lock = spool.place.inherit_runner(handed)
    if lock is None:
        raise UsageError("--in-background is for the runner that we start ourselves", hint="Use queue run --watch.")
    environment.leave_folder(CONFIG_VARIABLE)

    def stay(runner: Runner, spool: Spool) -> None:
        runner.stay(seconds=SHIFT, lock=lock)
        lock.release()
        if runner.has_work:  # whoever has queued that since the last look saw a runner, and started none
            start_runner(spool)

    try:
        return _run(environment, callers, stay)
    finally:
        lock.release()


def _run(environment: Environment, callers: RunCallers, go: Callable[[Runner, Spool], None]) -> Ran:
    from sendmail_cli.queue.claims import Claims
    from sendmail_cli.queue.runner import Callers, Runner

    with Spool(environment) as spool, Claims(spool) as claims:
        claims.tidy(_longest_keep(environment))

        def ways(lane: Lane) -> Way:
            return way_of(lane, environment, callers.credential_of)

        def tell(mail: Claimed, outcomes: list[RecipientOutcome]) -> None:
            _tell_sender(spool, mail, outcomes, ways, callers.say)

        runner = Runner(spool, claims, Callers(ways, tell, callers.rest, callers.on_event))
        go(runner, spool)
        spool.note_rest()
        return Ran(runner.sent, runner.given_up)


def _longest_keep(environment: Environment) -> float:
    try:
        profiles = load_profiles(environment)
        return max([KEEP, *(profile.log for name in profiles.names if (profile := profiles.get(name)).log)])
    except MailError:  # whoever needs them will say so
        return float("inf")


def _tell_sender(
    spool: Spool,
    mail: Claimed,
    outcomes: list[RecipientOutcome],
    ways: Callable[[Lane], Way],
    say: Callable[[str], None],
) -> None:
    from sendmail_cli.queue.bounce import Reported, report

    try:
        to = ways(mail.lane).report_to
    except MailError:
        to = None
    reported = Reported(mail.envelope, spool.content(mail.id), mail.created)
    report(spool, reported, outcomes, to, lambda: mail.lane)
    failed = [outcome for outcome in outcomes if outcome.action is Action.FAILED]
    for outcome in failed:
        said = outcome.text if outcome.code is None else f"{outcome.code} {outcome.text}"
        say(f"mail {mail.id} was given up for {outcome.address}: {said}")
    if failed:
        spool.alarm("given up", f"mail was given up; it is in {spool.undelivered}")
