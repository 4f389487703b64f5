"""What every entry point calls: settings → draft → submission → delivery, and the report of what became of it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import partial

from sendmail_cli.config.profiles import load_profiles
from sendmail_cli.config.queue_keys import QueueSettings
from sendmail_cli.config.server_url import ServerURL
from sendmail_cli.config.settings import choose_profile, describe_settings, resolve_settings
from sendmail_cli.delivery import deliver, deliver_all
from sendmail_cli.opening import open_session
from sendmail_cli.queue.choice import Queueing, check_series, has_waiting, is_immediate
from sendmail_cli.request import Request, sender_of, submission_for
from sendmail_cli.secret import Token
from sendmail_cli.series import Row, as_it_is, remember
from sendmail_cli.server import TLSMode
from sendmail_cli.status import ExitCode
from sendmail_cli.trace import Trace
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from sendmail_cli.config.settings import Settings
    from sendmail_cli.early import EarlySession
    from sendmail_cli.environment import Environment
    from sendmail_cli.message.source import Source
    from sendmail_cli.report import Report
    from sendmail_cli.sandbox import Received
    from sendmail_cli.secret import Secret
    from sendmail_cli.series import Sent, Settle
    from sendmail_cli.server import Server
    from sendmail_cli.session import Session
    from sendmail_cli.smtp.envelope import Envelope
    from sendmail_cli.steps import Inspection, Step
    from sendmail_cli.submission import Submission
    from sendmail_cli.tending import RunCallers
    from sendmail_cli.trace import TraceEvent


class Prepared(NamedTuple):
    """A request made ready: where it goes and what goes there."""

    settings: Settings
    submission: Submission


def settings_for(request: Request, environment: Environment) -> Settings:
    """The settings that hold for `request`; whom it is from may choose the profile. Raises `MailError`."""
    profiles = load_profiles(environment)
    return resolve_settings(request.flags, profiles, environment, sender_of(request, profiles))


def prepare(
    request: Request,
    environment: Environment,
    note: Callable[[str], None],
    warn: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """Settings and submission for `request`; nothing is sent, files are opened and measured.

    `note` gets what is worth knowing of choices that were made, `warn` what is probably a slip. Raises `MailError`.
    """
    settings = settings_for(request, environment)
    tell_settings(settings, note)
    return Prepared(settings, submission_for(request, settings, environment, note, warn))


def preview(
    request: Request,
    environment: Environment,
    note: Callable[[str], None],
    warn: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """What `send` would send, for looking at it: no server need be set up for that. Raises `MailError`."""
    flags = request.flags
    if not flags.names_server:
        profiles = load_profiles(environment)
        chosen = choose_profile(flags, profiles, environment, sender_of(request, profiles))
        if chosen is None or not (chosen[0].name or chosen[0].has_server):
            flags = flags._replace(server="localhost")  # never spoken to
    return prepare(request._replace(flags=flags), environment, note, warn)


def rows_of(settings: Settings) -> list[tuple[str, str, str]]:
    """Name, value and origin of each setting, to be shown. The sandbox's server is found out when it runs."""
    rows = [(name, value, str(origin)) for name, value, origin in describe_settings(settings)]
    if not settings.is_sandbox:
        return rows
    shown = [row for row in rows if row[0] not in {"server", "port", "tls", "auth"}]
    return [*shown, ("server", "started for one message", "built in")]


def tell_settings(settings: Settings, note: Callable[[str], None]) -> None:
    """Give `note` a line for each setting: its name, its value, and where that came from."""
    rows = rows_of(settings)
    names = max(len(name) for name, _, _ in rows)
    for name, value, origin in rows:
        note(f"{name:{names}}  {value}  ({origin})")


