"""sendmail(1), mailq(1) and newaliases(1): what other programs call. It never imports click, and says nothing unless
something is wrong.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from sendmail_cli import __version__, service
from sendmail_cli.addressees import LocalName, parse_addressees
from sendmail_cli.addresses import Mailbox
from sendmail_cli.cli import interrupts
from sendmail_cli.cli import sendmail_grammar as grammar
from sendmail_cli.cli.endings import hand_over, tell_ending, tell_report, tell_rest
from sendmail_cli.cli.output import Output
from sendmail_cli.cli.sendmail_grammar import SendmailCall, parse_sendmail
from sendmail_cli.config.settings import ServerFlags, service_socket
from sendmail_cli.environment import Environment
from sendmail_cli.errors import AddressError, DataError, InputError, MailError, UsageError
from sendmail_cli.message.source import read_stream
from sendmail_cli.printable import one_line
from sendmail_cli.queue.choice import TAKEN_OVER, QueueMode
from sendmail_cli.request import LocalMail, Request
from sendmail_cli.smtp.envelope import Demands, ReversePath
from sendmail_cli.smtp.parameters import parse_envid, parse_notify, parse_ret
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from sendmail_cli.addressees import Addressee
    from sendmail_cli.queue.choice import Queueing
    from sendmail_cli.smtp.envelope import Notify

    Value = TypeVar("Value")

USAGE = """usage: sendmail [-t] [-f ADDRESS] [-F NAME] [-i] [-v] [--profile NAME] [--] [ADDRESS]...
Sends the message on standard input to the addresses, and with -t to those in its header.
       sendmail -bs                      speak SMTP on standard input and output
       mailq, sendmail -bp; sendmail -q  list what waits; try it now
All other options of sendmail(8) are taken, and those about its own files and habits do nothing.
"""


def main(name: str, arguments: list[str], environment: Environment | None = None) -> int:
    """Run as the program `name`; gives the exit code. It is said on standard error why that isn't 0."""
    environment = environment or Environment()
    output = _output(environment)
    is_debugging = "--debug" in arguments
    try:
        interrupts.listen()
        call = parse_sendmail(arguments)
        for warning in call.warnings:
            output.warn(warning)
        if name == "mailq":
            call = call._replace(mode=grammar.LIST_QUEUE)
        elif name == "newaliases":
            call = call._replace(mode=grammar.NEW_ALIASES)
        return _MODES[call.mode](call, environment)
    except (Exception, KeyboardInterrupt) as error:
        return tell_ending(error, output, is_debugging=is_debugging)


def _output(environment: Environment, *, is_verbose: bool = False) -> Output:
    output = Output(environment, is_verbose=is_verbose, is_quiet=not is_verbose)
    output.stands_in_for = "sendmail"
    return output


def _deliver(call: SendmailCall, environment: Environment) -> ExitCode:
    output = _output(environment, is_verbose=call.is_verbose)
    if environment.stdin is None:
        raise InputError("standard input is closed, and the message was to come from it")
    to = tuple(addressee for text in call.recipients for addressee in parse_addressees(text))
    if not to and not call.is_header_read:
        raise UsageError(
            "no recipients", hint="Name them as arguments, or have them read from the header with -t. --help says more."
        )
    source = read_stream(environment.stdin)
    if source.size == 0:
        raise DataError("standard input is empty, so there is no message")
    sender, envelope_from = _sender(call, output)
    request = Request(
        flags=ServerFlags(profile=call.profile),
        to=to,
        envelope_from=envelope_from,
        demands=_demands(call, output),
        notify=_notify(call, output),
        raw=source,
        local=LocalMail(one_line(call.full_name or ""), sender, call.is_header_read, one_line(call.subject or "")),
        queueing=_queueing(call),
    )
    socket_path = service_socket(request.flags, environment)
    if socket_path is not None:
        return hand_over(request, socket_path, output)
    report = service.send(
        request,
        environment,
        note=output.note,
        warn=output.warn,
        on_event=output.event if call.is_verbose else None,
    )
    interrupts.settle()
    return tell_report(report, output)


def _queueing(call: SendmailCall) -> Queueing:
    return TAKEN_OVER._replace(mode=QueueMode.ALWAYS) if call.is_queued else TAKEN_OVER


