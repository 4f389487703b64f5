"""The page that `--trace FILE.html` makes: the dialogue as a waterfall, each reply explained, and what came of it.

Its Content-Security-Policy names the one style sheet by its hash, and bars are drawn by SVG attributes, which it leaves
alone: see `page`.
"""

from __future__ import annotations

import math
import time
from base64 import b64encode
from hashlib import sha256

from sendmail_cli import __version__
from sendmail_cli.cli.exit_codes import EXIT_CODE_MEANINGS
from sendmail_cli.cli.output import PROGRAM, explained, word_for
from sendmail_cli.cli.page import END, head, text_of
from sendmail_cli.cli.trace_style import STYLE
from sendmail_cli.report import Action
from sendmail_cli.smtp.explanations.lookup import explain_reply
from sendmail_cli.status import ExitCode
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sendmail_cli.cli.trace_file import Ending
    from sendmail_cli.environment import Environment
    from sendmail_cli.report import RecipientOutcome
    from sendmail_cli.smtp.replies import Reply
    from sendmail_cli.trace import TraceEvent

SHORTEST = 0.0001  # of the axis; a bar of no width at all would not be drawn
TICKS = 5  # on the time axis, or a few more or less
LATE = 70  # per cent of the axis; a label after a bar that ends beyond it might not fit
EARLY = 30  # per cent; nor one before a bar that begins up to here

COMMANDS = {
    "EHLO": "We say who we are, and ask what the server can do.",
    "HELO": "We say who we are, as it was done before there were extensions.",
    "LHLO": "We say who we are, and ask what the server can do.",
    "STARTTLS": "We ask to go on encrypted.",
    "AUTH": "We sign in. What is secret shows as ***.",
    "***": "Our answer to the sign-in's challenge. It is secret, and shows as ***.",
    "*": "We give this way to sign in up.",
    "MAIL": "We name the address that failures are reported to.",
    "RCPT": "We name a recipient.",
    "DATA": "We ask to send the message.",
    "BDAT": "We send a piece of the message, or the last of it.",
    ".": "The message is complete. From here on it is the server's.",
    "RSET": "We start over; nothing of the transaction before stays.",
    "QUIT": "We say goodbye.",
    "NOOP": "We ask for nothing but an answer.",
    "VRFY": "We ask whether the server knows this address.",
    "EXPN": "We ask who is on this list.",
    "HELP": "We ask for help.",
    "ETRN": "We ask the server to deliver what waits for this host.",
}
WHO = {"sent": "we", "content": "we", "received": "server", "note": "note", "end": "end"}
SPOKEN = {"we": "we say", "server": "the server says", "note": "note", "end": "it ends"}
MARKS = {"we": "→", "server": "←", "note": "·", "end": "×"}

LOCK = (
    '<svg class="lock" viewBox="0 0 16 16" role="img" aria-label="encrypted"><title>encrypted (TLS)</title>'
    '<path d="M4.5 7V5a3.5 3.5 0 0 1 7 0v2h.7c.5 0 .8.4.8.8v5.4c0 .5-.3.8-.8.8H3.8a.8.8 0 0 1-.8-.8V7.8c0-.4.3-.8'
    '.8-.8h.7Zm1.6 0h3.8V5a1.9 1.9 0 0 0-3.8 0v2Z"/></svg>'
)


class Step(NamedTuple):
    """One row: what one side said, with all its lines."""

    who: str  # a key of SPOKEN
    lines: tuple[str, ...]
    start: float  # seconds since the dial
    end: float
    is_secured: bool
    tone: str = ""  # "good", "unsure" or "bad"
    words: tuple[str, ...] = ()  # what it means, what to do
    source: str = ""  # who says so


def page(events: Sequence[TraceEvent], ending: Ending, environment: Environment) -> str:
    """The page, whole."""
    steps = list(_steps(events, ending))
    seconds = max([ending.at, 1e-6, *(step.end for step in steps)])
    body = [*_header(events, ending, seconds, environment), *_recipients(ending), *_dialogue(steps, seconds)]
    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return "\n".join([*head(_title(ending), STYLE, policy), "<main>", *body, "</main>", *_footer(), *END])


def _footer() -> Iterator[str]:
    yield f"<footer>Written by {PROGRAM} {__version__} with <code>--trace</code>. Every secret shows as ***; "
    yield "the message itself is not in here, addresses are.</footer>"


def _title(ending: Ending) -> str:
    code = "" if ending.exit_code is None else f", exit code {int(ending.exit_code)}"
    return f"{_verdict(ending)[1]}: {_server(ending)}{code}"