def send(
    request: Request,
    environment: Environment,
    *,
    note: Callable[[str], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
    on_settings: Callable[[Settings], None] = lambda _: None,
    on_submission: Callable[[Submission], None] = lambda _: None,
    on_event: Callable[[TraceEvent], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    may_ask: bool = False,
    password: Secret | None = None,
) -> Report:
    """Send one message. What became of it stands in the report; `MailError` comes before anything of it was sent.

    The server is dialled while the message is made. `on_settings` gets the settings before that, `on_submission` the
    message, `on_progress` the octets of it handed out so far and in all, often, `warn` what is not as it should be.
    `may_ask` allows one prompt to unlock a locked keyring. A given `password` is used in place of the stored one.
    """
    settings = settings_for(request, environment)
    tell_settings(settings, note)
    on_settings(settings)
    credential = (lambda: password) if password is not None else _credential(settings, environment, may_ask=may_ask)
    trace = Trace(environment.monotonic, on_event)
    made: list[Submission] = []

    def make() -> Submission:
        made.append(submission_for(request, settings, environment, note, warn))
        on_submission(made[0])
        return made[0] if on_progress is None else made[0].watched(on_progress)

    def send_now() -> Report:
        needs_keyring = password is None and settings.is_password_in_keyring
        return _send_now(
            make, settings, credential, environment, trace, meanwhile=_load_keyring if needs_keyring else lambda: None
        )

    if is_immediate(request.queueing, settings):  # a queue costs nothing as long as nothing has to wait
        report = send_now()
        if report.exit_code is not ExitCode.OK or any(outcome.is_report_due for outcome in report.outcomes):
            from sendmail_cli import queueing

            report = queueing.settle(report, made[0], request, settings, environment=environment, warn=warn)
    else:
        from sendmail_cli import queueing

        means = queueing.Means(
            lambda: made[0] if made else make(),
            send_now,
            lambda: open_session(settings.server, credential, environment, trace),
            lambda held, session: deliver(
                held, settings.server, credential, environment, trace, opened=lambda: session
            )._replace(profile=settings.profile_name),
            warn,
        )
        report = queueing.send(request, settings, environment, means)
    with suppress(KeyboardInterrupt):  # it would take from the report what it knows
        if made and report.earlier is None:
            remember(made[0], report, request, settings, environment=environment, warn=warn)
    return report


def _send_now(
    make: Callable[[], Submission],
    settings: Settings,
    credential: Callable[[], Secret],
    environment: Environment,
    trace: Trace,
    *,
    meanwhile: Callable[[], None],
) -> Report:
    """What became of it. The server is dialled while `make` makes the message, and `meanwhile` is called."""
    early = _early_session(settings, environment, trace)
    try:
        submission = make()
        if early is not None:
            meanwhile()
    except BaseException:
        if early is not None:
            early.give_up()
        raise
    report: Report | None = None
    try:
        with _running_server(settings, environment) as (server, received):
            report = deliver(
                submission,
                server,
                credential,
                environment,
                trace,
                fallbacks=settings.fallbacks,
                opened=None if early is None else partial(early.session, credential),
            )
            kept_at = received[-1].path if received else None
            report = report._replace(profile=settings.profile_name, kept_at=kept_at)
    except KeyboardInterrupt:
        if report is None:
            raise  # before the final dot; later it would take from the report what it knows
    return report


def look_after_queue(environment: Environment) -> list[str]:
    """Have somebody run the queue where something is due; gives what its user should know. Never raises `MailError`."""
    if not has_waiting(environment.spool_folder):
        return []
    from sendmail_cli import tending

    return tending.look_after(environment)


def queue_callers(
    environment: Environment,
    say: Callable[[str], None],
    rest: Callable[[str], bool],
    on_event: Callable[[TraceEvent], None] | None = None,
) -> RunCallers:
    """What a run of the queue needs; nobody is asked for a password. `say` gets what is given up, `rest` what waits
    for its server: it gives True where somebody heard, else the next command says it.
    """
    from sendmail_cli.tending import RunCallers

    return RunCallers(lambda settings: _credential(settings, environment, may_ask=False), say, rest, on_event)


def send_all(
    request: Request,
    sources: Iterable[Source],
    environment: Environment,
    *,
    note: Callable[[str], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
    on_settings: Callable[[Settings], None] = lambda _: None,
    on_event: Callable[[TraceEvent], None] | None = None,
    may_ask: bool = False,
) -> Generator[Sent]:
    """Send each of `sources`, a ready message, as `request` asks, over one connection; what became of each, in order.

    A message that can't be sent, or is refused, keeps no other from being sent; what befalls the session does. Raises
    `MailError` before the first alone. See `send` for the rest.
    """
    settings = settings_for(request, environment)
    tell_settings(settings, note)
    on_settings(settings)
    credential = _credential(settings, environment, may_ask=may_ask)
    trace = Trace(environment.monotonic, on_event)
    row = Row(sources, lambda source: submission_for(request._replace(raw=source), settings, environment, note, warn))
    keep = partial(remember, request=request, settings=settings, environment=environment, warn=warn)
    settle: Settle = as_it_is
    if request.queueing != Queueing() or settings.queue != QueueSettings():
        from sendmail_cli import queueing

        check_series(request.queueing)
        request = request._replace(queueing=request.queueing._replace(is_one_of_many=True))
        settle = partial(queueing.settle, request=request, settings=settings, environment=environment, warn=warn)
        if queueing.goes_to_queue(request, settings):
            queueing.remind_of_timer(request, environment, warn)
            yield from row.rest(lambda it: queueing.enqueue(it, request, settings, environment), keep)
            return
    with _running_server(settings, environment) as (server, received):
        reports = deliver_all(row.submissions, server, credential, environment, trace, fallbacks=settings.fallbacks)
        yield from row.sent(_completed(reports, settings, received), settle, keep)


def _completed(reports: Generator[Report], settings: Settings, received: list[Received]) -> Generator[Report]:
    """Each with its profile, and where the sandbox keeps the message."""
    kept = 0
    try:
        for report in reports:
            kept_at = received[kept].path if received and report.accepted else None
            kept += kept_at is not None
            yield report._replace(profile=settings.profile_name, kept_at=kept_at)
    finally:
        reports.close()


def _early_session(settings: Settings, environment: Environment, trace: Trace) -> EarlySession | None:
    """A session that is begun at once; None where there is no way to wait for: a server on this machine."""
    server = settings.server
    is_near = server.proxy is None and ServerURL(server.host, socket_path=server.socket_path).is_this_machine
    if is_near or settings.is_sandbox or server.command is not None:
        return None
    from sendmail_cli.early import EarlySession

    return EarlySession(server, environment, trace)


def _load_keyring() -> None:
    """Loading it takes longer than asking it: that goes while the server is dialled. No password is asked for yet."""
    import keyring.core  # noqa: F401


@contextmanager
def connect(
    settings: Settings,
    environment: Environment,
    *,
    password: Secret | None = None,
    on_event: Callable[[TraceEvent], None] | None = None,
    may_ask: bool = False,
) -> Iterator[Session]:
    """A session as `settings` ask for, signed in; it ends with the block. Raises `MailError`.

    A given `password` is used in place of the stored one.
    """
    credential = (lambda: password) if password is not None else _credential(settings, environment, may_ask=may_ask)
    with _running_server(settings, environment) as (server, _):
        session = open_session(server, credential, environment, Trace(environment.monotonic, on_event))
        try:
            yield session
        finally:
            session.quit()


def inspect(
    settings: Settings,
    environment: Environment,
    *,
    envelope: Envelope | None = None,
    on_step: Callable[[Step], None] = lambda _: None,
    on_event: Callable[[TraceEvent], None] | None = None,
    may_ask: bool = False,
) -> Inspection:
    """Go the way to the server that `settings` name, step by step, and ask it about `envelope`. Nothing is sent.

    `on_step` gets each step as it ends. Raises `MailError` for what is wrong before the first.
    """
    from sendmail_cli import inspection

    credential = _credential(settings, environment, may_ask=may_ask)
    with _running_server(settings, environment) as (server, _):
        return inspection.inspect(
            server, credential, environment, envelope=envelope, on_step=on_step, on_event=on_event
        )


def _credential(settings: Settings, environment: Environment, *, may_ask: bool) -> Callable[[], Secret]:
    """Gives the password, found once: a variable is gone when it was read, and nobody is asked twice.

    A token ends; then another is given.
    """
    found: list[Secret] = []

    def find() -> Secret:
        if not found:
            from sendmail_cli.config.credentials import resolve_credential

            found.append(resolve_credential(settings, environment, may_ask=may_ask)[0])
        return found[0].current() if isinstance(found[0], Token) else found[0]

    return find


@contextmanager
def _running_server(settings: Settings, environment: Environment) -> Iterator[tuple[Server, list[Received]]]:
    """The server of `settings`; that of the sandbox profile runs for as long as the block lasts.

    What it received is in the list by the time its reply arrives.
    """
    received: list[Received] = []
    if not settings.is_sandbox:
        yield settings.server, received
        return
    from sendmail_cli.sandbox import Sandbox, default_folder

    with Sandbox(default_folder(environment), on_message=received.append, environment=environment) as sandbox:
        server = settings.server._replace(
            host=sandbox.host, port=sandbox.port, tls=TLSMode.STARTTLS, ca_file=sandbox.ca_file
        )
        yield server, received
