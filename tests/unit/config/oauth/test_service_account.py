"""Service accounts: the key file, and the claim that its key signs."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sendmail_cli.config.oauth.service_account import read_service_account
from sendmail_cli.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.config.oauth.conftest import World

KEY = rsa.generate_private_key(65537, 2048)


def pem_of(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


FILE = {
    "type": "service_account",
    "client_email": "bot@project.iam.gserviceaccount.com",
    "private_key_id": "k1",
    "private_key": pem_of(KEY),
    "token_uri": "https://oauth2.googleapis.com/token",
}


def written(folder: Path, content: object, mode: int = 0o600) -> str:
    path = folder / "key.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return str(path)


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_the_claim_is_signed_and_says_who_for_whom_and_how_long(world: World, tmp_path: Path) -> None:
    claim = read_service_account(written(tmp_path, FILE)).claim("ada@example.org", "https://mail.google.com/", world)
    header, claims, signature = claim.reveal().split(".")
    octets = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    KEY.public_key().verify(octets, f"{header}.{claims}".encode(), PKCS1v15(), SHA256())
    assert decoded(header) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert decoded(claims) == {
        "iss": "bot@project.iam.gserviceaccount.com",
        "sub": "ada@example.org",
        "scope": "https://mail.google.com/",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": 1_000_000,
        "exp": 1_003_600,
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no key file of a service account"),
        ("[]", "no key file of a service account"),
        ({**FILE, "private_key": None}, "it lacks client_email, private_key_id, private_key, token_uri"),
        ({**FILE, "client_email": ""}, "no key file of a service account"),
        ({**FILE, "token_uri": "http://evil.example/token"}, "token_uri is no https:// address"),
    ],
)
def test_what_is_no_key_file(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_service_account(written(tmp_path, content))


@pytest.mark.parametrize("key", ["nonsense", pem_of(ec.generate_private_key(ec.SECP256R1())), pem_of(KEY)[:800]])
def test_what_is_no_key(world: World, tmp_path: Path, key: str) -> None:
    account = read_service_account(written(tmp_path, {**FILE, "private_key": key}))
    with pytest.raises(ConfigError, match="no RSA key in PEM") as caught:
        account.claim("ada@example.org", "x", world)
    assert key not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_nobody_else_may_read_it(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="others than its owner may read") as caught:
        read_service_account(written(tmp_path, FILE, mode))
    assert caught.value.hint.startswith("chmod go=")


def test_it_must_be_a_file(tmp_path: Path) -> None:
    for path in (str(tmp_path), str(tmp_path / "none"), "a\0b"):
        with pytest.raises(ConfigError, match="can't be read"):
            read_service_account(path)
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(ConfigError, match="it is no file"):
        read_service_account(str(tmp_path / "fifo"))
