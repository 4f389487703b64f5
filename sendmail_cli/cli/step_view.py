"""How the steps of `check` look: lines for people, objects for programs."""

from __future__ import annotations

from sendmail_cli.cli.json_fields import error_fields
from sendmail_cli.cli.output import PROGRAM, advice, width_of
from sendmail_cli.server import TLSMode
from sendmail_cli.status import ExitCode
from sendmail_cli.steps import Asked, Found, Offer, Reached, Secured, SignIn, Verdict, lines_of
from sendmail_cli.trace import Stage
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any

    from sendmail_cli.cli.output import Output
    from sendmail_cli.config.settings import Settings
    from sendmail_cli.steps import Inspection, Step

TITLES = {
    Stage.LOOKUP: "DNS",
    Stage.CONNECT: "connect",
    Stage.GREETING: "greeting",
    Stage.EHLO: "EHLO",
    Stage.TLS: "TLS",
    Stage.EHLO_AFTER_TLS: "EHLO again",
    Stage.AUTH: "AUTH",
    Stage.MAIL: "MAIL",
    Stage.RCPT: "RCPT",
    Stage.RSET: "RSET",
}
MARKS = {
    Verdict.OK: ("ok", "good"),
    Verdict.WARNING: ("warning", "unsure"),
    Verdict.FAILED: ("FAILED", "bad"),
    Verdict.SKIPPED: ("-", "soft"),
}
MARK = 9  # columns of the mark
TITLE = 12
TIME = 10
TEXT = MARK + TITLE + TIME + 2  # the column where the text begins
NARROWEST = 27  # columns for it; where the terminal leaves less, it begins below the row
ADVICE = MARK


def show_step(step: Step, output: Output) -> None:
    """One step to standard output: a row, what else was found below it, and what to do where it failed."""
    mark, tone = MARKS[step.verdict]
    time = "" if step.seconds is None else f"{step.seconds * 1000:.1f} ms"
    texts = _texts(step) or [""]
    row = f"{'':{MARK - len(mark)}}{TITLES[step.stage]:{TITLE}}{time:>{TIME}}"
    column = TEXT
    if width_of(output.environment.stdout) < TEXT + NARROWEST:
        column = ADVICE
        output.answer_row(mark, tone, row, column)
    else:
        output.answer_row(mark, tone, f"{row}  {texts.pop(0)}", column)
    for text in filter(None, texts):
        output.answer_row("", tone, f"{'':{column}}{text}", column)
    for text in _advice(step):
        output.answer_row("", tone, f"{'':{ADVICE}}{text}", ADVICE)


def closing_line(inspection: Inspection) -> str:
    """What came of it all, in a line."""
    steps = inspection.steps
    nothing_sent = "; nothing was sent" if any(step.stage is Stage.MAIL for step in steps) else ""
    if inspection.error is not None:
        title = next(TITLES[step.stage] for step in steps if step.error is not None)
        code = int(inspection.exit_code)
        if inspection.exit_code is ExitCode.PARTIAL:  # in the words of `explain` somebody has the message
            return f"{title} failed{nothing_sent}; exit code {code}: a send would reach some recipients and not others"
        return f"{title} failed{nothing_sent}; exit code {code}, in words: {PROGRAM} explain {code}"
    warnings = sum(step.verdict is Verdict.WARNING for step in steps)
    with_warnings = "" if not warnings else f", with {warnings} warning{'' if warnings == 1 else 's'}"
    return f"all is well{with_warnings}{nothing_sent}"


def server_line(settings: Settings) -> str:
    """Which server, and how it is spoken to."""
    if settings.is_sandbox:
        return "the sandbox, started for this"
    server, count = settings.server, 1 + len(settings.fallbacks)
    parts = [str(server)]
    if settings.profile_name is not None:
        parts.append(f"profile {settings.profile_name}")
    if server.is_lmtp:
        parts.append("LMTP")
    parts.append(f"TLS {server.tls.value}")
    if server.user is not None:
        parts.append(f"user {server.user}")
    if count > 1:
        parts.append(f"the first of {count} servers (-S for another)")
    return ", ".join(parts)


def inspection_fields(inspection: Inspection, settings: Settings) -> dict[str, Any]:
    """The object that `--json` prints: what holds in the end, then the steps that led there."""
    steps = inspection.steps
    offer = next((step.facts for step in reversed(steps) if isinstance(step.facts, Offer)), None)
    secured = next((step.facts for step in steps if isinstance(step.facts, Secured)), None)
    return {
        "server": "sandbox" if settings.is_sandbox else str(settings.server),
        "profile": settings.profile_name,
        "name": None if offer is None else offer.now.domain,
        "tls": None if secured is None else _tls_fields(secured),
        "extensions": [] if offer is None else list(lines_of(offer.now)),
        "user": settings.server.user,
        "exit_code": int(inspection.exit_code),
        "error": None if inspection.error is None else error_fields(inspection.error),
        "steps": [_step_fields(step) for step in steps],
    }