def _sender(call: SendmailCall, output: Output) -> tuple[LocalName | None, ReversePath | None]:
    """-f as a name of this machine or as a path; neither where it isn't given."""
    text = call.envelope_from
    if text is None:
        return None, None
    if text.strip() in {"", "<>"}:
        return None, ReversePath(None)
    try:
        found: tuple[Addressee, ...] = parse_addressees(text)
    except AddressError as error:
        output.warn(f"-f is ignored: {error.sentence}")
        return None, None
    if len(found) == 1 and isinstance(found[0], LocalName):
        return found[0], None
    if len(found) == 1 and isinstance(found[0], Mailbox):
        return None, ReversePath(found[0].address)
    output.warn("-f is ignored: it must be one address")
    return None, None


def _demands(call: SendmailCall, output: Output) -> Demands:
    """Reports are a wish here: a program that calls sendmail can't leave the option out, and wants the mail sent."""
    ret = _understood("-R", call.ret, parse_ret, output)
    envid = _understood("-V", call.envid, parse_envid, output)
    return Demands(ret, envid, are_reports_ours=True, require_tls=call.requires_tls)


def _notify(call: SendmailCall, output: Output) -> tuple[Notify, ...]:
    return _understood("-N", call.notify, parse_notify, output) or ()


def _understood(flag: str, text: str | None, parse: Callable[[str], Value], output: Output) -> Value | None:
    """The value of `flag`; None where it isn't given or makes no sense, which is told and no reason to lose a mail."""
    if text is None:
        return None
    try:
        return parse(text)
    except MailError as error:
        output.warn(f"{flag} is ignored: {error.sentence}")
        return None


def _serve(call: SendmailCall, environment: Environment) -> ExitCode:
    from sendmail_cli.intake import Intake
    from sendmail_cli.serving import DescriptorChannel, serve
    from sendmail_cli.smtp.answers import Offer
    from sendmail_cli.smtp.reception import Reception

    output = _output(environment, is_verbose=call.is_verbose)
    socket_path = service_socket(ServerFlags(profile=call.profile), environment)
    if socket_path is not None:
        from sendmail_cli.handover import pass_through

        with suppress(BrokenPipeError):
            pass_through(socket_path, 0, 1)
        return ExitCode.OK
    clerk = Intake(
        environment,
        ServerFlags(profile=call.profile),
        queueing=_queueing(call),
        note=output.note,
        warn=output.warn,
        on_event=output.event if call.is_verbose else None,
    )
    with suppress(BrokenPipeError):  # it left without QUIT
        serve(DescriptorChannel(0, 1), Reception(Offer(environment.hostname() or "localhost")), clerk)
    return ExitCode.OK


def _list_queue(_: SendmailCall, environment: Environment) -> ExitCode:
    from sendmail_cli.cli.queue_view import lines_of_all, other_queue

    is_empty = True
    for lines in lines_of_all(environment):
        Output(environment).answer(lines)
        is_empty = False
    if is_empty:
        Output(environment).answer("Mail queue is empty")
    if (remark := other_queue(environment)) is not None:
        Output(environment).say(remark)
    return ExitCode.OK


def _run_queue(call: SendmailCall, environment: Environment) -> ExitCode:
    """One run; what goes wrong with a mail is said, and no failure of ours."""
    from sendmail_cli import tending

    if tending.leave_to_owner(environment):
        return ExitCode.OK
    output = _output(environment, is_verbose=call.is_verbose)
    on_event = output.event if call.is_verbose else None
    tending.run_once(environment, service.queue_callers(environment, output.warn, partial(tell_rest, output), on_event))
    return ExitCode.OK


def _nothing_to_do(_: SendmailCall, __: Environment) -> ExitCode:
    """Aliases are read at each mail."""
    return ExitCode.OK


def _help(_: SendmailCall, environment: Environment) -> ExitCode:
    Output(environment).answer(USAGE.rstrip("\n"))
    return ExitCode.OK


def _version(_: SendmailCall, environment: Environment) -> ExitCode:
    Output(environment).answer(f"sendmail (sendmail-cli) {__version__}")
    return ExitCode.OK


_MODES: dict[str, Callable[[SendmailCall, Environment], ExitCode]] = {
    grammar.DELIVER: _deliver,
    grammar.SMTP: _serve,
    grammar.LIST_QUEUE: _list_queue,
    grammar.RUN_QUEUE: _run_queue,
    grammar.NEW_ALIASES: _nothing_to_do,
    grammar.HELP: _help,
    grammar.VERSION: _version,
}
