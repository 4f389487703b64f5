"""Dialogues as text files: what server and client say, and what must come of it; played in memory and over sockets.

A file begins with header lines and goes on with the script that `scripted_server` describes. Headers:

    About: what this dialogue shows                       Covers: trap05 duty32, the rows that it guards
    Exit: 75                                              Outcome: bob@example.net delayed 421 (or - for no code)
    Words: said to the user, in any place                 Not-Shown: never said to the user, nor in the trace
    Trace: stands in a line of the trace
    From: ada@example.org, or <>                          To: bob@example.net (repeatable)
    Body: Subject: x\\r\\n\\r\\nHello\\r\\n (escapes as in scripts)   Chunk: octets of a piece
    Size: announced octets, where it isn't the body's     UTF8-Header: yes
    User: / Password: / Auth:                             Tls: none, starttls, opportunistic, implicit
    Certificate: yes (the client has one)
    Peer: remote (is not this machine)                    Timeouts: greeting=0.3 content=0.3
    Players: the ones that it is for, where not for all
    Messages: 3 (the same one three times)                Lmtp: yes    Chunking: eager    All-Or-None: yes
    Pipelining: eager
    Notify: Ret: Envid: Require-TLS: yes                  Mail-Param: / Rcpt-Param: KEY=VALUE (repeatable)

What the client says is compared octet by octet, and nothing may follow it.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sendmail_cli import delivery, opening
from sendmail_cli.addresses import parse_addr_spec
from sendmail_cli.environment import Environment
from sendmail_cli.errors import ConnectionLost, DataError, DeadlineExceeded
from sendmail_cli.net.stream import Stream
from sendmail_cli.net.tls import TLSFacts
from sendmail_cli.report import Action, Report
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, Timeouts, TLSMode
from sendmail_cli.smtp.envelope import Demands, ReversePath, envelope_of
from sendmail_cli.smtp.parameters import parse_envid, parse_notify, parse_parameter, parse_ret
from sendmail_cli.status import ExitCode
from sendmail_cli.submission import Submission
from sendmail_cli.trace import Trace, TraceEvent
from tests.support.certificates import server_context, write_ca_file, write_client_certificate
from tests.support.patience import PATIENCE
from tests.support.scripted_server import (
    Close,
    Drip,
    Hear,
    HearAnything,
    HearContent,
    HearLine,
    Say,
    ScriptedServer,
    Stall,
    StartTLS,
    Step,
    octets,
    parse_step,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

CLIENT = "client.example.org"
DEFAULT_BODY = "Subject: Greeting\\r\\n\\r\\nHello\\r\\n"
_HEADER = re.compile(r"([A-Z][A-Za-z0-9-]+): ?(.*)")


@dataclass(frozen=True)
class Octets:
    """A content given as octets."""

    data: bytes
    size: int
    has_utf8_header: bool = False
    chunk: int = 65536

    @property
    def is_7bit(self) -> bool:
        return self.data.isascii()

    def as_7bit(self) -> Octets:
        if not self.is_7bit:
            raise DataError("the content is signed, and the server has no 8BITMIME")
        return self

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.data), self.chunk):
            yield self.data[start : start + self.chunk]


def content_of(data: bytes, *, chunk: int = 65536) -> Octets:
    """`data` as a content."""
    return Octets(data, len(data), chunk=chunk)


def submission_of(data: bytes, *recipients: str, sender: str = "ada@example.org") -> Submission:
    """`data` as a submission for `recipients`, bob@example.net where there are none."""
    to = tuple(map(parse_addr_spec, recipients or ("bob@example.net",)))
    return Submission(envelope_of(reverse_path_of(sender), to), content_of(data), "<1@example.org>")


def reverse_path_of(text: str) -> ReversePath:
    """An address, or `<>`."""
    return ReversePath(None if text == "<>" else parse_addr_spec(text))


class TestEnvironment(Environment):
    """An environment with a name of its own, and a clock that may be another."""

    __test__ = False

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        super().__init__({})
        self._clock = clock

    def hostname(self) -> str:
        return CLIENT

    def monotonic(self) -> float:
        return super().monotonic() if self._clock is None else self._clock()


class Dialogue:
    """One file."""

    def __init__(self, text: str, name: str = "") -> None:
        self.name = name
        self.headers: dict[str, list[str]] = {}
        self.steps: list[Step] = []
        for line in text.splitlines():
            header = _HEADER.fullmatch(line)
            if header is not None:
                self.headers.setdefault(header[1], []).append(header[2])
            elif line.strip() and not line.startswith("#"):
                self.steps.append(parse_step(line))

    def get(self, header: str, default: str = "") -> str:
        """The header's value; of several the last."""
        return self.headers.get(header, [default])[-1]

    @property
    def players(self) -> tuple[str, ...]:
        """The players that can play it."""
        if "Players" in self.headers:
            return tuple(self.get("Players").split())
        over_tls = () if self.tls is not TLSMode.NONE else ("socket_with_tls",)
        return (*IN_MEMORY, "socket", *over_tls)

    @property
    def tls(self) -> TLSMode:
        """How the client is told to use TLS."""
        return TLSMode(self.get("Tls", "none"))

    @property
    def submission(self) -> Submission:
        """The message that the client is given."""
        sender = self.get("From", "ada@example.org")
        recipients = tuple(map(parse_addr_spec, self.headers.get("To", ["bob@example.net"])))
        body = octets(self.get("Body", DEFAULT_BODY))
        content = Octets(
            body, int(self.get("Size", str(len(body)))), "UTF8-Header" in self.headers, int(self.get("Chunk", "65536"))
        )
        notify = parse_notify(self.get("Notify")) if "Notify" in self.headers else ()
        envelope = envelope_of(reverse_path_of(sender), recipients, notify=notify, demands=self.demands)
        return Submission(envelope, content, "<1@example.org>")

    @property
    def demands(self) -> Demands:
        """What is asked of the server for the whole message."""
        return Demands(
            ret=parse_ret(self.get("Ret")) if "Ret" in self.headers else None,
            envid=parse_envid(self.get("Envid")) if "Envid" in self.headers else None,
            require_tls="Require-TLS" in self.headers,
            mail_parameters=tuple(map(parse_parameter, self.headers.get("Mail-Param", []))),
            rcpt_parameters=tuple(map(parse_parameter, self.headers.get("Rcpt-Param", []))),
            all_or_none="All-Or-None" in self.headers,
        )

    @property
    def submissions(self) -> list[Submission]:
        """The messages, one after the other."""
        return [self.submission] * int(self.get("Messages", "1"))

    def server(self, host: str, port: int, *, tls: TLSMode, folder: Path) -> Server:
        """The server as the client is told of it; certificates are put into `folder`."""
        ours = tuple(map(str, write_client_certificate(folder))) if "Certificate" in self.headers else (None, None)
        return Server(
            host,
            port,
            tls=tls,
            tls_cert=ours[0],
            tls_key=ours[1],
            user=self.headers.get("User", [None])[-1],
            auth=self.get("Auth", "auto"),
            ca_file=write_ca_file(folder),
            is_lmtp="Lmtp" in self.headers,
            is_pipelining_eager="Pipelining" in self.headers,
            is_chunking_eager="Chunking" in self.headers,
        )

    @property
    def timeouts(self) -> Timeouts:
        """Those named in the file, PATIENCE for the others."""
        pairs = (pair.split("=") for pair in self.get("Timeouts").split())
        named = {name: float(seconds) for name, seconds in pairs}
        return Timeouts(**{**dict.fromkeys(Timeouts._fields, PATIENCE), "quit": 0.2, **named})


