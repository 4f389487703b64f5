"""A service account of Google's: its key signs a claim (RFC 7523), and the claim gives a token. No person is needed."""

from __future__ import annotations

import base64
import json
import os
import stat

from sendmail_cli.config.oauth.https import is_protected
from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.secret import Secret
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.environment import Environment

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME = 3600  # seconds; Google takes no longer claim
MAX_FILE = 1 << 16  # octets; such files have some 2,400
HINT = "Google's console makes such a file: IAM, Service Accounts, Keys, Add key, JSON. docs/oauth.md tells the rest."
READABLE_BY_OTHERS = 0o077


class ServiceAccount(NamedTuple):
    """What a key file holds."""

    address: str  # client_email
    key_id: str
    private_key: Secret  # PEM
    token_endpoint: str

    def claim(self, user: str, scope: str, environment: Environment) -> Secret:
        """A signed claim that `user` lets the account send mail (RFC 7523 §3). Raises `ConfigError` for a bad key."""
        now = int(environment.now())
        claims = {
            "iss": self.address,
            "sub": user,
            "scope": scope,
            "aud": self.token_endpoint,
            "iat": now,
            "exp": now + LIFETIME,
        }
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        signed = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        return Secret((signed + b"." + _encoded(self._sign(signed))).decode("ascii"))

    def _sign(self, octets: bytes) -> bytes:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(self.private_key.reveal().encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None  # what the library says of it may hold a part of it
        if not isinstance(key, RSAPrivateKey):
            raise ConfigError(f"the key of {printable(self.address, 120)} is no RSA key in PEM", hint=HINT)
        return key.sign(octets, PKCS1v15(), SHA256())


def read_service_account(path: str) -> ServiceAccount:
    """The account in the key file `path`, which nobody else may read. Raises `ConfigError`."""
    shown = printable(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            _refuse_open(shown, os.fstat(descriptor))
            data = file.read(MAX_FILE)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ConfigError(f"the key file {shown} can't be read: {printable(why, 200).lower()}") from None
    try:
        found: Any = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    names = ("client_email", "private_key_id", "private_key", "token_uri")
    texts = [text for name in names if isinstance(text := found.get(name), str)] if isinstance(found, dict) else []
    if len(texts) < len(names) or not all(texts):
        raise ConfigError(f"{shown} is no key file of a service account: it lacks {', '.join(names)}", hint=HINT)
    address, key_id, private_key, token_endpoint = texts
    if not is_protected(token_endpoint):
        raise ConfigError(f"{shown}: token_uri is no https:// address: “{printable(token_endpoint, 120)}”")
    return ServiceAccount(address, key_id, Secret(private_key), token_endpoint)


def _refuse_open(shown: str, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise ConfigError(f"the key file {shown} can't be read: it is no file")
    if os.name == "posix" and state.st_mode & READABLE_BY_OTHERS:
        raise ConfigError(f"others than its owner may read the key file {shown}", hint=f"chmod go= {shown}")


def _encoded(octets: bytes) -> bytes:
    return base64.urlsafe_b64encode(octets).rstrip(b"=")
