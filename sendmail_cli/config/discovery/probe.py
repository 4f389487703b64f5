"""Trying servers: who answers, speaks TLS with a certificate that holds, and greets. No secret is said."""

from __future__ import annotations

from functools import partial
from queue import Empty, SimpleQueue

from sendmail_cli.config.errand import Errand
from sendmail_cli.errors import DeadlineExceeded
from sendmail_cli.opening import begin_session
from sendmail_cli.trace import Trace
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendmail_cli.environment import Environment
    from sendmail_cli.errors import MailError
    from sendmail_cli.server import Server

PHASE_SECONDS = 8.0  # for each phase: connect, TLS, greeting, EHLO
PROBE_SECONDS = 20.0  # for all of them
GRACE_SECONDS = 3.0  # for a better server, once one that is less good has answered


class Probed(NamedTuple):
    """What a server showed of itself."""

    mechanisms: tuple[str, ...]  # to sign in by, under TLS
    version: str = ""  # of TLS; "" without
    fingerprint: str = ""  # of its certificate, as a pin


def probe(server: Server, environment: Environment) -> Probed:
    """Go to `server` up to the sign-in, and say goodbye. Raises `MailError`."""
    capped = server._replace(timeout=min(server.timeout or PHASE_SECONDS, PHASE_SECONDS))
    session = begin_session(capped, environment, Trace(environment.monotonic))
    try:
        facts = session.stream.tls_facts()
        mechanisms = session.capabilities.auth_mechanisms
    finally:
        session.quit()
    return Probed(mechanisms) if facts is None else Probed(mechanisms, facts.version, facts.fingerprint)


def probe_all(servers: Sequence[Server], environment: Environment) -> list[Probed | MailError]:
    """What came of each of `servers`, side by side. Nobody waits long for a better one where a later one stands."""
    ended: SimpleQueue[None] = SimpleQueue()
    errands = [Errand(partial(probe, each, environment), lambda: ended.put(None)) for each in servers]
    clock = environment.monotonic
    deadline = clock() + PROBE_SECONDS
    while not _is_settled(errands) and clock() < deadline:
        try:
            ended.get(timeout=max(0.0, deadline - clock()))
        except Empty:
            break
        if any(isinstance(each.outcome(), Probed) for each in errands):
            deadline = min(deadline, clock() + GRACE_SECONDS)
    return [_late() if not each.is_ended else each.outcome() for each in errands]


def _is_settled(errands: Sequence[Errand[Probed]]) -> bool:
    """True when the first that isn't lost has won, or all are lost."""
    for each in errands:
        if not each.is_ended:
            return False
        if isinstance(each.outcome(), Probed):
            return True
    return True


def _late() -> DeadlineExceeded:
    return DeadlineExceeded(f"no answer within {PROBE_SECONDS:.0f} seconds")
