"""Signing in at a provider that does right and wrong: what is taken, what is refused, and what is said.

The keyring is one in a file, for the tests' own process to look into.
"""

from __future__ import annotations

import json
import signal
import socket
import time
from base64 import b64encode, urlsafe_b64decode
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.certificates import write_ca_file
from tests.support.command import Done, finish, wait_for_line
from tests.support.leaks import Leaks, Watched
from tests.support.patience import PATIENCE
from tests.support.small_servers import QUIT, server
from tests.support.token_server import Handler, gives, says, token_server
from tests.unit.config.oauth.test_service_account import FILE, KEY, written

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.support.command import Installed
    from tests.support.token_server import TokenServer

USER = "ada@example.org"
TOKEN = "t0ken-from-the-server"
SECRET = "s3cret-of-the-client"
SECRETS = ("an0ther-token", "r3fresh-token", "c0de-of-the-provider", SECRET)  # and TOKEN, which `token` prints
BY_TOKEN = "S: 220 mx\nC? EHLO\nS: 250-mx\nS: 250 AUTH XOAUTH2\nC? AUTH XOAUTH2\n"
TAKEN = BY_TOKEN + "S: 235 2.7.0 Ok\n"
SENDING = "C? MAIL\nS: 250 ok\nC? RCPT\nS: 250 ok\nC? DATA\nS: 354 go\nC.\nS: 250 ok\n" + QUIT
SENT = TAKEN + SENDING

KEYRING = """
import json, os
from pathlib import Path
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

class Keyring(KeyringBackend):
    priority = 5
    file = Path(os.environ["HOME"], "keyring.json")

    def kept(self):
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def get_password(self, service, username):
        return self.kept().get(f"{service} {username}")

    def set_password(self, service, username, password):
        self.file.write_text(json.dumps({**self.kept(), f"{service} {username}": password}))

    def delete_password(self, service, username):
        kept = self.kept()
        if kept.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError("none")
        self.file.write_text(json.dumps(kept))
"""


@pytest.fixture
def provider() -> Iterator[TokenServer]:
    with token_server() as running:
        running.publish()
        running.plays["/token"] = gives(refresh_token="r3fresh-token")
        yield running


@pytest.fixture
def person(command: Installed, tmp_path: Path, leaks: Leaks) -> Installed:
    """Nothing that they do may show a secret; the keyring has them."""
    leaks.secret(*SECRETS)
    leaks.keeps(command.home / "keyring.json")
    modules = leaks.variables()["PYTHONPATH"]
    Path(modules, "keyring_of_a_test.py").write_text(KEYRING)
    watched = leaks.watch(command)
    watched.variables |= {
        "PYTHONPATH": modules,
        "PYTHON_KEYRING_BACKEND": "keyring_of_a_test.Keyring",
        "SSL_CERT_FILE": write_ca_file(tmp_path),
    }
    return watched


def configure(person: Installed, port: int, table: str) -> None:
    person.configure(
        f'[profile.work]\nfrom = "{USER}"\nuser = "{USER}"\nserver = "localhost:{port}"\ntls = "none"\n'
        f"[profile.work.oauth]\n{table}\n"
    )


def by_issuer(provider: TokenServer, *more: str) -> str:
    return "\n".join((f'issuer = "{provider.url}"', 'client_id = "id"', *more))


def kept(person: Installed) -> dict[str, str]:
    path = person.home / "keyring.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    assert isinstance(found, dict)
    return found


def address(process: subprocess.Popen[bytes]) -> dict[str, str]:
    """What the address that a person is to open says."""
    return asked_in(wait_for_line(process, b"code_challenge="))


def asked_in(lines: list[bytes]) -> dict[str, str]:
    """The same, of the last line."""
    shown = lines[-1].decode().strip()
    return {name: values[0] for name, values in parse_qs(urlsplit(shown).query).items()}


def answer(asked: dict[str, str], **changes: str) -> str:
    fields = {"code": "c0de-of-the-provider", "state": asked["state"], **changes}
    return f"{asked['redirect_uri']}?{urlencode(fields)}"


