"""oidc-provider of npm: a provider of tokens, with rotation of refresh tokens and an eye on their second use.

`oidc_provider.js` is the program. Everybody signs in at it under any name; it tells each grant in its log.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.support.ports import reserve_ports
from tests.support.servers.npm import MODULES, missing_package
from tests.support.servers.process import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).with_suffix(".js")
PUBLIC, SECRETIVE, MACHINE = "public", "secretive", "machine"
SECRETS = {SECRETIVE: "s3cret+of/the client", MACHINE: "s3cret-of-the-machine"}


@dataclass(frozen=True, slots=True)
class Provider:
    """One that runs."""

    port: int
    log: Path

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def introspection(self) -> str:
        """Where Dovecot asks about tokens, with its user and password."""
        return f"http://dovecot:dovecot@127.0.0.1:{self.port}/token/introspection"

    def end(self, token: str) -> None:
        """This access token is good for nothing from now on, whatever its age; the sign-in still is."""
        with urlopen(f"{self.issuer}/forget?{urlencode({'token': token})}") as answer:  # noqa: S310 # to loopback
            assert answer.status == 204

    def told(self, what: str, grant: str | None = None) -> list[dict[str, Any]]:
        """What it said of one kind of event, and of one grant."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["what"] == what and grant in {None, line.get("grant")}]


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return missing_package("oidc-provider")


@contextmanager
def start(folder: Path, *, lifetime: int = 3600) -> Iterator[Provider]:
    """Runs one whose access tokens last for `lifetime` seconds."""
    log = folder / "log"
    [port] = reserve_ports()
    variables = {"MODULES": str(MODULES), "PORT": str(port), "LIFETIME": str(lifetime)}
    with serving("node", PROGRAM, log=log, ports=[port], variables=variables):
        yield Provider(port, log)
