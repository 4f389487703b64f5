"""HTTP for OAuth, against servers that do right and wrong: in time, over TLS, never elsewhere, never without end."""

from __future__ import annotations

from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.config.oauth import https
from sendmail_cli.config.oauth.https import MAX_ANSWER, Answer, fetch, is_protected
from sendmail_cli.environment import Environment
from sendmail_cli.errors import CertificateRejected, RemoteProtocolError, TemporaryError
from tests.support.certificates import Kind, write_ca_file
from tests.support.small_servers import server as smtp_server
from tests.support.token_server import Handler, gives, says, token_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.token_server import TokenServer

WORLD = Environment({})
NOBODY = "http://127.0.0.1:1/"


@pytest.fixture(autouse=True)
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", write_ca_file(tmp_path))


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as running:
        yield running


def test_a_form_is_posted_and_the_answer_read(server: TokenServer) -> None:
    server.plays["/token"] = says({"a": "b"}, 400)
    answer = fetch(f"{server.url}/token", WORLD, form="x=1&y=%2B")
    assert (answer.status, answer.fields()) == (400, {"a": "b"})
    assert server.asked == [("/token", {"x": "1", "y": "+"})]
    assert answer.host == f"localhost:{server.port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("form", [None, "secret=1"])
def test_no_redirect_is_followed(server: TokenServer, status: int, form: str | None) -> None:
    server.plays["/token"] = says({}, status, Location=f"{server.url}/other")
    answer = fetch(f"{server.url}/token", WORLD, form=form)
    assert [path for path, _ in server.asked] == ["/token"]
    with pytest.raises(RemoteProtocolError, match="redirects to another address"):
        answer.refuse_failing()


@pytest.mark.parametrize(
    "kind", [Kind.EXPIRED, Kind.WRONG_NAME, Kind.SELF_SIGNED, Kind.UNKNOWN_ISSUER, Kind.COMMON_NAME_ONLY]
)
def test_a_wrong_certificate_hears_nothing(kind: Kind) -> None:
    with token_server(kind) as server:
        with pytest.raises(CertificateRejected, match=r"the certificate of localhost:.* is not valid"):
            fetch(f"{server.url}/token", WORLD, form="secret=1")
        assert server.asked == []


@pytest.mark.parametrize("size", [MAX_ANSWER + 1, 10 << 20])
def test_an_answer_without_end(server: TokenServer, size: int) -> None:
    def flood(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            for _ in range(size // 1024 + 1):
                handler.wfile.write(b"x" * 1024)

    server.plays["/token"] = flood
    with pytest.raises(RemoteProtocolError, match="answers without end"):
        fetch(f"{server.url}/token", WORLD)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"])
def test_a_server_that_drips_is_left(server: TokenServer, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(https, "TIMEOUT", 0.5)
    is_over = Event()

    def drip(handler: Handler) -> None:
        handler.wfile.write(said)
        with suppress(OSError):
            while not is_over.wait(0.02):
                if said:
                    handler.wfile.write(b"x")

    server.plays["/token"] = drip
    try:
        with pytest.raises(TemporaryError, match=r"localhost:.* (did not answer within|no answer|timed out)"):
            fetch(f"{server.url}/token", WORLD)
    finally:
        is_over.set()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 70000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
    ],
)
def test_what_is_no_http(server: TokenServer, said: bytes) -> None:
    def play(handler: Handler) -> None:
        handler.wfile.write(said)

    server.plays["/token"] = play
    with pytest.raises(TemporaryError, match="no answer from localhost") as caught:
        fetch(f"{server.url}/token", WORLD)
    assert caught.value.sentence.isprintable()


def test_nobody_is_there_or_speaks_no_tls() -> None:
    with pytest.raises(TemporaryError, match=r"no connection to 127\.0\.0\.1:1: connection refused"):
        fetch(NOBODY, WORLD)
    with smtp_server("S: 220 mx\nC~\n") as mx, pytest.raises(TemporaryError, match="no connection to localhost"):
        fetch(f"https://localhost:{mx.port}/", WORLD)


@pytest.mark.parametrize(
    ("url", "is_right"),
    [
        ("https://login.example.org/x", True),
        ("http://127.0.0.1:5/x", True),
        ("http://localhost/x", True),
        ("http://[::1]:5/x", True),
        ("http://login.example.org/x", False),
        ("http://127.0.0.1.example.org/x", False),
        ("ftp://localhost/x", False),
        ("file:///etc/passwd", False),
        ("https:///x", False),
        ("https://ada@x/", False),
        ("https://x/#y", False),
        ("https://x/ y", False),
        ("https://x/\n", False),
        ("https://[x", False),
        ("https://x:y/", False),
        ("https://exämple.org", False),
        ("", False),
    ],
)
def test_where_secrets_may_go(url: str, is_right: bool) -> None:
    assert is_protected(url) is is_right
    if not is_right:
        with pytest.raises(RemoteProtocolError, match="is no https:// address, so nothing is sent there"):
            fetch(url, WORLD)


def test_a_proxy_is_gone_by_but_not_to_this_machine() -> None:
    with token_server(None) as proxy:
        world = Environment({"https_proxy": proxy.url, "HTTP_PROXY": proxy.url, "no_proxy": "near.example"})
        with pytest.raises(TemporaryError, match=r"login\.example: tunnel connection failed: 501"):
            fetch("https://login.example/token", world)
        assert len(proxy.asked) == 0
        with token_server() as server:
            server.plays["/token"] = gives()
            assert fetch(f"{server.url}/token", world).status == 200


def test_an_answer_that_is_none() -> None:
    for body in (b"", b"[]", b"\xff"):
        with pytest.raises(RemoteProtocolError, match="did not answer as OAuth 2 does"):
            Answer("x", 200, body).fields()