def _texts(step: Step) -> list[str]:
    """What is to be read of a step, a line each."""
    if step.error is not None:
        return [step.error.sentence]
    if isinstance(step.facts, Asked):
        return [f"{step.facts.path}: {'; '.join(step.remarks) if step.reply is None else step.reply}"]
    return [*_found(step), *step.remarks]


def _found(step: Step) -> Iterator[str]:
    reply = "" if step.reply is None else str(step.reply)
    match step.facts:
        case Found(_, addresses):
            yield ", ".join(addresses)
        case Reached(address, port, others):
            yield address if port is None else f"{address} port {port}"
            for other, why in others:
                yield f"{other}: {why}"
        case Secured():
            yield from _secured(step.facts)
        case Offer():
            yield from _offered(step.facts)
        case SignIn(user, mechanisms):
            *refused, mechanism = mechanisms
            yield f"{user} by {mechanism}" if user else f"by {mechanism}"
            if refused:
                yield f"not taken: {', '.join(refused)}"
        case None if reply and step.stage is not Stage.TLS:
            yield reply


def _advice(step: Step) -> Iterator[str]:
    """What is too long for its column, or to be done."""
    if isinstance(step.facts, Secured) and not step.facts.tls.is_verified:
        yield step.facts.tls.fingerprint
    if step.error is not None:
        if step.error.server_reply:
            yield f"the server said: {step.error.server_reply}"
        yield from advice(step.error)


def _secured(facts: Secured) -> Iterator[str]:
    tls = facts.tls
    yield f"{'from the first byte' if facts.by is TLSMode.IMPLICIT else 'by STARTTLS'}, {tls.version}, {tls.cipher}"
    yield f"certificate {tls.subject}"
    if tls.issuer == tls.subject:
        yield "signed by itself"
    elif tls.issuer:
        yield f"issued by {', in turn by '.join(tls.chain[1:]) or tls.issuer}"
    if tls.names:
        yield f"for {', '.join(tls.names)}"
    if tls.not_after is not None and facts.days_left is not None:
        left = f", {facts.days_left} day{'' if facts.days_left == 1 else 's'} left" if facts.days_left >= 0 else ""
        yield f"valid until {tls.not_after:%Y-%m-%d}{left}"


def _offered(offer: Offer) -> Iterator[str]:
    extensions = ", ".join(lines_of(offer.now)) or "nothing"
    yield f"{offer.now.domain or 'a server without a name'} offers {extensions}"
    if offer.before is None:
        return
    if offer.new:
        yield f"new: {', '.join(offer.new)}"
    if offer.changed:
        yield f"changed: {', '.join(f'{before} → {now}' for before, now in offer.changed)}"
    if offer.gone:
        yield f"gone: {', '.join(offer.gone)}"


def _step_fields(step: Step) -> dict[str, Any]:
    error = step.error
    return {
        "name": step.stage.value,
        "verdict": step.verdict.value,
        "seconds": None if step.seconds is None else round(step.seconds, 6),
        "details": _details(step.facts),
        "message": error.sentence if error is not None else "; ".join(step.remarks) or None,
        "server_reply": None if step.reply is None else str(step.reply),
        "hint": None if error is None else " ".join(advice(error)) or None,
        "exit_code": None if error is None else int(error.exit_code),
    }


def _details(facts: object) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    match facts:
        case Found(host, addresses):
            fields = {"host": host, "addresses": list(addresses)}
        case Reached(address, port, others):
            fields = {
                "address": address,
                "port": port,
                "others": [{"address": other, "reason": why} for other, why in others],
            }
        case Secured():
            fields = _tls_fields(facts)
        case Offer(now, before):
            fields = {"name": now.domain, "extensions": list(lines_of(now))}
            if before is not None:
                changed = [{"before": old, "now": new} for old, new in facts.changed]
                fields |= {"new": list(facts.new), "changed": changed, "gone": list(facts.gone)}
        case SignIn(user, mechanisms):
            fields = {"user": user or None, "mechanism": mechanisms[-1], "refused": list(mechanisms[:-1])}
        case Asked(path):
            fields = {"path": path}
    return fields


def _tls_fields(facts: Secured) -> dict[str, Any]:
    tls = facts.tls
    return {
        "by": facts.by.value,
        "version": tls.version,
        "cipher": tls.cipher,
        "certificate": tls.subject,
        "is_verified": tls.is_verified,
        "issuer": tls.issuer,
        "chain": list(tls.chain),
        "names": list(tls.names),
        "not_before": _moment(tls.not_before),
        "not_after": _moment(tls.not_after),
        "days_left": facts.days_left,
        "fingerprint": tls.fingerprint,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
