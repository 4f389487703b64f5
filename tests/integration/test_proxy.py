"""Servers reached through a proxy, and proxies that are none, or hostile."""

from __future__ import annotations

import _socket
import base64
import builtins
import socket
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli.delivery import deliver
from sendmail_cli.errors import ConfigError, ConnectFailed, HostNotFound, MailError
from sendmail_cli.net import proxy as proxy_module
from sendmail_cli.net.dial import dial as really_dial
from sendmail_cli.net.proxy import MAX_HEAD, dial_by_proxy, parse_proxy_url
from sendmail_cli.net.stream import Stream
from sendmail_cli.net.stream import wait as really_wait
from sendmail_cli.secret import Secret
from sendmail_cli.server import Server, TLSMode
from sendmail_cli.trace import Trace
from tests.support.dialogue import Clock, TestEnvironment, submission_of
from tests.support.ports import reserve_ports
from tests.support.proxy_servers import HostileProxy, ProxyServer
from tests.support.scripted_server import ScriptedServer, parse_script
from tests.support.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "ada", "hunter2-p@ss/word"
SIGN_IN = f"{USER}:hunter2-p%40ss%2Fword@"
MX = "mx.example.com"
GREETING = b"220 sink.example ESMTP\r\n"
NOWHERE = "192.0.2.1"  # never connected to: the proxies here are asked, and refuse


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names this machine knows, in place of a name server."""
    known: dict[str, list[str]] = {}
    by_number = _socket.getaddrinfo

    def getaddrinfo(host: bytes, port: int, **more: int) -> list[Any]:
        if more["flags"] & socket.AI_NUMERICHOST:
            return by_number(host, port, **more)
        name = host.decode()
        assert name in known, f"{name} was looked up here"
        if not known[name]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        flags = more | {"flags": socket.AI_NUMERICHOST}
        return [found for address in known[name] for found in by_number(address, port, **flags)]

    monkeypatch.setattr(_socket, "getaddrinfo", getaddrinfo)
    return known


def talk(connected: socket.socket) -> None:
    """The proxy is out of the way: greeting, a command, QUIT."""
    clock = Clock()
    stream = Stream(connected, clock)
    try:
        assert stream.read(clock.now + 10) == GREETING
        stream.write(b"QUIT\r\n", clock.now + 10)
        assert stream.read(clock.now + 10) == b"221 bye\r\n"
    finally:
        stream.close()


def url(scheme: str, proxy: ProxyServer | HostileProxy, sign_in: str = "") -> Secret:
    return Secret(f"{scheme}://{sign_in}127.0.0.1:{proxy.port}")


def failure(url: Secret | str, host: str = NOWHERE, seconds: float = 10, clock: Any = time.monotonic) -> MailError:
    """What `dial_by_proxy` raises; neither it nor its traceback tells user and password."""
    with pytest.raises(MailError) as caught:
        dial_by_proxy(url, host, 25, seconds, clock)
    error = caught.value
    said = f"{error.sentence} {error.hint} {error.server_reply}"
    assert said.isprintable()
    lines = traceback.format_exception(error)
    shown = said + "".join(line for line in lines if not line.startswith("  File "))  # those quote our code
    for secret in ("hunter2", "p@ss", "p%40ss", USER, "YWRhOmh1bnRlcjI"):
        assert secret not in shown
    return error


@pytest.mark.parametrize(
    ("scheme", "protocol"), [("socks5h", "socks5"), ("socks4a", "socks4"), ("http", "http"), ("SOCKS5H", "socks5")]
)
def test_names_are_looked_up_by_the_proxy(scheme: str, protocol: str, sink: Sink, names: dict[str, list[str]]) -> None:
    with ProxyServer(protocol, names={MX: ("127.0.0.1", sink.port)}) as proxy:
        talk(dial_by_proxy(url(scheme, proxy), MX, 25, 10, Clock()))
    assert proxy.asked == [(MX, 25)]
    assert names == {}


@pytest.mark.parametrize("scheme", ["socks5", "socks4"])
def test_names_are_looked_up_here(scheme: str, sink: Sink, names: dict[str, list[str]]) -> None:
    names[MX] = ["127.0.0.1"]
    with ProxyServer(scheme) as proxy:
        talk(dial_by_proxy(url(scheme, proxy), MX, sink.port, 10, Clock()))
    assert proxy.asked == [("127.0.0.1", sink.port)]


@pytest.mark.parametrize("scheme", ["socks5h", "socks5", "socks4a", "socks4", "http"])
def test_an_address_needs_no_looking_up(scheme: str, sink: Sink, names: dict[str, list[str]]) -> None:
    with ProxyServer(scheme.rstrip("ah")) as proxy:
        talk(dial_by_proxy(url(scheme, proxy).reveal(), "127.0.0.1", sink.port, 10, Clock()))
    assert proxy.asked == [("127.0.0.1", sink.port)]
    assert names == {}


@pytest.mark.parametrize("scheme", ["socks5h", "socks5", "http"])
def test_ipv6(scheme: str) -> None:
    with ProxyServer(scheme.rstrip("h"), names={"::1": ("::1", 0)}, refused={"::1": 5}) as proxy:
        failure(url(scheme, proxy), "::1")
    assert proxy.asked == [("::1", 25)]


@pytest.mark.parametrize("scheme", ["socks5h", "http"])
def test_user_and_password(scheme: str, sink: Sink) -> None:
    with ProxyServer(scheme.rstrip("h"), sign_in=(USER, PASSWORD)) as proxy:
        talk(dial_by_proxy(url(scheme, proxy, SIGN_IN), "127.0.0.1", sink.port, 10, Clock()))
    assert proxy.signed_in == [(USER, PASSWORD)]


def test_user_of_socks4_and_of_http_without_a_password(sink: Sink) -> None:
    for scheme in ("socks4", "http"):
        with ProxyServer(scheme, sign_in=(USER, "")) as proxy:
            talk(dial_by_proxy(url(scheme, proxy, f"{USER}@"), "127.0.0.1", sink.port, 10, Clock()))
        assert proxy.signed_in == [(USER, "")]


@pytest.mark.parametrize("scheme", ["socks5h", "socks4", "http"])
def test_what_the_server_says_with_the_proxys_answer_is_not_lost(scheme: str, sink: Sink) -> None:
    """python-socks reads an HTTP answer in one go, and throws away what comes behind it: the greeting."""
    with ProxyServer(scheme.rstrip("h"), greets_at_once=True) as proxy:
        talk(dial_by_proxy(url(scheme, proxy), "127.0.0.1", sink.port, 10, Clock()))


@pytest.mark.parametrize("cut", range(1, 39))
def test_an_answer_of_http_in_pieces(cut: int) -> None:
    """However it is cut, the next octet is the server's; what isn't told to stop there would go to SMTP."""
    answer = b"HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n" + GREETING
    here, there = socket.socketpair()
    clock = Clock()
    line = proxy_module._Line(here, parse_proxy_url("http://127.0.0.1:3128"), clock.now + 5, clock)
    with here, there:
        there.sendall(answer[:cut])
        later = threading.Timer(0.0, there.sendall, [answer[cut:]])
        later.start()
        head = line.recv(65536)
        later.join()
        assert head + GREETING == answer
        assert here.recv(65536) == GREETING


def test_bind_is_where_the_connection_to_the_proxy_comes_from(sink: Sink) -> None:
    with ProxyServer("socks5") as proxy:
        connected = dial_by_proxy(url("socks5", proxy), "127.0.0.1", sink.port, 10, Clock(), bind="127.0.0.7")
        assert connected.getsockname()[0] == "127.0.0.7"
        talk(connected)


def test_duty33_no_password_goes_by_a_proxy_in_the_clear() -> None:
    """The server's address is this machine's for the proxy alone, and the proxy's own says nothing of the server."""
    environment = TestEnvironment()
    steps = parse_script("S: 220 mx\nC? EHLO\nS: 250-mx\nS: 250 AUTH PLAIN\nC? QUIT\nS: 221 bye\n")
    with ScriptedServer(steps) as mx, ProxyServer("socks5") as proxy:
        report = deliver(
            submission_of(b"x\r\n"),
            Server("127.0.0.1", mx.port, proxy=url("socks5", proxy), tls=TLSMode.NONE, user="ada"),
            lambda: Secret("hunter2"),
            environment,
            Trace(environment.monotonic, lambda _: None),
        )
    assert report.exit_code == 78
    assert b"AUTH" not in mx.received


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_duty37_a_proxy_that_speaks_as_the_server_shows_no_password(scheme: str) -> None:
    environment = TestEnvironment()
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    echo = b"220 mx hunter2-p@ss/word " + basic + b"\r\n"
    answers = {
        "http": [b"HTTP/1.1 200 ok\r\n\r\n" + echo],
        "socks5h": [b"\5\2", b"\1\0", b"\5\0\0\1" + bytes(6) + echo],
    }
    events: list[str] = []
    with HostileProxy([*answers[scheme], echo.replace(b"220", b"550")]) as proxy:
        report = deliver(
            submission_of(b"x\r\n"),
            Server(MX, 25, proxy=url(scheme, proxy, SIGN_IN), tls=TLSMode.NONE),
            lambda: Secret(""),
            environment,
            Trace(environment.monotonic, lambda event: events.append(event.text)),
        )
    assert report.error is not None
    told = "\n".join((*events, *(outcome.text for outcome in report.outcomes), report.error.server_reply))
    assert told.count("mx *** YWRhOm***") == 3  # "ada:" is no secret
    assert "hunter2" not in told