def _verdict(ending: Ending) -> tuple[str, str]:
    """Tone and a word or two."""
    code, report = ending.exit_code, ending.report
    if code is ExitCode.OK:
        return "good", "All is well" if report is None else "Sent"
    if code is ExitCode.PARTIAL:
        return "unsure", "Partly delivered"
    if code is ExitCode.IN_DOUBT:
        return "unsure", "In doubt"
    if ending.stopped:
        return "bad", ending.stopped.capitalize()
    if code is ExitCode.TEMPFAIL:
        return "unsure", "Not now"
    return "bad", "It failed" if report is None else "Not delivered"


def _server(ending: Ending) -> str:
    if ending.report is not None:
        return ending.report.server
    if ending.settings is None:
        return "no server yet"
    return "the sandbox" if ending.settings.is_sandbox else str(ending.settings.server)


def _header(events: Sequence[TraceEvent], ending: Ending, seconds: float, environment: Environment) -> Iterator[str]:
    tone, word = _verdict(ending)
    yield f'<header class="{tone}">\n<p class="server">{text_of(_server(ending))}</p>\n<h1>{text_of(word)}</h1>'
    sentence = ending.sentence.removeprefix(word.lower()).removeprefix(": ")
    if sentence:
        yield f'<p class="sentence">{text_of(sentence)}</p>'
    for line in ending.advice:
        yield f'<p class="advice">{text_of(line)}</p>'
    yield "<dl>"
    profile = ending.settings.profile_name if ending.settings is not None else None
    code = ending.exit_code
    facts = (
        ("exit code", "none yet" if code is None else f"{int(code)} – {EXIT_CODE_MEANINGS[code]}"),
        ("total time", _duration(seconds if events else 0.0)),
        ("encryption", _encryption(events)),
        ("began", time.strftime("%Y-%m-%d %H:%M:%S %z", environment.local_time(ending.began))),
        ("profile", profile or "none"),
        ("message", ending.report.message_id if ending.report is not None else ""),
    )
    for name, value in facts:
        if value:
            yield f"<div><dt>{name}</dt><dd>{text_of(value)}</dd></div>"
    yield "</dl>\n</header>"


def _encryption(events: Sequence[TraceEvent]) -> str:
    begins = next((event for event in events if event.is_secured), None)
    if begins is not None:
        return ", ".join(begins.text.split(", ")[:2])
    return "none, all of it in the clear" if any(event.kind != "note" for event in events) else ""


def _recipients(ending: Ending) -> Iterator[str]:
    if ending.report is None:
        return
    yield '<section>\n<h2>Recipients</h2>\n<ul class="recipients rows card">'
    for outcome in ending.report.outcomes:
        said = outcome.text if outcome.code is None else f"{outcome.code} {outcome.text}"
        yield f'<li class="{_tone_of(outcome)}"><span class="word">{word_for(outcome)}</span>'
        yield f"<div><code>{text_of(outcome.address)}</code><p><code>{text_of(said)}</code></p>"
        yield from (f'<p class="words">{text_of(line)}</p>' for line in explained(outcome))
        yield "</div></li>"
    yield "</ul>\n</section>"


def _tone_of(outcome: RecipientOutcome) -> str:
    if outcome.action is Action.RELAYED:
        return "good"
    return "bad" if outcome.action is Action.FAILED else "unsure"


def _dialogue(steps: Sequence[Step], seconds: float) -> Iterator[str]:
    yield "<section>\n<h2>Dialogue</h2>"
    if not steps:
        yield '<p class="words">Nothing was said.</p>\n</section>'
        return
    ticks = _ticks(seconds)
    yield '<p class="legend"><span class="we">→ we say</span><span class="server">← the server says</span>'
    yield f"<span>{LOCK} encrypted</span><span>a bar is the time that a step took</span></p>"
    yield '<svg class="grid" aria-hidden="true"><defs><g id="grid">'
    yield "".join(f'<line x1="{_percent(at, seconds)}" x2="{_percent(at, seconds)}" y1="0" y2="100%"/>' for at in ticks)
    yield "</g></defs></svg>"
    yield '<div class="axis" aria-hidden="true"><span></span><svg>'
    yield "".join(f'<text x="{_percent(at, seconds)}" y="14">{_duration(at)}</text>' for at in ticks)
    yield '</svg></div>\n<ol class="steps card">'
    for step in steps:
        yield from _row(step, seconds)
    yield "</ol>\n</section>"