@dataclass
class Result:
    """What came of a dialogue."""

    reports: list[Report]
    trace: list[TraceEvent]
    fault: str  # how client or server departed from the script

    @property
    def report(self) -> Report:
        """What became of the last message."""
        return self.reports[-1]

    @property
    def shown(self) -> str:
        """All that a user may be shown."""
        texts = [outcome.text for report in self.reports for outcome in report.outcomes]
        for report in self.reports:
            if report.error is not None:
                texts += [str(report.error), repr(report.error), report.error.hint, report.error.server_reply]
        return "\n".join(texts)


def play(dialogue: Dialogue, player: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Result:
    """Have the client deliver the dialogue's message to a server that plays its script."""
    monkeypatch.setattr(opening, "Timeouts", lambda: dialogue.timeouts)
    if player in IN_MEMORY:
        return _play_in_memory(dialogue, IN_MEMORY[player], monkeypatch, folder)
    return _play_over_socket(dialogue, monkeypatch, folder, with_tls=player == "socket_with_tls")


def check(dialogue: Dialogue, result: Result) -> None:
    """Compare what came of it with what the file says."""
    report = result.report
    seen = f"{report.outcomes}\n{report.error!r}\n{result.trace}"
    assert result.fault == "", f"{result.fault}\n{seen}"
    assert report.exit_code == ExitCode(int(dialogue.get("Exit", "0"))), seen
    _check_outcomes(dialogue, result.reports)
    for words in dialogue.headers.get("Words", []):
        assert words in result.shown, seen
    traced = [event.text for event in result.trace]
    for words in dialogue.headers.get("Trace", []):
        assert any(words in text for text in traced), traced
    for text in (result.shown, *traced):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text), text
        for secret in (*dialogue.headers.get("Not-Shown", []), *dialogue.headers.get("Password", [])):
            assert secret.lower() not in text.lower()