def test_the_proxy_is_looked_up_too(sink: Sink, names: dict[str, list[str]]) -> None:
    names["bücher.example".encode("idna").decode()] = ["127.0.0.1"]
    with ProxyServer("socks5") as proxy:
        talk(dial_by_proxy(f"socks5://Bücher.Example.:{proxy.port}", "127.0.0.1", sink.port, 10, Clock()))
    names["proxy.example.org"] = []
    error = failure("socks5h://proxy.example.org")
    assert type(error) is HostNotFound
    assert error.sentence == "the proxy can't be reached: there is no host named proxy.example.org"


def test_a_proxy_that_does_not_run() -> None:
    [port] = reserve_ports()
    error = failure(f"socks5h://{SIGN_IN}127.0.0.1:{port}")
    assert error.sentence == f"the proxy can't be reached: no connection to 127.0.0.1 port {port}: connection refused"
    assert error.exit_code == 75
    assert "proxy" in error.hint


@pytest.mark.parametrize(
    ("scheme", "code", "words"),
    [
        ("socks5h", 1, "it could not"),
        ("socks5h", 2, "its rules forbid it"),
        ("socks5h", 5, "connection refused"),
        ("socks5", 3, "network unreachable"),
        ("socks4", 0x5B, "it could not, or would not"),
        ("socks4a", 0x5C, "it asks identd who we are"),
        ("http", 403, r"its rules forbid it \(HTTP 403\)"),
        ("http", 504, r"it timed out \(HTTP 504\)"),
        ("http", 418, "its answer was HTTP 418"),
        ("http", 204, "its answer was HTTP 204"),
    ],
)
def test_the_proxy_does_not_get_there(scheme: str, code: int, words: str) -> None:
    with ProxyServer(scheme.rstrip("ah"), refused={NOWHERE: code}) as proxy:
        error = failure(url(scheme, proxy))
    assert isinstance(error, ConnectFailed)
    assert error.sentence.startswith(f"the proxy 127.0.0.1:{proxy.port} made no connection to {NOWHERE} port 25: ")
    with pytest.raises(ConnectFailed, match=f": {words}$"):
        raise error
    assert error.hint