def get(url: str) -> tuple[int, str]:
    try:
        with urlopen(url, timeout=PATIENCE) as page:  # noqa: S310 # to loopback
            return page.status, page.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_browser_brings_the_answer(person: Installed, provider: TokenServer) -> None:
    with server(TAKEN + QUIT) as mx:
        configure(person, mx.port, by_issuer(provider))
        with person.started("login", "--no-browser") as process:
            asked = address(process)
            with socket.create_connection(("127.0.0.1", urlsplit(asked["redirect_uri"]).port or 0)):  # and says nothing
                assert get(asked["redirect_uri"] + "favicon.ico")[0] == 404
                assert get(answer(asked, state="forged"))[0] == 400
                status, page = get(answer(asked))
            done = finish(process)

    assert (done.code, status) == (0, 200)
    assert "You can close this window" in page
    assert "c0de" not in page
    assert "still waiting" in done.err
    assert provider.forms("/token")[0]["code"] == "c0de-of-the-provider"
    assert len(provider.forms("/token")[0]["code_verifier"]) == 86
    assert any(TOKEN in text for text in kept(person).values())
    assert any("r3fresh-token" in text for text in kept(person).values())


def test_the_token_is_used_from_then_on(person: Installed, provider: TokenServer) -> None:
    with server(SENT) as mx:
        configure(person, mx.port, by_issuer(provider))
        sign_in(person, "--no-check")
        for _ in range(2):
            assert person("send", "bob@example.org", "-m", "hi").code == 0
    assert len(provider.forms("/token")) == 1


def sign_in(person: Installed, *words: str, **changes: str) -> Done:
    """`login` with the address pasted; `changes` are made to it."""
    with person.started("login", "--no-browser", *words, stdin=-1) as process:
        lines = wait_for_line(process, b"code_challenge=")
        assert process.stdin is not None
        process.stdin.write(f"\n{answer(asked_in(lines), **changes)}\n".encode())
        process.stdin.close()
        process.stdin = None
        done = finish(process)
        done = Done(done.code, done.out, b"".join(lines).decode() + done.err)
        if isinstance(person, Watched) and person.leaks is not None:
            person.leaks.see(done.out, done.err)
        return done


@pytest.mark.parametrize(
    "refusal", ["S: 535 5.7.8 no\n" + QUIT, "S: 334 eyJzdGF0dXMiOiI0MDEifQ==\nC:\nS: 535 no\n" + QUIT]
)
def test_nothing_is_kept_unless_the_server_takes_it(person: Installed, provider: TokenServer, refusal: str) -> None:
    with server(BY_TOKEN + refusal) as mx:
        configure(person, mx.port, by_issuer(provider))
        done = sign_in(person)
    assert done.code == 77
    assert kept(person) == {}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"state": "forged"}, 65, "this is not the answer to this sign-in"),
        ({"iss": "https://evil.example"}, 65, "this answer comes from “https://evil.example”"),
        ({"code": ""}, 65, "this is not the answer to this sign-in"),
        ({"error": "access_denied", "error_description": "no \x1b[2J"}, 77, "says access_denied: no \\x1b[2J"),
    ],
)
def test_a_wrong_answer(
    person: Installed, provider: TokenServer, changes: dict[str, str], code: int, words: str
) -> None:
    configure(person, 1, by_issuer(provider))
    done = sign_in(person, **changes)
    assert (done.code, words in done.err) == (code, True), done
    assert provider.forms("/token") == []


def test_a_browser_is_told_of_a_refusal(person: Installed, provider: TokenServer) -> None:
    configure(person, 1, by_issuer(provider))
    with person.started("login", "--no-browser") as process:
        status, page = get(answer(address(process), error="access_denied"))
        done = finish(process)
    assert (status, done.code) == (200, 77)
    assert "The provider said no" in page