def _check_outcomes(dialogue: Dialogue, reports: list[Report]) -> None:
    found = [
        f"{outcome.address} {outcome.action.value} {'-' if outcome.code is None else outcome.code}"
        for report in reports
        for outcome in report.outcomes
    ]
    is_all = all(report.exit_code is ExitCode.OK for report in reports)
    assert not is_all or all(report.error is None for report in reports)
    if "Outcome" in dialogue.headers:
        assert found == dialogue.headers["Outcome"]
        return
    relayed = [outcome.action is Action.RELAYED for report in reports for outcome in report.outcomes]
    assert relayed == [is_all] * len(found)


def _delivered(
    submissions: list[Submission],
    server: Server,
    credential: Callable[[], Secret],
    environment: Environment,
    trace: Trace,
) -> list[Report]:
    if len(submissions) == 1:
        return [delivery.deliver(submissions[0], server, credential, environment, trace)]
    return list(delivery.deliver_all(submissions, server, credential, environment, trace))


# Over a socket


def _play_over_socket(dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch, folder: Path, *, with_tls: bool) -> Result:
    mode = TLSMode.IMPLICIT if with_tls else dialogue.tls
    if dialogue.get("Peer") == "remote":
        monkeypatch.setattr(Stream, "is_local", property(lambda _: False))
    trace: list[TraceEvent] = []
    environment = TestEnvironment()
    context = server_context() if mode is TLSMode.IMPLICIT else None
    with ScriptedServer(dialogue.steps, tls=context, starttls=server_context()) as script:
        server = dialogue.server(script.host, script.port, tls=mode, folder=folder)
        reports = _delivered(
            dialogue.submissions,
            server,
            lambda: Secret(dialogue.get("Password")),
            environment,
            Trace(environment.monotonic, trace.append),
        )
    fault = "; ".join(script.faults)
    expected = b"".join(step.data for step in dialogue.steps if isinstance(step, Hear))
    is_free = any(isinstance(step, HearAnything | HearLine | HearContent) for step in dialogue.steps)
    if not fault and not is_free and script.received != expected:
        fault = f"the client went on to say {script.received[len(expected) :][:200]!r}"
    return Result(reports, trace, fault)


# In memory


def _in_one_chunk(data: bytes) -> list[bytes]:
    return [data] if data else []