def test_addresses_looked_up_here_are_asked_for_one_after_the_other(sink: Sink, names: dict[str, list[str]]) -> None:
    names[MX] = ["2001:db8::1", "192.0.2.1", "127.0.0.1", "192.0.2.2"]
    refused = {"2001:db8::1": 8, "192.0.2.1": 4}
    with ProxyServer("socks5", refused=refused) as proxy:
        talk(dial_by_proxy(url("socks5", proxy), MX, sink.port, 10, Clock()))
    assert [host for host, _ in proxy.asked] == ["2001:db8::1", "192.0.2.1", "127.0.0.1"]
    names[MX] = list(refused)
    with ProxyServer("socks5", refused=refused) as proxy:
        error = failure(url("socks5", proxy), MX)
    assert error.sentence.endswith(": it knows no such address (2001:db8::1); host unreachable (192.0.2.1)")


def test_one_deadline_for_all_of_them(names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    left: list[float] = []

    def dial(host: str, port: int, seconds: float, *more: Any, **others: Any) -> socket.socket:
        left.append(seconds)
        clock.now += 4
        return really_dial(host, port, 10, *more, **others)

    monkeypatch.setattr(proxy_module, "dial", dial)
    names[MX] = ["192.0.2.1", "192.0.2.2"]
    with ProxyServer("socks5", refused={"192.0.2.1": 4, "192.0.2.2": 4}) as proxy:
        failure(url("socks5", proxy), MX, 10, clock)
    assert left == [10, 6]


def test_socks4_knows_no_ipv6(sink: Sink, names: dict[str, list[str]]) -> None:
    names[MX] = ["::1", "127.0.0.1"]
    with ProxyServer("socks4") as proxy:
        talk(dial_by_proxy(url("socks4", proxy), MX, sink.port, 10, Clock()))
        names[MX] = ["::1"]
        for error in (failure(url("socks4", proxy), MX), failure(url("socks4a", proxy), "2001:db8::1")):
            assert isinstance(error, ConnectFailed)
            assert error.sentence.endswith("SOCKS4 knows no IPv6")
    assert len(proxy.asked) == 1


@pytest.mark.parametrize("scheme", ["socks5h", "http"])
@pytest.mark.parametrize(
    ("sign_in", "words"), [("", "wants a user and a password"), (SIGN_IN, "did not take the user and the password")]
)
def test_a_sign_in_that_is_refused(scheme: str, sign_in: str, words: str) -> None:
    with ProxyServer(scheme.rstrip("h"), sign_in=("eve", "other")) as proxy:
        error = failure(url(scheme, proxy, sign_in))
    assert type(error) is ConnectFailed
    assert error.sentence == f"the proxy 127.0.0.1:{proxy.port} {words}"
    assert "USER:PASSWORD@HOST" in error.hint
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("sign_in", "sayings", "words"),
    [
        (SIGN_IN, [b"\x05\xff"], "takes no user and password, but another sign-in"),
        ("", [b"\x05\x02"], "wants a user and a password"),
        ("", [b"\x05\x01"], "does not speak SOCKS5"),
        (SIGN_IN, [b"\x05\x02", b"\x01\x07"], "did not take the user and the password"),
        (SIGN_IN, [b"\x05\x02", b"\x05\x00"], "does not speak SOCKS5"),
    ],
)
def test_ways_to_sign_in(sign_in: str, sayings: list[bytes], words: str) -> None:
    with HostileProxy(sayings) as proxy:
        assert words in failure(url("socks5h", proxy, sign_in)).sentence