def _row(step: Step, seconds: float) -> Iterator[str]:
    hover = " ".join((*step.words, f"({step.source})" if step.source else "")).strip()
    title = f' title="{text_of(hover)}"' if hover else ""
    secured = " secured" if step.is_secured else ""
    yield f'<li class="{step.who} {step.tone}{secured}"{title}>'
    yield f'<span class="at">{text_of(_duration(step.end))}</span>'
    yield f'<span class="mark">{LOCK if step.is_secured else ""}<b aria-hidden="true">{MARKS[step.who]}</b>'
    yield f'<span class="spoken">{SPOKEN[step.who]}</span></span>'
    lines = "\n".join(map(_said_by_server if step.who == "server" else text_of, step.lines))
    yield f'<div class="said">{f"<pre>{lines}</pre>" if step.who in {"we", "server"} else f"<p>{lines}</p>"}'
    yield from (f'<p class="words">{text_of(line)}</p>' for line in step.words)
    yield f"</div>{_lane(step, seconds)}</li>"


def _said_by_server(line: str) -> str:
    return f"<b>{text_of(line[:3])}</b>{text_of(line[3:])}"


def _lane(step: Step, seconds: float) -> str:
    """The bar on the common axis, and how long it took: after the bar, or before it, or in it where it takes all."""
    took = _duration(step.end - step.start)
    place, at, distance = "after", step.end, 7
    if 100 * step.end / seconds > LATE:
        place, at, distance = ("before", step.start, -7) if 100 * step.start / seconds > EARLY else ("in", step.end, -7)
    x, width = _percent(step.start, seconds), _percent(max(step.end - step.start, SHORTEST * seconds), seconds)
    return (
        f'<div class="lane"><svg role="img" aria-label="took {text_of(took)}"><use href="#grid"/>'
        f'<rect class="bar" x="{x}" width="{width}" y="4.5" height="13" rx="2"/>'
        f'<text class="{place}" x="{_percent(at, seconds)}" y="15" dx="{distance}">{text_of(took)}</text></svg></div>'
    )


def _steps(events: Iterable[TraceEvent], ending: Ending) -> Iterator[Step]:
    """The lines of a reply are one step; a failure is the last, as long as it was waited for."""
    lines: list[TraceEvent] = []
    is_secured = False
    for event in events:
        lines.append(event)
        is_secured = event.is_secured
        if event.kind != "received" or event.reply is not None:
            yield _step(lines)
            lines = []
    if lines:  # the file was ended in the middle of a reply
        yield _step(lines)
    if ending.exit_code is ExitCode.OK or _is_decided_by_replies(ending):
        return
    start = ending.at - ending.seconds
    tone, _ = _verdict(ending)
    yield Step("end", (ending.sentence,), start, ending.at, is_secured, tone)


def _is_decided_by_replies(ending: Ending) -> bool:
    """True when nothing but what the server said of the message ended it."""
    report = ending.report
    return report is not None and report.error is None and not any(each.is_in_doubt for each in report.outcomes)


def _step(events: Sequence[TraceEvent]) -> Step:
    first, last = events[0], events[-1]
    step = Step(
        WHO[first.kind],
        tuple(event.text for event in events),
        max(first.at - first.seconds, 0.0),
        last.at,
        last.is_secured,
    )
    if last.reply is not None:
        return _explained_step(step, last.reply)
    if first.kind == "content":
        return step._replace(words=("The message goes out. What is in it is not shown.",))
    known = COMMANDS.get(first.text.partition(" ")[0]) if first.kind == "sent" else None
    return step._replace(words=(known,)) if known else step


def _explained_step(step: Step, reply: Reply) -> Step:
    explanation = explain_reply(reply.code, reply.enhanced, reply.text)
    tone = {4: "unsure", 5: "bad"}.get(reply.code // 100, "good")
    words = tuple(filter(None, (explanation.meaning, explanation.advice)))
    return step._replace(tone=tone, words=words, source=explanation.source)


def _ticks(seconds: float) -> list[float]:
    """From zero in round steps."""
    rough = seconds / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.9)
    return [index * step for index in range(int(seconds / step) + 1)]


def _percent(part: float, whole: float) -> str:
    return f"{min(max(100 * part / whole, 0.0), 100.0):.3f}%"


def _duration(seconds: float) -> str:
    if 0 < seconds < 0.000005:
        return "< 0.01 ms"
    if seconds < 0.0995:
        return f"{seconds * 1000:.3g} ms" if seconds >= 0.001 or not seconds else f"{seconds * 1000:.2f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.4g} s"