@pytest.mark.parametrize(
    ("metadata", "code", "words"),
    [
        ({"issuer": "https://evil.example"}, 76, "is that of another issuer"),
        ({"token_endpoint": "http://login.example/token"}, 76, "no https:// address"),
        ({"authorization_endpoint": None}, 78, "has no sign-in in a browser"),
        ({"token_endpoint": None}, 76, "names no token endpoint"),
    ],
)
def test_wrong_metadata(
    person: Installed, provider: TokenServer, metadata: dict[str, object], code: int, words: str
) -> None:
    provider.publish(**metadata)
    configure(person, 1, by_issuer(provider))
    done = person("login", "--no-browser")
    assert (done.code, words in done.err) == (code, True), done


def test_a_promised_issuer_must_be_named(person: Installed, provider: TokenServer) -> None:
    provider.publish(authorization_response_iss_parameter_supported=True)
    configure(person, 1, by_issuer(provider))
    assert sign_in(person).code == 65
    assert sign_in(person, "--no-check", iss=provider.url).code == 0


def flood(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(10 << 10):
            handler.wfile.write(b'{"access_token": "' + b"x" * 1024)
    except OSError:
        pass


@pytest.mark.parametrize(
    ("play", "code", "words"),
    [
        (flood, 76, "answers without end"),
        (says({}, 307, Location="https://evil.example/"), 76, "redirects to another address"),
        (says({}, 503), 75, "can't answer now (HTTP 503)"),
        (says({"access_token": "a\r\nb"}), 76, "a token that can't be used"),
        (says([]), 76, "did not answer as OAuth 2 does"),
        (says({"error": "invalid_client", "error_description": "c0de-of-the-provider \x1b]0;x\x07"}, 401), 78,
         "invalid_client: *** \\x1b]0;x\\x07"),
        (says({"error": "invalid_grant"}, 400), 77, "invalid_grant"),
    ],
)  # fmt: skip
def test_a_hostile_token_endpoint(
    person: Installed, provider: TokenServer, play: object, code: int, words: str
) -> None:
    provider.plays["/token"] = play  # type: ignore[assignment]
    configure(person, 1, by_issuer(provider))
    done = sign_in(person, "--debug")
    assert (done.code, words in done.err) == (code, True), done
    assert "c0de-of-the-provider" not in done.err
    assert "Traceback" not in done.err
    assert kept(person) == {}


def test_an_issuer_in_the_clear_is_refused_where_it_stands(person: Installed) -> None:
    configure(person, 1, 'issuer = "http://login.example.org"\nclient_id = "id"')
    done = person("login")
    assert done.code == 78
    assert "profiles.toml, line 7: profile.work.oauth.issuer: an issuer is an https:// address" in done.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ends_at_once_when_it_is_told_to(
    person: Installed, provider: TokenServer, number: signal.Signals, code: int
) -> None:
    configure(person, 1, by_issuer(provider))
    with person.started("login", "--no-browser") as process:
        asked = address(process)
        process.send_signal(number)
        done = finish(process)
    assert done.code == code
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(asked["redirect_uri"]).port or 0))


def test_gives_up_after_a_while(person: Installed, provider: TokenServer) -> None:
    configure(person, 1, by_issuer(provider))
    more = person.inject("from sendmail_cli.config.oauth import loopback\nloopback.PATIENCE = 0.2\n")
    done = person("login", "--no-browser", variables=more)
    assert done.code == 77
    assert "nobody signed in within" in done.err


def test_without_a_keyring_nobody_is_sent_to_a_browser(person: Installed, provider: TokenServer) -> None:
    configure(person, 1, by_issuer(provider))
    done = person("login", "--no-browser", variables={"PYTHON_KEYRING_BACKEND": ""})
    assert done.code == 78
    assert "https://localhost" not in done.err


def test_a_secret_may_be_piped_in_before_the_address(person: Installed, provider: TokenServer) -> None:
    configure(person, 1, by_issuer(provider))
    with person.started(
        "login", "--no-browser", "--no-check", variables={"SENDMAIL_CLI_CLIENT_SECRET__WORK": SECRET}
    ) as process:
        get(answer(address(process)))
        assert finish(process).code == 0
    assert provider.forms("/token")[0]["client_secret"] == SECRET
    assert any(SECRET in text for text in kept(person).values())