GARBAGE = [
    pytest.param("socks5h", [b"SSH-2.0-OpenSSH_9.6\r\n"], id="socks5-ssh"),
    pytest.param("socks5h", [GREETING], id="socks5-smtp"),
    pytest.param("socks5h", [b"\x04\x00"], id="socks5-version"),
    pytest.param("socks5h", [b"\x05\x77"], id="socks5-way"),
    pytest.param("socks5h", [b"\x05\x00", b"\x05\x63\x00\x01"], id="socks5-code"),
    pytest.param("socks5h", [b"\x05\x00", b"\x05\x00\x01\x01"], id="socks5-reserved"),
    pytest.param("socks5h", [b"\x05\x00", b"\x05\x00\x00\x09\x00\x00"], id="socks5-kind"),
    pytest.param("socks5h", [b"\x05\x00", b"\x05\x00\x00\x03\x04\xff\xfe\xfd\xfc\x00\x19"], id="socks5-not-utf8"),
    pytest.param("socks5h", [b"\x05\x00", b"\x00\x5a" + bytes(6)], id="socks5-socks4"),
    pytest.param("socks4a", [b"\x00\x11" + bytes(6)], id="socks4-code"),
    pytest.param("socks4a", [b"HTTP/1.1 400 Bad request\r\n\r\n"], id="socks4-http"),
    pytest.param("http", [b"\x05\xff"], id="http-socks5"),
    pytest.param("http", [GREETING], id="http-smtp"),
    pytest.param("http", [b"HTTP/1.1\r\n\r\n"], id="http-no-code"),
    pytest.param("http", [b"HTTP/1.1 OK 200\r\n\r\n"], id="http-code"),
    pytest.param("http", [b"HTTP/1.1 -7 \xff\r\n\r\n"], id="http-negative"),
    pytest.param("http", [b"HTTP/1.1 " + b"9" * 60 + b"\r\n\r\n"], id="http-huge"),
    pytest.param("http", [b"HTTP/1.1 " + b"9" * 6000 + b"\r\n\r\n"], id="http-larger-than-int-takes"),
    pytest.param("http", [b"\r\n\r\n"], id="http-empty"),
]