def _byte_by_byte(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


def _reply_by_reply(data: bytes) -> list[bytes]:
    return [match[0] for match in re.finditer(rb"(?:[^\n]{3}-[^\n]*\n)*[^\n]*(?:\n|$)", data) if match[0]]


IN_MEMORY: dict[str, Callable[[bytes], list[bytes]]] = {
    "in_one_chunk": _in_one_chunk,
    "byte_by_byte": _byte_by_byte,
    "reply_by_reply": _reply_by_reply,
}
PLAYERS = (*IN_MEMORY, "socket", "socket_with_tls")


def _play_in_memory(
    dialogue: Dialogue, split: Callable[[bytes], list[bytes]], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> Result:
    clock = Clock()
    stream = MemoryStream(dialogue.steps, split, clock, is_local=dialogue.get("Peer") != "remote")
    monkeypatch.setattr(opening, "dial", lambda *_: stream)
    trace: list[TraceEvent] = []
    reports = _delivered(
        dialogue.submissions,
        dialogue.server("mx.example.com", 25, tls=dialogue.tls, folder=folder),
        lambda: Secret(dialogue.get("Password")),
        TestEnvironment(clock),
        Trace(clock, trace.append),
    )
    return Result(reports, trace, stream.verdict())


class Clock:
    """A clock that goes on only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class MemoryStream:
    """Stands in for `Stream`: what the script says can be read as soon as the client has said what comes before it.

    A client that speaks although the server has not been heard to its end departs from the script: that would be
    pipelining where none was offered, or an answer that nobody read.
    """

    def __init__(
        self, steps: list[Step], split: Callable[[bytes], list[bytes]], clock: Clock, *, is_local: bool
    ) -> None:
        self.unsent = 0
        self.is_local = is_local
        self.local_address = "192.0.2.1"
        self._steps = deque(steps)
        self._split = split
        self._clock = clock
        self._readable: deque[bytes] = deque()
        self._half_heard = bytearray()
        self._drip = 0.0
        self._is_ended = self._is_stalled = self._is_deaf = self._is_secured = False
        self._is_closed = False
        self._fault = ""
        self._advance()

    def verdict(self) -> str:
        """How the client departed from the script, or ""."""
        if not self._fault and not self._is_closed:
            return "the client did not close the connection"
        if not self._fault and self._steps and not self._is_ended:
            return f"the client left before {self._steps[0]}"
        return self._fault

    @property
    def has_input(self) -> bool:
        return bool(self._readable) or self._is_ended

    def read(self, deadline: float) -> bytes:
        if self._readable:
            self._clock.now += self._drip
            if self._clock.now > deadline:
                raise DeadlineExceeded("the server took too long to answer")
            return self._readable.popleft()
        if self._is_ended:
            return b""
        if not self._is_stalled and self._steps:
            self._depart(f"the client waits, and the server for {self._steps[0]}")
        self._clock.now = max(self._clock.now, deadline)
        raise DeadlineExceeded("the server took too long to answer")

    def read_available(self) -> bytes | None:
        if self._readable:
            return self._readable.popleft()
        return b"" if self._is_ended else None

    def write(self, data: bytes, deadline: float) -> None:
        assert deadline >= self._clock.now
        self.unsent = len(data)
        if self._is_ended:
            raise ConnectionLost("the connection to the server broke: broken pipe")
        self._half_heard += data
        while self._half_heard and not self._is_deaf and not self._is_stalled:
            self._hear()
        self.unsent = 0

    def start_tls(self, context: object, host: str, deadline: float) -> None:
        assert context is not None
        assert host == "mx.example.com"
        assert deadline > self._clock.now
        if self._readable or not (self._steps and isinstance(self._steps[0], StartTLS)):
            self._depart("the client began TLS before its time")
        self._steps.popleft()
        self._is_secured = True
        self._advance()

    @property
    def is_secured(self) -> bool:
        return self._is_secured

    def tls_facts(self) -> TLSFacts | None:
        if not self._is_secured:
            return None
        return TLSFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "CN=mx.example.com", "sha256:00", is_verified=True)

    def close(self) -> None:
        self._is_closed = True

    def _hear(self) -> None:
        if self._readable:
            self._depart(f"the client said {bytes(self._half_heard)!r} before it heard {self._readable[0]!r}")
        if not self._steps:
            self._depart(f"the client went on to say {bytes(self._half_heard[:200])!r}")
        step = self._steps[0]
        if isinstance(step, Hear):
            length = min(len(step.data), len(self._half_heard))
            said = bytes(self._half_heard[:length])
            if said != step.data[:length]:
                self._depart(f"expected {step.data[:200]!r} and heard {said[:200]!r}")
            self._steps[0] = Hear(step.data[length:])
            del self._half_heard[:length]
            if length < len(step.data):
                return
        else:
            self._depart(f"{step} can't be played in memory")
        self._steps.popleft()
        self._advance()

    def _advance(self) -> None:
        saying = b""
        while self._steps and isinstance(self._steps[0], Say | Close | Stall | Drip | HearAnything):
            step = self._steps.popleft()
            match step:
                case Say(data):
                    saying += data
                case Drip(seconds):
                    self._drip = seconds
                case Close():
                    self._is_ended = True
                case Stall():
                    self._is_stalled = True
                case HearAnything():
                    self._is_deaf = True
        self._readable.extend(self._split(saying) if not self._drip else _byte_by_byte(saying))

    def _depart(self, fault: str) -> None:
        self._fault = self._fault or fault
        raise AssertionError(fault)


def as_stream(stream: MemoryStream) -> Stream:
    """For the type checker: all that a session asks of a stream is there."""
    return cast("Stream", cast("Any", stream))
