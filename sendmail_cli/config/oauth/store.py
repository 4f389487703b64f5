"""Tokens in the operating system's keyring, in pieces where a keyring takes no longer ones.

A record of one piece is one entry. A longer one has a head that names its pieces, and is changed by changing the head:
who is killed meanwhile leaves the old record whole.
"""

from __future__ import annotations

import json
from contextlib import suppress

from sendmail_cli.config.oauth.token_requests import Granted
from sendmail_cli.config.os_keyring import KeyringEntry, delete_password, get_password, set_password
from sendmail_cli.errors import CredentialMissing
from sendmail_cli.secret import Secret
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.environment import Environment

MAX_PIECE = 1000  # characters; Windows takes 1280
NO_KEYRING_HINT = (
    "The tokens of a person are kept nowhere else. Client credentials and a service account do without one: "
    "docs/oauth.md."
)
WHOLE, HEAD = "=", "*"  # what an entry begins with: it is the record, or names its pieces


class SignedIn(NamedTuple):
    """What a sign-in left, for getting tokens from then on."""

    refresh_token: Secret | None
    client_secret: Secret | None


class TokenStore:
    """The records of one profile's user. What is kept for another client, provider or scope is not there.

    Every method raises what `os_keyring.get_password` does.
    """

    def __init__(self, entry: KeyringEntry, identity: str, environment: Environment, *, may_ask: bool) -> None:
        self._entry = entry._replace(profile_name=f"{entry.profile_name}/oauth")
        self._identity = identity
        self._environment = environment
        self._may_ask = may_ask

    def sign_in(self) -> SignedIn | None:
        """What the last sign-in left; None where nobody has signed in."""
        found = self._load("sign-in")
        if found is None:
            return None
        return SignedIn(_secret(found.get("refresh_token")), _secret(found.get("client_secret")))

    def keep_sign_in(self, signed_in: SignedIn) -> None:
        """Keep it in place of the last one."""
        self._save("sign-in", refresh_token=signed_in.refresh_token, client_secret=signed_in.client_secret)

    def access(self) -> Granted | None:
        """The last access token, which may have ended."""
        found = self._load("access token")
        if found is None:
            return None
        token, expires_at = _secret(found.get("access_token")), found.get("expires_at")
        return Granted(token, float(expires_at)) if token is not None and isinstance(expires_at, int | float) else None

    def keep_access(self, granted: Granted) -> None:
        """Keep its access token in place of the last one."""
        self._save("access token", access_token=granted.access_token, expires_at=granted.expires_at)

    def forget(self) -> bool:
        """Take both out, whatever client and provider they are for; False where there were none."""
        found = [self._delete(name) for name in ("access token", "sign-in")]
        return any(found)

    def _load(self, name: str) -> dict[str, Any] | None:
        text = self._read(name)
        try:
            found = json.loads(text) if text is not None else None
        except ValueError:
            return None
        return found if isinstance(found, dict) and found.get("for") == self._identity else None

    def _save(self, name: str, **values: Secret | float | None) -> None:
        fields = {key: value.reveal() if isinstance(value, Secret) else value for key, value in values.items()}
        self._write(name, json.dumps({"for": self._identity, **fields}))

    def _read(self, name: str) -> str | None:
        head = self._get(name)
        if head is None or head.startswith(WHOLE):
            return None if head is None else head[1:]
        pieces = [self._get(piece) for piece in self._pieces(name, head)]
        return "".join(piece for piece in pieces if piece is not None)

    def _write(self, name: str, text: str) -> None:
        before = self._get(name)
        if len(text) < MAX_PIECE:
            self._set(name, WHOLE + text)
        else:
            pieces = [text[start : start + MAX_PIECE] for start in range(0, len(text), MAX_PIECE)]
            head = f"{HEAD}{self._environment.random_bytes(4).hex()} {len(pieces)}"
            for piece_name, piece in zip(self._pieces(name, head), pieces, strict=True):
                self._set(piece_name, piece)
            self._set(name, head)
        self._drop_pieces(name, before)

    def _delete(self, name: str) -> bool:
        head = self._get(name)
        if head is None:
            return False
        delete_password(self._at(name), self._environment, may_ask=self._may_ask)
        self._drop_pieces(name, head)
        return True

    def _drop_pieces(self, name: str, head: str | None) -> None:
        for piece in self._pieces(name, head or ""):
            with suppress(CredentialMissing):  # who was killed here took it out already
                delete_password(self._at(piece), self._environment, may_ask=self._may_ask)

    @staticmethod
    def _pieces(name: str, head: str) -> list[str]:
        """The names of the entries that `head` stands for."""
        which, _, count = head.removeprefix(HEAD).partition(" ")
        is_head = head.startswith(HEAD) and count.isdecimal() and len(count) < 4
        return [f"{name} {which} {number}" for number in range(1, int(count) + 1)] if is_head else []

    def _at(self, name: str) -> KeyringEntry:
        return self._entry._replace(user=f"{self._entry.user}: {name}")

    def _get(self, name: str) -> str | None:
        try:
            found = get_password(self._at(name), self._environment, may_ask=self._may_ask)
        except CredentialMissing as error:
            error.hint = NO_KEYRING_HINT
            raise
        return None if found is None else found.reveal()

    def _set(self, name: str, text: str) -> None:
        set_password(self._at(name), Secret(text), self._environment, may_ask=self._may_ask)


def _secret(value: object) -> Secret | None:
    return Secret(value) if isinstance(value, str) and value else None