@pytest.mark.parametrize("then", ["close", "hang"])
@pytest.mark.parametrize(("scheme", "sayings"), GARBAGE)
def test_what_is_no_proxy(scheme: str, sayings: list[bytes], then: str) -> None:
    with HostileProxy(sayings, then) as proxy:
        error = failure(url(scheme, proxy))
    protocol = scheme.rstrip("ah").upper()
    assert type(error) is ConnectFailed
    assert error.sentence == f"what answers at the proxy 127.0.0.1:{proxy.port} does not speak {protocol}"
    assert error.hint


@pytest.mark.parametrize("scheme", ["socks5h", "socks4a", "http"])
@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_proxy_that_hangs_up(scheme: str, then: str) -> None:
    with HostileProxy([] if then == "reset" else [b""], then) as proxy:
        error = failure(url(scheme, proxy))
    assert type(error) is ConnectFailed
    assert error.sentence.startswith(f"the connection to the proxy 127.0.0.1:{proxy.port} broke before")
    assert error.sentence.endswith("connection reset by peer" if then == "reset" else "it closed it")


HALVES = [
    pytest.param("socks5h", [], id="socks5-nothing"),
    pytest.param("socks5h", [b"\x05"], id="socks5-half-a-way"),
    pytest.param("socks5h", [b"\x05\x00", b"\x05\x00\x00\x03\xff"], id="socks5-long-name"),
    pytest.param("socks4a", [b"\x00\x5a"], id="socks4"),
    pytest.param("http", [b"HTTP/1.1 200 OK\r\n"], id="http"),
    pytest.param("http", [b"HTT"], id="http-start"),
]


