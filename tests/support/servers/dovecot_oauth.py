"""Dovecot as in `dovecot`, for tokens in place of passwords: signed ones (JWT) that it checks by itself."""

from __future__ import annotations

import base64
import hmac
import json
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.support.servers import dovecot
from tests.support.servers.kind import Way
from tests.support.servers.running import USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.servers.kind import RealServer

BY_TOKEN = ("OAUTHBEARER", "XOAUTH2")
MECHANISMS: Mapping[Way, tuple[str, ...]] = dict.fromkeys(Way, BY_TOKEN)
KEY = b"whoever has this can make tokens"
HOUR = 3600  # seconds

# The keys are files: by the client that the token was made for, the algorithm, and the key's name.
TOKENS = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={home}/
username_attribute = sub
"""
PASSDB = """\
passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {home}/tokens
}}
"""
KEY_FILE = "default/HS256/default"


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return dovecot.missing()


@contextmanager
def start(folder: Path) -> Iterator[RealServer]:
    """`password` is a token that is good for an hour."""
    with dovecot.home() as at:
        (at / "tokens").write_text(TOKENS.format(home=at))
        key_file = at / KEY_FILE
        key_file.parent.mkdir(parents=True)
        key_file.write_bytes(base64.b64encode(KEY))
        with dovecot.start(folder, mechanisms=BY_TOKEN, passdbs=PASSDB.format(home=at)) as server:
            yield replace(server, name="dovecot_oauth", mechanisms=MECHANISMS, password=token(USER, HOUR))


def token(user: str, seconds: int) -> str:
    """A token (RFC 7519) for `user` that ends in so many seconds, or has ended."""
    now = int(time.time())
    claims = {"sub": user, "iat": now - HOUR, "exp": now + seconds}
    signed = b".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (signed + b"." + _encoded(hmac.digest(KEY, signed, "sha256"))).decode()


def _encoded(octets: bytes) -> bytes:
    return base64.urlsafe_b64encode(octets).rstrip(b"=")