def test_google_says_what_is_missing(person: Installed) -> None:
    configure(person, 1, 'provider = "google"')
    assert "docs/oauth.md says step by step how to get one at https://console.cloud" in person("login").err
    configure(person, 1, 'provider = "google"\nclient_id = "id"')
    done = person("login")
    assert done.code == 64
    assert "nobody gives the client secret of profile work" in done.err
    done = person("login", "--device", stdin=b"s3cret\n")
    assert done.code == 64
    assert "Google allows no sign-in by device for mail" in done.err
    assert person("login", "--device", "--no-browser").code == 64


def test_who_has_a_password_has_no_ways(person: Installed) -> None:
    person.configure(f'[profile.work]\nfrom = "{USER}"\nuser = "{USER}"\nserver = "localhost"\n')
    for words in (["login", "--no-browser"], ["login", "--device"]):
        done = person(*words)
        assert (done.code, "signs in with a password" in done.err) == (64, True)
    done = person("token")
    assert (done.code, "has no tokens" in done.err) == (78, True)
    person.configure("")
    assert person("token").code == 78


def verify(handler: Handler) -> None:
    """As Google does: a token for who shows a claim that the account's key has signed."""
    signed, _, signature = handler.server.script.asked[-1][1]["assertion"].rpartition(".")
    octets = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    try:
        KEY.public_key().verify(octets, signed.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        says({"error": "invalid_grant"}, 400)(handler)
    else:
        gives()(handler)


def test_a_service_account_signs_in_by_its_key(person: Installed, provider: TokenServer, leaks: Leaks) -> None:
    key_file = Path(written(person.home, {**FILE, "token_uri": f"{provider.url}/account"}))
    leaks.secret(FILE["private_key"].splitlines()[5])
    leaks.keeps(key_file)
    provider.plays["/account"] = verify
    table = f'provider = "google"\ngrant = "service-account"\nkey_file = "{key_file}"'
    with server(TAKEN + QUIT) as mx:
        configure(person, mx.port, table)
        assert person("login").code == 0
    with server(SENT) as mx:
        configure(person, mx.port, table)
        assert person("send", "bob@example.org", "-m", "hi", variables={"PYTHON_KEYRING_BACKEND": ""}).code == 0
    assert len(provider.forms("/account")) == 2
    key_file.chmod(0o644)
    assert person("login").code == 78


def test_logout_tells_what_it_could_not_tell(person: Installed, provider: TokenServer) -> None:
    configure(person, 1, by_issuer(provider))
    sign_in(person, "--no-check")
    done = person("logout")
    assert done.code == 0
    assert "can't be told: end the access of the program in your account there" in done.err
    assert kept(person) == {}
    provider.publish(revocation_endpoint=f"{provider.url}/revoke")
    for play, words in ((says({}, 503), "was not told that they are of no more use"), (says({}), "takes them no more")):
        sign_in(person, "--no-check")
        provider.plays["/revoke"] = play
        done = person("logout")
        assert (done.code, words in done.err, kept(person)) == (0, True, {})
    assert provider.forms("/revoke")[-1]["token"] == "r3fresh-token"
    done = person("logout")
    assert (done.code, "the keyring has no tokens of profile work" in done.err) == (78, True)


@pytest.mark.parametrize("refusal", ["S: 334 eyJzdGF0dXMiOiI0MDEifQ==\nC:\nS: 535 5.7.3 no\n", "S: 535 5.7.3 no\n"])
def test_another_token_is_tried_where_the_first_is_refused(
    person: Installed, provider: TokenServer, refusal: str
) -> None:
    """Whether the server says why (401), or nothing but no."""
    with server(f"{BY_TOKEN}{refusal}C? AUTH XOAUTH2\nS: 235 welcome\n{SENDING}") as mx:
        configure(person, mx.port, by_issuer(provider))
        sign_in(person, "--no-check")
        provider.plays["/token"] = gives("an0ther-token")
        done = person("send", "bob@example.org", "-m", "hi")
    assert done.code == 0, done
    assert len(provider.forms("/token")) == 2


@pytest.mark.parametrize("again", ["S: 334 eyJzdGF0dXMiOiI0MDEifQ==\nC:\nS: 535 5.7.3 no\n", "S: 535 5.7.3 no\n"])
def test_a_token_that_is_refused_twice_is_renewed_once(person: Installed, provider: TokenServer, again: str) -> None:
    with server(BY_TOKEN + again + "C? AUTH XOAUTH2\n" + again + QUIT) as mx:
        configure(person, mx.port, by_issuer(provider))
        sign_in(person, "--no-check")
        provider.plays["/token"] = gives("an0ther-token")
        done = person("send", "bob@example.org", "-m", "hi", "-v")
    assert done.code == 77
    assert len(provider.forms("/token")) == 2
    assert "an0ther-token" not in done.err


def test_no_secret_shows_anywhere(person: Installed, provider: TokenServer, leaks: Leaks) -> None:
    """Not even if the server and the provider echo what they are told. The keyring has them; `token` is asked for."""
    leaks.secret(TOKEN)
    said: list[Done] = []
    trace = person.home / "trace.html"
    person.variables["SENDMAIL_CLI_CLIENT_SECRET__WORK"] = SECRET
    configure(person, 1, by_issuer(provider))
    said.append(sign_in(person, "-v", "--debug", "--no-check"))
    provider.plays["/token"] = gives("an0ther-token")
    ended = "S: 334 eyJzdGF0dXMiOiI0MDEifQ==\nC:\n"
    echo = f"S: 535 5.7.8 not with an0ther-token {b64encode(b'x an0ther-token').decode()}\n"
    old_echo = f"{ended}S: 535 5.7.8 not with {TOKEN} {TOKEN.upper()}\n"
    with server(BY_TOKEN + old_echo + "C? AUTH XOAUTH2\n" + echo + QUIT) as mx:
        configure(person, mx.port, by_issuer(provider))
        said.append(person("send", "bob@example.org", "-m", "hi", "-v", "--trace", str(trace)))
    why = f"r3fresh-token {SECRET} {b64encode(SECRET.encode()).decode()}"
    provider.plays["/token"] = says({"error": "invalid_grant", "error_description": why})
    with server(BY_TOKEN + ended + echo + QUIT) as mx:
        configure(person, mx.port, by_issuer(provider))
        sending = ("send", "bob@example.org", "-m", "hi")
        said += [person(*sending, "--json", "--debug"), person(*sending, "-v", "--json")]
        said.append(person("check", "-v"))
    said += [person("profile", "show"), person("logout", "-v"), person("login", "--json")]

    assert [done.code for done in said[:4]] == [0, 77, 77, 77]
    assert "***" in said[1].err
    assert trace.exists()


def test_a_fault_of_ours_shows_no_secret(person: Installed, provider: TokenServer) -> None:
    """The traceback names lines of the program, and no values."""
    configure(person, 1, by_issuer(provider))
    more = person.inject(
        "from sendmail_cli.config.oauth import token_requests\n"
        "def fail(*words): raise ValueError(*words[:0])\n"
        "token_requests.parse_answer = fail\n"
    )
    more["PYTHONPATH"] += f":{person.variables['PYTHONPATH']}"
    person.variables |= more
    done = sign_in(person, "--debug")
    assert done.code == 70
    assert "Traceback (most recent call last):" in done.lines
    assert "c0de-of-the-provider" not in done.err
    assert provider.forms("/token")[0]["code_verifier"] not in done.err


def test_a_token_for_other_programs(person: Installed, provider: TokenServer) -> None:
    configure(person, 1, by_issuer(provider))
    sign_in(person, "--no-check")
    done = person("token", "work")
    assert (done.code, done.out, done.err) == (0, f"{TOKEN}\n".encode(), "")
    told = person("token", "--json").json
    assert told["access_token"] == TOKEN
    assert abs(told["expires_at"] - told["expires_in"] - time.time()) < 60