@pytest.mark.parametrize(("scheme", "sayings"), HALVES)
def test_a_proxy_that_hangs(scheme: str, sayings: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    waits: list[float] = []

    def wait(waiting: socket.socket, seconds: float, *, for_read: bool, for_write: bool) -> None:
        waits.append(seconds)
        if proxy.heard and len(waits) > len(sayings) + 1:
            clock.now += seconds  # it has said what it has to say: nobody waits for the rest
        else:
            really_wait(waiting, 0.01, for_read=for_read, for_write=for_write)

    monkeypatch.setattr(proxy_module, "wait", wait)
    with HostileProxy(sayings, "hang") as proxy:
        error = failure(url(scheme, proxy), seconds=30, clock=clock)
    assert type(error) is ConnectFailed
    assert error.sentence == f"the proxy 127.0.0.1:{proxy.port} took too long to connect us"
    assert set(waits) == {30.0}


@pytest.mark.parametrize(
    ("scheme", "sayings"),
    [
        pytest.param("socks5h", [b"\x05\x00", b"\x05\x00\x00\x03\xff", b"x"], id="socks5"),
        pytest.param("http", [b"HTTP/1.1 200 OK\r\nX: ", b"x"], id="http"),
    ],
)
def test_a_proxy_that_drips_gains_nothing(scheme: str, sayings: list[bytes]) -> None:
    clock = Clock()

    def hurrying() -> float:
        clock.now += 1  # each look at the clock: its octets come faster than the deadline's end
        return clock.now

    with HostileProxy(sayings, "drip") as proxy:
        error = failure(url(scheme, proxy), seconds=40, clock=hurrying)
    assert error.sentence == f"the proxy 127.0.0.1:{proxy.port} took too long to connect us"


def test_an_answer_without_end() -> None:
    with HostileProxy([b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"], "repeat") as proxy:
        assert "does not speak HTTP" in failure(url("http", proxy)).sentence
    assert MAX_HEAD < 1_000_000


def test_a_proxy_that_takes_nothing() -> None:
    """The request is larger than what the system takes: who never reads must not hold us."""
    here, there = socket.socketpair()
    clock = Clock()

    def hurrying() -> float:
        clock.now += 1
        return clock.now

    line = proxy_module._Line(here, parse_proxy_url("http://127.0.0.1:3128"), clock.now + 0.5, hurrying)
    with here, there, pytest.raises(ConnectFailed, match="took too long"):
        line.sendall(bytes(10_000_000))


def test_a_proxy_that_is_gone_when_we_speak() -> None:
    here, there = socket.socketpair()
    clock = Clock()
    line = proxy_module._Line(here, parse_proxy_url("http://127.0.0.1:3128"), clock.now + 5, clock)
    there.close()
    with here, pytest.raises(ConnectFailed, match="broke before it led anywhere: broken pipe"):
        line.sendall(b"CONNECT")


def test_what_fails_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[socket.socket] = []

    def dial(*words: Any, **more: Any) -> socket.socket:
        connected.append(really_dial(*words, **more))
        return connected[-1]

    monkeypatch.setattr(proxy_module, "dial", dial)
    with ProxyServer("socks5", refused={NOWHERE: 2}) as proxy:
        failure(url("socks5", proxy))
    with HostileProxy([b"garbage"]) as stranger:
        failure(url("socks5", stranger))

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(proxy_module, "wait", interrupt)
    with HostileProxy([], "hang") as silent, pytest.raises(KeyboardInterrupt):
        dial_by_proxy(url("socks5", silent), NOWHERE, 25, 10, Clock())
    assert [it.fileno() for it in connected] == [-1, -1, -1]


def test_an_address_with_an_interface_is_nothing_for_a_proxy() -> None:
    with pytest.raises(ConfigError, match="has a meaning on this machine alone"):
        dial_by_proxy("http://127.0.0.1:3128", "fe80::1%eth0", 25, 5, Clock())


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    really_import = builtins.__import__

    def importer(name: str, *more: Any) -> Any:
        if name.startswith("python_socks"):
            raise ImportError(name)
        return really_import(name, *more)

    monkeypatch.setattr(builtins, "__import__", importer)
    error = failure("socks5h://127.0.0.1")
    assert error.exit_code == 78
    assert "python-socks" in error.sentence
    assert "pip install" in error.hint


URLS = [
    ("socks5://h", ("socks5", "h", 1080), ("", ""), "h:1080"),
    ("socks4a://127.0.0.1/", ("socks4a", "127.0.0.1", 1080), ("", ""), "127.0.0.1:1080"),
    ("socks4://ada@127.0.0.1:9", ("socks4", "127.0.0.1", 9), ("ada", ""), "127.0.0.1:9"),
    ("HTTP://ada@Proxy.Example:3128", ("http", "proxy.example", 3128), ("ada", ""), "proxy.example:3128"),
    ("http://a%40b:c%3Ad@[::1]:3128", ("http", "::1", 3128), ("a@b", "c:d"), "[::1]:3128"),
    (" socks5h://a:b@c@proxy. ", ("socks5h", "proxy", 1080), ("a", "b@c"), "proxy:1080"),
    ("http://gr%C3%BCn:%C3%A4@p:1", ("http", "p", 1), ("grün", "ä"), "p:1"),
]


@pytest.mark.parametrize(("text", "where", "sign_in", "shown"), URLS)
def test_a_url(text: str, where: tuple[str, str, int], sign_in: tuple[str, str], shown: str) -> None:
    parsed = parse_proxy_url(Secret(text))
    assert (parsed.scheme, parsed.host, parsed.port) == where
    assert (parsed.user.reveal(), parsed.password.reveal()) == sign_in
    assert str(parsed) == shown
    assert repr(parsed).endswith("user=***, password=***)")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0.1:1080",
        "hunter2",
        "ada:hunter2@proxy:1080",
        "https://ada:hunter2@proxy:3128",
        "ftp://ada:hunter2@proxy",
        "socks5://",
        "socks5://ada:hunter2@",
        "socks5://ada:hunter2@:1080",
        "socks5://ada:hunter2",
        "socks5://ada:hunter2@proxy:0",
        "socks5://ada:hunter2@proxy:99999",
        "socks5://ada:hunter2@proxy:x",
        "socks5://ada:hunter2@[::1",
        "socks5://ada:hunter2@[fe80:hunter2]",
        "socks5://ada:hunter2@pro xy",
        "socks5://ada:hunter2@pro_xy..de",
        "socks5://ada:hunter2@proxy\u2100.example",
        "socks5://ada:hunter2@proxy/hunter2",
        "socks5://ada:12/hunter2@proxy:1080",
        "socks5://ada:hunter2?@proxy:1080",
        "socks5://ada:hunter2#@proxy:1080",
        "socks5://proxy:1080#hunter2",
        "socks5://proxy:1080?hunter2",
        "socks5://ada:hunter2%ff@proxy:1080",
        "socks5://ada:hunter2\n@proxy:1080",
        "socks5://ada:hunter2%0A@proxy:1080",
        "socks5://ada:hunter2\ud800@proxy:1080",
        "socks5://ada@proxy:1080",
        "socks5://ada:@proxy:1080",
        "socks5://:hunter2@proxy:1080",
        "socks5://ada:hunter2%C3%A4@proxy:1080",
        "socks5://ada:" + "hunter2" * 40 + "@proxy:1080",
        "socks4://ada:hunter2@proxy:1080",
        "socks4://%C3%A4@proxy:1080",
        "http://ada:hunter2@proxy",
        "http://ada%3Ahunter2:hunter2@proxy:3128",
        "http://:hunter2@proxy:3128",
        "http://ada:hunter2%E2%82%AC@proxy:3128",
    ],
)
def test_a_url_that_can_not_be_used(text: str) -> None:
    error = failure(text)
    assert type(error) is ConfigError
    assert error.exit_code == 78
